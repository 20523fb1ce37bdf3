"""Tells people: one digest a day, reminders of appointments, escalation to the manager.

Each thing is said once: it is marked in the transaction that says it, and the mark is taken before. So two workers say
nothing twice, and what a killed one did not commit is said by the next pass. Who is to be told what is read for all
people at once; only what is said is written for each.
"""

from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import date, datetime, time, timedelta

import frappe
from frappe.utils import cint, now_datetime

from crm_ext.deals.locks import is_lock_error
from crm_ext.follow_ups import calendars, marks, messages, people, preferences, schedule
from crm_ext.follow_ups.model import Calendar
from crm_ext.follow_ups.preferences import Person

_DAY = timedelta(days=1)
# An appointment that began longer ago is no longer worth a reminder.
_TOO_LATE = timedelta(hours=2)
# Columns of `tabFollow Up` f that a message shows.
_SHOWN = ", ".join(
	(
		*(
			f"f.{column}"
			for column in (
				"name",
				"subject",
				"channel",
				"due_date",
				"due_time",
				"party_name",
				"reference_doctype",
				"reference_name",
				"responsible",
				"owner",
				"creation",
			)
		),
		"(SELECT u.full_name FROM tabUser u WHERE u.name = f.responsible) AS responsible_name",
	)
)


def _is_on() -> bool:
	return bool(cint(frappe.db.get_single_value("CRM Ext Settings", "follow_up_reminders_enabled")))


# The digest


def send_digests(now: datetime | None = None) -> int:
	"""One digest to each person whose hour has come since the last pass; returns how many.

	Where the scheduler stood still it is sent once it is back, the same day. Whoever had nothing to be told at the hour
	is left alone until the next morning. `now` is system time; hour, day, holidays and quiet days are the person's own.
	Commits after each.
	"""
	if not _is_on():
		return 0
	now = now or now_datetime()
	due = _who_is_due(now, marks.read_moment(marks.DIGESTS))
	rows = _read_digests(due)
	mail = messages.can_mail()
	sent, failed = 0, False
	for user in sorted(rows):
		person, day = due[user]
		if not (person.bell or (person.mail and mail)):
			continue
		said = _once(user, lambda p=person, d=day: _send_digest(p, d, rows[p.user], mail))
		sent += said or 0
		failed |= said is None
	if not failed:
		marks.set_moment(marks.DIGESTS, now)
		frappe.db.commit()  # a job of its own; after the digests, so that a killed pass is caught up
	return sent


def _send_digest(person: Person, day: date, sections: dict, mail: bool) -> bool:
	if not marks.claim_digest(person.user, day):
		return False
	messages.send_digest(person, sections, mail)
	return True


def _who_is_due(now: datetime, last: datetime | None) -> dict[str, tuple[Person, date]]:
	"""Person and own day of those whose hour came between the `last` pass and now."""
	users = frappe.db.sql(
		"SELECT DISTINCT responsible FROM `tabFollow Up` WHERE status = 'Open' AND due_date <= %(until)s"
		" UNION SELECT DISTINCT escalated_to FROM `tabFollow Up` WHERE status = 'Open' AND due_date <= %(until)s"
		" AND escalated_to IS NOT NULL",
		{"until": now.date() + 2 * _DAY},
		pluck=True,
	)
	found = preferences.people(users)
	calendar, zone, general = calendars.load(found), calendars.system_zone(), preferences.general_hour()
	due = {}
	for user, person in found.items():
		local = schedule.local_time(now, calendar[user].time_zone, zone)
		if not person.preference.wants_digest(local, general, calendar[user].holidays):
			continue
		hour = time(person.preference.hour(general))
		moment = schedule.due_moment(local.date(), hour, calendar[user], zone)
		# A mark from the future is a clock that was set back.
		if last is None or last < moment or last > now:
			due[user] = (person, local.date())
	return due


def _read_digests(due: dict[str, tuple[Person, date]]) -> dict[str, dict[str, list]]:
	"""Per person and section the first rows, each with the `total` of its section. Two queries for each day it is
	somewhere on earth."""
	by_day: dict[date, list[str]] = defaultdict(list)
	for user, (_person, day) in due.items():
		by_day[day].append(user)
	found: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
	section = "IF(f.due_date < %(today)s, 'overdue', IF(f.due_date = %(today)s, 'today', 'tomorrow'))"
	for day, users in by_day.items():
		values = {"today": day, "tomorrow": day + _DAY, "users": users, "listed": messages.LISTED}
		for person, kind, condition in (
			("responsible", section, "due_date <= %(tomorrow)s"),
			("escalated_to", "'escalated'", "responsible != escalated_to AND due_date < %(today)s"),
		):
			rows = frappe.db.sql(
				f"""SELECT * FROM (SELECT {_SHOWN}, {person} AS person, {kind} AS section,
					ROW_NUMBER() OVER (PARTITION BY {person}, {kind} ORDER BY due_on, name) AS place,
					COUNT(*) OVER (PARTITION BY {person}, {kind}) AS total
				FROM `tabFollow Up` f WHERE status = 'Open' AND {person} IN %(users)s AND {condition}) found
				WHERE place <= %(listed)s ORDER BY person, section, place""",
				values,
				as_dict=True,
			)
			for row in rows:
				found[row.person][row.section].append(row)
	return found


