"""Pipeline Demand: what open quotations and opportunities, weighted by probability, will want beside the orders.

Checks no permission; the report and the endpoints do. Only `request` writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import frappe
from frappe import _
from frappe.core.doctype.user_permission.user_permission import get_user_permissions
from frappe.permissions import get_allowed_docs_for_doctype
from frappe.utils import cint, flt, getdate, nowdate

from crm_ext.supply import demand_queries as queries
from crm_ext.supply import demand_sources as sources
from crm_ext.supply.demand_queries import Item
from crm_ext.supply.demand_rules import MONTH, WEEK, Flow, Plan, calendar, plan
from crm_ext.supply.demand_sources import BOTH, OPPORTUNITIES, QUOTATIONS, Ask

# What a table in a browser can show.
MOST_MONTHS = {MONTH: 24, WEEK: 12}
_MONTHS = 6


@dataclass(frozen=True, slots=True)
class Demand:
	"""Items with demand, supply or too little stock, and what is to be done about each."""

	ask: Ask
	items: Mapping[str, Item]
	plans: Mapping[str, Plan]


def ask(filters: Mapping) -> Ask:
	"""Filters as the browser sends them, checked; raises frappe.ValidationError and, for a company or a warehouse that is
	not the person's, frappe.PermissionError."""
	filters = frappe._dict(filters)
	for name in ("company", "warehouse", "item_group", "item_code", "brand", "supplier", "period", "include"):
		if filters.get(name) and not isinstance(filters[name], str):
			frappe.throw(_("Choose one value for {0}.").format(_(frappe.unscrub(name))))
	if not filters.company:
		frappe.throw(_("Choose a company."))
	check_company(filters.company)
	unit, include = filters.period or MONTH, filters.include or BOTH
	if unit not in MOST_MONTHS or include not in (BOTH, OPPORTUNITIES, QUOTATIONS):
		frappe.throw(_("Unknown filter {0}.").format(unit if unit not in MOST_MONTHS else include))
	months = cint(filters.months) or _MONTHS
	if not 1 <= months <= MOST_MONTHS[unit]:
		frappe.throw(_("Choose 1 to {0} months.").format(MOST_MONTHS[unit]))
	return Ask(
		company=filters.company,
		periods=calendar(getdate(nowdate()), unit, months),
		include=include,
		min_probability=flt(filters.min_probability),
		include_expired=bool(cint(filters.include_expired)),
		warehouses=_allowed(queries.warehouses(filters.company, filters.warehouse)),
		by_warehouse=_is_narrower(filters.company, filters.warehouse),
		item_code=filters.item_code or None,
		item_groups=_below("Item Group", filters.item_group),
		brand=filters.brand or None,
		supplier=filters.supplier or None,
		stages=queries.stage_probabilities(),
	)


def check_company(company: str) -> None:
	"""The report's roles need no right to the company itself, but a user permission on companies holds."""
	allowed = _permitted("Company")
	if allowed and company not in allowed:
		raise frappe.PermissionError(_("No permission for {0} {1}").format(_("Company"), company))


def _allowed(warehouses: tuple[str, ...]) -> tuple[str, ...]:
	allowed = _permitted("Warehouse")
	return tuple(name for name in warehouses if name in allowed) or ("",) if allowed else warehouses


def _permitted(doctype: str) -> list[str]:
	"""What user permissions leave of a DocType; empty: everything."""
	return get_allowed_docs_for_doctype(get_user_permissions().get(doctype, []), "Bin")


def _below(doctype: str, name: str | None) -> tuple[str, ...] | None:
	return (name, *frappe.db.get_descendants(doctype, name)) if name else None


def _is_narrower(company: str, warehouse: str | None) -> bool:
	"""Whether less than all of the company is asked for: rows of the pipeline that name no warehouse are then left out."""
	if not warehouse:
		return False
	of_company, parent = frappe.db.get_value("Warehouse", warehouse, ("company", "parent_warehouse")) or (
		None,
		None,
	)
	if of_company != company:
		frappe.throw(_("Warehouse {0} is not of company {1}.").format(warehouse, company))
	return bool(parent)


def read(asked: Ask) -> Demand:
	"""Return the plan of each item, in seven statements at most, whatever the number of documents."""
	items = queries.items(asked)
	if _is_narrow(asked):
		asked = replace(asked, only=tuple(items) or ("",))
	bins = queries.bins(asked)
	flows = _flows(asked, items)
	for item_code, (_on_hand, held, _value) in bins.items():
		if held and item_code in items:
			flows[item_code][0].orders += held
	known, plans = {}, {}
	for name, item in items.items():
		on_hand, _held, value = bins.get(name) or (0.0, 0.0, 0.0)
		if name not in flows and on_hand >= item.facts.safety_stock:
			continue
		cost = value / on_hand if on_hand > 0 and value > 0 else item.facts.cost
		facts = replace(item.facts, on_hand=on_hand, cost=cost)
		known[name] = replace(item, facts=facts)
		plans[name] = plan(facts, flows.get(name) or {}, asked.periods)
	return Demand(asked, known, plans)


def _is_narrow(asked: Ask) -> bool:
	return bool(asked.item_code or asked.item_groups or asked.brand or asked.supplier)


