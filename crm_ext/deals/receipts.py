"""Reads the money that came for invoices and orders, from the Payment Ledger. Reads only."""

from collections import defaultdict

import frappe
from frappe.utils import flt

from crm_ext.deals.model import SALES_INVOICE, SALES_ORDER, Receipt

_ALLOCATED_ON_ACCOUNT = """
	SELECT 'Payment Entry' AS voucher_type, r.parent AS voucher_no, r.reference_name AS sales_order,
		SUM(r.allocated_amount) AS allocated, p.party AS party
	FROM `tabPayment Entry Reference` r JOIN `tabPayment Entry` p ON p.name = r.parent AND p.docstatus = 1
	WHERE r.reference_doctype = 'Sales Order' AND r.parent IN (
		SELECT l.parent FROM `tabPayment Entry Reference` l
		WHERE l.reference_doctype = 'Sales Order' AND l.reference_name IN %s)
	GROUP BY r.parent, r.reference_name, p.party
	UNION ALL
	SELECT 'Journal Entry', r.parent, r.reference_name,
		SUM(r.credit_in_account_currency - r.debit_in_account_currency), r.party
	FROM `tabJournal Entry Account` r
	WHERE r.reference_type = 'Sales Order' AND r.docstatus = 1 AND r.party_type = 'Customer' AND r.parent IN (
		SELECT l.parent FROM `tabJournal Entry Account` l
		WHERE l.reference_type = 'Sales Order' AND l.reference_name IN %s)
	GROUP BY r.parent, r.reference_name, r.party
"""


def read_receipts(invoices: list[str], orders: list[str]) -> list[Receipt]:
	"""What was paid for these invoices, and what receipts hold on account for these orders.

	From the Payment Ledger, so that Payment Entries, Journal Entries, reconciliation and its undoing all count,
	each cent once: money against an invoice belongs to it; what a receipt still holds against itself belongs to
	the orders its references name, up to what it holds. One query each; orders no receipt names need not be asked for.
	"""
	receipts = []
	if invoices:
		receipts += _read_against_invoices(invoices)
	if orders:
		receipts += _read_on_account(orders)
	return receipts


def _read_against_invoices(invoices: list[str]) -> list[Receipt]:
	"""A Sales Invoice's own rows count where they are a payment at the till: against the sign of the document."""
	rows = frappe.db.sql(
		"""
		SELECT ple.voucher_type, ple.voucher_no, ple.against_voucher_no, MIN(ple.posting_date),
			-SUM(ple.amount), MAX(ple.account_currency), -SUM(ple.amount_in_account_currency)
		FROM `tabPayment Ledger Entry` ple
		LEFT JOIN `tabSales Invoice` si ON ple.voucher_type = 'Sales Invoice' AND si.name = ple.voucher_no
		WHERE ple.against_voucher_type = 'Sales Invoice' AND ple.against_voucher_no IN %s
			AND ple.delinked = 0 AND ple.account_type = 'Receivable'
			AND (ple.voucher_type IN ('Payment Entry', 'Journal Entry')
				OR (ple.voucher_type = 'Sales Invoice' AND IF(si.is_return, ple.amount > 0, ple.amount < 0)))
		GROUP BY ple.voucher_type, ple.voucher_no, ple.against_voucher_no
		""",
		(invoices,),
	)
	return [
		Receipt(doctype, name, (SALES_INVOICE, against), day, flt(amount), currency, flt(in_currency))
		for doctype, name, against, day, amount, currency, in_currency in rows
	]


def _read_on_account(orders: list[str]) -> list[Receipt]:
	rows = frappe.db.sql(
		f"""
		SELECT a.voucher_type, a.voucher_no, a.party, a.sales_order, a.allocated, MIN(ple.posting_date),
			-SUM(ple.amount), MAX(ple.account_currency), -SUM(ple.amount_in_account_currency)
		FROM ({_ALLOCATED_ON_ACCOUNT}) a
		JOIN `tabPayment Ledger Entry` ple ON ple.voucher_type = a.voucher_type AND ple.voucher_no = a.voucher_no
			AND ple.against_voucher_type = a.voucher_type AND ple.against_voucher_no = a.voucher_no
			AND ple.party_type = 'Customer' AND ple.party = a.party
			AND ple.delinked = 0 AND ple.account_type = 'Receivable'
		GROUP BY a.voucher_type, a.voucher_no, a.party, a.sales_order, a.allocated
		""",
		(orders, orders),
	)
	named: dict[tuple, float] = defaultdict(float)
	for voucher_type, voucher_no, party, _order, allocated, *_rest in rows:
		named[(voucher_type, voucher_no, party)] += flt(allocated)
	wanted, receipts = set(orders), []
	for voucher_type, voucher_no, party, order, allocated, day, held, currency, held_in_currency in rows:
		total = named[(voucher_type, voucher_no, party)]
		ratio = flt(held_in_currency) / total if total else 0
		if order not in wanted or ratio <= 0:
			continue
		# Orders share what is still held, in proportion, where references name more than that.
		part = flt(allocated) * min(1.0, ratio)
		amount = flt(held) * part / flt(held_in_currency)
		receipts.append(
			Receipt(
				voucher_type,
				voucher_no,
				(SALES_ORDER, order),
				day,
				round(amount, 6),
				currency,
				round(part, 6),
			)
		)
	return receipts
