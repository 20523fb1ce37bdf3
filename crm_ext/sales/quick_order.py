"""A sales order from a few rows: which items are meant, what the customer had before, and the order as ERPNext would
price it. Reads in sets; writes nothing but the order, through ERPNext. Callers check permission on the customer.

The order is never priced by us: an unsaved Sales Order is filled by ERPNext's own `set_missing_values`, the same that
runs when it is saved.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import cint, flt, get_number_format_info, getdate, nowdate

from crm_ext.sales.codes import MAX_LINES, Line, read_lines
from crm_ext.supply import availability

LAST_ORDERS = 20
_OPEN_QUOTATIONS = ("Open", "Replied", "Partially Ordered")
_ITEM_FIELDS = ["name", "item_name", "stock_uom", "sales_uom", "image"]
_STATE_FIELDS = ["disabled", "has_variants", "is_sales_item", "end_of_life"]


@dataclass(frozen=True, slots=True)
class Row:
	"""One row that was typed. `quotation_item`: the quotation's row it stands for."""

	item_code: str
	qty: float
	uom: str | None = None
	delivery_date: str | None = None
	quotation_item: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
	customer: str
	company: str
	delivery_date: str | None  # None: not chosen yet, which is good enough for looking
	rows: tuple[Row, ...]
	po_no: str | None = None
	set_warehouse: str | None = None
	quotation: str | None = None


# Which items are meant


def resolve(text: str, customer: str | None) -> list[dict]:
	"""Return for each line of `text`, in order: `text`, and either the item (`item_code`, `item_name`, `uom`, `qty`, `by`)
	or the `reason` why there is none. Four statements, whatever the number of lines."""
	number = get_number_format_info(frappe.db.get_default("number_format") or "#,###.##")
	lines = read_lines(text, number[0], number[1])
	if len(lines) > MAX_LINES:
		frappe.throw(_("These are {0} lines; {1} can be read at once.").format(len(lines), MAX_LINES))
	codes = {reading.code for line in lines for reading in line.readings}
	known = _find(codes, customer)
	return [_answer(line, known) for line in lines]


def _answer(line: Line, known: Mapping[str, Sequence[dict]]) -> dict:
	if not line.readings:
		return {"text": line.text, "reason": _("The quantity is not a number above 0.")}
	found = next((reading for reading in line.readings if known.get(reading.code.casefold())), None)
	if not found:
		return {"text": line.text, "reason": _("No item has this code.")}
	items = known[found.code.casefold()]
	items = [item for item in items if "reason" not in item] or items[:1]
	if len(items) > 1:
		names = ", ".join(item["item_code"] for item in items)
		return {"text": line.text, "reason": _("Several items have this code: {0}").format(names)}
	(item,) = items
	return {"text": line.text, "qty": found.qty or 1.0, "qty_given": found.qty is not None, **item}


def _find(codes: set[str], customer: str | None) -> dict[str, list[dict]]:
	"""Items by code in small letters. An item's own code goes before a barcode, and that before the customer's code."""
	if not codes:
		return {}
	barcodes = frappe.get_all(
		"Item Barcode",
		filters={"barcode": ("in", codes), "parenttype": "Item"},
		fields=["parent", "barcode as code", "uom"],
		order_by="parent",
	)
	references = _customer_codes(codes, customer) if customer else []
	named = codes | {row.parent for row in (*barcodes, *references)}
	# With permission: whoever may not see an item is not told that it exists.
	items = frappe.get_list(
		"Item",
		filters={"name": ("in", named)},
		fields=[*_ITEM_FIELDS, *_STATE_FIELDS],
		limit_page_length=0,
		order_by="name",
	)
	by_name = {item.name.casefold(): item for item in items}
	found: dict[str, list[dict]] = {}
	for code in codes:
		if item := by_name.get(code.casefold()):
			found[code.casefold()] = [_item(item, "code")]
	for rows, by in ((barcodes, "barcode"), (references, "customer")):
		more: dict[str, dict[str, dict]] = {}
		for row in rows:
			if item := by_name.get(row.parent.casefold()):
				more.setdefault(row.code.casefold(), {})[item.name] = _item(item, by, row.get("uom"))
		for code, candidates in more.items():
			found.setdefault(code, list(candidates.values()))
	return found


