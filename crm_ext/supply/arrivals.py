"""When goods arrive, the salespeople of the orders that wait for them hear of it, once for each receipt.

A receipt only names itself (`note`); a queue job after its commit finds out who waits and tells them. So it costs the
receipt no query, and cannot fail it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from urllib.parse import quote

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import cint, flt, get_url, get_url_to_form

from crm_ext.follow_ups import messages, preferences
from crm_ext.follow_ups.preferences import Person
from crm_ext.supply.arrival_rules import Arrived, Waiting, share_out
from crm_ext.supply.open_rows import order_qty

# Orders a message lists; its count is of all.
LISTED = 10


def note(doc: Document) -> None:
	"""On submit of a receipt: look after the commit who waits for what came."""
	if frappe.flags.in_install or frappe.flags.in_migrate or frappe.flags.in_patch:
		return
	if not brings_goods(doc) or not cint(
		frappe.get_cached_value("CRM Ext Settings", None, "tell_of_arrivals")
	):
		return
	doctype, name = doc.doctype, doc.name
	frappe.db.after_commit.add(lambda: _tell_later(doctype, name))


def brings_goods(doc: Document) -> bool:
	if doc.get("is_return"):
		return False
	if doc.doctype == "Purchase Invoice":
		return bool(doc.update_stock)
	if doc.doctype == "Stock Entry":
		return bool(doc.purpose == "Manufacture" and doc.work_order)
	return doc.doctype == "Purchase Receipt"


def _tell_later(doctype: str, name: str) -> None:
	"""The user's transaction is committed already: a queue out of reach must not look like a failed save."""
	try:
		frappe.enqueue(
			"crm_ext.tasks.tell_of_arrival",
			queue="short",
			job_id=f"crm_ext_arrival::{doctype}::{name}",
			deduplicate=True,
			doctype=doctype,
			name=name,
		)
	except Exception:
		frappe.logger("crm_ext").exception(f"Nobody was told of {doctype} {name}")


def tell(doctype: str, name: str) -> list[str]:
	"""Tell those who wait for what this receipt brought; returns the users told. Nothing where it is cancelled by now.

	The receipt is locked meanwhile: two jobs at once tell nobody twice, and it is not cancelled in between.
	"""
	receipt = frappe.db.get_value(
		doctype, name, ["docstatus", "company"], as_dict=True, for_update=True, order_by=None
	)
	if not receipt or receipt.docstatus != 1:
		return []
	shares = find(doctype, name, receipt.company)
	orders = _read_orders({row.order for row, _qty in shares})
	told = _already_told(doctype, name)
	by_user: dict[str, list[tuple[Waiting, float]]] = defaultdict(list)
	for row, qty in shares:
		for user in orders[row.order].users:
			if user not in told:
				by_user[user].append((row, qty))
	mail = messages.can_mail() if by_user else False
	people = preferences.people(by_user)
	for user, person in sorted(people.items()):
		_tell(person, by_user[user], orders, (doctype, name), mail)
	return sorted(people)


def find(doctype: str, name: str, company: str) -> list[tuple[Waiting, float]]:
	"""Open order rows served by a receipt and what each gets of it, in their rank. Three queries."""
	arrived = _read_arrived(doctype, name)
	waiting = _read_waiting(company, {row.item_code for row in arrived}) if arrived else []
	if not waiting:
		return []
	before = _read_stock({(row.item_code, row.warehouse) for row in arrived})
	for row in arrived:
		before[(row.item_code, row.warehouse)] -= row.qty
	whole = cint(frappe.db.get_single_value("CRM Ext Settings", "supply_whole_company"))
	got = share_out(arrived, waiting, before, bool(whole))
	ranked = sorted((row for row in waiting if row.key in got), key=lambda row: row.rank)
	return [(row, got[row.key]) for row in ranked]


# Reading

