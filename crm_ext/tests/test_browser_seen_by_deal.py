"""A salesperson opens an imported customer that is in nobody's care, because of an opportunity. The web server commits."""

import frappe
import pytest

from crm_ext.constants.visibility import OWN
from crm_ext.tests import factories as f
from crm_ext.tests.test_browser_visibility import NORA, make_seller
from crm_ext.tests.test_browser_visibility import switched_back as switched_back
from crm_ext.tests.visibility import switch_on

pytestmark = pytest.mark.browser


def test_it_is_picked_and_read_but_not_changed(login, switched_back):
	make_seller(NORA)
	word = f.unique("Imported")
	customer = f.make_customer(customer_name=f"{word} with a deal", account_manager=None)
	other = f.make_customer(customer_name=f"{word} without", account_manager=None)
	f.make_opportunity(customer, opportunity_owner=NORA)
	frappe.db.commit()
	switch_on(OWN)
	frappe.db.commit()

	nora = login(NORA, home="lead")
	nora.open("Customer", customer.name)
	nora.form.locator(".form-message").filter(has_text="nobody's care").wait_for()
	assert nora.page.evaluate(
		"() => cur_frm.save_disabled && !cur_frm.fields_dict.customer_name.$input?.is(':visible')"
	)
	assert nora.form.get_by_text("Total Unpaid").count() == 0
	assert nora.form.get_by_role("button", name="Payment Promise", exact=True).count() == 0

	nora.new("Quotation")
	box = nora.form.locator('.frappe-control[data-fieldname="party_name"] input').first
	box.click()
	box.fill(word)
	nora.settle()
	options = nora.form.locator('.frappe-control[data-fieldname="party_name"] [role="option"]')
	options.get_by_text(customer.name).first.wait_for()
	assert options.get_by_text(other.name).count() == 0

	# Once somebody holds it, a deal does not count.
	frappe.db.set_value("Customer", customer.name, "account_manager", "Administrator")
	frappe.db.commit()
	assert nora.call("frappe.client.get", doctype="Customer", name=customer.name) == 403
