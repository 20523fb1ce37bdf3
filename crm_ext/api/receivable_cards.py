"""Number cards of finance. Permission first, then one engine call.

Each returns the number in the currency of the company and the report behind it. `filters` may hold a company; the
user's own is the default, because amounts of companies with different currencies have no sum.
"""

from datetime import date

import frappe
from frappe.utils import add_days, get_first_day, get_last_day_of_week, getdate, nowdate

from crm_ext.receivables import receipt_queries

# Before every invoice.
_EVER = date(1900, 1, 1)


@frappe.whitelist()
def outstanding(filters: str | dict | None = None) -> dict:
	"""What customers owe, less what they have on account."""
	company = _company(filters)
	return _card(company, receipt_queries.outstanding(company), "Receivable Aging", {})


@frappe.whitelist()
def overdue(filters: str | dict | None = None) -> dict:
	"""What is open of invoices, by payment terms, and was due before today."""
	company = _company(filters)
	until = getdate(add_days(nowdate(), -1))
	return _card(company, receipt_queries.due_and_open(_EVER, until, company), "Receivable Aging", {})


@frappe.whitelist()
def due_this_week(filters: str | dict | None = None) -> dict:
	"""What is open of invoices, by payment terms, and due from today to the end of the week."""
	company = _company(filters)
	today = getdate(nowdate())
	week_end = getdate(get_last_day_of_week(today))
	value = receipt_queries.due_and_open(today, week_end, company)
	return _card(company, value, "Receivable Aging", {})


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


def _card(company: str | None, value: float, report: str, options: dict) -> dict:
	return {
		"value": value,
		"fieldtype": "Currency",
		"options": "Company:company:default_currency",
		"route": ["query-report", report],
		"route_options": {"company": company, **options},
	}
