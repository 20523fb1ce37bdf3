"""Follow up rules on a site: every trigger, what stops and closes, who is responsible, and what goes wrong."""

import json
from datetime import date, datetime, time, timedelta

import frappe
from frappe import _
from frappe.utils import add_days, getdate, now_datetime, nowdate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_ext.api import follow_up_rules as api
from crm_ext.deals import touch
from crm_ext.follow_ups import candidates, engine, people, rules, store
from crm_ext.follow_ups.model import REFERENCES
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase

MONDAY = date(2026, 3, 2)


def day(number: int, hour: int = 12) -> datetime:
	"""A moment `number` days after Monday the 2nd of March, system time."""
	return datetime.combine(MONDAY + timedelta(days=number), time(hour))


class EngineTestCase(SiteTestCase):
	def setUp(self):
		super().setUp()
		frappe.db.set_value("Follow Up Rule", {"enabled": 1}, "enabled", 0)
		frappe.db.set_single_value("CRM Ext Settings", "make_ahead_days", 0)
		frappe.db.set_single_value("CRM Ext Settings", "follow_up_rules_enabled", 1)

	def lead(self, made: datetime | None = None, **values):
		return self.dated(f.make_lead(**values), made or day(0, 10))

	def dated(self, doc, made: datetime):
		"""As if it had been made then."""
		doc.db_set("creation", made, update_modified=False)
		return doc

	def rule(self, docs, *steps, **values):
		"""An enabled rule about these documents and no others."""
		docs = docs if isinstance(docs, list) else [docs]
		doctype = docs[0].doctype
		filters = [[doctype, "name", "in", [doc.name for doc in docs]], *values.pop("filters", [])]
		return f.make_rule(*steps, document_type=doctype, filters=filters, **values)

	def run_on(self, moment: datetime) -> dict:
		counts = engine.run(moment)
		if counts["failed"]:
			self.fail(frappe.get_all("Error Log", pluck="error", order_by="creation desc", limit=1)[0])
		self.assertEqual(counts["busy"], 0)
		return counts

	def made(self, doc, **filters) -> list:
		return frappe.get_all(
			"Follow Up",
			filters={"reference_doctype": doc.doctype, "reference_name": doc.name, **filters},
			fields=["*"],
			order_by="anchor_on, step, creation",
		)

	def states(self, doc) -> list[tuple]:
		"""(step, due date, status, reason) of each follow up about a document."""
		return [
			(row.step, (row.due_date - MONDAY).days, row.status, row.cancel_reason) for row in self.made(doc)
		]

	def contact(self, doctype: str, name: str, moment: datetime) -> None:
		frappe.db.set_value(doctype, name, "last_contact_on", moment, update_modified=False)


