"""When goods arrive, those who sold them hear of it, once."""

import unittest

import frappe
from frappe.utils import flt

from crm_ext.supply import arrivals
from crm_ext.supply.arrival_rules import Arrived, Waiting, share_out
from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.base import SiteTestCase

SELLER = "crm-ext-arrivals-seller@example.com"
COLLEAGUE = "crm-ext-arrivals-colleague@example.com"
OWNER = "crm-ext-arrivals-owner@example.com"


def waiting(key, qty, day, reserved=0, warehouse="W", item="A", **more):
	return Waiting(key, f"O-{key}", key, None, item, warehouse, qty, reserved, (str(day),), **more)


class TestSharing(unittest.TestCase):
	"""No site needed."""

	def test_bought_for_somebody_goes_there_first(self):
		rows = [waiting("early", 5, 1), waiting("late", 5, 2)]
		self.assertEqual(share_out([Arrived("A", "W", 5, order_item="late")], rows, {}), {"late": 5})

	def test_bought_for_stock_goes_by_rank_to_those_that_were_short(self):
		rows = [waiting("third", 5, 3), waiting("first", 4, 1), waiting("second", 4, 2)]
		# 5 were there: the first had 4 of them, the second 1.
		got = share_out([Arrived("A", "W", 6)], rows, {("A", "W"): 5})
		self.assertEqual(got, {"second": 3, "third": 3})

	def test_what_is_reserved_is_nobody_elses(self):
		rows = [waiting("first", 4, 1), waiting("held", 4, 2, reserved=4)]
		self.assertEqual(share_out([Arrived("A", "W", 10)], rows, {("A", "W"): 4}), {"first": 4})

	def test_more_than_ordered_goes_to_the_next(self):
		rows = [waiting("named", 2, 9), waiting("other", 5, 1)]
		got = share_out([Arrived("A", "W", 3, order_item="named")], rows, {})
		self.assertEqual(got, {"named": 2, "other": 1})

	def test_another_warehouse_and_another_item_get_nothing(self):
		rows = [waiting("elsewhere", 2, 1, warehouse="V"), waiting("other", 2, 1, item="B")]
		self.assertEqual(share_out([Arrived("A", "W", 3)], rows, {}), {})
		self.assertEqual(share_out([Arrived("A", "W", 3)], rows, {}, whole_company=True), {"elsewhere": 2})

	def test_two_rows_of_one_receipt_do_not_serve_one_twice(self):
		rows = [waiting("one", 5, 1)]
		arrived = [Arrived("A", "W", 4, order_item="one"), Arrived("A", "W", 4, order_item="one")]
		self.assertEqual(share_out(arrived, rows, {}), {"one": 5})


