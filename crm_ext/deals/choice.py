"""The deal a person chooses on a document that cannot tell its own."""

import frappe
from frappe import _
from frappe.model.document import Document


def check_chosen_deal(doc: Document) -> None:
	"""Refuse a newly chosen deal of another company: one deal, one company. One query, only where chosen."""
	if not doc.get("deal") or not doc.has_value_changed("deal"):
		return
	company = frappe.db.get_value("Deal", doc.deal, "company")
	if company and doc.company and company != doc.company:
		frappe.throw(
			_(
				"Deal {0} belongs to company {1}; this document to {2}. Choose a deal of the same company."
			).format(frappe.bold(doc.deal), frappe.bold(company), frappe.bold(doc.company)),
			title=_("Deal of Another Company"),
		)
