"""A week of a team of three and their manager, the clock moved from hour to hour.

Ana and Cleo work in New York, Ben in Shanghai, Mia is above them. Cleo has a holiday on Wednesday. From Wednesday noon
to Friday noon the scheduler stands still. Asserted is everything anybody is told, in order: nothing twice, nothing lost.
"""

from datetime import date, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import frappe
from freezegun import freeze_time

from crm_ext import tasks
from crm_ext.follow_ups import calendars, contacts
from crm_ext.tests import factories
from crm_ext.tests.test_follow_up_contacts import make_call, make_communication
from crm_ext.tests.test_follow_up_reminders import MONDAY, NEW_YORK, ToldTestCase

SHANGHAI = "Asia/Shanghai"
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "next Mon")
# When the scheduler wakes up; 19:00 in New York is 8:00 of the next day in Shanghai.
TICKS = ("00:15", "08:00", "12:00", "13:45", "19:00")


class TestWeek(ToldTestCase):
	def setUp(self):
		# Everything made in here is of that week, and removed by it.
		self.frozen = freeze_time(self.utc(MONDAY, "07:00"))
		self.clock = self.frozen.start()
		self.addCleanup(self.frozen.stop)
		super().setUp()
		self.addCleanup(self.enable, frappe.get_all("Follow Up Rule", filters={"enabled": 1}, pluck="name"))
		frappe.db.set_value("Follow Up Rule", {"enabled": 1}, "enabled", 0)
		for field, value in (
			("make_ahead_days", 1),
			("escalate_after_days", 2),
			("follow_up_rules_enabled", 1),
		):
			frappe.db.set_single_value("CRM Ext Settings", field, value)
		contacts.rebuild()
		self.make_team()
		self.make_rules()

	def enable(self, rules: list[str]) -> None:
		for rule in rules:
			frappe.db.set_value("Follow Up Rule", rule, "enabled", 1)
		frappe.db.commit()

	def utc(self, day: date, clock: str, zone: str = NEW_YORK) -> datetime:
		there = datetime.combine(day, datetime.strptime(clock, "%H:%M").time(), ZoneInfo(zone))
		# Frappe compares times of whole seconds as text in two forms.
		return there.astimezone(ZoneInfo("UTC")).replace(tzinfo=None, microsecond=1)

	def make_team(self) -> None:
		self.ana, self.cleo, self.mia = (self.person() for _ in range(3))
		self.ben = self.person(SHANGHAI)
		self.names = {self.ana: "Ana", self.ben: "Ben", self.cleo: "Cleo", self.mia: "Mia"}
		carnival = frappe.get_doc(
			{
				"doctype": "Holiday List",
				"holiday_list_name": factories.unique("Carnival"),
				"from_date": "2027-01-01",
				"to_date": "2027-12-31",
				"holidays": [{"holiday_date": MONDAY + timedelta(days=2), "description": "Carnival"}],
			}
		).insert()
		mia = self.employee(self.mia)
		for user, values in ((self.ana, {}), (self.ben, {}), (self.cleo, {"holiday_list": carnival.name})):
			self.employee(user, reports_to=mia, **values)
		for user, name in self.names.items():
			frappe.db.set_value("User", user, "full_name", name)

	def make_rules(self) -> None:
		self.word = factories.unique("Week")
		self.first_touch = factories.make_rule(
			(0, "After", "Call", "First call"),
			(5, "After", "Mail", "Write"),
			filters=[["Lead", "company_name", "like", f"{self.word}%"]],
			stop_on_contact=1,
			escalate_after_days=2,
		)
		self.expiring = factories.make_rule(
			(2, "Before", "Call", "Order or extend"),
			document_type="Quotation",
			trigger="Date",
			event=None,
			date_field="valid_till",
			filters=[["Quotation", "customer_name", "like", f"{self.word}%"]],
			assign_to="Account Manager",
			stop_on_contact=0,
		)
		self.account = factories.make_customer(
			customer_name=f"{self.word} Account", account_manager=self.cleo
		)
		frappe.db.commit()

	# What happens

	def go(self, day: int, clock: str, zone: str = NEW_YORK) -> None:
		"""Move the clock; `day` counts from Monday, as the zone has it."""
		moment = self.utc(MONDAY + timedelta(days=day), clock, zone)
		self.assertGreaterEqual(moment, self.clock())
		self.clock.move_to(moment)

	def scheduler(self, day: int, *clocks: str) -> None:
		for clock in clocks:
			self.go(day, clock)
			if clock == "00:15":
				tasks.nightly_contacts()
			tasks.follow_up()
			tasks.remind_of_appointments()
			frappe.db.commit()

	def lead(self, name: str, owner: str):
		lead = factories.make_lead(company_name=f"{self.word} {name}", lead_owner=owner)
		frappe.db.commit()
		return lead

	def plan(self, reference, responsible: str, day: int, at: str | None = None, **values) -> str:
		doc = frappe.get_doc(
			{
				"doctype": "Follow Up",
				"subject": "As agreed",
				"reference_doctype": reference.doctype,
				"reference_name": reference.name,
				"responsible": responsible,
				"due_date": MONDAY + timedelta(days=day),
				"due_time": at,
				**values,
			}
		).insert()
		frappe.db.commit()
		return doc.name

	def done(self, **filters) -> None:
		doc = frappe.get_doc("Follow Up", {"status": "Open", **filters})
		doc.update({"status": "Done", "outcome": "Reached"})
		doc.save()
		frappe.db.commit()

	# What was seen

	def told(self) -> list[str]:
		"""Everything the bell said: day and hour in New York, to whom, what. Mails said the same."""
		frappe.db.rollback()
		zone, found = calendars.system_zone(), []
		for bell in frappe.get_all(
			"Notification Log",
			filters={"for_user": ("in", list(self.names))},
			fields=["creation", "for_user", "subject"],
			order_by="creation, for_user",
		):
			there = bell.creation.replace(tzinfo=ZoneInfo(zone)).astimezone(ZoneInfo(NEW_YORK))
			when = f"{DAYS[(there.date() - MONDAY).days]} {there:%H:%M}"
			found.append(f"{when} {self.names[bell.for_user]}: {bell.subject.replace(f'{self.word} ', '')}")
		for user in self.names:
			self.assertEqual(sorted(self.subjects(user)), sorted(map(unescape, self.bells(user))))
		return sorted(found, key=lambda line: (DAYS.index(line[:3]), line[3:]))

	def states(self) -> list[tuple]:
		"""Every follow up of the week: about what, step, due day, responsible, how it ended, handed to whom."""
		rows = frappe.get_all(
			"Follow Up",
			filters={"party_name": ("like", f"%{self.word}%")},
			fields=["*"],
			order_by="due_date, party_name, step",
		)
		return [
			(
				row.party_name.replace(f"{self.word} ", ""),
				row.step,
				DAYS[(row.due_date - MONDAY).days],
				self.names[row.responsible],
				row.cancel_reason or row.status,
				self.names.get(row.escalated_to),
			)
			for row in rows
		]

	def test_week(self):
		# Monday: three leads, an appointment, a quotation valid until Friday.
		self.scheduler(0, "08:00")
		self.go(0, "10:00")
		leads = {
			name: self.lead(name, owner)
			for name, owner in (("A1", self.ana), ("B1", self.ben), ("C1", self.cleo))
		}
		self.plan(self.account, self.ana, 1, "14:00", channel="Visit")
		factories.make_quotation(self.account, valid_till=MONDAY + timedelta(days=4))
		frappe.db.commit()
		self.scheduler(0, "12:00", "13:45", "19:00")
		# In Shanghai it was late on Monday already: Ben's call is for Tuesday, and he makes it.
		self.go(1, "10:00", SHANGHAI)
		make_call(leads["B1"])
		frappe.db.commit()

		self.scheduler(1, *TICKS[:4])
		self.go(1, "15:00")
		self.done(channel="Visit", responsible=self.ana)
		self.done(reference_name=leads["C1"].name)
		self.scheduler(1, "19:00")
		self.go(2, "11:00", SHANGHAI)
		self.plan(leads["B1"], self.ben, 3)

		# Wednesday: Cleo is off. From noon on the scheduler stands still for two days.
		self.scheduler(2, *TICKS[:3])
		self.go(2, "16:00")
		self.lead("C2", self.cleo)
		self.go(3, "10:00")
		answered = self.lead("A2", self.ana)
		self.go(3, "11:00")
		make_communication(answered)
		frappe.db.commit()

		self.scheduler(4, *TICKS[2:])
		self.scheduler(4, "19:00")
		self.scheduler(5, *TICKS)
		self.scheduler(6, *TICKS)

		self.assertEqual(
			self.told(),
			[
				"Mon 19:00 Ben: Follow ups: 1 today",
				"Tue 08:00 Ana: Follow ups: 1 overdue, 1 today",
				"Tue 08:00 Cleo: Follow ups: 1 overdue, 1 today",
				"Tue 13:45 Ana: Visit at 14:00: Account",
				"Wed 00:15 Mia: Ana did not get to a follow up: A1",
				"Wed 08:00 Ana: Follow ups: 1 overdue",
				"Wed 08:00 Mia: Follow ups: 1 handed to you",
				# Thursday and most of Friday are silent, then everything is caught up.
				"Fri 12:00 Ana: Follow ups: 1 tomorrow",
				"Fri 12:00 Cleo: Follow ups: 2 overdue",
				"Fri 12:00 Mia: Ben did not get to a follow up: B1",
				"Fri 12:00 Mia: Follow ups: 1 handed to you",
				"Fri 19:00 Ben: Follow ups: 1 overdue",
				"Sat 00:15 Mia: Cleo did not get to a follow up: C2",
				"Sat 08:00 Ana: Follow ups: 1 today",
				"Sat 08:00 Cleo: Follow ups: 2 overdue",
				"Sat 08:00 Mia: Follow ups: 2 handed to you",
				"Sat 19:00 Ben: Follow ups: 1 overdue",
				"Sun 08:00 Ana: Follow ups: 1 overdue",
				# The second step for C2 is due on Monday, and takes the place of the first.
				"Sun 08:00 Cleo: Follow ups: 1 overdue, 1 tomorrow",
				"Sun 08:00 Mia: Follow ups: 1 handed to you",
				"Sun 19:00 Ben: Follow ups: 1 overdue",
			],
		)
		self.assertEqual(
			self.states(),
			[
				("A1", 1, "Mon", "Ana", "Replaced by a Later Step", "Mia"),
				("C1", 1, "Mon", "Cleo", "Done", None),
				("Account", 0, "Tue", "Ana", "Done", None),
				("Account", 1, "Tue", "Cleo", "Open", None),
				("B1", 1, "Tue", "Ben", "In Contact", None),
				("B1", 0, "Thu", "Ben", "Open", "Mia"),
				("C2", 1, "Thu", "Cleo", "Replaced by a Later Step", "Mia"),
				("A1", 2, "Sat", "Ana", "Open", None),
				("C2", 2, "next Mon", "Cleo", "Open", None),
			],
		)
		self.assertEqual(self.errors_logged(), [])
