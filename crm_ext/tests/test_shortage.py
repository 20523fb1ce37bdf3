"""From what is short to requests and purchase orders, on a site: what ERPNext then makes of them, too."""

import random

import frappe
from erpnext.buying.doctype.purchase_order.purchase_order import make_purchase_receipt
from erpnext.stock.doctype.material_request.material_request import make_purchase_order as order_request
from frappe.utils import flt, getdate

from crm_ext.api import shortage as api
from crm_ext.deals import touch
from crm_ext.supply import purchasing, shortage
from crm_ext.supply.purchasing import Choice
from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.base import SiteTestCase


def supplier(**values) -> str:
	return (
		frappe.get_doc(
			{
				"doctype": "Supplier",
				"supplier_name": f.unique("Supplier"),
				"supplier_group": "All Supplier Groups",
				**values,
			}
		)
		.insert()
		.name
	)


def bought_item(default_supplier: str | None = None, **values) -> str:
	"""An item that is out of stock, and whom it is bought from."""
	if default_supplier:
		values["item_defaults"] = [{"company": f.COMPANY, "default_supplier": default_supplier}]
	return s.make_item(**values).name


def set_price(item: str, rate: float) -> None:
	price_list = frappe.db.get_single_value("Buying Settings", "buying_price_list")
	frappe.get_doc(
		{"doctype": "Item Price", "item_code": item, "price_list": price_list, "price_list_rate": rate}
	).insert()


def quoted(item: str, qty: float = 10, **values):
	return f.make_quotation(rows=((item, qty, 100),), **values)


def order_of(quotation):
	return f.make_sales_order(quotation)


def short(document) -> list:
	return list(shortage.read(document.doctype, document.name).shortages)


def request(document, *choices) -> list:
	return documents(purchasing.request(document.doctype, document.name, choices or None))


def order(document, *choices) -> list:
	return documents(purchasing.order(document.doctype, document.name, choices or None))


def documents(made: purchasing.Made) -> list:
	return [frappe.get_doc(*ref) for ref in made.documents]


def rows_of(doc, *fields) -> list[tuple]:
	return [tuple(row.get(field) for field in fields) for row in doc.items]


