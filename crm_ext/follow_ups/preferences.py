"""When and how a person wants to be told."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import cint, getdate

from crm_ext.follow_ups import marks

DOCTYPE = "Follow Up Preference"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# A week: reminders further ahead are what the digest is for.
MOST_MINUTES = 7 * 24 * 60
# What a person may set; the rest is the app's own book-keeping.
FIELDS = (
	"digest",
	"digest_hour",
	"by_bell",
	"by_mail",
	"timed_reminders",
	"remind_minutes",
	*(f"quiet_{day}" for day in WEEKDAYS),
	"quiet_from",
	"quiet_until",
)


@dataclass(frozen=True, slots=True)
class Preference:
	"""As stored, or as it is for somebody who never chose anything."""

	digest: bool = True
	digest_hour: int = -1
	by_bell: bool = True
	by_mail: bool = True
	timed_reminders: bool = True
	remind_minutes: int = 15
	quiet_days: frozenset[int] = field(default_factory=frozenset)
	quiet_from: date | None = None
	quiet_until: date | None = None
	last_digest_on: date | None = None

	def is_away(self, day: date) -> bool:
		"""An end left open is open: away until further notice, or from always on."""
		if not (self.quiet_from or self.quiet_until):
			return False
		return (self.quiet_from or day) <= day <= (self.quiet_until or day)

	def hour(self, general: int) -> int:
		"""Of the digest, in the person's own time."""
		return self.digest_hour if 0 <= self.digest_hour <= 23 else general

	def wants_digest(self, local: datetime, general_hour: int, holidays: Collection[date]) -> bool:
		"""Whether a digest is to go out at this moment of the person's own time, and none has today."""
		day = local.date()
		return (
			self.digest
			and (self.by_bell or self.by_mail)
			and local.hour >= self.hour(general_hour)
			and (self.last_digest_on is None or self.last_digest_on < day)
			and day.weekday() not in self.quiet_days
			and not self.is_away(day)
			and day not in holidays
		)


@dataclass(frozen=True, slots=True)
class Person:
	"""An enabled user of the desk, where to reach them, and how they want it."""

	user: str
	full_name: str
	email: str
	language: str
	preference: Preference
	bell: bool
	mail: bool


def people(users: Collection[str]) -> dict[str, Person]:
	"""Those of these users who may be told anything: enabled users of the desk. One query.

	`bell` and `mail` also follow what a person switched off in Frappe's Notification Settings.
	"""
	users = [user for user in users if user]
	if not users:
		return {}
	quiet = ", ".join(f"p.quiet_{day}" for day in WEEKDAYS)
	rows = frappe.db.sql(
		f"""SELECT u.name AS user, u.full_name, u.email, u.language, p.name AS preference, p.digest, p.digest_hour, p.by_bell,
			p.by_mail, p.timed_reminders, p.remind_minutes, {quiet}, p.quiet_from, p.quiet_until, p.last_digest_on,
			COALESCE(n.enabled, 1) AS notified, COALESCE(n.enable_email_notifications, 1) AS mailed
		FROM tabUser u
		LEFT JOIN `tabFollow Up Preference` p ON p.user = u.name
		LEFT JOIN `tabNotification Settings` n ON n.name = u.name
		WHERE u.enabled = 1 AND u.user_type = 'System User' AND u.name IN %s""",
		(users,),
		as_dict=True,
	)
	general = frappe.db.get_default("lang") or "en"
	found = {}
	for row in rows:
		preference = _read(row) if row.preference else Preference()
		found[row.user] = Person(
			row.user,
			row.full_name or row.user,
			row.email,
			row.language or general,
			preference,
			bool(preference.by_bell and row.notified),
			bool(preference.by_mail and row.mailed and row.email),
		)
	return found


def _read(row: "frappe._dict") -> Preference:
	return Preference(
		bool(row.digest),
		row.digest_hour,
		bool(row.by_bell),
		bool(row.by_mail),
		bool(row.timed_reminders),
		row.remind_minutes,
		frozenset(number for number, day in enumerate(WEEKDAYS) if row[f"quiet_{day}"]),
		row.quiet_from,
		row.quiet_until,
		row.last_digest_on,
	)


def general_hour() -> int:
	"""The hour of the digest for whom has not chosen another."""
	hour = frappe.get_cached_value("CRM Ext Settings", None, "digest_hour")
	return cint(hour) if 0 <= cint(hour) <= 23 else 8


def check(doc: Document) -> None:
	"""Refuse a preference that makes no sense or belongs to somebody else."""
	user = frappe.session.user
	if doc.user != user and user != "Administrator" and "System Manager" not in frappe.get_roles(user):
		frappe.throw(_("You can only change your own preferences."), frappe.PermissionError)
	if doc.digest_hour is None or cint(doc.digest_hour) < 0:
		doc.digest_hour = -1
	if cint(doc.digest_hour) > 23:
		frappe.throw(_("The hour must be from 0 to 23."), title=_("At Hour"))
	if not 0 <= cint(doc.remind_minutes) <= MOST_MINUTES:
		frappe.throw(
			_("Minutes before must be from 0 to {0}.").format(MOST_MINUTES), title=_("Minutes Before")
		)
	if doc.quiet_from and doc.quiet_until and getdate(doc.quiet_from) > getdate(doc.quiet_until):
		frappe.throw(_("Away From must not be after Away Until."), title=_("Quiet Days"))
	# A form opened before today's digest would otherwise ask for a second one.
	before = doc.get_doc_before_save()
	doc.last_digest_on = before.last_digest_on if before else None


def _name(user: str) -> str | None:
	"""A user may have been renamed since; the preference keeps its name."""
	return frappe.db.get_value(DOCTYPE, {"user": user}, order_by=None)


def get(user: str) -> dict:
	"""What the user chose, or the defaults: {field of FIELDS: value}."""
	name = _name(user)
	doc = frappe.get_doc(DOCTYPE, name) if name else frappe.new_doc(DOCTYPE)
	return {field: doc.get(field) for field in FIELDS}


def save(user: str, values: dict) -> dict:
	"""Change fields of FIELDS, whatever else is sent is ignored; returns what `get` does. The caller checked who asks."""
	values = {field: value for field, value in values.items() if field in FIELDS}
	name = _name(user)
	doc = frappe.get_doc(DOCTYPE, name, for_update=True) if name else frappe.new_doc(DOCTYPE, user=user)
	doc.update(values)
	doc.save(ignore_permissions=True)
	return get(user)


def switch_off(user: str, field: str) -> None:
	"""Switch off the digest or mails for somebody who came by a signed link, logged in or not."""
	marks.ensure_preference(user)
	marks.switch_off(user, field)
