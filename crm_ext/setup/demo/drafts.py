"""Orders and offers beside the year's plan, as people begin them: not saved yet."""

from collections.abc import Iterable
from datetime import date, timedelta

import frappe
from frappe.model.document import Document

from crm_ext.setup.demo import data
from crm_ext.setup.demo.masters import sales_person_of, warehouse_of
from crm_ext.setup.demo.offering import VALID_DAYS

# (item, quantity)
Items = Iterable[tuple[str, float]]


def order_of(
	customer: str, company: str, seller: data.Person, items: Items, day: date, delivery: date
) -> Document:
	"""An order of `day`, to be delivered as a whole."""
	return frappe.get_doc(
		{
			"doctype": "Sales Order",
			"customer": customer,
			"company": company,
			"transaction_date": day,
			"delivery_date": delivery,
			"set_warehouse": warehouse_of(company),
			"items": [
				{"item_code": code, "qty": quantity, "delivery_date": delivery} for code, quantity in items
			],
			"sales_team": [{"sales_person": sales_person_of(seller), "allocated_percentage": 100}],
		}
	)


def offer_of(customer: str, company: str, items: Items, day: date, discount: float = 0) -> Document:
	"""An offer of `day`; `discount` in percent of the whole."""
	return frappe.get_doc(
		{
			"doctype": "Quotation",
			"quotation_to": "Customer",
			"party_name": customer,
			"company": company,
			"transaction_date": day,
			"valid_till": day + timedelta(VALID_DAYS),
			"additional_discount_percentage": discount,
			"items": [
				{"item_code": code, "qty": quantity, "warehouse": warehouse_of(company)}
				for code, quantity in items
			],
		}
	)
