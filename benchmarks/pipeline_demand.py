"""Pipeline Demand against the bare grouped queries over the same rows.

	cd BENCH/sites && ../env/bin/python ../apps/crm_ext/benchmarks/pipeline_demand.py --site SCRATCH

Fills the site with synthetic rows called BENCH-PD-... (removed first, so it can be repeated; `--quotations 0` only
removes): 20,000 items, 25,000 open quotations of four rows in 22,500 deals, as many quotations that were ordered or lost,
10,000 opportunities of two rows, 12,500 open orders of four rows, 5,000 purchase orders of four, 200,000 ledger entries.

*Bare* is what one would write by hand: quantity by item and month of open quotations, opportunities, orders and purchases, each
in one grouped statement, and the stock by item; without probability, deals, replaced offers, bundles, UOMs and without
knowing what to buy. The quantities ordered must come to the same, else the benchmark ends.
"""

import argparse
import statistics

import frappe
from clock import Clock
from frappe.utils import nowdate

PREFIX = "BENCH-PD-"
PARENTS = ("Quotation", "Opportunity", "Sales Order", "Purchase Order")
TABLES = (
	*PARENTS,
	*(f"{doctype} Item" for doctype in PARENTS),
	"Bin",
	"Deal",
	"Item",
	"Stock Ledger Entry",
)
ITEMS, ROWS = 20_000, 4


def main() -> None:
	parser = argparse.ArgumentParser(description="Measure Pipeline Demand.")
	parser.add_argument("--site", required=True)
	parser.add_argument("--quotations", type=int, default=25_000)
	parser.add_argument("--rounds", type=int, default=5)
	parser.add_argument("--filled", action="store_true", help="the site holds the rows already")
	options = parser.parse_args()
	frappe.init(site=options.site)
	frappe.connect()
	if not options.filled:
		fill(options.quotations)
	if options.quotations:
		measure(options.rounds)
	frappe.destroy()


# Rows


def fill(quotations: int) -> None:
	from crm_ext.tests import factories

	factories.ensure_site()
	for doctype in TABLES:
		frappe.db.sql(f"DELETE FROM `tab{doctype}` WHERE name LIKE '{PREFIX}%%'")
	frappe.db.commit()
	if not quotations:
		return
	sources = _sources(factories)
	orders, purchases, chances = quotations // 2, quotations // 5, quotations * 2 // 5
	_insert(
		"Item", "item", ITEMS, sources, {"item_code": _name("Item", "seq"), "lead_time_days": "seq %% 40"}
	)
	_insert(
		"Bin",
		"bin",
		ITEMS,
		sources,
		{"item_code": _name("Item", "seq"), "actual_qty": "seq %% 50", "stock_value": "40 * (seq %% 50)"},
	)
	# One deal in ten has two offers.
	deal = _name("Deal", f"IF(seq > {quotations} * 9 DIV 10, seq - {quotations} * 9 DIV 10, seq)")
	_insert(
		"Deal",
		"deal",
		quotations * 9 // 10,
		sources,
		{"root_name": _name("Quotation", "seq"), "stage": "'Quoted'"},
	)
	until = f"{_today()} + INTERVAL seq %% 200 DAY"
	_insert("Quotation", "quotation", quotations, sources, {"deal": deal, "valid_till": until})
	_insert(
		"Quotation",
		"quotation",
		quotations,
		sources,
		{"deal": "NULL", "status": "IF(seq %% 2, 'Ordered', 'Lost')", "valid_till": until},
		first=quotations + 1,
	)
	_insert_rows("Quotation", 2 * quotations, ROWS, sources, {"ordered_qty": "0", "promise_date": "NULL"})
	_insert("Opportunity", "opportunity", chances, sources, {"expected_closing": until, "deal": "NULL"})
	_insert_rows("Opportunity", chances, 2, sources, {})
	_insert("Sales Order", "order", orders, sources, {"delivery_date": until, "deal": "NULL"})
	_insert_rows(
		"Sales Order", orders, ROWS, sources, {"delivery_date": f"{_today()} + INTERVAL parent %% 120 DAY"}
	)
	_insert("Purchase Order", "purchase", purchases, sources, {"schedule_date": until, "deal": "NULL"})
	_insert_rows(
		"Purchase Order",
		purchases,
		ROWS,
		sources,
		{"schedule_date": f"{_today()} + INTERVAL parent %% 90 DAY"},
	)
	_insert(
		"Stock Ledger Entry",
		"entry",
		10 * ITEMS,
		sources,
		{
			"item_code": _name("Item", f"1 + seq %% {ITEMS}"),
			"actual_qty": "IF(seq %% 3, -1, 2)",
			"voucher_type": "IF(seq %% 3, 'Delivery Note', 'Purchase Receipt')",
			"posting_date": f"{_today()} - INTERVAL (seq * 7 + seq DIV {ITEMS}) %% 1000 DAY",
			"posting_datetime": f"{_today()} - INTERVAL (seq * 7 + seq DIV {ITEMS}) %% 1000 DAY",
		},
	)
	frappe.db.commit()
	for doctype in TABLES:
		frappe.db.sql(f"ANALYZE TABLE `tab{doctype}`")


