# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt
"""Deal Funnel: a true cohort.

1. The cohort is the deals that entered the starting stage in the period, nothing else.
2. Each counts at every stage up to the furthest it reached: a later stage never shows more than an earlier one.
3. Values are what those same deals are worth at the stage: expected, quoted, ordered, delivered, invoiced, paid.
4. Days are medians, from the last stage before that the deal has a date of.
5. One grouped query whatever the filters, one for the days, one for each stage reached by a status.
"""

import frappe
from frappe import _
from frappe.utils import cint, flt

from crm_ext.deals import report_queries, report_rules
from crm_ext.deals.report_queries import TREES, Cohort

# More lines than this make a chart nobody can read.
_CHARTED_GROUPS = 6
_MONTH = "month"


def execute(filters: dict | None = None) -> tuple:
	"""Columns, rows, message, chart, summary; rows are a tree of groups where the report is grouped."""
	frappe.has_permission("Deal", "read", throw=True)
	filters = frappe._dict(filters or {})
	cohort = report_queries.cohort_of(filters)
	funnels = report_queries.read_funnels(cohort, with_days=cint(filters.get("with_days", 1)))
	currencies = report_queries.currencies(filters.company, cohort.group_by == "company")
	mixed, currencies = currencies is None, currencies or {}
	columns = _columns(cohort, with_values=not mixed)
	if not funnels:
		return columns, [], None, None, None
	if cohort.group_by:
		rows = _grouped_rows(cohort, funnels, currencies)
	else:
		rows = _rows(cohort, funnels[None], currencies.get(filters.company), cohort.filters)
	return (
		columns,
		rows,
		_message(cohort, funnels, mixed, filters),
		_chart(cohort, rows),
		_summary(cohort, funnels, currencies.get(filters.company)),
	)


def _columns(cohort: Cohort, with_values: bool) -> list[dict]:
	columns = [
		{
			"fieldname": "stage",
			"label": _("Stage"),
			"fieldtype": "Link",
			"options": "Deal Stage",
			"width": 140,
		},
		{"fieldname": "deals", "label": _("Deals"), "fieldtype": "Int", "width": 90},
		{
			"fieldname": "from_start",
			"label": _("From Start %"),
			"fieldtype": "Percent",
			"precision": 1,
			"width": 115,
		},
		{
			"fieldname": "from_before",
			"label": _("From Stage Before %"),
			"fieldtype": "Percent",
			"precision": 1,
			"width": 175,
		},
		{
			"fieldname": "median_days",
			"label": _("Median Days from Stage Before"),
			"fieldtype": "Float",
			"precision": 1,
			"width": 250,
		},
		{
			"fieldname": "value",
			"label": _("Value", context="Deal"),
			"fieldtype": "Currency",
			"options": "currency",
			"width": 150,
		},
		{"fieldname": "lost", "label": _("Lost Here"), "fieldtype": "Int", "width": 100},
		{"fieldname": "open", "label": _("Still Here"), "fieldtype": "Int", "width": 100},
	]
	if not with_values:
		columns = [column for column in columns if column["fieldname"] != "value"]
	if cohort.group_by:
		label = (
			_("Month") if cohort.group_by == _MONTH else _(frappe.get_meta("Deal").get_label(cohort.group_by))
		)
		columns.insert(0, {"fieldname": "group", "label": label, "fieldtype": "Data", "width": 200})
	return columns


def _rows(cohort: Cohort, funnel: report_rules.Funnel, currency: str | None, filters: dict) -> list[dict]:
	rows = report_rules.funnel_rows(cohort.steps, funnel)
	for index, row in enumerate(rows):
		row["currency"] = currency
		row["drill"] = {only: _drill(cohort, index, only, filters) for only in ("deals", "lost", "open")}
	return rows


def _grouped_rows(cohort: Cohort, funnels: dict, currencies: dict) -> list[dict]:
	"""One row per group, its way from start to end below it."""
	labels = _labels(cohort.group_by, list(funnels))
	if cohort.group_by == _MONTH:
		order = sorted(funnels, key=lambda key: key or 0)
	else:
		order = sorted(funnels, key=lambda key: (-funnels[key].deals, str(labels[key])))
	rows = []
	for key in order:
		filters = _group_filters(cohort, key)
		currency = currencies.get(key if cohort.group_by == "company" else filters.get("company"))
		below = _rows(cohort, funnels[key], currency, filters)
		last = below[-1]
		rows.append(
			{
				"group": labels[key],
				"indent": 0,
				"deals": below[0]["deals"],
				"from_start": last["from_start"],
				# Shown as 0 where they are missing.
				"from_before": None,
				"median_days": None,
				"value": last["value"],
				"currency": currency,
				"lost": sum(row["lost"] for row in below),
				"open": sum(row["open"] for row in below),
				"drill": {"deals": below[0]["drill"]["deals"]},
			}
		)
		rows += [row | {"group": labels[key], "indent": 1} for row in below]
	return rows


