"""What is particular to the workflows of leads and opportunities: who qualifies, what follows ERPNext, what may be quoted;
and how an active Workflow follows a new version of the app.
"""

from dataclasses import replace
from unittest.mock import patch

import frappe
from erpnext.crm.doctype.lead.lead import _make_customer, make_opportunity
from erpnext.crm.doctype.opportunity.opportunity import make_quotation
from frappe.model.workflow import get_workflow_name
from frappe.utils import getdate, now_datetime, nowdate

from crm_ext.constants.workflows import (
	APPROVAL_FIELDS,
	LEAD_STATE_FIELD,
	QUALIFIED_FOR,
	STATE_FIELD,
	WORKFLOWS,
	Belongs,
	Way,
)
from crm_ext.deals import touch
from crm_ext.events import workflow
from crm_ext.follow_ups import contacts
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
from crm_ext.workflows import approvals, opportunities, store
from crm_ext.workflows.approvals import ApprovalNeeded

LIMITS = (("Opportunity", "Value", 5_000, SMALL), ("Opportunity", "Value", 20_000, GREAT))


class CrmTestCase(WorkflowTestCase):
	def state(self, doc) -> str | None:
		return frappe.db.get_value(doc.doctype, doc.name, WORKFLOWS[doc.doctype].state_field)

	def assertState(self, doc, state: str):
		self.assertEqual(self.state(doc), state)

	def qualifiers(self, role: str | None) -> None:
		settings = frappe.get_single(SETTINGS)
		settings.lead_qualifier_role = role
		settings.save(ignore_permissions=True)


