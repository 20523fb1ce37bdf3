# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt
"""Pipeline Demand: what sales will want of each item beside the orders, against what will be there.

1. Projected stock at the end of a period = stock - safety stock + supply and requests so far - orders, and what production
   holds, so far - open quotations and opportunities so far, weighted by probability. On hand, orders and supply are ERPNext's
   Bin, Sales Orders, Purchase Orders and Work Orders.
2. Probability: the opportunity's own where somebody set it (ERPNext writes 100 into every new one, which says nothing),
   else that of its deal's stage; of a quotation always that of its deal's stage, Quoted once the deal is won in part.
3. Each demand counts once: see `supply.demand_sources`.
4. What to buy is the least that keeps projected stock from falling below the safety stock, in purchase units and at least
   the minimum, of what can still come in time; what is missing only until open supply comes is not bought twice.
5. Bundles count as their parts. Of what is made, the item itself is to make; its raw materials are not looked at.
6. Buyers see figures of all documents, whoever holds them; names only of those they may read.
7. "Slow Movers" lists stock that has not left for long and that nobody has in the pipeline.
"""

import frappe
from frappe import _
from frappe.utils import cint, flt, formatdate

from crm_ext.report.columns import column, link
from crm_ext.supply import demand, demand_rules, slow_movers
from crm_ext.supply.demand import Demand
from crm_ext.supply.demand_rules import ADVICE, BUY, EARLIER, FLOWS, MAKE, NOT_TO_BUY, WEEK, Plan

# Rows a browser shows without delay.
LIMIT = 7_000
SLOW_MOVERS = "Slow Movers"
_CHARTED_GROUPS = 10