def _labels(group_by: str, keys: list) -> dict:
	labels = {key: key or _("Not Set") for key in keys}
	if group_by == _MONTH:
		labels = {key: f"{key // 100}-{key % 100:02d}" if key else _("Not Set") for key in keys}
	elif group_by == "owner_user":
		users = frappe.get_all(
			"User",
			filters={"name": ("in", [key for key in keys if key])},
			fields=["name", "full_name"],
			order_by="name",
		)
		labels |= {user.name: user.full_name or user.name for user in users}
	return labels


# Drill-down


def _group_filters(cohort: Cohort, key: str | int | None) -> dict:
	"""Filters that narrow the cohort to one group."""
	filters = frappe._dict(cohort.filters)
	if cohort.group_by != _MONTH:
		return filters | {"exactly": {cohort.group_by: key}}
	first = frappe.utils.getdate(f"{key // 100}-{key % 100:02d}-01")
	return filters | {
		"from_date": max(cohort.from_date, first),
		"to_date": min(cohort.to_date, frappe.utils.get_last_day(first)),
	}


def _drill(cohort: Cohort, index: int, only: str, filters: dict) -> dict:
	"""What opens the deals behind a figure: filters of the list of deals, or, where the cohort is known from the
	log of stage changes only, what to ask `crm_ext.api.reports.cohort_deals` for."""
	if not cohort.start.dated:
		return {"step": index, "only": only, "filters": filters}
	days = [str(filters.get("from_date") or cohort.from_date), str(filters.get("to_date") or cohort.to_date)]
	found = {cohort.start.dated: ["between", days]}
	for name in report_queries.FILTERS:
		value = filters.get(name)
		if value:
			found[name] = ["descendants of (inclusive)" if name in TREES else "=", value]
	for name, value in (filters.get("exactly") or {}).items():
		found[name] = ["=", value] if value else ["is", "not set"]
	for name, condition in report_rules.figure_filters(cohort.steps, index, only).items():
		found[name] = list(condition)
	return {"list": found}


# Above and below the table


def _message(cohort: Cohort, funnels: dict, mixed: bool, filters: dict) -> str | None:
	messages = []
	if mixed:
		messages.append(_("Companies have different currencies: choose a company to see values."))
	logged = [step.stage for step in cohort.steps[1:] if not step.dated]
	if logged and cint(filters.get("with_days", 1)):
		if report_queries.cohort_size(funnels) > report_queries.LOG_LIMIT:
			messages.append(
				_("Days at {0} are left out for more than {1} deals: choose a shorter period.").format(
					", ".join(logged), report_queries.LOG_LIMIT
				)
			)
	return "<br>".join(messages) or None


def _chart(cohort: Cohort, rows: list[dict]) -> dict:
	if cohort.group_by:
		names = [row["group"] for row in rows if row["indent"] == 0][:_CHARTED_GROUPS]
		if cohort.group_by == _MONTH:
			names = [row["group"] for row in rows if row["indent"] == 0][-_CHARTED_GROUPS:]
		datasets = [
			{
				"name": name,
				"values": [row["deals"] for row in rows if row["indent"] and row["group"] == name],
			}
			for name in names
		]
	else:
		datasets = [{"name": _("Deals"), "values": [row["deals"] for row in rows]}]
	return {
		"data": {"labels": [_(step.stage) for step in cohort.steps], "datasets": datasets},
		"type": "bar",
		"fieldtype": "Int",
		"barOptions": {"spaceRatio": 0.25},
	} | ({} if cohort.group_by else {"colors": ["blue"]})


def _summary(cohort: Cohort, funnels: dict, currency: str | None) -> list[dict]:
	"""The whole cohort, also where the table is grouped."""
	whole = report_rules.Funnel([cell for funnel in funnels.values() for cell in funnel.cells])
	rows = report_rules.funnel_rows(cohort.steps, whole)
	won = next((i for i, step in enumerate(cohort.steps) if step.kind == "Won"), len(rows) - 1)
	last = len(rows) - 1
	summary = [{"label": _("Deals"), "value": rows[0]["deals"], "datatype": "Int", "indicator": "Blue"}]
	for index in dict.fromkeys((won, last)):
		summary.append(
			{
				"label": _("Reached {0}").format(_(cohort.steps[index].stage)),
				"value": f"{rows[index]['deals']} ({flt(rows[index]['from_start'], 1)} %)",
				"datatype": "Data",
				"indicator": "Green",
			}
		)
	lost = sum(row["lost"] for row in rows)
	summary.append({"label": _("Lost", context="Deal"), "value": lost, "datatype": "Int", "indicator": "Red"})
	if currency:
		summary.append(
			{
				"label": _("Received", context="Deal"),
				"value": sum(flt(cell.amounts.get("paid_amount")) for cell in whole.cells),
				"datatype": "Currency",
				"currency": currency,
				"indicator": "Green",
			}
		)
	return summary
