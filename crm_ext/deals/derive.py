"""The one deriving function: read what hangs together, apply the rules, write what differs.

It serves the document events, the backfill and the nightly check alike, so what is kept up step by step equals
what is rebuilt from nothing. It never raises the count of anything: run twice, it changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import frappe
from frappe.utils import cint, getdate

from crm_ext.deals import corrected, corrections, figures, locks, rules, stages, store, vouchers
from crm_ext.deals.big_deals import Move
from crm_ext.deals.model import DEAL, OPPORTUNITY, Graph, Ref
from crm_ext.deals.stored import read_stored

# A deal found only after its making was serialised is read and derived again; more than that never happened.
_ATTEMPTS = 3


@dataclass
class Result:
	"""Deals that changed or went, and what must be derived again in a later transaction: deals that another one
	changed after this one's snapshot was taken, vouchers that another one holds. `moves`: from stage to stage."""

	changed: set[str] = field(default_factory=set)
	removed: list[str] = field(default_factory=list)
	stale: list[Ref] = field(default_factory=list)
	moves: list[Move] = field(default_factory=list)


def derive(
	refs: Iterable[Ref], names: Iterable[str] = (), announce: bool = False, correct: bool = False
) -> Result:
	"""Derive every deal that `refs` (vouchers, receipts, prospects) or `names` (deals) belong to, each once.

	Writes inside the current transaction; the caller commits. A voucher that no longer exists leaves its deals
	as they are without it. Where another transaction changed one of the deals after this one's snapshot was
	taken, nothing is written: the result names it, to be derived after this one. `announce` says that this
	transaction changed `refs`, so that others at work on the same deals find theirs outdated in turn; `correct`, that
	what ERPNext then left wrong is put right (`corrections`).
	"""
	refs, names = list(dict.fromkeys(refs)), set(names)
	for _attempt in range(_ATTEMPTS):
		result, found = _derive_once(refs, names, announce, correct)
		if not found:
			return result
		names |= found
	return _outdated(names)


def _derive_once(refs: list[Ref], names: set[str], announce: bool, correct: bool) -> tuple[Result, set[str]]:
	stored = read_stored(refs, names)
	config = stages.get_stages()
	seeds = {
		*refs,
		*stored.members,
		*((DEAL, name) for name in stored.deals),
		*(d.root for d in stored.deals.values()),
	}
	graph = vouchers.read_graph(seeds, stored.deals.values())
	missing = graph.deals.keys() - stored.deals.keys()
	if missing:
		stored = read_stored(refs, {*names, *graph.deals})
	fixes = corrections.plan(graph, refs, stages.get_corrections()) if correct else []
	for fix in fixes:
		voucher = graph.vouchers[(OPPORTUNITY, fix.opportunity)]
		voucher.status = fix.status or voucher.status
	assignment = rules.assign(graph, config)
	derived = figures.derive_deals(graph, assignment, config, _precision())
	by_root = stored.by_root()
	new = [deal for deal in derived if deal.root not in by_root]
	if new:
		created, existing = locks.reserve_names([(deal.root, _began(deal)) for deal in new])
		if existing:
			found = set(existing.values())
			# Asked for by name and still not seen: made after this transaction's snapshot.
			return (_outdated(found), set()) if found & names else (Result(), found)
		by_root |= created
	primary = {ref: assignment.primary(ref) for ref in graph.vouchers}
	writer = store.Writer(stored, refs).plan(derived, by_root, graph, primary)
	if announce and (not writer.is_empty or _counts(refs, graph)):
		stale = locks.announce_deals(stored.modified)
	else:
		stale = [] if writer.is_empty else locks.lock_deals(stored.modified)
	if stale:
		return _outdated(stale), set()
	corrected.write(fixes)
	writer.write()
	return Result(writer.changed, writer.gone_deals, writer.left, writer.moves), set()


def _outdated(deals: Iterable[str]) -> Result:
	return Result(stale=[(DEAL, name) for name in sorted(deals)])


def _counts(refs: list[Ref], graph: Graph) -> bool:
	"""Whether one of `refs` counts in a deal's figures: a submitted or cancelled voucher, not a draft or lead."""
	found = (graph.vouchers.get(ref) for ref in refs)
	return any(voucher and voucher.docstatus for voucher in found)


def _began(deal):
	"""The day a deal's number is taken from."""
	return deal.milestones[0][1].date() if deal.milestones else getdate()


def _precision() -> int:
	return cint(frappe.db.get_default("currency_precision")) or 2
