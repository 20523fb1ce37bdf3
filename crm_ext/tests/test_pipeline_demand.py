"""Pipeline Demand and slow movers on real documents; figures tie to ERPNext's."""

from datetime import timedelta

import frappe
from frappe.desk import query_report
from frappe.utils import flt, getdate, nowdate

from crm_ext.api import demand as api
from crm_ext.deals import touch
from crm_ext.supply import demand, slow_movers
from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.base import SiteTestCase

REPORT = "Pipeline Demand"
QUERIES = 12


def run(**filters) -> list[dict]:
	"""As the desk does: the standard report with its roles and user permissions."""
	filters = frappe._dict({"company": f.COMPANY, **filters})
	return query_report.run(REPORT, filters=filters, ignore_prepared_report=True)["result"]


def month_after(months: int):
	"""The fifteenth of a month to come."""
	return getdate(frappe.utils.add_months(getdate(nowdate()).replace(day=15), months))


class DemandTestCase(SiteTestCase):
	def setUp(self):
		super().setUp()
		frappe.db.set_single_value("CRM Ext Settings", {"supply_safety_stock": 1, "supply_lead_days": 0})
		frappe.clear_document_cache("CRM Ext Settings", "CRM Ext Settings")
		self.item = s.make_item().name
		self.customer = f.make_customer()

	def tearDown(self):
		super().tearDown()
		frappe.clear_document_cache("CRM Ext Settings", "CRM Ext Settings")

	def top(self, item: str | None = None, **filters) -> dict | None:
		rows = [row for row in run(item_code=item or self.item, **filters) if not row["indent"]]
		return rows[0] if rows else None

	def months(self, figure: str, item: str | None = None, **filters) -> list[float]:
		return [row[figure] for row in run(item_code=item or self.item, **filters) if row["indent"]]

	def quote(self, *rows: dict, source=None, on=None, submit=True, **values):
		quotation = f.make_quotation(source or self.customer, submit=False, **values)
		quotation.set("items", s.rows_of(*(rows or ({"item_code": self.item, "qty": 10},))))
		for row in quotation.items:
			row.promise_date = on
		quotation.save()
		if submit:
			quotation.submit()
		touch.flush()
		return quotation

	def chance(self, *rows: dict, **values):
		rows = rows or ({"item_code": self.item, "qty": 10},)
		items = [{"rate": 100, "uom": "Nos", **row} for row in rows]
		opportunity = f.make_opportunity(self.customer, **{"items": items, **values})
		touch.flush()
		return opportunity


