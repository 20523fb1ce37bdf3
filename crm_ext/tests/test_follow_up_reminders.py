"""Who is told what, when and how often: digests, reminders of appointments, escalation, preferences."""

import email
import re
import time
from datetime import date, datetime, timedelta
from email import policy
from urllib.parse import unquote, urlsplit

import frappe
from frappe.utils import escape_html, now_datetime, set_request

from crm_ext.api import preferences as api
from crm_ext.follow_ups import calendars, marks, messages, preferences, reminders, schedule
from crm_ext.tests import factories
from crm_ext.tests.base import SiteTestCase
from crm_ext.tests.processes import CommittingTestCase, Since
from crm_ext.tests.test_follow_up_contacts import row

MONDAY = date(2027, 3, 1)
PARTY = "<b>Wind</b> & Sons"
NEW_YORK = "America/New_York"


class ToldTestCase(CommittingTestCase):
	"""People in a time zone of their own, and what they were told.

	Everybody is made for one test and told nothing in another, so what was made is deleted once, after the class.
	"""

	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		cls.since = Since()
		cls.addClassCleanup(cls.purge)

	@classmethod
	def purge(cls) -> None:
		frappe.db.rollback()
		cls.since.purge()
		frappe.db.commit()
		frappe.clear_cache()

	def setUp(self):
		SiteTestCase.setUp(self)
		frappe.db.rollback()
		self._started = []
		self.gate_anew()
		self._errors = frappe.get_all("Error Log", {"method": ("like", "CRM Ext%")}, pluck="name")
		kept = "SELECT field, value FROM tabSingles WHERE doctype = 'CRM Ext Settings'"
		self.addCleanup(self.restore_settings, frappe.db.sql(kept))
		# What other tests left open would be told, too.
		self.others = frappe.get_all("Follow Up", filters={"status": "Open"}, pluck="name")
		self.set_status(self.others, "Cancelled")
		settings = frappe.get_doc("CRM Ext Settings")
		settings.update({"follow_up_reminders_enabled": 1, "digest_hour": 8, "escalate_after_days": 0})
		settings.save()
		self.customer = factories.make_customer()
		self.make_email_account()

	def tearDown(self):
		for process in self._started:
			if process.popen.poll() is None:
				process.kill()
		frappe.set_user("Administrator")
		frappe.db.rollback()
		self.set_status(frappe.get_all("Follow Up", filters={"status": "Open"}, pluck="name"), "Cancelled")
		self.set_status(self.others, "Open")
		frappe.db.commit()
		SiteTestCase.tearDown(self)

	def set_status(self, names: list[str], status: str) -> None:
		if names:
			frappe.db.sql("UPDATE `tabFollow Up` SET status = %s WHERE name IN %s", (status, names))

	def restore_settings(self, rows) -> None:
		frappe.db.sql("DELETE FROM tabSingles WHERE doctype = 'CRM Ext Settings'")
		frappe.db.bulk_insert(
			"Singles", ["doctype", "field", "value"], [("CRM Ext Settings", *row) for row in rows]
		)
		frappe.db.commit()
		frappe.clear_document_cache("CRM Ext Settings", "CRM Ext Settings")

	def person(self, zone: str = NEW_YORK, **values) -> str:
		"""A user of the desk as the database holds one; made by the document layer it takes half a second."""
		name = f"{frappe.generate_hash(length=10)}@example.com"
		self.insert(
			"User",
			name,
			email=name,
			first_name=name,
			full_name=name,
			enabled=1,
			user_type="System User",
			time_zone=zone,
			language="en",
			**values,
		)
		return name

	def employee(self, user: str, **values) -> str:
		name = frappe.generate_hash(length=10)
		self.insert(
			"Employee",
			name,
			user_id=user,
			company=factories.COMPANY,
			status="Active",
			employee_name=user,
			**values,
		)
		return name

	def insert(self, doctype: str, name: str, **values) -> None:
		values = {"name": name, "creation": now_datetime(), "modified": now_datetime(), **values}
		frappe.db.bulk_insert(doctype, list(values), [tuple(values.values())])

	def prefer(self, user: str, **values) -> None:
		preferences.save(user, values)

	def due(self, user: str, day: date, at: str | None = None, **values) -> str:
		"""A follow up of a person, due on the person's own day."""
		calendar = calendars.load_one(user)
		moment = schedule.due_moment(day, at and time_of(at), calendar, calendars.system_zone())
		values = {"due_time": at, "all_day": 0 if at else 1, "responsible": user, **values}
		return row(self.customer, moment, due_date=day, party_name=PARTY, **values)

	def at(self, day: date, clock: str, zone: str = NEW_YORK) -> datetime:
		"""System time when a clock in a zone shows this."""
		calendar = schedule.Calendar(zone, time_of("09:00"), time_of("18:00"))
		return schedule.due_moment(day, time_of(clock), calendar, calendars.system_zone())

	def digests(self, day: date, clock: str, zone: str = NEW_YORK) -> int:
		frappe.db.commit()
		return reminders.send_digests(self.at(day, clock, zone))

	def bells(self, user: str) -> list[str]:
		frappe.db.rollback()
		return frappe.get_all(
			"Notification Log", filters={"for_user": user}, order_by="creation", pluck="subject"
		)

	def mails(self, user: str) -> list["email.message.EmailMessage"]:
		frappe.db.rollback()
		address = frappe.db.get_value("User", user, "email")
		names = frappe.get_all("Email Queue Recipient", filters={"recipient": address}, pluck="parent")
		found = frappe.get_all(
			"Email Queue", filters={"name": ("in", names)}, order_by="creation", pluck="message"
		)
		return [email.message_from_string(text, policy=policy.default) for text in found]

	def subjects(self, user: str) -> list[str]:
		return [mail["Subject"] for mail in self.mails(user)]

	def html(self, mail) -> str:
		return mail.get_body(("html",)).get_content()


