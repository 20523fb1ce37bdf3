"""Writes the corrections of `corrections` to opportunities."""

import frappe
from frappe import _

from crm_ext.deals.corrections import Correction
from crm_ext.deals.model import OPPORTUNITY

_REASONS = ("Quotation Lost Reason Detail", "Opportunity Lost Reason Detail", "lost_reason", "lost_reasons")
_COMPETITORS = ("Competitor Detail", "Competitor Detail", "competitor", "competitors")


def write(found: list[Correction]) -> None:
	"""Inside the transaction that made them necessary. A query or two for each opportunity; there is rarely one."""
	for correction in found:
		if correction.lost:
			_carry(correction)
		if correction.status:
			frappe.db.set_value(OPPORTUNITY, correction.opportunity, "status", correction.status)
			_say(correction)


def _carry(correction: Correction) -> None:
	"""Reasons and competitors the opportunity does not name yet, and the remark where it has none."""
	for source, target, fieldname, table in (_REASONS, _COMPETITORS):
		known = frappe.get_all(
			target,
			{"parent": correction.opportunity, "parenttype": OPPORTUNITY, "parentfield": table},
			pluck=fieldname,
			order_by="idx",
		)
		named = frappe.get_all(
			source,
			{"parent": ("in", correction.lost), "parenttype": "Quotation"},
			pluck=fieldname,
			order_by="parent, idx",
		)
		for value in dict.fromkeys(named):
			if not value or value in known:
				continue
			if target == _REASONS[1]:
				_ensure_reason(value)
			known.append(value)
			frappe.get_doc(
				{
					"doctype": target,
					"parent": correction.opportunity,
					"parenttype": OPPORTUNITY,
					"parentfield": table,
					"idx": len(known),
					fieldname: value,
				}
			).db_insert()
	remark = frappe.db.get_value("Quotation", correction.lost[-1], "order_lost_reason")
	if remark and not frappe.db.get_value(OPPORTUNITY, correction.opportunity, "order_lost_reason"):
		frappe.db.set_value(OPPORTUNITY, correction.opportunity, "order_lost_reason", remark)
	frappe.clear_document_cache(OPPORTUNITY, correction.opportunity)


def _ensure_reason(reason: str) -> None:
	"""Quotations and opportunities have lists of reasons of their own."""
	if not frappe.db.exists("Opportunity Lost Reason", reason):
		frappe.get_doc({"doctype": "Opportunity Lost Reason", "lost_reason": reason}).insert(
			ignore_permissions=True
		)


def _say(correction: Correction) -> None:
	"""Why the status is not what ERPNext would have set, on the timeline."""
	text = {
		"Converted": _("Converted: a part of the quotation was ordered."),
		"Open": _("Open again: its last quotation was lost or cancelled."),
	}[correction.status]
	frappe.get_doc(
		{
			"doctype": "Comment",
			"comment_type": "Info",
			"reference_doctype": OPPORTUNITY,
			"reference_name": correction.opportunity,
			"content": text,
		}
	).insert(ignore_permissions=True)
