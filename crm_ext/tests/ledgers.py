"""Random receivables: invoices and everything that settles them, by index, for the property test of ageing.

As in histories.py an operation picks its documents among those that exist, and what ERPNext refuses is undone and
skipped, so that any list of (operation, number) makes a ledger.
"""

import frappe
from frappe.utils import add_days, flt, nowdate

from crm_ext.tests import factories as f

_SAVEPOINT = "ledger_step"
OLDEST = 150  # days
RATES = (99.99, 333.33, 1000, 12.35, 250.5)
INVOICE, PAYMENT, JOURNAL, ORDER = "Sales Invoice", "Payment Entry", "Journal Entry", "Sales Order"


def ensure_rates() -> None:
	"""Rates of the euro by day, so that receipts bring gains and losses and nothing is asked of the internet."""
	for days, rate in ((OLDEST + 400, 1.1), (90, 1.23), (30, 1.05)):
		for pair in (("EUR", "USD", rate), ("USD", "EUR", round(1 / rate, 9))):
			frappe.get_doc(
				{
					"doctype": "Currency Exchange",
					"date": add_days(nowdate(), -days),
					"from_currency": pair[0],
					"to_currency": pair[1],
					"exchange_rate": pair[2],
					"for_buying": 1,
					"for_selling": 1,
				}
			).insert(ignore_if_duplicate=True)


def make_terms() -> str:
	"""A template of three terms: at once, after 30 and after 60 days."""
	terms = []
	for portion, days in ((30, 0), (30, 30), (40, 60)):
		name = f.unique("Term")
		term = {
			"doctype": "Payment Term",
			"payment_term_name": name,
			"invoice_portion": portion,
			"due_date_based_on": "Day(s) after invoice date",
			"credit_days": days,
		}
		frappe.get_doc(term).insert()
		terms.append({**term, "doctype": "Payment Terms Template Detail", "payment_term": name})
	return (
		frappe.get_doc(
			{
				"doctype": "Payment Terms Template",
				"template_name": f.unique("Terms"),
				"allocate_payment_based_on_payment_terms": 0,
				"terms": terms,
			}
		)
		.insert()
		.name
	)


def make_receivable(name: str) -> str:
	"""One more receivable account in the company's currency."""
	usual = frappe.db.get_value("Company", f.COMPANY, "default_receivable_account")
	return (
		frappe.get_doc(
			{
				"doctype": "Account",
				"account_name": name,
				"company": f.COMPANY,
				"parent_account": frappe.db.get_value("Account", usual, "parent_account"),
				"account_type": "Receivable",
			}
		)
		.insert()
		.name
	)