class TestTriggers(EngineTestCase):
	def test_steps_follow_one_another(self):
		lead = self.lead()
		self.rule(lead, (0, "After"), (3, "After", "Mail", "Write", "10:30:00"))
		self.assertEqual(self.run_on(day(0))["made"], 1)
		self.assertEqual(self.states(lead), [(1, 0, "Open", None)])
		self.assertEqual(self.run_on(day(0, 13))["made"], 0)
		self.assertEqual(self.run_on(day(2))["made"], 0)
		counts = self.run_on(day(3, 8))
		self.assertEqual(counts["made"], 1)
		self.assertEqual(
			self.states(lead), [(1, 0, "Cancelled", "Replaced by a Later Step"), (2, 3, "Open", None)]
		)
		self.assertEqual(self.run_on(day(300))["made"], 0)
		second = self.made(lead, step=2)[0]
		self.assertEqual((second.channel, second.subject, second.all_day), ("Mail", "Write", 0))
		self.assertEqual(second.due_on, datetime(2026, 3, 5, 10, 30))
		self.assertEqual(self.made(lead, step=1)[0].due_on, datetime(2026, 3, 2, 9))

	def test_a_made_follow_up_is_like_a_saved_one(self):
		lead = self.lead()
		rule = self.rule(lead, (0, "After", "Visit", "Go there"))
		self.run_on(day(0))
		made = self.made(lead)[0]
		saved = frappe.copy_doc(frappe.get_doc("Follow Up", made.name))
		saved.rule_key = None
		saved.insert()
		saved = self.made(lead, name=saved.name)[0]
		# Keys and links of a rule are not for people to enter; times of writing differ.
		differing = {"name", "creation", "modified", "rule", "step", "anchor_on", "rule_key"}
		for field, value in made.items():
			if field not in differing:
				self.assertEqual(saved[field] or None, value or None, field)
		self.assertEqual((made.rule, made.step, made.anchor_on), (rule.name, 1, lead.creation))
		self.assertEqual((made.party_type, made.party, made.company), ("Lead", lead.name, f.COMPANY))

	def test_standing_still(self):
		for replace, expected in (
			(1, [(3, 9, "Open", None)]),
			(0, [(1, 0, "Open", None), (2, 4, "Open", None), (3, 9, "Open", None)]),
		):
			lead = self.lead()
			self.rule(
				lead, (0, "After"), (4, "After"), (9, "After"), (20, "After"), replace_open_steps=replace
			)
			self.run_on(day(11))
			self.assertEqual(self.states(lead), expected)
			self.run_on(day(12))
			self.assertEqual(self.states(lead), expected)

	def test_make_ahead(self):
		frappe.db.set_single_value("CRM Ext Settings", "make_ahead_days", 2)
		lead = self.lead()
		self.rule(lead, (5, "After"))
		self.run_on(day(2))
		self.assertEqual(self.states(lead), [])
		self.run_on(day(3))
		self.assertEqual(self.states(lead), [(1, 5, "Open", None)])

	def test_applies_from(self):
		lead = self.lead()
		self.rule(
			lead,
			(0, "After"),
			(4, "After"),
			replace_open_steps=0,
			applies_from=MONDAY + timedelta(days=4),
		)
		self.run_on(day(30))
		self.assertEqual(self.states(lead), [(2, 4, "Open", None)])

	def test_submitted(self):
		quotation, draft = f.make_quotation(), f.make_quotation(submit=False)
		start = getdate(nowdate())
		today = datetime.combine(start, time(12))
		self.rule([quotation, draft], (0, "After"), (2, "After"), event="Submitted", replace_open_steps=0)
		self.run_on(today + timedelta(days=2))
		self.assertEqual(
			[(row.step, row.due_date) for row in self.made(quotation)],
			[(1, start), (2, start + timedelta(days=2))],
		)
		self.assertEqual(self.made(draft), [])
		frappe.get_doc("Quotation", quotation.name).cancel()
		self.run_on(today + timedelta(days=2))
		self.assertEqual({row.cancel_reason for row in self.made(quotation)}, {"Document Cancelled"})

	def test_stage_entered(self):
		opportunity = f.make_opportunity(f.make_customer())
		deal = self.deal_of(opportunity)
		deal.db_set("stage_since", day(0, 10), update_modified=False)
		self.rule(deal, (2, "After"), event="Stage Entered")
		self.run_on(day(1))
		self.assertEqual(self.states(deal), [])
		self.run_on(day(2))
		self.assertEqual(self.states(deal), [(1, 2, "Open", None)])
		self.assertEqual(self.made(deal)[0].deal, deal.name)
		deal.db_set("stage_since", day(3, 10), update_modified=False)
		self.run_on(day(4))
		self.assertEqual(self.states(deal), [(1, 2, "Cancelled", "Condition No Longer Met")])
		self.run_on(day(5))
		self.assertEqual(self.states(deal)[1:], [(1, 5, "Open", None)])

	def test_condition_met_counts_from_the_day_it_is_seen_and_once(self):
		lead = self.lead()
		self.rule(
			lead,
			(2, "After"),
			(4, "After"),
			event="Condition Met",
			replace_open_steps=0,
			filters=[["Lead", "status", "=", "Interested"]],
		)
		self.run_on(day(0))
		self.assertEqual(self.states(lead), [])
		lead.db_set("status", "Interested")
		self.run_on(day(1))
		self.assertEqual(self.states(lead), [(1, 3, "Open", None)])  # planned as soon as seen
		self.run_on(day(4))
		self.assertEqual(len(self.states(lead)), 1)
		self.run_on(day(7))
		second = (2, 5, "Open", None)  # Saturday; this person has no holiday list
		self.assertEqual(self.states(lead), [(1, 3, "Open", None), second])
		lead.db_set("status", "Open")
		self.run_on(day(8))
		self.assertEqual({row[2:] for row in self.states(lead)}, {("Cancelled", "Condition No Longer Met")})
		lead.db_set("status", "Interested")
		self.run_on(day(20))
		self.assertEqual(len(self.states(lead)), 2)

	def test_dates_before_and_after(self):
		quotation = f.make_quotation(valid_till=add_days(nowdate(), 60))
		quotation.db_set("valid_till", MONDAY + timedelta(days=10))
		self.rule(quotation, (5, "Before"), (2, "After"), trigger="Date", date_field="valid_till")
		self.run_on(day(4))
		self.assertEqual(self.states(quotation), [])
		self.run_on(day(5))
		self.assertEqual(self.states(quotation), [(1, 5, "Open", None)])
		# Extended: counted anew.
		quotation.db_set("valid_till", MONDAY + timedelta(days=20))
		self.run_on(day(6))
		self.assertEqual(self.states(quotation), [(1, 5, "Cancelled", "Condition No Longer Met")])
		self.run_on(day(15))
		self.run_on(day(22))
		self.assertEqual(
			self.states(quotation)[1:],
			[(1, 15, "Cancelled", "Replaced by a Later Step"), (2, 22, "Open", None)],
		)

	def test_an_empty_date_asks_for_nothing(self):
		quotation = f.make_quotation()
		quotation.db_set("valid_till", None)
		self.rule(quotation, (5, "Before"), trigger="Date", date_field="valid_till")
		self.run_on(day(500))
		self.assertEqual(self.states(quotation), [])

	def test_silence_starts_over_with_contact(self):
		lead = self.lead()
		self.rule(lead, (5, "After"), (9, "After"), trigger="Silence", silence_of="Document")
		self.run_on(day(4))
		self.assertEqual(self.states(lead), [])
		self.run_on(day(5))
		self.assertEqual(self.states(lead), [(1, 5, "Open", None)])
		self.contact("Lead", lead.name, day(6))
		self.run_on(day(7))
		self.assertEqual(self.states(lead), [(1, 5, "Cancelled", "In Contact")])
		self.run_on(day(11))
		self.run_on(day(15))
		self.assertEqual(
			self.states(lead)[1:],
			[(1, 11, "Cancelled", "Replaced by a Later Step"), (2, 15, "Open", None)],
		)

	def test_whose_silence(self):
		customer = f.make_customer()
		opportunity = self.dated(f.make_opportunity(customer), day(0, 10))
		deal = self.deal_of(opportunity)
		opportunity.reload()
		levels = ("Document", "Deal", "Party")
		made = {
			level: self.rule(opportunity, (5, "After"), trigger="Silence", silence_of=level)
			for level in levels
		}
		self.contact("Deal", deal.name, day(2))
		self.contact("Customer", customer.name, day(4))

		def due(number):
			self.run_on(day(number))
			found = {row.rule for row in self.made(opportunity)}
			return [level for level in levels if made[level].name in found]

		self.assertEqual(due(4), [])
		self.assertEqual(due(5), ["Document"])
		self.assertEqual(due(7), ["Document", "Deal"])
		self.assertEqual(due(9), ["Document", "Deal", "Party"])


