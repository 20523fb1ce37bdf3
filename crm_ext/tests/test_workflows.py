"""Workflows through every transition, by those who may and those who may not, also on documents that were there before."""

import frappe
from frappe.model.workflow import WorkflowTransitionError, get_transitions, get_workflow_name

from crm_ext.constants.workflows import APPROVAL_FIELDS, STATE_FIELD, WORKFLOWS
from crm_ext.events import workflow
from crm_ext.tests import credit
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase
from crm_ext.tests.supply_factories import make_item
from crm_ext.tests.workflows import (
	CLERK,
	DIRECTOR,
	GREAT,
	MANAGER,
	OTHER_CLERK,
	OUTSIDER,
	SELLER,
	SMALL,
	act,
	forget,
	make_people,
	switch,
)
from crm_ext.workflows import asking, store
from crm_ext.workflows.approvals import ApprovalNeeded

LIMITS = (
	("Quotation", "Value", 5_000, SMALL),
	("Quotation", "Value", 20_000, GREAT),
	("Sales Order", "Value", 5_000, SMALL),
)


class WorkflowTestCase(SiteTestCase):
	def setUp(self):
		super().setUp()
		make_people()
		self.errors = set(self.errors_logged())

	def tearDown(self):
		self.assertEqual(set(self.errors_logged()) - self.errors, set())
		super().tearDown()
		forget()

	def errors_logged(self) -> list[str]:
		return frappe.get_all("Error Log", {"method": ("like", "CRM Ext%")}, pluck="name")

	def quotation(self, amount: float, user: str = SELLER, **values):
		return self.made_by(user, f.make_quotation, **{"rows": ((f.SERVICE, 1, amount),), **values})

	def order(self, amount: float, user: str = SELLER, **values):
		return self.made_by(user, f.make_sales_order, rows=((f.SERVICE, 1, amount),), **values)

	def made_by(self, user: str, make, **values):
		frappe.set_user(user)
		try:
			return make(**{"submit": False, **values})
		finally:
			frappe.set_user("Administrator")

	def actions(self, user: str, document) -> list[str]:
		frappe.set_user(user)
		try:
			document = frappe.get_doc(document.doctype, document.name)
			return sorted({row["action"] for row in get_transitions(document)})
		finally:
			frappe.set_user("Administrator")

	def assertState(self, document, state: str, docstatus: int):
		found = frappe.db.get_value(document.doctype, document.name, [STATE_FIELD, "docstatus"])
		self.assertEqual(found, (state, docstatus))

	def assertRefused(self, user: str, document, action: str, error=WorkflowTransitionError):
		before = frappe.db.get_value(document.doctype, document.name, [STATE_FIELD, "docstatus", "modified"])
		with self.assertRaises(error):
			act(user, document, action)
		frappe.clear_messages()
		after = frappe.db.get_value(document.doctype, document.name, [STATE_FIELD, "docstatus", "modified"])
		self.assertEqual(after, before)

	def workflow_comments(self, document) -> list[str]:
		return frappe.get_all(
			"Comment",
			{
				"reference_doctype": document.doctype,
				"reference_name": document.name,
				"comment_type": "Workflow",
			},
			pluck="content",
			order_by="creation",
		)

	def asked(self, document) -> list[str]:
		return [row.responsible for row in asking.asked(document) if row.responsible.startswith("workflow-")]


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
		frappe.set_user(MANAGER)
		frappe.get_doc("Quotation", large.name).submit()
		frappe.set_user("Administrator")
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
		comments = frappe.get_all(
			"Comment",
			{"reference_doctype": "Deal", "reference_name": deal.name, "comment_type": "Info"},
			pluck="content",
		)
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

	def test_it_waits_for_credit_and_moves_on(self):
		credit.make_people()
		credit.switch_on()
		switch(*LIMITS, sales_order=1)
		customer = f.make_customer().name
		credit.make_policy(customer, limit=1_000)
		order = self.order(2_000, customer=customer)
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
		credit.make_people()
		credit.switch_on()
		switch(*LIMITS, sales_order=1)
		customer = f.make_customer().name
		credit.make_policy(customer, limit=1_000)
		order = self.order(6_000, customer=customer)
		self.assertState(order, "Waiting for Credit", 0)
		act(SELLER, order, "Request Approval")
		self.assertRefused(MANAGER, order, "Approve", frappe.ValidationError)
		credit.release(6_000, order)
		act(MANAGER, order, "Approve")
		self.assertState(order, "Released", 1)

	def test_within_the_limit_again(self):
		credit.make_people()
		credit.switch_on()
		switch(*LIMITS, sales_order=1)
		customer = f.make_customer().name
		credit.make_policy(customer, limit=1_000)
		order = self.order(2_000, customer=customer)
		order.items[0].rate = 500
		order.save()
		self.assertState(order, "Draft", 0)


