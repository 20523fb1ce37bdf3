"""Uninstall: what Frappe leaves behind when it drops the app's DocTypes.

All of it happens after Frappe has removed the app: it calls both hooks in a dry run too, where nothing may change.
"""

import frappe

from crm_ext.setup import customizations, roles
from crm_ext.workflows import store as workflows

OUR_DOCTYPES = (
	"Approval Limit",
	"Big Deal Limit",
	"Credit Check",
	"Credit Gate",
	"Credit Policy",
	"Credit Release",
	"Credit Release Role",
	"Deal",
	"Deal Stage",
	"Deal Ledger Entry",
	"Deal Stage Change",
	"Deal Stage Map",
	"Follow Up",
	"Follow Up Preference",
	"Follow Up Rule",
	"Follow Up Rule Step",
	"Follow Up Rule User",
	"Payment Promise",
	"Payment Promise Invoice",
	"Stand In",
	"Visibility Rule",
	"CRM Ext Settings",
)


def before_uninstall() -> None:
	"""Remember what cannot be asked for any more afterwards."""
	frappe.flags.crm_ext_reports = frappe.get_all("Report", {"module": "CRM Ext"}, pluck="name")
	frappe.flags.crm_ext_pages = frappe.get_all("Page", {"module": "CRM Ext"}, pluck="name")
	frappe.flags.crm_ext_workflows_made = workflows.made()


def after_uninstall() -> None:
	if "crm_ext" in frappe.get_installed_apps():
		return  # a dry run
	workflows.remove_all(frappe.flags.crm_ext_workflows_made)
	customizations.remove()
	_remove_records()
	roles.remove_all()
	frappe.db.commit()  # uninstall's own commit has already happened


# Documents people made about our DocTypes, which would fail or show nothing without them: (DocType, field).
_DOCUMENTS = (
	("Assignment Rule", "document_type"),
	("Client Script", "dt"),
	("Dashboard Chart", "document_type"),
	("File", "attached_to_doctype"),
	("Kanban Board", "reference_doctype"),
	("Notification", "document_type"),
	("Number Card", "document_type"),
	("Print Format", "doc_type"),
	("Report", "ref_doctype"),
	("Server Script", "reference_doctype"),
	("Web Form", "doc_type"),
	("Webhook", "webhook_doctype"),
	("Workflow", "document_type"),
)
_RECORDS = (
	("Comment", "reference_doctype"),
	("Communication Link", "link_doctype"),
	("Custom DocPerm", "parent"),
	("DocShare", "share_doctype"),
	("Document Follow", "ref_doctype"),
	("Dynamic Link", "link_doctype"),
	("Email Unsubscribe", "reference_doctype"),
	("Event Participants", "reference_doctype"),
	("List Filter", "reference_doctype"),
	("List View Settings", "name"),
	("Notification Log", "document_type"),
	("Property Setter", "doc_type"),
	("Singles", "doctype"),
	("Tag Link", "document_type"),
	("ToDo", "reference_type"),
	("User Permission", "allow"),
	("Version", "ref_doctype"),
	("View Log", "reference_doctype"),
	("Workspace Link", "link_to"),
	("Workspace Shortcut", "link_to"),
	("__UserSettings", "doctype"),
)
# What people wrote and received about them stays, without the reference.
_DETACHED = (
	("Communication", "reference_doctype", "reference_name"),
	("Email Queue", "reference_doctype", "reference_name"),
	("Event", "reference_doctype", "reference_docname"),
)
# About our reports and those people made of our DocTypes.
_ABOUT_REPORTS = (
	("Auto Email Report", "report"),
	("Custom Role", "report"),
	("Prepared Report", "report_name"),
)


def _remove_records() -> None:
	"""Frappe removes only what carries our module."""
	reports = frappe.flags.crm_ext_reports or []
	reports += frappe.get_all("Report", {"ref_doctype": ("in", OUR_DOCTYPES)}, pluck="name")
	for doctype, field in _ABOUT_REPORTS:
		_delete(doctype, {field: ("in", reports)})
	for doctype, field in _DOCUMENTS:
		_delete(doctype, {field: ("in", OUR_DOCTYPES)})
	for doctype, field in _RECORDS:
		frappe.db.delete(doctype, {field: ("in", OUR_DOCTYPES)})
	for doctype in ("Workspace Link", "Workspace Shortcut"):
		frappe.db.delete(doctype, {"link_to": ("in", [*reports, *(frappe.flags.crm_ext_pages or [])])})
	for doctype, *fields in _DETACHED:
		frappe.db.set_value(
			doctype, {fields[0]: ("in", OUR_DOCTYPES)}, dict.fromkeys(fields), update_modified=False
		)
	frappe.db.delete("Scheduled Job Type", {"method": ("like", "crm_ext.%")})
	frappe.db.delete("Patch Log", {"patch": ("like", "%crm_ext%")})
	frappe.db.delete("DefaultValue", {"parent": "crm_ext_demo"})  # where the demo data noted how far it came
	frappe.db.sql("DELETE FROM `tabSeries` WHERE name LIKE 'DEAL-%%' OR name REGEXP '^(PP|CR)-[0-9]{4}-$'")


def _delete(doctype: str, filters: dict) -> None:
	for name in frappe.get_all(doctype, filters, pluck="name"):
		frappe.delete_doc(doctype, name, force=True, ignore_on_trash=True, ignore_permissions=True)
