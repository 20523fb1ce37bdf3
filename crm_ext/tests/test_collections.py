"""The collector's list: what is overdue, whom to call first, and what a collector can do from there."""

import os
import shutil
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from unittest import TestCase, skipUnless
from unittest.mock import patch

import frappe
from frappe.utils import add_days, flt, getdate, now_datetime, nowdate

from crm_ext.api import collections as api
from crm_ext.api import my_day
from crm_ext.api import receivable_cards as cards
from crm_ext.receivables import collecting, judging
from crm_ext.receivables.collection_rules import CALL, CONTACTED, PROMISED, Debt, standing, worth
from crm_ext.report.collections.collections import execute
from crm_ext.report.receivable_aging import receivable_aging
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase


class TestRules(TestCase):
	def test_more_older_and_less_reliable_comes_first(self):
		little = worth(Debt((100, 0, 0, 0)), 3)
		self.assertEqual(little, 100)
		self.assertGreater(worth(Debt((101, 0, 0, 0)), 3), little)
		self.assertGreater(worth(Debt((0, 100, 0, 0)), 3), little)
		self.assertGreater(worth(Debt((0, 0, 0, 100)), 3), worth(Debt((0, 0, 100, 0)), 3))
		self.assertEqual(worth(Debt((100, 0, 0, 0), broken=2), 3), 140)
		self.assertEqual(worth(Debt((100, 0, 0, 0), broken=50), 3), 200)

	def test_who_is_left_in_peace(self):
		for debt, quiet, expected in (
			(Debt((100, 0, 0, 0)), 3, CALL),
			(Debt((0, 0, 0, 0), promised=100), 3, PROMISED),
			(Debt((1, 0, 0, 0), promised=100), 3, CALL),
			(Debt((100, 0, 0, 0), days_since_contact=2), 3, CONTACTED),
			(Debt((100, 0, 0, 0), days_since_contact=3), 3, CALL),
			(Debt((100, 0, 0, 0), days_since_contact=0), 0, CALL),
		):
			self.assertEqual(standing(debt, quiet), expected, debt)
			self.assertEqual(worth(debt, quiet) > 0, expected == CALL, debt)


class CollectionsTestCase(SiteTestCase):
	def setUp(self):
		super().setUp()
		judging.forget()
		frappe.db.set_single_value("CRM Ext Settings", "promise_grace_days", 0)
		frappe.db.set_single_value("CRM Ext Settings", "collector_quiet_days", 3)
		self.customer = f.make_customer()

	def invoice(self, days_overdue: int, amount: float = 300, **values):
		due = add_days(nowdate(), -days_overdue)
		values.setdefault("customer", self.customer.name)
		posted = min(getdate(nowdate()), getdate(add_days(due, -5)))
		return f.make_direct_invoice(
			rows=((f.SERVICE, 1, amount),), set_posting_time=1, posting_date=posted, due_date=due, **values
		)

	def promise(self, *invoices, days: int = 5):
		return frappe.get_doc(
			{
				"doctype": "Payment Promise",
				"pay_by": add_days(nowdate(), days),
				"promised_on": nowdate(),
				"responsible": "Administrator",
				"invoices": [{"sales_invoice": one.name} for one in invoices],
			}
		).insert()

	def row(self, customer=None, **values):
		name = (customer or self.customer).name
		rows = [row for row in collecting.read(company=f.COMPANY, **values) if row.customer == name]
		self.assertLessEqual(len(rows), 1)
		return rows[0] if rows else None


