"""My Day: what one person has to do, and what else needs care. Reads only, in sets, whatever the number of rows.

Everything is judged by the day of the person it is about, and shows only what the viewer may read.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import frappe
from frappe import _
from frappe.utils import cint, formatdate, get_fullname, now_datetime

from crm_ext.constants.roles import SELLERS
from crm_ext.follow_ups import calendars, schedule
from crm_ext.follow_ups.model import ASKS, OPEN, Calendar
from crm_ext.permissions import asked_once, list_conditions

# Rows of a section on the page. Its count is the true one; the rest is a list away.
LIMIT = 50
# Where a list cannot ask the question itself it is opened by names, which have to fit a web address.
_MOST_NAMES = 100
_DAY = timedelta(days=1)
_LATER = "later"


@dataclass(frozen=True, slots=True)
class View:
	"""Whose day it is, who looks at it, and the person's own today."""

	user: str
	viewer: str
	today: date
	calendar: Calendar
	system_zone: str

	def visible(self, doctype: str) -> str:
		"""Condition for what the viewer may read, to stand in a query with parameters."""
		conditions = list_conditions(doctype, self.viewer)
		return f" AND ({conditions.replace('%', '%%')})" if conditions else ""

	def start_of(self, day: date) -> datetime:
		"""Midnight of the person, in system time."""
		return schedule.due_moment(day, time.min, self.calendar, self.system_zone)

	def day_of(self, moment: datetime) -> date:
		return schedule.local_day(moment, self.calendar.time_zone, self.system_zone)


def read(
	user: str,
	viewer: str | None = None,
	now: datetime | None = None,
	more: Iterable["Section"] = (),
) -> dict:
	"""The day of `user` as `viewer` (the session's user) may see it; the caller has checked that he may look.

	Returns {"user", "full_name", "today", "may_write", "sections", "later", "done_today"}. A section is {"key", "label",
	"doctype", "count", "rows", "filters"}: `count` is of all, `rows` are the first LIMIT, `filters` those of the list
	that shows all. "later" and "done_today" are sections without rows. `more`: sections of other engines.
	"""
	view = view_of(user, viewer or frappe.session.user, now or now_datetime())
	with asked_once():
		*follow_ups, later, done = _follow_ups(view)
		others = [section(view) for section in (*SECTIONS, *more)]
	return {
		"user": user,
		"full_name": get_fullname(user),
		"today": view.today,
		"may_write": bool(frappe.has_permission("Follow Up", "write", user=view.viewer)),
		"sections": [*follow_ups, *filter(None, others)],
		"later": later,
		"done_today": done,
	}


def view_of(user: str, viewer: str, now: datetime) -> View:
	calendar, zone = calendars.load_one(user), calendars.system_zone()
	return View(user, viewer, schedule.local_day(now, calendar.time_zone, zone), calendar, zone)


# Follow ups


_ROW = (
	"name",
	"subject",
	"channel",
	"due_date",
	"due_time",
	"party_type",
	"party",
	"party_name",
	"reference_doctype",
	"reference_name",
	"instructions",
	"escalated_on",
	"postponed_count",
)


def _follow_ups(view: View) -> list[dict]:
	"""Sections overdue, today and tomorrow; then, without rows, what is due later and what was done today.

	The days of a follow up are days of the person responsible, and it is that person's day.
	"""
	params = {"user": view.user, "today": view.today, "tomorrow": view.today + _DAY}
	# Once: with user permissions it takes a query for each DocType follow ups may be about.
	where = f"`tabFollow Up`.responsible = %(user)s{view.visible('Follow Up')}"
	days = {
		schedule.OVERDUE: (_("Overdue"), "< %(today)s", ["<", view.today]),
		schedule.TODAY: (_("Today"), "= %(today)s", ["=", view.today]),
		schedule.TOMORROW: (_("Tomorrow"), "= %(tomorrow)s", ["=", view.today + _DAY]),
		_LATER: (_("Later"), "> %(tomorrow)s", [">", view.today + _DAY]),
	}
	counts = _counts(where, {key: condition for key, (_label, condition, _list) in days.items()}, params)
	rows = _rows(where, {key: condition for key, (_label, condition, _list) in days.items()}, counts, params)
	found = [
		{
			"key": key,
			"label": label,
			"doctype": "Follow Up",
			"count": counts[key],
			"rows": rows.get(key, []),
			"filters": {"responsible": view.user, "status": OPEN, "due_date": listed},
		}
		for key, (label, _condition, listed) in days.items()
	]
	return [*found, _done_today(view, where, params)]


