from frappe.model.document import Document

from crm_ext.deals import buying
from crm_ext.supply import arrivals


def before_insert(doc: Document, method: str | None = None) -> None:
	buying.set_links_unvalidated(doc)


def validate(doc: Document, method: str | None = None) -> None:
	buying.set_links(doc)


def before_update_after_submit(doc: Document, method: str | None = None) -> None:
	buying.set_links(doc)


def on_submit(doc: Document, method: str | None = None) -> None:
	arrivals.note(doc)
