from frappe.model.document import Document

from crm_ext.follow_ups import guard
from crm_ext.workflows import store


def after_rename(doc: Document, method: str | None, old: str, new: str, merge: bool = False) -> None:
	with guard.best_effort("renewing workflows failed", doc.doctype, new):
		store.renew_all()  # conditions of their ways, and drafts, name roles
