"""Documents copy who their party is, name, phone and mail, and ERPNext asks for no permission on a lead or a prospect: what
one may not read, one makes no documents about.
"""

import frappe
from frappe import _
from frappe.model.document import Document

from crm_ext.permissions_of_links import is_hidden


def validate(doc: Document, method: str | None = None) -> None:
	"""Only where visibility hides something from the user, and only of what is newly named."""
	if doc.flags.ignore_permissions:
		return
	before = doc.get_doc_before_save()
	for doctype, name in sorted(_about(doc) - (_about(before) if before else set())):
		if is_hidden(doctype, name):
			frappe.throw(_("You may not read {0} {1}.").format(_(doctype), name), frappe.PermissionError)


def _about(doc: Document) -> set[tuple[str, str]]:
	if doc.doctype == "Prospect":
		found = {("Lead", row.lead) for row in doc.leads}
	elif doc.doctype == "Quotation" and doc.opportunity:
		# Somebody else may hold its party.
		found = {("Opportunity", doc.opportunity)}
	elif doc.doctype == "Quotation":
		found = {(doc.quotation_to, doc.party_name)}
	else:
		found = {(doc.opportunity_from, doc.party_name)}
	return {(doctype, name) for doctype, name in found if doctype and name}
