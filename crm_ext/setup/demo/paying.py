"""What customers pay, and get back."""

import frappe
from erpnext.accounts.doctype.payment_entry.payment_entry import get_payment_entry
from frappe.utils import flt

from crm_ext.setup.demo.work import Action, Work, rate_of, submit


def _pay(work: Work) -> None:
	_receive("Sales Invoice", work.names["invoices"][work.args.get("invoice", -1)], work)


def _deposit(work: Work) -> None:
	_receive("Sales Order", work.names["order"], work)


def _receive(doctype: str, name: str, work: Work) -> None:
	doc = get_payment_entry(doctype, name)
	reference = doc.references[0]
	reference.allocated_amount = flt(reference.allocated_amount * work.args["part"], 2)
	rate = rate_of(doc.paid_from_account_currency, work)
	doc.update(
		{
			"posting_date": work.day,
			"reference_no": f"{name}/{work.day:%m%d}",
			"reference_date": work.day,
			"mode_of_payment": work.args.get("mode"),
			"paid_amount": reference.allocated_amount,
			"source_exchange_rate": rate,
			"received_amount": flt(reference.allocated_amount * rate, 2),
		}
	)
	work.names["receipt"] = submit(doc)


def _reconcile(work: Work) -> None:
	"""The deposit against the invoice, by ERPNext's tool."""
	invoice = frappe.get_doc("Sales Invoice", work.names["invoices"][-1])
	tool = frappe.get_doc(
		{
			"doctype": "Payment Reconciliation",
			"company": work.company,
			"party_type": "Customer",
			"party": invoice.customer,
			"receivable_payable_account": invoice.debit_to,
		}
	)
	tool.get_unreconciled_entries()
	tool.allocate_entries(
		frappe._dict(
			invoices=[row.as_dict() for row in tool.invoices if row.invoice_number == invoice.name],
			payments=[row.as_dict() for row in tool.payments if row.reference_name == work.names["receipt"]],
		)
	)
	tool.reconcile()


def _receive_by_journal(work: Work) -> None:
	invoice = frappe.get_doc("Sales Invoice", work.names["invoices"][-1])
	amount = invoice.outstanding_amount
	receivable = {
		"account": invoice.debit_to,
		"party_type": "Customer",
		"party": invoice.customer,
		"credit_in_account_currency": amount,
		"reference_type": "Sales Invoice",
		"reference_name": invoice.name,
	}
	bank = frappe.get_cached_value("Company", work.company, "default_bank_account")
	submit(
		frappe.get_doc(
			{
				"doctype": "Journal Entry",
				"voucher_type": "Bank Entry",
				"company": work.company,
				"posting_date": work.day,
				"cheque_no": invoice.name,
				"cheque_date": work.day,
				"accounts": [receivable, {"account": bank, "debit_in_account_currency": amount}],
			}
		)
	)


def _refund(work: Work) -> None:
	doc = get_payment_entry("Sales Invoice", work.names["credit_note"])
	doc.update(
		{"posting_date": work.day, "reference_no": work.names["credit_note"], "reference_date": work.day}
	)
	submit(doc)


ACTIONS: dict[str, Action] = {
	"deposit": _deposit,
	"pay": _pay,
	"reconcile": _reconcile,
	"receive_by_journal": _receive_by_journal,
	"refund": _refund,
}
