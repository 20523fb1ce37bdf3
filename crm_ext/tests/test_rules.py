"""The pure rules, without a site."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_ext.constants.stages import STAGE_MAP, STAGES
from crm_ext.deals import figures, rules
from crm_ext.deals.model import Graph, Receipt, Row, Stage, Stages, StoredDeal, Voucher

pytestmark = pytest.mark.pure
START = datetime(2026, 1, 5, 9)


def stages(direct: bool = False) -> Stages:
	made = [Stage(name, sequence, kind, by) for name, sequence, kind, by, *_rest in STAGES]
	return Stages(
		by_name={stage.name: stage for stage in made},
		by_kind_of_voucher={stage.reached_by: stage for stage in made if stage.reached_by},
		mapped={(doctype, field, value): stage for doctype, field, value, stage in STAGE_MAP},
		deals_from_direct_invoices=direct,
	)


class Desk:
	"""Builds graphs: one voucher an hour."""

	def __init__(self) -> None:
		self.graph = Graph()

	def add(self, doctype: str, name: str, rows=(), **values) -> Voucher:
		number = len(self.graph.vouchers)
		made = START + timedelta(hours=number)
		total = values.pop("total", 100.0)
		voucher = Voucher(
			doctype,
			name,
			creation=made,
			day=made.date(),
			total=total,
			voucher_total=total,
			rows=[Row(f"{name}-{i}", weight, list(prev)) for i, (weight, prev) in enumerate(rows)],
			**{"docstatus": 0 if doctype in ("Lead", "Opportunity") else 1, "company": "A", **values},
		)
		self.graph.vouchers[voucher.ref] = voucher
		return voucher

	def lead(self, name: str, **values) -> Voucher:
		return self.add("Lead", name, total=0.0, party_type="Lead", party=name, status="Open", **values)

	def deals(self, direct: bool = False) -> dict:
		assignment = rules.assign(self.graph, stages(direct))
		derived = figures.derive_deals(self.graph, assignment, stages(direct))
		return {deal.root: deal for deal in derived}


@given(
	amount=st.floats(-1e7, 1e7, allow_nan=False).map(lambda x: round(x, 2)),
	weights=st.lists(st.floats(0.01, 1e5), min_size=1, max_size=7),
)
def test_split_adds_up_to_the_cent(amount, weights):
	shares = {("Lead", str(i)): weight / sum(weights) for i, weight in enumerate(weights)}
	parts = rules.split(amount, shares)
	assert round(sum(parts.values()), 2) == amount
	assert all(round(part, 2) == part for part in parts.values())


def test_rows_without_a_price_share_evenly():
	desk = Desk()
	for name in ("Q1", "Q2"):
		desk.add("Quotation", name, rows=[(100, [])])
	prevs = [("Quotation", "Q1", None)], [("Quotation", "Q2", None)]
	order = desk.add("Sales Order", "S", rows=[(0, prevs[0]), (0, prevs[1])], total=0.0)
	shares = rules.assign(desk.graph, stages()).shares[order.ref]
	assert shares == {("Quotation", "Q1"): 0.5, ("Quotation", "Q2"): 0.5}


def test_one_lead_three_opportunities_two_companies():
	desk = Desk()
	lead = desk.lead("L")
	for name, company in (("O1", "A"), ("O2", "A"), ("O3", "B")):
		desk.add("Opportunity", name, party_type="Lead", party="L", status="Open", company=company)
	quotation = desk.add("Quotation", "Q", prev=("Opportunity", "O1"), company="B", rows=[(1, [])])
	deals = desk.deals()
	assert set(deals) == {lead.ref, ("Opportunity", "O2"), ("Opportunity", "O3"), quotation.ref}
	assert deals[quotation.ref].values["company"] == "B"
	assert deals[("Opportunity", "O2")].values["lead"] == "L"


@given(order=st.permutations(range(7)))
def test_the_order_of_reading_does_not_matter(order):
	desk = Desk()
	desk.lead("L")
	desk.add("Opportunity", "O1", party_type="Lead", party="L", status="Open")
	desk.add("Opportunity", "O2", party_type="Lead", party="L", status="Open")
	desk.add("Quotation", "Q", prev=("Opportunity", "O2"), rows=[(1, [])])
	desk.add("Sales Order", "S", rows=[(1, [("Quotation", "Q", "Q-0")])])
	desk.add("Delivery Note", "D", rows=[(1, [("Sales Order", "S", "S-0"), ("Sales Invoice", "I", "I-0")])])
	desk.add("Sales Invoice", "I", rows=[(1, [("Sales Order", "S", "S-0"), ("Delivery Note", "D", "D-0")])])
	expected = rules.assign(desk.graph, stages()).shares
	items = list(desk.graph.vouchers.items())
	desk.graph.vouchers = dict(items[i] for i in order)
	assert rules.assign(desk.graph, stages()).shares == expected
	assert expected[("Sales Invoice", "I")] == {("Opportunity", "O2"): 1.0}


def test_documents_that_name_each_other_and_nothing_else_belong_nowhere():
	desk = Desk()
	desk.add("Delivery Note", "D", rows=[(1, [("Sales Invoice", "I", "I-0")])])
	desk.add("Sales Invoice", "I", rows=[(1, [("Delivery Note", "D", "D-0")])])
	assert rules.assign(desk.graph, stages()).shares == {}
	assert len(desk.deals(direct=True)) == 1


def test_a_prospects_opportunity_continues_only_a_lead_that_was_there():
	desk = Desk()
	desk.lead("L1")
	desk.add("Opportunity", "O", party_type="Prospect", party="P", status="Open")
	desk.lead("L2")
	desk.graph.prospect_leads = {"P": ["L2", "L1"]}
	assert rules.assign(desk.graph, stages()).shares[("Opportunity", "O")] == {("Lead", "L1"): 1.0}


def test_a_chosen_deal_counts_only_where_no_chain_tells():
	desk = Desk()
	desk.graph.deals = {"DEAL-1": StoredDeal("DEAL-1", ("Opportunity", "O"))}
	desk.add("Opportunity", "O", party_type="Customer", party="C", status="Open")
	own = desk.add("Quotation", "Q", rows=[(1, [])])
	chosen = desk.add("Sales Order", "S1", rows=[(1, [])], deal="DEAL-1")
	chained = desk.add("Sales Order", "S2", rows=[(1, [("Quotation", "Q", "Q-0")])], deal="DEAL-1")
	shares = rules.assign(desk.graph, stages()).shares
	assert shares[chosen.ref] == {("Opportunity", "O"): 1.0}
	assert shares[chained.ref] == {own.ref: 1.0}


def invoiced_order(desk: Desk, fully_billed: bool = True) -> None:
	desk.add("Sales Order", "S", rows=[(1, [])], fully_billed=fully_billed)
	desk.add("Sales Invoice", "I", rows=[(1, [("Sales Order", "S", "S-0")])])


@pytest.mark.parametrize(
	("receipts", "fully_billed", "stage", "paid_on"),
	[
		([], True, "Invoiced", None),
		([(1, 40)], True, "Invoiced", None),
		([(1, 40), (5, 60)], True, "Paid", date(2026, 1, 5)),
		([(1, 40), (5, 60)], False, "Invoiced", None),
		([(1, 100), (3, -30), (9, 30)], True, "Paid", date(2026, 1, 9)),
		([(2, 100.004)], True, "Paid", date(2026, 1, 2)),
	],
)
def test_paid_on_is_the_day_the_money_covered_what_was_invoiced(receipts, fully_billed, stage, paid_on):
	desk = Desk()
	invoiced_order(desk, fully_billed)
	desk.graph.receipts = [
		Receipt("Payment Entry", f"P{i}", ("Sales Invoice", "I"), date(2026, 1, day), amount, "USD", amount)
		for i, (day, amount) in enumerate(receipts)
	]
	(deal,) = desk.deals().values()
	assert (deal.values["stage"], deal.values["paid_on"]) == (stage, paid_on)


def test_a_deposit_alone_does_not_make_a_paid_deal():
	desk = Desk()
	desk.add("Sales Order", "S", rows=[(1, [])])
	desk.graph.receipts = [
		Receipt("Payment Entry", "P", ("Sales Order", "S"), date(2026, 1, 6), 100, "USD", 100)
	]
	(deal,) = desk.deals().values()
	assert deal.values["stage"] == "Ordered"
	assert deal.values["paid_amount"] == 100


def test_one_receipt_for_two_invoices_of_a_deal_is_one_ledger_row():
	desk = Desk()
	desk.add("Sales Order", "S", rows=[(1, [])], total=200.0)
	for name in ("I1", "I2"):
		desk.add("Sales Invoice", name, rows=[(1, [("Sales Order", "S", "S-0")])])
	desk.graph.receipts = [
		Receipt("Payment Entry", "P", ("Sales Invoice", name), date(2026, 1, 6), 100, "USD", 100)
		for name in ("I1", "I2")
	]
	(deal,) = desk.deals().values()
	assert [row.amount for row in deal.ledger if row.stage == "Paid"] == [200]


def test_lost_needs_something_lost_and_nothing_live():
	desk = Desk()
	desk.lead("L")
	desk.add("Opportunity", "O", party_type="Lead", party="L", status="Lost", lost_reasons="Price\nTime")
	quotation = desk.add(
		"Quotation", "Q", prev=("Opportunity", "O"), rows=[(1, [])], status="Lost", lost_reasons="Price"
	)
	(deal,) = desk.deals().values()
	assert (deal.values["stage"], deal.values["furthest_stage"]) == ("Lost", "Quoted")
	assert deal.values["lost_reasons"] == "Price\nTime"
	quotation.status = "Open"
	(deal,) = desk.deals().values()
	assert (deal.values["stage"], deal.values["lost_reasons"]) == ("Quoted", None)


def test_only_cancelled_vouchers_make_a_cancelled_deal():
	desk = Desk()
	desk.add("Quotation", "Q", rows=[(1, [])], docstatus=2, status="Cancelled")
	(deal,) = desk.deals().values()
	assert (deal.values["status"], deal.values["furthest_stage"]) == ("Cancelled", None)


def test_a_deal_whose_root_was_deleted_is_no_choice():
	desk = Desk()
	desk.graph.deals = {"D": StoredDeal("D", ("Opportunity", "deleted"))}
	order = desk.add("Sales Order", "S", rows=[(1, [])], deal="D")
	assert set(desk.deals()) == {order.ref}


def test_the_history_of_a_new_deal_never_goes_back():
	desk = Desk()
	invoiced_order(desk)
	desk.add("Quotation", "Q2", rows=[(1, [])], deal="D")
	desk.graph.deals = {"D": StoredDeal("D", ("Sales Order", "S"))}
	(deal,) = desk.deals().values()
	assert [step[0] for step in deal.milestones] == ["Ordered", "Invoiced"]