class TestClosing(EngineTestCase):
	def test_contact_stops(self):
		lead = self.lead()
		self.rule(lead, (0, "After"), (3, "After"), stop_on_contact=1)
		self.contact("Lead", lead.name, day(0, 9))  # before it was made: how it became a lead
		self.run_on(day(0))
		self.assertEqual(self.states(lead), [(1, 0, "Open", None)])
		self.contact("Lead", lead.name, day(1))
		self.assertEqual(self.run_on(day(2))["closed"], 1)
		self.run_on(day(9))
		self.assertEqual(self.states(lead), [(1, 0, "Cancelled", "In Contact")])

	def test_contact_goes_on_where_the_rule_does_not_stop(self):
		lead = self.lead()
		self.rule(lead, (0, "After"), stop_on_contact=0)
		self.contact("Lead", lead.name, day(1))
		self.run_on(day(2))
		self.assertEqual(self.states(lead), [(1, 0, "Open", None)])

	def test_the_mail_that_sends_a_quotation_is_no_answer(self):
		quotation = f.make_quotation()
		start = datetime.combine(getdate(nowdate()), time(12))
		self.rule(quotation, (3, "After"), event="Submitted", stop_on_contact=1)
		self.contact("Quotation", quotation.name, start)
		self.run_on(start + timedelta(days=3))
		self.assertEqual(len(self.made(quotation, status="Open")), 1)
		self.contact("Quotation", quotation.name, start + timedelta(days=1))
		self.run_on(start + timedelta(days=3))
		self.assertEqual(self.made(quotation)[0].cancel_reason, "In Contact")

	def test_contact_closes_what_prepares_a_date_ahead(self):
		quotation = f.make_quotation(valid_till=add_days(nowdate(), 4))
		now = now_datetime()
		self.rule(quotation, (5, "Before"), trigger="Date", date_field="valid_till", stop_on_contact=1)
		self.run_on(now)
		self.assertEqual(len(self.made(quotation, status="Open")), 1)
		self.contact("Quotation", quotation.name, now + timedelta(hours=2))
		self.run_on(now + timedelta(hours=3))
		self.assertEqual(self.made(quotation)[0].cancel_reason, "In Contact")

	def test_contact_on_the_deal_counts(self):
		customer = f.make_customer()
		opportunity = self.dated(f.make_opportunity(customer), day(0, 10))
		deal = self.deal_of(opportunity)
		self.rule(opportunity, (0, "After"), stop_on_contact=1)
		self.run_on(day(0))
		self.contact("Deal", deal.name, day(1))
		self.run_on(day(2))
		self.assertEqual(self.states(opportunity), [(1, 0, "Cancelled", "In Contact")])

	def test_stage_reached(self):
		opportunity = self.dated(f.make_opportunity(f.make_customer()), day(0, 10))
		deal = self.deal_of(opportunity)
		self.rule(opportunity, (0, "After"), (3, "After"), stop_stage="Quoted", stop_on_contact=0)
		self.run_on(day(0))
		deal.db_set("stage", "Qualified")
		self.run_on(day(1))
		self.assertEqual(self.states(opportunity), [(1, 0, "Open", None)])
		deal.db_set("stage", "Ordered")
		self.run_on(day(4))
		self.assertEqual(self.states(opportunity), [(1, 0, "Cancelled", "Stage Reached")])

	def test_condition_left_and_document_gone(self):
		left, gone = self.lead(), self.lead()
		self.rule([left, gone], (0, "After"), filters=[["Lead", "status", "in", ["Open", "Lead"]]])
		self.run_on(day(0))
		left.db_set("status", "Do Not Contact")
		frappe.db.sql("DELETE FROM tabLead WHERE name = %s", gone.name)  # past the document layer
		self.run_on(day(1))
		for lead in (left, gone):
			self.assertEqual(self.states(lead), [(1, 0, "Cancelled", "Condition No Longer Met")])
		left.db_set("status", "Open")
		self.run_on(day(2))
		self.assertEqual(len(self.states(left)), 1)

	def test_company(self):
		ours, theirs = self.lead(), self.lead(company=f.OTHER_COMPANY)
		self.rule([ours, theirs], (0, "After"), company=f.COMPANY)
		self.run_on(day(0))
		self.assertEqual((len(self.made(ours)), len(self.made(theirs))), (1, 0))
		ours.db_set("company", None)
		self.run_on(day(0))
		self.assertEqual(self.states(ours), [(1, 0, "Cancelled", "Condition No Longer Met")])

	def test_renamed(self):
		lead = self.lead()
		rule = f.make_rule((0, "After"), filters=[["Lead", "creation", "<", "2026-03-03"]])
		self.run_on(day(0))
		frappe.rename_doc("Follow Up Rule", rule.name, f.unique("Another"))
		frappe.rename_doc("Lead", lead.name, f.unique("LEAD"))
		self.assertEqual(self.run_on(day(1))["made"], 0)

	def test_done_is_never_made_again(self):
		lead = self.lead()
		self.rule(lead, (0, "After"))
		self.run_on(day(0))
		frappe.db.set_value("Follow Up", self.made(lead)[0].name, "status", "Done")
		self.run_on(day(1))
		self.assertEqual([row.status for row in self.made(lead)], ["Done"])

	def test_planned_by_hand_about_a_cancelled_document(self):
		quotation = f.make_quotation()
		planned = self.plan(quotation)
		frappe.get_doc("Quotation", quotation.name).cancel()
		frappe.db.set_single_value("CRM Ext Settings", "follow_up_rules_enabled", 0)
		self.run_on(now_datetime())
		planned.reload()
		self.assertEqual((planned.status, planned.cancel_reason), ("Cancelled", "Document Cancelled"))

	def plan(self, doc, **values):
		return frappe.get_doc(
			{
				"doctype": "Follow Up",
				"subject": "By hand",
				"channel": "Call",
				"reference_doctype": doc.doctype,
				"reference_name": doc.name,
				"due_date": nowdate(),
				**values,
			}
		).insert()

	def test_switched_off_in_settings(self):
		lead = self.lead()
		self.rule(lead, (0, "After"))
		frappe.db.set_single_value("CRM Ext Settings", "follow_up_rules_enabled", 0)
		self.assertEqual(self.run_on(day(0))["made"], 0)
		self.assertEqual(self.states(lead), [])


