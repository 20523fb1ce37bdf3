"""What the workspace shows of approvals: the card counts what waits for oneself, the shortcuts what waits for anybody."""

import frappe
from frappe.desk.doctype.number_card.number_card import get_result

from crm_ext.tests.workflows import LIMITS, MANAGER, SELLER, WorkflowTestCase, act, switch


class TestApprovalsInTheWorkspace(WorkflowTestCase):
	def card(self, user: str) -> int:
		"""As the desk asks for it, whose script fills in who is logged in."""
		card = frappe.get_doc("Number Card", "Waiting for My Approval")
		filters = frappe.parse_json(card.filters_json)
		for doctype, field, operator, expression in frappe.parse_json(card.dynamic_filters_json):
			self.assertEqual(expression, "frappe.session.user")
			filters.append([doctype, field, operator, user])
		frappe.set_user(user)
		try:
			return int(get_result(card.as_json(), frappe.as_json(filters)))
		finally:
			frappe.set_user("Administrator")

	def counted(self) -> tuple[int, int, int]:
		return self.card(MANAGER), self.card(SELLER), self.shortcut("Quotations to Approve")

	def shortcut(self, label: str) -> int:
		workspace = frappe.get_doc("Workspace", "CRM Ext")
		(row,) = [row for row in workspace.shortcuts if row.label == label]
		return frappe.db.count(row.link_to, frappe.parse_json(row.stats_filter))

	def test_what_waits_is_counted_for_whom_it_waits_until_it_is_approved(self):
		switch(*LIMITS, quotation=1)
		before = self.counted()
		quotation = self.quotation(6_000)
		act(SELLER, quotation, "Request Approval")
		self.assertEqual(self.counted(), (before[0] + 1, before[1], before[2] + 1))
		act(MANAGER, quotation, "Approve")
		self.assertEqual(self.counted(), before)
