"""What availability reads of a site: five statements whatever the number of rows. Reads only, checks no permission.

Open rows are those ERPNext's Bin counts (erpnext.stock.stock_balance), so the sums are the Bin's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date

import frappe
from frappe.utils import cint, flt, getdate

from crm_ext.supply import open_rows
from crm_ext.supply.model import (
	BY_PRODUCTION,
	BY_PURCHASE,
	Demand,
	ItemFacts,
	Need,
	Part,
	Request,
	Reservation,
	Stock,
	Supply,
	World,
)

_ITEM = """item.name as item_code, item.is_stock_item, item.disabled, item.end_of_life, item.lead_time_days,
	item.safety_stock, if(item.default_material_request_type = 'Manufacture', item.default_bom, null) as bom"""

# `of` is what an item is a part of, or an alternative to.
_ITEMS = f"""
	select 'item' as role, null as of, null as per, null as warehouse, 0 as idx, {_ITEM}
	from `tabItem` item where item.name in %(items)s
	union all
	select 'bundle', bundle.new_item_code, part.qty, null, part.idx, {_ITEM}
	from `tabProduct Bundle` bundle
	join `tabProduct Bundle Item` part on part.parent = bundle.name and part.parenttype = 'Product Bundle'
	join `tabItem` item on item.name = part.item_code
	where bundle.new_item_code in %(items)s and bundle.disabled = 0
	union all
	select 'packed', part.parent_detail_docname, part.qty / asked.stock_qty, part.warehouse, part.idx, {_ITEM}
	from `tabPacked Item` part
	join `tabSales Order Item` asked on asked.name = part.parent_detail_docname and asked.stock_qty != 0
	join `tabItem` item on item.name = part.item_code
	where part.parent_detail_docname in %(order_items)s and part.parenttype = 'Sales Order'
		and part.item_code != part.parent_item
	union all
	select 'alternative', other.item_code, null, null, 1, {_ITEM}
	from `tabItem Alternative` other join `tabItem` item on item.name = other.alternative_item_code
	where other.item_code in %(items)s
	union all
	select 'alternative', other.alternative_item_code, null, null, 2, {_ITEM}
	from `tabItem Alternative` other join `tabItem` item on item.name = other.item_code
	where other.alternative_item_code in %(items)s and other.two_way = 1
"""

_MATERIALS = f"""
	select part.parent as of, part.qty_consumed_per_unit as per, part.idx, {_ITEM}
	from `tabBOM` bom
	join `tabBOM Explosion Item` part on part.parent = bom.name and part.parenttype = 'BOM'
	join `tabItem` item on item.name = part.item_code
	where bom.name in %(boms)s and bom.docstatus = 1 and bom.is_active = 1
"""

# A warehouse that is named counts whatever it is; of a group and of the company, those goods may be promised from.
_WAREHOUSES = """
	select named.name as pool, leaf.name as warehouse
	from `tabWarehouse` named
	join `tabWarehouse` leaf on leaf.lft >= named.lft and leaf.rgt <= named.rgt
	where named.name in %(warehouses)s and leaf.company = %(company)s and leaf.is_group = 0
		and (leaf.name = named.name or (leaf.disabled = 0 and leaf.is_rejected_warehouse = 0))
	union all
	select null, leaf.name
	from `tabWarehouse` leaf
	where leaf.company = %(company)s and leaf.is_group = 0 and leaf.disabled = 0 and leaf.is_rejected_warehouse = 0
"""

# What is there and what comes.
_SUPPLY = f"""
	select 'stock' as kind, item_code, warehouse, null as source, null as day, actual_qty as qty
	from `tabBin` where item_code in %(items)s and warehouse in %(warehouses)s
	union all
	select 'purchase', part.item_code, part.warehouse, null, {open_rows.PURCHASE_DAY}, {open_rows.PURCHASE_QTY}
	from `tabPurchase Order Item` part join `tabPurchase Order` doc on doc.name = part.parent
	where part.item_code in %(items)s and part.warehouse in %(warehouses)s and {open_rows.PURCHASE}
	union all
	select 'purchase', part.item_code, part.warehouse, null, {open_rows.PURCHASE_DAY}, {open_rows.PURCHASE_QTY}
	from `tabSubcontracting Order Item` part join `tabSubcontracting Order` doc on doc.name = part.parent
	where part.item_code in %(items)s and part.warehouse in %(warehouses)s and {open_rows.SUBCONTRACT}
	union all
	select 'production', doc.production_item, doc.fg_warehouse, null, {open_rows.PRODUCTION_DAY},
		{open_rows.PRODUCTION_QTY}
	from `tabWork Order` doc
	where doc.production_item in %(items)s and doc.fg_warehouse in %(warehouses)s and {open_rows.PRODUCTION}
	union all
	select 'request', part.item_code, part.warehouse,
		if(doc.material_request_type = 'Material Transfer', part.from_warehouse, null), null, {open_rows.REQUEST_QTY}
	from `tabMaterial Request Item` part join `tabMaterial Request` doc on doc.name = part.parent
	where part.item_code in %(items)s and part.warehouse in %(warehouses)s and {open_rows.REQUEST}
		and doc.material_request_type in ('Purchase', 'Manufacture', 'Customer Provided', 'Material Transfer')
