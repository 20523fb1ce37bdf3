"""Receipts and Days Sales Outstanding against the ledgers counted voucher by voucher, and who may see them.

CRM_EXT_LEDGERS sets how many random ledgers are tried (default 2, the same ones each time; more are drawn at random).
"""

import os
from collections import Counter, defaultdict
from datetime import date, timedelta

import frappe
from frappe.desk import query_report
from frappe.utils import flt, get_last_day_of_week, getdate, nowdate
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crm_ext.api import receivable_cards as cards_api
from crm_ext.receivables import dso_queries, receipt_queries
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase
from crm_ext.tests.money import Money, days_back

# Companies, currencies, trees, permission and the figures; nothing that grows with the number of vouchers.
QUERIES = 12
LEDGERS = int(os.environ.get("CRM_EXT_LEDGERS", "2"))
OPERATIONS = (
	*("invoice", "pay", "pay_less", "on_account", "till", "journal", "journal_of_invoice"),
	*("advance", "refund", "credit_note", "reconcile", "reconcile", "unreconcile", "cancel"),
)
# Every kind of receipt once, so that a drawn step has something to work on.
START = [
	*(("invoice", number) for number in (0, 1, 2, 5)),
	*(("till", number) for number in (0, 1)),
	("pay", 1),
	("pay", 2),
	("pay_less", 0),
	("on_account", 3),
	("journal", 1),
	("journal", 2),
]
STEPS = st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 40)), min_size=8, max_size=10)


def receipts(**filters) -> dict:
	"""As the desk does, by the standard report with its roles."""
	return query_report.run("Receipts", filters=frappe._dict(filters), ignore_prepared_report=True)


def dso_of(**filters) -> dict:
	return query_report.run(
		"Days Sales Outstanding", filters=frappe._dict(filters), ignore_prepared_report=True
	)


# Voucher by voucher


def read_money(money: Money) -> list[frappe._dict]:
	"""Every receipt of the ledger: one row a voucher, customer, document it is against and mode of payment."""
	found = []
	for doctype, name in money.vouchers:
		voucher = frappe.get_doc(doctype, name)
		if voucher.docstatus != 1:
			continue
		entries = frappe.get_all(
			"Payment Ledger Entry",
			{"voucher_no": name, "delinked": 0, "party": ("in", money.customers)},
			["*"],
			order_by="name",
		)
		bank = bank_side(doctype, name)
		if doctype == "Sales Invoice":
			modes = {row.account: row.mode_of_payment for row in voucher.payments}
			found += [
				receipt(voucher, voucher.customer, name, modes[account], amount, amount, "USD", False)
				for account, amount in bank.items()
			]
			continue
		total = -sum(entry.amount for entry in entries)
		came = sum(bank.values())
		part = min(1.0, came / total) if came * total > 0 else 0.0
		for entry in entries if part else ():
			invoice = entry.against_voucher_no if entry.against_voucher_type == "Sales Invoice" else None
			found.append(
				receipt(
					voucher,
					entry.party,
					invoice,
					voucher.mode_of_payment,
					-entry.amount * part,
					-entry.amount_in_account_currency * part,
					entry.account_currency,
					entry.against_voucher_no == name,
				)
			)
	return found


def bank_side(doctype: str, name: str) -> dict[str, float]:
	"""What the General Ledger says came into bank and cash accounts, by account."""
	sums: Counter = Counter()
	for entry in frappe.get_all(
		"GL Entry",
		{"voucher_type": doctype, "voucher_no": name, "is_cancelled": 0},
		["account", "debit", "credit"],
		order_by="name",
	):
		if frappe.get_cached_value("Account", entry.account, "account_type") in ("Bank", "Cash"):
			sums[entry.account] += entry.debit - entry.credit
	return sums


