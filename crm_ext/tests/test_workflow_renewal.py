"""How an active Workflow follows a new version of the app, and goes with it."""

from dataclasses import replace
from unittest.mock import patch

import frappe
from frappe.model.workflow import get_workflow_name

from crm_ext.constants.workflows import LEAD_STATE_FIELD, WORKFLOWS, Belongs, Way
from crm_ext.events import workflow
from crm_ext.tests import factories as f
from crm_ext.tests.workflows import LIMITS, SELLER, SMALL, WorkflowTestCase, switch
from crm_ext.workflows import approvals, quoting, store


class TestRenewal(WorkflowTestCase):
	def test_removed_with_the_app(self):
		kinds = ("Workflow", "Workflow Action Master", "Workflow State", "Workflow Transition")
		kept = {kind: sorted(frappe.get_all(kind, pluck="name")) for kind in kinds}
		switch(
			*LIMITS,
			("Opportunity", "Value", 5_000, SMALL),
			**{one.switch.removeprefix("workflow_"): 1 for one in WORKFLOWS.values()},
		)
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
