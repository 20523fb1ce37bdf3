"""What is particular to the workflow of opportunities: what was seen for how much, what may be quoted."""

import frappe
from erpnext.crm.doctype.opportunity.opportunity import make_quotation

from crm_ext.constants.workflows import APPROVAL_FIELDS, QUALIFIED_FOR, STATE_FIELD
from crm_ext.deals import touch
from crm_ext.tests import factories as f
from crm_ext.tests.workflows import (
	DIRECTOR,
	GREAT,
	MANAGER,
	SELLER,
	SETTINGS,
	SMALL,
	WorkflowTestCase,
	act,
	switch,
)
from crm_ext.workflows import approvals, opportunities
from crm_ext.workflows.approvals import ApprovalNeeded

LIMITS = (("Opportunity", "Value", 5_000, SMALL), ("Opportunity", "Value", 20_000, GREAT))


class TestOpportunity(WorkflowTestCase):
	def opportunity(self, amount: float, party=None, user: str = SELLER, **values):
		party = party or f.make_customer()
		return self.made_by(user, lambda submit, **more: f.make_opportunity(party, amount, **more), **values)

	def quotation_of(self, opportunity, user: str = SELLER, submit: bool = True):
		with self.set_user(user):
			quotation = make_quotation(opportunity.name)
			quotation.set("items", f.item_rows((f.SERVICE, 1, 100)))
			quotation.opportunity = opportunity.name
			quotation.insert()
			return quotation.submit() if submit else quotation

	def test_within_the_limits_anybody_qualifies(self):
		switch(*LIMITS, opportunity=1)
		opportunity = self.opportunity(5_000)
		self.assertState(opportunity, "Qualification")
		self.assertEqual(self.actions(SELLER, opportunity), ["Qualify"])
		act(SELLER, opportunity, "Qualify")
		self.assertState(opportunity, "Qualified")
		self.assertEqual(opportunity.reload().get(QUALIFIED_FOR), 5_000)
		unqualified = self.opportunity(1_000)
		self.quotation_of(unqualified)
		self.assertState(unqualified, "Qualified")
		self.assertEqual(unqualified.reload().get(QUALIFIED_FOR), 1_000)

	def test_beyond_a_limit_it_is_seen_before_it_is_quoted(self):
		switch(*LIMITS, opportunity=1)
		opportunity = self.opportunity(6_000)
		self.assertEqual(self.actions(SELLER, opportunity), ["Request Approval"])
		self.assertIn("is above $ 5,000.00: Sales Manager has to approve", opportunity.approval_reasons)
		with self.assertRaisesRegex(ApprovalNeeded, "has to be seen before it is quoted") as refused:
			self.quotation_of(opportunity)
		self.assertIn("Sales Manager has to approve", str(refused.exception))
		act(SELLER, opportunity, "Request Approval")
		self.assertIn(MANAGER, self.asked(opportunity))
		self.assertNotIn(DIRECTOR, self.asked(opportunity))
		with self.assertRaises(ApprovalNeeded):
			self.quotation_of(opportunity)
		act(MANAGER, opportunity, "Approve")
		self.assertState(opportunity, "Qualified")
		self.assertEqual(opportunity.reload().get(QUALIFIED_FOR), 6_000)
		self.assertEqual(opportunity.approval_needed, 0)
		self.assertEqual(self.asked(opportunity), [])
		told = frappe.get_all(
			"Notification Log", {"document_name": opportunity.name, "for_user": SELLER}, pluck="subject"
		)
		self.assertEqual([subject.rsplit(" ", 1)[-1] for subject in told], ["approved"])
		self.assertEqual(self.workflow_comments(opportunity), ["Pending Approval", "Qualified"])
		quotation = self.quotation_of(opportunity)
		self.assertState(opportunity, "Qualified")
		f.make_sales_order(quotation.reload())
		self.assertState(opportunity, "Converted")

	def test_who_may_approve_has_seen_it_by_quoting(self):
		switch(*LIMITS, opportunity=1)
		opportunity = self.opportunity(6_000)
		act(SELLER, opportunity, "Request Approval")
		self.quotation_of(opportunity, MANAGER)
		self.assertState(opportunity, "Qualified")
		self.assertEqual(self.asked(opportunity), [])
		opportunity.reload()
		self.assertEqual((opportunity.get(QUALIFIED_FOR), opportunity.approval_needed), (6_000, 0))
		# Code that asks for no permissions passes; the opportunity stays to be seen.
		other = self.opportunity(6_000)
		quotation = self.quotation_of(other, submit=False)
		frappe.set_user(SELLER)
		quotation.flags.ignore_permissions = True
		quotation.submit()
		self.assertState(other, "Qualification")

	def test_worth_more_than_it_was_seen_for_it_is_seen_again(self):
		switch(*LIMITS, opportunity=1)
		opportunity = self.opportunity(4_000)
		act(SELLER, opportunity, "Qualify")
		self.assertEqual(self.worth_now(opportunity, 4_500), "Qualified")
		self.assertEqual(self.worth_now(opportunity, 6_000), "Qualification")
		self.assertEqual(self.actions(SELLER, opportunity), ["Request Approval"])
		act(SELLER, opportunity, "Request Approval")
		act(MANAGER, opportunity, "Approve")
		self.assertEqual(self.worth_now(opportunity, 19_000), "Qualified")  # no other limit is passed
		self.assertEqual(self.worth_now(opportunity, 25_000), "Qualification")
		self.assertRefused(MANAGER, opportunity, "Approve")
		act(DIRECTOR, opportunity, "Approve")
		self.assertState(opportunity, "Qualified")
		# Limits that come later do not undo what was seen.
		switch(("Opportunity", "Value", 100, SMALL), opportunity=1)
		self.assertState(opportunity, "Qualified")
		opportunity.reload().save()
		self.assertState(opportunity, "Qualified")

	def assertRefused(self, user, opportunity, action):
		super().assertRefused(user, opportunity, action, frappe.ValidationError)

	def worth_now(self, opportunity, amount: float) -> str:
		with self.set_user(SELLER):
			doc = frappe.get_doc("Opportunity", opportunity.name)
			doc.update({"opportunity_amount": amount, QUALIFIED_FOR: 10**9})  # nobody types that
			doc.save()
		return self.state(opportunity)

	def test_raised_and_qualified_in_one_save(self):
		switch(*LIMITS, opportunity=1)
		opportunity = self.opportunity(1_000)
		frappe.set_user(SELLER)
		doc = frappe.get_doc("Opportunity", opportunity.name)
		doc.update({"opportunity_amount": 50_000, STATE_FIELD: "Qualified"})
		with self.assertRaises(ApprovalNeeded):
			doc.save()

	def test_foreign_money_and_items(self):
		switch(*LIMITS, opportunity=1)
		opportunity = self.opportunity(4_000, currency="EUR", conversion_rate=1.5)
		self.assertIn("$ 6,000.00 is above", opportunity.approval_reasons)
		rows = [{"item_code": f.SERVICE, "qty": 3, "rate": 2_000, "uom": "Nos"}]
		opportunity = self.opportunity(0, items=rows)
		self.assertIn("$ 6,000.00 is above", opportunity.approval_reasons)

	def test_states_follow_erpnext(self):
		switch(*LIMITS, opportunity=1)
		opportunity = self.opportunity(6_000)
		act(SELLER, opportunity, "Request Approval")
		opportunity.reload().declare_enquiry_lost([], [], "price")
		self.assertState(opportunity, "Lost")
		self.assertEqual(self.asked(opportunity), [])
		self.assertEqual(opportunity.reload().approval_needed, 0)
		opportunity.status = "Open"
		opportunity.save()
		self.assertState(opportunity, "Qualification")
		self.assertEqual(self.actions(SELLER, opportunity), ["Request Approval"])
		opportunity.reload().db_set("status", "Closed")
		self.assertState(opportunity, "Closed")
		opportunity.reload().db_set("status", "Open")
		self.assertState(opportunity, "Qualification")
		self.assertEqual(self.actions(SELLER, opportunity), ["Request Approval"])
		frappe.db.set_value("Opportunity", opportunity.name, "status", "Converted")
		approvals.catch_up()
		self.assertState(opportunity, "Converted")
		frappe.db.set_value("Opportunity", opportunity.name, "status", "Open")
		approvals.catch_up()
		self.assertState(opportunity, "Qualification")

	def test_it_follows_our_corrections_with_the_commit(self):
		settings = frappe.get_single(SETTINGS)
		settings.partial_order_converts = 1
		settings.save()
		switch(*LIMITS, opportunity=1)
		opportunity = self.opportunity(1_000)
		quotation = self.quotation_of(opportunity, submit=False)
		quotation.items[0].qty = 10
		quotation.submit()
		order = f.make_sales_order(quotation, submit=False)
		order.items[0].qty = 4
		order.save()
		order.submit()
		self.assertEqual(frappe.db.get_value("Quotation", quotation.name, "status"), "Partially Ordered")
		touch.flush()
		opportunities.follow_waiting()
		self.assertEqual(frappe.db.get_value("Opportunity", opportunity.name, "status"), "Converted")
		self.assertState(opportunity, "Converted")

	def test_a_lost_quotation_lets_it_be_worked_again(self):
		switch(*LIMITS, opportunity=1)
		opportunity = self.opportunity(6_000)
		act(MANAGER, opportunity, "Approve")
		self.quotation_of(opportunity).reload().declare_enquiry_lost([], [], "price")
		self.assertState(opportunity, "Lost")
		opportunity.reload().status = "Open"
		opportunity.db_set("status", "Open")
		self.assertState(opportunity, "Qualified")  # it was seen

	def test_opportunities_that_were_there_before(self):
		large, lost = self.opportunity(6_000), self.opportunity(6_000)
		lost.declare_enquiry_lost([], [])
		quoted = self.opportunity(6_000)
		self.quotation_of(quoted)
		before = frappe.get_all("Opportunity", ["name", "modified", "status"], order_by="name")
		switch(*LIMITS, opportunity=1)
		self.assertState(large, "Qualification")
		self.assertEqual(self.actions(SELLER, large), ["Request Approval"])
		self.assertState(lost, "Lost")
		self.assertEqual(lost.reload().approval_needed, 0)
		self.assertState(quoted, "Qualified")
		quoted.reload().save()
		self.assertState(quoted, "Qualified")
		act(MANAGER, large, "Approve")
		switch(*LIMITS, opportunity=0)
		row = frappe.db.get_value("Opportunity", large.name, [STATE_FIELD, *APPROVAL_FIELDS])
		self.assertEqual(row, (None, 0, None, None, None))
		unseen = self.opportunity(9_000)
		self.quotation_of(unseen)
		self.assertEqual(
			[
				row
				for row in frappe.get_all("Opportunity", ["name", "modified", "status"], order_by="name")
				if row in before and row.name not in (large.name, quoted.name)
			],
			[row for row in before if row.name not in (large.name, quoted.name)],
		)
		switch(*LIMITS, opportunity=1)
		self.assertState(large, "Qualified")  # what was seen was seen
		self.assertState(unseen, "Qualified")

	def test_only_a_value_is_limited(self):
		with self.assertRaisesRegex(frappe.ValidationError, "only the value"):
			switch(("Opportunity", "Discount %", 10, SMALL), opportunity=1)

	def test_a_lead_of_a_mail_and_its_opportunity(self):
		switch(*LIMITS, lead=1, opportunity=1)
		lead = f.make_lead()
		act(SELLER, lead, "Mark Contacted")
		opportunity = self.opportunity(100, lead)
		self.assertState(opportunity, "Qualification")
		self.assertState(lead, "Qualified")