# What a received row was bought for: as it says, else as the order row says, else as the request does.
_BOUGHT = """
	SELECT r.item_code, r.warehouse, {qty},
		COALESCE({own} NULLIF(p.sales_order, ''), NULLIF(m.sales_order, '')),
		COALESCE({own_item} NULLIF(p.sales_order_item, ''), NULLIF(m.sales_order_item, '')),
		NULLIF(p.sales_order_packed_item, ''),
		COALESCE(NULLIF(p.quotation, ''), NULLIF(m.quotation, '')),
		COALESCE(NULLIF(p.quotation_item, ''), NULLIF(m.quotation_item, ''))
	FROM `tab{table}` r
	LEFT JOIN `tabPurchase Order Item` p ON p.name = r.{order_row}
	LEFT JOIN `tabMaterial Request Item` m
		ON m.name = COALESCE(NULLIF(r.material_request_item, ''), p.material_request_item)
	WHERE r.parent = %s AND IFNULL(r.warehouse, '') != '' AND {qty} > 0 ORDER BY r.idx"""
_ARRIVED = {
	"Purchase Receipt": _BOUGHT.format(
		table="Purchase Receipt Item",
		qty="r.stock_qty",
		own="NULLIF(r.sales_order, ''),",
		own_item="NULLIF(r.sales_order_item, ''),",
		order_row="purchase_order_item",
	),
	"Purchase Invoice": _BOUGHT.format(
		table="Purchase Invoice Item", qty="r.stock_qty", own="", own_item="", order_row="po_detail"
	),
	"Stock Entry": """
		SELECT r.item_code, r.t_warehouse, r.transfer_qty, NULLIF(w.sales_order, ''),
			COALESCE(NULLIF(w.sales_order_item, ''), NULLIF(m.sales_order_item, '')), NULL, NULLIF(m.quotation, ''),
			NULLIF(m.quotation_item, '')
		FROM `tabStock Entry Detail` r
		JOIN `tabStock Entry` e ON e.name = r.parent
		JOIN `tabWork Order` w ON w.name = e.work_order
		LEFT JOIN `tabMaterial Request Item` m ON m.name = w.material_request_item
		WHERE r.parent = %s AND r.is_finished_item = 1 AND r.transfer_qty > 0 ORDER BY r.idx""",
}


def _read_arrived(doctype: str, name: str) -> list[Arrived]:
	rows = frappe.db.sql(_ARRIVED[doctype], (name,))
	return [
		Arrived(item, warehouse, flt(qty), order, order_item, packed, quotation, quotation_item)
		for item, warehouse, qty, order, order_item, packed, quotation, quotation_item in rows
	]


_OPEN = "o.docstatus = 1 AND o.status NOT IN ('Closed', 'On Hold') AND o.company = %(company)s"


def _read_waiting(company: str, items: Collection[str]) -> list[Waiting]:
	"""Open order rows of these items, and packed items of open rows. One query."""
	open_qty = order_qty("i")
	rows = frappe.db.sql(
		f"""
		SELECT i.name, NULL, o.name, i.item_code, i.warehouse,
			{open_qty} * i.conversion_factor AS open_qty, i.stock_reserved_qty, i.delivery_date,
			o.transaction_date, o.creation, i.idx, i.prevdoc_docname, i.quotation_item
		FROM `tabSales Order Item` i JOIN `tabSales Order` o ON o.name = i.parent
		WHERE {_OPEN} AND i.item_code IN %(items)s AND {open_qty} > 0 AND i.delivered_by_supplier = 0
		UNION ALL
		SELECT i.name, p.name, o.name, p.item_code, p.warehouse, p.qty * {open_qty} / i.qty, 0,
			i.delivery_date, o.transaction_date, o.creation, i.idx, i.prevdoc_docname, i.quotation_item
		FROM `tabPacked Item` p JOIN `tabSales Order Item` i ON i.name = p.parent_detail_docname
		JOIN `tabSales Order` o ON o.name = i.parent
		WHERE {_OPEN} AND p.parenttype = 'Sales Order' AND p.item_code IN %(items)s
			AND {open_qty} > 0 AND i.delivered_by_supplier = 0
		""",
		{"company": company, "items": sorted(items)},
	)
	return [
		Waiting(
			key=packed or row,
			order=order,
			order_item=row,
			packed_item=packed,
			item_code=item,
			warehouse=warehouse,
			qty=flt(qty),
			reserved=flt(reserved),
			rank=(str(due or "9999"), str(day), str(creation), idx),
			quotation=quotation,
			quotation_item=quotation_item,
		)
		for row, packed, order, item, warehouse, qty, reserved, due, day, creation, idx, quotation, quotation_item in rows
	]


