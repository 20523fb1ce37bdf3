"""Who follows a document is mailed what changes in it; Frappe does not ask whether the follower may read it."""

import frappe
from frappe import _
from frappe.model.document import Document

from crm_ext.permissions_of_links import is_hidden


def validate(doc: Document, method: str | None = None) -> None:
	if is_hidden(doc.ref_doctype, doc.ref_docname, doc.user):
		frappe.throw(
			_("You may not read {0} {1}.").format(_(doc.ref_doctype), doc.ref_docname), frappe.PermissionError
		)
