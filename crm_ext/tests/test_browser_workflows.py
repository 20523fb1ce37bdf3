"""Workflows at the desk: an administrator switches one on, people ask, approve, send back, withdraw, verify; off again.

The web server commits, so what these tests make stays on the test site; names are unique, and the switches are off again
at the end.
"""

import os
import re
from pathlib import Path

import frappe
import pytest

from crm_ext.constants.workflows import LEAD_STATE_FIELD, STATE_FIELD, WORKFLOWS
from crm_ext.tests import credit, workflows
from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests.browser import Desk, person
from crm_ext.tests.test_browser_next_step import lead_on, no_step

pytestmark = pytest.mark.browser

SELLER = "crm-ext-workflow-seller@example.com"
MANAGER = "crm-ext-workflow-manager@example.com"
CLERK, OTHER_CLERK = (f"crm-ext-workflow-{who}@example.com" for who in ("clerk", "other-clerk"))
ADMIN = "crm-ext-workflow-admin@example.com"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


class At:
	"""What a person does with a workflow at a desk."""

	def __init__(self, desk: Desk):
		self.desk, self.page = desk, desk.page
		self.errors: list[str] = []
		desk.page.on("pageerror", lambda error: self.errors.append(str(error)))

	@property
	def menu(self):
		return self.desk.form.locator(".actions-btn-group")

	def actions(self) -> list[str]:
		"""What the menu Actions offers, without Frappe's own help."""
		self.desk.settle()
		labels = self.menu.locator(".user-action .menu-item-label").all_text_contents()
		return [label.strip() for label in labels]

	def choose(self, action: str) -> None:
		self.desk.settle()
		self.menu.locator("button").first.click()
		self.menu.locator(".dropdown-item", has_text=re.compile(rf"^\s*{action}\s*$")).click()

	def act(self, action: str, state: str, field: str = STATE_FIELD) -> None:
		"""Choose it; the document comes to `state`."""
		self.choose(action)
		self.desk.wait_for_value(field, state)
		self.desk.settle()

	def buttons(self) -> list[str]:
		"""Save or Submit, where it is to be seen."""
		return [
			label.strip() for label in self.desk.form.locator(".primary-action:visible").all_inner_texts()
		]

	def state(self) -> str:
		return self.desk.value(STATE_FIELD)

	def indicator(self) -> str:
		"""What stands beside the title."""
		return self.desk.form.locator(".title-area .indicator-pill:visible").inner_text().strip()

	def reload(self) -> None:
		"""The page, as by F5."""
		self.page.reload()
		self.page.wait_for_function("() => window.frappe && frappe.boot && window.cur_frm")
		self.desk.settle()

	def told(self) -> list[str]:
		"""What the bell says, newest first."""
		self.reload()
		self.page.locator(".dropdown-notifications > button, .notifications-icon").first.click()
		items = self.page.locator(".notification-list-body .recent-item, .notification-item")
		items.first.wait_for()
		texts = items.all_inner_texts()
		self.page.locator(".dropdown-notifications > button, .notifications-icon").first.click()
		return texts


def picture(desk: Desk, name: str, **size) -> None:
	if folder := os.environ.get("CRM_EXT_PICTURES"):
		desk.picture(Path(folder, f"{name}.png"), **size)


@pytest.fixture
def people(site):
	"""The only one who may approve has a role of its own, so that nobody else of the site is asked."""
	role = "CRM Ext Test Approver"
	if not frappe.db.exists("Role", role):
		frappe.get_doc({"doctype": "Role", "role_name": role}).insert()
	person(SELLER, "Sales User")
	person(MANAGER, "Sales User", "Sales Manager", role)
	for user in (SELLER, MANAGER):
		frappe.db.delete("Follow Up", {"responsible": user})
		frappe.db.delete("Notification Log", {"for_user": user})
	frappe.db.commit()  # for the web server
	yield role
	frappe.db.rollback()
	settings = frappe.get_single(workflows.SETTINGS)
	settings.credit_gate_enabled = 0
	settings.set("credit_release_roles", [])
	settings.save(ignore_permissions=True)
	workflows.switch(**{one.switch.removeprefix("workflow_"): 0 for one in WORKFLOWS.values()})
	frappe.db.commit()  # for the tests that come