class TestPeople(EngineTestCase):
	def setUp(self):
		super().setUp()
		self.ann, self.ben, self.cem = (
			f.make_user(f"crm-ext-{name}@example.com", "Sales User").name for name in ("ann", "ben", "cem")
		)

	def disable(self, user: str) -> None:
		frappe.db.set_value("User", user, "enabled", 0)

	def responsible(self, doc) -> str:
		return self.made(doc)[-1].responsible

	def test_owner_else_who_made_it(self):
		owned, unowned = self.lead(lead_owner=self.ann), self.lead(lead_owner=self.ann)
		unowned.db_set({"lead_owner": None, "owner": self.ben})
		self.rule([owned, unowned], (0, "After"))
		self.run_on(day(0))
		self.assertEqual((self.responsible(owned), self.responsible(unowned)), (self.ann, self.ben))

	def test_nobody_disabled(self):
		self.disable(self.ann)
		lead, other, third = (self.lead() for _number in range(3))
		for doc in (lead, other, third):
			doc.db_set({"lead_owner": self.ann, "owner": self.ben})
		self.rule(lead, (0, "After"), fallback_user=self.cem)
		self.rule(other, (0, "After"))
		third.db_set("owner", "Guest")
		rule = self.rule(third, (0, "After"))
		rule.db_set("owner", self.cem)
		self.run_on(day(0))
		self.assertEqual(
			[self.responsible(doc) for doc in (lead, other, third)], [self.cem, self.ben, self.cem]
		)

	def test_reassigned_and_delegated(self):
		taken, passed_on = self.lead(lead_owner=self.ann), self.lead(lead_owner=self.ann)
		self.rule([taken, passed_on], (0, "After"))
		self.run_on(day(0))
		frappe.db.set_value("Follow Up", self.made(passed_on)[0].name, "responsible", self.cem)
		frappe.db.set_value("User", self.ben, "time_zone", "Asia/Shanghai")
		for lead in (taken, passed_on):
			lead.db_set("lead_owner", self.ben)
		self.assertEqual(self.run_on(day(0))["moved"], 2)
		first, second = self.made(taken)[0], self.made(passed_on)[0]
		self.assertEqual((first.reference_owner, first.responsible), (self.ben, self.ben))
		# Nine in the morning in Shanghai, in New York.
		self.assertEqual((first.due_date, first.due_on), (MONDAY, datetime(2026, 3, 1, 20)))
		self.assertEqual((second.reference_owner, second.responsible), (self.ben, self.cem))
		self.assertEqual(self.run_on(day(0))["moved"], 0)
		self.disable(self.cem)
		self.run_on(day(0))
		self.assertEqual(self.made(passed_on)[0].responsible, self.ben)

	def test_planned_by_hand_goes_along(self):
		lead = self.lead(lead_owner=self.ann)
		planned = TestClosing.plan(self, lead, responsible=self.ann)
		delegated = TestClosing.plan(self, lead, responsible=self.cem)
		self.run_on(day(0))
		planned.reload()
		self.assertEqual((planned.responsible, planned.reference_owner), (self.ann, self.ann))
		lead.db_set("lead_owner", self.ben)
		self.run_on(day(0))
		planned.reload()
		delegated.reload()
		self.assertEqual((planned.responsible, planned.reference_owner), (self.ben, self.ben))
		self.assertEqual((delegated.responsible, delegated.reference_owner), (self.cem, self.ben))

	def test_turns_are_fair(self):
		leads = [self.lead() for _number in range(7)]
		users = [{"user": user} for user in (self.ann, self.ben, self.cem)]
		self.rule(leads, (0, "After"), assign_to="Round Robin", users=users)
		self.run_on(day(0))
		held = [self.responsible(lead) for lead in leads]
		self.assertEqual([held.count(user) for user in (self.ann, self.ben, self.cem)], [3, 2, 2])
		self.disable(self.ann)
		self.run_on(day(0))
		held = [self.responsible(lead) for lead in leads]
		self.assertEqual([held.count(user) for user in (self.ann, self.ben, self.cem)], [0, 4, 3])

	def test_fixed_user(self):
		lead = self.lead(lead_owner=self.ann)
		self.rule(lead, (0, "After"), assign_to="Fixed User", assign_user=self.cem)
		self.run_on(day(0))
		lead.db_set("lead_owner", self.ben)
		self.assertEqual(self.run_on(day(0))["moved"], 0)
		self.assertEqual(self.responsible(lead), self.cem)

	def test_lead_owner_account_manager_and_assignee(self):
		lead = f.make_lead(lead_owner=self.ann)
		opportunity = f.make_opportunity(lead)
		customer = f.make_customer(account_manager=self.ben)
		order = f.make_sales_order(customer=customer.name)
		touch.flush()
		frappe.get_doc(
			{
				"doctype": "ToDo",
				"allocated_to": self.cem,
				"reference_type": "Sales Order",
				"reference_name": order.name,
				"description": "See to it",
			}
		).insert()
		for doc, assign_to, user in (
			(lead, "Lead Owner", self.ann),
			(opportunity, "Lead Owner", self.ann),
			(order, "Account Manager", self.ben),
			(customer, "Account Manager", self.ben),
			(order, "Assignee", self.cem),
			(opportunity, "Assignee", "Administrator"),  # nobody; who made it
		):
			rule = rules.read(self.rule(doc, (0, "After"), assign_to=assign_to))
			self.assertEqual(people.find(rule, [doc.name]), {doc.name: user}, (doc.doctype, assign_to))

	def test_salesperson(self):
		persons = {user: f.make_sales_person(user) for user in (self.ann, self.ben)}
		customer = f.make_customer(
			sales_team=[{"sales_person": persons[self.ann].name, "allocated_percentage": 100}]
		)
		order = f.make_sales_order(customer=customer.name, submit=False)
		order.set(
			"sales_team",
			[
				{"sales_person": persons[self.ann].name, "allocated_percentage": 40},
				{"sales_person": persons[self.ben].name, "allocated_percentage": 60},
			],
		)
		order.save()
		quotation = f.make_quotation(customer)
		for doc, user in ((customer, self.ann), (order, self.ben), (quotation, self.ann)):
			rule = rules.read(self.rule(doc, (0, "After"), assign_to="Salesperson"))
			self.assertEqual(people.find(rule, [doc.name]), {doc.name: user}, doc.doctype)

	def test_managers(self):
		boss = f.make_employee(self.cem)
		middle = f.make_employee(self.ben, reports_to=boss.name)
		f.make_employee(self.ann, reports_to=middle.name)
		everybody = [self.ann, self.ben, self.cem, "nobody@example.com"]
		self.assertEqual(people.manager_of(everybody), {self.ann: self.ben, self.ben: self.cem})
		self.disable(self.ben)
		self.assertEqual(people.manager_of([self.ann]), {self.ann: self.cem})

	def test_managers_by_the_tree_of_sales_persons(self):
		parent = "Sales Team"
		for user, group in ((self.cem, 1), (self.ben, 1), (self.ann, 0)):
			parent = f.make_sales_person(user, parent, is_group=group).name
		self.assertEqual(people.manager_of([self.ann, self.cem]), {self.ann: self.ben})


