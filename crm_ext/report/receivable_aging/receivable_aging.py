# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt
"""Receivable Aging: what customers owe as of a day, by age.

1. What is open, and how much of it, is what ERPNext's Accounts Receivable says, to the cent: payment terms, advances,
   credit notes, journal entries, exchange differences, several receivable accounts, also as of a past day.
2. Not due and the buckets add up to the outstanding amount; the groups add up to the total. A salesperson gets the
   contribution of the invoice's Sales Team, else that of the customer's; what neither gives away is nobody's.
3. What has no due date, such as money on account, counts from the day it was posted.
   It is taken off what is overdue; how much of it there is stands under On Account.
4. Amounts of several currencies are never added up: in party currency there is a row for each.
5. Only customers the user may see; user permissions on company, account, cost center and project hold too.
6. Credit limit, promises and payment behaviour are of the customer; they stand only on rows of customers.
"""

import frappe
from frappe import _
from frappe.utils import cint, flt

from crm_ext.receivables import ageing, ageing_queries, customer_facts
from crm_ext.receivables.ageing import Cell
from crm_ext.receivables.ageing_queries import CUSTOMER, Ages, Ask, GroupKey, Line
from crm_ext.report.columns import column, link

# Items listed: what a person can look through, and what a browser shows without delay.
LIMIT = 2_000
# Days after which an item is over age, where the filter does not say.
MOST_DAYS = 90
COLORS = ["#59b68c", "#a5d46a", "#f5d547", "#f2994a", "#d9534f"]


def execute(filters: dict | None = None) -> tuple:
	"""Columns, rows, message, chart, summary."""
	frappe.has_permission("Sales Invoice", "read", throw=True)
	filters = frappe._dict(filters or {})
	asked = ageing_queries.ask(filters)
	ages = ageing_queries.read(asked)
	with_behaviour = asked.group_by == CUSTOMER and cint(filters.with_behaviour)
	if not ages.cells:
		return _columns(asked, with_behaviour, False), [], None, None, None
	most_days = cint(filters.over_age_days) or MOST_DAYS
	facts = _facts(asked, ages, with_behaviour)
	# Where customers are known by their names, the column would say everything twice.
	with_names = any(row["customer_name"] not in (None, name) for name, row in facts.items())
	columns = _columns(asked, with_behaviour, with_names)
	totals = _totals(asked, ages)
	rows, more = _rows(asked, ages, totals, facts, most_days)
	message = (
		_("Only the first {0} open items are listed; choose a customer.").format(LIMIT) if more else None
	)
	return columns, rows, message, _chart(asked, totals), _summary(totals)


# Columns


def _money(fieldname: str, label: str, width: int = 130) -> dict:
	return column(fieldname, label, "Currency", width, "currency")


def _bucket_label(first: int, last: int | None) -> str:
	return f"{first}-{last}" if last is not None else f"> {first - 1}"


def _buckets(asked: Ask) -> list[dict]:
	return [
		_money(f"bucket_{number}", _("{0} Days").format(_bucket_label(*days)))
		for number, days in enumerate(ageing.bucket_days(asked.limits))
	]


def _columns(asked: Ask, with_behaviour: bool, with_names: bool) -> list[dict]:
	columns = [link("group", _(asked.group_by), 200, asked.group_by)]
	if asked.group_by == CUSTOMER:
		if with_names:
			columns.append(column("customer_name", _("Customer Name"), "Data", 180))
		if not asked.show_items:
			columns.append(
				column("actions", _("What to Do", context="Receivables"), "Data", 350) | {"align": "left"}
			)
	if asked.show_items:
		columns += _item_columns(asked)
	columns += [
		_money("outstanding", _("Outstanding"), 140),
		_money("not_due", _("Not Due")),
		*_buckets(asked),
		_money("overdue", _("Overdue")),
		_money("on_account", _("On Account")),
		column("share", _("Share (%)"), "Percent", 100),
		column("running_share", _("Running Share (%)"), "Percent", 155),
		column("items", _("Open Items"), "Int", 140),
		column("oldest_days", _("Oldest Item (Days)"), "Int", 165),
		column("days_over", _("Days Over Age"), "Int", 140),
		_money("due_today", _("Due Today")),
		_money("due_this_week", _("Due This Week")),
		_money("due_next_week", _("Due Next Week")),
	]
	if asked.group_by == CUSTOMER:
		columns += _customer_columns(with_behaviour)
	return [*columns, link("currency", _("Currency"), 80, "Currency")]


