"""Documents for tests, made through ERPNext's own controllers and mappers.

`ensure_site` commits once a company with items, parties and accounts; everything else belongs to the test that
asks for it and is rolled back with it.
"""

import frappe
from frappe.utils import add_days, cint, flt, getdate, nowdate

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
	_take_share(note, share)
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
	_take_share(invoice, share)
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
	_take_share(returned, share)
	returned.update(values)
	returned.insert()
	# Read again, as a browser submits it: ERPNext asks whether it is a return when the document is loaded.
	return frappe.get_doc(returned.doctype, returned.name).submit()


def make_payment(document, amount: float | None = None, submit: bool = True, **values):
	"""A Payment Entry for an order, an invoice or a credit note, by ERPNext's own function."""
	from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry

	payment = get_payment_entry(document.doctype, document.name, bank_account=cash_account(document.company))
	payment.reference_no = unique("REF")
	payment.reference_date = nowdate()
	if amount is not None:
		payment.paid_amount = payment.received_amount = amount
		if payment.references:
			row = payment.references[0]
			row.allocated_amount = min(abs(row.outstanding_amount), amount) * (
				-1 if row.outstanding_amount < 0 else 1
			)
	payment.update(values)
	payment.insert()
	return payment.submit() if submit else payment


def make_journal_receipt(invoice, amount: float, **values):
	"""A Journal Entry that pays `amount` of an invoice or, as an advance, of an order."""
	receivable = invoice.get("debit_to") or frappe.db.get_value(
		"Company", invoice.company, "default_receivable_account"
	)
	return (
		frappe.get_doc(
			{
				"doctype": "Journal Entry",
				"company": invoice.company,
				"posting_date": nowdate(),
				"accounts": [
					{
						"account": receivable,
						"party_type": "Customer",
						"party": invoice.customer,
						"credit_in_account_currency": amount,
						"reference_type": invoice.doctype,
						"reference_name": invoice.name,
						"is_advance": "Yes" if invoice.doctype == "Sales Order" else "No",
						"cost_center": cost_center(invoice.company),
					},
					{
						"account": cash_account(invoice.company),
						"debit_in_account_currency": amount,
						"cost_center": cost_center(invoice.company),
					},
				],
				**values,
			}
		)
		.insert()
		.submit()
	)


def reconcile(
	company: str, customer: str, invoice: str, amount: float | None = None, advance_account: str | None = None
) -> None:
	"""Match whatever the customer has on account with one invoice, by the Payment Reconciliation tool."""
	tool = frappe.get_doc("Payment Reconciliation")
	tool.update(
		{
			"company": company,
			"party_type": "Customer",
			"party": customer,
			"receivable_payable_account": frappe.db.get_value("Sales Invoice", invoice, "debit_to"),
			"default_advance_account": advance_account,
		}
	)
	tool.get_unreconciled_entries()
	invoices = [row.as_dict() for row in tool.invoices if row.invoice_number == invoice]
	payments = [row.as_dict() for row in tool.payments]
	tool.allocate_entries(frappe._dict({"invoices": invoices, "payments": payments}))
	if not tool.allocation:
		frappe.throw("nothing to reconcile")
	if amount is not None:
		tool.set("allocation", tool.allocation[:1])
		tool.allocation[0].allocated_amount = min(flt(tool.allocation[0].allocated_amount), amount)
	tool.reconcile()


def unreconcile(voucher) -> None:
	"""Undo every allocation of a receipt, by the Unreconcile Payment document."""
	tool = frappe.get_doc(
		{
			"doctype": "Unreconcile Payment",
			"company": voucher.company,
			"voucher_type": voucher.doctype,
			"voucher_no": voucher.name,
		}
	)
	tool.add_references()
	tool.insert().submit()


def amend(document, **values):
	"""Cancel and amend: the amended draft, not yet inserted."""
	amended = frappe.copy_doc(document)
	amended.amended_from = document.name
	amended.docstatus = 0
	amended.update(values)
	return amended


def make_customer(**values):
	name = values.pop("customer_name", None) or unique("Customer")
	return frappe.get_doc({"doctype": "Customer", "customer_name": name, **values}).insert()


