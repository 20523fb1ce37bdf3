"""What Deal Funnel and Deal Aging read: set-based, and only deals the user may see. Reads only."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import frappe
from frappe import _
from frappe.utils import add_months, cint, flt, getdate, nowdate

from crm_ext.deals.report_rules import AgeCell, Cell, Funnel, Step, ageing_cap, figure_filters, steps_from
from crm_ext.deals.stages import get_stages
from crm_ext.permissions import deal_conditions

# Filters by their names; those on a tree take what is below as well.
FILTERS = ("company", "stage", "owner_user", "sales_person", "source", "campaign", "territory", "industry")
TREES = {"sales_person": "Sales Person", "territory": "Territory"}
GROUPS = ("owner_user", "sales_person", "source", "campaign", "territory", "industry", "company", "month")
# A deal is in one stage; what is closed (paid, lost, cancelled) is in none that ages.
SCOPES = {
	"Open": "`tabDeal`.status = 'Open'",
	"Won, Not Paid": "`tabDeal`.status = 'Won' AND `tabDeal`.closed_on IS NULL",
	"All Not Closed": "`tabDeal`.status IN ('Open', 'Won') AND `tabDeal`.closed_on IS NULL",
}
# Dates of stages reached by the stage map are in the log, one look-up a deal: 27 s for a million deals where all
# else takes 3 s. Larger cohorts do without.
LOG_LIMIT = 20_000


@dataclass(slots=True)
class Cohort:
	"""Deals that entered the first of `steps` between two days, both included."""

	steps: list[Step]
	from_date: date
	to_date: date
	filters: Mapping[str, str] = field(default_factory=dict)
	group_by: str | None = None

	@property
	def start(self) -> Step:
		return self.steps[0]


# Conditions


def _conditions(filters: Mapping[str, str], params: dict) -> list[str]:
	"""Conditions on `tabDeal` for the allowed filters and for what the user may see; fills `params`.

	`filters["exactly"]` narrows to one group: without what is below in a tree, and to what is not set.
	"""
	found = []
	for name in FILTERS:
		value = filters.get(name)
		if not value:
			continue
		if name in TREES:
			params[name] = [value, *frappe.db.get_descendants(TREES[name], value)]
			found.append(f"`tabDeal`.{name} IN %({name})s")
		else:
			params[name] = value
			found.append(f"`tabDeal`.{name} = %({name})s")
	for name, value in (filters.get("exactly") or {}).items():
		if name in FILTERS:
			params[f"exactly_{name}"] = value or ""
			found.append(f"IFNULL(`tabDeal`.{name}, '') = %(exactly_{name})s")
	visible = deal_conditions()
	if visible:
		found.append(f"({visible.replace('%', '%%')})")
	return found


def _cohort_source(cohort: Cohort, params: dict) -> tuple[str, str, str]:
	"""(FROM, WHERE, expression of the day the start was entered) of a cohort."""
	params |= {"from_date": cohort.from_date, "to_date": cohort.to_date}
	conditions = _conditions(cohort.filters, params)
	source, entered = "`tabDeal`", f"`tabDeal`.{cohort.start.dated}"
	if cohort.start.dated:
		conditions.append(f"{entered} BETWEEN %(from_date)s AND %(to_date)s")
	else:
		params["start"] = cohort.start.stage
		# By the few changes of the period, not by every change to that stage ever.
		source = """(
			SELECT log.deal, MIN(log.changed_on) AS entered FROM `tabDeal Stage Change` log
			WHERE log.to_stage = %(start)s AND log.changed_on >= %(from_date)s
				AND log.changed_on < %(to_date)s + INTERVAL 1 DAY AND NOT EXISTS (
					SELECT 1 FROM `tabDeal Stage Change` earlier WHERE earlier.deal = log.deal
					AND earlier.to_stage = log.to_stage AND earlier.changed_on < %(from_date)s)
			GROUP BY log.deal
		) entry JOIN `tabDeal` ON `tabDeal`.name = entry.deal"""
		entered = "entry.entered"
	return source, " AND ".join(conditions) or "1 = 1", entered


def _group(cohort: Cohort, entered: str) -> str:
	if not cohort.group_by:
		return "NULL"
	return (
		f"EXTRACT(YEAR_MONTH FROM {entered})"
		if cohort.group_by == "month"
		else f"`tabDeal`.{cohort.group_by}"
	)


def cohort_of(filters: Mapping[str, str]) -> Cohort:
	"""The cohort that filters of Deal Funnel ask for; the last twelve months by default.

	Raises frappe.ValidationError where they make no sense.
	"""
	to_date = getdate(filters.get("to_date") or nowdate())
	from_date = getdate(filters.get("from_date") or add_months(to_date, -12))
	if from_date > to_date:
		frappe.throw(_("From Date must be before To Date."))
	group_by = filters.get("group_by") or None
	if group_by and group_by not in GROUPS:
		frappe.throw(_("Deals cannot be grouped by {0}.").format(group_by))
	steps = steps_from(get_stages().by_name.values(), filters.get("start_stage") or None)
	if not steps:
		frappe.throw(_("Choose a starting stage of kind Open or Won."))
	return Cohort(steps, from_date, to_date, filters, group_by)


# Deal Funnel


def read_funnels(cohort: Cohort, with_days: bool = True) -> dict[str | int | None, Funnel]:
	"""The cohort by group (one, called None, where it is not grouped).

	One query, one for the days, and for small cohorts one more for each stage that a status brings deals to.
	"""
	funnels: dict[str | int | None, Funnel] = defaultdict(Funnel)
	params: dict = {}
	source, where, entered = _cohort_source(cohort, params)
	group = _group(cohort, entered)
	columns = list(dict.fromkeys([*(step.amount for step in cohort.steps), "paid_amount"]))
	sums = ", ".join(f"SUM(`tabDeal`.{column})" for column in columns)
	by_group = f"{group}, " if cohort.group_by else ""
	for key, furthest, status, deals, *amounts in frappe.db.sql(
		f"""SELECT STRAIGHT_JOIN {group}, `tabDeal`.furthest_stage, `tabDeal`.status, COUNT(*), {sums}
		FROM {source} WHERE {where} GROUP BY {by_group}`tabDeal`.furthest_stage, `tabDeal`.status""",
		params,
	):
		values = dict(zip(columns, map(flt, amounts), strict=True))
		funnels[key or None].cells.append(Cell(furthest, status, deals, values))
	if with_days and funnels:
		_read_days(cohort, funnels, source, where, entered, params)
	return dict(funnels)


def _read_days(
	cohort: Cohort,
	funnels: dict[str | int | None, Funnel],
	source: str,
	where: str,
	entered: str,
	params: dict,
) -> None:
	"""Days from the step before, as histograms: few rows whatever the number of deals, and exact medians.

	A step a deal skipped has no date; its days are then counted from the last step before that has one.
	"""
	group = _group(cohort, entered)
	numbered = list(enumerate(cohort.steps))[1:]
	dated = {index: _days_of(step, entered) for index, step in numbered if step.dated}
	selects = []
	by_group = "grouped, " if cohort.group_by else ""
	if dated:
		columns = {index: f"`tabDeal`.{cohort.steps[index].dated}" for index in dated}
		reached = " ".join(f"WHEN {index} THEN {column}" for index, column in columns.items())
		days = " ".join(f"WHEN {index} THEN {expression}" for index, expression in dated.items())
		steps = " UNION ALL ".join(f"SELECT {index} AS step" for index in dated)
		# Each deal once a step, in one pass over the table instead of one a step; most deals have none of them.
		selects.append(
			f"""SELECT STRAIGHT_JOIN {group} AS grouped, step, CASE step {days} END AS days, COUNT(*)
			FROM {source} JOIN ({steps}) steps
			WHERE {where} AND COALESCE(NULL, {", ".join(columns.values())}) IS NOT NULL
				AND CASE step {reached} END IS NOT NULL
			GROUP BY {by_group}step, days"""
		)
	logged = [(index, step) for index, step in numbered if not step.dated]
	for index, step in logged if cohort_size(funnels) <= LOG_LIMIT else ():
		params[f"stage_{index}"] = step.stage
		reached = f"""(SELECT MIN(log.changed_on) FROM `tabDeal Stage Change` log
			WHERE log.deal = `tabDeal`.name AND log.to_stage = %(stage_{index})s)"""
		selects.append(
			f"""SELECT STRAIGHT_JOIN {group} AS grouped, {index}, {_days_of(step, entered, reached)} AS days, COUNT(*)
			FROM {source} WHERE {where} GROUP BY {by_group}days"""
		)
	for select in selects:
		for key, step, days, deals in frappe.db.sql(select, params):
			if days is not None:
				# What came before the step before it, such as an invoice before the delivery, did not wait.
				funnels[key or None].days[step][max(0, days)] += deals


def _days_of(step: Step, entered: str, reached: str | None = None) -> str:
	before = [f"`tabDeal`.{column}" for column in step.before]
	if not before or before[-1] != entered:
		before.append(entered)
	since = f"COALESCE({', '.join(before)})" if len(before) > 1 else before[0]
	return f"DATEDIFF({reached or f'`tabDeal`.{step.dated}'}, {since})"


def cohort_size(funnels: Mapping[str | int | None, Funnel]) -> int:
	return sum(funnel.deals for funnel in funnels.values())


def cohort_deals(cohort: Cohort, step: int, only: str, limit: int) -> tuple[list[str], int]:
	"""Names of the newest `limit` deals behind one figure of the funnel, and how many there are.

	`only`: "deals" that reached the step, or those "lost" or "open" there.
	"""
	params: dict = {}
	source, where, entered = _cohort_source(cohort, params)
	for index, (column, (operator, values)) in enumerate(figure_filters(cohort.steps, step, only).items()):
		params[f"value_{index}"] = values
		where += f" AND IFNULL(`tabDeal`.{column}, '') {operator} %(value_{index})s"
	rows = frappe.db.sql(
		f"""SELECT STRAIGHT_JOIN `tabDeal`.name, COUNT(*) OVER () FROM {source} WHERE {where}
		ORDER BY {entered} DESC, `tabDeal`.name DESC LIMIT {cint(limit)}""",
		params,
	)
	return [name for name, _total in rows], rows[0][1] if rows else 0


# Deal Aging


def rotting_days() -> dict[str, int]:
	"""Days each stage allows, 0 for any, by sequence."""
	return dict(
		frappe.get_all("Deal Stage", fields=["name", "rotting_days"], order_by="sequence", as_list=True)
	)


def read_ages(
	scope: str, filters: Mapping[str, str], today: date, allowed: Mapping[str, int]
) -> list[AgeCell]:
	"""Deals not closed by stage and days in it. One query; days beyond every limit are told as one."""
	params: dict = {"today": today, "cap": ageing_cap(allowed.values())}
	conditions = [SCOPES[scope], *_conditions(filters, params)]
	return [
		AgeCell(stage, max(0, days or 0), deals, flt(value))
		for stage, days, deals, value in frappe.db.sql(
			f"""SELECT `tabDeal`.stage, LEAST(DATEDIFF(%(today)s, `tabDeal`.stage_since), %(cap)s) AS days,
				COUNT(*), SUM(`tabDeal`.amount)
			FROM `tabDeal` WHERE {" AND ".join(conditions)} GROUP BY `tabDeal`.stage, days""",
			params,
		)
	]


def ageing_deals(
	scope: str, filters: Mapping[str, str], today: date, only_rotting: bool, limit: int
) -> tuple[list[dict], bool]:
	"""The `limit` deals longest in their stage, and whether there are more."""
	params: dict = {"today": today}
	conditions = [SCOPES[scope], *_conditions(filters, params)]
	if only_rotting:
		conditions.append(
			"s.rotting_days > 0 AND DATEDIFF(%(today)s, `tabDeal`.stage_since) > s.rotting_days"
		)
	rows = frappe.db.sql(
		f"""SELECT `tabDeal`.name AS deal, `tabDeal`.party_name, `tabDeal`.stage, `tabDeal`.owner_user,
			`tabDeal`.sales_person, `tabDeal`.territory, `tabDeal`.company, `tabDeal`.currency,
			GREATEST(0, DATEDIFF(%(today)s, `tabDeal`.stage_since)) AS days_in_stage, s.rotting_days,
			`tabDeal`.amount AS value, `tabDeal`.expected_amount, `tabDeal`.stage_since,
			DATE(`tabDeal`.last_contact_on) AS last_contact, DATE(`tabDeal`.next_follow_up_on) AS next_follow_up
		FROM `tabDeal` LEFT JOIN `tabDeal Stage` s ON s.name = `tabDeal`.stage
		WHERE {" AND ".join(conditions)}
		ORDER BY `tabDeal`.stage_since, `tabDeal`.name LIMIT {cint(limit) + 1}""",
		params,
		as_dict=True,
	)
	return rows[:limit], len(rows) > limit


# Everything a deal consists of, and its customer: what people write to, call about, put on a list.
_REFERENCES = """
	SELECT name AS deal, 'Deal' AS doctype, name FROM `tabDeal` WHERE name IN %(deals)s
	UNION SELECT name, 'Customer', customer FROM `tabDeal` WHERE name IN %(deals)s AND customer IS NOT NULL
	UNION SELECT name, 'Lead', lead FROM `tabDeal` WHERE name IN %(deals)s AND lead IS NOT NULL
	UNION SELECT deal, voucher_type, voucher_no FROM `tabDeal Ledger Entry` WHERE deal IN %(deals)s
