"""What customers owe as of a day, from the Payment Ledger: the rules of ERPNext's Accounts Receivable, set-based.

1. An open item is a voucher with the entries against it, by account and party. What sums up to nothing, in company
   currency or in that of the account, is closed; a revaluation journal may be nothing in the account's.
2. An entry against a voucher that is not in the ledger as of that day (an advance for an order, or for an invoice dated
   later) is an item of its own. An entry against a credit note that was set off belongs to the invoice set off.
3. Rule 2 concerns few entries. Only they, and open items that are no plain invoice, come to Python one by one; where
   sums are all that is asked for, plain invoices are added up by the database.
"""

from collections.abc import Collection, Mapping

import frappe
from frappe.utils import cint

from crm_ext.constants.custom_fields import LEDGER_INDEX
from crm_ext.receivables import settling
from crm_ext.receivables.ledger_scope import LEDGER, Item, Scope, conditions, covered

# Before a statement that sorts ledger entries: the sort then carries the columns along (MariaDB's limit is meant for
# spinning disks) instead of reading every row a second time, which takes twice as long.
SORTED = "SET STATEMENT max_length_for_sort_data = 16384 FOR"
# The same, and what a derived table computes is computed once: merged, each expression would be computed again wherever
# its column is used, and sums by bucket use the due date a score of times.
SORTED_ONCE = "SET STATEMENT max_length_for_sort_data = 16384, optimizer_switch = 'derived_merge=off' FOR"


def grouped(scope: Scope, params: dict, parts: bool = False) -> str:
	"""The grouped query: one row a voucher that may be open. `posting_date` is NULL where the voucher is not there.

	Where our index holds all that is asked for, it is read in its order: nothing is sorted, and the table is not touched.
	There a voucher is known by its number alone, see `_OWN_DATE`. Elsewhere the database sorts instead of hashing: with four
	long keys its hash table goes to disk, four times slower at 400,000 entries.
	"""
	digits = cint(scope.precision)
	by_index = None if parts else covered(scope, params)
	own = "ple.voucher_no = ple.against_voucher_no"
	there, hint, index, where = own, "", f"FORCE INDEX ({LEDGER_INDEX})", by_index
	by = "ple.account, ple.against_voucher_no, ple.against_voucher_type, ple.party"
	if not by_index:
		there += " AND ple.voucher_type = ple.against_voucher_type"
		hint, index, where = "SQL_BIG_RESULT", "", conditions(scope, params)
		by = "ple.against_voucher_no, ple.against_voucher_type, ple.account, ple.party"
	is_open = "in_account <> 0" if scope.in_account_currency else "base <> 0 AND in_account <> 0"
	return f"""
		SELECT {hint} ple.account, ple.party, ple.against_voucher_type AS type,
			ple.against_voucher_no AS no, ROUND(SUM(ple.amount), {digits}) AS base,
			ROUND(SUM(ple.amount_in_account_currency), {digits}) AS in_account,
			MIN(IF({there}, ple.posting_date, NULL)) AS posting_date
			{_split(scope, own) if parts else ""}
		FROM `tab{LEDGER}` ple {index}
		WHERE {where}
		GROUP BY {by}
		HAVING {is_open} OR posting_date IS NULL
			OR type <> 'Sales Invoice' AND (base <> 0 OR in_account <> 0)"""


def _split(scope: Scope, own: str) -> str:
	"""Which column an entry goes to, as update_voucher_balance of ERPNext decides."""
	amount = "ple.amount_in_account_currency" if scope.in_account_currency else "ple.amount"
	receipt = "ple.voucher_type IN ('Journal Entry', 'Payment Entry')"
	billed = f"ple.amount > 0 AND NOT ({receipt} AND NOT {own})"
	credited = f"ple.amount <= 0 AND ple.voucher_type IN ('Sales Invoice', 'Purchase Invoice') AND NOT {own}"
	return f""",
			SUM(IF({billed}, {amount}, 0)) AS invoiced,
			SUM(IF(({billed}) OR ({credited}), 0, -{amount})) AS paid,
			SUM(IF({credited}, -{amount}, 0)) AS credit_note"""


