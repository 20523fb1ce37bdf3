"""A tree of salespeople with a document of each of them, for the tests of who sees what."""

from collections.abc import Iterable

import frappe
from frappe.utils import nowdate

from crm_ext.hierarchy import world
from crm_ext.tests import factories as f

BOSS = "ta-vis-boss@example.com"
NORTH = "ta-vis-north@example.com"
NORTH_2 = "ta-vis-north2@example.com"
SOUTH = "ta-vis-south@example.com"
# A user of no Sales Person, who holds documents as well.
STRANGER = "ta-vis-stranger@example.com"
PEOPLE = (BOSS, NORTH, NORTH_2, SOUTH, STRANGER)


def switch_on(scope: str, rules: dict[str, str] | None = None) -> None:
	settings = frappe.get_single("CRM Ext Settings")
	settings.update(
		{
			"visibility_enabled": 1,
			"visibility_scope": scope,
			"visibility_rules": [{"role": role, "scope": other} for role, other in (rules or {}).items()],
		}
	)
	settings.save(ignore_permissions=True)


def names_of(user: str, doctype: str, among: Iterable[str] | None = None) -> set[str]:
	"""Names in the user's list of a DocType."""
	filters = {"name": ("in", list(among) or [""])} if among is not None else {}
	session = frappe.session.user
	frappe.set_user(user)
	try:
		return set(frappe.get_list(doctype, filters, pluck="name", limit=0, order_by=None))
	finally:
		frappe.set_user(session)


def follow_up(document, responsible: str) -> str:
	"""A follow up about a document; its name."""
	return (
		frappe.get_doc(
			{
				"doctype": "Follow Up",
				"reference_doctype": document.doctype,
				"reference_name": document.name,
				"subject": "Call",
				"channel": "Call",
				"due_date": nowdate(),
				"responsible": responsible,
			}
		)
		.insert()
		.name
	)


class Sellers:
	"""Mixin: the boss above a group north with two people and above south; `made`: DocType -> {name: holder}."""

	def setUp(self):
		super().setUp()
		world.clear()
		for user in PEOPLE:
			f.make_user(user, "Sales User", *(["Sales Manager"] if user == BOSS else []))
		self.person_of: dict[str, str] = {}
		top = self.add_person(BOSS, "Sales Team", is_group=1)
		group = f.make_sales_person(None, top, is_group=1).name
		for user in (NORTH, NORTH_2):
			self.add_person(user, group)
		# A group of his own, so that his branch is not the boss's.
		self.add_person(SOUTH, top, is_group=1)
		self.made: dict[str, dict[str, str]] = {}
		for user in PEOPLE:
			self.make_documents(user)

	def tearDown(self):
		super().tearDown()
		frappe.clear_document_cache("CRM Ext Settings", "CRM Ext Settings")
		for user in PEOPLE:
			frappe.clear_cache(user=user)

	def add_person(self, user: str, parent: str, **values) -> str:
		self.person_of[user] = f.make_sales_person(user, parent, **values).name
		return self.person_of[user]

	def make_documents(self, user: str) -> None:
		"""A row of each DocType that the user holds and Administrator made; no more of it than says so."""
		person = self.person_of.get(user)
		self._add_row(user, "Customer", account_manager=user)
		self._add_row(user, "Lead", lead_owner=user, company_name=f.unique("Firm"), status="Open")
		self._add_row(user, "Prospect", prospect_owner=user)
		self._add_row(user, "Opportunity", opportunity_owner=user)
		deal = self._add_row(user, "Deal", owner_user=user)
		self._add_row(user, "Quotation", deal=deal)
		order = self._add_row(user, "Sales Order", owner=None if person else user)
		if person:
			row = {"parenttype": "Sales Order", "parentfield": "sales_team", "parent": order}
			frappe.get_doc({"doctype": "Sales Team", "sales_person": person, **row}).db_insert()

	def _add_row(self, user: str | None, doctype: str, **values) -> str:
		name = f.unique("VIS")
		doc = frappe.get_doc({"doctype": doctype, "name": name, "company": f.COMPANY, **values})
		doc.db_insert()
		self.made.setdefault(doctype, {})[name] = user
		return name
