"""Order Status: where each row of an order is, through the whole chain, and for whom it names what."""

import unittest
from datetime import date

import frappe
from frappe.utils import getdate

from crm_ext.api import order_status as api
from crm_ext.supply import order_status_rules as rules
from crm_ext.supply.order_status_rules import Document, OrderRow
from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.base import SiteTestCase

TODAY = date(2026, 3, 1)
SELLER = "crm-ext-order-status@example.com"


def judge(**values) -> rules.Status:
	values = {"qty": 10, "delivered": 0, "open": 10, "amount": 1000, "due": date(2026, 3, 20), **values}
	return rules.judge(OrderRow(**values), TODAY)


def document(kind, qty, **values) -> Document:
	return Document(kind, kind, f"{kind}-1", "", qty, **values)


class TestWhere(unittest.TestCase):
	"""No site needed."""

	def test_each_piece_is_in_one_place_and_the_earliest_is_named(self):
		status = judge(delivered=2, open=8, ready=3, short=1, documents=(document("request", 4, done=2),))
		self.assertEqual(status.parts, {"short": 1, "requested": 2, "ordered": 2, "ready": 3, "delivered": 2})
		self.assertEqual((status.where, status.partly), ("waiting", True))
		self.assertEqual(sum(status.parts.values()), 10)

	def test_parts_of_a_bundle_are_requested_until_one_is_ordered(self):
		request, purchase = document("request", 40), document("purchase", 40)
		status = judge(ready=4, bundle=True, documents=(request,))
		self.assertEqual(status.parts, {"requested": 6, "ready": 4})
		status = judge(ready=4, bundle=True, documents=(request, purchase))
		self.assertEqual(status.parts, {"ordered": 6, "ready": 4})

	def test_the_way(self):
		for where, values in {
			"waiting": {"short": 10},
			"requested": {"documents": (document("request", 10),)},
			"ordered": {"documents": (document("purchase", 10),)},
			"in_stock": {"ready": 10},
			"reserved": {"ready": 10, "documents": (document("reservation", 10),)},
			"picked": {"ready": 10, "picked": 10},
			"packed": {"ready": 10, "documents": (document("note", 10, draft=True),)},
			"to_deliver": {"ready": 10, "stock": False},
			"delivered": {"open": 0, "delivered": 10},
			"invoiced": {"open": 0, "delivered": 10, "documents": (document("invoice", 10, amount=1000),)},
			"paid": {
				"open": 0,
				"delivered": 10,
				"documents": (document("invoice", 10, amount=1000, paid_share=1.0),),
			},
			"closed": {"open": 0},
		}.items():
			with self.subTest(where):
				status = judge(**values)
				self.assertEqual((status.where, status.partly), (where, False))

	def test_only_what_all_pieces_have_reached(self):
		self.assertEqual(judge(ready=10, picked=4).where, "in_stock")
		half = document("invoice", 5, amount=500, paid_share=1.0)
		status = judge(open=0, delivered=10, documents=(half,))
		self.assertEqual(
			(status.where, status.partly, status.invoiced, status.paid), ("delivered", True, 500, 500)
		)

	def test_a_credit_note_takes_back(self):
		documents = (
			document("invoice", 10, amount=1000, paid_share=1.0),
			document("invoice", -10, amount=-1000, paid_share=1.0),
		)
		status = judge(open=0, delivered=10, documents=documents)
		self.assertEqual((status.where, status.invoiced, status.paid), ("delivered", 0, 0))

	def test_the_last_of_the_goods_still_to_come_counts(self):
		documents = (
			document("purchase", 5, done=5, expected=date(2026, 3, 30)),
			document("purchase", 3, expected=date(2026, 3, 10)),
			document("purchase", 2, expected=date(2026, 3, 25)),
		)
		status = judge(documents=documents)
		self.assertEqual(
			(status.next_what, status.next_on, status.late), ("expected", date(2026, 3, 25), True)
		)
		self.assertFalse(judge(documents=documents[:2]).late)

	def test_drafts_and_what_was_closed_count_nothing(self):
		documents = (document("request", 10, draft=True), document("request", 10, ended=True))
		status = judge(short=10, documents=documents)
		self.assertEqual((status.where, status.parts), ("waiting", {"short": 10}))

	def test_only_what_is_not_in_stock_has_to_come(self):
		status = judge(ready=6, short=1, documents=(document("purchase", 2), document("request", 1)))
		steps = {step.key: (step.qty, step.of, step.state) for step in status.steps}
		self.assertEqual(status.parts, {"short": 1, "requested": 1, "ordered": 2, "ready": 6})
		self.assertEqual(steps["requested"], (1, 2, "partial"))
		self.assertEqual(steps["ordered"], (2, 4, "partial"))
		self.assertEqual(steps["received"], (0, 4, "open"))

	def test_what_came_from_stock_needed_no_purchase(self):
		steps = {step.key: step.state for step in judge(ready=10).steps}
		self.assertEqual(
			[steps[key] for key in ("requested", "ordered", "received", "held", "delivered")],
			["skipped", "skipped", "skipped", "skipped", "open"],
		)


