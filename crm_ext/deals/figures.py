"""What a deal is, given the vouchers that belong to it: ledger rows, stage, dates, amounts. Pure functions."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time

from crm_ext.deals.model import (
	DELIVERY_NOTE,
	LEAD,
	OPPORTUNITY,
	PROSPECT,
	QUOTATION,
	SALES_INVOICE,
	SALES_ORDER,
	DerivedDeal,
	Graph,
	LedgerRow,
	Receipt,
	Ref,
	Stages,
	Voucher,
)
from crm_ext.deals.rules import Assignment, split

# What kind of voucher brings a deal to which milestone, and the fields that keep it.
MILESTONES = {
	"Lead": ("lead_on", None),
	"Opportunity": ("opportunity_on", "expected_amount"),
	"Quotation": ("quoted_on", "quoted_amount"),
	"Sales Order": ("ordered_on", "ordered_amount"),
	"Delivery": ("delivered_on", "delivered_amount"),
	"Invoice": ("invoiced_on", "invoiced_amount"),
	"Payment": ("paid_on", "paid_amount"),
}
KIND = {
	LEAD: "Lead",
	OPPORTUNITY: "Opportunity",
	QUOTATION: "Quotation",
	SALES_ORDER: "Sales Order",
	DELIVERY_NOTE: "Delivery",
	SALES_INVOICE: "Invoice",
}
# Half a cent per document is noise of rounding, not an open amount.
TOLERANCE = 0.005


def derive_deals(
	graph: Graph, assignment: Assignment, stages: Stages, precision: int = 2
) -> list[DerivedDeal]:
	"""Every deal of a closed graph. A root whose vouchers are all drafts or gone makes none."""
	members: dict[Ref, list[tuple[Voucher, float]]] = defaultdict(list)
	amounts: dict[Ref, dict[Ref, tuple[float, float]]] = defaultdict(dict)
	for ref, shares in assignment.shares.items():
		voucher = graph.vouchers[ref]
		total = split(voucher.total, shares, precision)
		in_currency = split(voucher.voucher_total, shares, precision)
		for root, share in shares.items():
			members[root].append((voucher, share))
			amounts[root][ref] = (total[root], in_currency[root])
	receipts = _receipts_by_root(graph.receipts, assignment, precision)
	derived = []
	for root, vouchers in members.items():
		live = [voucher for voucher, _share in vouchers if not voucher.is_draft]
		if live:
			live.sort(key=lambda v: (str(v.creation or ""), v.name))
			derived.append(
				_Deal(root, live, amounts[root], receipts.get(root, []), stages, graph).derive(assignment)
			)
	return derived


def _receipts_by_root(
	receipts: Iterable[Receipt], assignment: Assignment, precision: int
) -> dict[Ref, list[Receipt]]:
	"""Receipts split by the shares of the document they are for; one per deal and receipt."""
	found: dict[Ref, dict[Ref, Receipt]] = defaultdict(dict)
	for receipt in receipts:
		shares = assignment.shares.get(receipt.against)
		if not shares:
			continue
		amount = split(receipt.amount, shares, precision)
		in_currency = split(receipt.voucher_amount, shares, precision)
		for root in shares:
			ref = (receipt.doctype, receipt.name)
			known = found[root].get(ref)
			found[root][ref] = Receipt(
				receipt.doctype,
				receipt.name,
				receipt.against,
				min(known.day, receipt.day) if known else receipt.day,
				round(amount[root] + (known.amount if known else 0), precision),
				receipt.currency,
				round(in_currency[root] + (known.voucher_amount if known else 0), precision),
			)
	return {root: sorted(rows.values(), key=lambda r: (r.day, r.name)) for root, rows in found.items()}


class _Deal:
	"""One deal being derived."""

	def __init__(
		self,
		root: Ref,
		vouchers: list[Voucher],
		amounts: dict[Ref, tuple[float, float]],
		receipts: list[Receipt],
		stages: Stages,
		graph: Graph,
	):
		self.root = root
		self.vouchers = vouchers
		self.amounts = amounts
		self.receipts = receipts
		self.stages = stages
		self.graph = graph
		self.by_kind: dict[str, list[Voucher]] = defaultdict(list)
		for voucher in vouchers:
			if voucher.is_cancelled:
				continue
			self.by_kind[KIND[voucher.doctype]].append(voucher)
			if voucher.doctype == SALES_INVOICE and voucher.delivers:
				self.by_kind["Delivery"].append(voucher)

	def derive(self, assignment: Assignment) -> DerivedDeal:
		values = self._amounts()
		values |= self._dates(values)
		values |= self._stage(values)
		values |= self._attributes(assignment)
		milestones = self._milestones(values)
		return DerivedDeal(self.root, values, self._ledger(), milestones)

	# Amounts

	def _sum(self, vouchers: Iterable[Voucher]) -> float:
		return round(sum(self.amounts[v.ref][0] for v in vouchers), 6)

	def _amounts(self) -> dict:
		values = {field: self._sum(self.by_kind[kind]) for kind, (_on, field) in MILESTONES.items() if field}
		# Of several offers the open ones count; once all are lost, what was offered.
		offers = self.by_kind["Quotation"]
		values["quoted_amount"] = self._sum([v for v in offers if not self._is_lost(v)] or offers)
		chances = self.by_kind["Opportunity"]
		values["expected_amount"] = self._sum([v for v in chances if not self._is_lost(v)] or chances)
		values["paid_amount"] = round(sum(r.amount for r in self.receipts), 6)
		values["amount"] = next(
			(values[f] for f in ("ordered_amount", "invoiced_amount", "quoted_amount") if values[f] > 0),
			values["expected_amount"],
		)
		return values

	# Stage

	def _is_lost(self, voucher: Voucher) -> bool:
		if voucher.doctype == QUOTATION:
			return voucher.status == "Lost"
		return any(stage.kind == "Lost" for stage in self._mapped_stages(voucher))

	def _mapped_stages(self, voucher: Voucher) -> list:
		field = "qualification_status" if voucher.doctype == LEAD else "sales_stage"
		names = (
			self.stages.mapped.get((voucher.doctype, "status", voucher.status)),
			self.stages.mapped.get((voucher.doctype, field, voucher.stage_field)),
		)
		return [self.stages.by_name[name] for name in names if name in self.stages.by_name]

	def _reached(self, kind: str, values: dict) -> list[Voucher]:
		"""Vouchers that bring the deal to the milestone of `kind`; none once all of it was returned."""
		vouchers = [v for v in self.by_kind[kind] if not v.is_return]
		returned = len(vouchers) < len(self.by_kind[kind])
		if returned and values[MILESTONES[kind][1]] <= TOLERANCE:
			return []
		return vouchers

	def _dates(self, values: dict) -> dict:
		dates: dict[str, date | None] = {}
		for kind, (field, _amount) in MILESTONES.items():
			if kind == "Payment":
				dates[field] = self._paid_on(values)
			else:
				dates[field] = min((v.day for v in self._reached(kind, values) if v.day), default=None)
		return dates

	def _paid_on(self, values: dict) -> date | None:
		"""The day the receipts covered all that was invoiced; None while something is open or to be invoiced.

		A deposit does not make a paid deal: it stays where its other vouchers brought it.
		"""
		invoiced = values["invoiced_amount"]
		orders = self.by_kind["Sales Order"]
		if not self._reached("Invoice", values) or any(not order.fully_billed for order in orders):
			return None
		if values["paid_amount"] < invoiced - TOLERANCE:
			return None
		paid, paid_on = 0.0, None
		for receipt in self.receipts:
			paid += receipt.amount
			if paid_on is None and paid >= invoiced - TOLERANCE:
				paid_on = receipt.day
			elif paid < invoiced - TOLERANCE:
				paid_on = None
		# Credited in full, or for nothing: settled with the last invoice.
		return paid_on or max((v.day for v in self.by_kind["Invoice"] if v.day), default=None)

	def _stage(self, values: dict) -> dict:
		reached = {kind: self._reached(kind, values) for kind in MILESTONES if kind != "Payment"}
		live_kinds = {k for k, vs in reached.items() if k != "Lead" and any(not self._is_lost(v) for v in vs)}
		later = [v for kind, vs in reached.items() if kind != "Lead" for v in vs]
		lost_later = any(self._is_lost(v) for v in later)
		leads = self.by_kind["Lead"]
		furthest = self._furthest(set(k for k, vs in reached.items() if vs), values, leads, later)
		if live_kinds or (leads and not lost_later and not all(self._is_lost(v) for v in leads)):
			stage = self._furthest(
				live_kinds | ({"Lead"} if leads else set()),
				values,
				leads,
				[v for v in later if not self._is_lost(v)],
			)
			status = stage.kind if stage else "Open"
		elif lost_later or leads:
			stage, status = self.stages.lost, "Lost"
		else:
			stage, status = self.stages.first, "Cancelled"
		return {
			"stage": stage.name if stage else None,
			"status": status,
			"furthest_stage": furthest.name if furthest else None,
			"lost_reasons": self._lost_reasons() if status == "Lost" else None,
		}

	def _furthest(self, kinds: set[str], values: dict, leads: list[Voucher], later: list[Voucher]):
		found = [self.stages.by_kind_of_voucher.get(kind) for kind in kinds]
		if values["paid_on"]:
			found.append(self.stages.by_kind_of_voucher.get("Payment"))
		for voucher in (*leads, *later):
			if voucher.doctype in (LEAD, OPPORTUNITY):
				found += [s for s in self._mapped_stages(voucher) if s.kind != "Lost"]
		return max((s for s in found if s), key=lambda s: s.sequence, default=None)

	def _lost_reasons(self) -> str | None:
		reasons: dict[str, None] = {}
		for voucher in self.vouchers:
			if self._is_lost(voucher) and voucher.lost_reasons:
				reasons.update(dict.fromkeys(voucher.lost_reasons.split("\n")))
		return "\n".join(reason for reason in reasons if reason) or None

	# Who and what

	def _attributes(self, assignment: Assignment) -> dict:
		first = self._first
		lead = next((v.name for v in self.vouchers if v.doctype == LEAD), None) or self._lead_behind()
		customer = self._customer(lead)
		party = self._party(customer, lead)
		opportunities = [v for v in self.vouchers if v.doctype == OPPORTUNITY]
		return {
			"company": assignment.company.get(self.root) or first("company"),
			"party_type": party[0],
			"party": party[1],
			"party_name": self._party_name(party),
			"customer": customer,
			"lead": lead,
			"opportunity": opportunities[0].name if opportunities else None,
			"owner_user": first("owner", (OPPORTUNITY, LEAD, QUOTATION, SALES_ORDER)),
			"sales_person": first("sales_person", (SALES_ORDER, SALES_INVOICE, DELIVERY_NOTE)),
			"source": first("source"),
			"campaign": first("campaign"),
			"territory": first("territory", (SALES_ORDER, QUOTATION, OPPORTUNITY, LEAD, SALES_INVOICE)),
			"industry": first("industry"),
		}

	def _first(self, attribute: str, order: tuple = (LEAD, OPPORTUNITY, QUOTATION, SALES_ORDER)):
		"""The first value of an attribute: by kind of voucher in `order`, live before cancelled, oldest first."""
		rank = {doctype: index for index, doctype in enumerate(order)}
		vouchers = sorted(self.vouchers, key=lambda v: (v.is_cancelled, rank.get(v.doctype, len(order))))
		return next((getattr(v, attribute) for v in vouchers if getattr(v, attribute)), None)

	def _lead_behind(self) -> str | None:
		"""The lead of a deal that does not hold it: a second opportunity, or a prospect's."""
		for voucher in self.vouchers:
			if voucher.party_type == LEAD and voucher.party:
				return voucher.party
			if voucher.party_type == PROSPECT:
				return next(iter(self.graph.prospect_leads.get(voucher.party, [])), None)
		return None

	def _customer(self, lead: str | None) -> str | None:
		for doctype in (SALES_ORDER, SALES_INVOICE, DELIVERY_NOTE, QUOTATION, OPPORTUNITY):
			for voucher in self.vouchers:
				if voucher.doctype == doctype and voucher.party_type == "Customer" and voucher.party:
					return voucher.party
		return self.graph.lead_customers.get(lead) if lead else None

	def _party(self, customer: str | None, lead: str | None) -> tuple[str | None, str | None]:
		if customer:
			return ("Customer", customer)
		for voucher in self.vouchers:
			if voucher.party_type == PROSPECT:
				return (PROSPECT, voucher.party)
		return (LEAD, lead) if lead else next(((v.party_type, v.party) for v in self.vouchers), (None, None))

	def _party_name(self, party: tuple) -> str | None:
		titled = [v for v in self.vouchers if v.title]
		named = [v.title for v in titled if (v.party_type, v.party) == party or v.ref == party]
		return (named or [v.title for v in titled] or [party[1]])[0]

	# Ledger and history

	def _ledger(self) -> list[LedgerRow]:
		rows = []
		for voucher in self.vouchers:
			amount, in_currency = self.amounts[voucher.ref]
			kinds = [KIND[voucher.doctype]]
			if voucher.doctype == SALES_INVOICE and voucher.delivers:
				kinds.append("Delivery")
			rows += [
				LedgerRow(
					stage.name,
					*voucher.ref,
					voucher.day,
					amount,
					voucher.currency,
					in_currency,
					voucher.is_cancelled,
				)
				for stage in map(self.stages.by_kind_of_voucher.get, kinds)
				if stage
			]
		paid = self.stages.by_kind_of_voucher.get("Payment")
		for r in self.receipts if paid else ():
			if r.amount or r.voucher_amount:
				rows.append(
					LedgerRow(paid.name, r.doctype, r.name, r.day, r.amount, r.currency, r.voucher_amount)
				)
		return rows

	def _milestones(self, values: dict) -> list[tuple[str, datetime, Ref, float]]:
		"""How the deal must have come to its stage, by the dates of its vouchers."""
		steps = []
		for kind in MILESTONES:
			stage = self.stages.by_kind_of_voucher.get(kind)
			if not stage:
				continue
			if kind == "Payment":
				if values["paid_on"] and self.receipts:
					last = self.receipts[-1]
					steps.append(
						(
							stage,
							_moment(values["paid_on"], None),
							(last.doctype, last.name),
							values["paid_amount"],
						)
					)
				continue
			vouchers = [v for v in self._reached(kind, values) if v.day]
			if vouchers:
				v = min(vouchers, key=lambda v: (v.day, str(v.creation)))
				steps.append((stage, _moment(v.day, v.creation), v.ref, self.amounts[v.ref][0]))
		steps.sort(key=lambda step: (step[1], step[0].sequence))
		history, highest = [], -1
		for stage, when, ref, amount in steps:
			if stage.sequence > highest:
				history.append((stage.name, when, ref, amount))
				highest = stage.sequence
		if values["stage"] and (not history or history[-1][0] != values["stage"]):
			last = self.vouchers[-1]
			when = max([step[1] for step in history] + [_moment(last.day, last.creation)])
			history.append((values["stage"], when, last.ref, values["amount"]))
		return history


def _moment(day: date | None, creation: datetime | None) -> datetime:
	"""When a voucher of that day came to be: its creation if that was the same day, else the day's start."""
	if creation and (day is None or creation.date() == day):
		return creation
	return datetime.combine(day, time())