class TestPaymentEntry(WorkflowTestCase):
	def payment(self, user: str = CLERK, **values):
		return self.made_by(user, f.make_payment, document=f.make_direct_invoice(), **values)

	def test_another_person_verifies(self):
		switch(payment_entry=1)
		payment = self.payment()
		self.assertState(payment, "Entered", 0)
		self.assertEqual(self.actions(CLERK, payment), [])
		self.assertRefused(CLERK, payment, "Verify")
		self.assertRefused(SELLER, payment, "Verify", frappe.PermissionError)
		self.assertEqual(self.actions(OTHER_CLERK, payment), ["Verify"])
		act(OTHER_CLERK, payment, "Verify")
		self.assertState(payment, "Verified", 1)
		self.assertEqual(payment.reload().status, "Submitted")
		self.assertEqual(self.workflow_comments(payment), ["Verified"])
		payment.cancel()
		self.assertState(payment, "Cancelled", 2)
		amended = self.made_by(CLERK, lambda submit: f.amend(payment, **{STATE_FIELD: "Cancelled"}).insert())
		self.assertState(amended, "Entered", 0)
		self.assertRefused(CLERK, amended, "Verify")

	def with_amount(self, payment, amount: float):
		doc = frappe.get_doc("Payment Entry", payment.name)
		doc.paid_amount = doc.received_amount = doc.references[0].allocated_amount = amount
		return doc

	def test_who_changed_it_does_not_verify_it(self):
		switch(payment_entry=1)
		payment = self.payment()
		for keep in (True, False):  # before it is verified, or in the same moment
			with self.subTest(keep=keep):
				frappe.set_user(OTHER_CLERK)
				changed = self.with_amount(payment, 10 + keep)
				if keep:
					changed.save()
					self.assertEqual(self.actions(OTHER_CLERK, payment), [])
					frappe.set_user(OTHER_CLERK)
				with self.assertRaisesRegex(ApprovalNeeded, "You changed it last"):
					changed.submit()
				frappe.set_user(CLERK)
				self.with_amount(payment, 50 + keep).save()
		self.assertEqual(self.actions(OTHER_CLERK, payment), ["Verify"])
		act(OTHER_CLERK, payment, "Verify")
		self.assertState(payment, "Verified", 1)
		self.assertEqual(payment.reload().paid_amount, 50)

	def test_submitted_without_an_action(self):
		switch(payment_entry=1)
		with self.assertRaisesRegex(ApprovalNeeded, "You entered it yourself"):
			self.payment(submit=True)
		payment = self.payment()
		jumped = self.payment()
		frappe.set_user(CLERK)
		jumped.set(STATE_FIELD, "Verified")
		self.assertRaises(frappe.ValidationError, jumped.submit)
		frappe.set_user(OTHER_CLERK)
		frappe.get_doc("Payment Entry", payment.name).submit()
		frappe.set_user("Administrator")
		self.assertState(payment, "Verified", 1)
		self.assertEqual(self.workflow_comments(payment), ["Verified"])

	def test_payments_that_were_there_before_and_off_again(self):
		draft, paid, gone = self.payment(), self.payment(submit=True), self.payment(submit=True)
		gone.reload().cancel()
		before = frappe.get_all("Payment Entry", ["name", "modified", "status", "docstatus"], order_by="name")
		switch(payment_entry=1)
		for payment, state, docstatus in (
			(draft, "Entered", 0),
			(paid, "Verified", 1),
			(gone, "Cancelled", 2),
		):
			self.assertState(payment, state, docstatus)
		self.assertRefused(CLERK, draft, "Verify")
		act(OTHER_CLERK, draft, "Verify")
		switch(payment_entry=0)
		own = self.payment(submit=True)
		for payment in (own, paid):
			self.assertState(payment, None, 1)
		after = frappe.get_all("Payment Entry", ["name", "modified", "status", "docstatus"], order_by="name")
		names = {draft.name, own.name}
		self.assertEqual(
			[row for row in after if row.name not in names], [row for row in before if row.name not in names]
		)
		switch(payment_entry=1)
		self.assertState(own, "Verified", 1)