def receipt(voucher, customer, invoice, mode, base, party, currency, on_account) -> frappe._dict:
	return frappe._dict(
		voucher=voucher.name,
		day=getdate(voucher.posting_date),
		company=voucher.company,
		customer=customer,
		invoice=invoice,
		mode_of_payment=mode,
		base=base,
		party=party,
		currency=currency,
		on_account=on_account,
	)


def people_of(row) -> dict[str | None, float]:
	"""Sales person -> share."""
	team = []
	for parent in filter(None, (row.invoice, row.customer)):
		team = team or frappe.get_all(
			"Sales Team", {"parent": parent}, ["sales_person", "allocated_percentage"], order_by="idx"
		)
	shares = {member.sales_person: member.allocated_percentage / 100 for member in team}
	return shares or {None: 1.0}


def key_of(row, group_by: str):
	if group_by == "month":
		return row.day.year * 100 + row.day.month
	if group_by in ("customer_group", "territory"):
		return frappe.db.get_value("Customer", row.customer, group_by) or None
	return row[group_by]


def summed(rows: list, group_by: str, measure: str, currency: str | None = None) -> dict:
	sums: dict = defaultdict(float)
	for row in rows:
		shares = people_of(row) if group_by == "sales_person" else {key_of(row, group_by): 1.0}
		for key, share in shares.items():
			sums[(currency or row.currency, key)] += row[measure] * share
	return sums


def read_due(money: Money, from_date: date, to_date: date) -> list[frappe._dict]:
	"""Every term of every invoice due in a period; what is settled counts for the first terms."""
	found = []
	for _doctype, name in (ref for ref in money.vouchers if ref[0] == "Sales Invoice"):
		invoice = frappe.get_doc("Sales Invoice", name)
		if invoice.docstatus != 1 or invoice.is_return:
			continue
		whole = invoice.rounded_total or invoice.grand_total
		terms = sorted(
			((getdate(term.due_date), term.payment_amount) for term in invoice.payment_schedule),
			key=lambda term: term[0],
		)
		terms = terms or [(getdate(invoice.due_date or invoice.posting_date), whole)]
		settled = sum(amount for _day, amount in terms) - max(0, invoice.outstanding_amount)
		if settled < 0:
			# Cents that terms in percent leave over.
			terms[0] = (terms[0][0], terms[0][1] - settled)
			settled = 0
		for day, amount in terms:
			paid = min(amount, max(0.0, settled))
			settled -= paid
			if from_date <= day <= to_date:
				found.append(
					frappe._dict(
						day=day,
						customer=invoice.customer,
						invoice=name,
						company=invoice.company,
						currency=invoice.currency,
						due=amount * invoice.conversion_rate,
						open=(amount - paid) * invoice.conversion_rate,
					)
				)
	return found


class MoneyTestCase(SiteTestCase):
	def setUp(self):
		super().setUp()
		self.money = Money()
		self.today = getdate(nowdate())
		self.first = self.today - timedelta(days=200)

	def filters(self, **filters) -> dict:
		return {
			"company": f.COMPANY,
			"customer_group": self.money.group,
			"from_date": str(self.first),
			"to_date": str(self.today + timedelta(days=200)),
			**filters,
		}

	def rows(self, **filters) -> list[dict]:
		return receipts(**self.filters(**filters))["result"]

	def make(self, *steps: tuple[str, int]) -> None:
		for operation, number in steps:
			getattr(self.money, operation)(number)


