"""Statements behind Pipeline Demand. Reads in sets, writes nothing, checks no permission: callers do.

What counts, each demand once:
- quotations: submitted, open, not expired unless asked for, rows that are no alternative, less what was ordered of them. Of
  several quotations of one deal that offer the same item the one that was ordered from counts, else the latest: a new
  offer usually repeats the old one. What only an older one offers stays, as long as it is open.
- opportunities: open, without a quotation that is open or was ordered from, and their deal is not won or lost
- of both nothing of items that the supplier delivers to the customer
- orders, purchases and requests: as ERPNext's Bin counts them
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import frappe
from frappe.utils import cint

from crm_ext.supply.demand_rules import WEEK, Calendar, Facts
from crm_ext.supply.shortage_rules import Lot

BOTH, OPPORTUNITIES, QUOTATIONS = "Both", "Opportunities", "Quotations"
# ERPNext puts this into every new opportunity, so it says nothing.
_UNTOUCHED = 100
_OPEN_QUOTATION = "('Open', 'Replied', 'Partially Ordered')"
_ORDERED_QUOTATION = "('Ordered', 'Partially Ordered')"
_OPEN_ORDER = "so.docstatus = 1 AND so.status NOT IN ('On Hold', 'Closed') AND so.company = %(company)s"
# Groups of many items and months are kept in memory (16 MB by default, then MariaDB writes them to disk) and not sorted.
_GROUPED = "SET STATEMENT tmp_memory_table_size = 268435456, max_heap_table_size = 268435456 FOR"
# Above this the items are not named in the statements; what is not asked for is dropped afterwards.
_NAMED_ITEMS = 1_000


@dataclass(frozen=True, slots=True)
class Ask:
	"""What is asked for. `warehouses`: those goods are promised from, of the one chosen where `by_warehouse`; `only`: items
	looked at, None for all.
	"""

	company: str
	periods: Calendar
	warehouses: tuple[str, ...] = ("",)
	by_warehouse: bool = False
	include: str = BOTH
	min_probability: float = 0.0
	include_expired: bool = False
	item_code: str | None = None
	item_groups: tuple[str, ...] | None = None
	brand: str | None = None
	supplier: str | None = None
	only: tuple[str, ...] | None = None
	stages: dict[str, float] = field(default_factory=dict)

	@property
	def params(self) -> dict:
		periods = self.periods
		return {
			"company": self.company,
			"today": periods.today,
			"first": periods.start(0),
			"first_month": periods.today.year * 100 + periods.today.month,
			"count": periods.count,
			"warehouses": self.warehouses,
			"item_code": self.item_code,
			"item_groups": self.item_groups,
			"brand": self.brand,
			"supplier": self.supplier,
			"items": self.only,
			"least": self.min_probability,
			"quoted": self.stages.get("Quotation", 0),
			"expected": self.stages.get("Opportunity", 0),
			"untouched": _UNTOUCHED,
		}


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
		WHERE {" AND ".join(conditions)}""",
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
		FROM `tabBin` b WHERE 1 = 1{_in_warehouses("b.warehouse")}{_named(ask, "b.item_code")}
		GROUP BY b.item_code""",
		ask.params,
	)
	return {item_code: (float(qty), float(held), float(value)) for item_code, qty, held, value in rows}


# Sources: SELECTs of rows with the columns item_code, period, qty, weighted, document


def quotations(ask: Ask) -> str:
	item = "COALESCE(b.item_code, r.item_code)"
	probability = "IF(s.kind = 'Open', s.probability, %(quoted)s)"
	return f"""SELECT {item} item_code, {_period(ask, "IFNULL(r.promise_date, q.valid_till)")} period,
			(r.stock_qty - r.ordered_qty) * IFNULL(b.qty, 1) qty,
			(r.stock_qty - r.ordered_qty) * IFNULL(b.qty, 1) * {probability} / 100 weighted, q.name document
		FROM `tabQuotation` q
		JOIN `tabQuotation Item` r ON r.parent = q.name
		{_OF_BUNDLES}
		LEFT JOIN `tabDeal` d ON d.name = q.deal
		LEFT JOIN `tabDeal Stage` s ON s.name = d.stage
		LEFT JOIN ({_replaced(ask)}) replaced ON replaced.name = r.name
		{_default_warehouse(ask, item)}
		WHERE {_live(ask, "q")} AND q.company = %(company)s AND replaced.name IS NULL
			AND r.is_alternative = 0 AND r.stock_qty > r.ordered_qty AND {probability} >= %(least)s
			AND (r.has_alternative_item = 0 OR q.status != 'Partially Ordered' OR NOT EXISTS (
				SELECT 1 FROM `tabQuotation Item` a
				WHERE a.parent = q.name AND a.is_alternative = 1 AND a.ordered_qty > 0))
			{_pipeline_warehouse(ask, "r.warehouse")}{_named(ask, item)}"""


def opportunities(ask: Ask) -> str:
	item = "COALESCE(b.item_code, r.item_code)"
	probability = """IF(o.probability > 0 AND o.probability != %(untouched)s, o.probability,
		IF(s.kind = 'Open', s.probability, %(expected)s))"""
	qty = f"r.qty * {_FACTOR} * IFNULL(b.qty, 1)"
	spoken_for = f"(n.status IN {_ORDERED_QUOTATION} AND n.docstatus = 1 OR {_live(ask, 'n')})"
	return f"""SELECT {item} item_code, {_period(ask, "IFNULL(r.promise_date, o.expected_closing)")} period, {qty} qty,
			{qty} * {probability} / 100 weighted, o.name document
		FROM `tabOpportunity` o
		JOIN `tabOpportunity Item` r ON r.parent = o.name AND r.parenttype = 'Opportunity'
		JOIN `tabItem` i ON i.name = r.item_code
		{_OF_BUNDLES}
		LEFT JOIN `tabDeal` d ON d.name = o.deal
		LEFT JOIN `tabDeal Stage` s ON s.name = d.stage
		{_default_warehouse(ask, item)}
		WHERE o.status IN ('Open', 'Replied', 'Quotation') AND o.docstatus < 2 AND o.company = %(company)s
			AND (d.name IS NULL OR d.status = 'Open') AND {probability} >= %(least)s
			AND NOT EXISTS (SELECT 1 FROM `tabQuotation` n WHERE n.opportunity = o.name AND {spoken_for})
			AND NOT EXISTS (SELECT 1 FROM `tabQuotation` n WHERE n.deal = o.deal AND {spoken_for})
			AND NOT EXISTS (SELECT 1 FROM `tabQuotation Item` m STRAIGHT_JOIN `tabQuotation` n ON n.name = m.parent
				WHERE m.prevdoc_docname = o.name AND m.prevdoc_doctype = 'Opportunity' AND {spoken_for})
			{_pipeline_warehouse(ask, "NULL")}{_named(ask, item)}"""


def orders(ask: Ask) -> str:
	"""What is still to be delivered, the parts of bundles too; adds up to Bin's Reserved Qty."""
	returned = frappe.db.get_single_value(
		"Selling Settings", "dont_reserve_sales_order_qty_on_sales_return", cache=True
	)
	opened = f"(r.qty - r.delivered_qty{' - r.returned_qty' if returned else ''}) / r.qty"
	still = (
		f"{_OPEN_ORDER} AND IFNULL(r.delivered_by_supplier, 0) = 0 AND r.qty > 0 AND r.qty >= r.delivered_qty"
	)
	period = _period(ask, "IFNULL(r.delivery_date, so.delivery_date)")
	return f"""SELECT r.item_code, {period} period, r.stock_qty * {opened} qty, r.stock_qty * {opened} weighted,
			so.name document
		FROM `tabSales Order` so JOIN `tabSales Order Item` r ON r.parent = so.name
		WHERE {still}{_in_warehouses("r.warehouse")}{_named(ask, "r.item_code")}
		UNION ALL
		SELECT p.item_code, {period} period, p.qty * {opened} qty, p.qty * {opened} weighted, so.name document
		FROM `tabSales Order` so JOIN `tabSales Order Item` r ON r.parent = so.name
		JOIN `tabPacked Item` p ON p.parent_detail_docname = r.name AND p.parenttype = 'Sales Order'
		WHERE {still} AND p.item_code != p.parent_item{_in_warehouses("p.warehouse")}{_named(ask, "p.item_code")}"""


