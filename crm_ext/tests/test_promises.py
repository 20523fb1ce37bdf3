"""Promises to pay: what may be promised, what keeps a promise, and who learns that one was broken."""

import time
from datetime import date, timedelta
from unittest import TestCase

import frappe
from frappe.utils import add_days, flt, getdate, nowdate
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crm_ext import hooks
from crm_ext.api import connections
from crm_ext.api import promises as api
from crm_ext.follow_ups import engine
from crm_ext.patches.v1_0 import seed_promises
from crm_ext.receivables import judging, promises
from crm_ext.receivables import promise_rules as rules
from crm_ext.receivables.promise_rules import Item, Movement
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase
from crm_ext.tests.processes import CommittingTestCase, Gate

DAY = date(2026, 3, 1)
DERIVED = ("status", "received_amount", "missing_amount", "paid_on", "judged_on")


def after(days: int) -> date:
	return DAY + timedelta(days=days)


def invoice(amount: float, *moves: tuple[int, float, float], before: float = 0) -> Item:
	"""Owed since a month; a move is (day, money, credited)."""
	rows = [Movement(after(-30), 0.0, amount)]
	rows += [Movement(after(day), money, -money - credited) for day, money, credited in moves]
	return Item(before, rows)


def judge(amount: float, *items: Item, today: int = 30, **values) -> rules.Verdict:
	"""Promised on day 0 for day 10."""
	return rules.judge(amount, DAY, after(10), items, after(today), **values)


class TestRules(TestCase):
	def test_money_in_time_keeps_a_promise(self):
		verdict = judge(100, invoice(100, (10, 100, 0)))
		self.assertEqual((verdict.status, verdict.paid_on), (rules.KEPT, after(10)))
		verdict = judge(100, invoice(100, (3, 60, 0), (7, 40, 0)), today=7)
		self.assertEqual((verdict.status, verdict.received_amount), (rules.KEPT, 100))
		self.assertEqual((verdict.paid_on, verdict.judged_on), (after(7), after(7)))

	def test_late_money_changes_what_is_missing_and_no_verdict(self):
		verdict = judge(100, invoice(100, (11, 100, 0)))
		self.assertEqual(verdict.status, rules.BROKEN)
		self.assertEqual((verdict.missing_amount, verdict.paid_on), (0, after(11)))
		verdict = judge(100, invoice(100, (5, 30, 0), (20, 30, 0)))
		self.assertEqual((verdict.status, verdict.missing_amount), (rules.PARTLY_KEPT, 40))
		self.assertIsNone(verdict.paid_on)

	def test_open_until_the_last_day(self):
		verdict = judge(100, invoice(100, (5, 30, 0)), today=10)
		self.assertEqual((verdict.status, verdict.missing_amount), (rules.OPEN, 70))
		self.assertEqual(judge(100, invoice(100), today=11).status, rules.BROKEN)

	def test_money_before_the_promise_does_not_count(self):
		verdict = judge(60, invoice(100, (-5, 40, 0), before=40))
		self.assertEqual((verdict.status, verdict.received_amount), (rules.BROKEN, 0))
		verdict = judge(60, invoice(100, (-5, 40, 0), (4, 60, 0), before=40))
		self.assertEqual((verdict.status, verdict.paid_on), (rules.KEPT, after(4)))

	def test_money_entered_late_for_a_day_before_the_promise_counts(self):
		verdict = judge(100, invoice(100, (-2, 100, 0)))
		self.assertEqual((verdict.status, verdict.paid_on), (rules.KEPT, DAY))

	def test_credit_lowers_what_there_is_to_pay(self):
		self.assertEqual(judge(100, invoice(100, (5, 0, 100))).status, rules.CANCELLED)
		verdict = judge(100, invoice(100, (5, 0, 30), (8, 70, 0)))
		self.assertEqual((verdict.status, verdict.received_amount), (rules.KEPT, 70))
		# After the last day it was broken all the same; there is nothing left to ask for.
		verdict = judge(100, invoice(100, (12, 0, 100)))
		self.assertEqual((verdict.status, verdict.missing_amount), (rules.BROKEN, 0))

	def test_several_invoices_are_one_promise(self):
		verdict = judge(150, invoice(100, (5, 100, 0)), invoice(100, (6, 50, 0)))
		self.assertEqual((verdict.status, verdict.received), (rules.KEPT, (100, 50)))
		# What moves from one invoice to the other is no new money.
		verdict = judge(100, invoice(100, before=100), invoice(100, (-5, 100, 0)))
		self.assertEqual((verdict.status, verdict.received), (rules.BROKEN, (-100, 100)))

	def test_withdrawn(self):
		self.assertEqual(judge(100, invoice(100), withdrawn=True).status, rules.CANCELLED)

	@given(
		moves=st.lists(
			st.tuples(st.integers(0, 2), st.integers(-5, 20), st.integers(0, 50), st.integers(0, 30)),
			max_size=8,
		),
		amount=st.integers(1, 300),
		today=st.integers(0, 40),
	)
	@settings(max_examples=300, deadline=None, derandomize=True, database=None)
	def test_what_always_holds(self, moves, amount, today):
		items = [invoice(100) for _number in range(3)]
		for number, day, money, credited in moves:
			items[number].movements.append(Movement(after(day), float(money), float(-money - credited)))
		verdict = judge(amount, *items, today=today)
		self.assertGreaterEqual(verdict.missing_amount, 0)
		self.assertLessEqual(verdict.missing_amount, amount)
		self.assertEqual(verdict.judged_on is None, verdict.status in (rules.OPEN, rules.CANCELLED))
		if verdict.status in (rules.PARTLY_KEPT, rules.BROKEN):
			self.assertGreater(today, 10)
		if verdict.status == rules.KEPT:
			self.assertLessEqual(verdict.paid_on, after(10))
		# The order in which movements are read does not matter.
		for item in items:
			item.movements.reverse()
		self.assertEqual(judge(amount, *items, today=today), verdict)


