"""The steps of the plan as documents: ERPNext's own, by ERPNext's own mappers, each saved and submitted as usual.

Every action works for one `Work`: it reads the names of the story's earlier documents and notes those it makes.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import frappe
from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry
from erpnext.accounts.doctype.sales_invoice.sales_invoice import make_sales_return as make_credit_note
from erpnext.buying.doctype.purchase_order.purchase_order import make_purchase_receipt
from erpnext.crm.doctype.lead import lead as erpnext_lead
from erpnext.crm.doctype.opportunity import opportunity as erpnext_opportunity
from erpnext.selling.doctype.quotation.quotation import make_sales_order
from erpnext.selling.doctype.sales_order.sales_order import make_delivery_note
from erpnext.setup.utils import get_exchange_rate
from erpnext.stock.doctype.delivery_note.delivery_note import make_sales_invoice
from erpnext.stock.doctype.delivery_note.delivery_note import make_sales_return as make_goods_return
from erpnext.stock.doctype.purchase_receipt.purchase_receipt import make_purchase_invoice
from frappe.model.document import Document
from frappe.utils import flt

from crm_ext.setup.demo import data
from crm_ext.setup.demo.masters import foreign_account, foreign_currency, sales_person_of, warehouse_of
from crm_ext.setup.demo.plan import Step, Story

CREDIT_DAYS = 30
VALID_DAYS = 30


@dataclass
class Work:
	"""One step to be done. `names` are the story's documents so far; `others` gives those of other stories."""

	step: Step
	story: Story | None
	company: str
	names: dict[str, Any]
	others: Callable[[int], dict[str, Any]]

	@property
	def day(self) -> date:
		return self.step.day

	@property
	def args(self) -> dict[str, Any]:
		return self.step.args

	@property
	def is_foreign(self) -> bool:
		return self.story.foreign and bool(foreign_currency(self.company))

	@property
	def currency(self) -> str:
		home = frappe.get_cached_value("Company", self.company, "default_currency")
		return foreign_currency(self.company)[0] if self.is_foreign else home

	def get(self, doctype: str, key: str) -> Document:
		return frappe.get_doc(doctype, self.names[key])


def who_does(step: Step, story: Story | None) -> str:
	"""The user a step is for."""
	if step.action in ("purchase", "receive", "deliver", "return_goods"):
		return data.BUYER.user
	if step.action in _BY_ACCOUNTANT:
		return data.ACCOUNTANT.user
	return data.SALES[story.seller].user


# From the lead to the quotation


def _lead(work: Work) -> None:
	lead = work.story.lead
	doc = frappe.get_doc(
		{
			"doctype": "Lead",
			"first_name": lead.first_name,
			"last_name": lead.last_name,
			"company_name": lead.company_name,
			"email_id": lead.email,
			"source": lead.source,
			"campaign_name": lead.campaign,
			"industry": lead.industry,
			"territory": lead.territory,
			"no_of_employees": lead.employees,
			"lead_owner": data.SALES[work.story.seller].user,
			"company": work.company,
			"status": "Open",
		}
	)
	work.names["lead"] = doc.insert().name


def _contact(work: Work) -> None:
	lead = work.get("Lead", "lead")
	lead.status, lead.qualification_status = "Replied", "In Process"
	lead.add_note(work.story.lead.contacted_note)  # saves


def _qualify(work: Work) -> None:
	lead = work.get("Lead", "lead")
	lead.update(
		{
			"status": "Interested",
			"qualification_status": "Qualified",
			"qualified_by": data.SALES[work.story.seller].user,
			"qualified_on": work.day,
		}
	)
	lead.save()


def _drop_lead(work: Work) -> None:
	lead = work.get("Lead", "lead")
	lead.status, lead.qualification_status = "Do Not Contact", "Unqualified"
	lead.save()


def _opportunity(work: Work) -> None:
	doc = _opportunity_with_customer(work) if _customer(work) else _opportunity_with_lead(work)
	doc.update(
		{
			"transaction_date": work.day,
			"company": work.company,
			"currency": work.currency,
			"opportunity_owner": data.SALES[work.story.seller].user,
			"expected_closing": work.day + timedelta(work.args["close_in"]),
			"sales_stage": work.args["sales_stage"],
			"opportunity_type": "Sales",
		}
	)
	for code, quantity in work.story.items:
		rate = flt(data.GOODS[code].selling / _rate(work.currency, work), 2)
		doc.append("items", {"item_code": code, "qty": quantity, "rate": rate, "uom": "Nos"})
	doc.opportunity_amount = sum(flt(row.qty * row.rate, 2) for row in doc.items)
	work.names["opportunity"] = doc.insert().name


def _opportunity_with_lead(work: Work) -> Document:
	lead_of = work.story.lead_of
	return erpnext_lead.make_opportunity((work.names if lead_of is None else work.others(lead_of))["lead"])


