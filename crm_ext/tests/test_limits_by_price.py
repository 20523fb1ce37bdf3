"""Limits on discounts and margins are measured against the data, whatever a row says of itself."""

import json
from unittest import TestCase

import frappe
import pytest
from erpnext.controllers.accounts_controller import update_child_qty_rate
from frappe.utils import add_days, getdate, nowdate

from crm_ext.tests import factories as f
from crm_ext.tests.supply_factories import make_item
from crm_ext.tests.workflows import GREAT, MANAGER, SELLER, SMALL, WorkflowTestCase, act, switch
from crm_ext.workflows import measures, prices
from crm_ext.workflows.approvals import ApprovalNeeded

ON_QUOTATIONS, ON_ORDERS = (
	(("Quotation", "Discount %", 10, SMALL), ("Quotation", "Margin %", 20, GREAT)),
	(("Sales Order", "Discount %", 10, SMALL), ("Sales Order", "Margin %", 20, GREAT)),
)
VALUE = ("Quotation", "Value", 5_000, SMALL)
LIST = "Standard Selling"


def make_price(item: str, rate: float, **values):
	"""By default it is valid for ever."""
	price = frappe.get_doc(
		{
			"doctype": "Item Price",
			"item_code": item,
			"price_list": LIST,
			"price_list_rate": rate,
			"valid_from": "2000-01-01",
			**values,
		}
	)
	return price.insert(ignore_permissions=True)


def make_pricing_rule(item: str, **values):
	return frappe.get_doc(
		{
			"doctype": "Pricing Rule",
			"title": f.unique("Rule"),
			"apply_on": "Item Code",
			"items": [{"item_code": item}],
			"company": f.COMPANY,
			"currency": "USD",
			"selling": 1,
			**values,
		}
	).insert(ignore_permissions=True)


def make_list(currency: str = "USD", **values):
	name = f.unique("List")
	return frappe.get_doc(
		{"doctype": "Price List", "price_list_name": name, "currency": currency, "selling": 1, **values}
	).insert(ignore_permissions=True)


def make_goods(rate: float = 40) -> str:
	"""Five of an item on hand, at this rate; the item itself says 40."""
	item = make_item().name
	row = {"item_code": item, "qty": 5, "t_warehouse": f.warehouse(f.COMPANY), "basic_rate": rate}
	entry = {"doctype": "Stock Entry", "stock_entry_type": "Material Receipt", "company": f.COMPANY}
	frappe.get_doc({**entry, "items": [{**row, "set_basic_rate_manually": 1}]}).insert().submit()
	return item


class PriceTestCase(WorkflowTestCase):
	def setUp(self):
		super().setUp()
		self.item = make_item().name

	def offer(self, rate: float, *more: dict, header: dict | None = None, **values):
		"""A quotation the seller sends by API, that says it is listed at what it sells at."""
		row = {**f.item_rows((self.item, 1, rate))[0], **values}
		return self.made_by(SELLER, f.make_quotation, items=[row, *more], **(header or {}))

	def sell(self, rate: float, **values):
		row = {**f.item_rows((self.item, 1, rate))[0], **values}
		return self.made_by(SELLER, f.make_sales_order, items=[row])

	def assertDiscount(self, document, percent: float | None, row: int = 1):
		reasons = document.reload().approval_reasons or ""
		if percent is None:
			self.assertNotIn("Discount of", reasons)
		else:
			self.assertIn(f"Discount of {percent:g} % in row {row} ", reasons)


