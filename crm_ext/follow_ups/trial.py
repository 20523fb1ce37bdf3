"""What a rule would do, before it does: a preview of all documents, and a test on one. Reads only.

A rule that is not saved yet is tried as it stands in the form.
"""

from collections import defaultdict

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import get_fullname, getdate, now_datetime

from crm_ext.deals.chunks import in_chunks
from crm_ext.follow_ups import candidates, model, planning, rules, schedule
from crm_ext.follow_ups.planning import Pass
from crm_ext.follow_ups.rules import Rule
from crm_ext.follow_ups.store import New

SHOWN = 50
# Above this, what is due is counted by the database alone, time zones and holidays left aside.
_COUNTED = 20_000
_CHUNK = 1000


def preview(doc: Document) -> dict:
	"""Documents that would get a follow up now: {"count", "is_estimate", "hidden", "older", "documents"}.

	`documents`: the first 50 the user may read, each {"name", "party_name", "responsible", "full_name", "due_date",
	"due_time", "subject", "channel", "steps"}, `steps` being how many it gets at once. `hidden`: how many of `count` the
	user may not read. `older`: how many more there were if nothing was too old for "Applies From".
	"""
	rule, around = _as_switched_on(doc), Pass(now_datetime())
	names = candidates.due(rule, around.day)
	found: dict[str, list[New]] = defaultdict(list)
	for chunk in in_chunks(names[:_COUNTED], _CHUNK):
		for one in planning.plan(rule, chunk, around):
			found[one.document.name].append(one)
	readable = _readable(rule.doctype, list(found))
	shown = [name for name in found if name in readable][:SHOWN]
	is_estimate = len(names) > _COUNTED
	return {
		"count": len(names) if is_estimate else len(found),
		"is_estimate": is_estimate,
		"hidden": len(found) - len(readable),
		"older": _older(rule, around, len(names)),
		"documents": [_shown(found[name]) for name in shown],
	}


def _as_switched_on(doc: Document) -> Rule:
	"""The rule as it would run: switched on for the first time, it leaves out what was due before today."""
	if not doc.is_new() and frappe.db.exists(rules.RULE, doc.name):
		# What the check compares with; without the lock that saving takes.
		doc._doc_before_save = frappe.get_doc(rules.RULE, doc.name)
	else:
		doc.name = None
	rules.check(doc)
	if not doc.enabled and not doc.applies_from and not doc.last_run_on:
		doc.applies_from = now_datetime().date()
	doc.owner = doc.owner or frappe.session.user
	return rules.read(doc)


def _older(rule: Rule, around: Pass, count: int) -> int:
	if not rule.applies_from:
		return 0
	return max(0, len(candidates.due(rule.of_any_age(), around.day)) - count)


def _readable(doctype: str, names: list[str]) -> set[str]:
	found: set[str] = set()
	for chunk in in_chunks(names, _CHUNK):
		found.update(
			frappe.get_list(doctype, filters={"name": ("in", chunk)}, pluck="name", order_by="name", limit=0)
		)
	return found


def _shown(new: list[New]) -> dict:
	first = new[0]
	return {
		"name": first.document.name,
		"party_name": first.document.party_name,
		"responsible": first.responsible,
		"full_name": get_fullname(first.responsible),
		"due_date": first.due.due_date,
		"due_time": str(first.due.step.due_time) if first.due.step.due_time else None,
		"subject": first.due.step.subject,
		"channel": first.due.step.channel,
		"steps": len(new),
	}


def test(doc: Document, name: str) -> dict:
	"""What a rule does about one document, which the caller has checked the user may read.

	{"reasons": why it gets nothing, in words, "counted_from": the date the rule counts from, "steps": [{"idx",
	"subject", "channel", "due_date", "due_time", "responsible", "full_name", "state"}]}. `state` says in words what
	becomes of the step.
	"""
	rule, around = _as_switched_on(doc), Pass(now_datetime())
	row = candidates.describe(rule, [name], around.day).get(name)
	if not row:
		frappe.throw(_("{0} {1} does not exist.").format(_(rule.doctype), name), frappe.DoesNotExistError)
	reasons = _reasons(rule, row)
	user = around.roster.choose(rule, row.person, row.created_by)
	steps = []
	if row.anchor is not None:
		due = {one.step.idx for one in planning.to_make(rule, row, user, around)}
		steps = [_tried(rule, row, step, user, around, due, bool(reasons)) for step in rule.ordered_steps]
	return {
		"reasons": reasons,
		"counted_from": row.anchor if rule.counts_from_moment else row.anchor and row.anchor.date(),
		"steps": steps,
	}


