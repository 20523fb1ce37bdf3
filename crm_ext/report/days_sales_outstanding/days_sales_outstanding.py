# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt
"""Days Sales Outstanding: how many days of sales customers owe, month by month.

1. Receivables are what the Payment Ledger says at the end of each month, advances and money on account taken off:
   the total of Accounts Receivable on that day. The month under way ends today.
2. Credit sales are what invoices of the period left on the customers' accounts, taxes included as in the receivables:
   credit notes and what was paid at the till are taken off; opening invoices are no sales.
3. Classical is receivables / credit sales * days, over one or several months; countback takes whole months of sales
   from the receivables, the newest first. Empty where there are no sales to compare with.
4. One query for all months.
"""

import frappe
from frappe import _
from frappe.utils import formatdate

from crm_ext.receivables import dso, dso_queries
from crm_ext.receivables.dso import Outstanding


def execute(filters: dict | None = None) -> tuple:
	"""Columns, rows, message, chart, summary."""
	for doctype in ("Payment Ledger Entry", "Sales Invoice"):
		frappe.has_permission(doctype, "read", throw=True)
	plan = dso_queries.plan_of(frappe._dict(filters or {}))
	points = dso_queries.read_line(plan)
	figure = "classical" if plan.method == "Classical" else "countback"
	rows = [
		{
			"month": _label(point),
			# A chart has no room for more.
			"short": _short(point),
			"month_end": point.month.last,
			"receivables": point.receivables,
			"sales": point.sales,
			"days": point.days,
			"classical": point.classical,
			"countback": point.countback,
			"currency": plan.currency,
		}
		for point in points
	]
	if not any(row["receivables"] or row["sales"] for row in rows):
		return _columns(), [], None, None, None
	return _columns(), rows, None, _chart(rows, figure), _summary(rows, figure)


def _short(point: Outstanding) -> str:
	return formatdate(point.month.first, "MMM yyyy")


def _label(point: Outstanding) -> str:
	label = _short(point)
	return label if dso.is_complete(point.month) else _("{0} so far").format(label)


def _columns() -> list[dict]:
	def column(fieldname: str, label: str, fieldtype: str, width: int, **more) -> dict:
		return {"fieldname": fieldname, "label": label, "fieldtype": fieldtype, "width": width, **more}

	return [
		column("month", _("Month"), "Data", 150),
		column("month_end", _("Month End"), "Date", 110),
		column("receivables", _("Receivables"), "Currency", 160, options="currency"),
		column("sales", _("Credit Sales"), "Currency", 160, options="currency"),
		column("days", _("Days of Sales"), "Int", 120),
		column("classical", _("Days Sales Outstanding"), "Float", 190, precision=1),
		column("countback", _("By Countback"), "Float", 140, precision=1),
		column("currency", _("Currency"), "Link", 90, options="Currency"),
	]


def _chart(rows: list[dict], figure: str) -> dict:
	# A line cannot have holes: it begins with the first month that has days, later ones without keep the last.
	values, labels = [], []
	for row in rows:
		if row[figure] is None and not values:
			continue
		values.append(round(row[figure], 1) if row[figure] is not None else values[-1])
		labels.append(row["short"])
	return {
		"data": {"labels": labels, "datasets": [{"name": _("Days Sales Outstanding"), "values": values}]},
		"type": "line",
		"fieldtype": "Float",
		"lineOptions": {"regionFill": 1},
		"colors": ["#449CF0"],
	}


def _summary(rows: list[dict], figure: str) -> list[dict]:
	known = [row[figure] for row in rows if row[figure] is not None]
	last = rows[-1]
	summary = [
		{
			"label": _("Receivables"),
			"value": last["receivables"],
			"datatype": "Currency",
			"currency": last["currency"],
			"indicator": "Blue",
		}
	]
	for label, value in (
		(_("Days Now"), last[figure]),
		(_("Days on Average"), sum(known) / len(known) if known else None),
	):
		if value is not None:
			summary.append({"label": label, "value": f"{value:.1f}", "datatype": "Data", "indicator": "Blue"})
	return summary
