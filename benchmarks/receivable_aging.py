"""Receivable Aging against ERPNext's Accounts Receivable Summary and against the bare grouped query.

	cd BENCH/sites && ../env/bin/python ../apps/crm_ext/benchmarks/receivable_aging.py --site SCRATCH \\
		--invoices 50000 200000 400000

Fills the site with synthetic_receivables.py for each number of invoices. Every run is a process of its own, so that its
peak memory is that of one report; what Python, Frappe and ERPNext take before it starts is told apart. One
run warms the buffer pool and is not counted. All must come to the same total and the same number of customers, else the
benchmark ends.

The bare query is the one grouped statement that gives each customer's outstanding in the report's buckets by due date,
without what the ledger's rules ask for beyond sums by voucher (see crm_ext/receivables/ledger.py, rule 2); as one would write it,
with the database's settings for sorting, and with the app's index read in its order besides. "aging, no index" is the
report on a site that lacks the index.

	... receivable_aging.py --site SCRATCH --write-cost

tells what the index costs: processor time of inserting ledger entries one by one, with and without it in turns, and its
size.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

import frappe
from clock import Clock
from frappe.utils import getdate, nowdate
from synthetic_receivables import fill

BUCKETS = "30, 60, 90, 180"
# What is measured, in the order it is run, and how often ERPNext's, which takes longest, is.
RUNS = (
	"bare",
	"bare, tuned",
	"bare, by index",
	"aging",
	"aging, no index",
	"aging with behaviour",
	"aging by sales person",
	"erpnext",
)
ROUNDS = {"erpnext": 2}
ENTRIES = 1_000


def main() -> None:
	options = _parse()
	if options.run:
		print(json.dumps(measure(options.site, options.run)))
		return
	if options.write_cost:
		write_cost(options.site, options.rounds)
		return
	for invoices in options.invoices:
		if not options.filled:
			frappe.init(site=options.site)
			frappe.connect()
			fill(invoices, options.customers)
			frappe.destroy()
		report(options, invoices)


def _parse() -> argparse.Namespace:
	parser = argparse.ArgumentParser(description="Measure Receivable Aging.")
	parser.add_argument("--site", required=True)
	parser.add_argument("--invoices", type=int, nargs="+", default=[50_000])
	parser.add_argument("--customers", type=int, default=5_000)
	parser.add_argument("--rounds", type=int, default=3)
	parser.add_argument("--filled", action="store_true", help="the site holds that many already")
	parser.add_argument("--write-cost", action="store_true", help="measure what the index costs instead")
	parser.add_argument("--run", choices=RUNS, help=argparse.SUPPRESS)
	return parser.parse_args()


def report(options: argparse.Namespace, invoices: int) -> None:
	_child(options.site, "bare")
	results: dict[str, list[dict]] = {name: [] for name in RUNS}
	for number in range(options.rounds):
		for name in RUNS:
			if number < ROUNDS.get(name, options.rounds):
				results[name].append(_child(options.site, name))
	totals = {
		(run["total"], run["customers"]) for runs in results.values() for run in runs if run["customers"]
	}
	sums = {run["total"] for runs in results.values() for run in runs}
	if len(totals) != 1 or len(sums) != 1:
		raise SystemExit(f"not the same totals: {totals} {sums}")
	entries = results["bare"][0]["entries"]
	print(
		f"\n{invoices:,} invoices, {entries:,} ledger entries, median of {options.rounds} runs; total {sums.pop()}\n"
	)
	print(
		"| what | wall, s | cpu, s | to bare, cpu | to tuned, cpu | to ERPNext, wall | to ERPNext, cpu | peak, MB | before it began, MB |"
	)
	print("|---|---|---|---|---|---|---|---|---|")
	median = {
		name: {key: statistics.median(run[key] for run in runs) for key in ("wall", "cpu", "peak", "before")}
		for name, runs in results.items()
	}
	for name, run in median.items():
		print(
			f"| {name} | {run['wall']:.2f} | {run['cpu']:.2f} | {run['cpu'] / median['bare']['cpu']:.2f} "
			f"| {run['cpu'] / median['bare, tuned']['cpu']:.2f} | 1/{median['erpnext']['wall'] / run['wall']:.1f} "
			f"| 1/{median['erpnext']['cpu'] / run['cpu']:.1f} | {run['peak']:.0f} | {run['before']:.0f} |",
			flush=True,
		)


def _child(site: str, name: str) -> dict:
	found = subprocess.run(
		[sys.executable, __file__, "--site", site, "--run", name], capture_output=True, text=True
	)
	if found.returncode:
		raise SystemExit(found.stderr)
	return json.loads(found.stdout.splitlines()[-1])


def measure(site: str, name: str) -> dict:
	frappe.init(site=site)
	frappe.connect()
	from erpnext.accounts.report.accounts_receivable_summary import accounts_receivable_summary

	from crm_ext.receivables import ledger
	from crm_ext.report.receivable_aging import receivable_aging
	from crm_ext.tests import factories

	filters = {"company": factories.COMPANY, "report_date": nowdate(), "range": BUCKETS}
	works = {
		"bare": lambda: bare(factories.COMPANY, "", ""),
		"bare, tuned": lambda: bare(factories.COMPANY, ledger.SORTED, "SQL_BIG_RESULT"),
		"bare, by index": lambda: bare(
			factories.COMPANY, ledger.SORTED, "", f"FORCE INDEX ({ledger.LEDGER_INDEX})"
		),
		"aging": lambda: receivable_aging.execute(dict(filters)),
		"aging, no index": lambda: without_index(lambda: receivable_aging.execute(dict(filters))),
		"aging with behaviour": lambda: receivable_aging.execute(filters | {"with_behaviour": 1}),
		"aging by sales person": lambda: receivable_aging.execute(filters | {"group_by": "Sales Person"}),
		"erpnext": lambda: accounts_receivable_summary.execute(
			frappe._dict(filters, calculate_ageing_with="Report Date", ageing_based_on="Due Date")
		),
	}
	((entries,),) = frappe.db.sql("SELECT COUNT(*) FROM `tabPayment Ledger Entry`")
	before = _peak()
	clock = Clock()
	found = works[name]()
	span = clock.stop()
	total, customers = _totals(name, found)
	return {
		"wall": span.wall / 1000,
		"cpu": (span.wall if span.cpu is None else span.cpu) / 1000,
		"peak": _peak(),
		"before": before,
		"total": total,
		"customers": customers,
		"entries": entries,
	}


def _peak() -> float:
	"""Megabytes this process has needed at most. Not getrusage: its peak begins with that of the process that started
	this one."""
	status = Path("/proc/self/status").read_text()
	return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _totals(name: str, found) -> tuple[float, int | None]:
	"""(outstanding, customers who owe; None where the rows are no customers)."""
	if name.startswith("bare"):
		amounts = [row[1] for row in found]
	elif name == "erpnext":
		amounts = [row.outstanding for row in found[1]]
	else:
		amounts = [row["outstanding"] for row in found[1] if not row.get("is_total")]
	owing = sum(1 for amount in amounts if round(amount, 2))
	return round(sum(amounts), 2), None if name == "aging by sales person" else owing


def without_index(work):
	"""As on a site that was not migrated: the engine asks the database whether it has the index."""
	frappe.db.has_index = lambda _table, _name: False
	return work()


def bare(company: str, prefix: str, hint: str, index: str = "") -> list:
	"""What one would write by hand; `prefix` and `hint` give it what makes the report's own statement fast."""
	accounts = frappe.get_all("Account", {"account_type": "Receivable", "company": company}, pluck="name")
	ages = ((0, 30), (31, 60), (61, 90), (91, 180), (181, 99_999))
	buckets = ", ".join(
		f"SUM(IF(DATEDIFF(%(today)s, due) BETWEEN {first} AND {last}, amount, 0))" for first, last in ages
	)
	# Our index has no company, an account is of one; it is read in its order.
	of_company = "" if index else "company = %(company)s AND"
	order = "against_voucher_no, against_voucher_type, account, party"
	if index:
		order = "account, against_voucher_no, against_voucher_type, party"
	return frappe.db.sql(
		f"""{prefix} SELECT {hint} party, SUM(amount), SUM(IF(due > %(today)s, amount, 0)), {buckets} FROM (
			SELECT d.party, d.amount, IFNULL(si.due_date, d.posting_date) AS due FROM (
				SELECT {hint} party, against_voucher_type, against_voucher_no, MIN(posting_date) AS posting_date,
					ROUND(SUM(amount), 2) AS amount, ROUND(SUM(amount_in_account_currency), 2) AS in_account
				FROM `tabPayment Ledger Entry` {index}
				WHERE delinked = 0 AND {of_company} account IN %(accounts)s AND posting_date <= %(today)s
				GROUP BY {order}
				HAVING amount <> 0 AND in_account <> 0
			) d LEFT JOIN `tabSales Invoice` si ON d.against_voucher_type = 'Sales Invoice'
				AND si.name = d.against_voucher_no
		) items GROUP BY party""",
		{"company": company, "accounts": accounts, "today": getdate(nowdate())},
	)