class TestList(CollectionsTestCase):
	def test_overdue_equals_accounts_receivable_summary(self):
		self.invoice(5)
		self.invoice(45, 200)
		paid = self.invoice(70, 100)
		f.make_payment(paid, 40)
		f.make_return(self.invoice(10, 80), update_outstanding_for_self=0)
		foreign = {"customer": f.FOREIGN_CUSTOMER, "currency": "EUR", "conversion_rate": 1.25}
		self.invoice(20, 100, **foreign)
		receivable_summary = frappe.get_attr(
			"erpnext.accounts.report.accounts_receivable_summary.accounts_receivable_summary.execute"
		)
		filters = {
			"company": f.COMPANY,
			"report_date": nowdate(),
			"ageing_based_on": "Due Date",
			"range": "0, 30, 60, 90",
			"party_type": "Customer",
		}
		expected = {
			row["party"]: flt(row["total_due"], 2)
			for row in receivable_summary(filters)[1]
			if row.get("party")
		}
		for name in (self.customer.name, f.FOREIGN_CUSTOMER):
			row = self.row(frappe._dict(name=name))
			self.assertEqual(flt(row.overdue, 2), expected[name])
		row = self.row()
		self.assertEqual((row.overdue, row.oldest_on), (560, getdate(add_days(nowdate(), -70))))

	def test_payment_terms_are_overdue_one_by_one(self):
		terms = [
			{"due_date": add_days(nowdate(), -10), "invoice_portion": 30, "payment_amount": 300},
			{"due_date": add_days(nowdate(), -2), "invoice_portion": 30, "payment_amount": 300},
			{"due_date": add_days(nowdate(), 20), "invoice_portion": 40, "payment_amount": 400},
		]
		invoice = self.invoice(10, 1000, payment_schedule=terms)
		self.assertEqual((self.row().overdue, self.row().oldest_on), (600, getdate(add_days(nowdate(), -10))))
		f.make_journal_receipt(invoice, 350)
		self.assertEqual((self.row().overdue, self.row().oldest_on), (250, getdate(add_days(nowdate(), -2))))
		f.make_journal_receipt(invoice, 250)
		self.assertIsNone(self.row())
		self.assertEqual(self.row(ahead=30).due, 400)

	def test_promised_and_contacted_come_last(self):
		other, third = f.make_customer(), f.make_customer()
		one, more = self.invoice(40, 300), self.invoice(2, 50)
		self.invoice(3, 100, customer=other.name)
		self.invoice(100, 900, customer=third.name)
		third.db_set("last_contact_on", now_datetime() - timedelta(days=1))

		def order():
			rows = collecting.read(customers=[self.customer.name, other.name, third.name])
			return [(row.customer, row.standing) for row in rows]

		mine, his, hers = self.customer.name, other.name, third.name
		self.assertEqual(order(), [(mine, CALL), (his, CALL), (hers, CONTACTED)])
		promised = self.promise(one)
		self.assertEqual(order(), [(his, CALL), (mine, CALL), (hers, CONTACTED)])
		row = self.row()
		self.assertEqual((row.promised, row.promise, row.overdue), (300, promised.name, 350))
		self.promise(more)
		self.assertEqual(order(), [(his, CALL), (hers, CONTACTED), (mine, PROMISED)])
		frappe.db.sql(
			"UPDATE `tabPayment Promise` SET last_day = %s, pay_by = %s, promised_on = %s WHERE customer = %s",
			(*[add_days(nowdate(), -1)] * 3, mine),
		)
		judging.judge(customers=[mine])
		self.assertEqual(order()[0], (mine, CALL))
		self.assertEqual(self.row().promises["broken"], 2)
		self.assertEqual(self.row().worth, (50 * 1 + 300 * 1.5) * 1.4)

	def test_responsible_is_account_manager_else_sales_person(self):
		self.invoice(5)
		self.assertIsNone(self.row().responsible)
		manager = f.make_user("collect.manager@example.com", "Sales User").name
		seller = f.make_user("collect.seller@example.com", "Sales User").name
		person = f.make_sales_person(seller)
		self.customer.append("sales_team", {"sales_person": person.name, "allocated_percentage": 100})
		self.customer.save()
		self.assertEqual(self.row(user=seller).responsible, seller)
		self.customer.db_set("account_manager", manager)
		self.assertEqual(self.row().responsible, manager)
		self.assertIsNone(self.row(user=seller))

	def test_report(self):
		self.invoice(40)
		self.promise(self.invoice(5, 100))
		columns, rows, message, chart, summary = execute({"company": f.COMPANY})
		(row,) = [row for row in rows if row["customer"] == self.customer.name]
		self.assertEqual((row["overdue"], row["oldest_days"], row["promised"]), (400, 40, 100))
		self.assertLessEqual({column["fieldname"] for column in columns}, row.keys())
		self.assertEqual(
			summary[0]["value"], sum(flt(row["overdue"]) for row in rows), "the sum is that of the rows"
		)
		self.assertIn("3", message)
		self.assertIsNone(chart)
		_columns, rows, *_rest = execute({"company": f.COMPANY, "worth_a_call": 1})
		self.assertIn(self.customer.name, [row["customer"] for row in rows])
		self.assertTrue(all(row["to_call"] for row in rows))

	def test_card_list_and_receivable_aging_say_the_same(self):
		"""Money on account is shown, and taken off what is overdue, by payment terms too."""
		before = flt(cards.overdue({"company": f.COMPANY})["value"])
		late, newer = self.invoice(40, 900), self.invoice(5, 300)
		f.make_payment(late, 250, references=[], posting_date=add_days(nowdate(), -3))
		self.invoice(-20, 500)
		f.make_payment(newer, 100, posting_date=add_days(nowdate(), -1))
		(row,) = (r for r in execute({"company": f.COMPANY})[1] if r["customer"] == self.customer.name)
		self.assertEqual((row["overdue"], row["on_account"], row["net"]), (1100, 250, 850))
		card = cards.overdue({"company": f.COMPANY})
		self.assertAlmostEqual(card["value"] - before, 850, 2)
		filters = {"customer": self.customer.name, **card["route_options"]}
		self.assertEqual(card["route"], ["query-report", "Receivable Aging"])
		_columns, rows, _message, _chart, _summary = receivable_aging.execute(filters)
		self.assertEqual((rows[0]["overdue"], rows[0]["on_account"]), (850, 250))

	def test_the_cards_equal_the_report_for_whoever_looks(self):
		self.invoice(40, 900)
		self.invoice(0, 70)
		other = f.make_customer()
		self.invoice(10, 500, customer=other.name)
		user = f.make_user("one.customer@example.com", "Accounts User").name
		frappe.get_doc(
			{"doctype": "User Permission", "user": user, "allow": "Customer", "for_value": other.name}
		).insert()
		found = []
		for name in ("Administrator", user):
			with self.set_user(name):
				for figure in ("overdue", "due_this_week"):
					card = getattr(cards, figure)({"company": f.COMPANY})
					rows = receivable_aging.execute(card["route_options"])[1]
					(total,) = (row for row in rows if row.get("is_total"))
					self.assertAlmostEqual(card["value"], total[figure], 2, (name, figure))
					found.append(card["value"])
		self.assertEqual(found[2:], [500, 0])
		self.assertGreaterEqual(found[0], 1400)

	def test_three_queries_however_many(self):
		for _again in range(3):
			self.invoice(5, customer=f.make_customer().name)
		collecting.read(company=f.COMPANY)
		with self.assertQueryCount(3):
			collecting.read(company=f.COMPANY)


