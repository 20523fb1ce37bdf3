"""Promises to pay: kept or broken by the receipts that come.

The Payment Ledger says what came. Judging is a function of the promise, the ledger and the day, so that it may be
repeated, and what was judged receipt by receipt equals what a rebuild gives.

Two receipts on invoices of one promise may be booked at once, and neither transaction sees the other. So a promise is
judged right after the commit: first locked, then read. Whoever is last sees what all others have committed.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import add_days, cint, flt, formatdate, getdate, nowdate

from crm_ext.deals.store import is_lock_error
from crm_ext.follow_ups import guard
from crm_ext.receivables import promise_rules as rules
from crm_ext.receivables.promise_rules import CANCELLED, OPEN, Item, Movement

PROMISE = "Payment Promise"
# Journal entries that move no money: what they take off an invoice was credited or written off.
NO_MONEY = (
	"Credit Note",
	"Debit Note",
	"Write Off Entry",
	"Exchange Gain Or Loss",
	"Exchange Rate Revaluation",
)

_CHUNK = 500
_DERIVED = ("status", "received_amount", "missing_amount", "paid_on", "judged_on")
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
	items = _items([row.sales_invoice for row in rows])
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
	for field in _DERIVED:
		doc.set(field, getattr(verdict, field))
	for row, received in zip(rows, verdict.received, strict=True):
		row.received_amount = received


def after_change(doc: Document) -> None:
	"""A receipt may have been booked while the promise was made: look again once it is committed."""
	collect(row.sales_invoice for row in doc.invoices)


def withdraw(name: str) -> None:
	"""An open promise that no longer counts, as when another day was agreed."""
	doc = frappe.get_doc(PROMISE, name, for_update=True)
	if doc.status != OPEN:
		frappe.throw(_("This promise is {0} already.").format(_(doc.status)))
	doc.withdrawn = 1
	doc.save()


# Judging


def judge(
	promises: Collection[str] | None = None,
	customers: Collection[str] | None = None,
	invoices: Collection[str] | None = None,
	today: date | None = None,
	wait: bool = True,
) -> int:
	"""Judge these promises, those of these customers or those for these invoices; returns how many changed.

	Locks them, then three queries whatever their number, and two statements for each hundred that changed. Without
	`wait` a promise somebody holds raises a lock error. The caller has read nothing yet where others may book receipts.
	"""
	names = sorted(set(promises or ()) | set(_find(customers, invoices)))
	if not names:
		return 0
	_lock(names, wait)
	rows = frappe.db.sql(
		f"SELECT name, amount, promised_on, last_day, withdrawn, {', '.join(_DERIVED)}"
		" FROM `tabPayment Promise` WHERE name IN %s",
		(names,),
		as_dict=True,
	)
	parts = _parts(names)
	today = today or getdate(nowdate())
	heads, lines = {}, {}
	for row in rows:
		own = parts.get(row.name, [])
		items = [item for _line, item in own]
		verdict = rules.judge(
			flt(row.amount), row.promised_on, row.last_day, items, today, bool(row.withdrawn)
		)
		if any(not _same(row[field], getattr(verdict, field)) for field in _DERIVED):
			heads[row.name] = {field: getattr(verdict, field) for field in _DERIVED}
		for (line, _item), received in zip(own, verdict.received, strict=True):
			if not _same(line.received_amount, received):
				lines[line.name] = {"received_amount": received}
	# Past the document layer and without `modified`: a form that is open must not be refused.
	for doctype, changes in ((PROMISE, heads), ("Payment Promise Invoice", lines)):
		if changes:
			frappe.db.bulk_update(doctype, changes, update_modified=False)
	return len(heads)


def _find(customers: Collection[str] | None, invoices: Collection[str] | None) -> list[str]:
	found: list[str] = []
	if customers:
		found += frappe.db.sql(
			"SELECT name FROM `tabPayment Promise` WHERE customer IN %s", (list(customers),), pluck=True
		)
	if invoices:
		found += frappe.db.sql(
			"SELECT DISTINCT parent FROM `tabPayment Promise Invoice` WHERE sales_invoice IN %s"
			" AND parenttype = %s",
			(list(invoices), PROMISE),
			pluck=True,
		)
	return found


def _lock(names: list[str], wait: bool) -> None:
	# Reads no snapshot: what is read after it sees everything committed before the lock was ours.
	frappe.db.sql(
		f"SELECT name FROM `tabPayment Promise` WHERE name IN %s ORDER BY name FOR UPDATE{'' if wait else ' NOWAIT'}",
		(names,),
	)


def _parts(names: list[str]) -> dict[str, list[tuple["frappe._dict", Item]]]:
	"""Rows of promises with the movements of their invoices."""
	lines = frappe.db.sql(
		"SELECT name, parent, sales_invoice, received_before, received_amount FROM `tabPayment Promise Invoice`"
		" WHERE parent IN %s AND parenttype = %s ORDER BY parent, idx",
		(names, PROMISE),
		as_dict=True,
	)
	items = _items({line.sales_invoice for line in lines})
	found = defaultdict(list)
	for line in lines:
		item = Item(flt(line.received_before), items[line.sales_invoice].movements)
		found[line.parent].append((line, item))
	return found


def _items(invoices: Collection[str]) -> dict[str, Item]:
	"""The movements of invoices by day, from the Payment Ledger: one query."""
	found = {name: Item() for name in invoices}
	if not found:
		return found
	for name, day, money, owed in frappe.db.sql(
		# What the invoice itself books was there before anything was promised, whatever its date.
		"""SELECT l.against_voucher_no,
			IF(l.voucher_no = l.against_voucher_no, DATE('1900-01-01'), l.posting_date) AS day,
			-SUM(IF(l.voucher_type = 'Payment Entry' OR (l.voucher_type = 'Journal Entry'
				AND j.voucher_type NOT IN %(no_money)s), l.amount_in_account_currency, 0)),
			SUM(l.amount_in_account_currency)
		FROM `tabPayment Ledger Entry` l
		LEFT JOIN `tabJournal Entry` j ON l.voucher_type = 'Journal Entry' AND j.name = l.voucher_no
		WHERE l.against_voucher_type = 'Sales Invoice' AND l.against_voucher_no IN %(names)s
			AND l.delinked = 0 AND l.party_type = 'Customer'
		GROUP BY l.against_voucher_no, day""",
		{"names": list(found), "no_money": NO_MONEY},
	):
		found[name].movements.append(Movement(day, flt(money), flt(owed)))
	return found


def _same(old, new) -> bool:
	if isinstance(new, float):
		return abs(flt(old) - new) < 0.0000005
	return (old or None) == (new or None)


# Receipts


_KEY = "crm_ext_promised_invoices"


def collect(invoices: Iterable[str]) -> None:
	"""Judge the promises for these invoices as soon as the transaction is committed, each once."""
	if guard.is_suspended():
		return
	collected = getattr(frappe.local, _KEY, None)
	if not collected:
		collected = {}
		setattr(frappe.local, _KEY, collected)
		frappe.db.before_commit.add(_look_up)
		frappe.db.after_rollback.add(forget)
	collected.update(dict.fromkeys(invoices))


def flush() -> int:
	"""Judge what was collected so far, in this transaction; for tests and long jobs."""
	invoices = list(getattr(frappe.local, _KEY, None) or ())
	forget()
	return judge(invoices=invoices) if invoices else 0


def forget() -> None:
	setattr(frappe.local, _KEY, None)


def _look_up() -> None:
	"""Whether anybody promised these invoices: asked before the commit, because a question after it would leave a snapshot
	open that whatever comes next on this connection would read from. Most receipts end here, with one query.

	A promise made by a transaction that is not committed yet is not seen; the nightly pass judges it.
	"""
	invoices = list(getattr(frappe.local, _KEY, None) or ())
	forget()
	try:
		promised = bool(invoices and _find(None, invoices))
	except Exception as error:
		if is_lock_error(error):
			raise
		frappe.logger("crm_ext").exception(f"Left to the nightly pass: {invoices[:50]}")
		return
	if promised:
		frappe.db.after_commit.add(lambda: _judge_collected(invoices))


def _judge_collected(invoices: list[str]) -> None:
	"""The user's transaction is committed already: whatever goes wrong here must not look like a failed save."""
	try:
		with guard.best_effort("judging promises failed", "Sales Invoice", invoices[0]):
			judge_committed(invoices, wait=False)
	except Exception as error:
		if not is_lock_error(error):
			frappe.logger("crm_ext").exception(f"Left to the nightly pass: {invoices[:50]}")
			return
		_judge_later(invoices)


