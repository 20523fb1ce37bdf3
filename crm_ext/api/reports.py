"""What reports ask besides their rows. Permission first, then one engine call."""

import frappe

from crm_ext.deals import report_queries
from crm_ext.follow_ups import report_queries as follow_up_queries

# A list is opened by names, which have to fit a web address.
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


@frappe.whitelist()
def adherence_follow_ups(filters: str | dict, kind: str, key: str | None = None) -> dict:
	"""Follow ups behind one figure of Follow Up Adherence, as the user may see them: {"names": the newest 100, "total"}.

	`key` is the group of the row, None where it is not set; `kind` how they went, see follow_ups.report_rules.
	"""
	frappe.has_permission("Follow Up", "read", throw=True)
	plan = follow_up_queries.plan_of(frappe._dict(frappe.parse_json(filters)))
	names, total = follow_up_queries.follow_ups_of(plan, key, kind, _MOST_NAMES)
	return {"names": names, "total": total}
