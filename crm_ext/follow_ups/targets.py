"""The dates `next_follow_up_on` and `last_contact_on` on documents, parties and deals."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import frappe
from frappe.model.document import Document

from crm_ext.deals.model import DEAL
from crm_ext.follow_ups import marks
from crm_ext.follow_ups.model import PARTIES, REFERENCES

FIELDS = ("last_contact_on", "next_follow_up_on")

Ref = tuple[str, str]


def keep(doc: Document) -> None:
	"""Take both dates from the database before a document is saved.

	They are written past the document layer. A form opened before that would otherwise write the old ones back.
	Costs no query: Frappe has just read the document under lock.
	"""
	before = doc.get_doc_before_save()
	if before:
		for field in FIELDS:
			doc.set(field, before.get(field))


def refresh(refs: Iterable[Ref]) -> None:
	"""Bring the next follow up of these documents, parties and deals up to date; what is no reference is ignored.

	Two queries, and two statements for each DocType where something differs. Documents that another transaction is
	writing are left to a queue job.
	"""
	by_doctype = _group(refs)
	if not by_doctype:
		return
	wanted, stored = _wanted(by_doctype), marks.read(by_doctype, marks.NEXT)
	left: list[Ref] = []
	for doctype in sorted(by_doctype):
		seen = {
			name: value for name, value in stored[doctype].items() if value != wanted.get((doctype, name))
		}
		changes = {name: wanted.get((doctype, name)) for name in seen}
		left += ((doctype, name) for name in marks.set_next(doctype, changes, seen))
	if left:
		frappe.db.after_commit.add(lambda: _refresh_later(left))


def _refresh_later(refs: list[Ref]) -> None:
	"""The user's transaction is committed already: a queue out of reach must not look like a failed save."""
	try:
		frappe.enqueue(
			"crm_ext.tasks.refresh_follow_up_dates", queue="short", refs=[list(ref) for ref in refs]
		)
	except Exception:
		frappe.logger("crm_ext").exception(f"Left to the nightly pass: {refs[:50]}")


def _group(refs: Iterable[Ref]) -> dict[str, list[str]]:
	by_doctype: dict[str, set[str]] = defaultdict(set)
	for doctype, name in refs:
		if doctype in REFERENCES and name:
			by_doctype[doctype].add(name)
	return {doctype: sorted(names) for doctype, names in by_doctype.items()}


def _wanted(by_doctype: dict[str, list[str]]) -> dict[Ref, datetime]:
	"""The earliest open follow up about each of these documents, with each of these parties or in these deals."""
	selects, params = [], []
	for doctype, names in by_doctype.items():
		selects.append(_open("reference_doctype", "reference_name"))
		params += [doctype, names]
		if doctype in PARTIES:
			selects.append(_open("party_type", "party"))
			params += [doctype, names]
		if doctype == DEAL:
			selects.append(_open(None, "deal"))
			params.append(names)
	found: dict[Ref, datetime] = {}
	for doctype, name, due_on in frappe.db.sql(" UNION ALL ".join(selects), params):
		ref = (doctype, name)
		found[ref] = min(due_on, found.get(ref, due_on))
	return found


def _open(type_column: str | None, column: str) -> str:
	return (
		f"SELECT {type_column or repr(DEAL)}, {column}, MIN(due_on) FROM `tabFollow Up` WHERE status = 'Open'"
		f" AND due_on IS NOT NULL{f' AND {type_column} = %s' if type_column else ''} AND {column} IN %s"
		f" GROUP BY {column}"
	)


def forget(doctype: str, name: str) -> None:
	"""A document is being deleted: none of its follow ups is left hanging."""


def move(doctype: str, old: str, new: str, merge: bool = False) -> None:
	"""A document was renamed, or merged into another that has follow ups of its own."""


def forget_contact(name: str) -> None:
	"""A Contact is being deleted: follow ups stay, without it."""


def refresh_all() -> None:
	"""Both dates of every document, party and deal where they differ from what follow ups and contacts say."""
