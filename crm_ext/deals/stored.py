"""What the database holds of deals already: read in two queries, whatever their number."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import frappe

from crm_ext.deals.model import Ref, StoredDeal

AMOUNTS = (
	"amount",
	"expected_amount",
	"quoted_amount",
	"ordered_amount",
	"delivered_amount",
	"invoiced_amount",
	"paid_amount",
)
DATES = ("lead_on", "opportunity_on", "quoted_on", "ordered_on", "delivered_on", "invoiced_on", "paid_on")
DERIVED = (
	"stage",
	"status",
	"furthest_stage",
	"company",
	"party_type",
	"party",
	"party_name",
	"customer",
	"lead",
	"opportunity",
	"owner_user",
	"sales_person",
	"source",
	"campaign",
	"territory",
	"industry",
	"currency",
	"lost_reasons",
	*AMOUNTS,
	*DATES,
)
# Kept beside what is derived: they tell when, which the vouchers do not.
KEPT = ("stage_since", "closed_on")


class Stored:
	"""What the database holds of some deals: identity, derived values, ledger rows."""

	def __init__(self) -> None:
		self.deals: dict[str, StoredDeal] = {}
		self.values: dict[str, dict] = {}
		self.modified: dict[str, datetime] = {}
		self.ledger: dict[str, dict[tuple, dict]] = defaultdict(dict)

	@property
	def members(self) -> set[Ref]:
		return {(key[1], key[2]) for rows in self.ledger.values() for key in rows}

	def by_root(self) -> dict[Ref, str]:
		"""Root to deal. Where two share a root, as after two leads were merged, the older one stays."""
		found: dict[Ref, str] = {}
		for deal in sorted(self.deals.values(), key=lambda d: (d.creation, d.name), reverse=True):
			found[deal.root] = deal.name
		return found


def read_stored(refs: Iterable[Ref], names: Iterable[str] = ()) -> Stored:
	"""Deals called `names`, deals opened by `refs`, and deals that hold a share of them. Two queries."""
	stored, refs = Stored(), sorted(set(refs))
	names = sorted({*names, *(name for doctype, name in refs if doctype == "Deal")})
	columns = ", ".join(
		f"d.{column}"
		for column in ("name", "root_type", "root_name", "creation", "modified", *DERIVED, *KEPT)
	)
	# Found by name first: the wide columns are read once, not compared for the union.
	selects, params = [], []
	if names:
		selects.append("SELECT name FROM `tabDeal` WHERE name IN %s")
		params.append(names)
	if refs:
		selects.append("SELECT name FROM `tabDeal` WHERE (root_name, root_type) IN %s")
		selects.append("SELECT deal FROM `tabDeal Ledger Entry` WHERE (voucher_no, voucher_type) IN %s")
		params += [[(name, doctype) for doctype, name in refs]] * 2
	if not selects:
		return stored
	query = f"SELECT {columns} FROM `tabDeal` d JOIN ({' UNION '.join(selects)}) f ON f.name = d.name"
	for row in frappe.db.sql(query, params, as_dict=True):
		stored.deals[row.name] = StoredDeal(row.name, (row.root_type, row.root_name), row.creation)
		stored.values[row.name] = {field: row[field] for field in (*DERIVED, *KEPT)}
		stored.modified[row.name] = row.modified
	if stored.deals:
		for row in frappe.db.sql(
			"SELECT name, deal, stage, voucher_type, voucher_no, posting_date, amount, currency, voucher_currency,"
			" voucher_amount, is_cancelled FROM `tabDeal Ledger Entry` WHERE deal IN %s",
			(list(stored.deals),),
			as_dict=True,
		):
			stored.ledger[row.deal][(row.stage, row.voucher_type, row.voucher_no)] = row
	return stored
