"""Derives many vouchers in chunks, one transaction each. Used by backfill and nightly check."""

import frappe

from crm_ext.deals.derive import derive
from crm_ext.deals.model import Ref
from crm_ext.deals.store import is_lock_error

CHUNK = 500
_ATTEMPTS = 5


def derive_chunk(refs: list[Ref]) -> tuple[set[str], list[Ref]]:
	"""Derive `refs` and commit. Returns (names of deals that changed, refs that could not be derived).

	A deadlock with a user's transaction is retried. Where data of one voucher makes the rules fail, the chunk is
	halved until only that voucher is left; it is logged and the rest goes on.
	"""
	for attempt in range(1, _ATTEMPTS + 1):
		try:
			result = derive(refs)
			frappe.db.commit()  # one transaction a chunk: locks are short, and a killed job loses one chunk
			if result.stale:
				derive([], result.stale)
				frappe.db.commit()  # as above
			return result.changed | set(result.removed), []
		except Exception as error:
			frappe.db.rollback()
			if is_lock_error(error):
				if attempt == _ATTEMPTS:
					raise
				continue
			return _halve(refs)
	return set(), refs


def _halve(refs: list[Ref]) -> tuple[set[str], list[Ref]]:
	if len(refs) == 1:
		frappe.log_error(
			title="CRM Ext: deriving deals failed",
			message=frappe.get_traceback(with_context=True),
			reference_doctype=refs[0][0],
			reference_name=refs[0][1],
		)
		frappe.db.commit()  # the log entry
		return set(), refs
	middle = len(refs) // 2
	changed, failed = derive_chunk(refs[:middle])
	more_changed, more_failed = derive_chunk(refs[middle:])
	return changed | more_changed, failed + more_failed


def in_chunks(items: list, size: int = CHUNK):
	for start in range(0, len(items), size):
		yield items[start : start + size]
