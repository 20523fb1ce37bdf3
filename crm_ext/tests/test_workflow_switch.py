"""Workflows switched on, off and on again, beside what a site had before and workflows of its own."""

import frappe
from frappe.model.workflow import get_workflow_name

from crm_ext.constants.workflows import APPROVAL_FIELDS, STATE_FIELD, WORKFLOWS
from crm_ext.events import workflow
from crm_ext.tests import factories as f
from crm_ext.tests.supply_factories import make_item
from crm_ext.tests.workflows import (
	DIRECTOR,
	GREAT,
	LIMITS,
	MANAGER,
	SELLER,
	SMALL,
	WorkflowTestCase,
	act,
	forget,
	mails_about,
	switch,
)
from crm_ext.workflows import store


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
			self.assertEqual(row, (None, 0, None, None, None))
		self.submitted_by(SELLER, pending)
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
		self.submitted_by(SELLER, quotation)

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
		self.make_email_account()
		switch(*LIMITS, quotation=1)
		quotation = self.quotation(6_000)
		act(SELLER, quotation, "Request Approval")
		self.assertIn("print_format_attachment", mails_about(quotation)[MANAGER])
