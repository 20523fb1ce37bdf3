"""Receivable Aging against ERPNext's own Accounts Receivable Summary, over random ledgers and some chosen ones.

CRM_EXT_LEDGERS sets how many random ledgers are tried (default 5, the same ones each time; more are drawn at random).
"""

import os

import frappe
from frappe.desk import query_report
from frappe.utils import add_days, flt, getdate, nowdate
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crm_ext.constants.custom_fields import LEDGER_INDEX
from crm_ext.receivables import ledger as receivables
from crm_ext.report.receivable_aging.receivable_aging import execute
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase
from crm_ext.tests.ledgers import WEIGHTED, Ledger

LEDGERS = int(os.environ.get("CRM_EXT_LEDGERS", "5"))
# So that there is something to settle, in both currencies and by terms, from the first drawn step on.
START = [("invoice", number) for number in (0, 4, 5, 8)]
START += [("order_with_advance", 1), ("payment", 2), ("on_account", 0), ("credit_note", 3)]
STEPS = st.lists(st.tuples(st.sampled_from(WEIGHTED), st.integers(0, 59)), min_size=10, max_size=16)
BUCKETS = "30, 60, 90, 120"
# Permission, filters, the ledger, what stands beside the figures; nothing that grows with customers or invoices.
QUERIES = 30


def ours(**filters) -> list[dict]:
	"""Rows of the report with its totals."""
	filters = {"company": f.COMPANY, "report_date": nowdate(), "range": BUCKETS} | filters
	return execute(frappe._dict(filters))[1]


def by_group(rows: list[dict], names: tuple[str, ...]) -> dict[str, dict[str, float]]:
	"""Sums by group, whatever the currency."""
	found: dict[str, dict[str, float]] = {}
	for row in rows:
		if row.get("is_total") or row.get("indent"):
			continue
		sums = found.setdefault(row["group"], dict.fromkeys(names, 0.0))
		for name in names:
			sums[name] = flt(sums[name] + row[name], 2)
	return found


def erpnext(**filters) -> dict[str, dict[str, float]]:
	"""Sums by customer as ERPNext's Accounts Receivable Summary gives them."""
	from erpnext.accounts.report.accounts_receivable_summary import accounts_receivable_summary

	filters = {
		"company": f.COMPANY,
		"report_date": nowdate(),
		"calculate_ageing_with": "Report Date",
		"ageing_based_on": "Due Date",
		"range": BUCKETS,
	} | filters
	found = {}
	for row in accounts_receivable_summary.execute(frappe._dict(filters))[1]:
		found[row.party] = {"outstanding": flt(row.outstanding, 2)}
		found[row.party] |= {f"bucket_{number}": flt(row[f"range{number + 1}"], 2) for number in range(5)}
	return found


def items_of(days: int = 0, **values) -> list[tuple]:
	"""Every open item as of so many days ago."""
	scope = receivables.Scope(f.COMPANY, getdate(add_days(nowdate(), -days)), **values)
	found = receivables.open_items(scope)
	return sorted((i.voucher_no, i.account, i.outstanding, i.posting_date, i.due) for i in found)


FIGURES = ("outstanding", *(f"bucket_{number}" for number in range(5)))


class AgeingTestCase(SiteTestCase):
	maxDiff = None

	def assertEqualToERPNext(self, **filters) -> dict:
		"""Every customer's outstanding and buckets; one who owes nothing is left out by ERPNext."""
		wanted = erpnext(**filters)
		rows = ours(**filters)
		found = by_group(rows, FIGURES)
		owing = {party: sums for party, sums in found.items() if sums["outstanding"]}
		self.assertEqual(owing, wanted, filters)
		total = sum(row["outstanding"] for row in rows if row.get("is_total"))
		self.assertAlmostEqual(total, sum(row["outstanding"] for row in wanted.values()), 2, filters)
		self.assertAddsUp(rows)
		return found

	def assertAddsUp(self, rows: list[dict]) -> None:
		for row in rows:
			parts = row["not_due"] + sum(row[f"bucket_{number}"] for number in range(5))
			self.assertAlmostEqual(row["outstanding"], parts, 2, row)


