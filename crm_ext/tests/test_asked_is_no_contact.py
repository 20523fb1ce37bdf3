"""What asks one of us for an approval or a release is no contact with the customer, neither planned nor had."""

import frappe
from frappe.utils import add_days, nowdate

from crm_ext.api import credit as credit_api
from crm_ext.api import follow_ups as api
from crm_ext.deals import touch
from crm_ext.follow_ups import contacts, report_queries, report_rules, work
from crm_ext.follow_ups import day as my_day
from crm_ext.receivables import asking as asking_for_release
from crm_ext.receivables import credit as gate
from crm_ext.tests import credit
from crm_ext.tests import factories as f
from crm_ext.tests.test_follow_up_engine import EngineTestCase, day
from crm_ext.tests.workflows import MANAGER, SELLER, SMALL, WorkflowTestCase, act, switch
from crm_ext.workflows import asking

DATES = ["next_follow_up_on", "last_contact_on"]


class AskedTestCase(WorkflowTestCase):
	def setUp(self):
		super().setUp()
		switch(("Quotation", "Value", 5_000, SMALL), quotation=1)
		self.customer = f.make_customer().name
		self.document = self.quotation(6_000, party_name=self.customer, valid_till=add_days(nowdate(), 2))
		touch.flush()

	def ask(self) -> str:
		"""Ask for the approval; returns what the manager was asked by."""
		act(SELLER, self.document, "Request Approval")
		return self.asked_of(MANAGER)

	def asked_of(self, user: str) -> str:
		(name,) = [row.name for row in asking.asked(self.document) if row.responsible == user]
		return name

	def plan(self, days: int = 3) -> str:
		values = {"due_date": add_days(nowdate(), days), "responsible": SELLER}
		return work.plan(self.document.doctype, self.document.name, values)

	def dates(self) -> list[tuple]:
		refs = [(self.document.doctype, self.document.name), ("Customer", self.customer)]
		return [frappe.db.get_value(*ref, DATES) for ref in refs]

	def next_of(self) -> list[tuple[str, bool]]:
		found = api.next_of(self.document.doctype, self.document.name)["follow_ups"]
		return [(row.name, row.asks) for row in found]

	def due_on(self, follow_up: str):
		return frappe.db.get_value("Follow Up", follow_up, "due_on")


class TestAskedIsNoContact(AskedTestCase):
	def test_nothing_is_planned_by_asking(self):
		asked = self.ask()
		self.assertEqual(self.dates(), [(None, None)] * 2)
		planned = self.plan()
		self.assertEqual(self.dates(), [(self.due_on(planned), None)] * 2)
		self.assertLess(self.due_on(asked), self.due_on(planned))
		act(MANAGER, self.document, "Approve")
		self.assertEqual(self.dates(), [(self.due_on(planned), None)] * 2)

	def test_nor_on_the_deal(self):
		opportunity = f.make_opportunity(f.make_customer(), opportunity_owner=SELLER)
		self.document = self.quotation(6_000, source=opportunity)
		deal = self.deal_of(opportunity).name
		self.ask()
		self.assertEqual(frappe.db.get_value("Follow Up", self.asked_of(MANAGER), "deal"), deal)
		self.assertEqual(frappe.db.get_value("Deal", deal, DATES), (None, None))
		self.assertIn((self.asked_of(MANAGER), True), self.next_of_deal(deal))

	def next_of_deal(self, deal: str) -> list[tuple[str, bool]]:
		return [(row.name, row.asks) for row in api.next_of("Deal", deal)["follow_ups"]]

	def test_it_is_answered_on_its_document(self):
		asked = self.ask()
		frappe.set_user(MANAGER)
		for call in (
			lambda: api.finish(asked),
			lambda: api.finish_all([asked]),
			lambda: api.log_and_plan(
				self.document.doctype, self.document.name, {"channel": "Call"}, None, asked
			),
		):
			with self.assertRaisesRegex(
				frappe.ValidationError, f"is answered on Quotation.*{self.document.name}"
			):
				call()
		api.postpone(asked, add_days(nowdate(), 1))
		self.assertEqual(self.dates(), [(None, None)] * 2)

	def test_marked_as_done_it_was_no_contact_either(self):
		asked = frappe.get_doc("Follow Up", self.ask())
		asked.update({"status": "Done"}).save()
		self.assertEqual(self.dates(), [(None, None)] * 2)
		self.assertNotIn((self.document.doctype, self.document.name), contacts.recorded())

	def test_nobody_makes_one_look_like_a_question(self):
		frappe.set_user(SELLER)
		values = {"due_date": nowdate(), "subject": "Call", "rule_key": "approval:mine"}
		planned = api.plan(self.document.doctype, self.document.name, values | {"flags": {"rule_key": "x:y"}})
		self.assertIsNone(frappe.db.get_value("Follow Up", planned, "rule_key"))
		doc = {"doctype": "Follow Up", **values, "flags": {"rule_key": "x:y"}, "responsible": SELLER}
		doc |= {"reference_doctype": self.document.doctype, "reference_name": self.document.name}
		self.assertIsNone(frappe.get_doc(doc).insert().rule_key)

	def test_a_form_shows_what_is_next_first_however_many_are_asked(self):
		for number in range(6):
			f.make_user(f"workflow-asked{number}@example.com", "Sales User", SMALL)
		self.ask()
		planned = self.plan()
		frappe.set_user(SELLER)
		found = self.next_of()
		self.assertEqual(found[0], (planned, False))
		self.assertEqual([asks for _name, asks in found[1:]], [True] * 5)
		self.assertEqual(
			[row.name for row in api.open_on(self.document.doctype, self.document.name)], [planned]
		)

	def test_a_form_names_people(self):
		frappe.db.set_value("User", MANAGER, {"first_name": "Ada", "full_name": "Ada Lovelace"})
		self.ask()
		found = api.next_of(self.document.doctype, self.document.name)["follow_ups"]
		self.assertEqual(
			[row.responsible_name for row in found if row.responsible == MANAGER], ["Ada Lovelace"]
		)
		frappe.set_user(MANAGER)
		work.log_and_plan(None, self.document.doctype, self.document.name, {"channel": "Call"})
		(entry,) = api.timeline(self.document.doctype, self.document.name)
		self.assertEqual(entry["template_data"].done_by_name, "Ada Lovelace")

	def test_adherence_leaves_it_out(self):
		plan = report_queries.plan_of(frappe._dict(reference_doctype="Quotation", responsible=MANAGER))
		before = report_rules.figures(report_queries.read_cells(plan))
		self.ask()
		self.assertEqual(report_rules.figures(report_queries.read_cells(plan)), before)

	def test_it_waits_in_the_day_of_who_is_asked(self):
		asked = self.ask()
		sections = {section["key"]: section for section in my_day.read(MANAGER, MANAGER)["sections"]}
		(row,) = [row for row in sections["today"]["rows"] if row["name"] == asked]
		self.assertTrue(row["asks"])

	def test_a_document_nobody_has_a_plan_for_is_shown_while_it_is_asked_about(self):
		"""Of what is submitted already somebody may be asked as well: the offer still runs out."""
		values = {"due_date": nowdate(), "subject": "Approve", "responsible": MANAGER, "channel": "Other"}
		offer = f.make_quotation(f.make_customer(), valid_till=add_days(nowdate(), 1))
		frappe.db.set_value("Quotation", offer.name, "owner", SELLER)
		work.ask("Quotation", offer.name, values, "approval:")
		sections = {section["key"]: section for section in my_day.read(SELLER, "Administrator")["sections"]}
		self.assertIn(offer.name, [row["name"] for row in sections["expiring_quotations"]["rows"]])


