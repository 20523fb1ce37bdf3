"""Endpoints of promises to pay. Permission first, then one engine call."""

import frappe
from frappe import _
from frappe.utils import escape_html, fmt_money, formatdate, get_fullname

from crm_ext import permissions
from crm_ext.receivables import promises


@frappe.whitelist()
@frappe.read_only()
def open_invoices(customer: str, company: str | None = None) -> list[dict]:
	"""See `promises.open_invoices`."""
	frappe.has_permission("Customer", "read", doc=customer, throw=True)
	frappe.has_permission("Sales Invoice", "read", throw=True)
	return promises.open_invoices(customer, company)


@frappe.whitelist(methods=["POST"])
def make(
	customer: str,
	company: str,
	invoices: str | list,
	pay_by: str,
	amount: float | None = None,
	contact: str | None = None,
	notes: str | None = None,
	follow_up: str | None = None,
) -> str:
	"""Make a promise for invoices (names); returns its name. Without `amount`: all that is outstanding of them."""
	names = frappe.parse_json(invoices)
	if not isinstance(names, list):
		frappe.throw(_("Names are expected."))
	permissions.has_account_permission(customer, throw=True)
	for name in names:
		frappe.has_permission("Sales Invoice", "read", doc=name, throw=True)
	doc = frappe.new_doc(promises.PROMISE)
	doc.update(
		{
			"customer": customer,
			"company": company,
			"pay_by": pay_by,
			"amount": amount,
			"contact": contact,
			"notes": notes,
			"follow_up": follow_up,
			"responsible": frappe.session.user,
			"invoices": [{"sales_invoice": name} for name in names],
		}
	)
	return doc.insert().name


@frappe.whitelist(methods=["POST"])
def withdraw(name: str) -> None:
	"""An open promise no longer counts."""
	frappe.has_permission(promises.PROMISE, "write", doc=name, throw=True)
	promises.withdraw(name)


@frappe.whitelist()
@frappe.read_only()
def reliability(customer: str) -> dict:
	"""See `promises.reliability`, of one customer; empty where nothing was promised yet."""
	frappe.has_permission(promises.PROMISE, "read", throw=True)
	permissions.has_account_permission(customer, throw=True)
	return promises.reliability([customer]).get(customer) or {}


def timeline(doctype: str, docname: str) -> list[dict]:
	"""Hook `additional_timeline_content`: what a customer promised, on the customer and on the invoices. Frappe has asked
	for the document's own permission."""
	if not frappe.has_permission(promises.PROMISE, "read"):
		return []
	return [
		{"icon": "money-coins-1", "is_card": False, "creation": row.creation, "content": _in_words(row)}
		for row in promises.made_for(doctype, docname)
	]


def _in_words(row: dict) -> str:
	"""HTML of one line."""
	said = _("{0} noted a promise of {1} for {2}").format(
		escape_html(get_fullname(row.owner)),
		fmt_money(row.amount, currency=row.currency),
		formatdate(row.pay_by),
	)
	link = frappe.utils.get_link_to_form(promises.PROMISE, row.name, _(row.status))
	notes = f": {escape_html(row.notes)}" if row.notes else ""
	return f"<span class='payment-promise'>{said} ({link}){notes}</span>"