def _sources(factories) -> dict[str, dict]:
	"""Rows of real documents (not kept) that give every column a plausible value."""
	from crm_ext.deals import touch
	from crm_ext.tests import supply_factories as s

	item = s.make_item(10)
	quotation = factories.make_quotation(factories.make_customer(), rows=((item.name, 5, 10),))
	order = s.make_order({"item_code": item.name, "qty": 5})
	purchase = s.make_purchase_order({"item_code": item.name, "qty": 5})
	chance = factories.make_opportunity(
		factories.make_customer(), items=[{"item_code": item.name, "qty": 5, "uom": "Nos", "rate": 10}]
	)
	touch.flush()

	def row(doctype: str, filters: dict) -> dict:
		return frappe.db.get_value(doctype, filters, "*", as_dict=True)

	found = {
		"item": row("Item", {"name": item.name}),
		"bin": row("Bin", {"item_code": item.name}),
		"entry": row("Stock Ledger Entry", {"item_code": item.name}),
		"deal": row("Deal", {"name": frappe.db.get_value("Quotation", quotation.name, "deal")}),
		"quotation": row("Quotation", {"name": quotation.name}),
		"opportunity": row("Opportunity", {"name": chance.name}),
		"order": row("Sales Order", {"name": order.name}),
		"purchase": row("Purchase Order", {"name": purchase.name}),
	}
	for document in (quotation, order, purchase, chance):
		found[f"{document.doctype} Item"] = row(f"{document.doctype} Item", {"parent": document.name})
	frappe.db.rollback()
	return found


def _today() -> str:
	return f"DATE('{nowdate()}')"


def _name(doctype: str, number: str) -> str:
	return f"CONCAT('{PREFIX}{doctype[:1]}{len(doctype)}-', LPAD({number}, 7, '0'))"


def _insert(doctype: str, source: str, count: int, sources: dict, values: dict, first: int = 1) -> None:
	_write(
		doctype,
		{"name": _name(doctype, "seq"), **values},
		sources[source],
		f"seq_{first}_to_{first + count - 1}",
	)


def _insert_rows(doctype: str, parents: int, rows: int, sources: dict, values: dict) -> None:
	# The columns `seq` (of the row) and `parent` (of its document) of the numbers are what the expressions see.
	numbers = f"(SELECT seq, (seq - 1) DIV {rows} + 1 parent FROM seq_1_to_{parents * rows}) n"
	_write(
		f"{doctype} Item",
		{
			"name": _name(f"{doctype} Item", "seq"),
			"parent": _name(doctype, "n.parent"),
			"idx": f"1 + seq %% {rows}",
			"item_code": _name("Item", f"1 + CRC32(CONCAT(seq, 'item')) %% {ITEMS}"),
			**values,
		},
		sources[f"{doctype} Item"],
		numbers,
	)


def _write(doctype: str, values: dict, source: dict, numbers: str) -> None:
	params = {}
	for column, value in source.items():
		if column not in values and value is not None:
			values[column] = f"%(c_{column})s"
			params[f"c_{column}"] = value
	frappe.db.sql(
		f"""INSERT INTO `tab{doctype}` ({", ".join(f"`{column}`" for column in values)})
		SELECT {", ".join(values.values())} FROM {numbers}""",
		params,
	)


# What is measured


