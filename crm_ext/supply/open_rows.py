"""What counts as still open, said once for every statement of this room: the conditions and quantities of ERPNext's Bin
(erpnext.stock.stock_balance). Text of SQL over a document `doc` and its row `part`; quantities in stock units.
"""

import frappe
from frappe.utils import cint

PURCHASE = """part.docstatus = 1 and part.qty > part.received_qty and ifnull(part.delivered_by_supplier, 0) = 0
	and doc.status not in ('Closed', 'Delivered')"""
SUBCONTRACT = """part.docstatus = 1 and part.qty > part.received_qty
	and doc.status not in ('Closed', 'Completed')"""
# The open states are named, because only those few are in the index's way.
PRODUCTION = """doc.docstatus = 1 and doc.qty > doc.produced_qty
	and doc.status in ('Submitted', 'Not Started', 'In Process', 'Stock Reserved', 'Stock Partially Reserved')"""
REQUEST = "part.docstatus = 1 and part.stock_qty > part.ordered_qty and doc.status != 'Stopped'"

PURCHASE_QTY = "(part.qty - part.received_qty) * part.conversion_factor"
PRODUCTION_QTY = "doc.qty - doc.produced_qty"
REQUEST_QTY = "part.stock_qty - part.ordered_qty"

PURCHASE_DAY = "coalesce(part.expected_delivery_date, part.schedule_date, doc.schedule_date)"
PRODUCTION_DAY = "coalesce(doc.expected_delivery_date, date(doc.planned_end_date))"
REQUEST_DAY = "coalesce(part.schedule_date, doc.schedule_date)"


def without_returned() -> bool:
	"""Whether goods that came back are not to be delivered again. No query: the settings are cached."""
	settings = frappe.get_cached_doc("Selling Settings")
	return bool(cint(settings.dont_reserve_sales_order_qty_on_sales_return))


def order_qty(row: str) -> str:
	"""What is still to be delivered of an order's row, in its own unit. `row`: its table in the statement."""
	returned = f" - {row}.returned_qty" if without_returned() else ""
	return f"({row}.qty - {row}.delivered_qty{returned})"
