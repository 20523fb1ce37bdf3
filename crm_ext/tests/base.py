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
