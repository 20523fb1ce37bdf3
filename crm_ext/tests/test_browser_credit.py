"""At the credit gate in the desk: an assistant meets it, reads why, and asks; the accounts manager releases; it goes on."""

import frappe
import pytest
from frappe.utils import add_days, fmt_money, getdate, nowdate

from crm_ext.tests import credit
from crm_ext.tests import factories as f
from crm_ext.tests.browser import person

pytestmark = pytest.mark.browser


@pytest.fixture
def people(site):
	"""An assistant, and the only one who may release: by a role of its own, so that nobody else is asked."""
	role = frappe.get_doc({"doctype": "Role", "role_name": f.unique("Credit")}).insert().name
	assistant, boss = (f"{frappe.generate_hash(length=10)}@example.com" for _who in range(2))
	credit.switch_on(roles=((role, 0),))
	yield (
		person(assistant, "Sales User"),
		person(boss, "Accounts Manager", "Accounts User", "Sales User", role),
	)
	frappe.db.rollback()
	settings = frappe.get_single(credit.SETTINGS)
	settings.credit_gate_enabled = 0
	settings.set("credit_release_roles", [])
	settings.save(ignore_permissions=True)
	frappe.db.commit()  # for the tests that come


@pytest.fixture
def order(people):
	"""A draft of the assistant's for a customer who owes too much for too long."""
	customer = f.make_customer().name
	credit.make_policy(customer, limit=1_000, overdue_days=30)
	credit.invoice(customer, 900, overdue=45)
	frappe.set_user(people[0])
	made = credit.draft(customer, 400)
	frappe.set_user("Administrator")
	frappe.db.commit()  # for the web server
	return made


def money(amount: float) -> str:
	return fmt_money(amount, currency="USD")


def test_held_asked_released_submitted(login, people, order):
	assistant, boss = people
	desk = login(assistant)
	desk.open("Sales Order", order.name)
	shown = desk.form.locator(".crm-ext-credit")
	shown.wait_for()
	sentence = f"Outstanding {money(900)} + this order {money(400)} exceed the credit limit of {money(1_000)} by {money(300)}"
	assert sentence in shown.inner_text()
	assert "is overdue for 45 days, 30 are allowed" in shown.inner_text()

	# Submitting says the same, and who may release.
	desk.form.locator('.primary-action[data-label="Submit"]').click()
	desk.press_dialog("Yes")
	refusal = desk.page.locator(".modal.show .msgprint", has_text="has to be released first")
	refusal.wait_for()
	assert sentence in refusal.inner_text()
	assert "Who may release it" in refusal.inner_text()
	desk.close_dialog(desk.page.locator(".modal.show"))
	desk.open("Sales Order", order.name)
	assert desk.value("docstatus") == 0

	desk.form.get_by_role("button", name="Ask for Release").click()
	dialog = desk.page.locator(".modal.show")
	dialog.locator('[data-fieldname="why"] textarea').fill("They pay on Friday")
	desk.press_dialog()
	dialog.wait_for(state="hidden")
	desk.settle()
	desk.form.locator(".crm-ext-credit-next", has_text="Asked for release").wait_for()

	# The one who may release is asked in the day's work, and releases on the order.
	manager = login(boss)
	manager.open_my_day()
	manager.form.locator(".my-day-section", has_text=order.name).first.wait_for()
	manager.open("Sales Order", order.name)
	manager.form.locator(".crm-ext-credit", has_text="exceed the credit limit").wait_for()
	manager.form.get_by_role("button", name="Release Credit").click()
	dialog = manager.page.locator(".modal.show")
	dialog.locator('[data-fieldname="notes"] textarea').wait_for()
	manager.page.wait_for_function("() => window.cur_dialog && cur_dialog.get_value('amount') === 400")
	dialog.locator('[data-fieldname="notes"] textarea').fill("Until Friday")
	manager.press_dialog()
	dialog.wait_for(state="hidden")
	manager.settle()
	manager.form.locator(".crm-ext-credit-next", has_text="can be submitted").wait_for()
	manager.form.locator(".timeline-content", has_text="released credit of").first.wait_for()
	frappe.db.rollback()  # a new look at the database
	given = frappe.get_last_doc("Credit Release", {"sales_order": order.name})
	assert (given.released_by, given.amount, given.notes) == (boss, 400, "Until Friday")
	assert given.valid_until == getdate(add_days(nowdate(), 7))
	assert sentence in given.reasons
	told = frappe.get_all("Notification Log", {"for_user": assistant, "document_name": order.name})
	assert len(told) == 1

	desk.page.evaluate("() => cur_frm.reload_doc()")
	desk.form.locator(".crm-ext-credit", has_text="can be submitted").wait_for()
	desk.submit()
	frappe.db.rollback()
	submitted = frappe.get_doc("Sales Order", order.name)
	assert (submitted.docstatus, submitted.credit_release) == (1, given.name)
	assert frappe.db.get_value("Credit Release", given.name, "used_amount") == 400


def test_a_quotation_is_warned_of_in_chinese(login, people, order):
	user = frappe.get_doc("User", people[0])
	user.language = "zh"
	user.save(ignore_permissions=True)
	quotation = f.make_quotation(
		frappe.get_doc("Customer", order.customer), rows=((f.SERVICE, 1, 200),), submit=False
	)
	frappe.db.commit()  # for the web server
	desk = login(people[0])
	desk.open("Quotation", quotation.name)
	shown = desk.form.locator(".crm-ext-credit")
	shown.wait_for()
	assert money(100) in shown.inner_text()
	assert not desk.form.get_by_role("button", name="Ask for Release").count()
	desk.page.evaluate("() => cur_frm.set_value('order_type', 'Maintenance').then(() => cur_frm.save())")
	desk.page.locator(".desk-alert", has_text=money(100)).wait_for()
