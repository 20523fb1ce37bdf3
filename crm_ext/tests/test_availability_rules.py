"""What can be promised, without a site: against a simulation that walks through the calendar day by day."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crm_ext.supply.availability_rules import serve
from crm_ext.supply.model import (
	Demand,
	ItemFacts,
	Need,
	Part,
	Request,
	Reservation,
	Stock,
	Supply,
	World,
)
from crm_ext.supply.positions import Terms
from crm_ext.tests.supply_simulation import Simulation, figures

pytestmark = pytest.mark.pure

TODAY = date(2026, 11, 22)
WAREHOUSES = ("W1", "W2")
POOLS = {None: frozenset(WAREHOUSES), "W1": frozenset({"W1"}), "W2": frozenset({"W2"})}
GOODS = ("A", "B", "C")
BOM = "BOM-MADE"


def day(offset: int) -> date:
	return TODAY + timedelta(days=offset)


def world(**values) -> World:
	items = {item: ItemFacts(item) for item in GOODS}
	items.update(values.pop("items", {}))
	return World(pools=POOLS, items=items, **values)


PLAIN = Terms(TODAY)


def only(need: Need, terms: Terms = PLAIN, **values):
	return serve([need], world(**values), terms)[need.key]


# -- what is drawn ----------------------------------------------------------------------------------------------

QTY = st.integers(1, 12).map(float)
GOOD = st.sampled_from(GOODS)
WAREHOUSE = st.sampled_from(WAREHOUSES)
DAY = st.integers(-6, 15).map(day)
STOCK = st.builds(Stock, GOOD, WAREHOUSE, st.integers(-3, 25).map(float))
COMMITTED = st.builds(Stock, GOOD, WAREHOUSE, st.integers(0, 4).map(float))
SUPPLY = st.builds(Supply, GOOD, WAREHOUSE, DAY, QTY, st.sampled_from(("Purchase", "Production")))
REQUEST = st.builds(Request, GOOD, WAREHOUSE, QTY, st.sampled_from((None, "W1", "W2", "W3")))
FACTS = st.builds(
	ItemFacts,
	st.just(""),
	disabled=st.sampled_from((False, False, False, True)),
	lead_days=st.integers(0, 9),
	safety_stock=st.sampled_from((0.0, 0.0, 3.0)),
)
TERMS = st.builds(Terms, st.just(TODAY), st.sampled_from((0, 5)), st.booleans())


@st.composite
def worlds(draw) -> World:
	items = {good: replace(draw(FACTS), item_code=good) for good in GOODS}
	items["M"] = replace(draw(FACTS), item_code="M", bom=BOM)
	stock = draw(st.lists(st.one_of(STOCK, st.builds(Stock, st.just("M"), WAREHOUSE, QTY)), max_size=6))
	demands = draw(st.lists(st.tuples(GOOD, WAREHOUSE, DAY, QTY, st.integers(1, 3)), max_size=8))
	rows = [
		Demand(good, where, on, qty, f"SO-{order}", f"row-{number}", (on, order, number))
		for number, (good, where, on, qty, order) in enumerate(demands)
	]
	reserved = [
		Reservation(row.item_code, row.warehouse, float(draw(st.integers(1, int(row.qty)))), row.order_item)
		for row in rows
		if draw(st.integers(0, 3)) == 0
	]
	return World(
		pools=POOLS,
		items=items,
		materials={BOM: [Part("A", 2.0), Part("C", 1.0)]},
		stock=stock,
		committed=draw(st.lists(COMMITTED, max_size=2)),
		supplies=draw(st.lists(SUPPLY, max_size=8)),
		demands=rows,
		reservations=reserved,
		requests=draw(st.lists(REQUEST, max_size=3)),
	)


@st.composite
def asked(draw) -> tuple[World, list[Need]]:
	"""A world, and some of its open rows and some new rows in a drawn order."""
	drawn = draw(worlds())
	needs = [
		Need(
			row.order_item,
			row.item_code,
			row.qty,
			draw(st.sampled_from((row.warehouse, None))),
			row.on,
			row.order_item,
		)
		for row in drawn.demands
		if draw(st.booleans())
	]
	new = draw(
		st.lists(
			st.tuples(
				st.sampled_from((*GOODS, "M")),
				QTY,
				st.sampled_from((None, *WAREHOUSES)),
				st.one_of(st.none(), DAY),
			),
			max_size=4,
		)
	)
	needs += [Need(f"new-{number}", *values) for number, values in enumerate(new)]
	return drawn, draw(st.permutations(needs))


@settings(max_examples=300, deadline=None)
@given(asked(), TERMS)
def test_every_need_equals_the_walk_through_the_days(drawn, terms):
	world, needs = drawn
	found = serve(needs, world, terms)
	simulation = Simulation(world, terms, needs)
	for need in needs:
		row, expected = found[need.key], simulation.serve(need)
		assert figures(row) == expected, need
		wanted = need.needed_on
		assert row.late == (wanted is not None and (expected["on"] is None or expected["on"] > wanted))


@settings(max_examples=200, deadline=None)
@given(worlds(), TERMS)
def test_a_row_alone_sees_what_it_gets_when_all_are_served_by_rank(world, terms):
	"""The order's own form and a report over all orders say the same."""
	ranked = sorted(world.demands, key=lambda row: row.rank)
	needs = [
		Need(row.order_item, row.item_code, row.qty, row.warehouse, row.on, row.order_item) for row in ranked
	]
	together = serve(needs, world, terms)
	for need in needs:
		assert serve([need], world, terms)[need.key] == together[need.key]


