"""Rows of quotations and orders that are written by themselves, as by ERPNext's Update Items."""

from frappe.model.document import Document

from crm_ext.workflows import approvals, changes


def before_write(doc: Document, method: str | None = None) -> None:
	if doc.get("parenttype") and approvals.is_on(doc.parenttype):
		changes.remember(doc)