def supply(ask: Ask) -> str:
	"""What is ordered, being made or only requested (`kind`), as Bin's Ordered, Planned and Requested Qty; a day that has
	passed counts as today."""
	parts = (
		(
			"'Purchase Order'",
			"r.item_code",
			"IFNULL(r.expected_delivery_date, r.schedule_date)",
			"(r.qty - r.received_qty) * r.conversion_factor",
			"""`tabPurchase Order` v JOIN `tabPurchase Order Item` r ON r.parent = v.name
		WHERE v.status NOT IN ('Closed', 'Delivered') AND r.qty > r.received_qty
			AND IFNULL(r.delivered_by_supplier, 0) = 0""",
			"r.warehouse",
		),
		(
			"'Subcontracting Order'",
			"r.item_code",
			"IFNULL(r.schedule_date, v.schedule_date)",
			"(r.qty - r.received_qty) * r.conversion_factor",
			"""`tabSubcontracting Order` v JOIN `tabSubcontracting Order Item` r ON r.parent = v.name
		WHERE v.status NOT IN ('Closed', 'Completed') AND r.qty > r.received_qty""",
			"r.warehouse",
		),
		(
			"'Work Order'",
			"v.production_item",
			"IFNULL(v.expected_delivery_date, DATE(v.planned_end_date))",
			"v.qty - v.produced_qty",
			"""`tabWork Order` v
		WHERE v.status NOT IN ('Stopped', 'Completed', 'Closed') AND v.qty > v.produced_qty""",
			"v.fg_warehouse",
		),
		(
			"'Material Request'",
			"r.item_code",
			"IFNULL(r.schedule_date, v.schedule_date)",
			"r.stock_qty - r.ordered_qty",
			"""`tabMaterial Request` v JOIN `tabMaterial Request Item` r ON r.parent = v.name
		WHERE v.status != 'Stopped' AND r.stock_qty > r.ordered_qty
			AND v.material_request_type IN ('Purchase', 'Manufacture', 'Customer Provided')""",
			"r.warehouse",
		),
	)
	return " UNION ALL ".join(
		f"""SELECT {item} item_code, {_period(ask, day)} period, {qty} qty, {qty} weighted, v.name document, {kind} kind
		FROM {rows} AND v.docstatus = 1 AND v.company = %(company)s{_in_warehouses(warehouse)}{_named(ask, item)}"""
		for kind, item, day, qty, rows, warehouse in parts
	)


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


