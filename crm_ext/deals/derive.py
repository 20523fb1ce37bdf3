"""The one deriving function: read what hangs together, apply the rules, write what differs.

It serves the document events, the backfill and the nightly check alike, so what is kept up step by step equals
what is rebuilt from nothing. It never raises the count of anything: run twice, it changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import frappe
from frappe.utils import cint, getdate

from crm_ext.deals import figures, rules, stages, store, vouchers
from crm_ext.deals.model import DEAL, Ref

# A deal found only after its making was serialised is read and derived again; more than that never happened.
_ATTEMPTS = 3


@dataclass
class Result:
	"""Deals that changed, and those another transaction changed after this one's snapshot was taken."""

	changed: set[str] = field(default_factory=set)
	removed: list[str] = field(default_factory=list)
	stale: list[str] = field(default_factory=list)


def derive(refs: Iterable[Ref], names: Iterable[str] = ()) -> Result:
	"""Derive every deal that `refs` (vouchers, receipts, prospects) or `names` (deals) belong to, each once.

	Writes inside the current transaction; the caller commits. A voucher that no longer exists leaves its deals
	as they are without it.
	"""
	refs, names = list(dict.fromkeys(refs)), set(names)
	for _attempt in range(_ATTEMPTS):
		result, found = _derive_once(refs, names)
		if not found:
			return result
		names |= found
	raise RuntimeError(f"deals kept appearing while deriving {refs[:5]}")


def _derive_once(refs: list[Ref], names: set[str]) -> tuple[Result, set[str]]:
	stored = store.read_stored(refs, names)
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
		stored = store.read_stored(refs, {*names, *graph.deals})
	assignment = rules.assign(graph, config)
	derived = figures.derive_deals(graph, assignment, config, _precision())
	by_root = stored.by_root()
	new = [deal for deal in derived if deal.root not in by_root]
	if new:
		created, existing = store.reserve_names([(deal.root, _began(deal)) for deal in new])
		if existing:
			return Result(), set(existing.values())
		by_root |= created
	primary = {ref: assignment.primary(ref) for ref in graph.vouchers}
	writer = store.Writer(stored, refs).plan(derived, by_root, graph, primary)
	result = Result(writer.changed, writer.gone_deals)
	if not writer.is_empty:
		locked = store.lock_deals(list(stored.deals))
		result.stale = sorted(name for name, modified in locked.items() if modified != stored.modified[name])
		writer.write()
	return result, set()


def _began(deal):
	"""The day a deal's number is taken from."""
	return deal.milestones[0][1].date() if deal.milestones else getdate()


def _precision() -> int:
	return cint(frappe.db.get_default("currency_precision")) or 2
