"""The next step: which document leads on, that ERPNext's own function makes it, and what goes along."""

import unittest

import frappe
from frappe.desk.form.load import run_onload
from frappe.tests.utils import change_settings
from frappe.utils import add_days, nowdate

from crm_ext.sales.next_step import DOCTYPES, next_step, offer
from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.base import SiteTestCase

SETTINGS = "CRM Ext Settings"
ROW = {"qty": 4, "delivered_qty": 1, "delivered_by_supplier": 0}
ORDER = {
	"docstatus": 1,
	"status": "To Deliver and Bill",
	"per_delivered": 25,
	"per_billed": 0,
	"items": [ROW],
}
NOTE = {"docstatus": 1, "status": "To Bill", "per_billed": 0, "per_returned": 0, "items": [{}]}
INVOICE = {"docstatus": 1, "status": "Unpaid", "outstanding_amount": 10}


class TestRule(unittest.TestCase):
	"""No site needed."""

	def check(self, doctype: str, state: dict, cases: tuple) -> None:
		for changes, expected in cases:
			with self.subTest(doctype, **changes):
				self.assertEqual(next_step(doctype, {**state, **changes}), expected)

	def test_lead(self):
		self.check(
			"Lead",
			{"status": "Lead"},
			(
				*(
					({"status": status}, "Opportunity")
					for status in ("Lead", "Open", "Replied", "Interested")
				),
				*(
					({"status": status}, None)
					for status in (
						"Opportunity",
						"Quotation",
						"Converted",
						"Lost Quotation",
						"Do Not Contact",
					)
				),
			),
		)

	def test_opportunity_and_quotation(self):
		self.check(
			"Opportunity",
			{},
			(
				({"status": "Open"}, "Quotation"),
				({"status": "Replied"}, "Quotation"),
				*(({"status": status}, None) for status in ("Quotation", "Converted", "Lost", "Closed")),
				# Its workflow wants it to be seen by somebody first; what was noted while that was on does not count.
				({"status": "Open", "crm_ext_state": "Qualification", "approval_needed": 1}, None),
				({"status": "Open", "crm_ext_state": "Qualified", "approval_needed": 0}, "Quotation"),
				({"status": "Open", "crm_ext_state": None, "approval_needed": 1}, "Quotation"),
			),
		)
		self.check(
			"Quotation",
			{"docstatus": 1, "status": "Open"},
			(
				({}, "Sales Order"),
				({"status": "Partially Ordered"}, "Sales Order"),
				({"docstatus": 0, "status": "Draft"}, None),
				({"docstatus": 2, "status": "Cancelled"}, None),
				*(({"status": status}, None) for status in ("Ordered", "Lost", "Expired")),
			),
		)
		self.assertEqual(next_step("Quotation", {"docstatus": 1, "status": "Expired"}, True), "Sales Order")

	def test_order(self):
		all_out = {"per_delivered": 100, "items": [{**ROW, "delivered_qty": 4}]}
		self.check(
			"Sales Order",
			ORDER,
			(
				({}, "Delivery Note"),
				(all_out, "Sales Invoice"),
				({**all_out, "per_billed": 100, "status": "Completed"}, None),
				({"skip_delivery_note": 1}, "Sales Invoice"),
				({"order_type": "Maintenance"}, "Sales Invoice"),
				({"items": [{**ROW, "delivered_by_supplier": 1}]}, "Sales Invoice"),
				({"docstatus": 0}, None),
				({"docstatus": 2}, None),
				({"status": "Closed"}, None),
				({"status": "On Hold"}, None),
			),
		)

	def test_delivery_and_invoice(self):
		self.check(
			"Delivery Note",
			NOTE,
			(
				({}, "Sales Invoice"),
				({"per_billed": 60}, "Sales Invoice"),
				({"per_billed": 100}, None),
				({"per_returned": 100}, None),
				({"is_return": 1}, None),
				({"status": "Closed"}, None),
				({"docstatus": 0}, None),
				({"items": [{"against_sales_invoice": "SINV-1"}]}, None),
			),
		)
		self.check(
			"Sales Invoice",
			INVOICE,
			(
				({}, "Payment Entry"),
				({"outstanding_amount": 0}, None),
				({"outstanding_amount": -5, "is_return": 1}, None),
				({"docstatus": 0}, None),
			),
		)

	def test_other_documents_have_none(self):
		self.assertIsNone(next_step("Customer", {"status": "Open", "docstatus": 1}))


