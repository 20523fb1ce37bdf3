from frappe.model.document import Document

from crm_ext.deals import buying


def validate(doc: Document, method: str | None = None) -> None:
	# Its order never changes.
	if doc.is_new():
		buying.set_links(doc)
