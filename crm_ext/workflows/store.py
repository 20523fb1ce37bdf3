"""Puts workflows on ERPNext's documents and takes them off again, as the settings say. The only writer of Workflows."""

import json

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import cint

from crm_ext.constants.workflows import (
	STYLES,
	WORKFLOWS,
	Definition,
)
from crm_ext.workflows import definitions, measures, states
from crm_ext.workflows import limits as rules

WORKFLOW, STATE, ACTION = "Workflow", "Workflow State", "Workflow Action Master"
# Drafts measured at once when a workflow is switched on or limits change.
_CHUNK = 1000


def check(settings: Document) -> None:
	"""Before the settings are saved: refuse to take the place of a workflow that is the site's own."""
	wanted = [one for one in WORKFLOWS.values() if cint(settings.get(one.switch))]
	if not wanted:
		return
	others = frappe.get_all(
		WORKFLOW,
		{
			"document_type": ("in", [one.document_type for one in wanted]),
			"name": ("not in", [one.name for one in wanted]),
			"is_active": 1,
		},
		["name", "document_type"],
	)
	if others:
		frappe.throw(
			_("{0} has a workflow already: {1}. Switch that one off first, or leave ours off.").format(
				_(others[0].document_type), frappe.utils.get_link_to_form(WORKFLOW, others[0].name)
			),
			title=_("Another Workflow Is Active"),
		)


def sync(settings: Document) -> None:
	"""After the settings are saved: bring the site's Workflows in line with the switches and limits. Safe to run again."""
	there = set(_existing())
	if not there and not any(cint(settings.get(one.switch)) for one in WORKFLOWS.values()):
		return
	for one in WORKFLOWS.values():
		if not cint(settings.get(one.switch)):
			if one.name in there:
				switch_off(one)
		elif one.name in there:
			_renew(one, settings)
		else:
			_switch_on(one, settings)
	_remember(settings)


def remove_all(known: dict[str, list[str]] | None) -> None:
	"""At uninstall: every Workflow of ours, and the states and actions we made (`known`, as `made` gave them before)."""
	for one in WORKFLOWS.values():
		if frappe.db.exists(WORKFLOW, one.name):
			switch_off(one)
	_forget(known or {})


def made() -> dict[str, list[str]]:
	"""States and actions this app created, by DocType; those a site had before are not among them."""
	return json.loads(frappe.db.get_singles_dict(measures.SETTINGS).get("workflow_records") or "{}")


def _existing() -> list[str]:
	return frappe.get_all(WORKFLOW, {"name": ("in", [one.name for one in WORKFLOWS.values()])}, pluck="name")


# On


def _switch_on(one: Definition, settings: Document) -> None:
	states.clear_all(one)
	states.put_all(one)
	_make_records(one)
	doc = frappe.new_doc(WORKFLOW)
	doc.workflow_name = one.name
	_fill(doc, one, settings)
	doc.insert(ignore_permissions=True)
	_measure_drafts(one, settings)
	frappe.clear_cache(doctype=one.document_type)


def _renew(one: Definition, settings: Document) -> None:
	"""Limits or the declaration changed: other roles, and drafts are measured anew."""
	before = settings.get_doc_before_save()
	if (
		before
		and _limits(before, one) == _limits(settings, one)
		and before.get("payment_verifier_role") == settings.get("payment_verifier_role")
		and cint(before.get(one.switch))
	):
		return
	doc = frappe.get_doc(WORKFLOW, one.name)
	_make_records(one)
	_fill(doc, one, settings)
	doc.save(ignore_permissions=True)
	_measure_drafts(one, settings)
	frappe.clear_cache(doctype=one.document_type)


def _limits(settings: Document, one: Definition) -> list[tuple]:
	return [
		(row.company, row.measure, row.limit, row.role)
		for row in settings.get("approval_limits")
		if row.document_type == one.document_type
	]


def _fill(doc: Document, one: Definition, settings: Document) -> None:
	roles = sorted({role for *_rest, role in _limits(settings, one)})
	values = definitions.values(one, roles, settings.get("payment_verifier_role") or None)
	for table in ("states", "transitions"):
		doc.set(table, values.pop(table))
	doc.update(values)


def _make_records(one: Definition) -> None:
	created = frappe.flags.setdefault("crm_ext_workflow_records", {STATE: [], ACTION: []})
	for state, _docstatus in one.states:
		_make(STATE, created, {"workflow_state_name": state, "style": STYLES.get(state, "")})
	for action in {way.action for way in one.ways}:
		_make(ACTION, created, {"workflow_action_name": action})


def _make(doctype: str, created: dict[str, list[str]], values: dict) -> None:
	name = next(iter(values.values()))
	if not frappe.db.exists(doctype, name):
		frappe.get_doc({"doctype": doctype, **values}).insert(ignore_permissions=True)
		created[doctype].append(name)


def _remember(settings: Document) -> None:
	"""Which records are ours; those that no workflow uses any more go."""
	created = frappe.flags.pop("crm_ext_workflow_records", None) or {}
	known = made()
	ours = {
		doctype: sorted({*known.get(doctype, ()), *created.get(doctype, ())}) for doctype in (STATE, ACTION)
	}
	left = _forget(ours)
	if left != known:
		text = json.dumps(left)
		frappe.db.set_single_value(measures.SETTINGS, "workflow_records", text, update_modified=False)
		settings.workflow_records = text


def _measure_drafts(one: Definition, settings: Document) -> None:
	"""What the drafts that are there would need, so that their forms offer the right way on."""
	if not one.measured:
		return
	doctype, last = one.document_type, ""
	limits = measures.limits_of(doctype, settings)
	if not limits:
		states.clear_approval(one)
		return
	while names := frappe.get_all(
		doctype, {"docstatus": 0, "name": (">", last)}, pluck="name", order_by="name", limit=_CHUNK
	):
		last = names[-1]
		rows = [
			(
				name,
				int(bool(findings)),
				"\n".join(measures.in_words(findings, company)) or None,
				definitions.mark(rules.approvers(findings)) or None,
			)
			for name, (company, findings) in measures.find_in(doctype, names, limits).items()
		]
		states.write_approval(one, rows)


# Off


def switch_off(one: Definition) -> None:
	"""Workflow, states and what it noted go; documents save and submit as before."""
	frappe.delete_doc(WORKFLOW, one.name, force=True, ignore_permissions=True)
	states.clear_all(one)
	frappe.clear_cache(doctype=one.document_type)


def _forget(ours: dict[str, list[str]]) -> dict[str, list[str]]:
	"""Delete what we made and no workflow uses; returns what is left of it."""
	left = {}
	for doctype, names in ours.items():
		used = _used(doctype)
		for name in names:
			if name not in used and frappe.db.exists(doctype, name):
				frappe.delete_doc(doctype, name, force=True, ignore_permissions=True)
		if kept := [name for name in names if name in used]:
			left[doctype] = kept
	return left


def _used(doctype: str) -> set[str]:
	if doctype == ACTION:
		return set(frappe.get_all("Workflow Transition", pluck="action", distinct=True, order_by=None))
	return {
		*frappe.get_all("Workflow Document State", pluck="state", distinct=True, order_by=None),
		*frappe.get_all("Workflow Transition", pluck="next_state", distinct=True, order_by=None),
	}
