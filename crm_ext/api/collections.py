"""Endpoints of the collector's list. Permission first, then one engine call."""

import frappe
from frappe import _

from crm_ext import permissions
from crm_ext.receivables import collecting, statements


@frappe.whitelist()
@frappe.read_only()
def overdue_invoices(customer: str, company: str) -> list[str]:
	"""See `collecting.overdue_invoices`."""
	_check(customer, company)
	frappe.has_permission("Dunning", "create", throw=True)
	return collecting.overdue_invoices(customer, company)


@frappe.whitelist()
def statement(customer: str, company: str) -> None:
	"""The statement of account, to download."""
	_check_statement(customer, company)
	content = statements.pdf(customer, company)
	frappe.local.response.filename = statements.file_name(customer)
	frappe.local.response.filecontent = content
	frappe.local.response.type = "pdf"


@frappe.whitelist()
@frappe.read_only()
def statement_letter(customer: str, company: str) -> dict:
	"""See `statements.letter`."""
	_check_statement(customer, company)
	return statements.letter(customer, company)


@frappe.whitelist(methods=["POST"])
def send_statement(customer: str, company: str, recipients: str, subject: str, message: str) -> str:
	"""See `statements.send`."""
	_check_statement(customer, company)
	frappe.has_permission("Customer", "email", doc=customer, throw=True)
	return statements.send(customer, company, recipients, subject, message)


# Who may open one of these knows what customers owe.
_RECEIVABLES = ("Accounts Receivable", "Receivable Aging")


def _check(customer: str, company: str) -> None:
	permissions.has_account_permission(customer, throw=True)
	frappe.has_permission("Company", "read", doc=company, throw=True)
	frappe.has_permission("Sales Invoice", "read", throw=True)


def _check_statement(customer: str, company: str) -> None:
	"""Who may make one in ERPNext."""
	_check(customer, company)
	frappe.has_permission("Process Statement Of Accounts", "create", throw=True)
	if not any(frappe.get_cached_doc("Report", name).is_permitted() for name in _RECEIVABLES):
		frappe.throw(_("You may not see what customers owe."), frappe.PermissionError)
