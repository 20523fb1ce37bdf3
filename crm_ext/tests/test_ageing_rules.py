"""The pure rules of ageing, without a site."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_ext.receivables import ageing
from crm_ext.receivables.ageing import BadBuckets, Calendar, Cell, Part, Term

pytestmark = pytest.mark.pure

DAY = date(2026, 11, 18)  # a Wednesday
CALENDAR = Calendar(DAY, date(2026, 11, 22))
LIMITS = [30, 60, 90, 180]
CENTS = st.integers(-10_000_000, 10_000_000)
PERCENT = st.integers(1, 10_000).map(lambda value: value / 100)


@pytest.mark.parametrize(
	("text", "limits"),
	[
		("30, 60, 90, 180", [30, 60, 90, 180]),
		("7", [7]),
		(" 7;14 ,, 21,", [7, 14, 21]),
	],
)
def test_buckets_are_read(text, limits):
	assert ageing.parse_buckets(text) == limits


@pytest.mark.parametrize(
	("text", "culprit"),
	[
		("30, x", "x"),
		("30, 30", "30"),
		("60, 30", "30"),
		("0, 30", "0"),
		("-30", "-30"),
		("1.5", "1.5"),
		("30, ²", "²"),
		("99999", "99999"),
		("", ""),
		(None, ""),
		(",", ","),
	],
)
def test_bad_buckets_name_the_culprit(text, culprit):
	with pytest.raises(BadBuckets) as error:
		ageing.parse_buckets(text)
	assert error.value.args[0] == culprit


def test_too_many_buckets():
	with pytest.raises(BadBuckets):
		ageing.parse_buckets(", ".join(str(day) for day in range(1, ageing.MOST_BUCKETS + 2)))


@given(st.integers(-400, 400))
def test_a_day_is_in_the_bucket_whose_days_hold_it(days):
	found = ageing.bucket_of(days, LIMITS)
	holding = [
		number
		for number, (first, last) in enumerate(ageing.bucket_days(LIMITS))
		if first <= days and (last is None or days <= last)
	]
	assert holding == ([] if found is None else [found])


def test_an_item_overdue():
	cell = ageing.cell_of(100, 110, date(2026, 9, 1), date(2026, 10, 1), CALENDAR, LIMITS)
	assert (cell.buckets, cell.not_due, cell.overdue) == ([0, 100, 0, 0, 0], 0, 100)
	assert (cell.outstanding, cell.base, cell.items) == (100, 110, 1)
	assert (cell.oldest, cell.oldest_due) == (date(2026, 10, 1), date(2026, 10, 1))


def test_an_item_by_posting_date():
	calendar = Calendar(DAY, date(2026, 11, 22), by_due_date=False)
	cell = ageing.cell_of(100, 100, date(2026, 8, 1), date(2026, 12, 1), calendar, LIMITS)
	assert (cell.buckets, cell.not_due, cell.overdue) == ([0, 0, 0, 100, 0], 0, 0)
	assert (cell.oldest, cell.oldest_due) == (date(2026, 8, 1), date(2026, 12, 1))


def test_what_falls_due_today_is_in_the_first_bucket_and_not_overdue():
	cell = ageing.cell_of(100, 100, DAY, DAY, CALENDAR, LIMITS)
	assert (cell.buckets[0], cell.overdue, cell.due_today, cell.due_this_week) == (100, 0, 100, 100)


def test_what_falls_due_this_week_and_next():
	sunday = ageing.cell_of(1, 1, DAY, date(2026, 11, 22), CALENDAR, LIMITS)
	monday = ageing.cell_of(2, 2, DAY, date(2026, 11, 23), CALENDAR, LIMITS)
	after = ageing.cell_of(4, 4, DAY, date(2026, 11, 30), CALENDAR, LIMITS)
	total = Cell([0.0] * 5)
	for cell in (sunday, monday, after):
		total.add(cell)
	assert (total.due_this_week, total.due_next_week, total.not_due, total.items) == (1, 2, 7, 3)


def test_money_on_account_is_no_oldest_item_and_never_due():
	cell = ageing.cell_of(-100, -100, DAY, DAY, CALENDAR, LIMITS)
	assert (cell.oldest, cell.oldest_due, cell.due_today, cell.buckets[0]) == (None, None, 0, -100)


@given(CENTS, st.lists(PERCENT, max_size=6))
def test_parts_add_up_to_the_amount(cents, percents):
	team = ageing.team_of({f"P{number}": percent for number, percent in enumerate(percents)})
	parts = ageing.split(cents / 100, team, 2)
	assert sum(round(value * 100) for value in parts.values()) == cents
	for person, value in parts.items():
		assert abs(value - cents / 100 * team[person]) < 0.01 + 1e-6


def test_what_a_team_does_not_give_away_is_nobodys():
	assert ageing.team_of({}) == {None: 1}
	assert ageing.split(100, ageing.team_of({"A": 60, "B": 30}), 2) == {"A": 60, "B": 30, None: 10}
	assert ageing.split(10, ageing.team_of({"A": 150, "B": 50}), 2) == {"A": 7.5, "B": 2.5}
	assert None not in ageing.team_of({"A": 33.33, "B": 33.33, "C": 33.34})


def test_shares():
	assert ageing.shares([50, 30, 20]) == [(50, 50), (30, 80), (20, 100)]
	assert ageing.shares([5, -5]) == [(0, 0), (0, 0)]
	assert ageing.shares([]) == []


TERMS = (Term(date(2026, 10, 1), "first", 30, 0), Term(date(2026, 11, 1), "second", 70, 0))


def test_payments_go_to_the_earliest_term():
	assert ageing.allocate(40, 0, 0, TERMS) == [Part(date(2026, 11, 1), "second", 60)]


def test_credit_goes_where_payments_leave_off():
	assert ageing.allocate(20, 15, 0, TERMS) == [Part(date(2026, 11, 1), "second", 65)]


def test_an_advance_is_not_in_the_terms():
	terms = (Term(date(2026, 10, 1), "only", 60, 0),)
	assert ageing.allocate(40, 0, 40, terms) == [Part(date(2026, 10, 1), "only", 60)]


def test_what_is_paid_beyond_the_terms_is_a_part_of_its_own():
	assert ageing.allocate(110, 0, 0, TERMS) == [Part(None, None, -10)]
	terms = (Term(date(2026, 10, 1), "first", 30, 10), TERMS[1])
	assert ageing.allocate(10, 0, 0, terms) == [
		Part(date(2026, 10, 1), "first", 20),
		Part(date(2026, 11, 1), "second", 70),
	]
