"""Random histories of a sales department: operations on ERPNext documents, by index, for the property test.

An operation picks its documents among those that exist, so that any list of (operation, number) is a history. What
ERPNext refuses is undone and skipped, as it would be for a user.
"""

import frappe
from frappe.utils import flt

from crm_ext.deals import touch
from crm_ext.deals.model import DELIVERY_NOTE, LEAD, OPPORTUNITY, QUOTATION, SALES_INVOICE, SALES_ORDER, Ref
from crm_ext.tests import factories as f

_SAVEPOINT = "history_step"
ROWS = (
	((f.ITEM, 4, 250),),
	((f.ITEM, 2, 99.99), (f.SERVICE, 1, 33.33)),
	((f.OTHER_ITEM, 8, 12.5), (f.ITEM, 2, 100)),
)


class History:
	"""Documents made so far, in one company, for two customers of this history only."""

	def __init__(self) -> None:
		self.customers = [f.make_customer().name, f.make_customer().name]
		self.vouchers: list[Ref] = []
		self.receipts: list[Ref] = []
		self.has_choice = False
		self.log: list[str] = []

	def step(self, operation: str, number: int) -> None:
		frappe.db.savepoint(_SAVEPOINT)
		before = (list(self.vouchers), list(self.receipts), list(self.customers), self.has_choice)
		try:
			getattr(self, operation)(number)
			touch.flush()
			self.log.append(f"{operation}({number})")
		except frappe.ValidationError as refused:
			# ERPNext says no, as to a user: nothing of the step may stay.
			frappe.db.rollback(save_point=_SAVEPOINT)
			touch.forget()
			frappe.clear_messages()
			self.vouchers, self.receipts, self.customers, self.has_choice = before
			self.log.append(f"{operation}({number}) refused: {type(refused).__name__}")

	# Picking

	def pick(self, number: int, *doctypes: str, docstatus: int | None = 1):
		"""The number-th document of these kinds and this state; a ValidationError where there is none."""
		names = [ref for ref in self.vouchers + self.receipts if ref[0] in doctypes]
		found = [
			ref for ref in names if docstatus is None or frappe.db.get_value(*ref, "docstatus") == docstatus
		]
		if not found:
			raise frappe.ValidationError("nothing to pick")
		return frappe.get_doc(*found[number % len(found)])

	def keep(self, document):
		kept = self.receipts if document.doctype in ("Payment Entry", "Journal Entry") else self.vouchers
		kept.append((document.doctype, document.name))
		return document

	def customer(self, number: int):
		return frappe.get_doc("Customer", self.customers[number % len(self.customers)])

	# Operations

	def lead(self, number: int) -> None:
		self.keep(f.make_lead())

	def opportunity_of_lead(self, number: int) -> None:
		self.keep(f.make_opportunity(self.pick(number, LEAD, docstatus=0), 100 + number % 900))

	def opportunity_of_customer(self, number: int) -> None:
		self.keep(f.make_opportunity(self.customer(number), 100 + number % 900))

	def quotation_of_opportunity(self, number: int) -> None:
		opportunity = self.pick(number, OPPORTUNITY, docstatus=0)
		if opportunity.opportunity_from == "Lead":
			# Ordering from a lead's quotation makes a customer of its own, which the totals would miss.
			party = {"quotation_to": "Customer", "party_name": self.customer(number).name}
		else:
			party = {}
		self.keep(f.make_quotation(opportunity, rows=ROWS[number % 3], submit=number % 5 != 0, **party))

	def quotation_of_customer(self, number: int) -> None:
		self.keep(f.make_quotation(self.customer(number), rows=ROWS[number % 3], submit=number % 5 != 0))

	def order_of_quotation(self, number: int) -> None:
		order = f.make_sales_order(self.pick(number, QUOTATION), submit=False)
		if number % 3 == 0:
			for row in order.items:
				row.qty = max(1, row.qty // 2)
			order.save()
		self.keep(order.submit())

	def order_of_two_quotations(self, number: int) -> None:
		first, second = self.pick(number, QUOTATION), self.pick(number + 1, QUOTATION)
		if first.name == second.name or first.party_name != second.party_name:
			raise frappe.ValidationError("not two of one customer")
		order = f.make_sales_order(first, submit=False)
		f.add_quotation_to_order(order, second)
		order.save()
		self.keep(order.submit())

	def order_alone(self, number: int) -> None:
		self.keep(f.make_sales_order(customer=self.customer(number).name, rows=ROWS[number % 3]))

	def delivery(self, number: int) -> None:
		self.keep(f.make_delivery_note(self.pick(number, SALES_ORDER), (1, 0.5, 0.25)[number % 3]))

	def invoice_of_order(self, number: int) -> None:
		self.keep(f.make_sales_invoice(self.pick(number, SALES_ORDER), (1, 0.5, 0.25)[number % 3]))

	def invoice_of_delivery(self, number: int) -> None:
		self.keep(f.make_sales_invoice(self.pick(number, DELIVERY_NOTE)))

	def direct_invoice(self, number: int) -> None:
		"""Belongs to no deal; its receipts and its credit neither."""
		f.make_direct_invoice(customer=self.customer(number).name)

	def advance(self, number: int) -> None:
		order = self.pick(number, SALES_ORDER)
		self.keep(f.make_payment(order, round(flt(order.grand_total) * (0.2, 0.5, 1.1)[number % 3], 2)))

	def payment(self, number: int) -> None:
		invoice = self.pick(number, SALES_INVOICE)
		open_amount = abs(flt(invoice.outstanding_amount))
		self.keep(f.make_payment(invoice, round(open_amount * (1, 0.5, 1.2)[number % 3], 2)))

	def journal_receipt(self, number: int) -> None:
		source = self.pick(number, SALES_INVOICE if number % 2 else SALES_ORDER)
		total = flt(source.get("outstanding_amount") if number % 2 else source.grand_total)
		self.keep(f.make_journal_receipt(source, round(total * 0.4, 2)))

	def reconcile(self, number: int) -> None:
		invoice = self.pick(number, SALES_INVOICE)
		f.reconcile(invoice.company, invoice.customer, invoice.name, 50 if number % 2 else None)

	def unreconcile(self, number: int) -> None:
		f.unreconcile(self.pick(number, "Payment Entry", "Journal Entry"))

	def returned(self, number: int) -> None:
		document = self.pick(number, DELIVERY_NOTE, SALES_INVOICE)
		values = {"update_outstanding_for_self": number % 2} if document.doctype == SALES_INVOICE else {}
		self.keep(f.make_return(document, (1, 0.5)[number % 2], **values))

	def cancel(self, number: int) -> None:
		self.pick(
			number, QUOTATION, SALES_ORDER, DELIVERY_NOTE, SALES_INVOICE, "Payment Entry", "Journal Entry"
		).cancel()

	def amend(self, number: int) -> None:
		cancelled = self.pick(number, QUOTATION, SALES_ORDER, DELIVERY_NOTE, docstatus=2)
		if frappe.db.exists(cancelled.doctype, {"amended_from": cancelled.name}):
			raise frappe.ValidationError("amended before")
		self.keep(f.amend(cancelled).insert().submit())

	def lose_quotation(self, number: int) -> None:
		self.pick(number, QUOTATION).declare_enquiry_lost([{"lost_reason": "Too expensive"}], [], None)

	def lose_opportunity(self, number: int) -> None:
		self.pick(number, OPPORTUNITY, docstatus=0).declare_enquiry_lost(
			[{"lost_reason": "No budget"}], [], None
		)

	def reopen_opportunity(self, number: int) -> None:
		self.pick(number, OPPORTUNITY, docstatus=0).db_set("status", "Open")

	def submit_draft(self, number: int) -> None:
		self.pick(number, QUOTATION, docstatus=0).submit()

	def delete_draft(self, number: int) -> None:
		draft = self.pick(number, QUOTATION, OPPORTUNITY, docstatus=0)
		draft.delete()
		self.vouchers.remove((draft.doctype, draft.name))

	def choose_deal(self, number: int) -> None:
		document = self.pick(number, SALES_ORDER, QUOTATION)
		deals = frappe.get_all(
			"Deal Ledger Entry",
			{"voucher_no": ("in", [name for _doctype, name in self.vouchers])},
			pluck="deal",
			order_by="deal",
		)
		document.deal = deals[number % len(deals)] if deals and number % 4 else None
		document.save()
		self.has_choice = True

	def rename_customer(self, number: int) -> None:
		old = self.customers[number % len(self.customers)]
		new = f.unique("Renamed")
		frappe.rename_doc("Customer", old, new)
		self.customers[self.customers.index(old)] = new


OPERATIONS = sorted(
	name
	for name in vars(History)
	if not name.startswith("_") and name not in ("step", "pick", "keep", "customer")
)
# What happens most in a company is drawn most.
WEIGHTED = [
	*OPERATIONS,
	"order_of_quotation",
	"delivery",
	"invoice_of_order",
	"invoice_of_delivery",
	"payment",
	"advance",
	"reconcile",
	"journal_receipt",
	"returned",
	"cancel",
	"quotation_of_opportunity",
]