def _item_columns(asked: Ask) -> list[dict]:
	columns = [
		column("voucher_type", _("Voucher Type"), "Data", 120),
		column("voucher_no", _("Voucher No"), "Dynamic Link", 180, "voucher_type"),
		column("posting_date", _("Posting Date"), "Date", 120),
		column("due_date", _("Due Date"), "Date", 105),
		link("account", _("Receivable Account"), 175, "Account"),
	]
	if asked.group_by != CUSTOMER:
		columns.insert(0, link("customer", _("Customer"), 160, CUSTOMER))
	if asked.by_terms:
		columns.append(column("payment_term", _("Payment Term"), "Data", 130))
	return columns


def _customer_columns(with_behaviour: bool) -> list[dict]:
	company_money = {"fieldtype": "Currency", "options": "company_currency", "width": 130}
	columns = [
		{"fieldname": "credit_limit", "label": _("Credit Limit"), **company_money},
		{"fieldname": "over_limit", "label": _("Over Limit"), **company_money},
		column("promised_for", _("Promised For"), "Date", 110),
		column("promised", _("Amount Promised"), "Currency", 130, "promise_currency"),
		column("dunnings", _("Open Dunnings"), "Int", 140),
	]
	if with_behaviour:
		columns += [
			column("days_to_pay", _("Average Days to Pay"), "Int", 175),
			column("last_receipt_on", _("Last Receipt On"), "Date", 120),
			_money("last_receipt", _("Last Receipt")),
		]
	return [
		*columns,
		link("territory", _("Territory"), 120, "Territory"),
		link("customer_group", _("Customer Group"), 130, "Customer Group"),
		column("company_currency", _("Company Currency"), "Data", 80) | {"hidden": 1},
		column("promise_currency", _("Promise Currency"), "Data", 80) | {"hidden": 1},
	]


# Rows


def _facts(asked: Ask, ages: Ages, with_behaviour: bool) -> dict[str, dict]:
	"""What stands beside the figures of each customer shown. A few statements, none per customer."""
	if asked.group_by != CUSTOMER:
		return {}
	company, scope = asked.scope.company, asked.scope
	names = {name for name, _currency in ages.cells}
	found = customer_facts.customers(names)
	limits = customer_facts.credit_limits(company, found)
	promises = customer_facts.open_promises(company, names)
	dunnings = customer_facts.open_dunnings(company, names)
	days = customer_facts.days_to_pay(scope) if with_behaviour else {}
	receipts = customer_facts.last_receipts(scope) if with_behaviour else {}
	company_currency = frappe.get_cached_value("Company", company, "default_currency")
	facts = {}
	for name in names:
		row, promise = found.get(name) or {}, promises.get(name) or {}
		received_on, received = receipts.get(name, (None, None))
		facts[name] = {
			"customer_name": row.get("customer_name"),
			"territory": row.get("territory"),
			"customer_group": row.get("customer_group"),
			"credit_limit": limits.get(name),
			"promised_for": promise.get("pay_by"),
			"promised": promise.get("amount"),
			"promise_currency": promise.get("currency"),
			"dunnings": dunnings.get(name),
			"days_to_pay": round(days[name]) if days.get(name) is not None else None,
			"last_receipt_on": received_on,
			"last_receipt": received,
			"company_currency": company_currency,
		}
	return facts


