"""Which state a document belongs to by what ERPNext says of it. One declaration for single documents and for all at once."""

from collections.abc import Mapping, Sequence

import frappe
from frappe.utils import create_batch

from crm_ext.constants.workflows import (
	APPROVAL_FIELDS,
	NEEDED,
	WORKFLOWS,
	Belongs,
	Definition,
)


def of(definition: Definition, doc: Mapping) -> str | None:
	"""The state by what ERPNext says of a document."""
	for rule in definition.belongs:
		value = doc.get(rule.field)
		if int(doc.get("docstatus") or 0) == rule.docstatus and (
			bool(value) if rule.filled else not rule.values or value in rule.values
		):
			return rule.state
	return None


def _condition(rule: Belongs) -> str:
	"""The same in SQL, with the values as `%(values)s`."""
	if rule.filled:
		extra = f"AND `{rule.field}` IS NOT NULL AND `{rule.field}` != 0"
	else:
		extra = f"AND `{rule.field}` IN %(values)s" if rule.values else ""
	return f"docstatus = {rule.docstatus} {extra}"


def put_all(definition: Definition) -> None:
	"""Every document without a state into the one it belongs to; a statement for each rule, nothing but our field is
	written."""
	field = definition.state_field
	for rule in definition.belongs:
		frappe.db.sql(
			f"""UPDATE `tab{definition.document_type}` SET `{field}` = %(state)s
			WHERE IFNULL(`{field}`, '') = '' AND {_condition(rule)}""",
			{"state": rule.state, "values": rule.values},
		)


def empty_unknown(definition: Definition) -> None:
	"""Documents in a state that is none of theirs any more have none, until `put_all`."""
	field = definition.state_field
	known = {docstatus: [""] for _state, docstatus in definition.states}
	for state, docstatus in definition.states:
		known[docstatus].append(state)
	for docstatus, states in known.items():
		frappe.db.sql(
			f"UPDATE `tab{definition.document_type}` SET `{field}` = NULL"
			f" WHERE docstatus = %s AND `{field}` NOT IN %s",
			(docstatus, states),
		)


def clear_all(definition: Definition) -> None:
	"""No document of this DocType carries a state, or what was measured of it, any more."""
	columns = (definition.state_field, *(APPROVAL_FIELDS if definition.measured else ()))
	frappe.db.sql(
		"UPDATE `tab{}` SET {} WHERE {}".format(
			definition.document_type,
			", ".join(f"`{column}` = {'0' if column == NEEDED else 'NULL'}" for column in columns),
			" OR ".join(f"IFNULL(`{column}`, '') NOT IN ('', '0')" for column in columns),
		)
	)


def renew(definition: Definition, names: Sequence[str]) -> None:
	"""States of documents whose state is nothing but what ERPNext says of them. One statement."""
	field, values = definition.state_field, {"names": names}
	state = _case(definition, values)
	frappe.db.sql(
		f"UPDATE `tab{definition.document_type}` SET `{field}` = {state} WHERE name IN %(names)s"
		f" AND `{field}` != {state}",
		values,
	)


def differing(definition: Definition) -> list[str]:
	"""Names of those `renew` would change, without a lock on any."""
	values: dict = {}
	return frappe.db.sql(
		f"SELECT name FROM `tab{definition.document_type}`"
		f" WHERE `{definition.state_field}` != {_case(definition, values)} ORDER BY name",
		values,
		pluck=True,
	)


def _case(definition: Definition, values: dict) -> str:
	"""`of` in SQL; what it needs is added to `values`."""
	cases = []
	for i, rule in enumerate(definition.belongs):
		values |= {f"state{i}": rule.state, f"values{i}": rule.values}
		cases.append(f"WHEN {_condition(rule).replace('%(values)s', f'%(values{i})s')} THEN %(state{i})s")
	return f"CASE {' '.join(cases)} END"


def clear_approval(definition: Definition) -> None:
	"""No draft needs anybody any more; what submitted documents were approved for stays."""
	_write_none(definition, "docstatus = 0", ())


def write_approval(definition: Definition, noted: Mapping[str, Mapping]) -> None:
	"""What was measured of drafts, by name (`measures.noted`); `modified` stays. Only what differs is written."""
	if not noted:
		return
	# Drafts that need nothing and never did are most of them.
	_write_none(definition, "name IN %s", (list(noted),))
	needing = [(name, values) for name, values in noted.items() if values[NEEDED]]
	columns = [column for column in APPROVAL_FIELDS if column != NEEDED]
	for chunk in create_batch(needing, 200):
		cases = [
			f"`{column}` = CASE name {' '.join(['WHEN %s THEN %s'] * len(chunk))} END" for column in columns
		]
		values = [value for column in columns for name, of in chunk for value in (name, of[column])]
		frappe.db.sql(
			f"UPDATE `tab{definition.document_type}` SET `{NEEDED}` = 1, {', '.join(cases)} WHERE name IN %s",
			[*values, [name for name, _values in chunk]],
		)


def _write_none(definition: Definition, condition: str, values: Sequence) -> None:
	empty = ", ".join(f"`{column}` = {'0' if column == NEEDED else 'NULL'}" for column in APPROVAL_FIELDS)
	frappe.db.sql(
		f"UPDATE `tab{definition.document_type}` SET {empty} WHERE {condition} AND `{NEEDED}` = 1", values
	)


def write(doc, state: str) -> None:
	"""One document's state, past the document layer: Frappe's transitions are for people."""
	field = WORKFLOWS[doc.doctype].state_field
	frappe.db.set_value(doc.doctype, doc.name, field, state, update_modified=False)
	doc.set(field, state)
