from frappe.model.document import Document

from crm_ext.deals.touch import touch
from crm_ext.receivables import judging


def on_change(doc: Document, method: str | None = None) -> None:
	"""ERPNext turns the ledger rows back by SQL; only this document tells which."""
	touch(
		(doc.voucher_type, doc.voucher_no),
		*((row.reference_doctype, row.reference_name) for row in doc.allocations),
	)
	judging.collect(row.reference_name for row in doc.allocations if row.reference_doctype == "Sales Invoice")
