"""All writes of dates on documents and of marks on follow ups and preferences: what was told, and to whom.

Past the document layer and without `modified`: a document nobody edited must not look edited, and a form that is
open must not be refused.
"""

from collections.abc import Callable
from datetime import datetime

import frappe

NEXT = "next_follow_up_on"
LAST = "last_contact_on"
_CHUNK = 500


def read(by_doctype: dict[str, list[str]], field: str) -> dict[str, dict[str, datetime | None]]:
	"""One date of those that exist, by DocType and name."""
	if not by_doctype:
		return {}
	selects = [f"SELECT %s, name, {field} FROM `tab{doctype}` WHERE name IN %s" for doctype in by_doctype]
	params = [value for item in by_doctype.items() for value in item]
	found: dict[str, dict[str, datetime | None]] = {doctype: {} for doctype in by_doctype}
	for doctype, name, value in frappe.db.sql(" UNION ALL ".join(selects), params):
		found[doctype][name] = value
	return found


def set_next(doctype: str, wanted: dict[str, datetime | None], seen: dict[str, datetime | None]) -> list[str]:
	"""Write the next follow up of existing documents. `seen` is what this transaction read there.

	Returns those left alone: locked, or written by a transaction this one does not see, whose follow ups count, too.
	"""
	left: list[str] = []

	def may_write(name: str, stored: datetime | None) -> bool:
		if stored != seen[name]:
			left.append(name)
		return stored == seen[name]

	return _write(doctype, NEXT, wanted, may_write) + left


def raise_last(doctype: str, moments: dict[str, datetime]) -> list[str]:
	"""Raise the last contact of existing documents, never lower it. Returns those that are locked."""
	return _write(doctype, LAST, moments, lambda name, stored: stored is None or stored < moments[name])


def set_last(doctype: str, moments: dict[str, datetime | None]) -> list[str]:
	"""Write the last contact of existing documents as given. Returns those that are locked."""
	return _write(doctype, LAST, moments, lambda name, stored: True)


def _write(
	doctype: str,
	field: str,
	values: dict[str, datetime | None],
	may_write: Callable[[str, datetime | None], bool],
) -> list[str]:
	"""Two statements for each 500 documents. Returns the names another transaction holds.

	To wait for somebody who is saving a document, and may be waiting for us, would stop one of the two.
	"""
	left: list[str] = []
	names = sorted(values)
	for start in range(0, len(names), _CHUNK):
		chunk = names[start : start + _CHUNK]
		stored = dict(
			frappe.db.sql(
				f"SELECT name, {field} FROM `tab{doctype}` WHERE name IN %s ORDER BY name FOR UPDATE SKIP LOCKED",
				(chunk,),
			)
		)
		left += [name for name in chunk if name not in stored]
		pairs = [(name, values[name]) for name, value in stored.items() if may_write(name, value)]
		if not pairs:
			continue
		cases = " ".join("WHEN %s THEN %s" for _pair in pairs)
		written = [name for name, _value in pairs]
		frappe.db.sql(
			f"UPDATE `tab{doctype}` SET {field} = CASE name {cases} END WHERE name IN %s",
			(*(value for pair in pairs for value in pair), written),
		)
		_forget_cached(doctype, written)
	return left


def _forget_cached(doctype: str, names: list[str]) -> None:
	"""As `frappe.clear_document_cache`, for many at once: now, and again once others can see what was written."""
	keys = [frappe.get_document_cache_key(doctype, name) for name in names]
	frappe.cache.delete_value(keys)
	frappe.db.after_commit.add(lambda: frappe.cache.delete_value(keys))
