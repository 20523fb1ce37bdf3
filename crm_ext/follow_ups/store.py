"""The one module that writes follow ups in sets. Nothing here decides; callers have chosen what to make and close."""

import frappe


def add_indexes() -> None:
	"""Indexes of `tabFollow Up` for the day of a person, the follow ups of a document, party or deal, and of a rule."""
	for name, columns in (
		("crm_ext_day", ["responsible", "status", "due_date"]),
		("crm_ext_reference", ["reference_name", "reference_doctype", "status"]),
		("crm_ext_party", ["party", "party_type", "status"]),
		("crm_ext_deal", ["deal", "status"]),
		("crm_ext_rule", ["rule", "status", "reference_name"]),
		("crm_ext_due", ["status", "due_on"]),
	):
		frappe.db.add_index("Follow Up", columns, name)
