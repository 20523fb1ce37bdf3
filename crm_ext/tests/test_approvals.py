"""Approving in somebody's name, verifying payments, changes of what is submitted, and what deals tell of approvals."""

import json

import frappe
import pytest
from erpnext.controllers.accounts_controller import update_child_qty_rate
from frappe.model.workflow import get_transitions, get_workflow, is_transition_condition_satisfied
from frappe.utils import add_days, nowdate

from crm_ext import tasks
from crm_ext.api import follow_ups as api
from crm_ext.hierarchy import world
from crm_ext.tests import factories as f
from crm_ext.tests.processes import CommittingTestCase, run_queue
from crm_ext.tests.test_workflows import WorkflowTestCase
from crm_ext.tests.workflows import (
	CLERK,
	DIRECTOR,
	GREAT,
	MANAGER,
	OTHER_CLERK,
	OUTSIDER,
	SELLER,
	SETTINGS,
	SMALL,
	act,
	forget,
	make_people,
	switch,
)
from crm_ext.workflows import asking
from crm_ext.workflows import limits as rules
from crm_ext.workflows.approvals import ApprovalNeeded
from crm_ext.workflows.changes import Known, raised
from crm_ext.workflows.limits import Figures, Limit, Line

HELPER, THIRD = "workflow-helper@example.com", "workflow-third@example.com"
LIMITS = (
	("Quotation", "Value", 5_000, SMALL),
	("Quotation", "Value", 20_000, GREAT),
	("Sales Order", "Value", 5_000, SMALL),
	("Sales Order", "Discount %", 10, SMALL),
)


def stand_in(user: str, other: str, first: int = 0, last: int = 0):
	"""`other` stands in for `user` from so many days from today to so many."""
	return frappe.get_doc(
		{
			"doctype": "Stand In",
			"user": user,
			"stand_in": other,
			"from_date": add_days(nowdate(), first),
			"to_date": add_days(nowdate(), last),
		}
	).insert()


def ensure_mail() -> None:
	if frappe.db.exists("Email Account", {"default_outgoing": 1}):
		return
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


def mails_about(document) -> dict[str, str]:
	"""Recipient -> what is attached."""
	queued = frappe.get_all(
		"Email Queue",
		{"reference_doctype": document.doctype, "reference_name": document.name},
		["name", "attachments"],
	)
	return {
		frappe.db.get_value("Email Queue Recipient", {"parent": row.name}, "recipient"): row.attachments
		for row in queued
	}


def comments_on(doctype: str, name: str) -> list[str]:
	return frappe.get_all(
		"Comment",
		{"reference_doctype": doctype, "reference_name": name, "comment_type": "Info"},
		pluck="content",
		order_by="creation",
	)


class ApprovalTestCase(WorkflowTestCase):
	def setUp(self):
		super().setUp()
		for user in (HELPER, THIRD):
			f.make_user(user, "Sales User")
		world.clear()

	def tearDown(self):
		super().tearDown()
		world.clear()

	def pending(self, amount: float = 6_000, user: str = SELLER):
		quotation = self.quotation(amount, user)
		act(user, quotation, "Request Approval")
		return quotation


