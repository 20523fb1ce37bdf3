"""Customer and deal on buying documents, work orders, reservations and on their rows. They count nothing in a deal.

A header has the one customer and the one deal of all rows that have one, and none where they differ; a deal somebody
chose stays. `bought_for.resolve` decides for each row: when a document is saved, when a sale moves to another deal, and
for all documents of a site.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

import frappe
from frappe.model.document import Document

from crm_ext.deals.bought_for import CARRIERS, Carrier, For, one_of, resolve, source_of
from crm_ext.deals.locks import is_lock_error
from crm_ext.deals.model import QUOTATION, SALES_ORDER, Ref

_WAITING = "crm_ext_orders_without_deal"
_CHUNK = 500
_ATTEMPTS = 20


# Saving


def set_links(doc: Document) -> None:
	"""Before saving: customer and deal of rows and header. At most two queries, none where nothing tells."""
	carrier = CARRIERS[doc.doctype]
	try:
		_set_links(doc, carrier)
	except Exception as error:
		if is_lock_error(error):
			raise
		frappe.log_error(
			title="CRM Ext: customer and deal of a buying document not found",
			message=frappe.get_traceback(with_context=True),
			reference_doctype=doc.doctype,
			reference_name=doc.name,
		)


def set_links_unvalidated(doc: Document) -> None:
	"""For documents ERPNext inserts without validating, as Production Plan does its Work Orders."""
	if doc.flags.ignore_validate:
		set_links(doc)


def _set_links(doc: Document, carrier: Carrier) -> None:
	rows = (doc.get("items") or []) if carrier.child else [doc]
	before = doc.get_doc_before_save()
	# Of a form opened before a sale moved, the rows still say where its deal came from.
	derived = {one_of(row.get("deal") for row in rows)}
	if before and carrier.child:
		derived.add(one_of(row.get("deal") for row in before.get("items") or ()))
	found, without_deal = resolve([source_of(carrier, row) for row in rows])
	_note_waiting(without_deal)
	for row, (customer, deal) in zip(rows, found, strict=True):
		row.for_customer, row.deal = customer, deal
	if carrier.child:
		doc.for_customer = one_of(customer for customer, _deal in found)
		if not doc.get("deal") or doc.deal in derived:
			doc.deal = one_of(deal for _customer, deal in found)


# Orders of this transaction whose deal is not known yet


def _note_waiting(orders: Iterable[str]) -> None:
	"""An order that reserves its stock while it is being submitted gets its deal only before the commit."""
	waiting = getattr(frappe.local, _WAITING, None) or set()
	setattr(frappe.local, _WAITING, waiting | set(orders))


def _forget_waiting(names: Iterable[str]) -> None:
	waiting = getattr(frappe.local, _WAITING, None) or set()
	setattr(frappe.local, _WAITING, waiting - set(names))


def is_waited_for(order: str) -> bool:
	"""Whether a document of this process was saved for the order before that had a deal."""
	return order in (getattr(frappe.local, _WAITING, None) or ())


# Following


def relink(vouchers: Iterable[Ref]) -> None:
	"""Follow orders and quotations that moved to another deal, or got their first. One query where nothing names them.

	Documents somebody is saving are left to a queue job after the commit.
	"""
	vouchers = sorted(set(vouchers))
	_forget_waiting(name for _doctype, name in vouchers)
	if _follow(vouchers):
		frappe.db.after_commit.add(lambda: _relink_later(vouchers, []))


def _relink_later(vouchers: list[Ref], gone: list[str]) -> None:
	"""The user's transaction is committed already: a queue out of reach must not look like a failed save."""
	try:
		frappe.enqueue(
			"crm_ext.tasks.relink_buying",
			queue="short",
			vouchers=[list(ref) for ref in vouchers],
			gone=gone,
		)
	except Exception:
		frappe.logger("crm_ext").exception(f"Left to the next save or backfill: {vouchers[:50]} {gone[:50]}")


def relink_committed(vouchers: list[Ref], gone: list[str]) -> None:
	"""For the queue: until nobody holds one of the documents. Never waits while it holds some itself. `gone`: deals that
	no longer exist."""
	for attempt in range(_ATTEMPTS):
		left = _follow(vouchers)
		left |= bool(gone) and _forget(gone)
		frappe.db.commit()  # lets go of what is done
		if not left:
			return
		time.sleep(min(2, 0.05 * 2**attempt))


def _follow(vouchers: Sequence[Ref]) -> bool:
	"""Link everything that names one of the vouchers, and what was made of it. Returns whether something is left."""
	found = _find(vouchers)
	changed: dict[str, set[str]] = {}
	left = False
	for doctype, carrier in CARRIERS.items():
		names = found.get(doctype, set()) | _made_of(carrier, changed)
		if names:
			changed[carrier.table], held = _link(carrier, names)
			left |= held
	return left


def _find(vouchers: Sequence[Ref]) -> dict[str, set[str]]:
	names = {
		doctype: [name for kind, name in vouchers if kind == doctype] for doctype in (SALES_ORDER, QUOTATION)
	}
	selects, params = [], []
	for doctype, carrier in CARRIERS.items():
		columns = [(carrier.order, SALES_ORDER)] + ([("quotation", QUOTATION)] if carrier.planned else [])
		for column, kind in columns:
			if names[kind]:
				selects.append(
					f"SELECT '{doctype}', {carrier.parent} FROM `tab{carrier.table}` WHERE {column} IN %s"
				)
				params.append(names[kind])
	found: dict[str, set[str]] = defaultdict(set)
	for doctype, name in frappe.db.sql(" UNION ".join(selects), params) if selects else ():
		found[doctype].add(name)
	return found