class TestLedgers(SiteTestCase):
	@settings(
		max_examples=LEDGERS,
		deadline=None,
		derandomize="CRM_EXT_LEDGERS" not in os.environ,
		database=None,
		print_blob=True,
		suppress_health_check=list(HealthCheck),
		phases=(Phase.explicit, Phase.generate),  # a smaller example would take minutes to find
	)
	@given(steps=STEPS)
	def test_figures_equal_the_ledgers_by_every_grouping(self, steps):
		frappe.db.rollback()
		money = Money()
		for operation, number in START:
			getattr(money, operation)(number)
		for operation, number in steps:
			money.step(operation, number)
		try:
			self.check_receipts(money)
			self.check_due(money)
			self.check_dso(money)
		except AssertionError as error:
			raise AssertionError(f"after {'; '.join(money.log)}\n{error}") from error
		frappe.db.rollback()

	def filters(self, money: Money, **filters) -> dict:
		today = getdate(nowdate())
		return {
			"company": f.COMPANY,
			"customer_group": money.group,
			"from_date": str(today - timedelta(days=200)),
			"to_date": str(today + timedelta(days=200)),
			**filters,
		}

	def check_receipts(self, money: Money) -> None:
		expected = read_money(money)
		total = flt(sum(row.base for row in expected), 2)
		self.assertAlmostEqual(total, self.by_payment_ledger(money), 2, "the Payment Ledger says otherwise")
		self.assertTrue(total)
		for group_by in receipt_queries.GROUPS:
			for in_party_currency in (0, 1):
				rows = receipts(
					**self.filters(money, group_by=group_by, in_party_currency=in_party_currency)
				)["result"]
				measure, currency = ("party", None) if in_party_currency else ("base", "USD")
				label = f"{group_by}, {measure}"
				wanted = summed(expected, group_by, measure, currency)
				actual = {(row["currency"], row["key"]): row["received"] for row in rows}
				self.compare(actual, wanted, label)
				for money_of in {key[0] for key in wanted}:
					whole = sum(amount for key, amount in wanted.items() if key[0] == money_of)
					groups = sum(amount for key, amount in actual.items() if key[0] == money_of)
					self.assertAlmostEqual(
						groups, flt(whole, 2), 6, f"{label} {money_of}: not each cent once"
					)
				kept = summed([row for row in expected if row.on_account], group_by, measure, currency)
				self.compare(
					{(row["currency"], row["key"]): row["on_account"] for row in rows},
					kept,
					f"{label}, on account",
				)
		listed = receipts(**self.filters(money, show_vouchers=1))["result"]
		by_voucher = summed(expected, "voucher", "base", "USD")
		sums: Counter = Counter()
		for row in listed:
			sums[("USD", row["voucher_no"])] += row["received"]
		self.compare(sums, by_voucher, "vouchers")

	def compare(self, actual: dict, expected: dict, label: str) -> None:
		for key in {*actual, *expected}:
			difference = actual.get(key, 0.0) - expected.get(key, 0.0)
			self.assertLess(abs(difference), 0.01 + 1e-6, f"{label}: {key} {actual} {dict(expected)}")

	def by_payment_ledger(self, money: Money) -> float:
		"""What the Payment Ledger holds of receipts, less what the ledger's maker knows to be no money."""
		names = [name for doctype, name in money.vouchers if doctype != "Sales Invoice"]
		live = [
			name for doctype, name in money.vouchers if frappe.db.get_value(doctype, name, "docstatus") == 1
		]
		credited = -flt(
			frappe.db.sql(
				"""SELECT SUM(amount) FROM `tabPayment Ledger Entry` WHERE delinked = 0 AND voucher_no IN %s
				AND party IN %s AND account_type = 'Receivable'""",
				(names, money.customers),
			)[0][0]
		)
		tills = frappe.get_all(
			"Sales Invoice",
			{"name": ("in", live), "is_pos": 1},
			["name", "base_grand_total", "base_rounded_total"],
			order_by="name",
		)
		for till in tills:
			rest = frappe.db.sql(
				"SELECT SUM(amount) FROM `tabPayment Ledger Entry` WHERE delinked = 0 AND voucher_no = %s",
				till.name,
			)[0][0]
			credited += (till.base_rounded_total or till.base_grand_total) - flt(rest)
		return flt(credited - sum(money.no_money.get(name, 0) for name in live), 2)

	def check_due(self, money: Money) -> None:
		today = getdate(nowdate())
		for from_date, to_date in (
			(today - timedelta(200), today + timedelta(200)),
			(today, today + timedelta(30)),
		):
			expected = read_due(money, from_date, to_date)
			for group_by in receipt_queries.DUE_GROUPS:
				rows = receipts(
					**self.filters(money, group_by=group_by, from_date=str(from_date), to_date=str(to_date))
				)["result"]
				for measure in ("due", "open"):
					self.compare(
						{(row["currency"], row["key"]): row[measure] for row in rows},
						summed(expected, group_by, measure, "USD"),
						f"{measure} by {group_by}",
					)

	def check_dso(self, money: Money) -> None:
		"""Receivables are Accounts Receivable's at the end of each month, and add up over sales people."""
		# Asks the database when it is imported.
		from erpnext.accounts.report.accounts_receivable_summary.accounts_receivable_summary import execute

		found = dso_of(company=f.COMPANY, customer_group=money.group, months=4)["result"]
		for row in found:
			filters = frappe._dict(
				company=f.COMPANY,
				report_date=str(row["month_end"]),
				ageing_based_on="Due Date",
				range="30, 60, 90, 120",
				customer_group=[money.group],
				party_type="Customer",
			)
			expected = sum(line.outstanding for line in execute(filters)[1])
			self.assertAlmostEqual(row["receivables"], expected, 2, f"receivables at {row['month_end']}")
			first = row["month_end"].replace(day=1)
			sold = frappe.db.sql(
				"""SELECT SUM(amount) FROM `tabPayment Ledger Entry` WHERE delinked = 0 AND party IN %s
				AND voucher_type = 'Sales Invoice' AND posting_date BETWEEN %s AND %s""",
				(money.customers, first, row["month_end"]),
			)[0][0]
			alone = dso_of(
				company=f.COMPANY,
				customer_group=money.group,
				months=1,
				window=1,
				to_date=str(row["month_end"]),
			)["result"]
			self.assertAlmostEqual(alone[0]["sales"] if alone else 0, flt(sold), 2, f"sales of {first}")
		people = [
			dso_of(company=f.COMPANY, customer_group=money.group, months=4, sales_person=person)["result"]
			for person in ("CRM Ext Seller", "CRM Ext Hunter", "CRM Ext Farmer")
		]
		whole = dso_of(company=f.COMPANY, customer_group=money.group, months=4, sales_person="Sales Team")[
			"result"
		]
		for index, row in enumerate(whole):
			parts = sum(rows[index]["receivables"] for rows in people if rows)
			self.assertAlmostEqual(row["receivables"], parts, 4)


