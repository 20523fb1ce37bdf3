"""Makes the drafts that buy what is short: the only module of this part that writes.

One after the other. Two people who order the same shortage at once may not both find it open. So whoever orders takes
the company's turn first (`take_turn`): a lock of the database by name, which holds between all web and queue hosts, and
only then reads. A row lock would do as well, but rows of items are written by every Purchase Order that is submitted:
those would wait for us, and could lose a deadlock to us. Nobody but us ever waits for this name, and we take it while
holding nothing. It is kept until the commit is through, so that the next one's snapshot, which begins after it, sees
what was made. The database frees it when the connection ends, however that happens.

Permission is the caller's; ERPNext fetches prices, taxes and addresses.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import frappe
from erpnext.selling.doctype.sales_order.sales_order import make_purchase_order
from erpnext.setup.utils import get_exchange_rate
from frappe import _
from frappe.model.document import Document
from frappe.utils import flt, getdate

from crm_ext.deals.store import is_lock_error
from crm_ext.supply import shortage
from crm_ext.supply.shortage import Reading, Shortage
from crm_ext.supply.shortage_rules import NOISE, split

MATERIAL_REQUEST, PURCHASE_ORDER = "Material Request", "Purchase Order"
_WAIT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Choice:
	"""What somebody wants of a line: `qty` in stock units; `seen` what was open when they looked, None: not asked."""

	key: str
	qty: float
	seen: float | None = None
	supplier: str | None = None
	needed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Made:
	"""`documents`: (DocType, name) of the drafts. `overtaken`: keys of lines that others have covered since they were
	looked at; then nothing was made."""

	documents: tuple[tuple[str, str], ...] = ()
	overtaken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
	"""One row of a draft; quantity in stock units."""

	shortage: Shortage
	qty: float
	supplier: str | None
	needed_on: date
	names_row: bool = True
	names_order: bool = True


# Turns


def take_turn(company: str) -> None:
	"""Wait until nobody else orders for this company, then see all that was committed. Drops what this transaction has
	read so far: the caller has written nothing yet."""
	frappe.db.rollback()
	name = _turn_of(company)
	if not frappe.db.sql("SELECT GET_LOCK(%s, %s)", (name, _WAIT_SECONDS))[0][0]:
		frappe.throw(
			_("Somebody else is ordering for {0} right now. Please try again.").format(company),
			frappe.QueryTimeoutError,
		)

	def give_back() -> None:
		frappe.db.sql("SELECT RELEASE_LOCK(%s)", (name,))

	frappe.db.after_commit.add(give_back)
	frappe.db.after_rollback.add(give_back)


def _turn_of(company: str) -> str:
	"""Names are the server's, not the database's, and short."""
	return "crm_ext:" + hashlib.sha1(f"{frappe.conf.db_name} {company}".encode()).hexdigest()


# Ordering


def request(doctype: str, name: str, choices: Sequence[Choice] | None = None, **options) -> Made:
	"""Draft Material Requests of what is short, one to buy and one to make. Without `choices`: all of it."""
	return _order(shortage.read(doctype, name), choices, to_order=False, **options)


def order(doctype: str, name: str, choices: Sequence[Choice] | None = None, **options) -> Made:
	"""Draft Purchase Orders of what is short, one for each supplier; what is made in house is requested."""
	reading = shortage.read(doctype, name)
	if reading.is_plan:
		frappe.throw(_("Nothing is sold yet: from a quotation, goods are requested, not ordered."))
	return _order(reading, choices, to_order=True, **options)


def _order(
	reading: Reading, choices: Sequence[Choice] | None, to_order: bool, ignore_permissions: bool = False
) -> Made:
	if choices is None:
		choices = [Choice(row.line.key, row.to_buy) for row in reading.shortages]
	overtaken = _overtaken(reading, choices)
	if overtaken:
		return Made(overtaken=tuple(overtaken))
	parts = _parts(reading, choices)
	drafts = _Drafts(reading.company, ignore_permissions)
	made, supplied, bought = [], [], []
	for part in parts:
		line = part.shortage.line
		(made if line.is_made else supplied if line.source.drop_ship else bought).append(part)
	if to_order:
		drafts.order(bought)
	else:
		drafts.request("Purchase", bought)
	# A request would bring to our warehouse what the supplier is to deliver: ordered, or left to others.
	if to_order or ignore_permissions:
		drafts.order_from_suppliers(supplied)
	drafts.request("Manufacture", made)
	return Made(documents=tuple((doc.doctype, doc.name) for doc in drafts.made))


def _overtaken(reading: Reading, choices: Iterable[Choice]) -> list[str]:
	"""Less is open than was seen: somebody ordered, or goods came. A row that is gone is not open at all."""
	opened = {row.line.key: row.open for row in reading.shortages}
	return [
		choice.key
		for choice in choices
		if choice.qty > NOISE
		and choice.seen is not None
		and opened.get(choice.key, 0.0) < choice.seen - NOISE
	]


def _parts(reading: Reading, choices: Iterable[Choice]) -> list[_Part]:
	"""Rows to make. What exceeds the order's row stands in a row of its own: ERPNext refuses to submit more than was
	sold against it."""
	by_key, today, parts = {row.line.key: row for row in reading.shortages}, getdate(), []
	for choice in choices:
		row = by_key.get(choice.key)
		if row is None or choice.qty <= NOISE:
			continue
		source = row.line.source
		needed_on = max(today, getdate(choice.needed_on or source.needed_on or today))
		part = _Part(row, choice.qty, choice.supplier or row.terms.supplier, needed_on)
		if not source.order or row.line.is_made:
			parts.append(part)
			continue
		linked, rest = split(choice.qty, row.terms.lot, row.line.may_link - row.linked)
		if linked > NOISE:
			parts.append(replace(part, qty=linked))
		if rest > NOISE:
			parts.append(replace(part, qty=rest, names_row=False, names_order=linked < row.open - NOISE))
	return parts


class _Drafts:
	"""Makes documents, in this transaction. With `ignore_permissions` the company's setting orders, not a person."""

	def __init__(self, company: str, ignore_permissions: bool):
		self.company = company
		self.ignore_permissions = ignore_permissions
		self.made: list[Document] = []

	def request(self, kind: str, parts: Sequence[_Part]) -> None:
		if not parts:
			return
		doc = self._new(MATERIAL_REQUEST)
		doc.material_request_type = kind
		for part in parts:
			doc.append("items", self._row(part, doc.doctype))
		self._insert(doc)

	def order(self, parts: Sequence[_Part]) -> None:
		"""One order for each supplier. Parts without one are requested where nobody can be asked for it."""
		by_supplier = defaultdict(list)
		for part in parts:
			by_supplier[part.supplier or ""].append(part)
		nobody = by_supplier.pop("", [])
		if nobody and not self.ignore_permissions:
			items = ", ".join(dict.fromkeys(part.shortage.line.item_code for part in nobody))
			frappe.throw(_("Choose a supplier for {0}.").format(frappe.bold(items)))
		self.request("Purchase", nobody)
		for supplier, rows in by_supplier.items():
			doc = self._new(PURCHASE_ORDER)
			for part in rows:
				doc.append("items", self._row(part, doc.doctype))
			self._set_supplier(doc, supplier)
			self._insert(doc)

	def order_from_suppliers(self, parts: Sequence[_Part]) -> None:
		"""What suppliers deliver to the customer: as ERPNext orders it, one for each order and supplier."""
		groups = defaultdict(list)
		for part in parts:
			groups[part.shortage.line.source.order, part.supplier or ""].append(part)
		for (order, supplier), rows in groups.items():
			if not supplier:
				items = ", ".join(part.shortage.line.item_code for part in rows)
				frappe.throw(_("Choose a supplier for {0}.").format(frappe.bold(items)))
			doc = self._map_drop_shipment(order, {part.shortage.line.key: part for part in rows})
			self._set_supplier(doc, supplier)
			self._insert(doc)

	def _map_drop_shipment(self, order: str, parts: dict[str, _Part]) -> Document:
		target = self._new(PURCHASE_ORDER)
		chosen = frappe.flags.selected_children
		packed = [name for part in parts.values() for _i, name, _q in part.shortage.line.source.packed]
		frappe.flags.selected_children = {"items": list(parts), "packed_items": packed}
		try:
			items = [{"item_code": part.shortage.line.item_code} for part in parts.values()]
			doc = make_purchase_order(order, selected_items=items, target_doc=target)
		finally:
			frappe.flags.selected_children = chosen
		for row in doc.items:
			part = parts.get(row.sales_order_item)
			if not part:
				continue
			row.qty = flt(part.qty / (flt(row.conversion_factor) or 1.0), 9)
			row.stock_qty = part.qty
			row.schedule_date = part.needed_on
			row.update(self._offer_of(part))
		return doc

	def _new(self, doctype: str) -> Document:
		doc = frappe.new_doc(doctype)
		doc.company = self.company
		doc.transaction_date = getdate()
		doc.flags.ignore_permissions = self.ignore_permissions
		return doc

	def _row(self, part: _Part, doctype: str) -> dict:
		line, terms = part.shortage.line, part.shortage.terms
		source = line.source
		row = {
			"item_code": line.item_code,
			"uom": terms.uom,
			"stock_uom": terms.stock_uom,
			"conversion_factor": terms.lot.factor,
			"qty": terms.purchase_qty(part.qty),
			"schedule_date": part.needed_on,
			"warehouse": source.warehouse or terms.warehouse,
			**(self._offer_of(part) if part.names_order else {}),
		}
		if source.order and part.names_order:
			row["sales_order"] = source.order
			if line.is_component:
				row |= self._packed_of(part, doctype)
			elif part.names_row:
				row["sales_order_item"] = line.order_item
				if line.is_made:
					row["bom_no"] = source.bom_no
		return row

	def _offer_of(self, part: _Part) -> dict:
		source = part.shortage.line.source
		return {"quotation": source.quotation, "quotation_item": source.quotation_item}

	def _packed_of(self, part: _Part, doctype: str) -> dict:
		"""As ERPNext's own orders for bundles name them; requests cannot."""
		if doctype != PURCHASE_ORDER or not part.names_row:
			return {}
		return {
			"sales_order_packed_item": part.shortage.line.packed_item,
			"product_bundle": part.shortage.line.source.item_code,
		}

	def _set_supplier(self, doc: Document, supplier: str) -> None:
		"""Forget whatever came with another supplier, then let ERPNext fetch currency, prices, taxes and terms."""
		for field in (
			*("supplier_name", "supplier_address", "address_display", "contact_person", "contact_display"),
			*("contact_mobile", "contact_email", "payment_terms_template", "taxes_and_charges"),
			*("tax_category", "buying_price_list", "price_list_currency", "plc_conversion_rate"),
		):
			doc.set(field, None)
		doc.set("taxes", [])
		doc.set("payment_schedule", [])
		for row in doc.items:
			for field in (
				"rate",
				"price_list_rate",
				"discount_percentage",
				"discount_amount",
				"pricing_rules",
			):
				row.set(field, None)
		values = frappe.db.get_value(
			"Supplier", supplier, ["default_currency", "default_price_list", "payment_terms"], as_dict=True
		)
		company_currency = frappe.get_cached_value("Company", self.company, "default_currency")
		doc.supplier = supplier
		doc.currency = values.default_currency or company_currency
		doc.conversion_rate = get_exchange_rate(doc.currency, company_currency, args="for_buying")
		doc.buying_price_list = values.default_price_list or frappe.db.get_single_value(
			"Buying Settings", "buying_price_list"
		)
		doc.payment_terms_template = values.payment_terms

	def _insert(self, doc: Document) -> None:
		doc.schedule_date = min(getdate(row.schedule_date) for row in doc.items)
		doc.run_method("set_missing_values")
		if doc.doctype == PURCHASE_ORDER:
			doc.run_method("calculate_taxes_and_totals")
		self.made.append(doc.insert())


