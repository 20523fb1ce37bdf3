"""What is short, on its way and promised today: lead times, a set of goods, an alternative, late and coming purchases, orders
that wait for them, offers with promised days, and what was requested for one of the orders."""

from datetime import date, timedelta

import frappe
from frappe.model.document import Document

from crm_ext.setup.demo import data, diary
from crm_ext.setup.demo.drafts import offer_of, order_of
from crm_ext.setup.demo.masters import warehouse_of
from crm_ext.supply import availability, purchasing

_BOX = "Box"


def make(company: str, last: date) -> None:
	"""Once, each part a transaction of its own: a killed run goes on after it."""
	parts = {
		"goods": _make_goods,
		"purchases": _make_purchases,
		"orders": _make_orders,
		"offer": _make_offer,
		"request": _make_request,
	}
	for key, part in parts.items():
		if not diary.recall(f"supply {key}"):
			part(company, last)
			diary.note(f"supply {key}", True)
			frappe.db.commit()  # see above


def _make_goods(company: str, last: date) -> None:
	_make_second_generation(company, last)
	if not frappe.db.exists("UOM", _BOX):
		frappe.get_doc({"doctype": "UOM", "uom_name": _BOX, "must_be_whole_number": 1}).insert()
	for number, (code, good) in enumerate(data.SUPPLY.items()):
		item = frappe.get_doc("Item", code)
		item.update(
			{"lead_time_days": good.lead_days, "safety_stock": good.safety, "min_order_qty": good.least}
		)
		if good.box:
			item.append("uoms", {"uom": _BOX, "conversion_factor": good.box})
			item.purchase_uom = _BOX
		_add_barcodes(item)
		for row in item.item_defaults:
			row.default_supplier = data.ERPNEXT_SUPPLIERS[number % len(data.ERPNEXT_SUPPLIERS)]
		item.save()
	_make_set(last)


def _add_barcodes(item: Document) -> None:
	"""For the scanner at Quick Order."""
	item.append("barcodes", {"barcode": data.BARCODES[item.name], "barcode_type": "EAN"})
	if box := data.BOX_BARCODES.get(item.name):
		item.append("barcodes", {"barcode": box, "barcode_type": "EAN", "uom": _BOX})


def _make_second_generation(company: str, last: date) -> None:
	"""An item that can be sold in place of another one, and has stock."""
	code, name, instead_of = data.ALTERNATIVE
	first = frappe.get_doc("Item", instead_of)
	if not frappe.db.exists("Item", code):
		frappe.get_doc(
			{
				"doctype": "Item",
				"item_code": code,
				"item_name": name,
				"item_group": first.item_group,
				"stock_uom": first.stock_uom,
				"item_defaults": [{"company": company, "default_warehouse": warehouse_of(company)}],
			}
		).insert()
		_set_price(code, data.GOODS[instead_of].selling, last)
	first.db_set("allow_alternative_item", 1)
	if not frappe.db.exists("Item Alternative", {"item_code": instead_of}):
		frappe.get_doc(
			{
				"doctype": "Item Alternative",
				"item_code": instead_of,
				"alternative_item_code": code,
				"two_way": 0,
			}
		).insert()


def _make_set(last: date) -> None:
	code, name, parts = data.SET
	if not frappe.db.exists("Item", code):
		frappe.get_doc(
			{
				"doctype": "Item",
				"item_code": code,
				"item_name": name,
				"item_group": frappe.db.get_value("Item", parts[0][0], "item_group"),
				"stock_uom": "Nos",
				"is_stock_item": 0,
			}
		).insert()
		_set_price(code, sum(data.GOODS[part].selling * quantity for part, quantity in parts), last)
	if not frappe.db.exists("Product Bundle", {"new_item_code": code}):
		frappe.get_doc(
			{
				"doctype": "Product Bundle",
				"new_item_code": code,
				"items": [{"item_code": part, "qty": quantity} for part, quantity in parts],
			}
		).insert()


def _set_price(code: str, rate: float, last: date) -> None:
	frappe.get_doc(
		{
			"doctype": "Item Price",
			"item_code": code,
			"price_list": "Standard Selling",
			"price_list_rate": rate,
			# Before the orders of the last days, which would not find it otherwise.
			"valid_from": last - timedelta(30),
		}
	).insert()


def _make_purchases(company: str, last: date) -> None:
	"""Goods on their way: some late, some soon. And the alternative's first delivery."""
	for number, (code, quantity, due_in) in enumerate(data.ON_THE_WAY):
		ordered, due = last - timedelta(12), last + timedelta(due_in)
		with diary.acting(data.BUYER.user, ordered):
			order = frappe.get_doc(
				{
					"doctype": "Purchase Order",
					"supplier": data.ERPNEXT_SUPPLIERS[number % len(data.ERPNEXT_SUPPLIERS)],
					"company": company,
					"transaction_date": ordered,
					"schedule_date": due,
					"set_warehouse": warehouse_of(company),
					"items": [
						{
							"item_code": code,
							"qty": quantity,
							"rate": data.GOODS[code].buying,
							# Else ERPNext counts from the item's lead time.
							"schedule_date": due,
						}
					],
				}
			)
			order.insert()
			order.submit()
	code, _name, instead_of = data.ALTERNATIVE
	with diary.acting(data.BUYER.user, last - timedelta(5)):
		receipt = frappe.get_doc(
			{
				"doctype": "Purchase Receipt",
				"supplier": data.ERPNEXT_SUPPLIERS[0],
				"company": company,
				"posting_date": last - timedelta(5),
				"set_posting_time": 1,
				"posting_time": "12:00:00",
				"set_warehouse": warehouse_of(company),
				"items": [{"item_code": code, "qty": 40, "rate": data.GOODS[instead_of].buying}],
			}
		)
		receipt.insert()
		receipt.submit()


def _make_orders(company: str, last: date) -> None:
	"""Orders of the last days: one to deliver today, the others waiting for goods."""
	for number, (customer, ago, deliver_in, items) in enumerate(data.NEW_ORDERS):
		seller, day = data.SALES[number % len(data.SALES)], last - timedelta(ago)
		with diary.acting(seller.user, day):
			order = order_of(customer, company, seller, items, day, last + timedelta(deliver_in))
			order.insert()
			order.submit()


def _make_offer(company: str, last: date) -> None:
	"""A quotation of yesterday with the days its goods were promised for."""
	seller = data.SALES[0]
	day = last - timedelta(1)
	with diary.acting(seller.user, day):
		quotation = offer_of(data.NEW_OFFER[0], company, data.NEW_OFFER[1], day)
		quotation.insert()
		promised = availability.read(company, availability.needs_of(quotation))
		for row in quotation.items:
			row.promise_date = promised[row.name].promise_on
		quotation.submit()


def _make_request(company: str, last: date) -> None:
	"""What the order for sets is short of, requested as its salesperson's office would."""
	order = frappe.db.get_value(
		"Sales Order Item",
		{"item_code": data.SET[0], "docstatus": 1, "parenttype": "Sales Order"},
		"parent",
		order_by="creation desc",
	)
	with diary.acting(data.BUYER.user, last - timedelta(1)):
		made = purchasing.request("Sales Order", order)
		for doctype, name in made.documents:
			frappe.get_doc(doctype, name).submit()
