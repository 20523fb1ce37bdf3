"""A collector at work in the desk: from the list of who owes to a call, a promise and a dunning letter."""

import frappe
import pytest
from frappe.utils import add_days, getdate, nowdate

from crm_ext.tests import factories as f
from crm_ext.tests.browser import person

pytestmark = pytest.mark.browser


@pytest.fixture
def collector(site):
	email = f"{frappe.generate_hash(length=10)}@example.com"
	return person(email, "Accounts User", "Sales User")


@pytest.fixture
def customer(site):
	"""Owes two invoices, one of them for long, and has broken a promise."""
	made = f.make_customer()
	for days, amount in ((50, 900), (5, 300)):
		f.make_direct_invoice(
			customer=made.name,
			rows=((f.SERVICE, 1, amount),),
			set_posting_time=1,
			posting_date=add_days(nowdate(), -days - 5),
			due_date=add_days(nowdate(), -days),
		)
	frappe.db.commit()  # for the web server
	return made.name


def press(desk, customer: str, action: str) -> None:
	desk.form.locator(f'button[data-collect="{action}"][data-customer="{customer}"]').click()
	desk.settle()


def log_call(desk, customer: str) -> None:
	"""The call, and when to call again."""
	press(desk, customer, "log")
	dialog = desk.page.locator(".modal.show")
	dialog.locator('[data-fieldname="notes"] textarea').fill("The older one by next week")
	dialog.locator('.follow-up-choices [data-days="7"]').click()
	desk.page.wait_for_function("() => cur_dialog.get_value('due_date')")
	desk.press_dialog()
	dialog.wait_for(state="hidden")
	desk.settle()


def promise_the_older(desk, customer: str) -> dict:
	"""The promise: of the older invoice only."""
	press(desk, customer, "promise")
	dialog = desk.page.locator(".modal.show")
	boxes = dialog.locator(".promise-invoices input")
	boxes.first.wait_for()
	assert [boxes.nth(number).is_checked() for number in range(2)] == [True, True]
	boxes.nth(1).uncheck()
	assert "900" in dialog.locator(".promise-sum").inner_text()
	pay_by = add_days(nowdate(), 7)
	desk.page.wait_for_function("() => window.cur_dialog")
	desk.page.evaluate("day => cur_dialog.set_value('pay_by', day)", pay_by)
	desk.settle()
	desk.press_dialog()
	dialog.wait_for(state="hidden")
	desk.settle()
	frappe.db.rollback()  # a new look at the database
	(promised,) = frappe.get_all(
		"Payment Promise", {"customer": customer}, ["name", "amount", "pay_by", "responsible", "status"]
	)
	assert (promised.amount, promised.pay_by, promised.status) == (900, getdate(pay_by), "Open")
	return promised


def dun(desk, customer: str) -> None:
	"""The letter about what is late: ERPNext's own."""
	press(desk, customer, "dunning")
	desk.wait_for_form("Dunning", new=True)
	assert len(desk.value("overdue_payments")) == 2
	assert desk.value("customer") == customer
	letter = desk.save()
	frappe.db.rollback()  # a new look at the database
	assert frappe.db.get_value("Dunning", letter, "total_outstanding") == 1200


def test_from_the_list_to_a_call_a_promise_and_a_dunning_letter(login, collector, customer):
	desk = login(collector)
	rows = desk.run_report("Collections", {"company": f.COMPANY})
	(row,) = (row for row in rows if row["customer"] == customer)
	assert (row["overdue"], row["oldest_days"], row["to_call"]) == (1200, 50, True)
	log_call(desk, customer)
	promised = promise_the_older(desk, customer)
	assert promised.responsible == collector
	desk.page.wait_for_function(
		"""([name, promise]) => (frappe.query_report.data || []).some(
			row => row.customer === name && row.promise === promise && !row.to_call)""",
		arg=[customer, promised.name],
	)
	dun(desk, customer)

	# On the customer stands what was said, what is next and what is promised.
	desk.open("Customer", customer)
	desk.form.locator(".crm-ext-next", has_text="Call").wait_for()
	desk.form.locator(".follow-up-done", has_text="The older one by next week").wait_for()
	desk.open("Payment Promise", promised.name)
	desk.form.locator(".crm-ext-reliability", has_text="No promise").wait_for()
	desk.form.get_by_role("button", name="Withdraw").click()
	desk.press_dialog()
	desk.wait_for_value("status", "Cancelled")


def test_a_collector_works_from_receivable_aging(login, collector, customer):
	desk = login(collector)
	rows = desk.run_report("Receivable Aging", {"company": f.COMPANY})
	(row,) = (row for row in rows if row["group"] == customer)
	assert (row["outstanding"], row["bucket_0"], row["bucket_1"], row["promised"]) == (1200, 300, 900, None)
	log_call(desk, customer)
	promised = promise_the_older(desk, customer)
	assert promised.responsible == collector
	# It stands in the report at once, and the figure leads to it.
	desk.page.wait_for_function(
		"""name => (frappe.query_report.data || []).some(row => row.group === name && row.promised === 900)""",
		arg=customer,
	)
	desk.settle()
	desk.form.locator("a[data-drill]", has_text="900").first.wait_for()
	dun(desk, customer)
	desk.open("Customer", customer)
	desk.form.locator(".follow-up-done", has_text="The older one by next week").wait_for()
	# A group of customers leads to them, where there is somebody to call.
	desk.run_report("Receivable Aging", {"company": f.COMPANY, "group_by": "Customer Group"})
	assert not desk.form.locator("button[data-collect]").count()
	desk.form.locator('a[data-drill*="group"]').first.click()
	desk.page.wait_for_function(
		"""() => frappe.query_report.get_filter_value('group_by') === 'Customer'
			&& frappe.query_report.get_filter_value('customer_group')"""
	)
	desk.form.locator("button[data-collect]").first.wait_for()


def test_a_promise_from_the_invoice(login, collector, customer):
	desk = login(collector)
	invoice = frappe.get_all("Sales Invoice", {"customer": customer}, pluck="name", order_by="due_date")[1]
	desk.open("Sales Invoice", invoice)
	desk.form.get_by_role("button", name="Payment Promise", exact=True).click()
	boxes = desk.page.locator(".modal.show .promise-invoices input")
	boxes.first.wait_for()
	assert [boxes.nth(number).is_checked() for number in range(2)] == [False, True]
	desk.page.wait_for_function("() => window.cur_dialog")
	desk.page.evaluate("day => cur_dialog.set_value('pay_by', day)", add_days(nowdate(), 3))
	desk.page.evaluate("() => cur_dialog.set_value('amount', 100)")
	desk.settle()
	desk.press_dialog()
	desk.page.locator(".modal.show").wait_for(state="hidden")
	frappe.db.rollback()
	name = frappe.db.get_value("Payment Promise Invoice", {"sales_invoice": invoice}, "parent")
	assert frappe.db.get_value("Payment Promise", name, "amount") == 100
