"""Two people who order the same shortage at the same moment make one purchase; the second is told what runs."""

import time

import frappe
from frappe.utils import flt

from crm_ext.api import shortage as api
from crm_ext.supply import purchasing
from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.processes import CommittingTestCase, Gate, run_queue

ACTIONS = {"request": api.make_requests, "order": api.make_orders}


def _chosen(answer: dict) -> str:
	"""What the dialog sends of what it shows."""
	fields = ("key", "qty", "factor", "open", "supplier", "needed_on")
	rows = [{field: row[field] for field in fields} for row in answer["rows"] if row["qty"]]
	return frappe.as_json(rows)


def press(gate: Gate, me: str, everybody: list[str], action: str, doctype: str, name: str) -> dict:
	"""Look, wait until all have looked, then press the button, as a web request does. The snapshot of this transaction
	is older than what the others are about to commit."""
	seen = api.get_shortage(doctype, name)
	rows = _chosen(seen)
	gate.open(me)
	gate.wait(*everybody)
	answer = ACTIONS[action](doctype, name, rows)
	time.sleep(0.3)  # the others meanwhile wait for their turn
	frappe.db.commit()
	after = api.get_shortage(doctype, name)["rows"]
	return {
		"made": answer["made"],
		"overtaken": answer["overtaken"],
		"runs": [run["name"] for row in after for run in row["running"]],
	}


def hold(gate: Gate, company: str) -> None:
	"""Somebody whose turn it is is killed before the end."""
	purchasing.take_turn(company)
	gate.open("held")
	time.sleep(60)


def wait_briefly(gate: Gate, order: str) -> list[str]:
	purchasing._WAIT_SECONDS = 1
	try:
		api.make_requests("Sales Order", order, "[]")
	except frappe.ValidationError as error:
		return [type(error).__name__, str(error)[:25]]
	return []


class TestAtOnce(CommittingTestCase):
	def setUp(self):
		super().setUp()
		supplier = f.ensure_supplier()
		self.item = s.make_item(item_defaults=[{"company": f.COMPANY, "default_supplier": supplier}]).name

	def at_once(self, *work: tuple) -> list[dict]:
		frappe.db.commit()  # for all to see
		names = [str(number) for number in range(len(work))]
		processes = [self.start(press, me, names, *what) for me, what in zip(names, work, strict=True)]
		answers = [process.result() for process in processes]
		frappe.db.rollback()
		return answers

	def bought(self) -> float:
		"""All that was requested and ordered of the item."""
		return sum(
			flt(qty)
			for doctype in ("Material Request Item", "Purchase Order Item")
			for qty in frappe.get_all(
				doctype, {"item_code": self.item, "docstatus": ("<", 2)}, pluck="stock_qty"
			)
		)

	def assertOnePurchase(self, answers: list[dict], qty: float) -> None:
		makers = [answer for answer in answers if answer["made"]]
		self.assertEqual(len(makers), 1, answers)
		self.assertEqual(self.bought(), qty)
		(made,) = makers[0]["made"]
		for answer in answers:
			self.assertEqual(answer["runs"], [made["name"]])
			self.assertEqual(len(answer["overtaken"]), 0 if answer is makers[0] else 1)
		self.assertEqual(self.errors_logged(), [])

	def test_one_order_requested_by_four(self):
		order = s.make_order({"item_code": self.item, "qty": 10})
		self.assertOnePurchase(self.at_once(*[("request", "Sales Order", order.name)] * 4), 10)

	def test_one_order_requested_and_ordered(self):
		order = s.make_order({"item_code": self.item, "qty": 10})
		answers = self.at_once(("request", "Sales Order", order.name), ("order", "Sales Order", order.name))
		self.assertOnePurchase(answers, 10)

	def test_two_quotations_of_one_item(self):
		quotations = [f.make_quotation(rows=((self.item, qty, 100),)) for qty in (10, 10)]
		answers = self.at_once(*(("request", "Quotation", quotation.name) for quotation in quotations))
		self.assertOnePurchase(answers, 10)

	def test_two_orders_share_the_minimum(self):
		frappe.db.set_value("Item", self.item, "min_order_qty", 25)
		orders = [s.make_order({"item_code": self.item, "qty": 10}) for _ in range(2)]
		answers = self.at_once(*(("request", "Sales Order", order.name) for order in orders))
		self.assertOnePurchase(answers, 25)

	def test_two_orders_each_buy_their_own(self):
		orders = [s.make_order({"item_code": self.item, "qty": qty}) for qty in (10, 7)]
		answers = self.at_once(*(("order", "Sales Order", order.name) for order in orders))
		self.assertEqual([len(answer["made"]) for answer in answers], [1, 1])
		self.assertEqual(self.bought(), 17)

	def test_order_and_its_deal(self):
		opportunity = f.make_opportunity(f.make_customer())
		quotation = f.make_quotation(opportunity, rows=((self.item, 10, 100),))
		order = f.make_sales_order(quotation)
		frappe.db.commit()
		deal = self.deal_of(order).name
		answers = self.at_once(("order", "Deal", deal), ("request", "Sales Order", order.name))
		self.assertOnePurchase(answers, 10)

	def test_a_turn_ends_with_its_owner(self):
		order = s.make_order({"item_code": self.item, "qty": 10})
		frappe.db.commit()
		killed = self.start(hold, f.COMPANY)
		self.gate.wait("held")
		killed.kill()
		(answer,) = self.at_once(("request", "Sales Order", order.name))
		self.assertEqual(len(answer["made"]), 1)

	def test_who_waits_too_long_is_told(self):
		order = s.make_order({"item_code": self.item, "qty": 10})
		frappe.db.commit()
		holder = self.start(hold, f.COMPANY)
		self.gate.wait("held")
		waiting = self.start(wait_briefly, order.name)
		self.assertEqual(waiting.result(), ["NotOurTurn", "Somebody else is ordering"])
		holder.kill()
		self.assertEqual(self.bought(), 0)


