"""A person at the desk: one sale by hand from the lead to the money, and who may see it.

The web server commits, so what these tests make stays on the test site; names are unique and counts relative.
"""

import frappe
import pytest
from frappe.utils import add_days, nowdate

from crm_ext.tests import factories
from crm_ext.tests.browser import Desk, person

pytestmark = pytest.mark.browser

EXPECTED, QTY, RATE = 1200, 2, 500


@pytest.fixture
def seller(site) -> str:
	"""Somebody who may do the whole sale."""
	return person("crm-ext-seller@example.com", "Sales User", "Sales Manager", "Stock User", "Accounts User")


def test_a_sale_by_hand_from_lead_to_cash(login, seller):
	desk = login(seller)
	company = factories.unique("Handmade")
	walk = Walk(desk)
	before = walk.funnel()

	walk.lead(company)
	deal = walk.check("Lead", {})
	desk.create("Opportunity", "Opportunity", dialog=True)
	walk.opportunity()
	walk.check("Opportunity", {"Opportunity": EXPECTED})
	desk.create("Quotation", "Quotation")
	total = walk.quotation()
	walk.check("Quoted", {"Opportunity": EXPECTED, "Quoted": total})
	desk.create("Sales Order", "Sales Order")
	walk.order()
	amounts = {"Opportunity": EXPECTED, "Quoted": total, "Ordered": total}
	walk.check("Ordered", amounts, {"to_deliver": total, "to_invoice": total, "to_pay": total})
	desk.create("Delivery Note", "Delivery Note")
	desk.submit()
	amounts["Delivered"] = total
	walk.check("Delivered", amounts, {"to_invoice": total, "to_pay": total})
	desk.create("Sales Invoice", "Sales Invoice")
	desk.submit()
	amounts["Invoiced"] = total
	walk.check("Invoiced", amounts, {"to_pay": total})
	desk.create("Payment", "Payment Entry")
	walk.payment()
	amounts["Paid"] = total
	walk.check("Paid", amounts, {}, form=False)

	assert walk.deal == deal
	walk.check_vouchers()
	after = walk.funnel()
	assert {stage: after[stage] - before.get(stage, 0) for stage in walk.STAGES} == dict.fromkeys(
		walk.STAGES, 1
	)


class Walk:
	"""The steps of one sale, and what its deal must show after each."""

	STAGES = ("Lead", "Opportunity", "Quoted", "Ordered", "Delivered", "Invoiced", "Paid")

	def __init__(self, desk: Desk):
		self.desk = desk
		self.deal: str | None = None
		self.vouchers: list[tuple[str, str]] = []

	def lead(self, company: str) -> None:
		self.desk.new("Lead")
		self.desk.fill("first_name", "Ada")
		self.desk.fill("company_name", company)
		self.desk.save()

	def opportunity(self) -> None:
		self.desk.fill("opportunity_amount", EXPECTED)
		self.desk.save()

	def quotation(self) -> float:
		"""Returns what the customer is to pay: with the company's taxes, rounded as the site rounds."""
		self.desk.fill("valid_till", self.desk.as_typed(add_days(nowdate(), 30)))
		self.desk.fill_row("items", 1, item_code=factories.ITEM, qty=QTY, rate=RATE)
		self.desk.submit()
		assert self.desk.value("base_net_total") == QTY * RATE
		return self.desk.value("base_rounded_total") or self.desk.value("base_grand_total")

	def order(self) -> None:
		self.desk.fill("delivery_date", self.desk.as_typed(add_days(nowdate(), 7)))
		if not self.desk.value("items")[0].get("warehouse"):
			self.desk.fill_row("items", 1, warehouse=factories.warehouse())
		self.desk.submit()

	def payment(self) -> None:
		if not self.desk.value("paid_to"):
			self.desk.fill("paid_to", factories.cash_account(factories.COMPANY))
		self.desk.submit()

	def check(self, stage: str, amounts: dict, missing: dict | None = None, form: bool = True) -> str:
		"""Open the deal from the form and compare what its strip shows; then come back to the form."""
		desk = self.desk
		doctype, name = desk.page.evaluate("() => [cur_frm.doctype, cur_frm.docname]")
		self.vouchers.append((doctype, name))
		if form:
			deals = desk.deal_names()
			assert len(deals) == 1
			if doctype != "Lead":
				# Taken over from the server after the save, without making the form dirty.
				desk.wait_for_value("deal", deals[0])
				assert not desk.is_dirty()
			desk.open_deal_from_form()
		else:
			desk.open_deal(self.deal)
		self.deal = self.deal or desk.name()
		assert desk.name() == self.deal, f"{doctype} {name} shows another deal"
		steps = desk.read_strip()
		reached = self.STAGES[: self.STAGES.index(stage) + 1]
		assert [s for s in steps if steps[s]["current"]] == [stage]
		assert desk.value("stage") == stage
		assert {s: steps[s]["date"] for s in self.STAGES} == {
			s: nowdate() if s in reached else "" for s in self.STAGES
		}
		assert {s: steps[s]["amount"] for s in self.STAGES if steps[s]["amount"]} == amounts
		for s, amount in amounts.items():
			assert f"{amount:,.2f}" in steps[s]["shown"], f"{s} shows {steps[s]['shown']}"
		if missing is not None:
			assert desk.read_missing() == missing
		if form:
			desk.go("Form", doctype, name)
		return self.deal

	def check_vouchers(self) -> None:
		"""The table of the open deal links every document of the walk."""
		rows = self.desk.form.locator(".deal-vouchers tbody tr")
		shown = rows.evaluate_all("rows => rows.map(r => [r.dataset.doctype, r.dataset.name])")
		assert {tuple(row) for row in shown} == set(self.vouchers)

	def funnel(self) -> dict[str, int]:
		"""Deals by stage as the Deal Funnel shows them for today."""
		desk = self.desk
		filters = {"company": factories.COMPANY, "from_date": nowdate(), "to_date": nowdate()}
		rows = desk.run_report("Deal Funnel", filters)
		return {row["stage"]: row["deals"] for row in rows if row.get("stage")}


