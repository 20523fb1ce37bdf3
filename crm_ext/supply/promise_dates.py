"""The date promised on a row goes along to what is made of it: opportunity to quotation to order.

Done while ERPNext maps, before anybody sees the new document, so whoever makes it may still change the date. A date is
never moved to an earlier day, and a promise whose day has passed is not repeated. Reads at most once, writes nothing.
"""

from collections.abc import Iterable
from datetime import date

import frappe
from frappe.model.document import Document
from frappe.utils import getdate

from crm_ext.deals.model import OPPORTUNITY, QUOTATION, SALES_ORDER
from crm_ext.follow_ups.guard import best_effort

_QUOTATION_ITEM = "Quotation Item"
_WHAT = "taking over promise dates"


def take_over(doc: Document, source: Document) -> None:
	"""Carry the dates of `source`'s rows to the rows of `doc` that were just mapped from it. Reads nothing."""
	promised = {row.name: row.get("promise_date") for row in source.get("items") or ()}
	if not any(promised.values()):
		return
	with best_effort(_WHAT, source.doctype, source.name):
		if doc.doctype == SALES_ORDER and source.doctype == QUOTATION:
			_set_delivery_dates(doc, doc.items, promised)
		elif doc.doctype == QUOTATION and source.doctype == OPPORTUNITY:
			_take_over_from_opportunity(doc, source)


def fill_new_order(order: Document) -> None:
	"""Rows of a new order that name a quotation's row and no date: an order that came by another way than ERPNext's
	mapper, as through the API. One query, only where there are such rows."""
	quoted = [row for row in order.items if row.get("quotation_item")]
	rows = [row for row in quoted if not row.delivery_date]
	if rows:
		with best_effort(_WHAT, order.doctype, order.name):
			_fill(order, rows)
	if quoted:
		_write_dates_alike(order)


def _fill(order: Document, rows: list[Document]) -> None:
	found = frappe.get_all(
		_QUOTATION_ITEM,
		filters={"name": ("in", {row.quotation_item for row in rows}), "promise_date": ("is", "set")},
		fields=["name", "promise_date"],
		order_by="name",
	)
	_set_delivery_dates(order, rows, {row.name: row.promise_date for row in found})


def _write_dates_alike(order: Document) -> None:
	"""ERPNext takes the latest of the rows' dates and fails where some are dates, as ours, and others text."""
	if len({type(row.delivery_date) for row in order.items if row.delivery_date}) > 1:
		for row in order.items:
			row.delivery_date = row.delivery_date and getdate(row.delivery_date)


def _set_delivery_dates(
	order: Document, rows: Iterable[Document], promised: dict[str, date | str | None]
) -> None:
	"""A date the promise would move to an earlier day stays. ERPNext refuses a delivery before the order's date."""
	first = getdate(order.transaction_date)
	for row in rows:
		day = promised.get(row.get("quotation_item"))
		if not day or getdate(day) < first:
			continue
		if not row.delivery_date or getdate(row.delivery_date) < getdate(day):
			row.delivery_date = getdate(day)
	# As ERPNext does on saving; only where no row is left for which somebody still has to choose.
	days = [row.delivery_date for row in order.items]
	if days and all(days):
		latest = max(getdate(day) for day in days)
		if not order.delivery_date or getdate(order.delivery_date) < latest:
			order.delivery_date = latest


def _take_over_from_opportunity(quotation: Document, opportunity: Document) -> None:
	"""ERPNext maps all rows in order, or none, and does not note which row came from which."""
	rows = [
		row
		for row in quotation.items
		if row.get("prevdoc_doctype") == OPPORTUNITY and row.get("prevdoc_docname") == opportunity.name
	]
	if [row.item_code for row in rows] != [row.item_code for row in opportunity.items]:
		return
	first = getdate(quotation.transaction_date)
	for row, source in zip(rows, opportunity.items, strict=True):
		day = source.get("promise_date")
		if day and getdate(day) >= first and not row.get("promise_date"):
			row.promise_date = getdate(day)
