# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt
"""Columns as the reports declare them."""

import frappe


def column(
	fieldname: str, label: str, fieldtype: str, width: int, options: str | None = None, **more: object
) -> dict:
	found = {"fieldname": fieldname, "label": label, "fieldtype": fieldtype, "width": width, **more}
	return found | {"options": options} if options else found


def link(fieldname: str, label: str, width: int, doctype: str) -> dict:
	"""Frappe refuses a whole report for a link to what the user may not read."""
	if frappe.has_permission(doctype, "read"):
		return column(fieldname, label, "Link", width, doctype)
	return column(fieldname, label, "Data", width)
