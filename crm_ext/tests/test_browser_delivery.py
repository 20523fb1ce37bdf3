"""A sales assistant and a storekeeper at work in the desk: what is due, delivered from there, printed.

The web server commits, so what these tests make stays on the test site; names are unique.
"""

from io import BytesIO

import frappe
import pytest
from pypdf import PdfReader

from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.browser import Desk, person

pytestmark = pytest.mark.browser


@pytest.fixture
def goods(site):
	"""A customer with three orders: one that can be delivered, one in part, one that has to wait."""
	customer = f.make_customer().name
	item, scarce = s.make_item(stock=6).name, s.make_item().name
	late = s.make_order({"item_code": item, "qty": 4}, delivery=s.day(-2), customer=customer)
	part = s.make_order(
		{"item_code": item, "qty": 5},
		{"item_code": f.SERVICE, "qty": 1},
		delivery=s.day(0),
		customer=customer,
	)
	waits = s.make_order({"item_code": scarce, "qty": 3}, delivery=s.day(1), customer=customer)
	purchase = s.make_purchase_order({"item_code": scarce, "qty": 3}, on=s.day(6))
	frappe.db.commit()  # for the web server
	return frappe._dict(
		customer=customer, item=item, scarce=scarce, late=late, part=part, waits=waits, purchase=purchase
	)


def report(desk: Desk, goods, **filters) -> dict[str, dict]:
	rows = desk.run_report("Delivery Due", {"company": f.COMPANY, "customer": goods.customer, **filters})
	return {row["sales_order"]: row for row in rows}


def tick(desk: Desk, *orders: str) -> None:
	"""The check boxes of these orders."""
	listed = desk.page.evaluate("() => frappe.query_report.data.map(row => row.sales_order)")
	for order in orders:
		desk.form.locator(f'.dt-row[data-row-index="{listed.index(order)}"] input[type="checkbox"]').check()


def press(desk: Desk, label: str) -> None:
	desk.form.get_by_role("button", name=label, exact=True).first.click()
	desk.settle()


def notes_of(order) -> list[str]:
	frappe.db.rollback()  # a new look at the database
	return frappe.get_all(
		"Delivery Note Item",
		{"against_sales_order": order.name},
		pluck="parent",
		distinct=True,
		order_by="parent",
	)


@pytest.mark.parametrize("role", ["Sales User", "Stock User"])
def test_from_what_is_due_to_the_printed_note(login, goods, role):
	user = person(f"crm-ext-{role.split()[0].lower()}-delivers@example.com", role)
	desk = login(user, home="delivery-note")
	rows = report(desk, goods)
	assert list(rows) == [goods.late.name, goods.part.name, goods.waits.name]
	assert [row["standing_key"] for row in rows.values()] == ["all", "part", "nothing"]
	assert rows[goods.waits.name]["source_name"] == goods.purchase.name
	assert desk.form.get_by_text(goods.purchase.name).is_visible()
	tick(desk, goods.part.name, goods.waits.name)
	press(desk, "Deliver")
	dialog = desk.page.locator(".modal.show")
	assert "2 orders" in dialog.inner_text()
	desk.press_dialog()
	desk.wait_for_form("Delivery Note", new=False)
	# Two of five are there, and the service; what has to wait is told.
	left_out = desk.page.locator(".crm-ext-left-out")
	assert goods.waits.name in left_out.inner_text()
	desk.dismiss(left_out)
	assert [(row["item_code"], row["qty"]) for row in desk.value("items")] == [
		(goods.item, 2),
		(f.SERVICE, 1),
	]
	note = desk.submit()
	assert notes_of(goods.part) == [note]
	desk.page.evaluate("name => frappe.set_route('print', 'Delivery Note', name)", note)
	frame = desk.page.frame_locator("iframe.print-format-container")
	frame.locator(".print-format").filter(has_text=note).wait_for()

	# What is left of it waits, and the other can be delivered still.
	rows = report(desk, goods, group_by="Row")
	assert (rows[goods.part.name]["open_qty"], rows[goods.part.name]["deliverable"]) == (3, 0)
	assert rows[goods.late.name]["deliverable"] == 4
	# Its note is printed from the list, too: only one, so in the print view.
	tick(desk, goods.part.name)
	press(desk, "Print Delivery Notes")
	desk.page.wait_for_function("name => frappe.get_route_str() === `print/Delivery Note/${name}`", arg=note)


