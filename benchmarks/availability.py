"""Availability of a document's rows against asking ERPNext row by row.

	cd BENCH/sites && ../env/bin/python ../apps/crm_ext/benchmarks/availability.py --site SCRATCH --items 2000 20000

For each number of items the site gets synthetic ones (BENCH-SUP-..., removed again at the end): each with a Bin in two
warehouses, twelve order rows of which two are open, six purchase rows of which one is; one in a hundred is a bundle of the
next two, one in a hundred is made of three others. Measured is a quotation of 200 rows spread over them, made by ERPNext
and never committed: the endpoint a form calls, for the saved document and for what is on the screen; the engine alone; and
ERPNext's `get_bin_details` for each row, which gives on hand, reserved and projected quantity but no date. Medians.
"""

import argparse
import json
import statistics
import time

import frappe
from clock import Clock
from frappe.utils import nowdate

PREFIX = "BENCH-SUP-"
ROWS = 200
TABLES = (
	*("Item", "Bin", "Sales Order", "Sales Order Item", "Purchase Order", "Purchase Order Item"),
	*("Product Bundle", "Product Bundle Item", "BOM", "BOM Explosion Item"),
)
BUNDLE, MADE = 0, 50  # of a hundred items


def main() -> None:
	parser = argparse.ArgumentParser(description="Measure availability.")
	parser.add_argument("--site", required=True)
	parser.add_argument("--items", type=int, nargs="+", default=[2_000, 20_000])
	parser.add_argument("--rounds", type=int, default=15)
	options = parser.parse_args()
	frappe.init(site=options.site)
	frappe.connect()
	try:
		print("| items | what | queries | wall, ms | cpu, ms |\n|---|---|---|---|---|")
		for items in options.items:
			fill(items)
			for name, (queries, wall, cpu) in measure(items, options.rounds).items():
				print(f"| {items:,} | {name} | {queries} | {wall:.1f} | {cpu:.1f} |", flush=True)
	finally:
		frappe.db.rollback()
		empty()
		frappe.destroy()


def empty() -> None:
	for doctype in TABLES:
		frappe.db.sql(f"DELETE FROM `tab{doctype}` WHERE name LIKE '{PREFIX}%%'")
	frappe.db.commit()


def fill(items: int) -> None:
	from crm_ext.tests import factories as f

	empty()
	f.ensure_site()
	code = f"CONCAT('{PREFIX}', LPAD({{}}, 6, '0'))"
	here, there = (
		f.warehouse(),
		frappe.db.get_value(
			"Warehouse", {"company": f.COMPANY, "is_group": 0, "warehouse_name": "Finished Goods"}
		),
	)
	values = {"here": here, "there": there, "company": f.COMPANY, "today": nowdate()}

	def insert(doctype: str, columns: dict[str, str], count: int, where: str = "1 = 1") -> None:
		common = {"creation": "NOW(6)", "modified": "NOW(6)", "owner": "'Administrator'"}
		columns = common | {"modified_by": "'Administrator'"} | columns
		names = ", ".join(f"`{column}`" for column in columns)
		frappe.db.sql(
			f"""INSERT INTO `tab{doctype}` ({names})
			SELECT {", ".join(columns.values())} FROM seq_0_to_{count - 1} WHERE {where}""",
			values,
		)

	kind = "seq %% 100"
	insert(
		"Item",
		{
			"name": code.format("seq"),
			"item_code": code.format("seq"),
			"item_name": code.format("seq"),
			"item_group": "'All Item Groups'",
			"stock_uom": "'Nos'",
			"is_stock_item": f"{kind} != {BUNDLE}",
			"is_sales_item": "1",
			"is_purchase_item": "1",
			"lead_time_days": "seq %% 9",
			"safety_stock": "seq %% 4",
			"end_of_life": "'2099-12-31'",
			"default_material_request_type": f"IF({kind} = {MADE}, 'Manufacture', 'Purchase')",
			"default_bom": f"IF({kind} = {MADE}, {code.format('seq')}, NULL)",
		},
		items,
	)
	for part in range(2):
		insert("Bin", _bin(code, part), items)
	_orders(insert, code, items)
	_parts(insert, code, items)
	frappe.db.commit()
	for doctype in TABLES:
		frappe.db.sql(f"ANALYZE TABLE `tab{doctype}`")


def _bin(code: str, part: int) -> dict[str, str]:
	return {
		"name": f"CONCAT({code.format('seq')}, '-{part}')",
		"item_code": code.format("seq"),
		"warehouse": "%(here)s" if part == 0 else "%(there)s",
		"actual_qty": "seq %% 30",
		"reserved_qty": "8" if part == 0 else "0",
		"ordered_qty": "6" if part == 0 else "0",
		"projected_qty": "seq %% 30",
	}