def time_of(clock: str):
	return datetime.strptime(clock, "%H:%M").time()


class TestDigest(ToldTestCase):
	def test_says_what_is_overdue_due_today_and_tomorrow_once_a_day(self):
		user = self.person()
		self.due(user, MONDAY - timedelta(days=20))
		self.due(user, MONDAY)
		self.due(user, MONDAY, "10:30", subject="Call <i>back</i>", channel="Visit")
		self.due(user, MONDAY + timedelta(days=1))
		self.due(user, MONDAY + timedelta(days=2))
		self.due(user, MONDAY, status="Done")
		self.assertEqual(self.digests(MONDAY, "07:59"), 0)
		self.assertEqual(self.digests(MONDAY, "08:00"), 1)
		self.assertEqual(self.digests(MONDAY, "08:15"), 0)
		expected = "Follow ups: 1 overdue, 2 today, 1 tomorrow"
		self.assertEqual(self.bells(user), [expected])
		self.assertEqual(self.subjects(user), [expected])
		(link,) = frappe.get_all("Notification Log", filters={"for_user": user}, pluck="link")
		self.assertEqual(link, "/app/my-day")
		html = self.html(self.mails(user)[0])
		self.assertIn("10:30", html)
		self.assertIn("Visit", html)
		self.assertIn("Call &lt;i&gt;back&lt;/i&gt;", html)
		self.assertIn("&lt;b&gt;Wind&lt;/b&gt; &amp; Sons", html)
		self.assertIn(frappe.utils.get_url_to_form("Customer", self.customer.name), html)
		self.assertEqual(html.count("/app/follow-up/"), 4)
		# The next day all of it is there again, one day older.
		self.assertEqual(self.digests(MONDAY + timedelta(days=1), "08:00"), 1)
		self.assertEqual(self.bells(user)[1], "Follow ups: 3 overdue, 1 today, 1 tomorrow")

	def test_nothing_to_say(self):
		user = self.person()
		self.due(user, MONDAY + timedelta(days=2))
		self.due(user, MONDAY, status="Cancelled")
		self.assertEqual(self.digests(MONDAY, "12:00"), 0)
		self.assertEqual(self.bells(user), [])
		self.assertFalse(frappe.db.exists("Follow Up Preference", user))

	def test_who_had_nothing_to_be_told_at_the_hour_is_left_alone_that_day(self):
		user, late = self.person(), self.person()
		self.prefer(late, digest_hour=12)
		self.assertEqual(self.digests(MONDAY, "08:00"), 0)
		for one in (user, late):
			self.due(one, MONDAY)
		self.assertEqual(self.digests(MONDAY, "08:15"), 0)
		self.assertEqual(self.digests(MONDAY, "12:00"), 1)
		self.assertEqual(self.bells(late), ["Follow ups: 1 today"])
		self.assertEqual(self.digests(MONDAY + timedelta(days=1), "08:00"), 1)
		self.assertEqual(self.bells(user), ["Follow ups: 1 overdue"])

	def test_each_in_the_own_time_zone_at_the_own_hour(self):
		east, west = self.person("Asia/Shanghai"), self.person("America/Los_Angeles")
		self.prefer(west, digest_hour=6, quiet_sunday=1)
		for user in (east, west):
			self.due(user, MONDAY)
		self.assertEqual(self.digests(MONDAY, "07:45", "Asia/Shanghai"), 0)
		self.assertEqual(self.digests(MONDAY, "08:00", "Asia/Shanghai"), 1)
		self.assertEqual(self.bells(east), ["Follow ups: 1 today"])
		# In Los Angeles it is still Sunday then.
		self.assertEqual(self.bells(west), [])
		self.assertEqual(self.digests(MONDAY, "05:45", "America/Los_Angeles"), 0)
		self.assertEqual(self.digests(MONDAY, "06:00", "America/Los_Angeles"), 1)
		self.assertEqual(self.bells(west), ["Follow ups: 1 today"])

	def test_late_on_the_same_day_when_the_scheduler_stood_still(self):
		user = self.person()
		self.due(user, MONDAY)
		self.assertEqual(self.digests(MONDAY, "23:45"), 1)
		self.assertEqual(self.digests(MONDAY + timedelta(days=1), "00:15"), 0)
		self.assertEqual(self.digests(MONDAY + timedelta(days=1), "08:00"), 1)

	def test_in_the_language_of_the_person(self):
		for source, translated in (("Follow ups: {0}", "跟进:{0}"), ("{0} today", "今天 {0}")):
			frappe.get_doc(
				{
					"doctype": "Translation",
					"language": "zh",
					"source_text": source,
					"translated_text": translated,
				}
			).insert()
		one, other = self.person(), self.person()
		frappe.db.set_value("User", one, "language", "zh")
		for user in (one, other):
			self.due(user, MONDAY)
		lang = frappe.local.lang
		self.assertEqual(self.digests(MONDAY, "08:00"), 2)
		self.assertEqual(frappe.local.lang, lang)
		self.assertEqual(self.subjects(one), ["跟进:今天 1"])
		self.assertEqual(self.subjects(other), ["Follow ups: 1 today"])
		with self.assertRaises(ZeroDivisionError), messages.language("zh"):
			raise ZeroDivisionError
		self.assertEqual(frappe.local.lang, lang)

	def test_quiet_days_absence_and_holidays(self):
		holiday_list = frappe.get_doc(
			{
				"doctype": "Holiday List",
				"holiday_list_name": factories.unique("Carnival"),
				"from_date": "2027-01-01",
				"to_date": "2027-12-31",
				"holidays": [{"holiday_date": MONDAY, "description": "Carnival"}],
			}
		).insert()
		quiet, away, holiday = (self.person() for _ in range(3))
		self.prefer(quiet, quiet_monday=1)
		self.prefer(away, quiet_from=MONDAY - timedelta(days=3), quiet_until=MONDAY)
		self.employee(holiday, holiday_list=holiday_list.name)
		for user in (quiet, away, holiday):
			self.due(user, MONDAY)
		self.assertEqual(self.digests(MONDAY, "09:00"), 0)
		self.assertEqual(self.digests(MONDAY + timedelta(days=1), "09:00"), 3)
		for user in (quiet, away, holiday):
			self.assertEqual(self.bells(user), ["Follow ups: 1 overdue"])

	def test_nothing_to_whom_is_disabled_or_does_not_want_it(self):
		disabled, website, off, neither = (self.person() for _ in range(4))
		frappe.db.set_value("User", disabled, "enabled", 0)
		frappe.db.set_value("User", website, "user_type", "Website User")
		self.prefer(off, digest=0)
		self.prefer(neither, by_bell=0, by_mail=0)
		for user in (disabled, website, off, neither):
			self.due(user, MONDAY)
		self.assertEqual(self.digests(MONDAY, "09:00"), 0)

	def test_bell_and_mail_each_by_itself(self):
		bell, mail = self.person(), self.person()
		self.prefer(bell, by_mail=0)
		self.prefer(mail, by_bell=0)
		for user in (bell, mail):
			self.due(user, MONDAY)
		self.assertEqual(self.digests(MONDAY, "09:00"), 2)
		self.assertEqual((len(self.bells(bell)), len(self.mails(bell))), (1, 0))
		self.assertEqual((len(self.bells(mail)), len(self.mails(mail))), (0, 1))

	def test_switched_off_in_the_settings(self):
		user = self.person()
		self.due(user, MONDAY, "10:00")
		frappe.db.set_single_value("CRM Ext Settings", "follow_up_reminders_enabled", 0)
		self.assertEqual(self.digests(MONDAY, "09:50"), 0)
		self.assertEqual(reminders.remind(self.at(MONDAY, "09:50")), 0)
		self.assertEqual(reminders.escalate(self.at(MONDAY + timedelta(days=30), "09:50")), 0)

	def test_lists_the_first_and_counts_all(self):
		user = self.person()
		for _number in range(messages.LISTED + 3):
			self.due(user, MONDAY)
		self.assertEqual(self.digests(MONDAY, "09:00"), 1)
		self.assertEqual(self.bells(user), [f"Follow ups: {messages.LISTED + 3} today"])
		html = self.html(self.mails(user)[0])
		self.assertEqual(html.count("/app/follow-up/"), messages.LISTED)
		self.assertIn("and 3 more", html)

	def test_reading_costs_the_same_for_any_number_of_people(self):
		now = self.at(MONDAY, "09:00")

		def read():
			return reminders._read_digests(reminders._who_is_due(now, None))

		self.due(self.person(), MONDAY)
		counts = []
		for _times in range(2):
			read()  # people made since left caches empty
			with self.count_queries() as queries:
				read()
			counts.append(len(queries))
			for _number in range(3):
				self.due(self.person(), MONDAY)
		self.assertEqual(len(read()), 7)
		self.assertEqual(counts[0], counts[1], "\n".join(queries))
		self.assertLessEqual(counts[0], 12)

	def count_queries(self):
		from contextlib import contextmanager

		@contextmanager
		def counting():
			queries, original = [], frappe.db.__class__.sql

			def sql(*args, **kwargs):
				queries.append(args[1])
				return original(*args, **kwargs)

			frappe.db.__class__.sql = sql
			try:
				yield queries
			finally:
				frappe.db.__class__.sql = original

		return counting()


