"""What is worth a call. Pure: plain data in, plain data out."""

from dataclasses import dataclass

# How much more pressing money is, by the days it is overdue: (up to so many days, weight). Older money comes in rarer.
WEIGHTS: tuple[tuple[int | None, float], ...] = ((30, 1.0), (60, 1.5), (90, 2.0), (None, 2.5))
# Each promise that was broken, wholly or partly, adds so much, up to five of them.
BROKEN_ADDS = 0.2
_MOST_BROKEN = 5

CALL, PROMISED, CONTACTED = "Call", "Promised", "Contacted"


@dataclass(frozen=True, slots=True)
class Debt:
	"""What one customer owes one company too late, in company currency.

	`ages`: overdue amounts that nobody has promised, in the order of WEIGHTS. `promised`: overdue, but in an open promise
	whose day has not passed. `broken`: promises broken or partly kept. `days_since_contact`: None without any contact.
	"""

	ages: tuple[float, ...]
	promised: float = 0.0
	broken: int = 0
	days_since_contact: int | None = None


def standing(debt: Debt, quiet_days: int) -> str:
	"""Why a customer should be called, or should be left in peace for now."""
	if sum(debt.ages) <= 0:
		return PROMISED
	if debt.days_since_contact is not None and debt.days_since_contact < quiet_days:
		return CONTACTED
	return CALL


def worth(debt: Debt, quiet_days: int) -> float:
	"""By what the list is ordered: the overdue money nobody has promised, each amount times its weight by age, a fifth
	more for each broken promise. 0 for who has promised all of it, or was contacted within `quiet_days`.
	"""
	if standing(debt, quiet_days) != CALL:
		return 0.0
	weighted = sum(amount * weight for amount, (_days, weight) in zip(debt.ages, WEIGHTS, strict=True))
	return weighted * (1 + BROKEN_ADDS * min(debt.broken, _MOST_BROKEN))