class PromiseTestCase(SiteTestCase):
	def setUp(self):
		super().setUp()
		judging.forget()
		frappe.db.set_single_value("CRM Ext Settings", "promise_grace_days", 0)
		self.customer = f.make_customer()

	def invoice(self, amount: float = 300, **values):
		values.setdefault("customer", self.customer.name)
		return f.make_direct_invoice(rows=((f.SERVICE, 1, amount),), **values)

	def promise(self, *invoices, days: int = 5, **values):
		"""For some days from now, without grace."""
		promised = frappe.get_doc(
			{
				"doctype": "Payment Promise",
				"pay_by": add_days(nowdate(), days),
				"promised_on": nowdate(),
				"responsible": "Administrator",
				"invoices": [{"sales_invoice": one.name} for one in invoices],
				**values,
			}
		).insert()
		judging.forget()
		return promised

	def pass_by(self, promised, days: int) -> None:
		"""As if it had been made so many days earlier, for a day so many days earlier."""
		for field in ("pay_by", "promised_on", "last_day"):
			promised.db_set(field, add_days(promised.get(field), -days), update_modified=False)

	def assertPromise(self, promised, **expected):
		judging.flush()
		promised.reload()
		self.assertEqual({field: promised.get(field) for field in expected}, expected)
		# What was judged step by step is what a rebuild gives.
		self.assertEqual(judging.judge([promised.name]), 0)


