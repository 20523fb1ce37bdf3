"""Rules of Receipts and Days Sales Outstanding, on plain data."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_ext.receivables import dso
from crm_ext.receivables.receipts import in_cents, months_between, percent

pytestmark = pytest.mark.pure

CENT = Decimal("0.01")
amounts = st.decimals(-10_000, 10_000, places=6)


@given(
	st.dictionaries(st.sampled_from([*"abcdefgh", None]), amounts, min_size=1), st.one_of(st.none(), amounts)
)
def test_groups_add_up_to_the_whole_and_none_is_off_by_more_than_a_cent(groups, total):
	whole = sum(groups.values()) if total is None else total
	rounded = in_cents(groups, whole, 2)
	assert sum(rounded.values()) == whole.quantize(CENT)
	for key, amount in groups.items():
		if key is not None:
			assert abs(rounded[key] - amount) < CENT
			assert rounded[key] == rounded[key].quantize(CENT)


def test_what_is_whole_stays_as_it_is():
	groups = {"a": Decimal("33.33"), "b": Decimal("-5.50"), "c": Decimal("0.07")}
	assert in_cents(groups, sum(groups.values()), 2) == groups


def test_thirds_give_the_odd_cent_to_the_first():
	third = Decimal("33.333333")
	found = in_cents({"b": third, "a": third, "c": third}, Decimal("99.999999"), 2)
	assert found == {"a": Decimal("33.34"), "b": Decimal("33.33"), "c": Decimal("33.33")}


def test_what_nobody_sold_is_the_rest():
	found = in_cents({"a": Decimal("60")}, Decimal("100"), 2)
	assert found == {"a": Decimal("60"), None: Decimal("40")}


def test_months_between():
	assert months_between([202602, 202511]) == [202511, 202512, 202601, 202602]
	assert months_between([202605]) == [202605]
	assert months_between([]) == []


def test_percent():
	assert percent(30, 120) == 25
	assert percent(1, 0) is None


def test_months_end_with_the_day():
	months = dso.months_until(date(2024, 3, 10), 3)
	assert [(month.key, month.days) for month in months] == [(202401, 31), (202402, 29), (202403, 10)]
	assert [dso.is_complete(month) for month in months] == [True, True, False]


def test_classical():
	assert dso.classical(500, 1000, 30) == 15
	assert dso.classical(-20, 1000, 30) == 0
	assert dso.classical(500, 0, 30) is None


def test_countback_takes_whole_months_from_the_newest():
	# 100 of the newest 30 days and half of the 200 before.
	assert dso.countback(200, [(100, 30), (200, 31), (500, 28)]) == 30 + 15.5
	assert dso.countback(50, [(100, 30)]) == 15
	assert dso.countback(0, [(100, 30)]) == 0
	assert dso.countback(300, [(100, 30), (150, 31)]) is None
	# Credit notes of the newest month have to be filled as well.
	assert dso.countback(80, [(-20, 30), (200, 31)]) == 30 + 15.5


monthly = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 4000)), min_size=40, max_size=40)


@given(monthly, st.integers(0, 3000), st.sampled_from([1, 3, 12]))
def test_line_day_by_day(sold_and_paid, opening, window):
	"""Against receivables that are walked back day by day, each month's sales spread over its days."""
	months = dso.months_until(date(2026, 11, 22), 40)
	sales = {month.key: sold for month, (sold, _paid) in zip(months, sold_and_paid, strict=True)}
	changes = {month.key: sold - paid for month, (sold, paid) in zip(months, sold_and_paid, strict=True)}
	line = dso.line(months, opening, changes, sales, window, 12)
	assert [point.month for point in line] == months[-12:]
	for point in line:
		at = months.index(point.month)
		receivables = opening + sum(changes[month.key] for month in months[: at + 1])
		assert point.receivables == receivables
		part = months[at - window + 1 : at + 1]
		assert point.days == (part[-1].last - part[0].first).days + 1
		total = sum(sales[month.key] for month in part)
		assert point.sales == total
		if receivables <= 0:
			assert point.classical == point.countback == 0
			continue
		assert (point.classical is None) == (not total)
		if total:
			assert point.classical * total == pytest.approx(receivables * point.days)
		rest, days = receivables, 0.0
		for month in reversed(months[at - dso.HISTORY + 1 : at + 1]):
			for _day in range(month.days):
				daily = sales[month.key] / month.days
				if rest > 1e-6:
					days += min(1.0, rest / daily) if daily else 1.0
					rest -= daily
		if rest > 1e-6:
			assert point.countback is None
		else:
			assert point.countback == pytest.approx(days, abs=1e-3)
