"""The one module that writes follow ups in sets. Nothing here decides; callers have chosen what to make and close."""

import hashlib
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import frappe
from frappe.utils import now_datetime

from crm_ext.follow_ups.model import CANCELLED, OPEN, REPLACED, Due

FOLLOW_UP = "Follow Up"
# One statement's worth of rows, far below the smallest packet a database takes.
_ROWS = 500


@dataclass(frozen=True, slots=True)
class New:
	"""One follow up to be made. `document` is a row of `candidates.describe`."""

	rule: str
	doctype: str
	document: "frappe._dict"
	due: Due
	responsible: str

	@property
	def key(self) -> str:
		return rule_key(self.rule, self.doctype, self.document.name, self.due.step.idx, self.document.anchor)


def rule_key(rule: str, doctype: str, name: str, step: int, anchor: datetime) -> str:
	"""What a follow up made by a rule is known by, 40 characters: there is never a second one."""
	parts = (rule, doctype, name, str(step), anchor.isoformat())
	return hashlib.sha1("\0".join(parts).encode(), usedforsecurity=False).hexdigest()


# What differs from one follow up of a chunk to the next; all the rest is written into the statement once.
_OWN_COLUMNS = (
	*("name", "subject", "due_date", "due_time", "channel", "responsible", "instructions", "reference_name"),
	*(
		"contact",
		"party_type",
		"party",
		"party_name",
		"deal",
		"company",
		"step",
		"anchor_on",
		"due_on",
		"all_day",
	),
	*("reference_owner", "rule_key"),
)


def insert(new: Collection[New], owner: str) -> int:
	"""Write follow ups of one rule that are not there yet; returns how many. `owner`: in whose name.

	Of two that write the same one at once, one does.
	"""
	if not new:
		return 0
	first, now, made = next(iter(new)), now_datetime(), 0
	shared = {
		**{"creation": now, "modified": now, "owner": owner, "modified_by": owner, "docstatus": 0, "idx": 0},
		**{"status": OPEN, "reference_doctype": first.doctype, "rule": first.rule, "postponed_count": 0},
	}
	rows = [_row(one) for one in new]
	columns = ", ".join(f"`{column}`" for column in (*_OWN_COLUMNS, *shared))
	constants = ", ".join(frappe.db.escape(str(value)) for value in shared.values())
	one = f"({', '.join(['%s'] * len(_OWN_COLUMNS))}, {constants})"
	for start in range(0, len(rows), _ROWS):
		chunk = rows[start : start + _ROWS]
		frappe.db.sql(
			f"INSERT IGNORE INTO `tabFollow Up` ({columns}) VALUES {', '.join([one] * len(chunk))}",
			[value for row in chunk for value in row],
		)
		made += frappe.db._cursor.rowcount
	return made


def _row(new: New) -> tuple:
	document, due, step = new.document, new.due, new.due.step
	return (
		*(frappe.generate_hash(length=10), step.subject, due.due_date, step.due_time, step.channel),
		*(new.responsible, step.instructions, document.name),
		*(document.contact, document.party_type, document.party, (document.party_name or "")[:140] or None),
		*(document.deal, document.company, step.idx, document.anchor, due.due_on, int(due.all_day)),
		*(new.responsible, new.key),
	)


def replace_earlier(rule: str, new: Collection[New]) -> list["frappe._dict"]:
	"""Close what is open of a rule about the documents of `new`, but for `new` itself. Returns what was closed."""
	if not new:
		return []
	found = frappe.db.sql(
		"""SELECT name, reference_doctype, reference_name, party_type, party, deal, rule_key FROM `tabFollow Up`
		WHERE rule = %s AND status = 'Open' AND reference_doctype = %s AND reference_name IN %s""",
		(rule, next(iter(new)).doctype, [one.document.name for one in new]),
		as_dict=True,
	)
	keys = {one.key for one in new}
	found = [row for row in found if row.rule_key not in keys]
	for row in found:
		row.reason = REPLACED
	cancel(found)
	return found


def cancel(rows: Collection["frappe._dict"]) -> None:
	"""Close follow ups that are still open, each for its `reason`."""
	by_reason: dict[str, list[str]] = defaultdict(list)
	for row in rows:
		by_reason[row.reason].append(row.name)
	for reason, names in sorted(by_reason.items()):
		frappe.db.sql(
			"""UPDATE `tabFollow Up` SET status = %s, cancel_reason = %s, modified = %s, modified_by = 'Administrator'
			WHERE name IN %s AND status = 'Open'""",
			(CANCELLED, reason, now_datetime(), sorted(names)),
		)
	_forget_cached([row.name for row in rows])


def move(rows: Collection["frappe._dict"]) -> None:
	"""Give follow ups that are still open to other people: `reference_owner`, `responsible` and `due_on` of each row."""
	fields = ("reference_owner", "responsible", "due_on")
	rows = sorted(rows, key=lambda row: row.name)
	for start in range(0, len(rows), _ROWS):
		chunk = rows[start : start + _ROWS]
		cases = " ".join("WHEN %s THEN %s" for _row in chunk)
		values = [value for field in fields for row in chunk for value in (row.name, row[field])]
		frappe.db.sql(
			f"UPDATE `tabFollow Up` SET {', '.join(f'{field} = CASE name {cases} END' for field in fields)},"
			" modified = %s, modified_by = 'Administrator' WHERE name IN %s AND status = 'Open'",
			(*values, now_datetime(), [row.name for row in chunk]),
		)
	_forget_cached([row.name for row in rows])


def _forget_cached(names: Collection[str]) -> None:
	"""As `frappe.clear_document_cache`, for many at once: now, and again once others can see what was written."""
	if not names:
		return
	keys = [frappe.get_document_cache_key(FOLLOW_UP, name) for name in names]
	frappe.cache.delete_value(keys)
	frappe.db.after_commit.add(lambda: frappe.cache.delete_value(keys))


def add_indexes() -> None:
	"""Indexes of `tabFollow Up` for the day of a person, the follow ups of a document, party or deal, and of a rule."""
	for name, columns in (
		("crm_ext_day", ["responsible", "status", "due_date"]),
		("crm_ext_reference", ["reference_name", "reference_doctype", "status"]),
		("crm_ext_party", ["party", "party_type", "status"]),
		("crm_ext_deal", ["deal", "status"]),
		("crm_ext_rule", ["rule", "status", "reference_name"]),
		("crm_ext_due", ["status", "due_on"]),
	):
		frappe.db.add_index("Follow Up", columns, name)
