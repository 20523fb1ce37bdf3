"""Delivering from a list of open orders. Permission first, then one engine call."""

import frappe
from frappe import _

from crm_ext.supply import delivery_notes

# Orders delivered while somebody waits; more are left to a queue.
_AT_ONCE = 20
_MOST = 5_000
# Notes in one PDF; more are printed by Frappe's list, in the background.
_MOST_PRINTED = 25


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
def notes(orders: str | list) -> list[dict]:
	"""Delivery notes to print of orders (names), see `delivery_notes.notes_of`."""
	frappe.has_permission("Delivery Note", "print", throw=True)
	names = _names(orders)
	return delivery_notes.notes_of(names) if names else []


@frappe.whitelist()
def pdf(names: str | list, print_format: str | None = None) -> None:
	"""Delivery notes (names) in one PDF, to download; see `delivery_notes.pdf`."""
	frappe.has_permission("Delivery Note", "print", throw=True)
	chosen = _names(names)
	if len(chosen) > _MOST_PRINTED:
		frappe.throw(_("Choose at most {0} delivery notes.").format(_MOST_PRINTED))
	content = delivery_notes.pdf(chosen, print_format)
	frappe.local.response.filename = "Delivery-Notes.pdf"
	frappe.local.response.filecontent = content
	frappe.local.response.type = "pdf"


def _names(value: str | list) -> list[str]:
	names = frappe.parse_json(value)
	if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
		frappe.throw(_("Names are expected."))
	if len(names) > _MOST:
		frappe.throw(_("Choose at most {0} rows.").format(_MOST))
	return list(dict.fromkeys(names))
