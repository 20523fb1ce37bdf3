"""Changes of what is submitted already: ERPNext's Update Items beyond a limit."""

import json

import frappe
import pytest
from erpnext.controllers.accounts_controller import update_child_qty_rate
from frappe.utils import add_days, nowdate

from crm_ext.events import selling_row, workflow
from crm_ext.tests import factories as f
from crm_ext.tests.workflows import (
	HELPER,
	LIMITS,
	MANAGER,
	SELLER,
	ApprovalTestCase,
	act,
	comments_on,
	switch,
)
from crm_ext.workflows import limits as rules
from crm_ext.workflows.approvals import ApprovalNeeded
from crm_ext.workflows.changes import Known, raised
from crm_ext.workflows.limits import Figures, Limit, Line


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
		try:
			with self.set_user(user):
				update_child_qty_rate(document.doctype, json.dumps([*rows, *new], default=str), document.name)
		except Exception:
			frappe.db.rollback(save_point="update_items")
			raise
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
		f.make_stand_in(MANAGER, HELPER)
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