def goods(price: float) -> str:
	item = s.make_item(stock=50).name
	frappe.get_doc(
		{
			"doctype": "Item Price",
			"item_code": item,
			"price_list": "Standard Selling",
			"price_list_rate": price,
		}
	).insert(ignore_permissions=True)
	return item


def switch_on_in_the_form(admin: At, role: str) -> None:
	"""Quotation: a discount above 10 % is for the role."""
	desk = admin.desk
	desk.open("CRM Ext Settings", "CRM Ext Settings")
	desk.bring_to_front("workflow_quotation")
	desk.form.locator(
		'.frappe-control[data-fieldname="workflow_quotation"] input.input-with-feedback'
	).check()
	grid = desk.form.locator('.frappe-control[data-fieldname="approval_limits"]')
	grid.locator(".grid-add-row").click()
	row = grid.locator(".grid-body .rows .grid-row").last
	row.locator(".btn-open-row").click()
	form = row.locator(".form-in-grid")
	form.locator('[data-fieldname="document_type"] select').select_option("Quotation")
	form.locator('[data-fieldname="measure"] select').select_option("Discount %")
	desk._type(form.locator('[data-fieldname="limit"] input'), 10)
	desk._type(form.locator('[data-fieldname="role"] input'), role)
	picture(desk, "workflow-settings")
	row.locator(".grid-collapse-row").click()
	desk.save()
	# Not only the company that Frappe takes for new rows.
	assert not desk.page.evaluate("() => cur_frm.doc.approval_limits.at(-1).company")


def give_discount(desk: Desk, percent: float) -> None:
	"""Not typed: leaving a rate, Frappe looks for tax templates, which a Sales User may not read in ERPNext."""
	desk.page.evaluate(
		"""percent => cur_frm.doc.items.forEach(row =>
			frappe.model.set_value(row.doctype, row.name, "discount_percentage", percent))""",
		percent,
	)
	desk.settle()


def quoted(desk: Desk, customer: str, item: str, discount: float) -> str:
	"""A new quotation of goods worth 100, with so much discount, saved."""
	desk.new("Quotation")
	desk.fill("party_name", customer)
	desk.fill_row("items", 1, item_code=item, qty=2)
	give_discount(desk, discount)
	return desk.save()


