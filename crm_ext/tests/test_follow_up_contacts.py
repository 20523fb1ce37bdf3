"""Dates on documents, parties and deals: the next follow up and the last contact."""

from datetime import timedelta

import frappe
from frappe.utils import add_days, get_datetime, now_datetime, nowdate
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_ext import tasks
from crm_ext.deals import touch
from crm_ext.follow_ups import contacts, guard, marks, targets, work
from crm_ext.follow_ups.model import REFERENCES
from crm_ext.tests import factories
from crm_ext.tests.base import SiteTestCase
from crm_ext.tests.processes import CommittingTestCase, forget_deals, run_queue


def row(reference, due_on, status: str = "Open", **values) -> str:
	"""A follow up as the database holds it, past the document layer; party and deal as the document tells."""
	from crm_ext.follow_ups import references

	described = references.describe(reference.doctype, [reference.name])[reference.name]
	name = frappe.generate_hash(length=10)
	values = {
		"name": name,
		"creation": now_datetime(),
		"modified": now_datetime(),
		"owner": "Administrator",
		"subject": "Call",
		"status": status,
		"channel": "Call",
		"responsible": "Administrator",
		"reference_doctype": reference.doctype,
		"reference_name": reference.name,
		"party_type": described["party_type"],
		"party": described["party"],
		"deal": described["deal"],
		"due_on": due_on,
		"due_date": get_datetime(due_on).date(),
		**values,
	}
	frappe.db.bulk_insert("Follow Up", list(values), [tuple(values.values())])
	return name


class DatesTestCase(SiteTestCase):
	def date(self, doctype: str, name: str, field: str = "next_follow_up_on"):
		return frappe.db.get_value(doctype, name, field)

	def assertNext(self, doctype: str, name: str, moment) -> None:
		self.assertEqual(self.date(doctype, name), moment and get_datetime(moment), f"{doctype} {name}")

	def assertLast(self, doctype: str, name: str, moment) -> None:
		self.assertEqual(
			self.date(doctype, name, "last_contact_on"), moment and get_datetime(moment), f"{doctype} {name}"
		)


class TestNextFollowUp(DatesTestCase):
	def test_earliest_open_one_stands_on_document_party_and_deal(self):
		customer = factories.make_customer()
		quotation = factories.make_quotation(customer)
		deal = self.deal_of(quotation)
		touch.flush()
		row(quotation, "2027-01-12 09:00:00")
		first = row(quotation, "2027-01-11 09:00:00")
		row(customer, "2027-01-10 09:00:00")
		refs = [("Quotation", quotation.name), ("Customer", customer.name), ("Deal", deal.name)]
		modified = self.date("Quotation", quotation.name, "modified")
		targets.refresh([*refs, ("ToDo", "no reference"), ("Lead", "no such lead"), ("Lead", None)])
		self.assertNext("Quotation", quotation.name, "2027-01-11 09:00:00")
		self.assertNext("Deal", deal.name, "2027-01-11 09:00:00")
		self.assertNext("Customer", customer.name, "2027-01-10 09:00:00")
		self.assertEqual(self.date("Quotation", quotation.name, "modified"), modified)
		frappe.db.set_value("Follow Up", first, "status", "Done")
		targets.refresh(refs)
		self.assertNext("Deal", deal.name, "2027-01-12 09:00:00")
		frappe.db.sql("UPDATE `tabFollow Up` SET status = 'Cancelled' WHERE party = %s", customer.name)
		targets.refresh(refs)
		for ref in refs:
			self.assertNext(*ref, None)

	def test_number_of_queries_does_not_grow(self):
		leads = [factories.make_lead() for _ in range(12)]
		for lead in leads:
			row(lead, "2027-01-10 09:00:00")
		with self.assertQueryCount(4):
			targets.refresh(("Lead", lead.name) for lead in leads)
		self.assertNext("Lead", leads[-1].name, "2027-01-10 09:00:00")


