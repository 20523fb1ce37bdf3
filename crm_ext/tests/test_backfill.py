"""Reading in a site's documents, and the nightly check: repeated, twice at once, killed, beside users at work."""

import json
import time
from unittest.mock import patch

import frappe
from frappe.utils import add_to_date, now_datetime

from crm_ext.deals import backfill as backfill_module
from crm_ext.deals import rules, touch
from crm_ext.deals.backfill import backfill
from crm_ext.deals.check import check
from crm_ext.deals.chunks import CHUNK
from crm_ext.deals.model import SUBMITTABLE
from crm_ext.tests import factories as f
from crm_ext.tests.processes import (
	CommittingTestCase,
	Gate,
	bench,
	deals,
	forget_deals,
	problems,
	run_queue,
)

LEADS = 6 * CHUNK


def read_in(gate: Gate, me: str, other: str) -> dict:
	"""Backfill, beginning at the same moment as another process."""
	gate.open(me)
	gate.wait(other)
	return backfill()


def check_beside(gate: Gate, me: str, other: str) -> dict:
	gate.open(me)
	gate.wait(other)
	return check()


def sell(gate: Gate, orders: list[str]) -> list[str]:
	"""A user at work: delivers and invoices orders, and makes new ones, until told to stop. Returns what failed."""
	known = frappe.get_all("Error Log", {"method": ("like", "CRM Ext%")}, pluck="name")
	gate.open("selling")
	done = 0
	while done < 3 or not (gate.folder / "stop").exists():
		order = frappe.get_doc("Sales Order", orders[done]) if done < len(orders) else f.make_sales_order()
		f.make_delivery_note(order, 0.5)
		frappe.db.commit()
		f.make_sales_invoice(frappe.get_doc("Sales Order", order.name))
		frappe.db.commit()
		done += 1
	new = {"method": ("like", "CRM Ext%"), "name": ("not in", [*known, ""])}
	return frappe.get_all("Error Log", new, pluck="error")


def make_leads(count: int) -> None:
	"""Leads past the document layer: volume that no event saw."""
	now = now_datetime()
	frappe.db.bulk_insert(
		"Lead",
		[
			"name",
			"creation",
			"modified",
			"owner",
			"modified_by",
			"lead_name",
			"company_name",
			"company",
			"status",
		],
		[
			(
				f"CRM-LEAD-OLD-{number:05d}",
				now,
				now,
				"Administrator",
				"Administrator",
				"Old",
				f"Old {number}",
				f.COMPANY,
				"Open",
			)
			for number in range(count)
		],
	)


def make_chains() -> list:
	"""Documents of every kind, as a site has them: two orders of them still to be delivered and invoiced."""
	opportunity = f.make_opportunity(f.make_lead())
	order = f.make_sales_order(f.make_quotation(opportunity))
	invoice = f.make_sales_invoice(f.make_delivery_note(order))
	f.make_payment(invoice)
	f.make_quotation(f.make_lead())
	cancelled = f.make_quotation()
	cancelled.reload()
	cancelled.cancel()
	first, second = (f.make_quotation(rows=((f.ITEM, 1, rate),)) for rate in (300, 100))
	both = f.make_sales_order(first, submit=False)
	f.add_quotation_to_order(both, second)
	both.save()
	both.submit()
	f.make_payment(both, f.gross(both) / 2)
	return [both, f.make_sales_order(rows=((f.ITEM, 4, 250),))]


class OldSite(CommittingTestCase):
	"""A site with documents from before the app: no deal of them is known."""

	leads = 20

	def setUp(self):
		super().setUp()
		make_leads(self.leads)
		self.open_orders = make_chains()
		touch.flush()
		forget_deals()
		frappe.db.commit()

	def read_in(self) -> dict:
		frappe.db.rollback()
		result = backfill(restart=True)
		self.assertEqual((result["failed"], result["running"]), (0, False))
		frappe.db.rollback()
		return deals()


