"""What to buy and what not, on plain data; the plan is computed a second time, day by day."""

import unittest
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_ext.supply.demand_rules import (
	BUY,
	EARLIER,
	ENOUGH,
	MAKE,
	MONTH,
	NOT_TO_BUY,
	WEEK,
	Facts,
	Flow,
	calendar,
	is_slow,
	plan,
	totals,
)
from crm_ext.supply.shortage_rules import Lot, lot_qty

pytestmark = pytest.mark.pure

TODAY = date(2026, 11, 22)
QTY = st.integers(0, 400).map(lambda quarters: quarters / 4)
DAYS = st.integers(-30, 300).map(lambda days: TODAY + timedelta(days=days))
KINDS = ("quoted", "expected", "orders", "supply", "requested")
COMING = ("supply", "requested")
EVENTS = st.lists(st.tuples(DAYS, st.sampled_from(KINDS), QTY), max_size=25)
LOTS = st.builds(
	Lot, st.sampled_from((1.0, 2.5, 12.0)), st.booleans(), st.booleans(), st.sampled_from((0.0, 5.0, 40.0))
)
FACTS = st.builds(Facts, QTY, QTY, st.integers(0, 120), st.booleans(), LOTS)
PERIODS = st.builds(calendar, st.just(TODAY), st.sampled_from((MONTH, WEEK)), st.integers(1, 8))


def flows_of(events, periods) -> dict[int, Flow]:
	flows: dict[int, Flow] = {}
	for day, kind, qty in events:
		flow = flows.setdefault(periods.number_of(day), Flow())
		setattr(flow, kind, getattr(flow, kind) + qty)
	return flows


def stock_on(day: date, facts: Facts, events) -> float:
	"""One event after the other; what should have happened happens today."""
	stock = facts.on_hand - facts.safety_stock
	for on, kind, qty in events:
		if max(on, TODAY) <= day:
			stock += qty if kind in COMING else -qty
	return stock


class TestPeriods(unittest.TestCase):
	def test_months_cross_the_year(self):
		periods = calendar(TODAY, MONTH, 3)
		self.assertEqual(
			[periods.start(n) for n in range(3)], [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]
		)
		self.assertEqual(periods.end(1), date(2026, 12, 31))
		self.assertEqual(periods.number_of(date(2027, 2, 1)), 3)
		self.assertEqual(periods.number_of(date(2027, 12, 1)), 3)

	def test_what_has_no_day_or_is_late_counts_now(self):
		periods = calendar(TODAY, WEEK, 2)
		self.assertEqual(periods.number_of(None), 0)
		self.assertEqual(periods.number_of(date(2026, 1, 1)), 0)

	def test_weeks_begin_on_monday_and_cover_the_months(self):
		periods = calendar(TODAY, WEEK, 2)
		self.assertEqual(periods.start(0), date(2026, 11, 16))
		self.assertLessEqual(periods.start(periods.count - 1), date(2026, 12, 31))
		self.assertGreaterEqual(periods.end(periods.count - 1), date(2026, 12, 31))

	@given(PERIODS, DAYS)
	def test_a_day_lies_in_its_period(self, periods, day):
		number = periods.number_of(day)
		if number < periods.count:
			self.assertLessEqual(periods.start(number), max(day, TODAY))
			self.assertGreaterEqual(periods.end(number), max(day, TODAY))
		else:
			self.assertGreater(day, periods.end(periods.count - 1))


