"""All writes of dates on documents and of marks on follow ups and preferences: what was told, and to whom.

Past the document layer and without `modified`: a document nobody edited must not look edited, and a form that is
open must not be refused.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime

import frappe
from frappe.utils import get_datetime, now_datetime

from crm_ext.follow_ups.model import CANCELLED, DUPLICATE

NEXT = "next_follow_up_on"
LAST = "last_contact_on"
# A CASE of n documents costs n * n comparisons.
_CHUNK = 200


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


def lower_next(doctype: str, moments: dict[str, datetime]) -> list[str]:
	"""Lower the next follow up of existing documents, never raise it. Returns those that are locked."""
	return _write(doctype, NEXT, moments, lambda name, stored: stored is None or stored > moments[name])


def raise_last(doctype: str, moments: dict[str, datetime]) -> list[str]:
	"""Raise the last contact of existing documents, never lower it. Returns those that are locked."""
	return _write(doctype, LAST, moments, lambda name, stored: stored is None or stored < moments[name])


def set_last(doctype: str, moments: dict[str, datetime | None], before: datetime) -> list[str]:
	"""Write the last contact of existing documents, lower or none as well, unless there was one since `before`."""
	return _write(doctype, LAST, moments, lambda name, stored: stored is None or stored < before)


def _write(
	doctype: str,
	field: str,
	values: dict[str, datetime | None],
	may_write: Callable[[str, datetime | None], bool],
) -> list[str]:
	"""A few statements for each chunk of documents. Returns the names another transaction holds.

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
		_write_pairs(doctype, field, pairs)
		_forget_cached(doctype, [name for name, _value in pairs])
	return left


def _write_pairs(doctype: str, field: str, pairs: list[tuple[str, datetime | None]]) -> None:
	by_value: dict[datetime | None, list[str]] = defaultdict(list)
	for name, value in pairs:
		by_value[value].append(name)
	if len(by_value) * 10 <= len(pairs):  # most of them alike, as what a rule makes in one pass
		for value, names in by_value.items():
			frappe.db.sql(f"UPDATE `tab{doctype}` SET {field} = %s WHERE name IN %s", (value, names))
		return
	cases = " ".join("WHEN %s THEN %s" for _pair in pairs)
	frappe.db.sql(
		f"UPDATE `tab{doctype}` SET {field} = CASE name {cases} END WHERE name IN %s",
		(*(value for pair in pairs for value in pair), [name for name, _value in pairs]),
	)


def _forget_cached(doctype: str, names: list[str]) -> None:
	"""As `frappe.clear_document_cache`, for many at once: now, and again once others can see what was written."""
	keys = [frappe.get_document_cache_key(doctype, name) for name in names]
	frappe.cache.delete_value(keys)
	frappe.db.after_commit.add(lambda: frappe.cache.delete_value(keys))


# Follow ups whose document, party, deal or contact goes or changes

COPIED = ("party_type", "party", "party_name", "deal", "company")


def copy(changes: dict[str, dict]) -> None:
	"""Write what follow ups copy from their document: {follow up: {field of COPIED: value}}."""
	names = sorted(changes)
	for start in range(0, len(names), _CHUNK):
		chunk = names[start : start + _CHUNK]
		cases = ", ".join(
			f"{field} = CASE name {' '.join('WHEN %s THEN %s' for _name in chunk)} END" for field in COPIED
		)
		values = [value for field in COPIED for name in chunk for value in (name, changes[name][field])]
		frappe.db.sql(f"UPDATE `tabFollow Up` SET {cases} WHERE name IN %s", (*values, chunk))


def follow_party(names: list[str]) -> None:
	"""Point follow ups at their party instead of the document they were about."""
	if names:
		frappe.db.sql(
			"UPDATE `tabFollow Up` SET reference_doctype = party_type, reference_name = party WHERE name IN %s",
			(names,),
		)


def follow_newest_deal(deals: list[str]) -> None:
	"""Point follow ups about deals that are no more, because two became one, at the newest deal of their party."""
	if not deals:
		return
	for column, condition in (
		("party", "d.party_type = f.party_type"),
		("lead", "f.party_type = 'Lead'"),
		("customer", "f.party_type = 'Customer'"),
	):
		frappe.db.sql(
			f"""UPDATE `tabFollow Up` f JOIN (
				SELECT f.name, MAX(d.name) AS deal FROM `tabFollow Up` f
				JOIN tabDeal d ON d.{column} = f.party AND {condition}
				WHERE f.reference_doctype = 'Deal' AND f.reference_name IN %s GROUP BY f.name
			) found ON found.name = f.name SET f.reference_name = found.deal, f.deal = found.deal""",
			(deals,),
		)


def delete_follow_ups(names: list[str]) -> None:
	"""With their log of changes, comments and what else hangs on them."""
	if not names:
		return
	frappe.db.sql("DELETE FROM `tabFollow Up` WHERE name IN %s", (names,))
	for doctype, type_column, column in (
		("Comment", "reference_doctype", "reference_name"),
		("DocShare", "share_doctype", "share_name"),
		("Notification Log", "document_type", "document_name"),
		("ToDo", "reference_type", "reference_name"),
		("Version", "ref_doctype", "docname"),
	):
		frappe.db.delete(doctype, {type_column: "Follow Up", column: ("in", names)})


