"""What people record of their contacts: messages, calls, meetings, follow ups done. Reads only.

One declaration says which rows are contacts, when they were and what they are about. It serves one transaction
(`named`), a pass over what changed (`since`), the contacts on some documents (`latest_on`) and all there are (`everything`).
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import frappe
from frappe.utils import now_datetime

from crm_ext.follow_ups.model import ASKS, REFERENCES

Ref = tuple[str, str]
Contact = tuple[Ref, datetime]

CONTACT = "Contact"
COUNTED = (*REFERENCES, CONTACT)
_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Source:
	"""Every expression is constant text of this file; `s` is the table of the DocType.

	`about` are pairs of columns that name a document, or a DocType written with a leading "=" and a column; `links`
	are child tables with their columns for the same. What was recorded before it was said to happen counts from when it was
	recorded; only an Event may wait for its time.
	"""

	doctype: str
	moment: str
	is_contact: str
	about: tuple[tuple[str, str], ...] = ()
	links: tuple[tuple[str, str, str], ...] = ()


# Messages that reached nobody, that nobody wrote, or that are the shadow of an Event, which counts by itself.
_UNDELIVERED = "'Bounced', 'Rejected', 'Error', 'Expired', 'Recipient Unsubscribed'"
_AUTOMATIC = "'Event', 'Email Campaign', 'Newsletter'"
_DYNAMIC_LINK = ("Dynamic Link", "link_doctype", "link_name")

SOURCES: dict[str, Source] = {
	source.doctype: source
	for source in (
		Source(
			"Communication",
			"COALESCE(LEAST(s.communication_date, s.modified), s.creation)",
			"s.communication_type = 'Communication'"
			f" AND COALESCE(s.delivery_status, '') NOT IN ({_UNDELIVERED})"
			" AND COALESCE(s.email_status, '') NOT IN ('Spam', 'Trash')"
			f" AND COALESCE(s.reference_doctype, '') NOT IN ({_AUTOMATIC})",
			about=(("reference_doctype", "reference_name"),),
			links=(("Communication Link", "link_doctype", "link_name"),),
		),
		Source(
			"Call Log",
			"COALESCE(LEAST(s.start_time, s.modified), s.creation)",
			"s.status = 'Completed'",
			about=(("=Customer", "customer"),),
			links=(_DYNAMIC_LINK,),
		),
		Source(
			"Event",
			"s.starts_on",
			"COALESCE(s.status, '') != 'Cancelled'",
			about=(("reference_doctype", "reference_docname"),),
			links=(("Event Participants", "reference_doctype", "reference_docname"), _DYNAMIC_LINK),
		),
		Source(
			"Follow Up",
			"s.done_on",
			f"s.status = 'Done' AND NOT ({ASKS})",
			about=(("reference_doctype", "reference_name"),),
		),
	)
}


def named(names: dict[str, Collection[str]]) -> list[Contact]:
	"""The contacts that these documents, by DocType, are. One query."""
	selects: list[str] = []
	params: list = []
	now = now_datetime()
	for doctype, chosen in names.items():
		if chosen:
			_select(SOURCES[doctype], "s.name IN %s", list(chosen), now, selects, params)
	return _contacts(selects, params)


def since(moment: datetime) -> Iterator[list[Contact]]:
	"""Contacts recorded or changed since, and those whose time has come since, in chunks."""
	now = now_datetime()
	for source in SOURCES.values():
		yield from _chunks(
			source,
			f"(s.modified >= %(since)s OR ({source.moment} >= %(since)s AND {source.moment} <= %(now)s))"
			if source.doctype == "Event"
			else "s.modified >= %(since)s",
			{"since": moment, "now": now},
		)


def everything() -> Iterator[list[Contact]]:
	"""All contacts of the site, in chunks."""
	for source in SOURCES.values():
		yield from _chunks(source, "1 = 1", {})


def latest_on(refs: Iterable[Ref]) -> list[Contact]:
	"""The latest contact recorded on each of these. One query."""
	by_doctype: dict[str, list[str]] = {}
	for doctype, name in refs:
		by_doctype.setdefault(doctype, []).append(name)
	selects: list[str] = []
	params: list = []
	now = now_datetime()
	for source in SOURCES.values():
		for doctype, names in by_doctype.items():
			_select_on(source, doctype, names, now, selects, params)
	return _contacts(selects, params)


def _chunks(source: Source, condition: str, values: dict) -> Iterator[list[Contact]]:
	"""By name, so that what is recorded meanwhile moves nothing."""
	last = ""
	while True:
		names = frappe.db.sql(
			f"SELECT s.name FROM `tab{source.doctype}` s WHERE {condition} AND {source.is_contact}"
			f" AND s.name > %(last)s ORDER BY s.name LIMIT {_CHUNK}",
			{**values, "last": last},
			pluck=True,
		)
		if not names:
			return
		yield named({source.doctype: names})
		last = names[-1]


def _select(source: Source, condition: str, value, now: datetime, selects: list[str], params: list) -> None:
	where = f"{source.is_contact} AND {source.moment} <= %s AND {condition}"
	for type_column, column in source.about:
		if type_column.startswith("="):
			selects.append(
				f"SELECT '{type_column[1:]}', s.{column}, {source.moment} FROM `tab{source.doctype}` s WHERE {where}"
			)
			params += [now, value]
		else:
			selects.append(
				f"SELECT s.{type_column}, s.{column}, {source.moment} FROM `tab{source.doctype}` s"
				f" WHERE {where} AND s.{type_column} IN %s"
			)
			params += [now, value, COUNTED]
	for table, type_column, column in source.links:
		selects.append(
			f"SELECT l.{type_column}, l.{column}, {source.moment} FROM `tab{source.doctype}` s JOIN `tab{table}` l"
			f" ON l.parent = s.name AND l.parenttype = '{source.doctype}' WHERE {where} AND l.{type_column} IN %s"
		)
		params += [now, value, COUNTED]


def _select_on(
	source: Source, doctype: str, names: list[str], now: datetime, selects: list[str], params: list
) -> None:
	where = f"{source.is_contact} AND {source.moment} <= %s"
	head = f"SELECT '{doctype}'"
	for type_column, column in source.about:
		if type_column == f"={doctype}":
			same_type = "1 = 1"
		elif type_column.startswith("="):
			continue
		else:
			same_type = f"s.{type_column} = '{doctype}'"
		selects.append(
			f"{head}, s.{column}, MAX({source.moment}) FROM `tab{source.doctype}` s"
			f" WHERE {where} AND {same_type} AND s.{column} IN %s GROUP BY s.{column}"
		)
		params += [now, names]
	for table, type_column, column in source.links:
		selects.append(
			f"{head}, l.{column}, MAX({source.moment}) FROM `tab{table}` l JOIN `tab{source.doctype}` s"
			f" ON l.parent = s.name AND l.parenttype = '{source.doctype}'"
			f" WHERE {where} AND l.{type_column} = '{doctype}' AND l.{column} IN %s GROUP BY l.{column}"
		)
		params += [now, names]


def _contacts(selects: list[str], params: list) -> list[Contact]:
	if not selects:
		return []
	return [
		((doctype, name), moment)
		for doctype, name, moment in frappe.db.sql(" UNION ALL ".join(selects), params)
		if name and moment
	]
