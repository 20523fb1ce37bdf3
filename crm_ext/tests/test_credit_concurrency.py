"""Two at once at the credit gate: nobody slips under the limit, no release is used twice, no receipt is lost."""

import time

import frappe

from crm_ext.receivables import releases
from crm_ext.receivables.credit import CreditNotReleased
from crm_ext.tests import credit
from crm_ext.tests import factories as f
from crm_ext.tests.processes import CommittingTestCase, Gate, run_queue

PASSED, HELD, LOCKED = "passed", "held", "locked"


def _submit(doctype: str, name: str) -> None:
	frappe.get_doc(doctype, name).submit()


def _submit_new(customer: str, amount: float) -> None:
	"""As an import or an API does: made and submitted in one transaction."""
	credit.order(customer, amount)


def _cancel(doctype: str, name: str) -> None:
	frappe.get_doc(doctype, name).cancel()


WORK = {work.__name__.lstrip("_"): work for work in (_submit, _submit_new, _cancel)}


def at_once(gate: Gate, me: str, everybody: list[str], work: str, *args) -> str:
	"""Everybody has read something before anybody begins, so nobody's snapshot shows what another one does."""
	frappe.db.sql("SELECT COUNT(*) FROM `tabSales Order`")
	gate.open(me)
	gate.wait(*everybody)
	try:
		WORK[work](*args)
		time.sleep(0.3)  # the others are at it, or wait for our locks
		frappe.db.commit()
		return PASSED
	except CreditNotReleased:
		frappe.db.rollback()
		return HELD
	except (frappe.QueryDeadlockError, frappe.QueryTimeoutError):
		frappe.db.rollback()
		return LOCKED


