"""Quotations and orders through every transition, by those who may and those who may not."""

import frappe

from crm_ext.constants.workflows import STATE_FIELD
from crm_ext.tests import credit
from crm_ext.tests import factories as f
from crm_ext.tests.supply_factories import make_item
from crm_ext.tests.workflows import (
	DIRECTOR,
	LIMITS,
	MANAGER,
	OUTSIDER,
	SELLER,
	SMALL,
	WorkflowTestCase,
	act,
	comments_on,
	switch,
)
from crm_ext.workflows import asking
from crm_ext.workflows.approvals import ApprovalNeeded


class TestQuotation(WorkflowTestCase):
	def test_within_the_limits_whoever_may_submit_sends(self):
		switch(*LIMITS, quotation=1)
		quotation = self.quotation(5_000)
		self.assertState(quotation, "Draft", 0)
		self.assertEqual(self.actions(SELLER, quotation), ["Submit"])
		self.assertRefused(SELLER, quotation, "Approve")
		self.assertRefused(SELLER, quotation, "Request Approval")
		self.assertRefused(OUTSIDER, quotation, "Submit", frappe.PermissionError)
		act(SELLER, quotation, "Submit")
		self.assertState(quotation, "Sent", 1)
		self.assertEqual(quotation.reload().status, "Open")

	def test_beyond_a_limit_it_is_approved_sent_back_or_withdrawn(self):
		switch(*LIMITS, quotation=1)
		quotation = self.quotation(6_000)
		self.assertEqual(quotation.approval_needed, 1)
		self.assertIn(
			"$ 6,000.00 is above $ 5,000.00: Sales Manager has to approve", quotation.approval_reasons
		)
		self.assertEqual(self.actions(SELLER, quotation), ["Request Approval"])
		self.assertRefused(SELLER, quotation, "Submit")
		self.assertRefused(SELLER, quotation, "Approve")

		act(SELLER, quotation, "Request Approval")
		self.assertState(quotation, "Pending Approval", 0)
		self.assertIn(MANAGER, self.asked(quotation))
		self.assertNotIn(DIRECTOR, self.asked(quotation))
		self.assertEqual(self.actions(SELLER, quotation), ["Withdraw"])
		for action in ("Approve", "Send Back", "Submit"):
			self.assertRefused(SELLER, quotation, action)
		self.assertRefused(MANAGER, quotation, "Withdraw")

		act(SELLER, quotation, "Withdraw")
		self.assertState(quotation, "Draft", 0)
		self.assertEqual(self.asked(quotation), [])
		act(SELLER, quotation, "Request Approval")
		act(MANAGER, quotation, "Send Back")
		self.assertState(quotation, "Draft", 0)
		act(SELLER, quotation, "Request Approval")
		self.assertIn(MANAGER, self.asked(quotation))
		act(MANAGER, quotation, "Approve")
		self.assertState(quotation, "Sent", 1)
		self.assertEqual(self.asked(quotation), [])
		told = frappe.get_all(
			"Notification Log", {"document_name": quotation.name, "for_user": SELLER}, pluck="subject"
		)
		self.assertEqual([subject.rsplit(" ", 2)[-1] for subject in sorted(told)], ["approved", "back"])

	def test_the_smallest_role_that_suffices(self):
		switch(*LIMITS, quotation=1)
		quotation = self.quotation(30_000)
		act(SELLER, quotation, "Request Approval")
		self.assertNotIn(MANAGER, self.asked(quotation))
		self.assertIn(DIRECTOR, self.asked(quotation))
		self.assertRefused(MANAGER, quotation, "Approve")
		act(DIRECTOR, quotation, "Approve")
		self.assertState(quotation, "Sent", 1)
		smaller = self.quotation(6_000)
		act(SELLER, smaller, "Request Approval")
		act(DIRECTOR, smaller, "Approve")  # stands in: who may more may less
		self.assertState(smaller, "Sent", 1)

	def test_who_may_approve_needs_nobody_else(self):
		switch(*LIMITS, quotation=1)
		quotation = self.quotation(6_000, MANAGER)
		self.assertEqual(self.actions(MANAGER, quotation), ["Approve", "Request Approval"])
		act(MANAGER, quotation, "Approve")
		self.assertState(quotation, "Sent", 1)

	def test_discount_and_margin(self):
		switch(
			("Quotation", "Discount %", 10, SMALL),
			("Quotation", "Margin %", 20, SMALL, f.COMPANY),
			quotation=1,
		)
		rows = f.item_rows((f.SERVICE, 1, 850))
		rows[0].update({"price_list_rate": 1000, "discount_percentage": 15})
		quotation = self.made_by(SELLER, f.make_quotation, items=rows)
		self.assertEqual(quotation.items[0].rate, 850)
		self.assertIn("Discount of 15 % in row 1 is above 10 %", quotation.approval_reasons)
		quotation.update({"apply_discount_on": "Net Total", "additional_discount_percentage": 10})
		quotation.save()
		self.assertIn("Discount of 23.5 % in row 1", quotation.approval_reasons)
		goods = make_item(stock=5).name
		for rate, margin in ((45, "11.11"), (60, None)):
			quotation = self.quotation(0, rows=((goods, 2, rate),))
			if margin:
				self.assertIn(f"Margin of {margin} % is below 20 %", quotation.approval_reasons)
			else:
				self.assertEqual((quotation.approval_needed, quotation.approval_reasons), (0, None))

	def test_states_follow_erpnext(self):
		switch(*LIMITS, quotation=1)
		quotation = self.quotation(1_000)
		act(SELLER, quotation, "Submit")
		order = f.make_sales_order(quotation.reload())
		self.assertState(quotation, "Accepted", 1)
		order.reload().cancel()
		self.assertState(quotation, "Sent", 1)
		form = frappe.get_doc("Quotation", quotation.name)
		f.make_sales_order(quotation.reload())
		form.reload()
		form.set(STATE_FIELD, "Sent")  # as in a form that was open before
		form.save()
		self.assertState(quotation, "Accepted", 1)
		lost = self.quotation(1_000)
		act(SELLER, lost, "Submit")
		lost.reload().declare_enquiry_lost([], [], "price")
		self.assertState(lost, "Lost", 1)
		self.assertEqual(lost.reload().status, "Lost")

	def test_cancelled_and_amended(self):
		switch(*LIMITS, quotation=1)
		quotation = self.quotation(6_000)
		act(SELLER, quotation, "Request Approval")
		act(MANAGER, quotation, "Approve")
		quotation.reload().cancel()
		self.assertState(quotation, "Cancelled", 2)
		amended = f.amend(quotation, **{STATE_FIELD: "Cancelled"})
		amended.insert()
		self.assertState(amended, "Draft", 0)
		self.assertEqual(self.actions(SELLER, amended), ["Request Approval"])

	def test_submitted_without_an_action_only_within_the_limits(self):
		switch(*LIMITS, quotation=1)
		small, large, jumped = self.quotation(1_000), self.quotation(6_000), self.quotation(6_000)
		frappe.set_user(SELLER)
		small.submit()
		self.assertState(small, "Sent", 1)
		with self.assertRaises(ApprovalNeeded) as refused:
			large.submit()
		self.assertIn("Sales Manager has to approve", str(refused.exception))
		self.assertState(large, "Draft", 0)
		jumped.set(STATE_FIELD, "Sent")
		with self.assertRaises(frappe.ValidationError):
			jumped.submit()
		self.assertState(jumped, "Draft", 0)
		self.submitted_by(MANAGER, large)
		self.assertState(large, "Sent", 1)
		self.assertEqual(self.workflow_comments(large), ["Sent"])

	def test_approval_stands_in_the_timeline_and_on_the_deal(self):
		switch(*LIMITS, quotation=1)
		quotation = self.quotation(6_000)
		act(SELLER, quotation, "Request Approval")
		act(MANAGER, quotation, "Approve")
		self.assertEqual(self.workflow_comments(quotation), ["Pending Approval", "Sent"])
		deal = self.deal_of(quotation.reload())
		asking.tell_deals("Quotation", quotation.name, MANAGER, quotation.approval_reasons)
		comments = comments_on("Deal", deal.name)
		self.assertEqual(len(comments), 1)
		self.assertIn(f"approved Quotation {quotation.name}", comments[0])
		self.assertIn("is above", comments[0])

	def test_changed_while_it_waits_others_are_asked_or_nobody(self):
		switch(*LIMITS, quotation=1)
		quotation = self.quotation(0, rows=((f.SERVICE, 2, 3_000),))
		act(SELLER, quotation, "Request Approval")
		quotation.reload().items[0].qty = 10
		quotation.save()
		self.assertNotIn(MANAGER, self.asked(quotation))
		self.assertIn(DIRECTOR, self.asked(quotation))
		quotation.items[0].qty = 1
		quotation.save()
		self.assertEqual(self.asked(quotation), [])
		self.assertEqual(self.actions(SELLER, quotation), ["Submit", "Withdraw"])
		act(SELLER, quotation, "Submit")
		self.assertState(quotation, "Sent", 1)


