"""Documents follow ups may be about."""

from frappe.model.document import Document

from crm_ext.follow_ups import targets


def keep_dates(doc: Document, method: str | None = None) -> None:
	targets.keep(doc)


def on_trash(doc: Document, method: str | None = None) -> None:
	targets.forget(doc.doctype, doc.name)


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	targets.move(doc.doctype, old, new, merge)
