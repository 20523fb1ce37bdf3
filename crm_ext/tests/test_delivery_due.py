"""Delivery Due: what is open as ERPNext has it, stock given out once and by rank, and delivering from there."""

import os
import random
import time
from collections import defaultdict
from datetime import date
from urllib.parse import unquote

import frappe
from erpnext.stock.stock_balance import get_reserved_qty
from frappe.desk import query_report
from frappe.utils import flt, get_last_day_of_week

from crm_ext import tasks
from crm_ext.api import deliveries as api
from crm_ext.api import my_day
from crm_ext.deals import touch
from crm_ext.follow_ups import day as follow_ups_day
from crm_ext.supply import day, delivery, delivery_notes
from crm_ext.supply.delivery_rules import Days, OpenRow, Part, by_order, share_out, whole_part
from crm_ext.supply.model import Availability
from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.base import SiteTestCase
from crm_ext.tests.processes import CommittingTestCase, Gate

# Permission, filters and their trees, open rows and what stands beside them; availability takes seven.
QUERIES = 30


def run(**filters) -> dict:
	"""As the desk does, by the standard report with its roles and user permissions."""
	asked = frappe._dict({"company": f.COMPANY, "group_by": "Row", **filters})
	return query_report.run("Delivery Due", filters=asked, ignore_prepared_report=True)


def rows_of(order, **filters) -> list[dict]:
	return [row for row in run(**filters)["result"] if row["sales_order"] == order.name]


def open_row(name: str, item: str, qty: float, **values) -> OpenRow:
	"""A row by itself; its order's name is its own."""
	known = {
		**{"order": name, "idx": 1, "item_name": item, "warehouse": "W", "deliver_on": date(2026, 3, 2)},
		**{"uom": "Nos", "stock_uom": "Nos", "factor": 1.0, "whole": False, "whole_stock": False},
		**{"value": 10.0, "visible": True, "customer": "C", "customer_name": "C", "territory": None},
	}
	return OpenRow(name=name, item_code=item, open_qty=qty, **{**known, "deal": None, **values})


class TestSharingOut(SiteTestCase):
	"""Pure rules."""

	def share(self, rows: list[OpenRow], free: dict, kind: str = "Stock") -> list[float]:
		found = {
			row.name: Availability(
				row.name, row.item_code, row.open_qty, "Bundle" if row.parts else kind, available=10**6
			)
			for row in rows
		}
		share_out(rows, found, free)
		return [row.deliverable for row in rows]

	def test_first_come_first_served_and_nothing_twice(self):
		rows = [open_row("a", "I", 4), open_row("b", "I", 3), open_row("c", "I", 5, warehouse="V")]
		self.assertEqual(self.share(rows, {("I", "W"): 6.0, ("I", "V"): 1.0}), [4, 2, 1])

	def test_what_is_reserved_for_a_row_is_its_own(self):
		rows = [open_row("a", "I", 4), open_row("b", "I", 3, reserved=2.0)]
		self.assertEqual(self.share(rows, {("I", "W"): 4.5}), [4, 2.5])

	def test_a_bundle_goes_as_far_as_its_scarcest_item_and_takes_of_all(self):
		bundle = open_row("a", "B", 5, parts=(Part("I", "W", 2.0), Part("J", "V", 1.0)), whole=True)
		rows = [bundle, open_row("b", "I", 9), open_row("c", "J", 9, warehouse="V")]
		self.assertEqual(self.share(rows, {("I", "W"): 7.0, ("J", "V"): 4.0}), [3, 1, 1])

	def test_services_need_no_stock(self):
		self.assertEqual(self.share([open_row("a", "S", 3)], {}, kind="Service"), [3])

	def test_whole_units(self):
		box = open_row("a", "I", 30, uom="Box", factor=12.0, whole=True, whole_stock=True)
		self.assertEqual([whole_part(qty, box) for qty in (0, 11.9, 12, 29, 30)], [0, 0, 12, 24, 30])
		pair = open_row("a", "I", 7.5, factor=0.5)
		self.assertEqual(whole_part(1.23456, pair), 1.2345)
		self.assertEqual(whole_part(-2, pair), 0)

	def test_random_shares_never_exceed_what_is_there(self):
		rng = random.Random(5)
		for _round in range(200):
			free = {(item, w): rng.uniform(-2, 12) for item in "IJ" for w in "WV"}
			rows = []
			for number in range(rng.randint(1, 12)):
				parts = (Part("I", "W", 2.0), Part("J", "V", 0.5)) if rng.random() < 0.3 else ()
				item, whole = ("B" if parts else rng.choice("IJ")), rng.random() < 0.5
				rows.append(
					open_row(
						str(number),
						item,
						rng.randint(1, 9) * (1 if whole else 0.75),
						parts=parts,
						whole=whole,
						warehouse=rng.choice("WV"),
					)
				)
			self.share(rows, free)
			taken = defaultdict(float)
			for row in rows:
				self.assertTrue(0 <= row.deliverable <= row.open_qty + 1e-9)
				for part in row.parts or (Part(row.item_code, row.warehouse, 1.0),):
					taken[(part.item_code, part.warehouse)] += row.deliverable * part.per_unit
			for pool, qty in taken.items():
				self.assertLessEqual(qty, max(0.0, free[pool]) + 1e-6)
			# Nobody goes away empty where a whole unit is left after all were served.
			for row in rows:
				if not row.parts and row.short >= 1:
					pool = (row.item_code, row.warehouse)
					self.assertLess(free[pool] - taken[pool], 1 + 1e-6)

	def test_days(self):
		days = Days(date(2026, 3, 11), date(2026, 3, 14))
		found = [days.period_of(date(2026, 3, day)) for day in (10, 11, 12, 14, 15, 21, 22)]
		self.assertEqual(found, ["Late", "Today", "This Week", "This Week", "Next Week", "Next Week", None])
		self.assertTrue(days.within("This Week", days.today))


