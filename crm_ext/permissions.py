"""Who sees what. Deals follow Frappe's roles and user permissions; what hangs on a deal follows the deal."""

import frappe
from frappe.model.db_query import DatabaseQuery


def deal_conditions(user: str | None = None) -> str:
	"""SQL condition on `tabDeal` for what `user` (the session's by default) may read; empty where that is all.

	The same rules as a list of deals: roles, user permissions, shares, permission queries.
	"""
	user = user or frappe.session.user
	if not frappe.has_permission("Deal", "read", user=user):
		return "1 = 0"
	return DatabaseQuery("Deal", user=user).build_match_conditions() or ""


def ledger_entry_conditions(user: str | None = None) -> str:
	return _through_deal("Deal Ledger Entry", user)


def stage_change_conditions(user: str | None = None) -> str:
	return _through_deal("Deal Stage Change", user)


def _through_deal(doctype: str, user: str | None) -> str:
	conditions = deal_conditions(user)
	if not conditions:
		return ""
	return f"`tab{doctype}`.deal IN (SELECT `tabDeal`.name FROM `tabDeal` WHERE {conditions})"


def has_permission_through_deal(doc, ptype: str = "read", user: str | None = None) -> bool:
	return bool(frappe.has_permission("Deal", "read", doc=doc.deal, user=user)) if doc.deal else True
