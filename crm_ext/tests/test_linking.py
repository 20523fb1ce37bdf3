"""Buying documents, work orders and reservations tell for which customer and deal they are, row by row."""

from unittest.mock import patch

import frappe
import pymysql
from frappe.utils import add_days, nowdate

from crm_ext.api import connections
from crm_ext.deals import buying, touch
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase
from crm_ext.tests.processes import CommittingTestCase, run_queue

BUYER = "crm-ext-buyer@example.com"


def request_for(order, **values):
	from erpnext.selling.doctype.sales_order.sales_order import make_material_request

	request = make_material_request(order.name)
	request.schedule_date = order.delivery_date
	for row in request.items:
		row.schedule_date = order.delivery_date
	request.update(values)
	return request.insert().submit()


def purchase_of(request, submit=True):
	from erpnext.stock.doctype.material_request.material_request import make_purchase_order

	purchase = make_purchase_order(request.name)
	purchase.supplier = f.ensure_supplier()
	purchase.schedule_date = request.schedule_date
	purchase.insert()
	return purchase.submit() if submit else purchase


def receipt_of(purchase):
	from erpnext.buying.doctype.purchase_order.purchase_order import make_purchase_receipt

	return make_purchase_receipt(purchase.name).insert()


def plain_purchase(*rows: dict, **values):
	"""A Purchase Order by hand; a row may name an order, a request row or a quotation."""
	return frappe.get_doc(
		{
			"doctype": "Purchase Order",
			"company": f.COMPANY,
			"supplier": f.ensure_supplier(),
			"transaction_date": nowdate(),
			"schedule_date": add_days(nowdate(), 5),
			"items": [
				{
					"item_code": f.ITEM,
					"qty": 1,
					"rate": 30,
					"warehouse": f.warehouse(),
					"schedule_date": add_days(nowdate(), 5),
					**row,
				}
				for row in rows
			],
			**values,
		}
	).insert()


def links(doctype: str, name: str) -> tuple:
	return frappe.db.get_value(doctype, name, ["for_customer", "deal"])


def row_links(document) -> list[tuple]:
	return [links(row.doctype, row.name) for row in document.items]