def serve_assets(case: TestCase) -> None:
	"""The site's style sheets, from where wkhtmltopdf can fetch them, as long as a test runs."""
	folder = os.path.abspath(frappe.local.sites_path)
	server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=folder))
	Thread(target=server.serve_forever, daemon=True).start()
	case.addCleanup(server.server_close)
	case.addCleanup(server.shutdown)
	configured = patch.dict(frappe.local.conf, host_name=f"http://127.0.0.1:{server.server_port}")
	configured.start()
	case.addCleanup(configured.stop)


class TestHands(CollectionsTestCase):
	@skipUnless(shutil.which("wkhtmltopdf"), "Frappe makes PDFs with wkhtmltopdf")
	def test_statement_is_erpnexts_and_lands_on_the_timeline(self):
		self.invoice(5)
		serve_assets(self)
		self.make_email_account()
		letter = api.statement_letter(self.customer.name, f.COMPANY)
		self.assertIn(f.COMPANY, letter["subject"])
		name = api.send_statement(
			self.customer.name, f.COMPANY, "payer@example.com", letter["subject"], letter["message"]
		)
		communication = frappe.get_doc("Communication", name)
		self.assertEqual(
			(communication.reference_doctype, communication.reference_name, communication.sent_or_received),
			("Customer", self.customer.name, "Sent"),
		)
		files = frappe.get_all(
			"File",
			{"attached_to_doctype": "Communication", "attached_to_name": name},
			["name", "is_private"],
			order_by=None,
		)
		self.assertEqual([row.is_private for row in files], [1])
		content = Path(frappe.get_doc("File", files[0].name).get_full_path()).read_bytes()
		self.assertEqual(content[:4], b"%PDF")

	def test_nothing_to_state(self):
		with self.assertRaisesRegex(frappe.ValidationError, "Nothing is outstanding"):
			api.statements.pdf(self.customer.name, f.COMPANY)

	def test_overdue_invoices_for_a_dunning_letter(self):
		late, later = self.invoice(5), self.invoice(50)
		self.invoice(-5)
		frappe.set_user(f.make_user("collector@example.com", "Accounts User").name)
		names = api.overdue_invoices(self.customer.name, f.COMPANY)
		self.assertEqual(names, [later.name, late.name])
		dunning = frappe.get_attr("frappe.model.mapper.map_docs")(
			"erpnext.accounts.doctype.sales_invoice.sales_invoice.create_dunning",
			frappe.as_json(names),
			"",
		)
		self.assertEqual([row.sales_invoice for row in dunning.overdue_payments], names)
		self.assertEqual(dunning.total_outstanding, 600)

	def test_permission_first(self):
		self.invoice(5)
		seller = f.make_user("no.statement@example.com", "Sales User").name
		stranger = f.make_user("no.collector@example.com", "Projects User").name
		for user, calls in (
			(seller, (api.statement, api.statement_letter)),
			(stranger, (api.statement, api.statement_letter, api.overdue_invoices)),
		):
			frappe.set_user(user)
			for call in calls:
				self.assertRaises(frappe.PermissionError, call, self.customer.name, f.COMPANY)
			self.assertRaises(
				frappe.PermissionError, api.send_statement, self.customer.name, f.COMPANY, "a@b.c", "s", "m"
			)
		self.assertRaises(frappe.PermissionError, execute, {})

	def test_only_customers_one_may_read(self):
		other = f.make_customer()
		self.invoice(5)
		self.invoice(5, customer=other.name)
		user = f.make_user("collector.some@example.com", "Accounts User").name
		frappe.get_doc(
			{"doctype": "User Permission", "user": user, "allow": "Customer", "for_value": other.name}
		).insert()
		frappe.set_user(user)
		self.assertEqual([row.customer for row in collecting.read()], [other.name])


