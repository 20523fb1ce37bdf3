"""Statements behind Delivery Due. Reads in sets, writes nothing."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime

import frappe

from crm_ext.permissions import list_conditions
from crm_ext.supply import open_rows as still_open
from crm_ext.supply.delivery_rules import OpenRow, Part, Pool, Source

# By its own name, because conditions of permission name it so.
ORDER = "`tabSales Order`"
# Orders that wait for a delivery: as Bin.reserved_qty counts them, and to which ERPNext offers a Delivery Note.
_WAITING = f"""{ORDER}.docstatus = 1 AND {ORDER}.status NOT IN ('Closed', 'On Hold', 'Completed', 'To Bill')
	AND {ORDER}.skip_delivery_note = 0 AND IFNULL({ORDER}.order_type, '') != 'Maintenance'"""
_UNDELIVERED = "IFNULL(i.delivered_by_supplier, 0) = 0 AND i.qty > 0 AND {open} > 0"
_DELIVER_ON = f"COALESCE(i.delivery_date, {ORDER}.delivery_date, {ORDER}.transaction_date)"
# Stock is given out in this order. The same as availability's, so that its figures and ours agree.
_RANK = f"{_DELIVER_ON}, {ORDER}.transaction_date, {ORDER}.creation, i.idx, i.name"


def visible(doctype: str, user: str | None = None) -> str:
	"""Condition on the table of `doctype` for what the person may read, for a statement with parameters."""
	conditions = list_conditions(doctype, user)
	return f"({conditions.replace('%', '%%')})" if conditions else "1 = 1"


def open_rows(company: str, user: str | None = None) -> list[OpenRow]:
	"""Every row of the company that is still to be delivered, in rank order, also of orders the person may not read."""
	opened = still_open.order_qty("i")
	rows = frappe.db.sql(
		f"""SELECT i.name, {ORDER}.name AS `order`, i.idx, i.item_code, i.item_name, i.warehouse,
			{_DELIVER_ON} AS deliver_on, i.stock_qty * {opened} / i.qty AS open_qty, i.uom, i.stock_uom,
			IFNULL(NULLIF(i.conversion_factor, 0), 1) AS factor, IFNULL(u.must_be_whole_number, 0) AS whole,
			IFNULL(s.must_be_whole_number, 0) AS whole_stock, i.base_net_amount * {opened} / i.qty AS value,
			IFNULL({visible("Sales Order", user)}, 0) AS visible,
			{ORDER}.customer, {ORDER}.customer_name, {ORDER}.territory, {ORDER}.deal
		FROM {ORDER}
		JOIN `tabSales Order Item` i ON i.parent = {ORDER}.name
		LEFT JOIN `tabUOM` u ON u.name = i.uom
		LEFT JOIN `tabUOM` s ON s.name = i.stock_uom
		WHERE {ORDER}.company = %(company)s AND {_WAITING} AND {_UNDELIVERED.format(open=opened)}
		ORDER BY {_RANK}""",
		{"company": company},
		as_dict=True,
	)
	return [OpenRow(**row) for row in rows]


def parts(company: str) -> dict[str, tuple[Part, ...]]:
	"""By row of an open order: the items kept in stock that its bundle is packed of."""
	rows = frappe.db.sql(
		f"""SELECT p.parent_detail_docname, p.item_code, p.warehouse, p.qty / i.stock_qty
		FROM {ORDER}
		JOIN `tabSales Order Item` i ON i.parent = {ORDER}.name
		JOIN `tabPacked Item` p ON p.parenttype = 'Sales Order' AND p.parent = {ORDER}.name
			AND p.parent_detail_docname = i.name AND p.item_code != p.parent_item AND p.qty > 0
		JOIN `tabItem` item ON item.name = p.item_code AND item.is_stock_item = 1
		WHERE {ORDER}.company = %s AND {_WAITING} AND {_UNDELIVERED.format(open=still_open.order_qty("i"))}
		ORDER BY p.idx""",
		(company,),
	)
	found = defaultdict(list)
	for row, item_code, warehouse, per_unit in rows:
		found[row].append(Part(item_code, warehouse, float(per_unit)))
	return {row: tuple(packed) for row, packed in found.items()}


def reserved(company: str) -> dict[str, float]:
	"""By row of an order: what Stock Reservation Entries hold for it."""
	rows = frappe.db.sql(
		"""SELECT voucher_detail_no, SUM(reserved_qty - delivered_qty) FROM `tabStock Reservation Entry`
		WHERE company = %s AND voucher_type = 'Sales Order' AND docstatus = 1
			AND status NOT IN ('Delivered', 'Cancelled')
		GROUP BY voucher_detail_no""",
		(company,),
	)
	return {row: float(qty) for row, qty in rows}


def free_stock(company: str) -> dict[Pool, float]:
	"""What lies in each warehouse of the company and is neither reserved nor meant for production and subcontracting."""
	rows = frappe.db.sql(
		"""SELECT b.item_code, b.warehouse, b.actual_qty - IFNULL(b.reserved_stock, 0)
			- IFNULL(b.reserved_qty_for_production, 0) - IFNULL(b.reserved_qty_for_sub_contract, 0)
			- IFNULL(b.reserved_qty_for_production_plan, 0)
		FROM `tabBin` b JOIN `tabWarehouse` w ON w.name = b.warehouse
		WHERE w.company = %s AND b.actual_qty > 0""",
		(company,),
	)
	return {(item_code, warehouse): float(qty) for item_code, warehouse, qty in rows}


def sellers(company: str) -> dict[str, tuple[str, ...]]:
	"""By open order: its sales team."""
	rows = frappe.db.sql(
		f"""SELECT t.parent, t.sales_person FROM {ORDER}
		JOIN `tabSales Team` t ON t.parenttype = 'Sales Order' AND t.parent = {ORDER}.name
		WHERE {ORDER}.company = %s AND {_WAITING} ORDER BY t.parent, t.idx""",
		(company,),
	)
	found = defaultdict(list)
	for order, person in rows:
		found[order].append(person)
	return {order: tuple(team) for order, team in found.items()}


def drafts(company: str) -> dict[str, tuple[str, ...]]:
	"""By row of an order: the drafts of Delivery Notes that hold it, whoever may read them."""
	return _by_row(
		frappe.db.sql(
			"""SELECT d.so_detail, n.name FROM `tabDelivery Note` n
			JOIN `tabDelivery Note Item` d ON d.parent = n.name
			WHERE n.docstatus = 0 AND n.company = %s AND n.is_return = 0 AND d.so_detail != ''
			ORDER BY n.name""",
			(company,),
		)
	)


def drafts_now(rows: Collection[str]) -> dict[str, tuple[str, ...]]:
	"""`drafts` of some rows as they are committed by now, whatever this transaction saw before."""
	return _by_row(
		frappe.db.sql(
			"""SELECT d.so_detail, n.name FROM `tabDelivery Note Item` d
			STRAIGHT_JOIN `tabDelivery Note` n ON n.name = d.parent
			WHERE d.so_detail IN %s AND n.docstatus = 0 AND n.is_return = 0
			ORDER BY n.name LOCK IN SHARE MODE""",
			(list(rows),),
		)
	)


def _by_row(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
	found: dict[str, dict[str, None]] = defaultdict(dict)
	for row, note in pairs:
		found[row][note] = None
	return {row: tuple(notes) for row, notes in found.items()}


def stamps(orders: Collection[str], lock: bool = False) -> dict[str, datetime]:
	"""When orders were changed last; `lock`: as committed by now, and nobody changes them until this transaction ends."""
	return dict(
		frappe.db.sql(
			f"""SELECT name, modified FROM `tabSales Order` WHERE name IN %s
			ORDER BY name{" FOR UPDATE" if lock else ""}""",
			(list(orders),),
		)
	)


def sources(company: str, items: Collection[str]) -> dict[str, list[Source]]:
	"""By item: what is on its way, the earliest first, then what was only requested. One statement."""
	if not items:
		return {}
	rows = frappe.db.sql(
		f"""SELECT 'Purchase Order' AS doctype, doc.name, part.item_code,
			COALESCE({still_open.PURCHASE_DAY}, doc.transaction_date) AS due, part.sales_order_item AS order_item
		FROM `tabPurchase Order Item` part JOIN `tabPurchase Order` doc ON doc.name = part.parent
		WHERE part.item_code IN %(items)s AND doc.company = %(company)s AND {still_open.PURCHASE}
		UNION ALL
		SELECT 'Work Order', doc.name, doc.production_item,
			COALESCE({still_open.PRODUCTION_DAY}, DATE(doc.planned_start_date)), doc.sales_order_item
		FROM `tabWork Order` doc
		WHERE doc.production_item IN %(items)s AND doc.company = %(company)s AND {still_open.PRODUCTION}
		UNION ALL
		SELECT 'Material Request', doc.name, part.item_code, NULL, part.sales_order_item
		FROM `tabMaterial Request Item` part JOIN `tabMaterial Request` doc ON doc.name = part.parent
		WHERE part.item_code IN %(items)s AND doc.company = %(company)s AND {still_open.REQUEST}
			AND doc.material_request_type IN ('Purchase', 'Manufacture')
		ORDER BY due IS NULL, due, name""",
		{"items": list(items), "company": company},
	)
	found = defaultdict(list)
	for doctype, name, item_code, due, order_item in rows:
		found[item_code].append(Source(doctype, name, item_code, due, order_item or None))
	return found


# Whose orders they are: made by the person, of a deal the person owns, or with the person in the sales team.
_OF_PERSON = f"""({ORDER}.owner = %(user)s
	OR EXISTS (SELECT 1 FROM `tabDeal` d WHERE d.name = {ORDER}.deal AND d.owner_user = %(user)s)
	OR EXISTS (SELECT 1 FROM `tabSales Team` t JOIN `tabSales Person` p ON p.name = t.sales_person
		JOIN `tabEmployee` e ON e.name = p.employee
		WHERE t.parenttype = 'Sales Order' AND t.parent = {ORDER}.name AND e.user_id = %(user)s))"""


def rows_of_person(user: str, until: date, condition: str, limit: int) -> list[dict]:
	"""Open rows due until a day of the first `limit` orders of a person, in rank order; `total`: of orders there are.

	`condition` on the table of orders begins with AND. `safety_stock` is the item's. One statement.
	"""
	opened = still_open.order_qty("i")
	due = f"{_WAITING} AND {_UNDELIVERED.format(open=opened)} AND {_DELIVER_ON} <= %(until)s"
	return frappe.db.sql(
		f"""WITH chosen AS (
			SELECT {ORDER}.name, MIN({_DELIVER_ON}) AS due_on, COUNT(*) OVER () AS total
			FROM {ORDER} JOIN `tabSales Order Item` i ON i.parent = {ORDER}.name
			WHERE {due} AND {_OF_PERSON} {condition}
			GROUP BY {ORDER}.name ORDER BY due_on, {ORDER}.name LIMIT {int(limit)}
		)
		SELECT chosen.total, chosen.due_on, i.name AS row_name, {ORDER}.name, {ORDER}.company, {ORDER}.customer,
			{ORDER}.customer_name, i.item_code, i.item_name, i.warehouse, i.stock_uom, {_DELIVER_ON} AS deliver_on,
			i.stock_qty * {opened} / i.qty AS open_qty, i.base_net_amount * {opened} / i.qty AS value,
			IFNULL(item.safety_stock, 0) AS safety_stock
		FROM chosen
		JOIN {ORDER} ON {ORDER}.name = chosen.name
		JOIN `tabSales Order Item` i ON i.parent = {ORDER}.name
		LEFT JOIN `tabItem` item ON item.name = i.item_code
		WHERE {due}
		ORDER BY {_RANK}""",
		{"user": user, "until": until},
		as_dict=True,
	)
