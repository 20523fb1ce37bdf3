"""What tests of the workflows share: switched on with limits, people who sell and who approve, and what can be said of
a document on its way.
"""

import frappe
from frappe.model.workflow import WorkflowTransitionError, apply_workflow, get_transitions

from crm_ext.constants.workflows import WORKFLOWS
from crm_ext.hierarchy import world
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase, WithoutErrors
from crm_ext.workflows import asking

SETTINGS = "CRM Ext Settings"
SELLER, MANAGER, DIRECTOR, OUTSIDER, CLERK, OTHER_CLERK, HELPER, THIRD = (
	f"workflow-{who}@example.com"
	for who in ("seller", "manager", "director", "outsider", "clerk", "other-clerk", "helper", "third")
)
# ERPNext lets both submit quotations and orders, so that a test needs no permissions of its own.
SMALL, GREAT = "Sales Manager", "Maintenance Manager"
LIMITS = (
	("Quotation", "Value", 5_000, SMALL),
	("Quotation", "Value", 20_000, GREAT),
	("Sales Order", "Value", 5_000, SMALL),
	("Sales Order", "Discount %", 10, SMALL),
)


def make_people() -> None:
	f.make_user(SELLER, "Sales User")
	f.make_user(MANAGER, "Sales User", SMALL)
	f.make_user(DIRECTOR, "Sales User", GREAT)
	f.make_user(OUTSIDER, "Stock User")
	for clerk in (CLERK, OTHER_CLERK):
		f.make_user(clerk, "Accounts User")


def make_helpers() -> None:
	"""Who may stand in for somebody."""
	for helper in (HELPER, THIRD):
		f.make_user(helper, "Sales User")


def make_verifier(role: str = "Accounts Manager") -> str:
	"""Somebody with the role that verifies payments."""
	return f.make_user("workflow-boss@example.com", "Accounts User", role).name


def switch(*limits: tuple, **switches: int) -> None:
	"""Set switches by DocType ("quotation=1") and the limits: (document type, measure, limit, role[, company])."""
	settings = frappe.get_single(SETTINGS)
	settings.update({f"workflow_{name}": on for name, on in switches.items()})
	fields = ("document_type", "measure", "limit", "role", "company")
	settings.set("approval_limits", [dict(zip(fields, limit, strict=False)) for limit in limits])
	settings.save(ignore_permissions=True)


def forget() -> None:
	"""After a rollback: what Frappe keeps in its caches of it."""
	for doctype in WORKFLOWS:
		frappe.clear_cache(doctype=doctype)
	frappe.clear_document_cache(SETTINGS, SETTINGS)
	frappe.flags.pop("crm_ext_workflow_records", None)


def act(user: str, document, action: str):
	"""What the button of the form does; returns the document as it is then."""
	before = frappe.session.user
	frappe.set_user(user)
	try:
		return apply_workflow(frappe.get_doc(document.doctype, document.name).as_json(), action)
	finally:
		frappe.set_user(before)


def mails_about(document) -> dict[str, str]:
	"""Recipient -> what is attached."""
	queued = frappe.get_all(
		"Email Queue",
		{"reference_doctype": document.doctype, "reference_name": document.name},
		["name", "attachments"],
	)
	return {
		frappe.db.get_value("Email Queue Recipient", {"parent": row.name}, "recipient"): row.attachments
		for row in queued
	}


def comments_on(doctype: str, name: str, kind: str = "Info") -> list[str]:
	return frappe.get_all(
		"Comment",
		{"reference_doctype": doctype, "reference_name": name, "comment_type": kind},
		pluck="content",
		order_by="creation",
	)


class WorkflowTestCase(WithoutErrors, SiteTestCase):
	def setUp(self):
		super().setUp()
		self.addCleanup(forget)
		make_people()

	def quotation(self, amount: float, user: str = SELLER, **values):
		return self.made_by(user, f.make_quotation, **{"rows": ((f.SERVICE, 1, amount),), **values})

	def order(self, amount: float, user: str = SELLER, **values):
		return self.made_by(user, f.make_sales_order, rows=((f.SERVICE, 1, amount),), **values)

	def payment(self, user: str = CLERK, **values):
		return self.made_by(user, f.make_payment, document=f.make_direct_invoice(), **values)

	def made_by(self, user: str, make, **values):
		with self.set_user(user):
			return make(**{"submit": False, **values})

	def submitted_by(self, user: str, document) -> None:
		"""Without an action, as by the API."""
		with self.set_user(user):
			frappe.get_doc(document.doctype, document.name).submit()

	def actions(self, user: str, document) -> list[str]:
		with self.set_user(user):
			document = frappe.get_doc(document.doctype, document.name)
			return sorted({row["action"] for row in get_transitions(document)})

	def stored(self, document) -> tuple:
		"""(state, docstatus, modified)"""
		columns = [WORKFLOWS[document.doctype].state_field, "docstatus", "modified"]
		return frappe.db.get_value(document.doctype, document.name, columns)

	def state(self, document) -> str | None:
		return self.stored(document)[0]

	def assertState(self, document, state: str | None, docstatus: int = 0):
		self.assertEqual(self.stored(document)[:2], (state, docstatus))

	def assertRefused(self, user: str, document, action: str, error=WorkflowTransitionError):
		before = self.stored(document)
		with self.assertRaises(error):
			act(user, document, action)
		frappe.clear_messages()
		self.assertEqual(self.stored(document), before)

	def workflow_comments(self, document) -> list[str]:
		return comments_on(document.doctype, document.name, "Workflow")

	def asked(self, document) -> list[str]:
		return [row.responsible for row in asking.asked(document) if row.responsible.startswith("workflow-")]


class ApprovalTestCase(WorkflowTestCase):
	"""With people who may stand in."""

	def setUp(self):
		super().setUp()
		self.addCleanup(world.clear)
		make_helpers()
		world.clear()

	def pending(self, amount: float = 6_000, user: str = SELLER):
		quotation = self.quotation(amount, user)
		act(user, quotation, "Request Approval")
		return quotation
