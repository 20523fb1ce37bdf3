"""What a Credit Policy checks of itself when it is saved."""

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import cint, escape_html

from crm_ext.receivables import credit_rules as rules

POLICY = "Credit Policy"
_SUBJECT = {"Customer Group": "customer_group", "Customer": "customer"}


def prepare(doc: Document) -> None:
	"""Refuse a policy that is about nothing, checks nothing, or is the second one about the same."""
	for applies_to, field in _SUBJECT.items():
		if doc.applies_to != applies_to:
			doc.set(field, None)
		elif not doc.get(field):
			frappe.throw(_("Choose the {0} it applies to.").format(_(applies_to)), frappe.MandatoryError)
	doc.currency = frappe.get_cached_value("Company", doc.company, "default_currency")
	if not any(doc.get(switch) for switch, _value in rules.CHECKS.values()):
		frappe.throw(_("Say of at least one check whether it is on or off."))
	if doc.check_promises == rules.ON and cint(doc.promise_days) < 1:
		frappe.throw(_("Say within how many days broken promises count."))
	if doc.customer and frappe.db.get_value("Customer", doc.customer, "is_internal_customer"):
		frappe.throw(
			_("{0} is an internal customer; its orders are never checked.").format(escape_html(doc.customer))
		)
	if not doc.disabled:
		_refuse_second(doc)


def _refuse_second(doc: Document) -> None:
	about = {field: doc.get(field) or ("is", "not set") for field in _SUBJECT.values()}
	other = frappe.db.get_value(
		POLICY,
		{
			"company": doc.company,
			"applies_to": doc.applies_to,
			"disabled": 0,
			"name": ("!=", doc.name or ""),
			**about,
		},
	)
	if other:
		frappe.throw(
			_("{0} applies to the same already.").format(frappe.utils.get_link_to_form(POLICY, other)),
			frappe.DuplicateEntryError,
		)
