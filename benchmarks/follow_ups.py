"""Follow ups made by a rule, against Frappe's Notification "Days After" on the same due documents.

	cd BENCH/sites && ../env/bin/python ../apps/crm_ext/benchmarks/follow_ups.py --site SCRATCH --due 20000

Copies one real overdue invoice until `--due` of them fell due a week ago, and as many again that did not. On these:

1. Frappe: one enabled Notification, Days After 7 on the due date, channel System Notification, by Frappe's own daily
   job (`trigger_notifications`). What it queues (the Notification Log) is done at once, or once the way it is queued
   (`--queued`), which leaves that work out.
2. The app: one Follow Up Rule, 7 days after the due date, by `engine.run`.
3. The app once more, with nothing left to make: what a pass costs every quarter of an hour.

Frappe's run is measured on `--sample` of the documents, spread evenly, because it takes minutes; its time is
proportional to their number. Makes documents that stay: use a scratch site with ERPNext and the app.
"""

import argparse
import json

import frappe
from clock import Clock, Span
from frappe.utils import add_days, nowdate

PREFIX = "BENCH-FU-"
RULE = "Benchmark: a week overdue"
CHUNK = 20_000


def main() -> None:
	options = _parse()
	frappe.init(site=options.site)
	frappe.connect()
	frappe.flags.mute_emails = True
	from crm_ext.tests import factories

	factories.ensure_site()
	clear()
	fill(factories, options.due)
	print(f"{options.due} invoices due a week ago, {options.due} others")
	# First, while there are no follow ups about them.
	theirs = None
	if options.sample:
		theirs = run_notification(min(options.sample, options.due), queued=False)
		run_notification(min(options.sample, options.due), queued=True)
	rule = make_rule()
	ours = run_engine(rule, "made", options.due)
	run_engine(rule, "nothing left", 0)
	if theirs:
		ratios = [f"{a / b:.0f}" for a, b in zip(ours, theirs, strict=True) if a and b]
		print(f"\nratio of the rates (wall, cpu): {', '.join(ratios)}")
	frappe.destroy()


def _parse() -> argparse.Namespace:
	parser = argparse.ArgumentParser(description="Measure making follow ups.")
	parser.add_argument("--site", required=True)
	parser.add_argument("--due", type=int, default=20_000)
	parser.add_argument("--sample", type=int, default=2_000, help="documents Frappe is measured on, 0: none")
	return parser.parse_args()


def clear() -> None:
	"""Nothing of an earlier run is left."""
	for table in ("Sales Invoice", "Sales Invoice Item", "Payment Schedule"):
		frappe.db.sql(f"DELETE FROM `tab{table}` WHERE name LIKE '{PREFIX}%%'")
	frappe.db.delete("Follow Up", {"reference_name": ("like", f"{PREFIX}%")})
	frappe.db.delete("Notification Log", {"document_name": ("like", f"{PREFIX}%")})
	frappe.db.delete("Notification", {"document_type": "Sales Invoice", "name": ("like", "Benchmark%")})
	frappe.db.delete("Follow Up Rule", {"title": RULE})
	frappe.db.delete("Follow Up Rule Step", {"parent": RULE})
	frappe.db.set_value("Follow Up Rule", {"enabled": 1}, "enabled", 0)
	frappe.db.commit()


def fill(factories, due: int) -> None:
	"""`due` invoices that fell due a week ago, and as many that fell due yesterday; by copying rows of a real one."""
	# Frappe tells nobody of what they did themselves.
	seller = factories.make_user("crm-ext-bench@example.com", "Sales User").name
	invoice = factories.make_direct_invoice(rows=((factories.SERVICE, 1, 300), (factories.ITEM, 2, 50)))
	frappe.db.commit()
	for doctype, key in (
		("Sales Invoice", "name"),
		("Sales Invoice Item", "parent"),
		("Payment Schedule", "parent"),
	):
		_copy(doctype, key, invoice.name, 2 * due)
	frappe.db.sql(f"UPDATE `tabSales Invoice` SET owner = %s WHERE name LIKE '{PREFIX}%%'", (seller,))
	for sign, days in (("<=", -7), (">", -1)):
		frappe.db.sql(
			f"UPDATE `tabSales Invoice` SET due_date = %s WHERE name LIKE '{PREFIX}%%' AND name {sign} %s",
			(add_days(nowdate(), days), _name(due)),
		)
	frappe.db.commit()
	frappe.db.sql("ANALYZE TABLE `tabSales Invoice`")


def _name(number: int) -> str:
	return f"{PREFIX}{number:08}"


