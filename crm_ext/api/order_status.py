"""What the page Order Status asks. Permission first, then one engine call."""

import frappe

from crm_ext.supply import order_status


@frappe.whitelist()
@frappe.read_only()
def get_status(order: str) -> dict:
	"""Where each row of a Sales Order is; see `order_status.read`. Raises PermissionError where it may not be read."""
	document = frappe.get_doc("Sales Order", order)
	document.check_permission("read")
	return order_status.read(document)
