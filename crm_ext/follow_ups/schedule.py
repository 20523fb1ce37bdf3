"""When follow ups are due: pure rules over plain data. Nothing here knows Frappe or the clock.

A *moment* is a naive datetime in the system's time zone, as the database holds it. A *day* is a date in the time zone
of the person it is about.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from crm_ext.follow_ups.model import Calendar, Due, Step

OVERDUE = "overdue"
TODAY = "today"
TOMORROW = "tomorrow"
LATER = "later"

# A holiday list without a working day in this time is a mistake: nothing is moved then.
_LONGEST_BREAK = 366
_DAY = timedelta(days=1)


def is_working_day(day: date, calendar: Calendar) -> bool:
	return day not in calendar.holidays


def working_day(day: date, calendar: Calendar, forward: bool = True) -> date:
	"""`day` itself where people work on it, else the next working day, or the one before."""
	shift, found = (_DAY if forward else -_DAY), day
	for _attempt in range(_LONGEST_BREAK):
		if found not in calendar.holidays:
			return found
		found += shift
	return day


def nominal_day(anchor: date, step: Step) -> date:
	"""The day a step falls on before anybody's holidays are looked at."""
	return anchor + timedelta(days=step.days)


def due_day(anchor: date, step: Step, calendar: Calendar, today: date) -> date:
	"""The working day on which a step is due; `anchor` is the day the rule counts from.

	A step after the anchor moves to the next working day, one before it to the working day before, so that the date it
	prepares is not missed. Where that has passed already, the next one: nothing is born overdue by a holiday. For
	steps after the anchor the result does not depend on `today`.
	"""
	day = nominal_day(anchor, step)
	wanted = _wanted_day(day, step, calendar)
	return wanted if wanted >= min(today, day) else working_day(day, calendar)


def _wanted_day(day: date, step: Step, calendar: Calendar) -> date:
	return working_day(day, calendar, forward=step.days >= 0)


def due_moment(due_date: date, due_time: time | None, calendar: Calendar, system_zone: str) -> datetime:
	"""The moment a day, or an appointment on it, begins for a person: system time, naive.

	Without a time, the start of the person's working day. A time the clocks skip in spring is moved on by what they
	skip; one that comes twice in autumn is the first of the two.
	"""
	return _moment(due_date, due_time or calendar.workday_start, calendar.time_zone, system_zone)


@lru_cache(maxsize=4096)
def _moment(day: date, clock: time, zone: str, system_zone: str) -> datetime:
	there = datetime.combine(day, clock, ZoneInfo(zone))
	# By way of UTC: within one zone Python would keep a time that does not exist.
	return there.astimezone(ZoneInfo("UTC")).astimezone(ZoneInfo(system_zone)).replace(tzinfo=None)


def local_time(moment: datetime, zone: str, system_zone: str) -> datetime:
	"""A moment as the clock of a zone shows it, naive."""
	if zone == system_zone:
		return moment
	return moment.replace(tzinfo=ZoneInfo(system_zone)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def local_day(moment: datetime, zone: str, system_zone: str) -> date:
	"""The day a moment falls on in a zone."""
	return local_time(moment, zone, system_zone).date()


def due_steps(
	anchor: date,
	steps: Iterable[Step],
	calendar: Calendar,
	today: date,
	system_zone: str,
	ahead: int = 0,
	applies_from: date | None = None,
) -> list[Due]:
	"""Steps due by `today` plus `ahead` days, earliest first; the last one is the latest step.

	`today` is the person's own day. Left out: what fell, before holidays were looked at, on a day before `applies_from`.
	A step that is due stays due: what one day finds, every later day finds too.
	"""
	until, found = today + timedelta(days=ahead), []
	for step in sorted(steps, key=lambda step: (step.days, step.idx)):
		day = nominal_day(anchor, step)
		if applies_from and day < applies_from:
			continue
		if _wanted_day(day, step, calendar) <= until:
			found.append(due_of(step, due_day(anchor, step, calendar, today), calendar, system_zone))
	return found


def due_of(step: Step, day: date, calendar: Calendar, system_zone: str) -> Due:
	return Due(step, day, due_moment(day, step.due_time, calendar, system_zone), step.due_time is None)


def bucket(
	due_on: datetime, due_date: date, all_day: bool, now: datetime, zone: str, system_zone: str
) -> str:
	"""OVERDUE, TODAY, TOMORROW or LATER, as the person sees it whose time zone is `zone`.

	Judged by days: an appointment falls on the day it has in that zone, what is due all day on its due date. `due_on`
	and `now` are moments.
	"""
	today = local_day(now, zone, system_zone)
	day = due_date if all_day else local_day(due_on, zone, system_zone)
	if day < today:
		return OVERDUE
	if day == today:
		return TODAY
	return TOMORROW if day == today + _DAY else LATER
