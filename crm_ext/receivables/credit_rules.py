"""When credit stands against an order. Pure: plain data in, plain data out. Amounts are in company currency."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

LIMIT, OVERDUE_AMOUNT, OVERDUE_DAYS, PROMISES = "limit", "overdue amount", "overdue days", "promises"
# A policy's switch of each check, and the value that belongs to it.
CHECKS = {
	LIMIT: ("check_limit", "credit_limit"),
	OVERDUE_AMOUNT: ("check_overdue_amount", "max_overdue_amount"),
	OVERDUE_DAYS: ("check_overdue_days", "max_overdue_days"),
	PROMISES: ("check_promises", "max_broken_promises"),
}
ON, OFF = "On", "Off"


@dataclass(frozen=True, slots=True)
class Term:
	"""One part of an invoice: `amount` falls due on `due_on`."""

	due_on: date
	amount: float


@dataclass(frozen=True, slots=True)
class Item:
	"""An open voucher: what is left of it (less than nothing: money on account, a credit note) and its terms."""

	voucher: str
	outstanding: float
	terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Overdue:
	amount: float = 0.0
	voucher: str | None = None  # the oldest that is overdue
	days: int = 0


@dataclass(frozen=True, slots=True)
class Exposure:
	"""What a customer owes or is about to: booked, ordered and not billed, delivered without order and not billed."""

	outstanding: float = 0.0
	open_orders: float = 0.0
	deliveries: float = 0.0

	@property
	def total(self) -> float:
		return self.outstanding + self.open_orders + self.deliveries


@dataclass(frozen=True, slots=True)
class Reason:
	"""`found` is more than `allowed`; both are amounts, days or numbers, as `kind` says."""

	kind: str
	found: float
	allowed: float


@dataclass(frozen=True, slots=True)
class Release:
	"""A submitted release. `used` is what other orders have taken of it."""

	name: str
	sales_order: str | None
	amount: float
	used: float
	valid_until: date
	released_by: str | None

	@property
	def left(self) -> float:
		return self.amount - self.used


def resolve(policies: Iterable[Mapping]) -> dict[str, float]:
	"""What is checked and how much is allowed, by kind of check; what is not checked is left out.

	`policies`: the customer's own, those of its groups from below, the company's, in this order. For each check by
	itself the first one that says On or Off decides.
	"""
	found: dict[str, float] = {}
	policies = list(policies)
	for kind, (switch, value) in CHECKS.items():
		deciding = next((policy for policy in policies if policy.get(switch) in (ON, OFF)), None)
		if deciding and deciding[switch] == ON:
			found[kind] = deciding.get(value) or 0
	return found


def promise_days(policies: Iterable[Mapping], default: int = 365) -> int:
	"""How many days back broken promises count: as the policy says that has them counted."""
	deciding = next((policy for policy in policies if policy.get("check_promises") in (ON, OFF)), None)
	return int((deciding and deciding.get("promise_days")) or default)


def overdue(items: Sequence[Item], today: date) -> Overdue:
	"""What is overdue of open items.

	What was paid on an invoice has paid its terms in the order they fall due. Money on account and credit notes that
	nobody has matched yet pay what is oldest.
	"""
	late: list[tuple[date, str, float]] = []
	credit = 0.0
	for item in items:
		if item.outstanding < 0:
			credit -= item.outstanding
			continue
		paid = sum(term.amount for term in item.terms) - item.outstanding
		for term in sorted(item.terms, key=lambda term: term.due_on):
			left = min(term.amount, max(0.0, term.amount - paid))
			paid -= term.amount - left
			if term.due_on < today and _round(left) > 0:
				late.append((term.due_on, item.voucher, left))
	late.sort()
	amount = _round(sum(left for _day, _voucher, left in late) - credit)
	if amount <= 0:
		return Overdue()
	for day, voucher, left in late:
		credit -= left
		if _round(credit) < 0:
			return Overdue(amount, voucher, (today - day).days)
	raise AssertionError("what is not covered belongs to some item")


def reasons(
	allowed: Mapping[str, float], exposure: Exposure, late: Overdue, broken: int, value: float
) -> list[Reason]:
	"""What stands against a document that adds `value`. A limit of 0 is none; the other checks allow just their value."""
	found = (
		(LIMIT, exposure.total + value),
		(OVERDUE_AMOUNT, late.amount),
		(OVERDUE_DAYS, late.days),
		(PROMISES, broken),
	)
	return [
		Reason(kind, _round(figure), allowed[kind])
		for kind, figure in found
		if kind in allowed and (kind != LIMIT or allowed[kind] > 0) and _round(figure - allowed[kind]) > 0
	]


def covering(releases: Iterable[Release], value: float, today: date) -> Release | None:
	"""The release an order of `value` may be submitted with: its own before one for any order, and that which ends first."""
	fitting = [
		release for release in releases if release.valid_until >= today and _round(release.left - value) >= 0
	]
	return min(fitting, key=lambda one: (not one.sales_order, one.valid_until, one.name), default=None)


def _round(value: float) -> float:
	"""A hundredth of the smallest unit is no money."""
	return round(value, 2) + 0.0