class TestLinking(SiteTestCase):
	def assertFor(self, document, customer, deal):
		self.assertEqual(links(document.doctype, document.name), (customer, deal))

	def test_request_to_receipt_and_their_rows_follow_the_order(self):
		order = f.make_sales_order(rows=((f.ITEM, 2, 500), (f.OTHER_ITEM, 1, 100)))
		deal = self.deal_of(order).name
		request = request_for(order)
		purchase = purchase_of(request)
		receipt = receipt_of(purchase)
		for document in (request, purchase, receipt):
			self.assertFor(document, f.CUSTOMER, deal)
			self.assertEqual(row_links(document), [(f.CUSTOMER, deal)] * 2)

		other = self.deal_of(f.make_opportunity(frappe.get_doc("Customer", f.CUSTOMER))).name
		order.reload()
		order.deal = other
		order.save()
		touch.flush()
		for document in (request, purchase, receipt):
			self.assertFor(document, f.CUSTOMER, other)
			self.assertEqual(row_links(document), [(f.CUSTOMER, other)] * 2)

	def test_one_document_for_two_customers(self):
		customer = f.make_customer().name
		first, second = f.make_sales_order(), f.make_sales_order(customer=customer)
		deals = [self.deal_of(order).name for order in (first, second)]
		purchase = plain_purchase({"sales_order": first.name}, {"sales_order": second.name}, {})
		self.assertFor(purchase, None, None)
		self.assertEqual(row_links(purchase), [(f.CUSTOMER, deals[0]), (customer, deals[1]), (None, None)])
		# What is left is for one; the row without a sale has no say.
		purchase.remove(purchase.items[1])
		purchase.save()
		self.assertFor(purchase, f.CUSTOMER, deals[0])
		# Another one instead: what was written before was not chosen by anybody.
		purchase.items[0].sales_order = second.name
		purchase.save()
		self.assertFor(purchase, customer, deals[1])

	def test_a_deal_somebody_chose_stays(self):
		order = f.make_sales_order()
		deal = self.deal_of(order).name
		chosen = self.deal_of(f.make_opportunity(frappe.get_doc("Customer", f.CUSTOMER))).name
		purchase = plain_purchase({"sales_order": order.name}, deal=chosen)
		purchase.reload()
		purchase.save()
		self.assertFor(purchase, f.CUSTOMER, chosen)
		self.assertEqual(row_links(purchase), [(f.CUSTOMER, deal)])
		other = self.deal_of(f.make_opportunity(frappe.get_doc("Customer", f.CUSTOMER))).name
		order.reload()
		order.deal = other
		order.save()
		touch.flush()
		self.assertFor(purchase, f.CUSTOMER, chosen)
		self.assertEqual(row_links(purchase), [(f.CUSTOMER, other)])

	def test_rows_of_an_order_that_serves_two_deals(self):
		customer = frappe.get_doc("Customer", f.CUSTOMER)
		quotations = [
			f.make_quotation(f.make_opportunity(customer), rows=((f.ITEM, n, 500),)) for n in (3, 1)
		]
		deals = [self.deal_of(quotation).name for quotation in quotations]
		order = f.make_sales_order(quotations[0], submit=False)
		f.add_quotation_to_order(order, quotations[1])
		order.save().submit()
		self.assertCountEqual([deal.name for deal in self.deals_of(order)], deals)
		request = request_for(order)
		found = {row.sales_order_item: links(row.doctype, row.name)[1] for row in request.items}
		self.assertEqual([found[row.name] for row in order.items], deals)
		self.assertFor(request, f.CUSTOMER, None)

	def test_planned_from_a_quotation_and_for_whom_the_lead_becomes(self):
		lead = f.make_lead()
		quotation = f.make_quotation(lead)
		deal = self.deal_of(quotation).name
		named = {"quotation": quotation.name, "quotation_item": quotation.items[0].name}
		purchase = plain_purchase(named)
		self.assertFor(purchase, None, deal)
		customer = frappe.get_doc(
			{"doctype": "Customer", "customer_name": f.unique("Became"), "lead_name": lead.name}
		).insert()
		touch.flush()
		self.assertFor(purchase, customer.name, deal)
		self.assertEqual(row_links(purchase), [(customer.name, deal)])

	def test_planned_from_a_draft_that_gets_its_deal_later(self):
		quotation = f.make_quotation(submit=False)
		touch.flush()
		purchase = plain_purchase({"quotation": quotation.name})
		self.assertFor(purchase, f.CUSTOMER, None)
		quotation.submit()
		self.assertFor(purchase, f.CUSTOMER, self.deal_of(quotation).name)

	def test_a_row_made_from_a_row(self):
		"""The mapper of ERPNext does not carry our quotation on."""
		quotation = f.make_quotation()
		deal = self.deal_of(quotation).name
		request = frappe.get_doc(
			{
				"doctype": "Material Request",
				"company": f.COMPANY,
				"material_request_type": "Purchase",
				"schedule_date": add_days(nowdate(), 5),
				"items": [
					{
						"item_code": f.ITEM,
						"qty": 2,
						"uom": "Nos",
						"conversion_factor": 1,
						"schedule_date": add_days(nowdate(), 5),
						"warehouse": f.warehouse(),
						"quotation": quotation.name,
					}
				],
			}
		).insert()
		request.submit()
		purchase = purchase_of(request)
		self.assertFalse(purchase.items[0].quotation)
		receipt = receipt_of(purchase)
		for document in (request, purchase, receipt):
			self.assertFor(document, f.CUSTOMER, deal)
		# And all of them follow.
		other = self.deal_of(f.make_opportunity(frappe.get_doc("Customer", f.CUSTOMER))).name
		quotation.reload()
		quotation.deal = other
		quotation.save()
		touch.flush()
		for document in (request, purchase, receipt):
			self.assertFor(document, f.CUSTOMER, other)

	def test_update_items_of_a_submitted_purchase_order(self):
		from erpnext.controllers.accounts_controller import update_child_qty_rate

		orders = [f.make_sales_order(), f.make_sales_order()]
		deals = [self.deal_of(order).name for order in orders]
		purchase = plain_purchase({"sales_order": orders[0].name}, {"sales_order": orders[1].name}).submit()
		self.assertFor(purchase, f.CUSTOMER, None)
		kept = purchase.items[0]
		items = [{"docname": kept.name, "name": kept.name, "item_code": f.ITEM, "qty": 4, "rate": 30}]
		update_child_qty_rate("Purchase Order", frappe.as_json(items), purchase.name)
		self.assertFor(purchase, f.CUSTOMER, deals[0])

	def test_reservation_made_while_the_order_is_submitted(self):
		from erpnext.stock.doctype.stock_entry.stock_entry_utils import make_stock_entry

		frappe.db.set_single_value("Stock Settings", "enable_stock_reservation", 1)
		make_stock_entry(item_code=f.ITEM, qty=10, to_warehouse=f.warehouse(), rate=40, company=f.COMPANY)
		order = f.make_sales_order(submit=False)
		order.reserve_stock = 1
		for row in order.items:
			row.reserve_stock = 1
		order.save().submit()
		(name,) = frappe.get_all("Stock Reservation Entry", {"voucher_no": order.name}, pluck="name")
		deal = self.deal_of(order).name
		self.assertEqual(links("Stock Reservation Entry", name), (f.CUSTOMER, deal))

	def test_work_orders_of_an_order_and_of_a_production_plan(self):
		order = f.make_sales_order()
		deal = self.deal_of(order).name
		values = {
			"doctype": "Work Order",
			"production_item": f.ITEM,
			"bom_no": self.bom(),
			"qty": 2,
			"company": f.COMPANY,
			"fg_warehouse": f.warehouse(),
			"wip_warehouse": f.warehouse(),
			"planned_start_date": nowdate(),
			"sales_order": order.name,
			"sales_order_item": order.items[0].name,
		}
		saved = frappe.get_doc(values).insert()
		self.assertFor(saved, f.CUSTOMER, deal)
		# As Production Plan makes it.
		planned = frappe.get_doc(values)
		planned.flags.ignore_mandatory = planned.flags.ignore_validate = True
		planned.insert()
		self.assertFor(planned, f.CUSTOMER, deal)

	def bom(self) -> str:
		bom = frappe.get_doc(
			{
				"doctype": "BOM",
				"item": f.ITEM,
				"company": f.COMPANY,
				"currency": "USD",
				"quantity": 1,
				"items": [{"item_code": f.OTHER_ITEM, "qty": 2, "rate": 5, "uom": "Nos", "stock_uom": "Nos"}],
			}
		).insert()
		return bom.submit().name

	def test_saving_costs_two_queries_at_most_and_none_for_nothing(self):
		order = f.make_sales_order()
		self.deal_of(order)
		request = request_for(order)
		of_request = {"material_request": request.name, "material_request_item": request.items[0].name}
		for rows, most in (
			([{}, {}], 0),
			([{"sales_order": order.name}] * 5, 1),
			([{"sales_order": order.name}, of_request, of_request], 2),
		):
			purchase = frappe.get_doc({"doctype": "Purchase Order", "items": rows})
			with self.assertQueryCount(most):
				buying.set_links(purchase)

	def test_backfill_links_what_was_there_before_and_changes_nothing_twice(self):
		order = f.make_sales_order()
		deal = self.deal_of(order).name
		request = request_for(order)
		purchase = purchase_of(request)
		for document in (request, purchase):
			nothing = {"for_customer": None, "deal": None}
			frappe.db.set_value(document.doctype, document.name, nothing)
			frappe.db.set_value(document.items[0].doctype, document.items[0].name, nothing)
		buying.link_all()
		for document in (request, purchase):
			self.assertFor(document, f.CUSTOMER, deal)
			self.assertEqual(row_links(document), [(f.CUSTOMER, deal)])
		written = []
		plain = buying._write
		buying._write = lambda table, values: written.extend(values) or plain(table, values)
		try:
			buying.link_all()
		finally:
			buying._write = plain
		self.assertEqual(written, [])

	def test_a_deal_that_goes_is_forgotten(self):
		order = f.make_sales_order()
		deal = self.deal_of(order).name
		request = request_for(order)
		buying.unlink([deal])
		self.assertFor(request, f.CUSTOMER, None)
		self.assertEqual(row_links(request), [(f.CUSTOMER, None)])

	def test_the_customer_is_renamed(self):
		customer = frappe.get_doc({"doctype": "Customer", "customer_name": f.unique("Before")}).insert()
		order = f.make_sales_order(customer=customer.name)
		deal = self.deal_of(order).name
		request = request_for(order)
		after = f.unique("After")
		frappe.rename_doc("Customer", customer.name, after)
		self.assertFor(request, after, deal)
		self.assertEqual(row_links(request), [(after, deal)])

	def test_a_buyer_who_may_not_read_customers_may_save(self):
		f.make_user(BUYER, "Purchase User", "Stock User")
		self.addCleanup(frappe.clear_cache, user=BUYER)
		order = f.make_sales_order()
		deal = self.deal_of(order).name
		frappe.permissions.add_user_permission(
			"Customer", f.FOREIGN_CUSTOMER, BUYER, applicable_for="Customer"
		)
		frappe.set_user(BUYER)
		self.assertFalse(frappe.has_permission("Customer", "read", doc=f.CUSTOMER))
		purchase = plain_purchase({"sales_order": order.name})
		frappe.set_user("Administrator")
		self.assertFor(purchase, f.CUSTOMER, deal)
		self.assertEqual(row_links(purchase), [(f.CUSTOMER, deal)])


