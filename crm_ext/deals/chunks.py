"""Derives many vouchers in chunks, one transaction each. Used by backfill and nightly check."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import frappe

from crm_ext.deals.derive import derive
from crm_ext.deals.locks import is_lock_error
from crm_ext.deals.model import Ref

CHUNK = 500
# A chunk gives way to users this often before it is halved; a single voucher for about half a minute.
_ATTEMPTS = 8
_ATTEMPTS_OF_ONE = 40


def derive_chunk(refs: list[Ref], correct: bool = False) -> tuple[set[str], list[Ref]]:
	"""Derive `refs` and commit. Returns (names of deals that changed, refs that could not be derived).

	What a user holds locked, or changed meanwhile, is tried again. Where data of one voucher makes the rules fail,
	the chunk is halved until only that voucher is left; it is logged and the rest goes on. `correct` as in `derive`.
	"""
	wanted = list(refs)
	for attempt in range(_ATTEMPTS if len(refs) > 1 else _ATTEMPTS_OF_ONE):
		try:
			with without_waiting():
				result = derive(wanted, correct=correct)
			frappe.db.commit()  # one transaction a chunk: locks are short, and a killed job loses one chunk
			if not result.stale:
				return result.changed | set(result.removed), []
			wanted = list(dict.fromkeys([*wanted, *result.stale]))
		except Exception as caught:
			frappe.db.rollback()
			if not is_locked(caught):
				return _halve(refs, frappe.get_traceback(with_context=True), correct)
		time.sleep(min(1, 0.02 * 2**attempt))
	return _halve(refs, "Other transactions kept these documents locked.", correct)


def is_locked(error: Exception) -> bool:
	# MariaDB 10.11 now and then reports a lock it may not wait for as error 1180 of the statement.
	unpermitted = isinstance(error, frappe.db.OperationalError) and error.args[:1] == (1180,)
	return is_lock_error(error) or unpermitted


@contextmanager
def without_waiting() -> Iterator[None]:
	"""A job never waits for a lock while it holds some: of two that wait for each other the database undoes the
	smaller transaction, and that is the user's."""
	frappe.db.sql("SET SESSION innodb_lock_wait_timeout = 0")
	try:
		yield
	finally:
		frappe.db.sql("SET SESSION innodb_lock_wait_timeout = DEFAULT")


def _halve(refs: list[Ref], reason: str, correct: bool) -> tuple[set[str], list[Ref]]:
	if len(refs) == 1:
		frappe.log_error(
			title="CRM Ext: deriving deals failed",
			message=reason,
			reference_doctype=refs[0][0],
			reference_name=refs[0][1],
		)
		frappe.db.commit()  # the log entry
		return set(), refs
	middle = len(refs) // 2
	changed, failed = derive_chunk(refs[:middle], correct)
	more_changed, more_failed = derive_chunk(refs[middle:], correct)
	return changed | more_changed, failed + more_failed


def in_chunks(items: list, size: int = CHUNK):
	for start in range(0, len(items), size):
		yield items[start : start + size]
