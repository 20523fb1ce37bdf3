"""Endpoints of *Who Sees What*: the preview."""

import frappe
from frappe import _

from crm_ext.hierarchy import preview, visibility


@frappe.whitelist()
@frappe.read_only()
def get_preview(settings: str | dict | None = None) -> list[dict]:
	"""What each salesperson sees now and would see with these settings (the form's, saved or not) switched on.

	For System Managers: it tells how many records others have.
	"""
	if "System Manager" not in frappe.get_roles():
		frappe.throw(_("The preview is for System Managers."), frappe.PermissionError)
	given = frappe.parse_json(settings) if settings else frappe.get_cached_doc("CRM Ext Settings")
	if isinstance(given, dict):
		given = frappe.get_doc({**given, "doctype": "CRM Ext Settings"})
	try:
		return preview.preview(visibility.terms_of(given))
	except ValueError:
		frappe.throw(_("This scope is not known."))
