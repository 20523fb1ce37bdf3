"""A salesperson's morning in My Day, at the desk and on a phone, and a manager who looks at a member's day.

The web server commits, so what these tests make stays on the test site; names are unique and people begin with an empty day.
"""

import frappe
import pytest
from frappe.utils import add_days, getdate, nowdate

from crm_ext.tests import factories
from crm_ext.tests.browser import Desk, person

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
# What a thumb hits: the 44 px of Apple's and Google's guidelines, less a border.
THUMB = 40


def somebody(name: str, *roles: str) -> str:
	"""The same person in every run, with an empty day: Frappe does not let more than 60 users be made in an hour."""
	user = person(f"crm-ext-day-{name}@example.com", "Sales User", *roles)
	frappe.db.delete("Follow Up", {"responsible": user})
	frappe.db.sql("UPDATE tabDeal SET last_contact_on = NOW() WHERE owner_user = %s", (user,))
	frappe.db.commit()  # for the web server
	return user


def planned(document, user: str, days: int = 0, **values):
	"""A follow up due so many days from today; committed."""
	follow_up = frappe.get_doc(
		{
			"doctype": "Follow Up",
			"reference_doctype": document.doctype,
			"reference_name": document.name,
			"responsible": user,
			"subject": factories.unique("Ask about the offer"),
			"due_date": add_days(nowdate(), days),
			**values,
		}
	).insert()
	frappe.db.commit()  # for the web server
	return follow_up


def stored(name: str, *fields: str):
	frappe.db.rollback()  # a new look at the database
	return frappe.db.get_value("Follow Up", name, fields)


class MyDay:
	"""What a person sees and touches in My Day."""

	def __init__(self, desk: Desk, phone: bool = False):
		self.desk, self.phone = desk, phone
		desk.open_my_day()
		self.body = desk.form.locator(".my-day")
		# Lost with the page, should anything load it anew.
		desk.page.evaluate("() => (window.not_reloaded = true)")

	def row(self, name: str, section: str | None = None):
		inside = f'[data-section="{section}"] ' if section else ""
		return self.body.locator(f'{inside}.my-day-row[data-name="{name}"]')

	def sections(self) -> dict[str, list[str]]:
		found = self.body.locator(".my-day-section").evaluate_all(
			"""sections => sections.map(s => [s.dataset.section,
				[...s.querySelectorAll(".my-day-row")].map(row => row.dataset.name)])"""
		)
		return dict(found)

	def press(self, name: str, label: str) -> None:
		button = self.row(name).get_by_role("button", name=label)
		button.tap() if self.phone else button.click()

	def postpone(self, name: str, choice: str) -> None:
		self.press(name, "Postpone")
		item = self.row(name).get_by_role("menuitem", name=choice)
		item.tap() if self.phone else item.click()

	def log_and_plan(self, name: str, outcome: str, subject: str) -> None:
		"""Log, with what came of it, and plan the next one for tomorrow."""
		self.press(name, "Log")
		page = self.desk.page
		dialog = page.locator(".modal.show")
		dialog.locator('[data-fieldname="outcome"] select').select_option(outcome)
		choice = dialog.locator('.follow-up-choices [data-days="1"]')
		choice.tap() if self.phone else choice.click()
		tomorrow = add_days(nowdate(), 1)
		page.wait_for_function("day => cur_dialog.get_value('due_date') === day", arg=tomorrow)
		dialog.locator('[data-fieldname="subject"] input').fill(subject)
		self.desk.press_dialog()
		dialog.wait_for(state="hidden")

	def fits(self) -> None:
		"""Nothing stands out to the side, and thumbs hit every button."""
		page = self.desk.page
		assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
		low = self.body.locator(".my-day-row button:visible").evaluate_all(
			"""(buttons, least) => buttons.map(b => [b.textContent.trim(), b.getBoundingClientRect()])
				.filter(([, box]) => box.height < least || box.width < least || box.right > innerWidth)""",
			THUMB,
		)
		assert not low

	def not_reloaded(self) -> bool:
		return self.desk.page.evaluate("() => !!window.not_reloaded")


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_a_morning(login, phone):
	seller = somebody("seller")
	lead = factories.make_lead()
	late = planned(lead, seller, -3)
	call = planned(lead, seller, due_time="09:30:00", channel="Call")
	third = planned(lead, seller, 0, channel="WeChat")
	my_day = MyDay(login(seller, **(PHONE if phone else {})), phone)
	assert my_day.sections() == {"overdue": [late.name], "today": [third.name, call.name]}
	assert "09:30" in my_day.row(call.name).inner_text()
	assert lead.title in my_day.row(call.name).inner_text()
	if phone:
		my_day.fits()

	# The call is logged with what came of it, and the next one is planned.
	my_day.log_and_plan(call.name, "Interested", "Send prices")
	following = my_day.body.locator('[data-section="tomorrow"] .my-day-row', has_text="Send prices")
	following.wait_for()
	my_day.row(call.name).wait_for(state="detached")
	assert stored(call.name, "status", "outcome", "done_by") == ("Done", "Interested", seller)

	# One is put off and stands where it is due now.
	my_day.postpone(late.name, "Tomorrow")
	my_day.row(late.name, "tomorrow").wait_for()
	assert "overdue" not in my_day.sections()
	assert stored(late.name, "status", "due_date") == ("Open", getdate(add_days(nowdate(), 1)))
	if not phone:
		# The keyboard goes on where the hands were.
		focused = my_day.desk.page.evaluate(
			"() => document.activeElement.closest('.my-day-row')?.dataset.name"
		)
		assert focused == late.name

	# The third is done by one key or tap.
	if phone:
		my_day.press(third.name, "Done")
	else:
		my_day.row(third.name).get_by_role("button", name="Done").press("Enter")
	my_day.row(third.name).wait_for(state="detached")
	my_day.body.get_by_role("button", name="Done Today: 2").wait_for()
	assert set(my_day.sections()) == {"tomorrow"}
	assert my_day.not_reloaded()
	if phone:
		my_day.fits()


