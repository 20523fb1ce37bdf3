"""Goods for tests: items with stock, warehouses, what is bought, made, packed and reserved. On top of `factories`."""

from datetime import date, timedelta

import frappe
from frappe.utils import getdate, nowdate

from crm_ext.tests import factories as f


def day(offset: int) -> date:
	"""So many days from today."""
	return getdate(nowdate()) + timedelta(days=offset)


def make_item(stock: float = 0, warehouse: str | None = None, company: str = f.COMPANY, **values):
	"""A stock item of its own, with so much of it on hand."""
	code = values.pop("item_code", None) or f.unique("Goods")
	item = frappe.get_doc(
		{
			"doctype": "Item",
			"item_code": code,
			"item_group": "All Item Groups",
			"stock_uom": "Nos",
			"is_stock_item": 1,
			"valuation_rate": 40,
			**values,
		}
	).insert(ignore_permissions=True)
	if stock:
		stock_up(item.name, stock, warehouse, company=company)
	return item


def stock_up(item_code: str, qty: float, warehouse: str | None = None, company: str = f.COMPANY):
	"""Bring goods in, or take them out where `qty` is below 0."""
	warehouse = warehouse or f.warehouse(company)
	entry = frappe.get_doc(
		{
			"doctype": "Stock Entry",
			"stock_entry_type": "Material Receipt" if qty > 0 else "Material Issue",
			"company": company,
			"items": [
				{
					"item_code": item_code,
					"qty": abs(qty),
					"uom": frappe.get_cached_value("Item", item_code, "stock_uom"),
					"conversion_factor": 1,
					"t_warehouse" if qty > 0 else "s_warehouse": warehouse,
					"basic_rate": 40,
					"allow_zero_valuation_rate": 1,
				}
			],
		}
	)
	return entry.insert().submit()


def make_warehouse(parent: str | None = None, company: str = f.COMPANY, **values):
	name = values.pop("warehouse_name", None) or f.unique("Store")
	root = parent or frappe.db.get_value("Warehouse", {"company": company, "is_group": 1}, order_by="lft")
	return frappe.get_doc(
		{
			"doctype": "Warehouse",
			"warehouse_name": name,
			"company": company,
			"parent_warehouse": root,
			**values,
		}
	).insert(ignore_permissions=True)


def rows_of(*rows: dict, company: str = f.COMPANY, **common) -> list[dict]:
	"""Item rows of selling documents; each gives item_code and qty, and whatever differs."""
	return [
		{"rate": 100, "price_list_rate": 100, "warehouse": f.warehouse(company), **common, **row}
		for row in rows
	]


def make_order(*rows: dict, delivery: date | None = None, submit: bool = True, **values):
	"""A Sales Order of rows as in `rows_of`, due on `delivery`, unless a row says otherwise."""
	company = values.pop("company", f.COMPANY)
	delivery = delivery or day(7)
	order = frappe.new_doc("Sales Order")
	order.update({"customer": f.CUSTOMER, "company": company, "delivery_date": delivery, **values})
	if delivery < day(0):
		order.transaction_date = delivery
	for row in rows_of(*rows, company=company, delivery_date=delivery):
		order.append("items", row)
	order.set_missing_values()
	order.insert()
	return order.submit() if submit else order


def make_purchase_order(*rows: dict, on: date | None = None, submit: bool = True, **values):
	"""A Purchase Order that is expected on `on`; it may have passed."""
	company = values.pop("company", f.COMPANY)
	on = on or day(7)
	order = frappe.new_doc("Purchase Order")
	order.update(
		{
			"supplier": f.ensure_supplier(),
			"company": company,
			"schedule_date": on,
			"transaction_date": min(on, day(0)),
			**values,
		}
	)
	for row in rows_of(*rows, company=company, schedule_date=on):
		order.append("items", row)
	order.set_missing_values()
	order.insert()
	return order.submit() if submit else order


def receive(order, share: float = 1, submit: bool = True):
	"""A Purchase Receipt of a share of what is open of each row."""
	from erpnext.buying.doctype.purchase_order.purchase_order import make_purchase_receipt

	receipt = make_purchase_receipt(order.name)
	f.take_share(receipt, share)
	for row in receipt.items:
		row.received_qty = row.qty
	receipt.insert()
	return receipt.submit() if submit else receipt