class TestRandomLedgers(AgeingTestCase):
	@settings(
		max_examples=LEDGERS,
		deadline=None,
		derandomize="CRM_EXT_LEDGERS" not in os.environ,
		database=None,
		print_blob=True,
		# Every try makes dozens of documents: the history in the message says more than half an hour of shrinking.
		phases=(Phase.explicit, Phase.generate),
		suppress_health_check=list(HealthCheck),
	)
	@given(steps=STEPS)
	def test_totals_and_customers_equal_erpnext(self, steps):
		frappe.db.rollback()
		ledger = Ledger()
		for operation, number in [*START, *steps]:
			ledger.step(operation, number)
		try:
			self.check(ledger)
		except AssertionError as error:
			raise AssertionError(f"after {'; '.join(ledger.log)}\n{error}") from error
		finally:
			frappe.db.rollback()

	def check(self, ledger: Ledger) -> None:
		for days in (0, 25, 70):
			for basis in ("Due Date", "Posting Date"):
				for in_party_currency in (0, 1):
					for terms in (0, 1):
						self.assertEqualToERPNext(
							report_date=add_days(nowdate(), -days),
							ageing_based_on=basis,
							in_party_currency=in_party_currency,
							based_on_payment_terms=terms,
						)
		self.check_groups()
		self.check_one_account(ledger)
		self.check_items()

	def check_groups(self) -> None:
		"""Any grouping adds up to the same, column by column and cent by cent."""
		for filters in ({}, {"based_on_payment_terms": 1}, {"in_party_currency": 1}):
			totals = [row for row in ours(**filters) if row.get("is_total")]
			for group_by in ("Sales Person", "Territory", "Customer Group", "Company"):
				rows = ours(group_by=group_by, **filters)
				self.assertAddsUp(rows)
				grouped = [row for row in rows if row.get("is_total")]
				for wanted, found in zip(totals, grouped, strict=True):
					for name in (*FIGURES, "not_due", "overdue", "on_account", "due_this_week"):
						self.assertAlmostEqual(found[name], wanted[name], 2, (group_by, filters, name))
					self.assertEqual(found["oldest_days"], wanted["oldest_days"])

	def check_one_account(self, ledger: Ledger) -> None:
		found = by_group(ours(account=ledger.other_account), FIGURES)
		owing = {party: sums for party, sums in found.items() if sums["outstanding"]}
		self.assertEqual(owing, erpnext(party_account=ledger.other_account))

	def check_items(self) -> None:
		"""Items listed add up to their customer, and are what the engine gives to others."""
		rows = ours(show_items=1)
		items = [row for row in rows if row.get("indent")]
		groups = by_group(rows, ("outstanding",))
		listed: dict[str, float] = {}
		for row in items:
			listed[row["group"]] = flt(listed.get(row["group"], 0) + row["outstanding"], 2)
		self.assertEqual(listed, {party: sums["outstanding"] for party, sums in groups.items()})
		found = items_of()
		self.assertEqual(
			[(no, account, amount) for no, account, amount, *_dates in found],
			sorted((row["voucher_no"], row["account"], row["outstanding"]) for row in items),
		)
		for days in (0, 25, 70):
			self.assertEqual(items_of(days), items_of(days, by_index=False))