def _made_of(carrier: Carrier, changed: dict[str, set[str]]) -> set[str]:
	"""Documents made from rows that changed."""
	selects, params = [], []
	for column, table in carrier.made_from:
		if changed.get(table):
			selects.append(f"SELECT {carrier.parent} FROM `tab{carrier.table}` WHERE {column} IN %s")
			params.append(sorted(changed[table]))
	return set(frappe.db.sql(" UNION ".join(selects), params, pluck=True)) if selects else set()


def _link(carrier: Carrier, names: Iterable[str]) -> tuple[set[str], bool]:
	"""Write what differs on these documents. Returns (rows that changed, whether somebody holds a document)."""
	names = sorted(names)
	headers = {
		name: For(customer or None, deal or None)
		for name, customer, deal in frappe.db.sql(
			f"SELECT name, for_customer, deal FROM `tab{carrier.doctype}` WHERE name IN %s ORDER BY name"
			" FOR UPDATE SKIP LOCKED",
			(names,),
		)
	}
	if not headers:
		return set(), bool(names)
	rows = _read_carrier(carrier, headers)
	found, _without_deal = resolve([source_of(carrier, row) for row in rows])
	changed = {
		row.name: new
		for row, new in zip(rows, found, strict=True)
		if new != (row.for_customer or None, row.deal or None)
	}
	_write(carrier.table, changed)
	if carrier.child:
		_write(carrier.doctype, dict(_changed_headers(headers, rows, found)))
	for name in headers if changed else ():
		frappe.clear_document_cache(carrier.doctype, name)
	return set(changed), len(headers) < len(names)


def _changed_headers(headers: dict[str, For], rows: list, found: list[For]) -> Iterator[tuple[str, For]]:
	old, new = defaultdict(list), defaultdict(list)
	for row, now in zip(rows, found, strict=True):
		old[row.parent].append(row.deal)
		new[row.parent].append(now)
	for name, header in headers.items():
		deal = header.deal
		if not deal or deal == one_of(old[name]):
			deal = one_of(now.deal for now in new[name])
		value = For(one_of(now.customer for now in new[name]), deal)
		if value != header:
			yield name, value


def _read_carrier(carrier: Carrier, names: Iterable[str]) -> list:
	columns = [
		"name",
		carrier.parent,
		"for_customer",
		"deal",
		carrier.order,
		carrier.order_item,
		*(("quotation", "quotation_item") if carrier.planned else ()),
		*(column for column, _table in carrier.made_from),
	]
	return frappe.db.sql(
		f"SELECT {', '.join(dict.fromkeys(columns))} FROM `tab{carrier.table}` WHERE {carrier.parent} IN %s",
		(sorted(names),),
		as_dict=True,
	)


def _write(table: str, values: dict[str, For]) -> None:
	items = sorted(values.items())
	for start in range(0, len(items), _CHUNK):
		chunk = items[start : start + _CHUNK]
		cases = " ".join("WHEN %s THEN %s" for _item in chunk)
		frappe.db.sql(
			f"UPDATE `tab{table}` SET for_customer = CASE name {cases} END, deal = CASE name {cases} END"
			" WHERE name IN %s",
			(
				*(value for name, new in chunk for value in (name, new.customer)),
				*(value for name, new in chunk for value in (name, new.deal)),
				[name for name, _new in chunk],
			),
		)


def unlink(deals: list[str]) -> None:
	"""Forget deals that no longer exist; what somebody is saving, after the commit."""
	if _forget(deals):
		frappe.db.after_commit.add(lambda: _relink_later([], deals))


def _forget(deals: Sequence[str]) -> bool:
	"""Returns whether somebody holds a document that names one of the deals. Rows and header go together: what a header
	says is understood by its rows."""
	left = False
	for doctype, carrier in CARRIERS.items():
		named = {
			name
			for table, column in {(doctype, "name"), (carrier.table, carrier.parent)}
			for name in frappe.db.sql(
				f"SELECT {column} FROM `tab{table}` WHERE deal IN %s", (deals,), pluck=True
			)
		}
		free = named and frappe.db.sql(
			f"SELECT name FROM `tab{doctype}` WHERE name IN %s ORDER BY name FOR UPDATE SKIP LOCKED",
			(sorted(named),),
			pluck=True,
		)
		for table, column in {(doctype, "name"), (carrier.table, carrier.parent)} if free else ():
			frappe.db.sql(
				f"UPDATE `tab{table}` SET deal = NULL WHERE {column} IN %s AND deal IN %s", (free, deals)
			)
		left |= len(free) < len(named)
	return left


def link_all(after_chunk: Callable[[], None] = lambda: None) -> None:
	"""Link every document of the site, in chunks; run again it changes nothing. A job passes its commit.

	What somebody is saving meanwhile links itself.
	"""
	for doctype, carrier in CARRIERS.items():
		after = ""
		while names := frappe.db.sql(
			f"SELECT name FROM `tab{doctype}` WHERE name > %s ORDER BY name LIMIT {_CHUNK}",
			(after,),
			pluck=True,
		):
			_link(carrier, names)
			after_chunk()
			after = names[-1]
