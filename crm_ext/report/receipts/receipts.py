# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt
"""Receipts: money received from customers in a period, beside what was due in it.

1. The source is the Payment Ledger. A receipt is what a Payment Entry credits a customer with, what a Journal Entry
   credits a customer with against a bank or cash account, and what is paid at the till, less change. Advances and
   money on account are receipts on the day they came; reconciling them later changes neither day nor amount.
2. A refund takes from them. Credit notes, write-offs, bank charges, discounts and exchange differences are no money:
   a voucher that credits 100 and brings 95 is a receipt of 95. What the bank got beyond what the customer was
   credited with (an exchange gain, other income) is none of the customer's.
3. Each cent counts once: whatever it is grouped by, a period comes to the same total. By salesperson it is split by
   contribution, see receivables.scope; what nobody sold is a row of its own.
4. Due is what invoices made due in the period, by payment terms where there are some; Still Open is what is not
   settled of it now, Settled % the share that is. An advance known when the invoice was made was due to nobody.
5. One grouped query for receipts and one for what was due; by salesperson one more each, for the whole.
"""

from datetime import date

import frappe
from frappe import _
from frappe.utils import cint, formatdate, get_last_day, getdate

from crm_ext.receivables import receipt_queries
from crm_ext.receivables.receipt_queries import Figures, Period
from crm_ext.receivables.receipts import months_between, percent
from crm_ext.report.columns import column

# Rows of the list of vouchers: what a person can look through, and what a browser shows without delay.
LIMIT = 2_000
# More bars than this make a chart nobody can read.
_CHARTED = 24
# Group -> (filter of the report, DocType). A month is a filter by its days.
_LINKS = {
	"company": "Company",
	"customer": "Customer",
	"customer_group": "Customer Group",
	"mode_of_payment": "Mode of Payment",
	"sales_person": "Sales Person",
	"territory": "Territory",
}


def execute(filters: dict | None = None) -> tuple:
	"""Columns, rows, message, chart, summary."""
	for doctype in ("Payment Ledger Entry", "Sales Invoice"):
		frappe.has_permission(doctype, "read", throw=True)
	filters = frappe._dict(filters or {})
	period = receipt_queries.period_of(filters)
	found = receipt_queries.read_figures(period)
	message = None
	rows = _rows(period, found)
	chart = _chart(period, rows) if len(found) == 1 else None
	if cint(filters.show_vouchers):
		columns = _voucher_columns()
		rows, more = receipt_queries.read_vouchers(period, LIMIT)
		if more:
			message = _("Only the newest {0} receipts are listed; choose a shorter period.").format(LIMIT)
	else:
		columns = _columns(period)
	if not rows:
		return columns, [], None, None, None
	return columns, rows, message, chart, _summary(period, found)


# By group


def _group_label(group_by: str) -> str:
	return {
		"company": _("Company"),
		"customer": _("Customer"),
		"customer_group": _("Customer Group"),
		"mode_of_payment": _("Mode of Payment"),
		"month": _("Month"),
		"sales_person": _("Sales Person"),
		"territory": _("Territory"),
	}[group_by]


def _column(fieldname: str, label: str, fieldtype: str, width: int, options: str | None = None) -> dict:
	more = {"precision": 1} if fieldtype == "Percent" else {}
	return column(fieldname, label, fieldtype, width, options, **more)


def _columns(period: Period) -> list[dict]:
	columns = [_column("group", _group_label(period.group_by), "Data", 220)]
	if period.group_by == "customer":
		columns.append(_column("customer_name", _("Customer Name"), "Data", 180))
	columns += [
		_column("received", _("Received"), "Currency", 150, "currency"),
		_column("share", _("Share %"), "Percent", 100),
		_column("refunded", _("Refunded"), "Currency", 150, "currency"),
		_column("on_account", _("Of It on Account"), "Currency", 150, "currency"),
	]
	if period.has_due:
		columns += [
			_column("due", _("Due in Period"), "Currency", 150, "currency"),
			_column("open", _("Still Open"), "Currency", 150, "currency"),
			_column("settled", _("Settled %"), "Percent", 110),
		]
	return [*columns, _column("currency", _("Currency"), "Link", 90, "Currency")]


