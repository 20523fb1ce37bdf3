"""Follow up rules: reading, checking and switching off what is broken."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import frappe
from frappe import _
from frappe.model import default_fields
from frappe.model.document import Document
from frappe.utils import cint, get_time, getdate, now_datetime

from crm_ext.follow_ups import messages
from crm_ext.follow_ups.model import REFERENCES, Reference, Step

EVENT, DATE, SILENCE = "Event", "Date", "Silence"
CREATED, SUBMITTED, STAGE_ENTERED, CONDITION_MET = "Created", "Submitted", "Stage Entered", "Condition Met"
DOCUMENT, DEAL_LEVEL, PARTY = "Document", "Deal", "Party"
ROUND_ROBIN, FIXED = "Round Robin", "Fixed User"

RULE = "Follow Up Rule"
_MOST_DAYS = 3650
_OPERATORS = (
	*("=", "!=", ">", "<", ">=", "<=", "like", "not like", "in", "not in", "is", "between", "timespan"),
	*(
		"descendants of",
		"descendants of (inclusive)",
		"not descendants of",
		"ancestors of",
		"not ancestors of",
	),
)


class BrokenRule(Exception):
	"""A rule that cannot be run. The message is for the person who keeps it."""


@dataclass(frozen=True, slots=True)
class Rule:
	"""A rule as the engine reads it. `filters` are Frappe's, each [doctype, field, operator, value]."""

	name: str
	title: str
	owner: str
	reference: Reference
	trigger: str
	event: str | None
	date_field: str | None
	silence_of: str | None
	filters: tuple[list, ...]
	steps: tuple[Step, ...]
	replace_open_steps: bool
	assign_to: str
	assign_user: str | None
	users: tuple[str, ...]
	fallback_user: str | None
	stop_on_contact: bool
	stop_stage: str | None
	company: str | None
	applies_from: date | None

	@property
	def doctype(self) -> str:
		return self.reference.doctype

	@property
	def ordered_steps(self) -> list[Step]:
		"""Earliest first; the later of two on one day is the one further down."""
		return sorted(self.steps, key=lambda step: (step.days, step.idx))

	def of_any_age(self) -> "Rule":
		return replace(self, applies_from=None)

	@property
	def names_docstatus(self) -> bool:
		return any(row[0] == self.doctype and row[1] == "docstatus" for row in self.filters)

	@property
	def counts_from_moment(self) -> bool:
		"""Whether a moment is counted from, whose day depends on the time zone, or a day."""
		return self.trigger == SILENCE or (self.trigger == EVENT and self.event in (CREATED, STAGE_ENTERED))


def read(doc: Document) -> Rule:
	"""Raises BrokenRule where the document makes no sense any more, whatever it was when it was saved."""
	reference = REFERENCES.get(doc.document_type)
	if not reference or not frappe.db.table_exists(doc.document_type):
		raise BrokenRule(_("Follow ups are not made for {0}").format(_(doc.document_type or "")))
	meta = frappe.get_meta(reference.doctype)
	if doc.trigger == DATE and doc.date_field not in date_fields(reference.doctype):
		raise BrokenRule(_("{0} has no date field {1}").format(_(reference.doctype), doc.date_field))
	if doc.trigger == EVENT and doc.event == SUBMITTED and not meta.is_submittable:
		raise BrokenRule(_("{0} is never submitted").format(_(reference.doctype)))
	filters = read_filters(doc)
	if not doc.steps:
		raise BrokenRule(_("The rule has no steps"))
	return Rule(
		name=doc.name or "",
		title=doc.title,
		owner=doc.owner,
		reference=reference,
		trigger=doc.trigger,
		event=doc.event if doc.trigger == EVENT else None,
		date_field=doc.date_field if doc.trigger == DATE else None,
		silence_of=doc.silence_of if doc.trigger == SILENCE else None,
		filters=tuple(filters),
		steps=tuple(_step(row, doc.title) for row in doc.steps),
		replace_open_steps=bool(doc.replace_open_steps),
		assign_to=doc.assign_to,
		assign_user=doc.assign_user,
		users=tuple(dict.fromkeys(row.user for row in doc.users)) if doc.assign_to == ROUND_ROBIN else (),
		fallback_user=doc.fallback_user,
		stop_on_contact=bool(doc.stop_on_contact),
		stop_stage=doc.stop_stage,
		company=doc.company if reference.company else None,
		applies_from=getdate(doc.applies_from) if doc.applies_from else None,
	)


def _step(row: Document, title: str) -> Step:
	days = -cint(row.days) if row.timing == "Before" else cint(row.days)
	# An empty time is all day; midnight is a time.
	at = get_time(str(row.due_time)) if row.due_time not in (None, "") else None
	return Step(cint(row.idx), days, row.channel, (row.subject or title)[:140], at, row.instructions or None)