class TestBackfill(OldSite):
	leads = LEADS

	def test_reads_in_everything_once(self):
		output = bench("crm-ext", "backfill")
		self.assertIn("0 failed", output)
		self.assertGreaterEqual(frappe.db.count("Deal"), LEADS + 6)
		self.assertKept()
		once = deals()
		names = dict(frappe.db.sql("SELECT root_name, name FROM tabDeal"))
		ledger = frappe.db.count("Deal Ledger Entry")
		log = frappe.db.count("Deal Stage Change")

		output = bench("crm-ext", "backfill")
		frappe.db.rollback()
		self.assertIn("0 deals changed", output)
		self.assertEqual(deals(), once)
		self.assertEqual(dict(frappe.db.sql("SELECT root_name, name FROM tabDeal")), names)
		self.assertEqual(frappe.db.count("Deal Ledger Entry"), ledger)
		self.assertEqual(frappe.db.count("Deal Stage Change"), log)

	def test_killed_in_the_middle_it_goes_on_where_it_stopped(self):
		process = self.start_bench("crm-ext", "backfill")
		mark = self.wait_for_mark(process)
		process.kill()
		frappe.db.rollback()
		self.assertEqual(problems(), [])
		held = frappe.db.count("Deal")
		self.assertGreater(held, 0)
		self.assertLess(held, LEADS)
		output = bench("crm-ext", "backfill")
		self.assertKept()
		total = frappe.db.count("Lead") + sum(
			frappe.db.count(d, {"docstatus": (">", 0)}) for d in SUBMITTABLE
		)
		total += frappe.db.count("Opportunity")
		self.assertNotIn(f"\r{CHUNK} of", output, f"began anew in spite of {mark}")
		self.assertIn(f"\r{total} of {total} documents", output)
		self.assertEqual(frappe.db.get_single_value("CRM Ext Settings", "backfill_mark", cache=False), "")

	def wait_for_mark(self, process) -> list:
		end = time.monotonic() + 60
		while time.monotonic() < end:
			frappe.db.rollback()  # a fresh snapshot
			mark = frappe.db.get_single_value("CRM Ext Settings", "backfill_mark", cache=False)
			if mark and json.loads(mark)[0] == "Lead" and frappe.db.count("Deal") > CHUNK:
				return json.loads(mark)
			self.assertIsNone(process.popen.poll(), "backfill ended before it could be killed")
			time.sleep(0.01)
		self.fail("backfill never set its mark")


class TestBackfillBesideOthers(OldSite):
	leads = 2 * CHUNK

	def test_twice_at_once_one_of_them_steps_back(self):
		processes = [self.start(read_in, "a", "b"), self.start(read_in, "b", "a")]
		results = [process.result() for process in processes]
		self.assertEqual(sorted(result["running"] for result in results), [False, True])
		self.assertKept()

	def test_second_command_says_that_one_is_running(self):
		lock = backfill_module._lock_name()
		self.assertEqual(frappe.db.sql("SELECT GET_LOCK(%s, 0)", (lock,))[0][0], 1)
		try:
			code, output = self.start_bench("crm-ext", "backfill").wait()
		finally:
			frappe.db.sql("SELECT RELEASE_LOCK(%s)", (lock,))
		self.assertEqual(code, 1, output)
		self.assertIn("Another backfill of this site is running.", output)
		self.assertNotIn("Traceback", output)

	def test_beside_the_nightly_check(self):
		processes = [self.start(read_in, "a", "b"), self.start(check_beside, "b", "a")]
		self.assertEqual([process.result()["failed"] for process in processes], [0, 0])
		self.assertKept()

	def test_beside_users_at_work(self):
		users = self.start(sell, [order.name for order in self.open_orders])
		self.gate.wait("selling")
		for _ in range(2):
			result = self.start_bench("crm-ext", "backfill", "--restart").wait()
			self.assertEqual(result[0], 0, result[1])
		self.gate.open("stop")
		self.assertEqual(users.result(), [])
		run_queue()
		self.assertKept()


