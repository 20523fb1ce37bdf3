"""The deal along ERPNext's documents: the table of design section 4, row by row."""

import frappe
from frappe.utils import getdate, nowdate

from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase


class TestDealWay(SiteTestCase):
	def test_from_lead_to_cash(self):
		lead = f.make_lead()
		deal = self.deal_of(lead)
		self.assertFigures(deal, stage="Lead", status="Open", party_type="Lead", party=lead.name)

		opportunity = f.make_opportunity(lead, 1000)
		self.assertFigures(
			self.deal_of(opportunity), name=deal.name, stage="Opportunity", expected_amount=1000
		)

		quotation = f.make_quotation(opportunity)
		self.assertFigures(
			self.deal_of(quotation), name=deal.name, stage="Quoted", quoted_amount=f.gross(quotation)
		)

		order = f.make_sales_order(quotation)
		self.assertFigures(
			self.deal_of(order),
			name=deal.name,
			stage="Ordered",
			ordered_amount=f.gross(order),
			customer=order.customer,
		)

		note = f.make_delivery_note(order)
		self.assertFigures(
			self.deal_of(note), name=deal.name, stage="Delivered", delivered_amount=f.gross(note)
		)

		invoice = f.make_sales_invoice(note)
		self.assertFigures(
			self.deal_of(invoice),
			name=deal.name,
			stage="Invoiced",
			invoiced_amount=f.gross(invoice),
			paid_on=None,
		)

		payment = f.make_payment(invoice)
		self.assertFigures(
			self.deal_of(payment),
			name=deal.name,
			stage="Paid",
			status="Won",
			paid_amount=f.gross(invoice),
			paid_on=getdate(nowdate()),
			closed_on=getdate(nowdate()),
		)
		log = frappe.get_all(
			"Deal Stage Change",
			{"deal": deal.name},
			["from_stage", "to_stage", "voucher_type"],
			order_by="creation",
		)
		self.assertEqual(
			[row.to_stage for row in log],
			["Lead", "Opportunity", "Quoted", "Ordered", "Delivered", "Invoiced", "Paid"],
		)
		self.assertEqual(log[-1].voucher_type, "Payment Entry")
		for document in (opportunity, quotation, order, note, invoice):
			self.assertEqual(frappe.db.get_value(document.doctype, document.name, "deal"), deal.name)