class TestSwitch(WorkflowTestCase):
	def columns(self, documents) -> list:
		"""Everything but our fields, as it stands in the database."""
		found = []
		for document in documents:
			row = frappe.db.get_value(document.doctype, document.name, "*", as_dict=True)
			found.append({k: v for k, v in row.items() if k not in (STATE_FIELD, *APPROVAL_FIELDS)})
		return found

	def test_documents_that_were_there_before(self):
		quotations = {
			"Draft": self.quotation(6_000),
			"Sent": self.quotation(6_000, submit=True),
			"Accepted": self.quotation(6_000, submit=True),
			"Lost": self.quotation(6_000, submit=True),
			"Cancelled": self.quotation(6_000, submit=True),
		}
		draft_order, order = self.order(6_000), f.make_sales_order(quotations["Accepted"])
		quotations["Lost"].reload().declare_enquiry_lost([], [])
		quotations["Cancelled"].reload().cancel()
		documents = [*quotations.values(), draft_order, order]
		cheap = self.quotation(0, rows=((make_item(stock=5).name, 2, 45),))
		documents.append(cheap)
		before = self.columns(documents)

		switch(*LIMITS, ("Quotation", "Margin %", 20, SMALL), quotation=1, sales_order=1)
		for state, quotation in quotations.items():
			self.assertState(quotation, state, frappe.db.get_value("Quotation", quotation.name, "docstatus"))
		self.assertState(draft_order, "Draft", 0)
		self.assertState(order, "Released", 1)
		reasons = frappe.db.get_value("Quotation", cheap.name, "approval_reasons")
		self.assertIn("Margin of 11.11 % is below 20 %", reasons)
		self.assertEqual(self.columns(documents), before)

		# The form offers what the draft needs, without having been saved.
		for document in (quotations["Draft"], draft_order):
			self.assertEqual(self.actions(SELLER, document), ["Request Approval"])
			act(SELLER, document, "Request Approval")
			self.assertRefused(SELLER, document, "Approve")
			act(MANAGER, document, "Approve")
		quotations["Sent"].reload().cancel()
		self.assertState(quotations["Sent"], "Cancelled", 2)

	def test_drafts_are_measured_anew_when_limits_change(self):
		quotation = self.quotation(6_000)
		switch(*LIMITS, quotation=1)
		switch(("Quotation", "Value", 10_000, SMALL), quotation=1)
		self.assertEqual(self.actions(SELLER, quotation), ["Submit"])
		switch(("Quotation", "Value", 1_000, GREAT), quotation=1)
		self.assertEqual(self.actions(SELLER, quotation), ["Request Approval"])
		self.assertEqual(self.actions(DIRECTOR, quotation), ["Approve", "Request Approval"])
		self.assertEqual(self.actions(MANAGER, quotation), ["Request Approval"])
		switch(quotation=1)
		self.assertEqual(self.actions(SELLER, quotation), ["Submit"])

	def test_off_leaves_nothing_and_on_again_works(self):
		kept = self.workflow_records()
		switch(*LIMITS, quotation=1, sales_order=1)
		self.assertGreater(len(self.workflow_records()), len(kept))
		pending, sent = self.quotation(6_000), self.quotation(1_000)
		act(SELLER, pending, "Request Approval")
		act(SELLER, sent, "Submit")

		switch(*LIMITS, quotation=0, sales_order=0)
		self.assertEqual(self.workflow_records(), kept)
		self.assertFalse(get_workflow_name("Quotation"))
		for document in (pending, sent):
			row = frappe.db.get_value("Quotation", document.name, [STATE_FIELD, *APPROVAL_FIELDS])
			self.assertEqual(row, (None, 0, None, None))
		frappe.set_user(SELLER)
		frappe.get_doc("Quotation", pending.name).submit()
		frappe.set_user("Administrator")
		sent.reload().cancel()
		self.assertEqual(frappe.db.get_value("Quotation", pending.name, STATE_FIELD), None)

		switch(*LIMITS, quotation=1)
		self.assertState(pending, "Sent", 1)
		self.assertState(sent, "Cancelled", 2)
		again = self.quotation(6_000)
		act(SELLER, again, "Request Approval")
		act(MANAGER, again, "Approve")
		self.assertState(again, "Sent", 1)

	def workflow_records(self) -> list[tuple]:
		return sorted(
			(doctype, name)
			for doctype in (
				"Workflow",
				"Workflow Action Master",
				"Workflow Document State",
				"Workflow State",
				"Workflow Transition",
			)
			for name in frappe.get_all(doctype, pluck="name")
		)

	def test_what_another_workflow_uses_stays(self):
		switch(*LIMITS, quotation=1)
		self.other_workflow("Sales Order", "Draft", "Sent", "Approve")
		switch(*LIMITS, quotation=0)
		self.assertTrue(frappe.db.exists("Workflow State", "Sent"))
		self.assertFalse(frappe.db.exists("Workflow State", "Pending Approval"))
		self.assertEqual(store.made().get("Workflow State"), ["Draft", "Sent"])

	def other_workflow(self, doctype: str, first: str, second: str, action: str):
		return frappe.get_doc(
			{
				"doctype": "Workflow",
				"workflow_name": f"Own {doctype}",
				"document_type": doctype,
				"is_active": 1,
				"workflow_state_field": STATE_FIELD,
				"states": [
					{"state": first, "doc_status": "0", "allow_edit": "All"},
					{"state": second, "doc_status": "0", "allow_edit": "All"},
				],
				"transitions": [{"state": first, "action": action, "next_state": second, "allowed": "All"}],
			}
		).insert()

	def test_a_workflow_of_the_sites_own_is_not_replaced(self):
		other = self.other_workflow("Quotation", "Pending", "Approved", "Approve")
		with self.assertRaisesRegex(frappe.ValidationError, "has a workflow already: .*Own Quotation"):
			switch(*LIMITS, quotation=1)
		self.assertFalse(frappe.db.exists("Workflow", WORKFLOWS["Quotation"].name))
		self.assertEqual(other.reload().is_active, 1)
		switch(*LIMITS, sales_order=1)
		self.assertEqual(get_workflow_name("Sales Order"), WORKFLOWS["Sales Order"].name)
		# Ours on, then replaced by hand: theirs rules.
		other.delete()
		forget()
		switch(*LIMITS, quotation=1)
		quotation = self.quotation(6_000)
		frappe.db.sql("UPDATE tabQuotation SET crm_ext_state = NULL")
		self.other_workflow("Quotation", "Pending", "Approved", "Approve")
		frappe.set_user(SELLER)
		frappe.get_doc("Quotation", quotation.name).submit()

	def test_removed_with_the_app(self):
		kept = self.workflow_records()
		switch(*LIMITS, quotation=1, sales_order=1)
		quotation = self.quotation(6_000)
		made = store.made()
		store.remove_all(made)
		self.assertEqual(self.workflow_records(), kept)
		self.assertEqual(frappe.db.get_value("Quotation", quotation.name, STATE_FIELD), None)

	def test_off_costs_no_query(self):
		switch(quotation=0, sales_order=0)
		quotation, order = self.quotation(6_000), self.order(6_000)
		payment = f.make_payment(f.make_direct_invoice(), submit=False)
		for document in (quotation, order, payment):
			workflow.on_update(document)  # caches are warm
			with self.assertQueryCount(0):
				workflow.validate(document)
				workflow.before_submit(document)
				workflow.before_update_after_submit(document)
				workflow.on_update(document)
				workflow.on_change(document)

	def test_code_that_asks_for_no_permission_passes(self):
		switch(*LIMITS, quotation=1)
		quotation = self.quotation(6_000)
		frappe.set_user(SELLER)
		quotation.flags.ignore_permissions = True
		quotation.submit()
		self.assertState(quotation, "Sent", 1)

	def test_mail_carries_the_document(self):
		if not frappe.db.exists("Email Account", {"default_outgoing": 1}):
			frappe.get_doc(
				{
					"doctype": "Email Account",
					"email_id": "out@example.com",
					"email_account_name": "Out",
					"enable_outgoing": 1,
					"default_outgoing": 1,
					"smtp_server": "localhost",
					"password": "x",
				}
			).insert(ignore_permissions=True)
			frappe.local.outgoing_email_account = {}
		switch(*LIMITS, quotation=1)
		quotation = self.quotation(6_000)
		act(SELLER, quotation, "Request Approval")
		mails = frappe.get_all(
			"Email Queue",
			{"reference_doctype": "Quotation", "reference_name": quotation.name},
			["name", "attachments", "message"],
		)
		self.assertTrue(mails)
		self.assertIn("print_format_attachment", mails[0].attachments)
