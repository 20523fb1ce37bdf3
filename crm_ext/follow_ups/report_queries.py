"""What Follow Up Adherence reads: set-based, and only follow ups the user may see. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import frappe
from frappe import _
from frappe.utils import add_days, cint, getdate, now_datetime

from crm_ext.follow_ups import calendars
from crm_ext.follow_ups.model import ASKS, IS_CONTACT, OPEN
from crm_ext.follow_ups.report_rules import AHEAD, IN_TIME, KINDS, LATE, UNDONE, Cell, due_between
from crm_ext.permissions import list_conditions

FILTERS = ("company", "responsible", "channel", "rule", "reference_doctype")
GROUPS = ("responsible", "channel", "rule", "week")
_DAYS = 28
_MONDAY = "DATE_SUB(`tabFollow Up`.due_date, INTERVAL WEEKDAY(`tabFollow Up`.due_date) DAY)"
_KIND = f"""CASE
	WHEN `tabFollow Up`.status = 'Done' AND `tabFollow Up`.done_date > `tabFollow Up`.due_date THEN '{LATE}'
	WHEN `tabFollow Up`.status = 'Done' THEN '{IN_TIME}'
	WHEN `tabFollow Up`.due_date < %(today)s THEN '{UNDONE}'
	ELSE '{AHEAD}' END"""


@dataclass(slots=True)
class Plan:
	"""Follow ups due between two days, both included, that were not cancelled. `today` is that of who asks.

	What asks somebody of us for an answer is no work with a party, and left out.
	"""

	from_date: date
	to_date: date
	today: date
	filters: Mapping[str, str] = field(default_factory=dict)
	group_by: str = "responsible"

	@property
	def key(self) -> str:
		return _MONDAY if self.group_by == "week" else f"NULLIF(`tabFollow Up`.{self.group_by}, '')"


def plan_of(filters: Mapping[str, str]) -> Plan:
	"""What filters of Follow Up Adherence ask for; the last four weeks by person by default.

	Raises frappe.ValidationError where they make no sense.
	"""
	today = calendars.today(frappe.session.user, now_datetime())
	to_date = getdate(filters.get("to_date") or today)
	from_date = getdate(filters.get("from_date") or add_days(to_date, 1 - _DAYS))
	if from_date > to_date:
		frappe.throw(_("From Date must be before To Date."))
	group_by = filters.get("group_by") or "responsible"
	if group_by not in GROUPS:
		frappe.throw(_("Follow ups cannot be grouped by {0}.").format(group_by))
	return Plan(from_date, to_date, today, filters, group_by)


def _where(plan: Plan) -> tuple[str, dict]:
	params = {
		"from_date": plan.from_date,
		"to_date": plan.to_date,
		"today": plan.today,
		# The index is on the moment, which a time zone may put on the day before or after.
		"due_from": plan.from_date - timedelta(days=2),
		"due_to": plan.to_date + timedelta(days=3),
	}
	conditions = [
		"`tabFollow Up`.status IN ('Open', 'Done')",
		"`tabFollow Up`.due_on BETWEEN %(due_from)s AND %(due_to)s",
		"`tabFollow Up`.due_date BETWEEN %(from_date)s AND %(to_date)s",
		f"NOT ({ASKS})",
	]
	for name in FILTERS:
		if plan.filters.get(name):
			params[name] = plan.filters[name]
			conditions.append(f"`tabFollow Up`.{name} = %({name})s")
	visible = list_conditions("Follow Up")
	if visible:
		conditions.append(f"({visible.replace('%', '%%')})")
	return " AND ".join(conditions), params


def read_cells(plan: Plan) -> list[Cell]:
	"""By group and how they went. One query."""
	where, params = _where(plan)
	return [
		Cell(key, kind, follow_ups, cint(days_late), cint(postponed))
		for key, kind, follow_ups, days_late, postponed in frappe.db.sql(
			f"""SELECT {plan.key} AS grouped, {_KIND} AS kind, COUNT(*),
				SUM(GREATEST(0, DATEDIFF(`tabFollow Up`.done_date, `tabFollow Up`.due_date))),
				SUM(`tabFollow Up`.postponed_count > 0)
			FROM `tabFollow Up` WHERE {where} GROUP BY grouped, kind""",
			params,
		)
	]


def follow_ups_of(plan: Plan, key: str | None, kind: str, limit: int) -> tuple[list[str], int]:
	"""Names of the newest `limit` follow ups of one group that went one way, and how many there are."""
	if kind not in KINDS:
		frappe.throw(_("Unknown figure {0}.").format(kind))
	where, params = _where(plan)
	params |= {"key": getdate(key) if plan.group_by == "week" else key or None, "kind": kind}
	rows = frappe.db.sql(
		f"""SELECT `tabFollow Up`.name, COUNT(*) OVER () FROM `tabFollow Up`
		WHERE {where} AND {plan.key} <=> %(key)s AND {_KIND} = %(kind)s
		ORDER BY `tabFollow Up`.due_on DESC, `tabFollow Up`.name LIMIT {cint(limit)}""",
		params,
	)
	return [name for name, _total in rows], rows[0][1] if rows else 0


def list_filters(plan: Plan, key: str | date | None, figure: str) -> dict | None:
	"""Filters of the list of follow ups behind one figure of a group; None where a list cannot ask that.

	`figure`: "planned", "postponed", or one of KINDS. Whether something was done late compares two of its dates.
	"""
	if figure in (IN_TIME, LATE):
		return None
	found = {name: ["=", plan.filters[name]] for name in FILTERS if plan.filters.get(name)}
	found["rule_key"] = list(IS_CONTACT)
	first, last = due_between(figure, plan.from_date, plan.to_date, plan.today)
	if plan.group_by == "week":
		first, last = max(first, key), min(last, key + timedelta(days=6))
	else:
		found[plan.group_by] = ["=", key] if key else ["is", "not set"]
	found["due_date"] = ["between", [str(first), str(last)]]
	found["status"] = ["=", OPEN] if figure in (UNDONE, AHEAD) else ["in", ["Open", "Done"]]
	if figure == "postponed":
		found["postponed_count"] = [">", 0]
	return found
