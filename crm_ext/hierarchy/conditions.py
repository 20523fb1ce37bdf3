"""What somebody sees as SQL, in three shapes that say the same. Which of them is fast depends on how much it is.

None of them asks anything once a row by a statement of its own.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

import frappe

from crm_ext.constants.visibility import HOLDER_COLUMN, HOLDERS, TERRITORY
from crm_ext.hierarchy.rules import Sight


def by_holder(doctype: str, sight: Sight) -> str:
	"""Where HOLDER_COLUMN tells all: the database chooses between its index and that of `modified`."""
	return f"`tab{doctype}`.{HOLDER_COLUMN} IN ({quoted(sight.users)})"


def of_each_holder(doctype: str, sight: Sight) -> str:
	"""The same, asked of the rows as they are read: a function on the column keeps the database from its index."""
	return f"COALESCE(`tab{doctype}`.{HOLDER_COLUMN}) IN ({quoted(sight.users)})"


def way_of_holder(doctype: str, sight: Sight) -> str:
	"""As one of `ways`."""
	return f"SELECT made.name FROM `tab{doctype}` made WHERE made.{HOLDER_COLUMN} IN ({quoted(sight.users)})"


def among(doctype: str, selects: Iterable[str]) -> str:
	"""For who sees little: the names are looked up first, each way by its index."""
	return (
		f"`tab{doctype}`.name IN (SELECT crm_ext_seen.name FROM ({' UNION ALL '.join(selects)}) crm_ext_seen)"
	)


def count_up_to(limit: int, selects: Iterable[str]) -> int:
	"""How many names `among` would find, if fewer than `limit`; else `limit` or more. A statement each, until there are
	so many: all in one read half of a table for who sees half of it."""
	found: set[str] = set()
	for one in selects:
		found.update(name for (name,) in frappe.db.sql(f"SELECT name FROM ({one}) way LIMIT {limit}"))
		if len(found) >= limit:
			break
	return len(found)


def ways(
	doctype: str, sight: Sight, shared: frozenset[str], with_holder: bool, by_deals: bool = True
) -> Iterator[str]:
	"""For `among`: a SELECT of names for each way to see a record. `by_deals`: what nobody holds is seen by a deal with it."""
	holders, select = HOLDERS[doctype], f"SELECT made.name FROM `tab{doctype}` made"
	users, persons = quoted(sight.users), quoted(sight.persons)
	if with_holder:
		yield way_of_holder(doctype, sight)
	else:
		if holders.user:
			yield f"{select} WHERE made.{holders.user} IN ({users})"
		if holders.person and persons:
			yield f"{select} WHERE made.{holders.person} IN ({persons})"
		if holders.team and persons:
			yield f"SELECT team.parent AS name {_TEAM.format(doctype)} AND team.sales_person IN ({persons})"
	if holders.of_deals and by_deals:
		yield _of_nobody(doctype, users, persons, with_holder)
	elif not with_holder:
		yield " AND ".join((f"{select} WHERE made.owner IN ({users})", *_names_nobody(doctype)))
	if holders.deal:
		of_deals = f"{select} JOIN `tabDeal` thread ON thread.name = made.deal"
		yield f"{of_deals} WHERE thread.owner_user IN ({users})"
		if persons:
			yield f"{of_deals} WHERE thread.sales_person IN ({persons})"
	if sight.territories:
		yield f"{select} WHERE made.{TERRITORY} IN ({quoted(sight.territories)})"
	if names := quoted(shared):
		yield f"{select} WHERE made.name IN ({names})"


_TEAM = "FROM `tabSales Team` team WHERE team.parenttype = '{}'"


def _names_nobody(doctype: str) -> Iterator[str]:
	holders = HOLDERS[doctype]
	for field in filter(None, (holders.user, holders.person)):
		yield _is_empty(f"made.{field}")
	if holders.team:
		yield f"(SELECT COUNT(*) {_TEAM.format(doctype)} AND team.parent = made.name) = 0"


def _of_nobody(doctype: str, users: str, persons: str, with_holder: bool) -> str:
	"""As one of `ways`: those that name nobody, of what these people have a deal with and, without that column, made."""
	field, one = _deals_with(doctype)
	select = f"SELECT {field} AS name FROM `tabDeal` thread WHERE {one} AND {field} > ''"
	found = [f"{select} AND owner_user IN ({users})"]
	if persons:
		# Mostly the owner is the Sales Person: those are there already.
		found.append(
			f"{select} AND sales_person IN ({persons}) AND COALESCE(owner_user, '') NOT IN ({users})"
		)
	if not with_holder:
		found.append(f"SELECT name FROM `tab{doctype}` WHERE owner IN ({users})")
	# Each once, however many deals there are with it.
	return (
		f"SELECT made.name FROM ({' UNION '.join(found)}) found STRAIGHT_JOIN `tab{doctype}` made"
		f" ON made.name = found.name WHERE {' AND '.join(_names_nobody(doctype))}"
	)


def _deals_with(doctype: str) -> tuple[str, str]:
	"""Field of a deal `thread` that names one of this DocType, and when it does."""
	field = HOLDERS[doctype].of_deals
	return field, f"thread.party_type = '{doctype}'" if field == "party" else "1 = 1"


def of_each(doctype: str, sight: Sight, shared: frozenset[str] = frozenset(), by_deals: bool = True) -> str:
	"""For who sees much, and for a single document: asked of the rows as they are read, until there are enough.

	Functions on columns and subqueries that count keep the database from looking up all that is seen beforehand, which
	takes a second where that is half of 200,000 orders.
	"""
	holders, table = HOLDERS[doctype], f"`tab{doctype}`"
	users, persons = quoted(sight.users), quoted(sight.persons)
	held = f"{_is_one_of('thread.owner_user', users)} OR {_is_one_of('thread.sales_person', persons)}"
	parts, unnamed = [], []
	for field, values in ((holders.user, users), (holders.person, persons)):
		if field:
			parts.append(_is_one_of(f"{table}.{field}", values))
			unnamed.append(_is_empty(f"{table}.{field}"))
	if sight.territories:
		parts.append(_is_one_of(f"{table}.{TERRITORY}", quoted(sight.territories)))
	if names := quoted(shared):
		parts.append(f"{table}.name IN ({names})")
	made = _is_one_of(f"{table}.owner", users)
	if holders.of_deals and by_deals:
		field, one = _deals_with(doctype)
		# Up to the first: a customer of the till has thousands.
		made = (
			f"({made} OR COALESCE((SELECT 1 FROM `tabDeal` thread"
			f" WHERE thread.{field} = {table}.name AND {one} AND ({held}) LIMIT 1), 0))"
		)
	made = " AND ".join((*unnamed, made))
	if holders.team:
		made = (
			f"COALESCE((SELECT MAX({_is_one_of('team.sales_person', persons)}) FROM `tabSales Team` team"
			f" WHERE team.parent = {table}.name AND team.parenttype = '{doctype}'), {made})"
		)
	parts.append(f"({made})")
	if holders.deal:
		parts.append(
			f"(SELECT COUNT(*) FROM `tabDeal` thread WHERE thread.name = {table}.deal AND ({held})) > 0"
		)
	return f"({' OR '.join(parts)})"


# Of what follows other documents: (field, DocType it links to, condition on the table of that DocType).
Followed = tuple[str, str, str]


def ways_to_follow(
	doctype: str, sight: Sight, followed: Iterable[Followed], shared: frozenset[str]
) -> Iterator[str]:
	"""As `ways`, of a DocType that is seen by who made it and by whom sees what it follows."""
	yield f"SELECT made.name FROM `tab{doctype}` made WHERE made.owner IN ({quoted(sight.users)})"
	for field, target, seen in followed:
		# In this order: what is followed is what there is little of.
		yield (
			f"SELECT made.name FROM `tab{target}` STRAIGHT_JOIN `tab{doctype}` made"
			f" ON made.{field} = `tab{target}`.name WHERE {seen}"
		)
	if names := quoted(shared):
		yield f"SELECT made.name FROM `tab{doctype}` made WHERE made.name IN ({names})"


def following_each(
	doctype: str, sight: Sight, followed: Iterable[Followed], shared: frozenset[str], one: bool
) -> str:
	"""As `of_each`, of what follows others; `one`: for a single document."""
	table = f"`tab{doctype}`"
	parts = [_is_one_of(f"{table}.owner", quoted(sight.users))]
	for field, target, seen in followed:
		if one:
			parts.append(
				f"(SELECT COUNT(*) FROM `tab{target}` WHERE `tab{target}`.name = {table}.{field} AND ({seen})) > 0"
			)
		else:
			# The database looks up what there is little of, and asks one by one where there is much.
			parts.append(f"{table}.{field} IN (SELECT `tab{target}`.name FROM `tab{target}` WHERE {seen})")
	if names := quoted(shared):
		parts.append(f"{table}.name IN ({names})")
	return f"({' OR '.join(parts)})"


def _is_one_of(column: str, values: str) -> str:
	return f"COALESCE({column}, '') IN ({values})" if values else "0"


def _is_empty(column: str) -> str:
	return f"({column} IS NULL OR {column} = '')"


@lru_cache(maxsize=128)
def quoted(values: frozenset[str]) -> str:
	"""Kept, because the same hundred names are quoted for each list of somebody high up."""
	return ", ".join(frappe.db.escape(value, percent=False) for value in sorted(values))
