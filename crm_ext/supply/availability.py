"""What can be promised to the rows of a document. Reads in sets, writes nothing, checks no permission: callers do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import frappe
from frappe.utils import cint, flt, getdate, nowdate

from crm_ext.supply import availability_queries as queries
from crm_ext.supply import open_rows
from crm_ext.supply.availability_rules import serve
from crm_ext.supply.model import Availability, Need
from crm_ext.supply.positions import EPS, Terms

if TYPE_CHECKING:
	from frappe.model.document import Document

DOCTYPES = ("Opportunity", "Quotation", "Sales Order")

# Documents that want nothing any more.
_DONE = {
	"Opportunity": ("Converted", "Closed", "Lost"),
	"Quotation": ("Ordered", "Lost", "Cancelled"),
	"Sales Order": ("Completed", "Closed", "Cancelled"),
}


def read(company: str, needs: Sequence[Need], today: date | None = None) -> dict[str, Availability]:
	"""Return what stands for each need, by its key, in at most five statements whatever the number of needs.

	Needs are served in the order given: what one takes, the next cannot have. Where the settings say so, the whole
	company serves them whatever warehouse they name.
	"""
	if not needs:
		return {}
	settings = frappe.get_cached_doc("CRM Ext Settings")
	if cint(settings.supply_whole_company):
		needs = [replace(need, warehouse=None) for need in needs]
	terms = Terms(
		today=today or getdate(nowdate()),
		lead_days=cint(settings.supply_lead_days),
		keep_safety_stock=bool(cint(settings.supply_safety_stock)),
	)
	return serve(needs, queries.read_world(company, needs, terms.today), terms)


def needs_of(doc: Document) -> list[Need]:
	"""Return what the rows of an Opportunity, Quotation or Sales Order still want, in the order they are to be served;
	the document need not be saved. One statement, where rows are in another unit and do not say how it converts.

	A submitted order's rows are served by delivery date; alternatives of a quotation after all others. Rows without
	item, of the supplier's own delivery and those with nothing left to deliver want nothing.
	"""
	if doc.doctype not in DOCTYPES or doc.docstatus == 2 or doc.get("status") in _DONE[doc.doctype]:
		return []
	rows = [(row, _open_qty(doc, row)) for row in doc.get("items") if row.item_code]
	rows = [(row, qty) for row, qty in rows if qty > EPS and not cint(row.get("delivered_by_supplier"))]
	factors = _factors([row for row, _qty in rows])
	needs = [_need(doc, row, qty * factors[row.name or row.idx]) for row, qty in rows]
	if doc.doctype == "Sales Order":
		needs.sort(key=lambda need: need.needed_on or date.max)
	elif doc.doctype == "Quotation":
		alternatives = {_key(row) for row, _qty in rows if cint(row.get("is_alternative"))}
		needs.sort(key=lambda need: need.key in alternatives)
	return needs


def _need(doc: Document, row: Document, qty: float) -> Need:
	wanted_on = row.get("delivery_date") or doc.get("delivery_date") or row.get("promise_date")
	return Need(
		key=_key(row),
		item_code=row.item_code,
		qty=qty,
		warehouse=row.get("warehouse") or doc.get("set_warehouse") or None,
		needed_on=getdate(wanted_on) if wanted_on else None,
		order_item=row.name if doc.doctype == "Sales Order" and doc.docstatus == 1 else None,
	)


def _open_qty(doc: Document, row: Document) -> float:
	"""What is not ordered or delivered yet, in the row's own unit."""
	qty = flt(row.qty)
	if doc.docstatus != 1:
		return qty
	if doc.doctype == "Quotation":
		# Kept in stock units by ERPNext.
		return qty - flt(row.get("ordered_qty")) / (flt(row.get("conversion_factor")) or 1.0)
	if doc.doctype == "Sales Order":
		returned = flt(row.get("returned_qty")) if open_rows.without_returned() else 0.0
		return qty - flt(row.get("delivered_qty")) - returned
	return qty


def _factors(rows: Sequence[Document]) -> dict[str | int, float]:
	"""Stock units in one unit of each row; a row that says so itself is believed, as ERPNext does."""
	unknown = {
		(row.item_code, row.uom) for row in rows if row.get("uom") and not flt(row.get("conversion_factor"))
	}
	known = queries.conversion_factors(unknown) if unknown else {}
	return {
		row.name or row.idx: flt(row.get("conversion_factor"))
		or known.get((row.item_code, row.get("uom")), 1.0)
		for row in rows
	}


def _key(row: Document) -> str:
	return row.name or str(row.idx)
