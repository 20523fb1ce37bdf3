"""Random ledgers of customers: what brings money, what only looks like it, and what undoes it.

An operation picks its documents among those that exist, so that any list of (operation, number) is a history. What
ERPNext refuses is undone and skipped, as it would be for a user.
"""

from datetime import date, timedelta

import frappe
from frappe.utils import flt, getdate, nowdate

from crm_ext.tests import factories as f

_SAVEPOINT = "money_step"
RATES = (1.0, 1.25, 1.5)
MODES = ("Cash", "Check", "Wire Transfer", None)
_PERSON = ("CRM Ext Seller", "CRM Ext Hunter", "CRM Ext Farmer")


def ensure_people() -> None:
	for name in _PERSON:
		if not frappe.db.exists("Sales Person", name):
			f.make_sales_person(sales_person_name=name)


def days_back(number: int) -> date:
	"""A day before today; ERPNext has the fiscal year of today only."""
	today = getdate(nowdate())
	return today - timedelta(days=min(number % 150, today.timetuple().tm_yday - 1))


def team(*shares: tuple[int, float]) -> list[dict]:
	return [{"sales_person": _PERSON[number], "allocated_percentage": share} for number, share in shares]


class Money:
	"""Vouchers made so far in one company for three customers of a group of their own: one with a sales team, one
	without, one in euro.
	"""

	def __init__(self) -> None:
		ensure_people()
		self.group = (
			frappe.get_doc(
				{
					"doctype": "Customer Group",
					"customer_group_name": f.unique("Group"),
					"parent_customer_group": "All Customer Groups",
				}
			)
			.insert()
			.name
		)
		sold = team((0, 33.33), (1, 66.67))
		self.customers = [
			f.make_customer(customer_group=self.group, sales_team=sold).name,
			f.make_customer(customer_group=self.group).name,
			f.make_customer(customer_group=self.group, default_currency="EUR").name,
		]
		self.foreign = frappe.db.get_value("Account", {"company": f.COMPANY, "account_name": "Debtors EUR"})
		foreign = frappe.get_doc("Customer", self.customers[2])
		foreign.append("accounts", {"company": f.COMPANY, "account": self.foreign})
		foreign.save()
		self.receivable = frappe.db.get_value("Company", f.COMPANY, "default_receivable_account")
		self.write_off_account = frappe.db.get_value("Company", f.COMPANY, "write_off_account")
		self.bank = (
			frappe.get_doc(
				{
					"doctype": "Account",
					"account_name": f.unique("Bank"),
					"company": f.COMPANY,
					"parent_account": frappe.db.get_value(
						"Account", {"company": f.COMPANY, "account_type": "Bank", "is_group": 1}
					),
					"account_type": "Bank",
				}
			)
			.insert()
			.name
		)
		for mode, account in (("Wire Transfer", self.bank), ("Cash", f.cash_account(f.COMPANY))):
			document = frappe.get_doc("Mode of Payment", mode)
			document.set("accounts", [row for row in document.accounts if row.company != f.COMPANY])
			document.append("accounts", {"company": f.COMPANY, "default_account": account})
			document.save()
		self.vouchers: list[tuple[str, str]] = []
		# What a voucher credits a customer with that is no money.
		self.no_money: dict[str, float] = {}
		self.log: list[str] = []

	def step(self, operation: str, number: int) -> None:
		frappe.db.savepoint(_SAVEPOINT)
		vouchers, no_money = list(self.vouchers), dict(self.no_money)
		try:
			getattr(self, operation)(number)
			self.log.append(f"{operation}({number})")
		except frappe.ValidationError as refused:
			frappe.db.rollback(save_point=_SAVEPOINT)
			frappe.clear_messages()
			self.vouchers, self.no_money = vouchers, no_money
			self.log.append(f"{operation}({number}) refused: {refused}")

	# Picking

	def pick(self, number: int, *doctypes: str):
		"""The number-th live document of these kinds; a ValidationError where there is none."""
		found = [
			ref for ref in self.vouchers if ref[0] in doctypes and frappe.db.get_value(*ref, "docstatus") == 1
		]
		if not found:
			raise frappe.ValidationError("nothing to pick")
		return frappe.get_doc(*found[number % len(found)])

	def open_invoice(self, number: int):
		invoice = self.pick(number, "Sales Invoice")
		if invoice.outstanding_amount <= 0:
			raise frappe.ValidationError("nothing is open")
		return invoice

	def keep(self, document):
		self.vouchers.append((document.doctype, document.name))
		return document

	def account(self, customer: str) -> str:
		return self.foreign if customer == self.customers[2] else self.receivable

	def rate(self, customer: str, number: int) -> float:
		return RATES[number % 3] if customer == self.customers[2] else 1.0

	# Sales

	def invoice(self, number: int, amount: float | None = None, **values):
		customer = self.customers[number % 3]
		values = {
			"customer": customer,
			"currency": "EUR" if customer == self.customers[2] else "USD",
			"conversion_rate": self.rate(customer, number),
			"posting_date": days_back(number * 7),
			"set_posting_time": 1,
			**values,
		}
		rows = ((f.SERVICE, 1, amount or 100 + number * 13.37),)
		invoice = f.make_direct_invoice(rows, submit=False, **values)
		if number % 2:
			invoice.set("sales_team", team((1, 33.33), (2, 33.33), (0, 33.34)))
		if number % 4 == 1 and not invoice.is_pos:
			first = invoice.posting_date
			invoice.set(
				"payment_schedule",
				[
					{"due_date": getdate(first) + timedelta(days=days), "invoice_portion": portion}
					for days, portion in ((5, 30), (40, 50), (75, 20))
				],
			)
		invoice.save()
		return self.keep(invoice.submit())

	def till(self, number: int) -> None:
		"""Paid at once, in two modes, sometimes with change, sometimes a part stays open."""
		customer = self.customers[number % 2]
		total = flt(100 + number * 13.37, 2)
		paid = total + 20 if number % 3 else total - 15
		self.invoice(
			number,
			total,
			customer=customer,
			currency="USD",
			conversion_rate=1,
			is_pos=1,
			account_for_change_amount=f.cash_account(f.COMPANY),
			payments=[
				{"mode_of_payment": "Wire Transfer", "account": self.bank, "amount": 40},
				{
					"mode_of_payment": "Cash",
					"account": f.cash_account(f.COMPANY),
					"amount": flt(paid - 40, 2),
				},
			],
		)

	def credit_note(self, number: int) -> None:
		self.keep(f.make_return(self.pick(number, "Sales Invoice")))

	# Money

	def payment(self, number: int, customer: str, amount: float, kind: str = "Receive", **values):
		"""A Payment Entry as people type it, not yet inserted; `amount` in the customer's currency."""
		rate = self.rate(customer, number // 3)
		cash = self.bank if number % 2 else f.cash_account(f.COMPANY)
		base = flt(amount * rate, 2)
		receives = kind == "Receive"
		account = self.account(customer)
		return frappe.get_doc(
			{
				"doctype": "Payment Entry",
				"payment_type": kind,
				"company": f.COMPANY,
				"posting_date": days_back(number * 11),
				"mode_of_payment": MODES[number % 4],
				"party_type": "Customer",
				"party": customer,
				"paid_from": account if receives else cash,
				"paid_to": cash if receives else account,
				"paid_amount": amount if receives else base,
				"received_amount": base if receives else amount,
				"source_exchange_rate": rate if receives else 1,
				"target_exchange_rate": 1 if receives else rate,
				"reference_no": f.unique("REF"),
				"reference_date": nowdate(),
				**values,
			}
		)

	def pay(self, number: int) -> None:
		"""An invoice: a part of it, all, or more, which stays on account."""
		invoice = self.open_invoice(number)
		amount = flt(invoice.outstanding_amount * (0.4, 1, 1.3)[number % 3], 2)
		payment = self.payment(number, invoice.customer, amount)
		allocated = min(amount, invoice.outstanding_amount)
		payment.append("references", self.reference(invoice, allocated))
		self.keep(payment.insert().submit())

	def reference(self, invoice, allocated: float) -> dict:
		return {
			"reference_doctype": invoice.doctype,
			"reference_name": invoice.name,
			"allocated_amount": allocated,
		}

	def pay_less(self, number: int) -> None:
		"""All of an invoice for less money: the rest is discount or bank charge."""
		invoice = self.open_invoice(number)
		if self.account(invoice.customer) == self.foreign or invoice.outstanding_amount < 20:
			raise frappe.ValidationError("not this one")
		payment = self.payment(number, invoice.customer, flt(invoice.outstanding_amount - 7.77, 2))
		payment.append("references", self.reference(invoice, invoice.outstanding_amount))
		payment.append(
			"deductions",
			{
				"account": self.write_off_account,
				"cost_center": f.cost_center(f.COMPANY),
				"amount": 7.77,
			},
		)
		self.no_money[self.keep(payment.insert().submit()).name] = 7.77

	def on_account(self, number: int) -> None:
		self.keep(self.payment(number, self.customers[number % 3], 50 + number).insert().submit())

	def advance(self, number: int) -> None:
		order = f.make_sales_order(customer=self.customers[number % 2], rows=((f.SERVICE, 1, 500),))
		self.keep(f.make_payment(order, 120 + number, mode_of_payment=MODES[number % 4]))

	def refund(self, number: int) -> None:
		self.keep(self.payment(number, self.customers[number % 3], 5 + number, "Pay").insert().submit())

	def journal(self, number: int) -> None:
		"""Two customers by one journal entry; some of it is written off, or no money at all."""
		amounts = (flt(30.1 + number, 2), flt(45.55 + number, 2))
		written_off = (0, 10, flt(sum(amounts), 2))[number % 3]
		rows = [
			{
				"account": self.receivable,
				"party_type": "Customer",
				"party": customer,
				"credit_in_account_currency": amount,
			}
			for customer, amount in zip(self.customers[:2], amounts, strict=True)
		]
		paid = flt(sum(amounts) - written_off, 2)
		if paid:
			rows.append({"account": self.bank, "debit_in_account_currency": paid})
		if written_off:
			rows.append({"account": self.write_off_account, "debit_in_account_currency": written_off})
		for row in rows:
			row["cost_center"] = f.cost_center(f.COMPANY)
		entry = frappe.get_doc(
			{
				"doctype": "Journal Entry",
				"company": f.COMPANY,
				"posting_date": days_back(number * 5),
				"accounts": rows,
			}
		)
		self.no_money[self.keep(entry.insert().submit()).name] = written_off

	def journal_of_invoice(self, number: int) -> None:
		invoice = self.open_invoice(number)
		if self.account(invoice.customer) == self.foreign:
			raise frappe.ValidationError("not this one")
		amount = flt(invoice.outstanding_amount / 2, 2)
		self.keep(f.make_journal_receipt(invoice, amount, posting_date=days_back(number * 3)))

	# Undoing

	def cancel(self, number: int) -> None:
		self.pick(number, "Payment Entry", "Journal Entry").cancel()

	def reconcile(self, number: int) -> None:
		invoice = self.open_invoice(number)
		f.reconcile(invoice.company, invoice.customer, invoice.name, 40 if number % 2 else None)

	def unreconcile(self, number: int) -> None:
		f.unreconcile(self.pick(number, "Payment Entry", "Journal Entry"))
