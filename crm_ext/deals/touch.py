"""Collects what a transaction touches and derives it once, just before the commit.

Nothing here may fail the user's transaction: an error rolls back to a savepoint, is logged with its reference,
and the nightly check mends what was missed. Only a deadlock or a lock timeout is passed on, because the database
has then already undone more than our part.
"""

from collections.abc import Iterable
from dataclasses import asdict

import frappe
from frappe.model.document import Document

from crm_ext.deals import derive, locks, stages
from crm_ext.deals.big_deals import who_hears
from crm_ext.deals.model import DELIVERY_NOTE, OPPORTUNITY, QUOTATION, SALES_INVOICE, SALES_ORDER, Ref

_KEY = "crm_ext_touched"
_SAVEPOINT = "crm_ext_derive"
# Fields of item rows that name the voucher a row was made from.
_CHAIN_FIELDS = (
	("against_sales_order", SALES_ORDER),
	("against_sales_invoice", SALES_INVOICE),
	("delivery_note", DELIVERY_NOTE),
	("prevdoc_docname", QUOTATION),
	("sales_order", SALES_ORDER),
)


def touch(*refs: Ref) -> None:
	"""Note vouchers, receipts or deals whose deals must be derived before this transaction commits."""
	if _is_suspended():
		return
	touched = getattr(frappe.local, _KEY, None)
	if not touched:
		touched = {}
		setattr(frappe.local, _KEY, touched)
		frappe.db.before_commit.add(flush)
		frappe.db.after_rollback.add(forget)
	touched.update(dict.fromkeys(ref for ref in refs if ref[0] and ref[1]))


def touch_with_chain(doc: Document) -> None:
	"""Touch a document and what it was made from, which it names in memory.

	Naming these saves reading them one after the other when the deal is derived.
	"""
	refs = [
		(doc.doctype, doc.name),
		(OPPORTUNITY, doc.get("opportunity")),
		(doc.doctype, doc.get("return_against")),
	]
	for row in doc.get("items") or ():
		refs += ((doctype, row.get(field)) for field, doctype in _CHAIN_FIELDS)
	touch(*dict.fromkeys(refs))


def flush() -> None:
	"""Derive what was touched so far. Runs before each commit; tests and long jobs may call it themselves."""
	refs = list(getattr(frappe.local, _KEY, None) or ())
	forget()
	if refs:
		derive_safely(refs)


def forget() -> None:
	setattr(frappe.local, _KEY, None)


def derive_safely(refs: Iterable[Ref]) -> None:
	"""Derive inside a savepoint; log instead of raising."""
	refs = list(refs)
	frappe.db.savepoint(_SAVEPOINT)
	try:
		if not stages.is_enabled():
			return
		result = derive.derive(refs, announce=True, correct=True)
	except Exception as error:
		if locks.is_lock_error(error):
			raise
		frappe.db.rollback(save_point=_SAVEPOINT)
		_log(refs)
		return
	if who_hears(result.moves, stages.get_big_deal_limits() if result.moves else ()):
		moves = [asdict(move) for move in result.moves]
		frappe.db.after_commit.add(lambda: _tell_later(moves))
	if result.stale:
		# Another transaction derived the same deals after our snapshot: look again once both are committed.
		frappe.db.after_commit.add(lambda: _derive_later([*refs, *result.stale]))


def _derive_later(refs: list[Ref]) -> None:
	"""The user's transaction is committed already: a queue out of reach must not look like a failed save."""
	try:
		frappe.enqueue("crm_ext.tasks.derive_deals", queue="short", refs=[list(ref) for ref in refs])
	except Exception:
		frappe.logger("crm_ext").exception(f"Left to the nightly check: {refs[:50]}")


def _tell_later(moves: list[dict]) -> None:
	"""As `_derive_later`."""
	try:
		frappe.enqueue("crm_ext.tasks.tell_of_big_deals", queue="short", moves=moves)
	except Exception:
		frappe.logger("crm_ext").exception(f"Nobody was told of {moves}")


def _log(refs: list[Ref]) -> None:
	reference = refs[-1]
	frappe.log_error(
		title="CRM Ext: deriving deals failed",
		message=f"Touched: {refs[:50]}\n\n{frappe.get_traceback(with_context=True)}",
		reference_doctype=reference[0],
		reference_name=reference[1],
	)


def _is_suspended() -> bool:
	"""While a site is being installed, migrated or patched nothing is derived; the nightly check catches up."""
	flags = frappe.flags
	return bool(
		flags.in_install or flags.in_migrate or flags.in_patch or flags.in_uninstall or flags.in_setup_wizard
	)
