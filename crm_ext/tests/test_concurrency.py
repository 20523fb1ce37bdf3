"""Two people at work on one deal at the same time: nothing is lost, nothing doubled, nobody is stopped by us."""

import time

import frappe
from frappe.utils import add_days, nowdate

from crm_ext.tests import factories as f
from crm_ext.tests.processes import CommittingTestCase, Gate, forget_deals, run_queue

# What each person does, by name: processes are told apart by words, not by functions.


def _submit(doctype: str, name: str) -> None:
	frappe.get_doc(doctype, name).submit()


def _cancel(doctype: str, name: str) -> None:
	frappe.get_doc(doctype, name).cancel()


def _opportunity(doctype: str, name: str) -> None:
	f.make_opportunity(frappe.get_doc(doctype, name))


def _quotation(doctype: str, name: str) -> None:
	f.make_quotation(frappe.get_doc(doctype, name))


def _choose(doctype: str, name: str, deal: str) -> None:
	doc = frappe.get_doc(doctype, name)
	doc.deal = deal
	doc.save()


def _close(doctype: str, name: str) -> None:
	frappe.get_doc(doctype, name).update_status("Closed")


def _pay(doctype: str, name: str) -> None:
	f.make_payment(frappe.get_doc(doctype, name))


def _opportunity_of_last_year(doctype: str, name: str) -> None:
	"""A deal that is numbered in another year."""
	f.make_opportunity(frappe.get_doc(doctype, name), transaction_date=add_days(nowdate(), -400))


WORK = {
	work.__name__.lstrip("_"): work
	for work in (
		_submit,
		_cancel,
		_opportunity,
		_opportunity_of_last_year,
		_quotation,
		_choose,
		_close,
		_pay,
	)
}


ERPNEXTS_OWN = (frappe.ValidationError, frappe.QueryDeadlockError, frappe.QueryTimeoutError)


def first(gate: Gate, work: str, *args) -> None:
	"""Works while the other one has begun, and commits before the other one does."""
	gate.wait("begun")
	WORK[work](*args)
	gate.open("worked")
	time.sleep(0.5)  # the other one meanwhile works as well, or waits for our locks
	frappe.db.commit()
	gate.open("committed")


def second(gate: Gate, work: str, *args) -> None:
	"""Sees the site as it was before the other one began, and commits last."""
	frappe.db.sql("SELECT name FROM tabDeal LIMIT 1")  # the snapshot of this transaction
	gate.open("begun")
	gate.wait("worked")
	WORK[work](*args)
	gate.wait("committed")
	frappe.db.commit()


def in_a_row(gate: Gate, me: str, everybody: list[str], work: list) -> list[str]:
	"""One transaction each, with whoever else is at work. Returns the errors that came out of our modules.

	ERPNext's own transactions stop each other now and then; that is not ours to judge.
	"""
	errors = []
	gate.open(me)
	gate.wait(*everybody)
	for name, *args in work:
		try:
			WORK[name](*args)
			frappe.db.commit()
		except Exception as error:
			frappe.db.rollback()
			text = frappe.get_traceback()
			ours = "crm_ext/deals" in text or "crm_ext/events" in text
			if ours or not isinstance(error, ERPNEXTS_OWN):
				errors.append(text)
	return errors


