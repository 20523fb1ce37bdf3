"""Receipts, and what is done with them."""

import frappe
from frappe.utils import flt, nowdate

from crm_ext.tests.factories.site import cash_account, cost_center, unique


def make_payment(document, amount: float | None = None, submit: bool = True, **values):
	"""A Payment Entry for an order, an invoice or a credit note, by ERPNext's own function."""
	from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry

	payment = get_payment_entry(document.doctype, document.name, bank_account=cash_account(document.company))
	payment.reference_no = unique("REF")
	payment.reference_date = nowdate()
	if amount is not None:
		payment.paid_amount = payment.received_amount = amount
		if payment.references:
			row = payment.references[0]
			row.allocated_amount = min(abs(row.outstanding_amount), amount) * (
				-1 if row.outstanding_amount < 0 else 1
			)
	payment.update(values)
	payment.insert()
	return payment.submit() if submit else payment


def make_journal_receipt(invoice, amount: float, **values):
	"""A Journal Entry that pays `amount` of an invoice or, as an advance, of an order."""
	receivable = invoice.get("debit_to") or frappe.db.get_value(
		"Company", invoice.company, "default_receivable_account"
	)
	return (
		frappe.get_doc(
			{
				"doctype": "Journal Entry",
				"company": invoice.company,
				"posting_date": nowdate(),
				"accounts": [
					{
						"account": receivable,
						"party_type": "Customer",
						"party": invoice.customer,
						"credit_in_account_currency": amount,
						"reference_type": invoice.doctype,
						"reference_name": invoice.name,
						"is_advance": "Yes" if invoice.doctype == "Sales Order" else "No",
						"cost_center": cost_center(invoice.company),
					},
					{
						"account": cash_account(invoice.company),
						"debit_in_account_currency": amount,
						"cost_center": cost_center(invoice.company),
					},
				],
				**values,
			}
		)
		.insert()
		.submit()
	)


def reconcile(
	company: str, customer: str, invoice: str, amount: float | None = None, advance_account: str | None = None
) -> None:
	"""Match whatever the customer has on account with one invoice, by the Payment Reconciliation tool."""
	tool = frappe.get_doc("Payment Reconciliation")
	tool.update(
		{
			"company": company,
			"party_type": "Customer",
			"party": customer,
			"receivable_payable_account": frappe.db.get_value("Sales Invoice", invoice, "debit_to"),
			"default_advance_account": advance_account,
		}
	)
	tool.get_unreconciled_entries()
	invoices = [row.as_dict() for row in tool.invoices if row.invoice_number == invoice]
	payments = [row.as_dict() for row in tool.payments]
	tool.allocate_entries(frappe._dict({"invoices": invoices, "payments": payments}))
	if not tool.allocation:
		frappe.throw("nothing to reconcile")
	if amount is not None:
		tool.set("allocation", tool.allocation[:1])
		tool.allocation[0].allocated_amount = min(flt(tool.allocation[0].allocated_amount), amount)
	tool.reconcile()


def unreconcile(voucher) -> None:
	"""Undo every allocation of a receipt, by the Unreconcile Payment document."""
	tool = frappe.get_doc(
		{
			"doctype": "Unreconcile Payment",
			"company": voucher.company,
			"voucher_type": voucher.doctype,
			"voucher_no": voucher.name,
		}
	)
	tool.add_references()
	tool.insert().submit()
