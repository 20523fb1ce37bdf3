"""One button leads from the lead to the money. The web server commits; names are unique."""

import os

import frappe
import pytest
from frappe.utils import nowdate

from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.browser import person

pytestmark = pytest.mark.browser


def lead_on(desk, target: str) -> None:
	"""Press the one primary button; ERPNext's new document must come."""
	button = desk.form.locator("button.crm-ext-next-step")
	button.wait_for()
	assert button.count() == 1
	assert button.inner_text().strip() == f"Next: {target}"
	button.click()
	desk.settle()
	desk.wait_for_form(target, new=True)


def no_step(desk) -> bool:
	return desk.form.locator("button.crm-ext-next-step").count() == 0


def test_from_lead_to_payment_by_one_button(login):
	item = s.make_item(stock=9).name
	lead = f.make_lead()
	frappe.db.commit()  # for the web server
	desk = login(
		person(
			"crm-ext-leads-on@example.com",
			"Sales User",
			"Sales Manager",
			"Stock User",
			"Accounts User",
			"Accounts Manager",
		)
	)
	desk.open("Lead", lead.name)
	if folder := os.environ.get("CRM_EXT_PICTURES"):
		from pathlib import Path

		desk.picture(Path(folder, "next-step.png"), height=700)
	lead_on(desk, "Opportunity")
	desk.fill_row("items", 1, item_code=item, qty=3, rate=100)
	opportunity = desk.save()
	desk.open("Lead", lead.name)
	assert no_step(desk)

	desk.open("Opportunity", opportunity)
	lead_on(desk, "Quotation")
	quotation = desk.save()
	assert no_step(desk)
	# A draft that was begun is opened, not made again.
	desk.open("Opportunity", opportunity)
	draft = desk.form.locator("button.crm-ext-next-step")
	assert draft.inner_text().strip() == "Open Draft: Quotation"
	draft.click()
	desk.wait_for_form("Quotation", new=False)
	assert desk.name() == quotation
	desk.submit()

	lead_on(desk, "Sales Order")
	desk.fill("delivery_date", desk.as_typed(str(s.day(5))))
	desk.submit()
	lead_on(desk, "Delivery Note")
	desk.submit()
	lead_on(desk, "Sales Invoice")
	desk.submit()
	lead_on(desk, "Payment Entry")
	desk.page.evaluate("day => cur_frm.set_value({ reference_no: '7', reference_date: day })", nowdate())
	desk.settle()
	desk.submit()
	(reference,) = desk.value("references")
	desk.open("Sales Invoice", reference["reference_name"])
	assert desk.value("status") == "Paid"
	assert no_step(desk)
