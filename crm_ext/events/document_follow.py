"""Who follows a document is mailed what changes in it; Frappe does not ask whether the follower may read it."""

import frappe
from frappe.model.document import Document

from crm_ext.permissions_of_links import is_hidden


def after_insert(doc: Document, method: str | None = None) -> None:
	"""Nobody follows what is hidden from them. It is not refused: Frappe also lets people follow by themselves what they enter
	or change, be it for a colleague, and would undo that with it."""
	if is_hidden(doc.ref_doctype, doc.ref_docname, doc.user):
		frappe.db.delete(doc.doctype, doc.name)