def _orders(insert, code: str, items: int) -> None:
	"""Ten rows a document; of an item's twelve order rows two are open, of its six purchase rows one."""
	for doctype, each, opened, qty, done in (
		("Sales Order", 12, 2, "4", "delivered_qty"),
		("Purchase Order", 6, 1, "6", "received_qty"),
	):
		rows, number = items * each, f"CAST(seq DIV {items} AS SIGNED)"
		header = {
			"name": f"CONCAT('{PREFIX}', seq)",
			"docstatus": "1",
			"company": "%(company)s",
			"transaction_date": "%(today)s",
			"status": f"IF(seq * 10 < {items * opened}, 'To Deliver', 'Completed')",
		}
		if doctype == "Purchase Order":
			header["status"] = header["status"].replace("Deliver", "Receive")
		insert(doctype, header, rows // 10 + 1)
		day = f"%(today)s + INTERVAL CAST(seq %% 40 AS SIGNED) - {number} * 30 DAY"
		insert(
			f"{doctype} Item",
			{
				"name": f"CONCAT('{PREFIX}', seq)",
				"parent": f"CONCAT('{PREFIX}', seq DIV 10)",
				"parenttype": f"'{doctype}'",
				"parentfield": "'items'",
				"idx": "seq %% 10 + 1",
				"docstatus": "1",
				"item_code": code.format(f"seq %% {items}"),
				"warehouse": "%(here)s",
				"qty": qty,
				"stock_qty": qty,
				"conversion_factor": "1",
				done: f"IF({number} < {opened}, 0, {qty})",
				"delivery_date" if doctype == "Sales Order" else "schedule_date": f"DATE({day})",
			},
			rows,
		)


def _parts(insert, code: str, items: int) -> None:
	for parent, child, kind, count in (
		("Product Bundle", "Product Bundle Item", BUNDLE, 2),
		("BOM", "BOM Explosion Item", MADE, 3),
	):
		where = f"seq %% 100 = {kind}"
		is_bundle = parent == "Product Bundle"
		more = (
			{"new_item_code": code.format("seq")}
			if is_bundle
			else {
				"item": code.format("seq"),
				"is_active": "1",
				"is_default": "1",
				"docstatus": "1",
				"quantity": "1",
			}
		)
		insert(parent, {"name": code.format("seq"), **more}, items, where)
		for part in range(1, count + 1):
			insert(
				child,
				{
					"name": f"CONCAT({code.format('seq')}, '-{part}')",
					"parent": code.format("seq"),
					"parenttype": f"'{parent}'",
					"parentfield": "'items'" if is_bundle else "'exploded_items'",
					"idx": str(part),
					"item_code": code.format(f"seq + {part}"),
					"qty" if is_bundle else "qty_consumed_per_unit": str(part),
				},
				items,
				where,
			)


def measure(items: int, rounds: int) -> dict[str, tuple[int, float, float]]:
	from erpnext.stock.get_item_details import get_bin_details

	from crm_ext.api.availability import get_availability
	from crm_ext.supply import availability
	from crm_ext.tests import factories as f

	# One row in ten is a bundle, one in ten is made.
	hundreds = [number * items // ROWS // 100 * 100 for number in range(ROWS)]
	chosen = [f"{PREFIX}{hundred + number % 10 * 10:06d}" for number, hundred in enumerate(hundreds)]
	quotation = f.make_quotation(
		rows=[(item, 5 + number % 20, 10) for number, item in enumerate(chosen)], submit=False
	)
	screen = json.dumps(quotation.as_dict(), default=str)
	needs = availability.needs_of(quotation)
	works = {
		"endpoint, saved document": lambda: get_availability("Quotation", quotation.name),
		"endpoint, what is on the screen": lambda: get_availability("Quotation", doc=screen),
		"engine alone": lambda: availability.read(f.COMPANY, needs),
		"ERPNext's get_bin_details for each row": lambda: [
			get_bin_details(row.item_code, row.warehouse, f.COMPANY) for row in quotation.items
		],
	}
	found = works["engine alone"]()
	kinds = {row.kind for row in found.values()}
	if (
		len(found) != ROWS
		or kinds != {"Stock", "Bundle", "Made"}
		or not any(row.short for row in found.values())
	):
		raise SystemExit(f"not what was meant to be measured: {len(found)} rows, {kinds}")
	results = {}
	for name, work in works.items():
		work()
		spans = []
		for _round in range(rounds):
			clock = Clock()
			work()
			spans.append(clock.stop())
			time.sleep(0.01)
		cpu = [span.wall if span.cpu is None else span.cpu for span in spans]
		wall = statistics.median(span.wall for span in spans)
		results[name] = (_queries(work), wall, statistics.median(cpu))
	return results


def _queries(work) -> int:
	count, plain = 0, frappe.db.__class__.sql

	def counted(*args, **kwargs):
		nonlocal count
		count += 1
		return plain(*args, **kwargs)

	frappe.db.__class__.sql = counted
	try:
		work()
	finally:
		frappe.db.__class__.sql = plain
	return count


if __name__ == "__main__":
	main()
