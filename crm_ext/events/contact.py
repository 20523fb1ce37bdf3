from frappe.model.document import Document

from crm_ext.follow_ups import targets


def on_trash(doc: Document, method: str | None = None) -> None:
	targets.forget_contact(doc.name)