class TestBySetting(CommittingTestCase):
	def setUp(self):
		super().setUp()
		self.item = s.make_item().name

	def submit_with(self, setting: str, *rows: dict, user: str | None = None):
		frappe.db.set_single_value("CRM Ext Settings", "purchase_on_submit", setting)
		order = s.make_order(*rows, submit=False)
		frappe.db.commit()
		frappe.clear_document_cache("CRM Ext Settings", "CRM Ext Settings")
		if user:
			frappe.set_user(user)
		frappe.get_doc("Sales Order", order.name).submit()
		frappe.db.commit()
		frappe.set_user("Administrator")
		run_queue()
		frappe.db.rollback()
		return order

	def drafts(self, order) -> list[tuple]:
		return [
			(doctype, row.parent, row.stock_qty, row.docstatus)
			for doctype in ("Material Request", "Purchase Order")
			for row in frappe.get_all(
				f"{doctype} Item",
				{"sales_order": order.name},
				["parent", "stock_qty", "docstatus"],
				order_by="idx",
			)
		]

	def test_requested_in_the_name_of_the_salesperson(self):
		seller = f.make_user(f"{frappe.generate_hash(length=8)}@example.com", "Sales User").name
		order = self.submit_with("Material Request", {"item_code": self.item, "qty": 10}, user=seller)
		((doctype, name, qty, docstatus),) = self.drafts(order)
		self.assertEqual((doctype, qty, docstatus), ("Material Request", 10, 0))
		self.assertEqual(frappe.db.get_value(doctype, name, "owner"), seller)
		self.assertEqual(self.errors_logged(), [])
		# The job once more, as after a queue that lost its answer.
		purchasing.purchase_on_submit(order.name, False)
		self.assertEqual(len(self.drafts(order)), 1)

	def test_ordered_where_a_supplier_is_known(self):
		frappe.get_doc("Item", self.item).update(
			{"supplier_items": [{"supplier": f.ensure_supplier()}]}
		).save()
		nobody = s.make_item().name
		order = self.submit_with(
			"Purchase Order", {"item_code": self.item, "qty": 10}, {"item_code": nobody, "qty": 3}
		)
		self.assertEqual(
			[(doctype, qty) for doctype, _n, qty, _s in self.drafts(order)],
			[("Material Request", 3), ("Purchase Order", 10)],
		)

	def test_a_failure_is_logged_with_the_order(self):
		frappe.get_doc("Item", self.item).update(
			{"supplier_items": [{"supplier": f.ensure_supplier()}]}
		).save()
		frappe.db.set_value("Supplier", f.ensure_supplier(), "disabled", 1)
		self.addCleanup(frappe.db.commit)
		self.addCleanup(frappe.db.set_value, "Supplier", f.ensure_supplier(), "disabled", 0)
		order = self.submit_with("Purchase Order", {"item_code": self.item, "qty": 10})
		self.assertEqual(order.reload().docstatus, 1)
		self.assertEqual(self.drafts(order), [])
		(error,) = frappe.get_all(
			"Error Log", {"reference_name": order.name, "reference_doctype": "Sales Order"}, pluck="method"
		)
		self.assertEqual(error, "CRM Ext: purchase of a shortage failed")

	def test_nothing_by_itself_and_no_query_for_it(self):
		frappe.db.set_single_value("CRM Ext Settings", "purchase_on_submit", "")
		frappe.db.commit()
		frappe.clear_document_cache("CRM Ext Settings", "CRM Ext Settings")
		frappe.get_cached_doc("CRM Ext Settings")
		order = s.make_order({"item_code": self.item, "qty": 10})
		with self.assertQueryCount(0):
			purchasing.after_submit(order)
		frappe.db.commit()
		run_queue()
		frappe.db.rollback()
		self.assertEqual(self.drafts(order), [])
