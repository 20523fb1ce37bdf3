"""What happens in a deal, from its first day on: who takes it how far, and how it is delivered, invoiced and paid.

Pure: no database, no Frappe.
"""

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import Any

from crm_ext.setup.demo import data
from crm_ext.setup.demo.stories import Step, Story, workday


class _Diary:
	"""Writes the steps of one story, each some days after the one before."""

	def __init__(self, story: Story, rng: Random):
		self.story, self.rng = story, rng
		self.day = story.begins
		self.steps: list[Step] = []

	def add(self, action: str, least: int = 0, most: int = 0, **args: Any) -> None:
		self.day = workday(self.day + timedelta(self.rng.randint(least, most)))
		self.at(self.day, action, **args)

	def at(self, day: date, action: str, **args: Any) -> None:
		self.steps.append(Step(day, self.story.number, action, args))


def steps_of(story: Story, rng: Random) -> list[Step]:
	"""What is done for one story, from its first day to its end, also beyond today."""
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
		diary.at(workday(invoiced + timedelta(rng.randint(18, 33))), "pay", invoice=0, **_paying(rng))
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
