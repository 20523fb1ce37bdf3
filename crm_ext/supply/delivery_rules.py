"""What is still to be delivered and how the stock at hand is shared out among it. Pure: plain data in, plain data out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from crm_ext.supply.model import BUNDLE, BY_PRODUCTION, BY_PURCHASE, BY_STOCK, SERVICE, Availability

# Below this a quantity is a rounding error of the database's nine decimals, not goods.
TINY = 1e-6
# Decimals of a quantity that is delivered in part; what is left over is delivered with the next note.
_DECIMALS = 3

WORK_ORDER = "Work Order"

LATE = "Late"
TODAY = "Today"
THIS_WEEK = "This Week"
NEXT_WEEK = "Next Week"
ALL = "All"
PERIODS = (LATE, TODAY, THIS_WEEK, NEXT_WEEK, ALL)


@dataclass(frozen=True, slots=True)
class Part:
	"""One item of a bundle: how much of it one stock unit of the bundle takes, from where."""

	item_code: str
	warehouse: str | None
	per_unit: float


@dataclass(slots=True)
class OpenRow:
	"""An open row of a Sales Order. `open_qty` in its stock unit; `factor` stock units make one of its own unit."""

	name: str
	order: str
	idx: int
	item_code: str
	item_name: str | None
	warehouse: str | None
	deliver_on: date
	open_qty: float
	uom: str
	stock_uom: str
	factor: float
	whole: bool  # its own unit comes in whole numbers only
	whole_stock: bool  # so does its stock unit
	value: float  # of what is open, net, company currency
	visible: bool  # the person may read the order
	customer: str
	customer_name: str | None
	territory: str | None
	deal: str | None
	parts: tuple[Part, ...] = ()
	reserved: float = 0.0  # stock units that Stock Reservation Entries keep for it
	# What comes of sharing out.
	deliverable: float = 0.0
	availability: Availability | None = None
	sellers: tuple[str, ...] = ()
	notes: tuple[str, ...] = ()  # drafts of Delivery Notes that hold this row
	comes_on: date | None = (
		None  # when the rest can be delivered; None where nothing is short or nobody knows
	)
	comes_by: str | None = None
	source: tuple[str, str] | None = None  # (DocType, name) of what the rest comes with

	@property
	def short(self) -> float:
		"""What cannot be delivered now, in the stock unit."""
		return max(0.0, self.open_qty - self.deliverable)

	@property
	def is_deliverable(self) -> bool:
		return self.deliverable > TINY


Pool = tuple[str, str | None]  # item, warehouse


def share_out(rows: Iterable[OpenRow], found: Mapping[str, Availability], free: Mapping[Pool, float]) -> None:
	"""Give each row what its rank leaves of the stock in its warehouse. Sets `deliverable` and `availability`.

	`rows` in rank order; `free`: stock at hand that is reserved for nobody. What is reserved for a row is that row's. Safety
	stock is there to be delivered: it is kept back from promises only. What is still to come is not delivered, even
	where a promise rests on it.
	"""
	left = dict(free)
	for row in rows:
		row.availability = have = found.get(row.name)
		if have is None or have.kind == SERVICE:
			row.deliverable = row.open_qty if have else 0.0
			continue
		parts = row.parts or (() if have.kind == BUNDLE else (Part(row.item_code, row.warehouse, 1.0),))
		own = min(row.open_qty, row.reserved)
		lying = min((left.get((p.item_code, p.warehouse), 0.0) / p.per_unit for p in parts), default=math.inf)
		row.deliverable = whole_part(own + max(0.0, min(row.open_qty - own, lying)), row)
		taken = max(0.0, row.deliverable - own)
		for part in parts:
			pool = (part.item_code, part.warehouse)
			left[pool] = left.get(pool, 0.0) - taken * part.per_unit


def whole_part(qty: float, row: OpenRow) -> float:
	"""The most of `qty` that a note can hold, in stock units: whole ones where the unit asks for it."""
	if row.open_qty - qty < TINY:
		return row.open_qty
	if row.whole_stock:
		qty = math.floor(qty + TINY)
	own = qty / row.factor
	if row.whole:
		own = math.floor(own + TINY)
	elif not row.whole_stock:
		own = math.floor(own * 10**_DECIMALS + TINY) / 10**_DECIMALS
	return max(0.0, own * row.factor)


# When


@dataclass(frozen=True, slots=True)
class Days:
	"""The day it is and the last day of its week."""

	today: date
	week_end: date

	def within(self, period: str, day: date) -> bool:
		"""Late counts neither for today nor for this week."""
		if period == LATE:
			return day < self.today
		if period == TODAY:
			return day == self.today
		if period == THIS_WEEK:
			return self.today <= day <= self.week_end
		if period == NEXT_WEEK:
			return self.week_end < day <= self.week_end + timedelta(days=7)
		return True

	def period_of(self, day: date) -> str | None:
		"""The narrowest period a day belongs to; None for what is further off."""
		return next((p for p in (LATE, TODAY, THIS_WEEK, NEXT_WEEK) if self.within(p, day)), None)


# Where the rest comes from


@dataclass(frozen=True, slots=True)
class Source:
	"""An open row of a Purchase Order, a Work Order or a Material Request (`due` None: not ordered yet)."""

	doctype: str
	name: str
	item_code: str
	due: date | None
	order_item: str | None


def await_rest(row: OpenRow, sources: Mapping[str, Sequence[Source]], today: date) -> None:
	"""Set when the rest of a short row comes and with what: what was ordered for this very row, else what arrives on the
	day promised, else what was requested. `sources` by item, by their day.
	"""
	if row.short <= TINY or not row.availability:
		return
	row.comes_on, row.comes_by = row.availability.promise_on, row.availability.promised_by
	scarce = scarcest(row.availability)
	known = sources.get(scarce.item_code, ())
	coming = [source for source in known if source.due]
	if scarce.promised_by == BY_STOCK and coming:
		# Promised from what lies there because more comes before those ahead are due; it is theirs to be delivered first.
		first = coming[0]
		row.comes_on = max(first.due, today)
		row.comes_by = BY_PRODUCTION if first.doctype == WORK_ORDER else BY_PURCHASE
	own = [source for source in known if source.order_item == row.name]
	arriving = [source for source in coming if max(source.due, today) == row.comes_on]
	asked = [source for source in known if not source.due]
	first = next(iter((*own, *arriving, *asked)), None)
	row.source = (first.doctype, first.name) if first else None


def scarcest(have: Availability) -> Availability:
	"""The item of a bundle that comes last; else what was asked about itself."""
	waiting = [part for part in have.components if part.kind != SERVICE]
	if not waiting:
		return have
	return max(waiting, key=lambda part: (part.promise_on is None, part.promise_on or date.min, part.short))


# By order


@dataclass(slots=True)
class OpenOrder:
	"""The open rows of one order, in rank order."""

	name: str
	rows: list[OpenRow] = field(default_factory=list)

	@property
	def deliver_on(self) -> date:
		return min(row.deliver_on for row in self.rows)

	@property
	def value(self) -> float:
		return sum(row.value for row in self.rows)

	@property
	def is_deliverable(self) -> bool:
		return any(row.is_deliverable for row in self.rows)

	@property
	def short_rows(self) -> list[OpenRow]:
		return [row for row in self.rows if row.short > TINY]

	@property
	def comes_on(self) -> date | None:
		"""When the last of it can be delivered; None also where nobody knows of one row."""
		days = [row.comes_on for row in self.short_rows]
		return max(days) if days and None not in days else None


def by_order(rows: Iterable[OpenRow]) -> list[OpenOrder]:
	"""Orders by the rank of their first row."""
	found: dict[str, OpenOrder] = {}
	for row in rows:
		found.setdefault(row.order, OpenOrder(row.order)).rows.append(row)
	return list(found.values())
