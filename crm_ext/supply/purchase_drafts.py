"""Writes the drafts that buy what is short. ERPNext fetches prices, taxes and addresses.

Called by `purchasing` only, which knows what to buy and keeps people one after the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import frappe
from erpnext.selling.doctype.sales_order.sales_order import make_purchase_order
from erpnext.setup.utils import get_exchange_rate
from frappe import _
from frappe.model.document import Document
from frappe.utils import flt, getdate

from crm_ext.supply.shortage import Shortage

MATERIAL_REQUEST, PURCHASE_ORDER = "Material Request", "Purchase Order"


@dataclass(frozen=True, slots=True)
class Part:
	"""One row of a draft; quantity in stock units."""

	shortage: Shortage
	qty: float
	supplier: str | None
	needed_on: date
	names_row: bool = True
	names_order: bool = True


class Drafts:
	"""Makes documents, in this transaction; `made` holds them. With `ignore_permissions` the company's setting orders, not a person."""

	def __init__(self, company: str, ignore_permissions: bool):
		self.company = company
		self.ignore_permissions = ignore_permissions
		self.made: list[Document] = []

	def request(self, kind: str, parts: Sequence[Part]) -> None:
		if not parts:
			return
		doc = self._new(MATERIAL_REQUEST)
		doc.material_request_type = kind
		for part in parts:
			doc.append("items", self._row(part, doc.doctype))
		self._insert(doc)

	def order(self, parts: Sequence[Part]) -> None:
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

	def order_from_suppliers(self, parts: Sequence[Part]) -> None:
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

	def _map_drop_shipment(self, order: str, parts: dict[str, Part]) -> Document:
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

	def _row(self, part: Part, doctype: str) -> dict:
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

	def _offer_of(self, part: Part) -> dict:
		source = part.shortage.line.source
		return {"quotation": source.quotation, "quotation_item": source.quotation_item}

	def _packed_of(self, part: Part, doctype: str) -> dict:
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
		if doc.doctype == PURCHASE_ORDER:  # a request fetches what it needs when it is validated
			doc.run_method("set_missing_values")
			doc.run_method("calculate_taxes_and_totals")
		self.made.append(doc.insert())
