"""Connections. Nothing is stored: Frappe asks these functions each time it builds a form's dashboard."""

from frappe import _


def _add(data, label: str, fieldname: str | None = None, internal: str | None = None):
	data = data or {}
	data.setdefault("transactions", []).append({"label": label, "items": ["Deal"]})
	if fieldname:
		data.setdefault("non_standard_fieldnames", {})["Deal"] = fieldname
	if internal:
		data.setdefault("internal_links", {})["Deal"] = internal
	return data


def voucher(data):
	return _add(data, _("Deal"), internal="deal")


def lead(data):
	return _add(data, _("Deal"), fieldname="lead")


def customer(data):
	return _add_promises(_add(data, _("Deal"), fieldname="customer"), "customer")


def sales_invoice(data):
	return _add_promises(voucher(data), "sales_invoice")


def _add_promises(data, fieldname: str):
	"""`fieldname` may be one of the child table; Frappe looks there, too."""
	data.setdefault("transactions", []).append({"label": _("Collection"), "items": ["Payment Promise"]})
	data.setdefault("non_standard_fieldnames", {})["Payment Promise"] = fieldname
	return data


def payment_entry(data):
	"""A receipt names no deal; its ledger rows do."""
	data = data or {}
	data.setdefault("fieldname", "voucher_no")
	data.setdefault("non_standard_fieldnames", {})["Deal Ledger Entry"] = "voucher_no"
	data.setdefault("dynamic_links", {})["voucher_no"] = ["Payment Entry", "voucher_type"]
	data.setdefault("transactions", []).append({"label": _("Deal"), "items": ["Deal Ledger Entry"]})
	return data
