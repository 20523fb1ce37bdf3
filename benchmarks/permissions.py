"""What visibility by the tree of Sales Persons adds to lists.

200,000 leads, orders, customers, deals, deliveries and invoices of 200 salespeople, made by SQL and removed at the end. Each list is read by
Frappe's `get_list`, with visibility off and on in turns, in one process, by users of different reach:

* scope All: the condition is empty
* all of the tree: the head of two hundred, who sees each row, and has each asked for
* half the tree: the head of a hundred
* team of five: the head of five
* one of 200: somebody who sees the own ones only

A list that shows less has less to read. So leads are compared with the list that shows all, and with the filter of owners one
would type to see the same (without the leads that name nobody and are their creator's). Times are processor times of this
process and of the database server (see clock.py). What the indexes cost a save is measured before and after they are made.

`--desk` measures what somebody waits for instead: the two requests the desk sends for a list of leads, its first page and its
counter, each from the session cookie to the bytes of the answer, through Frappe's own WSGI application.
"""

import argparse
import json
import os
import statistics
import time
from unittest.mock import patch

import frappe
from clock import Clock, server_thread

PREFIX = "BENCH-VIS-"
PEOPLE = 200
TOP, HEAD, LEADER, SELLER = (f"{PREFIX.lower()}{number}@example.com" for number in (0, 1, 150, 7))
DOCTYPES = ("Lead", "Sales Order", "Customer", "Deal", "Delivery Note", "Sales Invoice")


def main() -> None:
	parser = argparse.ArgumentParser(description="Measure visibility on a list of leads.")
	parser.add_argument("--site", required=True)
	parser.add_argument("--rows", type=int, default=200_000)
	parser.add_argument("--doctype", action="append", choices=DOCTYPES, help="all, unless named")
	parser.add_argument("--rounds", type=int, default=9)
	parser.add_argument("--desk", action="store_true", help="whole requests of the desk, for leads")
	options = parser.parse_args()
	frappe.init(site=options.site)
	frappe.connect()
	clean()
	enabled = frappe.db.get_single_value("CRM Ext Settings", "visibility_enabled")
	try:
		fill(options.rows)
		switch_on(0)
		without = writes()
		switch_on(1)
		print(f"<!-- one UPDATE of modified of a lead: {without:.3f} ms, with the index {writes():.3f} -->")
		analyze()
		if options.desk:
			desk(options.site, options.rounds)
			return
		print(
			"| list | who | sees | read | off, ms | on, ms | on to off | same rows by a filter, ms | on to filter |"
		)
		print("|---|---|---|---|---|---|---|---|---|")
		for doctype in options.doctype or DOCTYPES:
			measure(doctype, options.rounds)
		print(f"<!-- load average {os.getloadavg()[0]:.1f} -->")
	finally:
		frappe.set_user("Administrator")
		frappe.db.rollback()
		clean()
		switch_on(enabled)
		frappe.destroy()


def clean() -> None:
	from crm_ext.hierarchy import world

	for doctype in (*DOCTYPES, "Sales Team", "Sales Person", "Employee", "DocPerm"):
		frappe.db.sql(f"DELETE FROM `tab{doctype}` WHERE name LIKE '{PREFIX}%%'")
	frappe.db.sql(f"DELETE FROM `tabHas Role` WHERE parent LIKE '{PREFIX}%%'")
	frappe.db.sql(f"DELETE FROM `tabUser` WHERE name LIKE '{PREFIX}%%'")
	world.clear()
	frappe.clear_cache(doctype="Sales Invoice")
	frappe.db.commit()


def switch_on(enabled: int) -> None:
	"""The indexes follow the settings; what is measured names its terms itself."""
	from crm_ext.hierarchy import indexes

	frappe.db.set_single_value("CRM Ext Settings", "visibility_enabled", enabled)
	indexes.keep()


def analyze() -> None:
	for doctype in (*DOCTYPES, "Sales Team"):
		frappe.db.sql(f"ANALYZE TABLE `tab{doctype}`")


def writes(number: int = 1000) -> float:
	"""Milliseconds of processor time."""
	clock = Clock()
	for place in range(number):
		frappe.db.sql(
			"UPDATE `tabLead` SET modified = NOW(6) WHERE name = %s", f"{PREFIX}{place * 97 + 1:07}"
		)
	spent = clock.stop()
	frappe.db.rollback()
	return (spent.wall if spent.cpu is None else spent.cpu) / number


