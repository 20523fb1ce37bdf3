"""What Receivable Aging reads. Reads only; a handful of statements whatever the number of customers and invoices."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

import frappe
from frappe import _
from frappe.utils import add_days, cint, flt, get_last_day_of_week, getdate, nowdate

from crm_ext.permissions import account_conditions
from crm_ext.receivables import ageing, ledger
from crm_ext.receivables.ageing import Calendar, Cell
from crm_ext.receivables.customer_facts import CUSTOMER, customers, in_chunks
from crm_ext.receivables.ledger_scope import SALES_INVOICE, Item, Scope

SALES_PERSON = "Sales Person"
# What is a fact of the customer: rows of customers are added up.
BY_CUSTOMER = {"Customer Group": "customer_group", "Territory": "territory"}
GROUPS = (CUSTOMER, SALES_PERSON, "Territory", "Customer Group", "Company")
BASES = ("Due Date", "Posting Date")
_LINKS = ("company", "account", "customer", "customer_group", "territory", "sales_person")

GroupKey = tuple[str | None, str]  # group, currency


@dataclass(slots=True)
class Ask:
	"""What is asked for, checked."""

	scope: Scope
	calendar: Calendar
	limits: list[int]
	group_by: str
	sales_persons: list[str] = field(default_factory=list)
	by_terms: bool = False
	show_items: bool = False

	@property
	def by_item(self) -> bool:
		"""Whether open items have to be seen one by one, because sums do not tell."""
		return bool(self.by_terms or self.show_items or self.sales_persons or self.group_by == SALES_PERSON)


@dataclass(slots=True)
class Line:
	"""An open item, or the part of it that is of one payment term and one salesperson."""

	item: Item
	party: str
	group: str | None
	currency: str
	due: date
	term: str | None
	cell: Cell


@dataclass(slots=True)
class Ages:
	cells: dict[GroupKey, Cell]
	lines: dict[GroupKey, list[Line]]  # only where items are to be shown


def ask(filters: Mapping) -> Ask:
	"""Filters of the report, checked. Raises frappe.ValidationError with what is wrong."""
	for name in _LINKS:
		if filters.get(name) and not isinstance(filters[name], str):
			frappe.throw(_("Choose one value for {0}.").format(name))
	company = filters.get("company")
	if not company:
		frappe.throw(_("Choose a company."))
	if not frappe.db.exists("Company", company):
		frappe.throw(_("Company {0} does not exist.").format(company))
	group_by = filters.get("group_by") or CUSTOMER
	if group_by not in GROUPS:
		frappe.throw(_("Receivables cannot be grouped by {0}.").format(group_by))
	basis = filters.get("ageing_based_on") or BASES[0]
	if basis not in BASES:
		frappe.throw(_("Ageing cannot be based on {0}.").format(basis))
	as_of = getdate(filters.get("report_date") or nowdate())
	person = filters.get("sales_person")
	return Ask(
		Scope(
			company,
			as_of,
			account=filters.get("account") or None,
			in_party_currency=bool(cint(filters.get("in_party_currency"))),
			customers=[filters["customer"]] if filters.get("customer") else [],
			customer_group=filters.get("customer_group") or None,
			territory=filters.get("territory") or None,
			visible=account_conditions(),
		),
		Calendar(as_of, getdate(get_last_day_of_week(as_of)), basis == BASES[0]),
		limits_of(filters.get("range")),
		group_by,
		[person, *frappe.db.get_descendants(SALES_PERSON, person)] if person else [],
		bool(cint(filters.get("based_on_payment_terms"))),
		bool(cint(filters.get("show_items"))),
	)


def limits_of(text: str | None) -> list[int]:
	try:
		return ageing.parse_buckets(text or ageing.DEFAULT_BUCKETS)
	except ageing.BadBuckets as error:
		frappe.throw(
			_(
				"{0} is no limit of a bucket. Write up to {1} whole numbers of days, each more than the one before it: {2}."
			).format(frappe.bold(error.args[0] or " "), ageing.MOST_BUCKETS, ageing.DEFAULT_BUCKETS),
			title=_("Ageing Buckets"),
		)


def of_today(company: str, customers: Collection[str] = (), today: date | None = None) -> dict[str, Cell]:
	"""What each customer owes today, by payment terms, in company currency; of some customers where given.

	The figures of Receivable Aging, for whatever else tells them.
	"""
	today = today or getdate(nowdate())
	asked = Ask(
		Scope(company, today, customers=customers, visible=account_conditions()),
		Calendar(today, getdate(get_last_day_of_week(today))),
		limits_of(None),
		CUSTOMER,
		by_terms=True,
	)
	return {customer: cell for (customer, _currency), cell in read(asked).cells.items()}


def read(asked: Ask) -> Ages:
	"""Open items by group and currency."""
	ages = _by_item(asked) if asked.by_item else _by_sums(asked)
	for cell in ages.cells.values():
		cell.rounded(asked.scope.precision)
	return ages


# By sums


def _columns(asked: Ask) -> dict[str, str]:
	"""The aggregates that make a Cell; see ageing.cell_of. Dates and numbers are ours, none is the user's text.

	NULL where there is nothing, and nothing twice: most of the time goes into reading the values.
	"""
	calendar = asked.calendar
	today, week_end = f"DATE'{calendar.as_of}'", f"DATE'{calendar.week_end}'"
	day = "o.due" if calendar.by_due_date else "o.posting_date"
	found = {}
	for number, (first, last) in enumerate(ageing.bucket_days(asked.limits)):
		within = f"{day} <= DATE'{add_days(calendar.as_of, -first)}'"
		if last is not None:
			within += f" AND {day} >= DATE'{add_days(calendar.as_of, -last)}'"
		found[f"bucket_{number}"] = f"SUM(IF({within}, o.v, NULL))"
	found |= {
		"outstanding": "SUM(o.v)",
		"overdue": f"SUM(IF(o.due < {today}, o.v, NULL))",
		"due_today": f"SUM(IF(o.v > 0 AND o.due = {today}, o.v, NULL))",
		"due_this_week": f"SUM(IF(o.v > 0 AND o.due BETWEEN {today} AND {week_end}, o.v, NULL))",
		"due_next_week": f"SUM(IF(o.v > 0 AND o.due > {week_end} AND o.due <= DATE'{calendar.next_week_end}', o.v, NULL))",
		"on_account": "SUM(IF(o.v < 0, -o.v, NULL))",
		"items": "COUNT(*)",
		"oldest_due": "MIN(IF(o.v > 0, o.due, NULL))",
	}
	if not calendar.by_due_date:
		found["oldest"] = "MIN(IF(o.v > 0, o.posting_date, NULL))"
	if asked.scope.in_account_currency:
		found["base"] = "SUM(o.base)"
	return found


def _by_sums(asked: Ask) -> Ages:
	scope = asked.scope
	totals, items = ledger.sums(scope, _columns(asked))
	found: dict[tuple[str, str], Cell] = {}
	for row in totals:
		_put(found, (row["party"], scope.currency_of(row["account"])), _cell_of_sums(asked, row))
	for item in items:
		_put(found, (item.party, scope.currency_of(item.account)), _cell(asked, item, item.outstanding))
	if asked.group_by == CUSTOMER:
		return Ages(found, {})
	group_of = _groups(asked, {party for party, _currency in found})
	cells: dict[GroupKey, Cell] = {}
	for (party, currency), cell in found.items():
		_put(cells, (group_of(party), currency), cell)
	return Ages(cells, {})


def _cell_of_sums(asked: Ask, row: Mapping) -> Cell:
	buckets = [row[f"bucket_{number}"] or 0.0 for number in range(len(asked.limits) + 1)]
	outstanding = row["outstanding"]
	return Cell(
		buckets,
		outstanding,
		row.get("base", outstanding),
		outstanding - sum(buckets),
		row["overdue"] or 0.0,
		row["due_today"] or 0.0,
		row["due_this_week"] or 0.0,
		row["due_next_week"] or 0.0,
		row["on_account"] or 0.0,
		row["items"],
		row["oldest_due"] if asked.calendar.by_due_date else row["oldest"],
		row["oldest_due"],
	)


def _put(cells: dict, key: tuple, cell: Cell) -> None:
	if key in cells:
		cells[key].add(cell)
	else:
		cells[key] = cell


def _cell(asked: Ask, item: Item, amount: float, due: date | None = None) -> Cell:
	base = amount
	if asked.scope.in_account_currency:
		base = item.base * amount / item.outstanding
	return ageing.cell_of(amount, base, item.posting_date, due or item.due, asked.calendar, asked.limits)


def _groups(asked: Ask, parties: Collection[str]):
	"""A function from a customer to its group."""
	if asked.group_by == "Company":
		return lambda _party: asked.scope.company
	facts = customers(parties)
	fieldname = BY_CUSTOMER[asked.group_by]
	return lambda party: (facts.get(party) or {}).get(fieldname)


# Item by item


def _by_item(asked: Ask) -> Ages:
	scope, digits = asked.scope, asked.scope.precision
	items = ledger.open_items(scope, parts=asked.by_terms)
	by_person = asked.group_by == SALES_PERSON
	teams = _teams(items) if by_person or asked.sales_persons else None
	group_of = None
	if not by_person and asked.group_by != CUSTOMER:
		group_of = _groups(asked, {item.party for item in items})
	cells: dict[GroupKey, Cell] = {}
	lines: dict[GroupKey, list[Line]] = defaultdict(list)
	nobody: dict[str | None, float] = {None: 1.0}
	for item, amount, due, term in _parts(asked, items):
		currency = scope.currency_of(item.account)
		team = nobody
		if teams is not None:
			team = teams.get(item.voucher_no if item.voucher_type == SALES_INVOICE else "") or teams.get(
				(item.party,), nobody
			)
		for person, part in (
			ageing.split(amount, team, digits).items() if teams is not None else ((None, amount),)
		):
			if asked.sales_persons and person not in asked.sales_persons:
				continue
			group = person if by_person else group_of(item.party) if group_of else item.party
			cell = _cell(asked, item, part, due)
			if asked.show_items:
				lines[(group, currency)].append(Line(item, item.party, group, currency, due, term, cell))
			_put(cells, (group, currency), _copy(cell))
	return Ages(cells, dict(lines))


def _copy(cell: Cell) -> Cell:
	copy = Cell([0.0] * len(cell.buckets))
	copy.add(cell)
	return copy


def _parts(asked: Ask, items: list[Item]) -> Iterator[tuple[Item, float, date, str | None]]:
	"""(item, amount, due date, payment term); several of one item where payment terms are asked for."""
	terms = _payment_terms(asked.scope, items) if asked.by_terms else {}
	for item in items:
		schedule = terms.get(item.voucher_no) if item.voucher_type == SALES_INVOICE else None
		if not schedule:
			yield item, item.outstanding, item.due, None
			continue
		advance, rows = schedule
		parts = ageing.allocate(item.paid, item.credit_note, advance, rows)
		for part in parts:
			# ERPNext dates what was paid beyond the terms by the invoice's due date only where no term is open.
			due = part.due_date or (item.due if len(parts) == 1 else item.posting_date)
			yield item, flt(part.outstanding, asked.scope.precision), due, part.label


def _payment_terms(scope: Scope, items: list[Item]) -> dict[str, tuple[float, list[ageing.Term]]]:
	"""Invoice -> (advance allocated while invoicing, its terms)."""
	company_currency = frappe.get_cached_value("Company", scope.company, "default_currency")
	found: dict[str, tuple[float, list[ageing.Term]]] = {}
	for row in in_chunks(
		"""SELECT si.name, si.total_advance, si.currency, si.party_account_currency, ps.due_date,
			IFNULL(NULLIF(ps.description, ''), ps.payment_term) AS label, ps.payment_amount, ps.base_payment_amount,
			ps.paid_amount, ps.base_paid_amount, ps.discounted_amount
		FROM `tabSales Invoice` si JOIN `tabPayment Schedule` ps ON ps.parent = si.name
			AND ps.parenttype = 'Sales Invoice'
		WHERE si.name IN %(names)s AND si.is_return = 0
		ORDER BY ps.paid_amount DESC, ps.due_date""",
		{item.voucher_no for item in items if item.voucher_type == SALES_INVOICE},
	):
		in_currency = (
			scope.in_account_currency and company_currency != row.currency == row.party_account_currency
		)
		prefix = "" if in_currency else "base_"
		term = ageing.Term(
			row.due_date,
			row.label,
			flt(row[f"{prefix}payment_amount"]),
			flt(row[f"{prefix}paid_amount"]),
			flt(row.discounted_amount),
		)
		found.setdefault(row.name, (flt(row.total_advance), []))[1].append(term)
	return found


def _teams(items: list[Item]) -> dict:
	"""Parts of the whole by salesperson: of an invoice by its name, of a customer by a tuple of its name."""
	contributions: dict = defaultdict(lambda: defaultdict(float))
	invoices = {item.voucher_no for item in items if item.voucher_type == SALES_INVOICE}
	for doctype, names in ((SALES_INVOICE, invoices), (CUSTOMER, {item.party for item in items})):
		for row in in_chunks(
			f"""SELECT parent, sales_person, allocated_percentage AS percentage FROM `tabSales Team`
			WHERE parenttype = '{doctype}' AND parent IN %(names)s""",
			names,
		):
			key = row.parent if doctype == SALES_INVOICE else (row.parent,)
			contributions[key][row.sales_person] += flt(row.percentage)
	return {key: ageing.team_of(team) for key, team in contributions.items()}
