"""When a promise to pay is kept. Pure: plain data in, plain data out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

OPEN, KEPT, PARTLY_KEPT, BROKEN, CANCELLED = "Open", "Kept", "Partly Kept", "Broken", "Cancelled"
JUDGED = (KEPT, PARTLY_KEPT, BROKEN)

# Sums of what the database holds to nine places.
_PLACES = 6


@dataclass(frozen=True, slots=True)
class Movement:
	"""What one day changed on one invoice: `money` received (less what went back), and `owed`, the change of what is
	outstanding, money included. In the currency of the customer's account."""

	day: date
	money: float
	owed: float


@dataclass(slots=True)
class Item:
	"""An invoice of a promise: money received on it before the promise was made, and all its movements."""

	received_before: float = 0.0
	movements: list[Movement] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Verdict:
	status: str
	received_amount: float
	missing_amount: float
	paid_on: date | None
	judged_on: date | None
	received: tuple[float, ...]  # by item


def judge(
	amount: float,
	promised_on: date,
	last_day: date,
	items: Iterable[Item],
	today: date,
	withdrawn: bool = False,
) -> Verdict:
	"""What became of a promise to pay `amount` until `last_day` (days of grace included).

	Only money keeps a promise. What is credited, written off or returned lowers what there is to pay: where that is
	nothing at all, the promise is cancelled. After the last day later money changes no verdict, only what is missing
	and the day it was paid. Money entered later for a day up to the last one does, and so does money taken back.
	"""
	items = list(items)
	received = tuple(_round(_money(item) - item.received_before) for item in items)
	total = max(0.0, _round(sum(received)))
	owed = _owed(items)
	in_time = max(0.0, _round(sum(_money(item, last_day) - item.received_before for item in items)))
	due_in_time = min(amount, _round(in_time + _owed(items, last_day)))
	due = min(amount, _round(total + owed))
	paid_on = _paid_on(due, promised_on, items) if due > 0 else None
	if withdrawn or due_in_time <= 0:
		return Verdict(CANCELLED, total, 0.0, paid_on, None, received)
	if in_time >= due_in_time:
		return Verdict(KEPT, total, 0.0, paid_on, paid_on, received)
	missing = _round(min(max(0.0, amount - total), owed))
	if today <= last_day:
		return Verdict(OPEN, total, missing, paid_on, None, received)
	status = PARTLY_KEPT if in_time > 0 else BROKEN
	return Verdict(status, total, missing, paid_on, last_day + timedelta(days=1), received)


def _money(item: Item, until: date | None = None) -> float:
	return sum(one.money for one in item.movements if until is None or one.day <= until)


def _owed(items: list[Item], until: date | None = None) -> float:
	"""What is still outstanding of all; an invoice paid or credited too high takes nothing off another."""
	left = (sum(one.owed for one in item.movements if until is None or one.day <= until) for item in items)
	return _round(sum(max(0.0, one) for one in left))


def _paid_on(due: float, promised_on: date, items: list[Item]) -> date | None:
	"""The first day on which so much was there; None while it is not. Never before it was promised."""
	by_day: dict[date, float] = {}
	for item in items:
		for one in item.movements:
			by_day[one.day] = by_day.get(one.day, 0.0) + one.money
	so_far = -sum(item.received_before for item in items)
	if _round(so_far + sum(by_day.values())) < due:
		return None
	for day in sorted(by_day):
		so_far += by_day[day]
		if _round(so_far) >= due:
			return max(day, promised_on)
	return None


def _round(value: float) -> float:
	return round(value, _PLACES) + 0.0