def test_many_at_once_and_what_is_in_a_draft(login, goods):
	desk = login(person("crm-ext-sales-delivers@example.com", "Sales User"))
	report(desk, goods)
	tick(desk, goods.late.name, goods.part.name)
	press(desk, "Deliver")
	desk.press_dialog()
	desk.page.wait_for_function(
		"() => window.cur_list?.doctype === 'Delivery Note' && cur_list.data?.length === 2"
	)
	late, part = notes_of(goods.late)[0], notes_of(goods.part)[0]
	assert late != part

	# Both are drafts, which the report shows and the dialog tells.
	rows = report(desk, goods)
	assert rows[goods.late.name]["draft"] == late
	tick(desk, goods.late.name, goods.part.name)
	press(desk, "Deliver")
	dialog = desk.page.locator(".modal.show")
	assert late in dialog.locator(".crm-ext-drafts").inner_text()
	desk.press_dialog()
	left_out = desk.page.locator(".crm-ext-left-out")
	assert late in left_out.inner_text() and part in left_out.inner_text()
	desk.dismiss(left_out)
	assert notes_of(goods.late) == [late]

	# Wanted all the same, and both orders on one note.
	press(desk, "Deliver")
	dialog = desk.page.locator(".modal.show")
	for fieldname in ("by_customer", "with_drafts"):
		dialog.locator(f'input[data-fieldname="{fieldname}"]').check()
	desk.press_dialog()
	desk.wait_for_form("Delivery Note", new=False)
	orders = {row["against_sales_order"] for row in desk.value("items")}
	assert orders == {goods.late.name, goods.part.name}

	# Many in one PDF: all of them, or the reason why not.
	report(desk, goods)
	tick(desk, goods.late.name, goods.part.name)
	press(desk, "Print Delivery Notes")
	dialog = desk.page.locator(".modal.show")
	boxes = dialog.locator('[data-fieldname="notes"] input[type="checkbox"]')
	boxes.first.wait_for()
	assert boxes.count() == 3 and all(box.is_checked() for box in boxes.all())
	with desk.page.expect_response(lambda answer: "deliveries.pdf" in answer.url) as awaited:
		desk.press_dialog()
	answer = desk.context.request.get(awaited.value.url)
	if answer.ok:
		assert answer.headers["content-type"] == "application/pdf"
		assert len(PdfReader(BytesIO(answer.body())).pages) >= 3
	else:
		desk.page.locator(".modal.show .msgprint", has_text="could not make the PDF").wait_for()


def test_deliver_from_my_day(login, goods):
	user = person("crm-ext-day-delivers@example.com", "Sales User")
	for order in frappe.get_all("Sales Order", {"owner": user}, pluck="name"):
		frappe.db.set_value("Sales Order", order, "owner", "Administrator", update_modified=False)
	frappe.db.set_value("Sales Order", goods.late.name, "owner", user, update_modified=False)
	frappe.db.commit()  # for the web server
	desk = login(user)
	desk.open_my_day()
	row = desk.form.locator(f'[data-section="deliveries_due"] .my-day-row[data-name="{goods.late.name}"]')
	assert "2 days late" in row.inner_text() and "can be delivered now" in row.inner_text()
	row.get_by_role("button", name="Deliver").click()
	desk.press_dialog()
	desk.wait_for_form("Delivery Note", new=False)
	assert [(line["item_code"], line["qty"]) for line in desk.value("items")] == [(goods.item, 4)]
