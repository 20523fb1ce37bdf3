"""What Pipeline Demand makes of grouped quantities. Pure functions over plain data; no database, no Frappe.

All quantities are in the item's stock unit. A period is known by its number, 0 being the one that holds today; what lies
after the last one is number `Calendar.count`, "later".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from crm_ext.supply.shortage_rules import NOISE, Lot, lot_qty

MONTH, WEEK = "Month", "Week"
BUY, MAKE = "Buy", "Make"
EARLIER = "Ask for Earlier Delivery"
NOT_TO_BUY = "Do Not Buy"
ENOUGH = "Enough"
FLOWS = ("quoted", "expected", "orders", "supply", "requested")
ADVICE = (BUY, MAKE, EARLIER, NOT_TO_BUY, ENOUGH)
_UNDIVIDED = Lot()
_DAYS_OF_A_MONTH = 365.25 / 12


# Periods


@dataclass(frozen=True, slots=True)
class Calendar:
	"""The periods of a report: whole months, or weeks from Monday, beginning with the one that holds `today`."""

	today: date
	unit: str
	count: int

	def start(self, number: int) -> date:
		if self.unit == WEEK:
			return self.today - timedelta(days=self.today.weekday()) + timedelta(weeks=number)
		month = self.today.month - 1 + number
		return date(self.today.year + month // 12, month % 12 + 1, 1)

	def end(self, number: int) -> date:
		return self.start(number + 1) - timedelta(days=1)

	def number_of(self, day: date | None) -> int:
		"""Return the period of a day; no day and a day that has passed count as today."""
		day = max(day or self.today, self.today)
		if self.unit == WEEK:
			number = (day - self.start(0)).days // 7
		else:
			number = (day.year - self.today.year) * 12 + day.month - self.today.month
		return min(number, self.count)

	@property
	def months(self) -> float:
		"""How long it is from today to the end of the last period."""
		return ((self.end(self.count - 1) - self.today).days + 1) / _DAYS_OF_A_MONTH


def calendar(today: date, unit: str, months: int) -> Calendar:
	"""Return this month and those after it, `months` in all; or as many weeks as they have."""
	found = Calendar(today, MONTH, months)
	if unit != WEEK:
		return found
	days = (found.end(months - 1) - Calendar(today, WEEK, 1).start(0)).days
	return Calendar(today, WEEK, days // 7 + 1)


# Quantities of one item


@dataclass(frozen=True, slots=True)
class Facts:
	"""What is the item's own: its stock, what is held back of it, how it is bought, what one unit costs (company currency)."""

	on_hand: float = 0.0
	safety_stock: float = 0.0
	lead_days: int = 0
	is_made: bool = False
	lot: Lot = _UNDIVIDED
	cost: float = 0.0


@dataclass(slots=True)
class Flow:
	"""What comes and goes in one period: `quoted` and `expected` are weighted by probability, `orders` are firm and
	still to deliver (with what production holds), `supply` is ordered or being made, `requested` not yet."""

	quoted: float = 0.0
	expected: float = 0.0
	orders: float = 0.0
	supply: float = 0.0
	requested: float = 0.0

	@property
	def demand(self) -> float:
		return self.quoted + self.expected + self.orders

	@property
	def change(self) -> float:
		return self.supply + self.requested - self.demand


@dataclass(frozen=True, slots=True)
class Step:
	"""One period of a plan: `projected` at its end, without what is bought by the plan; `buy` is needed on `needed_on`
	and has to be ordered on `order_on`."""

	number: int
	flow: Flow
	projected: float
	buy: float
	needed_on: date | None
	order_on: date | None


@dataclass(frozen=True, slots=True)
class Plan:
	"""What is to be done about one item.

	`surplus`: what stock, supply and requests exceed all demand and the safety stock by, also that after the last period;
	`too_much`: how much of the open supply nobody needs; `cover`: months the stock and supply last at the demand of the
	report, None without any demand; `late`: it should have been ordered before today.
	"""

	steps: tuple[Step, ...]
	later: Flow
	advice: str
	buy: float
	order_on: date | None
	surplus: float
	too_much: float
	cover: float | None
	late: bool

	@property
	def lowest(self) -> float:
		return min(step.projected for step in self.steps)


def plan(facts: Facts, flows: Mapping[int, Flow], periods: Calendar) -> Plan:
	"""Return the projected stock of each period, and the least to buy that keeps it from falling below the safety stock.

	Nothing ordered today comes before the lead time is over. What is missing until then and comes anyway is not bought a
	second time; what is missing for good is bought for the first period that can be reached.
	"""
	reachable = _first_reachable(facts, periods)
	stock, bought, late, steps = facts.on_hand - facts.safety_stock, 0.0, False, []
	for number in range(periods.count):
		flow = flows.get(number) or Flow()
		stock += flow.change
		buy = lot_qty(-(stock + bought), facts.lot) if number >= reachable else 0.0
		needed_on = order_on = None
		if buy:
			needed_on = max(periods.start(number), periods.today)
			order_on = max(needed_on - timedelta(days=facts.lead_days), periods.today)
			late = late or needed_on < periods.today + timedelta(days=facts.lead_days)
			bought += buy
		steps.append(Step(number, flow, _clean(stock), buy, needed_on, order_on))
	later = flows.get(periods.count) or Flow()
	return _judged(facts, tuple(steps), later, bought, late, periods)


def _first_reachable(facts: Facts, periods: Calendar) -> int:
	"""Return the number of the period that holds the day a purchase of today arrives; the last one if none does."""
	return min(periods.number_of(periods.today + timedelta(days=facts.lead_days)), periods.count - 1)


def _judged(
	facts: Facts, steps: tuple[Step, ...], later: Flow, bought: float, late: bool, periods: Calendar
) -> Plan:
	supply = sum(step.flow.supply for step in steps) + later.supply
	left = _clean(steps[-1].projected + later.change)
	surplus = max(0.0, left) if not bought else 0.0
	if bought:
		advice = MAKE if facts.is_made else BUY
	elif any(step.projected < -NOISE for step in steps):
		advice = EARLIER
	else:
		advice = NOT_TO_BUY if surplus else ENOUGH
	return Plan(
		steps=steps,
		later=later,
		advice=advice,
		buy=bought,
		order_on=next((step.order_on for step in steps if step.buy), None),
		surplus=surplus,
		too_much=min(surplus, supply),
		cover=_cover(facts.on_hand + supply, sum(step.flow.demand for step in steps), periods),
		late=late,
	)


def _cover(have: float, demand: float, periods: Calendar) -> float | None:
	return max(0.0, have) / (demand / periods.months) if demand > NOISE else None


def _clean(qty: float) -> float:
	return 0.0 if abs(qty) < NOISE else qty


def totals(plans: Iterable[tuple[Plan, float]], count: int) -> list[Flow]:
	"""Return what comes and goes in each period, of all items, each plan times its factor: the cost of one unit."""
	found = [Flow() for _number in range(count)]
	for one, factor in plans:
		for total, step in zip(found, one.steps, strict=True):
			for name in FLOWS:
				setattr(total, name, getattr(total, name) + factor * getattr(step.flow, name))
	return found


def is_slow(last_out: date | None, first_in: date | None, today: date, days: int) -> bool:
	"""Whether an item has lain for more than `days`: since it last left, or since it first came where it never left."""
	since = last_out or first_in
	return since is None or (today - since).days > days
