"""The dates `next_follow_up_on` and `last_contact_on` on documents, parties and deals."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import frappe
from frappe.model.document import Document

from crm_ext.deals.model import DEAL
from crm_ext.follow_ups import guard, marks, references
from crm_ext.follow_ups.model import ASKS, PARTIES, REFERENCES

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


def lower(moments: dict[Ref, datetime]) -> None:
	"""New follow ups are due at these moments: what is next on each document, party and deal is no later.

	Two statements for each 200 documents; those that another transaction is writing are left to a queue job.
	"""
	left: list[Ref] = []
	for doctype, names in sorted(_group(moments).items()):
		by_name = {name: moments[doctype, name] for name in names}
		left += ((doctype, name) for name in marks.lower_next(doctype, by_name))
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


def _open(type_column: str | None, column: str, chosen: bool = True) -> str:
	"""(DocType, name, earliest due) of what open follow ups name in a column; of chosen names, or of all.

	What asks somebody of us for an answer is no contact to come.
	"""
	where = f"status = 'Open' AND due_on IS NOT NULL AND NOT ({ASKS})"
	where += f" AND {type_column} = %s" if type_column else ""
	where += f" AND {column} IN %s" if chosen else f" AND {column} IS NOT NULL"
	kind = type_column or f"'{DEAL}'"
	return f"SELECT {kind}, {column}, MIN(due_on) FROM `tabFollow Up` WHERE {where} GROUP BY {column}"


# Documents that go or change their name


def forget(doctype: str, name: str) -> None:
	"""A document is being deleted: open follow ups go with it; what was done or cancelled stays with its party, where
	that is another document that exists. None is left hanging."""
	if guard.is_suspended():
		return
	with guard.best_effort("forgetting follow ups failed", doctype, name):
		touched = _forget(doctype, [name])
		refresh(ref for ref in touched if ref != (doctype, name))


def _forget(doctype: str, names: list[str]) -> set[Ref]:
	"""Returns the documents, parties and deals whose next follow up may be another now."""
	about = frappe.db.sql(
		"SELECT name, status, party_type, party, deal FROM `tabFollow Up`"
		" WHERE reference_doctype = %s AND reference_name IN %s",
		(doctype, names),
		as_dict=True,
	)
	touched = {(row.party_type, row.party) for row in about} | {(DEAL, row.deal) for row in about}
	kept = _existing({(row.party_type, row.party) for row in about if row.status != "Open"})
	kept -= {(doctype, name) for name in names}
	gone, moved = [], []
	for row in about:
		stays = row.status != "Open" and (row.party_type, row.party) in kept
		(moved if stays else gone).append(row.name)
	marks.follow_party(moved)
	marks.delete_follow_ups(gone)
	if doctype in PARTIES:
		marks.clear_party(doctype, names)
	if doctype == DEAL:
		marks.clear_deal(names)
	return touched


def _existing(refs: Iterable[Ref]) -> set[Ref]:
	return {
		(doctype, name)
		for doctype, names in _group(refs).items()
		for name in frappe.get_all(doctype, filters={"name": ("in", names)}, order_by=None, pluck="name")
	}


def move(doctype: str, old: str, new: str, merge: bool = False) -> None:
	"""A document was renamed, or merged into another that has follow ups of its own."""
	if guard.is_suspended():
		return
	with guard.best_effort("moving follow ups failed", doctype, new):
		# Frappe renames dynamic links by a list of DocTypes it keeps for hours, and rows made in sets are not in it.
		marks.rename(doctype, old, new)
		if merge:
			marks.cancel_duplicates(doctype, new)
			if last := frappe.db.get_value(doctype, old, marks.LAST):
				marks.raise_last(doctype, {new: last})
			refresh([(doctype, new)])
		relink(doctype, [new])


def forget_contact(name: str) -> None:
	"""A Contact is being deleted: follow ups stay, without it."""
	if guard.is_suspended():
		return
	with guard.best_effort("taking a contact off follow ups failed", "Contact", name):
		marks.clear_contact(name)


# What no event told

_CHUNK = 500


def refresh_all() -> None:
	"""Mend what changed without an event: follow ups of documents that are gone, their party, deal and company, and
	every next follow up that differs. Commits after each chunk; a second pass changes nothing."""
	for doctype in REFERENCES:
		_mend_orphans(doctype)
	for doctype in REFERENCES:
		names = _with_follow_ups(doctype)
		for start in range(0, len(names), _CHUNK):
			relink(doctype, names[start : start + _CHUNK])
			frappe.db.commit()  # each document stands by itself
	for doctype in REFERENCES:
		names = sorted(_differing(doctype))
		for start in range(0, len(names), _CHUNK):
			refresh((doctype, name) for name in names[start : start + _CHUNK])
			frappe.db.commit()


def _with_follow_ups(doctype: str) -> list[str]:
	"""Documents with follow ups that are open, whose deal is no more, or about a lead whose deal may have come since."""
	late = "OR f.deal IS NULL" if doctype == "Lead" else ""
	return frappe.db.sql(
		f"""SELECT DISTINCT f.reference_name FROM `tabFollow Up` f LEFT JOIN tabDeal d ON d.name = f.deal
		WHERE f.reference_doctype = %s AND (f.status = 'Open' OR (f.deal IS NOT NULL AND d.name IS NULL) {late})
		ORDER BY f.reference_name""",
		(doctype,),
		pluck=True,
	)


def _mend_orphans(doctype: str) -> None:
	"""Documents deleted past the document layer, deals that became one with another, parties and deals that are gone."""
	names = frappe.db.sql(
		f"SELECT DISTINCT f.reference_name FROM `tabFollow Up` f LEFT JOIN `tab{doctype}` d ON d.name ="
		" f.reference_name WHERE f.reference_doctype = %s AND d.name IS NULL ORDER BY f.reference_name",
		(doctype,),
		pluck=True,
	)
	if doctype == DEAL:
		marks.follow_newest_deal(names)
	for start in range(0, len(names), _CHUNK):
		refresh(_forget(doctype, names[start : start + _CHUNK]))
		frappe.db.commit()
	if doctype in PARTIES:
		gone = frappe.db.sql(
			f"SELECT DISTINCT f.party FROM `tabFollow Up` f LEFT JOIN `tab{doctype}` d ON d.name = f.party"
			" WHERE f.party_type = %s AND d.name IS NULL",
			(doctype,),
			pluck=True,
		)
		if gone:
			marks.clear_party(doctype, gone)
	frappe.db.commit()


def relink(doctype: str, names: list[str]) -> None:
	"""Take party, deal and company of follow ups anew from the documents they are about, where they differ.

	What is done or cancelled stays as it was; only a deal that is no more, or came later, is looked up.
	"""
	described = references.describe(doctype, names)
	rows = frappe.db.sql(
		"SELECT f.name, f.reference_name, f.status, f.party_type, f.party, f.party_name, f.deal, f.company, f.due_on,"
		" d.name AS existing_deal FROM `tabFollow Up` f LEFT JOIN tabDeal d ON d.name = f.deal"
		" WHERE f.reference_doctype = %s AND f.reference_name IN %s",
		(doctype, names),
		as_dict=True,
	)
	changes: dict[str, dict] = {}
	touched: set[Ref] = set()
	for row in rows:
		now = described.get(row.reference_name)
		if not now:
			continue
		if row.status != "Open":
			now = {**row, "deal": row.existing_deal or now["deal"]}
		values = {field: now[field] or None for field in marks.COPIED}
		if all((row[field] or None) == value for field, value in values.items()):
			continue
		changes[row.name] = values
		if row.status == "Open":
			touched |= {(row.party_type, row.party), (DEAL, row.deal)}
			touched |= {(values["party_type"], values["party"]), (DEAL, values["deal"])}
	marks.copy(changes)
	refresh(touched)


def _differing(doctype: str) -> list[str]:
	"""Documents whose next follow up is not what follow ups say. One query."""
	selects, params = [_open("reference_doctype", "reference_name", chosen=False)], [doctype]
	if doctype in PARTIES:
		selects.append(_open("party_type", "party", chosen=False))
		params.append(doctype)
	if doctype == DEAL:
		selects.append(_open(None, "deal", chosen=False))
	return frappe.db.sql(
		f"""WITH each_kind (kind, name, due_on) AS ({" UNION ALL ".join(selects)}),
		wanted AS (SELECT name, MIN(due_on) AS due_on FROM each_kind GROUP BY name)
		SELECT d.name FROM wanted w JOIN `tab{doctype}` d ON d.name = w.name
		WHERE NOT (d.next_follow_up_on <=> w.due_on)
		UNION
		SELECT d.name FROM `tab{doctype}` d LEFT JOIN wanted w ON w.name = d.name
		WHERE d.next_follow_up_on IS NOT NULL AND w.name IS NULL""",
		params,
		pluck=True,
	)