class TestStandIn(ApprovalTestCase):
	def test_is_asked_and_approves(self):
		ensure_mail()
		switch(*LIMITS, quotation=1)
		stand_in(MANAGER, HELPER)
		quotation = self.pending()
		asked = self.asked(quotation)
		self.assertIn(MANAGER, asked)
		self.assertIn(HELPER, asked)
		subject = frappe.db.get_value(
			"Follow Up", {"reference_name": quotation.name, "responsible": HELPER}, "subject"
		)
		self.assertIn(f"Approve Quotation {quotation.name}", subject)
		self.assertIn("in place of workflow-manager", subject)
		for user in (MANAGER, HELPER):
			self.assertTrue(
				frappe.db.exists("Notification Log", {"document_name": quotation.name, "for_user": user})
			)
		mails = mails_about(quotation)
		self.assertIn("print_format_attachment", mails[HELPER])
		self.assertNotIn(MANAGER, mails)
		self.assertEqual(self.actions(HELPER, quotation), ["Approve", "Send Back"])
		act(HELPER, quotation, "Approve")
		self.assertState(quotation, "Sent", 1)
		self.assertEqual(self.asked(quotation), [])
		self.assertEqual(
			comments_on("Quotation", quotation.name)[-1:],
			["workflow-helper approved for workflow-manager (stand-in)"],
		)

	def test_sends_back(self):
		switch(*LIMITS, quotation=1)
		stand_in(MANAGER, HELPER)
		quotation = self.pending()
		act(HELPER, quotation, "Send Back")
		self.assertState(quotation, "Draft", 0)
		self.assertEqual(self.asked(quotation), [])

	def test_by_submitting_without_an_action(self):
		switch(*LIMITS, quotation=1)
		stand_in(MANAGER, HELPER)
		quotation = self.pending()
		frappe.set_user(HELPER)
		frappe.get_doc("Quotation", quotation.name).submit()
		frappe.set_user("Administrator")
		self.assertState(quotation, "Sent", 1)

	def test_only_on_the_days_named(self):
		switch(*LIMITS, quotation=1)
		for first, last in ((-2, -1), (1, 2)):
			absence = stand_in(MANAGER, HELPER, first, last)
			quotation = self.pending()
			self.assertNotIn(HELPER, self.asked(quotation))
			self.assertEqual(self.actions(HELPER, quotation), [])
			self.assertRefused(HELPER, quotation, "Approve")
			frappe.set_user(HELPER)
			with self.assertRaises(ApprovalNeeded):
				frappe.get_doc("Quotation", quotation.name).submit()
			frappe.set_user("Administrator")
			absence.delete()
		for first, last in ((-1, 0), (0, 1)):
			absence = stand_in(MANAGER, HELPER, first, last)
			self.assertIn(HELPER, self.asked(self.pending()))
			absence.delete()

	def test_not_without_erpnexts_permission_to_submit(self):
		switch(*LIMITS, quotation=1)
		stand_in(MANAGER, OUTSIDER)
		quotation = self.pending()
		self.assertNotIn(OUTSIDER, self.asked(quotation))
		self.assertRefused(OUTSIDER, quotation, "Approve", frappe.PermissionError)

	def test_not_for_somebody_who_may_not_either_or_has_left(self):
		switch(*LIMITS, quotation=1)
		stand_in(THIRD, HELPER)
		quotation = self.pending()
		self.assertNotIn(HELPER, self.asked(quotation))
		self.assertRefused(HELPER, quotation, "Approve")
		stand_in(MANAGER, HELPER)
		self.assertEqual(self.actions(HELPER, quotation), ["Approve", "Send Back"])
		frappe.db.set_value("User", MANAGER, "enabled", 0)
		frappe.clear_cache(user=MANAGER)
		frappe.clear_document_cache("User", MANAGER)
		self.assertEqual(self.actions(HELPER, quotation), [])
		self.assertRefused(HELPER, quotation, "Approve")

	def test_nobody_approves_an_own_document_in_anothers_name(self):
		switch(*LIMITS, quotation=1)
		stand_in(MANAGER, HELPER)
		own = self.pending(user=HELPER)
		self.assertNotIn(HELPER, self.asked(own))
		self.assertEqual(self.actions(HELPER, own), ["Withdraw"])
		self.assertRefused(HELPER, own, "Approve")
		# Entered by somebody else, but asked for by the stand-in.
		other = self.quotation(6_000)
		act(HELPER, other, "Request Approval")
		self.assertNotIn(HELPER, self.asked(other))
		self.assertRefused(HELPER, other, "Approve", ApprovalNeeded)
		act(MANAGER, other, "Approve")
		self.assertState(other, "Sent", 1)

	def test_not_passed_on(self):
		switch(*LIMITS, quotation=1)
		stand_in(MANAGER, HELPER)
		stand_in(HELPER, THIRD)
		quotation = self.pending()
		self.assertIn(HELPER, self.asked(quotation))
		self.assertNotIn(THIRD, self.asked(quotation))
		asking.ask_stand_ins()
		self.assertNotIn(THIRD, self.asked(quotation))
		self.assertEqual(self.actions(THIRD, quotation), [])
		self.assertRefused(THIRD, quotation, "Approve")

	def test_own_roles_and_those_of_several_absent_count_together(self):
		switch(("Quotation", "Value", 5_000, SMALL), ("Quotation", "Discount %", 10, GREAT), quotation=1)
		rows = f.item_rows((f.SERVICE, 1, 8_500))
		rows[0].update({"price_list_rate": 10_000, "discount_percentage": 15})
		for approver, absent in ((MANAGER, (DIRECTOR,)), (HELPER, (MANAGER, DIRECTOR))):
			frappe.db.delete("Stand In")
			world.clear()
			quotation = self.made_by(SELLER, f.make_quotation, items=rows)
			act(SELLER, quotation, "Request Approval")
			if approver == MANAGER:
				self.assertRefused(approver, quotation, "Approve", ApprovalNeeded)
			for one in absent:
				stand_in(one, approver)
			act(approver, quotation, "Approve")
			self.assertState(quotation, "Sent", 1)
			names = " ".join(comments_on("Quotation", quotation.name))
			for one in absent:
				self.assertIn(one.split("@")[0], names)

	def test_one_button_for_who_has_the_role(self):
		switch(*LIMITS, quotation=1)
		stand_in(MANAGER, THIRD)
		frappe.get_doc("User", THIRD).add_roles(SMALL)
		quotation = self.pending()
		frappe.set_user(THIRD)
		found = [row["action"] for row in get_transitions(frappe.get_doc("Quotation", quotation.name))]
		frappe.set_user("Administrator")
		self.assertEqual(sorted(found), ["Approve", "Send Back"])
		act(THIRD, quotation, "Approve")
		self.assertEqual(
			[text for text in comments_on("Quotation", quotation.name) if "stand-in" in text], []
		)

	def test_what_the_question_costs(self):
		switch(*LIMITS, quotation=1)
		stand_in(MANAGER, HELPER)
		small, large = self.quotation(1_000), self.pending()
		ways = get_workflow("Quotation").transitions
		for user, document, most in ((HELPER, small, 0), (THIRD, large, 1), (HELPER, large, 2)):
			frappe.set_user(user)
			document = frappe.get_doc("Quotation", document.name)
			for way in ways:
				is_transition_condition_satisfied(way, document)  # caches are warm
				with self.assertQueryCount(most):
					is_transition_condition_satisfied(way, document)
			frappe.set_user("Administrator")

	def test_one_who_begins_while_it_waits(self):
		ensure_mail()
		switch(*LIMITS, quotation=1)
		quotation = self.pending()
		stand_in(MANAGER, THIRD, 1, 2)
		self.assertEqual(asking.ask_stand_ins(), [])
		stand_in(MANAGER, HELPER)
		self.assertEqual(asking.ask_stand_ins(), [(quotation.name, HELPER)])
		self.assertEqual(asking.ask_stand_ins(), [])
		self.assertIn(HELPER, self.asked(quotation))
		self.assertIn("print_format_attachment", mails_about(quotation)[HELPER])
		told = frappe.get_all(
			"Notification Log", {"document_name": quotation.name, "for_user": HELPER}, pluck="subject"
		)
		self.assertEqual(len(told), 1)
		self.assertIn("workflow-seller asks", told[0])
		act(HELPER, quotation, "Approve")
		# Who asked is answered once, whoever named the stand-in hears nothing.
		answers = frappe.get_all(
			"Notification Log",
			{"document_name": quotation.name, "subject": ("like", "%approved")},
			pluck="for_user",
		)
		self.assertEqual(answers, [SELLER])

	def test_an_opportunity_is_seen_by_one(self):
		switch(("Opportunity", "Value", 5_000, SMALL), opportunity=1)
		stand_in(MANAGER, HELPER)
		found = {}
		for named in (SELLER, HELPER):
			opportunity = self.made_by(
				SELLER,
				lambda submit, named=named: f.make_opportunity(f.make_lead(), 6_000, opportunity_owner=named),
			)
			act(SELLER, opportunity, "Request Approval")
			found[named] = opportunity
		self.assertIn(HELPER, self.asked(found[SELLER]))
		self.assertEqual(self.actions(HELPER, found[SELLER]), ["Approve", "Send Back"])
		act(HELPER, found[SELLER], "Approve")
		self.assertState(found[SELLER], "Qualified", 0)
		self.assertEqual(self.asked(found[SELLER]), [])
		self.assertIn(
			"workflow-helper approved for workflow-manager (stand-in)",
			comments_on("Opportunity", found[SELLER].name),
		)
		# Their own, though somebody else entered it and asked.
		self.assertNotIn(HELPER, self.asked(found[HELPER]))
		self.assertRefused(HELPER, found[HELPER], "Approve")

	def test_one_whose_days_are_over(self):
		switch(*LIMITS, quotation=1)
		absence = stand_in(MANAGER, HELPER)
		quotation = self.pending()
		self.assertEqual(asking.close_ended(), 0)
		absence.update({"from_date": add_days(nowdate(), -3), "to_date": add_days(nowdate(), -1)}).save()
		self.assertEqual(asking.close_ended(), 1)
		self.assertNotIn(HELPER, self.asked(quotation))
		self.assertIn(MANAGER, self.asked(quotation))

	def test_switched_off_it_is_nobodys_task(self):
		switch(*LIMITS, quotation=1)
		quotation = self.pending()
		switch(*LIMITS, quotation=0)
		self.assertEqual(asking.asked(quotation), [])
		self.assertIsNone(frappe.db.get_value("Quotation", quotation.name, "next_follow_up_on"))

	def test_nothing_is_asked_while_off(self):
		quotation = self.quotation(6_000)
		with self.assertQueryCount(1):
			self.assertEqual(asking.ask_stand_ins(), [])
		self.assertEqual(self.asked(quotation), [])