class TestDays(EngineTestCase):
	def setUp(self):
		super().setUp()
		self.ann = f.make_user("crm-ext-ann@example.com", "Sales User").name

	def test_holidays_of_the_responsible(self):
		holidays = f.make_holiday_list(MONDAY + timedelta(days=7), year=2026)
		f.make_employee(self.ann, holiday_list=holidays.name)
		lead = self.lead(lead_owner=self.ann)
		self.rule(lead, (5, "After"))
		for number in (5, 7):
			self.run_on(day(number))
			self.assertEqual(self.states(lead), [])
		self.run_on(day(8))
		self.assertEqual(self.states(lead), [(1, 8, "Open", None)])
		# A day off declared later moves nothing that is made, and makes nothing twice.
		holidays.append("holidays", {"holiday_date": MONDAY + timedelta(days=8), "description": "Closed"})
		holidays.save()
		self.run_on(day(9))
		self.assertEqual(self.states(lead), [(1, 8, "Open", None)])

	def test_what_prepares_a_date_comes_before_the_holidays(self):
		holidays = f.make_holiday_list(*(MONDAY + timedelta(days=n) for n in range(7, 11)), year=2026)
		f.make_employee(self.ann, holiday_list=holidays.name)
		quotation = f.make_quotation()
		quotation.db_set({"valid_till": MONDAY + timedelta(days=14), "owner": self.ann})
		self.rule(quotation, (4, "Before"), trigger="Date", date_field="valid_till")
		self.run_on(day(3))
		self.assertEqual(self.states(quotation), [])
		self.run_on(day(4))
		self.assertEqual(self.states(quotation), [(1, 4, "Open", None)])

	def test_before_the_holidays_of_somebody_a_day_ahead(self):
		frappe.db.set_value("User", self.ann, "time_zone", "Pacific/Kiritimati")
		f.make_employee(self.ann, holiday_list=f.make_holiday_list(year=2026).name)
		quotation = f.make_quotation()
		quotation.db_set({"valid_till": MONDAY + timedelta(days=8), "owner": self.ann})
		self.rule(quotation, (2, "Before"), trigger="Date", date_field="valid_till")  # a Sunday
		self.run_on(day(3, 3))
		self.assertEqual(self.states(quotation), [])
		self.run_on(day(3, 8))  # there it is Friday
		self.assertEqual(self.states(quotation), [(1, 4, "Open", None)])

	def test_days_of_the_person(self):
		frappe.db.set_value("User", self.ann, "time_zone", "Asia/Shanghai")
		# Monday afternoon in New York is Tuesday morning in Shanghai.
		lead = self.lead(day(0, 15), lead_owner=self.ann)
		other = self.lead(day(0, 15))
		self.rule([lead, other], (1, "After", "Call", "Call", "15:00:00"))
		self.run_on(day(1, 10))  # Tuesday, in Shanghai Tuesday too
		self.assertEqual((self.states(lead), self.states(other)), ([], [(1, 1, "Open", None)]))
		self.run_on(day(1, 14))  # in Shanghai it is Wednesday now
		self.assertEqual(self.states(lead), [(1, 2, "Open", None)])
		self.assertEqual(self.made(lead)[0].due_on, datetime(2026, 3, 4, 2))

	def test_what_happens_after_working_hours_happens_the_day_after(self):
		late, silent = self.lead(day(0, 18)), self.lead(day(0, 18))
		self.rule(late, (0, "After"), (1, "After"), replace_open_steps=0)
		self.rule(silent, (1, "After"), trigger="Silence", silence_of="Document")
		self.run_on(day(0, 19))
		self.assertEqual(self.states(late), [])
		self.run_on(day(1))
		self.assertEqual(self.states(late), [(1, 1, "Open", None)])
		self.assertEqual(self.states(silent), [(1, 1, "Open", None)])
		self.run_on(day(2))
		self.assertEqual(self.states(late)[1:], [(2, 2, "Open", None)])

	def test_clocks_change(self):
		frappe.db.set_value("User", self.ann, "time_zone", "Europe/Berlin")
		lead = self.lead(datetime(2026, 3, 26, 12), lead_owner=self.ann)
		self.rule(lead, (2, "After"), (3, "After"), replace_open_steps=0)
		self.run_on(datetime(2026, 4, 1, 12))
		# Nine in Berlin; New York changed its clocks three weeks earlier.
		self.assertEqual(
			[row.due_on for row in self.made(lead)], [datetime(2026, 3, 28, 4), datetime(2026, 3, 29, 3)]
		)


class TestConditions(EngineTestCase):
	def found(self, doc, *filters) -> bool:
		doctype = doc.doctype
		rule = self.rule(
			doc, (0, "After"), filters=[[doctype, *row] if len(row) == 3 else list(row) for row in filters]
		)
		engine.run(now_datetime() + timedelta(days=1), [rule.name])
		return bool(self.made(doc, rule=rule.name))

	def test_every_comparison_of_the_form(self):
		lead = f.make_lead(company_name='50% Off\'s "Best" %s', territory="All Territories")
		lead.db_set("qualified_on", nowdate())
		for row, expected in (
			(("status", "=", "Open"), True),
			(("status", "!=", "Open"), False),
			(("status", "in", ["Open", "Lead"]), True),
			(("status", "not in", "Open,Lead"), False),
			(("company_name", "like", "%50% off's%"), True),
			(("company_name", "not like", "%best%"), False),
			(("company_name", "=", '50% Off\'s "Best" %s'), True),
			(("industry", "is", "not set"), True),
			(("lead_owner", "is", "set"), True),
			(("qualified_on", "Between", [add_days(nowdate(), -1), nowdate()]), True),
			(("qualified_on", "between", [add_days(nowdate(), -3), add_days(nowdate(), -2)]), False),
			(("qualified_on", "Timespan", "today"), True),
			(("qualified_on", "Timespan", "last month"), False),
			(("creation", ">", add_days(nowdate(), -1)), True),
			(("territory", "descendants of (inclusive)", "All Territories"), True),
			(("territory", "not descendants of", "All Territories"), True),
			(("_user_tags", "is", "not set"), True),
		):
			with self.subTest(row=row):
				self.assertEqual(self.found(lead, row), expected, row)

	def test_rows_of_a_document(self):
		order = f.make_sales_order(rows=((f.ITEM, 1, 100), (f.ITEM, 2, 100), (f.OTHER_ITEM, 3, 50)))
		self.assertTrue(self.found(order, ("Sales Order Item", "item_code", "=", f.ITEM)))
		self.assertEqual(len(self.made(order)), 1)
		self.assertFalse(self.found(order, ("Sales Order Item", "item_code", "=", f.SERVICE)))

	def test_docstatus(self):
		order = f.make_sales_order()
		order.reload()
		order.cancel()
		self.assertFalse(self.found(order))
		self.assertTrue(self.found(order, ("docstatus", "=", 2)))
		engine.run(now_datetime() + timedelta(days=1))
		self.assertEqual([row.status for row in self.made(order)], ["Open"])


