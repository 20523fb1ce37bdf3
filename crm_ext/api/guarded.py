"""Methods of Frappe and ERPNext that tell of documents without asking whether the caller may read them. What stands here is
called in place of the original (hook override_whitelisted_methods), asks for what visibility hides, and then answers as
the original does. Where visibility hides nothing from the caller they are unchanged.
"""

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from importlib import import_module

import frappe
from erpnext.selling.doctype.sales_order import sales_order

from crm_ext.api.search import readable_names
from crm_ext.hierarchy import visibility
from crm_ext.permissions_of_links import is_hidden, refuse


def _asking(path: str, inside: str | None = None, of_money: bool = False, **named: str) -> Callable | None:
	"""The method at `path`, which refuses hidden documents. `named`: argument with the name of a document -> its DocType,
	or @ and the argument with the DocType. `inside`: the argument that holds these, as JSON. `of_money`: a deal with a
	customer alone does not do."""
	module, name = path.rsplit(".", 1)
	try:
		original = getattr(import_module(module), name, None)
	except ModuleNotFoundError:
		original = None
	if not original:
		# Of another version of ERPNext: nobody calls it there, and the others answer all the same.
		return None
	signature = inspect.signature(original)

	@frappe.whitelist(methods=frappe.allowed_http_methods_for_whitelisted_func[original])
	@wraps(original)
	def asking(*args, **kwargs):
		given = signature.bind_partial(*args, **kwargs).arguments
		if inside:
			given = frappe.parse_json(given.get(inside)) or {}
		with visibility.of_holders() if of_money else nullcontext():
			for argument, doctype in named.items():
				_check(given.get(doctype[1:]) if doctype.startswith("@") else doctype, given.get(argument))
		return original(*args, **kwargs)

	return asking


def _check(doctype: str | None, name: str | None) -> None:
	if doctype and isinstance(name, str) and is_hidden(doctype, name):
		refuse(doctype, name)


get_address_name = _asking("erpnext.stock.doctype.shipment.shipment.get_address_name", docname="@ref_doctype")
get_asset_values = _asking(
	"erpnext.assets.doctype.asset.asset.get_values_from_purchase_doc", purchase_doc_name="@doctype"
)
get_balance_on = _asking("erpnext.accounts.utils.get_balance_on", of_money=True, party="@party_type")
get_contact_and_address = _asking(
	"erpnext.stock.doctype.delivery_trip.delivery_trip.get_contact_and_address", name="Customer"
)
get_contact_display = _asking(
	"erpnext.stock.doctype.delivery_trip.delivery_trip.get_contact_display", contact="Contact"
)
get_contact_name = _asking("erpnext.stock.doctype.shipment.shipment.get_contact_name", docname="@ref_doctype")
get_default_address = _asking("frappe.contacts.doctype.address.address.get_default_address", name="@doctype")
get_last_interaction = _asking(
	"erpnext.crm.doctype.utils.get_last_interaction", contact="Contact", lead="Lead"
)
get_lead_details = _asking("erpnext.crm.doctype.lead.lead.get_lead_details", lead="Lead")
get_linked_payments = _asking(
	"erpnext.accounts.doctype.unreconcile_payment.unreconcile_payment.get_linked_payments_for_doc",
	docname="@doctype",
)
get_open_activities = _asking("erpnext.crm.utils.get_open_activities", ref_docname="@ref_doctype")
get_opportunities = _asking("erpnext.crm.doctype.prospect.prospect.get_opportunities", prospect="Prospect")
get_order_details = _asking(
	"erpnext.manufacturing.doctype.production_plan.production_plan.get_so_details", sales_order="Sales Order"
)
get_outstanding = _asking(
	"erpnext.accounts.doctype.journal_entry.journal_entry.get_outstanding", inside="args", docname="@doctype"
)
get_outstanding_documents = _asking(
	"erpnext.accounts.doctype.payment_entry.payment_entry.get_outstanding_reference_documents",
	inside="args",
	of_money=True,
	party="@party_type",
)
get_party_details = _asking(
	"erpnext.accounts.doctype.payment_entry.payment_entry.get_party_details",
	of_money=True,
	party="@party_type",
)
get_payment_against_invoice = _asking(
	"erpnext.accounts.doctype.journal_entry.journal_entry.get_payment_entry_against_invoice", dn="@dt"
)
get_payment_against_order = _asking(
	"erpnext.accounts.doctype.journal_entry.journal_entry.get_payment_entry_against_order", dn="@dt"
)
get_reference_details = _asking(
	"erpnext.accounts.doctype.payment_entry.payment_entry.get_reference_details",
	reference_name="@reference_doctype",
	party="@party_type",
)
get_work_order_items = _asking(
	"erpnext.selling.doctype.sales_order.sales_order.get_work_order_items", sales_order="Sales Order"
)
make_invoice_discounting = _asking(
	"erpnext.accounts.doctype.sales_invoice.sales_invoice.create_invoice_discounting",
	source_name="Sales Invoice",
)
preview_accounts = _asking(
	"erpnext.controllers.stock_controller.show_accounting_ledger_preview", docname="@doctype"
)
preview_stock = _asking("erpnext.controllers.stock_controller.show_stock_ledger_preview", docname="@doctype")


@frappe.whitelist()
def get_order_events(start: str, end: str, filters: str | list | dict | None = None) -> list[dict]:
	"""Sales orders of ERPNext's calendar, as the user may see them: Frappe makes the condition and leaves it out."""
	found = sales_order.get_events(start, end, filters)
	seen = readable_names("Sales Order", {row.name for row in found})
	return [row for row in found if row.name in seen]
