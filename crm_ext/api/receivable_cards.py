"""Number cards of finance. Permission first, then one engine call.

Each returns the number in the currency of the company and the report behind it, which shows the same number. `filters`
may hold a company; the user's own is the default, because amounts of companies with different currencies have no sum.
"""

import frappe
from frappe.utils import flt, get_first_day, getdate, nowdate

from crm_ext.receivables import ageing_queries, receipt_queries


@frappe.whitelist()
def outstanding(filters: str | dict | None = None) -> dict:
	"""What customers owe, less what they have on account."""
	company = _company(filters)
	return _card(company, receipt_queries.outstanding(company), "Receivable Aging", {})


@frappe.whitelist()
def overdue(filters: str | dict | None = None) -> dict:
	"""What was due before today, by payment terms, less what customers have on account since before today."""
	return _of_ages("overdue", filters)


@frappe.whitelist()
def due_this_week(filters: str | dict | None = None) -> dict:
	"""What is owed, by payment terms, and due from today to the end of the week."""
	return _of_ages("due_this_week", filters)


@frappe.whitelist()
def received_this_month(filters: str | dict | None = None) -> dict:
	"""Receipts of the month so far, less refunds."""
	company = _company(filters)
	today = getdate(nowdate())
	first = getdate(get_first_day(today))
	period = {"from_date": str(first), "to_date": str(today), "group_by": "customer"}
	return _card(company, receipt_queries.received(first, today, company), "Receipts", period)


def _company(filters: str | dict | None) -> str | None:
	for doctype in ("Payment Ledger Entry", "Sales Invoice"):
		frappe.has_permission(doctype, "read", throw=True)
	company = (frappe.parse_json(filters) or {}).get("company")
	return str(company) if company else frappe.defaults.get_user_default("Company")


def _of_ages(figure: str, filters: str | dict | None) -> dict:
	company = _company(filters)
	cells = ageing_queries.of_today(company).values() if company else ()
	value = flt(sum(getattr(cell, figure) for cell in cells), 6)
	return _card(company, value, "Receivable Aging", {"based_on_payment_terms": 1})


def _card(company: str | None, value: float, report: str, options: dict) -> dict:
	return {
		"value": value,
		"fieldtype": "Currency",
		"options": "Company:company:default_currency",
		"route": ["query-report", report],
		"route_options": {"company": company, **options},
	}