class TestListPrice(PriceTestCase):
	def setUp(self):
		super().setUp()
		switch(*ON_QUOTATIONS, *ON_ORDERS, quotation=1, sales_order=1)

	def test_a_row_that_says_it_is_listed_at_its_rate(self):
		make_price(self.item, 1_000)
		for make in (self.offer, self.sell):
			for said in (800, 0, 1):
				document = make(800, price_list_rate=said)
				self.assertDiscount(document, 20)
				self.assertEqual(self.actions(SELLER, document), ["Request Approval"])
				with self.set_user(SELLER), self.assertRaises(ApprovalNeeded):
					document.submit()
			self.assertDiscount(make(800, price_list_rate=2_000), 60)
			within = make(900)
			self.assertDiscount(within, None)
			act(SELLER, within, "Submit")

	def test_what_has_no_price(self):
		self.assertDiscount(self.offer(800), None)
		other = make_list().name
		make_price(self.item, 1_000, price_list=other)
		self.assertDiscount(self.offer(800), None)
		self.assertDiscount(self.offer(800, header={"selling_price_list": other}), 20)

	def test_a_list_for_buying_is_none_to_sell_by(self):
		make_price(self.item, 1_000)
		make_price(self.item, 800, price_list="Standard Buying")
		self.assertDiscount(self.offer(800, header={"selling_price_list": "Standard Buying"}), 20)

	def test_a_variant_is_listed_as_its_template(self):
		template = make_item()
		make_price(template.name, 1_000)
		# ERPNext takes no price of a template, but leaves those it had before.
		template.update({"has_variants": 1, "variant_based_on": "Manufacturer"}).save()
		variant = make_item(variant_of=template.name, variant_based_on="Manufacturer").name
		self.item = variant
		self.assertDiscount(self.offer(800), 20)
		make_price(variant, 850)
		self.assertDiscount(self.offer(800), None)

	def test_a_customer_with_a_price_of_their_own(self):
		make_price(self.item, 1_000)
		make_price(self.item, 800, customer=f.CUSTOMER)
		self.assertDiscount(self.offer(800), None)
		self.assertDiscount(self.sell(800), None)
		foreign = {"party_name": f.make_customer().name}
		self.assertDiscount(self.offer(800, header=foreign), 20)

	def test_the_price_of_the_day(self):
		make_price(self.item, 800, valid_from=add_days(nowdate(), -30), valid_upto=add_days(nowdate(), -10))
		make_price(self.item, 1_000, valid_from=add_days(nowdate(), -9))
		self.assertDiscount(self.offer(800), 20)
		then = {"transaction_date": add_days(nowdate(), -20)}
		self.assertDiscount(self.offer(800, header=then), None)
		# Dated back to before anything was listed it is listed as today.
		long_ago = {"transaction_date": add_days(nowdate(), -300)}
		self.assertDiscount(self.offer(800, header=long_ago), 20)

	def test_units(self):
		self.item = make_item(uoms=[{"uom": "Box", "conversion_factor": 10}]).name
		make_price(self.item, 100)
		box = {"uom": "Box", "conversion_factor": 10}
		self.assertDiscount(self.offer(800, **box), 20)
		self.assertDiscount(self.offer(950, **box), None)
		make_price(self.item, 800, uom="Box")
		self.assertDiscount(self.offer(800, **box), None)
		# A box that is said to hold twice as much.
		self.assertDiscount(self.offer(800, uom="Box", conversion_factor=20), 50)

	def test_other_currencies(self):
		make_price(self.item, 100)
		euro = {"currency": "EUR", "conversion_rate": 1.3, "party_name": f.FOREIGN_CUSTOMER}
		# 100 USD are 76.92 EUR.
		self.assertDiscount(self.offer(76.92, header=euro), None)
		self.assertDiscount(self.offer(61.54, header=euro), 20)
		of_euro = make_list("EUR").name
		make_price(self.item, 100, price_list=of_euro)
		self.assertDiscount(self.offer(80, header={**euro, "selling_price_list": of_euro}), 20)

	def test_rounded_as_in_the_row(self):
		make_price(self.item, 0.1)
		euro = {"currency": "EUR", "conversion_rate": 1.8, "party_name": f.FOREIGN_CUSTOMER}
		document = self.offer(0.06, price_list_rate=None, header=euro)
		self.assertEqual(document.items[0].price_list_rate, 0.06)
		self.assertDiscount(document, None)

	def test_given_away_for_nothing(self):
		make_price(self.item, 1_000)
		free = {**f.item_rows((self.item, 5, 0))[0], "is_free_item": 1}
		self.assertDiscount(self.offer(1_000, free), 100, row=2)
		make_pricing_rule(self.item, price_or_product_discount="Product", same_item=1, free_qty=1)
		given = self.offer(1_000)
		self.assertEqual([(row.is_free_item, row.rate) for row in given.items], [(0, 1_000), (1, 0)])
		self.assertDiscount(given, None)

	def test_a_rate_set_by_a_pricing_rule(self):
		make_price(self.item, 1_000)
		other = make_item().name
		rule = make_pricing_rule(other, rate_or_discount="Rate", rate=500)
		make_price(other, 1_000)
		# Of another item, named in the row.
		document = self.offer(500, pricing_rules=json.dumps([rule.name]))
		self.assertDiscount(document, 50)
		self.item = other
		document = self.offer(500)
		self.assertEqual((document.items[0].price_list_rate, document.items[0].rate), (500, 500))
		self.assertDiscount(document, None)

	def test_update_items(self):
		make_price(self.item, 1_000)
		order = self.sell(950)
		act(SELLER, order, "Submit")
		row = order.reload().items[0]
		values = {
			"docname": row.name,
			"item_code": row.item_code,
			"qty": 1,
			"rate": 950,
			"uom": row.uom,
			"conversion_factor": 1,
			"delivery_date": str(row.delivery_date),
		}
		added = {**values, "docname": None, "rate": 400, "idx": 2, "__islocal": 1}
		frappe.db.savepoint("update_items")
		with self.set_user(SELLER), self.assertRaisesRegex(ApprovalNeeded, "Discount of 60 %"):
			update_child_qty_rate("Sales Order", json.dumps([values, added]), order.name)
		frappe.db.rollback(save_point="update_items")
		with self.set_user(MANAGER):
			update_child_qty_rate("Sales Order", json.dumps([values, added]), order.name)
		self.assertDiscount(order, 60, row=2)


