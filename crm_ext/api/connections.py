"""Connections that count only what the user may see.

Frappe counts the documents behind a connection without asking for permission. For its own that is its choice; a
deal somebody may not see must not show by its count either.
"""

import frappe
from frappe.desk import notifications

_OURS = ("Deal", "Deal Ledger Entry", "Deal Stage Change", "Payment Promise")


@frappe.whitelist()
@frappe.read_only()
def get_open_count(doctype: str, name: str, items: str | list | None = None) -> dict:
	"""Frappe's own answer, with our DocTypes counted as the user sees them. Checks the document first, as it does."""
	answer = notifications.get_open_count(doctype, name, items)
	found = answer["count"] or {}
	links = None
	for row in found.get("external_links_found", ()):
		if row["doctype"] in _OURS and row["count"]:
			links = links or frappe.get_meta(doctype).get_dashboard_data()
			row["count"] = _count(row["doctype"], name, links)
	for row in found.get("internal_links_found", ()):
		if row["doctype"] in _OURS:
			row["names"] = frappe.get_list(
				row["doctype"], {"name": ("in", row["names"])}, pluck="name", order_by="name"
			)
			row["count"] = len(row["names"])
	return answer


def _count(doctype: str, name: str, links: dict) -> int:
	fieldname = links.get("non_standard_fieldnames", {}).get(doctype, links.get("fieldname"))
	filters = {fieldname: name} | (notifications.get_dynamic_link_filters(doctype, links, fieldname) or {})
	if not frappe.has_permission(doctype, "read"):
		return 0
	return len(frappe.get_list(doctype, filters=filters, pluck="name", limit=100, order_by="name"))
