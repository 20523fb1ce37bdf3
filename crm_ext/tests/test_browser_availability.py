"""A salesperson sees what can be promised, promises it, and the order keeps it."""

import frappe
import pytest
from frappe.utils import getdate, nowdate

from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.browser import person

pytestmark = pytest.mark.browser

# Is text, wherever it is shown.
NAME = "Wing <u>left</u>"
METHOD = "crm_ext.api.availability.get_availability"


@pytest.fixture
def seller(site):
	return person(f"{frappe.generate_hash(length=10)}@example.com", "Sales User")


@pytest.fixture
def goods(site):
	"""One that is there, one that comes in twelve days, one that nobody has ordered, with another that does as well, and
	a bundle of the first two."""
	there, coming, nowhere, other = s.make_item(10), s.make_item(), s.make_item(), s.make_item(40)
	frappe.db.set_value("Item", there.name, "item_name", NAME)
	s.make_purchase_order({"item_code": coming.name, "qty": 20}, on=s.day(12))
	s.make_alternative(nowhere.name, other.name)
	bundle = s.make_bundle((there.name, 1), (coming.name, 2))
	frappe.db.commit()  # for the web server
	return frappe._dict(
		there=there.name, coming=coming.name, nowhere=nowhere.name, other=other.name, bundle=bundle.name
	)


@pytest.fixture
def quotation(goods):
	"""Of each of them; what comes in twelve days was promised for the third."""
	codes = (goods.there, goods.coming, goods.nowhere, goods.bundle, f.SERVICE)
	made = f.make_quotation(rows=[(code, 2, 100) for code in codes], submit=False)
	made.items[1].promise_date = s.day(3)
	made.save()
	frappe.db.commit()  # for the web server
	return made


@pytest.fixture
def switched_off(site):
	frappe.db.set_single_value("CRM Ext Settings", "availability_enabled", 0)
	frappe.db.commit()  # for the web server
	yield
	frappe.db.set_single_value("CRM Ext Settings", "availability_enabled", 1)
	frappe.db.commit()  # as it was


def listen(desk) -> list[str]:
	"""The requests about availability from now on."""
	asked = []
	desk.page.on("request", lambda request: METHOD in request.url and asked.append(request.url))
	return asked


def marks_in_grid(desk) -> dict[int, list[str]]:
	"""What stands under each row in trouble, by its number."""
	desk.bring_to_front("items")
	desk.form.locator(".crm-ext-availability-line").wait_for()
	return {
		int(number): marks
		for number, marks in desk.form.locator('[data-fieldname="items"] .grid-row[data-idx]').evaluate_all(
			"""rows => rows.map(row => [row.dataset.idx,
				[...row.querySelectorAll(".crm-ext-row-mark [data-mark]")].map(mark => mark.dataset.mark)])"""
		)
		if marks
	}


def open_dialog(desk):
	desk.bring_to_front("items")
	desk.settle()
	button = desk.form.locator(".crm-ext-availability-line button")
	button.focus()
	desk.page.keyboard.press("Enter")
	dialog = desk.page.locator(".modal.show")
	dialog.locator(".crm-ext-availability").wait_for()
	desk.settle()
	return dialog


def line_of(dialog, row) -> str:
	return dialog.locator(f'[data-line="{row.name}"]').inner_text()


def is_checked(dialog, row) -> bool | None:
	"""None: there is nothing to check."""
	box = dialog.locator(f'[data-row="{row.name}"]')
	return box.is_checked() if box.count() else None


def test_from_what_is_short_to_an_order_that_keeps_the_promise(login, seller, goods, quotation):
	desk = login(seller)
	asked = listen(desk)
	desk.open("Quotation", quotation.name)
	assert marks_in_grid(desk) == {2: ["late"], 3: ["short", "unknown"]}
	assert len(asked) == 1
	line = desk.form.locator(".crm-ext-availability-line")
	assert "Short: 1" in line.inner_text() and "Late: 1" in line.inner_text()

	there, coming, nowhere, bundle, service = quotation.items
	dialog = open_dialog(desk)
	assert "In Stock" in line_of(dialog, there) and NAME in line_of(dialog, there)
	assert "9 Days Late" in line_of(dialog, coming) and "Purchase" in line_of(dialog, coming)
	assert "Short by 2 Nos" in line_of(dialog, nowhere) and "No Date Known" in line_of(dialog, nowhere)
	assert "On Its Way" in line_of(dialog, bundle)
	assert "Not Kept in Stock" in line_of(dialog, service)
	below = dialog.locator(".availability-below").all_inner_texts()
	assert [goods.other in text for text in below] == [True, False, False]
	assert goods.there in below[1] and goods.coming in below[2]
	assert [is_checked(dialog, row) for row in quotation.items] == [True, True, None, True, None]

	# The other one instead of the one nobody has, then every date but that of the bundle.
	dialog.get_by_role("button", name="Take Instead").click()
	dialog.locator(f'[data-line="{nowhere.name}"]', has_text=goods.other).wait_for()
	desk.settle()
	assert "In Stock" in line_of(dialog, nowhere)
	box = dialog.locator(f'[data-row="{bundle.name}"]')
	box.focus()
	desk.page.keyboard.press("Space")
	assert not box.is_checked()
	desk.press_dialog()
	dialog.wait_for(state="hidden")
	promised = [s.day(0), s.day(12), s.day(0), None, None]
	assert [day and getdate(day) for day in promised_dates(desk)] == promised
	assert "look again: 3" in line.inner_text()

	desk.save()
	desk.form.locator(".crm-ext-availability-line", has_text="All Can Be Promised").wait_for()
	assert marks_in_grid(desk) == {}
	frappe.db.rollback()  # a new look at the database
	quotation.reload()
	assert [row.promise_date for row in quotation.items] == promised
	assert quotation.items[2].item_code == goods.other

	desk.submit()
	dialog = open_dialog(desk)
	assert "cannot be changed" in dialog.inner_text()
	assert not dialog.locator("[data-row]").count()
	desk.dismiss(dialog)
	assert_printed(desk, quotation.name, "Promise Date", desk.as_typed(str(s.day(12))))

	# The bundle and the service get the date that is typed for the order.
	desk.open("Quotation", quotation.name)
	desk.create("Sales Order", leads_to="Sales Order")
	desk.fill("delivery_date", desk.as_typed(str(s.day(20))))
	order = desk.save()
	assert marks_in_grid(desk) == {}
	frappe.db.rollback()
	dates = frappe.get_all("Sales Order Item", {"parent": order}, pluck="delivery_date", order_by="idx")
	assert dates == [s.day(0), s.day(12), s.day(0), s.day(20), s.day(20)]


