"""Endpoints of the credit gate. Permission first, then one engine call."""

import frappe
from frappe.utils import get_fullname

from crm_ext import permissions
from crm_ext.receivables import asking, credit, releases


@frappe.whitelist(methods=["POST"])
def ask(sales_order: str, why: str | None = None) -> list[str]:
	"""Ask those who may release an order; returns their full names."""
	frappe.has_permission("Sales Order", "write", doc=sales_order, throw=True)
	order = frappe.get_doc("Sales Order", sales_order)
	reasons = credit.status(order)["reasons"]
	return [get_fullname(user) for user in asking.ask(order, reasons, why)]


@frappe.whitelist(methods=["POST"])
def release(
	sales_order: str,
	amount: float | None = None,
	valid_until: str | None = None,
	notes: str | None = None,
) -> str:
	"""Release credit for one order, its value by default; returns the name of the Credit Release.

	The roles of the settings decide, whatever DocPerms of Credit Release say.
	"""
	frappe.has_permission("Sales Order", "read", doc=sales_order, throw=True)
	order = frappe.db.get_value("Sales Order", sales_order, ["owner", "base_grand_total"], as_dict=True)
	amount = amount or order.base_grand_total
	releases.check_may(amount, order.owner)
	return releases.make(
		{"sales_order": sales_order, "amount": amount, "valid_until": valid_until, "notes": notes}
	).name


@frappe.whitelist(methods=["POST"])
def release_customer(
	customer: str,
	company: str,
	amount: float,
	valid_until: str | None = None,
	notes: str | None = None,
) -> str:
	"""Release credit for any order of a customer, until the amount is used up; returns the name."""
	permissions.has_account_permission(customer, throw=True)
	releases.check_may(amount)
	return releases.make(
		{
			"customer": customer,
			"company": company,
			"amount": amount,
			"valid_until": valid_until,
			"notes": notes,
		}
	).name
