"""Scheduler and queue entry points, nothing else."""

import frappe


def derive_deals(deals: list[str], refs: list[list[str]]) -> None:
	"""Derive deals again that two transactions changed at once."""
	from crm_ext.deals.derive import derive

	derive([tuple(ref) for ref in refs], deals)
	frappe.db.commit()  # a queue job of its own


def nightly_check() -> None:
	from crm_ext.deals.check import check

	check()


def backfill() -> None:
	from crm_ext.deals.backfill import backfill

	backfill()
