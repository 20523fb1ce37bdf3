"""Does the steps of the plan, one transaction each, and remembers in it how far it came."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import date, datetime
from typing import Any

import frappe
from frappe.utils import now_datetime

from crm_ext.deals import touch
from crm_ext.setup.demo.documents import ACTIONS, who_does
from crm_ext.setup.demo.plan import Plan
from crm_ext.setup.demo.stories import Step
from crm_ext.setup.demo.work import Work

# Whose defaults these are; no user has this name, so none of them is ever loaded into a session.
_PARENT = "crm_ext_demo"


def recall(key: str) -> Any:
	"""What was noted under `key`, None if nothing was."""
	value = frappe.db.get_value("DefaultValue", _row(key), "defvalue")
	return json.loads(value) if value else None


def note(key: str, value: Any) -> None:
	if frappe.db.exists("DefaultValue", _row(key)):
		frappe.db.set_value("DefaultValue", _row(key), "defvalue", json.dumps(value))
	else:
		frappe.defaults.add_default(key, json.dumps(value), _PARENT, _PARENT)


def forget_all_but(key: str) -> None:
	frappe.db.delete("DefaultValue", {"parent": _PARENT, "defkey": ("!=", key)})


def _row(key: str) -> dict[str, str]:
	return {"parent": _PARENT, "defkey": key}


def do_steps(plan: Plan, companies: list[str]) -> Iterator[tuple[int, int]]:
	"""Everything of the plan not done yet, committing each step. Yields (steps done, steps in all)."""
	stories = {story.number: story for story in plan.stories}
	done = recall("steps") or 0
	for number, step in enumerate(plan.steps[done:], start=done + 1):
		story = stories.get(step.story)
		second = story.second_company if story else step.args["second_company"]
		known = _names(step.story)
		work = Work(step, story, companies[1 if second else 0], deepcopy(known), _names)
		with acting(who_does(step, story), step.day):
			_do(step, work)
			if work.names != known:
				note(f"story {step.story}", work.names)
			note("steps", number)
			frappe.db.commit()  # a killed run goes on after this step
		yield number, len(plan.steps)


def _names(story: int) -> dict[str, Any]:
	return recall(f"story {story}") or {}


def _do(step: Step, work: Work) -> None:
	started = now_datetime()
	ACTIONS[step.action](work)
	touch.flush()
	_date_deals(started, datetime.combine(step.day, started.time()))


@contextmanager
def acting(user: str, day: date) -> Iterator[None]:
	"""Work as `user`, and on `day`: Frappe stamps creation and modified with the flag's date."""
	before = frappe.session.user
	frappe.set_user(user)
	frappe.flags.current_date = day
	try:
		yield
	finally:
		frappe.flags.current_date = None
		frappe.set_user(before)


def _date_deals(started: datetime, moment: datetime) -> None:
	"""Date what deriving logged as of now to the day of the step, so that ages and times in a stage are real."""
	values = {"started": started, "moment": moment}
	frappe.db.sql(
		"""UPDATE `tabDeal Stage Change`
		SET seconds_in_stage = GREATEST(0, seconds_in_stage - TIMESTAMPDIFF(SECOND, %(moment)s, changed_on)),
			changed_on = %(moment)s
		WHERE creation >= %(started)s AND changed_on >= %(started)s""",
		values,
	)
	# MariaDB assigns from left to right: closed_on is decided while stage_since is still as derived.
	frappe.db.sql(
		"""UPDATE `tabDeal`
		SET closed_on = IF(status IN ('Lost', 'Cancelled') AND stage_since >= %(started)s, DATE(%(moment)s), closed_on),
			stage_since = IF(stage_since >= %(started)s, %(moment)s, stage_since),
			creation = IF(creation >= %(started)s, %(moment)s, creation)
		WHERE modified >= %(started)s""",
		values,
	)