class TestMaking(PromiseTestCase):
	def test_everything_follows_from_the_invoices(self):
		one, other = self.invoice(300), self.invoice(200)
		f.make_payment(one, 100)
		frappe.db.set_single_value("CRM Ext Settings", "promise_grace_days", 3)
		promised = self.promise(one, other)
		self.assertEqual((promised.customer, promised.company), (self.customer.name, f.COMPANY))
		self.assertEqual((promised.currency, promised.amount), ("USD", 400))
		self.assertEqual((promised.status, promised.missing_amount), ("Open", 400))
		self.assertEqual([row.outstanding_amount for row in promised.invoices], [200, 200])
		self.assertEqual(promised.last_day, getdate(add_days(nowdate(), 8)))

	def refuse(self, message: str, *invoices, **values):
		with self.assertRaisesRegex(frappe.ValidationError, message):
			self.promise(*invoices, **values)

	def test_what_makes_no_sense_is_refused(self):
		one = self.invoice()
		self.refuse("twice", one, one)
		self.refuse("not submitted", self.invoice(submit=False))
		self.refuse("another customer", one, f.make_direct_invoice())
		paid = self.invoice()
		f.make_payment(paid)
		self.refuse("Nothing is outstanding", paid)
		self.refuse("only .* was outstanding", one, amount=301)
		self.refuse("before it was promised", one, days=-1)
		self.refuse("in the future", one, promised_on=add_days(nowdate(), 1))
		elsewhere = self.invoice(company=f.OTHER_COMPANY, currency="EUR")
		self.refuse("another company", one, elsewhere)

	def test_one_open_promise_for_an_invoice(self):
		one, other = self.invoice(), self.invoice()
		first = self.promise(one)
		self.refuse("promised for .* already", other, one)
		first.notes = "saved again"
		first.save()
		api.withdraw(first.name)
		self.assertPromise(first, status="Cancelled", missing_amount=0)
		self.promise(other, one)

	def test_a_judged_promise_stays_as_it_was(self):
		promised = self.promise(self.invoice())
		self.pass_by(promised, 6)
		judging.judge([promised.name])
		promised.reload()
		self.assertEqual(promised.status, "Broken")
		promised.notes = "They say next week"
		promised.save()
		promised.pay_by = add_days(nowdate(), 20)
		with self.assertRaisesRegex(frappe.ValidationError, "Broken already"):
			promised.save()

	def test_a_form_opened_before_a_receipt_does_not_write_it_back(self):
		one = self.invoice()
		promised = self.promise(one)
		f.make_payment(one, 100)
		judging.flush()
		promised.notes = "typed meanwhile"
		promised.save()
		self.assertPromise(promised, received_amount=100, missing_amount=200)

	def test_foreign_invoices_are_promised_in_the_currency_they_are_owed_in(self):
		foreign = self.invoice(100, customer=f.FOREIGN_CUSTOMER, currency="EUR", conversion_rate=1.25)
		promised = self.promise(foreign)
		self.assertEqual((promised.currency, promised.amount), ("EUR", foreign.outstanding_amount))


class TestReceipts(PromiseTestCase):
	def test_kept_and_not_kept_any_more_once_the_payment_is_cancelled(self):
		one = self.invoice()
		promised = self.promise(one)
		payment = f.make_payment(one)
		self.assertPromise(promised, status="Kept", received_amount=300, paid_on=getdate(nowdate()))
		payment.cancel()
		self.assertPromise(promised, status="Open", received_amount=0, missing_amount=300, paid_on=None)

	def test_a_journal_entry_a_reconciled_receipt_and_back(self):
		one, other = self.invoice(300), self.invoice(200)
		promised = self.promise(one, other)
		f.make_journal_receipt(one, 120)
		self.assertPromise(promised, received_amount=120)
		payment = f.make_payment(other, submit=False)
		payment.set("references", [])
		payment.insert().submit() if payment.is_new() else payment.save().submit()
		self.assertPromise(promised, received_amount=120)
		f.reconcile(f.COMPANY, self.customer.name, other.name)
		self.assertPromise(promised, received_amount=320)
		payment.reload()
		f.unreconcile(payment)
		self.assertPromise(promised, received_amount=120, status="Open")

	def test_a_credit_note_keeps_nothing(self):
		one = self.invoice()
		promised = self.promise(one)
		f.make_return(one, update_outstanding_for_self=0)
		self.assertEqual(flt(frappe.db.get_value("Sales Invoice", one.name, "outstanding_amount")), 0)
		self.assertPromise(promised, status="Cancelled", received_amount=0, missing_amount=0)

	def test_a_credit_note_reconciled_by_a_journal_entry_keeps_nothing(self):
		one, other = self.invoice(), self.invoice()
		promised = self.promise(other)
		f.make_return(one, update_outstanding_for_self=1)
		f.reconcile(f.COMPANY, self.customer.name, other.name)
		self.assertEqual(flt(frappe.db.get_value("Sales Invoice", other.name, "outstanding_amount")), 0)
		self.assertPromise(promised, status="Cancelled", received_amount=0)

	def test_a_cancelled_invoice_needs_not_be_paid(self):
		one = self.invoice()
		promised = self.promise(one)
		one.reload()
		one.cancel()
		self.assertPromise(promised, status="Cancelled")

	def test_the_night_breaks_what_was_not_kept(self):
		late, part, ahead = (self.invoice() for _again in range(3))
		found = [self.promise(one) for one in (late, part, ahead)]
		f.make_payment(part, 100, posting_date=nowdate())
		for promised in found[:2]:
			self.pass_by(promised, 3)
		self.assertEqual(judging.judge([one.name for one in found], today=getdate(add_days(nowdate(), 1))), 1)
		self.assertEqual(judging.judge([one.name for one in found], today=getdate(add_days(nowdate(), 3))), 2)
		status = [frappe.db.get_value("Payment Promise", one.name, "status") for one in found]
		self.assertEqual(status, ["Broken", "Partly Kept", "Open"])


