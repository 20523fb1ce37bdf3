"""What can be promised, and when: discrete available to promise. Pure; no database.

	balance(t) = on hand + supply due by t - demand due by t
	ATP(d)     = min over t >= d of balance(t) - safety stock
	promise    = the first d from today on with ATP(d) >= quantity

So a promise never takes what a later order was promised. A day that has passed counts as today. What supply does not
cover is bought or made: after the lead time, for made items counted from the latest of the raw materials. Nothing is
promised before that day from stock a later order needs, for nobody has bought yet.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from crm_ext.supply.model import (
	BUNDLE,
	BY_LEAD_TIME,
	BY_PRODUCTION,
	BY_PURCHASE,
	BY_STOCK,
	MADE,
	SERVICE,
	STOCK,
	Availability,
	ItemFacts,
	Need,
	Part,
	World,
)
from crm_ext.supply.positions import EPS, Pool, Position, Terms, first_day, steps


def serve(needs: Sequence[Need], world: World, terms: Terms) -> dict[str, Availability]:
	"""Serve needs in the order given, each competing with those before it; by key."""
	desk = _Desk(world, terms, {need.order_item for need in needs if need.order_item})
	return {need.key: desk.serve(need) for need in needs}


class _Desk:
	"""Serves the needs of one call."""

	def __init__(self, world: World, terms: Terms, order_items: set[str]):
		self.world, self.terms, self.order_items = world, terms, order_items
		self.positions: dict[str, dict[Pool, Position]] = defaultdict(dict)  # by item
		self.taken: dict[str, list[tuple[Pool, Need]]] = defaultdict(list)  # by item, in the order served
		self.by_item = {
			name: _by_item(getattr(world, name))
			for name in ("stock", "committed", "supplies", "demands", "reservations", "requests")
		}

	def serve(self, need: Need) -> Availability:
		if self._is_stock(need.item_code):
			return self._stock(need)
		parts = self.world.packed.get(need.order_item) or self.world.bundles.get(need.item_code)
		return self._bundle(need, parts) if parts else _service(need)

	def _is_stock(self, item_code: str) -> bool:
		facts = self.world.items.get(item_code)
		return bool(facts and facts.is_stock)

	def _stock(self, need: Need, one_level: bool = False) -> Availability:
		"""`one_level`: a raw material; how it is made itself is not asked."""
		facts = self.world.items[need.item_code]
		pool = self.world.pools.get(need.warehouse, frozenset())
		position = self._position(facts, pool)
		changes = position.changes(need.order_item)
		promisable = steps(position.on_hand - position.safety, changes, self.terms.today)
		available, final = promisable[0][1], promisable[-1][1]
		at_hand = position.on_hand + sum(changes.values()) - sum(position.comes.values())
		missing = need.qty - final
		promise_on, by, overdue = first_day(promisable, need.qty), None, False
		if promise_on:
			by = _promised_by(position, promise_on, available, need.qty)
			overdue = dict(promisable)[promise_on] - position.overdue < need.qty - EPS
		elif comes_on := self._lead(need, facts, missing, one_level):
			changes[comes_on] = changes.get(comes_on, 0.0) + missing
			bought = steps(position.on_hand - position.safety, changes, self.terms.today)
			promise_on = first_day((step for step in bought if step[0] >= comes_on), need.qty)
			by = BY_LEAD_TIME
		self._take(need, pool)
		return Availability(
			key=need.key,
			item_code=need.item_code,
			qty=need.qty,
			kind=MADE if facts.bom else STOCK,
			on_hand=_clean(position.on_hand),
			reserved=_clean(position.reserved_by_others(need.order_item)),
			ordered=_clean(position.ordered),
			requested=_clean(position.requested),
			available=_clean(available),
			at_hand=_clean(at_hand),
			promise_on=promise_on,
			promised_by=by,
			short=_clean(min(need.qty, max(0.0, missing - position.requested))),
			late=_late(promise_on, need.needed_on),
			overdue_supply=overdue and position.overdue > EPS,
			alternatives=() if by == BY_STOCK else self._alternatives(need, pool),
		)

	def _lead(self, need: Need, facts: ItemFacts, missing: float, one_level: bool) -> date | None:
		"""The day on which what is bought or made now is there; None where nobody knows."""
		days = facts.lead_days or self.terms.lead_days
		if facts.disabled or days <= 0:
			return None
		start: date | None = self.terms.today
		if facts.bom and not one_level:
			start = self._materials_on(need, self.world.materials.get(facts.bom, []), missing)
		return start + timedelta(days=days) if start else None

	def _materials_on(self, need: Need, parts: Sequence[Part], missing: float) -> date | None:
		"""The day of the latest raw material; they are looked for in the whole company."""
		latest = self.terms.today
		for part in parts:
			if not self._is_stock(part.item_code):
				continue
			raw = Need(f"{need.key}/{part.item_code}", part.item_code, part.per * missing, None)
			on = self._stock(raw, one_level=True).promise_on
			if on is None:
				return None
			latest = max(latest, on)
		return latest

	def _bundle(self, need: Need, parts: Sequence[Part]) -> Availability:
		# ERPNext knows no bundle in a bundle.
		wanted = [_component(need, part) for part in parts]
		components = tuple(
			self._stock(part) if self._is_stock(part.item_code) else _service(part) for part in wanted
		)
		kept = [
			(component, part.per)
			for component, part in zip(components, parts, strict=True)
			if component.kind != SERVICE and part.per > EPS
		]
		if not kept:
			return replace(_service(need), components=components)
		days = [component.promise_on for component, _per in kept]
		promise_on = None if None in days else max(days)
		latest = [component for component, _per in kept if component.promise_on == promise_on]
		return Availability(
			key=need.key,
			item_code=need.item_code,
			qty=need.qty,
			kind=BUNDLE,
			on_hand=min(_sets(component.on_hand / per) for component, per in kept),
			reserved=max(_sets_begun(component.reserved / per) for component, per in kept),
			ordered=min(_sets(component.ordered / per) for component, per in kept),
			requested=min(_sets(component.requested / per) for component, per in kept),
			available=min(_sets(component.available / per) for component, per in kept),
			at_hand=min(_sets(component.at_hand / per) for component, per in kept),
			promise_on=promise_on,
			promised_by=_latest_by(latest) if promise_on else None,
			short=min(need.qty, max(_sets_begun(component.short / per) for component, per in kept)),
			late=_late(promise_on, need.needed_on),
			overdue_supply=any(component.overdue_supply for component, _per in kept),
			components=components,
			alternatives=(),
		)

	def _alternatives(self, need: Need, pool: Pool) -> tuple[tuple[str, float], ...]:
		result = []
		for item_code in self.world.alternatives.get(need.item_code, []):
			facts = self.world.items.get(item_code)
			if facts and facts.is_stock and not facts.disabled:
				position = self._position(facts, pool)
				start = position.on_hand - position.safety
				available = steps(start, position.changes(None), self.terms.today)[0][1]
				if available > EPS:
					result.append((item_code, _clean(available)))
		return tuple(result)

	def _take(self, need: Need, pool: Pool) -> None:
		"""Out of every pool that shares a warehouse: what one may get is not promised to another."""
		self.taken[need.item_code].append((pool, need))
		for position in self.positions[need.item_code].values():
			if position.pool & pool:
				position.take(need)

	def _position(self, facts: ItemFacts, pool: Pool) -> Position:
		known = self.positions[facts.item_code]
		if pool not in known:
			known[pool] = self._fill(Position(facts, pool, self.terms), facts.item_code)
			for other, need in self.taken[facts.item_code]:
				if other & pool:
					known[pool].take(need)
		return known[pool]

	def _fill(self, position: Position, item_code: str) -> Position:
		pool = position.pool

		def rows(name: str) -> Iterable:
			return (row for row in self.by_item[name].get(item_code, ()) if row.warehouse in pool)

		position.on_hand = sum(row.qty for row in rows("stock"))
		position.committed = sum(row.qty for row in rows("committed"))
		for row in rows("supplies"):
			position.supply(row.on, row.qty, row.by)
		for row in rows("demands"):
			position.asked[row.order] += row.qty
			if row.order_item in self.order_items:
				position.own[row.order_item] = row
			else:
				position.demands.append(row)
		for row in rows("reservations"):
			position.reserved[row.order_item] += row.qty
		position.requested = sum(row.qty for row in rows("requests") if row.source not in pool)
		position.ready()
		return position


def _by_item(rows: Iterable) -> dict[str, list]:
	result: dict[str, list] = defaultdict(list)
	for row in rows:
		result[row.item_code].append(row)
	return result


def _component(need: Need, part: Part) -> Need:
	"""A packed row of an order has a warehouse of its own, unless the whole company serves."""
	warehouse = (part.warehouse or need.warehouse) if need.warehouse else None
	return replace(
		need,
		key=f"{need.key}/{part.item_code}",
		item_code=part.item_code,
		qty=need.qty * part.per,
		warehouse=warehouse,
	)


def _service(need: Need) -> Availability:
	return Availability(key=need.key, item_code=need.item_code, qty=need.qty, kind=SERVICE)


def _promised_by(position: Position, promise_on: date, available: float, qty: float) -> str:
	if promise_on == position.today and available - position.due_today >= qty - EPS:
		return BY_STOCK
	made = position.made_on.get(promise_on, 0.0)
	return BY_PURCHASE if position.comes.get(promise_on, 0.0) - made > EPS or not made else BY_PRODUCTION


def _latest_by(components: Sequence[Availability]) -> str:
	"""What the promise of a bundle hangs on: the least certain of its latest components."""
	order = (BY_LEAD_TIME, BY_PURCHASE, BY_PRODUCTION, BY_STOCK)
	return min((component.promised_by for component in components), key=order.index)


def _late(promise_on: date | None, needed_on: date | None) -> bool:
	"""Nobody knows when is late, too, where a day is wanted."""
	return needed_on is not None and (promise_on is None or promise_on > needed_on)


def _sets(number: float) -> float:
	"""Whole bundles only."""
	return float(math.floor(number + EPS))


def _sets_begun(number: float) -> float:
	return float(math.ceil(number - EPS))


def _clean(qty: float) -> float:
	"""Without what adding floats leaves behind."""
	return round(qty, 6) + 0.0
