"""Ways around a workflow that somebody may try with a browser's console, an import, or their place in the tree."""

from unittest.mock import patch

import frappe
from frappe.desk.form.save import savedocs
from frappe.utils import nowdate

from crm_ext.constants.workflows import APPROVAL_FIELDS, QUALIFIED_FOR, STATE_FIELD
from crm_ext.follow_ups import guard
from crm_ext.hierarchy import world
from crm_ext.setup.defaults import set_missing_switches
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase
from crm_ext.tests.visibility import BOSS, NORTH, NORTH_2, Sellers
from crm_ext.tests.workflows import (
	CLERK,
	DIRECTOR,
	HELPER,
	LIMITS,
	MANAGER,
	OTHER_CLERK,
	SELLER,
	SETTINGS,
	SMALL,
	THIRD,
	ApprovalTestCase,
	act,
	switch,
)
from crm_ext.workflows import approvals, asking, opportunities, states
from crm_ext.workflows.approvals import ApprovalNeeded


class TestWhatIsSentAlong(ApprovalTestCase):
	def as_seller(self) -> None:
		frappe.set_user(SELLER)
		self.addCleanup(frappe.set_user, "Administrator")

	def test_inserted_as_submitted(self):
		switch(*LIMITS, quotation=1, sales_order=1)
		for draft in (self.quotation(30_000), self.order(6_000)):
			document = frappe.copy_doc(draft)
			document.update({"docstatus": 1, "approval_needed": 0, "approval_roles": "|Sales User|"})
			with self.set_user(SELLER), self.assertRaises(ApprovalNeeded):
				document.insert()
		with self.set_user(SELLER):
			within = frappe.copy_doc(self.quotation(4_000))
			within.docstatus = 1
			within.insert()
		self.assertState(within, "Sent", 1)

	def test_state_and_findings(self):
		switch(*LIMITS, quotation=1)
		quotation = self.quotation(30_000)
		self.as_seller()
		values = frappe.get_doc("Quotation", quotation.name).as_dict()
		values.update({"approval_needed": 0, "approval_roles": "|Sales User|", "approval_reasons": None})
		savedocs(frappe.as_json(values), "Save")
		needed, reasons, roles, _figures = frappe.db.get_value("Quotation", quotation.name, APPROVAL_FIELDS)
		self.assertEqual((needed, roles), (1, "|Maintenance Manager|"))
		self.assertIn("30,000", reasons)
		values = frappe.get_doc("Quotation", quotation.name).as_dict()
		values.update({"approval_needed": 0, STATE_FIELD: "Pending Approval"})
		with self.assertRaises(ApprovalNeeded):
			savedocs(frappe.as_json(values), "Submit")

	def test_what_an_opportunity_was_qualified_for_also_while_off(self):
		frappe.set_user(SELLER)
		opportunity = f.make_opportunity(f.make_lead(), 9_000, **{QUALIFIED_FOR: 1_000_000})
		opportunity.set(QUALIFIED_FOR, 1_000_000)
		opportunity.save()
		frappe.set_user("Administrator")
		switch(("Opportunity", "Value", 5_000, SMALL), opportunity=1)
		self.assertState(opportunity, "Qualification", 0)
		self.assertEqual(frappe.db.get_value("Opportunity", opportunity.name, QUALIFIED_FOR), 0)

	def test_qualified_in_one_company_is_not_in_another(self):
		switch(("Opportunity", "Value", 5_000, SMALL, f.OTHER_COMPANY), opportunity=1)
		opportunity = self.made_by(SELLER, f.make_opportunity, party=f.make_lead(), amount=9_000)
		act(SELLER, opportunity, "Qualify")
		self.assertState(opportunity, "Qualified", 0)
		opportunity.reload().update({"company": f.OTHER_COMPANY}).save()
		self.assertState(opportunity, "Qualification", 0)
		self.assertEqual(self.actions(SELLER, opportunity), ["Request Approval"])

	def test_who_asks_for_an_approval(self):
		switch(*LIMITS, quotation=1)
		quotation = self.quotation(6_000)
		self.as_seller()
		follow_up = frappe.get_doc(
			{
				"doctype": "Follow Up",
				"reference_doctype": "Quotation",
				"reference_name": quotation.name,
				"subject": "Nobody has to know",
				"channel": "Other",
				"due_date": nowdate(),
				"rule_key": "approval:mine",
			}
		).insert()
		follow_up.update({"rule_key": "approval:mine"}).save()
		self.assertEqual(self.asked(quotation), [])
		act(SELLER, quotation, "Request Approval")
		self.assertNotIn(SELLER, self.asked(quotation))
		self.assertTrue(self.asked(quotation))


