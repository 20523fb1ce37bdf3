"""When a party was last in contact: kept on the document, its party and its deal.

A contact of some moment on a document counts for the document itself, its deal and its party. On a party, or on a
Contact of one, it counts for the party and for those of its deals that had begun and were not closed on that day; on a
deal, for the deal and its party. The same function says so for one contact, for those of a night and for all there are.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime

import frappe
from frappe.model.document import Document
from frappe.utils import get_datetime, now_datetime

from crm_ext.deals.model import DEAL
from crm_ext.deals.store import DATES
from crm_ext.follow_ups import marks, references
from crm_ext.follow_ups.model import PARTIES, REFERENCES

CONTACT = "Contact"
Ref = tuple[str, str]
Moments = dict[Ref, datetime]


def note(refs: Iterable[Ref], moment: datetime) -> None:
	"""One contact with these documents, parties, deals or Contacts; `moment` is system time.

	Raises what it concerns to `moment`, at most to now. Documents another transaction is writing are left to a queue
	job.
	"""
	moment = min(get_datetime(moment), now_datetime())
	_raise(effects((ref, moment) for ref in refs))


def _raise(moments: Moments) -> None:
	left: list[tuple[str, str, datetime]] = []
	for doctype, lower in _lower(moments).items():
		left += ((doctype, name, lower[name]) for name in marks.raise_last(doctype, lower))
	if left:
		frappe.db.after_commit.add(lambda: _raise_later(left))


def raise_to(moments: Moments) -> None:
	"""Raise last contacts to what was worked out already; for the queue job after `note` found something locked."""
	_raise(moments)


def _raise_later(left: list[tuple[str, str, datetime]]) -> None:
	"""The user's transaction is committed already: a queue out of reach must not look like a failed save."""
	moments = [[doctype, name, str(moment)] for doctype, name, moment in left]
	try:
		frappe.enqueue("crm_ext.tasks.raise_last_contacts", queue="short", moments=moments)
	except Exception:
		frappe.logger("crm_ext").exception(f"Left to the nightly pass: {moments[:50]}")


def _lower(moments: Moments) -> dict[str, dict[str, datetime]]:
	"""Of these, by DocType, what exists and has no contact or an earlier one. One query."""
	by_doctype: dict[str, list[str]] = defaultdict(list)
	for doctype, name in moments:
		by_doctype[doctype].append(name)
	stored = marks.read(by_doctype, marks.LAST)
	found = {}
	for doctype in sorted(by_doctype):
		lower = {
			name: moments[doctype, name]
			for name, value in stored[doctype].items()
			if (doctype, name) in moments and (value is None or value < moments[doctype, name])
		}
		if lower:
			found[doctype] = lower
	return found


# What a contact counts for


def effects(contacts: Iterable[tuple[Ref, datetime]]) -> Moments:
	"""The latest contact that follows for every document, party and deal these contacts count for.

	One query for each DocType among them, one for Contacts and one for the deals of parties.
	"""
	by_ref: dict[str, dict[str, set[datetime]]] = defaultdict(lambda: defaultdict(set))
	for (doctype, name), moment in contacts:
		if name and (doctype in REFERENCES or doctype == CONTACT):
			by_ref[doctype][name].add(moment)
	for party, moments in _parties_of_contacts(by_ref.pop(CONTACT, {})):
		by_ref[party[0]][party[1]] |= moments
	found: Moments = {}

	def count(doctype: str | None, name: str | None, moment: datetime) -> None:
		if doctype in REFERENCES and name and moment > found.get((doctype, name), datetime.min):
			found[doctype, name] = moment

	for doctype, names in by_ref.items():
		described = {} if doctype in PARTIES else references.describe(doctype, list(names))
		for name, moments in names.items():
			moment = max(moments)
			count(doctype, name, moment)
			if row := described.get(name):
				count(row["party_type"], row["party"], moment)
				count(DEAL, row["deal"], moment)
	for deal, moment in _deals_of_parties({party: by_ref[party] for party in PARTIES if by_ref.get(party)}):
		count(DEAL, deal, moment)
	return found


def _parties_of_contacts(contacts: dict[str, set[datetime]]) -> Iterable[tuple[Ref, set[datetime]]]:
	if not contacts:
		return
	for parent, doctype, name in frappe.db.sql(
		"SELECT parent, link_doctype, link_name FROM `tabDynamic Link` WHERE parenttype = 'Contact'"
		" AND parent IN %s AND link_doctype IN %s",
		(list(contacts), PARTIES),
	):
		yield (doctype, name), contacts.get(parent, set())


# The day a deal began, by its documents: a deal that was made by a backfill is younger than they are.
_DAYS = ", ".join(f"COALESCE({column}, DATE('9999-12-31'))" for column in DATES)
BEGAN = f"LEAST({_DAYS}, DATE(creation))"


def _deals_of_parties(parties: dict[str, dict[str, set[datetime]]]) -> Iterable[tuple[str, datetime]]:
	"""(deal, contact) for deals of parties, with the latest contact on a day the deal was open."""
	if not parties:
		return
	selects, params = [], []
	earliest = min(moment for names in parties.values() for moments in names.values() for moment in moments)

	def select(doctype: str, condition: str, column: str, names: Collection[str]) -> None:
		selects.append(
			f"SELECT name, %s, {column}, {BEGAN}, closed_on FROM tabDeal WHERE {condition} {column} IN %s"
			" AND (closed_on IS NULL OR closed_on >= %s)"
		)
		params.extend((doctype, list(names), earliest.date()))

	for doctype, names in parties.items():
		select(doctype, f"party_type = '{doctype}' AND", "party", names)
		if doctype != "Prospect":
			select(doctype, "", doctype.lower(), names)
	for deal, doctype, name, began, closed_on in frappe.db.sql(" UNION ".join(selects), params):
		moments = parties[doctype].get(name, ())
		latest = max((m for m in moments if _is_open(m.date(), began, closed_on)), default=None)
		if latest:
			yield deal, latest


def _is_open(day: date, began: date, closed_on: date | None) -> bool:
	return began <= day and (closed_on is None or day <= closed_on)


# What people record


def from_communication(doc: Document) -> None:
	"""A mail, chat or other message received or sent."""


def from_call_log(doc: Document) -> None:
	"""A call that was answered."""


def from_event(doc: Document) -> None:
	"""A meeting that has begun and was not cancelled; one in the future counts with a later pass."""


def refresh() -> None:
	"""Contacts recorded or changed since the last pass, those without an event and those that lay in the future."""
