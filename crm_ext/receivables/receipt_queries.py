"""What Receipts reads: set-based, and only what the user may see. Reads only.

What is a receipt is told at the head of the report.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import frappe
from frappe import _
from frappe.utils import add_months, cint, flt, get_first_day, getdate, nowdate

from crm_ext.receivables import scope
from crm_ext.receivables.receipts import in_cents

GROUPS = (
	"month",
	"mode_of_payment",
	"sales_person",
	"customer",
	"customer_group",
	"territory",
	"company",
)
# An invoice has no mode of payment before it is paid.
DUE_GROUPS = tuple(group for group in GROUPS if group != "mode_of_payment")
RECEIVED = ("received", "refunded", "on_account")
DUE = ("due", "open")


@dataclass(slots=True)
class Period:
	"""Receipts between two days, both included. `in_party_currency`: each in the currency of its account."""

	from_date: date
	to_date: date
	filters: Mapping[str, str] = field(default_factory=dict)
	group_by: str = "month"
	in_party_currency: bool = False

	@property
	def has_due(self) -> bool:
		"""Whether what was due can be told beside the receipts."""
		return self.group_by in DUE_GROUPS and not self.filters.get("mode_of_payment")


@dataclass(slots=True)
class Figures:
	"""Of one currency: amounts by measure of each group (None: no group), and of all together."""

	groups: dict[str | int | None, dict[str, float]]
	totals: dict[str, float]


def period_of(filters: Mapping[str, str]) -> Period:
	"""What filters of Receipts ask for; the last twelve months by month by default.

	Raises frappe.ValidationError where they make no sense.
	"""
	to_date = getdate(filters.get("to_date") or nowdate())
	from_date = getdate(filters.get("from_date") or get_first_day(add_months(to_date, -11)))
	if from_date > to_date:
		frappe.throw(_("From Date must be before To Date."))
	group_by = filters.get("group_by") or "month"
	if group_by not in GROUPS:
		frappe.throw(_("Receipts cannot be grouped by {0}.").format(group_by))
	scope.check(filters)
	return Period(from_date, to_date, filters, group_by, bool(cint(filters.get("in_party_currency"))))


# Sources


def _params(period: Period) -> dict:
	return {"from_date": period.from_date, "to_date": period.to_date}


def _receipts(period: Period) -> str:
	"""Rows of money received (a refund below zero), base and in party currency.

	A voucher that also writes off, or takes a bank charge, is received for the part that is money.
	"""
	return f"""
		SELECT voucher_type, voucher_no, day, mode_of_payment, company, customer, invoice, currency, on_account,
			money < 0 AS is_refund, IF(ABS(money) < ABS(total), base * money / total, base) AS base,
			IF(ABS(money) < ABS(total), party_amount * money / total, party_amount) AS party_amount
		FROM (
			SELECT v.voucher_type, v.voucher_no, v.day, v.mode_of_payment, v.money,
				`tabPayment Ledger Entry`.company, `tabPayment Ledger Entry`.party AS customer,
				IF(against_voucher_type = 'Sales Invoice', against_voucher_no, NULL) AS invoice,
				account_currency AS currency, against_voucher_no = v.voucher_no AS on_account,
				-amount AS base, -amount_in_account_currency AS party_amount,
				SUM(-amount) OVER (PARTITION BY v.voucher_type, v.voucher_no) AS total,
				{scope.visible("Payment Ledger Entry")} AS visible
			FROM ({_VOUCHERS}) v
			JOIN `tabPayment Ledger Entry` ON `tabPayment Ledger Entry`.voucher_type = v.voucher_type
				AND `tabPayment Ledger Entry`.voucher_no = v.voucher_no AND party_type = 'Customer'
				AND account_type = 'Receivable' AND delinked = 0
		) l WHERE visible AND money * total > 0
		UNION ALL {_TILL.format(visible=scope.visible("Sales Invoice"))}"""


# Payments, and journal entries that touch a bank or cash account. An account a Payment Entry names is money whatever
# its type. `money` is what came in; a refund is below zero.
_VOUCHERS = """
	SELECT 'Payment Entry' AS voucher_type, name AS voucher_no, posting_date AS day, mode_of_payment,
		IF(payment_type = 'Receive', IFNULL(NULLIF(base_received_amount_after_tax, 0), base_received_amount),
			-IFNULL(NULLIF(base_paid_amount_after_tax, 0), base_paid_amount)) AS money
	FROM `tabPayment Entry`
	WHERE docstatus = 1 AND party_type = 'Customer' AND payment_type IN ('Receive', 'Pay')
		AND posting_date BETWEEN %(from_date)s AND %(to_date)s
	UNION ALL
	SELECT 'Journal Entry', j.name, j.posting_date, j.mode_of_payment, SUM(r.debit - r.credit)
	FROM `tabJournal Entry` j
	JOIN `tabJournal Entry Account` r ON r.parent = j.name
	JOIN `tabAccount` a ON a.name = r.account AND a.account_type IN ('Bank', 'Cash')
	WHERE j.docstatus = 1 AND j.posting_date BETWEEN %(from_date)s AND %(to_date)s
	GROUP BY j.name