def measure(rounds: int) -> None:
	from crm_ext.report.pipeline_demand import pipeline_demand
	from crm_ext.supply import demand
	from crm_ext.tests import factories

	company = factories.COMPANY
	works = {
		"bare": lambda: bare(company),
		"read": lambda: demand.read(demand.ask({"company": company})),
		"report": lambda: pipeline_demand.execute({"company": company}),
		"by week": lambda: pipeline_demand.execute({"company": company, "period": "Week"}),
		"one item": lambda: pipeline_demand.execute({"company": company, "item_code": f"{PREFIX}I4-0000007"}),
		"slow movers": lambda: pipeline_demand.execute({"company": company, "show": "Slow Movers"}),
	}
	_check(works["bare"](), works["read"]())
	spans = {name: [] for name in works}
	for _round in range(rounds):
		for name, work in works.items():
			clock = Clock()
			work()
			spans[name].append(clock.stop())
	counts = {
		doctype: frappe.db.sql(f"SELECT COUNT(*) FROM `tab{doctype} Item` WHERE name LIKE '{PREFIX}%%'")[0][0]
		for doctype in PARENTS
	}
	print(f"\n{ITEMS:,} items, rows: {counts}; median of {rounds} runs\n")
	print("| what | queries | wall, ms | cpu, ms | to bare, wall | to bare, cpu |")
	print("|---|---|---|---|---|---|")
	bare_wall, bare_cpu = _median(spans["bare"])
	for name, work in works.items():
		wall, cpu = _median(spans[name])
		queries = _queries(work)
		print(
			f"| {name} | {queries} | {wall:.0f} | {cpu:.0f} | {wall / bare_wall:.2f} | {cpu / bare_cpu:.2f} |",
			flush=True,
		)


def _median(spans: list) -> tuple[float, float]:
	wall = statistics.median(span.wall for span in spans)
	return wall, statistics.median(span.wall if span.cpu is None else span.cpu for span in spans)


def _queries(work) -> int:
	"""Statements the database server has answered meanwhile; the second of the two counts is one itself."""

	def answered() -> int:
		return int(frappe.db.sql("SHOW SESSION STATUS LIKE 'Questions'")[0][1])

	before = answered()
	work()
	return answered() - before - 1


def _check(plain: dict, found) -> None:
	ours = sum(step.flow.orders for one in found.plans.values() for step in one.steps)
	theirs = sum(float(row[2]) for row in plain["orders"])
	if abs(ours - theirs) > 0.01:
		raise SystemExit(f"not the same orders: {ours} {theirs}")
	weighted = sum(
		flow.quoted
		for one in found.plans.values()
		for flow in (*(step.flow for step in one.steps), one.later)
	)
	if not 0 < weighted < sum(float(row[2]) for row in plain["quotations"]):
		raise SystemExit(f"more is weighted than quoted: {weighted}")


def bare(company: str) -> dict[str, tuple]:
	statements = {
		"quotations": """SELECT r.item_code, EXTRACT(YEAR_MONTH FROM IFNULL(r.promise_date, v.valid_till)) month,
				SUM(r.stock_qty - r.ordered_qty)
			FROM `tabQuotation` v JOIN `tabQuotation Item` r ON r.parent = v.name
			WHERE v.docstatus = 1 AND v.status IN ('Open', 'Replied', 'Partially Ordered') AND v.company = %(company)s
			GROUP BY 1, 2""",
		"opportunities": """SELECT r.item_code, EXTRACT(YEAR_MONTH FROM v.expected_closing) month, SUM(r.qty)
			FROM `tabOpportunity` v JOIN `tabOpportunity Item` r ON r.parent = v.name
			WHERE v.status IN ('Open', 'Replied', 'Quotation') AND v.company = %(company)s GROUP BY 1, 2""",
		"orders": """SELECT r.item_code, EXTRACT(YEAR_MONTH FROM r.delivery_date) month,
				SUM(r.stock_qty * (r.qty - r.delivered_qty) / r.qty)
			FROM `tabSales Order` v JOIN `tabSales Order Item` r ON r.parent = v.name
			WHERE v.docstatus = 1 AND v.status NOT IN ('On Hold', 'Closed') AND v.company = %(company)s
				AND r.qty > r.delivered_qty
				AND r.item_code IN (SELECT name FROM `tabItem` WHERE is_stock_item = 1) GROUP BY 1, 2""",
		"purchases": """SELECT r.item_code, EXTRACT(YEAR_MONTH FROM r.schedule_date) month, SUM(r.qty - r.received_qty)
			FROM `tabPurchase Order` v JOIN `tabPurchase Order Item` r ON r.parent = v.name
			WHERE v.docstatus = 1 AND v.status NOT IN ('Closed', 'Delivered') AND v.company = %(company)s GROUP BY 1, 2""",
		"stock": """SELECT b.item_code, SUM(b.actual_qty), 0 FROM `tabBin` b JOIN `tabWarehouse` w ON w.name = b.warehouse
			WHERE w.company = %(company)s GROUP BY 1""",
	}
	return {name: frappe.db.sql(statement, {"company": company}) for name, statement in statements.items()}


if __name__ == "__main__":
	main()
