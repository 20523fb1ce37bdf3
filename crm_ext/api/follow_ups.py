"""Endpoints of follow ups: what people do by hand, and what forms show. Permission first, then one engine call."""

from collections.abc import Collection
from datetime import timedelta

import frappe
from frappe import _
from frappe.utils import get_datetime, getdate, now_datetime

from crm_ext.follow_ups import calendars, chat, people, references, schedule, work
from crm_ext.follow_ups.model import ABOUT, DONE, IS_CONTACT, IS_QUESTION, OPEN, PARTIES, REFERENCES

_ON_FORM = 5
_IN_TIMELINE = 50
# An appointment has a beginning only; a calendar draws this much.
_DRAWN = timedelta(minutes=30)
_MOST_AT_ONCE = 200

_ROW = (
	"name",
	"subject",
	"channel",
	"due_date",
	"due_time",
	"due_on",
	"all_day",
	"responsible",
	"reference_doctype",
	"reference_name",
)


# Writing


@frappe.whitelist(methods=["POST"])
def log_and_plan(
	doctype: str,
	name: str,
	log: str | dict,
	next: str | dict | None = None,
	follow_up: str | None = None,
) -> dict:
	"""See `work.log_and_plan`."""
	_check(doctype, name, ABOUT)
	if follow_up:
		_check_writable(follow_up)
	return work.log_and_plan(follow_up or None, doctype, name, _values(log), _values(next))


@frappe.whitelist(methods=["POST"])
def plan(doctype: str, name: str, values: str | dict) -> str:
	"""See `work.plan`."""
	_check(doctype, name, ABOUT)
	return work.plan(doctype, name, _values(values))


@frappe.whitelist(methods=["POST"])
def finish(name: str, outcome: str | None = None, notes: str | None = None) -> None:
	_check_writable(name)
	work.finish(name, outcome, notes)


@frappe.whitelist(methods=["POST"])
def postpone(name: str, due_date: str, due_time: str | None = None) -> None:
	"""`due_time` left out keeps the time of day; empty makes it any time."""
	_check_writable(name)
	work.postpone(name, due_date, due_time)


@frappe.whitelist(methods=["POST"])
def move(name: str, moment: str) -> None:
	"""Postpone to a moment in system time, as the calendar does."""
	_check_writable(name)
	work.move(name, moment)


@frappe.whitelist(methods=["POST"])
def check_in(name: str, latitude: float, longitude: float, accuracy: float | None = None) -> None:
	_check_writable(name)
	work.check_in(name, latitude, longitude, accuracy)


@frappe.whitelist(methods=["POST"])
def finish_all(names: str | list) -> int:
	"""Several open follow ups are done, now; all or none. Returns how many."""
	names = _several(names)
	for name in names:
		_check_writable(name)
		work.finish(name)
	return len(names)


@frappe.whitelist(methods=["POST"])
def postpone_all(names: str | list, due_date: str) -> int:
	"""Several open follow ups move to one day; all or none. Returns how many."""
	names = _several(names)
	for name in names:
		_check_writable(name)
		work.postpone(name, due_date)
	return len(names)


def _values(given: str | dict | None) -> dict:
	"""What came by HTTP as a dictionary: JSON, or a dictionary already; empty for nothing."""
	try:
		values = frappe.parse_json(given) if given else {}
	except ValueError:
		values = None
	if not isinstance(values, dict):
		frappe.throw(_("The values are not readable."))
	return values


def _several(names: str | list) -> list[str]:
	names = list(dict.fromkeys(str(name) for name in frappe.parse_json(names)))
	if len(names) > _MOST_AT_ONCE:
		frappe.throw(_("Choose at most {0} at once.").format(_MOST_AT_ONCE))
	return names


# Reading


@frappe.whitelist()
@frappe.read_only()
def next_of(doctype: str, name: str) -> dict:
	"""What a form shows: {"follow_ups": the next open ones, "last_contact_on", "chat": [{"channel", "url"}]}.

	Each follow up carries its `bucket` as this user's day sees it, `responsible_name`, and `asks`: whether it is answered on
	its document. These come last: however many are asked, what is next with the party stands there. On a party or a deal,
	those of all their documents.
	"""
	_check(doctype, name)
	rows = []
	for asks, rule_key in ((False, IS_CONTACT), (True, IS_QUESTION)):
		filters = {"status": OPEN, "rule_key": rule_key}
		found = _about(doctype, name, filters, fields=list(_ROW), order_by="due_on", limit=_ON_FORM)
		rows += [row.update({"asks": asks}) for row in found]
	_add_names(rows, "responsible")
	about = references.describe(doctype, [name]).get(name) or {}
	return {
		"follow_ups": _judge(rows),
		"last_contact_on": frappe.db.get_value(doctype, name, "last_contact_on"),
		"chat": chat.links_of(about),
	}


@frappe.whitelist()
@frappe.read_only()
def open_on(doctype: str, name: str) -> list[dict]:
	"""Open follow ups about just this document, earliest first: one of them may be what was just done, so without those
	that ask somebody of us for an answer."""
	_check(doctype, name, ABOUT)
	filters = {"status": OPEN, "reference_doctype": doctype, "reference_name": name, "rule_key": IS_CONTACT}
	return frappe.get_all("Follow Up", filters=filters, fields=list(_ROW), order_by="due_on", limit=50)


