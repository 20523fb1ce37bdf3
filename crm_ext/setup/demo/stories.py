"""Whose deals the demo company has, and when they begin: leads, second chances with them, and deals with customers.

Pure: no database, no Frappe.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from crm_ext.setup.demo import data

YEAR = 365
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


def leads(last: date, rng: Random) -> list[Story]:
	"""Those that begin with a lead of their own, in the order of OUTCOMES."""
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
	return workday(last - timedelta(ago))


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


def second_chances(
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
		begins = workday(day + timedelta(2))
		yield Story(next(numbers), outcome, begins, first.seller, _items(rng), lead_of=first.number)


def repeats(
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
			workday(earliest + timedelta(rng.randrange(max(1, (last - earliest).days - 2)))),
			known.seller if known else rng.randrange(len(data.SALES)),
			_items(rng),
			customer_of=known.number if known else None,
			customer=None if known else data.ERPNEXT_CUSTOMERS[index // 4 % len(data.ERPNEXT_CUSTOMERS)],
			second_company=known.second_company if known else False,
		)


def workday(day: date) -> date:
	"""The day itself, or the Monday after it."""
	return day + timedelta(max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)
