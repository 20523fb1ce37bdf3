"""Quick Order: which items are meant, what was ordered before, and an order that is ERPNext's own in every figure."""

import json
import unittest

import frappe
from frappe.tests.utils import change_settings
from frappe.utils import add_days, flt, getdate, nowdate

from crm_ext.api import quick_order as api
from crm_ext.sales.codes import read_lines, read_number
from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.base import SiteTestCase

ASSISTANT = "crm-ext-quick-order@example.com"


def readings(text: str, *number: str) -> list[list[tuple]]:
	return [[(reading.code, reading.qty) for reading in line.readings] for line in read_lines(text, *number)]


class TestLines(unittest.TestCase):
	"""No site needed."""

	def test_a_code_and_how_many(self):
		for text, code, qty in (
			("A-1\t3", "A-1", 3),
			("A-1;3", "A-1", 3),
			("A-1 ; 2.5", "A-1", 2.5),
			("A-1\t1,200", "A-1", 1200),
			("A-1 3", "A-1", 3),
			("A-1 x 3", "A-1", 3),
			("A-1 x3", "A-1", 3),
			("A-1 × 3", "A-1", 3),
			("A-1*3", "A-1", 3),
			("3 x A-1", "A-1", 3),
			("3x A-1", "A-1", 3),
			("Bolt M 10 X 4", "Bolt M 10", 4),
		):
			with self.subTest(text):
				self.assertEqual(readings(text)[0][-1], (code, qty))

	def test_a_code_alone(self):
		for text in ("A-1", "4006381333931", "M10x20", "A1x", "x"):
			with self.subTest(text):
				self.assertEqual(readings(text), [[(text, None)]])

	def test_the_whole_line_is_read_first(self):
		self.assertEqual(readings("Bolt 10"), [[("Bolt 10", None), ("Bolt", 10)]])

	def test_a_line_that_is_no_code_takes_no_time(self):
		line = "A" + " " * 50_000 + "x"
		self.assertEqual(readings(line), [[(line, None)]])

	def test_lines(self):
		self.assertEqual(readings(" A;1\r\n\r\n\tB \nC;none\nD;0"), [[("A", 1)], [("B", None)], [], []])

	def test_numbers_as_the_site_writes_them(self):
		self.assertEqual(readings("A;1.200,5", ",", "."), [[("A", 1200.5)]])
		self.assertIsNone(read_number("1,5"))
		self.assertIsNone(read_number("-1"))
		self.assertIsNone(read_number("1e3"))
		self.assertEqual(read_number("1,5", ",", "."), 1.5)


class TestResolve(SiteTestCase):
	def test_code_barcode_and_the_customers_code(self):
		customer, other = f.make_customer().name, f.make_customer().name
		plain = s.make_item()
		ean = f.unique("EAN")
		boxed = s.make_item(
			uoms=[{"uom": "Box", "conversion_factor": 12}], barcodes=[{"barcode": ean, "uom": "Box"}]
		)
		theirs = s.make_item(customer_items=[{"customer_name": customer, "ref_code": "THEIR-7"}])
		text = f"{plain.name.lower()};2\n{ean}\nthEir-7 x 4\nnothing 3"
		found = api.resolve(text, customer)
		self.assertEqual(
			[(row.get("item_code"), row.get("qty"), row.get("uom"), row.get("by")) for row in found],
			[
				(plain.name, 2, "Nos", "code"),
				(boxed.name, 1, "Box", "barcode"),
				(theirs.name, 4, "Nos", "customer"),
				(None, None, None, None),
			],
		)
		self.assertEqual([bool(row.get("qty_given")) for row in found], [True, False, True, False])
		self.assertEqual((found[3]["text"], bool(found[3]["reason"])), ("nothing 3", True))
		self.assertIn("reason", api.resolve("THEIR-7", other)[0])

	def test_an_item_whose_code_ends_in_a_number(self):
		code = f.unique("Bolt") + " 10"
		s.make_item(item_code=code)
		(whole, cut) = api.resolve(f"{code}\n{code} 3")
		self.assertEqual(
			[(whole["item_code"], whole["qty"]), (cut["item_code"], cut["qty"])], [(code, 1), (code, 3)]
		)

	def test_says_why_an_item_is_none(self):
		gone = s.make_item(disabled=1).name
		unsold = s.make_item(is_sales_item=0).name
		past = s.make_item(end_of_life=add_days(nowdate(), -1)).name
		customer = f.make_customer().name
		for _number in range(2):
			s.make_item(customer_items=[{"customer_name": customer, "ref_code": "TWICE"}])
		found = api.resolve(f"{gone}\n{unsold} 2\n{past}\nTWICE\n{past};x", customer)
		self.assertEqual(len({row["reason"] for row in found}), 5)

	def test_statements_do_not_grow_with_the_lines(self):
		text = "\n".join(f"{s.make_item().name};{number}" for number in range(1, 31))
		customer = f.make_customer().name
		api.resolve(text, customer)
		with self.assertQueryCount(6):
			found = api.resolve(text, customer)
		self.assertEqual([row["qty"] for row in found], list(range(1, 31)))


