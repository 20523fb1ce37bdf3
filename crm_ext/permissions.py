"""Who sees what. Deals follow Frappe's roles and user permissions; what hangs on a deal follows the deal; a follow up
is seen by those it concerns and by those who may read the document it is about."""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe
from frappe.model.db_query import DatabaseQuery

from crm_ext.follow_ups.model import REFERENCES

_KNOWN = "crm_ext_list_conditions"


def list_conditions(doctype: str, user: str | None = None) -> str:
	"""SQL condition on the table of `doctype` for what its list shows `user` (the session's by default): roles, user
	permissions, shares, permission queries. Empty where that is all.
	"""
	user = user or frappe.session.user
	known = getattr(frappe.local, _KNOWN, None)
	if known is None:
		return _list_conditions(doctype, user)
	if (doctype, user) not in known:
		known[(doctype, user)] = _list_conditions(doctype, user)
	return known[(doctype, user)]


@contextmanager
def asked_once() -> Iterator[None]:
	"""Within the block the rules of each DocType are read once: for a page that is many lists."""
	setattr(frappe.local, _KNOWN, {})
	try:
		yield
	finally:
		setattr(frappe.local, _KNOWN, None)


def _list_conditions(doctype: str, user: str) -> str:
	if not frappe.has_permission(doctype, "read", user=user):
		return "1 = 0"
	query = DatabaseQuery(doctype, user=user)
	conditions = query.build_match_conditions()
	# What is shared with a user whose roles give nothing is put there by Frappe instead.
	return " AND ".join(filter(None, (conditions, *query.conditions)))


def deal_conditions(user: str | None = None) -> str:
	"""`list_conditions` of deals."""
	return list_conditions("Deal", user)


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


def promise_conditions(user: str | None = None) -> str:
	return _through_customer("Payment Promise", user)


def credit_release_conditions(user: str | None = None) -> str:
	return _through_customer("Credit Release", user)


def credit_check_conditions(user: str | None = None) -> str:
	return _through_customer("Credit Check", user)


def _through_customer(doctype: str, user: str | None) -> str:
	"""SQL condition on the table of `doctype`: rows of customers the person may read."""
	conditions = list_conditions("Customer", user)
	if not conditions:
		return ""
	return f"`tab{doctype}`.customer IN (SELECT `tabCustomer`.name FROM `tabCustomer` WHERE {conditions})"


def has_permission_through_customer(doc, ptype: str = "read", user: str | None = None) -> bool:
	"""Who may read the customer. Roles decide what those may do; this only takes away."""
	return (
		bool(frappe.has_permission("Customer", "read", doc=doc.customer, user=user)) if doc.customer else True
	)


def follow_up_conditions(user: str | None = None) -> str:
	"""SQL condition on `tabFollow Up`: the person's own, and those about documents the person may read."""
	user = user or frappe.session.user
	if user == "Administrator":
		return ""
	parts = [f"`tabFollow Up`.responsible = {frappe.db.escape(user)}"]
	parts.append(f"`tabFollow Up`.owner = {frappe.db.escape(user)}")
	parts.append(f"`tabFollow Up`.escalated_to = {frappe.db.escape(user)}")
	free = []
	for doctype in REFERENCES:
		if not frappe.has_permission(doctype, "read", user=user):
			continue
		conditions = list_conditions(doctype, user)
		if not conditions:
			free.append(doctype)
			continue
		parts.append(
			f"(`tabFollow Up`.reference_doctype = {frappe.db.escape(doctype)} AND `tabFollow Up`.reference_name IN"
			f" (SELECT `tab{doctype}`.name FROM `tab{doctype}` WHERE {conditions}))"
		)
	if free:
		names = ", ".join(frappe.db.escape(doctype) for doctype in free)
		parts.append(f"`tabFollow Up`.reference_doctype IN ({names})")
	return f"({' OR '.join(parts)})"


def has_follow_up_permission(doc, ptype: str = "read", user: str | None = None) -> bool:
	"""The responsible, who planned it, whom it was escalated to, and who may read the document it is about.

	Roles decide what those may do with it; this only takes away.
	"""
	user = user or frappe.session.user
	if user == "Administrator" or user in (doc.responsible, doc.owner, doc.get("escalated_to")):
		return True
	if not doc.reference_doctype or not doc.reference_name:
		return True
	if not frappe.db.exists(doc.reference_doctype, doc.reference_name):
		return False
	return bool(frappe.has_permission(doc.reference_doctype, "read", doc=doc.reference_name, user=user))


def preference_conditions(user: str | None = None) -> str:
	user = user or frappe.session.user
	if user == "Administrator" or "System Manager" in frappe.get_roles(user):
		return ""
	return f"`tabFollow Up Preference`.user = {frappe.db.escape(user)}"


def has_preference_permission(doc, ptype: str = "read", user: str | None = None) -> bool:
	user = user or frappe.session.user
	return user == "Administrator" or doc.user == user or "System Manager" in frappe.get_roles(user)