@settings(max_examples=200, deadline=None)
@given(asked(), TERMS)
def test_what_is_promised_can_be_kept(drawn, terms):
	"""Where nothing is overdrawn yet, delivering all that was promised without buying overdraws no day.

	New rows, out of one pool, so that a day's balance says who can be served.
	"""
	world, needs = drawn
	needs = [replace(need, warehouse=None) for need in needs if need.item_code != "M" and not need.order_item]
	found = serve(needs, world, terms)
	for good in GOODS:
		goes = [(max(row.on, TODAY), -row.qty) for row in world.demands if row.item_code == good] + [
			(TODAY, -row.qty) for row in world.committed if row.item_code == good
		]
		comes = [(max(row.on, TODAY), row.qty) for row in world.supplies if row.item_code == good]
		comes += [(TODAY, row.qty) for row in world.stock if row.item_code == good]
		if lowest(comes + goes) < 0:
			continue
		kept = [
			(max(row.promise_on, need.needed_on or TODAY), -need.qty)
			for need, row in ((need, found[need.key]) for need in needs if need.item_code == good)
			if row.promise_on and row.promised_by != "Lead Time"
		]
		assert lowest(comes + goes + kept) >= 0, good


def lowest(flows: list[tuple[date, float]]) -> float:
	"""The least there is at the end of a day."""
	days = {on for on, _qty in flows} | {TODAY}
	return min(sum(qty for when, qty in flows if when <= on) for on in days)


@given(st.permutations(range(6)), asked(), TERMS)
def test_the_order_of_what_was_read_does_not_matter(order, drawn, terms):
	world, needs = drawn
	assume(needs)

	def shuffled(rows: list) -> list:
		return [rows[index] for index in order if index < len(rows)] + rows[len(order) :]

	other = replace(
		world,
		stock=shuffled(world.stock),
		supplies=shuffled(world.supplies),
		demands=shuffled(world.demands),
		reservations=shuffled(world.reservations),
		requests=shuffled(world.requests),
	)
	assert serve(needs, other, terms) == serve(needs, world, terms)


# -- one thing at a time ----------------------------------------------------------------------------------------


def test_stock_is_promised_today():
	row = only(Need("n", "A", 5, "W1"), stock=[Stock("A", "W1", 5), Stock("A", "W2", 9)])
	assert (row.on_hand, row.available, row.promise_on, row.promised_by, row.short) == (
		5,
		5,
		TODAY,
		"Stock",
		0,
	)


