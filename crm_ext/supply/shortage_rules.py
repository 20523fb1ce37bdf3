"""How much to buy or make of what is short. Pure functions; no database, no Frappe."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Below what quantities are kept to; sums of decimals must not buy one more for their last bit.
NOISE = 1e-6


@dataclass(frozen=True, slots=True)
class Lot:
	"""In what steps an item is bought or made, in its stock unit.

	`factor`: stock units in one purchase unit; `whole_units`: the purchase unit is not divided; `whole_stock`: nor is the
	stock unit; `minimum`: the least that is ordered at once.
	"""

	factor: float = 1.0
	whole_units: bool = False
	whole_stock: bool = False
	minimum: float = 0.0


def lot_qty(short: float, lot: Lot) -> float:
	"""Return what to order, in the stock unit, so that `short` is covered: never less, 0 where nothing is short."""
	if short <= NOISE:
		return 0.0
	qty = max(short, lot.minimum)
	factor = lot.factor if lot.factor > 0 else 1.0
	if lot.whole_units:
		qty = _up(qty / factor) * factor
	if lot.whole_stock:
		qty = float(_up(qty))
	return qty


def _up(qty: float) -> int:
	return math.ceil(qty - NOISE)
