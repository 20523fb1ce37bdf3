# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt
"""Deal Aging: deals that are not closed, by stage and by days in it, against the days the stage allows.

1. One row per stage by default, from one grouped query; its figures open the deals.
2. "Show Deals" lists them, the longest in their stage first, with last contact and next follow up.
3. A deal is rotting after more days in its stage than Rotting After says; 0 allows any time.
"""

from datetime import date, timedelta

import frappe
from frappe import _
from frappe.utils import cint, getdate, now_datetime, nowdate

from crm_ext.deals import report_queries, report_rules
from crm_ext.deals.report_queries import SCOPES, TREES

# Rows of the list of deals: what a person can look through, and what a browser shows without delay.
LIMIT = 2_000


def execute(filters: dict | None = None) -> tuple:
	"""Columns, rows, message, chart, summary."""
	frappe.has_permission("Deal", "read", throw=True)
	filters = frappe._dict(filters or {})
	scope = filters.scope or "Open"
	if scope not in SCOPES:
		frappe.throw(_("Unknown scope {0}.").format(scope))
	today = getdate(nowdate())
	allowed = report_queries.rotting_days()
	currencies = report_queries.currencies(filters.company)
	cells = report_queries.read_ages(scope, filters, today, allowed)
	stages = report_rules.ageing_rows(allowed, cells, cint(filters.only_rotting))
	message = None
	currency = (currencies or {}).get(filters.company)
	if cint(filters.show_deals):
		columns = _deal_columns()
		rows, more = _deals(scope, filters, today)
		if more:
			message = _(
				"Only the {0} deals longest in their stage are listed; choose a stage or an owner."
			).format(LIMIT)
	else:
		columns = _stage_columns(with_values=currencies is not None)
		if currencies is None:
			message = _("Companies have different currencies: choose a company to see values.")
		rows = [_stage_row(row, scope, filters, today, currency) for row in stages]
	if not rows:
		return columns, [], None, None, None
	return columns, rows, message, _chart(stages), _summary(stages, currency)


# By stage


def _bucket_label(bucket: int) -> str:
	first, last = report_rules.bucket_days(bucket)
	return f"{first}-{last}" if last else f"> {first - 1}"


def _buckets() -> range:
	return range(len(report_rules.BUCKETS) + 1)


def _stage_columns(with_values: bool) -> list[dict]:
	columns = [
		{
			"fieldname": "stage",
			"label": _("Stage"),
			"fieldtype": "Link",
			"options": "Deal Stage",
			"width": 140,
		},
		{
			"fieldname": "rotting_days",
			"label": _("Rotting After (Days)"),
			"fieldtype": "Int",
			"width": 175,
		},
		{"fieldname": "deals", "label": _("Deals"), "fieldtype": "Int", "width": 90},
		*(
			{
				"fieldname": f"bucket_{bucket}",
				"label": _("{0} Days").format(_bucket_label(bucket)),
				"fieldtype": "Int",
				"width": 110,
			}
			for bucket in _buckets()
		),
		{"fieldname": "rotting", "label": _("Rotting"), "fieldtype": "Int", "width": 90},
	]
	if with_values:
		columns += [
			{
				"fieldname": fieldname,
				"label": label,
				"fieldtype": "Currency",
				"options": "currency",
				"width": 140,
			}
			for fieldname, label in (
				("value", _("Value", context="Deal")),
				("rotting_value", _("Rotting Value")),
			)
		]
	return columns


def _stage_row(row: dict, scope: str, filters: dict, today: date, currency: str | None) -> dict:
	counts = {f"bucket_{bucket}": count for bucket, count in enumerate(row["buckets"])}
	limit = row["rotting_days"]
	oldest_rotting = today - timedelta(days=limit)
	drill = {"deals": _drill(row["stage"], scope, filters), "rotting": None}
	if limit:
		drill["rotting"] = _drill(row["stage"], scope, filters) | {"stage_since": ["<", str(oldest_rotting)]}
	for bucket in _buckets():
		drill[f"bucket_{bucket}"] = _drill(row["stage"], scope, filters) | {
			"stage_since": _since(bucket, today)
		}
	if cint(filters.only_rotting):
		# The list cannot say "in this bucket and rotting" in one condition.
		drill = {"rotting": drill["rotting"]}
	return {
		**{key: row[key] for key in ("stage", "rotting_days", "deals", "value", "rotting", "rotting_value")},
		**counts,
		"currency": currency,
		"drill": drill,
	}


