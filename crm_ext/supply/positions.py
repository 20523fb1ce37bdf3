"""An item in a pool of warehouses, day by day. Pure; no database."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from crm_ext.supply.model import BY_PRODUCTION, Demand, ItemFacts, Need

# Quantities are floats: what differs by less is the same.
EPS = 1e-6

Pool = frozenset[str]


@dataclass(frozen=True, slots=True)
class Terms:
	"""How this site promises. `lead_days`: of items that have no lead time; 0: no date is promised for them."""

	today: date
	lead_days: int = 0
	keep_safety_stock: bool = True


def steps(start: float, changes: Mapping[date, float], today: date) -> list[tuple[date, float]]:
	"""(day, ATP from that day on), first of today. `changes` holds no day before today."""
	days = sorted({today, *changes})
	balances, balance = [], start
	for day in days:
		balance += changes.get(day, 0.0)
		balances.append(balance)
	lowest = math.inf
	for index in range(len(days) - 1, -1, -1):
		lowest = min(lowest, balances[index])
		balances[index] = lowest
	return list(zip(days, balances, strict=True))


def first_day(promisable: Iterable[tuple[date, float]], qty: float) -> date | None:
	return next((day for day, atp in promisable if atp >= qty - EPS), None)


class Position:
	"""An item in a pool of warehouses: what is there, what comes, who wants it. Days are clamped to today."""

	def __init__(self, facts: ItemFacts, pool: Pool, terms: Terms):
		self.pool, self.today = pool, terms.today
		self.safety = facts.safety_stock if terms.keep_safety_stock else 0.0
		self.on_hand = self.committed = self.requested = self.ordered = 0.0
		self.due_today = self.overdue = 0.0
		self.comes: dict[date, float] = defaultdict(float)
		self.made_on: dict[date, float] = defaultdict(float)
		self.demands: list[Demand] = []  # by rank, without the rows asked for in this call
		self.own: dict[str, Demand] = {}  # the rows asked for, by order row
		self.asked: dict[str, float] = defaultdict(float)  # open quantity by order, all rows
		self.reserved: dict[str, float] = defaultdict(float)  # by order row
		self.taken: dict[date, float] = defaultdict(float)  # by needs served before
		self._wanted: dict[date, float] | None = None

	def supply(self, on: date, qty: float, by: str) -> None:
		self.ordered += qty
		self.comes[max(on, self.today)] += qty
		if on <= self.today:
			self.due_today += qty
		if on < self.today:
			self.overdue += qty
		if by == BY_PRODUCTION:
			self.made_on[max(on, self.today)] += qty

	def ready(self) -> None:
		"""After everything was put in."""
		self.demands.sort(key=lambda demand: demand.rank)
		self.held = sum(self.reserved.values())
		self.all_asked = sum(self.asked.values())

	def reserved_by_others(self, order_item: str | None) -> float:
		"""What stands against the pool as ERPNext's Bin counts it, without the rows of the order that asks."""
		own = self.own.get(order_item) if order_item else None
		return self.all_asked + self.committed - (self.asked[own.order] if own else 0.0)

	def changes(self, order_item: str | None) -> dict[date, float]:
		"""What comes and goes, by day, as one need sees it."""
		result = dict(self.comes)
		own = self.own.get(order_item) if order_item else None
		wanted = self._until(own.rank) if own else self._all()
		held = self.held - (self.reserved[order_item] if order_item in self.reserved else 0.0)
		for goes in (wanted, self.taken, {self.today: held + self.committed}):
			for day, qty in goes.items():
				result[day] = result.get(day, 0.0) - qty
		return result

	def take(self, need: Need) -> None:
		"""What a need was served is not there for the next: what was reserved for it as of today, the rest by its day."""
		held = self.reserved.pop(need.order_item, 0.0) if need.order_item else 0.0
		self.held -= held
		held = min(held, need.qty)
		self.taken[self.today] += held
		self.taken[max(need.needed_on or self.today, self.today)] += need.qty - held

	def _all(self) -> dict[date, float]:
		if self._wanted is None:
			self._wanted = self._by_day(self.demands)
		return self._wanted

	def _until(self, rank: tuple) -> dict[date, float]:
		return self._by_day(self.demands[: bisect_left(self.demands, rank, key=lambda demand: demand.rank)])

	def _by_day(self, demands: Iterable[Demand]) -> dict[date, float]:
		"""Without what is reserved of them: that is held as of today whoever asks."""
		result: dict[date, float] = defaultdict(float)
		reserved = dict(self.reserved)
		for demand in demands:
			held = min(reserved.get(demand.order_item, 0.0), max(demand.qty, 0.0))
			if held:
				reserved[demand.order_item] -= held
			result[max(demand.on, self.today)] += demand.qty - held
		return result
