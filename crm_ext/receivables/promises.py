"""Promises to pay: kept or broken by the receipts that come."""

import frappe
from frappe.model.document import Document


def prepare(doc: Document) -> None:
	"""Fill what follows from the invoices of a promise, and refuse one that makes no sense."""


def add_indexes() -> None:
	frappe.db.add_index("Payment Promise", ["customer", "status", "pay_by"], "crm_ext_open")
	frappe.db.add_index("Payment Promise Invoice", ["sales_invoice", "parent"], "crm_ext_invoice")
