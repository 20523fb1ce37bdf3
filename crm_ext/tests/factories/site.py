"""What all tests share, committed once a site: companies, items, customers, reasons; and where things are in them."""

import frappe
from frappe.utils import getdate, nowdate

COMPANY = "Wind Power LLC"  # made by ERPNext's own test setup, in INR-free USD
OTHER_COMPANY = "Solar Power SE"
ITEM = "CRM Ext Turbine"
OTHER_ITEM = "CRM Ext Blade"
SERVICE = "CRM Ext Installation"
CUSTOMER = "CRM Ext Customer"
FOREIGN_CUSTOMER = "CRM Ext Kunde"


def ensure_site() -> None:
	"""Company, second company, items and customers. Runs once a site; a second call only looks."""
	if not frappe.db.exists("Company", COMPANY):
		from erpnext.setup.utils import before_tests

		before_tests()
	_ensure_fiscal_years()
	if frappe.db.exists("Customer", FOREIGN_CUSTOMER):
		return
	frappe.db.set_single_value("Stock Settings", "allow_negative_stock", 1)
	frappe.db.set_single_value("Accounts Settings", "unlink_payment_on_cancellation_of_invoice", 1)
	frappe.db.set_single_value("Selling Settings", "maintain_same_sales_rate", 0)
	_ensure_other_company()
	for code, is_stock in ((ITEM, 1), (OTHER_ITEM, 1), (SERVICE, 0)):
		_ensure(
			"Item",
			code,
			item_code=code,
			item_group="All Item Groups",
			stock_uom="Nos",
			is_stock_item=is_stock,
			valuation_rate=40,
		)
	for name, currency in ((CUSTOMER, "USD"), (FOREIGN_CUSTOMER, "EUR")):
		_ensure("Customer", name, customer_name=name, default_currency=currency)
	_ensure_foreign_receivable()
	_ensure(
		"Sales Person", "CRM Ext Seller", sales_person_name="CRM Ext Seller", parent_sales_person="Sales Team"
	)
	_ensure("Quotation Lost Reason", "Too expensive", order_lost_reason="Too expensive")
	_ensure("Opportunity Lost Reason", "No budget", lost_reason="No budget")
	frappe.db.commit()  # shared by all tests


def ensure_supplier() -> str:
	_ensure(
		"Supplier", "CRM Ext Supplier", supplier_name="CRM Ext Supplier", supplier_group="All Supplier Groups"
	)
	return "CRM Ext Supplier"


def _ensure(doctype: str, name: str, **values):
	if not frappe.db.exists(doctype, name):
		frappe.get_doc({"doctype": doctype, **values}).insert(ignore_permissions=True)


def _ensure_fiscal_years() -> None:
	"""The years around this one: ERPNext's own test setup makes this year only, and in January most of what tests call
	overdue is of the year before."""
	this_year = getdate(nowdate()).year
	known = frappe.get_all("Fiscal Year", pluck="name")
	missing = [year for year in range(this_year - 2, this_year + 2) if str(year) not in known]
	for year in missing:
		_ensure(
			"Fiscal Year",
			str(year),
			year=str(year),
			year_start_date=f"{year}-01-01",
			year_end_date=f"{year}-12-31",
		)
	if missing:
		frappe.db.commit()  # shared by all tests


def _ensure_other_company() -> None:
	_ensure(
		"Company",
		OTHER_COMPANY,
		company_name=OTHER_COMPANY,
		abbr="SPS",
		default_currency="EUR",
		country="Germany",
		chart_of_accounts="Standard",
	)


def _ensure_foreign_receivable() -> None:
	"""A receivable account in euro, because ERPNext books a foreign customer in one currency only."""
	parent = frappe.db.get_value("Company", COMPANY, "default_receivable_account")
	parent = frappe.db.get_value("Account", parent, "parent_account")
	account = frappe.get_doc(
		{
			"doctype": "Account",
			"account_name": "Debtors EUR",
			"company": COMPANY,
			"parent_account": parent,
			"account_type": "Receivable",
			"account_currency": "EUR",
		}
	).insert(ignore_permissions=True)
	customer = frappe.get_doc("Customer", FOREIGN_CUSTOMER)
	customer.append("accounts", {"company": COMPANY, "account": account.name})
	customer.save(ignore_permissions=True)


def unique(prefix: str) -> str:
	return f"{prefix} {frappe.generate_hash(length=8)}"


def warehouse(company: str = COMPANY) -> str:
	return frappe.db.get_value("Warehouse", {"company": company, "is_group": 0, "warehouse_name": "Stores"})


def cash_account(company: str) -> str:
	return frappe.db.get_value("Account", {"company": company, "account_type": "Cash", "is_group": 0})


def cost_center(company: str) -> str:
	return frappe.get_cached_value("Company", company, "cost_center")
