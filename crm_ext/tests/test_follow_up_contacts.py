"""Dates on documents, parties and deals: the next follow up and the last contact."""

from datetime import timedelta

import frappe
from frappe.utils import add_days, get_datetime, now_datetime, nowdate

from crm_ext.deals import touch
from crm_ext.follow_ups import contacts, targets
from crm_ext.tests import factories
from crm_ext.tests.base import SiteTestCase

_COUNTER = iter(range(10**9))


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
