"""Buying documents show the deal they are for."""

import frappe

from crm_ext.deals import buying, touch
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase


class TestBuying(SiteTestCase):
	def request_for(self, order):
		from erpnext.selling.doctype.sales_order.sales_order import make_material_request

		request = make_material_request(order.name)
		request.schedule_date = order.delivery_date
		for row in request.items:
			row.schedule_date = order.delivery_date
		return request.insert().submit()

	def test_material_request_to_receipt_show_the_deal_and_follow_it(self):
		from erpnext.buying.doctype.purchase_order.purchase_order import make_purchase_receipt
		from erpnext.stock.doctype.material_request.material_request import make_purchase_order

		order = f.make_sales_order()
		deal = self.deal_of(order)
		request = self.request_for(order)
		self.assertEqual(request.deal, deal.name)
		purchase = make_purchase_order(request.name)
		purchase.supplier = f.ensure_supplier()
		purchase.schedule_date = order.delivery_date
		purchase.insert().submit()
		self.assertEqual(purchase.deal, deal.name)
		receipt = make_purchase_receipt(purchase.name).insert()
		self.assertEqual(receipt.deal, deal.name)

		other = self.deal_of(f.make_opportunity(frappe.get_doc("Customer", f.CUSTOMER)))
		order.reload()
		order.deal = other.name
		order.save()
		touch.flush()
		for document in (request, purchase, receipt):
			self.assertEqual(frappe.db.get_value(document.doctype, document.name, "deal"), other.name)

	def test_backfill_links_what_was_there_before(self):
		order = f.make_sales_order()
		deal = self.deal_of(order)
		request = self.request_for(order)
		frappe.db.set_value("Material Request", request.name, "deal", None)
		buying.link_all()
		self.assertEqual(frappe.db.get_value("Material Request", request.name, "deal"), deal.name)
