"""Delivering from a list of open orders. Permission first, then one engine call."""

import shutil

import frappe
from frappe import _

from crm_ext.supply import delivery_notes

# Orders delivered while somebody waits; more are left to a queue.
_AT_ONCE = 20
_MOST = 5_000


@frappe.whitelist()
def drafts(rows: str | list) -> dict[str, list[str]]:
	"""By order: drafts of delivery notes that hold these order rows already."""
	frappe.has_permission("Sales Order", "read", throw=True)
	return delivery_notes.existing(names) if (names := _names(rows)) else {}


@frappe.whitelist(methods=["POST"])
def deliver(
	company: str,
	rows: str | list,
	orders: int,
	by_customer: bool | int = False,
	with_drafts: bool | int = False,
) -> dict:
	"""Drafts of delivery notes for order rows (names) of so many `orders`; see `delivery_notes.make`.

	Returns {"notes": names, "left_out": [{"order", "reason"}], "queued": bool}; queued, a notification tells the rest.
	"""
	frappe.has_permission("Delivery Note", "create", throw=True)
	frappe.has_permission("Sales Order", "read", throw=True)
	asked = {
		"company": company,
		"rows": _names(rows),
		"by_customer": bool(int(by_customer)),
		"with_drafts": bool(int(with_drafts)),
	}
	if not asked["rows"]:
		frappe.throw(_("Choose at least one order."))
	if int(orders) > _AT_ONCE or len(asked["rows"]) > 10 * _AT_ONCE:
		frappe.enqueue("crm_ext.tasks.make_delivery_notes", queue="long", enqueue_after_commit=True, **asked)
		return {"notes": [], "left_out": [], "queued": True}
	return delivery_notes.make(**asked).as_dict() | {"queued": False}


@frappe.whitelist()
def notes(orders: str | list) -> dict:
	"""Delivery notes to print of orders (names): {"notes": see `delivery_notes.notes_of`, "pdf": whether the site can
	make a PDF of many}."""
	frappe.has_permission("Delivery Note", "print", throw=True)
	names = _names(orders)
	return {
		"notes": delivery_notes.notes_of(names) if names else [],
		"pdf": bool(shutil.which("wkhtmltopdf")),
	}


def _names(value: str | list) -> list[str]:
	names = frappe.parse_json(value)
	if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
		frappe.throw(_("Names are expected."))
	if len(names) > _MOST:
		frappe.throw(_("Choose at most {0} rows.").format(_MOST))
	return list(dict.fromkeys(names))
