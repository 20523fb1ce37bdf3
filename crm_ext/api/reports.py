"""What reports ask besides their rows. Permission first, then one engine call."""

import frappe

from crm_ext.deals import report_queries

# A list of deals is opened by their names, which have to fit a web address.
_MOST_NAMES = 100


@frappe.whitelist()
def cohort_deals(filters: str | dict, step: int, only: str) -> dict:
	"""Deals behind one figure of Deal Funnel, as the user may see them: {"names": the newest 100, "total"}.

	`only`: "deals" that reached step number `step`, or those "lost" or "open" there.
	"""
	frappe.has_permission("Deal", "read", throw=True)
	cohort = report_queries.cohort_of(frappe._dict(frappe.parse_json(filters)))
	names, total = report_queries.cohort_deals(cohort, int(step), only, _MOST_NAMES)
	return {"names": names, "total": total}