class TestRequests(SiteTestCase):
	def test_order_is_requested_once(self):
		item = bought_item()
		order = s.make_order({"item_code": item, "qty": 10})
		(made,) = request(order)
		self.assertEqual((made.docstatus, made.material_request_type), (0, "Purchase"))
		self.assertEqual(
			rows_of(made, "item_code", "stock_qty", "sales_order", "sales_order_item", "schedule_date"),
			[(item, 10, order.name, order.items[0].name, getdate(order.delivery_date))],
		)
		(row,) = short(order)
		self.assertEqual((row.line.short, row.open, row.to_buy), (10, 0, 0))
		self.assertEqual([(r.name, r.open, r.is_draft) for r in row.running], [(made.name, 10, True)])
		self.assertEqual(request(order), [])
		made.submit()
		(row,) = short(order)
		self.assertEqual((row.line.short, row.open), (0, 0))
		self.assertEqual([r.name for r in row.running], [made.name])
		self.assertEqual(request(order), [])

	def test_only_what_is_missing(self):
		item = s.make_item(stock=4).name
		order = s.make_order({"item_code": item, "qty": 10})
		self.assertEqual(rows_of(request(order)[0], "stock_qty"), [(6,)])

	def test_what_came_back_is_bought_again_only_where_it_is_delivered_again(self):
		item = s.make_item(stock=10).name
		order = s.make_order({"item_code": item, "qty": 10})
		f.make_return(f.make_delivery_note(order), share=0.4)
		s.stock_up(item, -4)
		setting = ("Selling Settings", "dont_reserve_sales_order_qty_on_sales_return")
		for is_settled, wanted in ((0, 4), (1, 0)):
			frappe.db.set_single_value(*setting, is_settled)
			frappe.clear_document_cache(setting[0], setting[0])
			with self.subTest(is_settled):
				self.assertEqual(sum(row.line.short for row in short(order)), wanted)

	def test_a_cancelled_request_is_requested_again(self):
		order = s.make_order({"item_code": bought_item(), "qty": 10})
		(made,) = request(order)
		made.submit().cancel()
		self.assertEqual(rows_of(request(order)[0], "stock_qty"), [(10,)])

	def test_a_stopped_request_is_requested_again(self):
		order = s.make_order({"item_code": bought_item(), "qty": 10})
		(made,) = request(order)
		made.submit().update_status("Stopped")
		(row,) = short(order)
		self.assertEqual((row.open, row.running), (10, ()))

	def test_minimum_can_be_submitted(self):
		item = bought_item(min_order_qty=25)
		order = s.make_order({"item_code": item, "qty": 10})
		(made,) = request(order)
		self.assertEqual(
			rows_of(made, "qty", "sales_order", "sales_order_item"),
			[(10, order.name, order.items[0].name), (15, None, None)],
		)
		made.submit()
		self.assertEqual(short(order)[0].open, 0)

	def test_what_a_minimum_adds_serves_the_next_order(self):
		item = bought_item(min_order_qty=25)
		first = s.make_order({"item_code": item, "qty": 10})
		second = s.make_order({"item_code": item, "qty": 12}, delivery=s.day(8))
		third = s.make_order({"item_code": item, "qty": 8}, delivery=s.day(9))
		(made,) = request(first)
		self.assertEqual([row.open for order in (second, third) for row in short(order)], [0, 5])
		self.assertEqual([r.name for r in short(second)[0].running], [made.name])
		self.assertEqual(request(second), [])
		made.submit()
		self.assertEqual([row.line.short for order in (second, third) for row in short(order)], [0, 5])

	def test_boxes(self):
		item = bought_item(
			purchase_uom="Box",
			uoms=[{"uom": "Box", "conversion_factor": 12}],
		)
		order = s.make_order({"item_code": item, "qty": 30})
		(made,) = request(order)
		self.assertEqual(
			rows_of(made, "uom", "qty", "stock_qty", "sales_order", "sales_order_item"),
			[
				("Box", 2, 24, order.name, order.items[0].name),
				# More than the six that are missing: ERPNext would refuse it against the row.
				("Box", 1, 12, order.name, None),
			],
		)
		self.assertEqual(short(order)[0].open, 0)
		made.submit()
		self.assertEqual(request(order), [])

	def test_rows_of_one_item_share_a_box(self):
		item = bought_item(purchase_uom="Box", uoms=[{"uom": "Box", "conversion_factor": 12}])
		order = s.make_order({"item_code": item, "qty": 5}, {"item_code": item, "qty": 5})
		(made,) = request(order)
		self.assertEqual(sum(row.qty for row in made.items), 1)
		self.assertEqual([row.open for row in short(order)], [0, 0])

	def test_somebody_wants_more(self):
		order = s.make_order({"item_code": bought_item(), "qty": 10})
		(row,) = short(order)
		(made,) = request(order, Choice(row.line.key, 14, seen=row.open))
		self.assertEqual(rows_of(made, "qty", "sales_order_item"), [(10, order.items[0].name), (4, None)])
		made.submit()

	def test_made_in_house(self):
		raw = bought_item()
		item = s.make_item().name
		bom = s.make_bom(item, (raw, 2))
		order = s.make_order({"item_code": item, "qty": 3}, {"item_code": raw, "qty": 1})
		made = {doc.material_request_type: doc for doc in request(order)}
		self.assertEqual(
			rows_of(made["Manufacture"], "item_code", "qty", "sales_order_item"),
			[(item, 3, order.items[0].name)],
		)
		self.assertEqual([row.item_code for row in made["Purchase"].items], [raw])
		self.assertTrue(bom.name)
		made["Manufacture"].submit()
		self.assertEqual([row.open for row in short(order)], [0, 0])

	def test_bundle_by_its_parts(self):
		part, other = bought_item(), s.make_item(stock=100).name
		bundle = s.make_bundle((part, 2), (other, 1)).name
		order = s.make_order({"item_code": bundle, "qty": 3})
		(made,) = request(order)
		self.assertEqual(
			rows_of(made, "item_code", "stock_qty", "sales_order", "sales_order_item"),
			[(part, 6, order.name, None)],
		)
		self.assertEqual([row.open for row in short(order)], [0, 0])
		made.submit()
		self.assertEqual(request(order), [])

	def test_service_is_no_shortage(self):
		order = s.make_order({"item_code": f.SERVICE, "qty": 3})
		self.assertEqual(short(order), [])

	def test_closed_order_wants_nothing(self):
		order = s.make_order({"item_code": bought_item(), "qty": 10})
		order.update_status("Closed")
		self.assertEqual(short(order), [])


