"""My Day on the server: whose follow ups, on which day, what else needs care, and who may look."""

from datetime import date, datetime, timedelta

import frappe
from frappe.permissions import add_permission
from frappe.utils import add_days, now_datetime

from crm_ext.api import my_day as api
from crm_ext.deals import touch
from crm_ext.follow_ups import calendars, day, schedule
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase

# The viewer's rules (with user permissions one query a DocType), calendar, and one or two queries a section.
QUERIES = 24


class MyDayTestCase(SiteTestCase):
	def setUp(self):
		super().setUp()
		self.user = self.make_user("Sales User")
		self.customer = f.make_customer()

	def make_user(self, *roles: str, **values) -> str:
		return f.make_user(f"{frappe.generate_hash(length=10)}@example.com", *roles, **values).name

	def today(self, user: str | None = None) -> date:
		return calendars.today(user or self.user, now_datetime())

	def follow_up(self, days: int = 0, **values):
		"""Due so many days from the responsible's today."""
		responsible = values.setdefault("responsible", self.user)
		return frappe.get_doc(
			{
				"doctype": "Follow Up",
				"subject": f.unique("Call back"),
				"reference_doctype": "Customer",
				"reference_name": self.customer.name,
				"due_date": self.today(responsible) + timedelta(days=days),
				**values,
			}
		).insert()

	def deal(self, owner: str, contact_days_ago: int | None, made_days_ago: int = 0, **values) -> str:
		opportunity = f.make_opportunity(f.make_customer(), opportunity_owner=owner)
		touch.flush()
		name = frappe.db.get_value("Opportunity", opportunity.name, "deal")
		ago = None if contact_days_ago is None else add_days(now_datetime(), -contact_days_ago)
		made = add_days(now_datetime(), -made_days_ago)
		frappe.db.set_value(
			"Deal", name, {"last_contact_on": ago, "creation": made, **values}, update_modified=False
		)
		return name

	def quotation(self, days: int, owner: str | None = None):
		quotation = f.make_quotation(f.make_customer(), valid_till=self.today() + timedelta(days=days))
		touch.flush()
		owner = owner or self.user
		quotation.db_set("owner", owner, update_modified=False)
		if deal := frappe.db.get_value("Quotation", quotation.name, "deal"):
			frappe.db.set_value("Deal", deal, "owner_user", owner, update_modified=False)
		return quotation

	def sections(self, user: str | None = None, viewer: str | None = None, **values) -> dict[str, dict]:
		user = user or self.user
		return {section["key"]: section for section in day.read(user, viewer or user, **values)["sections"]}

	def many(self, number: int, days: int) -> None:
		"""Copies of one follow up, past the document layer."""
		made = self.follow_up(days)
		frappe.db.set_value("Follow Up", made.name, "subject", "Copied", update_modified=False)
		columns = [c for c in frappe.db.get_table_columns("Follow Up") if c not in ("name", "rule_key")]
		listed = ", ".join(f"`{column}`" for column in columns)
		for index in range(number - 1):
			frappe.db.sql(
				f"INSERT INTO `tabFollow Up` (name, {listed}) SELECT %s, {listed} FROM `tabFollow Up` WHERE name = %s",
				(f"{made.name}{index}", made.name),
			)

	def names(self, section: dict) -> list[str]:
		return [row["name"] for row in section["rows"]]

	def assertListed(self, section: dict, viewer: str):
		"""The list behind "show all" holds as many as the section says."""
		frappe.set_user(viewer)
		found = frappe.get_list(section["doctype"], filters=section["filters"], pluck="name", limit=0)
		frappe.set_user("Administrator")
		self.assertEqual(len(found), section["count"], section["key"])
		self.assertLessEqual(set(self.names(section)), set(found))


