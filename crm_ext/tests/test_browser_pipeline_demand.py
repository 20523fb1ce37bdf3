"""A buyer in the desk: from what the pipeline will want to a Material Request."""

import frappe
import pytest
from frappe.utils import add_months, getdate, nowdate

from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.browser import person, site_of_tests

pytestmark = pytest.mark.browser


@pytest.fixture
def buyer(site):
	return person(f"{frappe.generate_hash(length=10)}@example.com", "Purchase User", "Stock User")


@pytest.fixture
def quoted(site):
	"""An item that is quoted for next month and ordered now, of which there is not enough."""
	item = s.make_item(3).name
	quotation = f.make_quotation(f.make_customer(), rows=((item, 20, 100),), submit=False)
	quotation.items[0].promise_date = add_months(getdate(nowdate()).replace(day=15), 1)
	quotation.save().submit()
	s.make_order({"item_code": item, "qty": 2}, delivery=s.day(0))
	frappe.db.commit()  # for the web server
	return item


def test_from_the_report_to_a_material_request(login, buyer, quoted):
	desk = login(buyer)
	rows = desk.run_report("Pipeline Demand", {"company": f.COMPANY, "item_code": quoted})
	item, *months = rows
	assert (item["quoted"], item["orders"], item["buy"], item["advice"]) == (12, 2, 11, "Buy")
	assert [row["buy"] for row in months[:3]] == [None, 11, None]

	# How much is told, for whom is not: a buyer may not read quotations.
	desk.form.locator('a[data-pipeline-demand="quoted"]').first.click()
	dialog = desk.page.locator(".modal.show")
	dialog.get_by_text("1 more that you may not open").wait_for()
	assert dialog.locator(".pipeline-demand-documents tbody tr").count() == 0
	desk.close_dialog(dialog)

	site, sites_path = site_of_tests()
	desk.page.screenshot(path=f"{sites_path}/{site}/logs/pipeline_demand.png")
	desk.form.locator(".dt-row-0 .dt-cell--col-0 input").check()
	desk.form.get_by_role("button", name="Material Request", exact=True).click()
	dialog = desk.page.locator(".modal.show", has_text="Needed On")
	dialog.wait_for()
	desk.settle()
	desk.page.screenshot(path=f"{sites_path}/{site}/logs/pipeline_demand_dialog.png")
	desk.press_dialog()
	dialog.wait_for(state="hidden")
	desk.page.locator(".desk-alert", has_text="Made as draft").wait_for()
	desk.settle()
	frappe.db.rollback()  # a new look at the database
	(row,) = frappe.get_all(
		"Material Request Item", {"item_code": quoted}, ["parent", "qty", "schedule_date", "docstatus"]
	)
	first = add_months(getdate(nowdate()).replace(day=1), 1)
	assert (row.qty, row.schedule_date, row.docstatus) == (11, getdate(first), 0)
	assert frappe.db.get_value("Material Request", row.parent, "owner") == buyer

	# Asked a second time, the draft is told.
	desk.form.locator(".dt-row-0 .dt-cell--col-0 input").check()
	desk.form.get_by_role("button", name="Material Request", exact=True).click()
	desk.page.locator(".modal.show .pipeline-demand-drafts", has_text=row.parent).wait_for()


def test_slow_movers_in_chinese(login, buyer, site):
	item = s.make_item().name
	s.receive(s.make_purchase_order({"item_code": item, "qty": 10, "rate": 4000, "price_list_rate": 4000}))
	frappe.db.set_value(
		"Stock Ledger Entry",
		{"item_code": item},
		{"posting_date": s.day(-300), "posting_datetime": s.day(-300)},
	)
	frappe.db.set_value("User", buyer, "language", "zh")
	frappe.db.commit()  # for the web server
	desk = login(buyer)
	filters = {"company": f.COMPANY, "item_code": item}
	(row,) = desk.run_report("Pipeline Demand", {**filters, "show": "Slow Movers"})
	assert (row["value"], row["on_hand"], row["last_in"]) == (40000, 10, str(s.day(-300)))
