"""Availability on a site: equal to ERPNext's own figures and to a walk through the days, whoever asks, in few statements."""

import json
import os

import frappe
from frappe.tests.utils import change_settings
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crm_ext.api.availability import get_availability
from crm_ext.supply import availability
from crm_ext.supply.availability_queries import conversion_factors
from crm_ext.supply.model import Need
from crm_ext.supply.positions import Terms
from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.base import SiteTestCase
from crm_ext.tests.stock_histories import OPERATIONS, StockHistory
from crm_ext.tests.supply_simulation import Simulation, figures

HISTORIES = int(os.environ.get("CRM_EXT_HISTORIES", "5"))
START = [("order", 3), ("purchase", 8), ("bundle_order", 6), ("work", 4), ("request", 5), ("reserve", 0)]
STEPS = st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 97)), min_size=6, max_size=16)
SETTINGS = "CRM Ext Settings"


class TestHistories(SiteTestCase):
	@settings(
		max_examples=HISTORIES,
		deadline=None,
		derandomize="CRM_EXT_HISTORIES" not in os.environ,
		database=None,
		print_blob=True,
		suppress_health_check=list(HealthCheck),
		# Histories take seconds: what fails is told as it was drawn.
		phases=(Phase.explicit, Phase.generate),
	)
	@given(steps=STEPS, returns=st.booleans(), open_rows=st.booleans())
	def test_equals_erpnext_and_the_walk_through_the_days(self, steps, returns, open_rows):
		frappe.db.rollback()
		with change_settings(
			"Selling Settings", {"dont_reserve_sales_order_qty_on_sales_return": int(returns)}
		):
			history = StockHistory()
			for operation, number in [*START, *steps]:
				history.step(operation, number)
			try:
				self.check_figures(history)
				self.check_promises(history, open_rows)
			except AssertionError as error:
				raise AssertionError(f"after {'; '.join(history.log)}\n{error}") from error
		frappe.db.rollback()

	def check_figures(self, history: StockHistory) -> None:
		pools = {name: [name] for name in history.warehouses} | {history.group: history.warehouses}
		needs = [Need(f"{item}|{pool}", item, 1, pool) for item in history.goods for pool in pools]
		found = availability.read(f.COMPANY, needs)
		reserved = sum(row.qty for row in history.world().reservations)
		self.assertEqual(
			reserved, sum(s.bin_of(item, *history.warehouses).reserved_stock for item in history.goods)
		)
		for need in needs:
			row, own = found[need.key], s.bin_of(need.item_code, *pools[need.warehouse])
			wanted = own.reserved_qty + own.reserved_qty_for_production + own.reserved_qty_for_production_plan
			where = f"{need.key}: {own}"
			self.assertAlmostEqual(row.on_hand, own.actual_qty, 5, where)
			self.assertAlmostEqual(row.reserved, wanted, 5, where)
			self.assertAlmostEqual(row.ordered, own.ordered_qty + own.planned_qty, 5, where)
			if need.warehouse != history.group:
				self.assertAlmostEqual(row.requested, own.indented_qty, 5, where)

	def check_promises(self, history: StockHistory, open_rows: bool) -> None:
		world = history.world()
		needs = history.needs(world, open_rows)
		found = availability.read(f.COMPANY, needs)
		simulation = Simulation(world, Terms(s.day(0), 0, True), needs)
		for need in needs:
			self.assertEqual(figures(found[need.key]), simulation.serve(need), need)