class TestOffered(PriceTestCase):
	"""What was offered is ordered at its price, also where the list is dearer by now."""

	def test_by_an_offer_that_was_measured(self):
		price = make_price(self.item, 800)
		switch(*ON_QUOTATIONS, *ON_ORDERS, quotation=1, sales_order=1)
		offer = self.offer(800)
		act(SELLER, offer, "Submit")
		price.update({"price_list_rate": 1_000}).save(ignore_permissions=True)
		order = self.made_by(SELLER, f.make_sales_order, quotation=offer.reload())
		self.assertDiscount(order, None)
		order.items[0].rate = 640
		with self.set_user(SELLER):
			order.save()
		self.assertDiscount(order, 20)
		# ERPNext holds the item against the offer's, but not whose offer it was.
		row = {**f.item_rows((self.item, 1, 800))[0], "quotation_item": offer.items[0].name}
		other = f.make_customer().name
		self.assertDiscount(self.made_by(SELLER, f.make_sales_order, customer=other, items=[row]), 20)

	def test_by_the_list_of_that_day_where_offers_are_not_measured(self):
		day = add_days(nowdate(), -5)
		make_price(self.item, 800, valid_upto=add_days(nowdate(), -1))
		make_price(self.item, 1_000, valid_from=nowdate())
		offer = self.offer(800, header={"transaction_date": day})
		offer.submit()
		switch(*ON_ORDERS, sales_order=1)
		order = self.made_by(SELLER, f.make_sales_order, quotation=offer.reload(), payment_schedule=[])
		self.assertDiscount(order, None)
		false = self.offer(500, header={"transaction_date": day})
		false.submit()
		order = self.made_by(SELLER, f.make_sales_order, quotation=false.reload(), payment_schedule=[])
		self.assertDiscount(order, 37.5)


class TestCost(PriceTestCase):
	def assertMargin(self, document, percent: float | None):
		reasons = document.reload().approval_reasons or ""
		if percent is None:
			self.assertNotIn("Margin of", reasons)
		else:
			self.assertIn(f"Margin of {percent:g} % is below", reasons)

	def test_a_row_that_says_it_costs_little(self):
		switch(*ON_QUOTATIONS, *ON_ORDERS, quotation=1, sales_order=1)
		self.item = make_goods()  # at 40
		for make in (self.offer, self.sell):
			self.assertMargin(make(45, valuation_rate=1), 11.11)
			self.assertMargin(make(60), None)

	def test_a_warehouse_where_it_once_was_cheap(self):
		switch(*ON_QUOTATIONS, quotation=1)
		self.item = make_goods()
		cheap = frappe.get_all(
			"Warehouse",
			{"company": f.COMPANY, "is_group": 0, "name": ("!=", f.warehouse(f.COMPANY))},
			pluck="name",
			limit=1,
		)[0]
		frappe.get_doc(
			{"doctype": "Bin", "item_code": self.item, "warehouse": cheap, "valuation_rate": 1}
		).insert(ignore_permissions=True)
		frappe.db.set_value("Bin", {"item_code": self.item, "warehouse": cheap}, "valuation_rate", 1)
		offer = self.offer(45, warehouse=cheap)
		self.assertEqual(offer.items[0].valuation_rate, 1)
		self.assertMargin(offer, 11.11)

	def test_a_bundle_costs_what_its_parts_do(self):
		switch(*ON_QUOTATIONS, quotation=1)
		part, bundle = make_goods(), make_item(is_stock_item=0).name
		frappe.get_doc(
			{
				"doctype": "Product Bundle",
				"new_item_code": bundle,
				"items": [{"item_code": part, "qty": 2, "uom": "Nos"}],
			}
		).insert(ignore_permissions=True)
		self.item = bundle
		self.assertMargin(self.offer(90, valuation_rate=1), 11.11)