def _copy(doctype: str, key: str, original: str, count: int) -> None:
	columns = [column for column in frappe.db.get_table_columns(doctype) if column not in ("name", key)]
	listed = ", ".join(f"`{column}`" for column in columns)
	number = f"CONCAT('{PREFIX}', LPAD(s.seq, 8, '0'))"
	target, names = (
		("name", number) if key == "name" else ("name, parent", f"CONCAT({number}, '-', d.idx), {number}")
	)
	for start in range(1, count + 1, CHUNK):
		frappe.db.sql(
			f"""INSERT INTO `tab{doctype}` ({target}, {listed})
			SELECT {names}, {", ".join(f"d.`{column}`" for column in columns)}
			FROM seq_{start}_to_{min(start + CHUNK - 1, count)} s JOIN `tab{doctype}` d ON d.`{key}` = %s""",
			(original,),
		)
		frappe.db.commit()


def run_notification(sample: int, queued: bool) -> tuple[float, float | None]:
	"""Documents a second by Frappe's daily job. The others fall due on another day while it runs."""
	from frappe.email.doctype.notification.notification import trigger_notifications

	name = "Benchmark queued" if queued else "Benchmark"
	frappe.get_doc(
		{
			"doctype": "Notification",
			"name": name,
			"subject": "{{ doc.name }} is a week overdue",
			"document_type": "Sales Invoice",
			"event": "Days After",
			"date_changed": "due_date",
			"days_in_advance": 7,
			"condition": "doc.docstatus == 1 and doc.outstanding_amount > 0",
			"channel": "System Notification",
			"message": "{{ doc.customer }} owes {{ doc.outstanding_amount }}",
			"recipients": [{"receiver_by_document_field": "owner"}],
			"enabled": 1,
		}
	).insert()
	away = f"name LIKE '{PREFIX}%%' AND due_date = %s AND name > %s"
	week, hidden = add_days(nowdate(), -7), add_days(nowdate(), -300)
	frappe.db.sql(f"UPDATE `tabSales Invoice` SET due_date = %s WHERE {away}", (hidden, week, _name(sample)))
	frappe.db.commit()
	frappe.flags.in_test = not queued  # what Frappe's own switch for doing queued work at once is
	clock = Clock()
	trigger_notifications(None, "daily")
	span = clock.stop()
	frappe.flags.in_test = False
	made = frappe.db.count("Notification Log", {"document_name": ("like", f"{PREFIX}%")})
	if not queued and made < sample:
		raise SystemExit(f"Frappe made {made} notifications of {sample}")
	frappe.db.set_value("Notification", name, "enabled", 0)
	frappe.db.sql(
		"UPDATE `tabSales Invoice` SET due_date = %s WHERE name LIKE %s AND due_date = %s",
		(week, f"{PREFIX}%", hidden),
	)
	frappe.db.commit()
	what = "Frappe, queued" if queued else "Frappe"
	return _report(what, sample, span)


def make_rule():
	rule = frappe.get_doc(
		{
			"doctype": "Follow Up Rule",
			"title": RULE,
			"document_type": "Sales Invoice",
			"trigger": "Date",
			"date_field": "due_date",
			"filters": json.dumps(
				[
					["Sales Invoice", "docstatus", "=", 1],
					["Sales Invoice", "outstanding_amount", ">", 0],
					["Sales Invoice", "name", "like", f"{PREFIX}%"],
				]
			),
			"steps": [{"days": 7, "timing": "After", "channel": "Call", "subject": "A week overdue"}],
			"assign_to": "Owner",
			"enabled": 1,
		}
	).insert()
	rule.db_set("applies_from", None)
	frappe.db.commit()
	return rule


def run_engine(rule, what: str, expected: int) -> tuple[float, float | None]:
	from crm_ext.follow_ups import engine

	before = frappe.db.count("Follow Up", {"rule": rule.name})
	clock = Clock()
	engine.run()
	span = clock.stop()
	made = frappe.db.count("Follow Up", {"rule": rule.name}) - before
	if made != expected:
		raise SystemExit(f"{made} follow ups made, {expected} expected")
	return _report(f"engine, {what}", expected, span)


def _report(what: str, count: int, span: Span) -> tuple[float, float | None]:
	"""Documents a second by the clock on the wall, and by processor time."""
	rates = [1000 * count / time if time else None for time in (span.wall, span.cpu)]
	times = [f"{time / 1000:.2f} s" if time is not None else "-" for time in (span.wall, span.cpu)]
	shown = [f"{rate:.0f}" if rate is not None else "-" for rate in rates]
	print(f"| {what} | {count} | {' | '.join(times)} | {' | '.join(shown)} |")
	return rates[0], rates[1]


if __name__ == "__main__":
	main()