# What the index costs


def write_cost(site: str, rounds: int) -> None:
	"""Microseconds an entry, entry by entry; the scratch site's own index is dropped and
	made again."""
	frappe.init(site=site)
	frappe.connect()
	spent: dict[bool, list[float]] = {True: [], False: []}
	size: dict[bool, float] = {}
	for _round in range(rounds):
		for with_index in (False, True):
			_set_index(with_index)
			size[with_index] = _megabytes()
			spent[with_index].append(_insert_entries())
	without, with_it = (statistics.median(spent[key]) for key in (False, True))
	((entries,),) = frappe.db.sql("SELECT COUNT(*) FROM `tabPayment Ledger Entry`")
	print(f"{entries:,} entries: {without:.0f} us an entry without, {with_it:.0f} us with the index")
	print(f"table with its indexes: {size[False]:.0f} MB without, {size[True]:.0f} MB with")


def _set_index(wanted: bool) -> None:
	from crm_ext.constants.custom_fields import INDEXES, LEDGER_INDEX

	table = "tabPayment Ledger Entry"
	if frappe.db.has_index(table, LEDGER_INDEX):
		frappe.db.sql_ddl(f"ALTER TABLE `{table}` DROP INDEX {LEDGER_INDEX}")
	if wanted:
		(columns,) = (columns for _doctype, name, columns in INDEXES if name == LEDGER_INDEX)
		frappe.db.add_index("Payment Ledger Entry", columns, LEDGER_INDEX)
	frappe.db.sql(f"ANALYZE TABLE `{table}`")


def _megabytes() -> float:
	((size,),) = frappe.db.sql(
		"""SELECT (DATA_LENGTH + INDEX_LENGTH) / 1e6 FROM information_schema.TABLES
		WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'tabPayment Ledger Entry'"""
	)
	return size


def _insert_entries() -> float:
	columns = [c for c in frappe.db.get_table_columns("Payment Ledger Entry") if c != "name"]
	rows = frappe.db.sql(
		f"SELECT {', '.join(f'`{c}`' for c in columns)} FROM `tabPayment Ledger Entry` LIMIT {ENTRIES}"
	)
	statement = (
		f"INSERT INTO `tabPayment Ledger Entry` (name, {', '.join(f'`{c}`' for c in columns)}) "
		f"VALUES ({', '.join(['%s'] * (len(columns) + 1))})"
	)
	clock = Clock()
	for number, row in enumerate(rows):
		frappe.db.sql(statement, (f"BENCH-W-{number}", *row))
	span = clock.stop()
	frappe.db.rollback()
	return 1_000 * (span.wall if span.cpu is None else span.cpu) / len(rows)


if __name__ == "__main__":
	main()
