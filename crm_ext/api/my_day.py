"""What My Day asks. Permission first, then one engine call.

Not marked read-only: right after something was done, a replica may still show it as open.
"""

import frappe
from frappe import _

from crm_ext.follow_ups import day
from crm_ext.receivables import day as receivables
from crm_ext.supply import day as supply


@frappe.whitelist()
def get_day(user: str | None = None) -> dict:
	"""The day of the person logged in, or of `user` where the session's user may look at it; see `day.read`.

	Raises PermissionError for anybody else's.
	"""
	viewer = frappe.session.user
	frappe.has_permission("Follow Up", "read", throw=True)
	if user and not day.may_look(viewer, user):
		frappe.throw(_("You may not look at the day of {0}.").format(user), frappe.PermissionError)
	return day.read(user or viewer, more=(*receivables.SECTIONS, *supply.SECTIONS))


@frappe.whitelist()
def members() -> list[dict]:
	"""Whose day the session's user may look at: {"user", "full_name"}, himself first."""
	frappe.has_permission("Follow Up", "read", throw=True)
	found = day.members(frappe.session.user)
	return [{"user": user, "full_name": full_name} for user, full_name in found.items()]
