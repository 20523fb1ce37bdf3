"""Connections. Nothing is stored: Frappe asks these functions each time it builds a form's dashboard."""

from frappe import _

from crm_ext.deals.bought_for import CARRIERS


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


def sales_order(data):
	return _add_releases(voucher(data), "sales_order")


def customer(data):
	data = _add_promises(_add(data, _("Deal"), fieldname="customer"), "customer")
	data = _add_releases(data, "customer")
	data["transactions"].append({"label": _("Supply"), "items": list(CARRIERS)})
	data["non_standard_fieldnames"].update(dict.fromkeys(CARRIERS, "for_customer"))
	return data


def buying(data):
	"""Deals, customers and orders of all rows; one document may serve several."""
	return _add_for(data, **{"Deal": ["items", "deal"], "Customer": ["items", "for_customer"]})


def purchase_receipt(data):
	return _add_for(buying(data), **{"Sales Order": ["items", "sales_order"]})


def work_order(data):
	return _add_for(data, **{"Deal": "deal", "Customer": "for_customer", "Sales Order": "sales_order"})


def stock_reservation_entry(data):
	return _add_for(data, **{"Deal": "deal", "Customer": "for_customer", "Sales Order": "voucher_no"})


def _add_for(data, **internal):
	data = data or {}
	data.setdefault("transactions", [])
	group = next((g for g in data["transactions"] if g["label"] == _("Made For")), None)
	if group is None:
		group = {"label": _("Made For"), "items": []}
		data["transactions"].append(group)
	group["items"] += internal
	data.setdefault("internal_links", {}).update(internal)
	return data


def sales_invoice(data):
	return _add_promises(voucher(data), "sales_invoice")


def _add_promises(data, fieldname: str):
	"""`fieldname` may be one of the child table; Frappe looks there, too."""
	data.setdefault("transactions", []).append({"label": _("Collection"), "items": ["Payment Promise"]})
	data.setdefault("non_standard_fieldnames", {})["Payment Promise"] = fieldname
	return data


def _add_releases(data, fieldname: str):
	data.setdefault("transactions", []).append({"label": _("Credit Gate"), "items": ["Credit Release"]})
	data.setdefault("non_standard_fieldnames", {})["Credit Release"] = fieldname
	return data


def payment_entry(data):
	"""A receipt names no deal; its ledger rows do."""
	data = data or {}
	data.setdefault("fieldname", "voucher_no")
	data.setdefault("non_standard_fieldnames", {})["Deal Ledger Entry"] = "voucher_no"
	data.setdefault("dynamic_links", {})["voucher_no"] = ["Payment Entry", "voucher_type"]
	data.setdefault("transactions", []).append({"label": _("Deal"), "items": ["Deal Ledger Entry"]})
	return data
