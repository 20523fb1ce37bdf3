"""Workflows as a company would set them: quotations and orders that wait for an approval, were approved or sent back,
payments somebody else verifies, big deals people are told of."""

from datetime import date, timedelta

import frappe
from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry
from frappe.model.document import Document
from frappe.model.workflow import apply_workflow

from crm_ext.constants.workflows import NEEDED, REQUEST, SUBMIT, VERIFY, WORKFLOWS
from crm_ext.deals import touch
from crm_ext.setup.demo import data, diary
from crm_ext.setup.demo.drafts import offer_of, order_of


def switch_on(last: date) -> None:
	"""Once, after the year of selling: what was sold before needed nobody."""
	if diary.recall("workflows"):
		return
	settings = frappe.get_doc("CRM Ext Settings")
	for workflow in WORKFLOWS.values():
		settings.set(workflow.switch, 1)
	settings.payment_verifier_role = data.VERIFIER
	for document_type, measure, limit, role in data.APPROVAL_LIMITS:
		settings.append(
			"approval_limits",
			{
				"document_type": document_type,
				"measure": measure,
				"limit": limit,
				"role": role,
				# Every one. Left out, Frappe fills in the default company.
				"company": "",
			},
		)
	for amount, person in data.BIG_DEALS:
		settings.append("big_deal_limits", {"amount": amount, "user": person.user, "company": ""})
	settings.save()
	diary.note("workflows", True)
	frappe.db.commit()  # a step of its own: a killed run goes on after it


def make(company: str, last: date) -> None:
	"""Once, each document a transaction of its own, as among people; a killed run goes on after it."""
	customers = _customers(company)
	asked = [
		*((_opportunity, one) for one in data.OPPORTUNITIES_ASKED),
		*((_offer, one) for one in data.OFFERS_ASKED),
		*((_order, one) for one in data.ORDERS_ASKED),
	]
	done = diary.recall("approvals") or 0
	for number, (made, one) in enumerate(asked[done:], start=done + 1):
		seller = data.SALES[one.seller]
		# Orders are entered by the office.
		user = data.ASSISTANT.user if made is _order else seller.user
		choice = customers.get(seller.user) or list(data.ERPNEXT_CUSTOMERS)
		with diary.acting(user, last):
			doc = made(choice[number % len(choice)], company, seller, one, last)
			doc.insert()
			doc = apply_workflow(doc, REQUEST if doc.get(NEEDED) else SUBMIT)
			touch.flush()  # while it is theirs: who moved the deal is kept
		if one.answer:
			_answer(doc, one, last)
		diary.note("approvals", number)
		frappe.db.commit()  # see above
	_make_payments(company, last)


def _customers(company: str) -> dict[str, list[str]]:
	"""Whom each salesperson has sold to, but those who are late: the credit gate would hold their orders."""
	rows = frappe.db.sql(
		"""SELECT DISTINCT d.owner_user, d.customer FROM tabDeal d JOIN tabCustomer c ON c.name = d.customer
		WHERE d.company = %(company)s AND IFNULL(c.default_currency, '') IN ('', %(currency)s)
		AND d.customer NOT IN %(known)s
		AND NOT EXISTS (
			SELECT 1 FROM `tabSales Invoice` i WHERE i.customer = d.customer AND i.docstatus = 1
			AND i.outstanding_amount > 0 AND i.due_date < CURRENT_DATE
		)
		ORDER BY d.owner_user, d.customer""",
		{
			"company": company,
			"currency": frappe.get_cached_value("Company", company, "default_currency"),
			"known": data.ERPNEXT_CUSTOMERS,
		},
	)
	found: dict[str, list[str]] = {}
	for user, customer in rows:
		found.setdefault(user, []).append(customer)
	return found


def _opportunity(customer: str, company: str, seller: data.Person, one: data.Asked, last: date) -> Document:
	items = [
		{"item_code": code, "qty": quantity, "rate": data.GOODS[code].selling, "uom": "Nos"}
		for code, quantity in one.items
	]
	return frappe.get_doc(
		{
			"doctype": "Opportunity",
			"opportunity_from": "Customer",
			"party_name": customer,
			"company": company,
			"transaction_date": last,
			"expected_closing": last + timedelta(45),
			"opportunity_owner": seller.user,
			"opportunity_type": "Sales",
			"sales_stage": data.SALES_STAGES[1],
			"source": "Existing Customer",
			"currency": frappe.get_cached_value("Company", company, "default_currency"),
			"opportunity_amount": sum(row["qty"] * row["rate"] for row in items),
			"items": items,
		}
	)


def _offer(customer: str, company: str, seller: data.Person, one: data.Asked, last: date) -> Document:
	return offer_of(customer, company, one.items, last, one.discount)


def _order(customer: str, company: str, seller: data.Person, one: data.Asked, last: date) -> Document:
	return order_of(customer, company, seller, one.items, last, last + timedelta(data.ORDERS_DELIVERED_IN))


def _answer(doc: Document, one: data.Asked, last: date) -> None:
	with diary.acting(data.MANAGER.user, last):
		doc = apply_workflow(doc, one.answer)
		touch.flush()
		if one.said:
			doc.add_comment("Comment", one.said)


def _make_payments(company: str, last: date) -> None:
	"""Two receipts the bookkeeper entered: one the accountant has verified, one that waits for it."""
	if diary.recall("payments"):
		return
	invoices = frappe.get_all(
		"Sales Invoice",
		filters={
			"company": company,
			"currency": frappe.get_cached_value("Company", company, "default_currency"),
			"docstatus": 1,
			"is_return": 0,
			"outstanding_amount": (">", 0),
		},
		order_by="due_date desc, name",
		limit=2,
		pluck="name",
	)
	for number, invoice in enumerate(invoices):
		with diary.acting(data.BOOKKEEPER.user, last):
			payment = get_payment_entry("Sales Invoice", invoice)
			payment.update(
				{
					"posting_date": last,
					"reference_no": f"{invoice}/{last:%m%d}",
					"reference_date": last,
					"mode_of_payment": data.MODES_OF_PAYMENT[0],
				}
			)
			payment.insert()
		if not number:
			with diary.acting(data.ACCOUNTANT.user, last):
				apply_workflow(payment, VERIFY)
	diary.note("payments", True)
	frappe.db.commit()  # a step of its own: a killed run goes on after it
