"""From the order to the invoice, and back: returned goods and credit notes."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import frappe
from erpnext.accounts.doctype.sales_invoice.sales_invoice import make_sales_return as make_credit_note
from erpnext.crm.doctype.lead import lead as erpnext_lead
from erpnext.selling.doctype.quotation.quotation import make_sales_order
from erpnext.selling.doctype.sales_order.sales_order import make_delivery_note
from erpnext.stock.doctype.delivery_note.delivery_note import make_sales_invoice
from erpnext.stock.doctype.delivery_note.delivery_note import make_sales_return as make_goods_return
from frappe.model.document import Document

from crm_ext.setup.demo import data
from crm_ext.setup.demo.masters import foreign_account, sales_person_of, warehouse_of
from crm_ext.setup.demo.stories import Story
from crm_ext.setup.demo.work import CREDIT_DAYS, Action, Work, amended, customer_of, export, post, submit


def _order(work: Work) -> None:
	if "quotation" in work.names:
		if not customer_of(work):
			_make_customer(work)
		with _old_offers_taken():
			doc = make_sales_order(work.names["quotation"])
			if "together_with" in work.args:
				doc = make_sales_order(work.others(work.args["together_with"])["quotation"], doc)
	else:
		doc = _order_without_quotation(work)
	delivery = work.day + timedelta(work.args["deliver_in"])
	doc.update(
		{"transaction_date": work.day, "delivery_date": delivery, "set_warehouse": warehouse_of(work.company)}
	)
	for row in doc.items:
		row.update({"delivery_date": delivery, "warehouse": doc.set_warehouse})
	export(doc, work)
	doc.payment_schedule = []
	doc.set("sales_team", _sales_team(work.story))
	work.names["order"] = submit(doc)
	work.names["customer"] = doc.customer


@contextmanager
def _old_offers_taken() -> Iterator[None]:
	"""ERPNext compares an offer's last day with today's date, not with the order's.

	Undone in the same transaction, so that nobody else ever sees the setting changed.
	"""
	setting = ("Selling Settings", "allow_sales_order_creation_for_expired_quotation")
	before = frappe.db.get_single_value(*setting)
	frappe.db.set_single_value(*setting, 1)
	yield
	frappe.db.set_single_value(*setting, before)


def _make_customer(work: Work) -> None:
	lead_of = work.story.lead_of
	lead = (work.names if lead_of is None else work.others(lead_of))["lead"]
	if frappe.db.exists("Customer", {"lead_name": lead}):
		return
	doc = erpnext_lead.make_customer(lead)
	doc.customer_group = "Commercial"
	if work.is_foreign:
		doc.default_currency = work.currency
		doc.append("accounts", {"company": work.company, "account": foreign_account(work.company)})
	doc.insert()


def _order_without_quotation(work: Work) -> Document:
	return frappe.get_doc(
		{
			"doctype": "Sales Order",
			"customer": customer_of(work),
			"company": work.company,
			"transaction_date": work.day,
			"items": [{"item_code": code, "qty": quantity} for code, quantity in work.story.items],
		}
	)


def _sales_team(story: Story) -> list[dict]:
	team = (
		[(story.seller, 100)]
		if story.helper in (None, story.seller)
		else [(story.seller, 60), (story.helper, 40)]
	)
	return [
		{"sales_person": sales_person_of(data.SALES[seller]), "allocated_percentage": part}
		for seller, part in team
	]


def _amend_order(work: Work) -> None:
	doc = amended(work.get("Sales Order", "order"))
	doc.transaction_date = work.day
	for row in doc.items:
		row.qty = math.ceil(row.qty * work.args["factor"])
	doc.payment_schedule = []
	work.names["order"] = submit(doc)


def _deliver(work: Work) -> None:
	doc = make_delivery_note(work.names["order"])
	post(doc, work)
	for row in doc.items:
		row.qty = math.ceil(row.qty * work.args["part"])
	work.names.setdefault("deliveries", []).append(submit(doc))


def _invoice(work: Work) -> None:
	doc = make_sales_invoice(work.names["deliveries"][-1])
	post(doc, work)
	doc.update({"due_date": work.day + timedelta(CREDIT_DAYS), "payment_schedule": []})
	export(doc, work)
	doc.allocate_advances_automatically = int(work.args.get("advances", False))
	work.names.setdefault("invoices", []).append(submit(doc))


# Backwards


def _return_goods(work: Work) -> None:
	doc = make_goods_return(work.names["deliveries"][-1])
	post(doc, work)
	for row in doc.items:
		row.qty = -math.ceil(-row.qty * work.args["part"])
	work.names["goods_return"] = submit(doc)


def _credit(work: Work) -> None:
	"""A credit note for the goods that came back."""
	returned = {
		row.dn_detail: row.qty for row in frappe.get_doc("Delivery Note", work.names["goods_return"]).items
	}
	doc = make_credit_note(work.names["invoices"][-1])
	post(doc, work)
	for row in doc.items:
		row.qty = returned[row.dn_detail]
	doc.update({"due_date": work.day, "payment_schedule": []})
	work.names["credit_note"] = submit(doc)


ACTIONS: dict[str, Action] = {
	"order": _order,
	"amend_order": _amend_order,
	"deliver": _deliver,
	"invoice": _invoice,
	"return_goods": _return_goods,
	"credit": _credit,
}
