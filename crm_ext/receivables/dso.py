"""Days sales outstanding. Pure functions over plain data; no database, no Frappe.

Classical: receivables at the end of a month / credit sales of the months before and with it * the days of those.
Countback: how many days back the sales reach that the receivables consist of, if the latest sales are unpaid: whole
months are taken from the receivables, the newest first, and of the month they do not fill the part they fill.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

# Receivables older than the sales of so many months are no longer told in days.
HISTORY = 24


@dataclass(frozen=True, slots=True)
class Month:
	"""One month, or what has passed of it. `key` is year * 100 + month."""

	first: date
	last: date

	@property
	def key(self) -> int:
		return self.first.year * 100 + self.first.month

	@property
	def days(self) -> int:
		return (self.last - self.first).days + 1


@dataclass(slots=True)
class Outstanding:
	"""One point of the line; days are None where there were no sales to compare with."""

	month: Month
	receivables: float
	sales: float
	days: int
	classical: float | None
	countback: float | None


def months_until(day: date, number: int) -> list[Month]:
	"""The last `number` months up to `day`, oldest first; the last one ends on `day`."""
	found, last = [], day
	for _number in range(number):
		found.append(Month(last.replace(day=1), last))
		last = last.replace(day=1) - timedelta(days=1)
	return found[::-1]


def is_complete(month: Month) -> bool:
	return month.last.day == monthrange(month.last.year, month.last.month)[1]


def classical(receivables: float, sales: float, days: int) -> float | None:
	if receivables <= 0:
		return 0.0
	return receivables / sales * days if sales > 0 else None


def countback(receivables: float, sales: list[tuple[float, int]]) -> float | None:
	"""`sales`: (credit sales, days) of each month, the newest first. None where they do not reach.

	A month of more credit notes than invoices adds to what the months before have to fill.
	"""
	if receivables <= 0:
		return 0.0
	days, rest = 0.0, receivables
	for sold, length in sales:
		if 0 < rest <= sold:
			return days + length * rest / sold
		rest -= sold
		days += length
	return None


def line(
	months: list[Month],
	opening: float,
	changes: Mapping[int, float],
	sales: Mapping[int, float],
	window: int,
	shown: int,
) -> list[Outstanding]:
	"""The last `shown` of `months`. `opening` is what was receivable before the first of them, `changes` and `sales`
	by key of the month; sales of `window` months are compared with.
	"""
	found, balance = [], opening
	for index, month in enumerate(months):
		balance += changes.get(month.key, 0.0)
		if index < len(months) - shown:
			continue
		past = months[max(0, index - window + 1) : index + 1]
		sold = sum(sales.get(each.key, 0.0) for each in past)
		days = sum(each.days for each in past)
		back = months[max(0, index - HISTORY + 1) : index + 1][::-1]
		receivables = round(balance, 6)
		found.append(
			Outstanding(
				month,
				receivables,
				round(sold, 6),
				days,
				classical(receivables, round(sold, 6), days),
				countback(receivables, [(round(sales.get(each.key, 0.0), 6), each.days) for each in back]),
			)
		)
	return found
