"""A salesperson at the desk with follow ups: log by keyboard, see what is next, check in, drag, chat.

The web server commits, so what these tests make stays on the test site; names are unique.
"""

import frappe
import pytest
from frappe.utils import add_days, get_first_day_of_week, getdate, nowdate

from crm_ext.tests import factories
from crm_ext.tests.browser import person

pytestmark = pytest.mark.browser

HERE = {"latitude": 52.52, "longitude": 13.405, "accuracy": 12}


@pytest.fixture
def seller(site) -> str:
	return person("crm-ext-caller@example.com", "Sales User")


@pytest.fixture
def lead(site):
	lead = factories.make_lead()
	frappe.db.commit()  # for the web server
	return lead


def planned(document, user: str, **values) -> str:
	"""A follow up the person has planned; committed."""
	follow_up = frappe.get_doc(
		{
			"doctype": "Follow Up",
			"reference_doctype": document.doctype,
			"reference_name": document.name,
			"responsible": user,
			"subject": factories.unique("Ask again"),
			"due_date": nowdate(),
			**values,
		}
	).insert()
	frappe.db.commit()  # for the web server
	return follow_up.name


def stored(name: str, *fields: str):
	frappe.db.rollback()  # a new look at the database
	return frappe.db.get_value("Follow Up", name, fields)


def test_log_and_plan_by_keyboard(login, seller, lead):
	open_one = planned(lead, seller)
	desk = login(seller)
	desk.open("Lead", lead.name)
	headline = desk.form.locator(".crm-ext-next")
	headline.locator(f'[data-follow-up="{open_one}"][data-bucket="today"]').wait_for()
	# The headline of deals lives beside it.
	desk.form.locator(".crm-ext-deals").first.wait_for()

	keys = desk.page.keyboard
	keys.press("Alt+l")
	dialog = desk.page.locator(".modal.show")
	desk.wait_for_dialog()
	desk.page.wait_for_function("name => window.cur_dialog?.get_value('follow_up') === name", arg=open_one)
	dialog.locator('[data-fieldname="channel"] select').focus()
	keys.type("Call")
	keys.press("Tab")
	keys.type("Interested")
	keys.press("Tab")
	keys.type("Wants two <b>blades</b>")
	dialog.locator('.follow-up-choices [data-days="1"]').focus()
	keys.press("Enter")
	tomorrow = add_days(nowdate(), 1)
	desk.page.wait_for_function("day => cur_dialog.get_value('due_date') === day", arg=tomorrow)
	dialog.locator('[data-fieldname="subject"] input').focus()
	keys.type("Send prices")
	keys.press("Control+Enter")
	keys.press("Control+Enter")
	dialog.wait_for(state="hidden")

	following = headline.locator('[data-bucket="tomorrow"]')
	following.wait_for()
	assert "Send prices" in following.inner_text()
	desk.form.get_by_role("tab", name="Activities").click()
	done = desk.form.locator(f'.follow-up-done[data-follow-up="{open_one}"]')
	done.wait_for()
	assert "Wants two <b>blades</b>" in done.inner_text()
	assert "Interested" in done.inner_text()
	status, outcome, next_one = stored(open_one, "status", "outcome", "next_follow_up")
	assert (status, outcome) == ("Done", "Interested")
	assert frappe.db.count("Follow Up", {"reference_name": lead.name}) == 2
	assert frappe.db.get_value("Follow Up", next_one, ["responsible", "subject"]) == (seller, "Send prices")

	# The list of leads has it as a column that sorts.
	desk.go("List", "Lead", "List")
	row = desk.form.locator(".list-row", has_text=lead.title)
	row.locator(".indicator-pill.blue", has_text=desk.as_typed(tomorrow)).wait_for()
	desk.form.locator(".sort-selector .sort-selector-button").click()
	desk.form.locator('.sort-selector [data-value="next_follow_up_on"]').click()
	desk.page.wait_for_function(
		"""() => {
			const dates = cur_list.data.map(row => row.next_follow_up_on || "");
			const sorted = [...dates].sort().reverse();
			return dates[0] && dates.every((date, index) => date === sorted[index]);
		}"""
	)

	desk.page.evaluate("() => localStorage.setItem('cal_defaultView', 'month')")
	desk.go("List", "Follow Up", "Calendar", "default")
	desk.form.locator(".fc-event", has_text="Send prices").filter(has_text=lead.title).wait_for()


def test_what_is_saved_while_the_dialog_fades_in_is_saved_once(login, seller, lead):
	desk = login(seller, reduced_motion="no-preference")
	desk.open("Lead", lead.name)
	desk.page.add_style_tag(
		content=".modal.fade .modal-dialog { transition: transform 3s linear !important }"
	)
	desk.page.evaluate(
		"""([name, due_date]) =>
			crm_ext.follow_ups.plan({ doctype: "Lead", name }).set_values({ due_date, subject: "Once" })""",
		[lead.name, nowdate()],
	)
	button = desk.page.locator(".modal.show .btn-modal-primary")
	button.wait_for()
	button.dispatch_event("click")
	desk.settle()
	assert desk.page.evaluate("() => $('.modal.show').data('bs.modal')._isTransitioning")
	button.dispatch_event("click")
	button.wait_for(state="hidden")
	desk.settle()
	frappe.db.rollback()  # a new look at the database
	assert frappe.db.count("Follow Up", {"reference_name": lead.name}) == 1


