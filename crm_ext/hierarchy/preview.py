"""What each salesperson sees now and would see then: counted with the very conditions lists use. Reads only."""

from collections.abc import Collection, Iterable

import frappe

from crm_ext.constants.visibility import COVERED
from crm_ext.hierarchy import visibility
from crm_ext.hierarchy.visibility import Terms
from crm_ext.permissions import asked_once, list_conditions

# So many conditions are counted in one pass over a table.
_AT_ONCE = 20


def preview(then: Terms) -> list[dict]:
	"""[{"user", "full_name", "doctype", "now", "then"}]: a row for each person and DocType that would be narrowed or is now.

	Statements: for each DocType one pass over its table for twenty different conditions; shares of each person.
	"""
	people = frappe.get_all(
		"User",
		filters={"enabled": 1, "user_type": "System User", "name": ("!=", "Administrator")},
		fields=["name", "full_name"],
		order_by="full_name, name",
	)
	found = []
	for doctype in COVERED:
		found += _of_doctype(doctype, people, then)
	place = {one.name: place for place, one in enumerate(people)}
	return sorted(found, key=lambda row: (place[row["user"]], COVERED.index(row["doctype"])))


def _of_doctype(doctype: str, people: Iterable[dict], then: Terms) -> list[dict]:
	now = visibility.terms()
	concerned = [
		one for one in people if _is_narrowed(one.name, doctype, now) or _is_narrowed(one.name, doctype, then)
	]
	before = _conditions(doctype, concerned, now)
	after = _conditions(doctype, concerned, then)
	counts = _count(doctype, {*before.values(), *after.values()})
	return [
		{
			"user": one.name,
			"full_name": one.full_name,
			"doctype": doctype,
			"now": counts[before[one.name]],
			"then": counts[after[one.name]],
		}
		for one in concerned
	]


def _is_narrowed(user: str, doctype: str, terms: Terms) -> bool:
	with visibility.tried(terms):
		return visibility.sight_of(user, doctype) is not None


def _conditions(doctype: str, people: Iterable[dict], terms: Terms) -> dict[str, str]:
	found = {}
	for one in people:
		with visibility.tried(terms), asked_once():
			found[one.name] = list_conditions(doctype, one.name) or "1 = 1"
	return found


def _count(doctype: str, conditions: Collection[str]) -> dict[str, int]:
	conditions = sorted(conditions)
	counts: dict[str, int] = {}
	for first in range(0, len(conditions), _AT_ONCE):
		some = conditions[first : first + _AT_ONCE]
		sums = ", ".join(f"COALESCE(SUM({condition}), 0)" for condition in some)
		row = frappe.db.sql(f"SELECT {sums} FROM `tab{doctype}`")[0]
		counts.update(zip(some, map(int, row), strict=True))
	return counts
