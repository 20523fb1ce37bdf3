from frappe.model.document import Document

from crm_ext.deals.touch import touch


def on_change(doc: Document, method: str | None = None) -> None:
	rows = [row for row in doc.accounts if row.party_type == "Customer"]
	if rows and doc.docstatus:
		touch((doc.doctype, doc.name), *((row.reference_type, row.reference_name) for row in rows))


def on_trash(doc: Document, method: str | None = None) -> None:
	touch((doc.doctype, doc.name))