def make_material_request(*rows: dict, on: date | None = None, submit: bool = True, **values):
	company = values.pop("company", f.COMPANY)
	request = frappe.new_doc("Material Request")
	request.update(
		{"material_request_type": "Purchase", "company": company, "schedule_date": on or day(7), **values}
	)
	for row in rows:
		request.append("items", {"warehouse": f.warehouse(company), "schedule_date": on or day(7), **row})
	request.set_missing_values()
	request.insert()
	return request.submit() if submit else request


def make_bundle(*parts: tuple[str, float], **values):
	"""An item that is no stock itself and stands for its parts: (item, quantity)."""
	parent = make_item(is_stock_item=0, **values)
	frappe.get_doc(
		{
			"doctype": "Product Bundle",
			"new_item_code": parent.name,
			"items": [{"item_code": item_code, "qty": qty, "uom": "Nos"} for item_code, qty in parts],
		}
	).insert(ignore_permissions=True)
	return parent


def make_alternative(item_code: str, other: str, two_way: int = 0):
	frappe.db.set_value("Item", item_code, "allow_alternative_item", 1)
	if two_way:
		frappe.db.set_value("Item", other, "allow_alternative_item", 1)
	return frappe.get_doc(
		{
			"doctype": "Item Alternative",
			"item_code": item_code,
			"alternative_item_code": other,
			"two_way": two_way,
		}
	).insert(ignore_permissions=True)


def make_bom(item_code: str, *parts: tuple[str, float], company: str = f.COMPANY):
	"""The default BOM of an item; the item is one that is made from then on."""
	bom = frappe.get_doc(
		{
			"doctype": "BOM",
			"item": item_code,
			"company": company,
			"currency": frappe.get_cached_value("Company", company, "default_currency"),
			"quantity": 1,
			"is_default": 1,
			"items": [{"item_code": part, "qty": qty, "uom": "Nos", "rate": 10} for part, qty in parts],
		}
	).insert(ignore_permissions=True)
	bom.submit()
	frappe.db.set_value("Item", item_code, "default_material_request_type", "Manufacture")
	return bom


def make_work_order(item_code: str, qty: float, on: date | None = None, **values):
	"""A submitted Work Order that delivers on `on`."""
	company = values.pop("company", f.COMPANY)
	work = frappe.new_doc("Work Order")
	work.update(
		{
			"production_item": item_code,
			"bom_no": frappe.db.get_value("BOM", {"item": item_code, "is_default": 1, "docstatus": 1}),
			"qty": qty,
			"company": company,
			"fg_warehouse": f.warehouse(company),
			"wip_warehouse": f.warehouse(company),
			"source_warehouse": f.warehouse(company),
			"skip_transfer": 1,
			"planned_start_date": nowdate(),
			"expected_delivery_date": on or day(7),
			"stock_uom": "Nos",
			**values,
		}
	)
	work.get_items_and_operations_from_bom()
	return work.insert().submit()


def finish(work, qty: float):
	"""Make so much of a work order; the raw materials must be there."""
	from erpnext.manufacturing.doctype.work_order.work_order import make_stock_entry

	entry = frappe.get_doc(make_stock_entry(work.name, "Manufacture", qty))
	return entry.insert().submit()


def reserve(order, qty: float | None = None, row: int = 0):
	"""Reserve stock for a row of an order, all there is or `qty`."""
	frappe.db.set_single_value(
		"Stock Settings", {"enable_stock_reservation": 1, "allow_partial_reservation": 1}
	)
	item = order.items[row]
	item.db_set("reserve_stock", 1, update_modified=False)
	order.create_stock_reservation_entries(
		items_details=[
			{
				"sales_order_item": item.name,
				"warehouse": item.warehouse,
				"qty_to_reserve": item.qty if qty is None else qty,
			}
		],
		notify=False,
	)


def bin_of(item_code: str, *warehouses: str) -> "frappe._dict":
	"""ERPNext's own figures, added up over warehouses."""
	fields = (
		"actual_qty",
		"reserved_qty",
		"ordered_qty",
		"planned_qty",
		"indented_qty",
		"reserved_qty_for_production",
		"reserved_qty_for_production_plan",
		"reserved_qty_for_sub_contract",
		"reserved_stock",
	)
	rows = frappe.get_all(
		"Bin",
		filters={"item_code": item_code, "warehouse": ("in", warehouses or [f.warehouse()])},
		fields=fields,
		order_by=None,
	)
	return frappe._dict({field: sum(row[field] or 0 for row in rows) for field in fields})
