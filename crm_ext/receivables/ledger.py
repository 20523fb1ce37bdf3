"""What customers owe as of a day, from the Payment Ledger: the rules of ERPNext's Accounts Receivable, set-based.

1. An open item is a voucher with the entries against it, by account and party. What sums up to nothing, in company
   currency or in that of the account, is closed; a revaluation journal may be nothing in the account's.
2. An entry against a voucher that is not in the ledger as of that day (an advance for an order, or for an invoice dated
   later) is an item of its own. An entry against a credit note that was set off belongs to the invoice set off.
3. Rule 2 concerns few entries. Only they, and open items that are no plain invoice, come to Python one by one; where
   sums are all that is asked for, plain invoices are added up by the database.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

import frappe
from erpnext.accounts.utils import get_currency_precision
from frappe.core.doctype.user_permission.user_permission import get_user_permissions
from frappe.utils import cint, flt

from crm_ext.constants.custom_fields import LEDGER_INDEX

LEDGER = "Payment Ledger Entry"
SALES_INVOICE = "Sales Invoice"
# Links of a ledger entry that user permissions of these DocTypes hold to.
_LINKS = {
	"Account": "account",
	"Company": "company",
	"Cost Center": "cost_center",
	"Finance Book": "finance_book",
	"Project": "project",
}
_TREES = {"customer_group": "Customer Group", "territory": "Territory"}
_CHUNK = 5_000
# Before a statement that sorts ledger entries: the sort then carries the columns along (MariaDB's limit is meant for
# spinning disks) instead of reading every row a second time, which takes twice as long.
SORTED = "SET STATEMENT max_length_for_sort_data = 16384 FOR"
# The same, and what a derived table computes is computed once: merged, each expression would be computed again wherever
# its column is used, and sums by bucket use the due date a score of times.
SORTED_ONCE = "SET STATEMENT max_length_for_sort_data = 16384, optimizer_switch = 'derived_merge=off' FOR"

Key = tuple[str, str, str, str]  # account, voucher type, voucher, party


@dataclass(slots=True)
class Scope:
	"""Which part of the ledger: one company, as of the end of a day.

	`visible` is a condition on `tabCustomer` for what the asking user may see (permissions.list_conditions); empty for
	all. User permissions of the session's user on company, account, cost center, project are always respected.
	Amounts are in company currency; with `in_party_currency` or an account in that of the account, as in ERPNext.
	"""

	company: str
	as_of: date
	account: str | None = None
	in_party_currency: bool = False
	customers: Collection[str] = ()
	customer_group: str | None = None
	territory: str | None = None
	visible: str = ""
	by_index: bool = True  # whether our index may be read instead of the table; the figures are the same
	precision: int = field(default_factory=lambda: get_currency_precision() or 2)
	currencies: dict[str, str] = field(init=False)  # in which amounts are told, by receivable account

	def __post_init__(self) -> None:
		named = {"name": self.account} if self.account else {}
		company_currency = frappe.get_cached_value("Company", self.company, "default_currency")
		self.currencies = {
			row.name: (self.in_account_currency and row.account_currency) or company_currency
			for row in frappe.get_all(
				"Account",
				{"account_type": "Receivable", "company": self.company, **named},
				["name", "account_currency"],
				order_by="name",
			)
		}

	@property
	def in_account_currency(self) -> bool:
		return bool(self.in_party_currency or self.account)

	def currency_of(self, account: str) -> str:
		return self.currencies[account]


@dataclass(slots=True)
class Item:
	"""A voucher that is not settled. `outstanding` is in the currency asked for, `base` in company currency."""

	account: str
	voucher_type: str
	voucher_no: str
	party: str
	posting_date: date | None
	due_date: date | None
	base: float
	in_account: float
	invoiced: float = 0
	paid: float = 0
	credit_note: float = 0
	outstanding: float = 0
	payment_term: str | None = None

	@property
	def key(self) -> Key:
		return (self.account, self.voucher_type, self.voucher_no, self.party)

	@property
	def due(self) -> date:
		"""What has no due date, such as money on account, is due when it was posted."""
		return self.due_date or self.posting_date


# Conditions


def conditions(scope: Scope, params: dict) -> str:
	"""SQL condition on Payment Ledger Entry `ple`; fills `params`."""
	found = _common(scope, params)
	params["company"] = scope.company
	found += ["ple.company = %(company)s", "ple.party_type <> 'Employee'"]
	found += [condition for _field, condition in _user_permissions(params)]
	return " AND ".join(found)


def _common(scope: Scope, params: dict) -> list[str]:
	"""What can be said of columns of our index."""
	params |= {"as_of": scope.as_of, "accounts": list(scope.currencies) or [""]}
	found = ["ple.delinked = 0", "ple.account IN %(accounts)s", "ple.posting_date <= %(as_of)s"]
	if scope.customers:
		params["customers"] = list(scope.customers)
		found.append("ple.party IN %(customers)s")
	customer = []
	for fieldname, doctype in _TREES.items():
		if value := getattr(scope, fieldname):
			params[fieldname] = [value, *frappe.db.get_descendants(doctype, value)]
			customer.append(f"`tabCustomer`.{fieldname} IN %({fieldname})s")
	if scope.visible:
		customer.append(f"({scope.visible.replace('%', '%%')})")
	if customer:
		found.append(
			f"ple.party IN (SELECT `tabCustomer`.name FROM `tabCustomer` WHERE {' AND '.join(customer)})"
		)
	return found


def _covered(scope: Scope, params: dict) -> str | None:
	"""The same condition without a column that our index lacks; None where that is not possible or not worth it.

	An account tells the company. Employees are told by their names, unless somebody else goes by one of them.
	"""
	if not scope.by_index or scope.customers or not frappe.db.has_index(f"tab{LEDGER}", LEDGER_INDEX):
		return None
	found = _common(scope, params)
	for fieldname, condition in _user_permissions(params):
		if fieldname == "account":
			found.append(condition)
		elif fieldname != "company" or scope.company not in params["may_company"]:
			return None
	employees = frappe.db.sql_list(
		f"SELECT DISTINCT party FROM `tab{LEDGER}` WHERE party_type = 'Employee' AND account IN %(accounts)s",
		params,
	)
	if employees:
		params["employees"] = employees
		if frappe.db.sql(
			f"""SELECT 1 FROM `tab{LEDGER}` WHERE party IN %(employees)s AND party_type <> 'Employee'
			AND account IN %(accounts)s LIMIT 1""",
			params,
		):
			return None
		found.append("ple.party NOT IN %(employees)s")
	return " AND ".join(found)


def _user_permissions(params: dict) -> Iterator[tuple[str, str]]:
	"""(column, condition)"""
	strict = cint(frappe.get_system_settings("apply_strict_user_permissions"))
	for doctype, allowed in get_user_permissions(frappe.session.user).items():
		fieldname = _LINKS.get(doctype)
		names = [
			row.get("doc")
			for row in allowed
			if not row.get("applicable_for") or row.get("applicable_for") in (SALES_INVOICE, LEDGER)
		]
		if not fieldname or not names:
			continue
		params[f"may_{fieldname}"] = names
		condition = f"ple.{fieldname} IN %(may_{fieldname})s"
		yield fieldname, condition if strict else f"(IFNULL(ple.{fieldname}, '') = '' OR {condition})"


# Reading


def grouped(scope: Scope, params: dict, parts: bool = False) -> str:
	"""The grouped query: one row a voucher that may be open. `posting_date` is NULL where the voucher is not there.

	Where our index holds all that is asked for, it is read in its order: nothing is sorted, and the table is not touched.
	There a voucher is known by its number alone, see `_OWN_DATE`. Elsewhere the database sorts instead of hashing: with four
	long keys its hash table goes to disk, four times slower at 400,000 entries.
	"""
	digits = cint(scope.precision)
	covered = None if parts else _covered(scope, params)
	own = "ple.voucher_no = ple.against_voucher_no"
	there, hint, index, where = own, "", f"FORCE INDEX ({LEDGER_INDEX})", covered
	by = "ple.account, ple.against_voucher_no, ple.against_voucher_type, ple.party"
	if not covered:
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
	found, _missing = _settle(scope, items, _set_off(scope), None)
	return found


def sums(scope: Scope, columns: Mapping[str, str]) -> tuple[list[dict], list[Item]]:
	"""(sums of plain invoices by party and account, all other open items one by one).

	`columns` are aggregates over `v` (outstanding), `base`, `due` (date) and `posting_date`, by name.
	"""
	set_off = _set_off(scope)
	apart = set(set_off.values())
	while True:
		totals, items = _read_sums(scope, columns, apart)
		found, missing = _settle(scope, items, set_off, apart)
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


# Rule 2


def _set_off(scope: Scope) -> dict[str, str]:
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


def _settle(
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
