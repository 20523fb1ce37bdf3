"""Who sees what hangs on documents that visibility hides: contacts and addresses linked to them, files attached to them,
their tags, the rows of their tables; and what reports told others. Each of these has a list of its own, which would tell
of the hidden ones.

Nothing is added, and nothing read, while visibility narrows nothing.
"""

from collections.abc import Iterable
from typing import NoReturn

import frappe
from frappe import _

from crm_ext import permissions
from crm_ext.constants.visibility import HOLDERS
from crm_ext.hierarchy import visibility

_LINKED = ("Address", "Contact")
# Fields that name the document something hangs on.
_HANGS_ON = {
	"File": ("attached_to_doctype", "attached_to_name"),
	"Tag Link": ("document_type", "document_name"),
}


def linked_conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""SQL condition on the table of Contact or Address; empty where nothing is narrowed.

	What is linked to documents that are narrowed is seen by whom sees one of them. Other links, such as a company's or a
	supplier's, and having none at all, hide nothing.
	"""
	user = user or frappe.session.user
	if not visibility.sight_of(user, doctype):
		return ""
	cases = [
		f"WHEN '{target}' THEN (SELECT COUNT(*) FROM `tab{target}`"
		f" WHERE `tab{target}`.name = crm_ext_link.link_name AND {seen})"
		for target, seen in _seen(user)
		if target in HOLDERS
	]
	if not cases:
		return ""
	table = f"`tab{doctype}`"
	# The most that one of the links says. By row, because forms ask of the few of one customer, and lists of a page.
	seen = (
		f"COALESCE((SELECT MAX(CASE crm_ext_link.link_doctype {' '.join(cases)} END) FROM `tabDynamic Link` crm_ext_link"
		f" WHERE crm_ext_link.parent = {table}.name AND crm_ext_link.parenttype = '{doctype}'), 1) > 0"
	)
	# Frappe adds what is shared only where user permissions narrow a list.
	shared = ", ".join(
		frappe.db.escape(name, percent=False) for name in frappe.share.get_shared(doctype, user)
	)
	return f"({seen} OR {table}.name IN ({shared}))" if shared else f"({seen})"


def has_linked_visibility(doc, ptype: str = "read", user: str | None = None) -> bool | None:
	"""As `permissions.has_visibility`, of a Contact or an Address."""
	if ptype == "create":
		return None
	return permissions.unless_hidden(doc, linked_conditions(user, doc.doctype))


def is_hidden(doctype: str, name: str, user: str | None = None) -> bool:
	"""Whether somebody from whom visibility hides anything may not read this document; False for everybody else."""
	user = user or frappe.session.user
	if doctype not in (*permissions.NARROWED, *_LINKED) or not permissions.narrowed_doctypes(user):
		return False
	with visibility.asked_of_one():
		conditions = permissions.list_conditions(doctype, user)
	return permissions.is_seen(frappe._dict(doctype=doctype, name=name), conditions) is False


def refuse(doctype: str, name: str) -> NoReturn:
	"""Of what `is_hidden`. Raises frappe.PermissionError."""
	frappe.throw(_("You may not read {0} {1}.").format(_(doctype), name), frappe.PermissionError)


def attached_conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""SQL condition on the table of a DocType of `_HANGS_ON`; empty where nothing is narrowed.

	Of files Frappe's own condition ends in an OR, so that those which are public stay listed.
	"""
	user = user or frappe.session.user
	of_doctype, of_name = (f"`tab{doctype}`.{field}" for field in _HANGS_ON[doctype])
	hidden = [
		f"NOT ({of_doctype} = '{target}' AND (SELECT COUNT(*) FROM `tab{target}`"
		f" WHERE `tab{target}`.name = {of_name} AND {seen}) = 0)"
		for target, seen in _seen(user)
	]
	if not hidden:
		return ""
	own = f"`tab{doctype}`.owner = {frappe.db.escape(user, percent=False)}"
	return f"({own} OR ({' AND '.join(hidden)}))"


def row_conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""SQL condition on the table of any DocType (hook `*`); empty unless it is a child table and something is narrowed.

	Frappe asks for the right to the parent's DocType and then lists the rows of all parents.
	"""
	user = user or frappe.session.user
	# Asked for every list, also while the app is installed and taken off again: what costs nothing comes first.
	if user == "Administrator" or not frappe.get_meta(doctype).istable or not visibility.terms().enabled:
		return ""
	if not permissions.narrowed_doctypes(user):
		return ""
	tables = {"options": doctype, "fieldtype": ("in", frappe.model.table_fields)}
	parents = {
		*frappe.get_all("DocField", tables, pluck="parent"),
		*frappe.get_all("Custom Field", tables, pluck="dt"),
	}
	table = f"`tab{doctype}`"
	hidden = [
		f"NOT ({table}.parenttype = '{parent}' AND (SELECT COUNT(*) FROM `tab{parent}`"
		f" WHERE `tab{parent}`.name = {table}.parent AND {seen}) = 0)"
		for parent, seen in _conditions(user, parents)
	]
	return f"({' AND '.join(hidden)})" if hidden else ""


def prepared_report_conditions(user: str | None = None) -> str:
	"""SQL condition on the table of Prepared Report: it holds what its maker saw. Empty where nothing is narrowed."""
	user = user or frappe.session.user
	if not permissions.narrowed_doctypes(user):
		return ""
	return f"`tabPrepared Report`.owner = {frappe.db.escape(user, percent=False)}"


def has_prepared_report_permission(doc, ptype: str = "read", user: str | None = None) -> bool | None:
	return permissions.unless_hidden(doc, prepared_report_conditions(user))


def _conditions(user: str, doctypes: Iterable[str]) -> list[tuple[str, str]]:
	"""(DocType, condition on its table), to be asked of a single row; without those of which all may be read. What the user
	may not read at all is left to Frappe, unless visibility is about it."""
	found = []
	with visibility.asked_of_one():
		for doctype in sorted(doctypes):
			if doctype in permissions.NARROWED or _has_list(doctype, user):
				found.append((doctype, permissions.list_conditions(doctype, user)))
	return [(doctype, f"({conditions})") for doctype, conditions in found if conditions]


def _has_list(doctype: str, user: str) -> bool:
	meta = frappe.get_meta(doctype)
	if meta.issingle or meta.istable or meta.is_virtual:
		return False
	return frappe.has_permission(doctype, "read", user=user)


def _seen(user: str) -> list[tuple[str, str]]:
	"""As `_conditions`, of all that visibility may narrow; nothing where it does not."""
	return _conditions(user, permissions.NARROWED) if permissions.narrowed_doctypes(user) else []