class TestArrivals(SiteTestCase):
	def setUp(self):
		super().setUp()
		self.item = s.make_item().name
		for user in (SELLER, COLLEAGUE, OWNER):
			f.make_user(user, "Sales User")
		frappe.db.set_single_value("CRM Ext Settings", "tell_of_arrivals", 1)

	def order(self, qty=5, delivery=None, team=(), owner=OWNER, item=None, **row):
		"""A submitted order, sold by the users of `team`, entered by `owner`."""
		order = s.make_order(
			{"item_code": item or self.item, "qty": qty, **row}, delivery=delivery or s.day(7), submit=False
		)
		for user in team:
			share = 100 / len(team)
			order.append("sales_team", {"sales_person": self.seller(user), "allocated_percentage": share})
		order.save().submit()
		order.db_set("owner", owner)
		frappe.db.set_value("Deal", self.deal_of(order).name, "owner_user", None)
		return order

	def seller(self, user: str) -> str:
		name = f"Seller {user}"
		if not frappe.db.exists("Sales Person", name):
			f.make_sales_person(user, sales_person_name=name)
		return name

	def receipt(self, *rows: dict):
		rows = rows or ({"item_code": self.item, "qty": 5},)
		return s.receive(s.make_purchase_order(*rows))

	def told(self, receipt) -> dict[str, str]:
		rows = frappe.get_all(
			"Notification Log",
			{"document_type": receipt.doctype, "document_name": receipt.name},
			["for_user", "subject", "link"],
		)
		self.assertEqual(len(rows), len({row.for_user for row in rows}), "somebody was told twice")
		return {row.for_user: row for row in rows}

	def tell(self, receipt) -> dict[str, str]:
		arrivals.tell(receipt.doctype, receipt.name)
		return self.told(receipt)

	def test_the_sales_team_of_the_order_it_was_bought_for(self):
		order = self.order(team=(SELLER, COLLEAGUE))
		self.order(delivery=s.day(1))  # earlier, but these goods are not for it
		receipt = self.receipt(
			{
				"item_code": self.item,
				"qty": 5,
				"sales_order": order.name,
				"sales_order_item": order.items[0].name,
			}
		)
		told = self.tell(receipt)
		self.assertCountEqual(told, [SELLER, COLLEAGUE])
		for part in (order.name, "5", self.item, order.customer_name):
			self.assertIn(part, told[SELLER].subject)
		self.assertEqual(told[SELLER].link, f"/app/order-status/{order.name}")
		# The job ran again.
		self.assertEqual(arrivals.tell(receipt.doctype, receipt.name), [])
		self.assertCountEqual(self.told(receipt), [SELLER, COLLEAGUE])

	def test_bought_for_stock_in_the_rank_of_delivery_as_far_as_it_goes(self):
		s.stock_up(self.item, 2)
		last = self.order(5, s.day(9), team=(COLLEAGUE,))
		first = self.order(5, s.day(3), team=(SELLER,))
		self.order(5, s.day(20))
		told = self.tell(self.receipt({"item_code": self.item, "qty": 6}))
		self.assertCountEqual(told, [SELLER, COLLEAGUE])
		self.assertIn(f"{first.name} for {first.customer_name}: 3 × {self.item}", told[SELLER].subject)
		self.assertIn(f"{last.name} for {last.customer_name}: 3 × {self.item}", told[COLLEAGUE].subject)

	def test_one_message_a_person_for_several_orders(self):
		orders = [self.order(2, s.day(n), team=(SELLER,)) for n in (2, 3)]
		told = self.tell(self.receipt())
		self.assertEqual(list(told), [SELLER])
		for order in orders:
			self.assertIn(order.name, told[SELLER].subject)
			self.assertIn(order.name, told[SELLER].link)

	def test_else_the_owner_of_the_deal_else_of_the_order(self):
		self.order()
		self.assertEqual(list(self.tell(self.receipt())), [OWNER])
		order = self.order()
		frappe.db.set_value("Deal", self.deal_of(order).name, "owner_user", COLLEAGUE)
		self.assertEqual(list(self.tell(self.receipt())), [COLLEAGUE])

	def test_only_who_may_read_the_order(self):
		order = self.order(team=(SELLER, COLLEAGUE))
		self.addCleanup(frappe.clear_cache, user=SELLER)
		frappe.permissions.add_user_permission("Customer", f.FOREIGN_CUSTOMER, SELLER)
		self.assertFalse(frappe.has_permission("Sales Order", "read", doc=order, user=SELLER))
		self.assertEqual(list(self.tell(self.receipt())), [COLLEAGUE])

	def test_planned_from_a_quotation_and_made_from_a_request(self):
		quotation = f.make_quotation(rows=((self.item, 5, 100),))
		request = s.make_material_request(
			{
				"item_code": self.item,
				"qty": 5,
				"quotation": quotation.name,
				"quotation_item": quotation.items[0].name,
			}
		)
		self.order(5, s.day(1))
		order = f.make_sales_order(quotation)
		order.db_set("owner", SELLER)
		frappe.db.set_value("Deal", self.deal_of(order).name, "owner_user", None)
		from erpnext.stock.doctype.material_request.material_request import make_purchase_order

		purchase = make_purchase_order(request.name)
		purchase.supplier = f.ensure_supplier()
		purchase.insert().submit()
		self.assertEqual(list(self.tell(s.receive(purchase))), [SELLER])

	def test_part_of_a_bundle(self):
		bundle = s.make_bundle((self.item, 2))
		order = self.order(3, item=bundle.name, team=(SELLER,))
		told = self.tell(self.receipt({"item_code": self.item, "qty": 4}))
		self.assertIn(f"{order.name} for {order.customer_name}: 4 × {self.item}", told[SELLER].subject)

	def test_nobody_waits(self):
		order = self.order(2, team=(SELLER,))
		s.stock_up(self.item, 2)
		self.assertEqual(self.tell(self.receipt()), {})  # it was not short
		f.make_delivery_note(order)
		self.assertEqual(self.tell(self.receipt()), {})

	def test_an_invoice_that_moves_stock(self):
		self.order(team=(SELLER,))
		purchase = s.make_purchase_order({"item_code": self.item, "qty": 5})
		from erpnext.buying.doctype.purchase_order.purchase_order import make_purchase_invoice

		invoice = make_purchase_invoice(purchase.name)
		invoice.update_stock = 1
		invoice.insert().submit()
		self.assertTrue(arrivals.brings_goods(invoice))
		self.assertEqual(list(self.tell(invoice)), [SELLER])

	def test_goods_made_for_an_order(self):
		part = s.make_item(stock=20).name
		s.make_bom(self.item, (part, 1))
		order = self.order(team=(SELLER,))
		self.order(delivery=s.day(1))
		work = s.make_work_order(self.item, 5, sales_order=order.name, sales_order_item=order.items[0].name)
		entry = s.finish(work, 5)
		self.assertTrue(arrivals.brings_goods(entry))
		self.assertEqual(list(self.tell(entry)), [SELLER])

	def test_cancelled_before_the_job_ran(self):
		self.order(team=(SELLER,))
		receipt = self.receipt()
		receipt.cancel()
		self.assertEqual(self.tell(receipt), {})

	def noted(self, statement) -> int:
		before = len(frappe.db.after_commit._functions)
		statement()
		return len(frappe.db.after_commit._functions) - before

	def test_the_receipt_itself_costs_nothing(self):
		self.order(team=(SELLER,))
		receipt = self.receipt()
		for switch, noted in ((1, 1), (0, 0)):
			frappe.db.set_single_value("CRM Ext Settings", "tell_of_arrivals", switch)
			frappe.get_cached_value("CRM Ext Settings", None, "tell_of_arrivals")
			with self.assertQueryCount(0):
				self.assertEqual(self.noted(lambda: arrivals.note(receipt)), noted)

	def test_what_is_no_arrival(self):
		receipt = self.receipt()
		from erpnext.stock.doctype.purchase_receipt.purchase_receipt import make_purchase_return

		self.assertFalse(arrivals.brings_goods(make_purchase_return(receipt.name)))
		self.assertFalse(arrivals.brings_goods(s.stock_up(self.item, 1)))
		self.assertTrue(arrivals.brings_goods(receipt))
		self.assertEqual(flt(receipt.items[0].stock_qty), 5)