def test_a_person_sees_only_permitted_deals(login):
	seen = _order_deal("Seen")
	hidden = _order_deal("Hidden")
	user = person("crm-ext-narrow@example.com", "Sales User")
	frappe.db.delete("User Permission", {"user": user})
	frappe.get_doc(
		{"doctype": "User Permission", "user": user, "allow": "Customer", "for_value": seen.customer}
	).insert()
	frappe.db.commit()  # for the web server

	desk = login(user)
	desk.go("List", "Deal", "List")
	listed = desk.form.locator(".list-row-container [data-name]").evaluate_all(
		"rows => rows.map(row => decodeURIComponent(row.dataset.name))"
	)
	assert seen.name in listed
	assert hidden.name not in listed

	desk.open_deal(seen.name)
	assert desk.read_strip()["Ordered"]["current"]
	assert desk.call("crm_ext.api.deals.deal_way", deal=seen.name) == 200
	assert desk.call("crm_ext.api.deals.deal_way", deal=hidden.name) == 403
	desk.go("Form", "Deal", hidden.name)
	assert "Insufficient Permission" in desk.messages()
	assert desk.name() == seen.name  # the form in front is still the other deal's


def _order_deal(name: str):
	customer = factories.make_customer(customer_name=factories.unique(name))
	order = factories.make_sales_order(customer=customer.name)
	frappe.db.commit()  # derives, and for the web server
	return frappe.db.get_value(
		"Deal", frappe.db.get_value("Sales Order", order.name, "deal"), ["name", "customer"], as_dict=True
	)


def test_the_board_shows_deals_and_moves_nothing(login, seller):
	deal = _order_deal("Boarded")
	desk = login(seller)
	desk.go("List", "Deal", "Kanban", "Deals by Stage")
	card = desk.form.locator(
		f'.kanban-column[data-column-value="Ordered"] .kanban-card-wrapper[data-name="{deal.name}"]'
	)
	card.wait_for()
	target = desk.form.locator('.kanban-column[data-column-value="Quoted"]')
	card.drag_to(target)
	desk.settle()
	assert card.is_visible()
	moved = desk.call(
		"frappe.desk.doctype.kanban_board.kanban_board.update_order_for_single_card",
		board_name="Deals by Stage",
		docname=deal.name,
		from_colname="Ordered",
		to_colname="Quoted",
		old_index=0,
		new_index=0,
	)
	assert moved == 403
	frappe.db.rollback()  # a new look at the database
	assert frappe.db.get_value("Deal", deal.name, "stage") == "Ordered"


def test_the_workspace_shows_its_figures(login, seller):
	factories.make_lead()  # the funnel begins with leads
	frappe.db.commit()
	_order_deal("Counted")
	desk = login(seller)
	desk.go("Workspaces", "CRM Ext")
	card = desk.form.locator(".number-widget-box").filter(has_text="Open Deals")
	card.locator(".number").wait_for()
	desk.wait_for_widgets()
	frappe.db.rollback()  # a new look at the database
	open_deals = frappe.db.count("Deal", {"status": "Open", "company": factories.COMPANY})
	assert card.locator(".number").inner_text() == str(open_deals)
	# Drawn some time after the loading mark is gone.
	desk.form.locator(".chart-container svg").first.wait_for()
	assert not desk.page.locator(".modal.show").count(), desk.messages()
