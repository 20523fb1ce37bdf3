"""Slow movers: items with value in stock that have not left for long and that nobody has in the pipeline.

The stock ledger is the source: deliveries, consumption in manufacture and subcontracting count as leaving, transfers and
reconciliations do not. Reads only, checks no permission.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import frappe
from frappe.utils import cint

from crm_ext.supply import demand_queries as queries
from crm_ext.supply import demand_sources as sources
from crm_ext.supply.demand_queries import Item
from crm_ext.supply.demand_rules import is_slow
from crm_ext.supply.demand_sources import BOTH, Ask

# An entry that uses goods up, one that brings them; the others only move them.
_CONSUMING = "('Material Issue', 'Manufacture', 'Material Consumption for Manufacture', 'Repack')"
_BRINGING = "('Material Receipt', 'Manufacture', 'Repack')"
_ENTRY = """(e.voucher_type = 'Stock Entry' AND EXISTS (
	SELECT 1 FROM `tabStock Entry` s WHERE s.name = e.voucher_no AND s.purpose IN {purposes}))"""
_LEFT = f"""e.actual_qty < 0 AND (e.voucher_type IN ('Delivery Note', 'Sales Invoice', 'POS Invoice',
	'Subcontracting Receipt') OR {_ENTRY.format(purposes=_CONSUMING)})"""
_CAME = f"""e.actual_qty > 0 AND (e.voucher_type IN ('Purchase Receipt', 'Purchase Invoice',
	'Subcontracting Receipt') OR {_ENTRY.format(purposes=_BRINGING)})"""


@dataclass(frozen=True, slots=True)
class SlowMover:
	"""`value` is in company currency; `last_out` and `last_in` None where it never happened."""

	item: Item
	on_hand: float
	value: float
	last_out: date | None
	last_in: date | None


def days() -> int:
	return cint(frappe.get_cached_doc("CRM Ext Settings").slow_mover_days)


def read(asked: Ask) -> tuple[list[SlowMover], float]:
	"""Return the slow movers, the most valuable first, and the value of all stock asked for.

	Whatever the filters say, every open quotation, opportunity and order counts as a reason to keep an item.
	"""
	items = queries.items(asked, with_disabled=True)
	stock = {name: row for name, row in queries.bins(asked).items() if name in items and row[2] > 0}
	total = sum(value for _on_hand, _held, value in stock.values())
	limit, today = days(), asked.periods.today
	wanted = _wanted(replace(asked, include=BOTH, min_probability=0.0, by_warehouse=False))
	names = sorted(set(stock) - _moved(asked, today - timedelta(days=limit)) - wanted)
	found = []
	for name, last_out, first_in, last_in in _history(asked, names):
		if is_slow(last_out, first_in, today, limit):
			on_hand, _held, value = stock[name]
			found.append(SlowMover(items[name], on_hand, value, last_out, last_in))
	return sorted(found, key=lambda one: (-one.value, one.item.name)), total


def _wanted(asked: Ask) -> set[str]:
	wanting = [*sources.pipeline(asked).values(), sources.orders(asked)]
	return {row[0] for source in wanting for row in queries.grouped(source, asked) if row[2] > 0}


def _moved(asked: Ask, since: date) -> set[str]:
	"""Items that left since a day. By the index on the posting time, so only that time is read of the ledger."""
	rows = frappe.db.sql(
		f"""SELECT DISTINCT e.item_code FROM `tabStock Ledger Entry` e
		WHERE e.posting_datetime >= %(since)s AND e.is_cancelled = 0 AND e.warehouse IN %(warehouses)s AND {_LEFT}""",
		{**asked.params, "since": since},
	)
	return {name for (name,) in rows}


def _history(asked: Ask, names: Sequence[str]) -> list[tuple]:
	"""By item: when it left last, came first, came last. By the index on the item; only for what seems slow."""
	found = {name: (name, None, None, None) for name in names}
	if names:
		rows = frappe.db.sql(
			f"""SELECT e.item_code, MAX(IF({_LEFT}, e.posting_date, NULL)), MIN(IF({_CAME}, e.posting_date, NULL)),
				MAX(IF({_CAME}, e.posting_date, NULL))
			FROM `tabStock Ledger Entry` e
			WHERE e.item_code IN %(names)s AND e.warehouse IN %(warehouses)s AND e.is_cancelled = 0
			GROUP BY e.item_code""",
			{**asked.params, "names": names},
		)
		found |= {row[0]: row for row in rows}
	return list(found.values())
