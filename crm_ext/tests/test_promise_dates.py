"""The date promised on a row goes along: opportunity to quotation to order."""

import frappe
from frappe.utils import add_days, getdate, nowdate

from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase


def in_days(days: int):
	return getdate(add_days(nowdate(), days))


def order_of(quotation, target=None):
	"""As ERPNext's button maps it, not saved."""
	from erpnext.selling.doctype.quotation.quotation import make_sales_order

	return make_sales_order(quotation.name, target_doc=target)


def quotation_promising(*days: int | None, **values):
	"""Rows promised in so many days; None: not promised."""
	quotation = f.make_quotation(rows=[(f.ITEM, 2, 500) for _day in days], submit=False, **values)
	for row, day in zip(quotation.items, days, strict=True):
		row.promise_date = None if day is None else in_days(day)
	return quotation.submit()


def delivery_days(order) -> list:
	return [row.delivery_date and (getdate(row.delivery_date) - getdate()).days for row in order.items]


class TestPromiseDates(SiteTestCase):
	def test_an_order_delivers_when_the_quotation_promised(self):
		order = order_of(quotation_promising(3, 40, 9))
		self.assertEqual(delivery_days(order), [3, 40, 9])
		self.assertEqual(order.delivery_date, in_days(40))
		order.set_warehouse = f.warehouse()
		order.insert().submit()
		order.reload()
		self.assertEqual(delivery_days(order), [3, 40, 9])
		self.assertEqual(order.delivery_date, in_days(40))

	def test_what_nobody_promised_is_left_to_whoever_makes_the_order(self):
		order = order_of(quotation_promising(12, None))
		self.assertEqual(delivery_days(order), [12, None])
		self.assertFalse(order.delivery_date)
		order.delivery_date = in_days(5)
		order.set_warehouse = f.warehouse()
		order.insert()
		# As ERPNext does: rows that have none get the order's date, and the order the latest of its rows.
		self.assertEqual(delivery_days(order), [12, 5])
		self.assertEqual(getdate(order.delivery_date), in_days(12))

	def test_no_date_was_promised(self):
		order = order_of(quotation_promising(None, None))
		self.assertEqual(delivery_days(order), [None, None])
		self.assertFalse(order.delivery_date)

	def test_a_promise_whose_day_has_passed_is_not_repeated(self):
		quotation = quotation_promising(2, 20)
		frappe.db.set_value("Quotation Item", quotation.items[0].name, "promise_date", in_days(-1))
		self.assertEqual(delivery_days(order_of(quotation)), [None, 20])

	def test_a_promise_never_moves_a_date_to_an_earlier_day(self):
		quotation = quotation_promising(10, 10)
		order = order_of(quotation)
		order.items[0].delivery_date = in_days(30)
		order.items[1].delivery_date = in_days(4)
		# As the form's Get Items From, on an order that is begun.
		order = order_of(quotation, target=frappe.as_json(order))
		self.assertEqual(delivery_days(order), [30, 10, 10, 10])

	def test_who_makes_the_order_may_change_the_date(self):
		order = order_of(quotation_promising(10, 20))
		order.items[1].delivery_date = add_days(nowdate(), 15)  # text, as the form sends it
		order.set_warehouse = f.warehouse()
		order.insert()
		self.assertEqual(delivery_days(order), [10, 15])
		order.items[1].delivery_date = in_days(3)
		order.save().submit()
		self.assertEqual(delivery_days(order), [10, 3])

	def test_an_order_that_came_without_the_mapper(self):
		quotation = quotation_promising(6, 8)
		rows = f.item_rows((f.ITEM, 2, 500), (f.ITEM, 2, 500), (f.ITEM, 1, 500))
		for row, source in zip(rows, quotation.items, strict=False):
			row |= {"delivery_date": None, "quotation_item": source.name, "prevdoc_docname": quotation.name}
		order = frappe.get_doc(
			{
				"doctype": "Sales Order",
				"customer": f.CUSTOMER,
				"company": f.COMPANY,
				"transaction_date": nowdate(),
				"items": rows,
			}
		)
		order.insert()
		self.assertEqual(delivery_days(order), [6, 8, 7])
		self.assertEqual(order.delivery_date, in_days(8))

	def test_an_order_with_dates_asks_nothing(self):
		from crm_ext.supply import promise_dates

		order = order_of(quotation_promising(6))
		with self.assertQueryCount(0):
			promise_dates.fill_new_order(order)
		order.items[0].delivery_date = None
		with self.assertQueryCount(2):  # the savepoint and the rows of the quotation
			promise_dates.fill_new_order(order)
		self.assertEqual(delivery_days(order), [6])

	def test_a_quotation_promises_what_the_opportunity_did(self):
		from erpnext.crm.doctype.opportunity.opportunity import make_quotation

		rows = [
			{"item_code": code, "item_name": code, "qty": 1, "uom": "Nos", "rate": 100, "promise_date": day}
			for code, day in ((f.ITEM, in_days(5)), (f.OTHER_ITEM, None), (f.ITEM, in_days(-5)))
		]
		opportunity = f.make_opportunity(frappe.get_doc("Customer", f.CUSTOMER), items=rows)
		quotation = make_quotation(opportunity.name)
		self.assertEqual([row.get("promise_date") for row in quotation.items], [in_days(5), None, None])
		# Into a quotation that is begun ERPNext maps no rows.
		begun = f.make_quotation(submit=False)
		begun = make_quotation(opportunity.name, target_doc=frappe.as_json(begun))
		self.assertEqual([row.get("promise_date") for row in begun.items], [None])

	def test_a_copy_promises_nothing_an_amended_quotation_still_does(self):
		quotation = quotation_promising(5)
		self.assertFalse(frappe.copy_doc(quotation, ignore_no_copy=False).items[0].promise_date)
		quotation.cancel()
		self.assertEqual(getdate(f.amend(quotation).items[0].promise_date), in_days(5))


class TestPrintedQuotation(SiteTestCase):
	def printed(self, quotation) -> str:
		return frappe.get_print("Quotation", quotation.name, "Standard")

	def test_shows_the_promise_date_only_where_one_is_given(self):
		promised = self.printed(quotation_promising(33, None))
		self.assertIn("Promise Date", promised)
		self.assertIn(frappe.utils.formatdate(in_days(33)), promised)
		self.assertNotIn("Promise Date", self.printed(quotation_promising(None)))
