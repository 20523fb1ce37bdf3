"""One order of a customer after the other, while the strict setting says so.

A transaction reads the site as it was when it began. Whoever waited for another order to be submitted would still not see
it, and its row cannot be read under lock instead: two people who submit at once each hold their own order already. So the
gate has a row of its own for each customer and company. Who passes holds it until the transaction ends and leaves the
order's value in it; what the row holds now and did not hold in the snapshot, others have added meanwhile.

The row is read by its key alone, so that no gap is locked and customers do not wait for one another.
"""

import hashlib
import json
from datetime import timedelta

import frappe
from frappe.utils import flt, get_datetime, now_datetime

_KEY = "crm_ext_credit_turns"
# Longer than any transaction lasts.
_KEPT = timedelta(days=1)


def take(customer: str, company: str, order: str) -> float:
	"""Wait for one's turn. Returns what orders of others are worth that passed since this transaction began, in company
	currency. Two queries, one the second time."""
	name = _name(customer, company)
	turns = _turns()
	if name not in turns:
		turns[name] = (_read(name), set())  # the snapshot, before anything is written here
	seen, own = turns[name]
	own.add(order)
	_lock(name, customer, company)
	now = _read(name, " FOR UPDATE")
	return sum(
		flt(value) - flt(seen[other][0] if other in seen else 0)
		for other, (value, _moment) in now.items()
		if other not in own
	)


def leave(customer: str, company: str, order: str, value: float) -> None:
	"""Tell whoever is next that this order passed. After `take`."""
	name, moment = _name(customer, company), now_datetime()
	passed = {
		other: entry
		for other, entry in _read(name, " FOR UPDATE").items()
		if get_datetime(entry[1]) > moment - _KEPT
	}
	passed[order] = (value, str(moment))
	frappe.db.sql(
		"UPDATE `tabCredit Gate` SET passed = %s, modified = %s WHERE name = %s",
		(json.dumps(passed), moment, name),
	)


def _name(customer: str, company: str) -> str:
	return hashlib.md5(f"{customer}\n{company}".encode(), usedforsecurity=False).hexdigest()


def _turns() -> dict:
	"""What this transaction saw first, by row: written once by itself, the row would show it what others wrote."""
	turns = getattr(frappe.local, _KEY, None)
	if turns is None:
		turns = {}
		setattr(frappe.local, _KEY, turns)
		frappe.db.after_commit.add(_forget)
		frappe.db.after_rollback.add(_forget)
	return turns


def _forget() -> None:
	setattr(frappe.local, _KEY, None)


def _read(name: str, lock: str = "") -> dict[str, tuple[float, str]]:
	rows = frappe.db.sql(f"SELECT passed FROM `tabCredit Gate` WHERE name = %s{lock}", (name,))
	return json.loads(rows[0][0] or "{}") if rows else {}


def _lock(name: str, customer: str, company: str) -> None:
	frappe.db.sql(
		"""INSERT INTO `tabCredit Gate` (name, creation, modified, owner, modified_by, docstatus, customer, company, passed)
		VALUES (%(name)s, %(now)s, %(now)s, 'Administrator', 'Administrator', 0, %(customer)s, %(company)s, '{}')
		ON DUPLICATE KEY UPDATE customer = VALUES(customer)""",
		{"name": name, "now": now_datetime(), "customer": customer, "company": company},
	)
