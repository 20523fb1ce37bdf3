"""What people do with follow ups by hand, on a site and as a salesperson."""

import json
from datetime import datetime, timedelta

import frappe
from frappe.utils import add_days, get_datetime, getdate, now_datetime, nowdate

from crm_ext.api import follow_ups as api
from crm_ext.follow_ups import calendars, schedule, work
from crm_ext.tests import factories
from crm_ext.tests.base import SiteTestCase

SELLER = "crm-ext-hands@example.com"
COLLEAGUE = "crm-ext-other-hands@example.com"


class TestFollowUpWork(SiteTestCase):
	def setUp(self):
		super().setUp()
		factories.make_user(SELLER, "Sales User")
		factories.make_user(COLLEAGUE, "Sales User")
		frappe.db.set_value("User", SELLER, "time_zone", "")
		self.lead = factories.make_lead()
		frappe.set_user(SELLER)

	def plan(self, document=None, **values) -> "frappe._dict":
		document = document or self.lead
		values = {"due_date": nowdate(), "channel": "Call", "subject": "Ask again", **values}
		return frappe.get_doc("Follow Up", api.plan(document.doctype, document.name, values))

	def read(self, doctype: str, name: str, field: str):
		return frappe.db.get_value(doctype, name, field)

	# Planning

	def test_a_plan_copies_what_the_document_knows(self):
		frappe.set_user("Administrator")
		customer = factories.make_customer()
		order = factories.make_sales_order(customer=customer.name)
		deal = self.deal_of(order).name
		frappe.set_user(SELLER)
		follow_up = self.plan(order)
		self.assertEqual(follow_up.party_type, "Customer")
		self.assertEqual(follow_up.party, customer.name)
		self.assertEqual(follow_up.party_name, customer.customer_name)
		self.assertEqual(follow_up.deal, deal)
		self.assertEqual(follow_up.company, factories.COMPANY)
		self.assertEqual(follow_up.responsible, SELLER)
		self.assertEqual(follow_up.reference_owner, "Administrator")
		for doctype, name in (("Sales Order", order.name), ("Customer", customer.name), ("Deal", deal)):
			self.assertEqual(self.read(doctype, name, "next_follow_up_on"), follow_up.due_on)

	def test_a_plan_on_each_document_type(self):
		frappe.set_user("Administrator")
		customer = factories.make_customer()
		opportunity = factories.make_opportunity(self.lead)
		issue = frappe.get_doc(
			{"doctype": "Issue", "subject": "Noise", "customer": customer.name, "company": factories.COMPANY}
		).insert()
		contract = frappe.get_doc(
			{
				"doctype": "Contract",
				"party_type": "Customer",
				"party_name": customer.name,
				"start_date": nowdate(),
				"contract_terms": "Ten years of maintenance",
			}
		).insert()
		documents = [
			(self.lead, "Lead"),
			(opportunity, "Lead"),
			(factories.make_quotation(opportunity), "Lead"),
			(customer, "Customer"),
			(factories.make_prospect([self.lead]), "Prospect"),
			(issue, "Customer"),
			(contract, "Customer"),
		]
		for document, party_type in documents:
			with self.subTest(doctype=document.doctype):
				follow_up = self.plan(document)
				self.assertEqual(follow_up.party_type, party_type)
				self.assertTrue(follow_up.party_name)
				self.assertEqual(
					self.read(document.doctype, document.name, "next_follow_up_on"), follow_up.due_on
				)

	def test_days_and_times_are_those_of_the_person_responsible(self):
		frappe.db.set_value("User", COLLEAGUE, "time_zone", "Asia/Tokyo")
		day = getdate(add_days(nowdate(), 3))
		zone = calendars.system_zone()
		timed = self.plan(due_date=day, due_time="14:30", responsible=COLLEAGUE)
		self.assertEqual(
			schedule.local_time(get_datetime(timed.due_on), "Asia/Tokyo", zone),
			datetime(day.year, day.month, day.day, 14, 30),
		)
		self.assertFalse(timed.all_day)
		any_time = self.plan(due_date=day, responsible=COLLEAGUE)
		start = calendars.load_one(COLLEAGUE).workday_start
		self.assertEqual(
			schedule.local_time(get_datetime(any_time.due_on), "Asia/Tokyo", zone),
			datetime.combine(day, start),
		)
		self.assertTrue(any_time.all_day)
		midnight = self.plan(due_date=day, due_time="00:00:00", responsible=COLLEAGUE)
		midnight.reload()
		midnight.save()
		self.assertFalse(midnight.all_day)
		self.assertEqual(
			schedule.local_time(get_datetime(midnight.due_on), "Asia/Tokyo", zone),
			datetime.combine(day, datetime.min.time()),
		)

	def test_an_empty_time_stays_empty(self):
		values = {"doctype": "Follow Up", "subject": "By the API", "due_date": nowdate()}
		values |= {"reference_doctype": "Lead", "reference_name": self.lead.name, "responsible": SELLER}
		follow_up = frappe.get_doc(values).insert()
		follow_up.reload()
		self.assertIsNone(follow_up.due_time)
		self.assertTrue(follow_up.all_day)

	# Logging

	def test_a_log_with_a_next_one_closes_the_open_one(self):
		open_one = self.plan()
		answer = api.log_and_plan(
			"Lead",
			self.lead.name,
			json.dumps({"channel": "Visit", "outcome": "Reached", "notes": "Wants <b>two</b>"}),
			json.dumps({"due_date": add_days(nowdate(), 7), "channel": "Mail", "subject": "Send prices"}),
			open_one.name,
		)
		self.assertEqual(answer["done"], open_one.name)
		done, planned = (frappe.get_doc("Follow Up", answer[key]) for key in ("done", "next"))
		self.assertEqual(
			(done.status, done.channel, done.outcome, done.done_by), ("Done", "Visit", "Reached", SELLER)
		)
		self.assertEqual(done.done_date, getdate())
		self.assertEqual((done.next_follow_up, done.next_step), (planned.name, "Send prices"))
		self.assertEqual((planned.status, planned.channel, planned.responsible), ("Open", "Mail", SELLER))
		self.assertEqual(self.read("Lead", self.lead.name, "next_follow_up_on"), planned.due_on)
		self.assertEqual(self.read("Lead", self.lead.name, "last_contact_on"), done.done_on)

	def test_a_log_without_a_plan_is_a_follow_up_of_its_own(self):
		earlier = now_datetime().replace(microsecond=0) - timedelta(days=2)
		answer = api.log_and_plan("Lead", self.lead.name, {"channel": "Call", "done_on": str(earlier)})
		self.assertIsNone(answer["next"])
		done = frappe.get_doc("Follow Up", answer["done"])
		self.assertEqual((done.status, done.done_on, done.due_date), ("Done", earlier, earlier.date()))
		self.assertEqual(self.read("Lead", self.lead.name, "last_contact_on"), earlier)
		self.assertIsNone(self.read("Lead", self.lead.name, "next_follow_up_on"))

	def test_what_fails_leaves_neither(self):
		open_one = self.plan()
		before = frappe.db.count("Follow Up")
		frappe.db.savepoint("request")
		with self.assertRaises(frappe.ValidationError):
			api.log_and_plan(
				"Lead",
				self.lead.name,
				{"channel": "Call"},
				{"due_date": add_days(nowdate(), -1)},
				open_one.name,
			)
		frappe.db.rollback(save_point="request")
		self.assertEqual(frappe.db.count("Follow Up"), before)
		self.assertEqual(self.read("Follow Up", open_one.name, "status"), "Open")

	def test_done_twice_is_refused(self):
		follow_up = self.plan()
		api.finish(follow_up.name, "Reached")
		with self.assertRaisesRegex(frappe.ValidationError, "already done by"):
			api.finish(follow_up.name)
		with self.assertRaisesRegex(frappe.ValidationError, "already done by"):
			api.log_and_plan("Lead", self.lead.name, {"channel": "Call"}, None, follow_up.name)

	def test_reopened_it_knows_nothing_of_having_been_done(self):
		follow_up = self.plan()
		api.finish(follow_up.name)
		follow_up.reload()
		self.assertIsNone(self.read("Lead", self.lead.name, "next_follow_up_on"))
		follow_up.status = "Open"
		follow_up.save()
		self.assertEqual((follow_up.done_on, follow_up.done_by, follow_up.done_date), (None, None, None))
		self.assertEqual(self.read("Lead", self.lead.name, "next_follow_up_on"), follow_up.due_on)
		follow_up.status = "Cancelled"
		follow_up.save()
		self.assertEqual(follow_up.cancel_reason, "By Hand")
		self.assertIsNone(self.read("Lead", self.lead.name, "next_follow_up_on"))

	def test_a_deleted_one_is_nobodys_next(self):
		follow_up = self.plan()
		frappe.set_user("Administrator")
		frappe.delete_doc("Follow Up", follow_up.name)
		self.assertIsNone(self.read("Lead", self.lead.name, "next_follow_up_on"))

	# Postponing

	def test_postponed_it_is_reminded_of_again(self):
		follow_up = self.plan(due_time="10:00")
		frappe.db.set_value("Follow Up", follow_up.name, "reminded_on", now_datetime())
		later = add_days(nowdate(), 2)
		api.postpone(follow_up.name, later)
		follow_up.reload()
		self.assertEqual((str(follow_up.due_date), follow_up.postponed_count), (later, 1))
		self.assertEqual(get_datetime(follow_up.due_on).date(), getdate(later))
		self.assertFalse(follow_up.all_day)
		self.assertIsNone(follow_up.reminded_on)
		api.postpone(follow_up.name, later, "")
		follow_up.reload()
		self.assertTrue(follow_up.all_day)
		self.assertEqual(follow_up.postponed_count, 1)
		self.assertEqual(self.read("Lead", self.lead.name, "next_follow_up_on"), follow_up.due_on)

	def test_the_calendar_moves_by_moments(self):
		frappe.db.set_value("User", COLLEAGUE, "time_zone", "Asia/Tokyo")
		follow_up = self.plan(responsible=COLLEAGUE)
		moment = (now_datetime() + timedelta(days=4)).replace(minute=0, second=0, microsecond=0)
		api.move(follow_up.name, str(moment))
		follow_up.reload()
		self.assertEqual(follow_up.due_on, moment)
		there = schedule.local_time(moment, "Asia/Tokyo", calendars.system_zone())
		self.assertEqual(follow_up.due_date, there.date())
		rows = api.events(str(moment.date()), str(moment.date()))
		shown = next(row for row in rows if row.name == follow_up.name)
		self.assertEqual((shown.start, shown.convert_to_user_tz, shown.bucket), (moment, 1, "later"))

	def test_several_at_once(self):
		names = [self.plan(subject=f"Number {number}").name for number in range(3)]
		self.assertEqual(api.postpone_all(json.dumps(names), add_days(nowdate(), 1)), 3)
		self.assertEqual(api.finish_all(json.dumps(names)), 3)
		states = frappe.get_all("Follow Up", filters={"name": ("in", names)}, pluck="status")
		self.assertEqual(states, ["Done"] * 3)

	# Visits

	def test_a_check_in_is_a_point_on_the_map(self):
		follow_up = self.plan(channel="Visit")
		api.check_in(follow_up.name, 52.5200066, 13.404954, 12.0)
		follow_up.reload()
		point = json.loads(follow_up.location)["features"][0]["geometry"]
		self.assertEqual(point, {"type": "Point", "coordinates": [13.404954, 52.520007]})
		self.assertEqual(follow_up.location_accuracy, 12)
		self.assertLess(abs((now_datetime() - follow_up.checked_in_on).total_seconds()), 60)
		for latitude, longitude in ((91, 0), (0, 181), (float("nan"), 0)):
			with self.assertRaisesRegex(frappe.ValidationError, "place on earth"):
				api.check_in(follow_up.name, latitude, longitude)

	# Bad input

	def test_bad_input_is_told_in_plain_words(self):
		self.refused("cannot be about", reference_doctype="Currency", reference_name="USD")
		self.refused("Could not find|does not exist", reference_name="CRM-LEAD-none")
		self.refused("is disabled", responsible=self.somebody(enabled=0))
		self.refused("no access to the desk", responsible=self.somebody(user_type="Website User"))
		self.refused("future", status="Done", done_on=now_datetime() + timedelta(hours=1))
		self.refused("not a time of day", due_time="half past")
		self.refused("not a time of day", due_time="25:99")
		self.refused("not a day", due_date="0019-01-01")
		with self.assertRaisesRegex(frappe.ValidationError, "is past"):
			self.plan(due_date=add_days(nowdate(), -2))
		with self.assertRaisesRegex(frappe.ValidationError, "day of the next"):
			self.plan(due_date="")
		with self.assertRaisesRegex(frappe.ValidationError, "cannot be about"):
			api.plan("User", SELLER, {"due_date": nowdate()})

	def refused(self, message: str, **values):
		values = {
			"doctype": "Follow Up",
			"subject": "Wrong",
			"due_date": nowdate(),
			"responsible": SELLER,
			"reference_doctype": "Lead",
			"reference_name": self.lead.name,
			**values,
		}
		with self.assertRaisesRegex(frappe.ValidationError, message):
			frappe.get_doc(values).insert()

	def somebody(self, **values) -> str:
		user = factories.make_user(f"{frappe.generate_hash(length=8)}@example.com")
		frappe.db.set_value("User", user.name, values)
		return user.name

	def test_nobody_touches_what_he_may_not_read(self):
		follow_up = self.plan()
		frappe.set_user("Administrator")
		stranger = factories.make_user("crm-ext-stranger@example.com", "Stock User").name
		frappe.set_user(stranger)
		for call in (
			lambda: api.plan("Lead", self.lead.name, {"due_date": nowdate()}),
			lambda: api.log_and_plan("Lead", self.lead.name, {"channel": "Call"}),
			lambda: api.next_of("Lead", self.lead.name),
			lambda: api.open_on("Lead", self.lead.name),
			lambda: api.get_row(follow_up.name),
			lambda: api.finish(follow_up.name),
			lambda: api.postpone(follow_up.name, nowdate()),
			lambda: api.check_in(follow_up.name, 1, 1),
			lambda: api.finish_all([follow_up.name]),
		):
			self.assertRaises(frappe.PermissionError, call)
		self.assertEqual(api.timeline("Lead", self.lead.name), [])
		self.assertEqual(api.chat_about("Lead", self.lead.name), [])

	def test_a_new_one_tells_nothing_of_a_document_one_may_not_read(self):
		frappe.set_user("Administrator")
		mine, other = factories.make_customer(), factories.make_customer()
		frappe.get_doc(
			{"doctype": "User Permission", "user": SELLER, "allow": "Customer", "for_value": mine.name}
		).insert()
		frappe.set_user(SELLER)
		self.plan(mine)
		values = {"doctype": "Follow Up", "subject": "Curious", "due_date": nowdate(), "responsible": SELLER}
		values |= {"reference_doctype": "Customer", "reference_name": other.name}
		self.assertRaises(frappe.PermissionError, frappe.get_doc(values).insert)

	# What forms show

	def test_a_form_shows_what_is_next(self):
		frappe.set_user("Administrator")
		opportunity = factories.make_opportunity(self.lead)
		frappe.set_user(SELLER)
		late = self.plan()
		frappe.db.set_value(
			"Follow Up",
			late.name,
			{"due_date": add_days(nowdate(), -2), "due_on": now_datetime() - timedelta(days=2)},
		)
		on_opportunity = self.plan(opportunity, due_date=add_days(nowdate(), 1))
		self.plan(due_date=add_days(nowdate(), 20))
		found = api.next_of("Lead", self.lead.name)
		self.assertEqual(
			[(row.name, row.bucket) for row in found["follow_ups"][:2]],
			[(late.name, "overdue"), (on_opportunity.name, "tomorrow")],
		)
		self.assertEqual(len(found["follow_ups"]), 3)
		self.assertEqual(
			[row.name for row in api.next_of("Opportunity", opportunity.name)["follow_ups"]],
			[on_opportunity.name],
		)
		self.assertEqual(len(api.open_on("Lead", self.lead.name)), 2)

	def test_the_timeline_tells_what_was_done(self):
		frappe.set_user("Administrator")
		opportunity = factories.make_opportunity(self.lead)
		frappe.set_user(SELLER)
		here = api.log_and_plan("Lead", self.lead.name, {"channel": "Call", "notes": "First"})["done"]
		there = api.log_and_plan("Opportunity", opportunity.name, {"channel": "Mail"})["done"]
		items = api.timeline("Lead", self.lead.name)
		shown = {item["template_data"].name: item["template_data"].elsewhere for item in items}
		self.assertEqual(shown, {here: False, there: True})
		docinfo = frappe.get_doc("Lead", self.lead.name)
		frappe.response.docs = []
		from frappe.desk.form.load import get_docinfo

		get_docinfo(docinfo)
		content = frappe.response["docinfo"]["additional_timeline_content"]
		self.assertIn(here, [item["template_data"].get("name") for item in content])
		on_opportunity = api.timeline("Opportunity", opportunity.name)
		self.assertEqual([item["template_data"].name for item in on_opportunity], [there])

	def test_chat_links_follow_the_contact(self):
		frappe.set_user("Administrator")
		customer = factories.make_customer()
		contact = frappe.get_doc(
			{
				"doctype": "Contact",
				"first_name": "Grace",
				"phone_nos": [{"phone": "+49 170 1234567", "is_primary_mobile_no": 1}],
				"wechat_id": "grace_hopper",
				"qq_no": "10001",
				"links": [{"link_doctype": "Customer", "link_name": customer.name}],
			}
		).insert()
		order = factories.make_sales_order(customer=customer.name)
		frappe.set_user(SELLER)
		urls = {link["channel"]: link["url"] for link in api.next_of("Sales Order", order.name)["chat"]}
		self.assertEqual(urls, {link["channel"]: link["url"] for link in api.chat_links(contact.name)})
		self.assertEqual(urls["WhatsApp"], "https://wa.me/491701234567")
		self.assertEqual(urls["WeChat"], "weixin://dl/chat?grace_hopper")
		self.assertTrue(urls["QQ"].startswith("https://wpa.qq.com/msgrd?v=3&uin=10001&"))

	def test_few_queries(self):
		open_one = self.plan()
		next = {"due_date": add_days(nowdate(), 7), "subject": "Next"}
		work.plan("Lead", self.lead.name, next)  # definitions are loaded
		with self.assertQueryCount(45):
			work.log_and_plan(open_one.name, "Lead", self.lead.name, {"channel": "Call"}, next)
		api.next_of("Lead", self.lead.name)
		with self.assertQueryCount(31):
			api.next_of("Lead", self.lead.name)
		with self.assertQueryCount(6):
			api.timeline("Lead", self.lead.name)