def test_a_discount_is_approved(login, people):
	item = goods(100)
	customer = f.make_customer().name
	frappe.set_user(SELLER)
	before = f.make_quotation(
		quotation_to="Customer", party_name=customer, rows=((item, 1, 100),), submit=False
	)
	frappe.set_user("Administrator")
	frappe.db.commit()  # for the web server
	admin = At(login(person(ADMIN, "System Manager"), home="user"))
	switch_on_in_the_form(admin, people)

	seller = At(login(SELLER))
	desk = seller.desk
	name = quoted(desk, customer, item, 20)
	assert seller.actions() == ["Request Approval"]
	assert seller.buttons() == []
	told = desk.form.locator(".crm-ext-approval")
	assert "Discount of 20 % in row 1 is above 10 %" in told.inner_text()
	seller.act("Request Approval", "Pending Approval")
	assert seller.indicator() == "Pending Approval"
	picture(desk, "workflow-pending")
	assert seller.actions() == ["Withdraw"]
	# Withdrawn once.
	seller.act("Withdraw", "Draft")
	seller.act("Request Approval", "Pending Approval")

	manager = At(login(MANAGER))
	manager.desk.open_my_day()
	asked = manager.desk.form.locator(".my-day-row", has_text=name)
	# It is answered on the quotation, so nothing here calls it done.
	assert not asked.locator("[data-action=done], [data-action=log]").count()
	asked.locator(".my-day-title a").click()
	manager.desk.wait_for_form("Quotation", new=False)
	assert manager.desk.name() == name
	assert not manager.desk.form.locator("[data-follow-up] [data-action=done]").count()
	assert any(name in text for text in manager.told())
	assert manager.actions() == ["Approve", "Send Back"]
	picture(manager.desk, "workflow-approve")
	# Sent back once; the customer gets less.
	manager.act("Send Back", "Draft")
	desk.open("Quotation", name)
	assert any(f"{name} sent back" in text for text in seller.told())
	give_discount(desk, 15)
	assert seller.buttons() == ["Save"]
	desk.save()
	assert "Discount of 15 %" in desk.form.locator(".crm-ext-approval").inner_text()
	seller.act("Request Approval", "Pending Approval")
	manager.desk.open("Quotation", name)
	manager.act("Approve", "Sent")
	assert manager.desk.value("docstatus") == 1
	assert not manager.desk.form.locator(".crm-ext-approval").count()
	desk.open("Quotation", name)
	desk.form.locator(".timeline-item", has_text=re.compile(rf"{MANAGER.split('@')[0]}\s+Sent")).wait_for()
	frappe.db.rollback()  # a new look at the database
	assert frappe.get_all(
		"Comment",
		{"reference_name": name, "comment_type": "Workflow", "content": "Sent"},
		pluck="comment_email",
	) == [MANAGER]

	# The salesperson hears of it, and the customer orders.
	desk.open("Quotation", name)
	assert any(f"{name} approved" in text for text in seller.told())
	lead_on(desk, "Sales Order")
	desk.fill("delivery_date", desk.as_typed(str(s.day(5))))
	order = desk.submit()
	desk.open("Quotation", name)
	assert (seller.state(), desk.value("status")) == ("Accepted", "Ordered")
	desk.go("List", "Quotation", "List")
	desk.page.wait_for_function("() => window.cur_list?.doctype === 'Quotation' && cur_list.data?.length")
	row = desk.form.locator(".list-row-container", has_text=name)
	assert "Accepted" in row.inner_text()
	picture(desk, "workflow-list")
	assert order

	# A draft made before has the way of the workflow, and ERPNext's button again once it is off.
	desk.open("Quotation", before.name)
	assert (seller.actions(), seller.buttons()) == (["Submit"], [])
	admin.desk.form.locator(
		'.frappe-control[data-fieldname="workflow_quotation"] input.input-with-feedback'
	).uncheck()
	admin.desk.save()
	seller.reload()
	desk.open("Quotation", before.name)
	assert (seller.actions(), seller.buttons(), seller.state()) == ([], ["Submit"], None)
	desk.submit()
	assert not seller.errors + manager.errors + admin.errors


def test_an_order_is_approved_and_waits_for_credit(login, people):
	workflows.switch(("Sales Order", "Value", 500, people), sales_order=1)
	credit.switch_on(roles=((people, 0),))
	customer, short = f.make_customer().name, f.make_customer().name
	credit.make_policy(short, limit=100)
	frappe.set_user(SELLER)
	large, held = credit.draft(customer, 600), credit.draft(short, 200)
	frappe.set_user("Administrator")
	frappe.db.commit()  # for the web server
	seller, manager = At(login(SELLER)), At(login(MANAGER))

	seller.desk.open("Sales Order", large.name)
	assert "is above" in seller.desk.form.locator(".crm-ext-approval").inner_text()
	seller.act("Request Approval", "Pending Approval")
	assert seller.indicator() == "Pending Approval"
	manager.desk.open("Sales Order", large.name)
	manager.act("Approve", "Released")
	assert manager.desk.value("status") == "To Deliver and Bill"

	seller.desk.open("Sales Order", held.name)
	assert (seller.state(), seller.indicator()) == ("Waiting for Credit",) * 2
	seller.desk.form.locator(".crm-ext-credit").wait_for()
	picture(seller.desk, "workflow-credit")
	# Submitted all the same, it says why not, and stays.
	seller.choose("Submit")
	refusal = seller.page.locator(".modal.show .msgprint", has_text="has to be released first")
	refusal.wait_for()
	seller.desk.dismiss(refusal)
	seller.reload()
	assert seller.state() == "Waiting for Credit"
	manager.desk.open("Sales Order", held.name)
	manager.desk.form.get_by_role("button", name="Release Credit").click()
	manager.page.wait_for_function("() => window.cur_dialog && cur_dialog.get_value('amount') === 200")
	manager.desk.press_dialog()
	manager.desk.form.locator(".crm-ext-credit-next", has_text="can be submitted").wait_for()
	manager.desk.settle()
	assert manager.state() == "Draft"
	seller.desk.open("Sales Order", held.name)
	seller.act("Submit", "Released")