class TestManyWhoMayApprove(ApprovalTestCase):
	def test_asking_reads_the_document_once_for_all_of_them(self):
		switch(*LIMITS, quotation=1)
		quotation = frappe.get_doc("Quotation", self.quotation(6_000).name)
		for number in range(8):
			f.make_user(f"workflow-one-of-many{number}@example.com", "Sales User", SMALL)
		asking.who(quotation, SELLER)  # what is cached of each user
		with self.assertQueryCount(14):
			asked = asking.who(quotation, SELLER)
		self.assertGreater(len(asked), 8)


class TestStandIns(Sellers, SiteTestCase):
	def test_nobody_makes_themselves_the_stand_in_of_those_below(self):
		frappe.set_user(BOSS)
		self.addCleanup(frappe.set_user, "Administrator")
		other = f.make_stand_in(NORTH, NORTH_2)
		with self.assertRaisesRegex(frappe.PermissionError, "yourself as the stand-in"):
			f.make_stand_in(NORTH, BOSS)
		with self.assertRaisesRegex(frappe.PermissionError, "yourself as the stand-in"):
			other.update({"stand_in": BOSS}).save()
		frappe.set_user("Administrator")
		f.make_stand_in(NORTH, BOSS)


class TestWhoMayBeAway(ApprovalTestCase):
	def test_who_verifies_payments_names_a_stand_in_for_themselves_alone(self):
		with self.set_user(CLERK):
			f.make_stand_in(CLERK, OTHER_CLERK)
			with self.assertRaises(frappe.PermissionError):
				f.make_stand_in(MANAGER, OTHER_CLERK)


class TestGivenAway(ApprovalTestCase):
	"""Who had a document, or asked for its approval, does not approve it in the name of somebody absent."""

	def assertNoWay(self, user: str, document):
		self.assertNotIn(user, self.asked(document))
		self.assertNotIn("Approve", self.actions(user, document))
		self.assertRefused(user, document, "Approve")

	def test_an_opportunity(self):
		for on in (1, 0):
			switch(("Opportunity", "Value", 5_000, SMALL), opportunity=on)
			opportunity = self.made_by(
				SELLER, lambda submit: f.make_opportunity(f.make_lead(), 6_000, opportunity_owner=HELPER)
			)
			with self.set_user(HELPER):
				opportunity.update({"opportunity_owner": SELLER, "approval_hands": None}).save()
			with self.set_user(SELLER):
				opportunity.reload().update({"opportunity_owner": THIRD, "approval_hands": "|x|"}).save()
			self.assertEqual(opportunity.reload().approval_hands, f"|{HELPER}|{SELLER}|")
			switch(("Opportunity", "Value", 5_000, SMALL), opportunity=1)
			f.make_stand_in(MANAGER, HELPER)
			act(THIRD, opportunity, "Request Approval")
			self.assertNoWay(HELPER, opportunity)
			quotation = self.made_by(HELPER, f.make_quotation, source=opportunity.reload())
			with self.assertRaisesRegex(ApprovalNeeded, "has to be seen"):
				self.submitted_by(HELPER, quotation)
			frappe.db.delete("Stand In")
			world.clear()
			f.make_stand_in(MANAGER, CLERK)
			frappe.get_doc("User", CLERK).add_roles("Sales User")
			act(CLERK, opportunity, "Approve")
			self.assertState(opportunity, "Qualified", 0)
			frappe.db.delete("Stand In")
			world.clear()

	def test_another_owner_sent_along(self):
		switch(*LIMITS, quotation=1, payment_entry=1)
		f.make_stand_in(MANAGER, HELPER)
		quotation = self.quotation(6_000, HELPER)
		payment = self.payment(CLERK)
		for user, document in ((HELPER, quotation), (CLERK, payment)):
			with self.set_user(user):
				values = frappe.get_doc(document.doctype, document.name).as_dict()
				savedocs(frappe.as_json({**values, "owner": SELLER}), "Save")
			self.assertEqual(document.reload().owner, user)
		act(HELPER, quotation, "Request Approval")
		self.assertNoWay(HELPER, quotation)
		with self.set_user(OTHER_CLERK):
			payment.reload().update({"remarks": "Seen", "custom_remarks": 1}).save()
		self.assertRefused(CLERK, payment, "Verify")

	def test_asked_for_and_withdrawn_from_the_list(self):
		switch(*LIMITS, quotation=1)
		f.make_stand_in(MANAGER, HELPER)
		quotation = self.quotation(6_000)
		act(HELPER, quotation, "Request Approval")
		for row in asking.asked(quotation):
			follow_up = frappe.get_doc("Follow Up", row.name)
			follow_up.update({"status": "Cancelled"}).save(ignore_permissions=True)
		self.assertEqual(asking.asked(quotation), [])
		self.assertNoWay(HELPER, quotation)
		with self.set_user(HELPER):
			draft = frappe.get_doc("Quotation", quotation.name).as_dict()
			with self.assertRaises(ApprovalNeeded):
				savedocs(frappe.as_json({**draft, "approval_hands": None, "owner": SELLER}), "Submit")


