"""Base of tests on a site: runs under pytest and under `bench run-tests`, rolls back after each test."""

import frappe
from frappe.tests.utils import FrappeTestCase

from crm_ext.deals import touch
from crm_ext.tests import factories


class SiteTestCase(FrappeTestCase):
	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		factories.ensure_site()

	def tearDown(self):
		frappe.set_user("Administrator")
		frappe.db.rollback()
		super().tearDown()

	def make_email_account(self) -> None:
		"""What mail is queued for. Past the document layer, which would log in at the server."""
		account = frappe.get_doc(
			{
				"doctype": "Email Account",
				"email_account_name": factories.unique("Outgoing"),
				"email_id": f"{frappe.generate_hash(length=10)}@example.com",
				"enable_outgoing": 1,
				"default_outgoing": 1,
				"smtp_server": "127.0.0.1",
			}
		)
		account.name = account.email_account_name
		account.db_insert()
		frappe.local.outgoing_email_account = {}
		self.addCleanup(setattr, frappe.local, "outgoing_email_account", {})

	def deal_of(self, document) -> "frappe._dict":
		"""The only deal of a document, derived as before a commit."""
		deals = self.deals_of(document)
		self.assertEqual(len(deals), 1, f"{document.doctype} {document.name} has deals {deals}")
		return deals[0]

	def deals_of(self, document) -> list:
		touch.flush()
		names = frappe.get_all(
			"Deal Ledger Entry",
			filters={"voucher_type": document.doctype, "voucher_no": document.name},
			pluck="deal",
			distinct=True,
			order_by="deal",
		)
		return [frappe.get_doc("Deal", name) for name in names]

	def assertFigures(self, deal, **expected):
		deal = frappe.get_doc("Deal", deal if isinstance(deal, str) else deal.name)
		actual = {field: deal.get(field) for field in expected}
		self.assertEqual(actual, expected)


class WithoutErrors:
	"""Mixin: a test fails if the app logged an error meanwhile that is not among `errors`."""

	def setUp(self):
		super().setUp()
		self.errors = self.errors_logged()

	def tearDown(self):
		new = self.errors_logged() - self.errors
		super().tearDown()
		# The table knows no rollback.
		self.assertEqual([frappe.db.get_value("Error Log", name, "error") for name in new], [])

	def errors_logged(self) -> set[str]:
		"""Names of what the app wrote into the Error Log, ever."""
		return set(frappe.get_all("Error Log", {"method": ("like", "CRM Ext%")}, pluck="name"))