class TestDeliveryDue(SiteTestCase):
	def test_rows_by_rank_with_what_is_short_and_when_it_comes(self):
		item = s.make_item(stock=5).name
		late = s.make_order({"item_code": item, "qty": 4}, delivery=s.day(-3))
		soon = s.make_order({"item_code": item, "qty": 4}, delivery=s.day(2))
		purchase = s.make_purchase_order({"item_code": item, "qty": 10}, on=s.day(5))
		(first,), (second,) = rows_of(late), rows_of(soon)
		self.assertEqual((first["open_qty"], first["deliverable"], first["short"]), (4, 4, None))
		self.assertEqual((first["days_late"], first["standing_key"], first["value"]), (3, "all", 400))
		self.assertEqual((second["deliverable"], second["short"], second["standing_key"]), (1, 3, "part"))
		self.assertEqual((second["comes_on"], second["comes_from"]), (s.day(5), "Purchase"))
		self.assertEqual((second["source_type"], second["source_name"]), ("Purchase Order", purchase.name))
		self.assertEqual((second["days_late"], second["currency"]), (None, "USD"))

	def test_what_was_requested_and_what_nobody_knows(self):
		item, other = s.make_item().name, s.make_item().name
		request = s.make_material_request({"item_code": item, "qty": 9})
		order = s.make_order({"item_code": item, "qty": 2}, {"item_code": other, "qty": 2})
		asked, unknown = rows_of(order)
		self.assertEqual((asked["source_type"], asked["source_name"]), ("Material Request", request.name))
		self.assertEqual((unknown["comes_on"], unknown["source_name"]), (None, None))
		self.assertTrue(unknown["short_now"])

	def test_stock_at_hand_is_the_earlier_ones_though_more_comes_in_time(self):
		item = s.make_item(stock=5).name
		purchase = s.make_purchase_order({"item_code": item, "qty": 20}, on=s.day(9))
		first = s.make_order({"item_code": item, "qty": 5}, delivery=s.day(10))
		then = s.make_order({"item_code": item, "qty": 3}, delivery=s.day(12))
		self.assertEqual(rows_of(first)[0]["deliverable"], 5)
		(row,) = rows_of(then)
		self.assertEqual((row["deliverable"], row["comes_on"]), (0, s.day(9)))
		self.assertEqual((row["comes_from"], row["source_name"]), ("Purchase", purchase.name))

	def test_safety_stock_is_there_to_be_delivered(self):
		item = s.make_item(stock=5, safety_stock=4).name
		order = s.make_order({"item_code": item, "qty": 5})
		self.assertEqual(rows_of(order)[0]["deliverable"], 5)

	def test_bundles_and_services(self):
		one, two = s.make_item(stock=7).name, s.make_item(stock=2).name
		bundle = s.make_bundle((one, 2), (two, 1)).name
		order = s.make_order({"item_code": bundle, "qty": 4}, {"item_code": f.SERVICE, "qty": 3})
		packed, service = rows_of(order)
		self.assertEqual((packed["open_qty"], packed["deliverable"], packed["short"]), (4, 2, 2))
		self.assertEqual((service["deliverable"], service["standing_key"]), (3, "all"))
		s.make_purchase_order({"item_code": two, "qty": 5}, on=s.day(4))
		(packed, _service) = rows_of(order)
		self.assertEqual(packed["source_type"], None)  # of the other item nothing comes
		purchase = s.make_purchase_order({"item_code": one, "qty": 5}, on=s.day(6))
		(packed, _service) = rows_of(order)
		self.assertEqual((packed["comes_on"], packed["source_name"]), (s.day(6), purchase.name))

	def test_reserved_stock_is_kept_for_its_row(self):
		item = s.make_item(stock=5).name
		first = s.make_order({"item_code": item, "qty": 5}, delivery=s.day(1))
		then = s.make_order({"item_code": item, "qty": 5}, delivery=s.day(8))
		s.reserve(then, 3)
		self.assertEqual([rows_of(first)[0]["deliverable"], rows_of(then)[0]["deliverable"]], [2, 3])
		# ERPNext makes notes of reserved stock row by row; the share holds there, too.
		result = delivery_notes.make(f.COMPANY, [row.name for row in (*first.items, *then.items)])
		self.assertEqual(result.left_out, [])
		notes = [frappe.get_doc("Delivery Note", name) for name in result.notes]
		self.assertEqual([[row.qty for row in note.items] for note in notes], [[2], [3]])

	def test_who_is_out(self):
		item = s.make_item(stock=50).name
		closed, held, skipped, maintained, drafted = (
			s.make_order({"item_code": item, "qty": 1}, **values)
			for values in (
				{},
				{},
				{"skip_delivery_note": 1},
				{"order_type": "Maintenance"},
				{"submit": False},
			)
		)
		closed.update_status("Closed")
		held.update_status("On Hold")
		dropped = s.make_order(
			{"item_code": item, "qty": 1, "delivered_by_supplier": 1, "supplier": f.ensure_supplier()}
		)
		delivered = s.make_order({"item_code": item, "qty": 1})
		f.make_delivery_note(delivered)
		names = {row["sales_order"] for row in run(item_code=item)["result"]}
		self.assertEqual(names, set())
		for order in (closed, held, skipped, maintained, drafted, dropped, delivered):
			self.assertNotIn(order.name, names)

	def test_filters(self):
		item = s.make_item(stock=2).name
		customer = f.make_customer().name
		late = s.make_order({"item_code": item, "qty": 2}, delivery=s.day(-1), customer=customer)
		today = s.make_order({"item_code": item, "qty": 2}, delivery=s.day(0), territory="All Territories")
		later = s.make_order(
			{"item_code": item, "qty": 2},
			delivery=s.day(40),
			sales_team=[{"sales_person": "CRM Ext Seller", "allocated_percentage": 100}],
		)

		def found(**filters) -> set[str]:
			return {row["sales_order"] for row in run(item_code=item, **filters)["result"]}

		everything = {late.name, today.name, later.name}
		self.assertEqual(found(), everything)
		self.assertEqual(found(period="Late"), {late.name})
		self.assertEqual(found(period="Today"), {today.name})
		self.assertEqual(found(from_date=str(s.day(1))), {later.name})
		self.assertEqual(found(to_date=str(s.day(0))), {late.name, today.name})
		self.assertEqual(found(customer=customer), {late.name})
		self.assertEqual(found(sales_person="Sales Team"), {later.name})
		self.assertEqual(found(only_deliverable=1), {late.name})
		self.assertEqual(found(warehouse=f.warehouse()), everything)
		self.assertEqual(found(territory="All Territories"), everything)
		root = frappe.db.get_value("Warehouse", f.warehouse(), "parent_warehouse")
		self.assertEqual(found(warehouse=root), everything)
		self.assertEqual(found(warehouse=s.make_warehouse().name), set())
		for bad in ({"period": "Never"}, {"customer": ["like", "%"]}, {"company": None}):
			self.assertRaises(frappe.ValidationError, lambda bad=bad: run(**bad))

	def test_orders(self):
		item, other = s.make_item(stock=5).name, s.make_item().name
		order = s.make_order(
			{"item_code": item, "qty": 5, "delivery_date": s.day(3)},
			{"item_code": other, "qty": 2},
			delivery=s.day(-2),
		)
		s.make_purchase_order({"item_code": other, "qty": 2}, on=s.day(6))
		found = run(group_by="Order", customer=order.customer)
		(row,) = (row for row in found["result"] if row["sales_order"] == order.name)
		self.assertEqual((row["rows"], row["rows_deliverable"], row["rows_short"]), (2, 1, 1))
		self.assertEqual((row["deliver_on"], row["days_late"], row["comes_on"]), (s.day(-2), 2, s.day(6)))
		self.assertEqual((row["standing_key"], row["value"]), ("part", 700))
		self.assertEqual(set(row["order_rows"]), {row.name for row in order.items})

	def test_summary_and_chart_add_up(self):
		customer = f.make_customer().name
		item = s.make_item(stock=3).name
		for days in (-4, -1, 0, 30):
			s.make_order({"item_code": item, "qty": 2}, delivery=s.day(days), customer=customer)
		found = run(customer=customer, group_by="Order")
		figures = {row["label"]: row["value"] for row in found["report_summary"]}
		self.assertEqual((figures["Orders Late"], figures["Late"]), (2, 400))
		self.assertEqual((figures["Orders Due Today"], figures["Due Today"]), (1, 200))
		values = [dataset["values"] for dataset in found["chart"]["data"]["datasets"]]
		self.assertEqual(sum(map(sum, values)), 800)
		self.assertEqual(values[0][0], 300)

	def test_only_orders_one_may_read_are_shown_though_all_compete(self):
		item = s.make_item(stock=5).name
		mine, customer = f.make_customer().name, f.make_customer().name
		ahead = s.make_order({"item_code": item, "qty": 4}, delivery=s.day(1), customer=customer)
		own = s.make_order({"item_code": item, "qty": 4}, delivery=s.day(2), customer=mine)
		user = f.make_user(f"{frappe.generate_hash(length=10)}@example.com", "Sales User").name
		frappe.get_doc(
			{"doctype": "User Permission", "user": user, "allow": "Customer", "for_value": mine}
		).insert()
		frappe.set_user(user)
		(row,) = run(item_code=item)["result"]
		self.assertEqual((row["sales_order"], row["deliverable"]), (own.name, 1))
		self.assertEqual(api.drafts([ahead.items[0].name]), {})
		found = api.deliver(f.COMPANY, [ahead.items[0].name, own.items[0].name], 2)
		(note,) = found["notes"]
		self.assertEqual(
			{row.against_sales_order for row in frappe.get_doc("Delivery Note", note).items}, {own.name}
		)
		frappe.set_user("Administrator")
		outsider = f.make_user(f"{frappe.generate_hash(length=10)}@example.com", "Employee").name
		frappe.set_user(outsider)
		self.assertRaises(frappe.PermissionError, run)
		self.assertRaises(frappe.PermissionError, api.deliver, f.COMPANY, [own.items[0].name], 1)
		self.assertRaises(frappe.PermissionError, api.notes, [own.name])

	def test_each_role_alone_is_enough(self):
		"""Frappe refuses a whole report for one link to what the user may not read."""
		order = s.make_order({"item_code": f.SERVICE, "qty": 1})
		for role in ("Sales User", "Stock User"):
			user = f.make_user(f"{frappe.generate_hash(length=10)}@example.com", role).name
			frappe.set_user(user)
			for group_by in ("Order", "Row"):
				self.assertEqual(len(rows_of(order, group_by=group_by)), 1, role)
			(note,) = api.deliver(f.COMPANY, [order.items[0].name], 1, with_drafts=1)["notes"]
			self.assertIn(note, {row["name"] for row in api.notes([order.name])})
			frappe.set_user("Administrator")

	def test_queries_do_not_grow_with_rows(self):
		item = s.make_item(stock=5).name
		customer = f.make_customer().name

		def count() -> int:
			asked = delivery.ask({"company": f.COMPANY, "customer": customer, "territory": "All Territories"})
			delivery.read(asked)
			made = []
			original = frappe.db.__class__.sql

			def counted(*args, **kwargs):
				made.append(args[1])
				return original(*args, **kwargs)

			frappe.db.__class__.sql = counted
			try:
				run(customer=customer, territory="All Territories")
			finally:
				frappe.db.__class__.sql = original
			return len(made)

		s.make_order({"item_code": item, "qty": 9}, customer=customer)
		before = count()
		for _number in range(6):
			s.make_order(
				{"item_code": item, "qty": 4}, {"item_code": s.make_item().name, "qty": 1}, customer=customer
			)
		self.assertEqual(count(), before)
		self.assertLessEqual(before, QUERIES)


