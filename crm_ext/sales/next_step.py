"""The one document that leads on from another, by what the document says. The rule is pure; `offer` reads at most once.

What is made, closed, lost, on hold or cancelled leads nowhere; what is made in part leads on with the rest. Making it is
ERPNext's: here are only the names of its functions.
"""

from collections.abc import Mapping
from typing import Any

import frappe
from frappe.utils import cint, flt

from crm_ext.constants.workflows import NEEDED, STATE_FIELD

_MAPPERS = {
	("Lead", "Opportunity"): "erpnext.crm.doctype.lead.lead.make_opportunity",
	("Opportunity", "Quotation"): "erpnext.crm.doctype.opportunity.opportunity.make_quotation",
	("Quotation", "Sales Order"): "erpnext.selling.doctype.quotation.quotation.make_sales_order",
	("Sales Order", "Delivery Note"): "erpnext.selling.doctype.sales_order.sales_order.make_delivery_note",
	("Sales Order", "Sales Invoice"): "erpnext.selling.doctype.sales_order.sales_order.make_sales_invoice",
	(
		"Delivery Note",
		"Sales Invoice",
	): "erpnext.stock.doctype.delivery_note.delivery_note.make_sales_invoice",
	(
		"Sales Invoice",
		"Payment Entry",
	): "erpnext.accounts.doctype.payment_entry.payment_entry.get_payment_entry",
}
# Where a draft that was made already names what it was made from.
_LINKS = {
	# On the document itself: an opportunity need not have rows.
	("Opportunity", "Quotation"): ("Quotation", "opportunity"),
	("Quotation", "Sales Order"): ("Sales Order Item", "prevdoc_docname"),
	("Sales Order", "Delivery Note"): ("Delivery Note Item", "against_sales_order"),
	("Sales Order", "Sales Invoice"): ("Sales Invoice Item", "sales_order"),
	("Delivery Note", "Sales Invoice"): ("Sales Invoice Item", "delivery_note"),
	("Sales Invoice", "Payment Entry"): ("Payment Entry Reference", "reference_name"),
}
DOCTYPES = tuple(dict.fromkeys(source for source, _target in _MAPPERS))


def next_step(doctype: str, doc: Mapping[str, Any], expired_may: bool = False) -> str | None:
	"""Return the DocType that leads on from `doc`, or None. `expired_may`: orders may be made of expired quotations."""
	if doctype == "Quotation":
		return _of_quotation(doc, expired_may)
	rule = _RULES.get(doctype)
	return rule(doc) if rule else None


def _of_lead(lead: Mapping[str, Any]) -> str | None:
	# ERPNext keeps the status by what was made of the lead. Its qualification says nothing: a new one is "Unqualified".
	return "Opportunity" if lead.get("status") in ("Lead", "Open", "Replied", "Interested") else None


def _of_opportunity(opportunity: Mapping[str, Any]) -> str | None:
	# Beyond a limit of its workflow it is seen by somebody first; while that is off nothing is noted.
	if opportunity.get(STATE_FIELD) and opportunity.get(NEEDED):
		return None
	return "Quotation" if opportunity.get("status") in ("Open", "Replied") else None


def _of_quotation(quotation: Mapping[str, Any], expired_may: bool) -> str | None:
	good = ("Open", "Replied", "Partially Ordered", *(("Expired",) if expired_may else ()))
	return "Sales Order" if quotation.get("docstatus") == 1 and quotation.get("status") in good else None


def _of_order(order: Mapping[str, Any]) -> str | None:
	if order.get("docstatus") != 1 or order.get("status") in ("Closed", "On Hold", "Completed"):
		return None
	if _is_deliverable(order):
		return "Delivery Note"
	return "Sales Invoice" if flt(order.get("per_billed")) < 100 else None


def _is_deliverable(order: Mapping[str, Any]) -> bool:
	"""As ERPNext decides whether to offer a delivery."""
	if order.get("order_type") == "Maintenance" or cint(order.get("skip_delivery_note")):
		return False
	if flt(order.get("per_delivered")) >= 100:
		return False
	return any(
		not cint(row.get("delivered_by_supplier")) and flt(row.get("qty")) > flt(row.get("delivered_qty"))
		for row in order.get("items") or ()
	)


def _of_delivery(note: Mapping[str, Any]) -> str | None:
	if note.get("docstatus") != 1 or cint(note.get("is_return")) or note.get("status") == "Closed":
		return None
	if flt(note.get("per_billed")) >= 100 or flt(note.get("per_returned")) >= 100:
		return None
	invoiced_before = any(row.get("against_sales_invoice") for row in note.get("items") or ())
	return None if invoiced_before else "Sales Invoice"


def _of_invoice(invoice: Mapping[str, Any]) -> str | None:
	if invoice.get("docstatus") != 1 or cint(invoice.get("is_return")):
		return None
	return "Payment Entry" if flt(invoice.get("outstanding_amount")) > 0 else None


_RULES = {
	"Lead": _of_lead,
	"Opportunity": _of_opportunity,
	"Sales Order": _of_order,
	"Delivery Note": _of_delivery,
	"Sales Invoice": _of_invoice,
}


def offer(doc: "frappe.model.document.Document") -> dict | None:
	"""Return `target`, ERPNext's `method`, and the `draft` that was begun, of the step this user may take. One query."""
	expired_may = doc.get("status") == "Expired" and cint(
		frappe.db.get_single_value("Selling Settings", "allow_sales_order_creation_for_expired_quotation")
	)
	target = next_step(doc.doctype, doc, bool(expired_may))
	if not target or not frappe.has_permission(target, "create"):
		return None
	return {
		"target": target,
		"method": _MAPPERS[doc.doctype, target],
		"draft": _draft(doc.doctype, doc.name, target),
	}


def _draft(doctype: str, name: str, target: str) -> str | None:
	"""The latest draft of `target` made from a document, where the user may see it."""
	link = _LINKS.get((doctype, target))
	if not link:
		return None
	table, fieldname = link
	filters = {fieldname: name, "docstatus": 0}
	if table != target:
		filters["parenttype"] = target
	found = frappe.get_all(
		table,
		filters=filters,
		pluck="name" if table == target else "parent",
		order_by="creation desc",
		limit=1,
	)
	return found[0] if found and frappe.has_permission(target, "read", doc=found[0]) else None
