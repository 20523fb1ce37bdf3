"""A year of contacts, and what is to be done next: planned, done in time, late or not at all, as among people."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

import frappe
from frappe.utils import getdate

from crm_ext.follow_ups import contacts, engine, targets
from crm_ext.setup.demo import data, diary, plan

HOLIDAY_LIST = "Weekends"
# What people say afterwards, by outcome.
_SAID = {
	"Reached": ("Needs it before the end of the quarter.", "Wants a second offer.", "Asked for references."),
	"Not Reached": ("In a meeting.", "On holiday until Monday."),
	"Left a Message": ("Will call back.",),
	"Interested": ("Asked for samples.", "Wants to see it at the fair."),
	"Not Interested": ("Not this year.",),
}
_OUTCOMES = (
	("Reached",) * 5 + ("Interested",) * 3 + ("Not Reached",) * 2 + ("Left a Message", "Not Interested")
)
_CHANNELS = ("Call",) * 5 + ("Mail",) * 3 + ("Visit",) * 2 + ("Meeting", "WhatsApp")
_SUBJECTS = {
	"Call": ("Ask how things stand", "Questions about the offer?", "Call back as agreed"),
	"Mail": ("Send the price list", "Send references", "Confirm what was agreed"),
	"Visit": ("Show the samples", "Visit the warehouse"),
	"Meeting": ("Meet the head of the department",),
	"WhatsApp": ("Send the pictures asked for",),
}
# Days from today of what is still to be done.
_AHEAD = (-9, -4, -2, -1, 0, 0, 0, 0, 1, 1, 2, 3, 5, 8)


@dataclass(frozen=True)
class Contact:
	"""One follow up of the plan. `done` is None while nobody did it."""

	channel: str
	subject: str
	planned: date
	due: date
	done: date | None
	outcome: str = ""
	said: str = ""
	at: str | None = None


def plan_of(first: date, last_of_deal: date, today: date, under_way: bool, rng: Random) -> list[Contact]:
	"""The contacts of one deal between its first and last day, and the next one where it is under way. Pure."""
	found, day = [], first
	for _number in range(rng.randint(1, 5)):
		due = _workday(day + timedelta(rng.randint(2, 24)))
		done = _workday(due + timedelta(rng.choice((0, 0, 0, 0, 0, -1, 1, 3, 6))))
		if max(due, done) > last_of_deal or max(due, done) >= today or done < day:
			break
		outcome = rng.choice(_OUTCOMES)
		found.append(_contact(day, due, done, outcome, rng))
		day = done
	if under_way and rng.random() < 0.8:
		due = _workday(today + timedelta(rng.choice(_AHEAD)))
		found.append(_contact(min(day, due), due, None, "", rng))
	return found


def _contact(planned: date, due: date, done: date | None, outcome: str, rng: Random) -> Contact:
	channel = rng.choice(_CHANNELS)
	at = (
		rng.choice(("09:30:00", "11:00:00", "14:00:00", "16:30:00"))
		if channel in ("Visit", "Meeting")
		else None
	)
	said = rng.choice(_SAID[outcome]) if outcome else ""
	return Contact(channel, rng.choice(_SUBJECTS[channel]), planned, due, done, outcome, said, at)


def _workday(day: date) -> date:
	return day + timedelta({5: 2, 6: 1}.get(day.weekday(), 0))


def make(last: date) -> Iterator[tuple[int, int]]:
	"""Everything not made yet, one transaction a deal. Yields (deals done, deals in all)."""
	deals = _deals()
	done = diary.recall("follow ups") or 0
	for number, deal in enumerate(deals[done:], start=done + 1):
		end = deal.closed_on or deal.paid_on or last
		rng = Random(f"{plan.SEED} {number}")
		for contact in plan_of(deal.creation.date(), end, last, not (deal.closed_on or deal.paid_on), rng):
			_make(deal, contact)
		diary.note("follow ups", number)
		frappe.db.commit()  # a killed run goes on after this deal
		yield number, len(deals)


def switch_rules_on(last: date) -> None:
	"""As a manager would: every shipped rule from the last two weeks on, and one pass."""
	for name in frappe.get_all("Follow Up Rule", pluck="name", order_by="name"):
		rule = frappe.get_doc("Follow Up Rule", name)
		rule.update({"enabled": 1, "applies_from": last - timedelta(14)})
		rule.save()
	frappe.db.commit()  # the pass commits by itself
	contacts.rebuild()
	engine.run()
	targets.refresh_all()
	frappe.db.commit()  # as above


def make_holidays(companies: list[str], first: date, last: date) -> None:
	"""Weekends, for everybody."""
	if frappe.db.exists("Holiday List", HOLIDAY_LIST):
		return
	days = (first + timedelta(number) for number in range((last - first).days + 1))
	frappe.get_doc(
		{
			"doctype": "Holiday List",
			"holiday_list_name": HOLIDAY_LIST,
			"from_date": first,
			"to_date": last,
			"holidays": [
				{"holiday_date": day, "description": day.strftime("%A"), "weekly_off": 1}
				for day in days
				if day.weekday() > 4
			],
		}
	).insert()
	for company in companies:
		frappe.db.set_value("Company", company, "default_holiday_list", HOLIDAY_LIST)
	frappe.db.commit()  # a step of its own: a killed run goes on after it


def _deals() -> list:
	people = [person.user for person in data.PEOPLE]
	return frappe.get_all(
		"Deal",
		filters={"owner_user": ("in", people), "status": ("!=", "Cancelled")},
		fields=["name", "owner_user", "lead", "opportunity", "creation", "closed_on", "paid_on"],
		order_by="creation, name",
	)


def _make(deal, contact: Contact) -> None:
	reference = ("Opportunity", deal.opportunity) if deal.opportunity else ("Lead", deal.lead)
	if not reference[1]:
		reference = ("Deal", deal.name)
	with diary.acting(deal.owner_user, contact.planned):
		follow_up = frappe.get_doc(
			{
				"doctype": "Follow Up",
				"subject": contact.subject,
				"channel": contact.channel,
				"due_date": contact.due,
				"due_time": contact.at,
				"responsible": deal.owner_user,
				"reference_doctype": reference[0],
				"reference_name": reference[1],
			}
		).insert()
	if not contact.done:
		return
	with diary.acting(deal.owner_user, contact.done):
		follow_up.update(
			{
				"status": "Done",
				"outcome": contact.outcome,
				"notes": contact.said,
				"done_on": f"{getdate(contact.done)} 15:{follow_up.idx % 60:02}:00",
			}
		)
		follow_up.save()