def _since(bucket: int, today: date) -> list:
	"""Condition on the list of deals for the days of a bucket."""
	first, last = report_rules.bucket_days(bucket)
	if last is None:
		return ["<", str(today - timedelta(days=first - 1))]
	if not bucket:
		return [">=", str(today - timedelta(days=last))]
	return ["between", [str(today - timedelta(days=last)), str(today - timedelta(days=first))]]


def _drill(stage: str, scope: str, filters: dict) -> dict:
	"""Filters of the list of deals."""
	found = {"stage": ["=", stage], "closed_on": ["is", "not set"]}
	found["status"] = {"Open": ["=", "Open"], "Won, Not Paid": ["=", "Won"]}.get(
		scope, ["in", ["Open", "Won"]]
	)
	for name in report_queries.FILTERS:
		if filters.get(name) and name not in found:
			found[name] = ["descendants of (inclusive)" if name in TREES else "=", filters.get(name)]
	return found


# By deal


def _deal_columns() -> list[dict]:
	def column(fieldname: str, label: str, fieldtype: str, width: int, options: str | None = None) -> dict:
		found = {"fieldname": fieldname, "label": label, "fieldtype": fieldtype, "width": width}
		return found | {"options": options} if options else found

	return [
		column("deal", _("Deal"), "Link", 170, "Deal"),
		column("party_name", _("Party Name"), "Data", 180),
		column("stage", _("Stage"), "Link", 110, "Deal Stage"),
		column("owner_user", _("Deal Owner"), "Link", 170, "User"),
		column("days_in_stage", _("Days in Stage"), "Int", 125),
		column("rotting_days", _("Rotting After (Days)"), "Int", 175),
		column("days_over", _("Days Over"), "Int", 95),
		column("last_contact", _("Last Contact"), "Date", 130),
		column("next_follow_up", _("Next Follow Up"), "Date", 120),
		column("value", _("Value", context="Deal"), "Currency", 130, "currency"),
		column("expected_amount", _("Expected Amount"), "Currency", 150, "currency"),
		column("sales_person", _("Sales Person"), "Link", 130, "Sales Person"),
		column("territory", _("Territory"), "Link", 120, "Territory"),
		column("company", _("Company"), "Link", 150, "Company"),
		column("currency", _("Currency"), "Link", 80, "Currency"),
	]


def _deals(scope: str, filters: dict, today: date) -> tuple[list[dict], bool]:
	rows, more = report_queries.ageing_deals(scope, filters, today, cint(filters.only_rotting), LIMIT)
	names, now = [row.deal for row in rows], str(now_datetime())
	otherwise = report_queries.planned_otherwise(names, now)
	for row in rows:
		limit = cint(row.rotting_days)
		row.days_over = row.days_in_stage - limit if report_rules.is_rotting(row.days_in_stage, limit) else 0
		planned = (row.next_follow_up, otherwise.get(row.deal))
		row.next_follow_up = min((day for day in planned if day), default=None)
	return rows, more


# Above and below the table


def _chart(stages: list[dict]) -> dict:
	return {
		"data": {
			"labels": [_(row["stage"]) for row in stages],
			"datasets": [
				{
					"name": _("{0} Days").format(_bucket_label(bucket)),
					"values": [row["buckets"][bucket] for row in stages],
				}
				for bucket in _buckets()
			],
		},
		"type": "bar",
		"fieldtype": "Int",
		"barOptions": {"stacked": 1},
		"colors": ["#59b68c", "#a5d46a", "#f5d547", "#f2994a", "#d9534f"],
	}


def _summary(stages: list[dict], currency: str | None) -> list[dict]:
	def total(key: str) -> float:
		return sum(row[key] for row in stages)

	summary = [
		{"label": _("Deals"), "value": total("deals"), "datatype": "Int", "indicator": "Blue"},
		{"label": _("Rotting"), "value": total("rotting"), "datatype": "Int", "indicator": "Red"},
	]
	if currency:
		summary += [
			{
				"label": label,
				"value": total(key),
				"datatype": "Currency",
				"currency": currency,
				"indicator": color,
			}
			for label, key, color in (
				(_("Value", context="Deal"), "value", "Blue"),
				(_("Rotting Value"), "rotting_value", "Red"),
			)
		]
	return summary