class TestBrokenRules(EngineTestCase):
	def test_a_broken_rule_is_switched_off_and_the_others_run(self):
		owner = f.make_user("crm-ext-rules@example.com", "Sales Manager").name
		lead = self.lead()
		broken = {
			"unreadable": self.rule(lead, (0, "After"), title=f.unique("A")),
			"no list": self.rule(lead, (0, "After"), title=f.unique("B")),
			"field gone": self.rule(lead, (0, "After"), title=f.unique("C")),
			"date gone": self.rule(
				lead, (0, "After"), title=f.unique("D"), trigger="Date", date_field="creation"
			),
			"no steps": self.rule(lead, (0, "After"), title=f.unique("E")),
			"senseless value": self.rule(lead, (0, "After"), title=f.unique("F")),
		}
		for rule in broken.values():
			rule.db_set("owner", owner)
		broken["unreadable"].db_set("filters", "[not json")
		broken["no list"].db_set("filters", '{"status": "Open"}')
		broken["field gone"].db_set("filters", '[["Lead", "gone_field", "=", "1"]]')
		broken["date gone"].db_set("date_field", "gone_date")
		frappe.db.delete("Follow Up Rule Step", {"parent": broken["no steps"].name})
		broken["senseless value"].db_set("filters", '[["Lead", "name", "descendants of", "No Such"]]')
		good = self.rule(lead, (0, "After"), title=f.unique("Z"))
		counts = self.run_on(day(0))
		self.assertEqual((counts["broken"], counts["made"]), (len(broken), 1))
		self.assertEqual([row.rule for row in self.made(lead)], [good.name])
		for what, rule in broken.items():
			with self.subTest(what=what):
				rule.reload()
				self.assertFalse(rule.enabled)
				self.assertTrue(rule.switched_off_because)
				told = frappe.get_all(
					"Notification Log",
					filters={"for_user": owner, "document_name": rule.name},
					pluck="subject",
				)
				self.assertEqual(told, [f"Follow up rule {rule.title} was switched off"])
		broken["field gone"].reload()
		self.assertIn("gone_field", broken["field gone"].switched_off_because)
		self.assertEqual(self.run_on(day(0))["broken"], 0)
		# Mended and switched on again, it goes on.
		mended = broken["field gone"]
		mended.filters = json.dumps([["Lead", "name", "=", lead.name]])
		mended.enabled = 1
		mended.save()
		self.assertIsNone(mended.switched_off_because)
		self.assertEqual(self.run_on(day(0))["made"], 1)

	def test_a_column_that_is_gone(self):
		"""The field is still declared, the database lost its column."""
		lead = self.lead()
		rule = self.rule(lead, (0, "After"))
		meta = frappe.get_meta("Lead")
		ghost = frappe.get_doc(
			{"doctype": "DocField", "fieldname": "ghost", "fieldtype": "Data", "label": "Ghost"}
		)
		meta._fields["ghost"] = ghost
		try:
			rule.db_set("filters", '[["Lead", "ghost", "=", "1"]]')
			self.assertEqual(self.run_on(day(0))["broken"], 1)
		finally:
			del meta._fields["ghost"]
		rule.reload()
		self.assertIn("ghost", rule.switched_off_because)

	def test_the_owner_is_told_by_mail_in_the_own_language(self):
		owner = f.make_user("crm-ext-rules@example.com", "Sales Manager").name
		frappe.db.set_value("User", owner, "language", "zh")
		self.make_email_account()
		lead = self.lead()
		rule = self.rule(lead, (0, "After"))
		rule.db_set({"owner": owner, "filters": "[1]"})
		self.assertEqual(self.run_on(day(0))["broken"], 1)
		self.run_on(day(0))
		mails = frappe.get_all("Email Queue", filters={"reference_name": rule.name}, pluck="message")
		self.assertEqual(len(mails), 1)
		subject = frappe.db.get_value("Notification Log", {"document_name": rule.name}, "subject")
		self.assertEqual(subject, _("Follow up rule {0} was switched off", lang="zh").format(rule.title))

	def test_a_disabled_owner_is_not_told(self):
		owner = f.make_user("crm-ext-gone@example.com", "Sales Manager").name
		lead = self.lead()
		rule = self.rule(lead, (0, "After"))
		rule.db_set({"owner": owner, "filters": "[1]"})
		frappe.db.set_value("User", owner, "enabled", 0)
		self.assertEqual(self.run_on(day(0))["broken"], 1)
		self.assertFalse(frappe.db.exists("Notification Log", {"document_name": rule.name}))


class TestChecking(EngineTestCase):
	def test_a_rule_that_cannot_work_is_refused(self):
		user = f.make_user("crm-ext-gone@example.com", "Sales User").name
		frappe.db.set_value("User", user, "enabled", 0)
		after = (0, "After")
		for words, steps, values in (
			("not made for ToDo", [after], {"document_type": "ToDo", "filters": []}),
			("never submitted", [after], {"event": "Submitted"}),
			("Only a Deal enters stages", [after], {"event": "Stage Entered"}),
			("no date field .*gone", [after], {"trigger": "Date", "date_field": "gone"}),
			("Choose the date", [after], {"trigger": "Date"}),
			("nothing can be due before an event", [(3, "Before")], {}),
			(
				"nothing can be due before an event",
				[(3, "Before")],
				{"trigger": "Silence", "silence_of": "Deal"},
			),
			("due on the same day", [(3, "After"), (3, "After", "Mail")], {}),
			("days must be between", [(-3, "After")], {}),
			(
				"belongs to no deal",
				[after],
				{"document_type": "Customer", "trigger": "Silence", "silence_of": "Deal"},
			),
			("belongs to no deal", [after], {"document_type": "Customer", "stop_stage": "Quoted"}),
			("cannot be read", [after], {"filters": "{"}),
			("cannot be read", [after], {"filters": [["Lead", "status"]]}),
			("no field gone", [after], {"filters": [["Lead", "gone", "=", 1]]}),
			("no part of", [after], {"filters": [["Sales Order", "status", "=", "x"]]}),
			("no comparison", [after], {"filters": [["Lead", "status", "sounds like", "x"]]}),
			("do not work", [after], {"filters": [["Lead", "name", "descendants of", "No Such"]]}),
			("who take turns", [after], {"assign_to": "Round Robin"}),
			("no enabled user", [after], {"assign_to": "Round Robin", "users": [{"user": user}]}),
			("no enabled user", [after], {"assign_to": "Fixed User", "assign_user": user}),
			("no enabled user", [after], {"fallback_user": user}),
			("escalate to", [after], {"escalate_after_days": 2, "escalate_to": "Fixed User"}),
		):
			with self.subTest(words=words, values=values):
				with self.assertRaisesRegex(frappe.ValidationError, words, msg=(words, values)):
					f.make_rule(*steps, **values)

	def test_one_day_twice_where_both_are_made(self):
		f.make_rule((3, "After"), (3, "After", "Mail"), replace_open_steps=0)

	def test_switching_on(self):
		today = getdate(nowdate())
		rule = f.make_rule(enabled=0, applies_from=None)
		self.assertIsNone(rule.applies_from)
		rule.enabled = 1
		rule.save()
		self.assertEqual(getdate(rule.applies_from), today)
		rule.applies_from = None  # on purpose
		rule.save()
		engine.run(rules=[rule.name])
		rule.reload()
		self.assertEqual((rule.applies_from, bool(rule.last_run_on)), (None, True))
		for enabled in (0, 1):
			rule.enabled = enabled
			rule.save()
		self.assertIsNone(rule.applies_from)

	def test_running_leaves_the_rule_unmodified(self):
		lead = self.lead()
		rule = self.rule(lead, (0, "After"))
		modified = frappe.db.get_value("Follow Up Rule", rule.name, "modified")
		self.run_on(day(0))
		found = frappe.db.get_value("Follow Up Rule", rule.name, ["modified", "last_run_on", "last_run_made"])
		self.assertEqual(found, (modified, day(0), 1))

	def test_an_empty_time_is_any_time(self):
		rule = f.make_rule((0, "After"), (1, "After", "Call", "x", "00:00:00"))
		rule.reload()
		self.assertEqual([step.due_time for step in rules.read(rule).steps], [None, time(0)])


