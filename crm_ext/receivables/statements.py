"""Statements of account: ERPNext's own, of one customer, made and sent from where the collector works.

ERPNext's modules of receivables ask the database while they are imported, so they are imported where they are used.
"""

import frappe
from frappe import _
from frappe.core.doctype.communication.email import make
from frappe.utils import nowdate


def pdf(customer: str, company: str) -> bytes:
	"""What is open as of today, with its ages, as ERPNext's Process Statement Of Accounts prints it."""
	from erpnext.accounts.doctype.process_statement_of_accounts.process_statement_of_accounts import (
		get_report_pdf,
	)

	statement = frappe.new_doc("Process Statement Of Accounts")
	statement.update(
		{
			"report": "Accounts Receivable",
			"company": company,
			"posting_date": nowdate(),
			"ageing_based_on": "Due Date",
			"include_ageing": 1,
			"orientation": "Portrait",
			"customers": [{"customer": customer}],
		}
	)
	found = get_report_pdf(statement)
	if not found:
		frappe.throw(_("Nothing is outstanding of {0} in {1}.").format(customer, company))
	return found


def letter(customer: str, company: str) -> dict[str, str]:
	"""{"recipients", "subject", "message"} to begin with: to the billing contact, else to the customer's own address."""
	from erpnext.accounts.doctype.process_statement_of_accounts.process_statement_of_accounts import (
		get_customer_emails,
	)

	billing = get_customer_emails(customer, 0, billing_and_primary=False)
	name, email = frappe.db.get_value("Customer", customer, ["customer_name", "email_id"])
	return {
		"recipients": billing or email or "",
		"subject": _("Statement of account, {0}").format(company),
		"message": _("Dear {0}, attached is a statement of what is open in our books today.").format(name),
	}


def send(customer: str, company: str, recipients: str, subject: str, message: str) -> str:
	"""Mail the statement; returns the Communication, which stands on the customer's timeline and counts as contact."""
	content = pdf(customer, company)
	answer = make(
		doctype="Customer",
		name=customer,
		recipients=recipients,
		subject=subject,
		content=message,
		send_email=True,
		attachments=[{"fname": file_name(customer), "fcontent": content}],
	)
	return answer["name"]


def file_name(customer: str) -> str:
	title = _("Statement of account")
	return f"{title} {customer} {nowdate()}.pdf"