def fill(rows: int) -> None:
	root = frappe.db.get_value("Sales Person", {"is_group": 1, "parent_sales_person": ("is", "not set")})
	numbers = f"FROM seq_0_to_{PEOPLE}"
	mail = f"CONCAT('{PREFIX.lower()}', seq, '@example.com')"
	last = (frappe.db.sql("SELECT MAX(rgt) FROM `tabSales Person`")[0][0] or 0) + 11
	frappe.db.sql(
		f"INSERT INTO `tabEmployee` (name, user_id, status) SELECT CONCAT('{PREFIX}', seq), {mail}, 'Active' {numbers}"
	)
	# Number 0 is the head of all, number 1 of the first half, number 150 of the four after it.
	half = PEOPLE // 2
	frappe.db.sql(
		f"""INSERT INTO `tabSales Person` (name, sales_person_name, parent_sales_person, employee, is_group, enabled, lft, rgt)
		SELECT CONCAT('{PREFIX}', seq), CONCAT('{PREFIX}', seq), %s, CONCAT('{PREFIX}', seq), seq < 2, 1,
			CASE seq WHEN 0 THEN {last} - 1 WHEN 1 THEN {last} ELSE {last} + 2 * seq END,
			CASE seq WHEN 0 THEN {last} + 2 * {PEOPLE} + 20 WHEN 1 THEN {last} + 2 * {half} + 2
				ELSE {last} + 2 * seq + 1 + IF(seq > {half}, 5, 0) + IF(seq = 150, 8, 0) END
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
		FROM seq_1_to_{rows}"""
	)
	_fill_sales(rows)
	let_read_invoices()
	frappe.db.commit()


def let_read_invoices() -> None:
	"""ERPNext lets no salesperson read invoices; the app's roles do."""
	frappe.db.sql(
		f"""INSERT INTO `tabDocPerm` (name, parent, parenttype, parentfield, role, `read`)
		VALUES ('{PREFIX}', 'Sales Invoice', 'DocType', 'permissions', 'Sales User', 1)"""
	)
	frappe.clear_cache(doctype="Sales Invoice")


def _fill_sales(rows: int) -> None:
	"""An order, its deal, its customer, its delivery and its invoice for each number. One order in ten has no sales team,
	two customers in three have one, one in three has an account manager. Others make deliveries and invoices."""
	number, mail = f"CONCAT('{PREFIX}', LPAD(seq, 7, '0'))", f"1 + MOD(CRC32(seq), {PEOPLE})"
	person = f"CONCAT('{PREFIX}', {mail})"
	mail = f"CONCAT('{PREFIX.lower()}', {mail}, '@example.com')"
	columns = "name, owner, creation, modified, modified_by, docstatus, idx"
	values = (
		f"{number}, {mail}, NOW() - INTERVAL seq MINUTE, NOW() - INTERVAL seq MINUTE, 'Administrator', 0, 0"
	)
	each = f"FROM seq_1_to_{rows}"
	frappe.db.sql(
		f"""INSERT INTO `tabDeal` ({columns}, owner_user, sales_person, root_type, root_name, stage, company)
		SELECT {values}, {mail}, {person}, 'Sales Order', {number}, 'Ordered', 'Company' {each}"""
	)
	frappe.db.sql(
		f"""INSERT INTO `tabSales Order` ({columns}, deal, customer, customer_name, status, transaction_date, grand_total)
		SELECT {values}, {number}, {number}, 'Customer', 'To Bill', NOW(), 1 {each}"""
	)
	frappe.db.sql(
		f"""INSERT INTO `tabCustomer` ({columns}, customer_name, account_manager)
		SELECT {values}, 'Customer', IF(MOD(seq, 3), NULL, {mail}) {each}"""
	)
	for doctype in ("Delivery Note", "Sales Invoice"):
		frappe.db.sql(
			f"""INSERT INTO `tab{doctype}` (name, owner, creation, modified, modified_by, docstatus, idx, deal, customer,
				customer_name, status, posting_date, grand_total)
			SELECT {number}, 'Administrator', NOW() - INTERVAL seq MINUTE, NOW() - INTERVAL seq MINUTE, 'Administrator',
				1, 0, {number}, {number}, 'Customer', 'To Bill', NOW(), 1 {each}"""
		)
	for doctype, among in (("Sales Order", 10), ("Customer", 3)):
		frappe.db.sql(
			f"""INSERT INTO `tabSales Team` (name, parent, parenttype, parentfield, sales_person)
			SELECT CONCAT('{PREFIX}', '{doctype}', seq), {number}, '{doctype}', 'sales_team', {person} {each}
			WHERE MOD(seq, {among})"""
		)


