"""A salesperson asks where an order is; a buyer finds what is for a customer.

The web server commits, so what these tests make stays on the test site; names are unique.
"""

import frappe
import pytest

from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.browser import person

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def order(site):
	"""Four rows: delivered in part, on order, short, and a service."""
	in_stock, bought, short = s.make_item(stock=5).name, s.make_item().name, s.make_item().name
	order = s.make_order(
		{"item_code": in_stock, "qty": 5},
		{"item_code": bought, "qty": 4},
		{"item_code": short, "qty": 2},
		{"item_code": f.SERVICE, "qty": 1},
		customer=f.make_customer().name,
	)
	s.make_purchase_order(
		{"item_code": bought, "qty": 4, "sales_order": order.name, "sales_order_item": order.items[1].name},
		on=s.day(5),
	)
	note = f.make_delivery_note(order, submit=False)
	note.set("items", note.items[:1])
	note.items[0].qty = 2
	note.save().submit()
	frappe.db.commit()  # for the web server
	return order


def wheres(desk) -> list[str]:
	return desk.form.locator(".order-status-row").evaluate_all("rows => rows.map(row => row.dataset.where)")


def test_a_salesperson_asks_where_an_order_is(login, order):
	seller = person("crm-ext-order-status@example.com", "Sales User")
	desk = login(seller)
	desk.open("Sales Order", order.name)
	desk.choose("View", "Order Status")
	rows = desk.form.locator(".order-status-row")
	rows.first.wait_for()
	assert desk.page.evaluate("() => frappe.get_route()") == ["order-status", order.name]
	assert wheres(desk) == ["in_stock", "ordered", "waiting", "to_deliver"]
	assert [
		rows.nth(0).locator(f'[data-part="{part}"][data-qty]').get_attribute("data-qty")
		for part in ("delivered", "ready")
	] == ["2", "3"]
	assert "3 of 5: In Stock" in rows.nth(0).inner_text()
	# A purchase order they may not read is told of without its name.
	ordered = rows.nth(1).locator('[data-step="ordered"]')
	assert "Purchase Order" in ordered.inner_text()
	assert not ordered.locator("a").count()
	assert (
		desk.page.evaluate("day => frappe.datetime.str_to_user(day)", str(s.day(5)))
		in rows.nth(1).inner_text()
	)
	delivered = desk.form.locator('[data-share="delivered"]')
	assert 0 < int(delivered.get_attribute("data-percent")) < 100
	# And on to the document.
	rows.nth(0).locator('[data-step="delivered"] a').first.click()
	desk.page.wait_for_function("() => cur_frm && cur_frm.doctype === 'Delivery Note'")


def test_on_a_phone_nothing_stands_out(login, order):
	desk = login(person("crm-ext-order-status@example.com", "Sales User"), **PHONE)
	desk.go("order-status", order.name)
	desk.form.locator(".order-status-row").first.wait_for()
	assert len(wheres(desk)) == 4
	assert desk.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_a_buyer_filters_rows_by_customer(login, order):
	buyer = person("crm-ext-order-buyer@example.com", "Purchase User", "Stock User")
	(purchase,) = frappe.get_all("Purchase Order", {"for_customer": order.customer}, pluck="name")
	desk = login(buyer)
	desk.page.evaluate("() => frappe.set_route('List', 'Purchase Order', 'List')")
	desk.page.wait_for_function(
		"() => window.cur_list && cur_list.doctype === 'Purchase Order' && cur_list.filter_area"
	)
	desk.settle()
	desk.form.locator('.standard-filter-section input[data-fieldname="for_customer"]').wait_for()
	for doctype in ("Purchase Order", "Purchase Order Item"):
		desk.page.evaluate(
			"""async ([doctype, customer]) => {
				await cur_list.filter_area.clear();
				await cur_list.filter_area.add([[doctype, "for_customer", "=", customer]]);
			}""",
			[doctype, order.customer],
		)
		# An answer to the cleared filter may still be on its way.
		desk.page.wait_for_function(
			"name => cur_list.data.length === 1 && cur_list.data[0].name === name", arg=purchase
		)