class TestLead(CrmTestCase):
	def lead(self, **values):
		return self.made_by(SELLER, lambda submit, **more: f.make_lead(**more), **values)

	def test_an_action_writes_erpnexts_fields_and_the_deal_follows(self):
		switch(lead=1)
		lead = self.lead()
		self.assertState(lead, "New")
		self.assertEqual(self.deal_of(lead).stage, "Lead")
		act(SELLER, lead, "Mark Contacted")
		self.assertEqual(lead.reload().qualification_status, "In Process")
		self.assertEqual(self.deal_of(lead).stage, "Contacted")
		act(SELLER, lead, "Qualify")
		lead.reload()
		self.assertEqual(
			(lead.qualification_status, lead.qualified_by, lead.qualified_on, lead.status),
			("Qualified", SELLER, getdate(nowdate()), "Open"),
		)
		self.assertEqual(self.deal_of(lead).stage, "Qualified")
		act(SELLER, lead, "Disqualify")
		lead.reload()
		self.assertEqual(
			(lead.status, lead.qualification_status, lead.qualified_by, lead.qualified_on),
			("Do Not Contact", "Unqualified", None, None),
		)
		self.assertEqual(self.deal_of(lead).status, "Lost")
		act(SELLER, lead, "Reopen")
		self.assertEqual(lead.reload().status, "Open")
		self.assertState(lead, "New")
		self.assertEqual(self.deal_of(lead).stage, "Lead")
		self.assertEqual(self.workflow_comments(lead), ["Contacted", "Qualified", "Unqualified", "New"])

	def test_what_is_written_on_the_form_moves_the_state(self):
		switch(lead=1)
		lead = self.lead()
		for values, state in (
			({"status": "Replied"}, "Contacted"),
			({"status": "Open"}, "New"),
			({"qualification_status": "Qualified"}, "Qualified"),
			({"qualification_status": "In Process"}, "Contacted"),
			({"status": "Do Not Contact"}, "Unqualified"),
			({"status": "Interested"}, "Contacted"),
		):
			lead.reload()
			lead.update(values)
			lead.save()
			self.assertState(lead, state)
			if state == "Qualified":
				self.assertEqual(lead.qualified_by, "Administrator")

	def test_it_follows_what_is_made_from_it(self):
		switch(lead=1)
		lead = self.lead()
		opportunity = self.made_by(SELLER, lambda submit: self.opportunity_of(lead))
		self.assertState(lead, "Qualified")
		self.assertEqual(self.actions(SELLER, lead), [])  # ERPNext would take it back
		# What ERPNext copies from the lead is not the lead's state.
		self.assertFalse(opportunity.get(STATE_FIELD))
		opportunity.status = "Lost"
		opportunity.save()
		lead.reload().save()
		converted = self.lead()
		customer = _make_customer(converted.name)
		customer.customer_group = frappe.get_all("Customer Group", {"is_group": 0}, pluck="name", limit=1)[0]
		customer.insert()
		self.assertEqual(frappe.db.get_value("Lead", converted.name, "status"), "Converted")
		self.assertState(converted, "Qualified")
		quoted = self.lead()
		f.make_quotation(quoted).reload().declare_enquiry_lost([], [], "price")
		self.assertEqual(quoted.reload().status, "Lost Quotation")
		self.assertState(quoted, "Contacted")
		act(SELLER, quoted, "Disqualify")
		quoted.reload().save()  # ERPNext finds the lost quotation anew
		self.assertEqual(quoted.reload().status, "Do Not Contact")
		self.assertState(quoted, "Unqualified")

	def opportunity_of(self, lead):
		opportunity = make_opportunity(lead.name)
		opportunity.company = f.COMPANY
		return opportunity.insert()

	def test_a_logged_contact_is_contact(self):
		switch(lead=1)
		lead, other = self.lead(), self.lead()
		contacts.note([("Lead", lead.name)], now_datetime())
		approvals.catch_up()
		self.assertState(lead, "Contacted")
		self.assertState(other, "New")
		act(SELLER, lead, "Disqualify")
		act(SELLER, lead, "Reopen")
		self.assertState(lead, "Contacted")
		frappe.db.sql("UPDATE tabLead SET status = 'Converted' WHERE name = %s", other.name)
		approvals.catch_up()
		self.assertState(other, "Qualified")

	def test_only_the_role_qualifies_whatever_the_way(self):
		switch(lead=1)
		self.qualifiers(SMALL)
		lead = self.lead()
		self.assertEqual(self.actions(SELLER, lead), ["Disqualify", "Mark Contacted"])
		self.assertEqual(self.actions(MANAGER, lead), ["Disqualify", "Mark Contacted", "Qualify"])
		attempts = (
			{"qualification_status": "Qualified"},
			{LEAD_STATE_FIELD: "Qualified"},
			{"status": "Converted"},
			{"status": "Opportunity"},
		)
		frappe.set_user(SELLER)
		for values in attempts:
			doc = frappe.get_doc("Lead", lead.name).update(values)
			with self.assertRaisesRegex(frappe.PermissionError, "Sales Manager"):
				doc.save()
		with self.assertRaisesRegex(frappe.PermissionError, "Sales Manager"):
			f.make_lead(qualification_status="Qualified")
		# Code that asks for no permissions, and ERPNext itself, do as they always do.
		doc = frappe.get_doc("Lead", lead.name)
		doc.qualification_status = "Qualified"
		doc.save(ignore_permissions=True)
		self.assertState(lead, "Qualified")
		doc.reload().first_name = "Grace"
		doc.save()  # it is qualified already
		second = f.make_lead()
		self.opportunity_of(second)
		self.assertState(second, "Qualified")
		second.reload().save()
		frappe.set_user("Administrator")
		third = self.lead()
		act(MANAGER, third, "Qualify")
		self.assertEqual(third.reload().qualified_by, MANAGER)
		self.qualifiers(None)
		self.assertEqual(self.actions(SELLER, self.lead()), ["Disqualify", "Mark Contacted", "Qualify"])

	def test_leads_of_guests_and_mails_are_new(self):
		switch(lead=1)
		self.qualifiers(SMALL)
		frappe.set_user("Guest")
		lead = frappe.get_doc({"doctype": "Lead", "lead_name": "Of a web form", "company_name": "Web"})
		lead.insert(ignore_permissions=True)
		self.assertState(lead, "New")
		lead.save(ignore_permissions=True)
		stated = frappe.get_doc({"doctype": "Lead", "lead_name": "Stated", LEAD_STATE_FIELD: "Qualified"})
		stated.insert(ignore_permissions=True)
		self.assertState(stated, "New")
		frappe.set_user("Administrator")
		imported = f.make_lead(
			qualification_status="Qualified", qualified_by=MANAGER, qualified_on="2024-05-01"
		)
		self.assertState(imported, "Qualified")
		self.assertEqual((imported.qualified_by, str(imported.qualified_on)), (MANAGER, "2024-05-01"))

	def test_documents_that_were_there_before(self):
		leads = {
			"New": self.lead(),
			"Contacted": self.lead(status="Replied"),
			"Qualified": self.lead(qualification_status="Qualified"),
			"Unqualified": self.lead(status="Do Not Contact"),
		}
		before = frappe.get_all("Lead", ["name", "modified", "status"], order_by="name")
		switch(lead=1)
		for state, lead in leads.items():
			self.assertState(lead, state)
		switch(lead=0)
		self.assertEqual(frappe.get_all("Lead", ["name", "modified", "status"], order_by="name"), before)
		self.assertEqual(frappe.db.count("Lead", {LEAD_STATE_FIELD: ("is", "set")}), 0)


class TestOpportunity(CrmTestCase):
	def opportunity(self, amount: float, party=None, user: str = SELLER, **values):
		party = party or f.make_customer()
		return self.made_by(user, lambda submit, **more: f.make_opportunity(party, amount, **more), **values)

	def quotation_of(self, opportunity, user: str = SELLER, submit: bool = True):
		frappe.set_user(user)
		try:
			quotation = make_quotation(opportunity.name)
			quotation.set("items", f.item_rows((f.SERVICE, 1, 100)))
			quotation.opportunity = opportunity.name
			quotation.insert()
			return quotation.submit() if submit else quotation
		finally:
			frappe.set_user("Administrator")

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
		with self.assertRaises(frappe.ValidationError):
			act(user, opportunity, action)
		frappe.clear_messages()

	def worth_now(self, opportunity, amount: float) -> str:
		frappe.set_user(SELLER)
		doc = frappe.get_doc("Opportunity", opportunity.name)
		doc.update({"opportunity_amount": amount, QUALIFIED_FOR: 10**9})  # nobody types that
		doc.save()
		frappe.set_user("Administrator")
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
		self.assertEqual(row, (None, 0, None, None))
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