# What may happen to a ledger, by name and a number that says to whom.
STEPS = st.lists(
	st.tuples(
		st.sampled_from(
			[
				"pay",
				"pay",
				"pay",
				"journal",
				"on_account",
				"reconcile",
				"cancel",
				"unreconcile",
				"credit",
				"day",
			]
		),
		st.integers(0, 20),
	),
	min_size=3,
	max_size=6,
)


class TestHistories(PromiseTestCase):
	@settings(
		max_examples=6,
		deadline=None,
		derandomize=True,
		database=None,
		# Each step books documents: to look for a shorter history takes minutes.
		phases=(Phase.generate,),
		suppress_health_check=list(HealthCheck),
	)
	@given(steps=STEPS)
	def test_receipt_by_receipt_equals_a_rebuild_and_the_ledger(self, steps):
		frappe.db.rollback()
		judging.forget()
		frappe.db.set_single_value("CRM Ext Settings", "promise_grace_days", 0)
		self.customer = f.make_customer()
		self.invoices = [self.invoice(amount) for amount in (300, 200, 100)]
		self.receipts: list = []
		f.make_payment(self.invoices[0], 50)
		found = [self.promise(*self.invoices[:2], amount=320, days=3), self.promise(self.invoices[2], days=3)]
		done = []
		for operation, number in steps:
			try:
				frappe.db.savepoint("step")
				getattr(self, f"step_{operation}")(number, found)
			except frappe.ValidationError:
				frappe.db.rollback(save_point="step")  # ERPNext's own rules
				continue
			done.append((operation, number))
			judging.flush()
			self.check(found, done)
		frappe.db.rollback()

	def check(self, found, done):
		kept = self.stored(found)
		frappe.db.sql(
			"UPDATE `tabPayment Promise` SET status = 'Open', received_amount = 0, missing_amount = 0,"
			" paid_on = NULL, judged_on = NULL WHERE customer = %s",
			(self.customer.name,),
		)
		judging.judge(customers=[self.customer.name])
		self.assertEqual(kept, self.stored(found), done)
		# What ERPNext's own receipts say they paid.
		for promised in found:
			names = [row.sales_invoice for row in promised.invoices]
			before = sum(row.received_before for row in promised.invoices)
			((paid,),) = frappe.db.sql(
				"""SELECT COALESCE((SELECT SUM(allocated_amount) FROM `tabPayment Entry Reference`
						WHERE docstatus = 1 AND reference_name IN %(names)s), 0)
					+ COALESCE((SELECT SUM(credit_in_account_currency) FROM `tabJournal Entry Account`
						WHERE docstatus = 1 AND reference_name IN %(names)s), 0)""",
				{"names": names},
			)
			received = frappe.db.get_value("Payment Promise", promised.name, "received_amount")
			self.assertAlmostEqual(received, max(0, flt(paid) - before), 2, done)

	def stored(self, found) -> list:
		rows = [frappe.db.get_value("Payment Promise", one.name, DERIVED) for one in found]
		rows += frappe.get_all(
			"Payment Promise Invoice",
			filters={"parent": ("in", [one.name for one in found])},
			fields=["parent", "sales_invoice", "received_amount"],
			order_by="parent, idx",
			as_list=True,
		)
		return rows

	def pick(self, number: int):
		return frappe.get_doc("Sales Invoice", self.invoices[number % 3].name)

	def step_pay(self, number, found):
		self.receipts.append(f.make_payment(self.pick(number), 40 + 20 * number))

	def step_journal(self, number, found):
		self.receipts.append(f.make_journal_receipt(self.pick(number), 10 + number))

	def step_on_account(self, number, found):
		payment = f.make_payment(self.pick(number), 60, submit=False)
		payment.set("references", [])
		payment.save()
		self.receipts.append(payment.submit())

	def step_reconcile(self, number, found):
		f.reconcile(f.COMPANY, self.customer.name, self.pick(number).name)

	def step_cancel(self, number, found):
		if self.receipts:
			receipt = self.receipts.pop(number % len(self.receipts))
			frappe.get_doc(receipt.doctype, receipt.name).cancel()

	def step_unreconcile(self, number, found):
		if self.receipts:
			receipt = self.receipts[number % len(self.receipts)]
			f.unreconcile(frappe.get_doc(receipt.doctype, receipt.name))

	def step_credit(self, number, found):
		f.make_return(self.pick(number), update_outstanding_for_self=0)

	def step_day(self, number, found):
		for promised in found:
			self.pass_by(promised, 2)
			promised.reload()
		judging.judge([one.name for one in found])


