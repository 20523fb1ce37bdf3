"""What Deal Funnel and Deal Aging make of grouped figures. Pure functions over plain data; no database, no Frappe."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from crm_ext.deals.figures import MILESTONES
from crm_ext.deals.model import Stage

# Upper ends of the ageing buckets, in days; what is longer in its stage falls into the last one.
BUCKETS = (7, 14, 30, 60)


@dataclass(frozen=True, slots=True)
class Step:
	"""One stage of a funnel: the Deal columns that tell when it was reached and what it is worth there."""

	stage: str
	kind: str
	dated: str | None  # None: reached by the stage map only, its date is in the log of stage changes
	amount: str
	# Dates of the steps before, nearest first; the first one a deal has is where its days are counted from.
	before: tuple[str, ...] = ()


@dataclass(slots=True)
class Cell:
	"""Deals of one group that came equally far and have the same status."""

	furthest: str | None
	status: str
	deals: int
	amounts: Mapping[str, float]


@dataclass(slots=True)
class Funnel:
	"""One group of a cohort: what came how far, and the days it took (step number -> days -> deals)."""

	cells: list[Cell] = field(default_factory=list)
	days: dict[int, Counter] = field(default_factory=lambda: defaultdict(Counter))

	@property
	def deals(self) -> int:
		return sum(cell.deals for cell in self.cells)


def steps_from(stages: Iterable[Stage], start: str | None = None) -> list[Step]:
	"""The way from stage `start` (the first by default) to the end, by sequence; stages of kind Lost are no step.

	A stage without a voucher of its own is worth what the last voucher before it says, the expected amount where
	there is none.
	"""
	steps, amount, before, started = [], "expected_amount", (), start is None
	for stage in sorted(stages, key=lambda s: s.sequence):
		if stage.kind == "Lost":
			continue
		dated, own_amount = MILESTONES.get(stage.reached_by, (None, None))
		amount = own_amount or amount
		started = started or stage.name == start
		if started:
			steps.append(Step(stage.name, stage.kind, dated, amount, before))
			before = (dated, *before) if dated else before
	return steps


def funnel_rows(steps: list[Step], funnel: Funnel) -> list[dict]:
	"""One row per step: deals that reached it, conversion in percent, median days, value, lost here, still here.

	A deal counts at every step up to the furthest it reached, so no step shows more deals than one before it. One
	whose furthest stage lies before the start, as after a return, still entered it and counts there.
	"""
	position = {step.stage: index for index, step in enumerate(steps)}
	here, lost, still = Counter(), Counter(), Counter()
	amounts: dict[int, Counter] = defaultdict(Counter)
	for cell in funnel.cells:
		index = position.get(cell.furthest, 0)
		here[index] += cell.deals
		lost[index] += cell.deals if cell.status == "Lost" else 0
		still[index] += cell.deals if cell.status in ("Open", "Won") else 0
		for column, amount in cell.amounts.items():
			amounts[index][column] += amount
	rows, start = [], funnel.deals
	for index, step in enumerate(steps):
		reached = sum(here[i] for i in range(index, len(steps)))
		rows.append(
			{
				"stage": step.stage,
				"deals": reached,
				"from_start": percent(reached, start),
				"from_before": percent(reached, rows[-1]["deals"]) if rows else None,
				"median_days": median(funnel.days.get(index, {})),
				"value": sum(amounts[i][step.amount] for i in range(index, len(steps))),
				"lost": lost[index],
				"open": still[index],
			}
		)
	return rows


def figure_filters(steps: list[Step], index: int, only: str = "deals") -> dict[str, tuple[str, list[str]]]:
	"""Filters on Deal for what a figure of step `index` counts, beside those of the cohort.

	`only`: "deals" that reached the step, or those "lost" or "open" there. Column -> (operator, values).
	"""
	later = [step.stage for step in steps[index + 1 :]]
	filters = {}
	if only == "deals":
		if index:
			filters["furthest_stage"] = ("in", [steps[index].stage, *later])
		return filters
	if index:
		filters["furthest_stage"] = ("in", [steps[index].stage])
	elif later:
		filters["furthest_stage"] = ("not in", later)
	return filters | {"status": ("in", ["Lost"] if only == "lost" else ["Open", "Won"])}


def percent(part: float, whole: float) -> float | None:
	"""None where there is nothing to compare with."""
	return 100.0 * part / whole if whole else None


def median(histogram: Mapping[int, int]) -> float | None:
	"""Exact median of values given as value -> how often; the mean of the middle two of an even number."""
	total = sum(histogram.values())
	if not total:
		return None
	lower_rank, upper_rank = (total - 1) // 2, total // 2
	lower, passed = None, 0
	for value in sorted(histogram):
		passed += histogram[value]
		if lower is None and passed > lower_rank:
			lower = value
		if passed > upper_rank:
			return (lower + value) / 2
	return None


@dataclass(slots=True)
class AgeCell:
	"""Deals of one stage that are in it for equally many days."""

	stage: str
	days: int
	deals: int
	value: float


def bucket_of(days: int) -> int:
	"""Number of the ageing bucket: 0 for up to 7 days, 4 for more than 60."""
	return next((index for index, limit in enumerate(BUCKETS) if days <= limit), len(BUCKETS))


def bucket_days(bucket: int) -> tuple[int, int | None]:
	"""Fewest and most days of a bucket; None where it has no end."""
	first = BUCKETS[bucket - 1] + 1 if bucket else 0
	return first, BUCKETS[bucket] if bucket < len(BUCKETS) else None


def is_rotting(days: int, rotting_days: int) -> bool:
	"""Longer in its stage than the stage allows; a stage with 0 allows any time."""
	return 0 < rotting_days < days


def ageing_cap(rotting_days: Iterable[int]) -> int:
	"""Days from which on deals need not be told apart: beyond the last bucket and every rotting limit."""
	return max([BUCKETS[-1], *rotting_days]) + 1


def ageing_rows(
	rotting_days: Mapping[str, int], cells: Iterable[AgeCell], only_rotting: bool = False
) -> list[dict]:
	"""One row per stage that holds deals, in the order of `rotting_days` (stage -> days it allows)."""
	rows: dict[str, dict] = {}
	for cell in cells:
		rotting = is_rotting(cell.days, rotting_days.get(cell.stage, 0))
		if only_rotting and not rotting:
			continue
		row = rows.setdefault(
			cell.stage,
			{
				"stage": cell.stage,
				"rotting_days": rotting_days.get(cell.stage, 0),
				"deals": 0,
				"buckets": [0] * (len(BUCKETS) + 1),
				"value": 0.0,
				"rotting": 0,
				"rotting_value": 0.0,
			},
		)
		row["deals"] += cell.deals
		row["buckets"][bucket_of(cell.days)] += cell.deals
		row["value"] += cell.value
		if rotting:
			row["rotting"] += cell.deals
			row["rotting_value"] += cell.value
	order = {stage: index for index, stage in enumerate(rotting_days)}
	return sorted(rows.values(), key=lambda row: order.get(row["stage"], len(order)))
