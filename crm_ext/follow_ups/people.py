"""Who is responsible for what a rule makes, who is above whom, and what people are called. Reads only, in sets."""

from collections.abc import Collection, Iterable
from functools import cached_property

import frappe

from crm_ext.follow_ups import candidates
from crm_ext.follow_ups.rules import FIXED, ROUND_ROBIN, Rule

_LAST_RESORT = "Administrator"


class Roster:
	"""People who may be made responsible, as of one pass: enabled users of the desk. One query, two for turns."""

	def __init__(self) -> None:
		self._open: dict[str, dict[str, int]] = {}

	@cached_property
	def usable(self) -> frozenset[str]:
		return frozenset(
			frappe.get_all(
				"User",
				filters={"enabled": 1, "user_type": "System User"},
				pluck="name",
				order_by=None,
			)
		)

	def choose(self, rule: Rule, found: str | None, created_by: str | None) -> str:
		"""The person responsible. `found`: whom the document names for the rule; never somebody disabled.

		Each call for a rule by turns takes one turn.
		"""
		if rule.assign_to == ROUND_ROBIN:
			found = self._next_in_turn(rule)
		elif rule.assign_to == FIXED:
			found = rule.assign_user
		for user in (found, rule.fallback_user, created_by, rule.owner):
			if user in self.usable:
				return user
		return _LAST_RESORT

	def _next_in_turn(self, rule: Rule) -> str | None:
		"""Who has fewest open follow ups of the rule; of equals, who stands first."""
		users = [user for user in rule.users if user in self.usable]
		if not users:
			return None
		if rule.name not in self._open:
			self._open[rule.name] = dict(
				frappe.db.sql(
					"SELECT responsible, COUNT(*) FROM `tabFollow Up` WHERE rule = %s AND status = 'Open'"
					" GROUP BY responsible",
					(rule.name,),
				)
			)
		held = self._open[rule.name]
		user = min(users, key=lambda user: held.get(user, 0))
		held[user] = held.get(user, 0) + 1
		return user

	def give_back(self, rule: Rule, user: str) -> None:
		"""The turn was not used."""
		held = self._open.get(rule.name, {})
		if user in held:
			held[user] -= 1

	def forget_turns(self, rule: Rule) -> None:
		"""What was planned came to nothing, or others took turns meanwhile: count anew."""
		self._open.pop(rule.name, None)


def find(rule: Rule, names: Collection[str], roster: Roster | None = None) -> dict[str, str]:
	"""The person a rule makes responsible for each of these documents now. By turns: as if made in this order."""
	roster = roster or Roster()
	found = candidates.describe(rule, names)
	return {
		name: roster.choose(rule, found[name].person, found[name].created_by)
		for name in names
		if name in found
	}


def manager_of(users: Iterable[str]) -> dict[str, str]:
	"""Per user the enabled user above: whom the employee reports to, else who is above in the tree of sales persons.

	Where that one is disabled, or no user, the next above. Users with nobody above are left out. Three queries.
	"""
	users = {user for user in users if user}
	if not users:
		return {}
	usable = Roster().usable
	employees = {
		row.name: row
		for row in frappe.get_all(
			"Employee", fields=["name", "user_id", "reports_to", "status"], order_by="creation"
		)
	}
	persons = {
		row.name: row
		for row in frappe.get_all(
			"Sales Person", fields=["name", "parent_sales_person", "employee"], order_by="creation"
		)
	}
	employee_of = {
		row.user_id: row.name for row in employees.values() if row.user_id and row.status == "Active"
	}
	person_of = {row.employee: row.name for row in persons.values() if row.employee}

	def user_of(employee: str | None) -> str | None:
		row = employees.get(employee)
		return row.user_id if row and row.status == "Active" and row.user_id in usable else None

	def by_employee(user: str) -> str | None:
		above = (row.reports_to for row in _climb(employees, employee_of.get(user), "reports_to"))
		return next((found for found in map(user_of, above) if found and found != user), None)

	def by_sales_person(user: str) -> str | None:
		above = _climb(persons, person_of.get(employee_of.get(user)), "parent_sales_person")
		found = (user_of(row.employee) for row in above)
		return next((one for one in found if one and one != user), None)

	managers = {user: by_employee(user) or by_sales_person(user) for user in users}
	return {user: manager for user, manager in managers.items() if manager}


def _climb(rows: dict[str, "frappe._dict"], name: str | None, parent: str) -> Iterable["frappe._dict"]:
	"""A row and those above it; stops where the data goes in circles."""
	seen = set()
	while name in rows and name not in seen:
		seen.add(name)
		yield rows[name]
		name = rows[name][parent]


def full_names(users: Iterable[str]) -> dict[str, str]:
	"""Full names by user, of those that exist: a browser knows only some of them. One query."""
	users = set(users)
	if not users:
		return {}
	found = frappe.get_all(
		"User", {"name": ("in", users)}, ["name", "full_name"], as_list=True, order_by=None
	)
	return {name: full_name or name for name, full_name in found}
