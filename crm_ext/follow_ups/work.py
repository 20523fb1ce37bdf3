"""What people do with follow ups by hand: plan, log, finish, postpone, check in.

Everything goes through the document, so its permissions, its versions and `prepare` hold for the desk, the API and
imports alike. Messages are for people: they name what was wrong, not the field.
"""

import json
import math
from collections.abc import Callable
from datetime import date, datetime, time
from functools import lru_cache

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import escape_html, get_datetime, get_time, getdate, now_datetime

from crm_ext.follow_ups import calendars, contacts, references, schedule, targets
from crm_ext.follow_ups.model import ABOUT, BY_HAND, CANCELLED, DONE, OPEN, REFERENCES, Calendar, asks

# Clocks of browsers and servers differ a little.
_CLOCK_SECONDS = 120
_YEARS = range(1970, 2200)


# What the document does when it is saved


def prepare(doc: Document) -> None:
	"""Fill what a follow up copies from its document, and the moments that follow from what was entered.

	At most five queries for a new one, none for one saved without a change that matters.
	"""
	before = doc.get_doc_before_save()
	# What made it is said by `ask`, or written past the document layer, and nobody's to send along.
	doc.rule_key = before.rule_key if before else doc.flags.rule_key
	_copy_reference(doc, before)
	if not before or before.responsible != doc.responsible:
		_check_responsible(doc)
	calendar = lru_cache(lambda: calendars.load_one(doc.responsible or frappe.session.user))
	_settle_status(doc, before, calendar)
	_settle_due(doc, before, calendar)


def _copy_reference(doc: Document, before: Document | None) -> None:
	if before and doc.status != OPEN:
		return  # history stays as it was
	if doc.reference_doctype not in ABOUT:
		frappe.throw(
			_("Follow ups cannot be about {0}.").format(_(doc.reference_doctype or "")),
			title=_("Document Type", context="Follow Up"),
		)
	found = references.describe(doc.reference_doctype, [doc.reference_name]).get(doc.reference_name)
	if not found:
		frappe.throw(
			_("{0} {1} does not exist.").format(_(doc.reference_doctype), escape_html(doc.reference_name)),
			frappe.DoesNotExistError,
		)
	if not before and not doc.flags.ignore_permissions:
		# It would tell the party and the deal of a document the user may not read.
		frappe.has_permission(doc.reference_doctype, "read", doc=doc.reference_name, throw=True)
	for field in ("party_type", "party", "party_name", "deal", "company"):
		doc.set(field, found[field])
	if not before:
		doc.contact = doc.contact or found["contact"]
		doc.reference_owner = doc.reference_owner or found["owner"] or found["created_by"]


def _check_responsible(doc: Document) -> None:
	if not doc.responsible:
		return  # reported as a missing value
	user = frappe.db.get_value("User", doc.responsible, ["enabled", "user_type"], as_dict=True)
	if not user:
		frappe.throw(_("User {0} does not exist.").format(doc.responsible), frappe.DoesNotExistError)
	if doc.status != OPEN:
		return  # who did it may have left since
	if not user.enabled:
		frappe.throw(_("{0} is disabled and cannot be responsible.").format(doc.responsible))
	if user.user_type != "System User":
		frappe.throw(_("{0} has no access to the desk and cannot be responsible.").format(doc.responsible))


def _settle_status(doc: Document, before: Document | None, calendar: Callable[[], Calendar]) -> None:
	"""Who did it and when, as soon as it is done; nothing of that once it is open again."""
	if doc.status == DONE:
		_settle_done(doc, before, calendar)
		return
	doc.done_on = doc.done_by = doc.done_date = None
	if doc.status == CANCELLED:
		doc.cancel_reason = doc.cancel_reason or BY_HAND
	else:
		doc.cancel_reason = None


def _settle_done(doc: Document, before: Document | None, calendar: Callable[[], Calendar]) -> None:
	newly = not before or before.status != DONE
	doc.cancel_reason = None
	if newly and not (doc.done_by and frappe.session.user == "Administrator"):
		doc.done_by = frappe.session.user
	moment = get_datetime(doc.done_on) if doc.done_on else now_datetime().replace(microsecond=0)
	if not newly and doc.done_date and moment == get_datetime(before.done_on):
		return
	if (moment - now_datetime()).total_seconds() > _CLOCK_SECONDS:
		frappe.throw(_("What lies in the future cannot be done yet."), title=_("Done On"))
	doc.done_on = moment
	doc.done_date = schedule.local_day(moment, calendar().time_zone, calendars.system_zone())
	# Logged without having been planned.
	doc.due_date = doc.due_date or doc.done_date