def test_the_calendar_postpones(login, seller, lead):
	# Two days of one week, whatever day it is.
	first = get_first_day_of_week(add_days(nowdate(), 7))
	name = planned(lead, seller, due_date=add_days(first, 1), due_time="10:00")
	desk = login(seller)
	desk.page.evaluate("() => localStorage.setItem('cal_defaultView', 'month')")
	desk.go("List", "Follow Up", "Calendar", "default")
	desk.page.wait_for_function("() => cur_list.calendar?.$cal")
	desk.page.evaluate("day => cur_list.calendar.$cal.fullCalendar('gotoDate', day)", str(first))
	desk.settle()
	later = add_days(first, 3)
	event = desk.form.locator(".fc-event", has_text=lead.title)
	event.wait_for()
	desk.drag(event, desk.form.locator(f'.fc-day[data-date="{later}"]'))
	due_date, due_time, postponed = stored(name, "due_date", "due_time", "postponed_count")
	assert (due_date, postponed) == (getdate(later), 1)
	assert str(due_time) == "10:00:00"


def test_a_visit_on_the_map(login, seller, lead):
	name = planned(lead, seller, channel="Visit")
	desk = login(seller, geolocation=HERE, permissions=["geolocation"])
	desk.open("Follow Up", name)
	desk.form.get_by_role("button", name="Check In").click()
	desk.page.wait_for_function("() => cur_frm.doc.checked_in_on")
	assert stored(name, "location_accuracy") == HERE["accuracy"]
	desk.go("List", "Follow Up", "Map")
	marker = desk.form.locator(".leaflet-marker-icon").first
	marker.wait_for()
	coordinates = desk.page.evaluate(
		"name => cur_list.coords.features.find(f => f.properties.name === name).geometry.coordinates", name
	)
	assert coordinates == [HERE["longitude"], HERE["latitude"]]

	# The same while logging what was not planned.
	desk.open("Lead", lead.name)
	desk.form.get_by_role("button", name="Log and Plan Next").click()
	desk.page.wait_for_function("() => window.cur_dialog?.get_value('follow_up')")
	desk.page.evaluate("() => cur_dialog.set_values({ follow_up: '', channel: 'Visit' })")
	dialog = desk.page.locator(".modal.show")
	dialog.locator(".follow-up-check-in").click()
	dialog.locator(".follow-up-place", has_text="within 12 m").wait_for()
	desk.press_dialog()
	dialog.wait_for(state="hidden")
	frappe.db.rollback()  # a new look at the database
	done = frappe.get_all("Follow Up", {"reference_name": lead.name, "status": "Done"}, ["location", "name"])
	assert len(done) == 1 and "13.405" in done[0].location
	assert stored(name, "status") == "Open"


def test_postpone_in_the_list_and_done_on_the_board(login, seller, lead):
	late, soon = (planned(lead, seller, subject=factories.unique("List")) for _again in range(2))
	desk = login(seller)
	desk.page.evaluate(
		"name => frappe.set_route('List', 'Follow Up', 'List', { reference_name: name })", lead.name
	)
	for name in (late, soon):
		desk.form.locator(f'.list-row-checkbox[data-name="{name}"]').check()
	desk.form.get_by_role("button", name="Actions").click()
	desk.form.locator('.actions-btn-group .dropdown-item:has-text("Postpone")').click()
	dialog = desk.page.locator(".modal.show")
	dialog.locator('.follow-up-choices [data-days="3"]').click()
	desk.page.wait_for_function("() => cur_dialog?.get_value('due_date')")
	desk.press_dialog()
	in_three_days = getdate(add_days(nowdate(), 3))
	assert {stored(name, "due_date") for name in (late, soon)} == {in_three_days}

	desk.go("List", "Follow Up", "Kanban", "Follow Ups")
	card = desk.form.locator(f'.kanban-card-wrapper[data-name="{late}"]')
	desk.drag(card, desk.form.locator('.kanban-column[data-column-value="Done"] .kanban-cards'))
	desk.form.locator(
		f'.kanban-column[data-column-value="Done"] .kanban-card-wrapper[data-name="{late}"]'
	).wait_for()
	desk.settle()
	status, done_on, done_by = stored(late, "status", "done_on", "done_by")
	assert (status, done_by) == ("Done", seller) and done_on


def test_a_board_shows_subjects_as_typed(login, seller, lead):
	subject = factories.unique('" title="x" &lt;b&gt;bold&lt;/b&gt; & more')
	name = planned(lead, seller, subject=subject)
	desk = login(seller)
	desk.go("List", "Follow Up", "Kanban", "Follow Ups")
	title = desk.form.locator(f'.kanban-card-wrapper[data-name="{name}"] .kanban-card-title')
	assert title.inner_text() == stored(name, "subject") == subject
	assert title.get_attribute("title") == subject


def test_chat_from_a_quotation(login, seller):
	customer = factories.make_customer()
	contact = frappe.get_doc(
		{
			"doctype": "Contact",
			"first_name": "Grace",
			"phone_nos": [{"phone": "+49 170 1234567", "is_primary_mobile_no": 1}],
			"wechat_id": "grace_hopper",
			"qq_no": '10001"><img src=x>',
			"links": [{"link_doctype": "Customer", "link_name": customer.name}],
		}
	).insert()
	quotation = factories.make_quotation(customer)
	frappe.db.commit()  # for the web server
	desk = login(seller)
	for doctype, name in (("Quotation", quotation.name), ("Contact", contact.name)):
		desk.open(doctype, name)
		links = desk.form.locator(".crm-ext-chat a")
		links.first.wait_for()
		assert links.evaluate_all("links => links.map(a => a.getAttribute('href'))") == [
			"https://wa.me/491701234567",
			"weixin://dl/chat?grace_hopper",
		]