def promised_dates(desk) -> list[str | None]:
	return desk.page.evaluate("() => cur_frm.doc.items.map(item => item.promise_date || null)")


def assert_printed(desk, name: str, *texts: str) -> None:
	desk.page.goto(f"{desk.url}/printview?doctype=Quotation&name={name}&format=Standard")
	printed = desk.page.locator(".print-format").inner_text()
	for text in texts:
		assert text in printed
	desk.page.goto(f"{desk.url}/app/quotation")
	desk.page.wait_for_function("() => window.frappe && frappe.boot && window.cur_list")
	desk.settle()


def test_dates_of_an_order_and_of_an_opportunity(login, seller, goods):
	rows = ((goods.coming, 4), (goods.there, 1), (goods.nowhere, 1))
	order = s.make_order(*({"item_code": code, "qty": qty} for code, qty in rows), submit=False)
	overdue = s.make_item().name
	s.make_purchase_order({"item_code": overdue, "qty": 5}, on=s.day(-3))
	opportunity = f.make_opportunity(
		frappe.get_doc("Customer", f.CUSTOMER),
		items=[
			{"item_code": code, "item_name": code, "qty": 1, "uom": "Nos", "rate": 100}
			for code in (goods.coming, overdue)
		],
	)
	frappe.db.commit()  # for the web server
	desk = login(seller)
	desk.open("Sales Order", order.name)
	assert marks_in_grid(desk) == {1: ["late"], 3: ["short", "unknown"]}
	dialog = open_dialog(desk)
	# What can be had earlier than the customer wants it is not moved by itself.
	assert [is_checked(dialog, row) for row in order.items] == [True, False, None]
	desk.press_dialog()
	dialog.wait_for(state="hidden")
	desk.save()
	frappe.db.rollback()  # a new look at the database
	order.reload()
	assert [row.delivery_date for row in order.items] == [s.day(12), s.day(7), s.day(7)]
	assert order.delivery_date == s.day(12)
	desk.submit()
	dialog = open_dialog(desk)
	assert "Update Items" in dialog.inner_text()
	assert not dialog.locator("[data-row]").count()
	desk.dismiss(dialog)

	desk.open("Opportunity", opportunity.name)
	assert marks_in_grid(desk) == {2: ["overdue"]}
	dialog = open_dialog(desk)
	# What should have come already is not promised by itself.
	assert [is_checked(dialog, row) for row in opportunity.items] == [True, False]
	desk.press_dialog()
	dialog.wait_for(state="hidden")
	desk.save()
	frappe.db.rollback()
	opportunity.reload()
	assert [row.promise_date for row in opportunity.items] == [s.day(12), None]


def test_on_a_phone_and_before_the_document_is_saved(login, seller, goods, quotation):
	desk = login(seller, viewport={"width": 390, "height": 844})
	desk.open("Quotation", quotation.name)
	desk.page.evaluate("() => cur_frm.copy_doc()")
	desk.wait_for_form("Quotation", new=True)
	assert marks_in_grid(desk) == {3: ["short", "unknown"]}
	dialog = open_dialog(desk)
	width = dialog.locator(".modal-body").evaluate("body => [body.scrollWidth, body.clientWidth]")
	assert width[0] <= width[1]
	desk.press_dialog()
	dialog.wait_for(state="hidden")
	assert [day and getdate(day) for day in promised_dates(desk)] == [
		*(s.day(0), s.day(12), None, s.day(12), None)
	]
	assert not frappe.db.exists("Quotation", {"creation": (">", quotation.modified), "docstatus": 0})


def test_nothing_is_asked_where_it_is_switched_off(login, seller, quotation, switched_off):
	desk = login(seller)
	asked = listen(desk)
	desk.open("Quotation", quotation.name)
	assert not desk.form.get_by_role("button", name="Availability").count()
	assert not asked
	assert nowdate() in desk.value("transaction_date")
