"""Statements behind Pipeline Demand. Reads in sets, writes nothing, checks no permission: callers do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import frappe
from frappe.utils import cint

from crm_ext.supply.demand_rules import Facts
from crm_ext.supply.demand_sources import Ask, in_warehouses, named, supply
from crm_ext.supply.shortage_rules import Lot

# Groups of many items and months are kept in memory (16 MB by default, then MariaDB writes them to disk) and not sorted.
_GROUPED = "SET STATEMENT tmp_memory_table_size = 268435456, max_heap_table_size = 268435456 FOR"


@dataclass(frozen=True, slots=True)
class Item:
	"""What the report shows of an item beside its figures."""

	name: str
	item_name: str
	item_group: str
	brand: str | None
	supplier: str | None
	uom: str
	warehouse: str | None
	drop_shipped: bool
	facts: Facts


def stage_probabilities() -> dict[str, float]:
	"""By what brings a deal to the stage: its probability in percent."""
	return dict(
		frappe.get_all(
			"Deal Stage",
			filters={"reached_by": ("is", "set")},
			fields=["reached_by", "probability"],
			order_by="sequence",
			as_list=True,
		)
	)


def warehouses(company: str, chosen: str | None) -> tuple[str, ...]:
	"""Return the warehouses below the one chosen, or all of the company; like availability, not disabled or rejected ones."""
	rows = frappe.db.sql(
		"""SELECT leaf.name FROM `tabWarehouse` leaf
		LEFT JOIN `tabWarehouse` top ON top.name = %(chosen)s
		WHERE leaf.company = %(company)s AND leaf.is_group = 0
			AND (leaf.name = top.name OR leaf.disabled = 0 AND leaf.is_rejected_warehouse = 0)
			AND (top.name IS NULL OR leaf.lft >= top.lft AND leaf.rgt <= top.rgt)""",
		{"company": company, "chosen": chosen},
	)
	return tuple(name for (name,) in rows) or ("",)


# Items and stock


def items(ask: Ask, with_disabled: bool = False) -> dict[str, Item]:
	"""Return the items asked for that are kept in stock and still in use; what is on hand is not in their facts yet."""
	conditions = ["i.is_stock_item = 1", "i.has_variants = 0"]
	if not with_disabled:
		conditions.append("i.disabled = 0")
	for condition, value in (
		("i.name = %(item_code)s", ask.item_code),
		("i.item_group IN %(item_groups)s", ask.item_groups),
		("i.brand = %(brand)s", ask.brand),
		("d.default_supplier = %(supplier)s", ask.supplier),
	):
		if value:
			conditions.append(condition)
	settings = frappe.get_cached_doc("CRM Ext Settings")
	lead_days = cint(settings.supply_lead_days)
	rows = frappe.db.sql(
		f"""SELECT i.name, i.item_name, i.item_group, i.brand, d.default_supplier, i.stock_uom, d.default_warehouse,
			i.safety_stock, i.lead_time_days, i.min_order_qty, i.valuation_rate, i.last_purchase_rate,
			i.default_material_request_type = 'Manufacture' AND IFNULL(i.default_bom, '') != '', i.delivered_by_supplier,
			(SELECT c.conversion_factor FROM `tabUOM Conversion Detail` c WHERE c.parent = i.name
				AND c.parenttype = 'Item' AND c.uom = i.purchase_uom LIMIT 1),
			i.purchase_uom IN (SELECT name FROM `tabUOM` WHERE must_be_whole_number = 1),
			i.stock_uom IN (SELECT name FROM `tabUOM` WHERE must_be_whole_number = 1)
		FROM `tabItem` i
		LEFT JOIN `tabItem Default` d ON d.parent = i.name AND d.parenttype = 'Item' AND d.company = %(company)s
		WHERE {" AND ".join(conditions)}{named(ask, "i.name")}""",
		ask.params,
	)
	found = {}
	for name, title, group, brand, supplier, uom, warehouse, safety, lead, least, *rest in rows:
		rate, last_rate, made, drop_shipped, factor, whole, whole_stock = rest
		lot = Lot(
			1.0 if made else factor or 1.0,
			bool(whole and not made),
			bool(whole_stock),
			0.0 if made else least,
		)
		found[name] = Item(
			name,
			title,
			group,
			brand,
			supplier,
			uom,
			warehouse,
			bool(drop_shipped),
			Facts(
				safety_stock=safety if cint(settings.supply_safety_stock) else 0.0,
				lead_days=cint(lead) or lead_days,
				is_made=bool(made),
				lot=lot,
				cost=rate or last_rate or 0.0,
			),
		)
	return found


def bins(ask: Ask) -> dict[str, tuple[float, float, float]]:
	"""By item: on hand, held by production and subcontracting, value of the stock (company currency)."""
	rows = frappe.db.sql(
		f"""SELECT b.item_code, SUM(b.actual_qty), SUM(b.reserved_qty_for_production
			+ b.reserved_qty_for_sub_contract + b.reserved_qty_for_production_plan), SUM(b.stock_value)
		FROM `tabBin` b WHERE 1 = 1{in_warehouses("b.warehouse")}{named(ask, "b.item_code")}
		GROUP BY b.item_code""",
		ask.params,
	)
	return {item_code: (float(qty), float(held), float(value)) for item_code, qty, held, value in rows}


def grouped_supply(ask: Ask) -> list[tuple[str, int, float, float]]:
	"""By item and period: what is ordered or being made, and what is only requested."""
	rows = frappe.db.sql(
		f"""{_GROUPED} SELECT item_code, period, SUM(IF(kind != 'Material Request', qty, 0)),
			SUM(IF(kind = 'Material Request', qty, 0))
		FROM ({supply(ask)}) x GROUP BY item_code, period ORDER BY NULL""",
		ask.params,
	)
	return [
		(item_code, int(period), float(ordered), float(asked)) for item_code, period, ordered, asked in rows
	]


def grouped(source: str, ask: Ask) -> list[tuple[str, int, float, float]]:
	"""By item and period: quantity, and quantity weighted by probability."""
	rows = frappe.db.sql(
		f"{_GROUPED} SELECT item_code, period, SUM(qty), SUM(weighted) FROM ({source}) x GROUP BY item_code, period ORDER BY NULL",
		ask.params,
	)
	return [
		(item_code, int(period), float(qty), float(weighted)) for item_code, period, qty, weighted in rows
	]


def documents(source: str, ask: Ask, period: int | None) -> list[tuple[str, float, float]]:
	"""Documents behind a figure: name, quantity, weighted quantity; those that weigh most come first."""
	where = "" if period is None else " WHERE period = %(period)s"
	rows = frappe.db.sql(
		f"""SELECT document, SUM(qty), SUM(weighted) FROM ({source}) x{where}
		GROUP BY document ORDER BY SUM(weighted) DESC, document""",
		{**ask.params, "period": period},
	)
	return [(name, float(qty), float(weighted)) for name, qty, weighted in rows]


def supply_documents(ask: Ask, period: int | None) -> list[tuple[str, str, float, float]]:
	"""As `documents`, of what is ordered, being made or requested: DocType, name, quantity twice."""
	where = "" if period is None else " WHERE period = %(period)s"
	rows = frappe.db.sql(
		f"""SELECT kind, document, SUM(qty) FROM ({supply(ask)}) x{where}
		GROUP BY kind, document ORDER BY MIN(period), document""",
		{**ask.params, "period": period},
	)
	return [(kind, name, float(qty), float(qty)) for kind, name, qty in rows]


def drafts(company: str, items: Sequence[str]) -> list[dict]:
	"""What drafts ask for of these items, in stock units."""
	return frappe.db.sql(
		"""SELECT 'Material Request' doctype, v.name, r.item_code, SUM(r.stock_qty) qty
		FROM `tabMaterial Request Item` r JOIN `tabMaterial Request` v ON v.name = r.parent
		WHERE r.item_code IN %(items)s AND v.docstatus = 0 AND v.company = %(company)s
			AND v.material_request_type IN ('Purchase', 'Manufacture')
		GROUP BY v.name, r.item_code
		UNION ALL
		SELECT 'Purchase Order', v.name, r.item_code, SUM(r.qty * r.conversion_factor)
		FROM `tabPurchase Order Item` r JOIN `tabPurchase Order` v ON v.name = r.parent
		WHERE r.item_code IN %(items)s AND v.docstatus = 0 AND v.company = %(company)s
		GROUP BY v.name, r.item_code ORDER BY 3, 1, 2""",
		{"company": company, "items": list(items) or [""]},
		as_dict=True,
	)