def test_what_a_later_order_needs_is_not_promised_before_supply_makes_up_for_it():
	later = Demand("A", "W1", day(10), 8, "SO-1", "row-1", (1,))
	comes = Supply("A", "W1", day(12), 20, "Purchase")
	row = only(Need("n", "A", 5, "W1"), stock=[Stock("A", "W1", 10)], demands=[later], supplies=[comes])
	assert (row.available, row.promise_on, row.promised_by) == (2, day(12), "Purchase")


def test_a_receipt_whose_day_has_passed_counts_as_today_and_is_marked():
	row = only(Need("n", "A", 5, "W1"), supplies=[Supply("A", "W1", day(-3), 5, "Purchase")])
	assert (row.promise_on, row.promised_by, row.overdue_supply, row.short) == (TODAY, "Purchase", True, 0)


def test_safety_stock_is_kept_back_where_the_setting_says_so():
	values = {"stock": [Stock("A", "W1", 10)], "items": {"A": ItemFacts("A", safety_stock=4, lead_days=2)}}
	kept = only(Need("n", "A", 8, "W1"), **values)
	assert (kept.available, kept.short, kept.promise_on) == (6, 2, day(2))
	given_away = only(Need("n", "A", 8, "W1"), Terms(TODAY, keep_safety_stock=False), **values)
	assert (given_away.available, given_away.short, given_away.promise_on) == (10, 0, TODAY)


def test_nobody_knows_without_a_lead_time_and_nobody_buys_a_disabled_item():
	need = Need("n", "A", 8, "W1", needed_on=day(3))
	unknown = only(need)
	assert (unknown.promise_on, unknown.promised_by, unknown.short, unknown.late) == (None, None, 8, True)
	by_setting = only(need, Terms(TODAY, lead_days=3))
	assert (by_setting.promise_on, by_setting.promised_by, by_setting.late) == (day(3), "Lead Time", False)
	disabled = {"A": ItemFacts("A", disabled=True, lead_days=3)}
	assert only(need, Terms(TODAY, lead_days=3), items=disabled).promise_on is None


def test_the_shortage_of_others_is_theirs():
	"""Ninety are missing for an order: who wants five has to buy five."""
	others = Demand("A", "W1", day(1), 90, "SO-1", "row-1", (1,))
	row = only(Need("n", "A", 5, "W1"), demands=[others])
	assert (row.available, row.short) == (-90, 5)


def test_requests_cover_what_is_short_but_promise_nothing():
	requests = [Request("A", "W1", 6), Request("A", "W1", 50, source="W2")]
	items = {"A": ItemFacts("A", lead_days=4)}
	company = only(Need("n", "A", 8, None), requests=requests, items=items)
	assert (company.requested, company.short, company.promise_on) == (6, 2, day(4))
	one = only(Need("n", "A", 8, "W1"), requests=requests, items=items)
	assert (one.requested, one.short, one.promise_on) == (56, 0, day(4))


def test_an_open_row_gives_way_to_those_ranked_before_it_and_to_every_reservation():
	before = Demand("A", "W1", day(2), 3, "SO-1", "before", (1,))
	own = Demand("A", "W1", day(3), 4, "SO-2", "own", (2,))
	behind = Demand("A", "W1", day(4), 5, "SO-3", "behind", (3,))
	values = {"stock": [Stock("A", "W1", 8)], "demands": [behind, own, before]}
	need = Need("own", "A", 4, "W1", day(3), "own")
	row = only(need, **values)
	assert (row.available, row.reserved, row.promised_by) == (5, 8, "Stock")
	row = only(need, **values, reservations=[Reservation("A", "W1", 5, "behind")])
	assert (row.available, row.short) == (0, 4)
	row = only(need, **values, reservations=[Reservation("A", "W1", 4, "own")])
	assert (row.available, row.short) == (5, 0)


