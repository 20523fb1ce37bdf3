"""What visibility by the tree of Sales Persons adds to a list of leads.

200,000 leads of 200 salespeople, made by SQL and removed at the end. Each list is read by Frappe's `get_list`, with
visibility off and on in turns, in one process, by users of different reach:

* all: the scope is All; the condition is empty
* half the tree: the head of a hundred
* one of 200: somebody who sees the own ones only

A list that shows less has less to read. So it is compared with the list that shows all, and with the filter of owners one would
type to see the same (without the leads that name nobody and are their creator's).
"""

import argparse
import statistics

import frappe
from clock import Clock

PREFIX = "BENCH-VIS-"
PEOPLE = 200
HEAD, SELLER = f"{PREFIX.lower()}1@example.com", f"{PREFIX.lower()}7@example.com"


def main() -> None:
	parser = argparse.ArgumentParser(description="Measure visibility on a list of leads.")
	parser.add_argument("--site", required=True)
	parser.add_argument("--leads", type=int, default=200_000)
	parser.add_argument("--rounds", type=int, default=9)
	options = parser.parse_args()
	frappe.init(site=options.site)
	frappe.connect()
	clean()
	try:
		fill(options.leads)
		measure(options.rounds)
	finally:
		frappe.set_user("Administrator")
		frappe.db.rollback()
		clean()
		frappe.destroy()


def clean() -> None:
	from crm_ext.hierarchy import world

	for doctype in ("Lead", "Sales Person", "Employee"):
		frappe.db.sql(f"DELETE FROM `tab{doctype}` WHERE name LIKE '{PREFIX}%%'")
	frappe.db.sql(f"DELETE FROM `tabHas Role` WHERE parent LIKE '{PREFIX}%%'")
	frappe.db.sql(f"DELETE FROM `tabUser` WHERE name LIKE '{PREFIX}%%'")
	world.clear()
	frappe.db.commit()


def fill(leads: int) -> None:
	root = frappe.db.get_value("Sales Person", {"is_group": 1, "parent_sales_person": ("is", "not set")})
	numbers = f"FROM seq_1_to_{PEOPLE}"
	mail = f"CONCAT('{PREFIX.lower()}', seq, '@example.com')"
	last = (frappe.db.sql("SELECT MAX(rgt) FROM `tabSales Person`")[0][0] or 0) + 10
	frappe.db.sql(
		f"INSERT INTO `tabEmployee` (name, user_id, status) SELECT CONCAT('{PREFIX}', seq), {mail}, 'Active' {numbers}"
	)
	# Number 1 is the head of the first half.
	half = PEOPLE // 2
	frappe.db.sql(
		f"""INSERT INTO `tabSales Person` (name, sales_person_name, parent_sales_person, employee, is_group, enabled, lft, rgt)
		SELECT CONCAT('{PREFIX}', seq), CONCAT('{PREFIX}', seq), %s, CONCAT('{PREFIX}', seq), seq = 1, 1,
			IF(seq = 1, {last}, {last} + 2 * seq), IF(seq = 1, {last} + 2 * {half} + 2, {last} + 2 * seq + 1 + IF(seq > {half}, 5, 0))
		{numbers}""",
		root,
	)
	frappe.db.sql(
		f"INSERT INTO `tabUser` (name, email, first_name, full_name, enabled, user_type) SELECT {mail}, {mail}, {mail}, {mail}, 1, 'System User' {numbers}"
	)
	frappe.db.sql(
		f"INSERT INTO `tabHas Role` (name, parent, parenttype, parentfield, role) SELECT CONCAT('{PREFIX}', seq), {mail}, 'User', 'roles', 'Sales User' {numbers}"
	)
	# Years of leads: who is responsible has nothing to do with when it was changed. One in ten names nobody.
	frappe.db.sql(
		f"""INSERT INTO `tabLead` (name, owner, creation, modified, modified_by, docstatus, idx, lead_name, company_name,
			status, lead_owner, title)
		SELECT CONCAT('{PREFIX}', LPAD(seq, 7, '0')), CONCAT('{PREFIX.lower()}', 1 + MOD(CRC32(seq), {PEOPLE}), '@example.com'),
			NOW() - INTERVAL seq MINUTE, NOW() - INTERVAL seq MINUTE, 'Administrator', 0, 0, CONCAT('Lead ', seq),
			CONCAT('Company ', seq), 'Open',
			IF(MOD(seq, 10), CONCAT('{PREFIX.lower()}', 1 + MOD(CRC32(seq), {PEOPLE}), '@example.com'), NULL), CONCAT('Lead ', seq)
		FROM seq_1_to_{leads}"""
	)
	frappe.db.commit()
	frappe.db.sql("ANALYZE TABLE `tabLead`")


FIELDS = ["name", "title", "status", "lead_owner", "company_name", "modified", "owner"]


def page(filters: dict | None = None) -> int:
	return len(frappe.get_list("Lead", filters=filters, fields=FIELDS, limit=20, order_by="modified desc"))


def number(filters: dict | None = None) -> int:
	return frappe.get_list("Lead", filters=filters, fields=["count(name) as n"], order_by=None)[0].n


def whole(filters: dict | None = None) -> int:
	return len(frappe.get_list("Lead", filters=filters, fields=FIELDS, limit=0, order_by="modified desc"))


def measure(rounds: int) -> None:
	from crm_ext.hierarchy import visibility, world
	from crm_ext.hierarchy.visibility import OFF, Terms

	on, everything = Terms(True, "Own and Below", {}), Terms(True, "All", {})
	works = {"first page of 20": page, "count": number, "whole list": whole}
	print(
		"| who | sees | list | off, ms | on, ms | on to off, cpu | on to off, wall | same rows by a filter, ms | on to filter, cpu |"
	)
	print("|---|---|---|---|---|---|---|---|---|")
	for who, user, terms in (
		("all", SELLER, everything),
		("half the tree", HEAD, on),
		("one of 200", SELLER, on),
	):
		frappe.set_user(user)
		with visibility.tried(terms):
			sight = visibility.sight_of(user, "Lead")
			seen = number()
		# What one would type to see the same leads; those without owner aside.
		by_hand = {"lead_owner": ("in", sorted(sight.users))} if sight else {}
		for what, work in works.items():
			spans = {"off": [], "on": [], "filter": []}
			for _round in range(rounds):
				for state, tried, filters in (
					("off", OFF, None),
					("on", terms, None),
					("filter", OFF, by_hand),
				):
					with visibility.tried(tried):
						# As in a request of its own: what is kept comes from the cache server.
						frappe.local.cache.clear()
						clock = Clock()
						work(filters)
						spans[state].append(clock.stop())
			(off, off_cpu), (got, got_cpu), (plain, plain_cpu) = (
				_median(spans[s]) for s in ("off", "on", "filter")
			)
			print(
				f"| {who} | {seen:,} | {what} | {off:.1f} | {got:.1f} | {got_cpu / off_cpu:.2f} | {got / off:.2f} | {plain:.1f} |"
				f" {got_cpu / plain_cpu:.2f} |",
				flush=True,
			)
		with visibility.tried(terms):
			print(f"<!-- {who}: {_queries(page)} queries a page, {_queries(whole)} the whole list -->")
	world.clear()


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


if __name__ == "__main__":
	main()