class TestFollowUps(MyDayTestCase):
	def test_each_follow_up_stands_on_its_day(self):
		for days, due_time in (
			(-400, None),
			(-1, "23:59:00"),
			(0, None),
			(0, "00:00:00"),
			(1, "08:30:00"),
			(2, None),
		):
			self.follow_up(days, due_time=due_time)
		self.follow_up(0, responsible="Administrator")
		self.follow_up(0, status="Cancelled")
		found = day.read(self.user, self.user)
		counts = {section["key"]: section["count"] for section in found["sections"]}
		self.assertEqual([counts[key] for key in ("overdue", "today", "tomorrow")], [2, 2, 1])
		self.assertEqual(found["later"]["count"], 1)
		sections = {section["key"]: section for section in found["sections"]}
		self.assertEqual([row["due_time"] for row in sections["today"]["rows"]], ["00:00", None])
		self.assertEqual(sections["tomorrow"]["rows"][0]["due_time"], "08:30")
		for section in (*(sections[key] for key in ("overdue", "today", "tomorrow")), found["later"]):
			self.assertListed(section, self.user)

	def test_a_row_says_what_it_is_about(self):
		made = self.follow_up(0, channel="Visit", instructions="Bring the sample")
		(row,) = self.sections()["today"]["rows"]
		self.assertEqual((row["name"], row["subject"], row["channel"]), (made.name, made.subject, "Visit"))
		self.assertEqual((row["party_type"], row["party"]), ("Customer", self.customer.name))
		self.assertEqual((row["reference_doctype"], row["reference_name"]), ("Customer", self.customer.name))
		self.assertEqual((row["party_name"], row["instructions"]), (self.customer.name, "Bring the sample"))

	def test_the_day_is_that_of_the_persons_time_zone(self):
		east = self.make_user("Sales User", time_zone="Pacific/Kiritimati")
		west = self.make_user("Sales User", time_zone="Pacific/Pago_Pago")
		for user in (east, west):
			self.follow_up(0, responsible=user, due_date="2026-03-10")
			self.follow_up(0, responsible=user, due_date="2026-03-11")
		zone = calendars.system_zone()
		# 09:30 on the 11th on Kiritimati, 08:30 on the 10th on Samoa.
		now = schedule.local_time(datetime(2026, 3, 10, 19, 30), zone, "UTC")
		counts = {
			user: {
				key: s["count"]
				for key, s in self.sections(user, now=now).items()
				if s["doctype"] == "Follow Up"
			}
			for user in (east, west)
		}
		self.assertEqual(counts[east], {"overdue": 1, "today": 1, "tomorrow": 0})
		self.assertEqual(counts[west], {"overdue": 0, "today": 1, "tomorrow": 1})

	def test_sections_agree_with_the_rule_of_days(self):
		made = [
			self.follow_up(days, due_time=due_time)
			for days in range(-2, 4)
			for due_time in (None, "23:30:00")
		]
		now, zone = now_datetime(), calendars.system_zone()
		own = calendars.load_one(self.user).time_zone
		sections = self.sections()
		for follow_up in made:
			doc = frappe.get_doc("Follow Up", follow_up.name)
			bucket = schedule.bucket(doc.due_on, doc.due_date, bool(doc.all_day), now, own, zone)
			found = [key for key, section in sections.items() if doc.name in self.names(section)]
			self.assertEqual(found, [bucket] if bucket != schedule.LATER else [])

	def test_done_today_counts(self):
		done = self.follow_up(-3)
		done.update({"status": "Done"})
		done.save()
		found = day.read(self.user, self.user)
		self.assertEqual(found["done_today"]["count"], 1)
		self.assertListed(found["done_today"], self.user)

	def test_a_long_section_is_cut_but_counted_whole(self):
		self.many(day.LIMIT + 7, -1)
		section = self.sections()["overdue"]
		self.assertEqual((section["count"], len(section["rows"])), (day.LIMIT + 7, day.LIMIT))
		self.assertListed(section, self.user)