class TestRules(OldSite):
	def test_backfill_equals_what_events_kept(self):
		self.read_in()
		kept = self.read_in()
		order = f.make_sales_order()
		f.make_sales_invoice(order)
		frappe.db.commit()
		by_events = deals()
		self.assertGreater(len(by_events), len(kept))
		self.assertEqual(self.read_in(), by_events)

	def test_one_document_that_fails_does_not_hold_up_the_rest(self):
		bad = self.open_orders[1]
		assign = rules.assign

		def fail(graph, stages):
			if ("Sales Order", bad.name) in graph.vouchers:
				raise ValueError("cannot read this")
			return assign(graph, stages)

		with patch.object(rules, "assign", fail):
			result = backfill()
		self.assertEqual(result["failed"], 1)
		errors = frappe.get_all(
			"Error Log", {"reference_doctype": "Sales Order", "reference_name": bad.name}, pluck="error"
		)
		self.assertEqual(len(errors), 1)
		self.assertIn("cannot read this", errors[0])
		self.assertEqual(self.deals_of(bad), [])
		self.read_in()
		self.assertKept()
		self.assertEqual(self.deal_of(bad).stage, "Ordered")


class TestNightlyCheck(OldSite):
	def setUp(self):
		super().setUp()
		self.read_in()
		check()
		self.quiet_since = now_datetime()

	def mend(self) -> dict:
		"""The check as it runs the night after."""
		result = check()
		self.assertEqual(result["failed"], 0)
		self.assertKept()
		return result

	def behind(self, hours: int = 50) -> None:
		"""What was done so far is longer ago than the check looks back by itself."""
		for doctype in (*backfill_module.ORDER, "Payment Entry", "Payment Ledger Entry", "Journal Entry"):
			frappe.db.sql(f"UPDATE `tab{doctype}` SET modified = %s", (add_to_date(None, hours=-hours),))
		frappe.db.commit()

	def test_nothing_to_mend(self):
		self.assertEqual(self.mend()["mended"], 0)

	def test_set_value_fires_no_event(self):
		lead = f.make_lead()
		self.assertEqual(self.deal_of(lead).stage, "Lead")
		frappe.db.set_value("Lead", lead.name, "status", "Interested")
		frappe.db.commit()
		self.assertEqual(self.deal_of(lead).stage, "Lead")
		self.assertEqual(self.mend()["mended"], 1)
		self.assertEqual(self.deal_of(lead).stage, "Qualified")

	def test_cancelled_by_sql(self):
		order = self.open_orders[1]
		self.behind()
		frappe.db.sql("UPDATE `tabSales Order` SET docstatus = 2 WHERE name = %s", (order.name,))
		frappe.db.commit()
		self.mend()
		self.assertFigures(self.deal_of(order), status="Cancelled", ordered_amount=0)

	def test_total_changed_by_sql(self):
		order = self.open_orders[1]
		self.behind()
		frappe.db.sql(
			"UPDATE `tabSales Order` SET base_grand_total = 77, base_rounded_total = 77 WHERE name = %s",
			(order.name,),
		)
		frappe.db.commit()
		self.mend()
		self.assertFigures(self.deal_of(order), ordered_amount=77)

	def test_deleted_by_sql(self):
		order = self.open_orders[1]
		deal = self.deal_of(order)
		self.behind()
		for table in ("Sales Order", "Sales Order Item"):
			field = "name" if table == "Sales Order" else "parent"
			frappe.db.sql(f"DELETE FROM `tab{table}` WHERE {field} = %s", (order.name,))
		frappe.db.commit()
		self.mend()
		self.assertFalse(frappe.db.exists("Deal", deal.name))

	def test_inserted_by_sql(self):
		self.behind()
		before = frappe.db.count("Deal")
		frappe.db.sql("DELETE FROM tabLead WHERE name = 'CRM-LEAD-OLD-00000'")
		frappe.db.sql("UPDATE tabLead SET name = 'CRM-LEAD-NEW-00000' WHERE name = 'CRM-LEAD-OLD-00001'")
		frappe.db.commit()
		self.mend()
		self.assertEqual(frappe.db.count("Deal"), before - 1)
		self.assertTrue(frappe.db.exists("Deal", {"root_name": "CRM-LEAD-NEW-00000"}))

	def test_receipt_taken_away_by_sql(self):
		order = self.open_orders[0]
		self.behind()
		frappe.db.sql(
			"""UPDATE `tabPayment Ledger Entry` p JOIN `tabPayment Entry Reference` r ON r.parent = p.voucher_no
			SET p.delinked = 1, p.modified = NOW() WHERE r.reference_name = %s""",
			(order.name,),
		)
		frappe.db.sql(
			"""UPDATE `tabPayment Entry` p JOIN `tabPayment Entry Reference` r ON r.parent = p.name
			SET p.docstatus = 2, p.modified = %s WHERE r.reference_name = %s""",
			(now_datetime(), order.name),
		)
		frappe.db.commit()
		self.mend()
		for deal in self.deals_of(order):
			self.assertEqual(deal.paid_amount, 0)


