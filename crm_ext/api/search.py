"""What Frappe finds and names by DocType; here each record is checked as well."""

from collections.abc import Collection

import frappe
from frappe.desk import search as desk_search
from frappe.desk.doctype.tag import tag as tags
from frappe.utils import global_search

from crm_ext import permissions
from crm_ext.permissions_of_links import is_hidden


@frappe.whitelist()
def search(text: str, start: int = 0, limit: int = 20, doctype: str = "") -> list[dict]:
	"""Frappe's own answer without what the user may not see, where visibility narrows anything. At most one query more."""
	return visible(global_search.search(text, start, limit, doctype))


def visible(found: list[dict]) -> list[dict]:
	"""Also ToDos, events and contacts are asked for: they tell of what is hidden."""
	if not permissions.narrowed_doctypes():
		return found
	readable = permissions.readable((row.doctype, row.name) for row in found)
	return [row for row in found if (row.doctype, row.name) in readable]


@frappe.whitelist()
def get_link_title(doctype: str, docname: str) -> str | None:
	"""What a link shows in place of a name: the name itself, where the document is hidden."""
	return docname if is_hidden(doctype, docname) else desk_search.get_link_title(doctype, docname)


@frappe.whitelist()
def get_tagged_docs(doctype: str, tag: str) -> list[tuple[str]]:
	found = tags.get_tagged_docs(doctype, tag)
	seen = readable_names(doctype, {name for (name,) in found})
	return [row for row in found if row[0] in seen]


def readable_names(doctype: str, names: Collection[str]) -> set[str]:
	"""Those of existing documents the session's user may read; all, unasked, where visibility hides nothing from the user."""
	if not permissions.narrowed_doctypes():
		return set(names)
	return {name for _doctype, name in permissions.readable((doctype, name) for name in names)}
