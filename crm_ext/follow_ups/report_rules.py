"""What Follow Up Adherence makes of grouped figures. Pure functions over plain data; no database, no Frappe."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from crm_ext.deals.report_rules import percent

# How a follow up went that was not cancelled. Done on its day is in time, and what is due today is still ahead.
IN_TIME = "in_time"
LATE = "late"
UNDONE = "undone"
AHEAD = "ahead"
KINDS = (IN_TIME, LATE, UNDONE, AHEAD)


@dataclass(slots=True)
class Cell:
	"""Follow ups of one group that went alike. `days_late` is the sum over those done late."""

	key: str | date | None
	kind: str
	follow_ups: int
	days_late: int = 0
	postponed: int = 0


def figures(cells: Iterable[Cell]) -> dict:
	"""All cells together: {"planned", each of KINDS, "postponed", "in_time_percent", "average_days_late"}.

	The percentage is of what was to be done so far, so that what is still ahead does not lower it; the average is of
	what was done late. Both are None where there is nothing to divide by.
	"""
	counts, days_late, postponed = dict.fromkeys(KINDS, 0), 0, 0
	for cell in cells:
		counts[cell.kind] += cell.follow_ups
		days_late += cell.days_late
		postponed += cell.postponed
	planned = sum(counts.values())
	return {
		"planned": planned,
		**counts,
		"postponed": postponed,
		"in_time_percent": percent(counts[IN_TIME], planned - counts[AHEAD]),
		"average_days_late": days_late / counts[LATE] if counts[LATE] else None,
	}


def rows(cells: Iterable[Cell]) -> dict[str | date | None, dict]:
	"""`figures` of each group by its key."""
	groups: dict = {}
	for cell in cells:
		groups.setdefault(cell.key, []).append(cell)
	return {key: figures(of_group) for key, of_group in groups.items()}


def due_between(kind: str, first: date, last: date, today: date) -> tuple[date, date]:
	"""The days open follow ups of a kind fall on within a period; empty where the first is after the last."""
	if kind == UNDONE:
		return first, min(last, today - timedelta(days=1))
	if kind == AHEAD:
		return max(first, today), last
	return first, last


def week_of(monday: date) -> str:
	"""2026-W47: year and number of the week by ISO 8601."""
	year, week, _day = monday.isocalendar()
	return f"{year}-W{week:02d}"