class TestConnections(SiteTestCase):
	def counted(self, doctype: str, name: str) -> dict[str, list[str]]:
		found = connections.get_open_count(doctype, name)["count"]["internal_links_found"]
		return {row["doctype"]: row["names"] for row in found if row["names"]}

	def test_both_ways(self):
		customer = f.make_customer().name
		orders = [f.make_sales_order(), f.make_sales_order(customer=customer)]
		deals = [self.deal_of(order).name for order in orders]
		request = request_for(orders[0])
		purchase = plain_purchase(*({"sales_order": order.name} for order in orders)).submit()
		receipt = receipt_of(purchase)
		found = self.counted("Deal", deals[0])
		self.assertEqual(found["Material Request"], [request.name])
		# For two customers, so that its header names none.
		self.assertEqual(found["Purchase Order"], [purchase.name])
		self.assertEqual(found["Purchase Receipt"], [receipt.name])
		self.assertIn(purchase.name, self.counted("Customer", customer)["Purchase Order"])
		back = self.counted("Purchase Receipt", receipt.name)
		self.assertCountEqual(back["Deal"], deals)
		self.assertCountEqual(back["Customer"], [f.CUSTOMER, customer])
		self.assertCountEqual(back["Sales Order"], [order.name for order in orders])

	def test_a_chosen_deal_shows(self):
		deal = self.deal_of(f.make_opportunity(frappe.get_doc("Customer", f.CUSTOMER))).name
		purchase = plain_purchase({}, deal=deal)
		self.assertEqual(self.counted("Purchase Order", purchase.name)["Deal"], [deal])

	def test_only_what_one_may_read_is_counted(self):
		order = f.make_sales_order()
		deal = self.deal_of(order).name
		request_for(order)
		frappe.set_user(f.make_user("crm-ext-connections@example.com", "Sales User").name)
		self.assertFalse(frappe.has_permission("Material Request", "read"))
		self.assertNotIn("Material Request", self.counted("Deal", deal))
		frappe.set_user("Administrator")
		self.assertIn("Material Request", self.counted("Deal", deal))

	def test_what_one_may_not_read_takes_no_place_of_what_one_may(self):
		order = f.make_sales_order()
		deal = self.deal_of(order).name
		# Its rows tell, its header is for two customers and tells nothing.
		rows = [
			{"sales_order": name}
			for name in (order.name, f.make_sales_order(customer=f.make_customer().name).name)
		]
		mine, others = plain_purchase(*rows), plain_purchase(*rows)
		self.addCleanup(frappe.clear_cache, user=BUYER)
		f.make_user(BUYER, "Purchase User", "Stock User")
		supplier = frappe.copy_doc(frappe.get_doc("Supplier", mine.supplier))
		supplier.supplier_name = f.unique("Supplier")
		supplier.insert()
		mine.db_set("supplier", supplier.name)
		frappe.permissions.add_user_permission("Supplier", supplier.name, BUYER)
		frappe.set_user(BUYER)
		self.assertFalse(others.has_permission("read"))
		with patch.object(connections, "_MOST", 1):
			self.assertEqual(self.counted("Deal", deal)["Purchase Order"], [mine.name])