class TestTies(SiteTestCase):
	"""Random orders, deliveries, returns, bundles and units: what is open is what ERPNext has open."""

	def test_open_quantities_are_erpnexts(self):
		for seed, keep_returned in ((1, 0), (2, 1)):
			with self.subTest(seed=seed):
				frappe.db.set_single_value(
					"Selling Settings", "dont_reserve_sales_order_qty_on_sales_return", keep_returned
				)
				frappe.clear_cache(doctype="Selling Settings")
				self.check(random.Random(seed), bool(keep_returned))

	def check(self, rng: random.Random, without_returned: bool) -> None:
		items = [s.make_item(stock=rng.randint(0, 30)).name for _number in range(3)]
		box = s.make_item(stock=40, uoms=[{"uom": "Box", "conversion_factor": 6}]).name
		bundle = s.make_bundle((items[0], 2), (items[1], 1)).name
		orders = []
		for _number in range(10):
			rows = [
				{"item_code": code, "qty": rng.randint(1, 6), "delivery_date": s.day(rng.randint(-5, 20))}
				for code in rng.sample([*items, bundle, f.SERVICE], rng.randint(1, 4))
			]
			if rng.random() < 0.5:
				rows.append({"item_code": box, "qty": 2, "uom": "Box", "conversion_factor": 6})
			orders.append(s.make_order(*rows, delivery=s.day(-6)))
		for order in rng.sample(orders, 6):
			note = f.make_delivery_note(order, share=rng.choice((0.5, 1)))
			if rng.random() < 0.5:
				f.make_return(note)
		for order, status in zip(rng.sample(orders, 2), ("Closed", "On Hold"), strict=True):
			order.reload()
			if order.status not in ("Completed", "To Bill"):
				order.update_status(status)
		self.compare(orders, [*items, box], without_returned)

	def compare(self, orders: list, items: list[str], without_returned: bool) -> None:
		names = {order.name for order in orders}
		rows = {row.name: row for row in delivery.open_rows(f.COMPANY, s.day(0)) if row.order in names}
		expected = {}
		for name in names:
			order = frappe.get_doc("Sales Order", name)
			if order.status in ("Closed", "On Hold"):
				continue
			for row in order.items:
				missing = row.qty - row.delivered_qty - (row.returned_qty if without_returned else 0)
				if missing > 0:
					expected[row.name] = flt(missing * row.conversion_factor, 6)
		self.assertTrue(expected)
		self.assertEqual({name: flt(row.open_qty, 6) for name, row in rows.items()}, expected)
		# What ERPNext's Bin has reserved is what is open of these items, bundles by what they are packed of.
		wanted = defaultdict(float)
		for row in rows.values():
			for part in row.parts or (Part(row.item_code, row.warehouse, 1.0),):
				wanted[part.item_code] += row.open_qty * part.per_unit
		for item in items:
			self.assertAlmostEqual(wanted[item], get_reserved_qty(item, f.warehouse()), 6, item)
			at_hand = frappe.db.get_value(
				"Bin", {"item_code": item, "warehouse": f.warehouse()}, "actual_qty"
			)
			given = sum(
				row.deliverable * part.per_unit
				for row in rows.values()
				for part in row.parts or (Part(row.item_code, row.warehouse, 1.0),)
				if part.item_code == item
			)
			self.assertLessEqual(given, max(0, flt(at_hand)) + 1e-6)