def _customer_codes(codes: set[str], customer: str) -> list[dict]:
	"""What the customer calls items; a code of the customer's group counts as ERPNext counts it, after its own."""
	group = frappe.get_cached_value("Customer", customer, "customer_group")
	rows = frappe.get_all(
		"Item Customer Detail",
		filters={"ref_code": ("in", codes), "parenttype": "Item"},
		or_filters={"customer_name": customer, "customer_group": group},
		fields=["parent", "ref_code as code", "customer_name"],
		order_by="parent",
	)
	own = [row for row in rows if row.customer_name == customer]
	known = {row.code.casefold() for row in own}
	# A row of another customer holds that one's group, too.
	return own + [row for row in rows if not row.customer_name and row.code.casefold() not in known]


def _item(item: Mapping, by: str, uom: str | None = None) -> dict:
	reason = _not_sold(item)
	if reason:
		return {"item_code": item["name"], "reason": reason}
	return {
		"item_code": item["name"],
		"item_name": item["item_name"],
		"uom": uom or item["sales_uom"] or item["stock_uom"],
		"by": by,
	}


def _not_sold(item: Mapping) -> str | None:
	if cint(item["disabled"]):
		return _("{0} is disabled.").format(item["name"])
	if cint(item["has_variants"]):
		return _("{0} has variants; choose one of them.").format(item["name"])
	if not cint(item["is_sales_item"]):
		return _("{0} is not sold.").format(item["name"])
	if item["end_of_life"] and getdate(item["end_of_life"]) <= getdate(nowdate()):
		return _("{0} is no longer sold.").format(item["name"])
	return None


# What there was before


def last_rows(customer: str, company: str) -> list[dict]:
	"""What the customer ordered last, each item and unit once, the latest first, with how often it was ordered. Of the
	last orders the user may read. Three statements."""
	orders = frappe.get_list(
		"Sales Order",
		filters={"customer": customer, "company": company, "docstatus": 1},
		fields=["name", "transaction_date"],
		order_by="transaction_date desc, creation desc",
		limit_page_length=LAST_ORDERS,
	)
	if not orders:
		return []
	rank = {order.name: place for place, order in enumerate(orders)}
	rows = frappe.get_all(
		"Sales Order Item",
		filters={"parent": ("in", list(rank)), "is_free_item": 0, "item_code": ("is", "set")},
		fields=["parent", "idx", "item_code", "item_name", "qty", "uom", "rate"],
		order_by="parent, idx",
	)
	rows.sort(key=lambda row: (rank[row.parent], row.idx))
	sold = _sold({row.item_code for row in rows})
	found: dict[tuple, dict] = {}
	for row in rows:
		if row.item_code not in sold:
			continue
		key = (row.item_code, row.uom)
		if key not in found:
			ordered_on = orders[rank[row.parent]].transaction_date
			found[key] = {**row, "order": row.parent, "ordered_on": ordered_on, "times": 0}
		found[key]["times"] += 1
	return list(found.values())


def _sold(codes: Iterable[str]) -> set[str]:
	items = frappe.get_list(
		"Item",
		filters={"name": ("in", list(codes))},
		fields=["name", *_STATE_FIELDS],
		limit_page_length=0,
		order_by="name",
	)
	return {item.name for item in items if not _not_sold(item)}


def open_quotations(customer: str, company: str | None = None) -> list[dict]:
	"""Quotations of the customer that can still be ordered from, the latest first; those the user may read."""
	expired_may = frappe.db.get_single_value(
		"Selling Settings", "allow_sales_order_creation_for_expired_quotation"
	)
	filters = {
		"quotation_to": "Customer",
		"party_name": customer,
		"docstatus": 1,
		"status": ("in", (*_OPEN_QUOTATIONS, "Expired") if cint(expired_may) else _OPEN_QUOTATIONS),
	}
	if company:
		filters["company"] = company
	return frappe.get_list(
		"Quotation",
		filters=filters,
		fields=["name", "transaction_date", "valid_till", "grand_total", "currency", "status", "company"],
		order_by="transaction_date desc, creation desc",
		limit_page_length=LAST_ORDERS,
	)


def quotation_rows(quotation: str) -> dict:
	"""What ERPNext would order of a quotation: customer, company, delivery date and rows."""
	order = _from_quotation(quotation)
	rows = [
		{
			"quotation_item": row.quotation_item,
			"item_code": row.item_code,
			"item_name": row.item_name,
			"qty": row.qty,
			"uom": row.uom,
			"delivery_date": row.delivery_date,
		}
		for row in order.items
		if not cint(row.is_free_item)
	]
	return {
		"customer": order.customer,
		"company": order.company,
		"delivery_date": order.delivery_date,
		"rows": rows,
	}