def test_a_payment_is_verified_by_another_person(login, people):
	workflows.switch(payment_entry=1)
	for user in (CLERK, OTHER_CLERK):
		person(user, "Accounts User")
	frappe.set_user(CLERK)
	payment = f.make_payment(document=f.make_direct_invoice(), submit=False)
	frappe.set_user("Administrator")
	frappe.db.commit()  # for the web server
	clerk, other = At(login(CLERK, home="payment-entry")), At(login(OTHER_CLERK, home="payment-entry"))
	clerk.desk.open("Payment Entry", payment.name)
	assert (clerk.actions(), clerk.buttons()) == ([], [])
	assert "somebody else has to verify it" in clerk.desk.form.locator(".crm-ext-approval").inner_text()
	picture(clerk.desk, "workflow-payment")
	other.desk.open("Payment Entry", payment.name)
	assert other.actions() == ["Verify"]
	other.act("Verify", "Verified")
	assert other.desk.value("docstatus") == 1
	assert not clerk.errors + other.errors


def test_a_lead_is_contacted_and_qualified(login, people):
	workflows.switch(lead=1, opportunity=1)
	frappe.set_user(SELLER)
	lead = f.make_lead()
	frappe.set_user("Administrator")
	frappe.db.commit()  # for the web server
	seller = At(login(SELLER))
	desk = seller.desk
	desk.open("Lead", lead.name)
	assert sorted(seller.actions()) == ["Disqualify", "Mark Contacted", "Qualify"]
	picture(desk, "workflow-lead")
	seller.act("Mark Contacted", "Contacted", LEAD_STATE_FIELD)
	seller.act("Qualify", "Qualified", LEAD_STATE_FIELD)
	assert desk.value("qualified_by") == SELLER
	lead_on(desk, "Opportunity")
	desk.save()
	assert seller.actions() == ["Qualify"]
	seller.act("Qualify", "Qualified")
	lead_on(desk, "Quotation")
	assert not seller.errors