def forget_quotation(name: str) -> None:
	"""Drafts stay, without the plan of a quotation that is deleted."""
	for doctype in ("Material Request Item", "Purchase Order Item"):
		frappe.db.sql(
			f"UPDATE `tab{doctype}` SET quotation = NULL, quotation_item = NULL WHERE quotation = %s", (name,)
		)


# By itself


def after_submit(doc: Document) -> None:
	"""An order is submitted: where the settings say so, buy what it is short of once that is committed. No query."""
	asked = frappe.get_cached_doc("CRM Ext Settings").purchase_on_submit
	if asked:
		frappe.db.after_commit.add(lambda: _purchase_later(doc.name, asked == PURCHASE_ORDER))


def _purchase_later(order_name: str, to_order: bool) -> None:
	"""The order is committed already: a queue out of reach must not look like a failed submit."""
	try:
		frappe.enqueue("crm_ext.tasks.purchase_shortage", queue="short", order=order_name, to_order=to_order)
	except Exception:
		frappe.logger("crm_ext").exception(f"Nothing was bought by itself for {order_name}")


def purchase_on_submit(order_name: str, to_order: bool) -> Made:
	"""What the company's setting orders of an order just submitted: drafts in the name of whoever submitted it, who need
	not have a right to purchases: the setting asks for them, and a buyer reads and submits them. Job of its own; commits.
	"""
	doctype = shortage.SALES_ORDER
	company = shortage.company_of(doctype, order_name)
	if not company:
		return Made()  # deleted meanwhile
	try:
		take_turn(company)
		made = (order if to_order else request)(doctype, order_name, ignore_permissions=True)
		frappe.db.commit()  # gives the turn back; the job ends here
		return made
	except Exception as error:
		frappe.db.rollback()
		if is_lock_error(error):
			raise  # the queue tries again
		frappe.log_error(
			title="CRM Ext: purchase of a shortage failed",
			message=frappe.get_traceback(with_context=True),
			reference_doctype=doctype,
			reference_name=order_name,
		)
		frappe.db.commit()  # the log entry
		return Made()
