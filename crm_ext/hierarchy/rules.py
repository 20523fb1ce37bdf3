"""Who sees whose records: pure rules over the tree of Sales Persons, without a site."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import NamedTuple

from crm_ext.constants.visibility import ALL, BRANCH, OWN, SCOPES


class Node(NamedTuple):
	"""A Sales Person; `user` is that of its employee. `lft` and `rgt` enclose those of all below."""

	name: str
	parent: str | None
	lft: int
	rgt: int
	is_group: bool
	user: str | None


class Place(NamedTuple):
	"""A Territory; `manager` is a Sales Person. `lft` and `rgt` enclose those of all below."""

	name: str
	lft: int
	rgt: int
	manager: str | None


class Absence(NamedTuple):
	"""`stand_in` sees what `user` sees, from and to these days, both included."""

	user: str
	stand_in: str
	from_date: date
	to_date: date


class Sight(NamedTuple):
	"""Whose records somebody sees."""

	users: frozenset[str]
	persons: frozenset[str]
	territories: frozenset[str] = frozenset()

	def __or__(self, other: "Sight") -> "Sight":
		return Sight(
			self.users | other.users, self.persons | other.persons, self.territories | other.territories
		)


def widest(scopes: Iterable[str]) -> str | None:
	"""None of none."""
	return max(scopes, key=SCOPES.index, default=None)


def scope_of(
	roles: Collection[str],
	granted: Collection[str],
	general: str,
	sales: Collection[str],
	rules: Mapping[str, str],
) -> str | None:
	"""How far somebody with `roles` sees a DocType that `granted` roles may read; None: not at all.

	A right that comes from a role other than `sales` is left as it is. Of the roles that `rules` give a scope the
	widest counts, and `general` for whoever has none of them.
	"""
	granting = set(roles) & set(granted)
	if not granting:
		return None
	if granting - set(sales):
		return ALL
	return widest(rules[role] for role in roles if role in rules) or general


def sight(nodes: Iterable[Node], user: str, scope: str) -> Sight:
	"""What somebody with this scope, other than All, sees: own records at least, whether in the tree or not.

	Branch: the team of the nearest group, which is the Sales Person's own where that is one.
	"""
	nodes = tuple(nodes)
	own = [node for node in nodes if node.user == user]
	if scope == OWN:
		return Sight(frozenset({user}), frozenset(node.name for node in own))
	tops = own
	if scope == BRANCH:
		by_name = {node.name: node for node in nodes}
		tops = [node if node.is_group else by_name.get(node.parent, node) for node in own]
	seen = [node for node in nodes if any(top.lft <= node.lft and node.rgt <= top.rgt for top in tops)]
	return Sight(
		frozenset({user, *(node.user for node in seen if node.user)}), frozenset(node.name for node in seen)
	)


def managed(places: Iterable[Place], persons: Collection[str]) -> frozenset[str]:
	"""The Territories that one of these Sales Persons manages, and all below."""
	places = list(places)
	tops = [place for place in places if place.manager in persons]
	return frozenset(
		place.name for place in places if any(top.lft <= place.lft and place.rgt <= top.rgt for top in tops)
	)


def absent(absences: Iterable[Absence], user: str, today: date) -> list[str]:
	"""Whom this person stands in for today. Not passed on: who stands in for a stand-in sees the latter's own."""
	return sorted(
		{one.user for one in absences if one.stand_in == user and one.from_date <= today <= one.to_date}
		- {user}
	)
