"""Which moves of which deals somebody wants to hear of. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
	"""From `amount` on, `user` is told. No company: of every one; no currency: in that of the company."""

	user: str
	amount: float
	company: str | None = None
	currency: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
	"""A deal came from one stage to another. `amount` is what it was worth then, in its company's `currency`."""

	deal: str
	from_stage: str | None
	to_stage: str
	amount: float
	company: str | None
	currency: str | None
	party_name: str | None
	moved_by: str


def who_hears(moves: Iterable[Move], limits: Iterable[Limit]) -> dict[str, list[Move]]:
	"""Moves by the users to be told of them, each once; nobody is told of what he did himself."""
	found: dict[str, dict[str, Move]] = defaultdict(dict)
	limits = list(limits)
	for move in moves:
		for limit in limits:
			if (
				move.amount >= limit.amount > 0
				and limit.company in (None, move.company)
				and limit.currency in (None, move.currency)
				and limit.user != move.moved_by
			):
				found[limit.user][move.deal] = move
	return {user: list(by_deal.values()) for user, by_deal in sorted(found.items())}
