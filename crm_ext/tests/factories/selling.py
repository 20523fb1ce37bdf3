"""From the lead to the invoice and back, by ERPNext's own mappers."""

import frappe
from frappe.utils import add_days, cint, nowdate

from crm_ext.tests.factories.site import COMPANY, CUSTOMER, ITEM, SERVICE, unique, warehouse


def make_lead(**values):
	company_name = values.pop("company_name", None) or unique("Prospective")
	return frappe.get_doc(
		{
			"doctype": "Lead",
			"first_name": "Ada",
			"company_name": company_name,
			"company": COMPANY,
			"status": "Open",
			**values,
		}
	).insert()


def make_prospect(leads: list, **values):
	rows = [{"lead": lead.name, "lead_name": lead.lead_name} for lead in leads]
	name = unique("Group")
	return frappe.get_doc(
		{"doctype": "Prospect", "company_name": name, "company": COMPANY, "leads": rows, **values}
	).insert()


def make_customer(**values):
	name = values.pop("customer_name", None) or unique("Customer")
	return frappe.get_doc({"doctype": "Customer", "customer_name": name, **values}).insert()


def make_opportunity(party, amount: float = 1000, **values):
	"""An opportunity from a Lead, Prospect or Customer document."""
	return frappe.get_doc(
		{
			"doctype": "Opportunity",
			"opportunity_from": party.doctype,
			"party_name": party.name,
			"company": COMPANY,
			"opportunity_amount": amount,
			"currency": frappe.get_cached_value(
				"Company", values.get("company", COMPANY), "default_currency"
			),
			"transaction_date": nowdate(),
			**values,
		}
	).insert()


def item_rows(*rows: tuple[str, float, float], company: str = COMPANY) -> list[dict]:
	"""Item rows from (item, quantity, rate)."""
	return [
		{
			"item_code": item,
			"qty": qty,
			"rate": rate,
			"price_list_rate": rate,
			"warehouse": warehouse(company),
			"uom": "Nos",
			"conversion_factor": 1,
			"delivery_date": add_days(nowdate(), 7),
		}
		for item, qty, rate in rows
	]


def make_quotation(source=None, rows=((ITEM, 2, 500),), submit: bool = True, **values):
	"""A quotation from an Opportunity (by ERPNext's mapper), a Lead or a Customer."""
	if source is not None and source.doctype == "Opportunity":
		from erpnext.crm.doctype.opportunity.opportunity import make_quotation as mapper

		quotation = mapper(source.name)
	else:
		quotation = frappe.new_doc("Quotation")
		quotation.quotation_to = source.doctype if source is not None else "Customer"
		quotation.party_name = source.name if source is not None else CUSTOMER
	company = values.get("company") or quotation.company or COMPANY
	quotation.company = company
	quotation.transaction_date = nowdate()
	quotation.valid_till = add_days(nowdate(), 30)
	quotation.set("items", item_rows(*rows, company=company))
	quotation.update(values)
	quotation.set_missing_values()
	quotation.insert()
	return quotation.submit() if submit else quotation


def make_sales_order(quotation=None, rows=((ITEM, 2, 500),), submit: bool = True, **values):
	"""An order from a quotation (by ERPNext's mapper) or on its own."""
	if quotation is not None:
		from erpnext.selling.doctype.quotation.quotation import make_sales_order as mapper

		order = mapper(quotation.name)
		for row in order.items:
			row.warehouse = row.warehouse or warehouse(order.company)
	else:
		order = frappe.new_doc("Sales Order")
		order.customer = values.get("customer") or CUSTOMER
		order.company = values.get("company") or COMPANY
		order.set("items", item_rows(*rows, company=order.company))
	order.delivery_date = add_days(nowdate(), 7)
	for row in order.items:
		row.delivery_date = order.delivery_date
	order.update(values)
	order.set_missing_values()
	order.insert()
	return order.submit() if submit else order


def add_quotation_to_order(order, quotation):
	"""Pull a second quotation into a draft order, as the form's Get Items From does."""
	from erpnext.selling.doctype.quotation.quotation import make_sales_order as mapper

	mapper(quotation.name, target_doc=order)
	for row in order.items:
		row.delivery_date = order.delivery_date
		row.warehouse = row.warehouse or warehouse(order.company)
	return order


def make_delivery_note(order, share: float = 1, submit: bool = True, **values):
	from erpnext.selling.doctype.sales_order.sales_order import make_delivery_note as mapper

	note = mapper(order.name)
	take_share(note, share)
	note.update(values)
	note.insert()
	return note.submit() if submit else note


def make_sales_invoice(source, share: float = 1, submit: bool = True, **values):
	"""An invoice from a Sales Order or a Delivery Note."""
	if source.doctype == "Sales Order":
		from erpnext.selling.doctype.sales_order.sales_order import make_sales_invoice as mapper
	else:
		from erpnext.stock.doctype.delivery_note.delivery_note import make_sales_invoice as mapper

	invoice = mapper(source.name)
	take_share(invoice, share)
	invoice.update(values)
	invoice.insert()
	return invoice.submit() if submit else invoice


def make_direct_invoice(rows=((SERVICE, 1, 300),), submit: bool = True, **values):
	invoice = frappe.new_doc("Sales Invoice")
	invoice.customer = values.get("customer") or CUSTOMER
	invoice.company = values.get("company") or COMPANY
	invoice.set("items", item_rows(*rows, company=invoice.company))
	invoice.update(values)
	invoice.set_missing_values()
	invoice.insert()
	return invoice.submit() if submit else invoice


def make_return(document, share: float = 1, **values):
	"""A return against a Delivery Note or a credit note against a Sales Invoice."""
	if document.doctype == "Delivery Note":
		from erpnext.stock.doctype.delivery_note.delivery_note import make_sales_return as mapper
	else:
		from erpnext.accounts.doctype.sales_invoice.sales_invoice import make_sales_return as mapper

	returned = mapper(document.name)
	take_share(returned, share)
	returned.update(values)
	returned.insert()
	# Read again, as a browser submits it: ERPNext asks whether it is a return when the document is loaded.
	return frappe.get_doc(returned.doctype, returned.name).submit()


def amend(document, **values):
	"""Cancel and amend: the amended draft, not yet inserted."""
	amended = frappe.copy_doc(document)
	amended.amended_from = document.name
	amended.docstatus = 0
	amended.update(values)
	return amended


def gross(document) -> float:
	"""What the customer owes by a document, in company currency."""
	return document.base_rounded_total or document.base_grand_total


def take_share(document, share: float) -> None:
	"""Reduce every row's quantity to a share of it, whole pieces, at least one."""
	if share >= 1:
		return
	for row in document.items:
		sign = -1 if row.qty < 0 else 1
		row.qty = sign * max(1, cint(abs(row.qty) * share))
