"""The credit gate: quotations are warned of, orders wait until they are released.

Only a computed reason blocks. Whatever fails here is logged with its reference, and the document passes; lock errors are
passed on, because the database has then undone more than our part. ERPNext's own credit limit runs by itself, before or
after, and neither knows of the other.
"""

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import cint, flt, fmt_money

from crm_ext.follow_ups import guard, people
from crm_ext.receivables import asking, credit_check, releases, turns
from crm_ext.receivables.credit_check import Found

ORDER, QUOTATION = "Sales Order", "Quotation"


class CreditNotReleased(frappe.ValidationError):
	"""An order that has to be released first."""


def is_on() -> bool:
	"""No query: the settings are cached."""
	return bool(cint(credit_check.settings().credit_gate_enabled)) and not guard.is_suspended()


def customer_of(doc: Document) -> str | None:
	if doc.doctype == QUOTATION:
		return doc.party_name if doc.quotation_to == "Customer" else None
	return None if cint(doc.get("is_internal_customer")) else doc.customer


def value_of(doc: Document) -> float:
	"""Gross, in company currency, as ERPNext counts open orders."""
	return flt(doc.base_grand_total, doc.precision("base_grand_total"))


def open_value_of(doc: Document) -> float:
	"""As `value_of`, of a quotation without what was ordered of it: its orders count that."""
	if doc.doctype != QUOTATION or doc.docstatus != 1:
		return value_of(doc)
	net = flt(doc.base_net_total)
	ordered = sum(
		flt(row.base_net_amount) * min(1.0, flt(row.get("ordered_qty")) / flt(row.stock_qty))
		for row in doc.items
		if flt(row.stock_qty)
	)
	left = value_of(doc) * max(0.0, 1 - ordered / net) if net else value_of(doc)
	return flt(left, doc.precision("base_grand_total"))


# What happens to documents


def warn(doc: Document) -> None:
	"""A quotation or the draft of an order is saved: tell what will stand against the order."""
	if not is_on() or (doc.doctype == ORDER and doc.docstatus != 0) or not _is_staff():
		return
	found = _check_safely(doc)
	if not found or not found.reasons:
		return
	sentences = credit_check.words(found, doc.doctype)
	if doc.doctype == ORDER and _covering_safely(doc):
		return
	frappe.msgprint(
		credit_check.as_list(sentences),
		title=_("Credit Gate"),
		indicator="orange",
		alert=True,
	)


def keep_release(doc: Document) -> None:
	"""Which release an order passed by is told by the gate alone: what somebody sends along, by API or import, is not
	taken over. No query: Frappe has read what is stored."""
	if doc.doctype != ORDER:
		return
	before = None if doc.is_new() else doc.get_doc_before_save()
	doc.credit_release = before.credit_release if before and before.docstatus else None


def hold(doc: Document) -> None:
	"""An order is submitted. Raises CreditNotReleased."""
	if is_on():
		_hold(doc, value_of(doc))


def hold_growth(doc: Document) -> None:
	"""A submitted order is changed: its growth needs what a new order needs. Raises CreditNotReleased."""
	before = doc.get_doc_before_save()
	if not before or value_of(before) == value_of(doc) or not is_on():
		return
	if value_of(doc) < value_of(before):
		with guard.best_effort("credit gate failed", doc.doctype, doc.name):
			releases.give_back(doc, value_of(doc))
		return
	# The share that is billed is that of the old value, until ERPNext counts it anew.
	billed = value_of(before) * flt(doc.per_billed) / 100
	_hold(doc, value_of(doc) - billed)


def hold_reopening(doc: Document) -> None:
	"""A closed order is opened again; ERPNext writes the status column by column. Raises CreditNotReleased."""
	before = doc.get_doc_before_save()
	if not before or doc.docstatus != 1 or before.status != "Closed" or doc.status == "Closed":
		return
	if doc.flags.credit_checked or not is_on():
		return
	doc.flags.credit_checked = True  # the status is written twice
	known = doc.credit_release
	_hold(doc, value_of(doc) * (100 - flt(doc.per_billed)) / 100)
	if doc.credit_release != known:
		frappe.db.set_value(ORDER, doc.name, "credit_release", doc.credit_release, update_modified=False)


def _hold(doc: Document, weight: float) -> None:
	"""`weight`: what the order adds to what the customer owes. A release has to cover its whole value."""
	found, release, small = Found(), None, None
	with guard.best_effort("credit gate failed", doc.doctype, doc.name):
		found = _check(doc, weight, binding=True) or found
		if found.reasons:
			release, small = releases.find(doc, value_of(doc), lock=True)
		if release:
			releases.use(doc, value_of(doc), release.name)
		if (release or not found.reasons) and found.limited and credit_check.is_strict():
			turns.leave(doc.customer, doc.company, doc.name, weight)
	if release:
		doc.credit_release = release.name
	elif found.reasons:
		frappe.throw(_refusal(doc, found, small), CreditNotReleased, title=_("Credit Is Not Released"))


