"""Which part of the Payment Ledger is asked for, as a condition, and what is found there."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date

import frappe
from erpnext.accounts.utils import get_currency_precision
from frappe.core.doctype.user_permission.user_permission import get_user_permissions
from frappe.utils import cint

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

Key = tuple[str, str, str, str]  # account, voucher type, voucher, party


@dataclass(slots=True)
class Scope:
	"""Which part of the ledger: one company, as of the end of a day.

	`visible` is a condition on `tabCustomer` for what the asking user may see (permissions.account_conditions); empty for
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


def covered(scope: Scope, params: dict) -> str | None:
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