class TestPlans(SiteTestCase):
	def test_what_was_planned_is_not_ordered_again(self):
		item = bought_item(f.ensure_supplier())
		quotation = quoted(item)
		(made,) = request(quotation)
		self.assertEqual(
			rows_of(made, "quotation", "quotation_item", "sales_order"),
			[(quotation.name, quotation.items[0].name, None)],
		)
		order = order_of(quotation)
		self.assertEqual([row.open for row in short(order)], [0])
		self.assertEqual([r.name for r in short(order)[0].running], [made.name])
		self.assertEqual(short(quotation), [])  # all of it is ordered
		made.submit()
		self.assertEqual([row.open for row in short(order)], [0])
		bought = order_request(made.name)
		bought.supplier = f.ensure_supplier()
		bought.insert()
		self.assertEqual([row.open for row in short(order)], [0])
		bought.submit()
		(row,) = short(order)
		self.assertEqual((row.open, [r.name for r in row.running]), (0, [bought.name]))
		receipt = make_purchase_receipt(bought.name)
		receipt.insert().submit()
		self.assertEqual((short(order)[0].open, short(order)[0].running), (0, ()))

	def test_part_of_a_quotation_is_ordered(self):
		quotation = quoted(bought_item())
		order = f.make_sales_order(quotation, submit=False)
		order.items[0].qty = 4
		order.save()
		order.submit()
		(row,) = short(quotation)
		self.assertEqual((row.line.wanted, row.open), (6, 6))

	def test_two_plans_share_one_purchase(self):
		item = bought_item()
		first, second = quoted(item), quoted(item, 8)
		(made,) = request(first)
		(row,) = short(second)
		self.assertEqual((row.line.short, row.open, [r.name for r in row.running]), (8, 0, [made.name]))

	def test_an_order_does_not_live_on_a_plan(self):
		item = bought_item()
		request(quoted(item))
		order = s.make_order({"item_code": item, "qty": 10})
		self.assertEqual(short(order)[0].open, 10)

	def test_a_quotation_orders_nothing(self):
		with self.assertRaises(frappe.ValidationError):
			order(quoted(bought_item(f.ensure_supplier())))

	def test_quotation_can_be_cancelled_and_deleted_with_a_plan(self):
		quotation = quoted(bought_item())
		(made,) = request(quotation)
		made.submit()
		quotation.reload()
		quotation.cancel()
		quotation.delete()
		made.reload()
		self.assertEqual(rows_of(made, "quotation"), [(None,)])