class TestPlan(unittest.TestCase):
	@given(FACTS, EVENTS, PERIODS)
	def test_projected_stock_is_what_the_days_come_to(self, facts, events, periods):
		for step in plan(facts, flows_of(events, periods), periods).steps:
			self.assertAlmostEqual(step.projected, stock_on(periods.end(step.number), facts, events))

	@given(FACTS, EVENTS, PERIODS)
	def test_what_is_bought_leaves_no_reachable_period_below_the_safety_stock(self, facts, events, periods):
		found = plan(facts, flows_of(events, periods), periods)
		arrives = TODAY + timedelta(days=facts.lead_days)
		bought = 0.0
		for step in found.steps:
			bought += step.buy
			if periods.end(step.number) >= arrives or step.number == periods.count - 1:
				self.assertGreaterEqual(step.projected + bought, -1e-5)

	@given(FACTS, EVENTS, PERIODS)
	def test_nothing_is_bought_that_is_not_missing(self, facts, events, periods):
		facts = Facts(facts.on_hand, facts.safety_stock, facts.lead_days)
		found = plan(facts, flows_of(events, periods), periods)
		self.assertLessEqual(found.buy, max(0.0, -found.lowest) + 1e-5)

	@given(FACTS, EVENTS, PERIODS)
	def test_without_pipeline_it_is_bought_for_orders_only(self, facts, events, periods):
		firm = [event for event in events if event[1] not in ("quoted", "expected")]
		nothing = [(day, kind, 0.0 if kind in ("quoted", "expected") else qty) for day, kind, qty in events]
		self.assertEqual(
			plan(facts, flows_of(firm, periods), periods).buy,
			plan(facts, flows_of(nothing, periods), periods).buy,
		)
		plain = Facts(facts.on_hand, facts.safety_stock, facts.lead_days)
		bought = plan(plain, flows_of(firm, periods), periods).buy
		ordered = sum(qty for _day, kind, qty in firm if kind == "orders")
		self.assertLessEqual(bought, max(0.0, ordered + facts.safety_stock - facts.on_hand) + 1e-5)

	@given(FACTS, EVENTS, PERIODS)
	def test_surplus_is_what_is_left_when_all_is_said(self, facts, events, periods):
		found = plan(facts, flows_of(events, periods), periods)
		left = stock_on(TODAY + timedelta(days=400), facts, events)
		if found.advice == NOT_TO_BUY:
			self.assertAlmostEqual(found.surplus, left)
		self.assertFalse(found.surplus and found.buy)
		self.assertLessEqual(found.too_much, found.surplus)
		self.assertLessEqual(
			found.too_much, sum(qty for _day, kind, qty in events if kind == "supply") + 1e-9
		)

	@given(FACTS, EVENTS, PERIODS)
	def test_ordered_in_time_or_called_late(self, facts, events, periods):
		found = plan(facts, flows_of(events, periods), periods)
		for step in found.steps:
			if step.buy:
				self.assertGreaterEqual(step.order_on, TODAY)
				in_time = step.order_on + timedelta(days=facts.lead_days) <= step.needed_on
				self.assertTrue(in_time or found.late)

	def month(self, facts: Facts, **flows) -> tuple:
		periods = calendar(TODAY, MONTH, 4)
		return plan(facts, {int(key[1:]): flow for key, flow in flows.items()}, periods)

	def test_bought_when_it_is_needed_and_ordered_before(self):
		found = self.month(
			Facts(10, 0, 20, lot=Lot(12, True, True)), p0=Flow(orders=8), p2=Flow(quoted=6, expected=1.5)
		)
		self.assertEqual([step.buy for step in found.steps], [0, 0, 12, 0])
		self.assertEqual(found.steps[2].needed_on, date(2027, 1, 1))
		self.assertEqual(found.order_on, date(2026, 12, 12))
		self.assertEqual((found.advice, found.late, found.surplus), (BUY, False, 0))

	def test_made_instead_of_bought(self):
		self.assertEqual(self.month(Facts(is_made=True), p1=Flow(orders=3)).advice, MAKE)

	def test_what_comes_later_anyway_is_asked_for_earlier_and_not_bought_twice(self):
		found = self.month(Facts(lead_days=45), p0=Flow(orders=5), p1=Flow(supply=5))
		self.assertEqual((found.buy, found.advice), (0, EARLIER))
		self.assertEqual(found.lowest, -5)

	def test_what_is_missing_for_good_is_bought_as_soon_as_it_can_come(self):
		found = self.month(Facts(lead_days=45), p0=Flow(orders=5))
		self.assertEqual([step.buy for step in found.steps], [0, 0, 5, 0])
		self.assertTrue(found.late)
		self.assertEqual(found.order_on, TODAY)

	def test_a_lead_time_beyond_the_report_still_buys(self):
		found = self.month(Facts(lead_days=900), p1=Flow(orders=5))
		self.assertEqual([step.buy for step in found.steps], [0, 0, 0, 5])

	def test_more_on_order_than_anybody_wants(self):
		found = self.month(Facts(10), p0=Flow(orders=6, quoted=2), p1=Flow(supply=30), p4=Flow(expected=2))
		self.assertEqual((found.advice, found.surplus, found.too_much), (NOT_TO_BUY, 30, 30))
		self.assertAlmostEqual(found.cover, 40 / (8 / calendar(TODAY, MONTH, 4).months))

	def test_exactly_enough(self):
		found = self.month(Facts(5, 1), p1=Flow(orders=4))
		self.assertEqual((found.advice, found.surplus), (ENOUGH, 0))

	def test_no_cover_without_demand(self):
		self.assertIsNone(self.month(Facts(5)).cover)

	def test_totals_are_weighed_by_cost(self):
		periods = calendar(TODAY, MONTH, 1)
		plans = [(plan(Facts(), {0: Flow(orders=2, supply=1)}, periods), cost) for cost in (10.0, 0.5)]
		(total,) = totals(plans, 1)
		self.assertEqual((total.orders, total.supply, total.quoted), (21, 10.5, 0))


class TestLot(unittest.TestCase):
	@given(QTY, LOTS)
	def test_covers_what_is_short(self, short, lot):
		qty = lot_qty(short, lot)
		self.assertGreaterEqual(qty, short - 1e-5)
		self.assertEqual(qty == 0, short == 0)

	def test_units_and_minimum(self):
		self.assertEqual(lot_qty(13, Lot(12, True)), 24)
		self.assertEqual(lot_qty(13, Lot(12, False)), 13)
		self.assertEqual(lot_qty(1.2, Lot(whole_stock=True)), 2)
		self.assertEqual(lot_qty(1, Lot(12, True, minimum=30)), 36)
		self.assertEqual(lot_qty(0.1 + 0.2 - 0.3, Lot(12, True)), 0)


class TestSlow(unittest.TestCase):
	def test_since_it_left_or_came(self):
		self.assertTrue(is_slow(TODAY - timedelta(days=181), TODAY, TODAY, 180))
		self.assertFalse(is_slow(TODAY - timedelta(days=180), None, TODAY, 180))
		self.assertFalse(is_slow(None, TODAY - timedelta(days=10), TODAY, 180))
		self.assertTrue(is_slow(None, TODAY - timedelta(days=400), TODAY, 180))
		self.assertTrue(is_slow(None, None, TODAY, 180))
