"""One sale of goods nobody has, by the people who do it: salesperson, buyer, storekeeper, accountant.

The web server commits, so what this makes stays on the test site; names are unique.
"""

import frappe
import pytest

from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.browser import Desk, person
from crm_ext.tests.processes import run_queue
from crm_ext.tests.test_browser_shortage import open_shortage

pytestmark = pytest.mark.browser


@pytest.fixture
def goods(site):
	"""(three in stock, none at all), bought from one supplier."""
	bought = [{"company": f.COMPANY, "default_supplier": f.ensure_supplier()}]
	some = s.make_item(3, item_defaults=bought).name
	none = s.make_item(item_defaults=bought, lead_time_days=6).name
	frappe.db.commit()  # for the web server
	return some, none


class People:
	"""Each at a desk of their own, as a sale needs them."""

	def __init__(self, login):
		self.seller_user = person("crm-ext-supply-seller@example.com", "Sales User")
		buyer = person("crm-ext-supply-buyer@example.com", "Purchase User", "Purchase Manager", "Stock User")
		accountant = person("crm-ext-supply-accountant@example.com", "Accounts User", "Sales User")
		self.seller, self.buyer, self.accountant = login(self.seller_user), login(buyer), login(accountant)


def shown_on(desk: Desk) -> tuple[str, str, list[tuple[str, str]]]:
	"""Customer and deal in the head of the open document, and in its rows."""
	desk.page.wait_for_function("() => !cur_frm.is_dirty()")
	for fieldname in ("for_customer", "deal"):
		desk.bring_to_front(fieldname)
		value = desk.value(fieldname)
		control = desk.form.locator(f'.frappe-control[data-fieldname="{fieldname}"]').first
		assert control.is_visible()
		# As text, or in the box of a field that may be changed.
		shown = control.evaluate(
			"field => [field.innerText, ...[...field.querySelectorAll('input')].map(box => box.value)].join(' ')"
		)
		# A deal is shown by its party, once the desk has learnt its title.
		assert value and (value in shown or desk.value("for_customer") in shown)
	rows = desk.page.evaluate("() => cur_frm.doc.items.map(row => [row.for_customer, row.deal])")
	return desk.value("for_customer"), desk.value("deal"), [tuple(row) for row in rows]


def test_from_a_quotation_that_is_short_to_the_money(login, goods):
	some, none = goods
	people = People(login)
	customer = f.make_customer().name
	frappe.db.commit()  # for the web server

	# The salesperson quotes, sees what is short, promises what can be promised; the customer orders.
	desk = people.seller
	quotation = f.make_quotation(
		quotation_to="Customer", party_name=customer, rows=((some, 5, 100), (none, 4, 250)), submit=False
	)
	quotation.db_set("owner", people.seller_user)
	frappe.db.commit()  # for the web server
	desk.open("Quotation", quotation.name)
	line = desk.form.locator(".crm-ext-availability-line")
	line.wait_for()
	assert "Short: 2" in line.inner_text()
	desk.submit()
	dialog = open_shortage(desk)
	shorts = dialog.locator("tr[data-item] [data-short]")
	assert shorts.evaluate_all("cells => cells.map(cell => cell.dataset.short)") == ["2", "4"]
	desk.dismiss(dialog)
	desk.create("Sales Order", leads_to="Sales Order")
	desk.fill("delivery_date", desk.as_typed(str(s.day(10))))
	order = desk.submit()
	(deal,) = desk.deal_names()

	# The buyer requests, orders and receives what is short, and sees for whom.
	buyer = people.buyer
	buyer.open("Sales Order", order)
	dialog = open_shortage(buyer)
	dialog.locator('[data-make="Material Request"]').click()
	made = dialog.locator('.shortage-made [data-doctype="Material Request"]')
	made.wait_for()
	made.locator("a").click()
	buyer.wait_for_form("Material Request", new=False)
	both = (customer, deal, [(customer, deal)] * 2)
	assert shown_on(buyer) == both
	buyer.submit()
	buyer.create("Purchase Order", leads_to="Purchase Order", dialog=True)
	if not buyer.value("supplier"):
		buyer.fill("supplier", f.ensure_supplier())
	buyer.page.evaluate(
		"() => cur_frm.doc.items.forEach(row => frappe.model.set_value(row.doctype, row.name, 'rate', 60))"
	)
	buyer.settle()
	buyer.save()
	assert shown_on(buyer) == both
	purchase_order = buyer.submit()
	assert [row["qty"] for row in buyer.value("items")] == [2, 4]
	buyer.create("Purchase Receipt", leads_to="Purchase Receipt")
	buyer.save()
	assert shown_on(buyer) == both
	receipt = buyer.submit()

	# The salesperson hears of it, and sees where the order is.
	run_queue()
	frappe.db.rollback()  # a new look at the database
	told = {"for_user": people.seller_user, "document_name": receipt}
	assert order in frappe.db.get_value("Notification Log", told, "subject")
	desk.go("order-status", order)
	desk.form.locator(".order-status-row").first.wait_for()
	assert where(desk) == ["in_stock", "in_stock"]
	# It is all there; nothing is to be ordered any more.
	desk.open("Sales Order", order)
	dialog = open_shortage(desk)
	assert not dialog.locator("tr[data-item]").count()
	desk.dismiss(dialog)

	# Storekeeper, accountant.
	buyer.open("Sales Order", order)
	buyer.create("Delivery Note", leads_to="Delivery Note")
	note = buyer.submit()
	accountant = people.accountant
	accountant.open("Sales Order", order)
	accountant.create("Sales Invoice", leads_to="Sales Invoice")
	invoice = accountant.submit()
	accountant.create("Payment", leads_to="Payment Entry")
	if not accountant.value("paid_to"):
		accountant.fill("paid_to", f.cash_account(f.COMPANY))
	accountant.submit()

	desk.go("order-status", order)
	desk.form.locator('.order-status-row[data-where="paid"]').first.wait_for()
	assert where(desk) == ["paid", "paid"]
	desk.open_deal(deal)
	assert desk.value("stage") == "Paid"
	frappe.db.rollback()  # a new look at the database
	for doctype, name in (
		("Delivery Note", note),
		("Sales Invoice", invoice),
		("Purchase Order", purchase_order),
	):
		assert frappe.db.get_value(doctype, name, "deal") == deal
	# One purchase, of what was short and no more.
	bought = frappe.get_all(
		"Purchase Order Item",
		{"item_code": ("in", goods), "docstatus": 1},
		["item_code", "qty", "parent"],
		order_by="idx",
	)
	assert [tuple(row.values()) for row in bought] == [(some, 2, purchase_order), (none, 4, purchase_order)]


def where(desk: Desk) -> list[str]:
	return desk.form.locator(".order-status-row").evaluate_all("rows => rows.map(row => row.dataset.where)")
