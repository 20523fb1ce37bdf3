"""What the app adds to saving a Lead and to submitting a Sales Order, a Sales Invoice and a Payment Entry.

	cd BENCH/sites && ../env/bin/python ../apps/crm_ext/benchmarks/save_overhead.py --site S --rounds 200

Each round takes two sales from a new lead to its payment, step by step side by side: one with the app's document events
and one without them (the `doc_events` of the app are taken out of what Frappe has loaded; the app's fields stay on the
documents). Which comes first alternates. `--workflows` switches all workflows on for the run, without limits: what they
cost where nothing has to be approved; a payment is submitted by its verifier. Every measured step is done as a web request does it: nothing cached in the process's request locals,
load the draft, save or submit, commit - deriving happens before the commit. Queries are the server's own count for
the connection, so savepoints and the commit are among them.

Makes documents that stay: use a scratch site with ERPNext and the app.
"""

import argparse
import gc
import signal
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import zip_longest

import frappe
from clock import Clock, Span

from crm_ext.constants.workflows import WORKFLOWS

STEPS = ("Lead", "Sales Order", "Sales Invoice", "Payment Entry")
GOAL_PERCENT, GOAL_QUERIES = 5, 12


class Bench:
	def __init__(self, site: str, item_rows: int, workflows: bool):
		self.site = site
		self.workflows = workflows
		self.item_rows = item_rows
		# (step, with the app) -> [(time, queries)]
		self.found: dict[tuple[str, bool], list[tuple[Span, int]]] = defaultdict(list)

	def request(self, with_app: bool) -> None:
		"""What a new web request starts with."""
		frappe.destroy()
		frappe.init(site=self.site)
		frappe.connect()
		frappe.flags.mute_emails = True
		hooks = frappe.get_doc_hooks()
		if not with_app:
			frappe.local.doc_events_hooks = {
				doctype: {
					event: [path for path in paths if not path.startswith("crm_ext.")]
					for event, paths in events.items()
				}
				for doctype, events in hooks.items()
			}
			if self.workflows:
				# What Frappe then finds in its cache: no workflow.
				names = frappe.local.cache.setdefault(frappe.cache.make_key("workflow"), {})
				names |= dict.fromkeys(WORKFLOWS, "")

	def measure(self, step: str, with_app: bool, work: Callable):
		self.request(with_app)
		gc.collect()
		before, clock = _questions(), Clock()
		document = work()
		frappe.db.commit()
		span, after = clock.stop(), _questions()
		# Two are the benchmark's own: the clock's, and the count's.
		self.found[(step, with_app)].append((span, after - before - 2))
		return document

	def sale(self, with_app: bool) -> Iterator[None]:
		"""Stops after each measured step, so that the other sale can take the same one: what disturbs the machine disturbs
		both."""
		from crm_ext.tests import factories as f

		kinds = (f.ITEM, f.OTHER_ITEM, f.SERVICE)
		rows = tuple((kinds[i % len(kinds)], i + 1, 100 + i) for i in range(self.item_rows))
		# A name of its own, or Frappe numbers the contact by looking through all those of the same name.
		first_name = f.unique("Ada")
		lead = self.measure("Lead", with_app, lambda: f.make_lead(first_name=first_name))
		yield
		self.request(with_app)
		opportunity = f.make_opportunity(lead)
		frappe.db.commit()
		quotation = f.make_quotation(opportunity, rows)
		frappe.db.commit()
		order = f.make_sales_order(quotation, submit=False)
		frappe.db.commit()
		order = self.submit(order, with_app)
		yield
		self.request(with_app)
		invoice = f.make_sales_invoice(order, submit=False)
		frappe.db.commit()
		invoice = self.submit(invoice, with_app)
		yield
		self.request(with_app)
		payment = f.make_payment(invoice, submit=False)
		frappe.db.commit()
		self.submit(payment, with_app)

	def submit(self, draft, with_app: bool):
		return self.measure(
			draft.doctype, with_app, lambda: frappe.get_doc(draft.doctype, draft.name).submit()
		)


def _questions() -> int:
	return int(frappe.db.sql("SHOW SESSION STATUS LIKE 'Questions'")[0][1])


def main() -> None:
	options = _parse()
	frappe.init(site=options.site)
	frappe.connect()
	if frappe.db.sql("SELECT name FROM `tabDeal` WHERE name LIKE 'BENCH-%' LIMIT 1"):
		raise SystemExit("This site holds synthetic deals; use another one.")
	from crm_ext.tests import factories

	factories.ensure_site()
	if options.workflows:
		_switch_workflows(options.site, 1)
	bench = Bench(options.site, options.rows, options.workflows)
	# Stopped in either way, it reports the rounds it has.
	signal.signal(signal.SIGTERM, signal.default_int_handler)
	try:
		for round_number in range(-options.warm_up, options.rounds):
			if round_number == 0:
				bench.found.clear()
			order = (True, False) if round_number % 2 else (False, True)
			for _step in zip_longest(*(bench.sale(with_app) for with_app in order)):
				pass
			print(f"\rround {round_number + 1} of {options.rounds}", end="", flush=True)
	except KeyboardInterrupt:
		print("\nstopped early", end="")
	print()
	report(bench, options.rows)
	if options.workflows:
		_switch_workflows(options.site, 0)
	frappe.destroy()


def _switch_workflows(site: str, on: int) -> None:
	frappe.destroy()
	frappe.init(site=site)
	frappe.connect()
	settings = frappe.get_single("CRM Ext Settings")
	settings.update({one.switch: on for one in WORKFLOWS.values()})
	settings.save()
	frappe.db.commit()


def _parse() -> argparse.Namespace:
	parser = argparse.ArgumentParser(description="Measure what the app adds to saving and submitting.")
	parser.add_argument("--site", required=True)
	parser.add_argument("--rounds", type=int, default=200)
	parser.add_argument("--warm-up", type=int, default=5, help="rounds that are not counted")
	parser.add_argument("--rows", type=int, default=3, help="item rows of each document")
	parser.add_argument("--workflows", action="store_true", help="with all workflows on")
	return parser.parse_args()


def report(bench: Bench, item_rows: int) -> None:
	rounds = min(len(found) for found in bench.found.values())
	print(f"Median of {rounds} interleaved rounds, {item_rows} item rows.")
	print(f"Goal: {GOAL_PERCENT} % and {GOAL_QUERIES} queries added.\n")
	print("| step | time | without, ms | with, ms | added, ms | added, % |")
	print("|---|---|---|---|---|---|")
	for step in STEPS:
		bare, full = bench.found[(step, False)][:rounds], bench.found[(step, True)][:rounds]
		for kind in ("cpu", "wall"):
			# Paired: what disturbs the machine for minutes disturbs both of a pair.
			pairs = [
				(getattr(b, kind), getattr(f, kind)) for (b, _q), (f, _q2) in zip(bare, full, strict=True)
			]
			if pairs[0][0] is None:
				continue
			without, with_app = (statistics.median(column) for column in zip(*pairs, strict=True))
			added = statistics.median(f - b for b, f in pairs)
			print(
				f"| {step} | {kind} | {without:.1f} | {with_app:.1f} | {added:.1f} | {100 * added / without:.1f} |"
			)
	print("\n| step | queries without | with | added |\n|---|---|---|---|")
	for step in STEPS:
		without, with_app = (
			statistics.median(queries for _span, queries in bench.found[(step, mode)][:rounds])
			for mode in (False, True)
		)
		print(f"| {step} | {without:.0f} | {with_app:.0f} | {with_app - without:.0f} |")


if __name__ == "__main__":
	main()