class TestReceipts(MoneyTestCase):
	def received(self, **filters) -> dict:
		return {row["key"]: row["received"] for row in self.rows(**filters)}

	def customer(self, number: int) -> str:
		return self.money.customers[number]

	def test_only_the_money_of_a_voucher_counts(self):
		self.make(("invoice", 4), ("pay_less", 0), ("journal", 1), ("journal", 2))
		invoice = frappe.get_doc(*self.money.vouchers[0])
		# journal(1) brings 31.10 and 46.55, of which 10 are written off; journal(2) brings nothing.
		part = (31.1 + 46.55 - 10) / (31.1 + 46.55)
		expected = {
			self.customer(0): flt(31.1 * part, 2),
			self.customer(1): flt(invoice.grand_total - 7.77 + 46.55 * part, 2),
		}
		self.assertEqual(self.received(group_by="customer"), expected)

	def test_a_refund_takes_from_it_and_credit_notes_do_not(self):
		self.make(("invoice", 0), ("on_account", 0), ("refund", 0), ("credit_note", 0))
		rows = self.rows(group_by="customer")
		self.assertEqual([(row["received"], row["refunded"]) for row in rows], [(45, 5)])

	def test_money_on_account_stays_where_it_came(self):
		"""Reconciling an advance changes whose invoice it paid, not the day and not the amount."""
		payment = self.money.payment(2, self.customer(1), 80, mode_of_payment="Check").insert().submit()
		before = self.rows()
		self.assertEqual([(row["received"], row["on_account"]) for row in before], [(80, 80)])
		self.assertEqual(self.received(group_by="sales_person"), {None: 80})
		invoice = self.money.invoice(7)  # of the customer without a team, sold by three
		f.reconcile(f.COMPANY, self.customer(1), invoice.name)
		after = [row for row in self.rows() if row["received"]]
		self.assertEqual(
			[(row["key"], row["received"], row["on_account"]) for row in after], [(before[0]["key"], 80, 0)]
		)
		self.assertEqual(
			{key: amount for key, amount in self.received(group_by="sales_person").items() if amount},
			{"CRM Ext Farmer": 26.67, "CRM Ext Hunter": 26.66, "CRM Ext Seller": 26.67},
		)
		payment.reload().cancel()
		self.assertFalse(any(row["received"] for row in self.rows()))

	def test_an_advance_in_an_account_of_its_own_counts_once(self):
		"""ERPNext then dates the reconciliation on its own; the money came when it came."""
		account = frappe.get_doc(
			{
				"doctype": "Account",
				"account_name": f.unique("Advances"),
				"company": f.COMPANY,
				"parent_account": frappe.db.get_value("Account", self.money.receivable, "parent_account"),
				"account_type": "Receivable",
			}
		).insert()
		frappe.db.set_value(
			"Company",
			f.COMPANY,
			{
				"book_advance_payments_in_separate_party_account": 1,
				"default_advance_received_account": account.name,
				"reconciliation_takes_effect_on": "Reconciliation Date",
			},
		)
		frappe.clear_document_cache("Company", f.COMPANY)
		came = self.today - timedelta(days=min(70, self.today.timetuple().tm_yday - 1))
		self.money.payment(
			2, self.customer(1), 80, mode_of_payment="Check", posting_date=came, paid_from=account.name
		).insert().submit()
		invoice = self.money.invoice(4)
		f.reconcile(f.COMPANY, self.customer(1), invoice.name, advance_account=account.name)
		frappe.clear_document_cache("Company", f.COMPANY)
		rows = [row for row in self.rows() if row["received"]]
		self.assertEqual(
			[(row["key"], row["received"], row["on_account"]) for row in rows],
			[(came.year * 100 + came.month, 80, 0)],
		)

	def test_change_comes_out_of_the_till(self):
		self.make(("till", 1))
		invoice = frappe.get_doc(*self.money.vouchers[0])
		self.assertEqual((invoice.change_amount, invoice.outstanding_amount), (20, 0))
		self.assertEqual(
			self.received(group_by="mode_of_payment"),
			{"Wire Transfer": 40, "Cash": flt(invoice.grand_total - 40, 2)},
		)

	def test_terms_are_due_one_by_one(self):
		invoice = self.money.invoice(1, 1000, posting_date=str(days_back(10)))
		payment = self.money.payment(2, invoice.customer, 350, mode_of_payment="Cash")
		payment.append("references", self.money.reference(invoice, 350))
		payment.insert().submit()
		days = [getdate(term.due_date) for term in invoice.payment_schedule]
		whole = self.rows(group_by="customer")
		self.assertEqual([(row["due"], row["open"]) for row in whole], [(1000, 650)])
		found = [
			[
				(row["due"], row["open"], row["settled"])
				for row in self.rows(group_by="customer", from_date=str(day), to_date=str(day))
				if row["due"]
			]
			for day in days
		]
		self.assertEqual(found, [[(300, 0, 100)], [(500, 450, 10)], [(200, 200, 0)]])

	def test_filters_narrow_it(self):
		self.make(("on_account", 0), ("on_account", 1), ("on_account", 2))
		self.assertEqual(sum(self.received(customer=self.customer(1)).values()), 51)
		self.assertEqual(sum(self.received(mode_of_payment="Check").values()), 51)
		self.assertEqual(self.received(group_by="mode_of_payment")["Cash"], 50)
		self.assertEqual(self.rows(customer=self.customer(1), group_by="mode_of_payment")[0]["key"], "Check")
		self.assertEqual(
			self.received(sales_person="CRM Ext Hunter", group_by="customer"), {self.customer(0): 33.34}
		)
		self.assertEqual(
			sum(self.received(customer_group="All Customer Groups", customer=self.customer(0)).values()), 50
		)
		self.assertEqual(self.received(company=f.OTHER_COMPANY), {})

	def test_party_currency(self):
		self.make(("on_account", 0), ("on_account", 5))
		rows = self.rows(group_by="company", in_party_currency=1)
		self.assertEqual([(row["currency"], row["received"]) for row in rows], [("EUR", 55), ("USD", 50)])
		found = receipts(**self.filters(group_by="company", in_party_currency=1))
		self.assertIsNone(found["chart"], "amounts of two currencies in one chart")
		self.assertEqual([part["currency"] for part in found["report_summary"]], ["EUR", "USD"])

	def test_chart_summary_and_drill_down(self):
		self.make(("invoice", 4), ("on_account", 4), ("refund", 1))
		found = receipts(**self.filters())
		total = sum(row["received"] for row in found["result"])
		self.assertEqual(found["report_summary"][0]["value"], total)
		self.assertEqual(sum(found["chart"]["data"]["datasets"][0]["values"]), total)
		for group_by in ("month", "customer", "mode_of_payment", "territory"):
			for row in self.rows(group_by=group_by):
				if not row["drill"]:
					continue
				listed = self.rows(group_by=group_by, **row["drill"])
				self.assertAlmostEqual(sum(each["received"] for each in listed), row["received"], 2)
				for each in listed:
					self.assertTrue(frappe.db.exists(each["voucher_type"], each["voucher_no"]))

	def test_months_without_receipts_are_shown(self):
		if self.today.month < 4:
			self.skipTest("the fiscal year has just begun")
		months = [self.today.replace(month=self.today.month - back, day=1) for back in (3, 2, 1, 0)]
		for day in (months[0], months[3]):
			self.money.payment(
				2, self.customer(1), 10, posting_date=day, mode_of_payment="Cash"
			).insert().submit()
		keys = [month.year * 100 + month.month for month in months]
		self.assertEqual(
			[(row["key"], row["received"]) for row in self.rows()],
			list(zip(keys, (10, 0, 0, 10), strict=True)),
		)

	def test_the_list_is_limited_and_says_so(self):
		self.make(("on_account", 0), ("on_account", 1), ("on_account", 3))
		period = receipt_queries.period_of(self.filters())
		rows, more = receipt_queries.read_vouchers(period, 2)
		self.assertEqual((len(rows), more), (2, True))
		self.assertEqual([row.day for row in rows], sorted((row.day for row in rows), reverse=True))
		self.assertFalse(receipt_queries.read_vouchers(period, 3)[1])

	def test_bad_filters_are_refused(self):
		for filters in (
			{"group_by": "name; DROP TABLE tabCustomer"},
			{"from_date": str(self.today + timedelta(days=300))},
			{"from_date": "yesterday"},
			{"customer": ["like", "%"]},
		):
			with self.subTest(filters), self.assertRaises(frappe.ValidationError):
				self.rows(**filters)
		self.assertEqual(self.rows(customer="' OR 1=1 -- %s"), [])

	def test_queries_do_not_grow_with_the_receipts(self):
		self.make(("invoice", 4), ("on_account", 0))
		period = receipt_queries.period_of(self.filters(group_by="sales_person"))
		receipt_queries.read_figures(period)
		with self.assertQueryCount(QUERIES):
			receipt_queries.read_figures(period)
		self.make(*(("on_account", number) for number in range(6)), ("till", 1))
		with self.assertQueryCount(QUERIES):
			receipt_queries.read_figures(period)


