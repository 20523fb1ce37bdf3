"""Promises to pay: what a promise must be, what customers have promised, and how reliable they are.

Whether one is kept is judged in `judging`.
"""

from collections.abc import Collection
from datetime import date

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import add_days, cint, flt, formatdate, getdate, nowdate

from crm_ext.receivables import judging
from crm_ext.receivables import promise_rules as rules
from crm_ext.receivables.judging import DERIVED, PROMISE
from crm_ext.receivables.promise_rules import CANCELLED, OPEN, Item

_TERMS = ("customer", "company", "currency", "amount", "promised_on", "pay_by")


def add_indexes() -> None:
	frappe.db.add_index(PROMISE, ["customer", "status", "pay_by"], "crm_ext_open")
	frappe.db.add_index("Payment Promise Invoice", ["sales_invoice", "parent"], "crm_ext_invoice")


# What the document does when it is saved


def prepare(doc: Document) -> None:
	"""Fill what follows from the invoices of a promise, refuse one that makes no sense, and judge it as of now."""
	rows = [row for row in doc.invoices if row.sales_invoice]
	if not rows:
		return  # reported as a missing value
	before = doc.get_doc_before_save()
	_refuse_change(doc, before)
	_check_rows(rows)
	known = {row.sales_invoice: row for row in before.invoices} if before else {}
	invoices = _invoices([row.sales_invoice for row in rows])
	_copy_head(doc, invoices[rows[0].sales_invoice])
	if not doc.pay_by or not doc.promised_on:
		return
	_check_days(doc, before)
	new = [row for row in rows if row.sales_invoice not in known]
	for row in new:
		_check_invoice(doc, invoices[row.sales_invoice])
	if not doc.withdrawn:
		_refuse_second(doc, [row.sales_invoice for row in rows])
	items = judging.items_of([row.sales_invoice for row in rows])
	_snapshot(rows, known, invoices, items)
	_settle_amount(doc, rows)
	if not before or getdate(before.pay_by) != getdate(doc.pay_by):
		doc.last_day = add_days(getdate(doc.pay_by), cint(_setting("promise_grace_days")))
	_settle_verdict(doc, rows, items)


def _refuse_change(doc: Document, before: Document | None) -> None:
	"""What was judged stays as it was said; otherwise a broken promise could be moved until it is kept."""
	if not before or before.status == OPEN:
		return
	same_rows = {row.sales_invoice for row in before.invoices} == {row.sales_invoice for row in doc.invoices}
	same = all((before.get_formatted(field)) == doc.get_formatted(field) for field in _TERMS)
	if not same or not same_rows:
		frappe.throw(_("This promise is {0} already. Make a new one instead.").format(_(before.status)))


def _check_rows(rows: list[Document]) -> None:
	seen: set[str] = set()
	for row in rows:
		if row.sales_invoice in seen:
			frappe.throw(_("Row {0}: {1} is in this promise twice.").format(row.idx, row.sales_invoice))
		seen.add(row.sales_invoice)


def _invoices(names: list[str]) -> dict[str, "frappe._dict"]:
	rows = frappe.db.sql(
		"SELECT name, customer, company, docstatus, is_return, outstanding_amount, due_date,"
		" party_account_currency AS currency FROM `tabSales Invoice` WHERE name IN %s",
		(names,),
		as_dict=True,
	)
	found = {row.name: row for row in rows}
	for name in names:
		if name not in found:
			frappe.throw(_("Sales Invoice {0} does not exist.").format(name), frappe.DoesNotExistError)
	return found


def _copy_head(doc: Document, invoice: "frappe._dict") -> None:
	doc.customer = doc.customer or invoice.customer
	doc.company = doc.company or invoice.company
	doc.currency = invoice.currency
	if doc.customer and not doc.customer_name:
		doc.customer_name = frappe.db.get_value("Customer", doc.customer, "customer_name")


