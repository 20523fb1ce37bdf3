"""Whose a customer is that was made on the way from a lead to its order."""

import frappe
from erpnext.selling.doctype.quotation.quotation import make_sales_order

from crm_ext.constants.visibility import OWN
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase
from crm_ext.tests.visibility import NORTH, SOUTH, Sellers, names_of, switch_on


class TestNewCustomer(Sellers, SiteTestCase):
	def order_of(self, source) -> str:
		"""The customer ERPNext makes where somebody else takes the quotation to an order."""
		return make_sales_order(f.make_quotation(source).name).customer

	def test_who_holds_the_lead_sees_the_customer_made_from_it(self):
		switch_on(OWN)
		customer = self.order_of(f.make_lead(lead_owner=NORTH))
		self.assertEqual(frappe.db.get_value("Customer", customer, "account_manager"), NORTH)
		self.assertEqual(names_of(NORTH, "Customer", [customer]), {customer})
		self.assertEqual(names_of(SOUTH, "Customer", [customer]), set())

	def test_who_holds_the_prospect_as_well(self):
		switch_on(OWN)
		prospect = f.make_prospect([f.make_lead()], prospect_owner=NORTH)
		customer = f.make_customer(prospect_name=prospect.name)
		self.assertEqual(customer.account_manager, NORTH)

	def test_a_manager_named_stays(self):
		switch_on(OWN)
		lead = f.make_lead(lead_owner=NORTH)
		self.assertEqual(f.make_customer(lead_name=lead.name, account_manager=SOUTH).account_manager, SOUTH)

	def test_a_sales_team_stays_alone(self):
		switch_on(OWN)
		team = [{"sales_person": self.person_of[SOUTH], "allocated_percentage": 100}]
		customer = f.make_customer(lead_name=f.make_lead(lead_owner=NORTH).name, sales_team=team)
		self.assertFalse(customer.account_manager)

	def test_off_nobody_is_named(self):
		self.assertFalse(f.make_customer(lead_name=f.make_lead(lead_owner=NORTH).name).account_manager)