class TestOffer(SiteTestCase):
	def make(self, document):
		"""What ERPNext makes when the button is pressed."""
		step = self.step(document)
		if step["target"] == "Payment Entry":
			return frappe.get_attr(step["method"])(document.doctype, document.name)
		made = frappe.get_attr(step["method"])(document.name)
		self.assertEqual(made.doctype, step["target"])
		return made

	def step(self, document) -> dict | None:
		document.reload()
		run_onload(document)
		return document.get_onload().get("next_step")

	def test_from_lead_to_payment(self):
		lead = f.make_lead()
		opportunity = self.make(lead).insert()
		self.assertIsNone(self.step(lead))
		opportunity.append("items", {"item_code": f.ITEM, "qty": 2, "rate": 50, "uom": "Nos"})
		opportunity.company = f.COMPANY
		opportunity.save()
		quotation = self.make(opportunity)
		quotation.valid_till = add_days(nowdate(), 10)
		for row in quotation.items:
			row.update({"rate": 50, "warehouse": f.warehouse()})
		quotation.insert()
		self.assertEqual(self.step(opportunity)["draft"], quotation.name)
		quotation.submit()
		self.assertIsNone(self.step(opportunity))
		order = self.make(quotation)
		order.delivery_date = s.day(5)
		for row in order.items:
			row.update({"delivery_date": s.day(5), "warehouse": f.warehouse()})
		order.insert()
		self.assertEqual(self.step(quotation)["draft"], order.name)
		self.assertIsNone(self.step(order))
		order.submit()
		self.assertIsNone(self.step(quotation))
		note = self.make(order)
		note.items[0].qty = 1
		note.insert().submit()
		self.assertEqual(self.step(order)["target"], "Delivery Note")
		self.assertEqual(self.step(order)["draft"], None)
		invoice = self.make(note).insert().submit()
		self.assertIsNone(self.step(note))
		payment = self.make(invoice)
		payment.update({"reference_no": "1", "reference_date": nowdate()})
		payment.insert()
		self.assertEqual(self.step(invoice)["draft"], payment.name)
		payment.submit()
		self.assertIsNone(self.step(invoice))
		order.reload()
		order.update_status("Closed")
		self.assertIsNone(self.step(order))

	def test_who_may_not_make_it_is_not_offered_it(self):
		order = s.make_order({"item_code": f.SERVICE, "qty": 1}, skip_delivery_note=1)
		self.assertEqual(offer(order)["target"], "Sales Invoice")
		frappe.set_user(f.make_user("crm-ext-next-step@example.com", "Stock User").name)
		self.assertIsNone(offer(order))

	def test_switched_off(self):
		lead = f.make_lead()
		with change_settings(SETTINGS, {"next_step_enabled": 0}):
			self.assertIsNone(self.step(lead))

	def test_one_statement_at_most(self):
		order = s.make_order({"item_code": f.ITEM, "qty": 1})
		for document in (f.make_lead(), order):
			document.reload()
			self.assertIsNotNone(offer(document))
			with self.assertQueryCount(1):
				offer(document)

	def test_every_doctype_tells(self):
		hooks = frappe.get_hooks("doc_events")
		for doctype in DOCTYPES:
			self.assertIn("crm_ext.events.sales.onload", hooks[doctype]["onload"])


