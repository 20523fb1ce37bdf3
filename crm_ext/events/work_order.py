from frappe.model.document import Document

from crm_ext.deals import buying


def before_insert(doc: Document, method: str | None = None) -> None:
	buying.set_links_unvalidated(doc)


def validate(doc: Document, method: str | None = None) -> None:
	buying.set_links(doc)


def before_update_after_submit(doc: Document, method: str | None = None) -> None:
	buying.set_links(doc)