def pipeline(ask: Ask) -> dict[str, str]:
	"""The sources asked for, by DocType."""
	found = {}
	if ask.include != OPPORTUNITIES:
		found["Quotation"] = quotations(ask)
	if ask.include != QUOTATIONS:
		found["Opportunity"] = opportunities(ask)
	return found


# Parts of statements

# A bundle is sold, its parts are kept.
_OF_BUNDLES = """LEFT JOIN `tabProduct Bundle` p ON p.new_item_code = r.item_code AND p.disabled = 0
		LEFT JOIN `tabProduct Bundle Item` b ON b.parent = p.name AND b.parenttype = 'Product Bundle'"""
# Opportunities keep no conversion factor: the item's, else that of its template, else the general one.
_FACTOR = """IF(IFNULL(r.uom, '') IN ('', i.stock_uom), 1, COALESCE(
		(SELECT c.conversion_factor FROM `tabUOM Conversion Detail` c
			WHERE c.parent = i.name AND c.uom = r.uom LIMIT 1),
		(SELECT c.conversion_factor FROM `tabUOM Conversion Detail` c
			WHERE c.parent = i.variant_of AND c.uom = r.uom LIMIT 1),
		(SELECT g.value FROM `tabUOM Conversion Factor` g WHERE g.from_uom = r.uom AND g.to_uom = i.stock_uom LIMIT 1),
		(SELECT 1 / g.value FROM `tabUOM Conversion Factor` g
			WHERE g.to_uom = r.uom AND g.from_uom = i.stock_uom LIMIT 1),
		1))"""


def _period(ask: Ask, day: str) -> str:
	"""Number of the period of a day; as `Calendar.number_of`."""
	day = f"GREATEST(IFNULL({day}, %(today)s), %(today)s)"
	if ask.periods.unit == WEEK:
		return f"LEAST(DATEDIFF({day}, %(first)s) DIV 7, %(count)s)"
	return f"LEAST(PERIOD_DIFF(EXTRACT(YEAR_MONTH FROM {day}), %(first_month)s), %(count)s)"


def _live(ask: Ask, table: str) -> str:
	if ask.include_expired:
		return f"({table}.docstatus = 1 AND {table}.status IN ('Open', 'Replied', 'Partially Ordered', 'Expired'))"
	return f"""({table}.docstatus = 1 AND {table}.status IN {_OPEN_QUOTATION}
		AND ({table}.valid_till IS NULL OR {table}.valid_till >= %(today)s))"""


def _replaced(ask: Ask) -> str:
	"""Rows of quotations for whose item another quotation of the same deal speaks."""
	speaks = f"(q.docstatus = 1 AND q.status = 'Ordered' OR {_live(ask, 'q')})"
	return f"""SELECT name FROM (
			SELECT r.name, RANK() OVER (PARTITION BY q.deal, r.item_code ORDER BY
				q.status IN {_ORDERED_QUOTATION} DESC, q.transaction_date DESC, q.creation DESC, q.name DESC) place
			FROM `tabQuotation` q JOIN `tabQuotation Item` r ON r.parent = q.name
			JOIN (SELECT q.deal FROM `tabQuotation` q WHERE q.deal != '' AND q.company = %(company)s AND {speaks}
				GROUP BY q.deal HAVING COUNT(*) > 1 AND SUM({_live(ask, "q")}) > 0) several ON several.deal = q.deal
			WHERE {speaks} AND r.is_alternative = 0
		) ranked WHERE place > 1"""


def _in_warehouses(column: str) -> str:
	return f" AND {column} IN %(warehouses)s"


def _default_warehouse(ask: Ask, item: str) -> str:
	if not ask.by_warehouse:
		return ""
	return f"""LEFT JOIN `tabItem Default` w ON w.parent = {item} AND w.parenttype = 'Item'
			AND w.company = %(company)s"""


def _pipeline_warehouse(ask: Ask, column: str) -> str:
	"""A row that names no warehouse would be delivered from the item's own."""
	return _in_warehouses(f"COALESCE({column}, w.default_warehouse)") if ask.by_warehouse else ""


def _named(ask: Ask, column: str) -> str:
	return f" AND {column} IN %(items)s" if ask.only is not None and len(ask.only) <= _NAMED_ITEMS else ""