@frappe.whitelist()
def get_row(follow_up: str) -> dict:
	"""The document a follow up is about, and when it is due."""
	doc = frappe.get_doc("Follow Up", follow_up)
	doc.check_permission("read")
	return {field: doc.get(field) for field in _ROW}


@frappe.whitelist()
@frappe.read_only()
def chat_links(contact: str) -> list[dict]:
	"""[{"channel", "url"}] to write to a Contact."""
	frappe.has_permission("Contact", "read", doc=contact, throw=True)
	return chat.links_of_contact(contact, chat.region_of(frappe.defaults.get_user_default("Company")))


@frappe.whitelist()
@frappe.read_only()
def chat_about(doctype: str, name: str) -> list[dict]:
	"""[{"channel", "url"}] to write to the person a document is about; none where the user may not read it."""
	if doctype not in REFERENCES or not frappe.has_permission(doctype, "read", doc=name):
		return []
	return chat.links_of(references.describe(doctype, [name]).get(name) or {})


@frappe.whitelist()
@frappe.read_only()
def events(start: str, end: str, filters: str | list | None = None) -> list[dict]:
	"""Follow ups for the calendar, as this user may see them: {name, title, start, end, all_day,
	convert_to_user_tz, status, bucket}. What is due all day stays on its day in every time zone."""
	# A day more on each side: it is the day of the person responsible.
	days = (getdate(start) - timedelta(days=1), getdate(end) + timedelta(days=1))
	rows = frappe.get_list(
		"Follow Up",
		filters=[*(frappe.parse_json(filters) or []), ["Follow Up", "due_date", "between", days]],
		fields=[*_ROW, "party_name", "status"],
		order_by="due_on",
	)
	for row in _judge(rows):
		row.title = f"{row.party_name or row.reference_name}: {row.subject}"
		row.convert_to_user_tz = int(not row.all_day)
		row.start = row.due_date if row.all_day else row.due_on
		row.end = row.start if row.all_day else row.start + _DRAWN
	return rows


def timeline(doctype: str, docname: str) -> list[dict]:
	"""Hook `additional_timeline_content`: follow ups done on a document, on a party or deal those of all its
	documents, as far as the user may see them. Frappe has asked for the document's own permission."""
	if not frappe.has_permission("Follow Up", "read"):
		return []
	rows = _about(
		doctype,
		docname,
		{"status": DONE},
		fields=[*_ROW, "outcome", "notes", "next_step", "next_follow_up", "done_on", "done_by", "location"],
		order_by="done_on desc",
		limit=_IN_TIMELINE,
	)
	_add_names(rows, "done_by")
	for row in rows:
		row.elsewhere = (row.reference_doctype, row.reference_name) != (doctype, docname)
		row.has_location = bool(row.pop("location"))
	return [
		{
			"icon": _ICONS.get(row.channel, "calendar"),
			"is_card": True,
			"creation": row.done_on,
			"template": "follow_up_done",
			"template_data": row,
		}
		for row in rows
	]


_ICONS = {
	"Call": "call",
	"Mail": "mail",
	"Visit": "map",
	"SMS": "message",
	"WhatsApp": "message",
	"WeChat": "message",
	"QQ": "message",
}


def _about(doctype: str, name: str, filters: dict, **query) -> list[dict]:
	"""Follow ups of a document. On parties and deals those of their documents too, where the user may read these."""
	if doctype in PARTIES:
		return frappe.get_list(
			"Follow Up", filters={**filters, "party_type": doctype, "party": name}, **query
		)
	if doctype == "Deal":
		return frappe.get_list("Follow Up", filters={**filters, "deal": name}, **query)
	filters = {**filters, "reference_doctype": doctype, "reference_name": name}
	return frappe.get_all("Follow Up", filters=filters, **query)


def _add_names(rows: list[dict], field: str) -> None:
	"""Add to each row the full name of the user in a field, as `<field>_name`: the browser need not know them all."""
	names = people.full_names(row[field] for row in rows)
	for row in rows:
		row[f"{field}_name"] = names.get(row[field], row[field])


def _judge(rows: list[dict]) -> list[dict]:
	"""Add to each row its `bucket` by the day of the session's user."""
	if rows:
		now, system_zone = now_datetime(), calendars.system_zone()
		zone = calendars.load_one(frappe.session.user).time_zone
		for row in rows:
			due_on = get_datetime(row.due_on)
			row.bucket = schedule.bucket(due_on, row.due_date, bool(row.all_day), now, zone, system_zone)
	return rows


def _check(doctype: str, name: str, among: Collection[str] = REFERENCES) -> None:
	"""The user may read the document and the follow ups about it."""
	if doctype not in among:
		frappe.throw(_("Follow ups cannot be about {0}.").format(_(doctype)), frappe.ValidationError)
	frappe.has_permission(doctype, "read", doc=name, throw=True)
	frappe.has_permission("Follow Up", "read", throw=True)


def _check_writable(name: str) -> None:
	frappe.has_permission("Follow Up", "write", doc=name, throw=True)
