"""What the credit gate reads: policies and figures of one customer in one company. Nobody's permission narrows them:
who may not see an invoice must not slip past it."""

from collections import defaultdict
from datetime import date

import frappe
from frappe.utils import flt

from crm_ext.receivables.credit_rules import CHECKS, Exposure, Item, Release, Term

_POLICY = ", ".join(f"p.{column}" for pair in CHECKS.values() for column in pair)


def policies(customer: str, company: str) -> list["frappe._dict"]:
	"""Enabled policies that concern a customer, the narrowest first. Empty for an internal customer. One query."""
	return frappe.db.sql(
		f"""SELECT p.name, p.applies_to, {_POLICY}, p.promise_days
		FROM `tabCustomer` c
		LEFT JOIN `tabCustomer Group` own ON own.name = c.customer_group
		JOIN `tabCredit Policy` p ON p.company = %(company)s AND p.disabled = 0
		LEFT JOIN `tabCustomer Group` g ON p.applies_to = 'Customer Group' AND g.name = p.customer_group
		WHERE c.name = %(customer)s AND c.is_internal_customer = 0 AND (
			p.applies_to = 'Company'
			OR p.applies_to = 'Customer' AND p.customer = c.name
			OR p.applies_to = 'Customer Group' AND g.lft <= own.lft AND g.rgt >= own.rgt)
		ORDER BY FIELD(p.applies_to, 'Customer', 'Customer Group', 'Company'), g.lft DESC, p.name""",
		{"customer": customer, "company": company},
		as_dict=True,
	)


def exposure(customer: str, company: str, without: str | None = None) -> Exposure:
	"""As erpnext.selling.doctype.customer.customer.get_customer_outstanding counts, which tells the sum only; without one
	order. One query."""
	((outstanding, orders, deliveries),) = frappe.db.sql(
		"""SELECT
			(SELECT SUM(debit) - SUM(credit) FROM `tabGL Entry` WHERE party_type = 'Customer' AND party = %(customer)s
				AND company = %(company)s AND is_cancelled = 0),
			(SELECT SUM(base_grand_total * (100 - per_billed) / 100) FROM `tabSales Order`
				WHERE customer = %(customer)s AND company = %(company)s AND docstatus = 1 AND per_billed < 100
				AND status != 'Closed' AND name != %(without)s),
			(SELECT SUM(GREATEST(0, i.amount - IFNULL((SELECT SUM(b.amount) FROM `tabSales Invoice Item` b
					WHERE b.dn_detail = i.name AND b.docstatus = 1), 0)) / n.base_net_total * n.base_grand_total)
				FROM `tabDelivery Note` n JOIN `tabDelivery Note Item` i ON i.parent = n.name
				WHERE n.customer = %(customer)s AND n.company = %(company)s AND n.docstatus = 1
				AND n.status NOT IN ('Closed', 'Stopped') AND n.base_net_total != 0
				AND IFNULL(i.against_sales_order, '') = '' AND IFNULL(i.against_sales_invoice, '') = '')""",
		{"customer": customer, "company": company, "without": without or ""},
	)
	return Exposure(flt(outstanding), flt(orders), flt(deliveries))


def open_items(customer: str, company: str) -> list[Item]:
	"""What is open now by voucher, with the terms of invoices; due dates as `ledger` has them. One query."""
	rows = frappe.db.sql(
		"""WITH open_vouchers AS (
			SELECT against_voucher_type AS type, against_voucher_no AS no, SUM(amount) AS amount,
				MIN(posting_date) AS posted
			FROM `tabPayment Ledger Entry` WHERE party_type = 'Customer' AND party = %(customer)s
				AND company = %(company)s AND account_type = 'Receivable' AND delinked = 0
			GROUP BY against_voucher_no, against_voucher_type HAVING ABS(SUM(amount)) >= 0.005
		)
		SELECT o.no, o.amount, COALESCE(s.due_date, i.due_date, IF(j.bill_no > '', j.due_date, NULL), o.posted),
			COALESCE(s.base_payment_amount, o.amount)
		FROM open_vouchers o
		LEFT JOIN `tabSales Invoice` i ON o.type = 'Sales Invoice' AND i.name = o.no
		LEFT JOIN `tabPayment Schedule` s ON s.parenttype = 'Sales Invoice' AND s.parent = i.name AND o.amount > 0
		LEFT JOIN `tabJournal Entry` j ON o.type = 'Journal Entry' AND j.name = o.no
		ORDER BY o.no, s.idx""",
		{"customer": customer, "company": company},
	)
	amounts: dict[str, float] = {}
	terms = defaultdict(list)
	for voucher, amount, due_on, part in rows:
		amounts[voucher] = flt(amount)
		terms[voucher].append(Term(due_on, flt(part)))
	return [Item(voucher, amount, tuple(terms[voucher])) for voucher, amount in amounts.items()]


def broken_promises(customer: str, company: str, since: date) -> int:
	"""Promises to pay that were judged broken since a day."""
	return frappe.db.count(
		"Payment Promise",
		{"customer": customer, "company": company, "status": "Broken", "judged_on": (">=", since)},
	)


def releases(
	customer: str,
	company: str,
	order: str,
	amended_from: str | None,
	today: date,
	lock: bool = False,
) -> list[Release]:
	"""Releases an order may use: for itself, for the order it was amended from, or for any of the customer. `lock`
	reads what others committed and keeps them from using the same until this transaction ends. Two queries."""
	rows = frappe.db.sql(
		f"""SELECT name, sales_order, amount, used_amount, valid_until, released_by FROM `tabCredit Release`
		WHERE customer = %(customer)s AND company = %(company)s AND docstatus = 1 AND valid_until >= %(today)s
			AND (IFNULL(sales_order, '') IN ('', %(order)s, %(amended_from)s)
				OR name = (SELECT o.credit_release FROM `tabSales Order` o WHERE o.name = %(amended_from)s))
		ORDER BY name {"FOR UPDATE" if lock else ""}""",
		{
			"customer": customer,
			"company": company,
			"order": order,
			"amended_from": amended_from or order,
			"today": today,
		},
		as_dict=True,
	)
	if not rows:
		return []
	own = check_of(order)
	return [
		Release(
			row.name,
			row.sales_order or None,
			flt(row.amount),
			flt(row.used_amount) - (flt(own.released_amount) if own.credit_release == row.name else 0),
			row.valid_until,
			row.released_by,
		)
		for row in rows
	]


def check_of(order: str) -> "frappe._dict":
	"""What an order took of which release; empty where nothing."""
	rows = frappe.db.sql(
		"SELECT name, credit_release, released_amount FROM `tabCredit Check` WHERE sales_order = %s",
		(order,),
		as_dict=True,
	)
	return rows[0] if rows else frappe._dict()
