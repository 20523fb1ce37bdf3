"""The nightly check: finds what no event saw and derives it again."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import frappe
from frappe.utils import get_datetime, now_datetime

from crm_ext.deals.chunks import derive_chunk, in_chunks
from crm_ext.deals.model import LEAD, OPPORTUNITY, QUOTATION, SALES_ORDER, SUBMITTABLE, VOUCHERS, Ref

# Clocks of several hosts differ, and a transaction may commit long after it stamped `modified`.
_OVERLAP = timedelta(hours=2)
_FIRST = timedelta(days=2)


def check(since: datetime | None = None) -> dict:
	"""Derive what was modified since the last check, and what does not agree with the ledger of deals.

	Returns {"checked": vouchers looked at, "mended": deals that changed, "failed": vouchers that could not be}.
	"""
	settings = frappe.get_doc("CRM Ext Settings")
	if not (settings.deals_enabled and settings.nightly_check):
		return {"checked": 0, "mended": 0, "failed": 0}
	started = now_datetime()
	last = get_datetime(settings.last_check_on) if settings.last_check_on else started - _FIRST
	refs = sorted({*modified_since(since or last - _OVERLAP), *disagreeing()})
	mended, failed = set(), []
	for chunk in in_chunks(refs):
		changed, not_derived = derive_chunk(chunk)
		mended |= changed
		failed += not_derived
	frappe.db.set_single_value("CRM Ext Settings", "last_check_on", started, update_modified=False)
	frappe.db.commit()  # a scheduled job of its own
	return {"checked": len(refs), "mended": len(mended), "failed": len(failed)}


def modified_since(since: datetime) -> Iterable[Ref]:
	"""Vouchers and receipts modified since; `set_value` stamps that too, though it fires no event."""
	for doctype in VOUCHERS:
		for (name,) in frappe.db.sql(f"SELECT name FROM `tab{doctype}` WHERE modified >= %s", (since,)):
			yield (doctype, name)
	yield from frappe.db.sql(
		"""
		SELECT 'Sales Invoice', against_voucher_no FROM `tabPayment Ledger Entry`
		WHERE modified >= %(since)s AND against_voucher_type = 'Sales Invoice'
		UNION
		SELECT r.reference_doctype, r.reference_name FROM `tabPayment Entry` p
		JOIN `tabPayment Entry Reference` r ON r.parent = p.name
		WHERE p.modified >= %(since)s AND r.reference_doctype IN ('Sales Order', 'Sales Invoice')
		UNION
		SELECT r.reference_type, r.reference_name FROM `tabJournal Entry` j
		JOIN `tabJournal Entry Account` r ON r.parent = j.name
		WHERE j.modified >= %(since)s AND r.reference_type IN ('Sales Order', 'Sales Invoice')
		UNION
		SELECT 'Payment Entry', name FROM `tabPayment Entry` WHERE modified >= %(since)s
		UNION
		SELECT 'Journal Entry', name FROM `tabJournal Entry` WHERE modified >= %(since)s
		""",
		{"since": since},
	)


def disagreeing() -> Iterable[Ref]:
	"""Vouchers the ledger of deals misses, no longer finds, or holds with another amount or state."""
	for doctype in VOUCHERS:
		yield from _orphans(doctype)
		if doctype in SUBMITTABLE:
			yield from _differing(doctype)
		if doctype in (LEAD, OPPORTUNITY, QUOTATION, SALES_ORDER):
			yield from _missing(doctype)
	for doctype in ("Payment Entry", "Journal Entry"):
		yield from _orphans(doctype)


def _orphans(doctype: str) -> Iterable[Ref]:
	return frappe.db.sql(
		f"""SELECT DISTINCT e.voucher_type, e.voucher_no FROM `tabDeal Ledger Entry` e
		LEFT JOIN `tab{doctype}` v ON v.name = e.voucher_no
		WHERE e.voucher_type = %s AND v.name IS NULL""",
		(doctype,),
	)


def _missing(doctype: str) -> Iterable[Ref]:
	drafts = "v.docstatus > 0 AND" if doctype in SUBMITTABLE else ""
	return frappe.db.sql(
		f"""SELECT %s, v.name FROM `tab{doctype}` v WHERE {drafts} NOT EXISTS (
			SELECT 1 FROM `tabDeal Ledger Entry` e WHERE e.voucher_no = v.name AND e.voucher_type = %s)""",
		(doctype, doctype),
	)


def _differing(doctype: str) -> Iterable[Ref]:
	"""By stage, because an invoice that moves stock has a row at two stages."""
	return frappe.db.sql(
		f"""SELECT DISTINCT e.voucher_type, e.voucher_no FROM (
			SELECT voucher_type, voucher_no, stage, SUM(amount) amount, MAX(is_cancelled) is_cancelled
			FROM `tabDeal Ledger Entry` x JOIN `tabDeal Stage` s ON s.name = x.stage AND s.reached_by != 'Payment'
			WHERE x.voucher_type = %s GROUP BY voucher_type, voucher_no, stage
		) e JOIN `tab{doctype}` v ON v.name = e.voucher_no
		WHERE e.is_cancelled != (v.docstatus = 2)
			OR ABS(e.amount - IF(v.base_rounded_total, v.base_rounded_total, v.base_grand_total)) > 0.01""",
		(doctype,),
	)