def _opportunity_with_customer(work: Work) -> Document:
	return frappe.get_doc(
		{
			"doctype": "Opportunity",
			"opportunity_from": "Customer",
			"party_name": _customer(work),
			"source": "Existing Customer",
			"territory": frappe.db.get_value("Customer", _customer(work), "territory") or data.HOME[0],
		}
	)


def _customer(work: Work) -> str | None:
	"""Whose deal it is, where that was a customer before it began."""
	if work.story.customer_of is not None:
		return work.others(work.story.customer_of)["customer"]
	return work.story.customer


def _lose_opportunity(work: Work) -> None:
	work.get("Opportunity", "opportunity").declare_enquiry_lost(*_lost(work))


def _lost(work: Work) -> tuple[list[dict], list[dict]]:
	competitor = work.args["competitor"]
	return [{"lost_reason": work.args["reason"]}], [{"competitor": competitor}] if competitor else []


def _quote(work: Work) -> None:
	doc = erpnext_opportunity.make_quotation(work.names["opportunity"])
	doc.update({"transaction_date": work.day, "valid_till": work.day + timedelta(VALID_DAYS)})
	doc.additional_discount_percentage = work.args["discount"]
	_export(doc, work)
	work.names["quotation"] = _submit(doc)


def _export(doc: Document, work: Work) -> None:
	"""No tax is charged abroad; the rate is the day's."""
	if work.is_foreign:
		doc.update({"taxes_and_charges": None, "taxes": [], "conversion_rate": _rate(doc.currency, work)})


def _rate(currency: str, work: Work) -> float:
	home = frappe.get_cached_value("Company", work.company, "default_currency")
	return 1.0 if currency == home else get_exchange_rate(currency, home, work.day)


def _amend_quotation(work: Work) -> None:
	doc = _amended(work.get("Quotation", "quotation"))
	doc.update({"transaction_date": work.day, "valid_till": work.day + timedelta(VALID_DAYS)})
	doc.additional_discount_percentage = work.args["discount"]
	work.names["quotation"] = _submit(doc)


def _amended(cancelled: Document) -> Document:
	cancelled.cancel()
	doc = frappe.copy_doc(cancelled)
	doc.amended_from = cancelled.name
	return doc


def _lose_quotation(work: Work) -> None:
	work.get("Quotation", "quotation").declare_enquiry_lost(*_lost(work))


def _submit(doc: Document) -> str:
	doc.insert()
	doc.submit()
	return doc.name


# From the order to the cash


def _order(work: Work) -> None:
	if "quotation" in work.names:
		if not _customer(work):
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
	_export(doc, work)
	doc.payment_schedule = []
	doc.set("sales_team", _sales_team(work.story))
	work.names["order"] = _submit(doc)
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
			"customer": _customer(work),
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
	doc = _amended(work.get("Sales Order", "order"))
	doc.transaction_date = work.day
	for row in doc.items:
		row.qty = math.ceil(row.qty * work.args["factor"])
	doc.payment_schedule = []
	work.names["order"] = _submit(doc)


def _deliver(work: Work) -> None:
	doc = make_delivery_note(work.names["order"])
	_post(doc, work)
	for row in doc.items:
		row.qty = math.ceil(row.qty * work.args["part"])
	work.names.setdefault("deliveries", []).append(_submit(doc))


def _post(doc: Document, work: Work) -> None:
	doc.update({"posting_date": work.day, "posting_time": "12:00:00", "set_posting_time": 1})


def _invoice(work: Work) -> None:
	doc = make_sales_invoice(work.names["deliveries"][-1])
	_post(doc, work)
	doc.update({"due_date": work.day + timedelta(CREDIT_DAYS), "payment_schedule": []})
	_export(doc, work)
	doc.allocate_advances_automatically = int(work.args.get("advances", False))
	work.names.setdefault("invoices", []).append(_submit(doc))


def _pay(work: Work) -> None:
	_receive("Sales Invoice", work.names["invoices"][work.args.get("invoice", -1)], work)


def _deposit(work: Work) -> None:
	_receive("Sales Order", work.names["order"], work)


def _receive(doctype: str, name: str, work: Work) -> None:
	doc = get_payment_entry(doctype, name)
	reference = doc.references[0]
	reference.allocated_amount = flt(reference.allocated_amount * work.args["part"], 2)
	rate = _rate(doc.paid_from_account_currency, work)
	doc.update(
		{
			"posting_date": work.day,
			"reference_no": f"{name}/{work.day:%m%d}",
			"reference_date": work.day,
			"mode_of_payment": work.args.get("mode"),
			"paid_amount": reference.allocated_amount,
			"source_exchange_rate": rate,
			"received_amount": flt(reference.allocated_amount * rate, 2),
		}
	)
	work.names["receipt"] = _submit(doc)


