"""Who may approve a document or verify a payment: by roles of their own, or in the name of somebody absent today.

A stand-in adds the absent one's roles to their own. ERPNext's own permission to submit is asked of both, nobody stands in for
the stand-in of somebody else, and who entered a document or asked for its approval does not approve it in another's name.
"""

from collections.abc import Callable, Collection, Iterable
from functools import partial

import frappe
from frappe.model.document import Document
from frappe.utils import getdate, nowdate

from crm_ext.constants.workflows import HANDS, OTHER, WORKFLOWS
from crm_ext.hierarchy import world
from crm_ext.hierarchy.rules import Absence
from crm_ext.workflows import limits as rules
from crm_ext.workflows import measures
from crm_ext.workflows.definitions import mark
from crm_ext.workflows.limits import Finding

Test = Callable[[Collection[str]], bool]
_NOBODYS = "Administrator"


def is_verified(doctype: str) -> bool:
	"""Whether documents of this kind are verified by somebody else than who entered them."""
	return any(way.who == OTHER for way in WORKFLOWS[doctype].ways)


def verifier_role() -> str | None:
	"""The role that verifies payments; None: everybody who may submit them. The settings are cached."""
	return frappe.get_cached_doc(measures.SETTINGS).get("payment_verifier_role") or None


def findings_of(doc: Document) -> list[Finding]:
	"""What has to be approved of a document, by the save it is in, else measured. Nothing of what is verified."""
	if is_verified(doc.doctype):
		return []
	known = doc.flags.approval_findings
	return measures.find(doc) if known is None else known


def needs(doctype: str, findings: list[Finding]) -> tuple[list[str], Test]:
	"""(roles that take part, whether roles suffice). No roles: nobody in particular is asked."""
	if is_verified(doctype):
		role = verifier_role()
		return [role] if role else [], lambda roles: not role or role in roles
	return rules.approvers(findings), partial(rules.may, findings)


def in_whose_name(doc: Document, suffices: Test, askers: Callable[[], Collection[str]]) -> list[str] | None:
	"""For the session's user: [] where their own roles suffice, those absent whose roles are needed besides, None if neither.

	`askers`: who asked for it; called only for a stand-in.
	"""
	user = frappe.session.user
	roles = set(frappe.get_roles(user))
	if suffices(roles):
		return []
	absent = [one.user for one in absences() if one.stand_in == user]
	if not absent or user in own(doc) or user in askers():
		return None
	stored = frappe.get_doc(doc.doctype, doc.name)  # not what somebody is about to make of it
	able = [one for one in dict.fromkeys(absent) if is_able(stored, one)]
	for one in able:
		if suffices(roles.union(frappe.get_roles(one))):
			return [one]
	return able if able and suffices(roles.union(*map(frappe.get_roles, able))) else None


def own(doc: Document) -> set[str]:
	"""Whose document it is or was, and who asked for its approval. An opportunity made from a mail belongs to who was named on
	it."""
	hands = (doc.get(HANDS) or "").strip("|").split("|")
	return {doc.owner, doc.get("opportunity_owner"), *hands} - {None, ""}


def remember(doc: Document, user: str) -> None:
	"""Somebody who does not approve a document in another's name, also once they have given it away. In memory."""
	known = (doc.get(HANDS) or "").strip("|").split("|")
	doc.set(HANDS, mark(dict.fromkeys(filter(None, (*known, user)))))


def absences() -> list[Absence]:
	"""Of today. Nobody stands in for Administrator, who has every role, or for themselves. From the cache."""
	today = getdate(nowdate())
	return [
		one
		for one in world.read().absences
		if one.from_date <= today <= one.to_date and one.user not in (_NOBODYS, one.stand_in)
	]


def is_able(doc: Document, user: str) -> bool:
	"""Whether an enabled user may submit the document, or write it where it is not submitted, as ERPNext has it.

	`doc`: as stored. It is asked of each who has a role: by its name, Frappe would read it anew for each of them.
	"""
	right = "submit" if doc.meta.is_submittable else "write"
	return bool(
		frappe.get_cached_value("User", user, "enabled")
		and frappe.has_permission(doc.doctype, right, doc=doc, user=user)
	)


def stand_ins(doc: Document, users: Iterable[str], besides: Collection[str]) -> dict[str, str]:
	"""Who may act today for those of these users who are absent: {stand-in: absent one}. `besides`: who is not asked so."""
	users = set(users)
	found: dict[str, str] = {}
	for one in absences():
		if (
			one.user in users
			and one.stand_in not in users
			and one.stand_in not in found
			and one.stand_in not in besides
			and is_able(doc, one.stand_in)
		):
			found[one.stand_in] = one.user
	return found
