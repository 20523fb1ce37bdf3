"""What deals tell of approvals, by real transactions and a real worker."""

import frappe

from crm_ext import tasks
from crm_ext.hierarchy import world
from crm_ext.tests import factories as f
from crm_ext.tests.processes import CommittingTestCase, run_queue
from crm_ext.tests.workflows import (
	CLERK,
	HELPER,
	LIMITS,
	MANAGER,
	OTHER_CLERK,
	SELLER,
	SMALL,
	act,
	comments_on,
	forget,
	make_helpers,
	make_people,
	make_verifier,
	switch,
)
from crm_ext.workflows import asking


class TestOnTheDeal(CommittingTestCase):
	def setUp(self):
		super().setUp()
		make_people()
		make_helpers()
		make_verifier()
		switch(*LIMITS, quotation=1, payment_entry=1)
		frappe.db.commit()
		world.clear()

	def tearDown(self):
		frappe.set_user("Administrator")
		frappe.db.rollback()
		switch(opportunity=0, quotation=0, payment_entry=0)
		frappe.db.commit()
		super().tearDown()
		forget()
		world.clear()

	def pending(self):
		with self.set_user(SELLER):
			quotation = f.make_quotation(rows=((f.SERVICE, 1, 6_000),), submit=False)
		act(SELLER, quotation, "Request Approval")
		frappe.db.commit()
		return quotation

	def told(self, document) -> list[str]:
		frappe.db.rollback()
		return [
			text
			for deal in self.deals_of(document)
			for text in comments_on("Deal", deal.name)
			if "approved" in text or "verified" in text
		]

	def test_an_approval_is_there_once_with_the_commit(self):
		quotation = self.pending()
		act(MANAGER, quotation, "Approve")
		frappe.db.commit()
		(told,) = self.told(quotation)
		self.assertIn(f"approved Quotation {quotation.name}.", told)
		self.assertIn("is above", told)
		run_queue()
		self.assertEqual(self.told(quotation), [told])
		quotation.reload().cancel()
		frappe.db.commit()
		self.assertEqual(self.told(quotation), [told])  # it was approved, whatever came of it
		self.assertEqual(self.errors_logged(), [])

	def test_of_an_opportunity(self):
		switch(("Opportunity", "Value", 5_000, SMALL), opportunity=1)
		with self.set_user(SELLER):
			opportunity = f.make_opportunity(f.make_lead(), 6_000)
		act(SELLER, opportunity, "Request Approval")
		frappe.db.commit()
		act(MANAGER, opportunity, "Approve")
		frappe.db.commit()
		(told,) = self.told(opportunity)
		self.assertIn(f"approved Opportunity {opportunity.name}.", told)
		self.assertIn("is above", told)

	def test_undone_it_is_not_there(self):
		quotation = self.pending()
		act(MANAGER, quotation, "Approve")
		frappe.db.rollback()
		frappe.db.commit()
		run_queue()
		self.assertEqual(self.told(quotation), [])
		# Undone to a savepoint in a transaction that goes on.
		frappe.db.savepoint("approving")
		act(MANAGER, quotation, "Approve")
		frappe.db.rollback(save_point="approving")
		frappe.db.commit()
		run_queue()
		self.assertEqual(self.told(quotation), [])
		frappe.delete_doc("Quotation", quotation.name)
		frappe.db.commit()
		self.assertFalse(frappe.db.exists("Follow Up", {"reference_name": quotation.name}))
		self.assertEqual(self.errors_logged(), [])

	def test_a_stand_in_named_today_is_asked_by_the_worker(self):
		quotation = self.pending()
		f.make_stand_in(MANAGER, HELPER)
		frappe.db.commit()
		run_queue()
		frappe.db.rollback()
		self.assertIn(HELPER, [row.responsible for row in asking.asked(quotation)])
		tasks.ask_stand_ins()
		frappe.db.commit()
		names = [row.responsible for row in asking.asked(quotation)]
		self.assertEqual(names.count(HELPER), 1)
		act(HELPER, quotation, "Approve")
		frappe.db.commit()
		(told,) = self.told(quotation)
		self.assertIn(f"approved Quotation {quotation.name} for workflow-manager (stand-in).", told)

	def test_a_payment_is_verified(self):
		invoice = f.make_sales_invoice(f.make_sales_order(rows=((f.SERVICE, 1, 500),)))
		with self.set_user(CLERK):
			payment = f.make_payment(invoice, submit=False)
		frappe.db.commit()
		act(OTHER_CLERK, payment, "Verify")
		frappe.db.commit()
		(told,) = self.told(payment)
		self.assertIn(f"verified Payment Entry {payment.name}.", told)
