from frappe.model.document import Document

from crm_ext.deals.touch import touch


def on_change(doc: Document, method: str | None = None) -> None:
	if doc.party_type == "Customer" and doc.docstatus:
		# Itself, for the deals it was counted in; what it references, for those it is counted in now.
		touch(
			(doc.doctype, doc.name), *((row.reference_doctype, row.reference_name) for row in doc.references)
		)


def on_trash(doc: Document, method: str | None = None) -> None:
	touch((doc.doctype, doc.name))
