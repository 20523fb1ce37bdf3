"""Uninstall: what Frappe leaves behind when it drops the app's DocTypes."""

import frappe

from crm_ext.setup import customizations

OUR_DOCTYPES = (
	"Deal",
	"Deal Stage",
	"Deal Ledger Entry",
	"Deal Stage Change",
	"Deal Stage Map",
	"CRM Ext Settings",
)


def before_uninstall() -> None:
	customizations.remove()
	_remove_records()


def after_uninstall() -> None:
	# Frappe 15 keeps the values of a removed Single, and the jobs until the next migrate.
	frappe.db.delete("Singles", {"doctype": "CRM Ext Settings"})
	frappe.db.delete("Scheduled Job Type", {"method": ("like", "crm_ext.%")})
	frappe.db.commit()  # uninstall's own commit has already happened


def _remove_records() -> None:
	"""Records other DocTypes keep about ours; Frappe removes only what carries our module."""
	for doctype, field in (
		("Kanban Board", "reference_doctype"),
		("Custom DocPerm", "parent"),
		("Property Setter", "doc_type"),
		("List View Settings", "name"),
		("List Filter", "reference_doctype"),
		("Version", "ref_doctype"),
		("Comment", "reference_doctype"),
		("ToDo", "reference_type"),
		("DocShare", "share_doctype"),
		("Document Follow", "ref_doctype"),
		("Tag Link", "document_type"),
		("View Log", "reference_doctype"),
		("User Permission", "allow"),
		("Notification Log", "document_type"),
	):
		frappe.db.delete(doctype, {field: ("in", OUR_DOCTYPES)})
	reports = frappe.get_all("Report", {"module": "CRM Ext"}, pluck="name")
	if reports:
		frappe.db.delete("Auto Email Report", {"report": ("in", reports)})
		frappe.db.delete("Prepared Report", {"report_name": ("in", reports)})
	frappe.db.delete("__UserSettings", {"doctype": ("in", OUR_DOCTYPES)})
	frappe.db.sql("DELETE FROM `tabSeries` WHERE name LIKE 'DEAL-%%'")
