"""The pure rules of the reports, without a site."""

import statistics
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_ext.constants.stages import STAGES
from crm_ext.deals import report_rules as rules
from crm_ext.deals.model import Stage
from crm_ext.deals.report_rules import AgeCell, Cell, Funnel

pytestmark = pytest.mark.pure
SHIPPED = [Stage(name, sequence, kind, by) for name, sequence, kind, by, *_rest in STAGES]
NAMES = [stage.name for stage in SHIPPED if stage.kind != "Lost"]


def step(name: str) -> rules.Step:
	return next(step for step in rules.steps_from(SHIPPED) if step.stage == name)


def test_steps_go_from_the_start_to_the_end_without_lost():
	assert [s.stage for s in rules.steps_from(SHIPPED)] == NAMES
	assert [s.stage for s in rules.steps_from(SHIPPED, "Quoted")] == NAMES[4:]
	assert rules.steps_from(SHIPPED, "Lost") == []
	assert rules.steps_from(SHIPPED, "No such stage") == []


def test_steps_follow_the_sequence_not_the_order_they_come_in():
	assert [s.stage for s in rules.steps_from(list(reversed(SHIPPED)))] == NAMES


def test_a_step_is_worth_what_the_last_voucher_before_it_says():
	assert step("Contacted").amount == "expected_amount"
	assert step("Paid").amount == "paid_amount"
	negotiation = Stage("Negotiation", 55, "Open")
	steps = rules.steps_from([*SHIPPED, negotiation], "Negotiation")
	assert (steps[0].stage, steps[0].amount, steps[0].dated) == ("Negotiation", "quoted_amount", None)


def test_days_are_counted_from_the_nearest_dated_step_since_the_start():
	assert step("Opportunity").before == ("lead_on",)
	assert step("Ordered").before == ("quoted_on", "opportunity_on", "lead_on")
	assert rules.steps_from(SHIPPED, "Quoted")[1].before == ("quoted_on",)


def test_funnel_of_three_deals():
	steps = rules.steps_from(SHIPPED, "Opportunity")
	cells = [
		Cell("Opportunity", "Open", 1, {"expected_amount": 100.0}),
		Cell("Quoted", "Lost", 1, {"expected_amount": 200.0, "quoted_amount": 150.0}),
		Cell("Paid", "Won", 1, {"expected_amount": 300.0, "quoted_amount": 310.0, "paid_amount": 320.0}),
	]
	rows = {row["stage"]: row for row in rules.funnel_rows(steps, Funnel(cells))}
	assert [row["deals"] for row in rows.values()] == [3, 2, 1, 1, 1, 1]
	assert (rows["Opportunity"]["from_start"], rows["Opportunity"]["from_before"]) == (100.0, None)
	assert rows["Ordered"]["from_start"] == pytest.approx(100 / 3)
	assert rows["Ordered"]["from_before"] == 50.0
	assert [row["value"] for row in rows.values()] == [600.0, 460.0, 0, 0, 0, 320.0]
	assert [row["lost"] for row in rows.values()] == [0, 1, 0, 0, 0, 0]
	assert [row["open"] for row in rows.values()] == [1, 0, 0, 0, 0, 1]


def test_a_deal_that_fell_back_before_the_start_still_entered_it():
	steps = rules.steps_from(SHIPPED, "Ordered")
	rows = rules.funnel_rows(steps, Funnel([Cell("Quoted", "Open", 2, {}), Cell(None, "Cancelled", 1, {})]))
	assert [row["deals"] for row in rows] == [3, 0, 0, 0]
	assert (rows[0]["open"], rows[0]["lost"]) == (2, 0)
	assert rows[2]["from_before"] is None  # nothing came there, nothing could go on


CELLS = st.lists(
	st.builds(
		Cell,
		st.sampled_from([*NAMES, None, "Removed stage"]),
		st.sampled_from(["Open", "Won", "Lost", "Cancelled"]),
		st.integers(1, 1000),
		st.fixed_dictionaries(
			{"expected_amount": st.integers(0, 10**6), "paid_amount": st.integers(0, 10**6)}
		),
	),
	max_size=30,
)


@given(CELLS, st.sampled_from(NAMES))
def test_no_step_shows_more_than_one_before_it_and_nobody_is_counted_twice(cells, start):
	rows = rules.funnel_rows(rules.steps_from(SHIPPED, start), Funnel(cells))
	counts = [row["deals"] for row in rows]
	assert counts == sorted(counts, reverse=True)
	assert counts[0] == sum(cell.deals for cell in cells)
	here = [count - after for count, after in zip(counts, [*counts[1:], 0], strict=True)]
	assert all(row["lost"] + row["open"] <= stayed for row, stayed in zip(rows, here, strict=True))
	assert sum(row["lost"] for row in rows) == sum(cell.deals for cell in cells if cell.status == "Lost")


@given(st.lists(st.integers(0, 400), max_size=60))
def test_median_of_a_histogram_is_the_median_of_its_values(values):
	expected = statistics.median(values) if values else None
	assert rules.median(Counter(values)) == expected


def test_buckets():
	days = (0, 7, 8, 14, 15, 30, 31, 60, 61, 1000)
	assert [rules.bucket_of(day) for day in days] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
	assert [rules.bucket_days(bucket) for bucket in range(5)] == [
		(0, 7),
		(8, 14),
		(15, 30),
		(31, 60),
		(61, None),
	]


def test_rotting_begins_after_the_days_a_stage_allows():
	assert [rules.is_rotting(days, 14) for days in (13, 14, 15)] == [False, False, True]
	assert not rules.is_rotting(1000, 0)


@given(
	st.dictionaries(st.sampled_from(NAMES), st.integers(0, 200), min_size=1),
	st.lists(
		st.builds(
			AgeCell, st.sampled_from(NAMES), st.integers(0, 500), st.integers(1, 50), st.integers(0, 1000)
		),
		max_size=40,
	),
)
def test_ageing_loses_no_deal_and_telling_days_apart_beyond_the_cap_changes_nothing(allowed, cells):
	rows = rules.ageing_rows(allowed, cells)
	assert sum(row["deals"] for row in rows) == sum(cell.deals for cell in cells)
	assert all(sum(row["buckets"]) == row["deals"] >= row["rotting"] for row in rows)
	cap = rules.ageing_cap(allowed.values())
	capped = [AgeCell(cell.stage, min(cell.days, cap), cell.deals, cell.value) for cell in cells]
	assert rules.ageing_rows(allowed, capped) == rows
	only = rules.ageing_rows(allowed, cells, only_rotting=True)
	assert sum(row["deals"] for row in only) == sum(row["rotting"] for row in rows)
	assert all(row["deals"] == row["rotting"] for row in only)
