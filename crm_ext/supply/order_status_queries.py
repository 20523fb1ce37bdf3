"""Documents that serve one order, in one statement."""

from __future__ import annotations

from collections.abc import Iterable

import frappe

# Rows bought for the order: they name it, or the row of the quotation it came from, or were made from such a row.
_REQUESTS = """(
	SELECT name FROM `tabMaterial Request Item` WHERE sales_order = %(order)s
	UNION SELECT name FROM `tabMaterial Request Item`
		WHERE quotation_item IN %(planned)s AND IFNULL(sales_order, '') IN ('', %(order)s)
)"""
_PURCHASES = """(
	SELECT name FROM `tabPurchase Order Item` WHERE sales_order = %(order)s
	UNION SELECT name FROM `tabPurchase Order Item`
		WHERE quotation_item IN %(planned)s AND IFNULL(sales_order, '') IN ('', %(order)s)
	UNION SELECT p.name FROM `tabMaterial Request Item` m
		JOIN `tabPurchase Order Item` p ON p.material_request_item = m.name
		WHERE m.sales_order = %(order)s AND IFNULL(p.sales_order, '') IN ('', %(order)s)
	UNION SELECT p.name FROM `tabMaterial Request Item` m
		JOIN `tabPurchase Order Item` p ON p.material_request_item = m.name
		WHERE m.quotation_item IN %(planned)s AND IFNULL(m.sales_order, '') IN ('', %(order)s)
			AND IFNULL(p.sales_order, '') IN ('', %(order)s)
)"""
_ROW = "COALESCE(NULLIF(p.sales_order_item, ''), m.sales_order_item)"
_PLANNED = "COALESCE(NULLIF(p.quotation_item, ''), m.quotation_item)"
_EARLIER = "LEFT JOIN `tabMaterial Request Item` m ON m.name = p.material_request_item"
# Columns: see `_COLUMNS`. Quantities in stock units.
_SELECTS = (
	f"""SELECT 'request', 'Material Request', d.name, d.docstatus, d.status IN ('Stopped', 'Cancelled'),
		r.sales_order_item, NULL, r.quotation_item, r.item_code, r.stock_qty, r.ordered_qty, d.transaction_date,
		r.schedule_date, NULL, 0, 0
	FROM {_REQUESTS} x JOIN `tabMaterial Request Item` r ON r.name = x.name
	JOIN `tabMaterial Request` d ON d.name = r.parent WHERE d.docstatus < 2""",
	f"""SELECT 'purchase', 'Purchase Order', d.name, d.docstatus, d.status IN ('Closed', 'Cancelled', 'Delivered'),
		{_ROW}, p.sales_order_packed_item, {_PLANNED}, p.item_code, p.stock_qty, p.received_qty * p.conversion_factor,
		d.transaction_date, COALESCE(p.expected_delivery_date, p.schedule_date), d.supplier_name, 0, 0
	FROM {_PURCHASES} x JOIN `tabPurchase Order Item` p ON p.name = x.name {_EARLIER}
	JOIN `tabPurchase Order` d ON d.name = p.parent WHERE d.docstatus < 2""",
	f"""SELECT 'receipt', 'Purchase Receipt', d.name, d.docstatus, 0, {_ROW}, p.sales_order_packed_item, {_PLANNED},
		r.item_code, r.stock_qty, 0, d.posting_date, NULL, d.supplier_name, 0, 0
	FROM {_PURCHASES} x JOIN `tabPurchase Order Item` p ON p.name = x.name {_EARLIER}
	JOIN `tabPurchase Receipt Item` r ON r.purchase_order_item = p.name
	JOIN `tabPurchase Receipt` d ON d.name = r.parent WHERE d.docstatus < 2""",
	f"""SELECT 'receipt', 'Purchase Invoice', d.name, d.docstatus, 0, {_ROW}, p.sales_order_packed_item, {_PLANNED},
		r.item_code, r.stock_qty, 0, d.posting_date, NULL, d.supplier_name, 0, 0
	FROM {_PURCHASES} x JOIN `tabPurchase Order Item` p ON p.name = x.name {_EARLIER}
	JOIN `tabPurchase Invoice Item` r ON r.po_detail = p.name
	JOIN `tabPurchase Invoice` d ON d.name = r.parent WHERE d.docstatus < 2 AND d.update_stock = 1""",
	"""SELECT 'work', 'Work Order', d.name, d.docstatus, d.status IN ('Stopped', 'Closed', 'Cancelled', 'Completed'),
		d.sales_order_item, NULL, NULL, d.production_item, d.qty, d.produced_qty, DATE(d.planned_start_date),
		COALESCE(d.expected_delivery_date, DATE(d.planned_end_date)), NULL, 0, 0
	FROM `tabWork Order` d WHERE d.sales_order = %(order)s AND d.docstatus < 2""",
	"""SELECT 'reservation', 'Stock Reservation Entry', d.name, d.docstatus, d.status IN ('Cancelled', 'Delivered'),
		d.voucher_detail_no, NULL, NULL, d.item_code, d.reserved_qty, d.delivered_qty, DATE(d.creation), NULL, NULL, 0, 0
	FROM `tabStock Reservation Entry` d
	WHERE d.voucher_type = 'Sales Order' AND d.voucher_no = %(order)s AND d.docstatus = 1""",
	"""SELECT 'pick', 'Pick List', d.name, d.docstatus, 0, r.sales_order_item, r.product_bundle_item, NULL, r.item_code,
		r.picked_qty, 0, DATE(d.creation), NULL, NULL, 0, 0
	FROM `tabPick List Item` r JOIN `tabPick List` d ON d.name = r.parent
	WHERE r.sales_order = %(order)s AND d.docstatus < 2""",
	"""SELECT 'note', 'Delivery Note', d.name, d.docstatus, 0, r.so_detail, NULL, NULL, r.item_code, r.stock_qty, 0,
		d.posting_date, NULL, NULL, 0, 0
	FROM `tabDelivery Note Item` r JOIN `tabDelivery Note` d ON d.name = r.parent
	WHERE r.against_sales_order = %(order)s AND d.docstatus < 2""",
	"""SELECT 'invoice', 'Sales Invoice', d.name, d.docstatus, 0, r.so_detail, NULL, NULL, r.item_code, r.stock_qty, 0,
		d.posting_date, d.due_date, NULL, r.net_amount,
		IF(d.grand_total = 0, 1, 1 - d.outstanding_amount * IF(d.party_account_currency = d.currency, 1, 1 / d.conversion_rate)
			/ IF(d.disable_rounded_total OR d.rounded_total = 0, d.grand_total, d.rounded_total))
	FROM `tabSales Invoice Item` r JOIN `tabSales Invoice` d ON d.name = r.parent
	WHERE r.sales_order = %(order)s AND d.docstatus < 2""",
)
_COLUMNS = (
	*(
		"kind",
		"doctype",
		"name",
		"docstatus",
		"ended",
		"order_item",
		"packed_item",
		"quotation_item",
		"item_code",
	),
	*("qty", "done", "day", "expected", "party", "amount", "paid_share"),
)


def read_documents(order: str, planned: Iterable[str]) -> list[frappe._dict]:
	"""Every row of another document that serves the order, drafts too. `planned`: rows of quotations it came from."""
	rows = frappe.db.sql(
		" UNION ALL ".join(_SELECTS), {"order": order, "planned": sorted(set(filter(None, planned))) or [""]}
	)
	return [frappe._dict(zip(_COLUMNS, row, strict=True)) for row in rows]
