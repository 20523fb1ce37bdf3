"""Follow Up Rules."""

import frappe

from crm_ext.tests.factories.site import unique


def make_rule(*steps: tuple, **values):
	"""An enabled Follow Up Rule; a step is (days, "Before" or "After") and may go on with channel and subject.

	By default: leads, on the day they are made, by their owner, whatever their age.
	"""
	rows = [
		dict(zip(("days", "timing", "channel", "subject", "due_time"), step, strict=False))
		for step in steps or ((0, "After"),)
	]
	rule = {
		"doctype": "Follow Up Rule",
		"title": unique("Rule"),
		"document_type": "Lead",
		"trigger": "Event",
		"event": "Created",
		"enabled": 1,
		"applies_from": "2000-01-01",
		"steps": rows,
		**values,
	}
	if not isinstance(rule.get("filters", ""), str):
		rule["filters"] = frappe.as_json(rule["filters"])
	return frappe.get_doc(rule).insert(ignore_permissions=True)