"""

_RANK = """coalesce(asked.delivery_date, doc.delivery_date, doc.transaction_date) as day, doc.transaction_date,
	doc.creation, asked.idx, doc.name as `order`, asked.name as order_item"""


def _demand() -> str:
	"""What stands against it."""
	open_qty = open_rows.order_qty("asked")
	open_row = f"{open_qty} / asked.qty"
	open_order = f"""doc.docstatus = 1 and doc.status not in ('On Hold', 'Closed')
	and ifnull(asked.delivered_by_supplier, 0) = 0 and asked.qty != 0 and asked.qty >= asked.delivered_qty
	and {open_qty} != 0"""
	return f"""
	select 'row' as kind, asked.item_code, asked.warehouse, asked.stock_qty * {open_row} as qty, {_RANK}
	from `tabSales Order Item` asked join `tabSales Order` doc on doc.name = asked.parent
	where asked.item_code in %(items)s and asked.warehouse in %(warehouses)s and asked.docstatus = 1 and {open_order}
	union all
	select 'row', part.item_code, part.warehouse, part.qty * {open_row}, {_RANK}
	from `tabPacked Item` part
	join `tabSales Order Item` asked on asked.name = part.parent_detail_docname
	join `tabSales Order` doc on doc.name = asked.parent
	where part.item_code in %(items)s and part.warehouse in %(warehouses)s and part.parenttype = 'Sales Order'
		and part.item_code != part.parent_item and {open_order}
	union all
	select 'reservation', held.item_code, held.warehouse, held.reserved_qty - held.delivered_qty,
		null, null, null, null, held.voucher_no, held.voucher_detail_no
	from `tabStock Reservation Entry` held
	where held.item_code in %(items)s and held.warehouse in %(warehouses)s and held.docstatus = 1
		and held.status not in ('Delivered', 'Cancelled') and held.voucher_type = 'Sales Order'
	union all
	select 'committed', item_code, warehouse, ifnull(reserved_qty_for_production, 0)
		+ ifnull(reserved_qty_for_sub_contract, 0) + ifnull(reserved_qty_for_production_plan, 0),
		null, null, null, null, null, null
	from `tabBin` where item_code in %(items)s and warehouse in %(warehouses)s
		and (reserved_qty_for_production != 0 or reserved_qty_for_sub_contract != 0
			or reserved_qty_for_production_plan != 0)
