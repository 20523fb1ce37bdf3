"""Which Custom DocPerms a site should have: pure rules over plain rows, without a site.

As the first Custom DocPerm of a DocType takes the place of all its standard rows, these are copied beside ours. What we
put and what we copied is remembered, so that both can be told from what an administrator changed, and taken off again.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Row(NamedTuple):
	"""A rule of a DocType; `rights` as Frappe names them, in alphabetical order, with a space between."""

	role: str
	permlevel: int
	if_owner: int
	rights: str

	@property
	def key(self) -> tuple[str, int, int]:
		return self[:3]


Rows = frozenset[Row]
NONE: Rows = frozenset()


@dataclass(frozen=True)
class Memory:
	"""Of one DocType: what we put, the standard rows we copied (None: it had rows of its own already), and the keys of what
	an administrator took away or changed since, which is not put again while the roles are on."""

	ours: Rows = NONE
	copies: Rows | None = None
	by_hand: frozenset[tuple[str, int, int]] = field(default_factory=frozenset)


NOTHING = Memory()


def plan(
	now: Rows, standard: Rows, wanted: Rows, known: Memory = NOTHING, gone: Collection[str] = ()
) -> tuple[Rows, Memory]:
	"""Custom DocPerms a DocType should have, and what to remember. Empty: the standard rows count.

	`now`: those it has; `wanted`: ours, none when they are switched off; `gone`: roles that are being deleted.
	"""
	by_hand = known.by_hand | {row.key for row in known.ours - now}
	others = frozenset(row for row in now - known.ours if row.role not in gone)
	# Nobody touched what was copied: the standard rows hold again, as they are by now.
	if known.copies is not None and others == known.copies:
		others = NONE
	taken = {row.key for row in others or standard} | by_hand
	ours = frozenset(row for row in wanted if row.key not in taken)
	if not ours:
		return others, Memory(by_hand=by_hand if wanted else frozenset())
	if others:
		return others | ours, Memory(ours, None, by_hand)
	return standard | ours, Memory(ours, standard, by_hand)


def pack(memories: Mapping[str, Memory]) -> dict[str, list]:
	"""For JSON. DocTypes of which there is nothing to remember are left out."""
	return {
		doctype: [
			_lists(one.ours),
			None if one.copies is None else _lists(one.copies),
			_lists(one.by_hand),
		]
		for doctype, one in sorted(memories.items())
		if one != NOTHING
	}


def _lists(rows: Iterable[tuple]) -> list[list]:
	return sorted(map(list, rows))


def unpack(packed: Mapping[str, list]) -> dict[str, Memory]:
	def rows(values: list) -> Rows:
		return frozenset(Row(*value) for value in values)

	return {
		doctype: Memory(
			rows(ours),
			None if copies is None else rows(copies),
			frozenset(tuple(key) for key in by_hand),
		)
		for doctype, (ours, copies, by_hand) in packed.items()
	}
