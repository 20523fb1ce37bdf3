"""Delivery Due over many open order rows: statements, time, memory. Everything is rolled back.

python benchmarks/delivery_due.py SITE [rows]        (in the bench's sites folder)
"""

import sys
import tracemalloc

import frappe
from clock import Clock

# Rows of an order, and items among which the orders choose.
ROWS_PER_ORDER = 4
ITEMS = 2_000


def main(site: str, rows: int = 20_000) -> None:
	frappe.init(site=site)
	frappe.connect()
	frappe.set_user("Administrator")
	try:
		company = fill(rows)
		for group_by in ("Order", "Row"):
			measure(company, group_by)
	finally:
		frappe.db.rollback()
		frappe.destroy()


def fill(rows: int) -> str:
	"""Open rows past the document layer, copied of one real order; stock for some, purchases for others."""
	from crm_ext.tests import factories as f
	from crm_ext.tests import supply_factories as s

	f.ensure_site()
	item = s.make_item(stock=1).name
	order = s.make_order({"item_code": item, "qty": 4}, delivery=s.day(3))
	purchase = s.make_purchase_order({"item_code": item, "qty": 5}, on=s.day(5))
	copy("Item", item, "seq_1_to_%(items)s", {"item_code": "CONCAT('BENCH-', s.seq)", "item_name": "s.seq"})
	warehouse = f.warehouse()
	bin_name = frappe.db.get_value("Bin", {"item_code": item, "warehouse": warehouse})
	copy(
		"Bin",
		bin_name,
		"seq_1_to_%(items)s",
		{"item_code": "CONCAT('BENCH-', s.seq)", "actual_qty": "s.seq %% 60"},
	)
	copy(
		"Sales Order",
		order.name,
		"seq_1_to_%(orders)s",
		{"delivery_date": "CURDATE() + INTERVAL s.seq %% 60 - 20 DAY"},
		orders=rows // ROWS_PER_ORDER,
	)
	child = {
		"parent": f"CONCAT('BENCH-', (s.seq - 1) DIV {ROWS_PER_ORDER} + 1)",
		"idx": f"s.seq %% {ROWS_PER_ORDER} + 1",
		"item_code": "CONCAT('BENCH-', s.seq * 7919 %% %(items)s + 1)",
		"delivery_date": f"CURDATE() + INTERVAL ((s.seq - 1) DIV {ROWS_PER_ORDER} + 1) %% 60 - 20 DAY",
	}
	copy("Sales Order Item", order.items[0].name, "seq_1_to_%(rows)s", child, rows=rows)
	copy(
		"Purchase Order Item",
		purchase.items[0].name,
		"seq_1_to_%(items)s",
		{
			"item_code": "CONCAT('BENCH-', s.seq)",
			"expected_delivery_date": "CURDATE() + INTERVAL s.seq %% 30 DAY",
		},
	)
	return f.COMPANY


def copy(doctype: str, name: str, numbers: str, columns: dict[str, str], **values: int) -> None:
	"""Insert a copy of a document for each number, with a name of its own."""
	kept = [column for column in frappe.db.get_table_columns(doctype) if column not in ("name", *columns)]
	listed = ", ".join(f"`{column}`" for column in (*kept, *columns))
	copied = ", ".join((*(f"d.`{column}`" for column in kept), *columns.values()))
	values = {"items": ITEMS, "name": name, **values}
	frappe.db.sql(
		f"INSERT INTO `tab{doctype}` (name, {listed}) SELECT CONCAT('BENCH-', s.seq), {copied}"
		f" FROM (SELECT CAST(seq AS SIGNED) AS seq FROM {numbers}) s JOIN `tab{doctype}` d ON d.name = %(name)s",
		values,
	)


def measure(company: str, group_by: str) -> None:
	from crm_ext.report.delivery_due.delivery_due import execute

	filters = {"company": company, "group_by": group_by}
	statements, original = [], frappe.db.__class__.sql

	def counted(*args, **kwargs):
		statements.append(args[1])
		return original(*args, **kwargs)

	frappe.db.__class__.sql = counted
	try:
		rows = execute(filters)[1]
	finally:
		frappe.db.__class__.sql = original
	clock = Clock()
	execute(filters)
	span = clock.stop()
	tracemalloc.start()
	execute(filters)
	peak = tracemalloc.get_traced_memory()[1]
	tracemalloc.stop()
	short = sum(bool(row["short_now"]) for row in rows)
	print(
		f"{group_by}: {len(rows)} rows, {short} short, {len(statements)} statements, {span.wall:.0f} ms"
		f" ({span.cpu or 0:.0f} ms cpu), peak {peak / 2**20:.0f} MB"
	)


if __name__ == "__main__":
	main(sys.argv[1], *map(int, sys.argv[2:]))
