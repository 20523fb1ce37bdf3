"""Which rows are short of what, and which drafts stand for it: pure rules over plain data, tried without a site.

Quantities are in stock units unless a name says `purchase`. What is submitted is known to the engine of availability
and taken off `short` already; drafts are not, so they are taken off here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from crm_ext.supply.model import BUNDLE, MADE, SERVICE, STOCK, Availability
from crm_ext.supply.shortage_rules import NOISE


@dataclass(frozen=True, slots=True)
class Source:
	"""A row of a quotation or an order, as it wants goods."""

	key: str
	item_code: str
	qty: float
	warehouse: str | None
	pool: str | None
	needed_on: date | None = None
	order: str | None = None
	order_qty: float = 0.0
	quotation: str | None = None
	quotation_item: str | None = None
	drop_ship: bool = False
	supplier: str | None = None
	bom_no: str | None = None
	uom: str | None = None
	factor: float = 1.0
	# Of an order that sells a bundle: its packed rows by item, as (name, quantity).
	packed: tuple[tuple[str, str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
	"""One item one row is short of: the row's own, or a component of its bundle."""

	key: str
	source: Source
	item_code: str
	kind: str
	wanted: float
	short: float
	packed_item: str | None = None
	packed_qty: float = 0.0

	@property
	def is_made(self) -> bool:
		return self.kind == MADE

	@property
	def is_component(self) -> bool:
		return self.item_code != self.source.item_code

	@property
	def order_item(self) -> str | None:
		return self.source.key if self.source.order and not self.is_component else None

	@property
	def may_link(self) -> float:
		"""What ERPNext lets purchases name this row for at most: it refuses more than was sold."""
		return self.packed_qty if self.is_component else self.source.order_qty


@dataclass(frozen=True, slots=True)
class Running:
	"""A row of a Material Request, a Purchase Order, or a Work Order, that is not cancelled.

	`qty` is all of it, `open` what is still to come. `is_extra`: a draft that stands for itself, so nothing the engine
	counts holds its quantity; a draft made from a submitted request does not.
	"""

	doctype: str
	name: str
	row: str
	item_code: str
	qty: float
	open: float
	status: str
	is_draft: bool
	is_extra: bool
	warehouse: str | None = None
	due_on: date | None = None
	order: str | None = None
	order_item: str | None = None
	packed_item: str | None = None
	quotation: str | None = None
	quotation_item: str | None = None
	quotation_is_live: bool = False
	from_request: bool = False


def lines_of(sources: Iterable[Source], found: dict[str, Availability]) -> list[Line]:
	"""What rows are short of. A bundle is bought by its components; services only where the supplier delivers."""
	lines = []
	for source in sources:
		availability = found.get(source.key)
		if source.drop_ship:
			lines.append(Line(source.key, source, source.item_code, STOCK, source.qty, source.qty))
		elif availability is None or availability.kind == SERVICE:
			continue
		elif availability.kind == BUNDLE:
			packed = {item: (name, qty) for item, name, qty in source.packed}
			for part in availability.components:
				if part.kind == SERVICE:
					continue
				key = f"{source.key}:{part.item_code}"
				lines.append(
					Line(
						key,
						source,
						part.item_code,
						part.kind,
						part.qty,
						part.short,
						*packed.get(part.item_code, (None, 0.0)),
					)
				)
		else:
			lines.append(
				Line(
					source.key,
					source,
					source.item_code,
					availability.kind,
					availability.qty,
					availability.short,
				)
			)
	return lines


class Allotment:
	"""Which draft stands for which line: first those that name it, then, in the order of the lines, those for nobody."""

	def __init__(self) -> None:
		self.covered: dict[str, float] = defaultdict(float)
		self.by_line: dict[str, list[Running]] = defaultdict(list)

	def open(self, line: Line) -> float:
		"""What of a line nothing stands for."""
		left = line.short - self.covered[line.key]
		return left if left > NOISE else 0.0

	def _give(self, line: Line, draft: Running, left: float) -> float:
		taken = min(left, self.open(line))
		if taken > 0:
			self.covered[line.key] += taken
		return left - taken


def allot(
	lines: Sequence[Line], drafts: Iterable[Running], pools: dict[str, frozenset[str]], plan: bool
) -> Allotment:
	"""Take drafts off what is short. `lines`: all rows that compete for them, in the order in which they are served; `pools`: the warehouses below a group.

	What a draft holds beyond its own lines (a minimum, a whole box, a lost quotation) serves others who may use that
	warehouse. A draft for a live quotation serves that quotation; in the plan of another one (`plan`) it counts as
	well, just as it will once it is submitted: plans share, orders do not rely on them.
	"""
	allotment, owners, free = Allotment(), _owners(lines), []
	for draft in sorted(
		(draft for draft in drafts if draft.is_extra), key=lambda d: (d.doctype, d.name, d.row)
	):
		left = draft.open
		own = _owned(draft, owners)
		for line in own:
			allotment.by_line[line.key].append(draft)
			left = allotment._give(line, draft, left)
		if left > NOISE and (own or plan or not draft.quotation_is_live):
			free.append((draft, left))
	for draft, left in free:
		for line in lines:
			if line.item_code != draft.item_code or line.source.drop_ship or not _fits(line, draft, pools):
				continue
			before = left
			left = allotment._give(line, draft, left)
			if left < before and draft not in allotment.by_line[line.key]:
				allotment.by_line[line.key].append(draft)
			if left <= NOISE:
				break
	return allotment


def names_others(lines: Sequence[Line], drafts: Iterable[Running]) -> bool:
	"""Whether some draft is not for these lines alone, so others who are short must be asked first."""
	owners = _owners(lines)
	short = {line.item_code for line in lines if line.short > NOISE}
	for draft in drafts:
		if draft.is_extra and draft.item_code in short:
			own = _owned(draft, owners)
			if draft.open - sum(line.short for line in own) > NOISE:
				return True
	return False


def _owners(lines: Iterable[Line]) -> dict[tuple, list[Line]]:
	owners = defaultdict(list)
	for line in lines:
		source = line.source
		if line.order_item:
			owners["order item", line.order_item, line.item_code].append(line)
		if line.packed_item:
			owners["packed item", line.packed_item, line.item_code].append(line)
		if source.order:
			owners["order", source.order, line.item_code].append(line)
		if source.quotation_item:
			owners["quotation item", source.quotation_item, line.item_code].append(line)
	return owners


def _owned(running: Running, owners: dict[tuple, list[Line]]) -> list[Line]:
	"""The lines a row of a purchase is for, by the closest link it has. What was planned for a quotation is its order's."""
	links = (
		("order item", running.order_item),
		("packed item", running.packed_item),
		("order", running.order),
	)
	if not any(name for _what, name in links):
		links = (("quotation item", running.quotation_item),)
	for link in links:
		if found := owners.get((*link, running.item_code)):
			return found
	return []


def owned_by(lines: Sequence[Line], rows: Iterable[Running]) -> dict[str, list[Running]]:
	"""What names each line, by the line's key."""
	owners, found = _owners(lines), defaultdict(list)
	for row in rows:
		for line in _owned(row, owners):
			found[line.key].append(row)
	return found


def _fits(line: Line, draft: Running, pools: dict[str, frozenset[str]]) -> bool:
	pool = line.source.pool
	if not pool or not draft.warehouse:
		return True
	return draft.warehouse in pools.get(pool, (pool,))