class TestReceivableAging(AgeingTestCase):
	"""A customer of its own, so that nothing else of the site counts."""

	def setUp(self):
		super().setUp()
		self.customer = f.make_customer().name

	def invoice(self, amount: float = 100, days: int = 0, due_in: int = 30, **values):
		"""An invoice of so many days ago."""
		day = add_days(nowdate(), -days)
		return f.make_direct_invoice(
			rows=((f.SERVICE, 1, amount),),
			**{
				"customer": self.customer,
				"set_posting_time": 1,
				"posting_date": day,
				"due_date": add_days(day, due_in),
			}
			| values,
		)

	def row(self, **filters) -> dict:
		rows = ours(customer=self.customer, **filters)
		return rows[0] if rows else {}

	def test_buckets_due_dates_and_age(self):
		for amount, days, due_in in ((100, 40, 30), (200, 130, 30), (400, 0, 0), (800, 0, 60)):
			self.invoice(amount, days, due_in)
		row = self.row()
		self.assertEqual([row[f"bucket_{number}"] for number in range(5)], [500, 0, 0, 200, 0])
		self.assertEqual((row["not_due"], row["outstanding"], row["overdue"]), (800, 1500, 300))
		self.assertEqual((row["due_today"], row["oldest_days"], row["items"]), (400, 100, 4))
		self.assertEqual(row["days_over"], 10)
		self.assertEqual(self.row(over_age_days=60)["days_over"], 40)
		self.assertEqual(self.row(ageing_based_on="Posting Date")["bucket_4"], 200)
		row = self.row(range="10; 99")
		self.assertEqual([row[f"bucket_{number}"] for number in range(3)], [500, 0, 200])

	def test_what_falls_due_this_week_and_next(self):
		sunday = getdate(frappe.utils.get_last_day_of_week(nowdate()))
		for amount, day in ((100, sunday), (200, add_days(sunday, 1)), (400, add_days(sunday, 7))):
			self.invoice(amount, due_date=day)
		self.invoice(800, due_date=add_days(sunday, 8))
		row = self.row()
		self.assertEqual((row["due_this_week"], row["due_next_week"]), (100, 600))

	def test_an_advance_is_an_item_of_its_own_before_its_invoice(self):
		"""As of a day between the receipt and the invoice it was matched with later."""
		old = self.invoice(100, 90)
		payment = f.make_payment(old, 250, references=[], posting_date=add_days(nowdate(), -60))
		late = self.invoice(300, 10)
		f.reconcile(f.COMPANY, self.customer, late.name)
		self.assertEqual(self.row()["outstanding"], 150)
		past = {"report_date": add_days(nowdate(), -30)}
		items = [row for row in ours(customer=self.customer, show_items=1, **past) if row.get("indent")]
		self.assertEqual(
			{row["voucher_no"]: row["outstanding"] for row in items}, {old.name: 100, payment.name: -250}
		)
		self.assertEqual(erpnext(**past)[self.customer]["outstanding"], -150)

	def test_money_against_a_credit_note_that_was_set_off_belongs_to_the_invoice(self):
		invoice = f.make_direct_invoice(rows=((f.SERVICE, 2, 150),), customer=self.customer)
		credit = f.make_return(invoice, 0.5, update_outstanding_for_self=0)
		Ledger.journal(
			None,
			nowdate(),
			{
				"account": credit.debit_to,
				"party": self.customer,
				"debit_in_account_currency": 50,
				"reference_type": "Sales Invoice",
				"reference_name": credit.name,
			},
			f.cash_account(f.COMPANY),
		)
		for terms in (0, 1):
			rows = ours(customer=self.customer, show_items=1, based_on_payment_terms=terms)
			items = [(row["voucher_no"], row["outstanding"]) for row in rows if row.get("indent")]
			self.assertEqual(items, [(invoice.name, 200)])
			self.assertEqualToERPNext(based_on_payment_terms=terms)

	def entry(self, source, **values) -> None:
		"""An entry of the ledger like that of a document, as only data from elsewhere makes it."""
		name = frappe.db.get_value("Payment Ledger Entry", {"voucher_no": source.name})
		entry = frappe.copy_doc(frappe.get_doc("Payment Ledger Entry", name))
		entry.update(values)
		entry.set_new_name()
		entry.docstatus = 1
		entry.db_insert()

	def test_the_index_is_read_in_its_order(self):
		params: dict = {}
		statement = receivables.grouped(receivables.Scope(f.COMPANY, getdate(nowdate())), params)
		(plan,) = frappe.db.sql(f"EXPLAIN {statement}", params, as_dict=True)
		self.assertEqual(plan.key, LEDGER_INDEX)
		self.assertIn("Using index", plan.Extra)
		self.assertNotIn("sort", plan.Extra)

	def test_employees_are_no_customers(self):
		"""Money advanced to them stands on receivable accounts, too; one of them goes by the name of a customer."""
		invoice = self.invoice(100)
		for party in (f.unique("Employee"), self.customer):
			self.entry(invoice, party_type="Employee", party=party, voucher_no=f.unique("PAY"), amount=7)
			self.assertEqualToERPNext()
			self.assertEqual(items_of(), items_of(by_index=False))
			self.assertEqual(by_group(ours(), FIGURES)[self.customer]["outstanding"], 100)

	def test_a_receipt_with_the_number_of_the_invoice_it_pays(self):
		"""It does not stand for the invoice on a day the invoice is not there yet."""
		invoice = self.invoice(100, days=10)
		self.entry(
			invoice,
			voucher_type="Payment Entry",
			posting_date=add_days(nowdate(), -20),
			amount=-60,
			amount_in_account_currency=-60,
		)
		for days, owed in ((0, 40), (15, -60)):
			self.assertEqual(items_of(days), items_of(days, by_index=False))
			found = self.assertEqualToERPNext(report_date=add_days(nowdate(), -days))
			self.assertEqual(found[self.customer]["outstanding"], owed)

	def test_an_exchange_difference_is_an_item_though_nothing_is_owed_in_the_currency(self):
		invoice = self.invoice(100, customer=f.FOREIGN_CUSTOMER, currency="EUR", conversion_rate=1.1)
		before = by_group(ours(), FIGURES)[f.FOREIGN_CUSTOMER]["outstanding"]
		ledger = Ledger()
		ledger.documents = [(invoice.doctype, invoice.name)]
		for number in (0, 1):
			ledger.step("revaluation", number)
		self.assertEqual(ledger.refused, 0, ledger.log)
		found = self.assertEqualToERPNext()
		self.assertEqual(found[f.FOREIGN_CUSTOMER]["outstanding"], flt(before + 2 * 4.56, 2))
		self.assertEqualToERPNext(in_party_currency=1)

	def test_a_bill_by_journal_is_due_when_the_bill_is(self):
		Ledger.journal(
			None,
			add_days(nowdate(), -80),
			{
				"account": frappe.db.get_value("Company", f.COMPANY, "default_receivable_account"),
				"party": self.customer,
				"debit_in_account_currency": 70,
			},
			f.cash_account(f.COMPANY),
			bill_no="B1",
			bill_date=add_days(nowdate(), -80),
			due_date=add_days(nowdate(), -35),
		)
		self.assertEqual(self.row()["bucket_1"], 70)
		self.assertEqualToERPNext()

	def test_contributions_of_the_invoice_go_before_those_of_the_customer(self):
		mine, yours, theirs = (f.make_sales_person().name for _number in range(3))
		customer = frappe.get_doc("Customer", self.customer)
		customer.append("sales_team", {"sales_person": theirs, "allocated_percentage": 100})
		customer.save()
		team = [
			{"sales_person": mine, "allocated_percentage": 66.67},
			{"sales_person": yours, "allocated_percentage": 33.33},
		]
		self.invoice(0.05, sales_team=team)
		self.invoice(100, sales_team=team)
		self.invoice(10, sales_team=[])
		plain = self.invoice(7)
		frappe.db.delete("Sales Team", {"parent": plain.name})
		rows = ours(customer=self.customer, group_by="Sales Person")
		found = {row["group"]: row["outstanding"] for row in rows if not row.get("is_total")}
		# Five cents by two thirds and one third are three and two.
		self.assertEqual(found[mine], 66.7)
		self.assertEqual(found[yours], 33.35)
		self.assertEqual(found[theirs], 17)
		self.assertEqual(rows[-1]["outstanding"], 117.05)
		self.assertEqual(self.row(sales_person=mine)["outstanding"], 66.7)

	def test_what_stands_beside_a_customer(self):
		customer = frappe.get_doc("Customer", self.customer)
		customer.append("credit_limits", {"company": f.COMPANY, "credit_limit": 1000})
		customer.save()
		paid = self.invoice(100, 50)
		f.make_payment(paid, posting_date=add_days(nowdate(), -20))
		f.make_payment(self.invoice(100, 60), posting_date=add_days(nowdate(), -50))
		customer.credit_limits[0].credit_limit = 500
		invoice = self.invoice(900)
		customer.reload()
		customer.credit_limits[0].bypass_credit_limit_check = 1
		customer.save()
		frappe.db.set_value("Customer Credit Limit", {"parent": self.customer}, "credit_limit", 500)
		frappe.get_doc(
			{
				"doctype": "Payment Promise",
				"customer": self.customer,
				"company": f.COMPANY,
				"currency": "USD",
				"pay_by": add_days(nowdate(), 3),
				"amount": 400,
				"invoices": [{"sales_invoice": invoice.name}],
			}
		).insert()
		row = self.row(with_behaviour=1)
		self.assertEqual((row["credit_limit"], row["over_limit"]), (500, 400))
		self.assertEqual(
			(row["promised"], getdate(row["promised_for"])), (400, getdate(add_days(nowdate(), 3)))
		)
		self.assertEqual((row["days_to_pay"], row["last_receipt"]), (20, 100))
		self.assertEqual(row["last_receipt_on"], getdate(add_days(nowdate(), -20)))

	def test_currencies_are_not_added_up(self):
		invoice = self.invoice(100, customer=f.FOREIGN_CUSTOMER, currency="EUR", conversion_rate=1.1)
		self.invoice(100)
		totals = {row["currency"] for row in ours(in_party_currency=1) if row.get("is_total")}
		self.assertEqual(totals, {"EUR", "USD"})
		rows = ours(in_party_currency=1, customer=f.FOREIGN_CUSTOMER, show_items=1)
		self.assertIn(
			(invoice.name, 100, "EUR"), [(r.get("voucher_no"), r["outstanding"], r["currency"]) for r in rows]
		)
		self.assertEqual({row["currency"] for row in ours()}, {"USD"})

	def test_shares_run_up_to_the_whole(self):
		self.invoice(100)
		rows = [row for row in ours() if not row.get("is_total")]
		self.assertAlmostEqual(rows[-1]["running_share"], 100)
		self.assertEqual(rows, sorted(rows, key=lambda row: -row["outstanding"]))

	def test_chart_and_summary(self):
		self.invoice(100, 40)
		self.invoice(300)
		_columns, _rows, _message, chart, summary = execute(
			frappe._dict(company=f.COMPANY, customer=self.customer)
		)
		self.assertEqual(chart["data"]["datasets"][0]["values"], [300, 100, 0, 0, 0, 0])
		self.assertEqual(len(chart["data"]["labels"]), 6)
		values = {row["label"]: row["value"] for row in summary}
		self.assertEqual((values["Outstanding"], values["Overdue"], values["Share Overdue"]), (400, 100, 25))

	def test_bad_filters_are_refused(self):
		for filters in (
			{"range": "30, 30"},
			{"range": "thirty"},
			{"range": "-5"},
			{"range": "60, 30"},
			{"group_by": "Item"},
			{"ageing_based_on": "Weather"},
			{"company": None},
			{"company": "Nobody Inc"},
			{"customer": ["a", "b"]},
		):
			self.assertRaises(frappe.ValidationError, ours, **filters)

	def test_queries_do_not_grow_with_customers_and_invoices(self):
		filters = {"with_behaviour": 1}
		self.invoice()
		ours(**filters)
		with self.assertQueryCount(QUERIES):
			ours(**filters)
		for _number in range(3):
			self.invoice(customer=f.make_customer().name)
		with self.assertQueryCount(QUERIES):
			ours(**filters)

	def test_export_to_excel(self):
		self.invoice()
		for filters in ({}, {"show_items": 1}, {"group_by": "Sales Person", "based_on_payment_terms": 1}):
			data = run(customer=self.customer, **filters)
			rows, _widths = query_report.build_xlsx_data(
				frappe._dict(data), visible_idx=[], include_indentation=0
			)
			self.assertEqual(len(rows), len(data["result"]) + 1)


