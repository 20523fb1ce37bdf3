"""What can be promised to the rows of a document. Permission first, then one engine call.

The figures come from documents the caller may have no right to (Bin, Purchase Order): who may read a document, or write one
of its kind, is told what its own rows can count on, and nothing else.
"""

import json
from dataclasses import asdict

import frappe
from frappe import _
from frappe.core.doctype.user_permission.user_permission import get_user_permissions
from frappe.model.document import Document
from frappe.utils import cint

from crm_ext.supply import availability


@frappe.whitelist()
def get_availability(doctype: str, name: str | None = None, doc: str | dict | None = None) -> dict[str, dict]:
	"""Return {row name: fields of `supply.model.Availability`} of an Opportunity, Quotation or Sales Order.

	`name`: a saved document, as it is stored. `doc`: as it stands on the screen (JSON), saved before or not; what is
	submitted is taken as it is stored. Rows that want nothing (any more) are left out. Empty where the setting is off.
	"""
	if not cint(frappe.get_cached_doc("CRM Ext Settings").availability_enabled):
		return {}
	if doctype not in availability.DOCTYPES:
		frappe.throw(_("Availability is shown on opportunities, quotations and orders only."))
	document = _permitted(doctype, name, _parsed(doctype, doc) if doc else None)
	if not document.get("company"):
		frappe.throw(_("Choose a company first."))
	found = availability.read(document.company, availability.needs_of(document))
	return {key: asdict(row) for key, row in found.items()}


def _parsed(doctype: str, doc: str | dict) -> Document:
	"""The document on the screen. Raises ValidationError where it is none."""
	try:
		values = json.loads(doc) if isinstance(doc, str) else doc
		rows = values.get("items") or []
		child = frappe.get_meta(doctype).get_field("items").options
		items = [{**row, "doctype": child, "idx": idx} for idx, row in enumerate(rows, start=1)]
		document = frappe.get_doc({**values, "doctype": doctype, "items": items})
	except (AttributeError, TypeError, ValueError):
		frappe.throw(_("This is not a document: {0}").format(str(doc)[:100]))
	for row in document.items:
		_check_row(row)
	return document


def _check_row(row: Document) -> None:
	for fieldname in ("item_code", "uom", "warehouse"):
		if row.get(fieldname) and not isinstance(row.get(fieldname), str):
			frappe.throw(_("Row {0}: {1} is not valid.").format(row.idx, _(row.meta.get_label(fieldname))))
	for fieldname in ("qty", "conversion_factor"):
		if row.get(fieldname):
			try:
				float(row.get(fieldname))
			except (TypeError, ValueError):
				frappe.throw(
					_("Row {0}: {1} is not valid.").format(row.idx, _(row.meta.get_label(fieldname)))
				)


def _permitted(doctype: str, name: str | None, shown: Document | None) -> Document:
	"""The document to look at. Raises PermissionError, DoesNotExistError."""
	known = name or (shown.name if shown and not shown.get("__islocal") else None)
	stored = _stored(doctype, known) if known else None
	if stored:
		stored.check_permission("read")
		if not shown or stored.docstatus:
			return stored
	elif name:
		frappe.throw(_("{0} {1} not found").format(_(doctype), name), frappe.DoesNotExistError)
	elif not shown:
		frappe.throw(_("Choose a document."))
	# Also where it is stored: company and warehouses on the screen are not those that were asked for above.
	shown.check_permission("read" if stored else "create")
	return shown


def _stored(doctype: str, name: str) -> Document | None:
	"""A document with its items only: the other tables would matter for user permissions, where there are any."""
	values = frappe.db.get_value(doctype, name, "*", as_dict=True)
	if not values:
		return None
	if get_user_permissions(frappe.session.user):
		return frappe.get_doc(doctype, name)
	child = frappe.get_meta(doctype).get_field("items").options
	rows = frappe.get_all(
		child, filters={"parent": name, "parenttype": doctype}, fields=["*"], order_by="idx"
	)
	return frappe.get_doc(
		{**values, "doctype": doctype, "items": [{**row, "doctype": child} for row in rows]}
	)
