"""The credit gate as a company would set it, an order that waits for a release, and one that was released."""

from datetime import date, timedelta

import frappe

from crm_ext.receivables import asking, credit, releases
from crm_ext.setup.demo import data, diary
from crm_ext.setup.demo.drafts import order_of


def make(company: str, last: date) -> None:
	"""Once, at the end: what was sold before was never checked."""
	if diary.recall("credit"):
		return
	_switch_on(company)
	late = frappe.db.sql(
		"""SELECT customer FROM `tabSales Invoice` WHERE company = %s AND docstatus = 1 AND is_return = 0
		AND outstanding_amount > 0 AND due_date < %s AND currency = %s
		GROUP BY customer ORDER BY MIN(due_date), customer LIMIT 2""",
		(company, last - timedelta(60), frappe.get_cached_value("Company", company, "default_currency")),
		pluck=True,
	)
	for number, customer in enumerate(late):
		seller = data.SALES[number]
		with diary.acting(seller.user, last):
			items = [("SKU008", 20)]
			order = order_of(customer, company, seller, items, last, last + timedelta(12)).insert()
		if number:
			_release(order, last)
		else:
			with diary.acting(seller.user, last):
				asking.ask(order, credit.status(order)["reasons"], "They pay after the fair.")
	diary.note("credit", True)
	frappe.db.commit()  # a step of its own: a killed run goes on after it


def _switch_on(company: str) -> None:
	frappe.get_doc(
		{
			"doctype": "Credit Policy",
			"company": company,
			"applies_to": "Company",
			"check_overdue_amount": "On",
			"max_overdue_amount": 25000,
			"check_overdue_days": "On",
			"max_overdue_days": 60,
			"check_promises": "On",
			"max_broken_promises": 1,
			"promise_days": 365,
		}
	).insert()
	settings = frappe.get_doc("CRM Ext Settings")
	settings.credit_gate_enabled = 1
	settings.save()


def _release(order, last: date) -> None:
	with diary.acting(data.ACCOUNTANT.user, last):
		releases.make(
			{
				"sales_order": order.name,
				"amount": order.base_grand_total,
				"valid_until": last + timedelta(14),
				"notes": "The invoice is in dispute; the customer is good for it.",
			}
		)
	with diary.acting(order.owner, last):
		order.reload()
		order.submit()