def run(**filters) -> dict:
	"""As the desk does, by the standard report with its roles and user permissions."""
	filters = frappe._dict({"company": f.COMPANY, "report_date": nowdate()} | filters)
	return query_report.run("Receivable Aging", filters=filters, ignore_prepared_report=True)


class TestPermissions(AgeingTestCase):
	def setUp(self):
		super().setUp()
		# A per cent sign must not be taken for a parameter.
		self.territory = (
			frappe.get_doc(
				{
					"doctype": "Territory",
					"territory_name": f.unique("50% Area"),
					"parent_territory": "All Territories",
				}
			)
			.insert()
			.name
		)
		self.mine = f.make_customer(territory=self.territory).name
		self.other = f.make_customer().name
		for customer in (self.mine, self.other):
			f.make_direct_invoice(customer=customer)
		self.user = f.make_user("area.accounts@example.com", "Accounts User").name

	def allow(self, doctype: str, name: str) -> None:
		frappe.get_doc(
			{"doctype": "User Permission", "user": self.user, "allow": doctype, "for_value": name}
		).insert()

	def customers(self) -> set[str]:
		found = set()
		for group_by in ("Customer", "Sales Person"):
			rows = run(group_by=group_by, show_items=1)["result"]
			found |= {row["customer"] for row in rows if row.get("indent")}
		return found

	def test_a_user_permission_on_a_link_of_the_customer(self):
		with self.set_user(self.user):
			self.assertLessEqual({self.mine, self.other}, self.customers())
		self.allow("Territory", self.territory)
		with self.set_user(self.user):
			self.assertEqual(self.customers(), {self.mine})
			self.assertEqual(run()["result"][-1]["outstanding"], 300)

	def test_a_user_permission_on_the_customer(self):
		self.allow("Customer", self.other)
		with self.set_user(self.user):
			self.assertEqual(self.customers(), {self.other})

	def test_a_user_permission_on_the_company(self):
		self.allow("Company", f.OTHER_COMPANY)
		with self.set_user(self.user):
			self.assertEqual(run()["result"], [])

	def test_a_user_without_a_role_for_invoices(self):
		user = f.make_user("hr@example.com", "HR User").name
		with self.set_user(user):
			self.assertRaises(frappe.PermissionError, run)
			self.assertRaises(frappe.PermissionError, ours)
