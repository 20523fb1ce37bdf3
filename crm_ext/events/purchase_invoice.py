from frappe.model.document import Document

from crm_ext.supply import arrivals


def on_submit(doc: Document, method: str | None = None) -> None:
	arrivals.note(doc)