class TestTrial(EngineTestCase):
	def new_lead(self, **values):
		"""Of this morning: what comes after working hours counts from the next day."""
		return self.lead(datetime.combine(getdate(nowdate()), time(10)), **values)

	def form(self, rule) -> str:
		return rule.as_json()

	def test_preview_counts_and_shows_what_the_user_may_read(self):
		manager = f.make_user("crm-ext-manager@example.com", "Sales Manager").name
		leads = [self.new_lead(company=company) for company in (f.COMPANY, f.COMPANY, f.OTHER_COMPANY)]
		rule = self.rule(leads, (0, "After", "Call", "First"), (1, "After"), enabled=0)
		frappe.permissions.add_user_permission("Company", f.COMPANY, manager)
		before = frappe.db.count("Follow Up")
		frappe.set_user(manager)
		found = api.preview(self.form(rule))
		frappe.set_user("Administrator")
		self.assertEqual((found["count"], found["hidden"], found["older"]), (3, 1, 0))
		self.assertEqual([row["name"] for row in found["documents"]], [lead.name for lead in leads[:2]])
		row = found["documents"][0]
		self.assertEqual((row["responsible"], row["subject"], row["steps"]), ("Administrator", "First", 1))
		self.assertEqual(frappe.db.count("Follow Up"), before)

	def test_preview_of_what_is_in_the_form(self):
		leads = [self.new_lead(), self.lead(now_datetime() - timedelta(days=9))]
		rule = self.rule(leads, (0, "After"), enabled=0, applies_from=None)
		form = {**json.loads(self.form(rule)), "__islocal": 1, "name": "new-follow-up-rule-1"}
		self.assertEqual((api.preview(form)["count"], api.preview(form)["older"]), (1, 1))
		form["applies_from"] = "2020-01-01"
		self.assertEqual(api.preview(form)["count"], 2)
		form["filters"] = json.dumps([["Lead", "name", "=", "none of them"]])
		self.assertEqual(api.preview(form)["count"], 0)
		form["filters"] = "["
		with self.assertRaisesRegex(frappe.ValidationError, "cannot be read"):
			api.preview(form)

	def test_preview_leaves_out_what_is_made(self):
		leads = [self.new_lead(), self.new_lead()]
		rule = self.rule(leads, (0, "After"))
		engine.run(rules=[rule.name])
		self.assertEqual(api.preview(self.form(rule))["count"], 0)

	def test_only_for_those_who_may_change_rules(self):
		rule = self.rule(self.new_lead(), (0, "After"))
		frappe.set_user(f.make_user("crm-ext-only-seller@example.com", "Sales User").name)
		for call in (lambda: api.preview(self.form(rule)), lambda: api.test(self.form(rule), "x")):
			with self.assertRaises(frappe.PermissionError):
				call()

	def test_what_a_rule_may_be_about(self):
		seller = f.make_user("crm-ext-only-manager@example.com", "Sales Manager").name
		frappe.set_user(seller)
		found = api.document_types("DocType", "", "name", 0, 50)
		self.assertIn(["Sales Order", "Sales Order"], found)
		self.assertEqual(api.document_types("DocType", "quot", "name", 0, 50), [["Quotation", "Quotation"]])
		frappe.set_user(f.make_user("crm-ext-nobody@example.com").name)
		with self.assertRaises(frappe.PermissionError):
			api.document_types("DocType", "", "name", 0, 50)

	def test_only_documents_the_user_may_read(self):
		theirs = self.new_lead(company=f.OTHER_COMPANY)
		rule = self.rule(theirs, (0, "After"))
		manager = f.make_user("crm-ext-manager@example.com", "Sales Manager").name
		frappe.permissions.add_user_permission("Company", f.COMPANY, manager)
		frappe.set_user(manager)
		with self.assertRaises(frappe.PermissionError):
			api.test(self.form(rule), theirs.name)

	def test_one_document(self):
		lead = self.new_lead()
		rule = self.rule(
			lead, (0, "After"), (3, "After"), filters=[["Lead", "status", "in", ["Open", "Lead"]]]
		)

		def states():
			found = api.test(self.form(rule), lead.name)
			return found["reasons"], [step["state"] for step in found["steps"]]

		self.assertEqual(states(), ([], ["Made now", "Made later, when its day has come"]))
		engine.run(rules=[rule.name])
		made = self.made(lead)[0].name
		self.assertEqual(states()[1][0], f"Made already: {made}, Open")
		self.dated(lead, now_datetime() - timedelta(days=10))
		rule.db_set("applies_from", add_days(nowdate(), -8))
		rule.reload()
		self.assertIn("Too old", states()[1][0])
		self.assertEqual(states()[1][1], "Made now")
		rule.db_set("applies_from", None)
		rule.reload()
		self.assertEqual(states()[1], ["Replaced by a later step", "Made now"])
		self.contact("Lead", lead.name, now_datetime())
		lead.db_set("status", "Converted")
		reasons, steps = states()
		self.assertEqual(reasons, ["Not fulfilled: Status in Open, Lead", "There was contact since"])
		self.assertEqual(steps, ["Not made", "Not made"])

	def test_a_document_without_the_date(self):
		quotation = f.make_quotation()
		quotation.db_set("valid_till", None)
		rule = self.rule(quotation, (1, "Before"), trigger="Date", date_field="valid_till")
		found = api.test(self.form(rule), quotation.name)
		self.assertEqual((found["reasons"], found["steps"]), (["Valid Till is empty"], []))


