"""A sales assistant makes orders of five rows, and every step is counted: a click, a typed field, a key that moves on.

The web server commits, so what these tests make stays on the test site; names are unique.
"""

import os

import frappe
import pytest
from frappe.utils import flt

from crm_ext.tests import credit, workflows
from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.browser import person

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
ASSISTANT = "crm-ext-assistant@example.com"
MOST = 15


class Hands:
	"""What a person does on the page, counted."""

	def __init__(self, desk):
		self.desk = desk
		self.page = desk.page
		self.steps = 0

	def click(self, what) -> None:
		self.steps += 1
		what.click()
		self.desk.settle()

	def type(self, text: str) -> None:
		"""Into the field that has the focus, in place of what is there."""
		self.steps += 1
		self.page.keyboard.insert_text(text)

	def press(self, key: str) -> None:
		self.steps += 1
		self.page.keyboard.press(key)

	def button(self, name: str):
		return self.desk.form.get_by_role("button", name=name, exact=True)

	def add(self) -> None:
		self.steps += 1
		self.desk.press_dialog()

	def priced(self, number: int) -> None:
		"""Until so many rows show their price and stock."""
		self.page.wait_for_function(
			"""number => [...document.querySelectorAll(".quick-order-row")].filter(
				row => row.querySelector(".quick-order-amount").textContent).length === number
				&& !document.querySelector(".quick-order-asking")""",
			arg=number,
		)

	def listen(self) -> None:
		"""What is told beside the page is gone after some seconds: keep it."""
		self.page.evaluate(
			"""() => {
				const show = frappe.show_alert;
				window.told = [];
				frappe.show_alert = (alert, ...rest) => {
					told.push(alert.message || alert);
					return show(alert, ...rest);
				};
			}"""
		)

	def outcome(self, name: str) -> list[str]:
		"""What was told of the order."""
		told = self.page.evaluate("() => told")
		return [text.removeprefix(name).strip() for text in told if text.startswith(name)]

	def saved(self) -> str:
		self.desk.wait_for_form("Sales Order", new=False)
		return self.desk.name()


@pytest.fixture
def goods(site):
	"""Five items with prices; the second is short, the third has a barcode, the fourth the customer's own code."""
	customer = f.make_customer().name
	codes = {
		2: {"barcodes": [{"barcode": f.unique("EAN")}]},
		3: {"customer_items": [{"customer_name": customer, "ref_code": f.unique("THEIR")}]},
	}
	items = [
		s.make_item(
			stock=0 if place == 1 else 20,
			item_code=f.unique("QO"),
			item_name=f.unique("Wheel"),
			**codes.get(place, {}),
		)
		for place in range(5)
	]
	for place, item in enumerate(items, start=1):
		frappe.get_doc(
			{
				"doctype": "Item Price",
				"item_code": item.name,
				"price_list": "Standard Selling",
				"price_list_rate": 10 * place,
			}
		).insert(ignore_permissions=True)
	frappe.db.commit()  # for the web server
	return frappe._dict(
		customer=customer,
		wares=[item.name for item in items],
		named=[item.name for item in items[:2]]
		+ [items[2].barcodes[0].barcode, items[3].customer_items[0].ref_code, items[4].name],
	)


@pytest.fixture
def desk(login):
	desk = login(person(ASSISTANT, "Sales User"))
	errors = []
	desk.page.on("pageerror", lambda error: errors.append(str(error)))
	yield desk
	assert not errors


def read(name: str) -> list[tuple]:
	frappe.db.rollback()  # what the web server committed
	order = frappe.get_doc("Sales Order", name)
	return [(row.item_code, row.qty, flt(row.rate)) for row in order.items]


def begin(desk, goods) -> Hands:
	desk.open("Customer", goods.customer)
	hands = Hands(desk)
	hands.click(hands.button("Quick Order"))
	desk.form.locator(".quick-order-row").first.wait_for()
	desk.settle()
	desk.page.wait_for_function(
		"customer => cur_page.page.quick_order.value('customer') === customer", arg=goods.customer
	)
	desk.page.wait_for_function("() => document.activeElement.closest('.quick-order-item')")
	return hands