class TestOrders(SiteTestCase):
	def test_one_for_each_supplier_at_their_prices(self):
		one, two = supplier(), supplier(default_currency="EUR")
		items = [bought_item(one), bought_item(two), bought_item(one)]
		set_price(items[0], 33)
		frappe.get_doc(
			{
				"doctype": "Currency Exchange",
				"from_currency": "EUR",
				"to_currency": "USD",
				"exchange_rate": 1.25,
				"date": "2020-01-01",
			}
		).insert()
		sold = s.make_order(*({"item_code": item, "qty": 2} for item in items))
		made = {doc.supplier: doc for doc in order(sold)}
		self.assertEqual(set(made), {one, two})
		self.assertEqual(
			rows_of(made[one], "item_code", "qty", "sales_order_item"),
			[(items[0], 2, sold.items[0].name), (items[2], 2, sold.items[2].name)],
		)
		self.assertEqual(made[one].items[0].rate, 33)
		self.assertEqual((made[two].currency, made[two].conversion_rate), ("EUR", 1.25))
		for doc in made.values():
			doc.submit()
		sold.reload()
		self.assertEqual([row.ordered_qty for row in sold.items], [2, 2, 2])
		self.assertEqual(order(sold), [])

	def test_minimum_can_be_submitted(self):
		item = bought_item(f.ensure_supplier(), min_order_qty=25)
		sold = s.make_order({"item_code": item, "qty": 10})
		(made,) = order(sold)
		self.assertEqual(rows_of(made, "qty", "sales_order_item"), [(10, sold.items[0].name), (15, None)])
		made.submit()

	def test_bundle_can_be_submitted(self):
		part = bought_item(f.ensure_supplier())
		sold = s.make_order({"item_code": s.make_bundle((part, 2)).name, "qty": 3})
		(made,) = order(sold)
		self.assertEqual(
			rows_of(made, "item_code", "stock_qty", "sales_order_packed_item"),
			[(part, 6, sold.packed_items[0].name)],
		)
		made.submit()
		self.assertEqual([row.open for row in short(sold)], [0])

	def test_without_supplier_somebody_has_to_choose(self):
		sold = s.make_order({"item_code": bought_item(), "qty": 2})
		with self.assertRaisesRegex(frappe.ValidationError, "Choose a supplier"):
			order(sold)
		(row,) = short(sold)
		(made,) = order(sold, Choice(row.line.key, 2, supplier=f.ensure_supplier()))
		self.assertEqual(made.supplier, f.ensure_supplier())

	def test_supplier_of_group_and_of_the_list(self):
		group = frappe.get_doc(
			{
				"doctype": "Item Group",
				"item_group_name": f.unique("Group"),
				"parent_item_group": "All Item Groups",
				"item_group_defaults": [{"company": f.COMPANY, "default_supplier": f.ensure_supplier()}],
			}
		).insert()
		listed = supplier()
		items = [
			bought_item(item_group=group.name),
			bought_item(supplier_items=[{"supplier": listed}]),
		]
		sold = s.make_order(*({"item_code": item, "qty": 2} for item in items))
		self.assertEqual([row.terms.supplier for row in short(sold)], [f.ensure_supplier(), listed])

	def test_what_the_supplier_delivers(self):
		item = bought_item(f.ensure_supplier(), delivered_by_supplier=1)
		other = bought_item(f.ensure_supplier())
		sold = s.make_order(
			{"item_code": item, "qty": 5, "delivered_by_supplier": 1, "supplier": f.ensure_supplier()},
			{"item_code": other, "qty": 2},
		)
		self.assertEqual([row.line.source.drop_ship for row in short(sold)], [True, False])
		dropped, stocked = sorted(order(sold), key=lambda doc: not doc.items[0].delivered_by_supplier)
		self.assertEqual(
			rows_of(dropped, "item_code", "qty", "sales_order_item", "delivered_by_supplier"),
			[(item, 5, sold.items[0].name, 1)],
		)
		self.assertEqual(dropped.customer, sold.customer)
		self.assertEqual([row.item_code for row in stocked.items], [other])
		self.assertEqual([row.open for row in short(sold)], [0, 0])
		dropped.submit()
		self.assertEqual(order(sold), [])


class History:
	"""What people do with one item, of which there are five, drawn by lot."""

	def __init__(self, seed: int):
		self.draw = random.Random(seed)
		self.item = bought_item(f.ensure_supplier())
		s.stock_up(self.item, 5)
		self.quotations, self.sold, self.drafts = [], [], []

	def step(self) -> None:
		actions = [self.quote, self.sell]
		actions += [self.win, self.plan] if self.quotations else []
		actions += [self.buy, self.buy] if self.sold else []
		actions += [self.submit, self.discard] if self.drafts else []
		self.draw.choice(actions)()

	def quote(self) -> None:
		self.quotations.append(quoted(self.item, self.draw.randint(1, 10)))

	def sell(self) -> None:
		qty, delivery = self.draw.randint(1, 10), s.day(self.draw.randint(1, 9))
		self.sold.append(s.make_order({"item_code": self.item, "qty": qty}, delivery=delivery))

	def win(self) -> None:
		self.sold.append(order_of(self.taken(self.quotations)))

	def plan(self) -> None:
		self.drafts += request(self.draw.choice(self.quotations))

	def buy(self) -> None:
		self.drafts += self.draw.choice((request, order))(self.draw.choice(self.sold))

	def submit(self) -> None:
		self.taken(self.drafts).submit()

	def discard(self) -> None:
		self.taken(self.drafts).delete()

	def taken(self, documents: list):
		return documents.pop(self.draw.randrange(len(documents)))

	def end(self) -> None:
		"""All is sold, and everybody looks once more: what one bought may serve another one who came before."""
		while self.quotations:
			self.win()
		for _round in range(2):
			for one in self.sold:
				request(one)

	def bought(self) -> float:
		return sum(
			flt(qty)
			for doctype in ("Material Request Item", "Purchase Order Item")
			for qty in frappe.get_all(
				doctype, {"item_code": self.item, "docstatus": ("<", 2)}, pluck="stock_qty"
			)
		)


