# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt
"""Collections: who owes money too late, those worth a call first.

1. Overdue is what ERPNext calls so, in company currency; of an invoice with payment terms, the terms whose day has
   passed. Beside it stands what the customer has on account, and the overdue amount of Receivable Aging, which has that
   taken off and debts booked by journal in it.
2. The order: overdue money nobody has promised, each amount times its weight by age (see collection_rules.WEIGHTS), a
   fifth more for each broken promise. Who has promised all of it, or was contacted in the last days, comes last.
3. Three queries whatever the number of customers, and those of Receivable Aging for each company.
"""

import frappe
from frappe import _
from frappe.utils import cint, flt, getdate, nowdate

from crm_ext.receivables import collecting
from crm_ext.receivables.collection_rules import CALL, CONTACTED, PROMISED


def execute(filters: dict | None = None) -> tuple:
	"""Columns, rows, message, chart, summary."""
	for doctype in ("Customer", "Sales Invoice"):
		frappe.has_permission(doctype, "read", throw=True)
	filters = frappe._dict(filters or {})
	rows = collecting.read(company=filters.company, user=filters.responsible)
	if cint(filters.worth_a_call):
		rows = [row for row in rows if row.standing == CALL]
	collecting.add_net(rows)
	return _columns(), [_row(row) for row in rows], _message(), None, _summary(rows, filters.company)


def _columns() -> list[dict]:
	def column(fieldname: str, label: str, fieldtype: str, width: int, **more) -> dict:
		return {"fieldname": fieldname, "label": label, "fieldtype": fieldtype, "width": width, **more}

	return [
		column("customer", _("Customer"), "Link", 140, options="Customer"),
		column("customer_name", _("Customer Name"), "Data", 160),
		column("actions", _("What to Do", context="Receivables"), "Data", 350, align="left"),
		column("standing", _("Standing"), "Data", 110),
		column("overdue", _("Overdue"), "Currency", 120, options="currency"),
		column("on_account", _("On Account"), "Currency", 120, options="currency"),
		column("net", _("Overdue, Net"), "Currency", 120, options="currency"),
		column("oldest_days", _("Oldest, Days"), "Int", 100),
		column("promised", _("Of It Promised"), "Currency", 120, options="currency"),
		column("promise", _("Open Promise"), "Link", 130, options="Payment Promise"),
		column("promised_for", _("Promised For"), "Date", 110),
		column("kept_percent", _("Promises Kept %"), "Percent", 120, precision=0),
		column("average_days_late", _("Days Late on Average"), "Float", 120, precision=1),
		column("last_contact_on", _("Last Contact"), "Datetime", 150),
		column("next_follow_up_on", _("Next Follow Up"), "Datetime", 150),
		column("responsible", _("Responsible", context="Follow Up"), "Link", 170, options="User"),
		column("company", _("Company"), "Link", 140, options="Company"),
		column("currency", _("Currency"), "Link", 80, options="Currency", hidden=1),
	]


def _row(row: dict) -> dict:
	share = row.promises.get("kept_share")
	return {
		**row,
		"standing": {
			CALL: _("To Call"),
			PROMISED: _("Promised"),
			CONTACTED: _("Contacted"),
		}[row.standing],
		"to_call": row.standing == CALL,
		"oldest_days": (getdate(nowdate()) - row.oldest_on).days if row.oldest_on else None,
		"kept_percent": None if share is None else share * 100,
		"average_days_late": row.promises.get("average_days_late"),
		"actions": "",
	}


def _message() -> str:
	days = cint(frappe.get_cached_doc("CRM Ext Settings").collector_quiet_days)
	return _(
		"Those worth a call first: overdue money that nobody has promised, the older the more pressing, and more so after"
		" broken promises. Who has promised all of it, or was contacted within {0} days, stands at the end."
	).format(days)


def _summary(rows: list[dict], company: str | None) -> list[dict] | None:
	"""Sums only of one currency."""
	currencies = {row.currency for row in rows}
	if len(currencies) != 1:
		return None
	(currency,) = currencies

	def figure(label: str, value: float, color: str) -> dict:
		return {
			"label": label,
			"value": value,
			"datatype": "Currency",
			"currency": currency,
			"indicator": color,
		}

	to_call = [row for row in rows if row.standing == CALL]
	return [
		figure(_("Overdue"), sum(flt(row.overdue) for row in rows), "Red"),
		figure(_("On Account"), sum(flt(row.on_account) for row in rows), "Green"),
		figure(_("Of It Promised"), sum(flt(row.promised) for row in rows), "Blue"),
		{"label": _("Customers to Call"), "value": len(to_call), "datatype": "Int", "indicator": "Orange"},
	]