class TestPipeline(DemandTestCase):
	def test_a_quotation_weighs_what_its_stage_says_and_falls_on_the_promised_month(self):
		self.quote(on=month_after(2))
		self.assertEqual(self.months("quoted"), [0, 0, 6, 0, 0, 0])
		self.assertEqual(self.months("projected"), [0, 0, -6, -6, -6, -6])
		self.assertEqual(self.months("buy"), [None, None, 6, None, None, None])
		self.assertEqual(self.top()["advice"], "Buy")

	def test_without_promise_a_quotation_falls_on_its_last_day(self):
		self.quote(valid_till=month_after(1))
		self.assertEqual(self.months("quoted"), [0, 6, 0, 0, 0, 0])

	def test_an_opportunity_weighs_its_own_probability_once_somebody_set_it(self):
		opportunity = self.chance(expected_closing=month_after(1))
		self.assertEqual(opportunity.probability, 100)
		self.assertEqual(self.months("expected"), [0, 3.5, 0, 0, 0, 0])
		opportunity.probability = 20
		opportunity.save()
		self.assertEqual(self.top()["expected"], 2)

	def test_each_demand_counts_once(self):
		opportunity = self.chance()
		quotation = self.quote(source=opportunity)
		row = self.top()
		self.assertEqual((row["quoted"], row["expected"]), (6, 0))
		self.assertIsNone(self.top(include="Opportunities"))
		order = f.make_sales_order(quotation)
		row = self.top()
		self.assertEqual((row["quoted"], row["expected"], row["orders"]), (0, 0, 10))
		order.cancel()
		self.assertEqual(self.top()["quoted"], 6)

	def test_a_lost_quotation_counts_nothing_and_an_opportunity_worked_on_again_does(self):
		opportunity = self.chance()
		quotation = self.quote(source=opportunity)
		quotation.declare_enquiry_lost([{"lost_reason": "Too expensive"}], [])
		touch.flush()
		self.assertIsNone(self.top())
		opportunity.reload()
		opportunity.db_set("status", "Open")
		touch.touch(("Opportunity", opportunity.name))
		touch.flush()
		self.assertEqual(self.top()["expected"], 3.5)

	def test_what_was_ordered_of_a_quotation_is_an_order(self):
		quotation = self.quote()
		order = f.make_sales_order(quotation, submit=False)
		order.items[0].qty = 4
		order.save().submit()
		touch.flush()
		row = self.top()
		self.assertEqual((row["quoted"], row["orders"]), (flt(6 * 0.6, 9), 4))

	def test_a_new_offer_replaces_the_old_one_for_the_items_it_repeats(self):
		other = s.make_item().name
		opportunity = self.chance()
		self.quote({"item_code": self.item, "qty": 10}, {"item_code": other, "qty": 5}, source=opportunity)
		second = self.quote({"item_code": self.item, "qty": 20}, source=opportunity)
		self.assertEqual(self.top()["quoted"], 12)
		self.assertEqual(self.top(other)["quoted"], 3)
		second.cancel()
		touch.flush()
		self.assertEqual(self.top()["quoted"], 6)

	def test_the_offer_that_was_ordered_speaks_for_its_items(self):
		opportunity = self.chance()
		first = self.quote(source=opportunity)
		self.quote({"item_code": self.item, "qty": 20}, source=opportunity)
		f.make_sales_order(first)
		touch.flush()
		row = self.top()
		self.assertEqual((row["quoted"], row["orders"]), (0, 10))

	def test_alternative_rows_count_only_as_what_they_replace(self):
		other = s.make_item().name
		quotation = self.quote(
			{"item_code": self.item, "qty": 10}, {"item_code": other, "qty": 10, "is_alternative": 1}
		)
		self.assertEqual(self.top()["quoted"], 6)
		self.assertIsNone(self.top(other))
		self.assertTrue(quotation.items[0].has_alternative_item)

	def test_an_expired_quotation_is_left_out_unless_asked_for(self):
		quotation = self.quote()
		quotation.db_set({"valid_till": getdate(nowdate()) - timedelta(days=1)})
		self.assertIsNone(self.top())
		self.assertEqual(self.top(include_expired=1)["quoted"], 6)
		quotation.db_set("status", "Expired")
		self.assertEqual(self.top(include_expired=1)["quoted"], 6)

	def test_drafts_services_and_drop_shipped_items_count_nothing(self):
		shipped = s.make_item(delivered_by_supplier=1).name
		self.quote(submit=False)
		self.quote({"item_code": f.SERVICE, "qty": 3}, {"item_code": shipped, "qty": 3})
		for item in (self.item, f.SERVICE, shipped):
			self.assertIsNone(self.top(item))

	def test_least_probability(self):
		self.quote()
		self.chance()
		row = self.top(min_probability=50)
		self.assertEqual((row["quoted"], row["expected"]), (6, 0))
		self.assertIsNone(self.top(min_probability=61))

	def test_include_adds_up(self):
		self.quote()
		self.chance()
		both, quoted, expected = (self.top(include=kind) for kind in ("Both", "Quotations", "Opportunities"))
		self.assertEqual((quoted["quoted"], quoted["expected"]), (6, 0))
		self.assertEqual((expected["quoted"], expected["expected"]), (0, 3.5))
		self.assertEqual((both["quoted"], both["expected"]), (6, 3.5))

	def test_units_are_converted(self):
		item = frappe.get_doc("Item", self.item)
		item.append("uoms", {"uom": "Box", "conversion_factor": 12})
		item.save()
		self.quote({"item_code": self.item, "qty": 2, "uom": "Box", "conversion_factor": 12})
		self.chance({"item_code": self.item, "qty": 1, "uom": "Box"})
		row = self.top()
		self.assertAlmostEqual(row["quoted"], 24 * 0.6)
		self.assertAlmostEqual(row["expected"], 12 * 0.35)

	def test_bundles_are_their_parts(self):
		other = s.make_item().name
		bundle = s.make_bundle((self.item, 2), (other, 3)).name
		self.quote({"item_code": bundle, "qty": 5})
		self.chance({"item_code": bundle, "qty": 1})
		s.make_order({"item_code": bundle, "qty": 1})
		row = self.top()
		self.assertEqual((row["quoted"], row["expected"], row["orders"]), (6, 0.7, 2))
		self.assertAlmostEqual(self.top(other)["quoted"], 9)
		self.assertIsNone(self.top(bundle))

	def test_a_warehouse_group_and_the_item_s_own_warehouse(self):
		group = s.make_warehouse(is_group=1).name
		store = s.make_warehouse(group).name
		self.quote({"item_code": self.item, "qty": 10, "warehouse": store})
		self.chance()
		row = self.top(warehouse=group)
		self.assertEqual((row["quoted"], row["expected"]), (6, 0))
		self.assertIsNone(self.top(warehouse=f.warehouse(), include="Quotations"))
		item = frappe.get_doc("Item", self.item)
		item.set("item_defaults", [{"company": f.COMPANY, "default_warehouse": store}])
		item.save()
		self.assertEqual(self.top(warehouse=store)["expected"], 3.5)