class TestWhatElseNeedsCare(MyDayTestCase):
	def test_silent_deals_are_own_open_ones_nobody_has_a_plan_for(self):
		days = frappe.db.get_single_value("CRM Ext Settings", "silent_deal_days")
		self.assertGreater(days, 1)
		oldest = self.deal(self.user, days + 5)
		silent = self.deal(self.user, days)
		never = self.deal(self.user, None, made_days_ago=days + 1)
		self.deal(self.user, days - 1)
		self.deal(self.user, None)
		self.deal("Administrator", days + 5)
		self.deal(self.user, days + 5, status="Lost", closed_on=self.today())
		planned = self.deal(self.user, days + 6)
		section = self.sections()["silent_deals"]
		self.assertEqual(self.names(section), [planned, oldest, never, silent])
		self.assertListed(section, self.user)
		self.follow_up(3, reference_doctype="Deal", reference_name=planned)
		section = self.sections()["silent_deals"]
		self.assertEqual(self.names(section), [oldest, never, silent])
		self.assertEqual(section["count"], 3)

	def test_a_quotation_is_shown_until_it_expires_or_something_is_planned_before(self):
		days = frappe.db.get_single_value("CRM Ext Settings", "expiring_days")
		self.assertGreater(days, 1)
		last, today, late = (self.quotation(n) for n in (days, 0, days + 1))
		self.quotation(1, owner="Administrator")
		lost = self.quotation(1)
		lost.declare_enquiry_lost([{"lost_reason": "Too expensive"}], [])
		section = self.sections()["expiring_quotations"]
		self.assertEqual(self.names(section), [today.name, last.name])
		self.assertNotIn(late.name, self.names(section))
		self.assertEqual(section["rows"][0]["note"], "Expires today")
		self.assertEqual(section["rows"][0]["amount"], today.grand_total)
		self.assertListed(section, self.user)
		self.follow_up(days + 1, reference_doctype="Quotation", reference_name=last.name)
		self.assertIn(last.name, self.names(self.sections()["expiring_quotations"]))
		self.follow_up(days, reference_doctype="Quotation", reference_name=last.name)
		self.assertEqual(self.names(self.sections()["expiring_quotations"]), [today.name])

	def test_a_quotation_made_by_somebody_else_is_the_deal_owners_too(self):
		opportunity = f.make_opportunity(f.make_customer(), opportunity_owner=self.user)
		touch.flush()
		quotation = f.make_quotation(opportunity, valid_till=add_days(self.today(), 2))
		touch.flush()
		self.assertEqual(quotation.owner, "Administrator")
		self.assertEqual(self.names(self.sections()["expiring_quotations"]), [quotation.name])

	def test_both_can_be_switched_off(self):
		frappe.db.set_single_value("CRM Ext Settings", {"silent_deal_days": 0, "expiring_days": 0})
		frappe.clear_document_cache("CRM Ext Settings", "CRM Ext Settings")
		self.assertEqual(list(self.sections()), ["overdue", "today", "tomorrow"])

	def test_what_one_may_not_read_is_not_shown(self):
		accountant = self.make_user("Support Team")
		self.assertEqual(list(self.sections(accountant)), ["overdue", "today", "tomorrow"])


class TestCost(MyDayTestCase):
	"""At most so many queries, however many rows; with user permissions too, each of which makes conditions longer."""

	def fill(self, number: int) -> None:
		for days in (-1, 0, 1, 5):
			self.many(number, days)
		for _number in range(min(number, 5)):
			self.deal(self.user, 100)
			self.quotation(1)

	def queries(self, viewer: str) -> int:
		"""Statements of one reading with warm caches, as counted by Frappe's assertQueryCount."""
		frappe.set_user(viewer)
		api.get_day(self.user)
		counted = []
		original = frappe.db.__class__.sql

		def count(*args, **kwargs):
			counted.append(args[1])
			return original(*args, **kwargs)

		frappe.db.__class__.sql = count
		try:
			found = api.get_day(self.user)
		finally:
			frappe.db.__class__.sql = original
			frappe.set_user("Administrator")
		# Those of receivables and of supply are counted where they are tested.
		others = ("Payment Promise", "Sales Order")
		own = [section for section in found["sections"] if section["doctype"] not in others]
		self.assertTrue(all(section["rows"] for section in own), own)
		return len(counted)

	def test_queries_do_not_grow_with_rows(self):
		manager = self.make_user("Sales User", "Sales Manager")
		for viewer in (self.user, manager):
			frappe.get_doc(
				{"doctype": "User Permission", "user": viewer, "allow": "Company", "for_value": f.COMPANY}
			).insert()
		self.fill(1)
		before = {viewer: self.queries(viewer) for viewer in (self.user, manager)}
		self.fill(day.LIMIT + 10)
		self.assertEqual({viewer: self.queries(viewer) for viewer in (self.user, manager)}, before)
		self.assertLessEqual(max(before.values()), QUERIES, before)