def clear_party(doctype: str, names: list[str]) -> None:
	"""The name as people knew it stays readable."""
	frappe.db.sql(
		"UPDATE `tabFollow Up` SET party_type = NULL, party = NULL WHERE party_type = %s AND party IN %s",
		(doctype, names),
	)


def clear_deal(names: list[str]) -> None:
	frappe.db.sql("UPDATE `tabFollow Up` SET deal = NULL WHERE deal IN %s", (names,))


def clear_contact(name: str) -> None:
	# Looked up without locks first: no index has the contact, and an update would lock what it reads.
	names = frappe.db.sql("SELECT name FROM `tabFollow Up` WHERE contact = %s", (name,), pluck=True)
	if names:
		frappe.db.sql("UPDATE `tabFollow Up` SET contact = NULL WHERE name IN %s", (names,))


def rename(doctype: str, old: str, new: str) -> None:
	for type_column, column in (("reference_doctype", "reference_name"), ("party_type", "party")):
		frappe.db.sql(
			f"UPDATE `tabFollow Up` SET {column} = %s WHERE {column} = %s AND {type_column} = %s",
			(new, old, doctype),
		)


def cancel_duplicates(doctype: str, name: str) -> None:
	"""Of open follow ups one rule made for the same step on one document, the oldest stays."""
	frappe.db.sql(
		"""UPDATE `tabFollow Up` f JOIN (
			SELECT name, ROW_NUMBER() OVER (PARTITION BY rule, step ORDER BY creation, name) AS place
			FROM `tabFollow Up` WHERE status = 'Open' AND COALESCE(rule, '') != ''
			AND reference_doctype = %s AND reference_name = %s
		) found ON found.name = f.name AND found.place > 1
		SET f.status = %s, f.cancel_reason = %s, f.modified = %s""",
		(doctype, name, CANCELLED, DUPLICATE, now_datetime()),
	)


# How far passes have come

SETTINGS = "CRM Ext Settings"
CONTACTS = "contacts_mark"
DIGESTS = "digests_mark"


def read_moment(mark: str) -> datetime | None:
	"""Not by `get_single_value`, which makes a date of nothing."""
	value = frappe.db.get_value("Singles", {"doctype": SETTINGS, "field": mark}, "value", order_by=None)
	return get_datetime(value) if value else None


def set_moment(mark: str, moment: datetime) -> None:
	frappe.db.set_single_value(SETTINGS, mark, moment, update_modified=False)


# What people were told


def claim_digest(user: str, day: date) -> bool:
	"""Take today's digest of a person for this transaction; False where it was sent, or another one has it.

	Holds the person's preference until the commit: what is sent and that it was sent become visible together.
	"""
	frappe.db.sql(
		"UPDATE `tabFollow Up Preference` SET last_digest_on = %s"
		" WHERE user = %s AND (last_digest_on IS NULL OR last_digest_on < %s)",
		(day, user, day),
	)
	return bool(_affected()) or ensure_preference(user, day)


def ensure_preference(user: str, last_digest_on: date | None = None) -> bool:
	"""Make the preference of a person who has none, with the defaults of the table. Returns whether there was none."""
	now = now_datetime()
	frappe.db.sql(
		"INSERT IGNORE INTO `tabFollow Up Preference` (name, user, owner, modified_by, creation, modified,"
		" last_digest_on) VALUES (%s, %s, %s, %s, %s, %s, %s)",
		(user, user, user, user, now, now, last_digest_on),
	)
	return bool(_affected())


def forget_deleted_users() -> None:
	"""Preferences do not stand in the way of deleting a user; here they follow."""
	frappe.db.sql(
		"DELETE p FROM `tabFollow Up Preference` p LEFT JOIN tabUser u ON u.name = p.user WHERE u.name IS NULL"
	)


def switch_off(user: str, field: str) -> None:
	"""`modified` changes here: a form that is open must not switch it on again."""
	frappe.db.set_value("Follow Up Preference", {"user": user}, field, 0, modified_by=user)


def claim_reminder(follow_up: str, due_on: datetime, now: datetime) -> bool:
	"""Take the reminder of an appointment for this transaction, unless it was given or the time was changed."""
	frappe.db.sql(
		"UPDATE `tabFollow Up` SET reminded_on = %s"
		" WHERE name = %s AND status = 'Open' AND reminded_on IS NULL AND due_on = %s",
		(now, follow_up, due_on),
	)
	return bool(_affected())


def claim_escalations(follow_ups: list[str], manager: str, now: datetime) -> list[str]:
	"""Hand follow ups to a manager; returns those that were open and handed to nobody yet."""
	free = frappe.db.sql(
		"SELECT name FROM `tabFollow Up` WHERE name IN %s AND status = 'Open' AND escalated_on IS NULL"
		" ORDER BY name FOR UPDATE SKIP LOCKED",
		(follow_ups,),
		pluck=True,
	)
	if free:
		frappe.db.sql(
			"UPDATE `tabFollow Up` SET escalated_on = %s, escalated_to = %s WHERE name IN %s",
			(now, manager, free),
		)
	return free


def _affected() -> int:
	return frappe.db._cursor.rowcount
