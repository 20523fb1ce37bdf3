"""What ERPNext leaves wrong in the status of an opportunity, put right from the vouchers read anyway. Pure.

Each correction has a switch in CRM Ext Settings. They look only at opportunities of quotations that the transaction
touched: what people set by hand stays, and a backfill changes no document of the past.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from crm_ext.deals.model import OPPORTUNITY, QUOTATION, Graph, Ref, Voucher

PARTIAL_ORDER_CONVERTS = "partial_order_converts"
REOPEN_AFTER_LAST_QUOTATION = "reopen_after_last_quotation"
CARRY_LOST_REASONS = "carry_lost_reasons"
MEETING_KEEPS_STATUS = "meeting_keeps_status"
SWITCHES = (PARTIAL_ORDER_CONVERTS, REOPEN_AFTER_LAST_QUOTATION, CARRY_LOST_REASONS, MEETING_KEEPS_STATUS)

_UNDER_WAY = ("Open", "Replied", "Quotation")


@dataclass(frozen=True, slots=True)
class Correction:
	"""`status`: what the opportunity should say, None to leave it; `lost`: quotations whose reasons it should show."""

	opportunity: str
	status: str | None = None
	lost: tuple[str, ...] = field(default=())


def plan(graph: Graph, touched: Iterable[Ref], switches: Collection[str]) -> list[Correction]:
	"""What to correct, for the opportunities of the quotations among `touched`. Opportunities in order of their names."""
	touched = set(touched)
	if not switches:
		return []
	by_opportunity: dict[Ref, list[Voucher]] = {}
	for voucher in graph.vouchers.values():
		if voucher.doctype == QUOTATION and voucher.docstatus:
			for ref in _opportunities(voucher):
				by_opportunity.setdefault(ref, []).append(voucher)
	found = []
	for ref, quotations in sorted(by_opportunity.items()):
		opportunity = graph.vouchers.get(ref)
		if opportunity and any(quotation.ref in touched for quotation in quotations):
			correction = _correct(opportunity, quotations, touched, switches)
			if correction.status or correction.lost:
				found.append(correction)
	return found


def _opportunities(quotation: Voucher) -> set[Ref]:
	named = {quotation.prev} | {(kind, name) for row in quotation.rows for kind, name, _row in row.prev}
	return {ref for ref in named if ref and ref[0] == OPPORTUNITY and ref[1]}


def _correct(
	opportunity: Voucher, quotations: list[Voucher], touched: set[Ref], switches: Collection[str]
) -> Correction:
	status = None
	live = [q for q in quotations if q.docstatus == 1 and q.status not in ("Lost", "Closed")]
	lost = [q for q in quotations if q.docstatus == 1 and q.status == "Lost" and q.ref in touched]
	if any(q.status == "Partially Ordered" for q in live):
		if PARTIAL_ORDER_CONVERTS in switches and opportunity.status in _UNDER_WAY:
			status = "Converted"
	elif not live and REOPEN_AFTER_LAST_QUOTATION in switches and opportunity.status in ("Lost", "Quotation"):
		status = "Open"
	carried = tuple(sorted(q.name for q in lost)) if CARRY_LOST_REASONS in switches else ()
	return Correction(opportunity.name, status, carried)