class TestDelivering(SiteTestCase):
	def deliver(self, *orders, **values) -> dict:
		rows = [row.name for order in orders for row in order.items]
		return api.deliver(f.COMPANY, rows, len(orders), **values)

	def note(self, name: str):
		return frappe.get_doc("Delivery Note", name)

	def test_a_note_holds_what_can_be_delivered_now(self):
		item, other, bundled = s.make_item(stock=3).name, s.make_item().name, s.make_item(stock=3).name
		bundle = s.make_bundle((bundled, 2)).name
		order = s.make_order(
			*({"item_code": code, "qty": 5} for code in (item, other, bundle, f.SERVICE)), delivery=s.day(-1)
		)
		found = self.deliver(order)
		self.assertEqual((found["left_out"], found["queued"]), ([], False))
		note = self.note(found["notes"][0])
		self.assertEqual(note.docstatus, 0)
		self.assertEqual({row.item_code: row.qty for row in note.items}, {item: 3, bundle: 1, f.SERVICE: 5})
		self.assertEqual({row.item_code: row.qty for row in note.packed_items}, {bundled: 2})
		self.assertEqual({row.against_sales_order for row in note.items}, {order.name})
		self.assertEqual(note.net_total, 900)
		note.submit()
		self.assertEqual(
			{row["item_code"]: row["open_qty"] for row in rows_of(order)}, {item: 2, other: 5, bundle: 4}
		)

	def test_one_failing_leaves_the_others_alone(self):
		item = s.make_item(stock=10).name
		customers = [f.make_customer().name for _number in range(3)]
		orders = [s.make_order({"item_code": item, "qty": 1}, customer=customer) for customer in customers]
		empty = s.make_order({"item_code": s.make_item().name, "qty": 1})
		frappe.db.set_value("Customer", customers[1], "disabled", 1)
		frappe.clear_document_cache("Customer", customers[1])
		frappe.clear_messages()
		found = self.deliver(*orders, empty)
		self.assertEqual(len(found["notes"]), 2)
		reasons = {row["order"]: row["reason"] for row in found["left_out"]}
		self.assertEqual(set(reasons), {orders[1].name, empty.name})
		self.assertIn("disabled", reasons[orders[1].name])
		self.assertIn("not in stock", reasons[empty.name])
		self.assertFalse(frappe.db.exists("Delivery Note", {"customer": customers[1]}))
		self.assertFalse(frappe.get_message_log())

	def test_what_is_of_earlier_orders_is_not_delivered_to_later_ones(self):
		item = s.make_item(stock=4).name
		s.make_order({"item_code": item, "qty": 4}, delivery=s.day(1))
		later = s.make_order({"item_code": item, "qty": 4}, delivery=s.day(2))
		found = self.deliver(later)
		self.assertFalse(found["notes"])
		self.assertIn("due earlier", found["left_out"][0]["reason"])

	def test_one_note_for_each_customer_as_far_as_orders_agree(self):
		item = s.make_item(stock=20).name
		customer, other = f.make_customer().name, f.make_customer().name
		first, second, dear = (
			s.make_order({"item_code": item, "qty": 2}, customer=customer, **values)
			for values in ({}, {}, {"apply_discount_on": "Net Total", "additional_discount_percentage": 10})
		)
		foreign = s.make_order({"item_code": item, "qty": 2}, customer=other)
		found = self.deliver(first, second, dear, foreign, by_customer=1)
		self.assertEqual(found["left_out"], [])
		orders = [{row.against_sales_order for row in self.note(name).items} for name in found["notes"]]
		self.assertEqual(orders, [{first.name, second.name}, {dear.name}, {foreign.name}])
		note = self.note(found["notes"][0])
		self.assertEqual((note.net_total, [row.idx for row in note.items]), (400, [1, 2]))
		for name in found["notes"]:
			self.note(name).submit()
		self.assertEqual(frappe.db.get_value("Sales Order", second.name, "per_delivered"), 100)

	def test_what_is_in_a_draft_is_left_out_unless_wanted(self):
		item = s.make_item(stock=20).name
		order = s.make_order({"item_code": item, "qty": 2}, {"item_code": f.SERVICE, "qty": 1})
		(first,) = api.deliver(f.COMPANY, [order.items[0].name], 1)["notes"]
		self.assertEqual(api.drafts([row.name for row in order.items]), {order.name: [first]})
		self.assertEqual([row["draft"] for row in rows_of(order)], [first, ""])
		# The other row is free.
		(then,) = self.deliver(order)["notes"]
		self.assertEqual([row.item_code for row in self.note(then).items], [f.SERVICE])
		found = self.deliver(order)
		self.assertEqual(found["notes"], [])
		self.assertIn(first, found["left_out"][0]["reason"])
		(again,) = self.deliver(order, with_drafts=1)["notes"]
		self.assertEqual(len(self.note(again).items), 2)

	def test_an_order_changed_meanwhile_is_left_out(self):
		order = s.make_order({"item_code": f.SERVICE, "qty": 2})
		(row,) = (row for row in delivery.open_rows(f.COMPANY, s.day(0)) if row.order == order.name)
		result = delivery_notes.Result()
		seen = {order.name: frappe.utils.add_days(order.modified, -1)}
		delivery_notes._make_safely(by_order([row]), seen, False, result)
		self.assertFalse(result.notes)
		self.assertIn("changed", result.left_out[0]["reason"])

	def test_notes_to_print(self):
		order, other = (s.make_order({"item_code": f.SERVICE, "qty": 2}) for _number in range(2))
		submitted = f.make_delivery_note(order, share=0.5)
		f.make_return(submitted)
		(draft,) = self.deliver(order)["notes"]
		found = api.notes(frappe.as_json([order.name]))
		self.assertEqual({row["name"]: row["docstatus"] for row in found}, {submitted.name: 1, draft: 0})
		self.assertEqual({row["orders"] for row in found}, {order.name})
		self.assertEqual(api.notes([other.name]), [])
		self.assertEqual(api.notes([]), [])
		for bad in ('{"a": 1}', "[1]", [["a"]]):
			self.assertRaises(frappe.ValidationError, api.notes, bad)

	def test_a_site_that_cannot_make_a_pdf_says_so(self):
		order = s.make_order({"item_code": f.SERVICE, "qty": 2})
		(note,) = self.deliver(order)["notes"]
		path = os.environ["PATH"]
		os.environ["PATH"] = ""  # no wkhtmltopdf is found
		try:
			with self.assertRaises(frappe.ValidationError) as raised:
				api.pdf([note])
		finally:
			os.environ["PATH"] = path
		self.assertIn("could not make the PDF", str(raised.exception))
		self.assertRaises(frappe.ValidationError, api.pdf, [str(number) for number in range(26)])
		user = f.make_user(f"{frappe.generate_hash(length=10)}@example.com", "Sales User").name
		mine = f.make_customer().name
		frappe.get_doc(
			{"doctype": "User Permission", "user": user, "allow": "Customer", "for_value": mine}
		).insert()
		frappe.set_user(user)
		self.assertRaises(frappe.PermissionError, api.pdf, [note])


