"""Ageing of open items: buckets, shares, parts of a sales team, payment terms. Pure functions over plain data; no
database, no Frappe."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

DEFAULT_BUCKETS = "30, 60, 90, 180"
MOST_BUCKETS = 12
LONGEST = 9_999  # days


class BadBuckets(ValueError):
	"""`args[0]` is the part of the text that is no limit of a bucket."""


def parse_buckets(text: str | None) -> list[int]:
	"""Limits in days from text such as "30, 60, 90": whole numbers, each more than the one before it."""
	limits: list[int] = []
	for part in (text or "").replace(";", ",").split(","):
		part = part.strip()
		if not part:
			continue
		# isdigit() alone takes a superscript two for a digit, which int() does not.
		if not (part.isascii() and part.isdigit()) or not 0 < int(part) <= LONGEST:
			raise BadBuckets(part)
		if limits and int(part) <= limits[-1]:
			raise BadBuckets(part)
		limits.append(int(part))
	if not limits or len(limits) > MOST_BUCKETS:
		raise BadBuckets(text or "")
	return limits


def bucket_days(limits: Sequence[int]) -> list[tuple[int, int | None]]:
	"""First and last day of each bucket; the last one has no end. An item due today is 0 days old."""
	firsts = [0, *(limit + 1 for limit in limits)]
	return list(zip(firsts, [*limits, None], strict=True))


def bucket_of(days: int, limits: Sequence[int]) -> int | None:
	"""Number of the bucket; None where the item is not due yet."""
	if days < 0:
		return None
	return next((number for number, limit in enumerate(limits) if days <= limit), len(limits))


@dataclass(slots=True, frozen=True)
class Calendar:
	"""The day it is, the last day of its week, and the basis of ageing."""

	as_of: date
	week_end: date
	by_due_date: bool = True

	@property
	def next_week_end(self) -> date:
		return self.week_end + timedelta(days=7)


@dataclass(slots=True)
class Cell:
	"""Open items added up. Money is in one currency, `base` in company currency.

	`overdue` is what was due before the day, credits deducted; the amounts due are of what is owed, without credits.
	`on_account` is what is to the customer's credit, whatever its day: money not matched with an invoice, credit notes.
	"""

	buckets: list[float]
	outstanding: float = 0
	base: float = 0
	not_due: float = 0
	overdue: float = 0
	due_today: float = 0
	due_this_week: float = 0
	due_next_week: float = 0
	on_account: float = 0
	items: int = 0
	oldest: date | None = None  # by the basis of ageing, of what is owed
	oldest_due: date | None = None

	def add(self, other: "Cell") -> None:
		# Written out: a report adds up thousands.
		self.buckets = [mine + theirs for mine, theirs in zip(self.buckets, other.buckets, strict=True)]
		self.outstanding += other.outstanding
		self.base += other.base
		self.not_due += other.not_due
		self.overdue += other.overdue
		self.due_today += other.due_today
		self.due_this_week += other.due_this_week
		self.due_next_week += other.due_next_week
		self.on_account += other.on_account
		self.items += other.items
		self.oldest = _earlier(self.oldest, other.oldest)
		self.oldest_due = _earlier(self.oldest_due, other.oldest_due)

	def rounded(self, digits: int) -> "Cell":
		for name in SUMS:
			setattr(self, name, round(getattr(self, name), digits) + 0.0)
		self.buckets = [round(value, digits) + 0.0 for value in self.buckets]
		return self


SUMS = (
	"outstanding",
	"base",
	"not_due",
	"overdue",
	"due_today",
	"due_this_week",
	"due_next_week",
	"on_account",
)


def _earlier(one: date | None, other: date | None) -> date | None:
	if one and other:
		return min(one, other)
	return one or other


def cell_of(
	amount: float, base: float, posted: date, due: date, calendar: Calendar, limits: Sequence[int]
) -> Cell:
	"""One open item, or a part of it."""
	day = due if calendar.by_due_date else posted
	cell = Cell([0.0] * (len(limits) + 1), outstanding=amount, base=base, items=1)
	bucket = bucket_of((calendar.as_of - day).days, limits)
	if bucket is None:
		cell.not_due = amount
	else:
		cell.buckets[bucket] = amount
	if due < calendar.as_of:
		cell.overdue = amount
	if amount > 0:
		cell.oldest, cell.oldest_due = day, due
		if due == calendar.as_of:
			cell.due_today = amount
		if calendar.as_of <= due <= calendar.week_end:
			cell.due_this_week = amount
		if calendar.week_end < due <= calendar.next_week_end:
			cell.due_next_week = amount
	else:
		cell.on_account = -amount
	return cell


def days_before(day: date | None, as_of: date) -> int:
	"""Days since; 0 where that is still ahead or nothing is."""
	return max(0, (as_of - day).days) if day else 0


# Shares


def shares(amounts: Sequence[float]) -> list[tuple[float, float]]:
	"""(percent of the total, running percent) of each amount; all 0 where the total is not positive."""
	total = sum(amounts)
	found, running = [], 0.0
	for amount in amounts:
		running += amount
		found.append((100 * amount / total, 100 * running / total) if total > 0 else (0.0, 0.0))
	return found


def team_of(contributions: Mapping[str, float]) -> dict[str | None, float]:
	"""Parts of the whole by person; None stands for what is given to nobody."""
	given = {person: percent for person, percent in contributions.items() if percent > 0}
	whole = max(100.0, sum(given.values()))
	rest = 1 - sum(given.values()) / whole
	parts: dict[str | None, float] = {person: percent / whole for person, percent in given.items()}
	return parts | {None: rest} if rest > 1e-9 or not parts else parts


def split(amount: float, parts: Mapping[str | None, float], digits: int) -> dict[str | None, float]:
	"""An amount by parts of the whole, each rounded, together the amount: the largest remainders get the odd cents."""
	units = round(amount * 10**digits)
	exact = {person: abs(units) * part for person, part in parts.items()}
	whole = {person: int(value + 1e-9) for person, value in exact.items()}
	odd = abs(units) - sum(whole.values())
	by_remainder = sorted(exact, key=lambda person: (whole[person] - exact[person], str(person)))
	for person in by_remainder[:odd]:
		whole[person] += 1
	sign = 1 if units >= 0 else -1
	return {person: sign * value / 10**digits for person, value in whole.items()}


# Payment terms


@dataclass(slots=True)
class Term:
	"""A row of an invoice's payment schedule, in the currency asked for."""

	due_date: date
	label: str | None
	invoiced: float
	paid: float
	discounted: float = 0


