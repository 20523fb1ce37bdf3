"""Random histories of goods, made by ERPNext's own controllers, and what stands open after them, read document by document."""

from collections import defaultdict
from datetime import date

import frappe
from frappe.utils import cint, flt, getdate

from crm_ext.supply.model import (
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
from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s

# What may happen, as often as it is named.
OPERATIONS = (
	*["order", "order", "order", "bundle_order", "deliver", "deliver", "give_back"],
	*["close_order", "hold_order", "cancel_order", "reserve", "reserve"],
	*["purchase", "purchase", "receive", "receive", "close_purchase", "cancel_purchase"],
	*["request", "request_transfer", "stop_request", "order_request"],
	*["work", "finish", "stop_work", "stock_in", "stock_out", "drop_ship"],
)


class StockHistory:
	"""Two goods, a set of both and a machine made of both, in two warehouses below a group."""

	def __init__(self):
		self.log: list[str] = []
		self.group = s.make_warehouse(is_group=1).name
		self.warehouses = [s.make_warehouse(self.group).name, s.make_warehouse(self.group).name]
		first, second = s.make_item(lead_time_days=6), s.make_item(safety_stock=3)
		self.machine = s.make_item(lead_time_days=4).name
		self.goods = [first.name, second.name, self.machine]
		self.bundle = s.make_bundle((first.name, 2), (second.name, 1)).name
		self.bom = s.make_bom(self.machine, (first.name, 1), (second.name, 2))
		self.made: dict[str, list[str]] = defaultdict(list)
		for item in self.goods:
			s.stock_up(item, 15, self.warehouses[0])

	def step(self, operation: str, number: int) -> None:
		"""One thing happens, unless ERPNext refuses it."""
		self.number = number
		frappe.db.savepoint("step")
		try:
			done = getattr(self, operation)()
		except frappe.ValidationError as error:
			frappe.db.rollback(save_point="step")
			done = f"refused: {str(error)[:60]}"
		if done is not False:
			self.log.append(f"{operation} {number} {done or ''}")

	def pick(self, doctype: str):
		names = self.made[doctype]
		return frappe.get_doc(doctype, names[self.number % len(names)]) if names else None

	def keep(self, document) -> str:
		self.made[document.doctype].append(document.name)
		return document.name

	def row(self, **values) -> dict:
		number = self.number
		return {
			"item_code": self.goods[number % 3],
			"qty": 1 + number % 7,
			"warehouse": self.warehouses[number % 5 % 2],
			**values,
		}

	@property
	def on(self) -> date:
		return s.day(self.number % 17 - 4)

	# -- selling

	def order(self):
		second = self.row(item_code=self.goods[(self.number + 1) % 3], delivery_date=s.day(self.number % 9))
		return self.keep(s.make_order(self.row(), second, delivery=self.on))

	def bundle_order(self):
		return self.keep(s.make_order(self.row(item_code=self.bundle), delivery=self.on))

	def drop_ship(self):
		row = self.row(delivered_by_supplier=1, supplier=f.ensure_supplier())
		return self.keep(s.make_order(row, delivery=self.on))

	def deliver(self):
		order = self.pick("Sales Order")
		return self.keep(f.make_delivery_note(order, (0.3, 0.5, 1)[self.number % 3])) if order else False

	def give_back(self):
		note = self.pick("Delivery Note")
		return f.make_return(note, (0.5, 1)[self.number % 2]).name if note and not note.is_return else False

	def close_order(self):
		order = self.pick("Sales Order")
		return order.update_status("Closed") if order else False

	def hold_order(self):
		order = self.pick("Sales Order")
		return order.update_status("On Hold") if order else False

	def cancel_order(self):
		order = self.pick("Sales Order")
		return order.cancel() and None if order else False

	def reserve(self):
		order = self.pick("Sales Order")
		return s.reserve(order, 1 + self.number % 4) if order else False

	# -- buying

	def purchase(self):
		return self.keep(
			s.make_purchase_order(self.row(uom="Box", conversion_factor=3), self.row(), on=self.on)
		)

	def receive(self):
		order = self.pick("Purchase Order")
		if not order or order.per_received >= 100:
			return False
		return s.receive(order, (0.4, 1)[self.number % 2]).name

	def close_purchase(self):
		order = self.pick("Purchase Order")
		return order.update_status("Closed") if order else False

	def cancel_purchase(self):
		order = self.pick("Purchase Order")
		return order.cancel() and None if order else False

	def request(self):
		return self.keep(s.make_material_request(self.row(), on=max(self.on, s.day(0))))

	def request_transfer(self):
		there, here = self.warehouses
		row = self.row(warehouse=here, from_warehouse=there)
		return self.keep(s.make_material_request(row, material_request_type="Material Transfer"))

	def stop_request(self):
		request = self.pick("Material Request")
		return request.update_status("Stopped") if request else False

	def order_request(self):
		from erpnext.stock.doctype.material_request.material_request import make_purchase_order

		request = self.pick("Material Request")
		if not request or request.material_request_type != "Purchase":
			return False
		order = make_purchase_order(request.name)
		order.supplier = f.ensure_supplier()
		order.schedule_date = s.day(3)
		for row in order.items:
			row.qty = max(1, row.qty // 2)
			row.rate = 10
		return self.keep(order.insert().submit())

	# -- making and moving

	def work(self):
		here, there = self.warehouses
		return self.keep(
			s.make_work_order(
				self.machine,
				1 + self.number % 5,
				on=max(self.on, s.day(0)),
				fg_warehouse=there,
				source_warehouse=here,
				wip_warehouse=here,
			)
		)

	def finish(self):
		work = self.pick("Work Order")
		return s.finish(work, 1).name if work else False

	def stop_work(self):
		from erpnext.manufacturing.doctype.work_order.work_order import stop_unstop

		work = self.pick("Work Order")
		return stop_unstop(work.name, "Stopped") if work else False

	def stock_in(self):
		row = self.row()
		return s.stock_up(row["item_code"], row["qty"], row["warehouse"]).name

	def stock_out(self):
		row = self.row()
		return s.stock_up(row["item_code"], -row["qty"], row["warehouse"]).name

	# -- what stands open now

	def world(self) -> World:
		"""Read document by document, as a person with a pencil would."""
		pair = frozenset(self.warehouses)
		world = World(
			pools={self.group: pair, **{name: frozenset({name}) for name in self.warehouses}},
			materials={self.bom.name: [Part(self.goods[0], 1.0), Part(self.goods[1], 2.0)]},
		)
		# Raw materials are looked for in the whole company; there are none elsewhere.
		world.pools[None] = pair
		for code in self.goods:
			item = frappe.get_doc("Item", code)
			made_by = self.bom.name if code == self.machine else None
			world.items[code] = ItemFacts(
				code, lead_days=item.lead_time_days, safety_stock=item.safety_stock, bom=made_by
			)
			for warehouse in self.warehouses:
				found = s.bin_of(code, warehouse)
				world.stock.append(Stock(code, warehouse, found.actual_qty))
				world.committed.append(Stock(code, warehouse, found.reserved_qty_for_production))
		self._read_orders(world)
		self._read_supply(world)
		return world

	def _read_orders(self, world: World) -> None:
		for order in self._submitted("Sales Order"):
			if order.status in ("On Hold", "Closed"):
				continue
			for row in order.items:
				left = 1 - (row.delivered_qty + self._returned(row)) / row.qty
				if row.delivered_by_supplier or not left:
					continue
				day = getdate(row.delivery_date)
				rank = (day, getdate(order.transaction_date), order.creation, row.idx, row.name)
				packed = [part for part in order.packed_items if part.parent_detail_docname == row.name]
				for part in packed or [row]:
					qty = flt(left * (part.qty if packed else row.stock_qty), 6)
					world.demands.append(
						Demand(part.item_code, part.warehouse, day, qty, order.name, row.name, rank)
					)
			for entry in frappe.get_all(
				"Stock Reservation Entry",
				filters={"voucher_no": order.name, "docstatus": 1, "status": ("!=", "Delivered")},
				fields=["item_code", "warehouse", "reserved_qty", "delivered_qty", "voucher_detail_no"],
				order_by="name",
			):
				world.reservations.append(
					Reservation(
						entry.item_code,
						entry.warehouse,
						entry.reserved_qty - entry.delivered_qty,
						entry.voucher_detail_no,
					)
				)

	def _returned(self, row) -> float:
		setting = frappe.db.get_single_value(
			"Selling Settings", "dont_reserve_sales_order_qty_on_sales_return", cache=False
		)
		return row.returned_qty if cint(setting) else 0

	def _read_supply(self, world: World) -> None:
		for order in self._submitted("Purchase Order"):
			for row in order.items if order.status != "Closed" else ():
				left = (row.qty - row.received_qty) * row.conversion_factor
				if left > 0:
					on = getdate(row.expected_delivery_date or row.schedule_date)
					world.supplies.append(Supply(row.item_code, row.warehouse, on, left, "Purchase"))
		for work in self._submitted("Work Order"):
			if work.status not in ("Stopped", "Completed", "Closed") and work.qty > work.produced_qty:
				on = getdate(work.expected_delivery_date)
				left = work.qty - work.produced_qty
				world.supplies.append(Supply(work.production_item, work.fg_warehouse, on, left, "Production"))
		for request in self._submitted("Material Request"):
			for row in request.items if request.status != "Stopped" else ():
				left = row.stock_qty - row.ordered_qty
				if left > 0:
					world.requests.append(Request(row.item_code, row.warehouse, left, row.from_warehouse))

	def _submitted(self, doctype: str) -> list:
		documents = [frappe.get_doc(doctype, name) for name in self.made[doctype]]
		return [document for document in documents if document.docstatus == 1]

	def needs(self, world: World, open_rows: bool) -> list[Need]:
		"""New rows in every pool, after the open rows where they are asked for, too."""
		needs = []
		if open_rows:
			# A row of a bundle has one demand for each component; it is asked for by its components elsewhere.
			bundled = {row.order_item for row in world.demands if not self._is_own(row)}
			needs = [
				Need(row.order_item, row.item_code, row.qty, row.warehouse, row.on, row.order_item)
				for row in sorted(world.demands, key=lambda row: row.rank)
				if row.order_item not in bundled
			]
		for item in self.goods:
			for number, pool in enumerate((*self.warehouses, self.group)):
				needs.append(Need(f"{item} {number}", item, 4.0 + number, pool, s.day(5 * number)))
		return needs

	def _is_own(self, row: Demand) -> bool:
		return frappe.db.get_value("Sales Order Item", row.order_item, "item_code") == row.item_code