FIELDS = {
	"Lead": ["name", "title", "status", "lead_owner", "company_name", "modified", "owner"],
	"Sales Order": ["name", "customer_name", "status", "grand_total", "modified", "owner"],
	"Customer": ["name", "customer_name", "account_manager", "modified", "owner"],
	"Deal": ["name", "stage", "owner_user", "party_name", "modified", "owner"],
	"Delivery Note": ["name", "customer_name", "status", "grand_total", "modified", "owner"],
	"Sales Invoice": ["name", "customer_name", "status", "grand_total", "modified", "owner"],
}


def page(doctype: str, filters: dict | None = None) -> int:
	return len(_list(doctype, filters, 20))


def whole(doctype: str, filters: dict | None = None) -> int:
	return len(_list(doctype, filters, 0))


def _list(doctype: str, filters: dict | None, limit: int) -> list:
	return frappe.get_list(
		doctype, filters=filters, fields=FIELDS[doctype], limit=limit, order_by="modified desc"
	)


def number(doctype: str, filters: dict | None = None) -> int:
	return frappe.get_list(doctype, filters=filters, fields=["count(name) as n"], order_by=None)[0].n


def counter(doctype: str, filters: dict | None = None) -> int:
	"""As the desk counts beside its list."""
	names = frappe.get_list(doctype, filters=filters, fields=["name"], limit=1001, order_by=None, run=False)
	return frappe.db.sql(f"SELECT COUNT(*) FROM ({names}) p")[0][0]


def measure(doctype: str, rounds: int) -> None:
	from crm_ext.hierarchy import visibility
	from crm_ext.hierarchy.visibility import OFF, Terms

	on, everything = Terms(True, "Own and Below", {}), Terms(True, "All", {})
	works = {"first page of 20": page, "count up to 1,001": counter, "count": number}
	if doctype == "Lead":
		works["whole list"] = whole
	for who, user, terms in (
		("scope All", SELLER, everything),
		("all of the tree", TOP, on),
		("half the tree", HEAD, on),
		("team of five", LEADER, on),
		("one of 200", SELLER, on),
	):
		frappe.set_user(user)
		with visibility.tried(terms):
			sight = visibility.sight_of(user, doctype)
			seen = number(doctype)
		# What one would type to see the same leads; those without owner aside.
		by_hand = {"lead_owner": ("in", sorted(sight.users))} if sight and doctype == "Lead" else None
		states = [("off", OFF, None), ("on", terms, None)]
		if by_hand:
			states.append(("filter", OFF, by_hand))
		for what, work in works.items():
			spans = {state: [] for state, _terms, _filters in states}
			for _round in range(rounds * 5 if work is page else rounds):
				for state, tried, filters in states:
					with visibility.tried(tried):
						# As in a request of its own: what is kept comes from the cache server.
						frappe.local.cache.clear()
						clock = Clock()
						work(doctype, filters)
						spans[state].append(clock.stop())
			off, got = _median(spans["off"]), _median(spans["on"])
			plain = _median(spans["filter"]) if by_hand else None
			print(
				f"| {doctype} | {who} | {seen:,} | {what} | {off:.2f} | {got:.2f} | {got / off:.2f} |"
				+ (f" {plain:.2f} | {got / plain:.2f} |" if plain else " | |"),
				flush=True,
			)
		with visibility.tried(terms):
			print(
				f"<!-- {who}: {_queries(page, doctype)} queries a page, {_queries(whole, doctype)} the whole list -->"
			)


