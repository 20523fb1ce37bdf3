"""Promises to pay of customers who are late: some broken, some still open."""

from datetime import date, timedelta
from random import Random

import frappe

from crm_ext.setup.demo import data, diary, plan


def make(companies: list[str], last: date) -> None:
	"""For overdue invoices, once: a promise that was broken, one that is open, or the one after the other."""
	if diary.recall("promises"):
		return
	rng = Random(plan.SEED)
	overdue = frappe.get_all(
		"Sales Invoice",
		filters={
			"company": ("in", companies),
			"docstatus": 1,
			"is_return": 0,
			"outstanding_amount": (">", 0),
			"due_date": ("<", last - timedelta(20)),
		},
		pluck="name",
		order_by="due_date, name",
	)
	for invoice in overdue:
		broken = rng.random() < 0.5
		if broken:
			_promise(invoice, last - timedelta(18), last - timedelta(8))
		if not broken or rng.random() < 0.5:
			_promise(invoice, last - timedelta(2), last + timedelta(rng.randint(2, 12)))
	diary.note("promises", True)
	frappe.db.commit()  # a step of its own: a killed run goes on after it


def _promise(invoice: str, promised_on: date, pay_by: date) -> None:
	with diary.acting(data.ACCOUNTANT.user, promised_on):
		promise = frappe.get_doc(
			{
				"doctype": "Payment Promise",
				"promised_on": promised_on,
				"pay_by": pay_by,
				"invoices": [{"sales_invoice": invoice}],
				"notes": "Promised on the phone.",
			}
		).insert()
	# Judged as of the day it was made; now as of today.
	promise.reload().save()