def send(gate, moment: str, me: str, other: str) -> int:
	now = datetime.fromisoformat(moment)
	gate.open(me)
	gate.wait(other)
	return reminders.send_digests(now)


def claim_and_hang(gate, user: str, day: str) -> None:
	marks.claim_digest(user, date.fromisoformat(day))
	messages.send_digest(
		preferences.people([user])[user], {"today": [frappe._dict(**SHOWN, total=1)]}, mail=True
	)
	gate.open("claimed")
	time.sleep(60)


SHOWN = {
	"name": "x",
	"subject": "x",
	"channel": "Call",
	"due_date": MONDAY,
	"due_time": None,
	"party_name": "x",
	"reference_doctype": "Customer",
	"reference_name": "x",
	"responsible": "x",
	"responsible_name": "x",
}


class TestTwoWorkers(ToldTestCase):
	def test_two_at_once_send_one_digest(self):
		users = [self.person() for _ in range(4)]
		# Some have chosen something, the others have no preference yet.
		self.prefer(users[0], digest_hour=7)
		self.prefer(users[1], digest_hour=8)
		for user in users:
			self.due(user, MONDAY)
		frappe.db.commit()
		now = self.at(MONDAY, "08:00").isoformat()
		both = [self.start(send, now, "one", "other"), self.start(send, now, "other", "one")]
		self.assertEqual(sum(process.result() for process in both), 4)
		for user in users:
			self.assertEqual((len(self.bells(user)), len(self.mails(user))), (1, 1))
		self.assertEqual(self.errors_logged(), [])

	def test_one_killed_before_its_commit_has_said_nothing_and_the_next_pass_does(self):
		user = self.person()
		self.due(user, MONDAY)
		frappe.db.commit()
		process = self.start(claim_and_hang, user, str(MONDAY))
		self.gate.wait("claimed")
		process.kill()
		self.assertEqual(self.bells(user), [])
		self.assertEqual(self.digests(MONDAY, "08:15"), 1)
		self.assertEqual((len(self.bells(user)), len(self.mails(user))), (1, 1))

	def test_what_fails_for_one_person_is_logged_and_the_others_are_told(self):
		broken, fine = sorted(self.person() for _ in range(2))
		for user in (broken, fine):
			self.due(user, MONDAY)
		hopeless = self.due(broken, MONDAY, "10:00", due_time="-838:00:00")
		self.assertEqual(self.digests(MONDAY, "08:00"), 1)
		self.assertEqual((self.bells(broken), len(self.bells(fine))), ([], 1))
		self.assertEqual(len(self.errors_logged()), 1)
		# The next pass tries again.
		frappe.db.set_value("Follow Up", hopeless, "due_time", "10:00:00")
		self.assertEqual(self.digests(MONDAY, "08:15"), 1)


