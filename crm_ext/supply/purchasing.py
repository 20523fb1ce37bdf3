"""Buys what is short: decides under lock, and writes by `purchase_drafts`. Nothing else of this part writes.

One after the other. Two people who order the same shortage at once may not both find it open. So whoever orders takes
the company's turn first (`take_turn`): a lock of the database by name, which holds between all web and queue hosts, and
only then reads. A row lock would do as well, but rows of items are written by every Purchase Order that is submitted:
those would wait for us, and could lose a deadlock to us. Nobody but us ever waits for this name, and we take it while
holding nothing. It is kept until the commit is through, so that the next one's snapshot, which begins after it, sees
what was made. The database frees it when the connection ends, however that happens.

Permission is the caller's.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import getdate

from crm_ext.deals.store import is_lock_error
from crm_ext.supply import shortage
from crm_ext.supply.purchase_drafts import PURCHASE_ORDER, Drafts, Part
from crm_ext.supply.shortage import Reading
from crm_ext.supply.shortage_rules import NOISE, split

_WAIT_SECONDS = 60
_ATTEMPTS = 5  # our own: a job Frappe repeats is no longer the user's


@dataclass(frozen=True, slots=True)
class Choice:
	"""What somebody wants of a line: `qty` in stock units; `seen` what was open when they looked, None: not asked."""

	key: str
	qty: float
	seen: float | None = None
	supplier: str | None = None
	needed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Made:
	"""`documents`: (DocType, name) of the drafts. `overtaken`: keys of lines that others have covered since they were
	looked at; then nothing was made."""

	documents: tuple[tuple[str, str], ...] = ()
	overtaken: tuple[str, ...] = ()


class NotOurTurn(frappe.ValidationError):
	"""Somebody else has been ordering for too long."""


# Turns


def take_turn(company: str) -> None:
	"""Wait until nobody else orders for this company, then see all that was committed. Drops what this transaction has
	read so far: the caller has written nothing yet."""
	frappe.db.rollback()
	name = _turn_of(company)
	if not frappe.db.sql("SELECT GET_LOCK(%s, %s)", (name, _WAIT_SECONDS))[0][0]:
		frappe.throw(
			_("Somebody else is ordering for {0} right now. Please try again.").format(company), NotOurTurn
		)

	def give_back() -> None:
		frappe.db.sql("SELECT RELEASE_LOCK(%s)", (name,))

	frappe.db.after_commit.add(give_back)
	frappe.db.after_rollback.add(give_back)


def _turn_of(company: str) -> str:
	"""Names are the server's, not the database's, and short."""
	return "crm_ext:" + hashlib.sha1(f"{frappe.conf.db_name} {company}".encode()).hexdigest()


# Ordering


def request(doctype: str, name: str, choices: Sequence[Choice] | None = None, **options) -> Made:
	"""Draft Material Requests of what is short, one to buy and one to make. Without `choices`: all of it."""
	return _order(shortage.read(doctype, name), choices, to_order=False, **options)


def order(doctype: str, name: str, choices: Sequence[Choice] | None = None, **options) -> Made:
	"""Draft Purchase Orders of what is short, one for each supplier; what is made in house is requested."""
	reading = shortage.read(doctype, name)
	if reading.is_plan:
		frappe.throw(_("Nothing is sold yet: from a quotation, goods are requested, not ordered."))
	return _order(reading, choices, to_order=True, **options)


def _order(
	reading: Reading, choices: Sequence[Choice] | None, to_order: bool, ignore_permissions: bool = False
) -> Made:
	if choices is None:
		choices = [Choice(row.line.key, row.to_buy) for row in reading.shortages]
	overtaken = _overtaken(reading, choices)
	if overtaken:
		return Made(overtaken=tuple(overtaken))
	parts = _parts(reading, choices)
	drafts = Drafts(reading.company, ignore_permissions)
	made, supplied, bought = [], [], []
	for part in parts:
		line = part.shortage.line
		(made if line.is_made else supplied if line.source.drop_ship else bought).append(part)
	if to_order:
		drafts.order(bought)
	else:
		drafts.request("Purchase", bought)
	# A request would bring to our warehouse what the supplier is to deliver: ordered, or left to others.
	if to_order or ignore_permissions:
		drafts.order_from_suppliers(supplied)
	drafts.request("Manufacture", made)
	return Made(documents=tuple((doc.doctype, doc.name) for doc in drafts.made))


def _overtaken(reading: Reading, choices: Iterable[Choice]) -> list[str]:
	"""Less is open than was seen: somebody ordered, or goods came. A row that is gone is not open at all."""
	opened = {row.line.key: row.open for row in reading.shortages}
	return [
		choice.key
		for choice in choices
		if choice.qty > NOISE
		and choice.seen is not None
		and opened.get(choice.key, 0.0) < choice.seen - NOISE
	]


def _parts(reading: Reading, choices: Iterable[Choice]) -> list[Part]:
	"""Rows to make. What exceeds the order's row stands in a row of its own: ERPNext refuses to submit more than was
	sold against it."""
	by_key, today, parts = {row.line.key: row for row in reading.shortages}, getdate(), []
	for choice in choices:
		row = by_key.get(choice.key)
		if row is None or choice.qty <= NOISE:
			continue
		source = row.line.source
		needed_on = max(today, getdate(choice.needed_on or source.needed_on or today))
		part = Part(row, choice.qty, choice.supplier or row.terms.supplier, needed_on)
		if not source.order or row.line.is_made:
			parts.append(part)
			continue
		linked, rest = split(choice.qty, row.terms.lot, row.line.may_link - row.linked)
		if linked > NOISE:
			parts.append(replace(part, qty=linked))
		if rest > NOISE:
			parts.append(replace(part, qty=rest, names_row=False, names_order=linked < row.open - NOISE))
	return parts


def forget_quotation(name: str) -> None:
	"""Drafts stay, without the plan of a quotation that is deleted."""
	for doctype in ("Material Request Item", "Purchase Order Item"):
		frappe.db.sql(
			f"UPDATE `tab{doctype}` SET quotation = NULL, quotation_item = NULL WHERE quotation = %s", (name,)
		)


# By itself


def after_submit(doc: Document) -> None:
	"""An order is submitted: where the settings say so, buy what it is short of once that is committed. No query."""
	asked = frappe.get_cached_doc("CRM Ext Settings").get("purchase_on_submit")
	if asked:
		frappe.db.after_commit.add(lambda: _purchase_later(doc.name, asked == PURCHASE_ORDER))


def _purchase_later(order_name: str, to_order: bool) -> None:
	"""The order is committed already: a queue out of reach must not look like a failed submit."""
	try:
		frappe.enqueue("crm_ext.tasks.purchase_shortage", queue="short", order=order_name, to_order=to_order)
	except Exception:
		frappe.logger("crm_ext").exception(f"Nothing was bought by itself for {order_name}")


def purchase_on_submit(order_name: str, to_order: bool) -> Made:
	"""What the company's setting orders of an order just submitted: drafts in the name of whoever submitted it, who need
	not have a right to purchases: the setting asks for them, and a buyer reads and submits them. Job of its own; commits.
	"""
	for attempt in range(_ATTEMPTS):
		try:
			return _purchase(order_name, to_order)
		except Exception as error:
			frappe.db.rollback()
			if not _passes(error) or attempt == _ATTEMPTS - 1:
				_log(order_name)
				return Made()
			time.sleep(attempt + 1)
	return Made()


def _passes(error: Exception) -> bool:
	return isinstance(error, NotOurTurn) or is_lock_error(error)


def _purchase(order_name: str, to_order: bool) -> Made:
	company = shortage.company_of(shortage.SALES_ORDER, order_name)
	if not company:
		return Made()  # deleted meanwhile
	take_turn(company)
	made = (order if to_order else request)(shortage.SALES_ORDER, order_name, ignore_permissions=True)
	frappe.db.commit()  # gives the turn back; the job ends here
	return made


def _log(order_name: str) -> None:
	frappe.log_error(
		title="CRM Ext: purchase of a shortage failed",
		message=frappe.get_traceback(with_context=True),
		reference_doctype=shortage.SALES_ORDER,
		reference_name=order_name,
	)
	frappe.db.commit()  # the log entry