class TestNote(DatesTestCase):
	def test_on_a_document_counts_for_it_its_deal_and_its_party(self):
		customer = factories.make_customer()
		quotation, other = (factories.make_quotation(customer) for _ in range(2))
		deal, other_deal = self.deal_of(quotation), self.deal_of(other)
		moment = now_datetime().replace(microsecond=0)
		contacts.note([("Quotation", quotation.name)], moment)
		self.assertLast("Quotation", quotation.name, moment)
		self.assertLast("Deal", deal.name, moment)
		self.assertLast("Customer", customer.name, moment)
		self.assertLast("Deal", other_deal.name, None)
		contacts.note([("Quotation", quotation.name)], moment - timedelta(days=1))
		self.assertLast("Deal", deal.name, moment)

	def test_on_a_party_counts_for_its_deals_that_are_open(self):
		customer = factories.make_customer()
		quotation, other = (factories.make_quotation(customer) for _ in range(2))
		deal, other_deal = self.deal_of(quotation), self.deal_of(other)
		frappe.db.set_value("Deal", other_deal.name, "closed_on", add_days(nowdate(), -1))
		moment = now_datetime().replace(microsecond=0)
		contacts.note([("Customer", customer.name)], moment)
		self.assertLast("Customer", customer.name, moment)
		self.assertLast("Deal", deal.name, moment)
		self.assertLast("Deal", other_deal.name, None)
		self.assertLast("Quotation", quotation.name, None)

	def test_on_a_contact_counts_for_its_parties(self):
		customer, lead = factories.make_customer(), factories.make_lead()
		deal = self.deals_of(lead)[0]
		contact = frappe.get_doc({"doctype": "Contact", "first_name": "Grace"})
		for party in (customer, lead):
			contact.append("links", {"link_doctype": party.doctype, "link_name": party.name})
		contact.insert()
		moment = now_datetime().replace(microsecond=0)
		contacts.note([("Contact", contact.name)], moment)
		for doctype, name in (("Customer", customer.name), ("Lead", lead.name), ("Deal", deal.name)):
			self.assertLast(doctype, name, moment)

	def test_on_a_deal_counts_for_its_party(self):
		lead = factories.make_lead()
		deal = self.deals_of(lead)[0]
		contacts.note([("Deal", deal.name)], now_datetime() + timedelta(days=3))
		self.assertLessEqual(self.date("Lead", lead.name, "last_contact_on"), now_datetime())
		self.assertIsNotNone(self.date("Lead", lead.name, "last_contact_on"))


def make_communication(reference, moment=None, **values):
	return frappe.get_doc(
		{
			"doctype": "Communication",
			"communication_type": "Communication",
			"communication_medium": "Other",
			"sent_or_received": "Received",
			"subject": "Re: turbines",
			"content": "When?",
			"reference_doctype": reference and reference.doctype,
			"reference_name": reference and reference.name,
			"communication_date": moment or now_datetime(),
			**values,
		}
	).insert(ignore_permissions=True)


def make_call(reference, moment=None, **values):
	links = [{"link_doctype": reference.doctype, "link_name": reference.name}] if reference else []
	return frappe.get_doc(
		{
			"doctype": "Call Log",
			"id": frappe.generate_hash(length=10),
			"from": "5550100",
			"to": "5550200",
			"type": "Outgoing",
			"status": "Completed",
			"start_time": moment or now_datetime(),
			"links": links,
			**values,
		}
	).insert(ignore_permissions=True)


def make_event(reference, moment, **values):
	participants = [{"reference_doctype": reference.doctype, "reference_docname": reference.name}]
	return frappe.get_doc(
		{
			"doctype": "Event",
			"subject": "Meeting",
			"event_type": "Public",
			"starts_on": moment,
			"event_participants": participants,
			**values,
		}
	).insert(ignore_permissions=True)


def make_done(reference, moment, **values) -> None:
	row(reference, moment, status="Done", done_on=moment, **values)
	contacts.note([(reference.doctype, reference.name)], moment)


