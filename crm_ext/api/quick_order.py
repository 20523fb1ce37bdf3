"""What the page Quick Order asks. Permission first, then one engine call; nothing is kept but by `save` and `submit`."""

import json

import frappe
from frappe import _
from frappe.utils import cint, flt, getdate

from crm_ext.sales import quick_order as engine
from crm_ext.sales.codes import MAX_LINES


@frappe.whitelist()
def resolve(text: str, customer: str | None = None) -> list[dict]:
	"""Items of codes, one a line; see `quick_order.resolve`."""
	_check(customer)
	return engine.resolve(text, customer)


@frappe.whitelist()
def get_last_rows(customer: str, company: str) -> list[dict]:
	"""What the customer ordered last; see `quick_order.last_rows`."""
	_check(customer)
	return engine.last_rows(customer, company)


@frappe.whitelist()
def get_quotations(customer: str, company: str | None = None) -> list[dict]:
	_check(customer)
	return engine.open_quotations(customer, company)


@frappe.whitelist()
def get_quotation_rows(quotation: str) -> dict:
	_check()
	frappe.has_permission("Quotation", "read", doc=quotation, throw=True)
	return engine.quotation_rows(quotation)


@frappe.whitelist()
def price(order: str | dict) -> dict:
	"""Prices, stock and totals of what was typed, as the order would have them; see `quick_order.describe`."""
	wanted = _order(order)
	_check(wanted.customer)
	document = engine.build(wanted)
	document.check_permission("create")
	return engine.describe(document)


@frappe.whitelist(methods=["POST"])
def save(order: str | dict) -> dict:
	"""Make the order as a draft. Returns its name and whether this user may submit it."""
	wanted = _order(order, complete=True)
	_check(wanted.customer)
	document = engine.build(wanted)
	document.insert()
	return {"name": document.name, "may_submit": bool(document.has_permission("submit"))}


@frappe.whitelist(methods=["POST"])
def submit(name: str) -> None:
	"""Submit a draft; ERPNext and the credit gate speak as they do on the form. The draft stays where they refuse."""
	document = frappe.get_doc("Sales Order", name)
	document.check_permission("submit")
	document.submit()


def _check(customer: str | None = None) -> None:
	"""Raises PermissionError for who may not make orders, or not read the customer."""
	if not cint(frappe.get_cached_doc("CRM Ext Settings").quick_order_enabled):
		frappe.throw(_("Quick Order is switched off."), frappe.PermissionError)
	frappe.has_permission("Sales Order", "create", throw=True)
	if customer:
		frappe.has_permission("Customer", "read", doc=customer, throw=True)


def _order(values: str | dict, complete: bool = False) -> engine.Order:
	"""What was typed, checked. Raises ValidationError that names the row. `complete`: it is to be saved."""
	try:
		values = json.loads(values) if isinstance(values, str) else values
		rows = list(values.get("rows") or ())
		texts = {field: _text(values.get(field)) for field in _ORDER_FIELDS}
		typed = [({field: _text(row.get(field)) for field in _ROW_FIELDS}, row.get("qty")) for row in rows]
	except (AttributeError, TypeError, ValueError):
		frappe.throw(_("This is not an order."))
	for field, label in (("customer", _("Customer")), ("company", _("Company"))):
		if not texts[field]:
			frappe.throw(_("Choose first: {0}").format(label))
	if complete and not texts["delivery_date"]:
		frappe.throw(_("Choose first: {0}").format(_("Delivery Date")))
	if not typed:
		frappe.throw(_("There are no rows yet."))
	if len(typed) > MAX_LINES:
		frappe.throw(_("These are {0} lines; {1} can be read at once.").format(len(typed), MAX_LINES))
	return engine.Order(
		**{**texts, "delivery_date": _day(texts["delivery_date"])},
		rows=tuple(_row(number, row, qty) for number, (row, qty) in enumerate(typed, start=1)),
	)


_ORDER_FIELDS = ("customer", "company", "delivery_date", "po_no", "set_warehouse", "quotation")
_ROW_FIELDS = ("item_code", "uom", "delivery_date", "quotation_item")


def _row(number: int, row: dict, qty: object) -> engine.Row:
	if not row["item_code"]:
		frappe.throw(_("Row {0}: no item.").format(number))
	if isinstance(qty, bool) or not isinstance(qty, int | float | str) or flt(qty) <= 0:
		frappe.throw(_("Row {0}: the quantity is not a number above 0.").format(number))
	return engine.Row(**{**row, "delivery_date": _day(row["delivery_date"])}, qty=flt(qty))


def _text(value: object) -> str | None:
	if value is not None and not isinstance(value, str):
		raise TypeError(value)
	return value or None


def _day(value: str | None) -> str | None:
	if not value:
		return None
	try:
		return str(getdate(value))
	except (ValueError, frappe.ValidationError):
		frappe.throw(_("This is not a date: {0}").format(value[:20]))