def _reconcile(work: Work) -> None:
	"""The deposit against the invoice, by ERPNext's tool."""
	invoice = frappe.get_doc("Sales Invoice", work.names["invoices"][-1])
	tool = frappe.get_doc(
		{
			"doctype": "Payment Reconciliation",
			"company": work.company,
			"party_type": "Customer",
			"party": invoice.customer,
			"receivable_payable_account": invoice.debit_to,
		}
	)
	tool.get_unreconciled_entries()
	tool.allocate_entries(
		frappe._dict(
			invoices=[row.as_dict() for row in tool.invoices if row.invoice_number == invoice.name],
			payments=[row.as_dict() for row in tool.payments if row.reference_name == work.names["receipt"]],
		)
	)
	tool.reconcile()


def _receive_by_journal(work: Work) -> None:
	invoice = frappe.get_doc("Sales Invoice", work.names["invoices"][-1])
	amount = invoice.outstanding_amount
	receivable = {
		"account": invoice.debit_to,
		"party_type": "Customer",
		"party": invoice.customer,
		"credit_in_account_currency": amount,
		"reference_type": "Sales Invoice",
		"reference_name": invoice.name,
	}
	bank = frappe.get_cached_value("Company", work.company, "default_bank_account")
	_submit(
		frappe.get_doc(
			{
				"doctype": "Journal Entry",
				"voucher_type": "Bank Entry",
				"company": work.company,
				"posting_date": work.day,
				"cheque_no": invoice.name,
				"cheque_date": work.day,
				"accounts": [receivable, {"account": bank, "debit_in_account_currency": amount}],
			}
		)
	)


# Backwards


def _return_goods(work: Work) -> None:
	doc = make_goods_return(work.names["deliveries"][-1])
	_post(doc, work)
	for row in doc.items:
		row.qty = -math.ceil(-row.qty * work.args["part"])
	work.names["goods_return"] = _submit(doc)


def _credit(work: Work) -> None:
	"""A credit note for the goods that came back."""
	returned = {
		row.dn_detail: row.qty for row in frappe.get_doc("Delivery Note", work.names["goods_return"]).items
	}
	doc = make_credit_note(work.names["invoices"][-1])
	_post(doc, work)
	for row in doc.items:
		row.qty = returned[row.dn_detail]
	doc.update({"due_date": work.day, "payment_schedule": []})
	work.names["credit_note"] = _submit(doc)


def _refund(work: Work) -> None:
	doc = get_payment_entry("Sales Invoice", work.names["credit_note"])
	doc.update(
		{"posting_date": work.day, "reference_no": work.names["credit_note"], "reference_date": work.day}
	)
	_submit(doc)


# Buying


def _purchase(work: Work) -> None:
	number = work.args["purchase"]
	doc = frappe.get_doc(
		{
			"doctype": "Purchase Order",
			"supplier": data.ERPNEXT_SUPPLIERS[number % len(data.ERPNEXT_SUPPLIERS)],
			"company": work.company,
			"transaction_date": work.day,
			"schedule_date": work.day + timedelta(7),
			"set_warehouse": warehouse_of(work.company),
			"items": [
				{"item_code": code, "qty": quantity, "rate": data.GOODS[code].buying}
				for code, quantity in work.args["items"].items()
			],
		}
	)
	work.names["purchase_order"] = _submit(doc)


def _receive_goods(work: Work) -> None:
	doc = make_purchase_receipt(work.names["purchase_order"])
	_post(doc, work)
	work.names["purchase_receipt"] = _submit(doc)


def _bill(work: Work) -> None:
	doc = make_purchase_invoice(work.names["purchase_receipt"])
	_post(doc, work)
	doc.update(
		{
			"bill_no": f"R-{1000 + work.args['purchase']}",
			"bill_date": work.day,
			"due_date": work.day + timedelta(CREDIT_DAYS),
			"payment_schedule": [],
		}
	)
	_submit(doc)


ACTIONS: dict[str, Callable[[Work], None]] = {
	"lead": _lead,
	"contact": _contact,
	"qualify": _qualify,
	"drop_lead": _drop_lead,
	"opportunity": _opportunity,
	"lose_opportunity": _lose_opportunity,
	"quote": _quote,
	"amend_quotation": _amend_quotation,
	"lose_quotation": _lose_quotation,
	"order": _order,
	"amend_order": _amend_order,
	"deposit": _deposit,
	"deliver": _deliver,
	"invoice": _invoice,
	"pay": _pay,
	"reconcile": _reconcile,
	"receive_by_journal": _receive_by_journal,
	"return_goods": _return_goods,
	"credit": _credit,
	"refund": _refund,
	"purchase": _purchase,
	"receive": _receive_goods,
	"bill": _bill,
}
_BY_ACCOUNTANT = {"deposit", "invoice", "pay", "reconcile", "receive_by_journal", "credit", "refund", "bill"}