class TestExchangeRate(PriceTestCase):
	"""Whoever enters a document types what its currency is worth; the site knows better."""

	def setUp(self):
		super().setUp()
		frappe.db.delete("Currency Exchange", {"from_currency": "EUR", "to_currency": "USD"})
		for days, rate in ((-40, 9), (-20, 1.25), (20, 7)):
			frappe.get_doc(
				{
					"doctype": "Currency Exchange",
					"date": add_days(nowdate(), days),
					"from_currency": "EUR",
					"to_currency": "USD",
					"exchange_rate": rate,
					"for_selling": 1,
				}
			).insert(ignore_permissions=True)
		self.item = make_goods(100)
		make_price(self.item, 5_000)

	def in_euro(self, rate: float, exchange: float, **header):
		values = {"currency": "EUR", "conversion_rate": exchange, "party_name": f.FOREIGN_CUSTOMER}
		return self.offer(rate, header={**values, **header})

	def reasons(self, document) -> list[str]:
		return (document.reload().approval_reasons or "").split("\n")

	def test_a_value(self):
		switch(VALUE, quotation=1)
		self.assertIn("Value $ 5,125.00 is above", self.reasons(self.in_euro(4_100, 0.1))[0])
		self.assertIn("Value $ 5,330.00 is above", self.reasons(self.in_euro(4_100, 1.3))[0])
		self.assertEqual(self.reasons(self.in_euro(3_900, 0.1)), [""])

	def test_a_discount(self):
		switch(VALUE, *ON_QUOTATIONS, quotation=1)
		self.assertDiscount(self.in_euro(4_000, 1.25), None)
		for exchange in (1.25, 2.5):
			self.assertDiscount(self.in_euro(3_200, exchange), 20)
		of_euro = make_list("EUR").name
		make_price(self.item, 4_000, price_list=of_euro)
		self.assertDiscount(self.in_euro(3_200, 2.5, selling_price_list=of_euro), 20)
		# What the list's currency is worth is typed, too.
		self.assertDiscount(
			self.offer(4_000, header={"selling_price_list": of_euro, "plc_conversion_rate": 0.1}), 20
		)

	def test_a_margin(self):
		switch(VALUE, *ON_QUOTATIONS, quotation=1)
		found = [self.reasons(self.in_euro(90, exchange))[-1] for exchange in (1.25, 2.5)]
		self.assertEqual(len(set(found)), 1)
		self.assertIn("Margin of 11.11 %", found[0])

	def test_all_at_once(self):
		documents = [self.in_euro(rate, 0.1) for rate in (4_100, 3_900)]
		switch(VALUE, quotation=1)
		self.assertIn("Value $ 5,125.00 is above", self.reasons(documents[0])[0])
		self.assertEqual(self.reasons(documents[1]), [""])

	def test_where_the_site_keeps_none(self):
		frappe.db.delete("Currency Exchange", {"from_currency": "EUR", "to_currency": "USD"})
		switch(VALUE, quotation=1)
		self.assertEqual(self.reasons(self.in_euro(4_900, 1)), [""])

	def test_queries(self):
		document = frappe.get_doc("Quotation", self.in_euro(3_200, 1.25).name)
		for limits, queries in ((((*VALUE, f.OTHER_COMPANY),), 0), ((VALUE,), 1)):
			switch(*limits, quotation=1)
			measures.find(document)
			with self.assertQueryCount(queries):
				measures.find(document)


