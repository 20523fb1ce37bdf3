"""What leads from one selling document to the next: the button of the form, and what goes along."""

import frappe
from frappe.model.document import Document
from frappe.utils import cint

from crm_ext.follow_ups.guard import best_effort
from crm_ext.sales import carry, next_step


def onload(doc: Document, method: str | None = None) -> None:
	"""Of the form only: documents that are read or saved otherwise do not come here."""
	if doc.is_new() or not cint(frappe.get_cached_doc("CRM Ext Settings").get("next_step_enabled")):
		return
	with best_effort("looking for the next step", doc.doctype, doc.name):
		doc.set_onload("next_step", next_step.offer(doc))


def after_mapping(doc: Document, method: str | None, source: Document) -> None:
	carry.take_along(doc, source)


def after_insert(doc: Document, method: str | None = None) -> None:
	carry.attach(doc)
