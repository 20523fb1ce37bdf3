"""Reads the documents a site already holds into deals: chunked, resumable, safe to run twice or twice at once."""

import json
from collections.abc import Callable, Iterator

import frappe
from frappe import _

from crm_ext.deals import buying
from crm_ext.deals.chunks import CHUNK, derive_chunk
from crm_ext.deals.model import (
	DELIVERY_NOTE,
	LEAD,
	OPPORTUNITY,
	QUOTATION,
	SALES_INVOICE,
	SALES_ORDER,
	SUBMITTABLE,
	Ref,
)

# Earlier links of the chain first: most later vouchers then come along with them.
ORDER = (LEAD, OPPORTUNITY, QUOTATION, SALES_ORDER, DELIVERY_NOTE, SALES_INVOICE)
_SETTINGS = "CRM Ext Settings"


def backfill(progress: Callable[[int, int], None] | None = None, restart: bool = False) -> dict:
	"""Derive the deals of every voucher of the site. Returns {"vouchers", "deals", "failed", "running"}.

	Commits after each chunk and notes how far it came in the same transaction, so that a killed run continues
	there; `restart` begins anew. While another run is under way it does nothing and says so by `running`.
	"""
	if not _lock():
		return {"vouchers": 0, "deals": 0, "failed": 0, "running": True}
	try:
		return _run(progress or _report, None if restart else _read_mark())
	finally:
		frappe.db.sql("SELECT RELEASE_LOCK(%s)", (_lock_name(),))


def enqueue_backfill() -> None:
	frappe.enqueue(
		"crm_ext.tasks.backfill",
		queue="long",
		timeout=6 * 60 * 60,
		job_id="crm_ext_backfill",
		deduplicate=True,
	)


def _run(progress: Callable[[int, int], None], mark: list[str] | None) -> dict:
	total = sum(map(_count, ORDER))
	done, changed, failed = 0, set(), []
	known: set[Ref] = set()
	for doctype in ORDER:
		if mark and ORDER.index(doctype) < ORDER.index(mark[0]):
			done += _count(doctype)
			continue
		after = mark[1] if mark and mark[0] == doctype else ""
		done += _count(doctype, up_to=after) if after else 0
		for names in _pages(doctype, after):
			refs = [(doctype, name) for name in names]
			_write_mark(doctype, names[-1], done, total)
			fresh = [ref for ref in refs if ref not in known]
			if fresh:
				chunk_changed, chunk_failed = derive_chunk(fresh)
				changed |= chunk_changed
				failed += chunk_failed
				known |= _members(fresh)
			else:
				frappe.db.commit()  # the mark
			done += len(names)
			progress(done, total)
	buying.link_all(frappe.db.commit)  # a chunk of documents each
	_write_mark(None, None, total, total, failed=len(failed))
	frappe.db.commit()  # the end of the run
	return {"vouchers": total, "deals": len(changed), "failed": len(failed), "running": False}


def _members(refs: list[Ref]) -> set[Ref]:
	"""Vouchers that share a deal with `refs`: derived together with them, not to be derived again."""
	rows = frappe.db.sql(
		"SELECT DISTINCT o.voucher_type, o.voucher_no FROM `tabDeal Ledger Entry` e"
		" JOIN `tabDeal Ledger Entry` o ON o.deal = e.deal WHERE (e.voucher_no, e.voucher_type) IN %s",
		([(name, doctype) for doctype, name in refs],),
	)
	return set(rows)


def _count(doctype: str, up_to: str | None = None) -> int:
	filters = {"docstatus": (">", 0)} if doctype in SUBMITTABLE else {}
	return frappe.db.count(doctype, filters | ({"name": ("<=", up_to)} if up_to else {}))


def _pages(doctype: str, after: str) -> Iterator[list[str]]:
	"""Names of one DocType in pages, by key, so that the last page costs what the first did."""
	drafts = " AND docstatus > 0" if doctype in SUBMITTABLE else ""
	while True:
		rows = frappe.db.sql(
			f"SELECT name FROM `tab{doctype}` WHERE name > %s{drafts} ORDER BY name LIMIT {CHUNK}", (after,)
		)
		if not rows:
			return
		names = [name for (name,) in rows]
		yield names
		after = names[-1]


def _lock_name() -> str:
	return f"crm_ext_backfill_{frappe.conf.db_name}"[:64]


def _lock() -> bool:
	"""Held by the connection: a killed run leaves none behind."""
	return bool(frappe.db.sql("SELECT GET_LOCK(%s, 0)", (_lock_name(),))[0][0])


def _read_mark() -> list[str] | None:
	mark = frappe.db.get_single_value(_SETTINGS, "backfill_mark", cache=False)
	return json.loads(mark) if mark else None


def _write_mark(doctype: str | None, after: str | None, done: int, total: int, failed: int = 0) -> None:
	"""Where the run is. Written before the chunk in its own transaction, so both stand or fall together."""
	if doctype:
		status = _("{0} of {1} documents").format(done, total)
	elif failed:
		status = _("Done; {0} documents failed, see Error Log").format(failed)
	else:
		status = _("Done: {0} documents").format(total)
	values = {
		"backfill_mark": json.dumps([doctype, after]) if doctype else "",
		"backfill_status": status,
		"backfill_progress": 100 * done / total if total else 100,
	}
	for field, value in values.items():
		frappe.db.set_single_value(_SETTINGS, field, value, update_modified=False)


def _report(done: int, total: int) -> None:
	frappe.publish_realtime("crm_ext_backfill", {"done": done, "total": total}, doctype=_SETTINGS)