"""


def planned_otherwise(deals: list[str], now: str) -> dict[str, date]:
	"""Day of the first open ToDo (an overdue one too) or coming event on any document of each deal or on its
	customer: what people plan without follow ups. One query."""
	if not deals:
		return {}
	rows = frappe.db.sql(
		f"""SELECT deal, MIN(due) FROM (
			SELECT r.deal, t.date AS due FROM ({_REFERENCES}) r
			JOIN `tabToDo` t ON t.reference_type = r.doctype AND t.reference_name = r.name
			WHERE t.status = 'Open' AND t.date IS NOT NULL
			UNION ALL
			SELECT r.deal, DATE(e.starts_on) FROM `tabEvent` e
			JOIN `tabEvent Participants` p ON p.parent = e.name AND p.parenttype = 'Event'
			JOIN ({_REFERENCES}) r ON r.doctype = p.reference_doctype AND r.name = p.reference_docname
			WHERE e.status = 'Open' AND e.starts_on >= %(now)s
		) planned GROUP BY deal""",
		{"deals": deals, "now": now},
	)
	return dict(rows)


# Currency


def currencies(company: str | None, by_company: bool = False) -> dict[str | None, str] | None:
	"""Currency by company; None stands for all of them together and is there only where all have the same.

	None instead where currencies differ and amounts of several would be added up: no company is chosen and they
	are not shown one by one.
	"""
	found = dict(
		frappe.get_all("Company", fields=["name", "default_currency"], order_by="name", as_list=True)
	)
	if len(set(found.values())) <= 1:
		return found | {None: next(iter(found.values()), None)}
	return found if company or by_company else None