def test_a_big_opportunity_is_seen_before_it_is_quoted(login, people):
	workflows.switch(("Opportunity", "Value", 5_000, people), opportunity=1)
	frappe.set_user(SELLER)
	opportunity = f.make_opportunity(f.make_customer(), 6_000)
	frappe.set_user("Administrator")
	frappe.db.commit()  # for the web server
	seller, manager = At(login(SELLER)), At(login(MANAGER))
	desk = seller.desk
	desk.open("Opportunity", opportunity.name)
	assert seller.actions() == ["Request Approval"]
	assert "is above" in desk.form.locator(".crm-ext-approval").inner_text()
	picture(desk, "workflow-opportunity")
	# The next step is not offered; made all the same, the quotation is not sent, and says why.
	assert no_step(desk)
	desk.create("Quotation", leads_to="Quotation")
	desk.fill_row("items", 1, item_code=f.SERVICE, qty=1)
	desk.page.evaluate(
		"() => frappe.model.set_value(cur_frm.doc.items[0].doctype, cur_frm.doc.items[0].name, 'rate', 6000)"
	)
	desk.settle()
	quotation = desk.save()
	desk.form.locator('.primary-action[data-label="Submit"]').click()
	desk.press_dialog()
	refusal = desk.page.locator(".modal.show .msgprint", has_text=opportunity.name)
	refusal.wait_for()
	assert "is above" in refusal.inner_text()
	picture(desk, "workflow-refused")
	desk.page.locator(".modal.show .btn-modal-close:visible").click()
	refusal.wait_for(state="hidden")

	desk.open("Opportunity", opportunity.name)
	seller.act("Request Approval", "Pending Approval")
	assert no_step(desk)
	manager.desk.open("Opportunity", opportunity.name)
	manager.act("Approve", "Qualified")
	desk.open("Opportunity", opportunity.name)
	button = desk.form.locator("button.crm-ext-next-step")
	assert button.inner_text().strip() == "Open Draft: Quotation"
	button.click()
	desk.wait_for_form("Quotation", new=False)
	assert desk.name() == quotation
	desk.submit()


@pytest.fixture
def in_chinese(people):
	frappe.db.set_value("User", SELLER, "language", "zh")
	frappe.clear_cache(user=SELLER)
	yield
	frappe.db.rollback()
	frappe.db.set_value("User", SELLER, "language", "en")
	frappe.clear_cache(user=SELLER)
	frappe.db.commit()  # for the tests that come


def test_states_read_in_chinese(login, people, in_chinese):
	workflows.switch(("Quotation", "Value", 100, people), lead=1, quotation=1)
	lead = f.make_lead(lead_owner=SELLER)
	quotation = f.make_quotation(f.make_customer(), rows=((f.SERVICE, 1, 200),), submit=False)
	workflows.act(SELLER, lead, "Mark Contacted")
	workflows.act("Administrator", quotation, "Request Approval")
	frappe.db.commit()  # for the web server
	desk = login(SELLER)
	for document, field, state, word in (
		(lead, LEAD_STATE_FIELD, "Contacted", "已联系"),
		(quotation, STATE_FIELD, "Pending Approval", "待审批"),
	):
		desk.open(document.doctype, document.name)
		assert desk.value(field) == state
		shown = desk.form.locator(f'.frappe-control[data-fieldname="{field}"] .control-value')
		assert shown.text_content().strip() == word
		desk.page.evaluate("name => (frappe.route_options = { name })", document.name)
		desk.go("List", document.doctype, "List")
		row = desk.form.locator(".list-row", has=desk.page.locator(f'[data-name="{document.name}"]')).first
		row.wait_for()
		assert word in row.inner_text()
		assert state not in row.inner_text()


def test_in_chinese_on_a_phone(login, people, in_chinese):
	workflows.switch(("Quotation", "Discount %", 10, people), quotation=1)
	item, customer = goods(100), f.make_customer().name
	frappe.set_user(SELLER)
	rows = f.item_rows((item, 1, 80))
	rows[0] |= {"price_list_rate": 100, "discount_percentage": 20}
	quotation = f.make_quotation(quotation_to="Customer", party_name=customer, items=rows, submit=False)
	frappe.set_user("Administrator")
	frappe.db.commit()  # for the web server
	seller = At(login(SELLER, **PHONE))
	seller.desk.open("Quotation", quotation.name)
	seller.desk.form.locator(".crm-ext-approval").wait_for()
	assert seller.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
	picture(seller.desk, "workflow-zh-phone", height=844, width=390)
	assert len(seller.actions()) == 1
	seller.menu.locator("button").first.tap()
	seller.menu.locator(".dropdown-item:visible").first.tap()
	seller.desk.wait_for_value(STATE_FIELD, "Pending Approval")
	seller.desk.settle()
	picture(seller.desk, "workflow-zh-phone-pending", height=844, width=390)