def read_filters(doc: Document) -> list[list]:
	"""The conditions of a rule document. Raises BrokenRule where they are no list of conditions on known fields."""
	try:
		filters = json.loads(doc.filters or "[]")
	except ValueError:
		raise BrokenRule(_("The conditions cannot be read"))
	if not isinstance(filters, list):
		raise BrokenRule(_("The conditions cannot be read"))
	for row in filters:
		if not isinstance(row, list) or len(row) < 4 or not all(isinstance(part, str) for part in row[:3]):
			raise BrokenRule(_("The condition {0} cannot be read").format(frappe.as_json(row, indent=None)))
		_check_filter(doc.document_type, row)
	return [row[:4] for row in filters]


def _check_filter(document_type: str, row: list) -> None:
	doctype, field, operator, _value = row[:4]
	meta = frappe.get_meta(document_type)
	if doctype != document_type and doctype not in {df.options for df in meta.get_table_fields()}:
		raise BrokenRule(_("{0} is no part of {1}").format(_(doctype), _(document_type)))
	meta = frappe.get_meta(doctype)
	if field not in (*default_fields, "parent", "_assign", "_user_tags", "_comments", "_liked_by"):
		df = meta.get_field(field)
		if not df or df.fieldtype in frappe.model.no_value_fields:
			raise BrokenRule(_("{0} has no field {1}").format(_(doctype), field))
	if operator.lower() not in _OPERATORS:
		raise BrokenRule(_("{0} is no comparison the conditions can make").format(operator))


def date_fields(doctype: str) -> list[str]:
	"""Fields a rule may count from."""
	fields = frappe.get_meta(doctype).get("fields", {"fieldtype": ("in", ["Date", "Datetime"])})
	return [field.fieldname for field in fields if not field.is_virtual] + ["creation"]


def active(names: Iterable[str] | None = None) -> list[Document]:
	"""Enabled rules in the order of their names, all or those of `names`."""
	filters = {"enabled": 1}
	if names is not None:
		filters["name"] = ("in", list(names) or [""])
	found = frappe.get_all(RULE, filters=filters, pluck="name", order_by="name")
	return [frappe.get_doc(RULE, name) for name in found]


# Checking


def check(doc: Document) -> None:
	"""Refuse a rule that cannot work, in plain words, before it is saved."""
	check_document_type(doc)
	_forget_what_does_not_apply(doc)
	_check_trigger(doc)
	_check_steps(doc)
	_check_filters(doc)
	_check_stop(doc)
	if doc.enabled:
		_check_users(doc)
	_switch(doc)


def check_document_type(doc: Document) -> None:
	if doc.document_type not in REFERENCES:
		_refuse(
			_("Follow ups are not made for {0}. Choose one of {1}.").format(
				_(doc.document_type or ""), ", ".join(_(doctype) for doctype in REFERENCES)
			)
		)


def _refuse(message: str) -> None:
	frappe.throw(message, title=_("Follow Up Rule"))


def _forget_what_does_not_apply(doc: Document) -> None:
	"""A field the form hides says nothing."""
	if doc.trigger != EVENT:
		doc.event = None
	if doc.trigger != DATE:
		doc.date_field = None
	if doc.trigger != SILENCE:
		doc.silence_of = None
	if doc.assign_to != FIXED:
		doc.assign_user = None
	if not cint(doc.escalate_after_days) or doc.escalate_to != FIXED:
		doc.escalate_user = None
	for row in doc.steps:
		if not cint(row.days):
			row.timing = "After"


def _check_trigger(doc: Document) -> None:
	doctype = doc.document_type
	if doc.trigger == DATE and doc.date_field not in date_fields(doctype):
		if not doc.date_field:
			_refuse(_("Choose the date of {0} the rule counts from.").format(_(doctype)))
		_refuse(_("{0} has no date field {1}.").format(_(doctype), frappe.bold(doc.date_field)))
	if doc.trigger == EVENT:
		if not doc.event:
			_refuse(_("Choose the event the rule counts from."))
		if doc.event == SUBMITTED and not frappe.get_meta(doctype).is_submittable:
			_refuse(_("{0} is never submitted. Choose another event.").format(_(doctype)))
		if doc.event == STAGE_ENTERED and doctype != "Deal":
			_refuse(_("Only a Deal enters stages. Choose Deal as the document type, or another event."))
	if doc.trigger == SILENCE:
		if not doc.silence_of:
			_refuse(_("Choose whose silence the rule waits for."))
		if doc.silence_of == DEAL_LEVEL and not has_deal(doctype):
			_refuse(
				_("{0} belongs to no deal. Count the silence of the document or of the party.").format(
					_(doctype)
				)
			)


def has_deal(doctype: str) -> bool:
	return doctype == "Lead" or bool(REFERENCES[doctype].deal)