class TestAtOnce(CommittingTestCase):
	def setUp(self):
		super().setUp()
		credit.make_people()
		credit.switch_on()
		self.customer = f.make_customer().name

	def together(self, *works: list) -> list[str]:
		frappe.db.commit()  # what the test made, for all to see
		self.gate_anew()
		everybody = [f"person {number}" for number in range(len(works))]
		people = [
			self.start(at_once, me, everybody, *work) for me, work in zip(everybody, works, strict=True)
		]
		results = [person.result() for person in people]
		run_queue()
		self.assertEqual(self.errors_logged(), [])
		return results

	def submitted(self) -> float:
		frappe.db.rollback()
		return sum(
			frappe.get_all(
				"Sales Order", {"customer": self.customer, "docstatus": 1}, pluck="base_grand_total"
			)
		)

	def test_two_orders_one_limit(self):
		credit.make_policy(self.customer, limit=1_000)
		for again in range(3):
			with self.subTest(again):
				orders = [credit.draft(self.customer, 600) for _number in range(2)]
				results = self.together(*(["submit", "Sales Order", order.name] for order in orders))
				self.assertEqual(sorted(results), [HELD, PASSED])
				self.assertEqual(self.submitted(), 600)
				passed = orders[results.index(PASSED)]
				passed.reload().cancel()
				frappe.db.commit()

	def test_five_orders_made_and_submitted_at_once(self):
		credit.make_policy(self.customer, limit=1_000)
		results = self.together(*(["submit_new", self.customer, 300] for _number in range(5)))
		self.assertEqual(sorted(results), [HELD, HELD, PASSED, PASSED, PASSED])
		self.assertEqual(self.submitted(), 900)

	def test_customers_do_not_stand_in_each_others_way(self):
		"""The first orders ever, where the tables of the gate are empty: no gap is locked between customers."""
		customers = [f.make_customer().name for _number in range(4)]
		given = []
		for customer in customers:
			credit.make_policy(customer, limit=100)
			given.append(credit.release(700, customer=customer))
		for amount in (50, 600):  # within the limit, and by a release
			results = self.together(*(["submit_new", customer, amount] for customer in customers))
			self.assertEqual(results, [PASSED] * 4)
		self.assertEqual([release.reload().used_amount for release in given], [600] * 4)

	def test_without_strict_both_may_slip_through(self):
		"""What the setting is for: each sees the site as it was before."""
		credit.switch_on(strict=False)
		credit.make_policy(self.customer, limit=1_000)
		orders = [credit.draft(self.customer, 600) for _number in range(2)]
		results = self.together(*(["submit", "Sales Order", order.name] for order in orders))
		self.assertEqual(results, [PASSED, PASSED])

	def test_one_release_for_any_order_used_by_two(self):
		for strict in (True, False):
			with self.subTest(strict=strict):
				credit.switch_on(strict=strict)
				self.customer = f.make_customer().name
				credit.make_policy(self.customer, limit=1)
				given = credit.release(1_000, customer=self.customer)
				orders = [credit.draft(self.customer, amount) for amount in (600, 600, 400)]
				results = self.together(*(["submit", "Sales Order", order.name] for order in orders))
				self.assertNotIn(LOCKED, results)
				self.assertLessEqual(self.submitted(), 1_000)
				self.assertGreaterEqual(self.submitted(), 600)
				self.assertEqual(given.reload().used_amount, self.submitted())

	def test_a_release_is_cancelled_while_it_is_used(self):
		credit.make_policy(self.customer, limit=1)
		given = credit.release(1_000, customer=self.customer)
		order = credit.draft(self.customer, 600)
		order_result, cancel_result = self.cancel_beside(given, order)
		frappe.db.rollback()
		docstatus = frappe.db.get_value(releases.RELEASE, given.name, "docstatus")
		if order_result == PASSED:
			self.assertEqual((docstatus, cancel_result), (1, "refused"))
		else:
			self.assertEqual((docstatus, cancel_result, order_result), (2, PASSED, HELD))

	def cancel_beside(self, given, order) -> tuple[str, str]:
		frappe.db.commit()
		everybody = ["person 0", "person 1"]
		people = [
			self.start(at_once, "person 0", everybody, "submit", "Sales Order", order.name),
			self.start(cancel_at_once, "person 1", everybody, given.name),
		]
		results = tuple(person.result() for person in people)
		run_queue()
		self.assertEqual(self.errors_logged(), [])
		return results

	def test_an_order_is_cancelled_while_another_one_is_submitted(self):
		"""The money is free afterwards, never twice."""
		credit.make_policy(self.customer, limit=1)
		given = credit.release(1_000, customer=self.customer)
		first = credit.order(self.customer, 700)
		second = credit.draft(self.customer, 700)
		results = self.together(["cancel", "Sales Order", first.name], ["submit", "Sales Order", second.name])
		self.assertEqual(results[0], PASSED)
		self.assertIn(results[1], (PASSED, HELD))
		self.assertEqual(given.reload().used_amount, self.submitted())

	def test_a_receipt_arrives_at_the_same_time(self):
		"""Neither stops the other; afterwards the ledger holds the receipt, and the gate counts it."""
		credit.make_policy(self.customer, limit=1_000)
		for again in range(3):
			with self.subTest(again):
				invoice = credit.invoice(self.customer, 700)
				order = credit.draft(self.customer, 300)
				over = credit.draft(self.customer, 600)
				receipt = f.make_payment(invoice, submit=False)
				results = self.together(
					["submit", "Sales Order", order.name],
					["submit", "Payment Entry", receipt.name],
					["submit", "Sales Order", over.name],
				)
				self.assertEqual(results[:2], [PASSED, PASSED])
				frappe.db.rollback()
				self.assertEqual(frappe.db.get_value("Sales Invoice", invoice.name, "outstanding_amount"), 0)
				self.assertLessEqual(self.submitted(), 1_000)
				if results[2] == HELD:
					# It came while the receipt was on its way; by now there is room.
					frappe.get_doc("Sales Order", over.name).submit()
				for one in (order, over):
					frappe.get_doc("Sales Order", one.name).cancel()
				frappe.db.commit()


def cancel_at_once(gate: Gate, me: str, everybody: list[str], name: str) -> str:
	frappe.db.sql("SELECT COUNT(*) FROM `tabSales Order`")
	gate.open(me)
	gate.wait(*everybody)
	try:
		frappe.get_doc(releases.RELEASE, name).cancel()
		time.sleep(0.3)
		frappe.db.commit()
		return PASSED
	except frappe.ValidationError:
		frappe.db.rollback()
		return "refused"
