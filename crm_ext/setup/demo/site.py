"""The company, and ERPNext's own demo records. Each part is skipped where it is there already."""

import json
import random
from datetime import date, timedelta

import frappe
from erpnext.accounts.utils import get_fiscal_years
from erpnext.setup import demo as erpnext_demo
from frappe.desk.page.setup_wizard.setup_wizard import setup_complete
from frappe.utils import getdate

from crm_ext.setup.demo import data, plan


def complete_setup() -> None:
	"""What a person does in the setup wizard of a new site."""
	if frappe.is_setup_complete():
		return
	today = getdate()
	args = {
		**data.COMPANY,
		"fy_start_date": f"{today.year}-01-01",
		"fy_end_date": f"{today.year}-12-31",
		"enable_telemetry": 0,
	}
	setup_complete(args)
	frappe.db.commit()  # the wizard is a request of its own


def make_fiscal_years(first: date, last: date) -> None:
	"""Calendar years for the days the site has no fiscal year for."""
	for year in range(first.year, last.year + 1):
		for day in (date(year, 1, 1), date(year, 12, 31)):
			if not get_fiscal_years(day, boolean=True):
				frappe.get_doc(
					{
						"doctype": "Fiscal Year",
						"year": str(year),
						"year_start_date": date(year, 1, 1),
						"year_end_date": date(year, 12, 31),
					}
				).insert()
	frappe.db.commit()  # a step of its own: a killed run goes on after it


def make_erpnext_masters() -> str:
	"""ERPNext's demo company with its items, customers and suppliers. Returns the company."""
	company = frappe.db.get_single_value("Global Defaults", "demo_company")
	if not company:
		company = erpnext_demo.create_demo_company()
		frappe.db.commit()  # as above
	if not frappe.db.exists("Supplier", data.ERPNEXT_SUPPLIERS[-1]):
		erpnext_demo.process_masters()
		frappe.db.commit()  # as above
	return company


def make_erpnext_documents(company: str, last: date) -> None:
	"""ERPNext's demo orders, invoices and payments, in the year before `last`.

	Not by its own `make_transactions`: that spreads them over the fiscal year, and most of that may lie ahead.
	"""
	if frappe.db.exists("Sales Order", {"company": company}):
		return
	random.seed(plan.SEED)  # ERPNext draws days and warehouses
	start = last - timedelta(351)
	frappe.db.set_single_value("Stock Settings", "allow_negative_stock", 1)
	for doctype in frappe.get_hooks("demo_transaction_doctypes"):
		for record in json.loads(erpnext_demo.read_data_file_using_hooks(doctype)):
			erpnext_demo.create_transaction(record, company, start)
	erpnext_demo.convert_order_to_invoices()
	frappe.db.set_single_value("Stock Settings", "allow_negative_stock", 0)
	frappe.db.commit()  # as above