class TestAllAtOnce(PriceTestCase):
	def test_switched_on_over_what_is_there(self):
		make_price(self.item, 1_000)
		low, within, goods = self.offer(800), self.offer(950), make_goods()
		order = self.sell(700)
		self.item = goods
		poor = self.offer(45)
		frappe.db.set_value("Quotation Item", poor.items[0].name, "valuation_rate", 1)
		switch(*ON_QUOTATIONS, *ON_ORDERS, quotation=1, sales_order=1)
		self.assertDiscount(low, 20)
		self.assertDiscount(within, None)
		self.assertDiscount(order, 30)
		self.assertIn("Margin of 11.11 %", poor.reload().approval_reasons)
		for document in (low, within, order, poor):
			limits = measures.limits_of(document.doctype)
			found = measures.find_in(document.doctype, [document.name], limits)[document.name]
			self.assertEqual(
				found, (f.COMPANY, measures.find(frappe.get_doc(document.doctype, document.name)))
			)

	def test_queries(self):
		make_price(self.item, 1_000)
		documents = [self.offer(800, f.item_rows((self.item, 2, 900))[0]) for _ in range(6)]
		one = frappe.get_doc("Quotation", documents[0].name)
		switch(("Quotation", "Value", 5_000, SMALL), *ON_ORDERS, quotation=1, sales_order=1)
		measures.find(one)
		with self.assertQueryCount(0):
			measures.find(one)
		elsewhere = [(*limit, f.OTHER_COMPANY) for limit in ON_QUOTATIONS]
		switch(*elsewhere, quotation=1)
		measures.find(one)
		with self.assertQueryCount(0):
			measures.find(one)
		switch(*ON_QUOTATIONS, quotation=1)
		measures.find(one)
		with self.assertQueryCount(2):  # prices, costs
			measures.find(one)
		limits, names = measures.limits_of("Quotation"), [document.name for document in documents]
		measures.find_in("Quotation", names[:1], limits)
		with self.assertQueryCount(4):  # and documents, rows
			self.assertEqual(len(measures.find_in("Quotation", names, limits)), 6)


ROW = {"uom": "Nos", "stock_uom": "Nos", "conversion_factor": 1}


def price(rate: float, **values) -> dict:
	return {
		"rate": rate,
		"currency": "USD",
		"customer": "",
		"uom": "Nos",
		"batch_no": "",
		"valid_from": None,
		"valid_upto": None,
		"factor": 1,
		**values,
	}


@pytest.mark.pure
class TestChoice(TestCase):
	def chosen(self, *known: dict, row: dict | None = None, customer: str = "", day: str = "2026-06-01"):
		found = prices.choose(known, {**ROW, **(row or {})}, customer, getdate(day))
		return found and found[0]

	def test_nothing_known(self):
		self.assertIsNone(self.chosen())
		self.assertIsNone(self.chosen(price(5, valid_from="2027-01-01")))
		self.assertIsNone(self.chosen(price(5, valid_upto="2025-01-01")))
		self.assertIsNone(self.chosen(price(5, batch_no="B")))
		self.assertIsNone(self.chosen(price(5, customer="Other"), customer="Ours"))

	def test_the_customers_own_then_the_newest_then_the_batchs_then_the_lowest(self):
		self.assertEqual(self.chosen(price(5), price(7, customer="Ours"), customer="Ours"), 7)
		self.assertEqual(self.chosen(price(5), price(7, valid_from="2026-01-01")), 7)
		row = {"batch_no": "B"}
		self.assertEqual(self.chosen(price(5), price(7, batch_no="B"), row=row), 7)
		self.assertEqual(self.chosen(price(7), price(5)), 5)

	def test_a_price_without_unit_holds_for_each_and_one_of_the_stock_unit_is_converted(self):
		box = {"uom": "Box", "conversion_factor": 10}
		self.assertEqual(self.chosen(price(5, uom=""), row=box), 50)
		self.assertEqual(self.chosen(price(5), row=box), 50)
		self.assertEqual(self.chosen(price(5), price(40, uom="Box", factor=10), row=box), 40)
		self.assertIsNone(self.chosen(price(5, uom="Kg"), row=box))