"""

# Payments at the till, by mode of payment; change comes out of the mode it is given from, else out of the first.
# ERPNext books them on the invoice itself, so its own columns say what its rows in the Payment Ledger say.
_CHANGE = """IF(`tabSales Invoice`.change_amount = 0 OR p.name <> (
	SELECT q.name FROM `tabSales Invoice Payment` q WHERE q.parent = p.parent AND q.parenttype = p.parenttype
	ORDER BY q.account = `tabSales Invoice`.account_for_change_amount DESC, q.idx LIMIT 1
), 0, `tabSales Invoice`.{column})"""
_BASE = f"(p.base_amount - {_CHANGE.format(column='base_change_amount')})"
_AMOUNT = f"(p.amount - {_CHANGE.format(column='change_amount')})"
_TILL = f"""
	SELECT 'Sales Invoice', `tabSales Invoice`.name, `tabSales Invoice`.posting_date, p.mode_of_payment,
		`tabSales Invoice`.company, `tabSales Invoice`.customer, `tabSales Invoice`.name,
		`tabSales Invoice`.party_account_currency, 0, `tabSales Invoice`.is_return, {_BASE},
		IF(`tabSales Invoice`.party_account_currency = c.default_currency, {_BASE}, {_AMOUNT})
	FROM `tabSales Invoice`
	JOIN `tabSales Invoice Payment` p ON p.parent = `tabSales Invoice`.name AND p.parenttype = 'Sales Invoice'
	JOIN `tabCompany` c ON c.name = `tabSales Invoice`.company
	WHERE `tabSales Invoice`.docstatus = 1 AND `tabSales Invoice`.is_pos = 1 AND p.base_amount <> 0
		AND `tabSales Invoice`.posting_date BETWEEN %(from_date)s AND %(to_date)s AND {{visible}}