class TestMyDay(SiteTestCase):
	def setUp(self):
		super().setUp()
		self.user = f.make_user(f"{frappe.generate_hash(length=10)}@example.com", "Sales User").name

	def order(self, *rows: dict, **values):
		order = s.make_order(*rows, **values)
		order.db_set("owner", self.user, update_modified=False)
		return order

	def section(self, viewer: str | None = None) -> dict | None:
		viewer = viewer or self.user
		view = follow_ups_day.view_of(self.user, viewer, frappe.utils.now_datetime())
		frappe.set_user(viewer)
		try:
			return day.deliveries_due(view)
		finally:
			frappe.set_user("Administrator")

	def test_what_is_late_today_and_this_week_with_what_is_short(self):
		item, other = s.make_item(stock=5).name, s.make_item().name
		until = get_last_day_of_week(s.day(0))
		late = self.order({"item_code": item, "qty": 4}, delivery=s.day(-2))
		today = self.order(
			{"item_code": item, "qty": 4}, {"item_code": f.SERVICE, "qty": 1}, delivery=s.day(0)
		)
		unknown = self.order({"item_code": other, "qty": 4}, delivery=s.day(0))
		self.order({"item_code": item, "qty": 1}, delivery=frappe.utils.add_days(until, 1))
		s.make_order({"item_code": item, "qty": 1}, delivery=s.day(-9))  # of somebody else, and ahead
		purchase_on = s.day(12)
		s.make_purchase_order({"item_code": item, "qty": 50}, on=purchase_on)
		section = self.section()
		rows = {row["name"]: row for row in section["rows"]}
		self.assertEqual(list(rows), [late.name, *sorted((today.name, unknown.name))])
		self.assertEqual((section["count"], section["filters"]["name"][1]), (3, list(rows)))
		self.assertEqual(rows[late.name]["note"], "2 days late · all can be delivered now")
		self.assertEqual(rows[late.name]["deliver"]["rows"], [late.items[0].name])
		comes = frappe.utils.formatdate(purchase_on)
		self.assertEqual(rows[today.name]["note"], f"Due today · short of {item}: 4 Nos, comes on {comes}")
		self.assertEqual(rows[today.name]["deliver"]["rows"], [today.items[1].name])
		self.assertIn("nobody knows when it comes", rows[unknown.name]["note"])
		self.assertEqual((rows[unknown.name]["deliver"], rows[unknown.name]["amount"]), (None, 400))
		self.assertEqual((rows[late.name]["party"], rows[late.name]["currency"]), (f.CUSTOMER, "USD"))

	def test_whose_orders_they_are(self):
		values = {"delivery": s.day(-1)}
		made = self.order({"item_code": f.SERVICE, "qty": 1}, **values)
		owned = s.make_order({"item_code": f.SERVICE, "qty": 1}, **values)
		sold = s.make_order(
			{"item_code": f.SERVICE, "qty": 1},
			sales_team=[{"sales_person": f.make_sales_person(self.user).name, "allocated_percentage": 100}],
			**values,
		)
		s.make_order({"item_code": f.SERVICE, "qty": 1}, **values)
		touch.flush()
		deal = frappe.db.get_value("Sales Order", owned.name, "deal")
		frappe.db.set_value("Deal", deal, "owner_user", self.user)
		found = {row["name"] for row in self.section()["rows"]}
		self.assertEqual(found, {made.name, owned.name, sold.name})
		accountant = f.make_user(f"{frappe.generate_hash(length=10)}@example.com", "Support Team").name
		self.assertIsNone(self.section(accountant))
		stock = f.make_user(f"{frappe.generate_hash(length=10)}@example.com", "Accounts User").name
		self.assertEqual({row["deliver"] for row in self.section(stock)["rows"]}, {None})

	def test_my_day_in_all_takes_at_most_30_statements(self):
		"""With something in every section, what is sold bundled and made, and user permissions."""
		frappe.get_doc(
			{"doctype": "User Permission", "user": self.user, "allow": "Company", "for_value": f.COMPANY}
		).insert()
		item, other = s.make_item().name, s.make_item().name
		s.make_bom(item, (other, 2))
		bundle = s.make_bundle((item, 1)).name
		opportunity = f.make_opportunity(f.make_customer(), opportunity_owner=self.user)
		touch.flush()
		deal = frappe.db.get_value("Opportunity", opportunity.name, "deal")
		frappe.db.set_value("Deal", deal, "last_contact_on", s.day(-90), update_modified=False)
		f.make_quotation(f.make_customer(), valid_till=s.day(1)).db_set("owner", self.user)
		for days in (-1, 0, 1):
			frappe.get_doc(
				{
					"doctype": "Follow Up",
					"subject": "Call",
					"responsible": self.user,
					"reference_doctype": "Customer",
					"reference_name": f.CUSTOMER,
					"due_date": s.day(days),
				}
			).insert()
		self.order({"item_code": item, "qty": 1}, {"item_code": bundle, "qty": 1}, delivery=s.day(-1))
		customer = f.make_customer(account_manager=self.user)
		f.make_direct_invoice(
			customer=customer.name, set_posting_time=1, posting_date=s.day(-9), due_date=s.day(-5)
		)
		found, before = self.count()
		self.assertGreaterEqual(
			set(found),
			{"overdue", "today", "tomorrow", "silent_deals", "expiring_quotations", "deliveries_due"},
		)
		for _number in range(4):
			self.order({"item_code": item, "qty": 1}, {"item_code": bundle, "qty": 1}, delivery=s.day(-1))
		self.assertEqual(self.count()[1], before)
		self.assertLessEqual(before, 30)

	def count(self) -> tuple[list[str], int]:
		frappe.set_user(self.user)
		my_day.get_day()
		made, original = [], frappe.db.__class__.sql

		def counted(*args, **kwargs):
			made.append(args[1])
			return original(*args, **kwargs)

		frappe.db.__class__.sql = counted
		try:
			found = my_day.get_day()
		finally:
			frappe.db.__class__.sql = original
			frappe.set_user("Administrator")
		return [section["key"] for section in found["sections"] if section["rows"]], len(made)