class TestDaysSalesOutstanding(MoneyTestCase):
	def line(self, **filters) -> list[dict]:
		return dso_of(**{"company": f.COMPANY, "customer_group": self.money.group, **filters})["result"]

	def test_a_month_in_figures(self):
		self.money.invoice(1, 900, posting_date=str(self.today), payment_schedule=[])
		self.money.keep(
			self.money.payment(2, self.money.customers[1], 300, posting_date=self.today).insert().submit()
		)
		self.money.till(0)  # leaves 15 of the sale open: 15 of it is on credit
		late = frappe.get_doc(*self.money.vouchers[-1])
		frappe.db.set_value("Payment Ledger Entry", {"voucher_no": late.name}, "posting_date", self.today)
		row = self.line(window=1)[-1]
		self.assertEqual((row["receivables"], row["sales"], row["days"]), (615, 915, self.today.day))
		self.assertAlmostEqual(row["classical"], 615 / 915 * self.today.day, 6)
		self.assertAlmostEqual(row["countback"], 615 / 915 * self.today.day, 6)

	def test_opening_invoices_are_owed_and_not_sold(self):
		opening = frappe.db.get_value("Account", {"company": f.COMPANY, "account_type": "Temporary"})
		invoice = f.make_direct_invoice(
			((f.SERVICE, 1, 400),), submit=False, customer=self.money.customers[1], is_opening="Yes"
		)
		invoice.items[0].income_account = opening
		invoice.save().submit()
		row = self.line(window=1)[-1]
		self.assertEqual((row["receivables"], row["sales"], row["classical"]), (400, 0, None))

	def test_method_chart_and_summary(self):
		self.money.invoice(1, 400, posting_date=str(self.today))
		for method, figure in (("Classical", "classical"), ("Countback", "countback")):
			found = dso_of(company=f.COMPANY, customer_group=self.money.group, method=method, months=24)
			self.assertEqual(len(found["result"]), 24)
			last = found["result"][-1]
			self.assertEqual(found["chart"]["type"], "line")
			self.assertEqual(found["chart"]["data"]["datasets"][0]["values"][-1], round(last[figure], 1))
			self.assertEqual(found["report_summary"][0]["value"], 400)

	def test_one_query_for_all_months(self):
		self.make(("invoice", 1))
		for months in (1, 36):
			plan = dso_queries.plan_of(
				{"company": f.COMPANY, "months": months, "customer_group": self.money.group}
			)
			dso_queries.read_line(plan)
			with self.assertQueryCount(QUERIES):
				self.assertEqual(len(dso_queries.read_line(plan)), months)

	def test_bad_filters_are_refused(self):
		for filters in (
			{"months": 0.5},
			{"months": 1000},
			{"window": 100},
			{"method": "Guess"},
			{"company": "Nobody's"},
			{"company": None},
			{"territory": ["like", "%"]},
			{"to_date": "soon"},
		):
			with self.subTest(filters), self.assertRaises(frappe.ValidationError):
				self.line(**filters)


