"""What Receipts makes of grouped figures. Pure functions over plain data; no database, no Frappe."""

from collections.abc import Hashable, Iterable, Mapping
from decimal import ROUND_FLOOR, Decimal


def percent(part: float, whole: float) -> float | None:
	"""None where there is nothing to compare with."""
	return 100.0 * part / whole if whole else None


def months_between(keys: Iterable[int]) -> list[int]:
	"""Every month (year * 100 + month) from the first to the last of some."""
	known = sorted(keys)
	if not known:
		return []
	first, last = (key // 100 * 12 + key % 100 - 1 for key in (known[0], known[-1]))
	return [number // 12 * 100 + number % 12 + 1 for number in range(first, last + 1)]


def in_cents(amounts: Mapping[Hashable, Decimal], total: Decimal, places: int) -> dict[Hashable, Decimal]:
	"""Amounts rounded so that they add up to `total` rounded: each cent once.

	Parts by contribution have fractions of a cent. Each is rounded down, and the cents left go to the largest
	fractions, the first key by name where two are the same. What `amounts` lack to the total, beyond fractions,
	belongs to nobody: the key None.
	"""
	unit = Decimal(1).scaleb(-places)
	exact = dict(amounts)
	rest = total - sum(exact.values(), Decimal(0))
	if rest:
		exact[None] = exact.get(None, Decimal(0)) + rest
	floors = {key: amount.quantize(unit, ROUND_FLOOR) for key, amount in exact.items()}
	missing = int((total.quantize(unit) - sum(floors.values(), Decimal(0))) / unit)
	order = sorted(exact, key=lambda key: (floors[key] - exact[key], str(key)))
	for key in order[:missing]:
		floors[key] += unit
	if rest and None not in amounts and not floors[None]:
		# Only the last digits of a division.
		del floors[None]
	return floors
