"""What happens in the demo company, day by day: a year of selling, drawn once from a fixed seed.

Pure: no database, no Frappe. The same last day gives the same plan, so that a run that was killed can go on.
Nothing happens on or after the last day: deals that begin late are still under way then, as in any company.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from random import Random

from crm_ext.setup.demo.courses import steps_of
from crm_ext.setup.demo.stories import YEAR, Step, Story, leads, repeats, second_chances, workday

SEED = 1987
# Goods are bought for as many days at once, this many days before they are needed.
BUYING_PERIOD = 91
BUYING_LEAD = 14


@dataclass
class Plan:
	stories: list[Story]
	steps: list[Step]


def make_plan(last: date) -> Plan:
	"""The year that ends the day before `last`."""
	rng = Random(SEED)
	stories = leads(last, rng)
	steps = {story.number: steps_of(story, rng) for story in stories}
	numbers = count(len(stories))
	more = [*second_chances(stories, steps, numbers, rng), *repeats(stories, steps, numbers, last, rng)]
	stories += more
	steps |= {story.number: steps_of(story, rng) for story in more}
	_join_orders(stories, steps)
	everything = [step for of_story in steps.values() for step in of_story]
	everything += _purchases(stories, everything, last)
	# Within a day in the order written: a story's own steps are never swapped.
	everything = sorted((step for step in everything if step.day < last), key=lambda step: step.day)
	return Plan(stories, everything)


def _join_orders(stories: list[Story], steps: dict[int, list[Step]]) -> None:
	"""The story ordered together with another one's is quoted before that order, which names it."""
	for story in stories:
		if story.outcome == "ordered with another":
			first = steps[story.lead_of]
			order = next(step for step in first if step.action == "order")
			order.args["together_with"] = story.number
			quoted = max(step.day for step in steps[story.number])
			# Everything of the first story from the order on waits for the second quotation.
			wait = max(timedelta(0), quoted + timedelta(1) - order.day)
			start = first.index(order)
			first[start:] = [
				Step(workday(step.day + wait), step.story, step.action, step.args) for step in first[start:]
			]


def _purchases(stories: list[Story], steps: list[Step], last: date) -> list[Step]:
	"""Enough goods, bought ahead of each quarter for what is delivered in it."""
	needed: dict[tuple[bool, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
	first = last - timedelta(YEAR)
	by_number = {story.number: story for story in stories}
	for step in steps:
		if step.action != "order" or step.day >= last:
			continue
		story = by_number[step.story]
		ordered = [*story.items]
		if "together_with" in step.args:
			ordered += by_number[step.args["together_with"]].items
		for code, quantity in ordered:
			needed[(story.second_company, (step.day - first).days // BUYING_PERIOD)][code] += quantity
	bought = []
	for number, ((second_company, period), goods) in enumerate(sorted(needed.items())):
		day = workday(first + timedelta(period * BUYING_PERIOD - BUYING_LEAD))
		args = {"purchase": number, "second_company": second_company}
		# A tenth more than was ordered, in whole dozens.
		items = {code: 12 * math.ceil(quantity * 1.1 / 12) for code, quantity in sorted(goods.items())}
		bought += [
			Step(day, -1 - number, "purchase", {**args, "items": items}),
			Step(workday(day + timedelta(6)), -1 - number, "receive", args),
			Step(workday(day + timedelta(8)), -1 - number, "bill", args),
		]
	return bought
