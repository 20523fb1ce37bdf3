"""What can be promised, found by walking through the calendar day by day; for tests to compare with."""

from datetime import date, timedelta

from crm_ext.supply.model import Availability, Demand, ItemFacts, Need, Reservation, Supply, World
from crm_ext.supply.positions import Terms

# Longer than anything tests can reach: supply, two lead times.
HORIZON = 70


class Simulation:
	"""The contract, by walking through the days; nothing of the engine's is used but its plain data."""

	def __init__(self, world: World, terms: Terms, needs: list[Need]):
		self.world, self.terms = world, terms
		self.waiting = {need.order_item for need in needs if need.order_item}
		self.rows = self.waiting.copy()
		self.taken: list[tuple[frozenset, Need]] = []
		self.today = terms.today

	def day(self, offset: int) -> date:
		return self.today + timedelta(days=offset)

	def supplies(self, item: str, pool: frozenset, without=lambda supply: False) -> list[Supply]:
		return [
			supply
			for supply in self.world.supplies
			if supply.item_code == item and supply.warehouse in pool and not without(supply)
		]

	def balance(self, item: str, pool: frozenset, own: Demand | None, on: date, supplies: list) -> float:
		"""What is left at the end of a day, of all that is to come and to go until then."""

		def here(rows: list) -> list:
			return [row for row in rows if row.item_code == item and row.warehouse in pool]

		left = sum(row.qty for row in here(self.world.stock))
		left -= sum(row.qty for row in here(self.world.committed))
		left += sum(supply.qty for supply in supplies if max(supply.on, self.today) <= on)
		held = self.held(here(self.world.reservations))
		left -= sum(qty for row, qty in held.items() if not self.is_out(row, own))
		for demand in here(self.world.demands):
			before = own is None or demand.rank < own.rank
			if demand.order_item not in self.rows and before and max(demand.on, self.today) <= on:
				left -= demand.qty - min(demand.qty, held.get(demand.order_item, 0))
		for taken_pool, need in self.taken:
			if need.item_code == item and taken_pool & pool:
				# What is reserved is gone today, the rest on the day it is needed.
				due = max(need.needed_on or self.today, self.today) <= on
				left -= need.qty if due else min(need.qty, held.get(need.order_item, 0))
		return left

	def held(self, reservations: list[Reservation]) -> dict[str, float]:
		result: dict[str, float] = {}
		for row in reservations:
			result[row.order_item] = result.get(row.order_item, 0) + row.qty
		return result

	def is_out(self, order_item: str, own: Demand | None) -> bool:
		"""Whether a reservation does not count: the asker's own, or of a row served before with all it wants."""
		if own is not None and order_item == own.order_item:
			return True
		return order_item in self.rows and order_item not in self.waiting

	def promisable(self, item: str, pool: frozenset, own: Demand | None, supplies: list) -> list[float]:
		"""By days from today on."""
		facts = self.world.items[item]
		safety = facts.safety_stock if self.terms.keep_safety_stock else 0
		balances = [
			self.balance(item, pool, own, self.day(offset), supplies) - safety for offset in range(HORIZON)
		]
		return [min(balances[offset:]) for offset in range(HORIZON)]

	def serve(self, need: Need, raw: bool = False) -> dict:
		item, pool = need.item_code, self.world.pools[need.warehouse]
		facts = self.world.items[item]
		own = next(
			(
				row
				for row in self.world.demands
				if need.order_item
				and row.order_item == need.order_item
				and (row.item_code, row.warehouse in pool) == (item, True)
			),
			None,
		)
		supplies = self.supplies(item, pool)
		atp = self.promisable(item, pool, own, supplies)
		result = {"available": atp[0], "overdue": False, "by": None, "on": None}
		covered = [offset for offset in range(HORIZON) if atp[offset] >= need.qty]
		if covered:
			offset = covered[0]
			there = self.promisable(item, pool, own, self.supplies(item, pool, lambda s: s.on <= self.today))
			on_time = self.promisable(item, pool, own, self.supplies(item, pool, lambda s: s.on < self.today))
			kinds = {supply.by for supply in supplies if max(supply.on, self.today) == self.day(offset)}
			result["on"] = self.day(offset)
			result["overdue"] = on_time[offset] < need.qty
			result["by"] = "Purchase" if "Purchase" in kinds else "Production"
			if offset == 0 and there[0] >= need.qty:
				result["by"] = "Stock"
		else:
			missing = need.qty - atp[-1]
			lead = self.lead(need, facts, missing, raw)
			if lead is not None:
				bought = Supply(item, min(pool), self.day(lead), missing, "Purchase")
				atp = self.promisable(item, pool, own, [*supplies, bought])
				result["on"] = self.day(next(d for d in range(lead, HORIZON) if atp[d] >= need.qty))
				result["by"] = "Lead Time"
		requested = sum(
			row.qty
			for row in self.world.requests
			if row.item_code == item and row.warehouse in pool and row.source not in pool
		)
		end = self.balance(item, pool, own, self.day(HORIZON), supplies)
		end -= facts.safety_stock if self.terms.keep_safety_stock else 0
		result["short"] = min(need.qty, max(0, need.qty - end - requested))
		self.waiting.discard(need.order_item)
		self.taken.append((pool, need))
		return result

	def lead(self, need: Need, facts: ItemFacts, missing: float, raw: bool) -> int | None:
		"""Days from today until what is bought or made now is there."""
		days = facts.lead_days or self.terms.lead_days
		if facts.disabled or not days:
			return None
		start = 0
		if facts.bom and not raw:
			for part in self.world.materials[facts.bom]:
				found = self.serve(Need("raw", part.item_code, part.per * missing, None), raw=True)
				if found["on"] is None:
					return None
				start = max(start, (found["on"] - self.today).days)
		return start + days


def figures(row: Availability) -> dict:
	"""What of the engine's answer the simulation knows."""
	return {
		"available": row.available,
		"overdue": row.overdue_supply,
		"by": row.promised_by,
		"on": row.promise_on,
		"short": row.short,
	}
