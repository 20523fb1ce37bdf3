# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt
"""Delivery Due: what has to be delivered, what can be delivered now, and when the rest comes.

1. Open is what ERPNext says: ordered less delivered, of submitted orders that are neither closed nor on hold. What a
   supplier delivers, and orders ERPNext makes no delivery note for, are not listed.
2. The stock at hand is shared out by the day of delivery, then by the order's date: nothing is promised twice. All
   orders of the company compete; only those the person may read are listed.
3. Deliverable now is what lies in the row's warehouse, whole units where the unit asks for it; a bundle as far as its
   items go. Services need no stock.
4. Value is net, of what is open, in company currency.
5. At most 20 statements, whatever the number of rows.
"""

import frappe
from frappe import _
from frappe.utils import cint, flt

from crm_ext.report.columns import column, link
from crm_ext.supply import delivery
from crm_ext.supply.delivery_rules import (
	LATE,
	NEXT_WEEK,
	THIS_WEEK,
	TINY,
	TODAY,
	Days,
	OpenOrder,
	OpenRow,
	by_order,
)
from crm_ext.supply.model import BY_LEAD_TIME, BY_PRODUCTION, BY_PURCHASE, BY_STOCK

_COLORS = ["#59b68c", "#d9534f"]


def execute(filters: dict | None = None) -> tuple:
	"""Columns, rows, message, chart, summary."""
	frappe.has_permission("Sales Order", "read", throw=True)
	filters = frappe._dict(filters or {})
	asked = delivery.ask(filters)
	per_order = filters.get("group_by") != "Row"
	rows = delivery.read(asked)
	currency = frappe.get_cached_value("Company", asked.company, "default_currency")
	orders = by_order(rows)
	if per_order:
		found = [_order(order, asked.days) for order in orders]
	else:
		found = [_row(row, asked.days) for row in rows]
	for row in found:
		row["currency"] = currency
	columns = _columns(per_order)
	if not rows:
		return columns, [], None, None, None
	return columns, found, None, _chart(rows, asked.days, currency), _summary(rows, asked.days, currency)


# Columns


def _columns(per_order: bool) -> list[dict]:
	return [
		column("deliver_on", _("Delivery Date"), "Date", 125),
		column("days_late", _("Days Late"), "Int", 100),
		column("sales_order", _("Sales Order"), "Link", 200, options="Sales Order"),
		link("customer", _("Customer"), 150, "Customer"),
		column("standing", _("Can Be Delivered"), "Data", 140),
		column("draft", _("Draft Note"), "Data", 150),
		*(_order_columns() if per_order else _row_columns()),
		column("comes_on", _("Rest Comes On"), "Date", 135),
		column("comes_from", _("Comes From"), "Data", 110),
		column("source_name", _("Comes With"), "Dynamic Link", 160, options="source_type"),
		column("value", _("Value to Deliver"), "Currency", 130, options="currency"),
		link("deal", _("Deal"), 140, "Deal"),
		column("sellers", _("Sales Person"), "Data", 140),
		column("customer_name", _("Customer Name"), "Data", 150),
		column("source_type", _("Kind of Supply"), "Data", 120, hidden=1),
		column("currency", _("Currency"), "Data", 80, hidden=1),
	]


def _order_columns() -> list[dict]:
	return [
		column("items", _("Item"), "Data", 180),
		column("rows", _("Open Rows"), "Int", 115),
		column("rows_deliverable", _("Deliverable Now"), "Int", 150),
		column("rows_short", _("Short"), "Int", 80),
	]


def _row_columns() -> list[dict]:
	return [
		link("item_code", _("Item"), 160, "Item"),
		column("open_qty", _("Still to Deliver"), "Float", 135),
		column("deliverable", _("Deliverable Now"), "Float", 150),
		column("short", _("Short"), "Float", 90),
		column("stock_uom", _("UOM"), "Data", 70),
		column("item_name", _("Item Name"), "Data", 150),
		column("warehouse", _("Warehouse"), "Data", 140),
	]


# Rows