class TestRenewal(CrmTestCase):
	def test_removed_with_the_app(self):
		kinds = ("Workflow", "Workflow Action Master", "Workflow State", "Workflow Transition")
		kept = {kind: sorted(frappe.get_all(kind, pluck="name")) for kind in kinds}
		switch(*LIMITS, **{one.switch.removeprefix("workflow_"): 1 for one in WORKFLOWS.values()})
		lead, opportunity = f.make_lead(), f.make_opportunity(f.make_customer())
		self.assertEqual((self.state(lead), self.state(opportunity)), ("New", "Qualification"))
		store.remove_all(store.made())
		self.assertEqual({kind: sorted(frappe.get_all(kind, pluck="name")) for kind in kinds}, kept)
		self.assertEqual((self.state(lead), self.state(opportunity)), (None, None))

	def test_off_costs_no_query(self):
		switch(lead=0, opportunity=0)
		lead = f.make_lead()
		opportunity = f.make_opportunity(f.make_customer())
		for document in (lead, opportunity):
			workflow.on_update(document)  # caches are warm
			with self.assertQueryCount(0):
				workflow.validate(document)
				workflow.on_update(document)
				workflow.on_change(document)
				approvals.follow_lead("any")
		quotation = f.make_quotation(opportunity, submit=False)
		with self.assertQueryCount(0):
			from crm_ext.workflows import quoting

			quoting.check(quotation)

	def test_no_field_of_the_lead_is_copied_into_the_opportunity(self):
		"""ERPNext asks for each empty field of an opportunity that its lead has, too: a query each."""
		ours = {
			field.fieldname
			for field in frappe.get_meta("Lead").fields
			if field.fieldname.startswith("crm_ext")
		}
		self.assertEqual(ours, {LEAD_STATE_FIELD})
		self.assertFalse(frappe.get_meta("Opportunity").has_field(LEAD_STATE_FIELD))

	def newer(self, doctype: str):
		"""As a later version might declare it: another state and ways to it, one state less."""
		one = WORKFLOWS[doctype]
		states = tuple(
			("Parked" if state == "Unqualified" else state, status) for state, status in one.states
		)
		ways = (
			*(way for way in one.ways if "Unqualified" not in (way.state, way.next_state)),
			Way("New", "Park", "Parked"),
		)
		belongs = tuple(
			Belongs("Parked", 0, rule.values) if rule.state == "Unqualified" else rule for rule in one.belongs
		)
		return {**WORKFLOWS, doctype: replace(one, states=states, ways=ways, belongs=belongs)}

	def test_a_migration_brings_an_active_workflow_in_line(self):
		switch(lead=1)
		new, gone = f.make_lead(), f.make_lead(status="Do Not Contact")
		self.assertState(gone, "Unqualified")
		name = WORKFLOWS["Lead"].name
		known = frappe.get_doc("Workflow", name)
		store.renew_all()
		self.assertEqual(frappe.db.get_value("Workflow", name, "modified"), known.modified)
		with patch.dict(WORKFLOWS, self.newer("Lead")):
			store.renew_all()
			states = frappe.get_all("Workflow Document State", {"parent": name}, pluck="state")
			self.assertIn("Parked", states)
			self.assertNotIn("Unqualified", states)
			self.assertState(gone, "Parked")
			self.assertState(new, "New")
			frappe.get_doc("Lead", new.name).save()
			self.assertIn("Park", self.actions(SELLER, new))
			self.assertTrue(frappe.db.exists("Workflow State", "Parked"))
			self.assertFalse(frappe.db.exists("Workflow State", "Unqualified"))
		store.renew_all()
		self.assertState(gone, "Unqualified")
		self.assertFalse(frappe.db.exists("Workflow State", "Parked"))
		self.assertEqual(
			[(row.state, row.action, row.next_state) for row in frappe.get_doc("Workflow", name).transitions],
			[(row.state, row.action, row.next_state) for row in known.transitions],
		)

	def test_a_workflow_of_the_sites_own_stays_over_a_migration(self):
		switch(lead=1)
		frappe.get_doc(
			{
				"doctype": "Workflow",
				"workflow_name": "Own Lead",
				"document_type": "Lead",
				"is_active": 1,
				"workflow_state_field": LEAD_STATE_FIELD,
				"states": [{"state": "New", "doc_status": "0", "allow_edit": "All"}],
				"transitions": [],
			}
		).insert()
		with patch.dict(WORKFLOWS, self.newer("Lead")):
			store.renew_all()
		self.assertEqual(get_workflow_name("Lead"), "Own Lead")
