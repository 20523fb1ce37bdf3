"""Where each row of an order is, from purchase to payment: one page for the one who answers the customer.

Reads only. The caller has checked that the order may be read; of other documents only those are named that the session's
user may read, of the rest quantities and days are told.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import frappe
from frappe.model.document import Document
from frappe.utils import flt, getdate, nowdate

from crm_ext import permissions
from crm_ext.deals import queries as deals
from crm_ext.supply import availability, order_status_queries, order_status_rules
from crm_ext.supply.model import BUNDLE, SERVICE, Availability
from crm_ext.supply.order_status_rules import EPS, OrderRow, Status


def read(order: Document, today: date | None = None) -> dict:
	"""Return {"order", "deals", "totals", "rows"} of a Sales Order.

	A row has `where` (what keeps it back most), `parts` (how much is where, adding up to the row), `steps` in the order
	goods and money take, `next_what` and `next_on`. Quantities are in the row's own unit; totals are shares of 1.
	"""
	today = today or getdate(nowdate())
	found = order_status_queries.read_documents(order.name, (row.quotation_item for row in order.items))
	readable = permissions.readable({(row.doctype, row.name) for row in found})
	served = _served(order, found)
	available = _availability(order)
	judged = [(row, _order_row(order, row, available.get(row.name), served[row.name])) for row in order.items]
	rows = [(row, judging, order_status_rules.judge(judging, today)) for row, judging in judged]
	return {
		"order": _header(order),
		"deals": deals.deals_of("Sales Order", order.name),
		"totals": _totals(order, [status for _row, _judging, status in rows]),
		"rows": [_shown(row, judging, status, readable) for row, judging, status in rows],
	}


def _header(order: Document) -> dict:
	fields = (
		*(
			"name",
			"customer",
			"customer_name",
			"company",
			"status",
			"docstatus",
			"transaction_date",
			"delivery_date",
		),
		*("po_no", "currency", "advance_paid", "party_account_currency"),
	)
	return {field: order.get(field) for field in fields} | {
		"total": flt(order.rounded_total) or flt(order.grand_total)
	}


def _totals(order: Document, statuses: Iterable[Status]) -> dict:
	"""Shares of the order's net value, by ERPNext's own percentages; `paid` from what is open of the invoices."""
	paid = sum(status.paid for status in statuses)
	whole = flt(order.net_total)
	return {
		"delivered": flt(order.per_delivered) / 100,
		"invoiced": flt(order.per_billed) / 100,
		"paid": max(0.0, min(1.0, paid / whole)) if abs(whole) > EPS else 0.0,
	}


# What serves which row


def _served(order: Document, found: list[frappe._dict]) -> dict[str, list[frappe._dict]]:
	"""Documents by order row. Where a row of theirs names none, the first that wants the item."""
	by_item: dict[str, str] = {}
	for row in order.items:
		by_item.setdefault(row.item_code, row.name)
	packed = {}
	for part in order.get("packed_items") or ():
		packed[part.name] = part.parent_detail_docname
		by_item.setdefault(part.item_code, part.parent_detail_docname)
	by_quotation = {row.quotation_item: row.name for row in order.items if row.quotation_item}
	served: dict[str, list] = {row.name: [] for row in order.items}
	for document in found:
		row = (
			packed.get(document.packed_item)
			or (document.order_item if document.order_item in served else packed.get(document.order_item))
			or by_quotation.get(document.quotation_item)
			or by_item.get(document.item_code)
		)
		if row in served:
			served[row].append(document)
	return served


def _availability(order: Document) -> dict[str, Availability]:
	needs = availability.needs_of(order)
	return availability.read(order.company, needs) if needs else {}


def _order_row(order: Document, row: Document, available: Availability | None, documents: list) -> OrderRow:
	factor = flt(row.conversion_factor) or 1.0
	closed = order.status in ("Closed", "Cancelled")
	drop_ship = bool(row.delivered_by_supplier)
	delivered = flt(row.delivered_qty)
	bundle = bool(available and available.kind == BUNDLE) or any(
		part.parent_detail_docname == row.name for part in order.get("packed_items") or ()
	)
	if available:
		still_open = available.qty / factor
	else:
		still_open = max(0.0, flt(row.qty) - delivered) if drop_ship and not closed else 0.0
	ready, short = _ready_and_short(available, factor, still_open)
	documents = tuple(_document(document, row, bundle, factor) for document in documents)
	if drop_ship:
		ordered = sum(d.qty for d in documents if d.kind == order_status_rules.PURCHASE and not d.draft)
		ready, short = 0.0, max(0.0, flt(row.qty) - ordered)
	return OrderRow(
		qty=flt(row.qty),
		delivered=delivered,
		open=still_open,
		amount=flt(row.net_amount),
		due=getdate(row.delivery_date) if row.delivery_date else None,
		stock=not (available and available.kind == SERVICE),
		bundle=bundle,
		drop_ship=drop_ship,
		picked=flt(row.picked_qty) / factor,
		ready=ready,
		short=short,
		promise_on=available.promise_on if available else None,
		promised_by=available.promised_by if available else None,
		documents=documents,
	)


def _ready_and_short(available: Availability | None, factor: float, still_open: float) -> tuple[float, float]:
	if not available:
		return 0.0, 0.0
	if available.kind == SERVICE:
		return still_open, 0.0
	# What should have come today has not: only what lies there can be delivered.
	return min(still_open, max(0.0, available.at_hand / factor)), available.short / factor


def _document(found: frappe._dict, row: Document, bundle: bool, factor: float) -> order_status_rules.Document:
	# Parts of a bundle are counted as they are; all else in the unit of the order row.
	part = bundle and found.item_code != row.item_code
	unit = 1.0 if part else factor
	return order_status_rules.Document(
		kind=found.kind,
		doctype=found.doctype,
		name=found.name,
		item_code=found.item_code if part else "",
		qty=flt(found.qty) / unit,
		done=flt(found.done) / unit,
		draft=found.docstatus == 0,
		ended=bool(found.ended),
		day=found.day,
		expected=found.expected,
		party=found.party,
		amount=flt(found.amount),
		paid_share=max(0.0, min(1.0, flt(found.paid_share))),
	)


# What is shown


def _shown(row: Document, judged: OrderRow, status: Status, readable: set[tuple[str, str]]) -> dict:
	return {
		**{
			field: row.get(field)
			for field in ("name", "idx", "item_code", "item_name", "uom", "qty", "warehouse")
		},
		"delivery_date": row.delivery_date,
		"drop_ship": judged.drop_ship,
		"where": status.where,
		"partly": status.partly,
		"late": status.late,
		"parts": status.parts,
		"held": status.held,
		"next_what": status.next_what,
		"next_on": status.next_on,
		"promise_on": judged.promise_on if status.parts.get("short") else None,
		"promised_by": judged.promised_by,
		"steps": [
			{
				"key": step.key,
				"qty": step.qty,
				"of": step.of,
				"state": step.state,
				"day": step.day,
				"documents": _merged(step, readable),
			}
			for step in status.steps
		],
	}


def _merged(step: order_status_rules.Step, readable: set[tuple[str, str]]) -> list[dict]:
	"""Documents of a step, rows of one document added up. Without name and party where they may not be read."""
	merged: dict[tuple, dict] = {}
	for one in step.documents:
		known = (one.doctype, one.name) in readable
		entry = merged.setdefault(
			(one.doctype, one.name, one.item_code),
			{
				"doctype": one.doctype,
				"name": one.name if known else None,
				"item_code": one.item_code or None,
				"qty": 0.0,
				"open": 0.0,
				"draft": one.draft,
				"day": one.day,
				"expected": one.expected,
				"party": one.party if known else None,
				"paid_share": one.paid_share if known and one.kind == order_status_rules.INVOICE else None,
			},
		)
		entry["qty"] += one.qty
		entry["open"] += one.open
	return list(merged.values())