class TestEveryQuestion(EngineTestCase):
	def test_the_database_understands_every_kind_of_rule(self):
		triggers = [
			*({"trigger": "Event", "event": event} for event in ("Created", "Submitted", "Stage Entered")),
			{"trigger": "Event", "event": "Condition Met"},
			{"trigger": "Date", "date_field": "creation"},
			*({"trigger": "Silence", "silence_of": level} for level in ("Document", "Deal", "Party")),
		]
		people_of = ("Owner", "Lead Owner", "Account Manager", "Salesperson", "Assignee")
		around, asked = engine.Pass(now_datetime()), 0
		for doctype in REFERENCES:
			for trigger in triggers:
				doc = frappe.get_doc(
					{
						"doctype": "Follow Up Rule",
						"title": "Every question",
						"document_type": doctype,
						"steps": [{"idx": 1, "days": 1, "timing": "After", "channel": "Call"}],
						"stop_on_contact": 1,
						"stop_stage": "Quoted" if rules.has_deal(doctype) else None,
						"assign_to": "Owner",
						**trigger,
					}
				)
				try:
					rules.check(doc)
				except frappe.ValidationError:
					continue  # it makes no sense for this DocType
				for doc.assign_to in people_of:
					with self.subTest(doctype=doctype, assign_to=doc.assign_to, **trigger):
						rule = rules.read(doc)
						names = candidates.due(rule, around.day)
						candidates.describe(rule, names[:1] or ["none"], around.day)
						candidates.stopped(rule, ["none"])
						self.assertEqual((candidates.to_close(rule), candidates.to_move(rule)), ([], []))
						asked += 1
		# Every DocType has at least Created, Condition Met, a date and two kinds of silence.
		self.assertGreaterEqual(asked, len(REFERENCES) * 5 * len(people_of))


class TestSets(EngineTestCase):
	def queries(self, count: int) -> int:
		leads = [self.lead() for _number in range(count)]
		rule = self.rule(leads, (0, "After"), assign_to="Salesperson")
		touch.flush()
		asked = []
		plain = frappe.db.sql

		def counting(*args, **kwargs):
			asked.append(args[0])
			return plain(*args, **kwargs)

		frappe.db.sql = counting
		try:
			self.assertEqual(engine.run(day(0), [rule.name])["made"], count)
		finally:
			del frappe.db.sql
		return len(asked)

	def test_the_number_of_queries_does_not_grow_with_the_documents(self):
		self.queries(1)  # what is read once and kept
		self.assertEqual(self.queries(2), self.queries(12))

	def test_the_same_follow_up_is_never_written_twice(self):
		lead = self.lead()
		doc = self.rule(lead, (0, "After"))
		rule = rules.read(doc)
		around = engine.Pass(day(0))
		new = engine.planning.plan(rule, candidates.due(rule, around.day), around)
		self.assertEqual(store.insert(new, "Administrator"), 1)
		self.assertEqual(store.insert(new, "Administrator"), 0)
		self.assertEqual(len(self.made(lead)), 1)


OFFSETS = st.lists(st.integers(0, 8), min_size=1, max_size=3, unique=True)
MADE = st.lists(st.integers(-4, 10), min_size=1, max_size=4)


class TestStandstill(EngineTestCase):
	"""Running each day makes what running once after a standstill makes."""

	def setUp(self):
		super().setUp()
		self.ann = f.make_user("crm-ext-ann@example.com", "Sales User").name
		holidays = f.make_holiday_list(MONDAY + timedelta(days=7), year=2026)
		f.make_employee(self.ann, holiday_list=holidays.name)

	@settings(
		max_examples=12,
		deadline=None,
		derandomize=True,
		database=None,
		suppress_health_check=list(HealthCheck),
	)
	@given(
		offsets=OFFSETS,
		made=MADE,
		before=st.booleans(),
		ahead=st.integers(0, 2),
		zone=st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "Pacific/Kiritimati"]),
		until=st.integers(3, 9),
		applies_from=st.none() | st.integers(-4, 6),
	)
	def test_property(self, offsets, made, before, ahead, zone, until, applies_from):
		frappe.db.savepoint("before_example")
		frappe.db.set_single_value("CRM Ext Settings", "make_ahead_days", ahead)
		frappe.db.set_value("User", self.ann, "time_zone", zone)
		names = self.leads(made, self.ann)
		rule = f.make_rule(
			*((offset, "Before" if before and offset else "After") for offset in offsets),
			filters=[["Lead", "name", "in", names]],
			replace_open_steps=0,
			# A date, or a moment.
			**({"trigger": "Date", "date_field": "qualified_on"} if before else {}),
		)
		rule.db_set(
			"applies_from", MONDAY + timedelta(days=applies_from) if applies_from is not None else None
		)

		def run(number: int) -> None:
			self.assertEqual(engine.run(day(number), [rule.name])["failed"], 0)

		frappe.db.savepoint("before_runs")
		for number in range(-13, until + 1):
			run(number)
		daily = self.keys(rule)
		frappe.db.rollback(save_point="before_runs")
		run(until)
		self.assertEqual(self.keys(rule), daily)
		run(until)
		self.assertEqual(self.keys(rule), daily)
		frappe.db.rollback(save_point="before_example")

	def leads(self, made: list[int], owner: str) -> list[str]:
		"""Past the document layer: this is about days, not about leads."""
		names = [f"CRM-LEAD-PROPERTY-{number}" for number in range(len(made))]
		rows = [
			(
				name,
				day(number, 3 + 5 * (number % 4)),
				day(number),
				owner,
				owner,
				"Ada",
				"Open",
				owner,
				day(number),
			)
			for name, number in zip(names, made, strict=True)
		]
		columns = [
			"name",
			"creation",
			"modified",
			"owner",
			"modified_by",
			"lead_name",
			"status",
			"lead_owner",
		]
		frappe.db.bulk_insert("Lead", [*columns, "qualified_on"], rows)
		return names

	def keys(self, rule) -> list[tuple]:
		return frappe.get_all(
			"Follow Up",
			filters={"rule": rule.name},
			fields=["reference_name", "step", "anchor_on"],
			order_by="reference_name, step",
			as_list=True,
		)
