"""The collector's list: who owes money too late, and whom to call first. Reads only, in sets.

What is overdue is what ERPNext calls so: of an invoice with payment terms, the terms whose day has passed, paid off in
the order they fall due; what is outstanding is what the Payment Ledger holds, in company currency.
"""

from collections.abc import Collection
from datetime import date, timedelta

import frappe
from frappe.utils import cint, flt, getdate, nowdate

from crm_ext.permissions import account_conditions, list_conditions
from crm_ext.receivables import ageing_queries, promises
from crm_ext.receivables import collection_rules as rules

# Half a cent: what is left of a division is no debt.
_LEAST = 0.005


def responsible(customer: str = "`tabCustomer`") -> str:
	"""SQL for who cares for a customer's debts: its account manager, else the user of the sales person with the largest
	share of it. NULL where it has neither."""
	return f"""COALESCE(NULLIF({customer}.account_manager, ''), (
		SELECT NULLIF(e.user_id, '') FROM `tabSales Team` t JOIN `tabSales Person` p ON p.name = t.sales_person
		JOIN tabEmployee e ON e.name = p.employee
		WHERE t.parent = {customer}.name AND t.parenttype = 'Customer'
		ORDER BY t.allocated_percentage DESC, t.idx LIMIT 1))"""


def read(
	company: str | None = None,
	user: str | None = None,
	customers: Collection[str] | None = None,
	viewer: str | None = None,
	today: date | None = None,
	ahead: int = 0,
) -> list["frappe._dict"]:
	"""Customers with overdue money, those worth a call first; one row for each customer and company.

	As `viewer` (the session's user) may read customers and invoices; of one company, one responsible or some customers
	where given. `ahead`: also what falls due within so many days counts as due. Rows: customer, customer_name, company,
	currency, responsible, last_contact_on, next_follow_up_on, overdue, due, oldest_on, promised, promise, promised_for,
	standing, worth, and `promises` as `promises.reliability` says. Three queries.
	"""
	today = today or getdate(nowdate())
	rows = _debts(company, user, customers, viewer, today, ahead)
	names = {row.customer for row in rows}
	reliable = promises.reliability(names, today)
	pending = _pending(names, today)
	quiet = cint(frappe.get_cached_doc("CRM Ext Settings").collector_quiet_days)
	for row in rows:
		row.promises = reliable.get(row.customer) or {}
		row.promise, row.promised_for = pending.get((row.customer, row.company), (None, None))
		debt = rules.Debt(
			tuple(flt(row.pop(f"age_{number}")) for number in range(len(rules.WEIGHTS))),
			flt(row.promised),
			row.promises.get("broken", 0) + row.promises.get("partly_kept", 0),
			(today - row.last_contact_on.date()).days if row.last_contact_on else None,
		)
		row.standing, row.worth = rules.standing(debt, quiet), rules.worth(debt, quiet)
		row.currency = frappe.get_cached_value("Company", row.company, "default_currency")
	return sorted(rows, key=lambda row: (-row.worth, -row.overdue, -row.due, row.customer, row.company))


def add_net(rows: Collection["frappe._dict"], today: date | None = None) -> None:
	"""Put `on_account` and `net` on rows of `read`: what Receivable Aging says of the customer by payment terms, as the
	session's user may see it. A handful of queries for each company."""
	by_company: dict[str, set[str]] = {}
	for row in rows:
		by_company.setdefault(row.company, set()).add(row.customer)
	cells = {
		company: ageing_queries.of_today(company, sorted(names), today)
		for company, names in by_company.items()
	}
	for row in rows:
		cell = cells[row.company].get(row.customer)
		row.on_account, row.net = (cell.on_account, cell.overdue) if cell else (0.0, 0.0)