class TestErrorWhileDeriving(OldSite):
	def setUp(self):
		super().setUp()
		self.read_in()

	def submit_while(self, error: Exception):
		order = f.make_sales_order(submit=False)
		frappe.db.commit()
		with patch.object(rules, "assign", side_effect=error):
			order.submit()
			frappe.db.commit()
		frappe.db.rollback()
		self.assertEqual(frappe.db.get_value("Sales Order", order.name, "docstatus"), 1)
		return order

	def test_submit_stands_error_is_logged_and_mended(self):
		for error in (ValueError("our mistake"), AssertionError(), frappe.ValidationError("refused")):
			with self.subTest(error=error):
				order = self.submit_while(error)
				self.assertEqual(self.deals_of(order), [])
				logged = frappe.get_all(
					"Error Log",
					{"reference_doctype": "Sales Order", "reference_name": order.name},
					["method", "error"],
				)
				self.assertEqual(len(logged), 1)
				self.assertEqual(logged[0].method, "CRM Ext: deriving deals failed")
				self.assertIn(type(error).__name__, logged[0].error)
				self.assertEqual(check()["failed"], 0)
				self.assertFigures(self.deal_of(order), stage="Ordered", ordered_amount=f.gross(order))
		self.assertKept()

	def test_half_written_deal_is_taken_back(self):
		"""An error after the first of our statements leaves none of them."""
		from crm_ext.deals import store

		order = f.make_sales_order(submit=False)
		frappe.db.commit()
		with patch.object(store.Writer, "_write_changes", side_effect=ValueError("in the middle")):
			order.submit()
			frappe.db.commit()
		frappe.db.rollback()
		self.assertEqual(frappe.db.get_value("Sales Order", order.name, "docstatus"), 1)
		self.assertEqual(problems(), [])
		self.assertFalse(frappe.db.exists("Deal Ledger Entry", {"voucher_no": order.name}))
		check()
		self.assertKept()

	def test_deadlock_is_passed_on(self):
		"""The database has undone the user's own work then: to go on would commit half of it."""
		order = f.make_sales_order(submit=False)
		frappe.db.commit()
		for error in (frappe.QueryDeadlockError("1213"), frappe.QueryTimeoutError("1205")):
			with patch.object(rules, "assign", side_effect=error):
				order.reload()
				order.submit()
				self.assertRaises(type(error), frappe.db.commit)
			frappe.db.rollback()
			self.assertEqual(frappe.db.get_value("Sales Order", order.name, "docstatus"), 0)
