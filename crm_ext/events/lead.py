from frappe.model.document import Document

from crm_ext.deals.touch import touch


def on_change(doc: Document, method: str | None = None) -> None:
	touch((doc.doctype, doc.name))


def on_trash(doc: Document, method: str | None = None) -> None:
	touch((doc.doctype, doc.name))


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	# Merged into another: two deals now have one root, and deriving makes them one.
	touch((doc.doctype, new))