def judge_committed(invoices: Collection[str], wait: bool = True) -> int:
	"""Judge promises for invoices in transactions of its own; returns how many changed. One query where nobody has
	promised anything."""
	names = _find(None, invoices)
	if not names:
		return 0
	frappe.db.commit()  # the lock comes before the snapshot
	changed = judge(names, wait=wait)
	frappe.db.commit()  # gives the lock back
	return changed


def _judge_later(invoices: list[str]) -> None:
	"""Somebody holds a promise: a job waits for it."""
	try:
		frappe.enqueue("crm_ext.tasks.judge_promises", queue="short", invoices=invoices)
	except Exception:
		frappe.logger("crm_ext").exception(f"Left to the nightly pass: {invoices[:50]}")


def judge_all(today: date | None = None) -> int:
	"""All promises that were not withdrawn: those whose day has passed, and what changed without an event.

	Commits after each chunk; may be repeated, killed, or run twice at once. Returns how many changed.
	"""
	changed, last = 0, ""
	while names := frappe.db.sql(
		"SELECT name FROM `tabPayment Promise` WHERE withdrawn = 0 AND name > %s ORDER BY name LIMIT %s",
		(last, _CHUNK),
		pluck=True,
	):
		frappe.db.commit()  # the lock comes before the snapshot
		changed += judge(names, today=today)
		frappe.db.commit()  # each promise stands by itself, and nobody shall wait for the rest
		last = names[-1]
	return changed


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
