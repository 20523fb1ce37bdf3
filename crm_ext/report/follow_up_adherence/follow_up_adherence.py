# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt
"""Follow Up Adherence: what was planned for a period, and what became of it.

1. Planned is what was due in the period and not cancelled; each of it counts once: in time, late, undone or ahead. What
   asks for an approval or a release is no work with a customer, and does not count.
2. Done on the due day or before is in time; a day is that of the person responsible.
3. In Time % is of what was to be done so far: what is still ahead does not lower it.
4. One grouped query whatever the filters; the figures open the follow ups.
"""

from datetime import date

import frappe
from frappe import _
from frappe.utils import formatdate

from crm_ext.follow_ups import report_queries, report_rules
from crm_ext.follow_ups.report_queries import Plan

# More bars than this make a chart nobody can read.
_CHARTED = 30
_DRILLED = ("planned", *report_rules.KINDS, "postponed")


def execute(filters: dict | None = None) -> tuple:
	"""Columns, rows, message, chart, summary."""
	frappe.has_permission("Follow Up", "read", throw=True)
	plan = report_queries.plan_of(frappe._dict(filters or {}))
	cells = report_queries.read_cells(plan)
	columns = _columns(plan)
	if not cells:
		return columns, [], None, None, None
	rows = _rows(plan, report_rules.rows(cells))
	return columns, rows, None, _chart(rows), _summary(report_rules.figures(cells))


def _group_label(plan: Plan) -> str:
	return {
		"responsible": _("Responsible", context="Follow Up"),
		"channel": _("Channel", context="Follow Up"),
		"rule": _("Rule"),
		"week": _("Week"),
	}[plan.group_by]


def _columns(plan: Plan) -> list[dict]:
	def column(fieldname: str, label: str, fieldtype: str, width: int, **more) -> dict:
		return {"fieldname": fieldname, "label": label, "fieldtype": fieldtype, "width": width, **more}

	return [
		column("group", _group_label(plan), "Data", 220),
		column("planned", _("Planned"), "Int", 100),
		column("in_time", _("Done in Time"), "Int", 120),
		column("late", _("Done Late"), "Int", 110),
		column("undone", _("Undone"), "Int", 100),
		column("ahead", _("Still Ahead"), "Int", 110),
		column("in_time_percent", _("In Time %"), "Percent", 110, precision=1),
		column("average_days_late", _("Days Late on Average"), "Float", 170, precision=1),
		column("postponed", _("Postponed"), "Int", 110),
	]


def _rows(plan: Plan, figures: dict) -> list[dict]:
	"""Weeks in their order, everything else by how much was planned."""
	labels = _labels(plan, list(figures))
	if plan.group_by == "week":
		order = sorted(figures)
	else:
		order = sorted(figures, key=lambda key: (-figures[key]["planned"], str(labels[key])))
	return [
		{
			"group": labels[key],
			# A chart has no room for the day.
			"short": report_rules.week_of(key) if plan.group_by == "week" else labels[key],
			**figures[key],
			"drill": {figure: _drill(plan, key, figure) for figure in _DRILLED if figures[key][figure]},
		}
		for key in order
	]


def _labels(plan: Plan, keys: list) -> dict:
	if plan.group_by == "week":
		return {key: f"{report_rules.week_of(key)} ({formatdate(key)})" for key in keys}
	if plan.group_by == "channel":
		return {key: _(key, context="Follow Up") if key else _("Not Set") for key in keys}
	if plan.group_by == "rule":
		return {key: key or _("Planned by Hand") for key in keys}
	names = frappe.get_all(
		"User", filters={"name": ("in", keys)}, fields=["name", "full_name"], as_list=True, order_by="name"
	)
	full_names = dict(names)
	return {key: full_names.get(key) or key or _("Not Set") for key in keys}


def _drill(plan: Plan, key: str | date | None, figure: str) -> dict:
	"""Filters of a list, or what `api.reports.adherence_follow_ups` is to be asked."""
	listed = report_queries.list_filters(plan, key, figure)
	if listed:
		return {"list": listed}
	asked = {name: plan.filters.get(name) for name in report_queries.FILTERS if plan.filters.get(name)}
	asked |= {
		"from_date": str(plan.from_date),
		"to_date": str(plan.to_date),
		"group_by": plan.group_by,
	}
	return {"filters": asked, "key": str(key) if key else None, "kind": figure}


# Above and below the table


def _chart(rows: list[dict]) -> dict:
	shown = rows[:_CHARTED]
	parts = (
		(_("Done in Time"), "in_time"),
		(_("Done Late"), "late"),
		(_("Undone"), "undone"),
		(_("Still Ahead"), "ahead"),
	)
	return {
		"data": {
			"labels": [row["short"] for row in shown],
			"datasets": [{"name": label, "values": [row[key] for row in shown]} for label, key in parts],
		},
		"type": "bar",
		"fieldtype": "Int",
		"barOptions": {"stacked": 1},
		"colors": ["#59b68c", "#f5d547", "#d9534f", "#b8c2cc"],
	}


def _summary(figures: dict) -> list[dict]:
	def figure(label: str, value: float | str, color: str, datatype: str = "Int") -> dict:
		return {"label": label, "value": value, "datatype": datatype, "indicator": color}

	found = [figure(_("Planned"), figures["planned"], "Blue")]
	if figures["in_time_percent"] is not None:
		# One place, as in the table: Frappe's Percent shows as many as the site has.
		found.append(figure(_("In Time"), f"{figures['in_time_percent']:.1f} %", "Green", "Data"))
	return [
		*found,
		figure(_("Done Late"), figures["late"], "Orange"),
		figure(_("Undone"), figures["undone"], "Red"),
		figure(_("Still Ahead"), figures["ahead"], "Grey"),
	]