class TestVerifier(ApprovalTestCase):
	ROLE = "Accounts Manager"

	def setUp(self):
		super().setUp()
		self.boss = f.make_user("workflow-boss@example.com", "Accounts User", self.ROLE).name

	def payment(self, user: str = CLERK, **values):
		return self.made_by(user, f.make_payment, document=f.make_direct_invoice(), **values)

	def switch(self, role: str | None = ROLE):
		switch(payment_entry=1)
		settings = frappe.get_single(SETTINGS)
		settings.payment_verifier_role = role
		settings.save(ignore_permissions=True)

	def test_is_asked_with_the_document_and_settles_it(self):
		ensure_mail()
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
		frappe.set_user(OTHER_CLERK)
		with self.assertRaisesRegex(ApprovalNeeded, "Accounts Manager.* has to verify"):
			frappe.get_doc("Payment Entry", payment.name).submit()
		frappe.set_user("Administrator")
		self.assertState(payment, "Entered", 0)
		own = self.payment(self.boss)
		self.assertNotIn(self.boss, self.asked(own))
		self.assertRefused(self.boss, own, "Verify")

	def test_a_stand_in_verifies(self):
		self.switch()
		stand_in(self.boss, OTHER_CLERK)
		payment = self.payment()
		self.assertEqual(self.asked(payment), sorted([self.boss, OTHER_CLERK]))
		self.assertEqual(self.actions(OTHER_CLERK, payment), ["Verify"])
		act(OTHER_CLERK, payment, "Verify")
		self.assertState(payment, "Verified", 1)
		self.assertEqual(
			comments_on("Payment Entry", payment.name)[-1:],
			["workflow-other-clerk verified for workflow-boss (stand-in)"],
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

	def test_done_by_hand_it_still_waits_to_be_verified(self):
		self.switch()
		payment = self.payment()
		name = frappe.db.get_value("Follow Up", {"reference_name": payment.name, "responsible": self.boss})
		frappe.set_user(self.boss)
		api.log_and_plan("Payment Entry", payment.name, {"channel": "Other"}, follow_up=name)
		frappe.set_user("Administrator")
		self.assertEqual(frappe.db.get_value("Follow Up", name, "status"), "Done")
		self.assertState(payment, "Entered", 0)

	def test_who_is_asked_finds_it_among_the_follow_ups(self):
		self.switch()
		payment = self.payment()
		for user, found in ((self.boss, True), (CLERK, True), (SELLER, False)):
			frappe.set_user(user)
			names = frappe.get_list("Follow Up", {"reference_name": payment.name}, pluck="name")
			frappe.set_user("Administrator")
			self.assertEqual(bool(names), found, user)


class TestUpdateItems(ApprovalTestCase):
	def submitted(self, qty: float = 1, rate: float = 1_000, list_rate: float = 0, by: str = SELLER):
		rows = f.item_rows((f.SERVICE, qty, rate))
		if list_rate:
			rows[0].update(
				{"price_list_rate": list_rate, "discount_percentage": 100 * (1 - rate / list_rate)}
			)
		order = self.made_by(SELLER, f.make_sales_order, items=rows)
		act(by, order, "Submit" if by == SELLER else "Approve")
		return order.reload()

	def change(self, user: str, document, *changes: dict, new: tuple[dict, ...] = ()):
		"""What ERPNext's Update Items sends, in a transaction of its own."""
		rows = [
			{
				"docname": row.name,
				"item_code": row.item_code,
				"qty": row.qty,
				"rate": row.rate,
				"uom": row.uom,
				"conversion_factor": row.conversion_factor,
				"delivery_date": str(row.get("delivery_date") or ""),
				"idx": row.idx,
				**(changes[place] if place < len(changes) else {}),
			}
			for place, row in enumerate(document.reload().items)
		]
		frappe.db.savepoint("update_items")
		frappe.set_user(user)
		try:
			update_child_qty_rate(document.doctype, json.dumps([*rows, *new], default=str), document.name)
		except Exception:
			frappe.db.rollback(save_point="update_items")
			raise
		finally:
			frappe.set_user("Administrator")
		return document.reload()

	def assertChangeRefused(self, user: str, document, *changes: dict, **values):
		before = document.reload().as_dict()
		with self.assertRaisesRegex(ApprovalNeeded, "Sales Manager has to approve.*submitted for less"):
			self.change(user, document, *changes, **values)
		frappe.clear_messages()
		self.assertEqual(document.reload().as_dict(), before)

	def test_within_the_limits_as_before(self):
		switch(*LIMITS, sales_order=1)
		order = self.change(SELLER, self.submitted(), {"qty": 3})
		self.assertEqual((order.base_grand_total, order.approval_needed), (3_000, 0))

	def test_beyond_a_value(self):
		switch(*LIMITS, sales_order=1)
		order = self.submitted()
		self.assertChangeRefused(SELLER, order, {"qty": 6})
		self.change(MANAGER, order, {"qty": 6})
		self.assertEqual((order.base_grand_total, order.approval_needed), (6_000, 1))
		self.assertIn("$ 6,000.00 is above", order.approval_reasons)
		approved = [text for text in comments_on("Sales Order", order.name) if "approved a change" in text]
		self.assertEqual(len(approved), 1)
		self.assertIn("is above", approved[0])

	def test_what_was_approved_may_be_changed_and_lowered(self):
		switch(*LIMITS, sales_order=1)
		order = self.submitted(qty=8, by=MANAGER)
		self.assertChangeRefused(SELLER, order, {"qty": 9})
		self.change(SELLER, order, {"delivery_date": add_days(nowdate(), 9)})
		self.change(SELLER, order, {"qty": 6})
		self.assertEqual((order.base_grand_total, order.approval_needed), (6_000, 1))
		# Lowered once, it counts as submitted for that.
		self.assertChangeRefused(SELLER, order, {"qty": 7})
		self.change(SELLER, order, {"qty": 2})
		self.assertEqual((order.base_grand_total, order.approval_needed), (2_000, 0))
		self.assertIsNone(order.approval_reasons)

	def test_beyond_a_discount_in_any_row(self):
		switch(*LIMITS, sales_order=1)
		order = self.submitted(rate=850, list_rate=1_000, by=MANAGER)
		self.assertChangeRefused(SELLER, order, {"rate": 800})
		self.change(SELLER, order, {"rate": 870})
		self.assertEqual(order.items[0].discount_percentage, 13)
		self.assertEqual(order.approval_needed, 1)
		self.assertChangeRefused(SELLER, order, {"rate": 850})
		self.change(MANAGER, order, {"rate": 700})
		self.assertIn("Discount of 30 %", order.approval_reasons)

	def test_rows_that_come_and_go(self):
		switch(*LIMITS, sales_order=1)
		order = self.submitted()
		added = {
			"item_code": f.SERVICE,
			"qty": 5,
			"rate": 1_000,
			"uom": order.items[0].uom,
			"conversion_factor": 1,
			"delivery_date": str(order.delivery_date),
			"idx": 2,
		}
		self.assertChangeRefused(SELLER, order, new=(added,))
		self.change(MANAGER, order, new=(added,))
		self.assertEqual([row.qty for row in order.items], [1, 5])
		order.items.pop()
		self.assertEqual(order.base_grand_total, 6_000)

	def test_a_stand_in_changes_it(self):
		switch(*LIMITS, sales_order=1)
		order = self.submitted()
		self.assertChangeRefused(HELPER, order, {"qty": 6})
		stand_in(MANAGER, HELPER)
		self.change(HELPER, order, {"qty": 6})
		self.assertIn("(stand-in)", " ".join(comments_on("Sales Order", order.name)))

	def test_quotations_in_each_state(self):
		switch(*LIMITS, quotation=1)
		quotation = self.quotation(0, rows=((f.SERVICE, 4, 1_000),))
		act(SELLER, quotation, "Submit")
		self.assertChangeRefused(SELLER, quotation, {"qty": 6})
		self.change(SELLER, quotation, {"qty": 5})
		order = f.make_sales_order(quotation.reload(), submit=False)
		order.items[0].qty = 2
		order.save().submit()
		self.assertState(quotation, "Accepted", 1)
		self.assertEqual(quotation.reload().status, "Partially Ordered")
		self.change(SELLER, quotation, {"qty": 3})
		self.assertEqual(quotation.items[0].qty, 3)
		self.assertState(quotation, "Accepted", 1)

	def test_submitted_before_the_workflow_was_on(self):
		order = self.order(6_000, submit=True)
		switch(*LIMITS, sales_order=1)
		self.change(SELLER, order, {"delivery_date": add_days(nowdate(), 9)})
		self.assertChangeRefused(SELLER, order, {"rate": 6_001})
		self.change(SELLER, order, {"rate": 5_999})

	def test_off_it_costs_no_query(self):
		from crm_ext.events import selling_row, workflow

		order = self.order(6_000, submit=True)
		workflow.on_update_after_submit(order)
		with self.assertQueryCount(0):
			selling_row.before_write(order.items[0])
			workflow.before_update_after_submit(order)
			workflow.on_update_after_submit(order)
		self.change(SELLER, order, {"qty": 3})
		self.assertEqual(order.base_grand_total, 18_000)


@pytest.mark.pure
def test_what_counts_as_going_further():
	limits = [Limit(rules.VALUE, 100, "A"), Limit(rules.DISCOUNT, 10, "A"), Limit(rules.MARGIN, 20, "A")]

	def known(value: float, *discounts: float, cost: float = 0) -> Known:
		lines = tuple(
			Line(idx, 100, 100 - discount, 100 - discount, cost) for idx, discount in enumerate(discounts, 1)
		)
		figures = Figures("Ours", value, lines)
		return Known(figures, {f"row {idx}": discount for idx, discount in enumerate(discounts, 1)})

	def measures(before: Known, after: Known) -> list[tuple[str, int | None]]:
		return [(finding.measure, finding.line) for finding in raised(before, after, limits)]

	assert measures(known(150, 15), known(150, 15)) == []
	assert measures(known(150, 15), known(120, 12)) == []
	assert measures(known(150, 15), known(151, 15)) == [(rules.VALUE, None)]
	assert measures(known(150, 15), known(90, 16)) == [(rules.DISCOUNT, 1)]
	# Another row than the one that was approved.
	assert measures(known(90, 15, 0), known(90, 15, 12)) == [(rules.DISCOUNT, 2)]
	assert measures(known(90, 15), known(90, 15, 12)) == [(rules.DISCOUNT, 2)]
	assert measures(known(90, 5), known(90, 9)) == []
	assert measures(known(90, 0, cost=90), known(90, 0, cost=90)) == []
	assert measures(known(90, 0, cost=90), known(90, 5, cost=90)) == [(rules.MARGIN, None)]
	assert measures(known(90, 5, cost=90), known(90, 0, cost=90)) == []


class TestOnTheDeal(CommittingTestCase):
	"""By real transactions and a real worker."""

	def setUp(self):
		super().setUp()
		make_people()
		f.make_user(HELPER, "Sales User")
		f.make_user("workflow-boss@example.com", "Accounts User", "Accounts Manager")
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
		frappe.set_user(SELLER)
		quotation = f.make_quotation(rows=((f.SERVICE, 1, 6_000),), submit=False)
		frappe.set_user("Administrator")
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
		self.assertIn(f"workflow-manager approved Quotation {quotation.name}.", told)
		self.assertIn("is above", told)
		run_queue()
		self.assertEqual(self.told(quotation), [told])
		quotation.reload().cancel()
		frappe.db.commit()
		self.assertEqual(self.told(quotation), [told])  # it was approved, whatever came of it
		self.assertEqual(self.errors_logged(), [])

	def test_of_an_opportunity(self):
		switch(("Opportunity", "Value", 5_000, SMALL), opportunity=1)
		frappe.set_user(SELLER)
		opportunity = f.make_opportunity(f.make_lead(), 6_000)
		frappe.set_user("Administrator")
		act(SELLER, opportunity, "Request Approval")
		frappe.db.commit()
		act(MANAGER, opportunity, "Approve")
		frappe.db.commit()
		(told,) = self.told(opportunity)
		self.assertIn(f"workflow-manager approved Opportunity {opportunity.name}.", told)
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
		stand_in(MANAGER, HELPER)
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
		self.assertIn(
			f"workflow-helper approved Quotation {quotation.name} for workflow-manager (stand-in).", told
		)

	def test_a_payment_is_verified(self):
		invoice = f.make_sales_invoice(f.make_sales_order(rows=((f.SERVICE, 1, 500),)))
		frappe.set_user(CLERK)
		payment = f.make_payment(invoice, submit=False)
		frappe.set_user("Administrator")
		frappe.db.commit()
		act(OTHER_CLERK, payment, "Verify")
		frappe.db.commit()
		(told,) = self.told(payment)
		self.assertIn(f"workflow-other-clerk verified Payment Entry {payment.name}.", told)
