"""Puts workflows on ERPNext's documents and takes them off again, as the settings say. The only writer of Workflows."""

import json
from collections.abc import Collection
from typing import Any

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import cint

from crm_ext.constants.workflows import (
	OVER,
	STYLES,
	WORKFLOWS,
	Definition,
)
from crm_ext.workflows import asking, definitions, measures, opportunities, states
from crm_ext.workflows import limits as rules
from crm_ext.workflows.measures import OPPORTUNITY

WORKFLOW, STATE, ACTION = "Workflow", "Workflow State", "Workflow Action Master"
# Drafts measured at once when a workflow is switched on or limits change.
_CHUNK = 1000


def check(settings: Document) -> None:
	"""Before the settings are saved: refuse limits that measure nothing, and to take the place of a workflow that is the
	site's own."""
	for row in settings.get("approval_limits") or ():
		if row.document_type == OPPORTUNITY and row.measure != rules.VALUE:
			frappe.throw(
				_("Row {0} of the approval limits: only the value of an opportunity can be limited.").format(
					row.idx
				)
			)
	before = settings.get_doc_before_save()
	# One that took our place since then stands there: no setting, and no migration, has to wait for it.
	wanted = [
		one
		for one in WORKFLOWS.values()
		if cint(settings.get(one.switch)) and not (before and cint(before.get(one.switch)))
	]
	for doctype, name in _others(wanted).items():
		frappe.throw(
			_("{0} has a workflow already: {1}. Switch that one off first, or leave ours off.").format(
				_(doctype), frappe.utils.get_link_to_form(WORKFLOW, name)
			),
			title=_("Another Workflow Is Active"),
		)


def _others(ours: Collection[Definition]) -> dict[str, str]:
	"""Active workflows that are the site's own: DocType -> name."""
	if not ours:
		return {}
	rows = frappe.get_all(
		WORKFLOW,
		{
			"document_type": ("in", [one.document_type for one in ours]),
			"name": ("not in", [one.name for one in ours]),
			"is_active": 1,
		},
		["document_type", "name"],
		order_by="document_type",
		as_list=True,
	)
	return dict(rows)


def sync(settings: Document) -> None:
	"""After the settings are saved: bring the site's Workflows in line with the switches and limits. Safe to run again."""
	there = set(_existing())
	if not there and not any(cint(settings.get(one.switch)) for one in WORKFLOWS.values()):
		return
	others = _others(WORKFLOWS.values())
	for one in WORKFLOWS.values():
		if not cint(settings.get(one.switch)):
			if one.name in there:
				switch_off(one)
				asking.forget(one.document_type)
		elif one.document_type in others:
			continue
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
	if one.document_type == OPPORTUNITY:
		opportunities.settle_all()
	_make_records(one)
	doc = frappe.new_doc(WORKFLOW)
	doc.workflow_name = one.name
	_fill(doc, _values(one, settings))
	doc.insert(ignore_permissions=True)
	_measure_drafts(one, settings)
	frappe.clear_cache(doctype=one.document_type)


def _renew(one: Definition, settings: Document) -> None:
	"""Limits, roles or the declaration changed: other states and ways, and drafts are measured anew."""
	doc, values = frappe.get_doc(WORKFLOW, one.name), _values(one, settings)
	before = settings.get_doc_before_save()
	other_limits = before and (
		_limits(before, one) != _limits(settings, one) or not cint(before.get(one.switch))
	)
	other_ways = any(_differs(doc.get(field), value) for field, value in values.items())
	if other_ways:
		_make_records(one)
		states.empty_unknown(one)
		states.put_all(one)  # before Frappe puts documents without a state into the first one
		_fill(doc, values)
		doc.save(ignore_permissions=True)
	if other_limits or other_ways:
		_measure_drafts(one, settings)
		frappe.clear_cache(doctype=one.document_type)


def renew_all() -> None:
	"""After a migration: Workflows of ours that are active are as this version of the app declares them."""
	settings = frappe.get_doc(measures.SETTINGS)
	on = [one for one in WORKFLOWS.values() if cint(settings.get(one.switch))]
	active = on and frappe.get_all(
		WORKFLOW, {"name": ("in", [one.name for one in on]), "is_active": 1}, pluck="name"
	)
	if not active:
		return
	for one in on:
		if one.name in active:
			_renew(one, settings)
	_remember(settings)


def _differs(stored: Any, declared: Any) -> bool:
	"""Whether a field of a Workflow, or the rows of a table, are other than declared. Frappe gives what is empty back in
	several ways."""
	if isinstance(declared, list):
		return len(stored) != len(declared) or any(
			_differs(row.get(field), value)
			for row, values in zip(stored, declared, strict=True)
			for field, value in values.items()
		)
	return str(stored or "") != str(declared or "")


def _limits(settings: Document, one: Definition) -> list[tuple]:
	return [
		(row.company, row.measure, row.limit, row.role)
		for row in settings.get("approval_limits")
		if row.document_type == one.document_type
	]


def _values(one: Definition, settings: Document) -> dict:
	roles = sorted({role for *_rest, role in _limits(settings, one)})
	return definitions.values(
		one,
		roles,
		settings.get("lead_qualifier_role") or None,
		settings.get("payment_verifier_role") or None,
	)


def _fill(doc: Document, values: dict) -> None:
	for field, value in values.items():
		doc.set(field, value)


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
	filters = {"docstatus": 0}
	if doctype == OPPORTUNITY:
		filters["status"] = ("not in", OVER)
	while names := frappe.get_all(
		doctype, {**filters, "name": (">", last)}, pluck="name", order_by="name", limit=_CHUNK
	):
		last = names[-1]
		noted = {
			name: measures.noted(findings, company)
			for name, (company, findings) in measures.find_in(doctype, names, limits).items()
		}
		states.write_approval(one, noted)
	if doctype == OPPORTUNITY:
		opportunities.set_back()


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
