"""When people work: their time zone, working hours and holidays. Reads only, in sets."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import frappe
from frappe.utils import get_system_timezone, get_time

from crm_ext.follow_ups import schedule
from crm_ext.follow_ups.model import Calendar

_START, _END = time(9), time(18)
# Runs of holidays longer than this are not looked for when asking how far ahead to look.
_LOOK_AHEAD = 60


def system_zone() -> str:
	"""Name of the zone all Datetime columns are in."""
	return _known(get_system_timezone(), "UTC")


def load(users: Collection[str]) -> dict[str, Calendar]:
	"""The calendar of each user, whether or not it exists. At most six queries, however many users.

	Holidays are those of the employee's holiday list, else of the employee's company, else of the user's default
	company, else none.
	"""
	users = {user for user in users if user}
	if not users:
		return {}
	zones = dict(
		frappe.get_all(
			"User",
			filters={"name": ("in", list(users)), "time_zone": ("is", "set")},
			fields=["name", "time_zone"],
			as_list=True,
			order_by=None,
		)
	)
	home, start, end = system_zone(), *_working_hours()
	lists = _holiday_lists(users)
	holidays = _holidays(set(lists.values()))
	return {
		user: Calendar(_known(zones.get(user), home), start, end, holidays.get(lists.get(user), frozenset()))
		for user in users
	}


def load_one(user: str) -> Calendar:
	return load([user])[user]


def today(user: str, now: datetime) -> date:
	"""The user's own day at a moment of system time."""
	return schedule.local_day(now, load_one(user).time_zone, system_zone())


def longest_break(day: date) -> int:
	"""Days that are all holidays in some holiday list, from `day` or the day after on: how much further a step before
	a date can move, for people whose own day is a day ahead as well."""
	by_list = defaultdict(set)
	for holiday_list, holiday in frappe.get_all(
		"Holiday",
		filters={
			"parenttype": "Holiday List",
			"holiday_date": ("between", (day, day + timedelta(days=_LOOK_AHEAD))),
		},
		fields=["parent", "holiday_date"],
		as_list=True,
		order_by=None,
	):
		by_list[holiday_list].add(holiday)
	return max(
		(_run(holidays, start) for holidays in by_list.values() for start in (day, day + timedelta(days=1))),
		default=0,
	)


def _run(holidays: set[date], start: date) -> int:
	length = 0
	while start + timedelta(days=length) in holidays:
		length += 1
	return length


def _working_hours() -> tuple[time, time]:
	settings = frappe.get_cached_doc("CRM Ext Settings")
	start, end = (settings.get(field) for field in ("workday_start", "workday_end"))
	return get_time(start) if start else _START, get_time(end) if end else _END


def _holiday_lists(users: set[str]) -> dict[str, str]:
	companies = dict(
		frappe.get_all(
			"Company",
			filters={"default_holiday_list": ("is", "set")},
			fields=["name", "default_holiday_list"],
			as_list=True,
			order_by=None,
		)
	)
	found = {}
	for user, holiday_list, company in frappe.get_all(
		"Employee",
		filters={"user_id": ("in", list(users)), "status": "Active"},
		fields=["user_id", "holiday_list", "company"],
		as_list=True,
		# Where a user is two employees, the newer one.
		order_by="creation",
	):
		found[user] = holiday_list or companies.get(company)
	found = {user: holiday_list for user, holiday_list in found.items() if holiday_list}
	if companies:
		for user, company in _default_companies(users - set(found)).items():
			if company in companies:
				found[user] = companies[company]
	return found


def _default_companies(users: set[str]) -> dict[str, str]:
	"""The default company of each user, else that of the site."""
	if not users:
		return {}
	general = frappe.db.get_default("company")
	own = dict(
		frappe.get_all(
			"DefaultValue",
			filters={"parent": ("in", list(users)), "defkey": ("in", ("company", "Company"))},
			fields=["parent", "defvalue"],
			as_list=True,
			order_by="creation",
		)
	)
	return {user: own.get(user) or general for user in users}


def _holidays(holiday_lists: set[str]) -> dict[str, frozenset[date]]:
	if not holiday_lists:
		return {}
	found = defaultdict(set)
	for holiday_list, day in frappe.get_all(
		"Holiday",
		filters={"parenttype": "Holiday List", "parent": ("in", list(holiday_lists))},
		fields=["parent", "holiday_date"],
		as_list=True,
		order_by=None,
	):
		found[holiday_list].add(day)
	return {holiday_list: frozenset(days) for holiday_list, days in found.items()}


@lru_cache(maxsize=512)
def _known(zone: str | None, otherwise: str) -> str:
	"""`zone` where Python knows it: one mistyped time zone must not stop everybody's follow ups."""
	try:
		return ZoneInfo(zone).key if zone else otherwise
	except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
		return otherwise