def _check_days(doc: Document, before: Document | None) -> None:
	promised_on, pay_by = getdate(doc.promised_on), getdate(doc.pay_by)
	if promised_on > getdate(nowdate()) and (not before or getdate(before.promised_on) != promised_on):
		frappe.throw(_("A promise cannot be made in the future: {0}.").format(formatdate(promised_on)))
	if pay_by < promised_on:
		frappe.throw(
			_("Promised for {0}, before it was promised on {1}.").format(
				formatdate(pay_by), formatdate(promised_on)
			)
		)


def _check_invoice(doc: Document, invoice: "frappe._dict") -> None:
	name = invoice.name
	if invoice.docstatus != 1:
		frappe.throw(_("Sales Invoice {0} is not submitted.").format(name))
	if invoice.customer != doc.customer:
		frappe.throw(_("Sales Invoice {0} belongs to another customer, {1}.").format(name, invoice.customer))
	if invoice.company != doc.company:
		frappe.throw(_("Sales Invoice {0} belongs to another company, {1}.").format(name, invoice.company))
	if invoice.currency != doc.currency:
		frappe.throw(
			_("Sales Invoice {0} is owed in {1}, others in {2}. Make one promise for each currency.").format(
				name, invoice.currency, doc.currency
			)
		)
	if invoice.is_return or flt(invoice.outstanding_amount) <= 0:
		frappe.throw(_("Nothing is outstanding of Sales Invoice {0}.").format(name))


def _refuse_second(doc: Document, names: list[str]) -> None:
	"""Reads under lock: of two people who promise one invoice at once, the second is refused."""
	other = frappe.db.sql(
		"SELECT i.sales_invoice, p.name, p.pay_by FROM `tabPayment Promise Invoice` i"
		" JOIN `tabPayment Promise` p ON p.name = i.parent"
		" WHERE i.sales_invoice IN %s AND p.status = 'Open' AND p.name != %s LIMIT 1 FOR UPDATE",
		(names, doc.name or ""),
		as_dict=True,
	)
	if other:
		(other,) = other
		frappe.throw(
			_("Sales Invoice {0} is promised for {1} already, in {2}. Withdraw that promise first.").format(
				other.sales_invoice,
				formatdate(other.pay_by),
				frappe.utils.get_link_to_form(PROMISE, other.name),
			),
			title=_("Promised Already"),
		)


def _snapshot(rows: list[Document], known: dict, invoices: dict, items: dict[str, Item]) -> None:
	"""What was owed and received when each invoice was put into the promise."""
	for row in rows:
		if before := known.get(row.sales_invoice):
			for field in ("due_date", "outstanding_amount", "received_before", "currency"):
				row.set(field, before.get(field))
			continue
		invoice = invoices[row.sales_invoice]
		row.due_date, row.currency = invoice.due_date, invoice.currency
		row.outstanding_amount = invoice.outstanding_amount
		row.received_before = sum(one.money for one in items[row.sales_invoice].movements)


def _settle_amount(doc: Document, rows: list[Document]) -> None:
	places = doc.precision("amount")
	outstanding = flt(sum(flt(row.outstanding_amount) for row in rows), places)
	doc.amount = flt(doc.amount, places) or outstanding
	if doc.amount > outstanding:
		frappe.throw(
			_("{0} is promised, but only {1} was outstanding of these invoices.").format(
				frappe.format(doc.amount, {"fieldtype": "Currency"}, currency=doc.currency),
				frappe.format(outstanding, {"fieldtype": "Currency"}, currency=doc.currency),
			)
		)


def _settle_verdict(doc: Document, rows: list[Document], items: dict[str, Item]) -> None:
	for row in rows:
		items[row.sales_invoice].received_before = flt(row.received_before)
	verdict = rules.judge(
		flt(doc.amount),
		getdate(doc.promised_on),
		getdate(doc.last_day),
		[items[row.sales_invoice] for row in rows],
		getdate(nowdate()),
		bool(doc.withdrawn),
	)
	for field in DERIVED:
		doc.set(field, getattr(verdict, field))
	for row, received in zip(rows, verdict.received, strict=True):
		row.received_amount = received


