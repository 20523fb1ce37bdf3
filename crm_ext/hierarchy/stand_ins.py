"""Stand-ins: who may name them."""

import frappe
from frappe import _
from frappe.utils import getdate, nowdate

from crm_ext.constants.visibility import OWN_AND_BELOW
from crm_ext.hierarchy import rules, world


def standing_in_for(user: str) -> list[str]:
	"""Whom this person stands in for today."""
	return rules.absent(world.read().absences, user, getdate(nowdate()))


def may_arrange(user: str) -> frozenset[str] | None:
	"""For whom this person may name a stand-in: for themselves and those below; None: for everybody."""
	if user == "Administrator" or "System Manager" in frappe.get_roles(user):
		return None
	return rules.sight(world.read().nodes, user, OWN_AND_BELOW).users


def check(doc) -> None:
	"""A Stand In before it is saved. Raises frappe.ValidationError, frappe.PermissionError."""
	if doc.user == doc.stand_in:
		frappe.throw(_("Nobody can stand in for themselves."))
	if getdate(doc.to_date) < getdate(doc.from_date):
		frappe.throw(_("The last day cannot be before the first."))
	allowed = may_arrange(frappe.session.user)
	if allowed is None or doc.flags.ignore_permissions:
		return
	if doc.stand_in == frappe.session.user:
		# Who stands in approves by the other's roles: nobody gives these to themselves.
		frappe.throw(
			_("You cannot name yourself as the stand-in of somebody else."),
			frappe.PermissionError,
		)
	if doc.user not in allowed:
		frappe.throw(
			_("You can name a stand-in for yourself and for those below you in the tree of Sales Persons."),
			frappe.PermissionError,
		)