def _rows(period: Period, found: dict[str | None, Figures]) -> list[dict]:
	"""Months in their order, also those between in which nothing happened; everything else by what was received."""
	rows = []
	names = _customer_names(period, found)
	for currency, figures in sorted(found.items(), key=lambda item: str(item[0])):
		groups = figures.groups
		if period.group_by == "month":
			groups = {key: {} for key in months_between(groups)} | groups
		for key, amounts in groups.items():
			row = (
				dict.fromkeys(receipt_queries.RECEIVED, 0.0)
				| dict.fromkeys(receipt_queries.DUE, 0.0)
				| amounts
			)
			rows.append(
				{
					**row,
					"group": _label(period, key),
					"customer_name": names.get(key),
					"currency": currency,
					"share": percent(row["received"], figures.totals.get("received", 0.0)),
					"settled": percent(row["due"] - row["open"], row["due"]),
					"key": key,
					"drill": _drill(period, key),
				}
			)
	if period.group_by == "month":
		rows.sort(key=lambda row: (row["key"] or 0, row["currency"] or ""))
	else:
		rows.sort(key=lambda row: (row["currency"] or "", -row["received"], -row["due"], str(row["key"])))
	return rows


def _customer_names(period: Period, found: dict[str | None, Figures]) -> dict[str, str]:
	if period.group_by != "customer":
		return {}
	keys = sorted({key for figures in found.values() for key in figures.groups if key})
	return dict(
		frappe.get_all(
			"Customer",
			filters={"name": ("in", keys)},
			fields=["name", "customer_name"],
			as_list=True,
			order_by="name",
		)
	)


def _month(key: int) -> date:
	return getdate(f"{int(key) // 100}-{int(key) % 100:02}-01")


def _label(period: Period, key: str | int | None) -> str:
	if not key:
		return _("Not Set")
	return formatdate(_month(key), "MMM yyyy") if period.group_by == "month" else str(key)


def _drill(period: Period, key: str | int | None) -> dict | None:
	"""Filters of this report that list the vouchers of a row; None where a filter cannot say it."""
	if not key:
		return None
	if period.group_by == "month":
		first = max(_month(key), period.from_date)
		last = min(getdate(get_last_day(first)), period.to_date)
		return {"from_date": str(first), "to_date": str(last), "show_vouchers": 1}
	return {period.group_by: key, "show_vouchers": 1}


# By voucher


def _voucher_columns() -> list[dict]:
	return [
		_column("day", _("Date"), "Date", 110),
		_column("voucher_type", _("Voucher Type"), "Data", 130),
		_column("voucher_no", _("Voucher No"), "Dynamic Link", 190, "voucher_type"),
		_column("customer", _("Customer"), "Link", 160, "Customer"),
		_column("customer_name", _("Customer Name"), "Data", 180),
		_column("mode_of_payment", _("Mode of Payment"), "Link", 140, "Mode of Payment"),
		_column("received", _("Received"), "Currency", 140, "currency"),
		_column("on_account", _("Of It on Account"), "Currency", 140, "currency"),
		_column("company", _("Company"), "Link", 160, "Company"),
		_column("currency", _("Currency"), "Link", 90, "Currency"),
	]


# Above and below the table


def _chart(period: Period, rows: list[dict]) -> dict:
	shown = rows[-_CHARTED:] if period.group_by == "month" else rows[:_CHARTED]
	parts = [(_("Received"), "received")]
	if period.has_due:
		parts.append((_("Due in Period"), "due"))
	return {
		"data": {
			"labels": [row["customer_name"] or row["group"] for row in shown],
			"datasets": [{"name": label, "values": [row[key] for row in shown]} for label, key in parts],
		},
		"type": "bar",
		"fieldtype": "Currency",
		"options": "currency",
		"currency": rows[0]["currency"] if rows else None,
		"colors": ["#59b68c", "#b8c2cc"],
	}


def _summary(period: Period, found: dict[str | None, Figures]) -> list[dict]:
	"""For each currency; names it where there are several."""
	parts = [
		(_("Received"), "received", "Green"),
		(_("Refunded"), "refunded", "Orange"),
		(_("Of It on Account"), "on_account", "Blue"),
	]
	if period.has_due:
		parts += [(_("Due in Period"), "due", "Blue"), (_("Still Open"), "open", "Red")]
	if len(found) > 1:
		parts = parts[:1]
	summary = []
	for currency, figures in sorted(found.items(), key=lambda item: str(item[0])):
		summary += [
			{
				"label": label if len(found) == 1 else f"{label} ({currency})",
				"value": figures.totals.get(key, 0.0),
				"datatype": "Currency",
				"currency": currency,
				"indicator": color,
			}
			for label, key, color in parts
		]
		due = figures.totals.get("due", 0.0)
		settled = percent(due - figures.totals.get("open", 0.0), due)
		if settled is not None and len(found) == 1:
			# One place: Frappe's Percent shows as many as the site has.
			value = f"{settled:.1f} %"
			summary.append(
				{
					"label": _("Settled", context="Receipts"),
					"value": value,
					"datatype": "Data",
					"indicator": "Green",
				}
			)
	return summary
