"""Frappe's global search finds by DocType; here each record it found is checked as well."""

import frappe
from frappe.utils import global_search

from crm_ext import permissions


@frappe.whitelist()
def search(text: str, start: int = 0, limit: int = 20, doctype: str = "") -> list[dict]:
	"""Frappe's own answer without what the user may not see, where visibility narrows anything. One query a DocType."""
	return visible(global_search.search(text, start, limit, doctype))


def visible(found: list[dict]) -> list[dict]:
	"""Also ToDos, events and contacts are asked for: they tell of what is hidden."""
	if not permissions.narrowed_doctypes():
		return found
	readable: set[tuple[str, str]] = set()
	for doctype in {row.doctype for row in found}:
		names = {row.name for row in found if row.doctype == doctype}
		readable.update(
			(doctype, name)
			for name in frappe.get_list(
				doctype, {"name": ("in", names)}, pluck="name", limit=0, order_by=None
			)
		)
	return [row for row in found if (row.doctype, row.name) in readable]