def picture(desk, name: str, **size) -> None:
	if folder := os.environ.get("CRM_EXT_PICTURES"):
		from pathlib import Path

		desk.picture(Path(folder, f"{name}.png"), **size)


def test_five_rows_typed_by_keyboard(desk, goods):
	hands = begin(desk, goods)
	for place, code in enumerate(goods.named, start=1):
		hands.type(f"{code} x {place}")
		hands.press("Enter")
	hands.priced(5)
	row = desk.form.locator(".quick-order-row").nth(1)
	assert "Short: 2" in row.inner_text()
	assert desk.form.locator("[data-left]").first.get_attribute("data-left") == "20"
	total = desk.form.locator('[data-total="net"]').get_attribute("data-value")
	assert float(total) == sum(10 * place * place for place in range(1, 6))
	picture(desk, "quick-order", height=800)
	hands.click(hands.button("Use Promise Dates"))
	hands.priced(5)
	# The short row has no lead time: nobody knows when it comes, so it goes with the others.
	hands.listen()
	hands.click(hands.button("Save Order"))
	name = hands.saved()
	assert hands.outcome(name) == ["was saved"]
	assert read(name) == [(item, place, 10 * place) for place, item in enumerate(goods.wares, start=1)]
	assert desk.value("docstatus") == 0
	assert hands.steps <= MOST, hands.steps


def test_five_rows_pasted_and_submitted(desk, goods):
	hands = begin(desk, goods)
	hands.click(desk.form.locator('[data-tool="paste"]'))
	desk.wait_for_dialog()
	hands.type("\n".join([f"{code}\t{place}" for place, code in enumerate(goods.named, start=1)]))
	hands.add()
	hands.priced(5)
	_fill_day(desk, hands)
	hands.listen()
	hands.click(hands.button("Save and Submit"))
	name = hands.saved()
	assert hands.outcome(name) == ["was submitted"]
	assert desk.value("docstatus") == 1
	assert [row[1] for row in read(name)] == [1, 2, 3, 4, 5]
	assert hands.steps <= MOST, hands.steps


def _fill_day(desk, hands) -> None:
	hands.steps += 1
	box = desk.form.locator('.quick-order-fields [data-fieldname="delivery_date"] input')
	box.fill(desk.as_typed(str(s.day(9))))
	box.press("Tab")
	desk.settle()


def test_five_rows_of_the_last_orders(desk, goods):
	s.make_order(
		*({"item_code": item, "qty": place} for place, item in enumerate(goods.wares, start=1)),
		customer=goods.customer,
	)
	frappe.db.commit()  # for the web server
	hands = begin(desk, goods)
	hands.click(desk.form.locator('[data-tool="last"]'))
	desk.wait_for_dialog()
	lines = desk.page.locator(".modal.show .quick-order-line input")
	assert lines.count() == 5
	for place in range(5):
		hands.click(lines.nth(place))
	hands.add()
	hands.priced(5)
	_fill_day(desk, hands)
	hands.click(hands.button("Save Order"))
	name = hands.saved()
	# Prices are those of today, not those of then.
	assert read(name) == [(item, place, 10 * place) for place, item in enumerate(goods.wares, start=1)]
	assert hands.steps <= MOST, hands.steps


def test_a_quotation_becomes_an_order(desk, goods):
	quotation = f.make_quotation(
		rows=[(item, 2, 90) for item in goods.wares], quotation_to="Customer", party_name=goods.customer
	)
	frappe.db.commit()  # for the web server
	desk.open("Quotation", quotation.name)
	hands = Hands(desk)
	hands.click(hands.button("Quick Order"))
	hands.priced(5)
	_fill_day(desk, hands)
	hands.click(hands.button("Save Order"))
	name = hands.saved()
	assert read(name) == [(item, 2, 90) for item in goods.wares]
	assert {row["prevdoc_docname"] for row in desk.value("items")} == {quotation.name}
	assert hands.steps <= MOST, hands.steps