def _settle_due(doc: Document, before: Document | None, calendar: Callable[[], Calendar]) -> None:
	if not doc.due_date or not doc.responsible:
		return  # reported as a missing value
	day, at = _day(doc.due_date), _time(doc.due_time)
	doc.all_day = int(at is None)
	if before and before.due_on and before.responsible == doc.responsible:
		if getdate(before.due_date) == day and _time(before.due_time) == at:
			doc.due_on = before.due_on
			return
	doc.due_on = schedule.due_moment(day, at, calendar(), calendars.system_zone())
	if not before or not before.due_on or get_datetime(before.due_on) == doc.due_on:
		return
	doc.reminded_on = None
	if getdate(before.due_date) < day:
		doc.postponed_count = (doc.postponed_count or 0) + 1


def after_change(doc: Document, deleted: bool = False) -> None:
	"""Bring the dates on document, party and deal up to date; what was done counts as contact."""
	before = doc.get_doc_before_save()
	if not deleted and before and not any(before.get(field) != doc.get(field) for field in _MATTERS):
		return
	if asks(doc.rule_key):
		return
	touched = _targets(doc) | (_targets(before) if before else set())
	targets.refresh(sorted(touched))
	if not deleted and doc.status == DONE and (not before or before.status != DONE):
		contacts.note([(doc.reference_doctype, doc.reference_name)], get_datetime(doc.done_on))


_MATTERS = ("status", "due_on", "party", "deal", "reference_name")


def _targets(doc: Document) -> set[tuple[str, str]]:
	refs = {
		(doc.reference_doctype, doc.reference_name),
		(doc.party_type, doc.party),
		("Deal", doc.deal),
	}
	return {ref for ref in refs if ref[0] in REFERENCES and ref[1]}


# What people do


def plan(doctype: str, name: str, values: dict) -> str:
	"""Plan one follow up on a document; returns its name.

	`values`: due_date, and optionally due_time, channel, subject, responsible, contact, instructions.
	"""
	values = frappe._dict(values)
	if not values.due_date:
		frappe.throw(_("Choose the day of the next follow up."), frappe.MandatoryError)
	responsible = values.responsible or frappe.session.user
	_refuse_past(_day(values.due_date), responsible)
	return _new(doctype, name, values, status=OPEN, responsible=responsible).insert().name


def ask(doctype: str, name: str, values: dict, mark: str) -> str:
	"""As `plan`, for what asks somebody of us about a document. `mark` says for what, and ends with a colon."""
	doc = _new(doctype, name, frappe._dict(values), status=OPEN, responsible=values["responsible"])
	doc.flags.rule_key = f"{mark}{frappe.generate_hash(length=16)}"
	return doc.insert().name


def log_and_plan(
	follow_up: str | None, doctype: str, name: str, log: dict, next: dict | None = None
) -> dict[str, str | None]:
	"""Log what happened on a document and plan what is next, both or neither.

	`follow_up` is the open one that is done by it; without one the log is a follow up of its own. `log`: channel,
	outcome, notes, done_on (system time; now if empty), subject, contact, and latitude, longitude, accuracy of a
	check-in. `next`: as in `plan`, nothing is planned without a due date. Returns the names {"done", "next"}.
	"""
	log = frappe._dict(log)
	planned = frappe._dict(next or {})
	if follow_up:
		done = _open_contact(follow_up)
		if (done.reference_doctype, done.reference_name) != (doctype, name):
			frappe.throw(_("This follow up is about {0}.").format(done.reference_name))
	else:
		done = _new(doctype, name, log, responsible=frappe.session.user)
	next_name = None
	if planned.due_date:
		planned.setdefault("channel", done.channel)
		planned.setdefault("contact", done.contact)
		next_name = plan(doctype, name, planned)
		done.next_follow_up = next_name
		done.next_step = planned.subject
	for field in ("channel", "outcome", "notes", "done_on"):
		if log.get(field):
			done.set(field, log[field])
	if log.latitude is not None:
		_set_location(done, log.latitude, log.longitude, log.accuracy)
	done.status = DONE
	done.save()
	return {"done": done.name, "next": next_name}


def finish(name: str, outcome: str | None = None, notes: str | None = None) -> None:
	"""One open follow up is done, now."""
	doc = _open_contact(name)
	doc.status = DONE
	doc.outcome = outcome or doc.outcome
	doc.notes = notes or doc.notes
	doc.save()


