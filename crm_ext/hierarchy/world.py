"""The tree of Sales Persons and the stand-ins, read once and kept until one of them changes. Reads only."""

from typing import NamedTuple

import frappe
from frappe.utils import getdate

from crm_ext.hierarchy.rules import Absence, Node

_KEY = "crm_ext_visibility"


# Tuples, because they come out of the cache faster than objects: once in each request.
class World(NamedTuple):
	nodes: tuple[Node, ...]
	absences: tuple[Absence, ...]


def read() -> World:
	"""From the cache; else two statements."""
	return frappe.cache.get_value(_KEY, generator=_read)


def clear() -> None:
	"""Now, and when the transaction ends: until then another process still reads, and keeps, what was before."""
	_clear()
	frappe.db.after_commit.add(_clear)
	frappe.db.after_rollback.add(_clear)


def _clear() -> None:
	frappe.cache.delete_value(_KEY)


def _read() -> World:
	# Whether the employee, the user or the Sales Person is disabled does not matter: what they hold has to be seen.
	nodes = frappe.db.sql(
		"""SELECT p.name, p.parent_sales_person, p.lft, p.rgt, p.is_group, NULLIF(e.user_id, '')
		FROM `tabSales Person` p LEFT JOIN `tabEmployee` e ON e.name = p.employee ORDER BY p.lft"""
	)
	# Those of today as well as later ones: what is kept outlives the day.
	absences = frappe.db.sql("SELECT user, stand_in, from_date, to_date FROM `tabStand In`")
	return World(
		tuple(
			Node(name, parent, lft, rgt, bool(is_group), user)
			for name, parent, lft, rgt, is_group, user in nodes
		),
		tuple(Absence(user, other, getdate(first), getdate(last)) for user, other, first, last in absences),
	)