# The day a voucher was posted, NULL where it is not there as of the day asked for. An invoice says so itself: a receipt
# may have the very number of the invoice it pays, and is taken for it where the index is read.
_OWN_DATE = """IF(d.posting_date IS NULL OR si.posting_date > %(as_of)s, NULL,
				IFNULL(si.posting_date, d.posting_date))"""


def open_items(scope: Scope, parts: bool = False) -> list[Item]:
	"""Every open item; `parts` fills invoiced, paid and credit_note, which payment terms are allocated by.

	As many rows as there are open items: where sums will do, use `sums`.
	"""
	params: dict = {}
	columns = ", d.invoiced, d.paid, d.credit_note" if parts else ""
	rows = frappe.db.sql(
		f"""{SORTED} SELECT d.account, d.type, d.no, d.party, {_OWN_DATE}, si.due_date, d.base, d.in_account {columns}
		FROM ({grouped(scope, params, parts)}) d
		LEFT JOIN `tabSales Invoice` si ON d.type = 'Sales Invoice' AND si.name = d.no""",
		params,
	)
	items = [Item(*row) for row in rows]
	found, _missing = settling.settle(scope, items, settling.set_off(scope), None)
	return found


def sums(scope: Scope, columns: Mapping[str, str]) -> tuple[list[dict], list[Item]]:
	"""(sums of plain invoices by party and account, all other open items one by one).

	`columns` are aggregates over `v` (outstanding), `base`, `due` (date) and `posting_date`, by name.
	"""
	set_off = settling.set_off(scope)
	apart = set(set_off.values())
	while True:
		totals, items = _read_sums(scope, columns, apart)
		found, missing = settling.settle(scope, items, set_off, apart)
		if not missing:
			return totals, found
		# An invoice that something else turned out to belong to has to be seen by itself.
		apart |= missing


def _read_sums(
	scope: Scope, columns: Mapping[str, str], apart: Collection[str]
) -> tuple[list[dict], list[Item]]:
	params: dict = {"apart": list(apart) or [""]}
	alone = (
		f"d.type <> 'Sales Invoice' OR {_OWN_DATE} IS NULL OR IFNULL(si.is_return, 0) OR d.no IN %(apart)s"
	)
	amount = "d.in_account" if scope.in_account_currency else "d.base"
	itself = (
		f"{aggregate}(IF(o.no IS NULL, NULL, o.{column}))"
		for aggregate, column in (
			("MIN", "posting_date"),
			("MIN", "due_date"),
			("SUM", "base"),
			("SUM", "in_account"),
		)
	)
	rows = frappe.db.sql(
		f"""{SORTED_ONCE} SELECT SQL_BIG_RESULT o.account, o.party, o.type, o.no, {", ".join(itself)},
			{", ".join(columns.values())}
		FROM (
			SELECT d.account, d.party, IF({alone}, d.type, NULL) AS type, IF({alone}, d.no, NULL) AS no,
				{_OWN_DATE} AS posting_date, si.due_date, d.base, d.in_account, {amount} AS v,
				IFNULL(si.due_date, d.posting_date) AS due
			FROM ({grouped(scope, params)}) d
			LEFT JOIN `tabSales Invoice` si ON d.type = 'Sales Invoice' AND si.name = d.no
		) o GROUP BY o.party, o.account, o.no, o.type""",
		params,
	)
	totals, items = [], []
	for account, party, kind, no, posting_date, due_date, base, in_account, *values in rows:
		if kind:
			items.append(Item(account, kind, no, party, posting_date, due_date, base, in_account))
		else:
			totals.append({"account": account, "party": party, **dict(zip(columns, values, strict=True))})
	return totals, items