class TestWhoMayLook(MyDayTestCase):
	def look(self, viewer: str, user: str | None = None) -> dict:
		frappe.set_user(viewer)
		try:
			return api.get_day(user)
		finally:
			frappe.set_user("Administrator")

	def listed(self, viewer: str) -> list[str]:
		frappe.set_user(viewer)
		try:
			return [row["user"] for row in api.members()]
		finally:
			frappe.set_user("Administrator")

	def test_salespeople_see_their_own_day_only(self):
		colleague = self.make_user("Sales User")
		self.assertEqual(self.look(self.user)["user"], self.user)
		self.assertEqual(self.look(self.user, self.user)["user"], self.user)
		self.assertRaises(frappe.PermissionError, self.look, self.user, colleague)
		self.assertRaises(frappe.PermissionError, self.look, self.user, "nobody@example.com")
		self.assertEqual(self.listed(self.user), [self.user])

	def test_who_has_no_role_in_it_sees_nothing(self):
		outsider = self.make_user("Employee")
		self.assertRaises(frappe.PermissionError, self.look, outsider)
		self.assertRaises(frappe.PermissionError, self.listed, outsider)

	def test_a_sales_manager_sees_everybody_who_sells_or_has_follow_ups(self):
		manager = self.make_user("Sales User", "Sales Manager")
		accountant, idle = self.make_user("Accounts User"), self.make_user("Accounts User")
		disabled = self.make_user("Sales User")
		frappe.db.set_value("User", disabled, "enabled", 0)
		made = self.follow_up(0, responsible=accountant)
		listed = self.listed(manager)
		self.assertEqual(listed[0], manager)
		self.assertLessEqual({self.user, accountant}, set(listed))
		self.assertFalse({idle, disabled, "Guest"} & set(listed))
		found = self.look(manager, accountant)
		self.assertEqual((found["user"], found["may_write"]), (accountant, True))
		self.assertEqual([row["name"] for row in found["sections"][1]["rows"]], [made.name])
		self.assertRaises(frappe.PermissionError, self.look, manager, idle)

	def test_a_manager_sees_who_reports_to_him_over_all_levels(self):
		head, lead, other = (self.make_user("Sales User") for _number in range(3))
		above = f.make_employee(head).name
		between = f.make_employee(lead, reports_to=above).name
		f.make_employee(self.user, reports_to=between)
		f.make_employee(other)
		self.assertEqual(set(self.listed(head)), {head, lead, self.user})
		self.assertEqual(set(self.listed(lead)), {lead, self.user})
		self.assertEqual(self.look(head, self.user)["user"], self.user)
		self.assertRaises(frappe.PermissionError, self.look, head, other)
		self.assertRaises(frappe.PermissionError, self.look, lead, head)

	def test_a_manager_sees_whose_sales_persons_stand_below_his(self):
		head = self.make_user("Sales User")
		above = f.make_sales_person(head, is_group=1).name
		f.make_sales_person(self.user, above)
		self.assertEqual(set(self.listed(head)), {head, self.user})

	def test_a_manager_sees_of_a_day_only_what_he_may_read(self):
		manager = self.make_user("Sales User", "Sales Manager")
		other = f.make_customer()
		shown = self.follow_up(0)
		hidden = self.follow_up(0, reference_name=other.name)
		escalated = self.follow_up(0, reference_name=other.name, escalated_to=manager)
		frappe.get_doc(
			{
				"doctype": "User Permission",
				"user": manager,
				"allow": "Customer",
				"for_value": self.customer.name,
			}
		).insert()
		(today,) = (s for s in self.look(manager, self.user)["sections"] if s["key"] == "today")
		self.assertEqual(today["count"], 2)
		self.assertEqual(set(self.names(today)), {shown.name, escalated.name})
		self.assertEqual(self.look(manager, self.user)["later"]["count"], 0)
		self.assertListed(today, manager)
		own = self.sections()["today"]
		self.assertEqual(set(self.names(own)), {shown.name, hidden.name, escalated.name})

	def test_who_may_not_change_follow_ups_may_only_look(self):
		self.assertTrue(self.look(self.user)["may_write"])
		role = frappe.get_doc({"doctype": "Role", "role_name": f.unique("Looker"), "desk_access": 1}).insert()
		self.addCleanup(frappe.clear_cache, doctype="Follow Up")
		add_permission("Follow Up", role.name)
		looker = self.make_user(role.name)
		made = self.follow_up(0, responsible=looker)
		found = self.look(looker)
		self.assertFalse(found["may_write"])
		self.assertEqual([row["name"] for row in found["sections"][1]["rows"]], [made.name])

	def test_one_shared_document_opens_no_others(self):
		outsider = self.make_user("Support Team")
		frappe.share.add("Customer", self.customer.name, outsider)
		shared = self.follow_up(0)
		unshared = self.follow_up(0, reference_name=f.make_customer().name)
		frappe.set_user(outsider)
		found = frappe.get_list("Follow Up", pluck="name", limit=0)
		self.assertIn(shared.name, found)
		self.assertNotIn(unshared.name, found)