"""


def read_world(company: str, needs: Sequence[Need], today: date) -> World:
	"""Read everything `availability_rules.serve` wants to know for these needs."""
	world = World()
	_read_items(world, needs, today)
	_read_materials(world, today)
	_read_pools(world, company, {need.warehouse for need in needs if need.warehouse})
	if not world.materials and all(need.warehouse for need in needs):
		# Nobody asks for the whole company, so its other warehouses need not be looked at.
		del world.pools[None]
	kept = [item.item_code for item in world.items.values() if item.is_stock]
	warehouses = frozenset().union(*world.pools.values())
	if kept and warehouses:
		asked = {"items": kept, "warehouses": list(warehouses)}
		_read_supplies(world, asked, today)
		_read_demands(world, asked)
	return world


def _read_items(world: World, needs: Iterable[Need], today: date) -> None:
	rows = _select(
		_ITEMS,
		items={need.item_code for need in needs},
		order_items={need.order_item for need in needs if need.order_item},
	)
	parts = {"bundle": defaultdict(list), "packed": defaultdict(list)}
	for row in sorted(rows, key=lambda row: (row.of or "", row.idx, row.item_code)):
		world.items[row.item_code] = _facts(row, today)
		if row.role in parts:
			parts[row.role][row.of].append(Part(row.item_code, flt(row.per), row.warehouse))
		elif row.role == "alternative":
			others = world.alternatives.setdefault(row.of, [])
			if row.item_code not in others:
				others.append(row.item_code)
	world.bundles, world.packed = dict(parts["bundle"]), dict(parts["packed"])


def _read_materials(world: World, today: date) -> None:
	boms = {item.bom for item in world.items.values() if item.bom}
	if not boms:
		return
	for row in sorted(_select(_MATERIALS, boms=boms), key=lambda row: row.idx):
		world.items.setdefault(row.item_code, _facts(row, today))
		world.materials.setdefault(row.of, []).append(Part(row.item_code, flt(row.per)))


def _read_pools(world: World, company: str, warehouses: Collection[str]) -> None:
	pools: dict[str | None, set[str]] = {None: set()}
	for row in _select(_WAREHOUSES, warehouses=warehouses, company=company):
		pools.setdefault(row.pool, set()).add(row.warehouse)
	world.pools = {pool: frozenset(members) for pool, members in pools.items()}


def _read_supplies(world: World, asked: dict, today: date) -> None:
	for row in _select(_SUPPLY, **asked):
		where, qty = (row.item_code, row.warehouse), flt(row.qty)
		if row.kind == "stock":
			world.stock.append(Stock(*where, qty))
		elif row.kind == "request":
			world.requests.append(Request(*where, qty, row.source))
		else:
			by = BY_PRODUCTION if row.kind == "production" else BY_PURCHASE
			world.supplies.append(Supply(*where, getdate(row.day) if row.day else today, qty, by))


def _read_demands(world: World, asked: dict) -> None:
	for row in _select(_demand(), **asked):
		where, qty = (row.item_code, row.warehouse), flt(row.qty)
		if not qty:
			continue
		if row.kind == "committed":
			world.committed.append(Stock(*where, qty))
		elif row.kind == "reservation":
			world.reservations.append(Reservation(*where, qty, row.order_item))
		else:
			day = getdate(row.day)
			rank = (day, getdate(row.transaction_date), row.creation, row.idx, row.order_item)
			world.demands.append(Demand(*where, day, qty, row.order, row.order_item, rank))


def conversion_factors(pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], float]:
	"""Stock units in one of a unit, by (item, unit), as `erpnext.stock.get_item_details.get_conversion_factor`: the item's
	own, its template's, the general one there or back; 1 where there is none."""
	rows = _select(
		"""
		select item.name as item_code, unit.name as uom, coalesce(
			if(unit.name = item.stock_uom, 1, null),
			(select own.conversion_factor from `tabUOM Conversion Detail` own
				where own.parent = item.name and own.parenttype = 'Item' and own.uom = unit.name limit 1),
			(select own.conversion_factor from `tabUOM Conversion Detail` own
				where own.parent = item.variant_of and own.parenttype = 'Item' and own.uom = unit.name limit 1),
			(select rule.value from `tabUOM Conversion Factor` rule
				where rule.from_uom = unit.name and rule.to_uom = item.stock_uom limit 1),
			(select 1 / rule.value from `tabUOM Conversion Factor` rule
				where rule.from_uom = item.stock_uom and rule.to_uom = unit.name limit 1),
			(select first.value / second.value from `tabUOM Conversion Factor` first
				join `tabUOM Conversion Factor` second on second.from_uom = first.from_uom
				where first.to_uom = item.stock_uom and second.to_uom = unit.name limit 1)
		) as factor
		from `tabItem` item join `tabUOM` unit
		where item.name in %(items)s and unit.name in %(units)s
		""",
		items={item for item, _unit in pairs},
		units={unit for _item, unit in pairs},
	)
	return {(row.item_code, row.uom): flt(row.factor) or 1.0 for row in rows}


def _facts(row: dict, today: date) -> ItemFacts:
	ended = bool(row.end_of_life and getdate(row.end_of_life) <= today)
	return ItemFacts(
		item_code=row.item_code,
		is_stock=bool(row.is_stock_item),
		disabled=bool(row.disabled) or ended,
		lead_days=cint(row.lead_time_days),
		safety_stock=flt(row.safety_stock),
		bom=row.bom or None,
	)


def _select(statement: str, **values) -> list:
	"""Collections become IN lists, none of them empty."""
	lists = {
		name: tuple(value) or ("",)
		for name, value in values.items()
		if isinstance(value, list | set | frozenset)
	}
	return frappe.db.sql(statement, {**values, **lists}, as_dict=True)
