"""The check that `make erpnext-tests` runs after each of ERPNext's tests finds what it is there to find."""

import frappe

from crm_ext.deals import touch
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase
from crm_ext.tests.suite_check import DealCheck


class TestDealCheck(SiteTestCase):
	def setUp(self):
		super().setUp()
		order = f.make_sales_order(f.make_quotation())
		invoice = f.make_sales_invoice(order, share=0.5)
		self.payment = f.make_payment(invoice)
		touch.flush()
		self.order = order
		self.deal = frappe.db.get_value("Sales Order", order.name, "deal")
		self.check = DealCheck()
		self.check()  # what other tests left committed is told here and not again

	def assert_told(self, *words: str):
		told = "\n".join(self.check())
		for word in words:
			self.assertIn(word, told)

	def test_nothing_to_tell_twice_of_what_was_kept_up(self):
		self.assertEqual(self.check(), [])
		self.assertEqual(frappe.db.get_value("Sales Order", self.order.name, "deal"), self.deal)

	def test_a_wrong_amount(self):
		frappe.db.set_value("Deal", self.deal, "paid_amount", 1, update_modified=False)
		self.assert_told("paid_amount: kept 1.0, rebuilt")

	def test_a_missing_ledger_row(self):
		frappe.db.delete("Deal Ledger Entry", {"deal": self.deal, "voucher_no": self.payment.name})
		self.assert_told(self.payment.name, "only rebuilt")

	def test_an_orphaned_ledger_row(self):
		frappe.db.set_value(
			"Deal Ledger Entry", {"deal": self.deal, "voucher_no": self.order.name}, "deal", "DEAL-NONE"
		)
		self.assert_told(f"a ledger row of Sales Order {self.order.name} has no deal")

	def test_a_missing_link(self):
		frappe.db.set_value("Sales Order", self.order.name, "deal", None, update_modified=False)
		self.assert_told(f"('Link', 'Sales Order', '{self.order.name}')", "only rebuilt")

	def test_an_event_that_did_not_fire(self):
		frappe.db.set_value("Sales Order", self.order.name, {"base_grand_total": 7, "base_rounded_total": 7})
		self.assert_told("ordered_amount", "rebuilt 7.0")

	def test_a_document_deleted_by_sql_is_derived_first_and_counted(self):
		# Tests that commit may have left some.
		self.assertEqual(self.check(), [])
		earlier = self.check.deleted_by_sql
		lead = f.make_lead()
		touch.flush()
		frappe.db.delete("Lead", {"name": lead.name})
		self.assertEqual(self.check(), [])
		self.assertEqual(self.check.deleted_by_sql, earlier + 1)
		self.assertFalse(frappe.db.exists("Deal", {"lead": lead.name}))
