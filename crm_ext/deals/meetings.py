"""Takes back what ERPNext's daily job reopens."""

import frappe
from frappe.utils import nowdate

from crm_ext.deals import corrections, stages
from crm_ext.deals.touch import touch

_MET = """SELECT DISTINCT p.reference_doctype AS doctype, p.reference_docname AS name
	FROM tabEvent e JOIN `tabEvent Participants` p ON p.parent = e.name
	WHERE e.status = 'Open' AND e.starts_on >= %(today)s AND e.starts_on < %(today)s + INTERVAL 1 DAY
		AND p.reference_doctype IN ('Lead', 'Opportunity')"""


def keep_status() -> int:
	"""Take back what ERPNext's daily job reopens because a meeting is held today: leads that became customers,
	opportunities that were ordered or lost. Returns how many.

	It writes past the document layer, so that no event tells; a lost opportunity's deal therefore still is Lost, while
	one that a person opened again is not. The caller commits.
	"""
	if corrections.MEETING_KEEPS_STATUS not in stages.get_corrections():
		return 0
	wanted = {
		(doctype, name): status
		for doctype, name, status in frappe.db.sql(
			f"""SELECT 'Lead', l.name, 'Converted' FROM ({_MET}) m
			JOIN tabLead l ON l.name = m.name AND l.status = 'Open'
			WHERE m.doctype = 'Lead' AND EXISTS (SELECT 1 FROM tabCustomer c WHERE c.lead_name = l.name)
			UNION ALL
			SELECT 'Opportunity', o.name, IF(d.status = 'Lost', 'Lost', 'Converted') FROM ({_MET}) m
			JOIN tabOpportunity o ON o.name = m.name AND o.status = 'Open'
			LEFT JOIN tabDeal d ON d.name = o.deal
			WHERE m.doctype = 'Opportunity' AND (d.status = 'Lost' OR EXISTS (
				SELECT 1 FROM `tabQuotation Item` i JOIN tabQuotation q ON q.name = i.parent AND q.docstatus = 1
				WHERE q.status = 'Ordered' AND i.prevdoc_doctype = 'Opportunity' AND i.prevdoc_docname = o.name)
				OR EXISTS (SELECT 1 FROM tabQuotation q WHERE q.opportunity = o.name AND q.docstatus = 1
					AND q.status = 'Ordered'))""",
			{"today": nowdate()},
		)
	}
	for (doctype, name), status in sorted(wanted.items()):
		frappe.db.set_value(doctype, name, "status", status)
		touch((doctype, name))
	return len(wanted)