class Ledger:
	"""Documents made so far in one company, for customers of this ledger only: two in dollars, one in euro."""

	def __init__(self) -> None:
		ensure_rates()
		self.people = [f.make_sales_person().name for _number in range(3)]
		team = [
			{"sales_person": person, "allocated_percentage": percentage}
			for person, percentage in zip(self.people, (33.33, 33.33, 33.34), strict=True)
		]
		self.customers = [
			f.make_customer(sales_team=team).name,
			f.make_customer(territory="Rest Of The World", customer_group="Commercial").name,
			f.make_customer(
				default_currency="EUR",
				accounts=[
					{
						"company": f.COMPANY,
						"account": frappe.db.get_value(
							"Account", {"company": f.COMPANY, "account_name": "Debtors EUR"}
						),
					}
				],
			).name,
		]
		self.terms = make_terms()
		self.other_account = make_receivable(f.unique("Debtors"))
		self.documents: list[tuple[str, str]] = []
		self.log: list[str] = []
		self.refused = 0

	def step(self, operation: str, number: int) -> None:
		frappe.db.savepoint(_SAVEPOINT)
		before = list(self.documents)
		try:
			getattr(self, operation)(number)
			self.log.append(f"{operation}({number})")
		except frappe.ValidationError as refused:
			frappe.db.rollback(save_point=_SAVEPOINT)
			frappe.clear_messages()
			self.documents = before
			self.refused += 1
			self.log.append(f"{operation}({number}) refused: {type(refused).__name__} {str(refused)[:90]}")

	# Picking

	def pick(self, number: int, *doctypes: str, **values):
		found = [
			ref
			for ref in self.documents
			if ref[0] in doctypes and frappe.db.exists(ref[0], {"name": ref[1], "docstatus": 1, **values})
		]
		if not found:
			raise frappe.ValidationError("nothing to pick")
		return frappe.get_doc(*found[number % len(found)])

	def keep(self, document):
		self.documents.append((document.doctype, document.name))
		return document

	def day(self, number: int, after: str | None = None) -> str:
		"""A day of the last months, not before `after` and not in the future."""
		oldest = str(after or add_days(nowdate(), -OLDEST))
		return min(str(add_days(oldest, number * 7 % 97)), nowdate())

	def debtors(self, customer: str) -> str:
		return frappe.db.get_value(
			"Party Account", {"parent": customer, "company": f.COMPANY}, "account"
		) or frappe.db.get_value("Company", f.COMPANY, "default_receivable_account")

	# Operations

	def invoice(self, number: int) -> None:
		customer = self.customers[number % 3]
		day = self.day(number)
		values = {"due_date": add_days(day, (0, 15, 45, 120)[number % 4])}
		if number % 5 == 0:
			values = {"payment_terms_template": self.terms, "due_date": add_days(day, 60)}
		if customer == self.customers[2]:
			values |= {"currency": "EUR", "conversion_rate": (1.1, 1.2)[number % 2]}
		if number % 3 == 1 and number % 2:
			values["debit_to"] = self.other_account
		if number % 7 == 0:
			values["sales_team"] = [
				{"sales_person": self.people[0], "allocated_percentage": 66.67},
				{"sales_person": self.people[1], "allocated_percentage": 33.33},
			]
		self.keep(
			f.make_direct_invoice(
				rows=((f.SERVICE, 1 + number % 3, RATES[number % 5]),),
				customer=customer,
				set_posting_time=1,
				posting_date=day,
				**values,
			)
		)

	def order_with_advance(self, number: int) -> None:
		order = self.keep(
			f.make_sales_order(
				customer=self.customers[number % 2],
				transaction_date=self.day(number),
				rows=((f.SERVICE, 2, RATES[number % 5]),),
			)
		)
		share = (0.3, 1)[number % 2]
		amount = round(flt(order.rounded_total or order.grand_total) * share, 2)
		self.keep(f.make_payment(order, amount, posting_date=self.day(number, order.transaction_date)))

	def invoice_of_order(self, number: int) -> None:
		order = self.pick(number, ORDER)
		day = self.day(number, order.transaction_date)
		invoice = f.make_sales_invoice(
			order,
			submit=False,
			set_posting_time=1,
			posting_date=day,
			due_date=add_days(day, 30),
			payment_schedule=[],
		)
		if number % 2:
			invoice.set_advances()
			invoice.save()
		self.keep(invoice.submit())

	def payment(self, number: int) -> None:
		invoice = self.pick(number, INVOICE)
		amount = round(abs(flt(invoice.outstanding_amount)) * (1, 0.5, 0.37, 1.2)[number % 4], 2)
		self.keep(f.make_payment(invoice, amount, posting_date=self.day(number, invoice.posting_date)))

	def on_account(self, number: int) -> None:
		invoice = self.pick(number, INVOICE, is_return=0)
		self.keep(
			f.make_payment(
				invoice,
				round(50 + number * 3.33, 2),
				references=[],
				posting_date=self.day(number, invoice.posting_date),
			)
		)

	def credit_note(self, number: int) -> None:
		invoice = self.pick(number, INVOICE, is_return=0)
		self.keep(
			f.make_return(
				invoice,
				(1, 0.5)[number % 2],
				update_outstanding_for_self=number % 3 == 0,
				set_posting_time=1,
				posting_date=self.day(number, invoice.posting_date),
				payment_schedule=[],
				payment_terms_template=None,
			)
		)

	def journal_receipt(self, number: int) -> None:
		invoice = self.pick(number, INVOICE, is_return=0, party_account_currency="USD")
		amount = round(flt(invoice.outstanding_amount) * (0.4, 1)[number % 2], 2)
		self.keep(
			f.make_journal_receipt(invoice, amount, posting_date=self.day(number, invoice.posting_date))
		)

	def refund_of_credit(self, number: int) -> None:
		"""Money paid out against a credit note, also one that was set off at once."""
		credit = self.pick(number, INVOICE, is_return=1, party_account_currency="USD")
		self.keep(
			self.journal(
				self.day(number, credit.posting_date),
				{
					"account": credit.debit_to,
					"party": credit.customer,
					"debit_in_account_currency": round(abs(flt(credit.grand_total)) * 0.5, 2),
					"reference_type": INVOICE,
					"reference_name": credit.name,
				},
				f.cash_account(f.COMPANY),
			)
		)

	def write_off(self, number: int) -> None:
		invoice = self.pick(number, INVOICE, is_return=0, party_account_currency="USD")
		self.keep(
			self.journal(
				self.day(number, invoice.posting_date),
				{
					"account": invoice.debit_to,
					"party": invoice.customer,
					"credit_in_account_currency": min(flt(invoice.outstanding_amount), 5.55),
					"reference_type": INVOICE,
					"reference_name": invoice.name,
				},
				frappe.db.get_value("Company", f.COMPANY, "write_off_account"),
				voucher_type="Write Off Entry",
			)
		)

	def journal_invoice(self, number: int) -> None:
		"""What is owed by a journal, with a bill and a due date or without; or money on account by one."""
		day, customer = self.day(number), self.customers[number % 2]
		side = "credit_in_account_currency" if number % 4 == 3 else "debit_in_account_currency"
		bill = (
			{"bill_no": f"B{number}", "bill_date": day, "due_date": add_days(day, 45)} if number % 3 else {}
		)
		self.keep(
			self.journal(
				day,
				{"account": self.debtors(customer), "party": customer, side: 77.77 + number},
				f.cash_account(f.COMPANY),
				**bill,
			)
		)

	def revaluation(self, number: int) -> None:
		"""A difference in company currency alone, on an invoice in euro."""
		invoice = self.pick(number, INVOICE, is_return=0, party_account_currency="EUR")
		rows = [
			{
				"account": invoice.debit_to,
				"party_type": "Customer",
				"party": invoice.customer,
				"reference_type": INVOICE if number % 2 else None,
				"reference_name": invoice.name if number % 2 else None,
				"debit": 4.56,
				"debit_in_account_currency": 0,
				"exchange_rate": 1,
			},
			{
				"account": frappe.db.get_value("Company", f.COMPANY, "exchange_gain_loss_account"),
				"credit": 4.56,
				"credit_in_account_currency": 4.56,
				"exchange_rate": 1,
				"cost_center": f.cost_center(f.COMPANY),
			},
		]
		self.keep(
			frappe.get_doc(
				{
					"doctype": JOURNAL,
					"voucher_type": "Exchange Gain Or Loss",
					"company": f.COMPANY,
					"multi_currency": 1,
					"posting_date": self.day(number, invoice.posting_date),
					"accounts": rows,
				}
			)
			.insert()
			.submit()
		)

	def reconcile(self, number: int) -> None:
		invoice = self.pick(number, INVOICE, is_return=0)
		f.reconcile(f.COMPANY, invoice.customer, invoice.name, 33.33 if number % 2 else None)

	def unreconcile(self, number: int) -> None:
		f.unreconcile(self.pick(number, PAYMENT, JOURNAL))

	def cancel(self, number: int) -> None:
		self.pick(number, INVOICE, PAYMENT, JOURNAL).cancel()

	def journal(self, day: str, row: dict, against: str, **values):
		side = "credit" if row.get("debit_in_account_currency") else "debit"
		amount = row.get("debit_in_account_currency") or row.get("credit_in_account_currency")
		center = f.cost_center(f.COMPANY)
		return (
			frappe.get_doc(
				{
					"doctype": JOURNAL,
					"company": f.COMPANY,
					"posting_date": day,
					"accounts": [
						{**row, "party_type": "Customer", "cost_center": center},
						{"account": against, f"{side}_in_account_currency": amount, "cost_center": center},
					],
					**values,
				}
			)
			.insert()
			.submit()
		)


_HELPERS = ("step", "pick", "keep", "day", "debtors", "journal")
OPERATIONS = sorted(name for name in vars(Ledger) if not name.startswith("_") and name not in _HELPERS)
# What happens most is drawn most.
WEIGHTED = [*OPERATIONS, *["invoice"] * 3, *["payment"] * 3, "credit_note", "reconcile", "invoice_of_order"]
