"""Trying a follow up rule from its form, saved or not. Permission first, then one engine call."""

from collections.abc import Callable

import frappe
from frappe import _
from frappe.model.document import Document

from crm_ext.follow_ups import rules, trial
from crm_ext.follow_ups.model import REFERENCES


@frappe.whitelist()
@frappe.validate_and_sanitize_search_inputs
def document_types(
	doctype: str, txt: str, searchfield: str, start: int, page_len: int, filters: dict | str | None = None
) -> list[list[str]]:
	"""What a rule may be about, for its link field: those the user may read, found by name or translated name."""
	frappe.has_permission(rules.RULE, "read", throw=True)
	found = [
		[name, _(name)]
		for name in REFERENCES
		if txt.lower() in f"{name} {_(name)}".lower() and frappe.has_permission(name, "read")
	]
	return found[start : start + page_len]


@frappe.whitelist(methods=["POST"])
def preview(rule: str | dict) -> dict:
	"""Documents that would get a follow up now, as far as the user may read them; see `trial.preview`.

	`rule` is the form's document. For those who may change rules; nothing is written.
	"""
	return _try(rule, trial.preview)


@frappe.whitelist(methods=["POST"])
def test(rule: str | dict, docname: str) -> dict:
	"""What the rule does about one document, and why not; see `trial.test`. The user must be able to read it."""
	return _try(rule, lambda doc: _test(doc, docname))


def _test(doc: Document, docname: str) -> dict:
	rules.check_document_type(doc)
	frappe.has_permission(doc.document_type, "read", doc=docname, throw=True)
	return trial.test(doc, docname)


def _try(rule: str | dict, work: Callable[[Document], dict]) -> dict:
	frappe.has_permission(rules.RULE, "write", throw=True)
	values = frappe.parse_json(rule)
	if not isinstance(values, dict):
		frappe.throw(_("The rule cannot be read."))
	doc = frappe.get_doc({**values, "doctype": rules.RULE})
	try:
		return work(doc)
	except rules.BrokenRule as error:
		frappe.throw(str(error), title=_("Follow Up Rule"))
