"""What the forms ask. Permission first, then one engine call."""

import frappe

from crm_ext.deals import queries


@frappe.whitelist()
def deals_of(doctype: str, name: str) -> list[dict]:
	"""Deals one ERPNext document belongs to that the user may read, largest share first.

	Each: {name, stage, color, status, amount, currency, share}. Raises PermissionError where the user may not
	read the document.
	"""
	frappe.has_permission(doctype, "read", doc=name, throw=True)
	return queries.deals_of(doctype, name)


@frappe.whitelist()
def deal_way(deal: str) -> dict:
	"""The way of a deal from lead to cash and its vouchers, for the Deal form; see `queries.deal_way`."""
	frappe.has_permission("Deal", "read", doc=deal, throw=True)
	return queries.deal_way(deal)


@frappe.whitelist()
def rotting_deals(filters: str | dict | None = None) -> dict:
	"""For the number card: deals the user may see that stay in their stage longer than it allows.

	`filters` may hold a company. Returns the number and the report that lists them.
	"""
	frappe.has_permission("Deal", "read", throw=True)
	company = (frappe.parse_json(filters) or {}).get("company")
	return {
		"value": queries.count_rotting(company),
		"fieldtype": "Int",
		"route": ["query-report", "Deal Aging"],
		"route_options": {"company": company, "scope": "All Not Closed", "only_rotting": 1, "show_deals": 1},
	}


@frappe.whitelist(methods=["POST"])
def start_backfill() -> None:
	"""Queue the backfill; for those who may change the settings."""
	frappe.has_permission("CRM Ext Settings", "write", throw=True)
	from crm_ext.deals.backfill import enqueue_backfill

	enqueue_backfill()