def deliver_at_once(gate: Gate, me: str, other: str, row: str) -> dict:
	"""Both see the order without a note, then both deliver it."""
	frappe.db.sql("SELECT name FROM `tabDelivery Note` LIMIT 1")  # the snapshot of this transaction
	gate.open(me)
	gate.wait(other)
	found = api.deliver(f.COMPANY, [row], 1)
	time.sleep(0.3)  # the other one waits for our lock
	frappe.db.commit()
	return found


class TestTwoAtOnce(CommittingTestCase):
	def test_two_people_make_one_note(self):
		order = s.make_order({"item_code": f.SERVICE, "qty": 2})
		row = order.items[0].name
		frappe.db.commit()  # for both to see
		processes = [
			self.start(deliver_at_once, *names, row) for names in (("one", "other"), ("other", "one"))
		]
		found = [process.result() for process in processes]
		(note,) = [name for result in found for name in result["notes"]]
		(left_out,) = [row for result in found for row in result["left_out"]]
		self.assertEqual(left_out["order"], order.name)
		self.assertIn(note, left_out["reason"])
		frappe.db.rollback()
		self.assertEqual(frappe.db.count("Delivery Note Item", {"so_detail": row}), 1)

	def test_the_job_delivers_what_it_can_and_tells(self):
		order = s.make_order({"item_code": f.SERVICE, "qty": 2})
		empty = s.make_order({"item_code": s.make_item().name, "qty": 1})
		frappe.db.commit()  # the job commits, too
		tasks.make_delivery_notes(
			f.COMPANY, [row.name for o in (order, empty) for row in o.items], False, False
		)
		frappe.db.rollback()
		(note,) = frappe.get_all("Delivery Note Item", {"against_sales_order": order.name}, pluck="parent")
		log = frappe.get_last_doc("Notification Log", {"for_user": "Administrator"})
		self.assertIn("1 drafts", log.subject)
		self.assertIn("1 orders were left out", log.subject)
		self.assertIn(empty.name, log.email_content)
		self.assertIn(note, unquote(log.email_content))
		self.assertIn(log.name, log.link)