class TestAvailability(SiteTestCase):
	def test_rows_of_a_document_are_served_one_after_the_other(self):
		item = s.make_item(10, lead_time_days=4).name
		rows = s.rows_of({"item_code": item, "qty": 6}, {"item_code": item, "qty": 6})
		quotation = self.draft("Quotation", rows, quotation_to="Customer", party_name=f.CUSTOMER)
		first, second = self.read(quotation).values()
		self.assertEqual((first.available, first.promised_by, first.short), (10, "Stock", 0))
		self.assertEqual(
			(second.available, second.promised_by, second.short, second.promise_on),
			(4, "Lead Time", 2, s.day(4)),
		)

	def test_an_open_order_competes_with_those_before_it_only(self):
		item = s.make_item(10).name
		later = s.make_order({"item_code": item, "qty": 6}, delivery=s.day(9))
		sooner = s.make_order({"item_code": item, "qty": 6}, delivery=s.day(2))
		(row,) = self.read(sooner).values()
		self.assertEqual((row.available, row.reserved, row.short), (10, 6, 0))
		(row,) = self.read(later).values()
		self.assertEqual((row.available, row.reserved, row.short, row.late), (4, 6, 2, True))
		f.make_delivery_note(sooner)
		later.reload()
		(row,) = self.read(later).values()
		self.assertEqual((row.on_hand, row.available, row.reserved, row.short), (4, 4, 0, 2))
		sooner.reload()
		self.assertEqual(self.read(sooner), {})

	def test_units_are_converted_by_row_item_template_and_rule(self):
		item = s.make_item(30, uoms=[{"uom": "Box", "conversion_factor": 12}]).name
		customer = frappe.get_doc("Customer", f.CUSTOMER)
		opportunity = f.make_opportunity(
			customer, items=[{"item_code": item, "qty": 2, "uom": "Box", "rate": 1}]
		)
		(row,) = self.read(opportunity).values()
		self.assertEqual((row.qty, row.promised_by), (24, "Stock"))
		rows = s.rows_of({"item_code": item, "qty": 2, "uom": "Box", "conversion_factor": 20})
		quotation = self.draft("Quotation", rows, quotation_to="Customer", party_name=f.CUSTOMER)
		(row,) = self.read(quotation).values()
		self.assertEqual((row.qty, row.short), (40, 10))
		from erpnext.stock.get_item_details import get_conversion_factor

		heavy = s.make_item(stock_uom="Gram").name
		pairs = {
			(item, "Box"),
			(item, "Nos"),
			(heavy, "Kg"),
			(heavy, "Box"),
			(heavy, "Gram"),
			(heavy, "Pound"),
		}
		found = conversion_factors(pairs)
		for pair in pairs:
			self.assertAlmostEqual(found[pair], get_conversion_factor(*pair)["conversion_factor"], 6, pair)

	def test_a_group_the_company_and_a_single_warehouse(self):
		group = s.make_warehouse(is_group=1).name
		one, two = s.make_warehouse(group).name, s.make_warehouse(group).name
		rejected = s.make_warehouse(group, is_rejected_warehouse=1).name
		item = s.make_item(3, one).name
		for warehouse, qty in ((two, 5), (rejected, 7), (f.warehouse(), 11)):
			s.stock_up(item, qty, warehouse)
		s.stock_up(item, 50, f.warehouse(f.OTHER_COMPANY), company=f.OTHER_COMPANY)

		def on_hand(*warehouses: str | None) -> list[float]:
			needs = [Need(str(number), item, 1, name) for number, name in enumerate(warehouses)]
			return [row.on_hand for row in availability.read(f.COMPANY, needs).values()]

		self.assertEqual(on_hand(one, group, None, rejected), [3, 8, 19, 7])
		self.assertEqual(on_hand(f.warehouse(f.OTHER_COMPANY)), [0])
		with change_settings(SETTINGS, {"supply_whole_company": 1}):
			self.assertEqual(on_hand(one, rejected), [19, 19])

	def test_settings_for_safety_stock_and_lead_time(self):
		item = s.make_item(5, safety_stock=2).name
		need = Need("n", item, 4, f.warehouse())
		with change_settings(SETTINGS, {"supply_safety_stock": 1, "supply_lead_days": 9}):
			row = availability.read(f.COMPANY, [need])["n"]
			self.assertEqual((row.available, row.promise_on, row.short), (3, s.day(9), 1))
		with change_settings(SETTINGS, {"supply_safety_stock": 0, "supply_lead_days": 0}):
			row = availability.read(f.COMPANY, [need])["n"]
			self.assertEqual((row.available, row.promise_on, row.short), (5, s.day(0), 0))

	def test_bundles_and_what_is_made(self):
		part, other = s.make_item(6).name, s.make_item(2, lead_time_days=8).name
		bundle = s.make_bundle((part, 2), (other, 1), (f.SERVICE, 1)).name
		machine = s.make_item(lead_time_days=3).name
		s.make_bom(machine, (part, 1), (other, 1))
		order = s.make_order(
			{"item_code": bundle, "qty": 2}, {"item_code": machine, "qty": 2}, delivery=s.day(10)
		)
		packed, made = self.read(order).values()
		self.assertEqual(
			(packed.kind, packed.on_hand, packed.short, packed.promised_by), ("Bundle", 2, 0, "Stock")
		)
		self.assertEqual([row.kind for row in packed.components], ["Stock", "Stock", "Service"])
		# Two of the second part are left to be bought, as the bundle has taken both.
		self.assertEqual((made.kind, made.promise_on, made.late), ("Made", s.day(11), True))
		s.make_work_order(machine, 2, on=s.day(5))
		made = self.read(order)[order.items[1].name]
		self.assertEqual((made.promise_on, made.promised_by, made.ordered), (s.day(5), "Production", 2))

	def test_rows_that_want_nothing_from_stock(self):
		item = s.make_item(1).name
		dropped = {"item_code": item, "qty": 3, "delivered_by_supplier": 1, "supplier": f.ensure_supplier()}
		order = s.make_order(dropped, {"item_code": item, "qty": 1})
		self.assertEqual(list(self.read(order)), [order.items[1].name])
		(row,) = self.read(order).values()
		self.assertEqual((row.reserved, row.short), (0, 0))
		customer = frappe.get_doc("Customer", f.CUSTOMER)
		opportunity = f.make_opportunity(
			customer, items=[{"item_name": "By word of mouth", "qty": 2, "rate": 1}]
		)
		self.assertEqual(self.read(opportunity), {})
		service = s.make_order({"item_code": f.SERVICE, "qty": 1})
		self.assertEqual([row.kind for row in self.read(service).values()], ["Service"])

	def test_a_disabled_item_is_given_from_stock_but_bought_no_more(self):
		item = s.make_item(2, lead_time_days=5).name
		frappe.db.set_value("Item", item, "disabled", 1)
		found = availability.read(
			f.COMPANY, [Need("few", item, 2, f.warehouse()), Need("more", item, 1, f.warehouse())]
		)
		self.assertEqual((found["few"].promise_on, found["few"].short), (s.day(0), 0))
		self.assertEqual((found["more"].promise_on, found["more"].short), (None, 1))

	def test_what_is_ordered_closed_or_lost_wants_nothing(self):
		item = s.make_item(9).name
		rows = s.rows_of({"item_code": item, "qty": 4, "uom": "Nos", "conversion_factor": 1})
		quotation = self.draft(
			"Quotation", rows, quotation_to="Customer", party_name=f.CUSTOMER, valid_till=s.day(9)
		).submit()
		order = f.make_sales_order(quotation, submit=False)
		order.items[0].qty = 1
		order.save().submit()
		quotation.reload()
		(row,) = self.read(quotation).values()
		self.assertEqual((row.qty, row.reserved, row.available), (3, 1, 8))
		quotation.db_set("status", "Lost")
		self.assertEqual(self.read(quotation), {})
		order.update_status("Closed")
		self.assertEqual(self.read(order), {})
		order.update_status("Draft")
		order.reload()
		self.assertEqual(len(self.read(order)), 1)
		order.cancel()
		self.assertEqual(self.read(order), {})

	def test_an_alternative_of_a_quotation_takes_nothing_from_its_rows(self):
		item = s.make_item(5).name
		rows = s.rows_of({"item_code": f.ITEM, "qty": 1}, {"item_code": item, "qty": 5, "is_alternative": 1})
		rows += s.rows_of({"item_code": item, "qty": 5})
		quotation = self.draft("Quotation", rows, quotation_to="Customer", party_name=f.CUSTOMER)
		found = self.read(quotation)
		self.assertEqual([found[quotation.items[index].name].short for index in (1, 2)], [5, 0])

	def test_alternatives_both_ways(self):
		scarce, plenty = s.make_item(1).name, s.make_item(8).name
		s.make_alternative(plenty, scarce, two_way=1)
		row = availability.read(f.COMPANY, [Need("n", scarce, 2, f.warehouse())])["n"]
		self.assertEqual(row.alternatives, ((plenty, 8),))

	def read(self, document) -> dict:
		return availability.read(document.company, availability.needs_of(document))

	def draft(self, doctype: str, rows: list, **values):
		document = frappe.get_doc({"doctype": doctype, "company": f.COMPANY, "items": rows, **values})
		document.set_missing_values()
		return document.insert()


