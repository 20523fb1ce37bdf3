"""Payments: entered by one, verified by another, or by who has the role for it."""

import frappe

from crm_ext.api import follow_ups as api
from crm_ext.constants.workflows import STATE_FIELD
from crm_ext.tests import factories as f
from crm_ext.tests.workflows import (
	CLERK,
	OTHER_CLERK,
	SELLER,
	SETTINGS,
	ApprovalTestCase,
	WorkflowTestCase,
	act,
	comments_on,
	mails_about,
	make_verifier,
	switch,
)
from crm_ext.workflows import asking
from crm_ext.workflows.approvals import ApprovalNeeded


class TestPaymentEntry(WorkflowTestCase):
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
		self.submitted_by(OTHER_CLERK, payment)
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


class TestVerifier(ApprovalTestCase):
	ROLE = "Accounts Manager"

	def setUp(self):
		super().setUp()
		self.boss = make_verifier(self.ROLE)

	def switch(self, role: str | None = ROLE):
		switch(payment_entry=1)
		settings = frappe.get_single(SETTINGS)
		settings.payment_verifier_role = role
		settings.save(ignore_permissions=True)

	def test_is_asked_with_the_document_and_settles_it(self):
		self.make_email_account()
		self.switch()
		payment = self.payment()
		self.assertEqual(self.asked(payment), [self.boss])
		follow_up = frappe.get_doc("Follow Up", {"reference_name": payment.name})
		self.assertIn(f"Verify Payment Entry {payment.name} for {payment.party_name}", follow_up.subject)
		self.assertEqual((follow_up.party_type, follow_up.party), ("Customer", payment.party))
		self.assertIn("print_format_attachment", mails_about(payment)[self.boss])
		payment.reload().save()
		self.assertEqual(self.asked(payment), [self.boss])
		act(self.boss, payment, "Verify")
		self.assertState(payment, "Verified", 1)
		self.assertEqual(self.asked(payment), [])
		self.assertEqual(follow_up.reload().status, "Cancelled")
		told = frappe.get_all(
			"Notification Log", {"document_name": payment.name, "for_user": CLERK}, pluck="subject"
		)
		self.assertEqual(told, [f"workflow-boss: Payment Entry {payment.name} verified"])

	def test_nobody_else_verifies(self):
		self.switch()
		payment = self.payment()
		self.assertEqual(self.actions(OTHER_CLERK, payment), [])
		self.assertRefused(OTHER_CLERK, payment, "Verify")
		with self.assertRaisesRegex(ApprovalNeeded, "Accounts Manager.* has to verify"):
			self.submitted_by(OTHER_CLERK, payment)
		self.assertState(payment, "Entered", 0)
		own = self.payment(self.boss)
		self.assertNotIn(self.boss, self.asked(own))
		self.assertRefused(self.boss, own, "Verify")

	def test_a_stand_in_verifies(self):
		self.switch()
		f.make_stand_in(self.boss, OTHER_CLERK)
		payment = self.payment()
		self.assertEqual(self.asked(payment), sorted([self.boss, OTHER_CLERK]))
		self.assertEqual(self.actions(OTHER_CLERK, payment), ["Verify"])
		act(OTHER_CLERK, payment, "Verify")
		self.assertState(payment, "Verified", 1)
		self.assertEqual(
			comments_on("Payment Entry", payment.name)[-1:],
			["verified for workflow-boss (stand-in)"],
		)
		own = self.payment(OTHER_CLERK)
		self.assertEqual(self.asked(own), [self.boss])
		self.assertRefused(OTHER_CLERK, own, "Verify")

	def test_deleted_it_asks_nobody(self):
		self.switch()
		payment = self.payment()
		payment.delete()
		self.assertFalse(frappe.db.exists("Follow Up", {"reference_name": payment.name}))

	def test_without_a_role_nobody_is_asked_and_anybody_else_verifies(self):
		self.switch(None)
		payment = self.payment()
		self.assertEqual(asking.asked(payment), [])
		act(OTHER_CLERK, payment, "Verify")
		self.assertState(payment, "Verified", 1)

	def test_what_code_enters_is_asked_for_once_somebody_saves_it(self):
		self.switch()
		payment = f.make_payment(f.make_direct_invoice(), submit=False)
		asking.forget("Payment Entry")
		payment.flags.ignore_permissions = True
		payment.save()
		self.assertEqual(asking.asked(payment), [])
		frappe.get_doc("Payment Entry", payment.name).save()
		self.assertEqual(self.asked(payment), [self.boss])

	def test_called_done_by_hand_it_is_refused_and_waits(self):
		self.switch()
		payment = self.payment()
		name = frappe.db.get_value("Follow Up", {"reference_name": payment.name, "responsible": self.boss})
		with self.set_user(self.boss), self.assertRaisesRegex(frappe.ValidationError, "is answered on"):
			api.log_and_plan("Payment Entry", payment.name, {"channel": "Other"}, follow_up=name)
		self.assertEqual(frappe.db.get_value("Follow Up", name, "status"), "Open")
		self.assertState(payment, "Entered", 0)

	def test_who_is_asked_finds_it_among_the_follow_ups(self):
		self.switch()
		payment = self.payment()
		for user, found in ((self.boss, True), (CLERK, True), (SELLER, False)):
			with self.set_user(user):
				names = frappe.get_list("Follow Up", {"reference_name": payment.name}, pluck="name")
			self.assertEqual(bool(names), found, user)
