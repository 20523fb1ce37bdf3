"""What is read of the site to know what to buy: rows that want goods, what runs already, how items are bought.

Each function is one statement or a few, whatever the number of rows. No permission is checked here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import frappe
from erpnext.stock.get_item_details import get_conversion_factor
from frappe.utils import cint, flt
from frappe.utils.nestedset import get_descendants_of

from crm_ext.supply.open_rows import order_qty
from crm_ext.supply.shortage_lines import Running, Source
from crm_ext.supply.shortage_rules import Lot, Terms

OFFER_IS_DEAD = ("Lost", "Expired", "Cancelled", "Ordered")
ORDER_IS_STOPPED = ("Closed", "On Hold", "Completed")
REQUEST_TYPES = ("Purchase", "Manufacture")


def deal_vouchers(deal: str) -> dict[str, list[str]]:
	"""Orders and quotations of a deal that are not cancelled, by DocType."""
	found = defaultdict(list)
	for doctype, name in frappe.db.sql(
		"""SELECT DISTINCT voucher_type, voucher_no FROM `tabDeal Ledger Entry`
		WHERE deal = %s AND is_cancelled = 0 AND voucher_type IN ('Sales Order', 'Quotation') ORDER BY voucher_no""",
		(deal,),
	):
		found[doctype].append(name)
	return found


def quotation_sources(names: list[str], whole_company: bool) -> list[Source]:
	"""What submitted quotations want that is not ordered yet."""
	rows = frappe.db.sql(
		f"""SELECT r.name, r.parent, r.item_code, r.stock_qty - r.ordered_qty AS qty, r.warehouse, r.uom,
			r.conversion_factor, r.promise_date
		FROM `tabQuotation Item` r JOIN tabQuotation p ON p.name = r.parent
		WHERE r.parent IN %(names)s AND p.docstatus = 1 AND p.status NOT IN %(dead)s AND r.item_code != ''
			AND r.stock_qty > r.ordered_qty{" AND r.is_alternative = 0" if _has_alternatives() else ""}
		ORDER BY p.transaction_date, p.creation, r.idx""",
		{"names": names, "dead": OFFER_IS_DEAD},
		as_dict=True,
	)
	return [
		Source(
			key=row.name,
			item_code=row.item_code,
			qty=flt(row.qty),
			warehouse=row.warehouse,
			pool=None if whole_company else row.warehouse,
			needed_on=row.promise_date,
			quotation=row.parent,
			quotation_item=row.name,
			uom=row.uom,
			factor=flt(row.conversion_factor) or 1.0,
		)
		for row in rows
	]


def _has_alternatives() -> bool:
	return frappe.get_meta("Quotation Item").has_field("is_alternative")


def order_sources(names: list[str], whole_company: bool) -> list[Source]:
	"""What submitted orders want that is not delivered yet; of rows the supplier delivers, what is not ordered yet."""
	return _order_sources("r.parent IN %(names)s", {"names": names}, whole_company)


def competing_sources(company: str, items: Iterable[str], whole_company: bool) -> list[Source]:
	"""Every open order row that wants one of these items, itself or in a bundle, who is served first at the head."""
	condition = """p.company = %(company)s AND r.delivered_by_supplier = 0 AND (r.item_code IN %(items)s OR r.name IN (
		SELECT k.parent_detail_docname FROM `tabPacked Item` k
		WHERE k.item_code IN %(items)s AND k.parenttype = 'Sales Order' AND k.docstatus = 1))"""
	return _order_sources(condition, {"company": company, "items": list(items)}, whole_company)


def _order_sources(condition: str, values: dict, whole_company: bool) -> list[Source]:
	rows = frappe.db.sql(
		f"""SELECT r.name, r.parent, r.item_code, r.stock_qty, r.warehouse, r.delivery_date, r.prevdoc_docname,
			r.quotation_item, r.delivered_by_supplier, r.supplier, r.bom_no, r.uom, r.conversion_factor,
			IF(r.delivered_by_supplier = 1, r.stock_qty - r.ordered_qty,
				{order_qty("r")} * r.conversion_factor) AS qty
		FROM `tabSales Order Item` r JOIN `tabSales Order` p ON p.name = r.parent
		WHERE {condition} AND p.docstatus = 1 AND p.status NOT IN %(stopped)s AND r.item_code != ''
		HAVING qty > 0 ORDER BY r.delivery_date, p.transaction_date, p.creation, r.idx""",
		{**values, "stopped": ORDER_IS_STOPPED},
		as_dict=True,
	)
	packed = _packed([row.name for row in rows])
	return [
		Source(
			key=row.name,
			item_code=row.item_code,
			qty=flt(row.qty),
			warehouse=row.warehouse,
			pool=None if whole_company else row.warehouse,
			needed_on=row.delivery_date,
			order=row.parent,
			order_qty=flt(row.stock_qty),
			quotation=row.prevdoc_docname or None,
			quotation_item=row.quotation_item or None,
			drop_ship=bool(cint(row.delivered_by_supplier)),
			supplier=row.supplier,
			bom_no=row.bom_no,
			uom=row.uom,
			factor=flt(row.conversion_factor) or 1.0,
			packed=packed.get(row.name, ()),
		)
		for row in rows
	]


def _packed(rows: list[str]) -> dict[str, tuple]:
	found = defaultdict(tuple)
	if rows:
		for parent, name, item, qty in frappe.db.sql(
			"""SELECT parent_detail_docname, name, item_code, qty FROM `tabPacked Item`
			WHERE parent_detail_docname IN %s AND parenttype = 'Sales Order' ORDER BY idx""",
			(rows,),
		):
			found[parent] += ((item, name, flt(qty)),)
	return found


def running(company: str, items: list[str], orders: list[str], quotation_items: list[str]) -> list[Running]:
	"""Rows of purchases and work orders of these items: all drafts of the company, and what names these orders or
	quotation rows. One statement, by the index of the item."""
	if not items:
		return []
	values = {
		"company": company,
		"items": items,
		"orders": orders or [""],
		"offers": quotation_items or [""],
		"dead": OFFER_IS_DEAD,
		"types": REQUEST_TYPES,
	}
	rows = frappe.db.sql(f"{_REQUESTED} UNION ALL {_ORDERED} UNION ALL {_MADE}", values, as_dict=True)
	return [
		Running(
			doctype=row.doctype,
			name=row.parent,
			row=row.row_name,
			item_code=row.item_code,
			qty=flt(row.qty),
			open=max(0.0, flt(row.left_qty)),
			status=row.status,
			is_draft=not row.docstatus,
			is_extra=not row.docstatus and not row.request_item,
			warehouse=row.warehouse,
			due_on=row.due_on,
			order=row.sales_order or None,
			order_item=row.sales_order_item or None,
			packed_item=row.packed_item or None,
			quotation=row.quotation or None,
			quotation_item=row.quotation_item or None,
			quotation_is_live=bool(row.live),
			from_request=bool(row.request_item),
		)
		for row in rows
	]


_LIVE = "(q.docstatus = 1 AND q.status NOT IN %(dead)s)"
_REQUESTED = f"""
	SELECT 'Material Request' AS doctype, p.name AS parent, r.name AS row_name, r.item_code, r.stock_qty AS qty,
		IF(p.status = 'Stopped', 0, r.stock_qty - GREATEST(r.ordered_qty, r.received_qty)) AS left_qty, p.status,
		p.docstatus, NULL AS request_item, r.warehouse, r.schedule_date AS due_on, r.sales_order, r.sales_order_item,
		NULL AS packed_item, r.quotation, r.quotation_item, {_LIVE} AS live
	FROM `tabMaterial Request Item` r JOIN `tabMaterial Request` p ON p.name = r.parent
		LEFT JOIN tabQuotation q ON q.name = r.quotation
	WHERE r.item_code IN %(items)s AND p.company = %(company)s AND p.docstatus < 2
		AND p.material_request_type IN %(types)s
		AND (p.docstatus = 0 OR r.sales_order IN %(orders)s OR r.quotation_item IN %(offers)s)"""
_ORDERED = f"""
	SELECT 'Purchase Order', p.name, r.name, r.item_code, r.stock_qty,
		IF(p.status IN ('Closed', 'Delivered', 'Completed'), 0,
			-- what the supplier delivers, ERPNext calls received from the start
			IF(r.delivered_by_supplier = 1, r.stock_qty, (r.qty - r.received_qty) * r.conversion_factor)),
		p.status, p.docstatus, r.material_request_item, r.warehouse,
		COALESCE(r.expected_delivery_date, r.schedule_date), r.sales_order, r.sales_order_item,
		r.sales_order_packed_item, COALESCE(NULLIF(r.quotation, ''), m.quotation),
		COALESCE(NULLIF(r.quotation_item, ''), m.quotation_item), {_LIVE}
	FROM `tabPurchase Order Item` r JOIN `tabPurchase Order` p ON p.name = r.parent
		LEFT JOIN `tabMaterial Request Item` m ON m.name = r.material_request_item
		LEFT JOIN tabQuotation q ON q.name = COALESCE(NULLIF(r.quotation, ''), m.quotation)
	WHERE r.item_code IN %(items)s AND p.company = %(company)s AND p.docstatus < 2
		AND (p.docstatus = 0 OR r.sales_order IN %(orders)s OR r.quotation_item IN %(offers)s
			OR m.quotation_item IN %(offers)s)"""
_MADE = f"""
	SELECT 'Work Order', p.name, p.name, p.production_item, p.qty,
		IF(p.status IN ('Stopped', 'Closed', 'Completed'), 0, p.qty - p.produced_qty), p.status, p.docstatus,
		p.material_request_item, p.fg_warehouse,
		DATE(COALESCE(p.expected_delivery_date, p.planned_end_date)), p.sales_order, p.sales_order_item, NULL,
		m.quotation, m.quotation_item, {_LIVE}
	FROM `tabWork Order` p LEFT JOIN `tabMaterial Request Item` m ON m.name = p.material_request_item
		LEFT JOIN tabQuotation q ON q.name = m.quotation
	WHERE p.production_item IN %(items)s AND p.company = %(company)s AND p.docstatus < 2
		AND (p.docstatus = 0 OR p.sales_order IN %(orders)s OR m.quotation_item IN %(offers)s)"""


def warehouses_below(pools: Iterable[str | None]) -> dict[str, frozenset[str]]:
	"""The warehouses a pool stands for: itself, or those below a group."""
	names = sorted({pool for pool in pools if pool})
	if not names:
		return {}
	groups = frappe.get_all("Warehouse", {"name": ("in", names), "is_group": 1}, pluck="name")
	return {name: frozenset((name,)) for name in names} | {
		group: frozenset(get_descendants_of("Warehouse", group, ignore_permissions=True)) for group in groups
	}


def purchase_terms(company: str, items: list[str]) -> dict[str, Terms]:
	"""How items are bought: purchase unit, lots, and the supplier of the item, its group or its brand in this company,
	else the first of those named on the item."""
	if not items:
		return {}
	rows = frappe.get_all(
		"Item",
		filters={"name": ("in", items)},
		fields=[
			"name",
			"item_name",
			"item_group",
			"brand",
			"stock_uom",
			"purchase_uom",
			"min_order_qty",
			"variant_of",
		],
		order_by="name",
	)
	factors = _factors(rows)
	whole = set(frappe.get_all("UOM", {"must_be_whole_number": 1}, pluck="name"))
	defaults = _defaults(company, rows)
	suppliers = _first_suppliers(items)
	found = {}
	for row in rows:
		uom = row.purchase_uom or row.stock_uom
		factor = factors[row.name]
		if not factor:  # no way leads from the one unit to the other
			uom, factor = row.stock_uom, 1.0
		places = (("Item", row.name), ("Item Group", row.item_group), ("Brand", row.brand))
		named = [defaults.get(place, (None, None)) for place in places]
		found[row.name] = Terms(
			stock_uom=row.stock_uom,
			uom=uom,
			lot=Lot(factor, uom in whole, row.stock_uom in whole, flt(row.min_order_qty)),
			supplier=next((supplier for supplier, _w in named if supplier), None) or suppliers.get(row.name),
			warehouse=next((warehouse for _s, warehouse in named if warehouse), None),
			item_name=row.item_name,
		)
	return found


def _factors(rows: list) -> dict[str, float]:
	"""Stock units in the purchase unit of each item. Its own list, else its template's, else the site's (rare: one
	query an item, by ERPNext)."""
	other = [row for row in rows if row.purchase_uom and row.purchase_uom != row.stock_uom]
	listed = {}
	if other:
		names = {name for row in other for name in (row.name, row.variant_of) if name}
		listed = {
			(parent, uom): flt(factor)
			for parent, uom, factor in frappe.get_all(
				"UOM Conversion Detail",
				filters={"parent": ("in", sorted(names)), "parenttype": "Item"},
				fields=["parent", "uom", "conversion_factor"],
				as_list=True,
				order_by="idx",
			)
		}
	found = {row.name: 1.0 for row in rows}
	for row in other:
		factor = listed.get((row.name, row.purchase_uom)) or listed.get((row.variant_of, row.purchase_uom))
		found[row.name] = flt(
			factor or get_conversion_factor(row.name, row.purchase_uom).get("conversion_factor")
		)
	return found


def _defaults(company: str, rows: list) -> dict[tuple[str, str], tuple]:
	"""(default supplier, default warehouse) by (DocType, name) of items, item groups and brands."""
	names = {name for row in rows for name in (row.name, row.item_group, row.brand) if name}
	return {
		(row.parenttype, row.parent): (row.default_supplier, row.default_warehouse)
		for row in frappe.get_all(
			"Item Default",
			filters={"parent": ("in", sorted(names)), "company": company},
			fields=["parenttype", "parent", "default_supplier", "default_warehouse"],
			order_by="idx desc",
		)
	}


def _first_suppliers(items: list[str]) -> dict[str, str]:
	rows = frappe.get_all(
		"Item Supplier",
		filters={"parent": ("in", items), "parenttype": "Item"},
		fields=["parent", "supplier"],
		order_by="idx desc",
	)
	return {row.parent: row.supplier for row in rows}