class TestReliability(PromiseTestCase):
	def test_share_kept_and_days_late(self):
		self.assertEqual(promises.reliability([self.customer.name]), {})
		kept, late, broken, ahead = (self.invoice() for _again in range(4))
		found = [self.promise(one) for one in (kept, late, broken, ahead)]
		f.make_payment(kept)
		f.make_payment(late)
		for promised in found[1:3]:
			self.pass_by(promised, 9)
		frappe.db.set_value("Payment Promise", found[1].name, "promised_on", add_days(nowdate(), -9))
		judging.judge([one.name for one in found])
		(figures,) = promises.reliability([self.customer.name]).values()
		# Late: promised for four days ago, paid today; broken: missing since four days; kept: on time.
		self.assertEqual(figures["average_days_late"], flt(8 / 3, 1))
		self.assertEqual((figures["judged"], figures["kept"], figures["broken"]), (3, 1, 2))
		self.assertEqual((figures["open"], figures["kept_share"]), (1, 1 / 3))
		self.assertEqual(api.reliability(self.customer.name), figures)

	def test_in_sets(self):
		for _again in range(4):
			self.promise(self.invoice())
		names = frappe.get_all("Payment Promise", {"customer": self.customer.name}, pluck="name")
		with self.assertQueryCount(6):
			judging.judge(names, today=getdate(add_days(nowdate(), 30)))
		with self.assertQueryCount(1):
			promises.reliability([self.customer.name])


