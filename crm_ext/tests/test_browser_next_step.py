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


@pytest.fixture
def carried(site):
	"""What was known of the lead goes along, its attachments as well."""
	settings = frappe.get_single("CRM Ext Settings")
	before = {field: settings.get(field) for field in ("carry_along", "carry_attachments")}
	settings.update(dict.fromkeys(before, 1))
	settings.save(ignore_permissions=True)
	frappe.db.commit()  # for the web server
	yield
	frappe.db.rollback()
	settings = frappe.get_single("CRM Ext Settings")
	settings.update(before)
	settings.save(ignore_permissions=True)
	frappe.db.commit()  # for the tests that come


def well_known_lead():
	"""With a source, a note and an attachment."""
	source = frappe.get_doc({"doctype": "Lead Source", "source_name": f.unique("Fair")}).insert()
	lead = f.make_lead(source=source.name, notes=[{"note": "Asks for a demonstration"}])
	frappe.get_doc(
		{
			"doctype": "File",
			"file_name": f"{f.unique('plan')}.txt",
			"content": lead.name,
			"is_private": 1,
			"attached_to_doctype": "Lead",
			"attached_to_name": lead.name,
		}
	).insert()
	return lead


def files(doctype: str, name: str) -> list[str]:
	frappe.db.rollback()  # a new look at the database
	return frappe.get_all(
		"File", {"attached_to_doctype": doctype, "attached_to_name": name}, pluck="file_url", order_by="name"
	)


def test_from_lead_to_payment_by_one_button(login, carried):
	item = s.make_item(stock=9).name
	lead = well_known_lead()
	frappe.db.commit()  # for the web server
	(file,) = files("Lead", lead.name)
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
	assert desk.value("source") == lead.source
	assert ["Asks for a demonstration"] == [row["note"] for row in desk.value("notes")]
	assert files("Opportunity", opportunity) == [file]
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
	assert desk.value("source") == lead.source
	desk.submit()

	lead_on(desk, "Sales Order")
	desk.fill("delivery_date", desk.as_typed(str(s.day(5))))
	assert files("Sales Order", desk.submit()) == [file]
	assert desk.value("source") == lead.source
	lead_on(desk, "Delivery Note")
	assert files("Delivery Note", desk.submit()) == [file]
	lead_on(desk, "Sales Invoice")
	assert files("Sales Invoice", desk.submit()) == [file]
	lead_on(desk, "Payment Entry")
	desk.page.evaluate("day => cur_frm.set_value({ reference_no: '7', reference_date: day })", nowdate())
	desk.settle()
	desk.submit()
	(reference,) = desk.value("references")
	desk.open("Sales Invoice", reference["reference_name"])
	assert desk.value("status") == "Paid"
	assert no_step(desk)
