"""What ERPNext leaves behind on the way from one document to the next: where a lead came from, who sells, whom to talk to,
notes and attachments. Only what is empty is filled. Off unless the settings say so; never fails the document.
"""

from collections.abc import Sequence

import frappe
from frappe.model.document import Document
from frappe.utils import cint

from crm_ext.follow_ups.guard import best_effort

_WITH_TEAM = ("Sales Order", "Delivery Note", "Sales Invoice")
_TEAM_FIELDS = ("sales_person", "contact_no", "allocated_percentage", "commission_rate")
_NOTE_FIELDS = ("note", "added_by", "added_on")
# What a lead calls it, and every later document.
_ORIGIN = {"source": "source", "campaign_name": "campaign"}
# Fields of rows that name what a document was made from.
_BEFORE = {
	"Quotation": (("prevdoc_docname", "Opportunity"),),
	"Sales Order": (("prevdoc_docname", "Quotation"),),
	"Delivery Note": (("against_sales_order", "Sales Order"),),
	"Sales Invoice": (("delivery_note", "Delivery Note"), ("sales_order", "Sales Order")),
}


def take_along(doc: Document, source: Document) -> None:
	"""Fill what ERPNext's mapping from `source` left empty in `doc`, before anybody sees it. At most three queries."""
	if not cint(frappe.get_cached_doc("CRM Ext Settings").get("carry_along")):
		return
	with best_effort("carrying along", source.doctype, source.name):
		if source.doctype == "Lead":
			_fill(doc, {target: source.get(field) for field, target in _ORIGIN.items()})
		elif source.doctype == "Prospect" and doc.doctype == "Opportunity":
			_from_prospect(doc, source)
		if doc.doctype in _WITH_TEAM and not doc.get("sales_team"):
			_set_team(doc, source)


def _fill(doc: Document, values: dict) -> None:
	"""Version 16 calls some of them otherwise; what a document has no field for is left out."""
	for field, value in values.items():
		if value and doc.meta.has_field(field) and not doc.get(field):
			doc.set(field, value)


def _from_prospect(opportunity: Document, prospect: Document) -> None:
	"""The first of its leads says where it came from; its first contact is whom to talk to."""
	if prospect.get("leads"):
		lead = frappe.db.get_value("Lead", prospect.leads[0].lead, list(_ORIGIN), as_dict=True) or {}
		_fill(opportunity, {target: lead.get(field) for field, target in _ORIGIN.items()})
	contact = frappe.get_all(
		"Dynamic Link",
		filters={"link_doctype": "Prospect", "link_name": prospect.name, "parenttype": "Contact"},
		pluck="parent",
		order_by="creation",
		limit=1,
	)
	_fill(opportunity, {"contact_person": contact[0] if contact else None})
	if not opportunity.get("notes"):
		for note in prospect.get("notes") or ():
			opportunity.append("notes", {field: note.get(field) for field in _NOTE_FIELDS})


def _set_team(doc: Document, source: Document) -> None:
	"""Of the earlier document, else the customer's."""
	team: Sequence = source.get("sales_team") or ()
	if not team and doc.get("customer"):
		team = frappe.get_all(
			"Sales Team",
			filters={"parenttype": "Customer", "parent": doc.customer},
			fields=list(_TEAM_FIELDS),
			order_by="idx",
		)
	for row in team:
		doc.append("sales_team", {field: row.get(field) for field in _TEAM_FIELDS})


def attach(doc: Document) -> None:
	"""Attach to a new document what is attached to those it was made from, as links to the same files. Only of documents
	the user may read; amended documents get theirs from Frappe."""
	if not cint(frappe.get_cached_doc("CRM Ext Settings").get("carry_attachments")) or doc.get(
		"amended_from"
	):
		return
	with best_effort("carrying attachments along", doc.doctype, doc.name):
		for doctype, name in _made_from(doc):
			if frappe.has_permission(doctype, "read", doc=name):
				_attach_from(doc, doctype, name)


def _made_from(doc: Document) -> list[tuple[str, str]]:
	found = []
	if doc.doctype == "Opportunity" and doc.opportunity_from in ("Lead", "Prospect"):
		found.append((doc.opportunity_from, doc.party_name))
	if doc.doctype == "Quotation":
		if doc.get("opportunity"):
			found.append(("Opportunity", doc.opportunity))
		elif doc.quotation_to == "Lead" and not any(row.get("prevdoc_docname") for row in doc.items):
			found.append(("Lead", doc.party_name))
	for row in doc.get("items") or ():
		for field, doctype in _BEFORE.get(doc.doctype, ()):
			# A bill of a delivery takes the delivery's, which has the order's.
			if row.get(field):
				found.append((doctype, row.get(field)))
				break
	return list(dict.fromkeys(pair for pair in found if pair[1]))


def _attach_from(doc: Document, doctype: str, name: str) -> None:
	files = frappe.get_all(
		"File",
		filters={"attached_to_doctype": doctype, "attached_to_name": name, "is_folder": 0},
		fields=["file_name", "file_url", "is_private", "folder"],
		order_by="creation",
	)
	if not files:
		return
	known = set(
		frappe.get_all(
			"File",
			filters={"attached_to_doctype": doc.doctype, "attached_to_name": doc.name},
			pluck="file_url",
			order_by=None,
		)
	)
	for file in files:
		if file.file_url and file.file_url not in known:
			frappe.get_doc(
				{
					"doctype": "File",
					**file,
					"attached_to_doctype": doc.doctype,
					"attached_to_name": doc.name,
				}
			).insert(ignore_permissions=True)
