"""Rule 2 of the ledger: where entries belong whose voucher is not there as of that day, and what is closed then.

They are few, so they come to Python one by one.
"""

from collections.abc import Collection, Mapping
from datetime import date

import frappe
from frappe.utils import flt

from crm_ext.receivables.ledger_scope import SALES_INVOICE, Item, Key, Scope, conditions

_CHUNK = 5_000


def set_off(scope: Scope) -> dict[str, str]:
	"""Credit notes that were set off at once and that something is against all the same: the invoice of each."""
	return dict(
		frappe.db.sql(
			"""SELECT r.name, r.return_against FROM `tabSales Invoice` r
			WHERE r.return_against > '' AND r.is_return = 1 AND r.docstatus = 1 AND r.update_outstanding_for_self = 0
				AND r.company = %(company)s AND r.posting_date <= %(as_of)s
				AND EXISTS (SELECT 1 FROM `tabPayment Ledger Entry` p WHERE p.against_voucher_no = r.name
					AND p.against_voucher_type = 'Sales Invoice' AND p.delinked = 0)""",
			{"company": scope.company, "as_of": scope.as_of},
		)
	)


def settle(
	scope: Scope, items: list[Item], set_off: Mapping[str, str], apart: Collection[str] | None
) -> tuple[list[Item], set[str]]:
	"""Apply rule 2 and leave out what is closed: (open items, invoices that are missing among `items`).

	`apart`: the invoices that are among `items` though they are plain; None where all are.
	"""
	known: dict[Key, Item] = {}
	homeless: set[Key] = set()
	for item in items:
		if item.posting_date is None or (item.voucher_type == SALES_INVOICE and item.voucher_no in set_off):
			homeless.add(item.key)
		else:
			known[item.key] = item
	missing: set[str] = set()
	if homeless:
		missing = _find_homes(scope, known, homeless, set_off, apart)
	digits = scope.precision
	revaluations = _revaluations(scope, known)
	_dates_of_journals(scope, known)
	found = []
	for item in known.values():
		item.base, item.in_account = flt(item.base, digits), flt(item.in_account, digits)
		item.outstanding = item.in_account if scope.in_account_currency else item.base
		if item.outstanding and (item.in_account or item.voucher_no in revaluations):
			found.append(item)
	return found, missing


def _find_homes(
	scope: Scope,
	known: dict[Key, Item],
	homeless: set[Key],
	set_off: Mapping[str, str],
	apart: Collection[str] | None,
) -> set[str]:
	"""Add each entry of the groups in `homeless` to the item it belongs to, in `known`."""
	numbers = {key[2] for key in homeless}
	entries = [
		row
		for row in _entries(scope, "against_voucher_no", numbers)
		if (row.account, row.against_voucher_type, row.against_voucher_no, row.party) in homeless
	]
	wanted = numbers | {row.voucher_no for row in entries} | {set_off[no] for no in numbers if no in set_off}
	vouchers: dict[Key, date] = {}
	for row in _entries(scope, "voucher_no", wanted):
		key = (row.account, row.voucher_type, row.voucher_no, row.party)
		vouchers[key] = min(row.posting_date, vouchers.get(key) or row.posting_date)
	missing: set[str] = set()
	for row in entries:
		key = (row.account, row.against_voucher_type, row.against_voucher_no, row.party)
		if row.against_voucher_type == SALES_INVOICE and row.against_voucher_no in set_off:
			key = (row.account, SALES_INVOICE, set_off[row.against_voucher_no], row.party)
		if key not in vouchers:
			key = (row.account, row.voucher_type, row.voucher_no, row.party)
		item = known.get(key)
		if item is None:
			if apart is not None and key[1] == SALES_INVOICE and key[2] not in apart:
				missing.add(key[2])
			item = known[key] = Item(*key, vouchers[key], None, 0, 0)
		_add(scope, item, row)
	_due_dates(known)
	return missing


def _entries(scope: Scope, column: str, numbers: Collection[str]) -> list:
	"""Ledger entries by voucher and what they are against, of these vouchers."""
	found, numbers = [], sorted(numbers)
	for start in range(0, len(numbers), _CHUNK):
		params: dict = {"numbers": numbers[start : start + _CHUNK]}
		found += frappe.db.sql(
			f"""SELECT ple.account, ple.party, ple.against_voucher_type, ple.against_voucher_no, ple.voucher_type,
				ple.voucher_no, ple.posting_date, ple.amount > 0 AS billed, SUM(ple.amount) AS base,
				SUM(ple.amount_in_account_currency) AS in_account
			FROM `tabPayment Ledger Entry` ple WHERE ple.{column} IN %(numbers)s AND {conditions(scope, params)}
			GROUP BY 1, 2, 3, 4, 5, 6, 7, 8""",
			params,
			as_dict=True,
		)
	return found


def _add(scope: Scope, item: Item, row) -> None:
	item.base += row.base
	item.in_account += row.in_account
	amount = row.in_account if scope.in_account_currency else row.base
	is_receipt = row.voucher_type in ("Journal Entry", "Payment Entry")
	if row.billed and not (is_receipt and row.voucher_no != row.against_voucher_no):
		item.invoiced += amount
	elif (
		not row.billed
		and row.voucher_type in (SALES_INVOICE, "Purchase Invoice")
		and not (item.voucher_no == row.voucher_no == row.against_voucher_no)
	):
		item.credit_note -= amount
	else:
		item.paid -= amount


def _due_dates(known: Mapping[Key, Item]) -> None:
	undated = [i for i in known.values() if i.voucher_type == SALES_INVOICE and not i.due_date]
	dates = _dates(SALES_INVOICE, [item.voucher_no for item in undated])
	for item in undated:
		item.due_date = dates.get(item.voucher_no)


def _dates_of_journals(scope: Scope, known: Mapping[Key, Item]) -> None:
	"""A journal that books somebody's bill is due when the bill is."""
	journals = [item for item in known.values() if item.voucher_type == "Journal Entry"]
	dates = _dates("Journal Entry", [item.voucher_no for item in journals], " AND IFNULL(bill_no, '') <> ''")
	for item in journals:
		item.due_date = dates.get(item.voucher_no)


def _dates(doctype: str, names: list[str], condition: str = "") -> dict[str, date]:
	if not names:
		return {}
	return dict(
		frappe.db.sql(
			f"SELECT name, due_date FROM `tab{doctype}` WHERE name IN %s AND docstatus = 1 {condition}",
			(names,),
		)
	)


def _revaluations(scope: Scope, known: Mapping[Key, Item]) -> set[str]:
	journals = [item.voucher_no for item in known.values() if item.voucher_type == "Journal Entry"]
	return set(
		frappe.get_all(
			"Journal Entry",
			{
				"name": ("in", journals),
				"company": scope.company,
				"voucher_type": ("in", ("Exchange Rate Revaluation", "Exchange Gain Or Loss")),
			},
			pluck="name",
			order_by=None,
		)
		if journals
		else ()
	)
