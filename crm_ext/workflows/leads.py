"""A lead's state is what ERPNext's own fields say; an action writes those fields, so that the deal follows too.

ERPNext leads: what is made from a lead (opportunity, quotation, customer) qualifies it, whoever made it.
"""

from collections.abc import Sequence

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import create_batch, nowdate

from crm_ext.constants.workflows import (
	CONTACTED,
	NEW,
	QUALIFIED,
	SETTLED,
	UNQUALIFIED,
	WORKFLOWS,
)
from crm_ext.workflows import measures, states

LEAD = "Lead"
_GONE = "Do Not Contact"
_CHUNK = 200


def prepare(doc: Document, wanted: str | None) -> None:
	"""Before a lead is saved. `wanted`: the state an action leads to, None without one. Refuses what only a qualifier may."""
	before = doc.get_doc_before_save()
	if wanted:
		_write(doc, wanted)
	elif before and before.status == _GONE and doc.status == "Lost Quotation":
		doc.status = _GONE  # ERPNext finds the lost quotation anew in each save
	qualified = doc.qualification_status == QUALIFIED and (
		not before or before.qualification_status != QUALIFIED
	)
	_check_qualifier(doc, before, qualified)
	if qualified and not frappe.flags.in_import:
		doc.qualified_by = doc.qualified_by or frappe.session.user
		doc.qualified_on = doc.qualified_on or nowdate()


def _write(doc: Document, wanted: str) -> None:
	if doc.status == _GONE and wanted in (NEW, CONTACTED):
		doc.status = "Open"
	elif wanted == CONTACTED:
		doc.qualification_status = "In Process"
	elif wanted == QUALIFIED:
		doc.update({"qualification_status": QUALIFIED, "qualified_by": None, "qualified_on": None})
	elif wanted == UNQUALIFIED:
		doc.update(
			{
				"status": _GONE,
				"qualification_status": UNQUALIFIED,
				"qualified_by": None,
				"qualified_on": None,
			}
		)


def _check_qualifier(doc: Document, before: Document | None, qualified: bool) -> None:
	"""By whatever field it comes to be qualified, the person has the role; code that asks for no permissions needs none."""
	role = frappe.get_cached_doc(measures.SETTINGS).get("lead_qualifier_role")
	if not role or doc.flags.ignore_permissions or role in frappe.get_roles():
		return
	settled = doc.status in SETTLED and not (before and before.status in SETTLED)
	if not qualified and not (settled and not _is_settled(doc)):
		return
	frappe.throw(
		_("Only a user with the role {0} may qualify a lead.").format(frappe.bold(_(role))),
		frappe.PermissionError,
		title=_("Not Qualified"),
	)


def _is_settled(doc: Document) -> bool:
	"""Whether ERPNext, and not somebody's hand, gave it the status."""
	return bool(not doc.is_new() and (doc.has_customer() or doc.has_quotation() or doc.has_opportunity()))


def state_now(doc: Document) -> str | None:
	return states.of(WORKFLOWS[LEAD], doc)


def renew(names: Sequence[str]) -> None:
	"""Leads whose fields were changed past the document layer."""
	for chunk in create_batch(names, _CHUNK):
		states.renew(WORKFLOWS[LEAD], chunk)


def differing() -> list[str]:
	"""Leads that say something else than their state. One query, no lock."""
	return states.differing(WORKFLOWS[LEAD])