def test_the_page_stays_where_it_is(login):
	seller = somebody("seller")
	lead = factories.make_lead()
	rows = [planned(lead, seller, -days) for days in range(1, 26)]
	my_day = MyDay(login(seller))
	page = my_day.desk.page
	name = rows[14].name  # the eleventh from above
	page.evaluate("() => window.scrollTo(0, 300)")
	my_day.press(name, "Postpone")
	before = page.evaluate("() => document.documentElement.scrollTop")
	assert before > 0
	my_day.row(name).get_by_role("menuitem", name="In 3 Days").click()
	my_day.row(name).wait_for(state="detached")
	my_day.body.get_by_role("button", name="Later: 1").wait_for()
	assert page.evaluate("() => document.documentElement.scrollTop") == before

	# What is not on the page is a list away.
	my_day.body.get_by_role("button", name="Later: 1").click()
	page.wait_for_function("() => window.cur_list?.doctype === 'Follow Up' && cur_list.data?.length === 1")
	assert page.evaluate("() => cur_list.data[0].name") == name


def test_what_else_needs_care_is_planned_from_there(login):
	seller = somebody("seller")
	opportunity = factories.make_opportunity(factories.make_lead(), opportunity_owner=seller)
	frappe.db.commit()  # derives the deal
	deal = frappe.db.get_value("Opportunity", opportunity.name, "deal")
	frappe.db.set_value("Deal", deal, "last_contact_on", add_days(nowdate(), -40), update_modified=False)
	frappe.db.commit()  # for the web server
	my_day = MyDay(login(seller))
	assert my_day.sections() == {"silent_deals": [deal]}
	# One made from scratch is due that day, not at the time it is made.
	my_day.desk.form.get_by_role("button", name="New Follow Up").click()
	my_day.desk.wait_for_form("Follow Up")
	assert not my_day.desk.value("due_time")
	my_day.desk.go("my-day")

	my_day.press(deal, "Plan")
	dialog = my_day.desk.page.locator(".modal.show")
	dialog.locator('.follow-up-choices [data-days="1"]').click()
	my_day.desk.page.wait_for_function("() => cur_dialog.get_value('due_date')")
	dialog.locator('[data-fieldname="subject"] input').fill("Is there still interest?")
	my_day.desk.press_dialog()
	my_day.row(deal).wait_for(state="detached")
	assert list(my_day.sections()) == ["tomorrow"]


