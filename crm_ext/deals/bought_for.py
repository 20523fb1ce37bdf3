"""For whom a row of a buying document, a work order or a reservation is: who decides, in sets. Reads only.

A row takes customer and deal from the sale it names (its order, else the quotation it was planned from), else from the
row it was made from.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import frappe

from crm_ext.deals.model import QUOTATION, SALES_ORDER


@dataclass(frozen=True, slots=True)
class Carrier:
	"""A DocType that tells for whom it is. Without `child` the document is its own row."""

	doctype: str
	child: str | None
	order: str = "sales_order"
	order_item: str = "sales_order_item"
	planned: bool = False  # rows name a quotation, too
	# (column, table) of earlier rows a row may be made from, nearest first
	made_from: tuple[tuple[str, str], ...] = ()

	@property
	def table(self) -> str:
		return self.child or self.doctype

	@property
	def parent(self) -> str:
		return "parent" if self.child else "name"


# In the order in which one is made from another.
CARRIERS = {
	carrier.doctype: carrier
	for carrier in (
		Carrier("Material Request", "Material Request Item", planned=True),
		Carrier(
			"Purchase Order",
			"Purchase Order Item",
			planned=True,
			made_from=(("material_request_item", "Material Request Item"),),
		),
		Carrier(
			"Purchase Receipt",
			"Purchase Receipt Item",
			made_from=(
				("purchase_order_item", "Purchase Order Item"),
				("material_request_item", "Material Request Item"),
			),
		),
		Carrier("Work Order", None, made_from=(("material_request_item", "Material Request Item"),)),
		# ERPNext reserves for orders only.
		Carrier("Stock Reservation Entry", None, order="voucher_no", order_item="voucher_detail_no"),
	)
}


class For(NamedTuple):
	customer: str | None = None
	deal: str | None = None


class Source(NamedTuple):
	"""What a row says of where it comes from."""

	order: str | None
	order_item: str | None
	quotation: str | None
	quotation_item: str | None
	made_from: tuple[tuple[str, str], ...]  # (table, row)


def one_of(values: Iterable[str | None]) -> str | None:
	"""The one value all that have one agree on."""
	found = {value for value in values if value}
	return found.pop() if len(found) == 1 else None


def source_of(carrier: Carrier, row) -> Source:
	return Source(
		row.get(carrier.order),
		row.get(carrier.order_item),
		row.get("quotation") if carrier.planned else None,
		row.get("quotation_item") if carrier.planned else None,
		tuple((table, row.get(column)) for column, table in carrier.made_from if row.get(column)),
	)


def resolve(sources: Sequence[Source]) -> tuple[list[For], set[str]]:
	"""For whom each row is, and the orders among them that have no deal (yet).

	One query for the sales they name, one for earlier rows of those that name none.
	"""
	orders = {source.order for source in sources if source.order}
	quotations = {source.quotation for source in sources if source.quotation}
	sales = _read_sales(orders, quotations, sources) if orders or quotations else {}

	def of_sale(source: Source) -> For | None:
		return (
			sales.get((SALES_ORDER, source.order, source.order_item))
			or sales.get((SALES_ORDER, source.order, None))
			or sales.get((QUOTATION, source.quotation, source.quotation_item))
			or sales.get((QUOTATION, source.quotation, None))
		)

	found = [of_sale(source) for source in sources]
	earlier = _read_rows(
		row for source, known in zip(sources, found, strict=True) if not known for row in source.made_from
	)
	resolved = [
		known or next((earlier[row] for row in source.made_from if any(earlier.get(row, ()))), For())
		for source, known in zip(sources, found, strict=True)
	]
	return resolved, {order for order in orders if not sales.get((SALES_ORDER, order, None), For()).deal}


# A row's own deal where the document serves several: by the quotation row, else the quotation it comes from.
_SALES = {
	SALES_ORDER: """
		SELECT 'Sales Order', v.name, i.name, v.customer, v.deal, o.deal, q.deal, {members}
		FROM `tabSales Order` v
		LEFT JOIN `tabSales Order Item` i ON i.parent = v.name AND i.name IN %s
		LEFT JOIN `tabQuotation` q ON q.name = i.prevdoc_docname
		LEFT JOIN `tabQuotation Item` r ON r.name = i.quotation_item
		LEFT JOIN `tabOpportunity` o ON o.name = r.prevdoc_docname AND r.prevdoc_doctype = 'Opportunity'
		WHERE v.name IN %s""",
	QUOTATION: """
		SELECT 'Quotation', v.name, i.name, IF(v.quotation_to = 'Customer', v.party_name, d.customer), v.deal,
			o.deal, NULL, {members}
		FROM `tabQuotation` v
		LEFT JOIN `tabDeal` d ON d.name = v.deal
		LEFT JOIN `tabQuotation Item` i ON i.parent = v.name AND i.name IN %s
		LEFT JOIN `tabOpportunity` o ON o.name = i.prevdoc_docname AND i.prevdoc_doctype = 'Opportunity'
		WHERE v.name IN %s""",
}
_MEMBERS = """(SELECT GROUP_CONCAT(DISTINCT e.deal) FROM `tabDeal Ledger Entry` e
	WHERE e.voucher_no = v.name AND e.voucher_type = '{doctype}')"""


def _read_sales(
	orders: set[str], quotations: set[str], sources: Sequence[Source]
) -> dict[tuple[str, str, str | None], For]:
	"""For whom (doctype, document, row) is; row None: the document as a whole. One query."""
	selects, params = [], []
	for doctype, names, rows in (
		(SALES_ORDER, orders, {source.order_item for source in sources}),
		(QUOTATION, quotations, {source.quotation_item for source in sources}),
	):
		if names:
			selects.append(_SALES[doctype].format(members=_MEMBERS.format(doctype=doctype)))
			params += [sorted(filter(None, rows)) or [""], sorted(names)]
	found: dict[tuple[str, str, str | None], For] = {}
	for doctype, name, row, customer, deal, *nearer, members in frappe.db.sql(
		" UNION ALL ".join(selects), params
	):
		found[(doctype, name, None)] = For(customer or None, deal or None)
		if row:
			known = set((members or "").split(","))
			own = next((one for one in nearer if one and one in known), deal)
			found[(doctype, name, row)] = For(customer or None, own or None)
	return found


def _read_rows(rows: Iterable[tuple[str, str]]) -> dict[tuple[str, str], For]:
	"""For whom earlier rows (table, name) are, as they say themselves. One query."""
	by_table: dict[str, set[str]] = defaultdict(set)
	for table, name in rows:
		by_table[table].add(name)
	if not by_table:
		return {}
	selects = (
		f"SELECT '{table}', name, for_customer, deal FROM `tab{table}` WHERE name IN %s" for table in by_table
	)
	found = frappe.db.sql(" UNION ALL ".join(selects), [sorted(names) for names in by_table.values()])
	return {(table, name): For(customer or None, deal or None) for table, name, customer, deal in found}
