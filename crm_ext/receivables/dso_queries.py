"""What Days Sales Outstanding reads: one query for all months, and only what the user may see. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import frappe
from frappe import _
from frappe.utils import cint, flt, getdate, nowdate

from crm_ext.receivables import dso, scope
from crm_ext.receivables.dso import Outstanding

METHODS = ("Classical", "Countback")
FILTERS = tuple(name for name in scope.FILTERS if name != "mode_of_payment")
_MOST_MONTHS = 60


@dataclass(slots=True)
class Plan:
	"""The last `months` months up to a day, each compared with the sales of `window` months."""

	to_date: date
	months: int
	window: int
	method: str
	currency: str | None
	filters: Mapping[str, str] = field(default_factory=dict)


def plan_of(filters: Mapping[str, str]) -> Plan:
	"""What filters of Days Sales Outstanding ask for; twelve months against the sales of three by default.

	Raises frappe.ValidationError where they make no sense, and where amounts of several currencies would be added up.
	"""
	scope.check(filters)
	months, window = cint(filters.get("months") or 12), cint(filters.get("window") or 3)
	if not 1 <= months <= _MOST_MONTHS:
		frappe.throw(_("Choose between 1 and {0} months.").format(_MOST_MONTHS))
	if not 1 <= window <= dso.HISTORY:
		frappe.throw(_("Sales of 1 to {0} months can be compared with.").format(dso.HISTORY))
	method = filters.get("method") or METHODS[0]
	if method not in METHODS:
		frappe.throw(_("Unknown method {0}.").format(method))
	currencies = scope.company_currencies()
	company = filters.get("company")
	if company and company not in currencies:
		frappe.throw(_("Company {0} does not exist.").format(company))
	if not company and len(set(currencies.values())) > 1:
		frappe.throw(_("Companies have different currencies: choose a company."))
	currency = currencies[company] if company else next(iter(currencies.values()), None)
	to_date = getdate(filters.get("to_date") or nowdate())
	chosen = {name: filters[name] for name in FILTERS if filters.get(name)}
	return Plan(to_date, months, window, method, currency, chosen)


def read_line(plan: Plan) -> list[Outstanding]:
	"""One point a month, oldest first."""
	months = dso.months_until(plan.to_date, plan.months + dso.HISTORY)
	params = {"first": months[0].first, "last": plan.to_date}
	# What was before the months told apart is one figure, without a day.
	source = f"""
		SELECT `tabPayment Ledger Entry`.company, `tabPayment Ledger Entry`.party AS customer,
			IF(against_voucher_type = 'Sales Invoice', against_voucher_no, NULL) AS invoice,
			IF(`tabPayment Ledger Entry`.posting_date < %(first)s, NULL, `tabPayment Ledger Entry`.posting_date)
				AS day,
			`tabPayment Ledger Entry`.amount, IF(i.is_opening = 'No', `tabPayment Ledger Entry`.amount, 0) AS sales
		FROM `tabPayment Ledger Entry`
		LEFT JOIN `tabSales Invoice` i ON `tabPayment Ledger Entry`.voucher_type = 'Sales Invoice'
			AND `tabPayment Ledger Entry`.posting_date >= %(first)s AND i.name = `tabPayment Ledger Entry`.voucher_no
		WHERE party_type = 'Customer' AND account_type = 'Receivable' AND delinked = 0
			AND `tabPayment Ledger Entry`.posting_date <= %(last)s AND {scope.visible("Payment Ledger Entry")}"""
	statement = scope.select(
		source,
		{"change": "m.amount", "sales": "m.sales"},
		{"month": scope.column("month")},
		plan.filters,
		params,
	)
	opening, changes, sales = 0.0, {}, {}
	for month, change, sold in frappe.db.sql(statement, params):
		if month is None:
			opening = flt(change)
		else:
			changes[int(month)], sales[int(month)] = flt(change), flt(sold)
	return dso.line(months, opening, changes, sales, plan.window, plan.months)