class TestBefore(SiteTestCase):
	def test_last_rows(self):
		customer = f.make_customer().name
		often, once, gone = (s.make_item().name for _number in range(3))
		s.make_order(
			{"item_code": often, "qty": 2},
			{"item_code": gone, "qty": 9},
			delivery=s.day(-3),
			customer=customer,
		)
		last = s.make_order({"item_code": often, "qty": 5}, {"item_code": once, "qty": 1}, customer=customer)
		s.make_order({"item_code": often, "qty": 8}, customer=customer, submit=False)
		frappe.db.set_value("Item", gone, "disabled", 1)
		found = api.get_last_rows(customer, f.COMPANY)
		self.assertEqual(
			[(row["item_code"], row["qty"], row["times"], row["order"]) for row in found],
			[(often, 5, 2, last.name), (once, 1, 1, last.name)],
		)
		self.assertEqual(api.get_last_rows(customer, f.OTHER_COMPANY), [])


class TestOrder(SiteTestCase):
	def order(self, *rows: dict, **values) -> dict:
		return {
			"customer": self.customer,
			"company": f.COMPANY,
			"delivery_date": str(s.day(7)),
			"rows": list(rows),
			**values,
		}

	def setUp(self):
		super().setUp()
		self.customer = f.make_customer().name

	def priced(self, price: float, stock: float = 0, **values) -> str:
		item = s.make_item(stock=stock, **values).name
		price_list = (
			frappe.db.get_single_value("Selling Settings", "selling_price_list") or "Standard Selling"
		)
		frappe.get_doc(
			{
				"doctype": "Item Price",
				"item_code": item,
				"price_list": price_list,
				"price_list_rate": price,
			}
		).insert(ignore_permissions=True)
		return item

	def test_what_is_shown_is_what_is_saved(self):
		cheap, dear, unpriced = self.priced(10, stock=4), self.priced(100), s.make_item().name
		frappe.get_doc(
			{
				"doctype": "Pricing Rule",
				"title": f.unique("Rule"),
				"apply_on": "Item Code",
				"items": [{"item_code": dear}],
				"selling": 1,
				"applicable_for": "Customer",
				"customer": self.customer,
				"min_qty": 5,
				"rate_or_discount": "Discount Percentage",
				"discount_percentage": 20,
				"company": f.COMPANY,
				"currency": frappe.get_cached_value("Company", f.COMPANY, "default_currency"),
			}
		).insert(ignore_permissions=True)
		wanted = self.order(
			{"item_code": cheap, "qty": 3},
			{"item_code": dear, "qty": 5, "delivery_date": str(s.day(20))},
			{"item_code": dear, "qty": 1},
			{"item_code": unpriced, "qty": 1},
			po_no="PO-77",
		)
		orders = frappe.db.count("Sales Order")
		shown = api.price(json.dumps(wanted))
		self.assertEqual(frappe.db.count("Sales Order"), orders)
		self.assertEqual([row["rate"] for row in shown["rows"]], [10, 80, 100, 0])
		self.assertEqual(shown["rows"][0]["available"], 4)
		self.assertEqual([row["short"] for row in shown["rows"]], [0, 5, 1, 1])
		name = api.save(wanted)["name"]
		saved = frappe.get_doc("Sales Order", name)
		self.assertEqual((saved.docstatus, saved.po_no, saved.customer), (0, "PO-77", self.customer))
		self.assertEqual(
			[(row.item_code, row.qty, row.rate, row.amount) for row in saved.items],
			[(row["item_code"], row["qty"], row["rate"], row["amount"]) for row in shown["rows"]],
		)
		self.assertEqual(saved.rounded_total or saved.grand_total, shown["total"])
		self.assertEqual(
			[row.delivery_date for row in saved.items], [s.day(7), s.day(20), s.day(7), s.day(7)]
		)
		api.submit(name)
		self.assertEqual(frappe.db.get_value("Sales Order", name, "docstatus"), 1)

	def test_what_is_given_for_free_is_shown_and_saved_once(self):
		item, gift = self.priced(10), self.priced(1)
		frappe.get_doc(
			{
				"doctype": "Pricing Rule",
				"title": f.unique("Gift"),
				"apply_on": "Item Code",
				"items": [{"item_code": item}],
				"selling": 1,
				"price_or_product_discount": "Product",
				"free_item": gift,
				"free_qty": 1,
				"min_qty": 3,
				"company": f.COMPANY,
				"currency": frappe.get_cached_value("Company", f.COMPANY, "default_currency"),
			}
		).insert(ignore_permissions=True)
		wanted = self.order({"item_code": item, "qty": 3})
		shown = api.price(wanted)
		self.assertEqual(
			[(row["item_code"], row["is_free"]) for row in shown["rows"]], [(item, 0), (gift, 1)]
		)
		saved = frappe.get_doc("Sales Order", api.save(wanted)["name"])
		self.assertEqual([row.item_code for row in saved.items], [item, gift])

	def test_the_customers_currency_and_unit(self):
		item = self.priced(10, uoms=[{"uom": "Box", "conversion_factor": 12}])
		self.customer = f.FOREIGN_CUSTOMER
		currency = frappe.get_cached_value("Customer", self.customer, "default_currency")
		frappe.get_doc(
			{
				"doctype": "Currency Exchange",
				"date": add_days(nowdate(), -1),
				"from_currency": currency,
				"to_currency": "USD",
				"exchange_rate": 1.25,
				"for_selling": 1,
			}
		).insert(ignore_permissions=True)
		shown = api.price(self.order({"item_code": item, "qty": 2, "uom": "Box"}))
		self.assertEqual((shown["currency"], shown["rows"][0]["rate"]), (currency, 96))
		saved = frappe.get_doc(
			"Sales Order", api.save(self.order({"item_code": item, "qty": 2, "uom": "Box"}))["name"]
		)
		self.assertEqual((saved.currency, saved.items[0].stock_qty), (currency, 24))

	def test_from_a_quotation(self):
		first, second, added = (s.make_item().name for _number in range(3))
		quotation = f.make_quotation(
			rows=((first, 4, 90), (second, 2, 50)), quotation_to="Customer", party_name=self.customer
		)
		self.assertEqual([row["name"] for row in api.get_quotations(self.customer)], [quotation.name])
		found = api.get_quotation_rows(quotation.name)
		self.assertEqual((found["customer"], found["company"]), (self.customer, f.COMPANY))
		self.assertEqual([(row["item_code"], row["qty"]) for row in found["rows"]], [(first, 4), (second, 2)])
		row = {**found["rows"][0], "qty": 3, "delivery_date": None}
		wanted = self.order({"item_code": added, "qty": 1}, row, quotation=quotation.name)
		saved = frappe.get_doc("Sales Order", api.save(wanted)["name"])
		self.assertEqual(
			[(row.item_code, row.qty, flt(row.rate), row.prevdoc_docname) for row in saved.items],
			[(added, 1, 0, None), (first, 3, 90, quotation.name)],
		)
		saved.submit()
		self.assertEqual(frappe.db.get_value("Quotation", quotation.name, "status"), "Partially Ordered")
		self.assertEqual(
			[(row["item_code"], row["qty"]) for row in api.get_quotation_rows(quotation.name)["rows"]],
			[(first, 1), (second, 2)],
		)

	def test_expired_quotations_only_where_they_may_be_ordered(self):
		quotation = f.make_quotation(quotation_to="Customer", party_name=self.customer)
		quotation.db_set({"valid_till": s.day(-1), "transaction_date": s.day(-9), "status": "Expired"})
		allowed = "allow_sales_order_creation_for_expired_quotation"
		for may, expected in ((0, []), (1, [quotation.name])):
			with self.subTest(may), change_settings("Selling Settings", {allowed: may}):
				self.assertEqual([row["name"] for row in api.get_quotations(self.customer)], expected)

	def test_a_quotation_of_another_customer_is_refused(self):
		quotation = f.make_quotation(quotation_to="Customer", party_name=f.make_customer().name)
		row = api.get_quotation_rows(quotation.name)["rows"][0]
		with self.assertRaises(frappe.ValidationError):
			api.save(self.order({**row, "delivery_date": None}, quotation=quotation.name))

	def test_looking_at_a_leads_quotation_makes_no_customer(self):
		customers = frappe.db.count("Customer")
		quotation = f.make_quotation(f.make_lead())
		with self.assertRaises(frappe.ValidationError):
			api.get_quotation_rows(quotation.name)
		self.assertEqual(frappe.db.count("Customer"), customers)

	def test_wrong_input_is_named(self):
		item = s.make_item().name
		for wanted in (
			"{",
			"[]",
			self.order(),
			self.order({"item_code": item, "qty": 0}),
			self.order({"item_code": item, "qty": "many"}),
			self.order({"item_code": ["like", "%"], "qty": 1}),
			self.order({"item_code": item, "qty": 1}, customer=None),
			self.order({"item_code": item, "qty": 1}, delivery_date="soon"),
			self.order(*[{"item_code": item, "qty": 1}] * 201),
		):
			with self.subTest(str(wanted)[:80]), self.assertRaises(frappe.ValidationError):
				api.price(wanted)

	def test_a_day_is_needed_to_save_not_to_look(self):
		wanted = self.order({"item_code": self.priced(10, stock=2), "qty": 1}, delivery_date=None)
		self.assertEqual(api.price(wanted)["rows"][0]["promise_on"], s.day(0))
		with self.assertRaises(frappe.ValidationError):
			api.save(wanted)

	def test_stock_also_where_availability_is_switched_off(self):
		item = self.priced(10, stock=6)
		with change_settings("CRM Ext Settings", {"availability_enabled": 0}):
			(row,) = api.price(self.order({"item_code": item, "qty": 1}))["rows"]
		self.assertEqual((row["on_hand"], row.get("available")), (6, None))

	def test_who_may(self):
		item = self.priced(10)
		wanted = self.order({"item_code": item, "qty": 1})
		frappe.set_user(f.make_user(ASSISTANT, "Sales User").name)
		self.assertEqual(api.price(wanted)["rows"][0]["rate"], 10)
		name = api.save(wanted)["name"]
		self.assertEqual(getdate(frappe.db.get_value("Sales Order", name, "delivery_date")), s.day(7))
		for user in (f.make_user("crm-ext-quick-stock@example.com", "Stock User").name, "Guest"):
			frappe.set_user(user)
			for call in (
				lambda: api.price(wanted),
				lambda: api.save(wanted),
				lambda: api.resolve(item),
				lambda: api.get_last_rows(self.customer, f.COMPANY),
				lambda: api.get_quotations(self.customer),
			):
				with self.subTest(user), self.assertRaises(frappe.PermissionError):
					call()

	def test_a_customer_one_may_not_see(self):
		user = f.make_user("crm-ext-quick-narrow@example.com", "Sales User").name
		frappe.get_doc(
			{
				"doctype": "User Permission",
				"user": user,
				"allow": "Customer",
				"for_value": f.make_customer().name,
			}
		).insert(ignore_permissions=True)
		frappe.set_user(user)
		with self.assertRaises(frappe.PermissionError):
			api.price(self.order({"item_code": f.ITEM, "qty": 1}))

	def test_switched_off(self):
		with (
			change_settings("CRM Ext Settings", {"quick_order_enabled": 0}),
			self.assertRaises(frappe.PermissionError),
		):
			api.resolve("A")
