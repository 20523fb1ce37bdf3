"""What a document is short of, and what runs already for it. Reads only; callers check permission.

Purchases are told apart from what is short in two ways: what is submitted, the engine of availability has counted;
drafts are taken off here (`shortage_lines.allot`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import frappe
from frappe import _
from frappe.utils import getdate

from crm_ext.supply import availability
from crm_ext.supply import shortage_queries as queries
from crm_ext.supply.model import Need
from crm_ext.supply.shortage_lines import (
	Allotment,
	Line,
	Running,
	Source,
	allot,
	lines_of,
	names_others,
	owned_by,
)
from crm_ext.supply.shortage_rules import NOISE, Terms, quantities

QUOTATION, SALES_ORDER, DEAL = "Quotation", "Sales Order", "Deal"


@dataclass(frozen=True, slots=True)
class Shortage:
	"""What one line is short of, quantities in stock units: `open` is what nothing stands for, `to_buy` that in whole
	lots. `linked`: how much of it purchases name already, whatever became of them."""

	line: Line
	terms: Terms
	open: float
	to_buy: float
	linked: float
	running: tuple[Running, ...]


@dataclass(frozen=True, slots=True)
class Reading:
	"""`is_plan`: nothing is sold yet, so it may be requested, not ordered."""

	company: str
	is_plan: bool
	shortages: tuple[Shortage, ...]


def company_of(doctype: str, name: str) -> str:
	return frappe.db.get_value(doctype, name, "company")


def read(doctype: str, name: str, today: date | None = None) -> Reading:
	"""What a submitted quotation or order, or a deal (its open orders, else its quotations), is short of."""
	company, today = company_of(doctype, name), getdate(today)
	sources = _sources(doctype, name)
	is_plan = not any(source.order for source in sources)
	lines = lines_of(sources, _availability(company, sources, today))
	items = sorted({line.item_code for line in lines})
	rows = queries.running(
		company,
		items,
		sorted({source.order for source in sources if source.order}),
		sorted({source.quotation_item for source in sources if source.quotation_item}),
	)
	allotment = _allot(company, lines, rows, is_plan, today)
	terms = _terms(company, lines, items)
	opened = {line.key: allotment.open(line) for line in lines}
	to_buy = quantities(lines, opened, terms)
	named = owned_by(lines, rows)
	return Reading(
		company,
		is_plan,
		tuple(
			Shortage(
				line,
				terms[line.key],
				opened[line.key],
				to_buy[line.key],
				_linked(line, named.get(line.key, ())),
				_shown(named.get(line.key, ()), allotment.by_line.get(line.key, ())),
			)
			for line in lines
		),
	)


def _sources(doctype: str, name: str) -> list[Source]:
	whole = bool(frappe.get_cached_doc("CRM Ext Settings").supply_whole_company)
	if doctype == QUOTATION:
		return queries.quotation_sources([name], whole)
	if doctype == SALES_ORDER:
		return queries.order_sources([name], whole)
	if doctype != DEAL:
		frappe.throw(_("{0} has nothing that could be short.").format(_(doctype)))
	vouchers = queries.deal_vouchers(name)
	orders = vouchers.get(SALES_ORDER)
	sources = queries.order_sources(orders, whole) if orders else []
	if not sources and vouchers.get(QUOTATION):
		sources = queries.quotation_sources(vouchers[QUOTATION], whole)
	return sources


def _availability(company: str, sources: Sequence[Source], today: date) -> dict:
	"""What the supplier delivers himself never meets our stock."""
	needs = [
		Need(
			key=source.key,
			item_code=source.item_code,
			qty=source.qty,
			warehouse=source.pool,
			needed_on=getdate(source.needed_on) if source.needed_on else None,
			order_item=source.key if source.order else None,
		)
		for source in sources
		if not source.drop_ship
	]
	return availability.read(company, needs, today) if needs else {}


def _allot(company: str, lines: list[Line], rows: list[Running], is_plan: bool, today: date) -> Allotment:
	"""Others are asked only where a draft may be theirs: mostly there is none, and it saves reading their rows."""
	if not names_others(lines, rows):
		return allot(lines, rows, {}, is_plan)
	items = {line.item_code for line in lines}
	whole = bool(frappe.get_cached_doc("CRM Ext Settings").supply_whole_company)
	sources = queries.competing_sources(company, items, whole)
	others = lines_of(sources, _availability(company, sources, today))
	competing = [line for line in others if line.item_code in items]
	if is_plan:
		everybody = [*competing, *lines]
	else:
		# At their rank among all; a row the supplier delivers competes with nobody.
		by_key = {line.key: line for line in lines}
		everybody = [by_key.pop(line.key, line) for line in competing]
		everybody += by_key.values()
	pools = queries.warehouses_below(line.source.pool for line in everybody)
	return allot(everybody, rows, pools, is_plan)


def _terms(company: str, lines: list[Line], items: list[str]) -> dict[str, Terms]:
	bought, found = queries.purchase_terms(company, items), {}
	for line in lines:
		terms = bought[line.item_code]
		if line.source.drop_ship:
			terms = terms.as_sold(line.source)
		elif line.is_made:
			terms = terms.in_stock_unit()
		elif line.source.supplier and not line.is_component:
			terms = replace(terms, supplier=line.source.supplier)
		found[line.key] = terms
	return found


def _linked(line: Line, rows: Sequence[Running]) -> float:
	"""What already names the order's row. A purchase made from a request takes the request's place."""
	return sum(
		row.qty
		for row in rows
		if not row.from_request
		and (row.packed_item == line.packed_item if line.is_component else row.order_item == line.order_item)
	)


def _shown(named: Sequence[Running], drafts: Sequence[Running]) -> tuple[Running, ...]:
	"""What runs for a line: its own and the drafts it lives on, each once, without what is through."""
	rows = {(row.doctype, row.row): row for row in (*named, *drafts) if row.open > NOISE}
	return tuple(sorted(rows.values(), key=lambda row: (row.is_draft, row.doctype, row.name, row.row)))
