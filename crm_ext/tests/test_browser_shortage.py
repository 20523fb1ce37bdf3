"""From what is short to a purchase, in the desk: by who may order, and by who may only look."""

import frappe
import pytest

from crm_ext.supply import purchasing
from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.browser import person

pytestmark = pytest.mark.browser


@pytest.fixture
def item(site):
	supplier = {"company": f.COMPANY, "default_supplier": f.ensure_supplier()}
	return s.make_item(min_order_qty=12, item_defaults=[supplier]).name


def open_shortage(desk):
	"""Create > Shortage of the open form; the dialog."""
	desk.choose("Create", "Shortage")
	dialog = desk.page.locator(".crm-ext-shortage-dialog.show")
	dialog.wait_for()
	desk.settle()
	return dialog


def test_a_buyer_orders_what_is_short(login, item):
	desk = login(person(f"{frappe.generate_hash(length=10)}@example.com", "Sales User", "Purchase User"))
	order = s.make_order({"item_code": item, "qty": 10})
	frappe.db.commit()  # for the web server
	desk.open("Sales Order", order.name)
	dialog = open_shortage(desk)
	row = dialog.locator(f'tr[data-item="{item}"]')
	assert row.locator("[data-short]").get_attribute("data-short") == "10"
	quantity = row.locator('[data-control="qty"] input')
	assert float(quantity.input_value()) == 12
	assert row.locator('[data-control="supplier"] input').input_value() == f.ensure_supplier()
	quantity.fill("15")
	dialog.locator('[data-make="Purchase Order"]').click()
	made = dialog.locator('.shortage-made [data-doctype="Purchase Order"]')
	made.wait_for()
	name = made.get_attribute("data-name")
	assert row.locator(f'.shortage-running [data-name="{name}"]').count() == 1
	assert float(quantity.input_value()) == 0
	frappe.db.rollback()  # a new look at the database
	rows = frappe.get_all(
		"Purchase Order Item",
		{"parent": name, "docstatus": 0},
		["item_code", "qty", "sales_order_item"],
		order_by="idx",
	)
	assert [(row.item_code, row.qty, row.sales_order_item) for row in rows] == [
		(item, 10, order.items[0].name),
		(item, 5, None),
	]
	made.locator("a").click()
	desk.wait_for_form("Purchase Order", new=False)
	assert desk.name() == name
	assert not dialog.is_visible()


def test_a_plan_somebody_else_has_made_meanwhile(login, item):
	desk = login(person(f"{frappe.generate_hash(length=10)}@example.com", "Sales User", "Stock User"))
	quotation = f.make_quotation(rows=((item, 10, 100),))
	frappe.db.commit()  # for the web server
	desk.open("Quotation", quotation.name)
	dialog = open_shortage(desk)
	assert not dialog.locator('[data-make="Purchase Order"]').count()
	made = purchasing.request("Quotation", quotation.name)
	frappe.db.commit()
	((_doctype, name),) = made.documents
	dialog.locator('[data-make="Material Request"]').click()
	dialog.locator(".shortage-overtaken").wait_for()
	assert item in dialog.locator(".shortage-overtaken").inner_text()
	assert dialog.locator(f'.shortage-running [data-name="{name}"]').count() == 1
	frappe.db.rollback()
	assert frappe.get_all("Material Request Item", {"item_code": item}, pluck="parent", distinct=True) == [
		name
	]


def test_a_salesperson_sees_it_on_the_deal_and_asks_purchasing(login, item):
	desk = login(person(f"{frappe.generate_hash(length=10)}@example.com", "Sales User"))
	order = s.make_order({"item_code": item, "qty": 10})
	frappe.db.commit()  # for the web server
	desk.open_deal(frappe.db.get_value("Sales Order", order.name, "deal"))
	dialog = open_shortage(desk)
	assert dialog.locator(f'tr[data-item="{item}"] [data-short]').get_attribute("data-short") == "10"
	assert "Ask purchasing" in dialog.locator(".shortage-may-not").inner_text()
	assert not dialog.locator(".shortage-make").count()
	desk.dismiss(dialog)