class TestWhoSeesWhat(MoneyTestCase):
	def user(self, *roles: str) -> str:
		return f.make_user(f"{f.unique('u').split()[1]}@example.com", *roles).name

	def permit(self, user: str, doctype: str, name: str) -> None:
		frappe.get_doc(
			{"doctype": "User Permission", "user": user, "allow": doctype, "for_value": name}
		).insert()

	def figures(self) -> tuple:
		cards = [
			method({"company": f.COMPANY})["value"]
			for method in (cards_api.outstanding, cards_api.overdue, cards_api.received_this_month)
		]
		rows = self.rows(group_by="customer")
		line = dso_of(company=f.COMPANY, customer_group=self.money.group)["result"]
		listed = self.rows(show_vouchers=1)
		return (
			{row["key"] for row in rows},
			{row["customer"] for row in listed},
			line[-1]["receivables"] if line else 0,
			cards,
		)

	def test_user_permissions_hold_everywhere(self):
		self.make(("invoice", 0), ("invoice", 1), ("on_account", 0), ("on_account", 1), ("till", 0))
		one, other = self.money.customers[:2]
		user = self.user("Accounts User")
		self.permit(user, "Customer", other)
		own = frappe.db.sql(
			"SELECT SUM(amount) FROM `tabPayment Ledger Entry` WHERE delinked = 0 AND party = %s", other
		)[0][0]
		self.assertEqual(self.figures()[0], {one, other})
		frappe.set_user(user)
		keys, customers, receivables, cards = self.figures()
		self.assertEqual((keys, customers), ({other}, {other}))
		self.assertAlmostEqual(receivables, flt(own), 2)
		self.assertAlmostEqual(cards[0], flt(own), 2)

	def test_a_company_one_may_not_see(self):
		self.make(("invoice", 0), ("on_account", 0), ("till", 0))
		user = self.user("Accounts User")
		self.permit(user, "Company", f.OTHER_COMPANY)
		frappe.set_user(user)
		self.assertEqual(self.figures(), (set(), set(), 0, [0, 0, 0]))

	def test_a_user_without_a_role_for_receipts(self):
		for roles in (("Employee",), ("Sales User",)):
			frappe.set_user(self.user(*roles))
			for call in (receipts, dso_of, cards_api.outstanding, cards_api.overdue):
				with self.subTest(roles, call=call.__name__), self.assertRaises(frappe.PermissionError):
					call()
			frappe.set_user("Administrator")