def _debts(company, user, customers, viewer, today: date, ahead: int) -> list["frappe._dict"]:
	params = {"today": today, "until": today + timedelta(days=ahead), "least": _LEAST}
	conditions = [
		seen.replace("%", "%%")
		for seen in (list_conditions("Sales Invoice", viewer), account_conditions(viewer))
	]
	for condition, key, value in (
		("`tabSales Invoice`.company = %(company)s", "company", company),
		(f"{responsible()} = %(user)s", "user", user),
		("`tabCustomer`.name IN %(customers)s", "customers", customers and list(customers)),
	):
		if value:
			conditions.append(condition)
			params[key] = value
	where = "".join(f" AND ({condition})" for condition in conditions if condition)
	ages, after = [], 0
	for number, (until, _weight) in enumerate(rules.WEIGHTS):
		days = f"DATEDIFF(%(today)s, due_on) > {after}" + (
			f" AND DATEDIFF(%(today)s, due_on) <= {until}" if until else ""
		)
		ages.append(f"SUM(IF(NOT promised AND {days}, amount, 0)) AS age_{number}")
		after = until
	return frappe.db.sql(
		f"""
		WITH open_invoices AS (
			SELECT `tabSales Invoice`.name, `tabSales Invoice`.customer, `tabSales Invoice`.company,
				`tabSales Invoice`.due_date, SUM(l.amount) AS outstanding,
				EXISTS (SELECT 1 FROM `tabPayment Promise Invoice` i JOIN `tabPayment Promise` p ON p.name = i.parent
					WHERE i.sales_invoice = `tabSales Invoice`.name AND p.status = 'Open' AND p.last_day >= %(today)s
				) AS promised
			FROM `tabSales Invoice`
			JOIN `tabCustomer` ON `tabCustomer`.name = `tabSales Invoice`.customer
			JOIN `tabPayment Ledger Entry` l ON l.against_voucher_no = `tabSales Invoice`.name
				AND l.against_voucher_type = 'Sales Invoice' AND l.delinked = 0 AND l.party_type = 'Customer'
			WHERE `tabSales Invoice`.docstatus = 1 AND `tabSales Invoice`.outstanding_amount > 0{where}
			GROUP BY `tabSales Invoice`.name
		), terms AS (
			SELECT o.customer, o.company, o.promised, COALESCE(s.due_date, o.due_date) AS due_on,
				COALESCE(s.base_payment_amount, o.outstanding) AS amount,
				SUM(COALESCE(s.base_payment_amount, o.outstanding)) OVER (
					PARTITION BY o.name ORDER BY COALESCE(s.due_date, o.due_date), s.idx
				) - SUM(COALESCE(s.base_payment_amount, o.outstanding)) OVER (PARTITION BY o.name)
				+ o.outstanding AS until_this
			FROM open_invoices o
			LEFT JOIN `tabPayment Schedule` s ON s.parent = o.name AND s.parenttype = 'Sales Invoice'
		), parts AS (
			SELECT customer, company, promised, due_on, LEAST(amount, GREATEST(0, until_this)) AS amount FROM terms
		), debts AS (
			SELECT customer, company, SUM(IF(due_on < %(today)s, amount, 0)) AS overdue,
				SUM(IF(due_on <= %(until)s, amount, 0)) AS due,
				SUM(IF(promised AND due_on < %(today)s, amount, 0)) AS promised,
				MIN(IF(amount >= %(least)s, due_on, NULL)) AS oldest_on, {", ".join(ages)}
			FROM parts WHERE due_on <= %(until)s OR due_on < %(today)s GROUP BY customer, company
		)
		SELECT debts.*, c.customer_name, c.last_contact_on, c.next_follow_up_on, {responsible("c")} AS responsible
		FROM debts JOIN `tabCustomer` c ON c.name = debts.customer
		WHERE {"due" if ahead else "overdue"} >= %(least)s""",
		params,
		as_dict=True,
	)


def _pending(customers: Collection[str], today: date) -> dict[tuple[str, str], tuple[str, date]]:
	"""The next open promise of each customer and company whose day has not passed: (name, day)."""
	if not customers:
		return {}
	rows = frappe.db.sql(
		"SELECT customer, company, name, pay_by FROM `tabPayment Promise` WHERE customer IN %s AND status = 'Open'"
		" AND last_day >= %s ORDER BY pay_by DESC, name DESC",
		(list(customers), today),
	)
	return {(customer, company): (name, pay_by) for customer, company, name, pay_by in rows}


def overdue_invoices(customer: str, company: str) -> list[str]:
	"""Invoices a dunning letter may be about, as the session's user may read them, oldest first."""
	return frappe.get_list(
		"Sales Invoice",
		filters={
			"customer": customer,
			"company": company,
			"docstatus": 1,
			"is_return": 0,
			"outstanding_amount": (">", 0),
			"status": ("in", ["Overdue", "Overdue and Discounted"]),
		},
		order_by="due_date, name",
		pluck="name",
		limit=100,
	)
