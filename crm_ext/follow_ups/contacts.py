"""When a party was last in contact: kept on the document, its party and its deal.

A contact of some moment on a document counts for the document itself, its deal and its party. On a party, or on a
Contact of one, it counts for the party and for those of its deals that had begun and were not closed on that day; on a
deal, for the deal and its party. The same function says so for one contact, for those of a night and for all there are.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

import frappe
from frappe.model.document import Document
from frappe.utils import get_datetime, now_datetime

from crm_ext.deals import touch
from crm_ext.deals.model import DEAL
from crm_ext.deals.stored import DATES
from crm_ext.follow_ups import contact_sources, guard, marks, references
from crm_ext.follow_ups.contact_sources import CONTACT
from crm_ext.follow_ups.model import PARTIES, REFERENCES

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
	if doc.communication_type == "Communication" and (doc.reference_name or doc.get("timeline_links")):
		_collect(doc)


def from_call_log(doc: Document) -> None:
	"""A call that was answered."""
	if doc.status == "Completed" and (doc.get("customer") or doc.get("links")):
		_collect(doc)


def from_event(doc: Document) -> None:
	"""A meeting that has begun and was not cancelled; one in the future counts with a later pass."""
	if doc.status == "Cancelled" or get_datetime(doc.starts_on) > now_datetime():
		return
	if doc.get("event_participants") or doc.get("links") or doc.get("reference_docname"):
		_collect(doc)


_KEY = "crm_ext_contacts"


def _collect(doc: Document) -> None:
	"""Count a document before its transaction commits: once, however often it is saved, and with its deals derived."""
	if doc.flags.in_delete or guard.is_suspended():
		return
	collected = getattr(frappe.local, _KEY, None)
	if not collected:
		collected = {}
		setattr(frappe.local, _KEY, collected)
		frappe.db.before_commit.add(flush)
		frappe.db.after_rollback.add(forget)
	collected.setdefault(doc.doctype, {})[doc.name] = True


def flush() -> None:
	"""Count what was collected so far. Runs before each commit; tests and long jobs may call it themselves."""
	collected = getattr(frappe.local, _KEY, None)
	forget()
	if not collected:
		return
	doctype, names = next(iter(collected.items()))
	with guard.best_effort("counting contacts failed", doctype, next(iter(names))):
		touch.flush()
		_raise(effects(contact_sources.named(collected)))


def forget() -> None:
	setattr(frappe.local, _KEY, None)


# What no event told

# Clocks of several hosts differ, and a transaction may commit long after it stamped `modified`.
_OVERLAP = timedelta(minutes=30)
_DEALS = 500


def refresh() -> None:
	"""Contacts recorded or changed since the last pass, those without an event and those that lay in the future; and
	those older than a deal they count for. The first pass on a site counts all there are.

	Only raises dates; may be repeated, killed, or run twice at once. Commits after each chunk.
	"""
	started = now_datetime()
	mark = marks.read_moment(marks.CONTACTS)
	if not mark:
		rebuild()
		return
	since = mark - _OVERLAP
	for contacts in contact_sources.since(since):
		_raise(effects(contacts))
		frappe.db.commit()  # dates stand by themselves, and nobody shall wait for the rest
	deals = frappe.get_all("Deal", filters={"modified": (">=", since)}, order_by="name", pluck="name")
	for start in range(0, len(deals), _DEALS):
		_raise(_of_deals(deals[start : start + _DEALS]))
		frappe.db.commit()
	_set_mark(started)


def is_counted() -> bool:
	"""Whether all contacts of the site were counted once, so that a pass is short."""
	return marks.read_moment(marks.CONTACTS) is not None


def _set_mark(moment: datetime) -> None:
	marks.set_moment(marks.CONTACTS, moment)
	frappe.db.commit()  # the end of a job's pass


def _of_deals(deals: list[str]) -> Moments:
	"""The latest contact of deals, by what was recorded on them, their documents, their parties and Contacts of these."""
	refs: set[Ref] = {(DEAL, deal) for deal in deals}
	for reference in REFERENCES.values():
		if reference.deal == "deal":
			names = frappe.get_all(
				reference.doctype, filters={"deal": ("in", deals)}, order_by=None, pluck="name"
			)
			refs |= {(reference.doctype, name) for name in names}
	parties: set[Ref] = set()
	for party_type, party, lead, customer in frappe.get_all(
		"Deal",
		filters={"name": ("in", deals)},
		fields=["party_type", "party", "lead", "customer"],
		order_by=None,
		as_list=True,
	):
		parties |= {(party_type, party), ("Lead", lead), ("Customer", customer)}
	refs |= {(doctype, name) for doctype, name in parties if doctype in PARTIES and name}
	refs |= {(CONTACT, name) for name in _contacts_of(refs)}
	wanted = set(deals)
	found = effects(contact_sources.latest_on(refs))
	return {ref: moment for ref, moment in found.items() if ref[0] == DEAL and ref[1] in wanted}


def _contacts_of(refs: set[Ref]) -> Iterable[str]:
	for doctype in PARTIES:
		if names := [name for ref_type, name in refs if ref_type == doctype]:
			yield from frappe.get_all(
				"Dynamic Link",
				filters={"parenttype": CONTACT, "link_doctype": doctype, "link_name": ("in", names)},
				order_by=None,
				pluck="parent",
			)


def rebuild() -> None:
	"""Work out every last contact from all that was recorded, and write what differs.

	The result is what counting each contact when it was recorded gives. May be repeated, killed, or run twice at
	once: nothing is cleared first, and what was counted meanwhile stays.
	"""
	started = now_datetime()
	wanted = recorded()
	for doctype in REFERENCES:
		values = {name: moment for (ref_type, name), moment in wanted.items() if ref_type == doctype}
		changes = _differing(doctype, values)
		names = sorted(changes)
		for start in range(0, len(names), _DEALS):
			chunk = {name: changes[name] for name in names[start : start + _DEALS]}
			marks.set_last(doctype, chunk, started)
			frappe.db.commit()  # each date stands by itself
	_set_mark(started)


def recorded() -> Moments:
	"""The last contact of every document, party and deal, by all that was recorded."""
	wanted: Moments = {}
	for contacts in contact_sources.everything():
		for ref, moment in effects(contacts).items():
			wanted[ref] = max(moment, wanted.get(ref, moment))
	return wanted


def _differing(doctype: str, values: dict[str, datetime]) -> dict[str, datetime | None]:
	stored = dict(
		frappe.db.sql(f"SELECT name, last_contact_on FROM `tab{doctype}` WHERE last_contact_on IS NOT NULL")
	)
	differing = {name: values.get(name) for name, value in stored.items() if value != values.get(name)}
	missing = [name for name in values if name not in stored]
	for start in range(0, len(missing), _DEALS):
		existing = frappe.get_all(
			doctype, filters={"name": ("in", missing[start : start + _DEALS])}, order_by=None, pluck="name"
		)
		differing |= {name: values[name] for name in existing if name in values}
	return differing