def test_nothing_that_was_typed_is_lost(desk, goods):
	hands = begin(desk, goods)
	hands.type(f"{goods.wares[0]} x 2")
	hands.press("Enter")
	hands.type("nobody-knows-this 4")
	hands.press("Enter")
	hands.priced(1)
	wrong = desk.form.locator(".quick-order-wrong")
	wrong.wait_for()
	assert "No item has this code." in wrong.inner_text()
	hands.click(hands.button("Save Order"))
	assert "Row 2" in desk.messages()
	assert desk.page.evaluate("() => frappe.get_route()[0]") == "quick-order"
	assert wrong.locator("input").first.input_value() == "nobody-knows-this 4"
	# A name is searched for, and chosen by keyboard.
	box = wrong.locator(".quick-order-item input")
	box.fill("")
	box.press_sequentially(frappe.db.get_value("Item", goods.wares[4], "item_name"))
	desk.page.locator(".quick-order-item li", has_text=goods.wares[4]).wait_for()
	desk.settle()  # what was searched for while it was typed is answered
	desk.page.keyboard.press("ArrowDown")
	desk.page.keyboard.press("Enter")
	hands.priced(2)
	assert desk.page.locator(".quick-order-wrong").count() == 0
	# Leaving and coming back keeps the rows.
	desk.go("List", "Customer", "List")
	desk.go("quick-order")
	assert desk.form.locator(".quick-order-row[data-item]:not([data-item=''])").count() == 2


def test_a_scanner_counts_up_from_the_list_of_orders(desk, goods):
	desk.go("List", "Sales Order", "List")
	desk.form.get_by_role("button", name="Quick Order", exact=True).click()
	desk.form.locator(".quick-order-row").first.wait_for()
	desk.settle()
	box = desk.form.locator('.quick-order-fields [data-fieldname="customer"] input')
	desk._type(box, goods.customer)
	desk.page.wait_for_function(
		"customer => cur_page.page.quick_order.value('customer') === customer", arg=goods.customer
	)
	hands = Hands(desk)
	hands.click(desk.form.locator(".quick-order-item input").first)
	barcode = goods.named[2]
	for code in (barcode, goods.wares[0], barcode, barcode):
		hands.type(code)
		hands.press("Enter")
		desk.settle()
	hands.priced(2)
	rows = desk.form.locator(".quick-order-row")
	assert rows.evaluate_all("rows => rows.map(row => row.dataset.item)") == [
		goods.wares[2],
		goods.wares[0],
		"",
	]
	assert rows.first.locator(".quick-order-qty input").input_value() == "3"
	# The keyboard saves as well; the day is asked for, and nothing is lost.
	hands.press("Control+s")
	desk.page.locator(".desk-alert", has_text="Delivery Date").wait_for()
	_fill_day(desk, hands)
	hands.press("Control+s")
	assert [row[:2] for row in read(hands.saved())] == [(goods.wares[2], 3), (goods.wares[0], 1)]


def test_from_a_deal(desk, goods):
	quotation = f.make_quotation(
		rows=[(goods.wares[0], 1, 90)], quotation_to="Customer", party_name=goods.customer
	)
	frappe.db.commit()  # derives the deal
	deal = frappe.db.get_value("Quotation", quotation.name, "deal")
	desk.open_deal(deal)
	hands = Hands(desk)
	hands.click(hands.button("Quick Order"))
	desk.page.wait_for_function(
		"""([customer, company]) => {
			const order = cur_page.page.quick_order;
			return order?.value("customer") === customer && order.value("company") === company;
		}""",
		arg=[goods.customer, f.COMPANY],
	)
	desk.settle()
	for code in goods.named[3:]:
		hands.type(f"{code} x 2")
		hands.press("Enter")
	hands.priced(2)
	# Price and stock are in sight before anything is saved.
	first = desk.form.locator(".quick-order-row").first
	assert "40.00" in first.locator(".quick-order-rate").inner_text()
	assert "80.00" in first.locator(".quick-order-amount").inner_text()
	assert first.locator("[data-left]").get_attribute("data-left") == "20"
	_fill_day(desk, hands)
	hands.click(hands.button("Save Order"))
	name = hands.saved()
	assert read(name) == [(goods.wares[3], 2, 40), (goods.wares[4], 2, 50)]
	assert desk.value("customer") == goods.customer