def _is_staff() -> bool:
	"""Customers order on the website; limits and what is overdue are not told there."""
	return frappe.get_cached_value("User", frappe.session.user, "user_type") == "System User"


def _refusal(doc: Document, found: Found, small) -> str:
	if not _is_staff():
		return _("This order cannot be accepted now. Please contact us.")
	text = _("Credit of {0} has to be released first:").format(
		frappe.bold(frappe.utils.escape_html(doc.customer_name or doc.customer))
	)
	text += credit_check.as_list(credit_check.words(found, ORDER))
	if small:
		text += "<p>{}</p>".format(
			_("Release {0} covers {1}, the order is worth {2}.").format(
				credit_check.link(releases.RELEASE, small.name),
				fmt_money(small.left, currency=found.currency),
				fmt_money(value_of(doc), currency=found.currency),
			)
		)
	text += "<p>{}</p>".format(_("Who may release it: {0}.").format(releases.in_words(found.currency)))
	return text + "<p>{}</p>".format(
		_("On the saved order {0} asks them, and {1} lets them release it.").format(
			frappe.bold(_("Ask for Release")), frappe.bold(_("Release Credit"))
		)
	)


def cancelled(doc: Document) -> None:
	"""A cancelled order gives back what it took of a release, which stays as a record."""
	doc.ignore_linked_doctypes = (
		*(doc.get("ignore_linked_doctypes") or ()),
		releases.RELEASE,
		releases.CHECK,
	)
	if doc.get("credit_release"):
		with guard.best_effort("giving back credit failed", doc.doctype, doc.name):
			releases.give_back(doc)


# Checking


def _check(doc: Document, weight: float, binding: bool = False) -> Found | None:
	customer = customer_of(doc)
	if not customer or not doc.company or weight <= 0:
		return None
	order = doc.name if doc.doctype == ORDER else None
	doc.flags.credit_found = credit_check.check(customer, doc.company, weight, order, binding)
	return doc.flags.credit_found


def _check_safely(doc: Document) -> Found | None:
	with guard.best_effort("credit gate failed", doc.doctype, doc.name):
		return _check(doc, value_of(doc))


def _covering_safely(doc: Document):
	with guard.best_effort("credit gate failed", doc.doctype, doc.name):
		return releases.find(doc, value_of(doc))[0]


# Showing


def show(doc: Document) -> None:
	"""What the form of a quotation or an order shows comes along with the document; nothing where the gate is off."""
	if not is_on() or doc.is_new() or doc.docstatus == 2 or not customer_of(doc):
		return
	if doc.doctype == QUOTATION and doc.status in ("Ordered", "Lost"):
		return  # nothing more comes of it
	with guard.best_effort("showing credit failed", doc.doctype, doc.name):
		doc.set_onload("credit_gate", status(doc))


def status(doc: Document) -> dict:
	"""{"reasons": sentences (HTML), "release": what covers or covered the order, "may_release", "value", "currency", "asked":
	when and whom, "who": in words}. A quotation has reasons only, a submitted order none."""
	found = doc.flags.credit_found if doc.docstatus == 0 else None
	if not found and (doc.docstatus == 0 or doc.doctype == QUOTATION):
		found = _check(doc, open_value_of(doc))
	sentences = credit_check.words(found, doc.doctype) if found else []
	if doc.doctype == QUOTATION:
		return {"reasons": sentences}
	release = None
	if doc.docstatus == 0 and sentences:
		covering, _small = releases.find(doc, value_of(doc))
		release = covering and covering.name
	elif doc.docstatus == 1:
		release = doc.credit_release
	release = releases.describe(release) if release else None
	asked = asking.asked(doc.name)
	# A browser knows the names of some users only.
	names = people.full_names([row.responsible for row in asked] + ([release.released_by] if release else []))
	if release:
		release.released_by_name = names.get(release.released_by, release.released_by)
	for row in asked:
		row.responsible_name = names.get(row.responsible, row.responsible)
	value = value_of(doc)
	return {
		"reasons": sentences,
		"release": release,
		"may_release": releases.may(value, doc.owner),
		"value": value,
		"currency": frappe.get_cached_value("Company", doc.company, "default_currency"),
		"asked": asked,
		"who": releases.in_words(frappe.get_cached_value("Company", doc.company, "default_currency")),
	}