def _check_steps(doc: Document) -> None:
	if not doc.steps:
		_refuse(_("Add at least one step."))
	known: dict[tuple, int] = {}
	for row in doc.steps:
		if not 0 <= cint(row.days) <= _MOST_DAYS:
			_refuse(_("Step {0}: days must be between 0 and {1}.").format(row.idx, _MOST_DAYS))
		if row.timing == "Before" and doc.trigger != DATE:
			_refuse(
				_(
					"Step {0}: nothing can be due before an event. Only a date lies ahead; choose After."
				).format(row.idx)
			)
		days = -cint(row.days) if row.timing == "Before" else cint(row.days)
		key = (days,) if doc.replace_open_steps else (days, row.channel, row.subject)
		if key in known:
			_refuse(_("Steps {0} and {1} are due on the same day.").format(known[key], row.idx))
		known[key] = row.idx


def _check_filters(doc: Document) -> None:
	try:
		read_filters(doc)
	except BrokenRule as error:
		_refuse(_("Only Where: {0}.").format(error))
	# Whether the database understands values and operators shows when it is asked.
	frappe.db.savepoint("crm_ext_rule")
	try:
		frappe.get_all(doc.document_type, filters=read_filters(doc), pluck="name", limit=1, order_by=None)
	except Exception as error:
		frappe.db.rollback(save_point="crm_ext_rule")
		frappe.clear_messages()
		_refuse(_("Only Where: the conditions do not work. {0}").format(str(error)[:200]))


def _check_stop(doc: Document) -> None:
	if doc.stop_stage and not has_deal(doc.document_type):
		_refuse(_("{0} belongs to no deal, so there is no stage to stop at.").format(_(doc.document_type)))
	if cint(doc.escalate_after_days) and doc.escalate_to == FIXED and not doc.escalate_user:
		_refuse(_("Choose the user to escalate to."))


def _check_users(doc: Document) -> None:
	if doc.assign_to == FIXED and not doc.assign_user:
		_refuse(_("Choose the user who is responsible."))
	if doc.assign_to == ROUND_ROBIN and not doc.users:
		_refuse(_("Choose the users who take turns."))
	named = [doc.assign_user, doc.fallback_user, doc.escalate_user]
	if doc.assign_to == ROUND_ROBIN:
		named += [row.user for row in doc.users]
	named = list(dict.fromkeys(user for user in named if user))
	if not named:
		return
	usable = frappe.get_all(
		"User",
		filters={"name": ("in", named), "enabled": 1, "user_type": "System User"},
		pluck="name",
		order_by="name",
	)
	for user in named:
		if user not in usable:
			_refuse(_("{0} is no enabled user of the desk.").format(frappe.bold(user)))


def _switch(doc: Document) -> None:
	before = doc.get_doc_before_save()
	switched_on = doc.enabled and not (before and before.enabled)
	if not switched_on:
		return
	doc.switched_off_because = None
	# A rule that has run before keeps what its owner chose, also if that is nothing.
	if not doc.applies_from and not doc.last_run_on:
		doc.applies_from = now_datetime().date()


# Switching off


def switch_off(name: str, why: str) -> None:
	"""Switch a broken rule off and tell its owner once: by bell, and by mail where the site sends mail."""
	if not frappe.db.get_value(RULE, name, "enabled", for_update=True):
		return  # somebody else did
	frappe.db.set_value(RULE, name, {"enabled": 0, "switched_off_because": why})
	owner, title = frappe.db.get_value(RULE, name, ["owner", "title"])
	if not _is_usable(owner):
		return  # the Error Log is what System Managers read
	language = frappe.db.get_value("User", owner, "language") or frappe.local.lang
	subject = _("Follow up rule {0} was switched off", lang=language).format(title)
	message = _(
		"It could not be run: {0}. Mend it and switch it on again; what was due meanwhile is made then.",
		lang=language,
	)
	message = message.format(frappe.utils.escape_html(why))
	link = frappe.utils.get_link_to_form(RULE, name)
	frappe.get_doc(
		{
			"doctype": "Notification Log",
			"subject": subject,
			"email_content": message,
			"for_user": owner,
			"from_user": "Administrator",
			"document_type": RULE,
			"document_name": name,
			# Of this type Frappe sends no mail of its own; ours says more.
			"type": "Alert",
		}
	).insert(ignore_permissions=True)
	if messages.can_mail():
		frappe.sendmail(
			recipients=[frappe.db.get_value("User", owner, "email") or owner],
			subject=subject,
			message=f"<p>{message}</p><p>{link}</p>",
			reference_doctype=RULE,
			reference_name=name,
		)


def _is_usable(user: str) -> bool:
	return bool(frappe.db.exists("User", {"name": user, "enabled": 1, "user_type": "System User"}))