def _counts(where: str, days: dict[str, str], params: dict) -> dict[str, int]:
	sums = ", ".join(f"SUM(`tabFollow Up`.due_date {condition})" for condition in days.values())
	(row,) = frappe.db.sql(f"SELECT {sums} FROM `tabFollow Up` WHERE status = 'Open' AND {where}", params)
	return dict(zip(days, map(cint, row), strict=True))


def _rows(where: str, days: dict[str, str], counts: dict[str, int], params: dict) -> dict[str, list[dict]]:
	"""The earliest of each day that has any, in one query."""
	columns = ", ".join(f"`tabFollow Up`.{column}" for column in _ROW)
	columns += f", {ASKS} AS asks"
	parts = [
		f"""(SELECT '{key}' AS section, {columns} FROM `tabFollow Up`
			WHERE status = 'Open' AND `tabFollow Up`.due_date {condition} AND {where}
			ORDER BY `tabFollow Up`.due_on, `tabFollow Up`.name LIMIT {LIMIT})"""
		for key, condition in days.items()
		if counts[key] and key != _LATER
	]
	found: dict[str, list[dict]] = {}
	# The order of rows within a part of a union is not promised to last.
	for row in frappe.db.sql(" UNION ALL ".join(parts), params, as_dict=True) if parts else ():
		found.setdefault(row.pop("section"), []).append(row)
	for rows in found.values():
		rows.sort(
			key=lambda row: (row.due_date, row.due_time or timedelta(0), row.due_time is None, row.name)
		)
		for row in rows:
			row.due_time = _clock(row.due_time)
	return found


def _clock(due_time: timedelta | None) -> str | None:
	"""HH:MM of a Time column."""
	if due_time is None:
		return None
	return f"{due_time.seconds // 3600:02d}:{due_time.seconds // 60 % 60:02d}"


def _done_today(view: View, where: str, params: dict) -> dict:
	((count,),) = frappe.db.sql(
		f"SELECT COUNT(*) FROM `tabFollow Up` WHERE status = 'Done' AND done_date = %(today)s AND {where}",
		params,
	)
	return {
		"key": "done",
		"label": _("Done Today"),
		"doctype": "Follow Up",
		"count": count,
		"rows": [],
		"filters": {"responsible": view.user, "status": "Done", "done_date": ["=", view.today]},
	}


# What else needs care


_DOCUMENT = ("name", "party_type", "party", "party_name", "note", "amount", "currency")


def silent_deals(view: View) -> dict | None:
	"""Open deals the person owns, without contact for so many days and nothing planned; the longest silent first.

	A deal nobody was ever in contact about is silent since it was made.
	"""
	days = cint(_settings().silent_deal_days)
	if not days or not frappe.has_permission("Deal", "read", user=view.viewer):
		return None
	silent_since = "COALESCE(`tabDeal`.last_contact_on, `tabDeal`.creation)"
	rows = frappe.db.sql(
		f"""SELECT `tabDeal`.name, `tabDeal`.party_type, `tabDeal`.party, `tabDeal`.party_name, `tabDeal`.stage,
			`tabDeal`.amount, `tabDeal`.currency, `tabDeal`.last_contact_on, {silent_since} AS silent_since,
			COUNT(*) OVER () AS total
		FROM `tabDeal`
		WHERE `tabDeal`.owner_user = %(user)s AND `tabDeal`.status = 'Open' AND `tabDeal`.closed_on IS NULL
			AND `tabDeal`.next_follow_up_on IS NULL AND {silent_since} < %(before)s{view.visible("Deal")}
		ORDER BY silent_since, `tabDeal`.name LIMIT {_MOST_NAMES}""",
		{"user": view.user, "before": view.start_of(view.today - timedelta(days=days - 1))},
		as_dict=True,
	)
	for row in rows:
		since = (view.today - view.day_of(row.silent_since)).days
		silence = (
			_("{0} days without contact")
			if row.last_contact_on
			else _("No contact since it began {0} days ago")
		)
		row.note = f"{_(row.stage)} · {silence.format(since)}"
	return section_of("silent_deals", _("Silent Deals"), "Deal", rows)