class TestFollowUps(PromiseTestCase):
	def test_the_shipped_rule_calls_after_a_broken_promise_until_it_is_paid(self):
		frappe.db.delete("Follow Up Rule", {"name": "Broken Promise"})
		frappe.db.delete("Follow Up Rule Step", {"parent": "Broken Promise"})
		seed_promises.execute()
		seed_promises.execute()
		rule = frappe.get_doc("Follow Up Rule", "Broken Promise")
		rule.update({"enabled": 1, "applies_from": add_days(nowdate(), -30)})
		rule.save()
		user = f.make_user("collector.rule@example.com", "Accounts User").name
		one = self.invoice()
		promised = self.promise(one, responsible=user)
		engine.run(rules=[rule.name])
		about = {"reference_doctype": "Payment Promise", "reference_name": promised.name}
		self.assertFalse(frappe.db.exists("Follow Up", about))
		self.pass_by(promised, 6)
		judging.judge([promised.name])
		engine.run(rules=[rule.name])
		(made,) = frappe.get_all(
			"Follow Up", about, ["responsible", "party", "status", "due_date"], order_by="name"
		)
		self.assertEqual((made.responsible, made.party, made.status), (user, self.customer.name, "Open"))
		self.assertEqual(made.due_date, getdate(nowdate()))
		self.assertTrue(frappe.db.get_value("Payment Promise", promised.name, "next_follow_up_on"))
		f.make_payment(one)
		judging.flush()
		engine.run(rules=[rule.name])
		status, reason = frappe.db.get_value("Follow Up", about, ["status", "cancel_reason"])
		self.assertEqual((status, reason), ("Cancelled", "Condition No Longer Met"))


class TestPermissions(PromiseTestCase):
	def test_who_may_read_the_customer_sees_its_promises(self):
		other = f.make_customer()
		own = self.promise(self.invoice())
		foreign = self.promise(self.invoice(customer=other.name))
		user = f.make_user("collector.own@example.com", "Accounts User").name
		frappe.get_doc(
			{"doctype": "User Permission", "user": user, "allow": "Customer", "for_value": self.customer.name}
		).insert()
		frappe.set_user(user)
		self.assertEqual(frappe.get_list("Payment Promise", pluck="name"), [own.name])
		self.assertTrue(own.has_permission("write"))
		self.assertFalse(foreign.has_permission("read"))
		for call in (
			lambda: api.open_invoices(other.name),
			lambda: api.reliability(other.name),
			lambda: api.withdraw(foreign.name),
			lambda: api.make(other.name, f.COMPANY, [foreign.invoices[0].sales_invoice], nowdate()),
		):
			self.assertRaises(frappe.PermissionError, call)

	def test_nobody_without_a_role(self):
		promised = self.promise(self.invoice())
		frappe.set_user(f.make_user("no.collector@example.com", "Projects User").name)
		self.assertRaises(frappe.PermissionError, api.withdraw, promised.name)
		self.assertRaises(frappe.PermissionError, api.open_invoices, self.customer.name)

	def test_made_by_the_endpoint_and_counted_on_customer_and_invoice(self):
		one, other = self.invoice(), self.invoice()
		user = f.make_user("collector@example.com", "Accounts User").name
		frappe.set_user(user)
		rows = api.open_invoices(self.customer.name)
		self.assertEqual([row.name for row in rows], sorted((one.name, other.name)))
		name = api.make(self.customer.name, f.COMPANY, frappe.as_json([one.name]), add_days(nowdate(), 3))
		self.assertEqual(frappe.db.get_value("Payment Promise", name, "responsible"), user)
		rows = {row.name: row.promise for row in api.open_invoices(self.customer.name)}
		self.assertEqual(rows, {one.name: name, other.name: None})
		for doctype, document, count in (
			("Customer", self.customer.name, 1),
			("Sales Invoice", one.name, 1),
			("Sales Invoice", other.name, 0),
		):
			found = connections.get_open_count(doctype, document)["count"]["external_links_found"]
			counts = {row["doctype"]: row["count"] for row in found}
			self.assertEqual(counts["Payment Promise"], count, document)


class TestTimeline(PromiseTestCase):
	def test_what_was_promised_stands_on_customer_and_invoice(self):
		one, other = self.invoice(), self.invoice()
		promised = self.promise(one, notes="<b>on Friday</b>")
		for doctype, name in (("Customer", self.customer.name), ("Sales Invoice", one.name)):
			(item,) = api.timeline(doctype, name)
			self.assertIn(promised.name, item["content"])
			self.assertIn("300", item["content"])
			self.assertIn("&lt;b&gt;on Friday", item["content"])
		self.assertEqual(api.timeline("Sales Invoice", other.name), [])
		self.assertIn("crm_ext.api.promises.timeline", hooks.additional_timeline_content["Sales Invoice"])
		frappe.set_user(f.make_user("no.collector@example.com", "Projects User").name)
		self.assertEqual(api.timeline("Customer", self.customer.name), [])