class TestRecorded(DatesTestCase):
	def setUp(self):
		super().setUp()
		self.lead = factories.make_lead()
		self.deal = self.deals_of(self.lead)[0]
		self.moment = now_datetime().replace(microsecond=0) - timedelta(minutes=5)

	def assertCounted(self, moment, lead=None) -> None:
		contacts.flush()
		self.assertLast("Lead", (lead or self.lead).name, moment)

	def test_a_mail_that_came_in_counts_before_the_commit(self):
		make_communication(self.lead, self.moment, sent_or_received="Received")
		self.assertLast("Lead", self.lead.name, None)
		self.assertCounted(self.moment)
		self.assertLast("Deal", self.deal.name, self.moment)

	def test_a_mail_counts_by_its_timeline_links(self):
		mail = make_communication(None, self.moment)
		self.assertCounted(None)
		mail.add_link("Lead", self.lead.name, autosave=True)
		self.assertCounted(self.moment)

	def test_what_is_no_contact(self):
		make_communication(self.lead, self.moment, communication_type="Automated Message")
		make_communication(self.lead, self.moment, delivery_status="Bounced")
		make_communication(self.lead, self.moment, email_status="Spam")
		make_call(self.lead, self.moment, status="No Answer")
		make_event(self.lead, self.moment, status="Cancelled")
		make_event(self.lead, now_datetime() + timedelta(hours=3))
		self.assertCounted(None)

	def test_a_call_counts_once_it_was_answered(self):
		call = make_call(self.lead, self.moment, status="Ringing")
		self.assertCounted(None)
		call.status = "Completed"
		call.save()
		self.assertCounted(self.moment)
		other = factories.make_lead()
		call.add_link("Lead", other.name)
		call.save()
		self.assertCounted(self.moment, other)

	def test_a_meeting_counts_for_those_who_took_part(self):
		make_event(self.lead, self.moment)
		self.assertCounted(self.moment)

	def test_a_deal_opened_in_the_same_transaction_gets_its_first_contact(self):
		lead = factories.make_lead()
		make_communication(lead, self.moment)
		contacts.flush()
		self.assertLast("Deal", self.deals_of(lead)[0].name, self.moment)

	def test_what_is_no_contact_costs_no_query(self):
		comment = frappe.new_doc("Communication", communication_type="Notification", reference_name="x")
		call = frappe.new_doc("Call Log", status="Ringing")
		with self.assertQueryCount(0):
			contacts.from_communication(comment)
			contacts.from_call_log(call)
			contacts.flush()

	def test_a_handful_of_queries(self):
		customer = factories.make_customer()
		quotation = factories.make_quotation(customer)
		touch.flush()
		make_communication(quotation, self.moment)
		with self.assertQueryCount(12):
			contacts.flush()
		self.assertLast("Customer", customer.name, self.moment)


class TestRebuild(DatesTestCase):
	"""What counts one by one is what all that was recorded gives."""

	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		cls.lead = factories.make_lead()
		cls.customer = factories.make_customer()
		old = add_days(nowdate(), -10)
		frappe.db.set_value("Lead", cls.lead.name, "creation", f"{old} 10:00:00", update_modified=False)
		cls.opportunity = factories.make_opportunity(cls.lead, transaction_date=old)
		cls.quotation = factories.make_quotation(cls.customer, transaction_date=old)
		cls.closed = factories.make_quotation(cls.customer, transaction_date=old)
		touch.flush()
		frappe.db.set_value("Deal", cls.deal_name(cls.closed), "closed_on", add_days(nowdate(), -5))
		cls.young = factories.make_quotation(cls.customer)
		cls.contact = frappe.get_doc({"doctype": "Contact", "first_name": "Grace"})
		for party in (cls.customer, cls.lead):
			cls.contact.append("links", {"link_doctype": party.doctype, "link_name": party.name})
		cls.contact.insert()
		touch.flush()
		cls.deal = frappe.get_doc("Deal", cls.deal_name(cls.quotation))
		cls.documents = (
			cls.lead,
			cls.customer,
			cls.opportunity,
			cls.quotation,
			cls.closed,
			cls.young,
			cls.contact,
			cls.deal,
		)

	@classmethod
	def deal_name(cls, document) -> str:
		return frappe.db.get_value(
			"Deal Ledger Entry", {"voucher_type": document.doctype, "voucher_no": document.name}, "deal"
		)

	def stored(self) -> dict:
		found = {}
		for doctype in ("Lead", "Customer", "Opportunity", "Quotation", "Deal"):
			rows = frappe.get_all(
				doctype,
				filters={"last_contact_on": ("is", "set")},
				fields=["name", "last_contact_on"],
				order_by=None,
			)
			found |= {(doctype, row.name): row.last_contact_on for row in rows}
		return found

	def test_equal(self):
		makers = (make_communication, make_call, make_event, make_done)
		now = now_datetime().replace(microsecond=0)
		one = st.tuples(
			st.integers(0, len(makers) - 1),
			st.integers(0, len(self.documents) - 1),
			st.integers(-15 * 24, 24),
		)
		# Of what other tests have committed, deals made anew are counted at night only.
		before = {**self.stored(), **contacts.recorded()}

		@settings(max_examples=25, deadline=None)
		@given(st.lists(one, min_size=1, max_size=6), st.booleans())
		def check(history, together):
			frappe.db.savepoint("example")
			try:
				for kind, which, hours in history:
					maker, document = makers[kind], self.documents[which]
					if maker is make_done and (document.doctype == "Contact" or hours > 0):
						continue
					maker(document, now + timedelta(hours=hours))
					if not together:
						contacts.flush()
				contacts.flush()
				recorded = {ref: moment for ref, moment in contacts.recorded().items() if ref not in before}
				stored = {ref: moment for ref, moment in self.stored().items() if ref not in before}
				self.assertEqual(stored, recorded)
			finally:
				frappe.db.rollback(save_point="example")
				contacts.forget()

		check()


