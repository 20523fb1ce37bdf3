"""What happens in the demo company, day by day: a year of selling, drawn once from a fixed seed.

Pure: no database, no Frappe. The same last day gives the same plan, so that a run that was killed can go on.
Nothing happens on or after the last day: deals that begin late are still under way then, as in any company.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from random import Random
from typing import Any

from crm_ext.setup.demo import data

SEED = 1987
YEAR = 365
# Goods are bought for as many days at once, this many days before they are needed.
BUYING_PERIOD = 91
BUYING_LEAD = 14

# How leads end, and how many do.
OUTCOMES = {
	"untouched": 16,
	"unsuitable": 17,
	"contacted": 19,
	"qualified": 15,
	"opportunity open": 6,
	"opportunity lost": 12,
	"quotation open": 9,
	"quotation lost": 12,
	"won": 39,
}
# How the won ones are delivered, invoiced and paid; what is not named here is plain.
WAYS = (
	*["two deliveries"] * 4,
	*["late payer"] * 4,
	*["never paid"] * 4,
	*["part paid"] * 2,
	*["not delivered"] * 2,
	*["not invoiced"] * 2,
	*["under way"] * 4,
	"deposit taken over",
	"deposit reconciled",
	"journal entry",
	"returned unpaid",
	"returned refunded",
	"order amended",
	"quotation amended",
	"one order for two",
)
# When the ways begin that are to be seen whole, or halfway; days ago. The others begin any time.
_BEGIN = {
	**dict.fromkeys(WAYS, (190, 330)),
	"never paid": (80, 250),
	"not delivered": (50, 160),
	"not invoiced": (70, 110),
	"two deliveries": (40, 330),
	"under way": (28, 62),
}
# When what is still open began, unless nobody looks after it; days ago.
_OPEN = {
	"untouched": (1, 16),
	"contacted": (4, 22),
	"qualified": (12, 34),
	"opportunity open": (20, 55),
	"quotation open": (25, 65),
}
_NEGLECTED = (66, 260)
# How the deals of those who are customers already end. No lead: they begin with an opportunity, or later.
REPEATS = (*["won"] * 7, *["quotation lost"] * 3, *["opportunity open"] * 2, "quotation open", *["order"] * 2)
# Leads in the other currency, and leads of the other company, by outcome.
_FOREIGN = {"won": 4, "quotation lost": 1, "quotation open": 1, "qualified": 1}
_SECOND_COMPANY = {"won": 3, "quotation open": 2, "opportunity lost": 1, "contacted": 2, "untouched": 1}


@dataclass(frozen=True)
class Step:
	"""One thing somebody does. `story` is the number of the story it belongs to."""

	day: date
	story: int
	action: str
	args: dict[str, Any] = field(default_factory=dict)


@dataclass
class Lead:
	first_name: str
	last_name: str
	company_name: str
	email: str
	source: str
	campaign: str | None
	industry: str
	territory: str
	employees: str
	contacted_note: str


@dataclass
class Story:
	"""One deal. `begins` is its first day; `customer_of` and `lead_of` name the story whose party it shares."""

	number: int
	outcome: str
	begins: date
	seller: int
	items: tuple[tuple[str, int], ...]
	way: str = "plain"
	lead: Lead | None = None
	lead_of: int | None = None
	customer_of: int | None = None
	customer: str | None = None
	foreign: bool = False
	second_company: bool = False
	helper: int | None = None


@dataclass
class Plan:
	stories: list[Story]
	steps: list[Step]


def make_plan(last: date) -> Plan:
	"""The year that ends the day before `last`."""
	rng = Random(SEED)
	stories = _leads(last, rng)
	steps = {story.number: _steps(story, rng) for story in stories}
	numbers = count(len(stories))
	more = [*_second_chances(stories, steps, numbers, rng), *_repeats(stories, steps, numbers, last, rng)]
	stories += more
	steps |= {story.number: _steps(story, rng) for story in more}
	_join_orders(stories, steps)
	everything = [step for of_story in steps.values() for step in of_story]
	everything += _purchases(stories, everything, last)
	# Within a day in the order written: a story's own steps are never swapped.
	everything = sorted((step for step in everything if step.day < last), key=lambda step: step.day)
	return Plan(stories, everything)


# Who


def _leads(last: date, rng: Random) -> list[Story]:
	outcomes = [outcome for outcome, number in OUTCOMES.items() for _one in range(number)]
	ways = [*WAYS, *["plain"] * (OUTCOMES["won"] - len(WAYS))]
	foreign, second = dict(_FOREIGN), dict(_SECOND_COMPANY)
	names = _company_names(len(outcomes), rng)
	stories = []
	for number, outcome in enumerate(outcomes):
		way = ways.pop() if outcome == "won" else "plain"
		story = Story(
			number,
			outcome,
			_begin(outcome, way, last, rng),
			rng.randrange(len(data.SALES)),
			_items(rng),
			way,
			helper=rng.randrange(len(data.SALES)) if rng.random() < 0.15 else None,
		)
		if way in ("plain", "late payer"):
			story.foreign = _take(foreign, outcome)
		if way == "plain" and not story.foreign:
			story.second_company = _take(second, outcome)
		story.lead = _lead(story, names[number], rng)
		stories.append(story)
	return stories


def _take(left: dict[str, int], outcome: str) -> bool:
	if not left.get(outcome):
		return False
	left[outcome] -= 1
	return True


def _begin(outcome: str, way: str, last: date, rng: Random) -> date:
	"""Open deals began lately, but for those nobody looks after; the others any time."""
	if way in _BEGIN:
		ago = rng.randint(*_BEGIN[way])
	elif outcome in _OPEN:
		ago = rng.randint(*(_OPEN[outcome] if rng.random() < 0.65 else _NEGLECTED))
	else:
		ago = rng.randint(1, YEAR - 1)
	return _workday(last - timedelta(ago))


def _items(rng: Random) -> tuple[tuple[str, int], ...]:
	codes = rng.sample(sorted(data.GOODS), rng.choice((1, 2, 2, 3)))
	return tuple((code, rng.randint(data.GOODS[code].least, data.GOODS[code].most)) for code in codes)


def _company_names(number: int, rng: Random) -> list[tuple[str, str]]:
	"""(industry, name without legal form), none twice."""
	every = [
		(industry, f"{name} {activity}")
		for name in data.COMPANY_NAMES
		for industry, activities in data.INDUSTRIES.items()
		for activity in activities
	]
	return rng.sample(every, number)


def _lead(story: Story, name: tuple[str, str], rng: Random) -> Lead:
	industry, company = name
	source = rng.choices(list(data.SOURCES), weights=list(data.SOURCES.values()))[0]
	campaign = data.CAMPAIGNS[(story.begins.month - 1) // 3] if source in data.CAMPAIGN_SOURCES else None
	first, last_name = rng.choice(data.FIRST_NAMES), rng.choice(data.LAST_NAMES)
	legal_form = data.LEGAL_FORM_ABROAD if story.foreign else rng.choice(data.LEGAL_FORMS)
	return Lead(
		first,
		last_name,
		f"{company} {legal_form}",
		f"{first}.{last_name}@{company.replace(' ', '-')}.example".lower(),
		source,
		campaign,
		industry,
		data.ABROAD
		if story.foreign
		else data.HOME[(story.seller + rng.choice((0, 0, 0, 1))) % len(data.HOME)],
		rng.choice(("1-10", "11-50", "51-200", "201-500")),
		rng.choice(data.NOTES),
	)


def _second_chances(
	stories: list[Story], steps: dict[int, list[Step]], numbers: Iterator[int], rng: Random
) -> Iterator[Story]:
	"""Another opportunity with a lead that has one: two by themselves, one that is ordered with the first."""
	joint = next(s for s in stories if s.way == "one order for two")
	others = [s for s in stories if s.outcome == "quotation lost" and not s.foreign and not s.second_company]
	for first, outcome in (
		(joint, "ordered with another"),
		(others[0], "quotation open"),
		(others[1], "opportunity open"),
	):
		day = next(step.day for step in steps[first.number] if step.action == "opportunity")
		begins = _workday(day + timedelta(2))
		yield Story(next(numbers), outcome, begins, first.seller, _items(rng), lead_of=first.number)


def _repeats(
	stories: list[Story], steps: dict[int, list[Step]], numbers: Iterator[int], last: date, rng: Random
) -> Iterator[Story]:
	"""Deals with customers: those of ERPNext's demo, and those won before."""
	won = [
		(story, step.day)
		for story in stories
		for step in steps[story.number]
		if step.action == "order" and not story.foreign and step.day < last - timedelta(60)
	]
	for index, outcome in enumerate(REPEATS):
		if index % 4 == 0:
			known, day = None, last - timedelta(YEAR - 40)
		else:
			known, day = rng.choice(won)
		# What is open began lately.
		earliest = (
			max(day + timedelta(14), last - timedelta(60)) if "open" in outcome else day + timedelta(14)
		)
		yield Story(
			next(numbers),
			outcome,
			_workday(earliest + timedelta(rng.randrange(max(1, (last - earliest).days - 2)))),
			known.seller if known else rng.randrange(len(data.SALES)),
			_items(rng),
			customer_of=known.number if known else None,
			customer=None if known else data.ERPNEXT_CUSTOMERS[index // 4 % len(data.ERPNEXT_CUSTOMERS)],
			second_company=known.second_company if known else False,
		)


# What happens


class _Diary:
	"""Writes the steps of one story, each some days after the one before."""

	def __init__(self, story: Story, rng: Random):
		self.story, self.rng = story, rng
		self.day = story.begins
		self.steps: list[Step] = []

	def add(self, action: str, least: int = 0, most: int = 0, **args: Any) -> None:
		self.day = _workday(self.day + timedelta(self.rng.randint(least, most)))
		self.at(self.day, action, **args)

	def at(self, day: date, action: str, **args: Any) -> None:
		self.steps.append(Step(day, self.story.number, action, args))


def _steps(story: Story, rng: Random) -> list[Step]:
	diary = _Diary(story, rng)
	if story.lead and not _until_qualified(diary):
		return diary.steps
	if story.outcome != "order" and not _until_quoted(diary):
		return diary.steps
	_order(diary)
	return diary.steps


def _until_qualified(diary: _Diary) -> bool:
	"""From entering the lead on. False where the story ends before an opportunity."""
	outcome = diary.story.outcome
	diary.add("lead")
	if outcome == "untouched":
		return False
	if outcome != "unsuitable" or diary.rng.random() < 0.6:
		diary.add("contact", 1, 6)
	if outcome == "unsuitable":
		diary.add("drop_lead", 3, 25)
	if outcome in ("unsuitable", "contacted"):
		return False
	diary.add("qualify", 2, 12)
	return outcome != "qualified"


def _until_quoted(diary: _Diary) -> bool:
	"""From the opportunity on. False where the story ends before an order."""
	outcome, rng = diary.story.outcome, diary.rng
	diary.add("opportunity", 1, 10, sales_stage=rng.choice(data.SALES_STAGES), close_in=rng.randint(20, 90))
	if outcome == "opportunity lost":
		diary.add(
			"lose_opportunity", 10, 45, reason=rng.choice(data.LOST_REASONS), competitor=_competitor(rng)
		)
	if outcome.startswith("opportunity"):
		return False
	diary.add("quote", 3, 14, discount=rng.choice((0, 0, 0, 3, 5, 8)))
	if diary.story.way == "quotation amended":
		diary.add("amend_quotation", 2, 6, discount=10)
	if outcome == "quotation lost":
		diary.add("lose_quotation", 8, 35, reason=rng.choice(data.LOST_REASONS), competitor=_competitor(rng))
	return outcome in ("won", "order")


def _competitor(rng: Random) -> str | None:
	return rng.choice(data.COMPETITORS) if rng.random() < 0.6 else None


def _order(diary: _Diary) -> None:
	way, rng = diary.story.way, diary.rng
	diary.add("order", 4, 24, deliver_in=rng.randint(7, 21))
	if way == "order amended":
		diary.add("amend_order", 2, 4, factor=0.75)
	if way.startswith("deposit"):
		diary.add("deposit", 2, 6, part=0.3)
	if way == "not delivered":
		return
	diary.add("deliver", 5, 18, part=0.5 if way == "two deliveries" else 1.0)
	if way == "not invoiced":
		return
	diary.add("invoice", 0, 3, advances=way == "deposit taken over")
	invoiced = diary.day
	if way == "two deliveries":
		diary.add("deliver", 8, 20, part=1.0)
		diary.add("invoice", 0, 3)
		diary.at(_workday(invoiced + timedelta(rng.randint(18, 33))), "pay", invoice=0, **_paying(rng))
	_PAYING.get(way, _pays_in_time)(diary)
	# Each wrote from its own day on; a story is told in the order of its days.
	diary.steps.sort(key=lambda step: step.day)


def _paying(rng: Random, part: float = 1.0) -> dict[str, Any]:
	return {"part": part, "mode": rng.choice(data.MODES_OF_PAYMENT)}


def _pays_in_time(diary: _Diary) -> None:
	diary.add("pay", 8, 32, **_paying(diary.rng))


def _pays_late(diary: _Diary) -> None:
	diary.add("pay", 45, 85, **_paying(diary.rng))


def _pays_a_part(diary: _Diary) -> None:
	diary.add("pay", 20, 35, **_paying(diary.rng, 0.4))


def _pays_after_deposit(diary: _Diary) -> None:
	if diary.story.way == "deposit reconciled":
		diary.add("reconcile", 10, 15)
	_pays_in_time(diary)


def _pays_by_journal(diary: _Diary) -> None:
	diary.add("receive_by_journal", 15, 30)


def _returns_unpaid(diary: _Diary) -> None:
	diary.add("return_goods", 6, 12, part=0.4)
	diary.add("credit", 1, 3)


def _returns_and_is_refunded(diary: _Diary) -> None:
	_pays_in_time(diary)
	diary.add("return_goods", 5, 10, part=0.4)
	diary.add("credit", 1, 3)
	diary.add("refund", 4, 9)


_PAYING: dict[str, Callable[[_Diary], None]] = {
	"late payer": _pays_late,
	"part paid": _pays_a_part,
	"never paid": lambda diary: None,
	"deposit taken over": _pays_after_deposit,
	"deposit reconciled": _pays_after_deposit,
	"journal entry": _pays_by_journal,
	"returned unpaid": _returns_unpaid,
	"returned refunded": _returns_and_is_refunded,
}


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
				Step(_workday(step.day + wait), step.story, step.action, step.args) for step in first[start:]
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
		day = _workday(first + timedelta(period * BUYING_PERIOD - BUYING_LEAD))
		args = {"purchase": number, "second_company": second_company}
		# A tenth more than was ordered, in whole dozens.
		items = {code: 12 * math.ceil(quantity * 1.1 / 12) for code, quantity in sorted(goods.items())}
		bought += [
			Step(day, -1 - number, "purchase", {**args, "items": items}),
			Step(_workday(day + timedelta(6)), -1 - number, "receive", args),
			Step(_workday(day + timedelta(8)), -1 - number, "bill", args),
		]
	return bought


def _workday(day: date) -> date:
	return day + timedelta(max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)
