"""Connections that count only what the user may see.

Frappe counts the documents behind a connection without asking for permission. For its own that is its choice; a
deal somebody may not see must not show by its count either, nor what was bought for it, nor what visibility hides.
"""

import frappe
from frappe.desk import notifications

from crm_ext import permissions
from crm_ext.deals.bought_for import CARRIERS

_OURS = ("Credit Release", "Deal", "Deal Ledger Entry", "Deal Stage Change", "Payment Promise")
# Whom something was bought for stands on the rows, too: the field that names it.
_BOUGHT_FOR = {"Deal": "deal", "Customer": "for_customer"}
# More are not counted: Frappe shows "99+".
_MOST = 100


@frappe.whitelist()
@frappe.read_only()
def get_open_count(doctype: str, name: str, items: str | list | None = None) -> dict:
	"""Frappe's own answer, with our DocTypes counted as the user sees them. Checks the document first, as it does."""
	answer = notifications.get_open_count(doctype, name, items)
	found = answer["count"] or {}
	counted = {*_OURS, *permissions.narrowed_doctypes()}
	links = None
	for row in list(found.get("external_links_found", ())):
		if doctype in _BOUGHT_FOR and row["doctype"] in CARRIERS:
			found["external_links_found"].remove(row)
			found["internal_links_found"].append(_bought_for(row["doctype"], _BOUGHT_FOR[doctype], name))
		elif row["doctype"] in counted and row["count"]:
			links = links or frappe.get_meta(doctype).get_dashboard_data()
			row["count"] = _count(row["doctype"], name, links)
			if row["open_count"]:
				row["open_count"] = _count(row["doctype"], name, links, only_open=True)
	if doctype in CARRIERS:
		_add_header_deal(doctype, name, found)
	for row in found.get("internal_links_found", ()):
		if row["doctype"] in counted or (
			doctype in CARRIERS and row["doctype"] in ("Customer", "Sales Order")
		):
			row["names"] = _readable(row["doctype"], row["names"])
			row["count"] = len(row["names"])
	return answer


def _count(doctype: str, name: str, links: dict, only_open: bool = False) -> int:
	fieldname = links.get("non_standard_fieldnames", {}).get(doctype, links.get("fieldname"))
	filters = {fieldname: name} | (notifications.get_dynamic_link_filters(doctype, links, fieldname) or {})
	if only_open:
		filters |= notifications.get_filters_for(doctype) or {}
	if not frappe.has_permission(doctype, "read"):
		return 0
	return len(
		frappe.get_list(doctype, filters=filters, pluck="name", limit=_MOST, distinct=True, order_by="name")
	)


def _readable(doctype: str, names: list[str]) -> list[str]:
	if not names or not frappe.has_permission(doctype, "read"):
		return []
	return frappe.get_list(doctype, {"name": ("in", names)}, pluck="name", limit=_MOST, order_by="name")


def _bought_for(doctype: str, fieldname: str, value: str) -> dict:
	"""Documents that are for a deal or customer, or have a row that is. By name, which the list then shows."""
	found: set[str] = set()
	if frappe.has_permission(doctype, "read"):
		# Two questions, as one about header or row could not be answered by an index.
		for table in filter(None, (doctype, CARRIERS[doctype].child)):
			found.update(
				frappe.get_list(
					doctype,
					[[table, fieldname, "=", value]],
					pluck="name",
					distinct=True,
					limit=_MOST,
					order_by=f"`tab{doctype}`.name desc",
				)
			)
	names = sorted(found, reverse=True)[:_MOST]
	return {"doctype": doctype, "open_count": 0, "count": len(names), "names": names}


def _add_header_deal(doctype: str, name: str, found: dict) -> None:
	"""The deal somebody chose on a document none of whose rows tells."""
	deal = frappe.db.get_value(doctype, name, "deal")
	for kind in ("external_links_found", "internal_links_found"):
		row = next((row for row in found.get(kind, ()) if row["doctype"] == "Deal"), None)
		if row and deal and deal not in row.get("names", ()):
			found[kind].remove(row)
			names = [*row.get("names", ()), deal]
			found["internal_links_found"].append({**row, "names": names, "count": len(names)})