def _from_quotation(quotation: str) -> Document:
	from erpnext.selling.doctype.quotation.quotation import make_sales_order

	if frappe.db.get_value("Quotation", quotation, "quotation_to") != "Customer":
		# ERPNext would make a customer of the lead on the way; looking must not write.
		frappe.throw(_("Quotation {0} is not for a customer; make its order there.").format(quotation))
	return make_sales_order(quotation)


# The order


def build(order: Order) -> Document:
	"""The Sales Order as ERPNext fills and prices it, not saved. Row n of `order` is row n of the document; what pricing
	rules give for free follows. Raises ValidationError as ERPNext does, PermissionError for the quotation."""
	doc = _from_quotation(order.quotation) if order.quotation else frappe.new_doc("Sales Order")
	if order.quotation and (doc.customer, doc.company) != (order.customer, order.company):
		frappe.throw(_("Quotation {0} is for another customer or company.").format(order.quotation))
	if not order.quotation:
		_set_customer(doc, order)
	doc.delivery_date = order.delivery_date
	if order.po_no:
		doc.po_no = order.po_no
	if order.set_warehouse:
		doc.set_warehouse = order.set_warehouse
	_set_rows(doc, order)
	doc.run_method("set_missing_values")
	if not order.quotation:
		doc.set_taxes()  # the company's own, where the customer has none: the form does the same
	doc.set_taxes_and_charges()
	doc.run_method("calculate_taxes_and_totals")
	return doc


def _set_customer(doc: Document, order: Order) -> None:
	"""As ERPNext's form does when a customer is chosen."""
	from erpnext.accounts.party import get_party_details

	details = get_party_details(
		party=order.customer,
		party_type="Customer",
		doctype=doc.doctype,
		company=order.company,
		posting_date=doc.transaction_date,
		price_list=doc.selling_price_list,
		currency=frappe.get_cached_value("Company", order.company, "default_currency"),
	)
	doc.update({**details, "company": order.company})


def _set_rows(doc: Document, order: Order) -> None:
	quoted = {row.quotation_item: row for row in doc.items if row.get("quotation_item")}
	doc.set("items", [])
	for number, row in enumerate(order.rows, start=1):
		source = quoted.pop(row.quotation_item, None) if row.quotation_item else None
		if row.quotation_item and not source:
			frappe.throw(_("{0} of the quotation can no longer be ordered.").format(row.item_code))
		added = doc.append("items", source or {"item_code": row.item_code, "uom": row.uom})
		added.update({"idx": number, "qty": row.qty})
		added.stock_qty = flt(row.qty) * flt(added.conversion_factor) if added.conversion_factor else None
		added.delivery_date = row.delivery_date or order.delivery_date
		if order.set_warehouse:
			added.warehouse = order.set_warehouse


def describe(doc: Document) -> dict:
	"""What a person wants to see of an order that is not saved: rows with price and stock, and the totals. What can be
	promised, where the settings show availability; what is on hand always."""
	enabled = cint(frappe.get_cached_doc("CRM Ext Settings").availability_enabled)
	promised = availability.read(doc.company, availability.needs_of(doc)) if enabled else {}
	return {
		"rows": [_shown(row, promised.get(row.name or str(row.idx))) for row in doc.items],
		"currency": doc.currency,
		"price_list": doc.selling_price_list,
		"net_total": flt(doc.net_total),
		"taxes": flt(doc.total_taxes_and_charges),
		"total": flt(doc.rounded_total) or flt(doc.grand_total),
	}


def _shown(row: Document, promise: "availability.Availability | None") -> dict:
	shown = {
		"item_code": row.item_code,
		"item_name": row.item_name,
		"qty": row.qty,
		"uom": row.uom,
		"stock_uom": row.stock_uom,
		"rate": flt(row.rate),
		"price_list_rate": flt(row.price_list_rate),
		"amount": flt(row.amount),
		"warehouse": row.warehouse,
		"is_free": cint(row.is_free_item),
		"on_hand": flt(row.get("actual_qty")),
		"delivery_date": row.delivery_date,
	}
	if promise:
		shown |= {
			"kind": promise.kind,
			"available": promise.available,
			"promise_on": promise.promise_on,
			"short": promise.short,
			"late": promise.late,
		}
	return shown
