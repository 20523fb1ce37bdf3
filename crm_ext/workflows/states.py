"""Which state a document belongs to by what ERPNext says of it. One declaration for single documents and for all at once."""

from collections.abc import Mapping

import frappe
from frappe.utils import create_batch

from crm_ext.constants.workflows import APPROVAL_FIELDS, NEEDED, REASONS, ROLES, STATE_FIELD, Definition


def of(definition: Definition, doc: Mapping) -> str | None:
	"""The state by docstatus and status alone."""
	for rule in definition.belongs:
		if int(doc.get("docstatus") or 0) == rule.docstatus and (
			not rule.statuses or doc.get("status") in rule.statuses
		):
			return rule.state
	return None


def put_all(definition: Definition) -> None:
	"""Every document into the state it belongs to; a statement for each rule, nothing but our field is written."""
	for rule in definition.belongs:
		statuses = "AND status IN %(statuses)s" if rule.statuses else ""
		frappe.db.sql(
			f"""UPDATE `tab{definition.document_type}` SET `{STATE_FIELD}` = %(state)s
			WHERE docstatus = %(docstatus)s AND IFNULL(`{STATE_FIELD}`, '') = '' {statuses}""",
			{"state": rule.state, "docstatus": rule.docstatus, "statuses": rule.statuses},
		)


def clear_all(definition: Definition) -> None:
	"""No document of this DocType carries a state, or what was measured of it, any more."""
	columns = (STATE_FIELD, *(APPROVAL_FIELDS if definition.measured else ()))
	frappe.db.sql(
		"UPDATE `tab{}` SET {} WHERE {}".format(
			definition.document_type,
			", ".join(f"`{column}` = {'0' if column == NEEDED else 'NULL'}" for column in columns),
			" OR ".join(f"IFNULL(`{column}`, '') NOT IN ('', '0')" for column in columns),
		)
	)


def clear_approval(definition: Definition) -> None:
	"""No draft needs anybody any more; what submitted documents were approved for stays."""
	frappe.db.sql(
		f"UPDATE `tab{definition.document_type}` SET `{NEEDED}` = 0, `{REASONS}` = NULL, `{ROLES}` = NULL"
		f" WHERE docstatus = 0 AND `{NEEDED}` = 1"
	)


def write_approval(definition: Definition, rows: list[tuple[str, int, str | None, str | None]]) -> None:
	"""(name, needed, reasons, roles) of drafts, in one statement; `modified` stays. Only what differs is written."""
	if not rows:
		return
	# Drafts that need nothing and never did are most of them.
	table = f"tab{definition.document_type}"
	needing = [row for row in rows if row[1]]
	frappe.db.sql(
		f"UPDATE `{table}` SET `{NEEDED}` = 0, `{REASONS}` = NULL, `{ROLES}` = NULL"
		f" WHERE name IN %s AND `{NEEDED}` = 1",
		([row[0] for row in rows],),
	)
	for chunk in create_batch(needing, 200):
		cases = {
			column: f"`{column}` = CASE name {' '.join(['WHEN %s THEN %s'] * len(chunk))} END"
			for column in (REASONS, ROLES)
		}
		values = [value for i in (2, 3) for row in chunk for value in (row[0], row[i])]
		frappe.db.sql(
			f"UPDATE `{table}` SET `{NEEDED}` = 1, {cases[REASONS]}, {cases[ROLES]} WHERE name IN %s",
			[*values, [row[0] for row in chunk]],
		)


def write(doc, state: str) -> None:
	"""One document's state, past the document layer: Frappe's transitions are for people."""
	frappe.db.set_value(doc.doctype, doc.name, STATE_FIELD, state, update_modified=False)
	doc.set(STATE_FIELD, state)