def after_change(doc: Document) -> None:
	"""A receipt may have been booked while the promise was made: look again once it is committed."""
	judging.collect(row.sales_invoice for row in doc.invoices)


def withdraw(name: str) -> None:
	"""An open promise that no longer counts, as when another day was agreed."""
	doc = frappe.get_doc(PROMISE, name, for_update=True)
	if doc.status != OPEN:
		frappe.throw(_("This promise is {0} already.").format(_(doc.status)))
	doc.withdrawn = 1
	doc.save()


# How reliable customers are


def reliability(customers: Collection[str], today: date | None = None) -> dict[str, dict]:
	"""Per customer that has promised anything: {"open", "judged", "kept", "partly_kept", "broken", "kept_share",
	"average_days_late"}.

	`kept_share` is of the judged ones, 0 to 1, None without any. Days late are counted from the day promised for to the
	day it was paid, or to today while money is missing; in time is 0.
	"""
	if not customers:
		return {}
	rows = frappe.db.sql(
		"""SELECT customer, SUM(status = 'Open') AS `open`, SUM(status IN %(judged)s) AS judged,
			SUM(status = 'Kept') AS kept, SUM(status = 'Partly Kept') AS partly_kept, SUM(status = 'Broken') AS broken,
			AVG(IF(status IN %(judged)s, GREATEST(0, DATEDIFF(
				COALESCE(paid_on, IF(missing_amount > 0, %(today)s, judged_on)), pay_by)), NULL)) AS average_days_late
		FROM `tabPayment Promise` WHERE customer IN %(customers)s AND status != %(cancelled)s GROUP BY customer""",
		{
			"customers": list(customers),
			"judged": rules.JUDGED,
			"cancelled": CANCELLED,
			"today": today or nowdate(),
		},
		as_dict=True,
	)
	found = {}
	for row in rows:
		figures = {field: cint(row[field]) for field in ("open", "judged", "kept", "partly_kept", "broken")}
		judged = figures["judged"]
		late = None if row.average_days_late is None else flt(row.average_days_late, 1)
		share = figures["kept"] / judged if judged else None
		found[row.customer] = {**figures, "kept_share": share, "average_days_late": late}
	return found


# What may be promised


def open_invoices(customer: str, company: str | None = None) -> list["frappe._dict"]:
	"""Submitted invoices of a customer with something outstanding, as the session's user may read them, oldest due
	first; `promise` is the open promise one is in already."""
	filters = {"customer": customer, "docstatus": 1, "is_return": 0, "outstanding_amount": (">", 0)}
	if company:
		filters["company"] = company
	rows = frappe.get_list(
		"Sales Invoice",
		filters=filters,
		fields=[
			"name",
			"company",
			"posting_date",
			"due_date",
			"outstanding_amount",
			"party_account_currency as currency",
		],
		order_by="due_date, name",
		limit=200,
	)
	promised = promised_for([row.name for row in rows])
	for row in rows:
		row.promise = promised.get(row.name)
	return rows


def made_for(doctype: str, name: str, limit: int = 50) -> list["frappe._dict"]:
	"""The newest promises of a Customer or for a Sales Invoice, as the session's user may read them."""
	field = "customer" if doctype == "Customer" else "sales_invoice"
	return frappe.get_list(
		PROMISE,
		filters={field: name},
		fields=["name", "creation", "owner", "status", "amount", "currency", "pay_by", "notes"],
		order_by="`tabPayment Promise`.creation desc",
		distinct=True,
		limit=limit,
	)


def promised_for(invoices: Collection[str]) -> dict[str, str]:
	"""The open promise of each of these invoices that has one."""
	if not invoices:
		return {}
	return dict(
		frappe.db.sql(
			"SELECT i.sales_invoice, p.name FROM `tabPayment Promise Invoice` i JOIN `tabPayment Promise` p"
			" ON p.name = i.parent WHERE i.sales_invoice IN %s AND p.status = 'Open'",
			(list(invoices),),
		)
	)


def _setting(fieldname: str) -> str | None:
	return frappe.get_cached_doc("CRM Ext Settings").get(fieldname)
