"""The plan of the demo data, without a site. `make demo` does it for real."""

from collections import defaultdict
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_ext.setup.demo import data, documents, follow_ups, plan
from crm_ext.workflows import limits as rules
from crm_ext.workflows.limits import Figures, Limit, Line

pytestmark = pytest.mark.pure
DAYS = st.dates(date(2024, 1, 1), date(2031, 12, 31))
# Each comes only after the one before it, in every story.
ORDER = ("lead", "contact", "qualify", "opportunity", "quote", "order", "deliver", "invoice", "pay")
RARE = {
	"amend_order",
	"amend_quotation",
	"credit",
	"deposit",
	"lose_opportunity",
	"lose_quotation",
	"receive_by_journal",
	"reconcile",
	"refund",
	"return_goods",
}


def by_story(made: plan.Plan) -> dict[int, list[plan.Step]]:
	steps = defaultdict(list)
	for step in made.steps:
		steps[step.story].append(step)
	return steps


def test_a_killed_run_finds_the_same_plan_again():
	assert plan.make_plan(date(2026, 3, 2)) == plan.make_plan(date(2026, 3, 2))


@settings(max_examples=25, deadline=None)
@given(DAYS)
def test_a_plan_is_a_year_of_working_days_before_its_last_day(last):
	made = plan.make_plan(last)
	days = [step.day for step in made.steps]
	assert days == sorted(days)
	assert last - timedelta(plan.YEAR + plan.BUYING_LEAD) <= days[0]
	assert days[-1] < last
	assert all(day.weekday() < 5 for day in days)
	assert len({story.number for story in made.stories}) == len(made.stories)


@settings(max_examples=25, deadline=None)
@given(DAYS)
def test_stories_are_told_in_order(last):
	for steps in by_story(plan.make_plan(last)).values():
		first_days = {}
		for index, step in enumerate(steps):
			first_days.setdefault(step.action, (step.day, index))
		told = [first_days[action] for action in ORDER if action in first_days]
		assert told == sorted(told)


@settings(max_examples=25, deadline=None)
@given(DAYS)
def test_the_funnel_narrows_as_a_companys_does(last):
	made = plan.make_plan(last)
	steps = by_story(made)
	with_lead = [story.number for story in made.stories if story.lead]
	reached = [sum(any(s.action == action for s in steps[n]) for n in with_lead) for action in ORDER]
	assert reached == sorted(reached, reverse=True)
	leads, paid = reached[0], reached[-1]
	assert 120 <= leads <= 150
	assert 0.12 <= paid / leads <= 0.22


@settings(max_examples=25, deadline=None)
@given(DAYS)
def test_every_kind_of_step_comes_up_and_can_be_done(last):
	made = plan.make_plan(last)
	actions = {step.action for step in made.steps}
	assert RARE | set(ORDER) <= actions <= documents.ACTIONS.keys()
	assert {story.foreign for story in made.stories} == {True, False}
	assert any("together_with" in step.args for step in made.steps)


@settings(max_examples=25, deadline=None)
@given(DAYS)
def test_goods_are_there_before_they_are_ordered(last):
	made = plan.make_plan(last)
	stories = {story.number: story for story in made.stories}
	bought = {step.story: step.args["items"] for step in made.steps if step.action == "purchase"}
	stock: dict[tuple[bool, str], int] = defaultdict(int)
	for step in made.steps:
		if step.action == "receive":
			for code, quantity in bought[step.story].items():
				stock[(step.args["second_company"], code)] += quantity
		elif step.action == "order":
			joined = step.args.get("together_with")
			for number in (step.story, *([joined] if joined is not None else [])):
				for code, quantity in stories[number].items:
					stock[(stories[step.story].second_company, code)] -= quantity
		assert min(stock.values(), default=0) >= 0
	assert set(data.GOODS) == {code for items in bought.values() for code in items}


@settings(max_examples=100, deadline=None)
@given(DAYS, st.integers(0, 300), st.booleans(), st.randoms(use_true_random=False))
def test_contacts_are_made_in_order_on_working_days_before_today(today, age, under_way, rng):
	first = today - timedelta(age)
	contacts = follow_ups.plan_of(first, today, today, under_way, rng)
	done = [contact for contact in contacts if contact.done]
	assert all(contact.done < today and contact.planned <= contact.done for contact in done)
	assert all(day.weekday() < 5 for contact in contacts for day in (contact.due, contact.done) if day)
	assert [contact.done for contact in done] == sorted(contact.done for contact in done)
	assert [contact for contact in contacts if not contact.done] == contacts[len(done) :]
	assert len(contacts) - len(done) <= under_way


def findings(document_type: str, one: data.Asked) -> list[rules.Finding]:
	share = one.discount / 100
	lines = tuple(
		Line(idx, at_list, at_list, at_list * (1 - share), data.GOODS[code].buying * quantity)
		for idx, (code, quantity) in enumerate(one.items, start=1)
		for at_list in [data.GOODS[code].selling * quantity]
	)
	figures = Figures(None, sum(line.net for line in lines), lines, share)
	limits = [
		Limit(measure, limit, role)
		for kind, measure, limit, role in data.APPROVAL_LIMITS
		if kind == document_type
	]
	return rules.find(figures, limits)


def test_what_is_asked_for_is_beyond_a_limit_the_manager_may_approve():
	asked = {
		"Opportunity": data.OPPORTUNITIES_ASKED,
		"Quotation": data.OFFERS_ASKED,
		"Sales Order": data.ORDERS_ASKED,
	}
	for document_type, documents_asked in asked.items():
		beyond = [one for one in documents_asked if findings(document_type, one)]
		# One waits, one was approved.
		assert {one.answer for one in beyond} >= {None, "Approve"}
		assert all(rules.may(findings(document_type, one), data.MANAGER.roles) for one in beyond)
		assert not any(one.answer for one in documents_asked if one not in beyond)
	within = [one for one in data.OFFERS_ASKED if not findings("Quotation", one)]
	least = min(amount for amount, _person in data.BIG_DEALS)
	# A big deal nobody had to approve: its salesperson moves it, and others are told.
	assert any(sum(data.GOODS[code].selling * n for code, n in one.items) >= least for one in within)


def test_barcodes_can_be_scanned():
	codes = [*data.BARCODES.values(), *data.BOX_BARCODES.values()]
	assert len(set(codes)) == len(codes)
	assert data.BARCODES.keys() == data.GOODS.keys()
	assert data.BOX_BARCODES.keys() == {code for code, supply in data.SUPPLY.items() if supply.box}
	for code in codes:
		digits = [int(digit) for digit in code]
		assert len(digits) == 13
		assert (sum(digits[0::2]) + 3 * sum(digits[1::2])) % 10 == 0
