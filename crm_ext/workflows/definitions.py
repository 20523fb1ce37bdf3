"""From our declaration to Frappe's Workflow: one transition for each role that may approve."""

from collections.abc import Iterable

from crm_ext.constants.workflows import (
	ALWAYS,
	APPROVER,
	BEYOND,
	OTHER,
	OWNER,
	STATE_FIELD,
	WITHIN,
	Definition,
	Way,
)

EVERYBODY = "All"
_WHEN = {ALWAYS: "", BEYOND: "doc.approval_needed", WITHIN: "not doc.approval_needed"}


def mark(roles: Iterable[str]) -> str:
	"""Roles as a document keeps them, so that a condition finds a whole name."""
	roles = list(roles)
	return f"|{'|'.join(roles)}|" if roles else ""


def values(definition: Definition, roles: list[str]) -> dict:
	"""Fields of the Workflow. `roles`: all that may approve anything of this DocType."""
	return {
		"document_type": definition.document_type,
		"is_active": 1,
		# ERPNext's status stays what lists and forms show.
		"override_status": 1,
		"send_email_alert": 0,
		"workflow_state_field": STATE_FIELD,
		"states": [
			{
				"state": state,
				"doc_status": str(docstatus),
				"allow_edit": EVERYBODY,
				# Approvers are asked by a follow up; Frappe need not keep an action for each draft besides.
				"is_optional_state": 1,
			}
			for state, docstatus in definition.states
		],
		"transitions": [row for way in definition.ways for row in _rows(way, roles)],
	}


def _rows(way: Way, roles: list[str]) -> list[dict]:
	row = {
		"state": way.state,
		"action": way.action,
		"next_state": way.next_state,
		"allow_self_approval": 1,
		"condition": _WHEN[way.when],
	}
	if way.who != APPROVER:
		if way.who == OWNER:
			row["condition"] = "doc.owner == frappe.session.user"
		elif way.who == OTHER:
			row["allow_self_approval"] = 0
			row["condition"] = "frappe.session.user == 'Administrator' or doc.owner != frappe.session.user"
		return [{**row, "allowed": EVERYBODY}]
	return [
		{
			**row,
			"allowed": role,
			"condition": f"{_WHEN[way.when]} and {mark([role])!r} in (doc.approval_roles or '')",
		}
		for role in roles
	]
