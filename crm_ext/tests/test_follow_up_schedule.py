"""When follow ups are due, without a site."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_ext.follow_ups import schedule
from crm_ext.follow_ups.model import Calendar, Step

pytestmark = pytest.mark.pure

MONDAY = date(2026, 3, 2)
FRIDAY, SATURDAY, SUNDAY = (MONDAY + timedelta(days=days) for days in (4, 5, 6))
ZONES = ("UTC", "Europe/Berlin", "Asia/Shanghai", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kolkata")


def calendar(holidays=(), zone: str = "Europe/Berlin", start: time = time(9)) -> Calendar:
	return Calendar(zone, start, time(18), frozenset(holidays))


def weekends(around: date, weeks: int = 30) -> set[date]:
	days = (around + timedelta(days=days) for days in range(-7 * weeks, 7 * weeks))
	return {day for day in days if day.weekday() >= 5}


def step(days: int, idx: int = 1, at: time | None = None) -> Step:
	return Step(idx, days, "Call", "Call", at)


WEEK = calendar(weekends(MONDAY))

days = st.dates(date(2025, 11, 1), date(2026, 6, 30))
calendars = st.builds(
	lambda more, zone: calendar(weekends(MONDAY, 60) | more, zone),
	st.sets(days, max_size=40),
	st.sampled_from(ZONES),
)


@pytest.mark.parametrize(
	("anchor", "offset", "today", "due"),
	[
		(MONDAY, 0, MONDAY, MONDAY),
		(MONDAY, 4, MONDAY, FRIDAY),
		(MONDAY, 5, MONDAY, MONDAY + timedelta(days=7)),  # Saturday, so Monday
		(MONDAY, 5, FRIDAY, MONDAY + timedelta(days=7)),
		(FRIDAY + timedelta(days=7), -6, MONDAY, FRIDAY),  # Saturday, so Friday before
		(FRIDAY + timedelta(days=7), -6, FRIDAY, FRIDAY),
		(FRIDAY + timedelta(days=7), -6, SATURDAY, MONDAY + timedelta(days=7)),  # Friday has passed
		(FRIDAY + timedelta(days=7), -6, MONDAY + timedelta(days=30), MONDAY + timedelta(days=7)),
		(FRIDAY, -1, FRIDAY + timedelta(days=30), FRIDAY - timedelta(days=1)),  # caught up: overdue
	],
)
def test_due_day(anchor, offset, today, due):
	assert schedule.due_day(anchor, step(offset), WEEK, today) == due


def test_holiday_list_without_a_working_day_moves_nothing():
	never = calendar(MONDAY + timedelta(days=days) for days in range(-500, 500))
	assert schedule.due_day(MONDAY, step(0), never, MONDAY) == MONDAY
	assert schedule.due_day(MONDAY, step(-1), never, MONDAY - timedelta(days=3)) == MONDAY - timedelta(days=1)


@given(days, st.integers(-90, 90), calendars, days)
def test_a_moved_day_is_a_working_day_on_the_right_side(anchor, offset, working, today):
	one = step(offset)
	nominal = anchor + timedelta(days=offset)
	due = schedule.due_day(anchor, one, working, today)
	assert schedule.is_working_day(due, working)
	if nominal not in working.holidays:
		assert due == nominal
	if offset >= 0:
		assert due >= nominal
		between = (nominal + timedelta(days=days) for days in range((due - nominal).days))
		assert all(day in working.holidays for day in between)
	elif due > nominal:
		# Only because the working day before had passed.
		assert schedule.working_day(nominal, working, forward=False) < today


@given(days, st.integers(0, 90), calendars, days, days)
def test_after_the_anchor_the_day_of_the_run_does_not_matter(anchor, offset, working, today, another):
	one = step(offset)
	assert schedule.due_day(anchor, one, working, today) == schedule.due_day(anchor, one, working, another)


@given(
	days,
	st.lists(st.integers(-40, 40), min_size=1, max_size=5, unique=True),
	calendars,
	days,
	st.integers(0, 20),
	st.integers(0, 3),
	st.none() | days,
)
def test_what_is_due_stays_due(anchor, offsets, working, today, later, ahead, applies_from):
	steps = [step(offset, idx) for idx, offset in enumerate(offsets, 1)]

	def found(day):
		due = schedule.due_steps(anchor, steps, working, day, "UTC", ahead, applies_from)
		assert [one.step.days for one in due] == sorted(one.step.days for one in due)
		return {one.step.idx for one in due}

	assert found(today) <= found(today + timedelta(days=later))
	left_out = {one.idx for one in steps if applies_from and anchor + timedelta(days=one.days) < applies_from}
	assert not found(today + timedelta(days=400)) & left_out
	assert found(today + timedelta(days=400)) | left_out == {one.idx for one in steps}


def test_days_ahead_and_too_old():
	steps = [step(0, 1), step(5, 2), step(14, 3)]

	def found(today, ahead=0, applies_from=None):
		due = schedule.due_steps(MONDAY, steps, WEEK, today, "UTC", ahead, applies_from)
		return [(one.step.idx, one.due_date) for one in due]

	second = MONDAY + timedelta(days=7)
	assert found(MONDAY - timedelta(days=1)) == []
	assert found(MONDAY - timedelta(days=1), ahead=1) == [(1, MONDAY)]
	assert found(SUNDAY) == [(1, MONDAY)]
	assert found(SUNDAY, ahead=1) == [(1, MONDAY), (2, second)]
	# The Saturday counts, not the Monday it moved to.
	assert found(second, applies_from=SATURDAY) == [(2, second)]
	assert found(second, applies_from=SUNDAY) == []


def test_due_moment():
	berlin = calendar(start=time(8, 30))
	assert schedule.due_moment(MONDAY, None, berlin, "Europe/Berlin") == datetime(2026, 3, 2, 8, 30)
	assert schedule.due_moment(MONDAY, None, berlin, "UTC") == datetime(2026, 3, 2, 7, 30)
	assert schedule.due_moment(MONDAY, time(14), berlin, "Asia/Shanghai") == datetime(2026, 3, 2, 21)
	shanghai = calendar(zone="Asia/Shanghai")
	assert schedule.due_moment(MONDAY, None, shanghai, "America/Los_Angeles") == datetime(2026, 3, 1, 17)


def test_clocks_change():
	berlin = calendar()
	spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
	# From 2 to 3 o'clock there is nothing.
	assert schedule.due_moment(spring, time(2, 30), berlin, "Europe/Berlin") == datetime(2026, 3, 29, 3, 30)
	assert schedule.due_moment(spring, time(2, 30), berlin, "UTC") == datetime(2026, 3, 29, 1, 30)
	# From 2 to 3 o'clock comes twice.
	assert schedule.due_moment(autumn, time(2, 30), berlin, "UTC") == datetime(2026, 10, 25, 0, 30)
	assert schedule.due_moment(autumn, None, berlin, "UTC") == datetime(2026, 10, 25, 8)
	assert schedule.due_moment(autumn - timedelta(days=1), None, berlin, "UTC") == datetime(2026, 10, 24, 7)


@given(
	days, st.times().map(lambda at: at.replace(microsecond=0)), st.sampled_from(ZONES), st.sampled_from(ZONES)
)
def test_a_moment_falls_on_its_own_day(day, at, zone, system_zone):
	moment = schedule.due_moment(day, at, calendar(zone=zone), system_zone)
	exists = datetime.combine(day, at, ZoneInfo(zone)).astimezone(ZoneInfo("UTC")).astimezone(ZoneInfo(zone))
	if (
		exists.replace(tzinfo=None) == datetime.combine(day, at)
		and moment.replace(tzinfo=ZoneInfo(system_zone)).astimezone(ZoneInfo("UTC")) == exists
	):
		assert schedule.local_time(moment, zone, system_zone) == datetime.combine(day, at)
		assert schedule.local_day(moment, zone, system_zone) == day
	if zone == system_zone == "UTC":
		assert moment == datetime.combine(day, at)


def test_bucket():
	now = datetime(2026, 3, 2, 16, 30)  # UTC: in Shanghai it is already the 3rd

	def bucket(due_on, all_day, zone):
		return schedule.bucket(due_on, due_on.date(), all_day, now, zone, "UTC")

	at = datetime(2026, 3, 2, 9)
	assert bucket(at, True, "UTC") == schedule.TODAY
	assert bucket(at, True, "Asia/Shanghai") == schedule.OVERDUE
	assert bucket(at, False, "UTC") == schedule.TODAY
	night = datetime(2026, 3, 2, 17)
	assert bucket(night, False, "UTC") == schedule.TODAY
	assert bucket(night, False, "Asia/Shanghai") == schedule.TODAY
	assert bucket(datetime(2026, 3, 3, 9), True, "UTC") == schedule.TOMORROW
	assert bucket(datetime(2026, 3, 4, 9), True, "UTC") == schedule.LATER
	assert bucket(datetime(2026, 3, 4, 9), True, "Asia/Shanghai") == schedule.TOMORROW
