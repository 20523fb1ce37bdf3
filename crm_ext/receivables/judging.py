"""Whether promises to pay are kept: judged by the receipts that come.

The Payment Ledger says what came. Judging is a function of the promise, the ledger and the day, so that it may be
repeated, and what was judged receipt by receipt equals what a rebuild gives.

Two receipts on invoices of one promise may be booked at once, and neither transaction sees the other. So a promise is
judged right after the commit: first locked, then read. Whoever is last sees what all others have committed.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date

import frappe
from frappe.utils import flt, getdate, nowdate

from crm_ext.deals.store import is_lock_error
from crm_ext.follow_ups import guard
from crm_ext.receivables import promise_rules as rules
from crm_ext.receivables.promise_rules import Item, Movement

PROMISE = "Payment Promise"
# What judging writes.
DERIVED = ("status", "received_amount", "missing_amount", "paid_on", "judged_on")
# Journal entries that move no money: what they take off an invoice was credited or written off.
NO_MONEY = (
	"Credit Note",
	"Debit Note",
	"Write Off Entry",
	"Exchange Gain Or Loss",
	"Exchange Rate Revaluation",
)

_CHUNK = 500


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
		f"SELECT name, amount, promised_on, last_day, withdrawn, {', '.join(DERIVED)}"
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
		if any(not _same(row[field], getattr(verdict, field)) for field in DERIVED):
			heads[row.name] = {field: getattr(verdict, field) for field in DERIVED}
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
	items = items_of({line.sales_invoice for line in lines})
	found = defaultdict(list)
	for line in lines:
		item = Item(flt(line.received_before), items[line.sales_invoice].movements)
		found[line.parent].append((line, item))
	return found


def items_of(invoices: Collection[str]) -> dict[str, Item]:
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
