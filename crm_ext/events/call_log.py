from frappe.model.document import Document

from crm_ext.follow_ups import contacts


def on_change(doc: Document, method: str | None = None) -> None:
	contacts.from_call_log(doc)