# The columns of ERPNext's list of leads, as the desk asks for them.
_COLUMNS = (
	"name owner creation modified modified_by _user_tags _comments _assign _liked_by docstatus idx"
	" title status lead_owner company_name territory email_id image"
).split()
_REQUESTS = {
	"first page": (
		"get",
		{
			"fields": json.dumps([f"`tabLead`.`{column}`" for column in _COLUMNS]),
			"filters": "[]",
			"order_by": "`tabLead`.`modified` desc",
			"start": 0,
			"page_length": 20,
			"view": "List",
			"with_comment_count": 1,
		},
	),
	"counter": ("get_count", {"filters": "[]", "fields": "[]", "distinct": "false", "limit": 1001}),
}


def desk(site: str, rounds: int) -> None:
	"""Prints what the desk's requests take with visibility off and on, in turns, with the share of the database in it."""
	from crm_ext.hierarchy import visibility
	from crm_ext.hierarchy.visibility import OFF, Terms

	on = Terms(True, "Own and Below", {})
	people = (
		("all of the tree", TOP),
		("half the tree", HEAD),
		("team of five", LEADER),
		("one of 200", SELLER),
	)
	cookies = {user: _log_in(user) for _who, user in people}
	print("| who | request | off, ms | on, ms | on to off | of it the database, off to on |")
	print("|---|---|---|---|---|---|")
	for who, user in people:
		for what, (method, arguments) in _REQUESTS.items():
			spans: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
			# The first of each warms up what is kept.
			for number in range(2 * (rounds * 5 + 1)):
				narrowed = bool(number % 2)
				with patch.object(visibility, "terms", return_value=on if narrowed else OFF):
					span = _request(site, cookies[user], method, arguments)
				if number > 1:
					spans[narrowed].append(span)
			(off, off_db), (got, got_db) = (
				tuple(statistics.median(part) for part in zip(*spans[state], strict=True))
				for state in (False, True)
			)
			print(
				f"| {who} | {what} | {off:.2f} | {got:.2f} | {got / off:.2f} | {off_db:.2f} to {got_db:.2f} |",
				flush=True,
			)
	print(f"<!-- load average {os.getloadavg()[0]:.1f} -->")
	frappe.init(site=site)
	frappe.connect()


def _log_in(user: str) -> str:
	"""Cookie of a new session."""
	from frappe.sessions import Session

	frappe.utils.set_request(method="POST", path="/")
	frappe.set_user(user)
	sid = Session(user=user, resume=False, full_name=user, user_type="System User").sid
	frappe.db.commit()
	return sid


def _request(site: str, sid: str, method: str, arguments: dict) -> tuple[float, float]:
	"""Milliseconds of processor time: all, of the database server."""
	from frappe.app import application
	from frappe.database.mariadb.database import MariaDBDatabase
	from werkzeug.test import Client

	# What the request before left.
	frappe.destroy()
	began = {}
	connect = MariaDBDatabase.connect

	def observed(self: MariaDBDatabase) -> None:
		connect(self)
		began["thread"] = server_thread(self)
		began["at"] = _spent(began["thread"])

	with patch.object(MariaDBDatabase, "connect", observed):
		start = time.process_time()
		response = Client(application, use_cookies=False).post(
			f"/api/method/frappe.desk.reportview.{method}",
			data={"doctype": "Lead", **arguments},
			base_url=f"http://{site}",
			headers={"X-Frappe-Site-Name": site, "Cookie": f"sid={sid}"},
			buffered=True,
		)
		own = (time.process_time() - start) * 1000
	if response.status_code != 200:
		raise SystemExit(f"{method}: {response.status_code} {response.get_data(as_text=True)[:500]}")
	database = _spent(began["thread"]) - began["at"]
	return own + database, database


def _spent(thread) -> float:
	return int(thread.read_text().split()[0]) / 1e6


def _median(spans: list) -> float:
	"""Milliseconds of processor time."""
	return statistics.median(span.wall if span.cpu is None else span.cpu for span in spans)


def _queries(work, doctype: str) -> int:
	"""Statements the database server has answered meanwhile; the second of the two counts is one itself."""

	def answered() -> int:
		return int(frappe.db.sql("SHOW SESSION STATUS LIKE 'Questions'")[0][1])

	before = answered()
	work(doctype)
	return answered() - before - 1


if __name__ == "__main__":
	main()