class TestAppointments(ToldTestCase):
	def remind(self, clock: str) -> int:
		frappe.db.commit()
		return reminders.remind(self.at(MONDAY, clock))

	def test_once_so_many_minutes_before(self):
		early, late = self.person(), self.person()
		self.prefer(early, remind_minutes=60)
		name = self.due(early, MONDAY, "10:00")
		self.due(late, MONDAY, "10:00")
		self.due(late, MONDAY)
		self.assertEqual(self.remind("08:55"), 0)
		self.assertEqual(self.remind("09:00"), 1)
		self.assertEqual(self.remind("09:05"), 0)
		self.assertEqual(self.remind("09:45"), 1)
		self.assertEqual(self.remind("09:50"), 0)
		self.assertEqual(self.subjects(early), [f"Call at 10:00: {PARTY}"])
		self.assertEqual(len(self.bells(late)), 1)
		self.assertIn(f"/app/follow-up/{name}", self.html(self.mails(early)[0]))
		# Another time is another reminder.
		doc = frappe.get_doc("Follow Up", name)
		doc.due_time = "12:00"
		doc.save()
		self.assertEqual(self.remind("10:55"), 0)
		self.assertEqual(self.remind("11:00"), 1)

	def test_also_on_quiet_days_but_not_while_away_or_when_it_is_long_over(self):
		quiet, away, over, off, disabled = (self.person() for _ in range(5))
		self.prefer(quiet, quiet_monday=1)
		self.prefer(away, quiet_from=MONDAY)
		self.prefer(off, timed_reminders=0)
		frappe.db.set_value("User", disabled, "enabled", 0)
		for user in (quiet, away, off, disabled):
			self.due(user, MONDAY, "10:00")
		self.due(over, MONDAY, "07:30")
		self.assertEqual(self.remind("09:55"), 1)
		self.assertEqual(len(self.bells(quiet)), 1)


