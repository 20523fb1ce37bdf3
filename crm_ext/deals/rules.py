"""Which voucher belongs to which deal. Pure functions over `model`; no database, no Frappe.

A deal is identified by its root, the voucher that opened it. Every voucher, and every row of it, finds the root
by the chain of documents; what has no chain follows the deal chosen on it, then the document it amends, and
only then opens a deal of its own. Everything is decided by what documents say now, in the order of their
creation, so that the result does not depend on the order in which it is derived.
"""

from collections.abc import Iterable

from crm_ext.deals.model import (
	DELIVERY_NOTE,
	LEAD,
	OPPORTUNITY,
	PROSPECT,
	QUOTATION,
	SALES_INVOICE,
	SALES_ORDER,
	Graph,
	Ref,
	Row,
	Stages,
	Voucher,
)


class Assignment:
	"""Roots of every voucher of a graph.

	`shares[ref]` maps root to weight; weights of one voucher add up to 1. A voucher that belongs to no deal has
	no entry. `rows[row name]` is the root of one row.
	"""

	def __init__(self, graph: Graph, stages: Stages):
		self.graph = graph
		self.stages = stages
		self.shares: dict[Ref, dict[Ref, float]] = {}
		self.rows: dict[str, Ref] = {}
		self.company: dict[Ref, str] = {}
		self._roots_with_opportunity: set[Ref] = set()
		self._open: set[Ref] = set()
		self._done: set[Ref] = set()

	def run(self) -> "Assignment":
		for lead in self._of(LEAD):
			self.shares[lead.ref] = {lead.ref: 1.0}
		for opportunity in self._of(OPPORTUNITY):
			root = self._opportunity_root(opportunity)
			self.shares[opportunity.ref] = {root: 1.0}
			self._roots_with_opportunity.add(root)
			self._claim(root, opportunity)
		for doctype in (QUOTATION, SALES_ORDER, DELIVERY_NOTE, SALES_INVOICE):
			for voucher in self._of(doctype):
				self._assign(voucher)
		for lead in self._of(LEAD):
			if lead.company:
				self.company.setdefault(lead.ref, lead.company)
		return self

	def primary(self, ref: Ref) -> Ref | None:
		"""The root that holds the largest share of a voucher; the first row's where they are equal."""
		shares = self.shares.get(ref)
		return max(shares, key=shares.get) if shares else None

	def _of(self, doctype: str) -> list[Voucher]:
		found = (v for v in self.graph.vouchers.values() if v.doctype == doctype)
		return sorted(found, key=lambda v: (str(v.creation or ""), v.name))

	def _claim(self, root: Ref, voucher: Voucher) -> None:
		if voucher.company:
			self.company.setdefault(root, voucher.company)

	def _fits(self, root: Ref | None, voucher: Voucher) -> bool:
		"""One deal, one company: a document of another company never joins."""
		if root is None:
			return False
		company = self.company.get(root)
		return not company or not voucher.company or company == voucher.company

	def _chosen(self, voucher: Voucher) -> Ref | None:
		deal = self.graph.deals.get(voucher.deal) if voucher.deal else None
		# A deal whose root was deleted is no choice: what is left of it opens its own, as a rebuild would.
		return deal.root if deal and deal.root in self.graph.vouchers else None

	def _opportunity_root(self, opportunity: Voucher) -> Ref:
		for lead in self._leads_of(opportunity):
			root = (LEAD, lead)
			if root in self.graph.vouchers and root not in self._roots_with_opportunity:
				return root
		chosen = self._chosen(opportunity)
		return chosen if self._fits(chosen, opportunity) else opportunity.ref

	def _leads_of(self, opportunity: Voucher) -> Iterable[str]:
		if opportunity.party_type == LEAD:
			return [opportunity.party] if opportunity.party else []
		if opportunity.party_type != PROSPECT:
			return []
		# A lead that joined the prospect later was not what this opportunity continued.
		leads = self.graph.prospect_leads.get(opportunity.party, [])
		known = (self.graph.vouchers.get((LEAD, lead)) for lead in leads)
		return [v.name for v in known if v and str(v.creation or "") <= str(opportunity.creation or "")]

	def _assign(self, voucher: Voucher) -> None:
		if voucher.ref in self._done or voucher.ref in self._open:
			return
		self._open.add(voucher.ref)  # an invoice and a delivery note may name each other
		found = [(row, self._row_root(row, voucher)) for row in voucher.rows]
		weights: dict[Ref, float] = {}
		for row, root in found:
			if root:
				weights[root] = weights.get(root, 0.0) + abs(row.weight)
		default = max(weights, key=weights.get) if weights else self._voucher_root(voucher)
		if default:
			total: dict[Ref, float] = {}
			for row, root in found:
				self.rows[row.name] = root or default
				total[self.rows[row.name]] = total.get(self.rows[row.name], 0.0) + abs(row.weight)
			self.shares[voucher.ref] = _normalised(total) or {default: 1.0}
			for root in self.shares[voucher.ref]:
				self._claim(root, voucher)
		self._open.discard(voucher.ref)
		self._done.add(voucher.ref)

	def _row_root(self, row: Row, voucher: Voucher) -> Ref | None:
		for doctype, name, prev_row in row.prev:
			previous = self.graph.vouchers.get((doctype, name))
			if previous is None:
				continue
			if doctype not in (LEAD, OPPORTUNITY):
				self._assign(previous)
			root = self.rows.get(prev_row) if prev_row else None
			root = root or self.primary(previous.ref)
			if root and self._fits(root, voucher):
				return root
		return None

	def _voucher_root(self, voucher: Voucher) -> Ref | None:
		"""The root of a voucher none of whose rows tells one."""
		for root in self._header_roots(voucher):
			if self._fits(root, voucher):
				return root
		return voucher.ref if self._opens_deal(voucher) else None

	def _header_roots(self, voucher: Voucher) -> Iterable[Ref | None]:
		if voucher.prev and voucher.prev in self.graph.vouchers:
			if voucher.prev[0] not in (LEAD, OPPORTUNITY):
				self._assign(self.graph.vouchers[voucher.prev])
			yield self.primary(voucher.prev)
		if voucher.doctype == QUOTATION and voucher.party_type == LEAD and voucher.party:
			yield self.primary((LEAD, voucher.party))
		yield self._chosen(voucher)
		if voucher.amended_from:
			amended = self.graph.vouchers.get((voucher.doctype, voucher.amended_from))
			if amended:
				self._assign(amended)
				yield self.primary(amended.ref)

	def _opens_deal(self, voucher: Voucher) -> bool:
		if voucher.docstatus == 0:
			return False  # a draft joins a deal but opens none
		if voucher.doctype in (QUOTATION, SALES_ORDER):
			return True
		direct = self.stages.deals_from_direct_invoices
		return direct and not voucher.is_return and not voucher.is_opening


def assign(graph: Graph, stages: Stages) -> Assignment:
	"""Decide for every voucher of `graph` which deals it belongs to, and with what share."""
	return Assignment(graph, stages).run()


def _normalised(weights: dict[Ref, float]) -> dict[Ref, float]:
	"""Shares that add up to 1; equal ones where nothing has a price."""
	total = sum(weights.values())
	if total:
		return {root: weight / total for root, weight in weights.items()}
	return {root: 1 / len(weights) for root in weights}


def split(amount: float, shares: dict[Ref, float], precision: int = 2) -> dict[Ref, float]:
	"""Split `amount` by `shares` so that the parts, rounded to `precision`, add up to it exactly.

	The largest share takes the rounding difference.
	"""
	if len(shares) == 1:
		return {root: round(amount, precision) for root in shares}
	parts = {root: round(amount * share, precision) for root, share in shares.items()}
	largest = max(shares, key=shares.get)
	rest = sum(part for root, part in parts.items() if root != largest)
	parts[largest] = round(amount - rest, precision)
	return parts