def _row(row: OpenRow, days: Days) -> dict:
	source_type, source_name = row.source or (None, None)
	return {
		"deliver_on": row.deliver_on,
		"days_late": max(0, (days.today - row.deliver_on).days) or None,
		"sales_order": row.order,
		"customer": row.customer,
		"customer_name": row.customer_name,
		"deal": row.deal,
		"item_code": row.item_code,
		"item_name": row.item_name,
		"warehouse": row.warehouse,
		"open_qty": row.open_qty,
		"deliverable": row.deliverable,
		"short": row.short or None,
		"stock_uom": row.stock_uom,
		"short_now": row.short > TINY,
		**_standing([row]),
		"comes_on": row.comes_on,
		"comes_from": _supplies().get(row.comes_by),
		"overdue_supply": bool(row.short > TINY and row.availability and row.availability.overdue_supply),
		"source_type": source_type,
		"source_name": source_name,
		"value": flt(row.value, 2),
		"draft": ", ".join(row.notes),
		"sellers": ", ".join(row.sellers),
		"order_rows": [row.name],
	}


def _order(order: OpenOrder, days: Days) -> dict:
	first, short = order.rows[0], order.short_rows
	# What the whole order waits for: the row that comes last.
	last = max(short, key=lambda row: (row.comes_on is None, row.comes_on or row.deliver_on), default=first)
	return _row(last, days) | {
		"deliver_on": order.deliver_on,
		"days_late": max(0, (days.today - order.deliver_on).days) or None,
		"items": first.item_code if len(order.rows) == 1 else _("{0} and more").format(first.item_code),
		"rows": len(order.rows),
		"rows_deliverable": sum(row.is_deliverable for row in order.rows),
		"rows_short": len(short) or None,
		"short_now": bool(short),
		**_standing(order.rows),
		"comes_on": order.comes_on,
		"value": flt(order.value, 2),
		"draft": ", ".join(sorted({note for row in order.rows for note in row.notes})),
		"order_rows": [row.name for row in order.rows],
	}


def _standing(rows: list[OpenRow]) -> dict:
	"""In words, and a key for its color."""
	if not any(row.is_deliverable for row in rows):
		return {"standing": _("Nothing Yet"), "standing_key": "nothing"}
	if any(row.short > TINY for row in rows):
		return {"standing": _("In Part"), "standing_key": "part"}
	return {"standing": _("Wholly"), "standing_key": "all"}


def _supplies() -> dict[str | None, str]:
	return {
		BY_STOCK: _("Stock"),
		BY_PURCHASE: _("Purchase"),
		BY_PRODUCTION: _("Production"),
		BY_LEAD_TIME: _("Lead Time"),
	}


# Above and below the table


def _periods() -> dict[str | None, str]:
	return {
		LATE: _("Late"),
		TODAY: _("Today"),
		THIS_WEEK: _("Rest of This Week"),
		NEXT_WEEK: _("Next Week"),
		None: _("Later"),
	}


def _chart(rows: list[OpenRow], days: Days, currency: str) -> dict:
	"""Value by when it is due, what can be delivered now beside what cannot. A day belongs to its narrowest period."""
	now = dict.fromkeys(_periods(), 0.0)
	short = dict.fromkeys(_periods(), 0.0)
	for row in rows:
		period = days.period_of(row.deliver_on)
		share = row.deliverable / row.open_qty
		now[period] += row.value * share
		short[period] += row.value * (1 - share)
	return {
		"data": {
			"labels": list(_periods().values()),
			"datasets": [
				{"name": _("Deliverable Now"), "values": [flt(value, 2) for value in now.values()]},
				{"name": _("Short"), "values": [flt(value, 2) for value in short.values()]},
			],
		},
		"type": "bar",
		"barOptions": {"stacked": 1},
		"fieldtype": "Currency",
		"options": "currency",
		"currency": currency,
		"colors": _COLORS,
	}


def _summary(rows: list[OpenRow], days: Days, currency: str) -> list[dict]:
	summary = []
	for period, label, orders_label, color in (
		(LATE, _("Late"), _("Orders Late"), "Red"),
		(TODAY, _("Due Today"), _("Orders Due Today"), "Orange"),
		(THIS_WEEK, _("Due This Week"), _("Orders Due This Week"), "Blue"),
	):
		due = [row for row in rows if days.within(period, row.deliver_on)]
		value = flt(sum(row.value for row in due), 2)
		summary += [
			{
				"label": orders_label,
				"value": cint(len({row.order for row in due})),
				"datatype": "Int",
				"indicator": color if due else "Green",
			},
			{
				"label": label,
				"value": value,
				"datatype": "Currency",
				"currency": currency,
				"indicator": color if due else "Green",
			},
		]
	return summary