class TestEndpoint(SiteTestCase):
	def setUp(self):
		super().setUp()
		self.item = s.make_item(3).name
		self.quotation = f.make_quotation(rows=((self.item, 2, 10),), submit=False)
		self.seller = f.make_user("crm-ext-availability@example.com", "Sales User").name

	def on_screen(self, **values) -> str:
		rows = [{"name": "new-row-1", "item_code": self.item, "qty": 5, "warehouse": f.warehouse()}]
		document = {"doctype": "Quotation", "company": f.COMPANY, "items": rows, "name": "new-quotation-1"}
		return json.dumps({**document, "__islocal": 1, **values})

	def test_a_salesperson_without_rights_on_stock_sees_the_rows(self):
		frappe.set_user(self.seller)
		self.assertFalse(frappe.has_permission("Purchase Order", "read"))
		(row,) = get_availability("Quotation", self.quotation.name).values()
		self.assertEqual((row["on_hand"], row["short"], row["promise_on"]), (3, 0, s.day(0)))
		found = get_availability("Quotation", doc=self.on_screen())
		self.assertEqual(found["new-row-1"]["short"], 2)
		json.dumps(found, default=str)

	def test_what_is_on_the_screen_of_a_saved_draft_counts_and_of_a_submitted_one_does_not(self):
		values = json.loads(self.quotation.as_json())
		values["items"][0]["qty"] = 9
		changed = json.dumps(values)
		(row,) = get_availability("Quotation", doc=changed).values()
		self.assertEqual((row["qty"], row["short"]), (9, 6))
		self.quotation.submit()
		(row,) = get_availability("Quotation", doc=changed).values()
		self.assertEqual((row["qty"], row["short"]), (2, 0))

	def test_who_may_not_read_the_document_is_refused(self):
		frappe.set_user(f.make_user("crm-ext-no-sales@example.com", "Stock User").name)
		for values in (
			{"name": self.quotation.name},
			{"doc": self.on_screen()},
			{"doc": self.quotation.as_json()},
		):
			with self.assertRaises(frappe.PermissionError):
				get_availability("Quotation", **values)

	def test_who_is_held_to_one_company_learns_nothing_of_another(self):
		from frappe.permissions import add_user_permission

		add_user_permission("Company", f.OTHER_COMPANY, self.seller)
		frappe.set_user(self.seller)
		for values in ({"name": self.quotation.name}, {"doc": self.on_screen()}):
			with self.assertRaises(frappe.PermissionError):
				get_availability("Quotation", **values)
		rows = [{"name": "new-row-1", "item_code": self.item, "qty": 5, "warehouse": f.warehouse()}]
		found = get_availability("Quotation", doc=self.on_screen(company=f.OTHER_COMPANY, items=rows))
		self.assertEqual(found["new-row-1"]["on_hand"], 0, "a warehouse of a company that was not asked for")

	def test_a_saved_document_read_for_another_company_is_refused(self):
		from frappe.permissions import add_user_permission

		add_user_permission("Company", f.COMPANY, self.seller)
		frappe.set_user(self.seller)
		self.assertTrue(get_availability("Quotation", self.quotation.name))
		values = json.loads(self.quotation.as_json())
		values["company"] = f.OTHER_COMPANY
		with self.assertRaises(frappe.PermissionError):
			get_availability("Quotation", doc=json.dumps(values))

	def test_nothing_where_the_setting_is_off(self):
		with change_settings(SETTINGS, {"availability_enabled": 0}):
			self.assertEqual(get_availability("Quotation", self.quotation.name), {})

	def test_bad_input_is_refused_in_words(self):
		row = {"name": "r", "item_code": self.item, "qty": 1}
		for values, words in (
			({"doctype": "Sales Invoice", "name": "x"}, "on opportunities"),
			({"doctype": "Quotation"}, "Choose a document"),
			({"doctype": "Quotation", "name": "nowhere"}, "not found"),
			({"doctype": "Quotation", "doc": "{]"}, "not a document"),
			({"doctype": "Quotation", "doc": "[1]"}, "not a document"),
			({"doctype": "Quotation", "doc": '{"items": 3}'}, "not a document"),
			({"doctype": "Quotation", "doc": '{"items": ["a"]}'}, "not a document"),
			({"doctype": "Quotation", "doc": self.on_screen(company=None)}, "company"),
			({"doctype": "Quotation", "doc": self.on_screen(items=[{**row, "qty": "many"}])}, "Row 1"),
			(
				{"doctype": "Quotation", "doc": self.on_screen(items=[{**row, "item_code": {"a": 1}}])},
				"Row 1",
			),
		):
			with self.assertRaises(frappe.ValidationError) as caught:
				get_availability(**values)
			self.assertIn(words, str(caught.exception))

	def test_at_most_eight_statements_for_two_hundred_rows_of_every_kind(self):
		part, other = s.make_item(50, uoms=[{"uom": "Box", "conversion_factor": 6}]).name, s.make_item(5).name
		bundle = s.make_bundle((part, 2), (other, 1)).name
		machine = s.make_item(lead_time_days=3).name
		s.make_bom(machine, (part, 1), (other, 1))
		s.make_alternative(other, part)
		items = [part, other, bundle, machine] * 50
		customer = frappe.get_doc("Customer", f.CUSTOMER)
		opportunity = f.make_opportunity(
			customer,
			items=[
				{"item_code": item, "qty": 1, "rate": 1, "uom": "Box" if item == part else "Nos"}
				for item in items
			],
		)
		quotation = f.make_quotation(rows=[(item, 1, 10) for item in items], submit=False)
		order = f.make_sales_order(rows=[(item, 1, 10) for item in items])
		frappe.set_user(self.seller)
		for document in (opportunity, quotation, order):
			# What Frappe keeps of a DocType once it was asked for is not ours to count.
			get_availability(document.doctype, document.name)
			get_availability(document.doctype, doc=document.as_json())
			with self.assertQueryCount(8):
				found = get_availability(document.doctype, document.name)
			self.assertEqual(len(found), 200)
			if document.docstatus == 0:
				with self.assertQueryCount(8):
					self.assertEqual(get_availability(document.doctype, doc=document.as_json()), found)