class TestRenames(ApprovalTestCase):
	def test_a_role_that_approves(self):
		role = frappe.get_doc(
			{"doctype": "Role", "role_name": f.unique("Approver"), "desk_access": 1}
		).insert()
		f.make_user(DIRECTOR, "Sales User", role.name)
		switch(("Quotation", "Value", 5_000, role.name), quotation=1)
		before = self.quotation(6_000)
		frappe.rename_doc("Role", role.name, f"{role.name} Renamed")
		self.addCleanup(frappe.clear_cache)
		for quotation in (before, self.quotation(6_000)):
			self.assertEqual(self.actions(DIRECTOR, quotation), ["Approve", "Request Approval"])


class TestErrorsOfOurs(ApprovalTestCase):
	def test_a_state_that_cannot_be_told_fails_no_save(self):
		switch(*LIMITS, quotation=1)
		quotation = self.quotation(4_000)
		with patch.object(states, "of", side_effect=ValueError("on purpose")):
			act(SELLER, quotation, "Submit")
		self.assertState(quotation, "Sent", 1)
		self.expect_error("state of the document failed")

	def test_one_opportunity_holds_up_no_other(self):
		switch(opportunity=1)
		first, second = (f.make_opportunity(f.make_lead()) for _ in range(2))
		for opportunity in (first, second):
			frappe.db.set_value("Opportunity", opportunity.name, "status", "Closed")
		move = opportunities.move

		def fail_at_first(document, state):
			if document.name == first.name:
				raise ValueError("on purpose")
			move(document, state)

		with patch.object(opportunities, "move", fail_at_first):
			approvals.catch_up()
		self.assertState(first, "Qualification", 0)
		self.assertState(second, "Closed", 0)
		self.expect_error("state of the opportunity failed")

	def expect_error(self, what: str) -> None:
		logged = {
			name
			for name in self.errors_logged() - self.errors
			if frappe.db.get_value("Error Log", name, "method") == f"CRM Ext: {what}"
		}
		self.assertTrue(logged)
		self.errors |= logged


class TestBestEffort(SiteTestCase):
	def test_what_was_done_before_another_one_within_is_undone_as_well(self):
		lead = f.make_lead()
		with guard.best_effort("outer failed", "Lead", lead.name):
			frappe.db.set_value("Lead", lead.name, "city", "Outer")
			with guard.best_effort("inner failed", "Lead", lead.name):
				frappe.db.set_value("Lead", lead.name, "state", "Inner")
			raise frappe.ValidationError("on purpose")
		self.assertEqual(frappe.db.get_value("Lead", lead.name, ["city", "state"]), (None, None))


class TestAnotherWorkflow(ApprovalTestCase):
	def test_made_active_after_ours_stays_and_keeps_nobody_from_saving_the_settings(self):
		switch(*LIMITS, quotation=1)
		ours = frappe.get_doc("Workflow", "CRM Ext Quotation")
		theirs = frappe.copy_doc(ours)
		theirs.workflow_name = "Quotations of the Site"
		theirs.insert()
		self.assertFalse(ours.reload().is_active)
		set_missing_switches()  # as a patch of a migration does
		settings = frappe.get_single(SETTINGS)
		settings.big_deal_limits = []
		settings.save()
		self.assertTrue(theirs.reload().is_active)
		self.assertFalse(ours.reload().is_active)
		settings.update({"workflow_quotation": 0}).save()
		with self.assertRaisesRegex(frappe.ValidationError, "has a workflow already"):
			settings.update({"workflow_quotation": 1}).save()