# Several at once


def pay(gate: Gate, invoice: str) -> None:
	"""Books a receipt, and commits it while the other process is at work."""
	gate.wait("begun")
	f.make_payment(frappe.get_doc("Sales Invoice", invoice))
	gate.open("worked")
	time.sleep(0.3)  # the other one meanwhile works as well, or waits for our locks
	frappe.db.commit()
	gate.open("committed")


def pay_second(gate: Gate, invoice: str) -> None:
	"""Books a receipt with a snapshot from before the other one was booked, and commits last."""
	frappe.db.sql("SELECT name FROM `tabPayment Promise` LIMIT 1")
	gate.open("begun")
	gate.wait("worked")
	f.make_payment(frappe.get_doc("Sales Invoice", invoice))
	gate.wait("committed")
	frappe.db.commit()


def promise_second(gate: Gate, invoice: str) -> str:
	"""Promises an invoice with a snapshot from before a receipt for it was booked, and commits last."""
	frappe.db.sql("SELECT name FROM `tabPayment Promise` LIMIT 1")
	gate.open("begun")
	gate.wait("worked")
	made = make_promise(invoice)
	gate.wait("committed")
	frappe.db.commit()
	return made


def make_promise(*invoices: str) -> str:
	rows = [{"sales_invoice": name} for name in invoices]
	values = {"pay_by": add_days(nowdate(), 5), "promised_on": nowdate(), "responsible": "Administrator"}
	return frappe.get_doc({"doctype": "Payment Promise", **values, "invoices": rows}).insert().name


def promise(gate: Gate, invoice: str, me: str, other: str) -> str:
	"""One of two who promise the same invoice."""
	frappe.db.sql("SELECT name FROM `tabPayment Promise` LIMIT 1")
	gate.open(f"{me} sees")
	gate.wait(f"{other} sees")
	try:
		made = make_promise(invoice)
		time.sleep(0.3)
		frappe.db.commit()
	except (frappe.ValidationError, frappe.QueryDeadlockError):
		frappe.db.rollback()
		return "refused"
	return made


class TestAtOnce(CommittingTestCase):
	def test_two_receipts_on_one_promise(self):
		customer = f.make_customer().name
		invoices = [f.make_direct_invoice(customer=customer) for _again in range(2)]
		made = make_promise(*(one.name for one in invoices))
		frappe.db.commit()
		both = [self.start(pay, invoices[0].name), self.start(pay_second, invoices[1].name)]
		for process in both:
			process.result()
		frappe.db.rollback()
		self.assertEqual(self.errors_logged(), [])
		status, received = frappe.db.get_value("Payment Promise", made, ["status", "received_amount"])
		self.assertEqual((status, received), ("Kept", 600))
		self.assertEqual(judging.judge_all(), 0)

	def test_a_receipt_while_the_promise_is_made(self):
		customer = f.make_customer().name
		one = f.make_direct_invoice(customer=customer)
		frappe.db.commit()
		both = [self.start(pay, one.name), self.start(promise_second, one.name)]
		made = [process.result() for process in both][1]
		frappe.db.rollback()
		status, received = frappe.db.get_value("Payment Promise", made, ["status", "received_amount"])
		self.assertEqual((status, received), ("Kept", 300))

	def test_one_of_two_promises_for_an_invoice(self):
		one = f.make_direct_invoice(customer=f.make_customer().name)
		frappe.db.commit()
		both = [self.start(promise, one.name, "one", "other"), self.start(promise, one.name, "other", "one")]
		results = [process.result() for process in both]
		self.assertEqual(results.count("refused"), 1, results)
