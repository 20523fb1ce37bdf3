"""Approving in the name of somebody who is away."""

import frappe
from frappe.model.workflow import get_transitions, get_workflow, is_transition_condition_satisfied
from frappe.utils import add_days, nowdate

from crm_ext.hierarchy import world
from crm_ext.tests import factories as f
from crm_ext.tests.workflows import (
	DIRECTOR,
	GREAT,
	HELPER,
	LIMITS,
	MANAGER,
	OUTSIDER,
	SELLER,
	SMALL,
	THIRD,
	ApprovalTestCase,
	act,
	comments_on,
	mails_about,
	switch,
)
from crm_ext.workflows import asking
from crm_ext.workflows.approvals import ApprovalNeeded


class TestStandIn(ApprovalTestCase):
	def test_is_asked_and_approves(self):
		self.make_email_account()
		switch(*LIMITS, quotation=1)
		f.make_stand_in(MANAGER, HELPER)
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
			["approved for workflow-manager (stand-in)"],
		)

	def test_sends_back(self):
		switch(*LIMITS, quotation=1)
		f.make_stand_in(MANAGER, HELPER)
		quotation = self.pending()
		act(HELPER, quotation, "Send Back")
		self.assertState(quotation, "Draft", 0)
		self.assertEqual(self.asked(quotation), [])

	def test_by_submitting_without_an_action(self):
		switch(*LIMITS, quotation=1)
		f.make_stand_in(MANAGER, HELPER)
		quotation = self.pending()
		self.submitted_by(HELPER, quotation)
		self.assertState(quotation, "Sent", 1)

	def test_only_on_the_days_named(self):
		switch(*LIMITS, quotation=1)
		for first, last in ((-2, -1), (1, 2)):
			absence = f.make_stand_in(MANAGER, HELPER, first, last)
			quotation = self.pending()
			self.assertNotIn(HELPER, self.asked(quotation))
			self.assertEqual(self.actions(HELPER, quotation), [])
			self.assertRefused(HELPER, quotation, "Approve")
			with self.assertRaises(ApprovalNeeded):
				self.submitted_by(HELPER, quotation)
			absence.delete()
		for first, last in ((-1, 0), (0, 1)):
			absence = f.make_stand_in(MANAGER, HELPER, first, last)
			self.assertIn(HELPER, self.asked(self.pending()))
			absence.delete()

	def test_not_without_erpnexts_permission_to_submit(self):
		switch(*LIMITS, quotation=1)
		f.make_stand_in(MANAGER, OUTSIDER)
		quotation = self.pending()
		self.assertNotIn(OUTSIDER, self.asked(quotation))
		self.assertRefused(OUTSIDER, quotation, "Approve", frappe.PermissionError)

	def test_not_for_somebody_who_may_not_either_or_has_left(self):
		switch(*LIMITS, quotation=1)
		f.make_stand_in(THIRD, HELPER)
		quotation = self.pending()
		self.assertNotIn(HELPER, self.asked(quotation))
		self.assertRefused(HELPER, quotation, "Approve")
		f.make_stand_in(MANAGER, HELPER)
		self.assertEqual(self.actions(HELPER, quotation), ["Approve", "Send Back"])
		frappe.db.set_value("User", MANAGER, "enabled", 0)
		frappe.clear_cache(user=MANAGER)
		frappe.clear_document_cache("User", MANAGER)
		self.assertEqual(self.actions(HELPER, quotation), [])
		self.assertRefused(HELPER, quotation, "Approve")

	def test_nobody_approves_an_own_document_in_anothers_name(self):
		switch(*LIMITS, quotation=1)
		f.make_stand_in(MANAGER, HELPER)
		own = self.pending(user=HELPER)
		self.assertNotIn(HELPER, self.asked(own))
		self.assertEqual(self.actions(HELPER, own), ["Withdraw"])
		self.assertRefused(HELPER, own, "Approve")
		# Entered by somebody else, but asked for by the stand-in.
		other = self.quotation(6_000)
		act(HELPER, other, "Request Approval")
		self.assertNotIn(HELPER, self.asked(other))
		self.assertEqual(self.actions(HELPER, other), [])
		self.assertRefused(HELPER, other, "Approve")
		with self.assertRaises(ApprovalNeeded):
			self.submitted_by(HELPER, other)
		act(MANAGER, other, "Approve")
		self.assertState(other, "Sent", 1)

	def test_not_passed_on(self):
		switch(*LIMITS, quotation=1)
		f.make_stand_in(MANAGER, HELPER)
		f.make_stand_in(HELPER, THIRD)
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
				f.make_stand_in(one, approver)
			act(approver, quotation, "Approve")
			self.assertState(quotation, "Sent", 1)
			names = " ".join(comments_on("Quotation", quotation.name))
			for one in absent:
				self.assertIn(one.split("@")[0], names)

	def test_one_button_for_who_has_the_role(self):
		switch(*LIMITS, quotation=1)
		f.make_stand_in(MANAGER, THIRD)
		frappe.get_doc("User", THIRD).add_roles(SMALL)
		quotation = self.pending()
		with self.set_user(THIRD):
			found = [row["action"] for row in get_transitions(frappe.get_doc("Quotation", quotation.name))]
		self.assertEqual(sorted(found), ["Approve", "Send Back"])
		act(THIRD, quotation, "Approve")
		self.assertEqual(
			[text for text in comments_on("Quotation", quotation.name) if "stand-in" in text], []
		)

	def test_what_the_question_costs(self):
		switch(*LIMITS, quotation=1)
		f.make_stand_in(MANAGER, HELPER)
		small, large = self.quotation(1_000), self.pending()
		ways = get_workflow("Quotation").transitions
		for user, document, most in ((HELPER, small, 0), (THIRD, large, 1), (HELPER, large, 2)):
			with self.set_user(user):
				document = frappe.get_doc("Quotation", document.name)
				for way in ways:
					is_transition_condition_satisfied(way, document)  # caches are warm
					with self.assertQueryCount(most):
						is_transition_condition_satisfied(way, document)

	def test_one_who_begins_while_it_waits(self):
		self.make_email_account()
		switch(*LIMITS, quotation=1)
		quotation = self.pending()
		f.make_stand_in(MANAGER, THIRD, 1, 2)
		self.assertEqual(asking.ask_stand_ins(), [])
		f.make_stand_in(MANAGER, HELPER)
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
		f.make_stand_in(MANAGER, HELPER)
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
			"approved for workflow-manager (stand-in)",
			comments_on("Opportunity", found[SELLER].name),
		)
		# Their own, though somebody else entered it and asked.
		self.assertNotIn(HELPER, self.asked(found[HELPER]))
		self.assertRefused(HELPER, found[HELPER], "Approve")

	def test_one_whose_days_are_over(self):
		switch(*LIMITS, quotation=1)
		absence = f.make_stand_in(MANAGER, HELPER)
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