class TestEscalation(ToldTestCase):
	def setUp(self):
		super().setUp()
		self.manager, self.one, self.other = (self.person() for _ in range(3))
		reports_to = self.employee(self.manager)
		for user in (self.one, self.other):
			self.employee(user, reports_to=reports_to)
		frappe.db.set_single_value("CRM Ext Settings", "escalate_after_days", 3)

	def escalate(self, day: date, clock: str = "07:00") -> int:
		frappe.db.commit()
		return reminders.escalate(self.at(day, clock))

	def test_to_the_manager_once(self):
		late, later = self.due(self.one, MONDAY), self.due(self.other, MONDAY)
		self.due(self.one, MONDAY + timedelta(days=2))
		alone = self.person()
		left = self.due(alone, MONDAY)
		self.assertEqual(self.escalate(MONDAY + timedelta(days=2), "23:59"), 0)
		self.assertEqual(self.escalate(MONDAY + timedelta(days=3), "00:00"), 2)
		self.assertEqual(self.escalate(MONDAY + timedelta(days=3), "00:15"), 0)
		self.assertEqual(self.bells(self.manager), ["2 follow ups were left undone"])
		self.assertEqual(self.subjects(self.manager), ["2 follow ups were left undone"])
		for name in (late, later):
			self.assertEqual(frappe.db.get_value("Follow Up", name, "escalated_to"), self.manager)
		self.assertIsNone(frappe.db.get_value("Follow Up", left, "escalated_on"))
		# They are in the manager's digest as long as they are open; who has no manager is found by a later pass.
		self.assertEqual(self.digests(MONDAY + timedelta(days=3), "08:00"), 4)
		self.assertEqual(self.bells(self.manager)[1], "Follow ups: 2 handed to you")
		# What was put off is no longer the manager's concern, but is never handed over twice.
		day = MONDAY + timedelta(days=9)
		frappe.db.set_value("Follow Up", later, "due_date", day)
		self.assertEqual(self.digests(MONDAY + timedelta(days=4), "08:00"), 3)
		self.assertEqual(self.bells(self.manager)[2], "Follow ups: 1 handed to you")
		frappe.db.set_value("Follow Up", later, "due_date", MONDAY)
		self.employee(alone, reports_to=frappe.db.get_value("Employee", {"user_id": self.manager}))
		self.assertEqual(self.escalate(MONDAY + timedelta(days=4), "09:00"), 1)
		self.assertEqual(
			self.bells(self.manager)[3],
			f"{alone} did not get to a follow up: {escape_html(PARTY)}",
		)

	def test_as_the_rule_says(self):
		boss = self.person()

		def rule(**values) -> str:
			title = factories.unique("Rule")
			frappe.get_doc(
				{
					"doctype": "Follow Up Rule",
					"title": title,
					"document_type": "Customer",
					"trigger": "Event",
					"event": "Created",
					"steps": [{"days": 0, "timing": "After", "channel": "Call"}],
					**values,
				}
			).insert()
			return title

		fixed = rule(escalate_after_days=1, escalate_to="Fixed User", escalate_user=boss)
		never = rule(escalate_after_days=0)
		to_boss, kept = self.due(self.one, MONDAY, rule=fixed), self.due(self.one, MONDAY, rule=never)
		self.due(boss, MONDAY, rule=fixed)
		self.assertEqual(self.escalate(MONDAY + timedelta(days=1)), 1)
		self.assertEqual(self.escalate(MONDAY + timedelta(days=90)), 0)
		self.assertEqual(frappe.db.get_value("Follow Up", to_boss, "escalated_to"), boss)
		self.assertIsNone(frappe.db.get_value("Follow Up", kept, "escalated_to"))
		self.assertEqual(len(self.bells(boss)), 1)


