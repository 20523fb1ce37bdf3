"""The trees of Sales Persons and Territories and the stand-ins, read once and kept until one of them changes; and of each
user what follows from them, because a list of somebody shall not wait for the whole tree. Reads only.
"""

from typing import NamedTuple

import frappe
from frappe.utils import getdate

from crm_ext.constants.visibility import ALL, HOLDER_COLUMN, HOLDER_DOCTYPES, SCOPES
from crm_ext.hierarchy import rules
from crm_ext.hierarchy.rules import Absence, Node, Place, Sight

# With what is kept under them; other names where that changes, because an old process may still write.
_KEY = "crm_ext_visibility_2"
_OF_USER = "crm_ext_visibility_of_user"


# Tuples, because they come out of the cache faster than objects: once in each request.
class World(NamedTuple):
	nodes: tuple[Node, ...]
	absences: tuple[Absence, ...]
	places: tuple[Place, ...]
	with_holder: frozenset[str]  # DocTypes whose table has HOLDER_COLUMN


class Known(NamedTuple):
	"""What concerns one user. `sights`: of the user and of whom they stand in for, now or later, by scope."""

	sights: dict[str, dict[str, Sight]]
	absences: tuple[Absence, ...]
	shared: frozenset[str]  # DocTypes of which something is shared with the user
	with_holder: frozenset[str]


def read() -> World:
	"""From the cache; else four statements."""
	return frappe.cache.get_value(_KEY, generator=_read)


def of(user: str) -> Known:
	"""From the cache; else one statement, and those of `read`."""
	return frappe.cache.hget(_OF_USER, user, generator=lambda: _of(user))


def clear() -> None:
	"""Now, and when the transaction ends: until then another process still reads, and keeps, what was before."""
	_clear()
	frappe.db.after_commit.add(_clear)
	frappe.db.after_rollback.add(_clear)


def _clear() -> None:
	frappe.cache.delete_value([_KEY, _OF_USER])


def share(user: str | None) -> None:
	"""Something is shared with a user; None: with everyone. What is taken back needs no telling: whoever is thought to
	have something shared is asked for."""
	if not user:
		clear()
		return

	def forget() -> None:
		frappe.cache.hdel(_OF_USER, user)

	forget()
	frappe.db.after_commit.add(forget)
	frappe.db.after_rollback.add(forget)


def _of(user: str) -> Known:
	world = read()
	absences = tuple(one for one in world.absences if one.stand_in == user)
	shared = frappe.db.sql(
		"SELECT DISTINCT share_doctype FROM `tabDocShare` WHERE `read` = 1 AND (user = %s OR everyone = 1)",
		user,
	)
	return Known(
		{
			one: {scope: rules.sight(world.nodes, one, scope) for scope in SCOPES if scope != ALL}
			for one in {user, *(absence.user for absence in absences)}
		},
		absences,
		frozenset(doctype for (doctype,) in shared),
		world.with_holder,
	)


def _read() -> World:
	# Whether the employee, the user or the Sales Person is disabled does not matter: what they hold has to be seen.
	nodes = frappe.db.sql(
		"""SELECT p.name, p.parent_sales_person, p.lft, p.rgt, p.is_group, NULLIF(e.user_id, '')
		FROM `tabSales Person` p LEFT JOIN `tabEmployee` e ON e.name = p.employee ORDER BY p.lft"""
	)
	# Those of today as well as later ones: what is kept outlives the day.
	absences = frappe.db.sql("SELECT user, stand_in, from_date, to_date FROM `tabStand In`")
	places = frappe.db.sql("SELECT name, lft, rgt, NULLIF(territory_manager, '') FROM `tabTerritory`")
	with_holder = frappe.db.sql(
		"""SELECT SUBSTRING(table_name, 4) FROM information_schema.columns
		WHERE table_schema = DATABASE() AND table_name IN %s AND column_name = %s""",
		([f"tab{doctype}" for doctype in HOLDER_DOCTYPES], HOLDER_COLUMN),
	)
	return World(
		tuple(
			Node(name, parent, lft, rgt, bool(is_group), user)
			for name, parent, lft, rgt, is_group, user in nodes
		),
		tuple(Absence(user, other, getdate(first), getdate(last)) for user, other, first, last in absences),
		tuple(Place(*place) for place in places),
		frozenset(doctype for (doctype,) in with_holder),
	)
