"""Delivery Due: every open order row of a company with what can be delivered of it now and when the rest comes.

Reads in sets, whatever the number of rows, and writes nothing. All open rows compete for the stock; only those of
orders the person may read are returned.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import frappe
from frappe import _
from frappe.utils import cint, get_last_day_of_week, getdate, nowdate

from crm_ext.supply import availability, delivery_queries
from crm_ext.supply.delivery_rules import ALL, PERIODS, TINY, Days, OpenRow, await_rest, scarcest, share_out
from crm_ext.supply.model import Need

# Filters on a tree take what is below as well.
_TREES = {"sales_person": "Sales Person", "territory": "Territory", "warehouse": "Warehouse"}
_NAMES = ("company", "period", "customer", "item_code", *_TREES)


@dataclass(frozen=True, slots=True)
class Ask:
	"""Which open rows to show. Names of a tree stand with all that is below them; empty: no matter which."""

	company: str
	days: Days
	period: str = ALL
	from_date: date | None = None
	to_date: date | None = None
	customer: str | None = None
	item_code: str | None = None
	sales_person: frozenset[str] = frozenset()
	territory: frozenset[str] = frozenset()
	warehouse: frozenset[str] = frozenset()
	only_deliverable: bool = False

	def wants(self, row: OpenRow) -> bool:
		return (
			self.days.within(self.period, row.deliver_on)
			and (not self.from_date or row.deliver_on >= self.from_date)
			and (not self.to_date or row.deliver_on <= self.to_date)
			and (not self.customer or row.customer == self.customer)
			and (not self.item_code or row.item_code == self.item_code)
			and (not self.sales_person or not self.sales_person.isdisjoint(row.sellers))
			and (not self.territory or row.territory in self.territory)
			and (not self.warehouse or self._is_from(row))
			and (not self.only_deliverable or row.is_deliverable)
		)

	def _is_from(self, row: OpenRow) -> bool:
		return row.warehouse in self.warehouse or any(part.warehouse in self.warehouse for part in row.parts)


def ask(filters: Mapping) -> Ask:
	"""Filters come from the browser: one value each. Raises frappe.ValidationError."""
	for name in _NAMES:
		if filters.get(name) and not isinstance(filters[name], str):
			frappe.throw(_("Choose one value for {0}.").format(name))
	if not filters.get("company"):
		frappe.throw(_("Choose a company."))
	period = filters.get("period") or ALL
	if period not in PERIODS:
		frappe.throw(_("There is no period {0}.").format(period))
	return Ask(
		company=filters["company"],
		days=today(),
		period=period,
		from_date=getdate(filters["from_date"]) if filters.get("from_date") else None,
		to_date=getdate(filters["to_date"]) if filters.get("to_date") else None,
		customer=filters.get("customer"),
		item_code=filters.get("item_code"),
		only_deliverable=bool(cint(filters.get("only_deliverable"))),
		**{name: _below(doctype, filters.get(name)) for name, doctype in _TREES.items()},
	)


def today() -> Days:
	day = getdate(nowdate())
	return Days(day, getdate(get_last_day_of_week(day)))


def _below(doctype: str, name: str | None) -> frozenset[str]:
	return frozenset([name, *frappe.db.get_descendants(doctype, name)]) if name else frozenset()


def read(asked: Ask) -> list[OpenRow]:
	"""What is asked for, in rank order, with everything that stands beside it."""
	rows = open_rows(asked.company, asked.days.today)
	teams = delivery_queries.sellers(asked.company) if rows else {}
	for row in rows:
		row.sellers = teams.get(row.order, ())
	chosen = [row for row in rows if row.visible and asked.wants(row)]
	add_drafts(asked.company, chosen)
	add_sources(asked.company, chosen, asked.days.today)
	return chosen


def open_rows(company: str, day: date, user: str | None = None) -> list[OpenRow]:
	"""All open rows of the company in rank order, the stock shared out among them; `visible` tells which to show."""
	rows = delivery_queries.open_rows(company, user)
	if not rows:
		return []
	packed, reserved = delivery_queries.parts(company), delivery_queries.reserved(company)
	for row in rows:
		row.parts, row.reserved = packed.get(row.name, ()), reserved.get(row.name, 0.0)
	found = availability.read(company, needs(rows), day)
	share_out(rows, found, delivery_queries.free_stock(company))
	return rows


def needs(rows: Collection[OpenRow]) -> list[Need]:
	"""What order rows want, as the availability engine asks it."""
	return [
		Need(row.name, row.item_code, row.open_qty, row.warehouse, row.deliver_on, row.name) for row in rows
	]


def add_drafts(company: str, rows: Collection[OpenRow]) -> None:
	if not rows:
		return
	found = delivery_queries.drafts(company)
	for row in rows:
		row.notes = found.get(row.name, ())


def add_sources(company: str, rows: Collection[OpenRow], day: date) -> None:
	short = [row for row in rows if row.short > TINY and row.availability]
	found = delivery_queries.sources(company, {scarcest(row.availability).item_code for row in short})
	for row in short:
		await_rest(row, found, day)
