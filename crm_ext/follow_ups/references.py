"""What a follow up copies from the document it is about: party, deal, company, owner, contact. Reads only."""

from collections.abc import Collection

import frappe

from crm_ext.follow_ups.model import ABOUT, Reference


def describe(doctype: str, names: Collection[str]) -> dict[str, dict]:
	"""Per document name: {"party_type", "party", "party_name", "deal", "company", "contact", "owner", "created_by"}.

	One query, two for leads (whose deal is found by its root). Documents that do not exist are left out. `owner` is the
	enabled or disabled user in the DocType's own owner field, None where it has none; `created_by` who made it.
	"""
	if not names:
		return {}
	reference = ABOUT[doctype]
	rows = frappe.db.sql(
		f"SELECT name, {columns(reference)} FROM `tab{doctype}` WHERE name IN %(names)s",
		{"names": list(names)},
		as_dict=True,
	)
	found = {row.pop("name"): row for row in rows}
	if doctype == "Lead" and found:
		deals = frappe.get_all(
			"Deal",
			filters={"root_type": "Lead", "root_name": ("in", list(found))},
			fields=["name", "root_name"],
			order_by="name",
		)
		for deal in deals:
			found[deal.root_name]["deal"] = deal.name
	return found


def columns(reference: Reference, alias: str = "") -> str:
	"""The SELECT list of `describe`; `alias` (with its dot) stands before plain columns."""

	def column(expression: str | None) -> str:
		if expression is None:
			return "NULL"
		if expression.startswith("="):
			return f"'{expression[1:]}'"
		return f"{alias}`{expression}`" if expression.isidentifier() else expression

	return ", ".join(
		(
			f"{column(reference.party_type)} AS party_type",
			f"{column(reference.party)} AS party",
			f"{column(reference.party_name)} AS party_name",
			f"NULLIF({column(reference.deal)}, '') AS deal",
			f"NULLIF({column(reference.company)}, '') AS company",
			f"NULLIF({column(reference.contact)}, '') AS contact",
			f"NULLIF({column(reference.owner)}, '') AS `owner`",
			f"{alias}`owner` AS created_by",
		)
	)