class TestPreferences(ToldTestCase):
	def test_what_makes_no_sense_is_refused(self):
		user = self.person()
		frappe.set_user(user)
		self.assertEqual(api.get_mine()["remind_minutes"], 15)
		for bad in (
			{"digest_hour": 24},
			{"remind_minutes": -1},
			{"remind_minutes": 99999},
			{"quiet_from": "2027-03-02", "quiet_until": "2027-03-01"},
		):
			with self.assertRaises(frappe.ValidationError, msg=bad):
				api.set_mine(bad)
		saved = api.set_mine(
			{"digest_hour": -5, "quiet_friday": 1, "last_digest_on": "2027-01-01", "user": "x"}
		)
		self.assertEqual((saved["digest_hour"], saved["quiet_friday"]), (-1, 1))
		self.assertIsNone(frappe.db.get_value("Follow Up Preference", user, "last_digest_on"))

	def test_nobody_changes_those_of_others(self):
		user, other = (
			factories.make_user(f"{frappe.generate_hash(length=10)}@example.com", "Sales User").name
			for _ in range(2)
		)
		self.prefer(other, digest=1)
		frappe.set_user(user)
		doc = frappe.get_doc("Follow Up Preference", other)
		with self.assertRaises(frappe.PermissionError):
			doc.save()
		with self.assertRaises(frappe.PermissionError):
			frappe.get_doc({"doctype": "Follow Up Preference", "user": "Administrator"}).insert()
		frappe.set_user("Guest")
		with self.assertRaises(frappe.PermissionError):
			api.get_mine()
		with self.assertRaises(frappe.PermissionError):
			api.set_mine({"digest": 0})

	def test_saving_an_old_form_asks_for_no_second_digest(self):
		user = self.person()
		self.prefer(user, digest=1)
		self.due(user, MONDAY)
		form = frappe.get_doc("Follow Up Preference", user)
		self.assertEqual(self.digests(MONDAY, "08:00"), 1)
		form.digest_hour = 9
		form.save()
		self.assertEqual(self.digests(MONDAY, "09:00"), 0)

	def follow(self, link: str, method: str) -> "frappe._dict":
		frappe.set_user("Guest")
		parts = urlsplit(link)
		set_request(method=method, path=parts.path, query_string=parts.query)
		frappe.local.response = frappe._dict()
		query = dict(pair.split("=") for pair in parts.query.split("&"))
		api.unsubscribe(unquote(query["user"]), query["what"])
		frappe.db.commit()
		return frappe.local.response

	def test_the_link_in_the_mail_works_without_logging_in(self):
		user = self.person()
		self.due(user, MONDAY, "10:00")
		self.digests(MONDAY, "09:50")
		reminders.remind(self.at(MONDAY, "09:50"))
		links = [
			re.search(r'href="([^"]*unsubscribe[^"]*)"', self.html(mail))[1].replace("&amp;", "&")
			for mail in self.mails(user)
		]
		for link, field in zip(links, ("digest", "by_mail"), strict=True):
			# Programs that look into mails follow links: that alone changes nothing.
			self.follow(link, "GET")
			self.assertEqual(frappe.db.get_value("Follow Up Preference", {"user": user}, field), 1)
			forged = link.replace("what=digest", "what=mail") if "what=digest" in link else link + "0"
			self.assertEqual(self.follow(forged, "POST").http_status_code, 403)
			self.assertEqual(frappe.db.get_value("Follow Up Preference", {"user": user}, field), 1)
			self.follow(link, "POST")
			self.assertEqual(frappe.db.get_value("Follow Up Preference", {"user": user}, field), 0)
		self.assertEqual(self.digests(MONDAY + timedelta(days=1), "09:00"), 0)
