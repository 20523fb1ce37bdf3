"""The report Receipts against the plain SQL aggregate of the same receipts and invoices.

	cd BENCH/sites && ../env/bin/python ../apps/crm_ext/benchmarks/receipts.py --site SCRATCH --invoices 200000

Fills the site with synthetic_receivables.py (`--filled`: it holds them already). Each round runs the report's
`execute()` and the plain queries, in turns. The plain queries are what one would write for the same columns: receipts
from the Payment Ledger beside their Payment Entries, what was due from the invoices, grouped alike; without journal
entries, payments at the till, payment terms, parts that are no money, and permissions. All totals must be equal to the
cent, else the benchmark ends. Times are medians of the rounds; cpu as in clock.py.
"""

import argparse
import statistics

import frappe
from clock import Clock
from frappe.utils import add_months, get_first_day, getdate, nowdate
from synthetic_receivables import DAYS, fill

# Group -> (of receipts, of what was due; None where an invoice has no such thing)
KEYS = {
	"month": (
		"YEAR(p.posting_date) * 100 + MONTH(p.posting_date)",
		"YEAR(i.due_date) * 100 + MONTH(i.due_date)",
	),
	"customer": ("l.party", "i.customer"),
	"mode_of_payment": ("p.mode_of_payment", None),
}
RECEIVED = """SELECT {key}, SUM(-l.amount), SUM(IF(-l.amount < 0, l.amount, 0)),
		SUM(IF(l.against_voucher_no = l.voucher_no, -l.amount, 0))
	FROM `tabPayment Entry` p JOIN `tabPayment Ledger Entry` l
		ON l.voucher_type = 'Payment Entry' AND l.voucher_no = p.name
	WHERE p.docstatus = 1 AND p.posting_date BETWEEN %(from_date)s AND %(to_date)s
		AND l.party_type = 'Customer' AND l.account_type = 'Receivable' AND l.delinked = 0
	GROUP BY 1"""
DUE = """SELECT {key}, SUM(i.grand_total * i.conversion_rate), SUM(i.outstanding_amount * i.conversion_rate)
	FROM `tabSales Invoice` i
	WHERE i.docstatus = 1 AND i.is_return = 0 AND i.due_date BETWEEN %(from_date)s AND %(to_date)s
	GROUP BY 1"""
MEASURES = (("received", "refunded", "on_account"), ("due", "open"))


def main() -> None:
	options = _parse()
	frappe.init(site=options.site)
	frappe.connect()
	if not options.filled:
		fill(options.invoices, options.customers)
	((invoices,),) = frappe.db.sql("SELECT COUNT(*) FROM `tabSales Invoice` WHERE is_return = 0")
	((receipts,),) = frappe.db.sql("SELECT COUNT(*) FROM `tabPayment Entry`")
	print(
		f"{invoices:,} invoices, {receipts:,} receipts, median of {options.rounds} rounds;"
		" queries by the server's count\n"
	)
	print(
		"| what | received | queries | wall, ms | cpu, ms | plain, wall | plain, cpu | to plain, wall | cpu |"
	)
	print("|---|---|---|---|---|---|---|---|---|")
	for name, filters in cases():
		measure(name, filters, options.rounds)
	frappe.destroy()


def _parse() -> argparse.Namespace:
	parser = argparse.ArgumentParser(description="Measure Receipts.")
	parser.add_argument("--site", required=True)
	parser.add_argument("--invoices", type=int, default=50_000)
	parser.add_argument("--customers", type=int, default=5_000)
	parser.add_argument("--rounds", type=int, default=5)
	parser.add_argument("--filled", action="store_true", help="the site holds them already")
	return parser.parse_args()


def cases() -> list[tuple[str, dict]]:
	today = getdate(nowdate())
	year = {"from_date": str(get_first_day(add_months(today, -11))), "to_date": str(today)}
	# The receipts and due dates of all invoices: made from `DAYS` ago, due 30 days later.
	everything = {"from_date": str(add_months(today, -DAYS // 30 - 2)), "to_date": str(today)}
	return [
		("twelve months, by month", year | {"group_by": "month"}),
		("all, by month", everything | {"group_by": "month"}),
		("twelve months, by customer", year | {"group_by": "customer"}),
		("twelve months, by mode of payment", year | {"group_by": "mode_of_payment"}),
	]


def measure(name: str, filters: dict, rounds: int) -> None:
	from crm_ext.report.receipts.receipts import execute

	works = {"report": lambda: _of_report(execute(dict(filters))), "plain": lambda: plain(filters)}
	for work in works.values():
		work()  # warms the buffer pool
	before = _questions()
	works["report"]()
	queries = _questions() - before - 1
	spans: dict[str, list] = {what: [] for what in works}
	for number in range(rounds):
		found = {}
		for what in sorted(works, reverse=number % 2):
			clock = Clock()
			found[what] = works[what]()
			spans[what].append(clock.stop())
		if any(abs(found["report"][key] - amount) > 0.011 for key, amount in found["plain"].items()):
			raise SystemExit(f"not the same totals: {found}")
	wall, cpu = (
		{
			what: statistics.median(span.wall if span.cpu is None else getattr(span, kind) for span in of)
			for what, of in spans.items()
		}
		for kind in ("wall", "cpu")
	)
	print(
		f"| {name} | {found['plain']['received']:,.2f} | {queries} | {wall['report']:.0f} | {cpu['report']:.0f} "
		f"| {wall['plain']:.0f} | {cpu['plain']:.0f} | {wall['report'] / wall['plain']:.2f} "
		f"| {cpu['report'] / cpu['plain']:.2f} |",
		flush=True,
	)


def plain(filters: dict) -> dict[str, float]:
	"""Totals by measure of the plain queries."""
	totals: dict[str, float] = {}
	for query, key, measures in zip((RECEIVED, DUE), KEYS[filters["group_by"]], MEASURES, strict=True):
		if key:
			rows = frappe.db.sql(query.format(key=key), filters)
			amounts = zip(*(row[1:] for row in rows), strict=True)
			totals |= {
				measure: round(float(sum(column)), 2)
				for measure, column in zip(measures, amounts, strict=True)
			}
	return totals


def _of_report(found: tuple) -> dict[str, float]:
	rows = found[1]
	return {key: round(sum(row[key] for row in rows), 2) for measures in MEASURES for key in measures}


def _questions() -> int:
	return int(frappe.db.sql("SHOW SESSION STATUS LIKE 'Questions'")[0][1])


if __name__ == "__main__":
	main()