@pytest.fixture
def gate(goods):
	"""The credit gate is on, and the customer has no credit; only Credit Test Releasers are asked."""
	role = "CRM Ext Test Releaser"
	if not frappe.db.exists("Role", role):
		frappe.get_doc({"doctype": "Role", "role_name": role}).insert()
	person("crm-ext-releaser@example.com", "Accounts Manager", "Accounts User", "Sales User", role)
	credit.switch_on(roles=((role, 0),))
	credit.make_policy(goods.customer, limit=10)
	frappe.db.commit()  # for the web server
	yield
	frappe.db.rollback()
	settings = frappe.get_single(credit.SETTINGS)
	settings.credit_gate_enabled = 0
	settings.set("credit_release_roles", [])
	settings.save(ignore_permissions=True)
	frappe.db.commit()  # for the tests that come


def test_the_credit_gate_refuses_and_nothing_is_lost(desk, goods, gate):
	hands = begin(desk, goods)
	for place in range(2):
		hands.type(f"{goods.wares[place]} x 3")
		hands.press("Enter")
	hands.priced(2)
	_fill_day(desk, hands)
	hands.listen()
	hands.click(hands.button("Save and Submit"))
	refusal = desk.page.locator(".modal.show .msgprint", has_text="has to be released first")
	refusal.wait_for()
	assert "exceed the credit limit" in refusal.inner_text()
	desk.dismiss(refusal)
	name = hands.saved()
	assert hands.outcome(name) == ["was saved as a draft, not submitted"]
	# What was typed is a draft; its form says the same, and the release is asked for there.
	assert desk.value("docstatus") == 0
	assert read(name) == [(goods.wares[0], 3, 10), (goods.wares[1], 3, 20)]
	assert "exceed the credit limit" in desk.form.locator(".crm-ext-credit").inner_text()
	desk.form.get_by_role("button", name="Ask for Release").click()
	dialog = desk.page.locator(".modal.show")
	dialog.locator('[data-fieldname="why"] textarea').fill("They pay on Friday")
	desk.press_dialog()
	desk.form.locator(".crm-ext-credit-next", has_text="Asked for release").wait_for()


@pytest.fixture
def approval(site):
	"""The workflow of orders is on; whoever has a role that nobody has approves the large ones."""
	role = "CRM Ext Test Approver"
	if not frappe.db.exists("Role", role):
		frappe.get_doc({"doctype": "Role", "role_name": role}).insert()
	workflows.switch(("Sales Order", "Value", 50, role), sales_order=1)
	frappe.db.commit()  # for the web server
	yield
	frappe.db.rollback()
	workflows.switch(sales_order=0)
	frappe.db.commit()  # for the tests that come


def test_what_has_to_be_approved_first_stays_a_draft(desk, goods, approval):
	hands = begin(desk, goods)
	hands.type(f"{goods.wares[0]} x 6")
	hands.press("Enter")
	hands.priced(1)
	_fill_day(desk, hands)
	hands.listen()
	hands.click(hands.button("Save and Submit"))
	refusal = desk.page.locator(".modal.show .msgprint", has_text="is above")
	refusal.wait_for()
	desk.dismiss(refusal)
	name = hands.saved()
	assert hands.outcome(name) == ["was saved as a draft, not submitted"]
	assert desk.value("docstatus") == 0
	# Its form says what comes next.
	assert "Request Approval" in desk.form.locator(".crm-ext-approval").inner_text()


def test_on_a_phone(login, goods):
	desk = login(person(ASSISTANT, "Sales User"), **PHONE)
	desk.page.evaluate("customer => (frappe.route_options = { customer })", goods.customer)
	desk.go("quick-order")
	hands = Hands(desk)
	for place, code in enumerate(goods.named[:2], start=1):
		hands.type(f"{code} x {place}")
		hands.press("Enter")
	hands.priced(2)
	picture(desk, "quick-order-phone", height=844, width=390)
	assert desk.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
	assert hands.button("Save Order").is_visible()


def test_who_makes_no_orders_is_not_offered_the_page(login, goods):
	desk = login(person("crm-ext-no-orders@example.com", "Stock User", "Accounts User"), home="item")
	assert desk.page.evaluate("() => crm_ext.sales.quick_order.is_offered()") is False
	assert desk.call("crm_ext.api.quick_order.resolve", text=goods.wares[0]) == 403