"""


def _due() -> str:
	"""Rows of what invoices make due, by payment terms where there are some, and what of it is open now.

	What is paid counts for the terms due first. An advance taken into account when the invoice was made is in no term;
	where it was taken back, what is open beyond the terms is due with the first.
	"""
	return f"""
		SELECT company, customer, invoice, day, currency, NULL AS mode_of_payment,
			IF(is_first, GREATEST(term, open), term) AS party_due, open AS party_open,
			IF(is_first, GREATEST(term, open), term) * rate AS due, open * rate AS open
		FROM (
			SELECT company, customer, invoice, day, currency, rate, term, is_first,
				IF(is_first, GREATEST(0, outstanding - later),
					LEAST(term, GREATEST(0, outstanding - later))) AS open
			FROM (
				SELECT t.*, number = 1 AS is_first, SUM(term) OVER (PARTITION BY invoice) - SUM(term) OVER (
					PARTITION BY invoice ORDER BY number) AS later
				FROM (
					SELECT `tabSales Invoice`.company, `tabSales Invoice`.customer,
						`tabSales Invoice`.name AS invoice,
						COALESCE(s.due_date, `tabSales Invoice`.due_date, `tabSales Invoice`.posting_date) AS day,
						`tabSales Invoice`.party_account_currency AS currency,
						`tabSales Invoice`.outstanding_amount AS outstanding,
						IF(`tabSales Invoice`.party_account_currency = c.default_currency,
							1, `tabSales Invoice`.conversion_rate) AS rate,
						IF(`tabSales Invoice`.party_account_currency = c.default_currency,
							COALESCE(s.base_payment_amount, {_BILLED.format("base_")}),
							COALESCE(s.payment_amount, {_BILLED.format("")})) AS term,
						ROW_NUMBER() OVER (PARTITION BY `tabSales Invoice`.name ORDER BY s.due_date, s.idx) AS number
					FROM `tabSales Invoice`
					JOIN `tabCompany` c ON c.name = `tabSales Invoice`.company
					LEFT JOIN `tabPayment Schedule` s ON s.parent = `tabSales Invoice`.name
						AND s.parenttype = 'Sales Invoice'
					WHERE `tabSales Invoice`.docstatus = 1 AND `tabSales Invoice`.is_return = 0
						AND {_IN_PERIOD} AND {scope.visible("Sales Invoice")}
				) t
			) terms
		) dues WHERE day BETWEEN %(from_date)s AND %(to_date)s"""


# As ERPNext books it on the customer.
_BILLED = """IF(`tabSales Invoice`.rounding_adjustment <> 0 AND `tabSales Invoice`.rounded_total <> 0,
	`tabSales Invoice`.{0}rounded_total, `tabSales Invoice`.{0}grand_total)"""
# The due date of an invoice is that of its last term.
_IN_PERIOD = """`tabSales Invoice`.posting_date <= %(to_date)s
	AND IFNULL(`tabSales Invoice`.due_date, `tabSales Invoice`.posting_date) >= %(from_date)s"""


# Figures


def read_figures(period: Period) -> dict[str | None, Figures]:
	"""Figures by currency. Two queries, four by salesperson: what nobody sold is the rest of the whole."""
	party = period.in_party_currency
	received = "m.party_amount" if party else "m.base"
	due = "m.party_" if party else "m."
	sources = [
		(
			_receipts(period),
			{
				"received": received,
				"refunded": f"IF(m.is_refund, -{received}, 0)",
				"on_account": f"IF(m.on_account, {received}, 0)",
			},
		)
	]
	if period.has_due:
		sources.append((_due(), {"due": f"{due}due", "open": f"{due}open"}))
	found: dict[str | None, Figures] = {}
	for source, measures in sources:
		for currency, figures in _read(period, source, measures).items():
			known = found.setdefault(currency, Figures({}, {}))
			known.totals |= figures.totals
			for key, amounts in figures.groups.items():
				known.groups.setdefault(key, {}).update(amounts)
	return found


def _read(period: Period, source: str, measures: Mapping[str, str]) -> dict[str | None, Figures]:
	"""One source. Groups add up to the whole, to the cent, measure by measure."""
	by_person = period.group_by == "sales_person"
	currency = "m.currency" if period.in_party_currency else "m.company"
	keys = {"currency": currency, "key": f"NULLIF({scope.column(period.group_by)}, '')"}

	def rows(keys: Mapping[str, str], by_person: bool) -> list[tuple]:
		params = _params(period)
		return frappe.db.sql(scope.select(source, measures, keys, period.filters, params, by_person), params)

	groups = _by_currency(period, rows(keys, by_person), measures)
	if by_person and not period.filters.get("sales_person"):
		wholes = _by_currency(period, rows({"currency": currency, "key": "NULL"}, False), measures)
	else:
		wholes = {
			money: {None: {name: sum(amounts[name] for amounts in found.values()) for name in measures}}
			for money, found in groups.items()
		}
	return {
		money: _figures(groups.get(money, {}), whole[None], cint(places(money)))
		for money, whole in wholes.items()
	}


def _by_currency(period: Period, rows: list[tuple], measures: Mapping[str, str]) -> dict:
	"""Currency -> key -> measure -> exact amount; companies of one currency are one."""
	currencies = scope.company_currencies()
	found: dict = {}
	for currency, key, *amounts in rows:
		money = currency if period.in_party_currency else currencies.get(currency)
		known = found.setdefault(money, {}).setdefault(key, dict.fromkeys(measures, Decimal(0)))
		for name, amount in zip(measures, amounts, strict=True):
			known[name] += Decimal(str(amount or 0))
	return found


def _figures(groups: Mapping, whole: Mapping[str, Decimal], digits: int) -> Figures:
	found: dict = {}
	for name, total in whole.items():
		rounded = in_cents({key: amounts[name] for key, amounts in groups.items()}, total, digits)
		for key, amount in rounded.items():
			found.setdefault(key, dict.fromkeys(whole, 0.0))[name] = float(amount)
	return Figures(found, {name: flt(total, digits) for name, total in whole.items()})


def places(currency: str | None) -> int:
	"""Digits behind the point of amounts in a currency."""
	return frappe.get_precision("Payment Ledger Entry", "amount", currency=currency) or 2


# Vouchers


def read_vouchers(period: Period, limit: int) -> tuple[list[dict], bool]:
	"""The newest `limit` receipts by voucher, customer and mode of payment, and whether there are more."""
	party = period.in_party_currency
	received = "m.party_amount" if party else "m.base"
	keys = {
		"day": "m.day",
		"voucher_type": "m.voucher_type",
		"voucher_no": "m.voucher_no",
		"customer": "m.customer",
		"customer_name": "`tabCustomer`.customer_name",
		"mode_of_payment": "m.mode_of_payment",
		"company": "m.company",
		"currency": "m.currency",
	}
	measures = {"received": received, "on_account": f"IF(m.on_account, {received}, 0)"}
	params = _params(period)
	statement = scope.select(_receipts(period), measures, keys, period.filters, params)
	rows = frappe.db.sql(
		f"{statement} ORDER BY m.day DESC, m.voucher_no DESC, m.customer, m.mode_of_payment LIMIT {cint(limit) + 1}",
		params,
		as_dict=True,
	)
	currencies = scope.company_currencies()
	for row in rows:
		if not party:
			row.currency = currencies.get(row.company)
	return rows[:limit], len(rows) > limit


# Number cards


def received(from_date: date, to_date: date, company: str | None) -> float:
	"""Receipts of a company between two days, less refunds, in company currency. One query."""
	params = {"from_date": from_date, "to_date": to_date}
	filters = {"company": company}
	period = Period(from_date, to_date, filters)
	statement = scope.select(_receipts(period), {"received": "m.base"}, {}, filters, params)
	return _amount(statement, params)


def outstanding(company: str | None) -> float:
	"""What customers owe, less what they have on account, in company currency: Accounts Receivable's total."""
	source = f"""SELECT `tabPayment Ledger Entry`.company, `tabPayment Ledger Entry`.party AS customer, amount
		FROM `tabPayment Ledger Entry` WHERE party_type = 'Customer' AND account_type = 'Receivable'
			AND delinked = 0 AND {scope.visible("Payment Ledger Entry")}"""
	params: dict = {}
	statement = scope.select(source, {"amount": "m.amount"}, {}, {"company": company}, params)
	return _amount(statement, params)


def _amount(statement: str, params: dict) -> float:
	rows = frappe.db.sql(statement, params)
	return flt(rows[0][0], 6) if rows else 0.0