def postpone(name: str, due_date: str | date, due_time: str | time | None = None) -> None:
	"""Move one open follow up to a day that is not past.

	`due_time` None leaves the time as it is, an empty one makes it any time of that day.
	"""
	doc = _open(name)
	day = _day(due_date)
	_refuse_past(day, doc.responsible)
	doc.due_date = day
	if due_time is not None:
		doc.due_time = _time(due_time)
	doc.save()


def move(name: str, moment: str | datetime) -> None:
	"""Postpone to a moment in system time, which becomes a day and a time of the person responsible."""
	responsible = frappe.db.get_value("Follow Up", name, "responsible")
	zone = calendars.load_one(responsible).time_zone
	there = schedule.local_time(get_datetime(moment), zone, calendars.system_zone())
	postpone(name, there.date(), there.time())


def check_in(name: str, latitude: float, longitude: float, accuracy: float | None = None) -> None:
	"""Note that a visit has begun, here and now; coordinates in degrees (WGS 84), accuracy in metres."""
	doc = _open(name)
	_set_location(doc, latitude, longitude, accuracy)
	doc.save()


def _open(name: str) -> Document:
	"""The follow up under lock, so that two who finish it at once do not both succeed."""
	doc = frappe.get_doc("Follow Up", name, for_update=True)
	if doc.status == DONE:
		frappe.throw(
			_("{0} was already done by {1}.").format(frappe.bold(escape_html(doc.subject)), doc.done_by)
		)
	if doc.status == CANCELLED:
		frappe.throw(_("{0} was cancelled.").format(frappe.bold(escape_html(doc.subject))))
	return doc


def _open_contact(name: str) -> Document:
	doc = _open(name)
	if asks(doc.rule_key):
		frappe.throw(
			_("{0} is answered on {1} {2}.").format(
				frappe.bold(escape_html(doc.subject)),
				_(doc.reference_doctype),
				frappe.utils.get_link_to_form(doc.reference_doctype, doc.reference_name),
			)
		)
	return doc


def _new(doctype: str, name: str, values: dict, **more) -> Document:
	doc = frappe.new_doc("Follow Up")
	doc.due_time = None  # Frappe has put the time of day there
	for field in ("due_date", "due_time", "channel", "subject", "contact", "instructions"):
		if values.get(field) not in (None, ""):
			doc.set(field, values[field])
	doc.update({"reference_doctype": doctype, "reference_name": name, **more})
	doc.subject = doc.subject or _(doc.channel, context="Follow Up")
	return doc


def _set_location(doc: Document, latitude: float, longitude: float, accuracy: float | None) -> None:
	"""As Frappe's Geolocation field keeps it: a GeoJSON FeatureCollection, longitude first."""
	try:
		latitude, longitude, accuracy = float(latitude), float(longitude), float(accuracy or 0)
	except (TypeError, ValueError):
		frappe.throw(_("This is not a place on earth."))
	# A comparison with NaN is false.
	if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
		frappe.throw(_("This is not a place on earth."))
	point = {
		"type": "Feature",
		"properties": {},
		"geometry": {"type": "Point", "coordinates": [round(longitude, 6), round(latitude, 6)]},
	}
	doc.location = json.dumps({"type": "FeatureCollection", "features": [point]})
	doc.location_accuracy = accuracy if math.isfinite(accuracy) and accuracy > 0 else 0
	doc.checked_in_on = now_datetime().replace(microsecond=0)


def _refuse_past(day: date, responsible: str) -> None:
	"""Today counts for whoever's clock is behind: the one who plans or the one who is to do it."""
	system_zone, now = calendars.system_zone(), now_datetime()
	found = calendars.load({responsible, frappe.session.user})
	today = min(schedule.local_day(now, calendar.time_zone, system_zone) for calendar in found.values())
	if day < today:
		frappe.throw(
			_("{0} is past.").format(frappe.format(day, "Date")), title=_("Due Date", context="Follow Up")
		)


def _day(value: str | date) -> date:
	day = getdate(value)
	if not day or day.year not in _YEARS:
		frappe.throw(
			_("{0} is not a day to plan for.").format(escape_html(str(value))),
			title=_("Due Date", context="Follow Up"),
		)
	return day


def _time(value) -> time | None:
	# Midnight from the database is a timedelta of zero, which is false.
	if value is None or value == "":
		return None
	try:
		return get_time(value).replace(microsecond=0)
	except (AttributeError, ValueError, TypeError, OverflowError):
		# The first is Frappe's answer to what looks like a time, as 25:99.
		frappe.throw(_("{0} is not a time of day.").format(escape_html(str(value))), title=_("Due Time"))