def execute(filters: dict | None = None) -> tuple:
	"""Columns, rows, message, chart, summary."""
	frappe.has_permission("Bin", "read", throw=True)
	filters = frappe._dict(filters or {})
	asked = demand.ask(filters)
	currency = frappe.get_cached_value("Company", asked.company, "default_currency")
	if filters.show == SLOW_MOVERS:
		return _slow_movers(asked, currency)
	found = demand.read(asked)
	columns = _columns(found)
	if not found.plans:
		return columns, [], None, None, None
	names = _sorted(found, _advices(filters.advice))
	shown = names[: max(1, LIMIT // (asked.periods.count + 1))]
	rows = [row for name in shown for row in _rows(found, name, currency)]
	message = None
	if len(shown) < len(names):
		message = _("Only the first {0} of {1} items are listed; choose an item group or a supplier.").format(
			len(shown), len(names)
		)
	return columns, rows, message, _chart(found, currency), _summary(found, currency)


def _advices(advice: str | None) -> tuple[str, ...]:
	if not advice:
		return ADVICE
	if advice not in ADVICE:
		frappe.throw(_("Unknown filter {0}.").format(advice))
	return (BUY, MAKE) if advice == BUY else (advice,)


def _sorted(found: Demand, advices: tuple[str, ...]) -> list[str]:
	"""First what has to be ordered first, of the same day the most valuable; then what not to buy, the most first."""

	def key(name: str) -> tuple:
		one, cost = found.plans[name], found.items[name].facts.cost
		rank = 0 if one.advice == MAKE else ADVICE.index(one.advice)
		if one.buy:
			return rank, one.order_on, -one.buy * cost, name
		return rank, found.ask.periods.today, -(one.too_much or one.surplus) * cost, name

	return sorted((name for name in found.plans if found.plans[name].advice in advices), key=key)


# Columns


def _of_item() -> list[dict]:
	return [
		link("item_group", _("Item Group"), 130, "Item Group"),
		link("brand", _("Brand"), 100, "Brand"),
		link("supplier", _("Default Supplier"), 150, "Supplier"),
	]


def _columns(found: Demand) -> list[dict]:
	return [
		link("item_code", _("Item"), 200, "Item"),
		column("period", _("Week") if found.ask.periods.unit == WEEK else _("Month"), "Data", 95),
		column("advice", _("Advice"), "Data", 130),
		column("buy", _("To Buy or Make"), "Float", 145),
		column("order_on", _("Order By", context="Pipeline Demand"), "Date", 120),
		column("needed_on", _("Needed On"), "Date", 120),
		column("quoted", _("Quotations, Weighted"), "Float", 180),
		column("expected", _("Opportunities, Weighted"), "Float", 200),
		column("orders", _("Orders"), "Float", 100),
		column("supply", _("Ordered and in Production"), "Float", 185),
		column("requested", _("Requested", context="Pipeline Demand"), "Float", 105),
		column("projected", _("Projected Stock"), "Float", 125),
		column("on_hand", _("On Hand"), "Float", 100),
		column("safety_stock", _("Safety Stock"), "Float", 105),
		column("surplus", _("More Than Needed"), "Float", 140),
		column("too_much", _("Of That on Order"), "Float", 130),
		column("cover", _("Months of Cover"), "Float", 130) | {"precision": 1},
		column("buy_value", _("Value at Cost"), "Currency", 120, "currency"),
		link("uom", _("Stock UOM"), 90, "UOM"),
		column("item_name", _("Item Name"), "Data", 160),
		*_of_item(),
		column("currency", _("Currency"), "Data", 80) | {"hidden": 1},
	]


# Rows


def _rows(found: Demand, name: str, currency: str) -> list[dict]:
	"""The item, and below it its periods. On the item's row flows are of all periods and projected stock is the lowest."""
	one, item = found.plans[name], found.items[name]
	same = {"item_code": name, "uom": item.uom, "currency": currency}
	top = {
		**same,
		"indent": 0,
		"item_name": item.item_name,
		"item_group": item.item_group,
		"brand": item.brand,
		"supplier": item.supplier,
		"warehouse": item.warehouse,
		"advice": one.advice,
		"late": one.late,
		"buy": one.buy or None,
		"order_on": one.order_on,
		"needed_on": next((step.needed_on for step in one.steps if step.buy), None),
		**{key: sum(getattr(step.flow, key) for step in one.steps) for key in FLOWS},
		"projected": one.lowest,
		"on_hand": item.facts.on_hand,
		"safety_stock": item.facts.safety_stock,
		"surplus": one.surplus or None,
		"too_much": one.too_much or None,
		"cover": one.cover,
		"buy_value": one.buy * item.facts.cost or None,
	}
	below = [
		{
			**same,
			"indent": 1,
			"number": step.number,
			"period": _label(found, step.number),
			"buy": step.buy or None,
			"order_on": step.order_on,
			"needed_on": step.needed_on,
			**{key: getattr(step.flow, key) for key in FLOWS},
			"projected": step.projected,
			"buy_value": step.buy * item.facts.cost or None,
		}
		for step in one.steps
	]
	return [top, *below]


def _label(found: Demand, number: int) -> str:
	first = found.ask.periods.start(number)
	return formatdate(first) if found.ask.periods.unit == WEEK else f"{first.year}-{first.month:02d}"


# Above and below the table


def _chart(found: Demand, currency: str) -> dict:
	"""In money, because units do not add up; of one item in its unit."""
	single = len(found.plans) == 1
	count = found.ask.periods.count
	flows = demand_rules.totals(
		((one, 1.0 if single else found.items[name].facts.cost) for name, one in found.plans.items()), count
	)
	chart = {
		"data": {
			"labels": [_label(found, number) for number in range(count)],
			"datasets": [
				{"name": label, "chartType": kind, "values": [flt(value(flow), 2) for flow in flows]}
				for label, kind, value in (
					(_("Orders"), "bar", lambda flow: flow.orders),
					(_("Pipeline, Weighted"), "bar", lambda flow: flow.quoted + flow.expected),
					(
						_("Ordered, in Production and Requested"),
						"bar",
						lambda flow: flow.supply + flow.requested,
					),
				)
			],
		},
		"type": "bar",
		"colors": ["#4c86d9", "#f2994a", "#59b68c"],
		"fieldtype": "Float" if single else "Currency",
	}
	return chart if single else chart | {"options": "currency", "currency": currency}


def _summary(found: Demand, currency: str) -> list[dict]:
	def money(label: str, value, color: str) -> dict:
		amount = sum(value(one) * found.items[name].facts.cost for name, one in found.plans.items())
		return {
			"label": label,
			"value": flt(amount, 2),
			"datatype": "Currency",
			"currency": currency,
			"indicator": color if amount else "Green",
		}

	def count(label: str, condition, color: str) -> dict:
		number = sum(1 for one in found.plans.values() if condition(one))
		return {"label": label, "value": number, "datatype": "Int", "indicator": color if number else "Green"}

	def weighted(one: Plan) -> float:
		return sum(step.flow.quoted + step.flow.expected for step in one.steps)

	return [
		money(_("Pipeline, Weighted"), weighted, "Blue"),
		count(_("Items to Buy or Make"), lambda one: one.buy, "Orange"),
		money(_("To Buy or Make"), lambda one: one.buy, "Orange"),
		count(_("Should Be Ordered Already"), lambda one: one.late, "Red"),
		count(_("Items Not to Buy"), lambda one: one.advice == NOT_TO_BUY, "Grey"),
		money(_("On Order and Not Needed"), lambda one: one.too_much, "Red"),
		count(_("To Be Delivered Earlier"), lambda one: one.advice == EARLIER, "Orange"),
	]


# Slow movers


def _slow_movers(asked: demand.Ask, currency: str) -> tuple:
	columns = [
		link("item_code", _("Item"), 220, "Item"),
		column("item_name", _("Item Name"), "Data", 200),
		column("value", _("Stock Value"), "Currency", 130, "currency"),
		column("share", _("Share of Stock (%)"), "Percent", 150),
		column("on_hand", _("On Hand"), "Float", 100),
		link("uom", _("Stock UOM"), 90, "UOM"),
		column("last_out", _("Last Delivery or Use"), "Date", 170),
		column("days", _("Days Since"), "Int", 100),
		column("last_in", _("Last Receipt", context="Pipeline Demand"), "Date", 120),
		*_of_item(),
		column("currency", _("Currency"), "Data", 80) | {"hidden": 1},
	]
	movers, total = slow_movers.read(asked)
	if not movers:
		return columns, [], None, None, None
	rows = [
		{
			"item_code": one.item.name,
			"item_name": one.item.item_name,
			"item_group": one.item.item_group,
			"brand": one.item.brand,
			"supplier": one.item.supplier,
			"uom": one.item.uom,
			"currency": currency,
			"on_hand": one.on_hand,
			"value": one.value,
			"share": 100 * one.value / total if total else None,
			"last_out": one.last_out,
			"days": (asked.periods.today - one.last_out).days if one.last_out else None,
			"last_in": one.last_in,
		}
		for one in movers[:LIMIT]
	]
	message = None
	if len(rows) < len(movers):
		message = _("Only the first {0} of {1} items are listed; choose an item group or a supplier.").format(
			len(rows), len(movers)
		)
	return columns, rows, message, _slow_chart(movers, currency), _slow_summary(movers, total, currency)


def _slow_chart(movers: list[slow_movers.SlowMover], currency: str) -> dict:
	values: dict[str, float] = {}
	for one in movers:
		values[one.item.item_group] = values.get(one.item.item_group, 0) + one.value
	groups = sorted(values, key=lambda group: -values[group])[:_CHARTED_GROUPS]
	return {
		"data": {
			"labels": groups,
			"datasets": [{"name": _("Stock Value"), "values": [flt(values[group], 2) for group in groups]}],
		},
		"type": "bar",
		"colors": ["#f2994a"],
		"fieldtype": "Currency",
		"options": "currency",
		"currency": currency,
	}


def _slow_summary(movers: list[slow_movers.SlowMover], total: float, currency: str) -> list[dict]:
	value = sum(one.value for one in movers)
	label = _("Not Delivered for {0} Days").format(cint(slow_movers.days()))
	return [
		{"label": label, "value": len(movers), "datatype": "Int", "indicator": "Orange"},
		{
			"label": _("Stock Value"),
			"value": flt(value, 2),
			"datatype": "Currency",
			"currency": currency,
			"indicator": "Orange",
		},
		{
			"label": _("Share of Stock"),
			"value": 100 * value / total if total else 0,
			"datatype": "Percent",
			"indicator": "Grey",
		},
	]