def _read_stock(pools: Collection[tuple[str, str]]) -> dict[tuple[str, str], float]:
	found: dict[tuple[str, str], float] = defaultdict(float)
	for item, warehouse, qty in frappe.db.sql(
		"SELECT item_code, warehouse, actual_qty FROM `tabBin` WHERE (item_code, warehouse) IN %s",
		(sorted(pools),),
	):
		found[(item, warehouse)] = flt(qty)
	return found


# Whom to tell


def _read_orders(orders: Collection[str]) -> dict[str, "frappe._dict"]:
	"""Per order {name, customer_name, users}: whom to tell of those who may read it. Two queries, and one document each."""
	if not orders:
		return {}
	team: dict[str, list[str]] = defaultdict(list)
	for order, user in frappe.db.sql(
		"""SELECT t.parent, e.user_id FROM `tabSales Team` t JOIN `tabSales Person` p ON p.name = t.sales_person
		JOIN `tabEmployee` e ON e.name = p.employee AND e.status = 'Active' JOIN `tabUser` u ON u.name = e.user_id
		WHERE t.parenttype = 'Sales Order' AND t.parent IN %s AND u.enabled = 1 ORDER BY t.parent, t.idx""",
		(sorted(orders),),
	):
		team[order].append(user)
	found = {}
	for row in frappe.db.sql(
		"""SELECT o.name, o.customer_name, o.owner, d.owner_user FROM `tabSales Order` o
		LEFT JOIN `tabDeal` d ON d.name = o.deal WHERE o.name IN %s""",
		(sorted(orders),),
		as_dict=True,
	):
		document = frappe.get_doc("Sales Order", row.name)
		row.users = _first(
			_readers(document, users) for users in (team[row.name], [row.owner_user], [row.owner])
		)
		found[row.name] = row
	return found


def _first(choices: Iterable[list[str]]) -> list[str]:
	return next((users for users in choices if users), [])


def _readers(document: Document, users: Iterable[str | None]) -> list[str]:
	return [
		user
		for user in dict.fromkeys(users)
		if user and frappe.has_permission("Sales Order", "read", doc=document, user=user)
	]


def _already_told(doctype: str, name: str) -> set[str]:
	return set(
		frappe.get_all(
			"Notification Log",
			filters={"document_type": doctype, "document_name": name, "type": "Alert"},
			pluck="for_user",
			order_by=None,
		)
	)


# Telling


def _tell(
	person: Person,
	rows: list[tuple[Waiting, float]],
	orders: dict[str, "frappe._dict"],
	receipt: tuple[str, str],
	mail: bool,
) -> None:
	by_order: dict[str, list[tuple[Waiting, float]]] = defaultdict(list)
	for row, qty in rows:
		by_order[row.order].append((row, qty))
	with messages.language(person.language):
		shown = [
			{
				"order": order,
				"customer": orders[order].customer_name,
				"items": ", ".join(f"{flt(qty, 3):g} × {row.item_code}" for row, qty in found),
				"link": get_url(f"/app/order-status/{quote(order)}"),
			}
			for order, found in by_order.items()
		]
		texts = [_("{0} for {1}: {2}").format(row["order"], row["customer"], row["items"]) for row in shown]
		subject = _("Goods have arrived: {0}").format("; ".join(texts[:LISTED]))
		if len(texts) > LISTED:
			subject += " " + _("and {0} more orders").format(len(texts) - LISTED)
		only = next(iter(by_order)) if len(by_order) == 1 else None
		many = quote(frappe.as_json(["in", list(by_order)], indent=None))
		link = f"/app/order-status/{quote(only)}" if only else f"/app/sales-order?name={many}"
		args = {"name": person.full_name, "rows": shown[:LISTED], "total": len(shown)}
		args["receipt"], args["receipt_link"] = f"{_(receipt[0])} {receipt[1]}", get_url_to_form(*receipt)
		messages.tell(person, subject, link, "arrival", args, mail, "mail", receipt)