# Appointments


def remind(now: datetime | None = None) -> int:
	"""Appointments that are about to begin, each once; returns how many people were reminded of. Commits after each.

	Also on quiet days and holidays, because somebody has agreed to it; not while the person is away.
	"""
	if not _is_on():
		return 0
	now = now or now_datetime()
	rows = frappe.db.sql(
		f"SELECT {_SHOWN}, f.instructions, f.due_on FROM `tabFollow Up` f WHERE status = 'Open' AND all_day = 0"
		" AND reminded_on IS NULL AND due_on > %(from)s AND due_on <= %(until)s ORDER BY due_on, name",
		{"from": now - _TOO_LATE, "until": now + timedelta(minutes=preferences.MOST_MINUTES)},
		as_dict=True,
	)
	found = preferences.people({row.responsible for row in rows})
	calendar, zone = calendars.load(found), calendars.system_zone()
	mail = messages.can_mail() if rows else False
	said = 0
	for row in rows:
		person = found.get(row.responsible)
		if person and _wants_reminder(person, row, now, calendar[person.user], zone, mail):
			said += bool(_once(row.name, lambda p=person, r=row: _remind(p, r, now, mail)))
	return said


def _wants_reminder(
	person: Person, row: "frappe._dict", now: datetime, calendar: Calendar, zone: str, mail: bool
) -> bool:
	preference = person.preference
	return (
		preference.timed_reminders
		and now >= row.due_on - timedelta(minutes=preference.remind_minutes)
		and not preference.is_away(schedule.local_day(now, calendar.time_zone, zone))
		and (person.bell or (person.mail and mail))
	)


def _remind(person: Person, row: "frappe._dict", now: datetime, mail: bool) -> bool:
	if not marks.claim_reminder(row.name, row.due_on, now):
		return False
	messages.remind(person, row, mail)
	return True


# Escalation


def escalate(now: datetime | None = None) -> int:
	"""What stayed undone for too long, to the manager, each follow up once; returns how many. Commits after each manager.

	After so many days as the rule says that made it, else CRM Ext Settings. Where there is no manager it stays, and is
	looked at again by the next pass.
	"""
	if not _is_on():
		return 0
	now = now or now_datetime()
	by_manager = _to_escalate(now)
	found = preferences.people(by_manager)
	mail = messages.can_mail() if found else False
	handed = 0
	for manager in sorted(found):
		handed += _once(manager, lambda m=manager: _hand_over(found[m], by_manager[m], now, mail)) or 0
	return handed


def _hand_over(person: Person, rows: list["frappe._dict"], now: datetime, mail: bool) -> int:
	claimed = set(marks.claim_escalations([row.name for row in rows], person.user, now))
	if claimed:
		messages.hand_over(person, [row for row in rows if row.name in claimed], mail)
	return len(claimed)


def _to_escalate(now: datetime) -> dict[str, list["frappe._dict"]]:
	days = "COALESCE(r.escalate_after_days, %(general)s)"
	rows = frappe.db.sql(
		f"""SELECT {_SHOWN}, {days} AS after_days, r.escalate_to, r.escalate_user FROM `tabFollow Up` f
		LEFT JOIN `tabFollow Up Rule` r ON r.name = f.rule
		WHERE f.status = 'Open' AND f.escalated_on IS NULL AND f.responsible IS NOT NULL AND {days} > 0
		AND f.due_date <= DATE_SUB(%(latest)s, INTERVAL {days} DAY) ORDER BY f.due_on, f.name""",
		{
			"general": cint(frappe.db.get_single_value("CRM Ext Settings", "escalate_after_days")),
			# The latest day it can be anywhere.
			"latest": now.date() + _DAY,
		},
		as_dict=True,
	)
	calendar, zone = calendars.load({row.responsible for row in rows}), calendars.system_zone()

	def is_late(row) -> bool:
		today = schedule.local_day(now, calendar[row.responsible].time_zone, zone)
		return (today - row.due_date).days >= row.after_days

	rows = [row for row in rows if is_late(row)]
	managers = _managers({row.responsible for row in rows if row.escalate_to != "Fixed User"})
	found: dict[str, list] = defaultdict(list)
	for row in rows:
		manager = row.escalate_user if row.escalate_to == "Fixed User" else managers.get(row.responsible)
		if manager and manager != row.responsible:
			found[manager].append(row)
	return found


def _managers(users: Collection[str]) -> dict[str, str]:
	return people.manager_of(users) if users else {}


def _once(whom: str, say: Callable[[], int | bool]) -> int | None:
	"""Say one thing and commit it with its mark. What fails is undone, logged, and tried again by the next pass: None."""
	try:
		said = int(say())
		frappe.db.commit()  # what was said to one person does not depend on the next
		return said
	except Exception as error:
		frappe.db.rollback()
		if not is_lock_error(error):
			frappe.log_error(
				title=f"CRM Ext: telling {whom} failed", message=frappe.get_traceback(with_context=True)
			)
			frappe.db.commit()
		return None
