"""How much to buy or make of what is short. Pure functions; no database, no Frappe."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
	from crm_ext.supply.shortage_lines import Line, Source

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

	@property
	def step(self) -> float:
		"""The stock quantity of the smallest purchase; 0 where anything may be bought.

		Two units where one is 2.5 pieces and pieces are whole.
		"""
		if not self.whole_units:
			return 1.0 if self.whole_stock else 0.0
		factor = self.factor if self.factor > 0 else 1.0
		if not self.whole_stock:
			return factor
		return factor * Fraction(factor).limit_denominator(1000).denominator


def lot_qty(short: float, lot: Lot) -> float:
	"""Return what to order, in the stock unit, so that `short` is covered: never less, 0 where nothing is short."""
	if short <= NOISE:
		return 0.0
	qty = max(short, lot.minimum)
	return math.ceil((qty - NOISE) / lot.step) * lot.step if lot.step else qty


@dataclass(frozen=True, slots=True)
class Terms:
	"""How an item is bought: in which unit, in which lots, from whom, into which warehouse where the row has none."""

	stock_uom: str
	uom: str
	lot: Lot
	supplier: str | None = None
	warehouse: str | None = None
	item_name: str | None = None

	def in_stock_unit(self) -> Terms:
		"""How it is made: in stock units, without a minimum of any supplier."""
		lot = Lot(whole_units=self.lot.whole_stock, whole_stock=self.lot.whole_stock)
		return replace(self, uom=self.stock_uom, lot=lot, supplier=None)

	def as_sold(self, source: Source) -> Terms:
		"""How its supplier delivers it: in the unit of the order, as many as were sold."""
		lot = Lot(factor=source.factor)
		return replace(self, uom=source.uom or self.uom, lot=lot, supplier=source.supplier)

	def purchase_qty(self, qty: float) -> float:
		return round(qty / self.lot.factor, 9)


def split(qty: float, lot: Lot, linkable: float) -> tuple[float, float]:
	"""A quantity to order in two, all in stock units: what may name the order's row, of which `linkable` is left, and the
	rest. Both can be bought."""
	if qty <= linkable + NOISE:
		return qty, 0.0
	linked = max(0.0, linkable)
	if lot.step:
		linked = math.floor((linked + NOISE) / lot.step) * lot.step
	return linked, qty - linked


def quantities(
	lines: Sequence[Line], open_by_key: dict[str, float], terms: dict[str, Terms]
) -> dict[str, float]:
	"""The stock quantity to order for each line, by its key.

	Lines of one item are rounded together, because three rows need no three boxes: each gets what covers all lines up to
	it, less what those before it got. What a minimum adds falls to the last one.
	"""
	found, by_item = {}, defaultdict(list)
	for line in lines:
		if open_by_key[line.key] > NOISE:
			by_item[line.item_code, line.source.drop_ship].append(line)
	for same in by_item.values():
		wanted = bought = 0.0
		for number, line in enumerate(same, 1):
			lot = terms[line.key].lot
			wanted += open_by_key[line.key]
			total = lot_qty(wanted, lot if number == len(same) else replace(lot, minimum=0.0))
			found[line.key] = round(max(0.0, total - bought), 9)
			bought += found[line.key]
	return {line.key: found.get(line.key, 0.0) for line in lines}