class TestSalesOrder(WorkflowTestCase):
	def test_approved_above_a_value(self):
		switch(*LIMITS, sales_order=1)
		order = self.order(6_000)
		self.assertRefused(SELLER, order, "Submit")
		act(SELLER, order, "Request Approval")
		self.assertState(order, "Pending Approval", 0)
		self.assertRefused(SELLER, order, "Approve")
		act(MANAGER, order, "Approve")
		self.assertState(order, "Released", 1)
		self.assertEqual(order.reload().status, "To Deliver and Bill")
		f.make_delivery_note(order)
		order.reload().update_status("Closed")
		self.assertState(order, "Released", 1)

	def order_beyond_credit(self, amount: float):
		credit.make_people()
		credit.switch_on()
		switch(*LIMITS, sales_order=1)
		customer = f.make_customer().name
		credit.make_policy(customer, limit=1_000)
		return self.order(amount, customer=customer)

	def test_it_waits_for_credit_and_moves_on(self):
		order = self.order_beyond_credit(2_000)
		self.assertState(order, "Waiting for Credit", 0)
		self.assertEqual(self.actions(SELLER, order), ["Submit"])
		self.assertRefused(SELLER, order, "Submit", frappe.ValidationError)
		credit.release(2_000, order)
		self.assertState(order, "Draft", 0)
		stale = frappe.get_doc("Sales Order", order.name)
		stale.set(STATE_FIELD, "Waiting for Credit")  # the form that was open
		stale.save()
		self.assertState(order, "Draft", 0)
		act(SELLER, order, "Submit")
		self.assertState(order, "Released", 1)

	def test_credit_and_approval(self):
		order = self.order_beyond_credit(6_000)
		self.assertState(order, "Waiting for Credit", 0)
		act(SELLER, order, "Request Approval")
		self.assertRefused(MANAGER, order, "Approve", frappe.ValidationError)
		credit.release(6_000, order)
		act(MANAGER, order, "Approve")
		self.assertState(order, "Released", 1)

	def test_within_the_limit_again(self):
		order = self.order_beyond_credit(2_000)
		self.assertState(order, "Waiting for Credit", 0)
		order.items[0].rate = 500
		order.save()
		self.assertState(order, "Draft", 0)
