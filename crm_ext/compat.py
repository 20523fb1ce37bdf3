"""The differences between ERPNext versions, and nothing else."""

import frappe


def attribution_columns(doctype: str) -> tuple[str | None, str | None]:
	"""Columns holding (source, campaign) of `doctype`: v16 renamed them to utm_source and utm_campaign.

	Asks the meta, because a site upgraded to 16 may still carry the old columns.
	"""
	meta = frappe.get_meta(doctype)

	def first(*names: str) -> str | None:
		return next((name for name in names if meta.has_field(name)), None)

	return first("utm_source", "source"), first("utm_campaign", "campaign", "campaign_name")