class TestOrderStatus(SiteTestCase):
	def setUp(self):
		super().setUp()
		self.item = s.make_item().name

	def status(self, order) -> dict:
		return api.get_status(order.name)

	def row(self, order, number: int = 0) -> "frappe._dict":
		row = frappe._dict(self.status(order)["rows"][number])
		row.step = {step["key"]: frappe._dict(step) for step in row.steps}
		return row

	def names(self, step) -> list[str]:
		return [document["name"] for document in step.documents]

	def test_what_should_have_come_is_not_ready(self):
		s.stock_up(self.item, 38)
		s.make_purchase_order({"item_code": self.item, "qty": 30}, on=s.day(-3))
		order = s.make_order({"item_code": self.item, "qty": 55}, delivery=s.day(4))
		row = self.row(order)
		self.assertEqual((row.where, row.parts), ("ordered", {"ordered": 17, "ready": 38}))
		# What an order before it takes is not ready for this one.
		later = s.make_order({"item_code": self.item, "qty": 5}, delivery=s.day(5))
		self.assertEqual(self.row(later).parts, {"ordered": 5})

	def test_from_shortage_to_payment(self):
		from erpnext.selling.doctype.sales_order.sales_order import make_material_request
		from erpnext.stock.doctype.material_request.material_request import make_purchase_order

		order = s.make_order({"item_code": self.item, "qty": 4}, delivery=s.day(20))
		deal = self.deal_of(order).name
		self.assertEqual(self.row(order).where, "waiting")
		self.assertEqual(self.status(order)["deals"][0].name, deal)

		request = make_material_request(order.name)
		request.schedule_date = request.items[0].schedule_date = s.day(9)
		request.insert()
		row = self.row(order)
		self.assertEqual((row.where, row.step["requested"].documents[0]["draft"]), ("waiting", True))
		request.submit()
		row = self.row(order)
		self.assertEqual((row.where, self.names(row.step["requested"])), ("requested", [request.name]))

		purchase = make_purchase_order(request.name)
		purchase.supplier = f.ensure_supplier()
		purchase.insert().submit()
		row = self.row(order)
		self.assertEqual((row.where, row.next_what, row.next_on), ("ordered", "expected", s.day(9)))
		self.assertEqual(row.step["ordered"].documents[0]["party"], purchase.supplier_name)

		receipt = s.receive(purchase, 0.5)
		row = self.row(order)
		self.assertEqual((row.where, row.parts), ("ordered", {"ordered": 2, "ready": 2}))
		self.assertEqual((self.names(row.step["received"]), row.step["received"].qty), ([receipt.name], 2))
		s.receive(purchase)
		self.assertEqual(self.row(order).where, "in_stock")

		draft = f.make_delivery_note(order, submit=False)
		row = self.row(order)
		self.assertEqual((row.where, row.held), ("packed", {"packed": 4}))
		draft.submit()
		row = self.row(order)
		self.assertEqual((row.where, self.names(row.step["delivered"])), ("delivered", [draft.name]))

		order.reload()
		invoice = f.make_sales_invoice(order)
		row = self.row(order)
		self.assertEqual((row.where, row.next_what), ("invoiced", "payment"))
		self.assertEqual(getdate(row.next_on), getdate(invoice.due_date))
		f.make_payment(invoice, f.gross(invoice) / 4)
		found = self.status(order)
		self.assertEqual(
			{key: round(share, 4) for key, share in found["totals"].items()},
			{"delivered": 1, "invoiced": 1, "paid": 0.25},
		)
		self.assertEqual((found["rows"][0]["where"], found["rows"][0]["partly"]), ("invoiced", True))
		invoice.reload()
		f.make_payment(invoice)
		self.assertEqual(self.row(order).where, "paid")

	def test_another_exchange_rate_changes_no_share(self):
		order = f.make_sales_order(
			customer=f.FOREIGN_CUSTOMER, rows=((f.SERVICE, 2, 100),), currency="EUR", conversion_rate=1.5
		)
		invoice = f.make_sales_invoice(order, conversion_rate=1.2)
		self.assertEqual(invoice.conversion_rate, 1.2)
		row = self.row(order)
		self.assertEqual((row.step["invoiced"].qty, row.step["paid"].qty), (2, 0))
		f.make_payment(invoice, invoice.grand_total / 4)
		found = self.status(order)["totals"]
		self.assertEqual((found["invoiced"], round(found["paid"], 4)), (1, 0.25))

	def test_rows_are_told_apart_and_counted_in_the_unit_of_the_order(self):
		other = s.make_item(stock=3, uoms=[{"uom": "Box", "conversion_factor": 12}]).name
		order = s.make_order(
			{"item_code": self.item, "qty": 5},
			{"item_code": other, "qty": 2, "uom": "Box", "conversion_factor": 12},
		)
		purchase = s.make_purchase_order(
			{
				"item_code": other,
				"qty": 21,
				"sales_order": order.name,
				"sales_order_item": order.items[1].name,
			}
		)
		self.assertEqual(self.row(order).where, "waiting")
		row = self.row(order, 1)
		self.assertEqual((row.where, row.parts), ("ordered", {"ordered": 1.75, "ready": 0.25}))
		self.assertEqual(self.names(row.step["ordered"]), [purchase.name])
		self.assertEqual(row.step["ordered"].qty, 1.75)

	def test_reserved_and_picked(self):
		s.stock_up(self.item, 5)
		order = s.make_order({"item_code": self.item, "qty": 3})
		s.reserve(order)
		row = self.row(order)
		self.assertEqual((row.where, row.held), ("reserved", {"reserved": 3}))
		self.assertEqual(row.step["held"].state, "done")

	def test_planned_from_the_quotation(self):
		quotation = f.make_quotation(rows=((self.item, 4, 100),))
		request = s.make_material_request(
			{
				"item_code": self.item,
				"qty": 4,
				"quotation": quotation.name,
				"quotation_item": quotation.items[0].name,
			}
		)
		order = f.make_sales_order(quotation)
		row = self.row(order)
		self.assertEqual((row.where, self.names(row.step["requested"])), ("requested", [request.name]))

	def test_made_for_the_order(self):
		part = s.make_item(stock=50).name
		s.make_bom(self.item, (part, 1))
		order = s.make_order({"item_code": self.item, "qty": 4}, delivery=s.day(20))
		work = s.make_work_order(
			self.item, 4, s.day(12), sales_order=order.name, sales_order_item=order.items[0].name
		)
		row = self.row(order)
		self.assertEqual(
			(row.where, row.next_on, self.names(row.step["ordered"])), ("ordered", s.day(12), [work.name])
		)
		s.finish(work, 1)
		row = self.row(order)
		self.assertEqual((row.parts, row.step["received"].qty), ({"ordered": 3, "ready": 1}, 1))

	def test_a_bundle_shows_its_parts(self):
		bundle = s.make_bundle((self.item, 2))
		order = s.make_order({"item_code": bundle.name, "qty": 3})
		purchase = s.make_purchase_order(
			{
				"item_code": self.item,
				"qty": 6,
				"sales_order": order.name,
				"sales_order_packed_item": order.packed_items[0].name,
			}
		)
		row = self.row(order)
		self.assertEqual((row.where, row.parts), ("ordered", {"ordered": 3}))
		(shown,) = row.step["ordered"].documents
		self.assertEqual((shown["name"], shown["item_code"], shown["qty"]), (purchase.name, self.item, 6))

	def test_delivered_by_the_supplier(self):
		order = s.make_order(
			{"item_code": self.item, "qty": 3, "delivered_by_supplier": 1, "supplier": f.ensure_supplier()}
		)
		row = self.row(order)
		self.assertEqual((row.where, row.drop_ship, row.parts), ("waiting", True, {"short": 3}))

	def test_closed_and_service(self):
		order = s.make_order({"item_code": f.SERVICE, "qty": 1})
		self.assertEqual(self.row(order).where, "to_deliver")
		order.update_status("Closed")
		self.assertEqual((self.row(order).where, self.row(order).parts), ("closed", {"closed": 1}))

	def test_names_only_what_may_be_read(self):
		order = s.make_order({"item_code": self.item, "qty": 4})
		purchase = s.make_purchase_order(
			{
				"item_code": self.item,
				"qty": 4,
				"sales_order": order.name,
				"sales_order_item": order.items[0].name,
			}
		)
		frappe.set_user(f.make_user(SELLER, "Sales User").name)
		self.assertFalse(frappe.has_permission("Purchase Order", "read", doc=purchase))
		row = self.row(order)
		(shown,) = row.step["ordered"].documents
		self.assertEqual((row.where, shown["qty"], shown["expected"]), ("ordered", 4, getdate(s.day(7))))
		self.assertIsNone(shown["name"])
		self.assertIsNone(shown["party"])
		frappe.set_user("Guest")
		with self.assertRaises(frappe.PermissionError):
			api.get_status(order.name)

	def test_queries_do_not_grow_with_the_rows(self):
		order = s.make_order(*({"item_code": s.make_item().name, "qty": 2} for _number in range(12)))
		for row in order.items[:6]:
			s.make_purchase_order(
				{
					"item_code": row.item_code,
					"qty": 2,
					"sales_order": order.name,
					"sales_order_item": row.name,
				}
			)
		self.status(order)  # what Frappe keeps in its caches
		with self.assertQueryCount(20):
			found = self.status(order)
		self.assertEqual([row["where"] for row in found["rows"]], ["ordered"] * 6 + ["waiting"] * 6)