def _rows(
	asked: Ask, ages: Ages, totals: dict[str, Cell], facts: dict[str, dict], most_days: int
) -> tuple[list[dict], bool]:
	"""Groups, who owes most first, a total for each currency, and whether items were left out."""
	by_currency: dict[str, list[tuple[GroupKey, Cell]]] = {}
	for key, cell in ages.cells.items():
		by_currency.setdefault(key[1], []).append((key, cell))
	# In company currency, because a limit is for all a customer owes.
	owed: dict[str | None, float] = {}
	for (group, _currency), cell in ages.cells.items():
		owed[group] = owed.get(group, 0) + cell.base
	rows: list[dict] = []
	listed = 0
	for currency in sorted(by_currency):
		groups = sorted(by_currency[currency], key=lambda found: (-found[1].outstanding, str(found[0][0])))
		shares = ageing.shares([cell.outstanding for _key, cell in groups])
		for (key, cell), (share, running) in zip(groups, shares, strict=True):
			row = _row(asked, key, cell, most_days)
			row |= {"share": share, "running_share": running, "group": key[0], "indent": 0}
			row |= _with_limit(facts.get(key[0], {}), owed[key[0]])
			rows.append(row)
			lines = sorted(ages.lines.get(key, ()), key=lambda line: (line.due, line.item.voucher_no))
			rows += [_line(asked, line, most_days) for line in lines[: max(0, LIMIT - listed)]]
			listed += len(lines)
		rows.append(
			_row(asked, (None, currency), totals[currency], most_days)
			| {"group": _("Total"), "indent": 0, "is_total": 1, "bold": 1}
		)
	return rows, listed > LIMIT


def _with_limit(facts: dict, owed: float) -> dict:
	limit = facts.get("credit_limit")
	return facts | {"over_limit": flt(owed - limit, 2) if limit and owed > limit else None}


def _row(asked: Ask, key: GroupKey, cell: Cell, most_days: int) -> dict:
	as_of = asked.scope.as_of
	return {
		"currency": key[1],
		**{f"bucket_{number}": value for number, value in enumerate(cell.buckets)},
		**{name: getattr(cell, name) for name in ageing.SUMS if name != "base"},
		"items": cell.items,
		"oldest_days": ageing.days_before(cell.oldest, as_of),
		"days_over": max(0, ageing.days_before(cell.oldest_due, as_of) - most_days),
	}


def _line(asked: Ask, line: Line, most_days: int) -> dict:
	item = line.item
	return _row(asked, (line.group, line.currency), line.cell, most_days) | {
		"group": line.group if asked.group_by == CUSTOMER else None,
		"indent": 1,
		"account": item.account,
		"customer": line.party,
		"voucher_type": item.voucher_type,
		"voucher_no": item.voucher_no,
		"posting_date": item.posting_date,
		"due_date": line.due if line.term or item.due_date else None,
		"payment_term": line.term,
		"items": None,
	}


# Above and below the table


def _totals(asked: Ask, ages: Ages) -> dict[str, Cell]:
	"""Everything, by currency."""
	found: dict[str, Cell] = {}
	for (_group, currency), cell in sorted(ages.cells.items(), key=lambda found: found[0][1]):
		found.setdefault(currency, Cell([0.0] * (len(asked.limits) + 1))).add(cell)
	for cell in found.values():
		cell.rounded(asked.scope.precision)
	return found


def _chart(asked: Ask, totals: dict[str, Cell]) -> dict:
	labels = [_("Not Due"), *(column["label"] for column in _buckets(asked))]
	chart = {
		"data": {
			"labels": labels,
			"datasets": [
				{"name": currency, "values": [flt(cell.not_due, 2), *(flt(v, 2) for v in cell.buckets)]}
				for currency, cell in totals.items()
			],
		},
		"type": "bar",
		"fieldtype": "Currency",
		"colors": COLORS[: len(totals)] if len(totals) > 1 else ["#4c86d9"],
	}
	if len(totals) == 1:
		chart["options"] = "currency"
		chart["currency"] = next(iter(totals))
	return chart


def _summary(totals: dict[str, Cell]) -> list[dict]:
	summary = []
	for currency, cell in totals.items():
		for label, value, color in (
			(_("Outstanding"), cell.outstanding, "Blue"),
			(_("Overdue"), cell.overdue, "Red" if cell.overdue > 0 else "Green"),
			(_("On Account"), cell.on_account, "Blue"),
			(_("Due This Week"), cell.due_this_week, "Orange"),
		):
			summary.append(
				{
					"label": label,
					"value": flt(value, 2),
					"datatype": "Currency",
					"currency": currency,
					"indicator": color,
				}
			)
		if cell.outstanding > 0:
			share = 100 * max(0, cell.overdue) / cell.outstanding
			summary.append(
				{"label": _("Share Overdue"), "value": share, "datatype": "Percent", "indicator": "Grey"}
			)
	return summary
