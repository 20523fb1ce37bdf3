"""What stands beside the figures of customers in Receivable Aging. Reads only; no statement per customer."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date

import frappe
from frappe.utils import add_months, cint, flt

from crm_ext.receivables import ledger
from crm_ext.receivables.ledger_scope import Scope, conditions

CUSTOMER = "Customer"
_CHUNK = 5_000
# Customers up to whose number their names are asked for. Beyond, all of the company is read, which is quicker.
_FEW = 500


def in_chunks(query: str, names: Collection[str], **params) -> Iterator:
	"""The rows of a query with `IN %(names)s`."""
	ordered = sorted(names)
	for start in range(0, len(ordered), _CHUNK):
		yield from frappe.db.sql(query, params | {"names": ordered[start : start + _CHUNK]}, as_dict=True)


def customers(names: Collection[str]) -> dict[str, dict]:
	"""Name, territory and group by customer."""
	rows = in_chunks(
		"SELECT name, customer_name, territory, customer_group FROM `tabCustomer` WHERE name IN %(names)s",
		names,
	)
	return {row.name: row for row in rows}


def credit_limits(company: str, facts: Mapping[str, dict]) -> dict[str, float]:
	"""The limit ERPNext holds each customer to: its own, else its group's, else the company's. None: not limited."""
	own = _limits(CUSTOMER, company, facts)
	groups = _limits(
		"Customer Group", company, {row.customer_group for row in facts.values() if row.customer_group}
	)
	usual = flt(frappe.get_cached_value("Company", company, "credit_limit"))
	return {
		name: limit
		for name, row in facts.items()
		if (limit := own.get(name) or groups.get(row.customer_group) or usual)
	}


def _limits(doctype: str, company: str, names: Collection[str]) -> dict[str, float]:
	bypass = "AND bypass_credit_limit_check = 0" if doctype != CUSTOMER else ""
	return {
		row.parent: flt(row.credit_limit)
		for row in frappe.db.sql(
			f"""SELECT parent, credit_limit FROM `tabCustomer Credit Limit`
			WHERE parenttype = '{doctype}' AND company = %(company)s {_of("parent", names)} {bypass}""",
			{"company": company, "names": list(names)},
			as_dict=True,
		)
	}


def _of(column: str, names: Collection[str]) -> str:
	return f"AND {column} IN %(names)s" if 0 < len(names) <= _FEW else ""


def open_promises(company: str, names: Collection[str]) -> dict[str, dict]:
	"""The next open promise by customer, and what is promised altogether in its currency."""
	if not frappe.has_permission("Payment Promise", "read"):
		return {}
	found: dict[str, dict] = {}
	for row in frappe.db.sql(
		f"""SELECT customer, currency, MIN(pay_by) AS pay_by, SUM(amount) AS amount FROM `tabPayment Promise`
		WHERE status = 'Open' AND company = %(company)s {_of("customer", names)}
		GROUP BY customer, currency ORDER BY pay_by""",
		{"company": company, "names": list(names)},
		as_dict=True,
	):
		found.setdefault(row.customer, row)
	return found


def open_dunnings(company: str, names: Collection[str]) -> dict[str, int]:
	"""Dunning letters that are not settled, by customer."""
	return dict(
		frappe.db.sql(
			f"""SELECT customer, COUNT(*) FROM `tabDunning` WHERE docstatus = 1 AND status = 'Unresolved'
			AND company = %(company)s {_of("customer", names)} GROUP BY customer""",
			{"company": company, "names": list(names)},
		)
	)


def days_to_pay(scope: Scope) -> dict[str, float]:
	"""Average days from posting to the last receipt, by customer: invoices of the last twelve months that are paid.

	What was only credited was not paid. One query over the ledger of these months.
	"""
	params: dict = {"from_date": add_months(scope.as_of, -12)}
	own = "ple.voucher_no = ple.against_voucher_no"
	return dict(
		frappe.db.sql(
			f"""{ledger.SORTED} SELECT party, AVG(DATEDIFF(received, posted)) FROM (
				SELECT SQL_BIG_RESULT ple.party, MIN(IF({own}, ple.posting_date, NULL)) AS posted,
					MAX(IF(ple.voucher_type IN ('Payment Entry', 'Journal Entry') AND ple.amount < 0,
						ple.posting_date, NULL)) AS received,
					ROUND(SUM(ple.amount_in_account_currency), {cint(scope.precision)}) AS rest
				FROM `tabPayment Ledger Entry` ple
				WHERE {conditions(scope, params)} AND ple.posting_date > %(from_date)s
					AND ple.against_voucher_type = 'Sales Invoice'
				GROUP BY ple.against_voucher_no, ple.account, ple.party
				HAVING rest = 0 AND posted IS NOT NULL AND received IS NOT NULL
			) paid GROUP BY party""",
			params,
		)
	)


def last_receipts(scope: Scope) -> dict[str, tuple[date, float]]:
	"""Day of the last Payment Entry of each customer and what came that day, in the currency asked for."""
	params: dict = {}
	amount = "amount_in_account_currency" if scope.in_account_currency else "amount"
	found = frappe.db.sql(
		f"""SELECT last.party, last.day, -SUM(p.{amount}) FROM (
			SELECT ple.party, MAX(ple.posting_date) AS day FROM `tabPayment Ledger Entry` ple
			WHERE {conditions(scope, params)} AND ple.voucher_type = 'Payment Entry' AND ple.amount < 0
			GROUP BY ple.party
		) last JOIN `tabPayment Ledger Entry` p ON p.party = last.party AND p.posting_date = last.day
		WHERE p.voucher_type = 'Payment Entry' AND p.amount < 0 AND p.delinked = 0 AND p.company = %(company)s
			AND p.account IN %(accounts)s
		GROUP BY last.party, last.day""",
		params,
	)
	return {party: (day, flt(received)) for party, day, received in found}