class TestDocumentsThatGo(DatesTestCase):
	def rows(self, **filters) -> list:
		return frappe.get_all(
			"Follow Up",
			filters=filters,
			fields=["name", "status", "reference_doctype", "reference_name", "party_type", "party", "deal"],
			order_by="due_on",
		)

	def errors(self) -> int:
		return frappe.db.count("Error Log", {"method": ("like", "CRM Ext%")})

	def setUp(self):
		super().setUp()
		self.errors_before = self.errors()

	def tearDown(self):
		self.assertEqual(self.errors(), self.errors_before)
		super().tearDown()

	def test_a_deleted_document_leaves_none_hanging(self):
		customer = factories.make_customer()
		quotation = factories.make_quotation(customer, submit=False)
		targets.refresh([("Customer", customer.name)])
		first = row(quotation, "2027-01-10 09:00:00")
		frappe.get_doc("Follow Up", first).add_comment("Comment", "soon")
		done = row(quotation, "2026-01-10 09:00:00", status="Done", done_on="2026-01-10 09:00:00")
		own = row(customer, "2027-01-12 09:00:00")
		targets.refresh([("Customer", customer.name)])
		self.assertNext("Customer", customer.name, "2027-01-10 09:00:00")
		quotation.delete()
		self.assertNext("Customer", customer.name, "2027-01-12 09:00:00")
		self.assertEqual([one.name for one in self.rows(party=customer.name)], [done, own])
		self.assertEqual(frappe.db.get_value("Follow Up", done, "reference_doctype"), "Customer")
		self.assertFalse(frappe.db.exists("Comment", {"reference_name": first}))
		# A customer or lead may be deleted though there are follow ups, and takes all of them along.
		customer.reload().delete()
		self.assertEqual(self.rows(name=("in", [first, done, own])), [])

	def test_deleting_a_lead_clears_it_as_party(self):
		lead = factories.make_lead()
		issue = frappe.get_doc({"doctype": "Issue", "subject": "Noise", "lead": lead.name}).insert()
		about_issue = row(issue, "2027-01-10 09:00:00")
		self.assertEqual(self.rows(name=about_issue)[0].party, lead.name)
		touch.flush()
		about_lead = row(lead, "2027-01-11 09:00:00", status="Done", done_on="2026-01-10 09:00:00")
		issue.db_set("lead", None)
		lead.reload().delete()
		self.assertIsNone(self.rows(name=about_issue)[0].party)
		self.assertEqual(self.rows(name=about_lead), [])

	def test_renamed(self):
		lead = factories.make_lead()
		prospect = factories.make_prospect([lead])
		# As a worker sees it whose list of linked DocTypes is older than the first follow up about prospects.
		frappe.cache.set_value("dynamic_link_map::Follow Up::reference_doctype", ["Lead"])
		name = row(prospect, "2027-01-10 09:00:00")
		new = factories.unique("Renamed")
		frappe.rename_doc("Prospect", prospect.name, new, force=True)
		follow_up = self.rows(name=name)[0]
		self.assertEqual((follow_up.reference_name, follow_up.party), (new, new))

	def test_merged_customers(self):
		old, new = factories.make_customer(), factories.make_customer()
		quotation = factories.make_quotation(old)
		about = row(quotation, "2027-01-10 09:00:00")
		rule = {"rule": "Dormant Customer", "step": 1}
		kept = row(new, "2027-01-12 09:00:00", creation="2026-01-01 00:00:00", **rule)
		twice = row(old, "2027-01-11 09:00:00", **rule)
		other = row(old, "2027-01-13 09:00:00")
		moment = get_datetime("2026-02-01 10:00:00")
		contacts.note([("Customer", old.name)], moment)
		frappe.rename_doc("Customer", old.name, new.name, merge=True, force=True)
		self.assertEqual(
			{one.party for one in self.rows(name=("in", [about, kept, twice, other]))}, {new.name}
		)
		found = {one.name: one for one in self.rows(reference_name=new.name)}
		self.assertEqual(
			{name: one.status for name, one in found.items()},
			{kept: "Open", twice: "Cancelled", other: "Open"},
		)
		self.assertEqual(frappe.db.get_value("Follow Up", twice, "cancel_reason"), "Duplicate")
		self.assertNext("Customer", new.name, "2027-01-10 09:00:00")
		self.assertLast("Customer", new.name, moment)

	def test_a_deleted_contact_is_taken_off(self):
		lead = factories.make_lead()
		contact = frappe.get_doc({"doctype": "Contact", "first_name": "Grace"}).insert()
		name = row(lead, "2027-01-10 09:00:00", contact=contact.name)
		contact.delete()
		self.assertIsNone(frappe.db.get_value("Follow Up", name, "contact"))