class TestMyDay(CollectionsTestCase):
	def sections(self, user: str) -> dict:
		frappe.set_user(user)
		found = {section["key"]: section for section in my_day.get_day()["sections"]}
		frappe.set_user("Administrator")
		return found

	def test_receivables_and_promises_due(self):
		user = f.make_user("collector.day@example.com", "Accounts User", "Sales User").name
		ahead = f.make_customer(account_manager=user)
		self.customer.db_set("account_manager", user)
		self.invoice(30)
		self.invoice(-3, 100)
		self.invoice(-2, 70, customer=ahead.name)
		self.invoice(-20, 70, customer=f.make_customer(account_manager=user).name)
		found = self.sections(user)["receivables_due"]
		rows = [(row["name"], row["amount"]) for row in found["rows"]]
		self.assertEqual(rows, [(self.customer.name, 400), (ahead.name, 70)])
		self.assertIn("30", found["rows"][0]["note"])
		self.assertEqual(self.sections("Administrator")["receivables_due"]["count"], 0)
		promised = self.promise(self.invoice(1), days=0)
		self.promise(self.invoice(1), days=1)
		promised.db_set("responsible", user)
		frappe.set_user(user)
		my_day.get_day()
		with self.assertQueryCount(30):
			my_day.get_day()
		found = self.sections(user)["promises_due"]
		self.assertEqual([row["name"] for row in found["rows"]], [promised.name])
		self.assertEqual((found["rows"][0]["party"], found["rows"][0]["amount"]), (self.customer.name, 300))
