"""What tests of the workflows share: switched on with limits, people who sell and who approve."""

import frappe
from frappe.model.workflow import apply_workflow

from crm_ext.constants.workflows import WORKFLOWS
from crm_ext.tests import factories as f

SETTINGS = "CRM Ext Settings"
SELLER, MANAGER, DIRECTOR, OUTSIDER, CLERK, OTHER_CLERK = (
	f"workflow-{who}@example.com"
	for who in ("seller", "manager", "director", "outsider", "clerk", "other-clerk")
)
# ERPNext lets both submit quotations and orders, so that a test needs no permissions of its own.
SMALL, GREAT = "Sales Manager", "Maintenance Manager"


def make_people() -> None:
	f.make_user(SELLER, "Sales User")
	f.make_user(MANAGER, "Sales User", SMALL)
	f.make_user(DIRECTOR, "Sales User", GREAT)
	f.make_user(OUTSIDER, "Stock User")
	for clerk in (CLERK, OTHER_CLERK):
		f.make_user(clerk, "Accounts User")


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
