"""A sales manager writes a follow up rule at the desk, sees what it would do, tests it and switches it on.

The web server commits, so what these tests make stays on the test site; names are unique.
"""

import json
from datetime import datetime, time

import frappe
import pytest
from frappe.utils import getdate, nowdate

from crm_ext.tests import factories
from crm_ext.tests.browser import Desk, person

pytestmark = pytest.mark.browser


@pytest.fixture
def manager(site) -> str:
	return person("crm-ext-rule-manager@example.com", "Sales Manager", "Sales User")


@pytest.fixture
def leads(site) -> list:
	"""Two of one place, one of another; of this morning, whatever the time is."""
	city = factories.unique("Town")
	leads = [factories.make_lead(city=place) for place in (city, city, "Elsewhere")]
	for lead in leads:
		lead.db_set("creation", datetime.combine(getdate(nowdate()), time(9)), update_modified=False)
	frappe.db.commit()  # for the web server
	return leads


@pytest.fixture
def title(site):
	title = factories.unique("Rule")
	yield title
	# An enabled rule would go on making follow ups on the site of the tests.
	frappe.db.rollback()
	frappe.db.set_value("Follow Up Rule", title, "enabled", 0)
	frappe.db.commit()


def add_condition(desk: Desk, field: str, value: str) -> None:
	desk.form.get_by_role("button", name="Edit Conditions").click()
	dialog = desk.page.locator(".modal.show")
	dialog.locator(".add-filter").click()
	dialog.locator(".filter-field").wait_for()
	box = dialog.locator(".fieldname-select-area input").last
	box.click()
	box.fill(field)
	dialog.locator(".fieldname-select-area li:visible", has_text=field).first.click()
	dialog.locator("select.condition").last.select_option("=")
	desk.settle()
	box = dialog.locator(".filter-field input").last
	box.fill(value)
	box.press("Tab")
	desk.press_dialog()


def close_dialog(desk: Desk) -> None:
	desk.close_dialog(desk.page.locator(".modal.show"))


def test_write_preview_test_and_switch_on(login, manager, leads, title):
	desk = login(manager)
	desk.new("Follow Up Rule")
	assert not desk.value("company")
	desk.fill("title", title)
	desk.fill("document_type", "Lead")
	desk.bring_to_front("trigger")
	trigger = desk.form.locator('.frappe-control[data-fieldname="trigger"] select')
	trigger.select_option("Event")
	desk.settle()
	events = desk.form.locator('.frappe-control[data-fieldname="event"] option')
	assert events.evaluate_all("options => options.map(o => o.value)") == ["Created", "Condition Met"]
	add_condition(desk, "City", leads[0].city)
	assert json.loads(desk.value("filters")) == [["Lead", "city", "=", leads[0].city]]
	conditions = desk.form.locator(".crm-ext-conditions")
	assert conditions.locator("li").all_inner_texts() == [f"City = {leads[0].city}"]
	desk.fill_row("steps", 1, days=0, subject="Say hello")
	assert not desk.value("steps")[0].get("due_time")

	# Before it is saved.
	desk.form.get_by_role("button", name="Preview").click()
	dialog = desk.page.locator(".modal.show")
	dialog.locator('.crm-ext-preview-count[data-count="2"]').wait_for()
	rows = dialog.locator("tbody tr").all_inner_texts()
	assert [leads[number].name in rows[number] for number in (0, 1)] == [True, True]
	assert all("Say hello" in row for row in rows)
	close_dialog(desk)

	for lead, expected in ((leads[0], "Made now"), (leads[2], "Not fulfilled: City = ")):
		desk.form.get_by_role("button", name="Test on One Document").click()
		dialog = desk.page.locator(".modal.show")
		box = dialog.locator('[data-fieldname="document"] input')
		box.fill(lead.name)
		dialog.get_by_role("option", name=lead.name).first.click()
		desk.press_dialog()
		assert expected in dialog.locator(".crm-ext-rule-test").inner_text()
		close_dialog(desk)

	desk.bring_to_front("enabled")
	desk.form.locator('.frappe-control[data-fieldname="enabled"] input[data-fieldname]').check()
	desk.save()
	frappe.db.rollback()
	rule = frappe.get_doc("Follow Up Rule", title)
	assert (rule.enabled, getdate(rule.applies_from), rule.steps[0].due_time) == (1, getdate(nowdate()), None)

	from crm_ext.follow_ups import engine

	engine.run(rules=[title])
	frappe.db.commit()
	made = frappe.get_all("Follow Up", {"rule": title}, pluck="reference_name", order_by="reference_name")
	assert made == sorted(lead.name for lead in leads[:2])
	desk.go("List", "Follow Up Rule", "List")
	desk.page.locator(".list-row", has_text=title).locator(".indicator-pill.green").first.wait_for()


def test_a_broken_rule_says_why(login, manager, title):
	factories.make_rule(title=title)
	frappe.db.set_value("Follow Up Rule", title, "filters", '[["Lead", "gone", "=", "1"]]')
	frappe.db.commit()

	from crm_ext.follow_ups import engine

	engine.run(rules=[title])
	frappe.db.commit()
	desk = login(manager)
	desk.open("Follow Up Rule", title)
	message = desk.form.locator(".form-message.red")
	message.wait_for()
	assert "Lead has no field gone" in message.inner_text()
	# Its conditions can still be seen and taken out.
	assert "gone" in desk.form.locator(".crm-ext-conditions").inner_text().lower()
	desk.go("List", "Follow Up Rule", "List")
	desk.page.locator(".list-row", has_text=title).locator(".indicator-pill.red").first.wait_for()
