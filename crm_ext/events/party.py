"""Documents copy who their party is, name, phone and mail, and neither Frappe nor ERPNext asks for permission on a lead or a
prospect: what one may not read, one makes no documents about.
"""

import frappe
from frappe.model.document import Document

from crm_ext.permissions_of_links import is_hidden, refuse


def before_validate(doc: Document, method: str | None = None) -> None:
	"""Only where visibility hides something from the user, and only of what is newly named."""
	if doc.flags.ignore_permissions:
		return
	before = doc.get_doc_before_save()
	for doctype, name in sorted(_about(doc) - (_about(before) if before else set())):
		if is_hidden(doctype, name) and (doctype, name) not in _amended(doc):
			refuse(doctype, name)


def _amended(doc: Document) -> set[tuple[str, str]]:
	"""What an amended document was about: it is offered once more by whoever sees the offer."""
	if not doc.get("amended_from") or is_hidden(doc.doctype, doc.amended_from):
		return set()
	return _about(frappe.get_doc(doc.doctype, doc.amended_from))


def _about(doc: Document) -> set[tuple[str, str]]:
	if doc.doctype == "Event":
		found = {(row.reference_doctype, row.reference_docname) for row in doc.event_participants}
	elif doc.doctype == "Customer":
		found = {
			("Lead", doc.lead_name),
			("Opportunity", doc.opportunity_name),
			("Prospect", doc.prospect_name),
		}
	elif doc.doctype == "Prospect":
		found = {("Lead", row.lead) for row in doc.leads}
	elif doc.doctype == "Quotation" and doc.opportunity:
		# Somebody else may hold its party.
		found = {("Opportunity", doc.opportunity)}
	elif doc.doctype == "Quotation":
		found = {(doc.quotation_to, doc.party_name)}
	else:
		found = {(doc.opportunity_from, doc.party_name)}
	return {(doctype, name) for doctype, name in found if doctype and name}
