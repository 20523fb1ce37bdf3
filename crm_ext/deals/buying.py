"""Buying documents show the deal of the order their rows are for. They count nothing in it."""

import frappe
from frappe.model.document import Document

# Buying document and its table of items; each row names the Sales Order it is for.
BUYING = {
	"Material Request": "Material Request Item",
	"Purchase Order": "Purchase Order Item",
	"Purchase Receipt": "Purchase Receipt Item",
}


def set_deal(doc: Document) -> None:
	"""Before saving: the deal of the first order a row is for, unless one is chosen. At most one query."""
	if doc.get("deal"):
		return
	order = next((row.sales_order for row in doc.get("items") or () if row.get("sales_order")), None)
	if order:
		doc.deal = frappe.db.get_value("Sales Order", order, "deal")


def relink(moves: list[tuple[str, str, str | None]]) -> None:
	"""Follow orders that moved to another deal: (order, old deal, new deal). One statement per DocType and order.

	A document on which another deal was chosen stays where it is.
	"""
	for doctype, child in BUYING.items():
		for order, old, new in moves:
			frappe.db.sql(
				f"""UPDATE `tab{doctype}` SET deal = %s WHERE deal = %s
				AND name IN (SELECT parent FROM `tab{child}` WHERE sales_order = %s)""",
				(new, old, order),
			)


def unlink(deals: list[str]) -> None:
	"""Forget deals that no longer exist."""
	for doctype in BUYING:
		frappe.db.sql(f"UPDATE `tab{doctype}` SET deal = NULL WHERE deal IN %s", (deals,))


def link_all() -> None:
	"""Link every buying document that has an order and no deal yet: three statements for a whole site."""
	for doctype, child in BUYING.items():
		frappe.db.sql(
			f"""UPDATE `tab{doctype}` d
			JOIN (SELECT parent, MIN(idx) idx FROM `tab{child}` WHERE IFNULL(sales_order, '') != '' GROUP BY parent) f
				ON f.parent = d.name
			JOIN `tab{child}` r ON r.parent = d.name AND r.idx = f.idx
			JOIN `tabSales Order` o ON o.name = r.sales_order
			SET d.deal = o.deal WHERE IFNULL(d.deal, '') = '' AND o.deal IS NOT NULL"""
		)
