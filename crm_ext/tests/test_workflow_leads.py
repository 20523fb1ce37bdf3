"""What is particular to the workflow of leads: it follows ERPNext, who qualifies, which leads are new."""

import frappe
from erpnext.crm.doctype.lead.lead import _make_customer, make_opportunity
from frappe.utils import getdate, now_datetime, nowdate

from crm_ext.constants.workflows import LEAD_STATE_FIELD, STATE_FIELD
from crm_ext.follow_ups import contacts
from crm_ext.tests import factories as f
from crm_ext.tests.workflows import MANAGER, SELLER, SETTINGS, SMALL, WorkflowTestCase, act, switch
from crm_ext.workflows import approvals


class TestLead(WorkflowTestCase):
	def qualifiers(self, role: str | None) -> None:
		settings = frappe.get_single(SETTINGS)
		settings.lead_qualifier_role = role
		settings.save(ignore_permissions=True)

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