class TestTwoAtOnce(CommittingTestCase):
	def both(self, one: list, other: list, chosen: bool = False) -> None:
		"""Two transactions that overlap: `one` commits first, `other` never saw it."""
		frappe.db.commit()  # what the test made, for both to see
		processes = [self.start(first, *one), self.start(second, *other)]
		for process in processes:
			process.result()
		run_queue()
		self.assertKept(chosen)
		self.assertEqual(self.errors_logged(), [])

	def test_two_invoices_of_one_order(self):
		order = f.make_sales_order(rows=((f.ITEM, 4, 250),))
		invoices = [f.make_sales_invoice(order, 0.5, submit=False) for _ in range(2)]
		self.both(*(["submit", "Sales Invoice", invoice.name] for invoice in invoices))
		total = sum(f.gross(invoice) for invoice in invoices)
		self.assertFigures(self.deal_of(order), stage="Invoiced", invoiced_amount=total)

	def test_two_receipts_of_one_invoice(self):
		order = f.make_sales_order(rows=((f.ITEM, 4, 250),))
		invoice = f.make_sales_invoice(order)
		half = f.gross(invoice) / 2
		payments = [f.make_payment(invoice, half, submit=False) for _ in range(2)]
		self.both(*(["submit", "Payment Entry", payment.name] for payment in payments))
		paid = sum(
			-row.amount
			for row in frappe.get_all(
				"Payment Ledger Entry",
				{"against_voucher_no": invoice.name, "voucher_type": "Payment Entry", "delinked": 0},
				"amount",
			)
		)
		self.assertFigures(self.deal_of(order), paid_amount=paid)

	def test_two_receipts_of_two_invoices(self):
		order = f.make_sales_order(rows=((f.ITEM, 4, 250),))
		invoices = [f.make_sales_invoice(order, 0.5) for _ in range(2)]
		self.both(*(["pay", "Sales Invoice", invoice.name] for invoice in invoices))
		paid = sum(f.gross(invoice) for invoice in invoices)
		self.assertFigures(self.deal_of(order), stage="Invoiced", invoiced_amount=paid, paid_amount=paid)

	def test_cancelled_while_another_is_submitted(self):
		order = f.make_sales_order(rows=((f.ITEM, 4, 250),))
		one, other = f.make_sales_invoice(order, 0.5), f.make_sales_invoice(order, 0.5, submit=False)
		self.both(["cancel", "Sales Invoice", one.name], ["submit", "Sales Invoice", other.name])
		self.assertFigures(self.deal_of(order), invoiced_amount=f.gross(other))

	def test_two_documents_open_the_deal_of_one_lead(self):
		lead = f.make_lead()
		frappe.db.commit()
		forget_deals()  # as on a site that was not read in yet
		self.both(["opportunity", "Lead", lead.name], ["quotation", "Lead", lead.name])
		self.assertEqual(self.deal_of(lead).stage, "Quoted")

	def test_two_opportunities_of_one_lead(self):
		lead = f.make_lead()
		self.both(["opportunity", "Lead", lead.name], ["opportunity", "Lead", lead.name])
		self.assertEqual(frappe.db.count("Deal", {"lead": lead.name}), 2)

	def test_deal_is_given_up_while_another_document_joins_it(self):
		kept = self.deal_of(f.make_opportunity(frappe.get_doc("Customer", f.CUSTOMER)))
		order = f.make_sales_order(rows=((f.ITEM, 4, 250),))
		own = self.deal_of(order)
		invoice = f.make_sales_invoice(order, 0.5, submit=False)
		choice = ["choose", "Sales Order", order.name, kept.name]
		self.both(choice, ["submit", "Sales Invoice", invoice.name], chosen=True)
		self.assertFalse(frappe.db.exists("Deal", own.name))
		self.assertFigures(kept, invoiced_amount=f.gross(invoice))

	def test_order_is_closed_while_its_invoice_is_paid(self):
		"""Neither alone makes the deal paid; what one of them changed for the other must not be missed."""
		for close_last in (False, True):
			with self.subTest(close_last=close_last):
				self.gate_anew()
				order = f.make_sales_order(rows=((f.ITEM, 4, 250),))
				invoice = f.make_sales_invoice(order, 0.5)
				work = [["close", "Sales Order", order.name], ["pay", "Sales Invoice", invoice.name]]
				self.both(*(reversed(work) if close_last else work))
				self.assertFigures(self.deal_of(order), stage="Paid", paid_amount=f.gross(invoice))

	def test_many_in_a_row_on_the_same_orders(self):
		orders = [f.make_sales_order(rows=((f.ITEM, 4, 250),)) for _ in range(3)]
		forget_deals()
		invoices = [
			[f.make_sales_invoice(order, 0.5, submit=False) for order in chosen]
			for chosen in (orders, orders[::-1])
		]
		self.together([["submit", "Sales Invoice", invoice.name] for invoice in work] for work in invoices)

	def test_three_people_and_a_backfill_on_the_same_leads_and_orders(self):
		leads = [f.make_lead() for _ in range(3)]
		orders = [f.make_sales_order(rows=((f.ITEM, 8, 250),)) for _ in range(3)]
		invoices = [f.make_sales_invoice(order, 0.25) for order in orders]
		drafts = [f.make_sales_invoice(order, 0.25, submit=False) for order in orders for _ in range(2)]
		frappe.db.commit()
		forget_deals()
		kinds = ("opportunity", "quotation", "opportunity_of_last_year")
		works = []
		for person in range(3):
			work = [[kind, "Lead", lead.name] for kind in kinds for lead in leads]
			work.append(["pay", "Sales Invoice", invoices[person].name])
			work.append(["cancel", "Sales Invoice", invoices[person - 1].name])
			work += [["submit", "Sales Invoice", draft.name] for draft in drafts[person::3]]
			works.append(work[4 * person :] + work[: 4 * person])
		self.together(works, "crm-ext", "backfill", "--restart")

	def together(self, works, *command: str) -> None:
		"""Everybody does their work at the same time, beside a bench command."""
		frappe.db.commit()  # what the test made, for all to see
		works = list(works)
		everybody = [f"person {number}" for number in range(len(works))]
		people = [
			self.start(in_a_row, me, everybody, work) for me, work in zip(everybody, works, strict=True)
		]
		if command:
			code, output = self.start_bench(*command).wait()
			self.assertEqual(code, 0, f"{output}\n{self.errors_logged()}")
		for process in people:
			self.assertEqual(process.result(), [])
		run_queue()
		self.assertKept()
		self.assertEqual(self.errors_logged(), [])