def test_a_bundle_is_promised_with_its_last_component():
	values = {
		"bundles": {"SET": [Part("A", 2), Part("B", 1), Part("FIT", 1)]},
		"stock": [Stock("A", "W1", 7), Stock("B", "W1", 1)],
		"supplies": [Supply("B", "W1", day(6), 5, "Purchase")],
		"items": {"SET": ItemFacts("SET", is_stock=False), "FIT": ItemFacts("FIT", is_stock=False)},
	}
	row = only(Need("n", "SET", 3, "W1", day(5)), **values)
	assert (row.kind, row.on_hand, row.available, row.short) == ("Bundle", 1, 1, 0)
	assert (row.promise_on, row.promised_by, row.late) == (day(6), "Purchase", True)
	assert [(part.item_code, part.qty, part.kind) for part in row.components] == [
		("A", 6, "Stock"),
		("B", 3, "Stock"),
		("FIT", 3, "Service"),
	]
	short = only(Need("n", "SET", 5, "W1"), **values)
	assert (short.short, short.promise_on, short.components[0].short) == (2, None, 3)


def test_two_rows_of_bundle_and_component_do_not_get_the_same_piece():
	values = {
		"bundles": {"SET": [Part("A", 2)]},
		"stock": [Stock("A", "W1", 7)],
		"items": {"SET": ItemFacts("SET", is_stock=False)},
	}
	needs = [Need("1", "SET", 2, "W1"), Need("2", "A", 4, None), Need("3", "SET", 2, "W2")]
	found = serve(needs, world(**values), Terms(TODAY))
	assert [found[key].short for key in "123"] == [0, 1, 2]


def test_an_order_row_wants_what_was_packed_for_it_not_what_the_bundle_is_now():
	values = {
		"bundles": {"SET": [Part("B", 1)]},
		"packed": {"row": [Part("A", 3, "W2"), Part("FIT", 1, "W2")]},
		"stock": [Stock("A", "W2", 6)],
		"items": {"SET": ItemFacts("SET", is_stock=False), "FIT": ItemFacts("FIT", is_stock=False)},
		"demands": [Demand("A", "W2", day(1), 6, "SO-1", "row", (1,))],
	}
	row = only(Need("row", "SET", 2, "W1", day(1), "row"), **values)
	parts = [(part.item_code, part.qty, part.on_hand, part.kind) for part in row.components]
	assert parts == [("A", 6, 6, "Stock"), ("FIT", 2, 0, "Service")]
	assert (row.short, row.reserved, row.promised_by) == (0, 0, "Stock")


def test_what_is_made_waits_for_its_latest_raw_material():
	items = {
		"M": ItemFacts("M", lead_days=3, bom=BOM),
		"A": ItemFacts("A", lead_days=10),
		"B": ItemFacts("B"),
		"OIL": ItemFacts("OIL", is_stock=False),
	}
	values = {
		"items": items,
		"materials": {BOM: [Part("A", 2), Part("B", 1), Part("OIL", 1)]},
		"stock": [Stock("A", "W2", 5), Stock("B", "W1", 1)],
		"supplies": [Supply("B", "W1", day(4), 9, "Purchase")],
	}
	row = only(Need("n", "M", 2, "W1"), **values)
	assert (row.kind, row.promise_on, row.promised_by, row.short) == ("Made", day(7), "Lead Time", 2)
	assert only(Need("n", "M", 3, "W1"), **values).promise_on == day(13)
	no_lead = {**values, "items": {**items, "A": ItemFacts("A")}}
	assert only(Need("n", "M", 3, "W1"), **no_lead).promise_on is None


def test_alternatives_are_offered_where_stock_does_not_do():
	values = {
		"stock": [Stock("A", "W1", 2), Stock("B", "W1", 4), Stock("C", "W1", 4)],
		"alternatives": {"A": ["B", "C"]},
		"items": {"C": ItemFacts("C", disabled=True)},
	}
	assert only(Need("n", "A", 3, "W1"), **values).alternatives == (("B", 4),)
	assert only(Need("n", "A", 2, "W1"), **values).alternatives == ()


def test_a_service_promises_and_lacks_nothing():
	row = only(Need("n", "FIT", 3, "W1", day(-1)), items={"FIT": ItemFacts("FIT", is_stock=False)})
	assert (row.kind, row.promise_on, row.short, row.late, row.available) == ("Service", None, 0, False, 0)


def test_a_warehouse_of_nobody_has_nothing():
	row = only(Need("n", "A", 3, "elsewhere"), stock=[Stock("A", "W1", 9)])
	assert (row.on_hand, row.short) == (0, 3)