def _flows(asked: Ask, items: Mapping[str, Item]) -> dict[str, dict[int, Flow]]:
	found: dict[str, dict[int, Flow]] = defaultdict(lambda: defaultdict(Flow))
	names = {"Quotation": "quoted", "Opportunity": "expected"}
	weighted = {names[doctype]: source for doctype, source in sources.pipeline(asked).items()}
	for name, source in {**weighted, "orders": sources.orders(asked)}.items():
		for item_code, period, _qty, counted in queries.grouped(source, asked):
			if item_code in items and (name == "orders" or not items[item_code].drop_shipped):
				flow = found[item_code][period]
				setattr(flow, name, getattr(flow, name) + counted)
	for item_code, period, supply, requested in queries.grouped_supply(asked):
		if item_code in items:
			found[item_code][period].supply += supply
			found[item_code][period].requested += requested
	return found


# Behind a figure

KINDS = {
	"quoted": "Quotation",
	"expected": "Opportunity",
	"orders": "Sales Order",
	"supply": None,
	"requested": None,
}


def behind(asked: Ask, item_code: str, kind: str, period: int | None) -> tuple[list[dict], dict]:
	"""Documents behind a figure, as far as the person may read them, and what the others come to.

	`period`: None for all shown. Rows: {"doctype", "name", "party", "qty", "weighted"}; the rest: {"documents", "weighted"}.
	"""
	asked = replace(asked, only=(item_code,))
	by_doctype: dict[str, list[tuple[str, float, float]]] = {}
	if kind in ("supply", "requested"):
		for doctype, *row in queries.supply_documents(asked, period):
			if (doctype == "Material Request") == (kind == "requested"):
				by_doctype.setdefault(doctype, []).append(tuple(row))
	else:
		source = {"quoted": sources.quotations, "expected": sources.opportunities, "orders": sources.orders}[
			kind
		]
		by_doctype[KINDS[kind]] = queries.documents(source(asked), asked, period)
	shown, rest = [], {"documents": 0, "weighted": 0.0}
	for doctype, rows in by_doctype.items():
		readable = _readable(doctype, [name for name, *_figures in rows])
		for name, qty, weighted in rows:
			if name in readable:
				party = readable[name]
				shown.append(
					{"doctype": doctype, "name": name, "party": party, "qty": qty, "weighted": weighted}
				)
			else:
				rest["documents"] += 1
				rest["weighted"] += weighted
	return shown, rest


_PARTY = {
	"Opportunity": "customer_name",
	"Purchase Order": "supplier_name",
	"Quotation": "customer_name",
	"Sales Order": "customer_name",
	"Subcontracting Order": "supplier_name",
}


def _readable(doctype: str, names: Sequence[str]) -> dict[str, str | None]:
	"""Of these documents those the person may read, with whom they are of."""
	if not names or not frappe.has_permission(doctype, "read"):
		return {}
	party = _PARTY.get(doctype)
	rows = frappe.get_list(
		doctype,
		filters={"name": ("in", names)},
		fields=["name", *([party] if party else [])],
		order_by="name",
		limit=0,
	)
	return {row.name: row.get(party) if party else None for row in rows}


# Material Request


def drafts(company: str, items: Sequence[str]) -> list[dict]:
	"""What drafts of Material Requests and Purchase Orders hold of these items: no figure counts them. Names only of those
	the person may read."""
	rows = queries.drafts(company, items)
	readable = {
		doctype: _readable(doctype, [row["name"] for row in rows if row["doctype"] == doctype])
		for doctype in ("Material Request", "Purchase Order")
	}
	return [row if row["name"] in readable[row["doctype"]] else {**row, "name": None} for row in rows]


def request(company: str, rows: Sequence[Mapping], warehouse: str | None = None) -> list[str]:
	"""Make drafts of Material Requests, one for what is bought and one for what is made; returns their names.

	Rows: {"item_code", "qty" (stock unit), "schedule_date"}. `warehouse` where an item has none of its own. The person's
	permission to create is checked by the insert.
	"""
	asked = Ask(company, calendar(getdate(nowdate()), MONTH, 1), only=tuple(row["item_code"] for row in rows))
	items = queries.items(asked)
	by_type: dict[str, list[dict]] = {}
	for row in rows:
		item = items.get(row["item_code"])
		qty = flt(row["qty"])
		if not item or qty <= 0:
			frappe.throw(_("Row {0}: choose an item kept in stock and a quantity.").format(row["item_code"]))
		by_type.setdefault("Manufacture" if item.facts.is_made else "Purchase", []).append(
			{
				"item_code": item.name,
				"qty": qty,
				"uom": item.uom,
				"conversion_factor": 1,
				"schedule_date": max(getdate(row["schedule_date"]), getdate(nowdate())),
				"warehouse": item.warehouse or warehouse,
			}
		)
	return [_insert(company, kind, found) for kind, found in sorted(by_type.items(), reverse=True)]


def _insert(company: str, kind: str, rows: list[dict]) -> str:
	without = sorted({row["item_code"] for row in rows if not row["warehouse"]})
	if without:
		frappe.throw(
			_("Choose a warehouse; these items have none of their own: {0}").format(", ".join(without[:10]))
		)
	doc = frappe.get_doc(
		{
			"doctype": "Material Request",
			"material_request_type": kind,
			"company": company,
			"transaction_date": nowdate(),
			"schedule_date": min(row["schedule_date"] for row in rows),
			"items": sorted(rows, key=lambda row: (row["schedule_date"], row["item_code"])),
		}
	)
	doc.run_method("set_missing_values")
	return doc.insert().name