class TestCards(MoneyTestCase):
	def cards(self) -> dict:
		methods = ("outstanding", "overdue", "due_this_week", "received_this_month")
		return {
			name: getattr(cards_api, name)(frappe.as_json({"company": f.COMPANY}))["value"]
			for name in methods
		}

	def test_cards_follow_what_happens(self):
		before = self.cards()
		past, week_end = str(days_back(9)), getdate(get_last_day_of_week(self.today))
		for due in (past, str(self.today)):
			self.money.invoice(4, 900, posting_date=past, due_date=due)
		self.money.payment(2, self.money.customers[1], 100, posting_date=self.today).insert().submit()
		after = self.cards()
		terms = [
			term
			for _doctype, name in self.money.vouchers
			for term in frappe.get_doc("Sales Invoice", name).payment_schedule
		]
		days = [getdate(term.due_date) for term in terms]
		self.assertEqual(sum(term.payment_amount for term in terms), 1800)
		expected = {
			"outstanding": 1700,
			"overdue": 900 * sum(day < self.today for day in days),
			"due_this_week": 900 * sum(self.today <= day <= week_end for day in days),
			"received_this_month": 100,
		}
		for name, amount in expected.items():
			self.assertAlmostEqual(after[name] - before[name], amount, 2, name)

	def test_every_card_and_chart_of_the_workspace_opens(self):
		workspace = frappe.get_doc("Workspace", "CRM Ext")
		ours = {
			"Receivables Outstanding",
			"Overdue Receivables",
			"Receivables Due This Week",
			"Received This Month",
		}
		self.assertLessEqual(ours, {card.number_card_name for card in workspace.number_cards})
		for name in ours:
			card = frappe.get_doc("Number Card", name)
			self.assertIn("value", frappe.get_attr(card.method)(frappe.as_json({"company": f.COMPANY})))
		for name in ("Receipts by Month", "Days Sales Outstanding"):
			chart = frappe.get_doc("Dashboard Chart", name)
			self.assertIn(name, {row.chart_name for row in workspace.charts})
			self.make(("invoice", 1))
			filters = frappe.parse_json(chart.filters_json) | {"company": f.COMPANY}
			found = query_report.run(
				chart.report_name, filters=frappe._dict(filters), ignore_prepared_report=True
			)
			self.assertTrue(found["chart"]["data"]["labels"])