class TestNightly(CommittingTestCase):
	"""What changed without an event is found by the nightly passes, which change nothing a second time."""

	date, assertNext, assertLast = DatesTestCase.date, DatesTestCase.assertNext, DatesTestCase.assertLast

	def nightly(self) -> None:
		frappe.db.commit()
		tasks.nightly_contacts()

	def dates(self) -> list:
		return [
			frappe.db.sql(
				f"SELECT name, last_contact_on, next_follow_up_on FROM `tab{doctype}` ORDER BY name"
			)
			for doctype in REFERENCES
		]

	def test_what_asks_for_an_answer_is_no_longer_next_where_an_older_version_wrote_it(self):
		lead, other = factories.make_lead(), factories.make_lead()
		values = {"due_date": nowdate(), "subject": "May I?", "responsible": "Administrator"}
		for doc in (lead, other):
			work.ask("Lead", doc.name, values, "approval:")
		planned = work.plan("Lead", other.name, {"due_date": add_days(nowdate(), 3)})
		for doc in (lead, other):
			doc.db_set("next_follow_up_on", now_datetime(), update_modified=False)
		self.nightly()
		self.assertNext("Lead", lead.name, None)
		self.assertNext("Lead", other.name, frappe.db.get_value("Follow Up", planned, "due_on"))

	def test_rows_made_and_documents_deleted_past_the_document_layer(self):
		lead, gone = factories.make_lead(), factories.make_lead()
		touch.flush()
		deal = self.deals_of(lead)[0]
		row(lead, "2027-01-10 09:00:00", deal=None)
		hanging = row(gone, "2027-01-10 09:00:00")
		frappe.db.sql("DELETE FROM tabLead WHERE name = %s", gone.name)
		contacts.rebuild()
		moment = now_datetime().replace(microsecond=0) - timedelta(minutes=1)
		mail = make_communication(lead, moment)
		contacts.forget()
		self.nightly()
		self.assertNext("Lead", lead.name, "2027-01-10 09:00:00")
		self.assertNext("Deal", deal.name, "2027-01-10 09:00:00")
		self.assertLast("Lead", lead.name, moment)
		self.assertLast("Deal", deal.name, moment)
		self.assertFalse(frappe.db.exists("Follow Up", hanging))
		before = self.dates()
		self.nightly()
		self.assertEqual(self.dates(), before)
		# A rebuild lowers what was deleted, a pass does not.
		frappe.delete_doc("Communication", mail.name)
		frappe.db.sql("UPDATE tabLead SET last_contact_on = %s WHERE name = %s", ("2026-01-01", lead.name))
		contacts.rebuild()
		self.assertLast("Lead", lead.name, None)

	def test_deals_made_anew_get_their_dates_back(self):
		customer = factories.make_customer()
		quotation = factories.make_quotation(customer)
		deal = self.deal_of(quotation)
		moment = now_datetime().replace(microsecond=0)
		make_communication(quotation, moment)
		row(quotation, "2027-01-10 09:00:00")
		about_deal = row(deal, "2027-01-09 09:00:00")
		targets.refresh([("Deal", deal.name)])
		frappe.db.commit()
		# Derived again, the deal keeps them.
		frappe.db.set_value("Quotation", quotation.name, "status", "Expired")
		touch.touch(("Quotation", quotation.name))
		frappe.db.commit()
		self.assertNext("Deal", deal.name, "2027-01-09 09:00:00")
		self.assertLast("Deal", deal.name, moment)
		# Forgotten and made from nothing, it gets them back at night.
		forget_deals()
		touch.touch(("Quotation", quotation.name))
		frappe.db.commit()
		anew = self.deal_of(quotation)
		self.assertNotEqual(anew.name, deal.name)
		self.assertNext("Deal", anew.name, None)
		self.nightly()
		self.assertNext("Deal", anew.name, "2027-01-09 09:00:00")
		self.assertLast("Deal", anew.name, moment)
		self.assertEqual(frappe.db.get_value("Follow Up", about_deal, "reference_name"), anew.name)

	def test_a_meeting_counts_when_its_time_has_come(self):
		lead = factories.make_lead()
		soon = now_datetime() + timedelta(hours=2)
		make_event(lead, soon.replace(microsecond=0))
		contacts.rebuild()
		self.assertLast("Lead", lead.name, None)
		with self.freeze_time(soon + timedelta(minutes=20)):
			contacts.refresh()
		self.assertLast("Lead", lead.name, soon.replace(microsecond=0))

	def test_a_deal_opened_after_the_call_of_the_same_day_gets_it(self):
		customer = factories.make_customer()
		contacts.rebuild()
		moment = now_datetime().replace(microsecond=0)
		make_call(customer, moment)
		frappe.db.commit()
		deal = self.deal_of(factories.make_quotation(customer))
		frappe.db.commit()
		self.assertLast("Deal", deal.name, None)
		contacts.refresh()
		self.assertLast("Deal", deal.name, moment)

	def test_preferences_of_a_deleted_user_go(self):
		user = factories.make_user(f"{frappe.generate_hash(length=10)}@example.com", "Sales User")
		marks.ensure_preference(user.name)
		frappe.db.commit()
		user.delete()
		self.nightly()
		self.assertFalse(frappe.db.exists("Follow Up Preference", {"user": user.name}))

	def test_a_job_counts_what_another_transaction_held(self):
		lead = factories.make_lead()
		frappe.db.commit()
		holder = self.start(hold, lead.name)
		self.gate.wait("held", timeout=20)
		moment = now_datetime().replace(microsecond=0)
		contacts.note([("Lead", lead.name)], moment)
		row(lead, "2027-01-10 09:00:00")
		targets.refresh([("Lead", lead.name)])
		frappe.db.commit()
		self.assertLast("Lead", lead.name, None)
		self.gate.open("let go")
		holder.result()
		run_queue()
		frappe.db.rollback()
		self.assertLast("Lead", lead.name, moment)
		self.assertNext("Lead", lead.name, "2027-01-10 09:00:00")


def hold(gate, lead: str) -> None:
	"""Somebody saves a lead."""
	frappe.db.sql("SELECT name FROM tabLead WHERE name = %s FOR UPDATE", lead)
	gate.open("held")
	gate.wait("let go", timeout=20)
	frappe.db.commit()


class TestGuard(DatesTestCase):
	def test_undone_and_logged_with_the_reference(self):
		lead = factories.make_lead()
		with guard.best_effort("trying failed", "Lead", lead.name):
			frappe.db.set_value("Lead", lead.name, "first_name", "Nobody")
			raise ValueError("broken")
		self.assertEqual(self.date("Lead", lead.name, "first_name"), "Ada")
		logged = frappe.get_all(
			"Error Log", {"reference_name": lead.name}, ["method", "error", "reference_doctype"]
		)
		self.assertEqual(
			[(one.method, one.reference_doctype) for one in logged], [("CRM Ext: trying failed", "Lead")]
		)
		self.assertIn("ValueError: broken", logged[0].error)

	def test_a_deadlock_is_passed_on(self):
		with self.assertRaises(frappe.QueryDeadlockError), guard.best_effort("trying failed", "Lead", "x"):
			raise frappe.QueryDeadlockError
