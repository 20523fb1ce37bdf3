"""What is asked of Pipeline Demand, and what counts for it: builds SQL, runs none.

What counts, each demand once:
- quotations: submitted, open, not expired unless asked for, rows that are no alternative, less what was ordered of them. Of
  several quotations of one deal that offer the same item the one that was ordered from counts, else the latest: a new
  offer usually repeats the old one. What only an older one offers stays, as long as it is open.
- opportunities: open, without a quotation that is open or was ordered from, and their deal is not won or lost
- of both nothing of items that the supplier delivers to the customer
- orders, purchases and requests: as ERPNext's Bin counts them
"""

from __future__ import annotations

from dataclasses import dataclass, field

from crm_ext.supply import open_rows
from crm_ext.supply.demand_rules import WEEK, Calendar

BOTH, OPPORTUNITIES, QUOTATIONS = "Both", "Opportunities", "Quotations"
# ERPNext puts this into every new opportunity, so it says nothing.
_UNTOUCHED = 100
_OPEN_QUOTATION = "('Open', 'Replied', 'Partially Ordered')"
_ORDERED_QUOTATION = "('Ordered', 'Partially Ordered')"
# A transfer brings the company nothing.
_REQUESTED = "doc.material_request_type IN ('Purchase', 'Manufacture', 'Customer Provided')"
_OPEN_ORDER = "so.docstatus = 1 AND so.status NOT IN ('On Hold', 'Closed') AND so.company = %(company)s"
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
			{_pipeline_warehouse(ask, "r.warehouse")}{named(ask, item)}"""


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
			{_pipeline_warehouse(ask, "NULL")}{named(ask, item)}"""


def orders(ask: Ask) -> str:
	"""What is still to be delivered, the parts of bundles too; adds up to Bin's Reserved Qty."""
	opened = f"{open_rows.order_qty('r')} / r.qty"
	still = (
		f"{_OPEN_ORDER} AND IFNULL(r.delivered_by_supplier, 0) = 0 AND r.qty > 0 AND r.qty >= r.delivered_qty"
	)
	period = _period(ask, "IFNULL(r.delivery_date, so.delivery_date)")
	return f"""SELECT r.item_code, {period} period, r.stock_qty * {opened} qty, r.stock_qty * {opened} weighted,
			so.name document
		FROM `tabSales Order` so JOIN `tabSales Order Item` r ON r.parent = so.name
		WHERE {still}{in_warehouses("r.warehouse")}{named(ask, "r.item_code")}
		UNION ALL
		SELECT p.item_code, {period} period, p.qty * {opened} qty, p.qty * {opened} weighted, so.name document
		FROM `tabSales Order` so JOIN `tabSales Order Item` r ON r.parent = so.name
		JOIN `tabPacked Item` p ON p.parent_detail_docname = r.name AND p.parenttype = 'Sales Order'
		WHERE {still} AND p.item_code != p.parent_item{in_warehouses("p.warehouse")}{named(ask, "p.item_code")}"""


def supply(ask: Ask) -> str:
	"""What is ordered, being made or only requested (`kind`), as Bin's Ordered, Planned and Requested Qty; a day that has
	passed counts as today."""
	parts = (
		("Purchase Order", open_rows.PURCHASE, open_rows.PURCHASE_QTY, open_rows.PURCHASE_DAY),
		("Subcontracting Order", open_rows.SUBCONTRACT, open_rows.PURCHASE_QTY, open_rows.PURCHASE_DAY),
		("Work Order", open_rows.PRODUCTION, open_rows.PRODUCTION_QTY, open_rows.PRODUCTION_DAY),
		(
			"Material Request",
			f"{open_rows.REQUEST} AND {_REQUESTED}",
			open_rows.REQUEST_QTY,
			open_rows.REQUEST_DAY,
		),
	)
	return " UNION ALL ".join(_supplied(ask, *part) for part in parts)


def _supplied(ask: Ask, doctype: str, opened: str, qty: str, day: str) -> str:
	if doctype == "Work Order":
		item, warehouse, table = "doc.production_item", "doc.fg_warehouse", "`tabWork Order` doc"
	else:
		item, warehouse = "part.item_code", "part.warehouse"
		table = f"`tab{doctype}` doc JOIN `tab{doctype} Item` part ON part.parent = doc.name"
	return f"""SELECT {item} item_code, {_period(ask, day)} period, {qty} qty, {qty} weighted, doc.name document,
			'{doctype}' kind
		FROM {table}
		WHERE doc.docstatus = 1 AND doc.company = %(company)s AND {opened}
			{in_warehouses(warehouse)}{named(ask, item)}"""


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


def in_warehouses(column: str) -> str:
	return f" AND {column} IN %(warehouses)s"


def _default_warehouse(ask: Ask, item: str) -> str:
	if not ask.by_warehouse:
		return ""
	return f"""LEFT JOIN `tabItem Default` w ON w.parent = {item} AND w.parenttype = 'Item'
			AND w.company = %(company)s"""


def _pipeline_warehouse(ask: Ask, column: str) -> str:
	"""A row that names no warehouse would be delivered from the item's own."""
	return in_warehouses(f"COALESCE({column}, w.default_warehouse)") if ask.by_warehouse else ""


def named(ask: Ask, column: str) -> str:
	return f" AND {column} IN %(items)s" if ask.only is not None and len(ask.only) <= _NAMED_ITEMS else ""
