"""Deal Funnel and Deal Aging against the bare aggregate query over the same deals.

	cd BENCH/sites && ../env/bin/python ../apps/crm_ext/benchmarks/reports.py --site S --rounds 9

Fill the site first with synthetic_deals.py. Each round runs the report's `execute()`, the plain aggregate query one
would write for the same counts and values (without the median days, which no plain query gives), and the report's own
SQL by itself, one after the other. Times are processor time (clock.py), the median of the rounds.
"""

import argparse
import statistics
from collections.abc import Callable

import frappe
from clock import Clock
from frappe.utils import add_years, getdate, nowdate

GOAL = 1.3
_VALUES = ", ".join(
	f"SUM({column})"
	for column in (
		"expected_amount",
		"quoted_amount",
		"ordered_amount",
		"delivered_amount",
		"invoiced_amount",
		"paid_amount",
	)
)
FUNNEL = f"""SELECT furthest_stage, COUNT(*), {_VALUES} FROM `tabDeal`
	WHERE lead_on BETWEEN %(from_date)s AND %(to_date)s GROUP BY furthest_stage"""
FUNNEL_BY_OWNER = FUNNEL.replace("SELECT", "SELECT owner_user,").replace("GROUP BY", "GROUP BY owner_user,")
AGEING = """SELECT stage, CASE WHEN DATEDIFF(CURDATE(), stage_since) <= 7 THEN 0
		WHEN DATEDIFF(CURDATE(), stage_since) <= 14 THEN 1 WHEN DATEDIFF(CURDATE(), stage_since) <= 30 THEN 2
		WHEN DATEDIFF(CURDATE(), stage_since) <= 60 THEN 3 ELSE 4 END AS bucket, COUNT(*), SUM(amount)
	FROM `tabDeal` WHERE status = 'Open' GROUP BY stage, bucket"""


def cases() -> list[tuple[str, Callable, dict, str, dict]]:
	"""(what, execute, its filters, plain query, its parameters)"""
	from crm_ext.report.deal_aging.deal_aging import execute as ageing
	from crm_ext.report.deal_funnel.deal_funnel import execute as funnel

	today = getdate(nowdate())
	everything = {"from_date": str(add_years(today, -10)), "to_date": str(today)}
	year = {"from_date": str(add_years(today, -1)), "to_date": str(today)}
	by_owner = year | {"group_by": "owner_user"}
	return [
		("Funnel, all deals, no days", funnel, everything | {"with_days": 0}, FUNNEL, everything),
		("Funnel, all deals, with days", funnel, everything, FUNNEL, everything),
		("Funnel, last year, no days", funnel, year | {"with_days": 0}, FUNNEL, year),
		("Funnel, last year, with days", funnel, year, FUNNEL, year),
		("Funnel, last year, by owner, no days", funnel, by_owner | {"with_days": 0}, FUNNEL_BY_OWNER, year),
		("Funnel, last year, by owner, with days", funnel, by_owner, FUNNEL_BY_OWNER, year),
		("Ageing by stage", ageing, {}, AGEING, {}),
		("Ageing, the 2,000 longest", ageing, {"show_deals": 1}, AGEING, {}),
	]


def main() -> None:
	options = _parse()
	frappe.init(site=options.site)
	frappe.connect()
	((deals,),) = frappe.db.sql("SELECT COUNT(*) FROM `tabDeal`")
	print(
		f"{deals:,} deals, median of {options.rounds} interleaved rounds; goal: {GOAL} times the plain query\n"
	)
	print("| report | execute(), ms | plain query, ms | ratio | its own SQL, ms | ratio |")
	print("|---|---|---|---|---|---|")
	for name, execute, filters, query, params in cases():
		own_sql = _recorded(lambda execute=execute, filters=filters: execute(dict(filters)))
		# Warm the buffer pool: the first run would measure the disk.
		frappe.db.sql(query, params)
		rounds = []
		for number in range(options.rounds):
			works = [
				lambda: execute(dict(filters)),  # noqa: B023 - called before the names change
				lambda: frappe.db.sql(query, params),  # noqa: B023
				lambda: [frappe.db.sql(*statement) for statement in own_sql],  # noqa: B023
			]
			order = [0, 1, 2] if number % 2 else [2, 1, 0]
			took = {index: _time(works[index]) for index in order}
			rounds.append([took[index] for index in range(3)])
		report, plain, own = (statistics.median(column) for column in zip(*rounds, strict=True))
		to_plain, to_own = report / plain, report / own
		print(
			f"| {name} | {report:.0f} | {plain:.0f} | {to_plain:.2f} | {own:.0f} | {to_own:.2f} |", flush=True
		)
	frappe.destroy()


def _parse() -> argparse.Namespace:
	parser = argparse.ArgumentParser(description="Measure the reports against bare SQL.")
	parser.add_argument("--site", required=True)
	parser.add_argument("--rounds", type=int, default=9)
	return parser.parse_args()


def _time(work: Callable) -> float:
	"""Milliseconds of processor time; of wall time where that cannot be seen."""
	clock = Clock()
	work()
	span = clock.stop()
	return span.wall if span.cpu is None else span.cpu


def _recorded(work: Callable) -> list[tuple]:
	"""The statements `work` sends that read deals, to be sent again without it."""
	statements, send = [], frappe.db.sql

	def sql(query, values=(), *args, **kwargs):
		if "tabDeal`" in str(query):
			statements.append((query, values))
		return send(query, values, *args, **kwargs)

	frappe.db.sql = sql
	try:
		work()
	finally:
		frappe.db.sql = send
	return statements


if __name__ == "__main__":
	main()