class TestHeld(CommittingTestCase):
	def test_a_document_somebody_is_saving_follows_later_and_stops_nobody(self):
		order = f.make_sales_order()
		purchase = plain_purchase({"sales_order": order.name})
		other = f.make_opportunity(frappe.get_doc("Customer", f.CUSTOMER))
		frappe.db.commit()
		before = frappe.db.get_value("Sales Order", order.name, "deal")
		after = frappe.db.get_value("Opportunity", other.name, "deal")
		self.assertEqual(links("Purchase Order", purchase.name), (f.CUSTOMER, before))
		somebody = pymysql.connect(**frappe.db.get_connection_settings())
		self.addCleanup(somebody.close)
		held = somebody.cursor()
		held.execute("SELECT name FROM `tabPurchase Order` WHERE name = %s FOR UPDATE", (purchase.name,))
		# The order leaves its deal, which goes: both are about the document that is held.
		order.reload()
		order.deal = after
		order.save()
		frappe.db.commit()
		self.assertFalse(frappe.db.exists("Deal", before))
		self.assertEqual(links("Purchase Order", purchase.name), (f.CUSTOMER, before))
		somebody.rollback()
		run_queue()
		frappe.db.rollback()  # a new look at the database
		self.assertEqual(links("Purchase Order", purchase.name), (f.CUSTOMER, after))
		self.assertEqual(row_links(purchase), [(f.CUSTOMER, after)])