def test_a_manager_looks_at_a_members_day(login):
	manager, seller = somebody("manager", "Sales Manager"), somebody("seller")
	follow_up = planned(factories.make_lead(), seller, -1)
	my_day = MyDay(login(manager))
	my_day.body.locator(".my-day-nothing").wait_for()
	page = my_day.desk.page
	my_day.desk.form.locator('[data-fieldname="member"] select').select_option(seller)
	my_day.row(follow_up.name, "overdue").wait_for()
	name = frappe.db.get_value("User", seller, "full_name")
	assert my_day.body.get_by_role("heading", name=f"The day of {name}").is_visible()
	assert page.evaluate("() => frappe.get_route_str()") == f"my-day/{seller}"
	my_day.postpone(follow_up.name, "Tomorrow")
	my_day.row(follow_up.name, "tomorrow").wait_for()
	assert stored(follow_up.name, "responsible", "due_date") == (seller, getdate(add_days(nowdate(), 1)))

	# Without the right to change follow ups there is nothing to press.
	page.evaluate(
		"() => { const { my_day } = frappe.pages['my-day']; my_day.day.may_write = false; my_day.render(); }"
	)
	my_day.body.get_by_text("Look Only").wait_for()
	assert not my_day.body.locator(".my-day-row [data-action]").count()

	# A salesperson has no such choice, nor the address of it.
	other = MyDay(login(seller))
	assert not other.desk.form.locator('[data-fieldname="member"]').count()
	assert other.desk.call("crm_ext.api.my_day.get_day", user=manager) == 403
	assert other.desk.call("crm_ext.api.my_day.get_day", user=seller) == 200


def test_from_the_report_to_the_follow_ups(login):
	seller = somebody("seller")
	late = planned(factories.make_lead(), seller, -2)
	undone = planned(factories.make_lead(), seller, -1)
	late.status = "Done"
	late.save()
	frappe.db.commit()  # for the web server
	desk = login(seller)
	rows = desk.run_report("Follow Up Adherence", {"responsible": seller})
	(row,) = (row for row in rows if row.get("planned"))
	assert (row["planned"], row["late"], row["undone"], row["average_days_late"]) == (2, 1, 1, 2)
	# One is opened by its name, the other by what a list can be asked.
	for column, name in ((4, late.name), (5, undone.name)):
		desk.run_report("Follow Up Adherence", {"responsible": seller})
		desk.form.locator(f".dt-cell--col-{column} a[data-adherence]").click()
		desk.page.wait_for_function(
			"name => window.cur_list?.doctype === 'Follow Up' && cur_list.data?.length === 1"
			" && cur_list.data[0].name === name && frappe.get_route()[1] === 'Follow Up'",
			arg=name,
		)


def test_cards_count_what_is_mine(login):
	seller, colleague = somebody("seller"), somebody("colleague")
	lead = factories.make_lead()
	for user, days in ((seller, -1), (seller, -2), (seller, 0), (colleague, -1), (colleague, 0)):
		planned(lead, user, days)
	desk = login(seller)
	desk.go("Workspaces", "CRM Ext")
	desk.wait_for_widgets()
	for card, number in (("My Overdue Follow Ups", 2), ("My Follow Ups Today", 1)):
		box = desk.form.locator(".number-widget-box").filter(has_text=card)
		assert box.locator(".number").inner_text() == str(number), card
	desk.form.locator(".shortcut-widget-box").filter(has_text="My Day").first.click()
	desk.form.locator('.my-day-section[data-section="overdue"]').wait_for()
	desk.form.locator(".menu-btn-group:visible").click()
	desk.form.locator(".menu-btn-group .dropdown-item:visible", has_text="Reminders").click()
	desk.wait_for_form("Follow Up Preference")
	assert desk.value("user") == seller