def expiring_quotations(view: View) -> dict | None:
	"""Open quotations of the person that expire within so many days, and nothing is planned before they do.

	The person's own are those of the deals he or she owns, and those he or she made.
	"""
	days = cint(_settings().expiring_days)
	if not days or not frappe.has_permission("Quotation", "read", user=view.viewer):
		return None
	rows = frappe.db.sql(
		f"""SELECT `tabQuotation`.name, `tabQuotation`.quotation_to AS party_type,
			`tabQuotation`.party_name AS party, `tabQuotation`.customer_name AS party_name,
			`tabQuotation`.valid_till, `tabQuotation`.grand_total AS amount, `tabQuotation`.currency,
			COUNT(*) OVER () AS total
		FROM `tabQuotation` LEFT JOIN `tabDeal` ON `tabDeal`.name = `tabQuotation`.deal
		WHERE `tabQuotation`.valid_till BETWEEN %(today)s AND %(until)s AND `tabQuotation`.docstatus = 1
			AND `tabQuotation`.status IN ('Open', 'Replied', 'Partially Ordered')
			AND (`tabDeal`.owner_user = %(user)s OR `tabQuotation`.owner = %(user)s)
			AND (`tabQuotation`.next_follow_up_on IS NULL
				OR `tabQuotation`.next_follow_up_on >= `tabQuotation`.valid_till + INTERVAL 1 DAY)
			{view.visible("Quotation")}
		ORDER BY `tabQuotation`.valid_till, `tabQuotation`.name LIMIT {_MOST_NAMES}""",
		{"user": view.user, "today": view.today, "until": view.today + timedelta(days=days)},
		as_dict=True,
	)
	for row in rows:
		left = (row.valid_till - view.today).days
		if left > 1:
			row.note = _("Expires on {0}").format(formatdate(row.valid_till))
		else:
			row.note = _("Expires tomorrow") if left else _("Expires today")
	return section_of("expiring_quotations", _("Quotations About to Expire"), "Quotation", rows)


def section_of(key: str, label: str, doctype: str, rows: list[dict]) -> dict:
	"""A section of documents, from up to _MOST_NAMES rows with the `total` there is and all of `_DOCUMENT`."""
	return {
		"key": key,
		"label": label,
		"doctype": doctype,
		"count": rows[0].total if rows else 0,
		"rows": [
			{"doctype": doctype, **{column: row[column] for column in _DOCUMENT}} for row in rows[:LIMIT]
		],
		"filters": {"name": ["in", [row.name for row in rows]]},
	}


def _settings() -> "frappe._dict":
	return frappe.get_cached_doc("CRM Ext Settings")


# A function of the view that returns a section, or None where there is nothing to show ever.
Section = Callable[[View], dict | None]
SECTIONS: tuple[Section, ...] = (silent_deals, expiring_quotations)


# Whose day


def may_look(viewer: str, user: str) -> bool:
	return user == viewer or user in members(viewer, user)


def members(viewer: str, only: str | None = None) -> dict[str, str]:
	"""Users whose day `viewer` may look at, with their full names: himself first, then by name.

	Sales and system managers: everybody enabled who has follow ups or may sell. Others: who reports to them, and whose
	sales persons stand below theirs, over all levels. `only` asks about one user.
	"""
	found = {viewer: get_fullname(viewer)}
	everybody = viewer == "Administrator" or {"Sales Manager", "System Manager"} & set(
		frappe.get_roles(viewer)
	)
	rows = frappe.db.sql(
		f"""SELECT u.name, u.full_name FROM `tabUser` u
		WHERE u.enabled = 1 AND u.user_type = 'System User' AND u.name NOT IN ('Guest', %(viewer)s)
			AND ({_EVERYBODY if everybody else _BELOW}){" AND u.name = %(only)s" if only else ""}
		ORDER BY u.full_name, u.name""",
		{"viewer": viewer, "only": only, "sellers": SELLERS},
	)
	return found | {user: name or user for user, name in rows}


# One look-up in an index for each user, however many follow ups there are.
_EVERYBODY = """
	EXISTS (SELECT 1 FROM `tabHas Role` r
		WHERE r.parent = u.name AND r.parenttype = 'User' AND r.role IN %(sellers)s)
	OR EXISTS (SELECT 1 FROM `tabFollow Up` f WHERE f.responsible = u.name)
"""
_BELOW = """u.name IN (
	SELECT below.user_id FROM `tabEmployee` me
	JOIN `tabEmployee` below ON below.lft > me.lft AND below.rgt < me.rgt AND below.status = 'Active'
	WHERE me.user_id = %(viewer)s AND me.status = 'Active' AND below.user_id IS NOT NULL
	UNION SELECT e.user_id FROM `tabEmployee` me
	JOIN `tabSales Person` mine ON mine.employee = me.name AND mine.enabled = 1
	JOIN `tabSales Person` below ON below.lft > mine.lft AND below.rgt < mine.rgt AND below.enabled = 1
	JOIN `tabEmployee` e ON e.name = below.employee AND e.status = 'Active'
	WHERE me.user_id = %(viewer)s AND me.status = 'Active' AND e.user_id IS NOT NULL
)"""