class TestAskedForARelease(AskedTestCase):
	def test_nothing_is_planned_by_asking(self):
		credit.make_people()
		credit.switch_on()
		credit.make_policy(self.customer, limit=100)
		frappe.set_user(credit.ASSISTANT)
		order = credit.draft(self.customer, 500)
		credit_api.ask(order.name)
		frappe.set_user("Administrator")
		asked = asking_for_release.asked(order.name)
		self.assertTrue(asked)
		self.assertIsNone(frappe.db.get_value("Sales Order", order.name, "next_follow_up_on"))
		self.assertEqual(self.dates(), [(None, None)] * 2)
		planned = work.plan("Sales Order", order.name, {"due_date": add_days(nowdate(), 3)})
		self.assertEqual(
			frappe.db.get_value("Sales Order", order.name, "next_follow_up_on"), self.due_on(planned)
		)

	def test_the_form_names_people(self):
		credit.make_people()
		credit.switch_on()
		credit.make_policy(self.customer, limit=100)
		frappe.db.set_value("User", credit.BOSS, {"first_name": "Grace", "full_name": "Grace Hopper"})
		order = credit.draft(self.customer, 500)
		credit_api.ask(order.name)
		shown = gate.status(frappe.get_doc("Sales Order", order.name))
		self.assertIn("Grace Hopper", [row.responsible_name for row in shown["asked"]])
		credit.release(500, order)
		shown = gate.status(frappe.get_doc("Sales Order", order.name))
		self.assertEqual(shown["release"].released_by_name, "Grace Hopper")


class TestRules(EngineTestCase):
	def test_asking_is_no_plan(self):
		lead = self.lead()
		unplanned = [["Lead", "next_follow_up_on", "is", "not set"]]
		self.rule(lead, (7, "After"), trigger="Silence", filters=unplanned)
		self.ask_about(lead)
		self.assertEqual(self.run_on(day(7))["made"], 1)

	def test_an_answer_ends_no_silence(self):
		lead = self.lead()
		self.rule(lead, (7, "After"), trigger="Silence")
		self.ask_about(lead, status="Done")
		self.assertEqual(self.run_on(day(7))["made"], 1)
		self.ask_about(lead, status="Done")
		self.assertEqual(self.run_on(day(7, 13))["closed"], 0)

	def ask_about(self, doc, **changes) -> None:
		values = {
			"due_date": nowdate(),
			"subject": "May I?",
			"responsible": "Administrator",
			"channel": "Other",
		}
		asked = work.ask(doc.doctype, doc.name, values, "approval:")
		if changes:
			frappe.get_doc("Follow Up", asked).update(changes).save()
