"""Who of those that wait for goods gets what has arrived. Pure; quantities in stock units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arrived:
	"""One row of goods received or made, and the sale it was bought or made for, as far as it names one."""

	item_code: str
	warehouse: str
	qty: float
	order: str | None = None
	order_item: str | None = None
	packed_item: str | None = None
	quotation: str | None = None
	quotation_item: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
	"""One open order row, or one packed item of it. `rank`: who comes first gets first."""

	key: str
	order: str
	order_item: str
	packed_item: str | None
	item_code: str
	warehouse: str | None
	qty: float  # still to be delivered
	reserved: float  # of it held by reservations
	rank: tuple
	quotation: str | None = None
	quotation_item: str | None = None


def share_out(
	arrived: Iterable[Arrived],
	waiting: Iterable[Waiting],
	before: dict[tuple[str, str], float],
	whole_company: bool = False,
) -> dict[str, float]:
	"""What each of the waiting gets, by key; those that get nothing are left out.

	Goods bought for somebody go there first. The rest goes to rows that were short, in their rank: what was in stock
	`before` (item, warehouse) had served the first of them already.
	"""
	ranked = sorted(waiting, key=lambda row: row.rank)
	got: dict[str, float] = defaultdict(float)
	free: dict[tuple[str, str], float] = defaultdict(float)

	def pool(item_code: str, warehouse: str | None) -> tuple[str, str]:
		return (item_code, "" if whole_company else warehouse or "")

	for row in arrived:
		rest = row.qty
		for one in ranked:
			if rest > 0 and is_for(row, one):
				part = min(rest, one.qty - got[one.key])
				got[one.key] += part
				rest -= part
		free[pool(row.item_code, row.warehouse)] += rest
	in_stock: dict[tuple[str, str], float] = defaultdict(float)
	for (item_code, warehouse), qty in before.items():
		in_stock[pool(item_code, warehouse)] += qty
	for key, rest in free.items():
		rows = [one for one in ranked if pool(one.item_code, one.warehouse) == key]
		stock = in_stock[key] - sum(min(one.reserved, one.qty) for one in rows)
		for one in rows:
			missing = max(0.0, one.qty - got[one.key] - one.reserved)
			served = min(missing, max(0.0, stock))
			stock -= served
			part = min(missing - served, rest)
			got[one.key] += part
			rest -= part
	return {key: qty for key, qty in got.items() if qty > 0.0001}


def is_for(arrived: Arrived, waiting: Waiting) -> bool:
	"""Whether goods were bought or made for this very row."""
	if arrived.item_code != waiting.item_code:
		return False
	if arrived.packed_item:
		return arrived.packed_item == waiting.packed_item
	if arrived.order_item:
		return arrived.order_item == waiting.order_item
	if arrived.order:
		return arrived.order == waiting.order
	if arrived.quotation_item:
		return arrived.quotation_item == waiting.quotation_item
	return bool(arrived.quotation) and arrived.quotation == waiting.quotation
