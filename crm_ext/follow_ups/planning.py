"""What a rule asks for on a given day: documents, steps, people and dates. Reads only."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property

import frappe
from frappe.utils import cint

from crm_ext.follow_ups import calendars, candidates, rules, schedule
from crm_ext.follow_ups.model import Calendar, Due
from crm_ext.follow_ups.people import Roster
from crm_ext.follow_ups.rules import Rule
from crm_ext.follow_ups.store import New


@dataclass
class Pass:
	"""What stays the same during one pass over the rules, each read once."""

	now: datetime
	roster: Roster = field(default_factory=Roster)
	_calendars: dict[str, Calendar] = field(default_factory=dict)
	_today: dict[str, date] = field(default_factory=dict)

	@cached_property
	def system_zone(self) -> str:
		return calendars.system_zone()

	@cached_property
	def day(self) -> candidates.Day:
		ahead = max(0, cint(frappe.get_cached_doc("CRM Ext Settings").make_ahead_days))
		today = self.now.date()
		# The first day nobody in any time zone reaches without a holiday.
		return candidates.Day(today, ahead, calendars.longest_break(today + timedelta(days=ahead + 1)))

	def load_calendars(self, users: Collection[str]) -> None:
		self._calendars.update(calendars.load(set(users) - set(self._calendars)))

	def calendar(self, user: str) -> Calendar:
		if user not in self._calendars:
			self.load_calendars([user])
		return self._calendars[user]

	def today(self, calendar: Calendar) -> date:
		zone = calendar.time_zone
		if zone not in self._today:
			self._today[zone] = schedule.local_day(self.now, zone, self.system_zone)
		return self._today[zone]

	def anchor_day(self, rule: Rule, anchor: datetime, calendar: Calendar) -> date:
		"""The day a rule counts from, as the person has it: what happens after working hours happens the day after."""
		if not rule.counts_from_moment:
			return anchor.date()
		there = schedule.local_time(anchor, calendar.time_zone, self.system_zone)
		late = rule.trigger == rules.EVENT and there.time() >= calendar.workday_end
		return there.date() + timedelta(days=int(late))


def plan(rule: Rule, names: Collection[str], around: Pass) -> list[New]:
	"""Follow ups that are due about these documents and not made yet, in the order of the names.

	`names` are documents that fulfil the rule. Two queries, and those of the calendars of people not met before.
	"""
	rows = candidates.describe(rule, names, around.day)
	chosen = {
		name: around.roster.choose(rule, rows[name].person, rows[name].created_by)
		for name in names
		if name in rows
	}
	around.load_calendars(chosen.values())
	found = []
	for name, user in chosen.items():
		due = to_make(rule, rows[name], user, around)
		found += (New(rule.name, rule.doctype, rows[name], one, user) for one in due)
		if not due:
			around.roster.give_back(rule, user)
	return found


def to_make(rule: Rule, row: "frappe._dict", user: str, around: Pass) -> list[Due]:
	"""Steps that are due about one document and not made yet. `row` is of `candidates.describe`."""
	if row.anchor is None:
		return []
	due = due_steps(rule, row, user, around)
	if not rule.replace_open_steps:
		return [one for one in due if one.step.idx not in row.made]
	order = [step.idx for step in rule.ordered_steps]
	# The latest one alone, unless it, or one that replaces it, is there.
	return [one for one in due[-1:] if not row.made.intersection(order[order.index(one.step.idx) :])]


def due_steps(rule: Rule, row: "frappe._dict", user: str, around: Pass) -> list[Due]:
	"""Steps whose day has come, made or not."""
	calendar = around.calendar(user)
	anchor, today = around.anchor_day(rule, row.anchor, calendar), around.today(calendar)
	due = schedule.due_steps(
		anchor, rule.steps, calendar, today, around.system_zone, around.day.ahead, rule.applies_from
	)
	if rule.event == rules.CONDITION_MET and not due and not row.made:
		# Made as soon as the condition is seen: nothing else remembers when that was.
		step = rule.ordered_steps[0]
		if not rule.applies_from or schedule.nominal_day(anchor, step) >= rule.applies_from:
			day = schedule.due_day(anchor, step, calendar, today)
			due = [schedule.due_of(step, day, calendar, around.system_zone)]
	return due