def _reasons(rule: Rule, row: "frappe._dict") -> list[str]:
	reasons = _unmatched(rule, row)
	if row.anchor is None:
		label = frappe.get_meta(rule.doctype).get_label(rule.date_field or "stage_since")
		reasons.append(_("{0} is empty").format(_(label)))
	stopped = candidates.stopped(rule, [row.name]).get(row.name)
	if stopped == model.IN_CONTACT:
		reasons.append(_("There was contact since"))
	elif stopped == model.STAGE_REACHED:
		reasons.append(_("Its deal has reached the stage {0}").format(_(rule.stop_stage)))
	return reasons


def _unmatched(rule: Rule, row: "frappe._dict") -> list[str]:
	"""Each condition is asked on its own: people want to know which one it was."""
	reasons, docstatus = [], frappe.db.get_value(rule.doctype, row.name, "docstatus")
	if rule.event == rules.SUBMITTED and docstatus != 1:
		reasons.append(_("It is not submitted"))
	elif docstatus == 2 and not rule.names_docstatus:
		reasons.append(_("It is cancelled"))
	if rule.company and row.company != rule.company:
		reasons.append(_("It belongs to the company {0}").format(row.company or _("none")))
	for condition in rule.filters:
		if not candidates.fulfils(rule.doctype, [condition], row.name):
			reasons.append(_("Not fulfilled: {0}").format(_in_words(condition)))
	# Several conditions on one table of rows ask for one row that fulfils them all.
	if not reasons and rule.filters and not candidates.fulfils(rule.doctype, rule.filters, row.name):
		reasons.append(_("No row fulfils all conditions at once"))
	return reasons


def _in_words(condition: list) -> str:
	doctype, fieldname, operator, value = condition
	label = frappe.get_meta(doctype).get_label(fieldname)
	if isinstance(value, list | tuple):
		value = ", ".join(str(one) for one in value)
	return f"{_(label)} {_(operator)} {value}"


def _tried(
	rule: Rule, row: "frappe._dict", step: model.Step, user: str, around: Pass, due: set[int], refused: bool
) -> dict:
	calendar = around.calendar(user)
	anchor = around.anchor_day(rule, row.anchor, calendar)
	day = schedule.due_day(anchor, step, calendar, around.today(calendar))
	made = _made(rule, row, step)
	if made:
		user, day = made.responsible, made.due_date
		state = _("Made already: {0}, {1}").format(made.name, _(made.status, context="Follow Up"))
	elif refused:
		state = _("Not made")
	elif step.idx in due:
		state = _("Made now")
	else:
		state = _not_now(rule, row, step, anchor, user, around)
	return {
		"idx": step.idx,
		"subject": step.subject,
		"channel": step.channel,
		"due_date": day,
		"due_time": str(step.due_time) if step.due_time else None,
		"responsible": user,
		"full_name": get_fullname(user),
		"state": state,
	}


def _not_now(rule: Rule, row: "frappe._dict", step: model.Step, anchor, user: str, around: Pass) -> str:
	nominal = schedule.nominal_day(anchor, step)
	if rule.applies_from and nominal < rule.applies_from:
		return _("Too old: the rule applies from {0}").format(
			frappe.format(getdate(rule.applies_from), "Date")
		)
	if step.idx in {one.step.idx for one in planning.due_steps(rule, row, user, around)}:
		return _("Replaced by a later step")
	return _("Made later, when its day has come")


def _made(rule: Rule, row: "frappe._dict", step: model.Step) -> "frappe._dict | None":
	filters = {
		"rule": rule.name,
		"reference_doctype": rule.doctype,
		"reference_name": row.name,
		"step": step.idx,
	}
	if rule.event != rules.CONDITION_MET:
		filters["anchor_on"] = row.anchor
	if not rule.name:
		return None
	found = frappe.get_all(
		"Follow Up",
		filters=filters,
		fields=["name", "status", "responsible", "due_date"],
		order_by="creation desc",
		limit=1,
	)
	return found[0] if found else None