class TestHistories(SiteTestCase):
	def test_as_much_is_bought_as_was_sold(self):
		"""Whatever was planned, ordered, submitted and thrown away in between: no more and no less."""
		for seed in range(6):
			with self.subTest(seed=seed):
				history = History(seed)
				for _step in range(12):
					history.step()
				history.end()
				sold = sum(one.items[0].qty for one in history.sold)
				self.assertEqual(history.bought(), max(0, sold - 5))


class TestDeal(SiteTestCase):
	def test_its_quotations_then_its_orders(self):
		customer = f.make_customer()
		opportunity = f.make_opportunity(customer)
		quotation = f.make_quotation(opportunity, rows=((bought_item(), 10, 100),))
		deal = self.deal_of(quotation)
		self.assertTrue(shortage.read("Deal", deal.name).is_plan)
		self.assertEqual([row.open for row in short(deal)], [10])
		sold = order_of(quotation)
		touch.flush()
		reading = shortage.read("Deal", deal.name)
		self.assertFalse(reading.is_plan)
		self.assertEqual([row.line.source.order for row in reading.shortages], [sold.name])
		(made,) = request(deal)
		self.assertEqual(made.items[0].sales_order, sold.name)


class TestReading(SiteTestCase):
	def test_queries_do_not_grow_with_rows(self):
		def cost(rows: int) -> int:
			sold = s.make_order(*({"item_code": bought_item(), "qty": 2} for _ in range(rows)))
			short(sold)  # what is cached afterwards
			asked, ask = [], frappe.db.sql
			frappe.db.sql = lambda *args, **more: asked.append(args[0]) or ask(*args, **more)
			try:
				short(sold)
			finally:
				frappe.db.sql = ask
			return len(asked)

		self.assertEqual(cost(2), cost(7))


class TestApi(SiteTestCase):
	def setUp(self):
		super().setUp()
		self.sold = s.make_order({"item_code": bought_item(f.ensure_supplier()), "qty": 10})

	def test_salesperson_sees_but_may_not_order(self):
		seller = f.make_user(f"{frappe.generate_hash(length=8)}@example.com", "Sales User")
		frappe.set_user(seller.name)
		answer = api.get_shortage("Sales Order", self.sold.name)
		self.assertEqual(answer["rows"][0]["open"], 10)
		for action, doctype in ((api.make_requests, "Material Request"), (api.make_orders, "Purchase Order")):
			if frappe.has_permission(doctype, "create"):
				continue
			with self.assertRaisesRegex(frappe.PermissionError, "Ask purchasing"):
				action("Sales Order", self.sold.name, [])
		self.assertFalse(answer["may"]["order"])

	def test_who_may_not_read_the_document_sees_nothing(self):
		buyer = f.make_user(f"{frappe.generate_hash(length=8)}@example.com", "Accounts User")
		frappe.set_user(buyer.name)
		quotation = frappe.db.get_value("Quotation", {}, "name")
		self.assertFalse(frappe.has_permission("Quotation", "read"))
		with self.assertRaises(frappe.PermissionError):
			api.get_shortage("Quotation", quotation)

	def test_other_documents_have_no_shortage(self):
		with self.assertRaises(frappe.ValidationError):
			api.get_shortage("Customer", f.CUSTOMER)

	def test_a_deal_shows_no_order_its_reader_may_not_open(self):
		seller = f.make_user(f"{frappe.generate_hash(length=8)}@example.com", "Sales User")
		deal = self.deal_of(self.sold).name
		other = s.make_order({"item_code": s.make_item().name, "qty": 1})
		frappe.set_user(seller.name)
		self.assertTrue(api.get_shortage("Deal", deal)["rows"])
		frappe.set_user("Administrator")
		frappe.get_doc(
			{
				"doctype": "User Permission",
				"user": seller.name,
				"allow": "Sales Order",
				"for_value": other.name,
				"applicable_for": "Sales Order",
				"apply_to_all_doctypes": 0,
			}
		).insert()
		frappe.set_user(seller.name)
		self.assertEqual(api.get_shortage("Deal", deal)["rows"], [])

	def test_row_as_shown(self):
		(row,) = api.get_shortage("Sales Order", self.sold.name)["rows"]
		self.assertEqual(
			(row["short"], row["qty"], row["uom"], row["supplier"], flt(row["factor"])),
			(10, 10, "Nos", f.ensure_supplier(), 1),
		)
