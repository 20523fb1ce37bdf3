"""Asking for a release of credit: a follow up and the bell for those who may give it, an answer for who asked."""

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import fmt_money, formatdate, get_fullname, nowdate

from crm_ext.follow_ups import messages, preferences, work
from crm_ext.follow_ups.model import CANCELLED, CONDITION_LEFT, OPEN
from crm_ext.receivables import releases

FOLLOW_UP, ORDER = "Follow Up", "Sales Order"
# How a follow up that asks for a release is told from others.
_MARK = "credit-release:"


def asked(order: str, lock: bool = False) -> list["frappe._dict"]:
	"""Open follow ups that ask for the release of an order: name, responsible, owner, creation."""
	return frappe.db.sql(
		f"""SELECT name, responsible, owner, creation FROM `tabFollow Up`
		WHERE reference_name = %s AND reference_doctype = %s AND status = %s AND rule_key LIKE %s
		ORDER BY responsible {"LOCK IN SHARE MODE" if lock else ""}""",
		(order, ORDER, OPEN, f"{_MARK}%"),
		as_dict=True,
	)


def ask(order: Document, sentences: list[str], why: str | None = None) -> list[str]:
	"""Ask everybody who may release an order; returns the users. Asked again it says who is asked already."""
	# Two who ask at once: one after the other, by the order's own row.
	frappe.db.sql("SELECT name FROM `tabSales Order` WHERE name = %s FOR UPDATE", (order.name,))
	if known := asked(order.name, lock=True):
		frappe.throw(
			_("{0} asked {1} already.").format(
				get_fullname(known[0].owner), ", ".join(get_fullname(row.responsible) for row in known)
			),
			title=_("Asked Already"),
		)
	users = releases.who(order.base_grand_total, order)
	if not users:
		frappe.throw(
			_(
				"Nobody may release this order. Ask your administrator to name a role for it in CRM Ext Settings."
			)
		)
	text = "\n".join(frappe.utils.strip_html(sentence) for sentence in sentences)
	instructions = "\n".join(filter(None, (text, why)))
	found = preferences.people(users)
	for user in users:
		_plan(order, user, instructions, found.get(user))
	return users


def _plan(order: Document, user: str, instructions: str, person: preferences.Person | None) -> None:
	with messages.language(person and person.language):
		subject = _("Release credit of {0} for {1}").format(order.name, order.customer_name)
		work.ask(
			ORDER,
			order.name,
			{
				"due_date": nowdate(),
				"channel": "Other",
				"subject": subject,
				"instructions": instructions,
				"responsible": user,
			},
			_MARK,
		)
		_ring(person, _("{0} asks: {1}").format(get_fullname(frappe.session.user), subject), order.name)


def answer(release: Document) -> None:
	"""A release was given: what asked for it is settled, and those who asked hear of it."""
	rows = asked(release.sales_order) if release.sales_order else []
	if not rows:
		return
	for row in rows:
		doc = frappe.get_doc(FOLLOW_UP, row.name, for_update=True)
		if doc.status != OPEN:
			continue
		# Not done: nobody has spoken with the customer.
		doc.status, doc.cancel_reason = CANCELLED, CONDITION_LEFT
		doc.notes = release.notes or doc.notes
		doc.flags.ignore_permissions = True  # who released answers for all who were asked
		doc.save()
	askers = {row.owner for row in rows} - {frappe.session.user}
	for person in preferences.people(askers).values():
		with messages.language(person.language):
			subject = _("{0} released {1}: credit of {2} until {3}").format(
				get_fullname(release.released_by),
				release.sales_order,
				fmt_money(release.amount, currency=release.currency),
				formatdate(release.valid_until),
			)
			_ring(person, subject, release.sales_order)


def _ring(person: preferences.Person | None, subject: str, order: str) -> None:
	messages.ring(person, subject, (ORDER, order), from_user=frappe.session.user)
