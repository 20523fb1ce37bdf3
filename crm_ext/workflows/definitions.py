"""From our declaration to Frappe's Workflow: one transition for each role that may approve."""

from collections.abc import Iterable

from crm_ext.constants.workflows import (
	ALWAYS,
	APPROVER,
	BEYOND,
	HANDS,
	IN_CONTACT,
	OTHER,
	OWNER,
	QUALIFIER,
	SETTLED,
	UNSETTLED,
	WITHIN,
	WITHOUT_CONTACT,
	Definition,
	Way,
)

EVERYBODY = "All"
_WHEN = {
	ALWAYS: "",
	BEYOND: "doc.approval_needed",
	IN_CONTACT: "doc.last_contact_on",
	UNSETTLED: f"doc.status not in {SETTLED!r}",
	WITHIN: "not doc.approval_needed",
	WITHOUT_CONTACT: "not doc.last_contact_on",
}


def mark(roles: Iterable[str]) -> str:
	"""Roles as a document keeps them, so that a condition finds a whole name."""
	roles = list(roles)
	return f"|{'|'.join(roles)}|" if roles else ""


def values(
	definition: Definition, roles: list[str], qualifier: str | None = None, verifier: str | None = None
) -> dict:
	"""Fields of the Workflow. `roles`: all that may approve anything of this DocType; `qualifier`: the role that may
	qualify leads, `verifier`: that verifies payments, None for everybody."""
	return {
		"document_type": definition.document_type,
		"is_active": 1,
		# ERPNext's status stays what lists and forms show.
		"override_status": 1,
		"send_email_alert": 0,
		"workflow_state_field": definition.state_field,
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
		"transitions": [
			*(row for way in definition.ways for row in _rows(way, roles, qualifier, verifier)),
			*_changes(definition),
		],
	}


def _changes(definition: Definition) -> list[dict]:
	"""ERPNext's Update Items asks for a way into the state a submitted document is in. Whether the change is allowed is
	decided when it is saved; nobody is offered these ways."""
	first, action = definition.states[0][0], definition.ways[0].action
	return [
		{
			"state": first,
			"action": action,
			"next_state": state,
			"allow_self_approval": 1,
			"allowed": EVERYBODY,
			"condition": "doc.docstatus == 1",
		}
		for state, docstatus in definition.states
		if docstatus == 1 and definition.measured
	]


def _stand_in(roles: str) -> str:
	"""Whether the user stands in today for somebody who has one of `roles`, an expression, and has none of them himself.

	Costs a query, and a second one for somebody who does stand in. Frappe gives conditions no more than this to ask with.
	"""
	today = "frappe.utils.now()[:10]"
	return (
		"frappe.session.user not in (doc.owner, doc.opportunity_owner)"
		f" and '|' + frappe.session.user + '|' not in (doc.{HANDS} or '') and"
		f" [1 for roles, absent in [({roles}, frappe.db.get_list('Stand In', filters=["
		f"['stand_in', '=', frappe.session.user], ['from_date', '<=', {today}], ['to_date', '>=', {today}],"
		" ['user', '!=', 'Administrator']], pluck='user', ignore_permissions=True))] if absent"
		" for able in [frappe.db.get_list('User', filters=[['Has Role', 'role', 'in', roles],"
		" ['User', 'enabled', '=', 1], ['User', 'name', 'in', absent + [frappe.session.user]]],"
		" pluck='name', ignore_permissions=True)] if able and frappe.session.user not in able]"
	)


def _rows(way: Way, roles: list[str], qualifier: str | None, verifier: str | None) -> list[dict]:
	row = {
		"state": way.state,
		"action": way.action,
		"next_state": way.next_state,
		"allow_self_approval": 1,
		"condition": _WHEN[way.when],
	}
	if way.who != APPROVER:
		if way.who == OWNER:
			# An opportunity made from a mail belongs to who was named on it.
			row["condition"] = "frappe.session.user in (doc.owner, doc.opportunity_owner)"
		elif way.who == OTHER:
			row["allow_self_approval"] = 0
			row["condition"] = (
				"frappe.session.user == 'Administrator' or frappe.session.user not in (doc.owner, doc.modified_by)"
			)
			if verifier:
				return [
					{**row, "allowed": verifier},
					{**row, "allowed": EVERYBODY, "condition": _stand_in(repr([verifier]))},
				]
		return [{**row, "allowed": (way.who == QUALIFIER and qualifier) or EVERYBODY}]
	when = _WHEN[way.when]
	own = [
		{
			**row,
			"allowed": role,
			"condition": f"{when} and {mark([role])!r} in (doc.approval_roles or '')",
		}
		for role in roles
	]
	stand_in = _stand_in("doc.approval_roles.split('|')")
	needed = f"{when} and doc.approval_roles and {stand_in}"
	return [*own, {**row, "allowed": EVERYBODY, "condition": needed}] if own else []
