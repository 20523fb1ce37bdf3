"""Endpoints of what is short and of buying it. Permission first, then one engine call."""

import frappe
from frappe import _
from frappe.utils import flt

from crm_ext.permissions import readable
from crm_ext.supply import purchasing, shortage
from crm_ext.supply.purchase_drafts import MATERIAL_REQUEST, PURCHASE_ORDER

_DOCTYPES = (shortage.QUOTATION, shortage.SALES_ORDER, shortage.DEAL)


@frappe.whitelist()
def get_shortage(doctype: str, name: str) -> dict:
	"""What a quotation, an order or a deal is short of and what runs already; see `shortage.read`.

	`rows`: quantities in stock units, but `qty`, which is in `uom`. `may`: what the user may make of it.
	"""
	_check_readable(doctype, name)
	reading = shortage.read(doctype, name)
	return {
		"company": reading.company,
		"is_plan": reading.is_plan,
		"may": {
			"request": frappe.has_permission(MATERIAL_REQUEST, "create"),
			"order": not reading.is_plan and frappe.has_permission(PURCHASE_ORDER, "create"),
		},
		"rows": [_row(row) for row in _visible(reading)],
	}


@frappe.whitelist(methods=["POST"])
def make_requests(doctype: str, name: str, rows: str | list) -> dict:
	"""Draft Material Requests of chosen rows. See `_make`."""
	_check_readable(doctype, name)
	_check_may_create(MATERIAL_REQUEST)
	return _make(doctype, name, rows, purchasing.request)


@frappe.whitelist(methods=["POST"])
def make_orders(doctype: str, name: str, rows: str | list) -> dict:
	"""Draft Purchase Orders of chosen rows, one for each supplier; what is made in house is requested. See `_make`."""
	_check_readable(doctype, name)
	_check_may_create(PURCHASE_ORDER)
	return _make(doctype, name, rows, purchasing.order)


def _make(doctype: str, name: str, rows: str | list, action) -> dict:
	"""`rows`: {key, qty in the purchase unit, factor, open as it was shown, supplier, needed_on}.

	Returns `made`, the drafts, or `overtaken`, keys of rows others have covered meanwhile: then nothing was made.
	"""
	choices = [
		purchasing.Choice(
			key=row["key"],
			qty=flt(row["qty"]) * flt(row["factor"]),
			seen=flt(row["open"]),
			supplier=row.get("supplier") or None,
			needed_on=row.get("needed_on") or None,
		)
		for row in frappe.parse_json(rows)
	]
	purchasing.take_turn(shortage.company_of(doctype, name))
	made = action(doctype, name, choices)
	return {
		"made": [{"doctype": doctype, "name": name} for doctype, name in made.documents],
		"overtaken": list(made.overtaken),
	}


def _visible(reading: shortage.Reading) -> list[shortage.Shortage]:
	"""A deal may hold orders and quotations that its reader may not open."""
	seen = readable({_document_of(row.line.source) for row in reading.shortages})
	return [row for row in reading.shortages if _document_of(row.line.source) in seen]


def _document_of(source) -> tuple[str, str]:
	return (shortage.SALES_ORDER, source.order) if source.order else (shortage.QUOTATION, source.quotation)


def _check_readable(doctype: str, name: str) -> None:
	if doctype not in _DOCTYPES:
		frappe.throw(_("{0} has nothing that could be short.").format(_(doctype)))
	frappe.has_permission(doctype, "read", doc=name, throw=True)


def _check_may_create(doctype: str) -> None:
	if not frappe.has_permission(doctype, "create"):
		frappe.throw(
			_("You may see what is short, but not make a {0}. Ask purchasing to do it.").format(_(doctype)),
			frappe.PermissionError,
		)


def _row(row: shortage.Shortage) -> dict:
	line, terms = row.line, row.terms
	source = line.source
	return {
		"key": line.key,
		"document": source.order or source.quotation,
		"item_code": line.item_code,
		"item_name": terms.item_name,
		"bundle": source.item_code if line.is_component else None,
		"is_made": line.is_made,
		"drop_ship": source.drop_ship,
		"stock_uom": terms.stock_uom,
		"wanted": line.wanted,
		"short": line.short,
		"open": row.open,
		"qty": terms.purchase_qty(row.to_buy),
		"uom": terms.uom,
		"factor": terms.lot.factor,
		"whole": terms.lot.whole_units,
		"supplier": terms.supplier if frappe.has_permission("Supplier", "read") else None,
		"needed_on": source.needed_on,
		"running": [_running(running) for running in row.running],
	}


def _running(running) -> dict:
	"""Its name only for who may open documents of its kind."""
	may_read = frappe.has_permission(running.doctype, "read")
	return {
		"doctype": running.doctype,
		"name": running.name if may_read else None,
		"qty": running.open,
		"status": running.status,
		"is_draft": running.is_draft,
		"due_on": running.due_on,
	}