@dataclass(slots=True)
class Part:
	"""What is open of one payment term; without due date, what was received beyond the terms."""

	due_date: date | None
	label: str | None
	outstanding: float


@dataclass(slots=True)
class _Row:
	term: Term
	paid: float
	outstanding: float
	credit_note: float = 0


@dataclass(slots=True)
class _Rest:
	paid: float
	credit_note: float


def allocate(paid: float, credit_note: float, advance: float, terms: Iterable[Term]) -> list[Part]:
	"""What is open of each term, the earliest first, as ERPNext's Accounts Receivable allocates it.

	`paid` and `credit_note` are the invoice's as of the day, `advance` what was allocated while invoicing, which its
	schedule leaves out. `terms` come with what was paid for a term first. A term that ERPNext knows as paid in part gets
	nothing else of what was paid; what is over makes a part of its own.
	"""
	rest = _Rest(paid - advance, credit_note)
	rows = []
	for term in terms:
		settled = term.paid + term.discounted
		rows.append(_Row(term, settled, term.invoiced - settled))
		if term.paid:
			rest.paid -= settled
	for row in rows:
		if not row.paid:
			row.outstanding -= _take(rest, "paid", row.outstanding)
		if row.outstanding:
			row.outstanding -= _take(rest, "credit_note", row.outstanding)
	parts = [
		Part(row.term.due_date, row.term.label, row.outstanding)
		for row in sorted(rows, key=lambda row: row.term.due_date)
		if row.outstanding > 0
	]
	if rest.paid > 0 or rest.credit_note > 0:
		parts.append(Part(None, None, -rest.paid - rest.credit_note))
	return parts


def _take(rest: _Rest, name: str, most: float) -> float:
	amount = getattr(rest, name)
	taken = most if amount > most else amount
	setattr(rest, name, amount - taken)
	return taken