class TestPlan(DemandTestCase):
	def test_figures_are_those_of_bin(self):
		s.stock_up(self.item, 30)
		order = s.make_order(
			{"item_code": self.item, "qty": 12},
			{"item_code": self.item, "qty": 3, "delivery_date": s.day(45)},
		)
		f.make_delivery_note(order, share=0.5)
		held = s.make_order({"item_code": self.item, "qty": 7})
		held.update_status("On Hold")
		bundle = s.make_bundle((self.item, 2)).name
		s.make_order({"item_code": bundle, "qty": 3})
		bought = s.make_purchase_order({"item_code": self.item, "qty": 20})
		s.receive(bought, share=0.25)
		s.make_purchase_order({"item_code": self.item, "qty": 9}).update_status("Closed")
		s.make_material_request({"item_code": self.item, "qty": 4})
		row, bin = self.top(), s.bin_of(self.item)
		self.assertEqual(row["on_hand"], bin.actual_qty)
		self.assertEqual(row["orders"], bin.reserved_qty)
		self.assertEqual(row["supply"], bin.ordered_qty)
		self.assertEqual(row["requested"], bin.indented_qty)
		self.assertGreater(bin.reserved_qty * bin.ordered_qty * bin.indented_qty, 0)
		open_rows = frappe.get_all(
			"Sales Order Item", {"item_code": self.item, "parent": order.name}, ["qty", "delivered_qty"]
		)
		self.assertEqual(row["orders"], sum(r.qty - r.delivered_qty for r in open_rows) + 6)
		self.assertEqual(
			self.months("projected")[-1],
			bin.actual_qty + bin.ordered_qty + bin.indented_qty - bin.reserved_qty,
		)

	def test_what_is_made_is_to_make_and_its_materials_are_held(self):
		part = s.make_item(50).name
		s.make_bom(self.item, (part, 2))
		s.make_work_order(self.item, 5)
		s.make_order({"item_code": self.item, "qty": 8})
		row = self.top()
		self.assertEqual((row["supply"], row["buy"], row["advice"]), (5, 3, "Make"))
		self.assertEqual(self.top(part)["orders"], s.bin_of(part).reserved_qty_for_production)

	def test_late_orders_and_purchases_count_this_month(self):
		s.make_order({"item_code": self.item, "qty": 5}, delivery=s.day(-40))
		s.make_purchase_order({"item_code": self.item, "qty": 5}, on=s.day(-35))
		self.assertEqual(self.months("orders")[0], 5)
		self.assertEqual(self.months("supply")[0], 5)

	def test_purchase_unit_minimum_safety_stock_and_lead_time(self):
		item = frappe.get_doc("Item", self.item)
		item.append("uoms", {"uom": "Box", "conversion_factor": 12})
		item.update({"purchase_uom": "Box", "min_order_qty": 20, "safety_stock": 2, "lead_time_days": 30})
		item.save()
		self.quote({"item_code": self.item, "qty": 5}, on=month_after(3))
		s.stock_up(self.item, 4)
		row = self.top()
		self.assertEqual((row["buy"], row["projected"], row["safety_stock"]), (24, -1, 2))
		needed = month_after(3).replace(day=1)
		self.assertEqual((row["needed_on"], row["order_on"]), (needed, needed - timedelta(days=30)))

	def test_more_stock_than_demand_is_said(self):
		s.stock_up(self.item, 100)
		s.make_purchase_order({"item_code": self.item, "qty": 50})
		self.quote()
		row = self.top()
		self.assertEqual((row["advice"], row["buy"]), ("Do Not Buy", None))
		self.assertEqual((row["surplus"], row["too_much"]), (144, 50))
		self.assertGreater(row["cover"], 100)
		self.assertIsNone(self.top(advice="Buy"))

	def test_below_safety_stock_without_demand(self):
		frappe.db.set_value("Item", self.item, "safety_stock", 5)
		self.assertEqual(self.top()["buy"], 5)

	def test_by_week(self):
		self.quote(on=s.day(8))
		quoted = self.months("quoted", period="Week", months=2)
		self.assertGreaterEqual(len(quoted), 5)
		self.assertAlmostEqual(sum(quoted), 6)
		day = s.day(8)
		monday = s.day(0) - timedelta(days=s.day(0).weekday())
		self.assertAlmostEqual(quoted[(day - monday).days // 7], 6)

	def test_queries_do_not_grow(self):
		self.quote()
		self.chance()
		s.make_order({"item_code": self.item, "qty": 5})
		for filters in ({}, {"item_code": self.item}, {"warehouse": f.warehouse()}):
			asked = {"company": f.COMPANY, **filters}
			demand.read(demand.ask(asked))  # caches of Frappe
			with self.assertQueryCount(QUERIES):
				demand.read(demand.ask(asked))
			with self.assertQueryCount(QUERIES):
				slow_movers.read(demand.ask(asked))

	def test_filters_from_the_browser_are_checked(self):
		for filters in (
			{"period": "Day"},
			{"include": "x"},
			{"months": 99},
			{"item_code": ["like", "%"]},
			{"advice": "x"},
			{"warehouse": f.warehouse(f.OTHER_COMPANY)},
		):
			with self.assertRaises(frappe.ValidationError):
				run(**filters)


class TestPeople(DemandTestCase):
	def setUp(self):
		super().setUp()
		self.buyer = f.make_user("demand-buyer@example.com", "Purchase User").name

	def test_a_buyer_sees_how_much_and_not_for_whom(self):
		self.quote()
		order = s.make_order({"item_code": self.item, "qty": 4})
		bought = s.make_purchase_order({"item_code": self.item, "qty": 1})
		frappe.set_user(self.buyer)
		self.assertEqual(self.top()["quoted"], 6)
		asked = frappe.as_json({"company": f.COMPANY})
		found = api.documents(asked, self.item, "quoted")
		self.assertEqual((found["rows"], found["others"]), ([], {"documents": 1, "weighted": 6}))
		(row,) = api.documents(asked, self.item, "supply")["rows"]
		self.assertEqual((row["name"], row["party"]), (bought.name, f.ensure_supplier()))
		frappe.set_user("Administrator")
		(row,) = api.documents(
			asked, self.item, "orders", 0 if order.delivery_date.month == s.day(0).month else 1
		)["rows"]
		self.assertEqual((row["name"], row["qty"]), (order.name, 4))

	def test_a_figure_opens_what_it_counts(self):
		self.quote(on=month_after(1))
		self.quote(on=month_after(2))
		self.chance()
		s.make_material_request({"item_code": self.item, "qty": 2})
		asked = frappe.as_json({"company": f.COMPANY})
		for row in run(item_code=self.item):
			for kind in demand.KINDS:
				rows = api.documents(asked, self.item, kind, row.get("number"))["rows"]
				self.assertAlmostEqual(sum(one["weighted"] for one in rows), row[kind])

	def test_others_are_refused(self):
		seller = f.make_user("demand-seller@example.com", "Sales User").name
		frappe.set_user(seller)
		asked = frappe.as_json({"company": f.COMPANY})
		with self.assertRaises(frappe.PermissionError):
			run()
		with self.assertRaises(frappe.PermissionError):
			api.documents(asked, self.item, "quoted")
		with self.assertRaises(frappe.PermissionError):
			api.drafts(f.COMPANY, [self.item])
		with self.assertRaises(frappe.PermissionError):
			api.request(f.COMPANY, [{"item_code": self.item, "qty": 1, "schedule_date": nowdate()}])
		manager = f.make_user("demand-manager@example.com", "Sales Manager").name
		frappe.set_user(manager)
		with self.assertRaises(frappe.PermissionError):
			api.request(f.COMPANY, [{"item_code": self.item, "qty": 1, "schedule_date": nowdate()}])

	def test_user_permissions_on_company_and_warehouse_hold(self):
		store = s.make_warehouse().name
		s.stock_up(self.item, 5)
		s.stock_up(self.item, 2, store)
		self.quote()
		frappe.permissions.add_user_permission("Warehouse", store, self.buyer)
		frappe.set_user(self.buyer)
		self.assertEqual(self.top()["on_hand"], 2)
		frappe.set_user("Administrator")
		frappe.permissions.add_user_permission("Company", f.OTHER_COMPANY, self.buyer)
		frappe.set_user(self.buyer)
		with self.assertRaises(frappe.PermissionError):
			demand.ask({"company": f.COMPANY})
		with self.assertRaises(frappe.PermissionError):
			api.drafts(f.COMPANY, [self.item])

	def test_material_request_from_rows(self):
		made = s.make_item().name
		s.make_bom(made, (s.make_item(5).name, 1))
		frappe.db.delete("Item Default", {"parent": ("in", (self.item, made))})
		frappe.set_user(self.buyer)
		rows = [
			{"item_code": self.item, "qty": 5, "schedule_date": str(month_after(2))},
			{"item_code": self.item, "qty": 2, "schedule_date": str(s.day(-3))},
			{"item_code": made, "qty": 3, "schedule_date": str(month_after(1))},
		]
		with self.assertRaises(frappe.ValidationError):
			api.request(f.COMPANY, rows)
		names = api.request(f.COMPANY, rows, f.warehouse())
		purchase, manufacture = (frappe.get_doc("Material Request", name) for name in names)
		self.assertEqual((purchase.material_request_type, purchase.docstatus), ("Purchase", 0))
		self.assertEqual(
			[(row.qty, row.schedule_date, row.warehouse) for row in purchase.items],
			[(2, s.day(0), f.warehouse()), (5, month_after(2), f.warehouse())],
		)
		self.assertEqual(manufacture.material_request_type, "Manufacture")
		self.assertEqual([row.item_code for row in manufacture.items], [made])
		held = {
			(row["name"], row["item_code"]): row["qty"] for row in api.drafts(f.COMPANY, [self.item, made])
		}
		self.assertEqual(held, {(purchase.name, self.item): 7, (manufacture.name, made): 3})
		purchase.submit()
		frappe.set_user("Administrator")
		self.assertEqual(self.top()["requested"], 7)
		for wrong in ({"item_code": f.SERVICE}, {"item_code": self.item, "qty": -1}):
			with self.assertRaises(frappe.ValidationError):
				api.request(f.COMPANY, [{"qty": 1, "schedule_date": nowdate(), **wrong}], f.warehouse())


class TestSlowMovers(DemandTestCase):
	def setUp(self):
		super().setUp()
		frappe.db.set_single_value("CRM Ext Settings", "slow_mover_days", 180)
		frappe.clear_document_cache("CRM Ext Settings", "CRM Ext Settings")

	def age(self, days: int, item: str | None = None) -> None:
		"""What happened to an item happened so many days ago."""
		day = s.day(-days)
		frappe.db.set_value(
			"Stock Ledger Entry",
			{"item_code": item or self.item},
			{"posting_date": day, "posting_datetime": day},
		)

	def buy(self, qty: float) -> None:
		s.receive(
			s.make_purchase_order({"item_code": self.item, "qty": qty, "rate": 40, "price_list_rate": 40})
		)

	def slow(self, **filters) -> dict | None:
		rows = run(show="Slow Movers", item_code=self.item, **filters)
		return rows[0] if rows else None

	def test_what_never_left_is_slow_by_its_receipt(self):
		self.buy(10)
		self.assertIsNone(self.slow())
		self.age(181)
		row = self.slow()
		self.assertEqual((row["on_hand"], row["value"], row["last_in"]), (10, 400, s.day(-181)))
		self.assertIsNone(row["last_out"])

	def test_what_left_lately_is_not_slow(self):
		self.buy(10)
		self.age(300)
		f.make_delivery_note(s.make_order({"item_code": self.item, "qty": 4}))
		self.assertIsNone(self.slow())
		self.age(200)
		row = self.slow()
		self.assertEqual((row["last_out"], row["days"], row["value"]), (s.day(-200), 200, 240))

	def test_what_somebody_has_in_the_pipeline_is_not_slow(self):
		self.buy(10)
		self.age(300)
		for make, undo in (
			(self.quote, lambda doc: doc.cancel()),
			(self.chance, lambda doc: doc.delete()),
			(lambda: s.make_order({"item_code": self.item, "qty": 1}), lambda doc: doc.cancel()),
		):
			self.assertIsNotNone(self.slow(include="Opportunities", min_probability=99))
			document = make()
			self.assertIsNone(self.slow(include="Opportunities", min_probability=99))
			undo(document)
			touch.flush()

	def test_use_in_production_is_movement_and_a_transfer_is_none(self):
		self.buy(10)
		self.age(300)
		store = s.make_warehouse().name
		frappe.get_doc(
			{
				"doctype": "Stock Entry",
				"stock_entry_type": "Material Transfer",
				"company": f.COMPANY,
				"items": [
					{"item_code": self.item, "qty": 2, "s_warehouse": f.warehouse(), "t_warehouse": store}
				],
			}
		).insert().submit()
		self.assertEqual(self.slow()["value"], 400)
		made = s.make_item().name
		s.make_bom(made, (self.item, 1))
		s.finish(s.make_work_order(made, 1), 1)
		self.assertIsNone(self.slow())
