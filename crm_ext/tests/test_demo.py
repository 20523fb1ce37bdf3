"""The plan of the demo data, without a site. `make demo` does it for real."""

from collections import defaultdict
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_ext.setup.demo import data, documents, follow_ups, plan

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