class TestCarriedAlong(SiteTestCase):
	def setUp(self):
		super().setUp()
		self.source = f.unique("Source")
		self.campaign = f.unique("Campaign")
		frappe.get_doc({"doctype": "Lead Source", "source_name": self.source}).insert()
		frappe.get_doc({"doctype": "Campaign", "campaign_name": self.campaign}).insert()

	def lead(self, **values):
		return f.make_lead(source=self.source, campaign_name=self.campaign, **values)

	def test_the_campaign_of_a_lead_reaches_its_quotation(self):
		from erpnext.crm.doctype.lead.lead import make_quotation

		lead = self.lead()
		with change_settings(SETTINGS, {"carry_along": 0}):
			self.assertFalse(make_quotation(lead.name).campaign)
		with change_settings(SETTINGS, {"carry_along": 1}):
			quotation = make_quotation(lead.name)
		self.assertEqual((quotation.source, quotation.campaign), (self.source, self.campaign))

	def test_notes_of_a_lead_reach_its_opportunity(self):
		from erpnext.crm.doctype.lead.lead import make_opportunity

		lead = self.lead()
		lead.add_note("wants blue ones")
		with change_settings(SETTINGS, {"carry_along": 1}):
			opportunity = make_opportunity(lead.name).insert()
		self.assertEqual([note.note for note in opportunity.notes], ["wants blue ones"])
		lead.reload()
		self.assertEqual([note.note for note in lead.notes], ["wants blue ones"])

	def test_what_a_prospect_has_of_its_leads(self):
		from erpnext.crm.doctype.prospect.prospect import make_opportunity

		prospect = f.make_prospect([self.lead()])
		prospect.add_note("meets on Fridays")
		with change_settings(SETTINGS, {"carry_along": 1}):
			opportunity = make_opportunity(prospect.name)
		self.assertEqual((opportunity.source, opportunity.campaign), (self.source, self.campaign))
		contacts = frappe.get_all(
			"Dynamic Link",
			filters={
				"link_doctype": "Prospect",
				"link_name": prospect.name,
				"parenttype": "Contact",
			},
			pluck="parent",
			order_by="creation",
		)
		self.assertEqual(opportunity.contact_person, contacts[0])
		self.assertEqual([note.note for note in opportunity.notes], ["meets on Fridays"])

	def test_who_sells(self):
		from erpnext.stock.doctype.delivery_note.delivery_note import make_sales_invoice

		customer = f.make_customer(
			sales_team=[{"sales_person": "CRM Ext Seller", "allocated_percentage": 100}]
		).name
		order = s.make_order({"item_code": f.ITEM, "qty": 2}, customer=customer)
		note = f.make_delivery_note(order)
		note.db_set("customer", customer)
		frappe.db.delete("Sales Team", {"parent": note.name})
		with change_settings(SETTINGS, {"carry_along": 1}):
			invoice = make_sales_invoice(note.name)
		self.assertEqual([row.sales_person for row in invoice.sales_team], ["CRM Ext Seller"])

	def test_what_is_filled_stays(self):
		from erpnext.crm.doctype.lead.lead import make_quotation

		other = f.unique("Campaign")
		frappe.get_doc({"doctype": "Campaign", "campaign_name": other}).insert()
		target = frappe.new_doc("Quotation")
		target.campaign = other
		with change_settings(SETTINGS, {"carry_along": 1}):
			quotation = make_quotation(self.lead().name, target)
		self.assertEqual(quotation.campaign, other)


class TestAttachments(SiteTestCase):
	def attach(self, document) -> str:
		return (
			frappe.get_doc(
				{
					"doctype": "File",
					"file_name": f"{f.unique('drawing')}.txt",
					"content": f.unique("what it looks like"),
					"is_private": 1,
					"attached_to_doctype": document.doctype,
					"attached_to_name": document.name,
				}
			)
			.insert()
			.file_url
		)

	def attached(self, document) -> list[str]:
		return frappe.get_all(
			"File",
			filters={"attached_to_doctype": document.doctype, "attached_to_name": document.name},
			pluck="file_url",
			order_by="file_url",
		)

	def test_links_to_the_same_files_where_it_is_wanted(self):
		quotation = f.make_quotation()
		drawing = self.attach(quotation)
		files = frappe.db.count("File")
		self.assertEqual(self.attached(f.make_sales_order(quotation, submit=False)), [])
		self.assertEqual(frappe.db.count("File"), files)
		with change_settings(SETTINGS, {"carry_attachments": 1}):
			order = f.make_sales_order(quotation)
			self.assertEqual(self.attached(order), [drawing])
			note = f.make_delivery_note(order)
			self.assertEqual(self.attached(note), [drawing])
		self.assertEqual(self.attached(quotation), [drawing])

	def test_from_a_lead(self):
		lead = f.make_lead()
		drawing = self.attach(lead)
		with change_settings(SETTINGS, {"carry_attachments": 1}):
			opportunity = f.make_opportunity(lead)
			self.assertEqual(self.attached(opportunity), [drawing])
			self.assertEqual(self.attached(f.make_quotation(opportunity)), [drawing])

	def test_not_of_what_one_may_not_read(self):
		quotation = f.make_quotation()
		self.attach(quotation)
		user = f.make_user("crm-ext-attachments@example.com", "Stock User").name
		with change_settings(SETTINGS, {"carry_attachments": 1}):
			order = f.make_sales_order(quotation, submit=False)
			self.assertEqual(len(self.attached(order)), 1)
			again = frappe.copy_doc(order)
			frappe.set_user(user)
			again.flags.ignore_permissions = True
			again.insert()
			frappe.set_user("Administrator")
			self.assertEqual(self.attached(again), [])