def ensure_supplier() -> str:
	_ensure(
		"Supplier", "CRM Ext Supplier", supplier_name="CRM Ext Supplier", supplier_group="All Supplier Groups"
	)
	return "CRM Ext Supplier"


def make_user(email: str, *roles: str, **values):
	if frappe.db.exists("User", email):
		user = frappe.get_doc("User", email)
	else:
		# Frappe stops whoever makes more than 60 users in an hour; the tests of this app together come near that.
		frappe.conf.throttle_user_limit = 10_000
		user = frappe.get_doc(
			{
				"doctype": "User",
				"email": email,
				"first_name": email.split("@")[0],
				"send_welcome_email": 0,
				**values,
			}
		).insert(ignore_permissions=True)
	user.add_roles(*roles)
	return user


def make_employee(
	user: str,
	reports_to: str | None = None,
	holiday_list: str | None = None,
	company: str = COMPANY,
	**values,
):
	"""The active employee of a user; `reports_to` is an employee's name. Changed where there is one already."""
	name = frappe.db.get_value("Employee", {"user_id": user})
	employee = frappe.get_doc("Employee", name) if name else frappe.new_doc("Employee")
	employee.update(
		{
			"first_name": user.split("@")[0],
			"company": company,
			"create_user_permission": 0,
			"date_of_birth": "1990-01-01",
			"date_of_joining": "2020-01-01",
			"gender": "Female",
			"holiday_list": holiday_list,
			"reports_to": reports_to,
			"status": "Active",
			"user_id": user,
			**values,
		}
	)
	return employee.save(ignore_permissions=True)


def make_stand_in(user: str, other: str, first: int = 0, last: int = 0):
	"""`other` stands in for `user` from so many days from today to so many."""
	return frappe.get_doc(
		{
			"doctype": "Stand In",
			"user": user,
			"stand_in": other,
			"from_date": add_days(nowdate(), first),
			"to_date": add_days(nowdate(), last),
		}
	).insert()


def make_holiday_list(*days, weekly_off: tuple[str, ...] = ("Saturday", "Sunday"), year: int | None = None):
	"""Holidays of one year (this one by default) and its weekly days off."""
	year = year or getdate(nowdate()).year
	holidays = frappe.get_doc(
		{
			"doctype": "Holiday List",
			"holiday_list_name": unique("Holidays"),
			"from_date": f"{year}-01-01",
			"to_date": f"{year + 1}-12-31",
		}
	)
	for day in weekly_off:
		holidays.weekly_off = day
		holidays.get_weekly_off_dates()
	known = {getdate(row.holiday_date) for row in holidays.holidays}
	for day in days:
		if getdate(day) not in known:
			holidays.append("holidays", {"holiday_date": day, "description": "Closed"})
	return holidays.insert(ignore_permissions=True)


def make_rule(*steps: tuple, **values):
	"""An enabled Follow Up Rule; a step is (days, "Before" or "After") and may go on with channel and subject.

	By default: leads, on the day they are made, by their owner, whatever their age.
	"""
	rows = [
		dict(zip(("days", "timing", "channel", "subject", "due_time"), step, strict=False))
		for step in steps or ((0, "After"),)
	]
	rule = {
		"doctype": "Follow Up Rule",
		"title": unique("Rule"),
		"document_type": "Lead",
		"trigger": "Event",
		"event": "Created",
		"enabled": 1,
		"applies_from": "2000-01-01",
		"steps": rows,
		**values,
	}
	if not isinstance(rule.get("filters", ""), str):
		rule["filters"] = frappe.as_json(rule["filters"])
	return frappe.get_doc(rule).insert(ignore_permissions=True)


def gross(document) -> float:
	"""What the customer owes by a document, in company currency."""
	return document.base_rounded_total or document.base_grand_total


def cash_account(company: str) -> str:
	return frappe.db.get_value("Account", {"company": company, "account_type": "Cash", "is_group": 0})


def cost_center(company: str) -> str:
	return frappe.get_cached_value("Company", company, "cost_center")


def _take_share(document, share: float) -> None:
	"""Reduce every row's quantity to a share of it, whole pieces, at least one."""
	if share >= 1:
		return
	for row in document.items:
		sign = -1 if row.qty < 0 else 1
		row.qty = sign * max(1, cint(abs(row.qty) * share))
