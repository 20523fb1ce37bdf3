"""An administrator looks at who would see what, switches it on, and people see their part. The web server commits."""

import os
from pathlib import Path

import frappe
import pytest

from crm_ext.hierarchy import indexes, world
from crm_ext.tests import factories as f
from crm_ext.tests.browser import person

pytestmark = pytest.mark.browser

NORA = "crm-ext-vis-nora@example.com"
SAM = "crm-ext-vis-sam@example.com"
EVE = "crm-ext-vis-eve@example.com"
ADMIN = "crm-ext-vis-admin@example.com"
SWITCHES = ("visibility_enabled", "visibility_territories")


@pytest.fixture
def switched_back(site):
	"""Other tests share the site: who sees what is off again, its rules and indexes gone."""
	frappe.set_user("Administrator")
	yield
	frappe.db.rollback()
	frappe.set_user("Administrator")
	for switch in SWITCHES:
		frappe.db.set_single_value("CRM Ext Settings", switch, 0)
	frappe.db.set_single_value("CRM Ext Settings", "visibility_scope", "Own and Below")
	frappe.db.delete("Stand In", {"user": NORA})
	frappe.db.delete("Sales Person", {"employee": ("in", _employees())})
	frappe.db.commit()
	frappe.clear_document_cache("CRM Ext Settings", "CRM Ext Settings")
	world.clear()
	indexes.keep()


def _employees() -> list[str]:
	return frappe.get_all("Employee", {"user_id": ("in", (NORA, SAM, EVE))}, pluck="name") or [""]


def make_seller(user: str, *roles: str) -> str:
	person(user, "Sales User", *roles)
	f.make_sales_person(user)
	return user


def listed(desk, doctype: str) -> set[str]:
	"""What the list on the screen shows."""
	desk.go("List", doctype, "List")
	desk.page.wait_for_function("d => window.cur_list && cur_list.doctype === d", arg=doctype)
	desk.page.evaluate("() => cur_list.refresh()")
	desk.settle()
	return set(
		desk.form.locator(".list-row .list-subject a[data-name]").evaluate_all(
			"links => links.map(link => link.dataset.name)"
		)
	)


def shown(desk, name: str) -> None:
	if folder := os.environ.get("CRM_EXT_PICTURES"):
		desk.page.screenshot(path=str(Path(folder, f"visibility-{name}.png")))


def test_from_the_preview_to_what_each_person_sees(login, switched_back):
	for user in (NORA, SAM, EVE):
		make_seller(user)
	word = f.unique("Firm")
	leads = {
		user: f.make_lead(lead_owner=user, company_name=f"{word} {user[12:15]}").name for user in (NORA, SAM)
	}
	frappe.db.commit()

	admin = login(person(ADMIN, "System Manager", "Sales User"))
	admin.go("Form", "CRM Ext Settings", "CRM Ext Settings")
	admin.page.wait_for_function("() => cur_frm && cur_frm.doctype === 'CRM Ext Settings'")
	admin.bring_to_front("visibility_enabled")
	admin.form.locator('.frappe-control[data-fieldname="visibility_scope"] select').select_option("Own")
	shown(admin, "settings")
	admin.form.get_by_role("button", name="Preview Who Sees What").click()
	dialog = admin.page.locator(".modal.show .crm-ext-visibility-preview")
	dialog.wait_for()
	admin.settle()
	shown(admin, "preview")
	for user in (NORA, SAM):
		row = dialog.locator(f'tr[data-user="{user}"][data-doctype="Lead"]')
		now, then = (int(text.replace(",", "")) for text in row.locator("td").all_inner_texts()[2:])
		assert then == frappe.db.count("Lead", {"lead_owner": user}) < now == frappe.db.count("Lead")
	assert dialog.locator(f'tr[data-user="{ADMIN}"]').count() == 0
	admin.page.set_viewport_size({"width": 390, "height": 844})
	admin.page.wait_for_timeout(300)
	shown(admin, "preview-phone")
	admin.page.set_viewport_size({"width": 1400, "height": 1000})
	admin.dismiss(dialog)

	# Looking changes nothing.
	nora = login(NORA, home="lead")
	assert {leads[NORA], leads[SAM]} <= listed(nora, "Lead")
	admin.form.locator('.frappe-control[data-fieldname="visibility_enabled"] input').first.check()
	admin.save()

	seen = listed(nora, "Lead")
	assert leads[NORA] in seen
	assert leads[SAM] not in seen
	shown(nora, "list")
	# The link field of another form.
	nora.new("Opportunity")
	nora.fill("opportunity_from", "Lead")
	box = nora.form.locator('.frappe-control[data-fieldname="party_name"] input').first
	box.click()
	box.fill(word)
	nora.settle()
	options = nora.form.locator('.frappe-control[data-fieldname="party_name"] [role="option"]')
	options.get_by_text(leads[NORA]).first.wait_for()
	assert options.get_by_text(leads[SAM]).count() == 0
	shown(nora, "link-field")
	# A report of ERPNext's over leads.
	rows = nora.page.evaluate(
		"""() => frappe.xcall("frappe.desk.reportview.get", { doctype: "Lead", fields: ["`tabLead`.name"],
			filters: [], page_length: 500, start: 0, view: "Report" }).then(found => found.values.flat())"""
	)
	assert leads[NORA] in rows
	assert leads[SAM] not in rows
	# The address of somebody else's.
	nora.go("Form", "Lead", leads[SAM])
	refusal = nora.page.locator(".modal.show, .page-container:visible .message-box, .page-card").filter(
		has_text="permission"
	)
	refusal.first.wait_for()
	shown(nora, "refused")
	assert nora.page.evaluate("name => !locals.Lead?.[name]", leads[SAM])
	assert nora.call("frappe.client.get", doctype="Lead", name=leads[SAM]) == 403

	# Who stands in for Nora sees hers meanwhile, and not Sam's.
	eve = login(EVE, home="lead")
	assert not set(leads.values()) & listed(eve, "Lead")
	_name_stand_in(login(NORA, home="lead"), EVE)
	assert listed(eve, "Lead") & set(leads.values()) == {leads[NORA]}
	eve.open("Lead", leads[NORA])
	assert eve.value("lead_owner") == NORA
	shown(eve, "stand-in")


def _name_stand_in(desk, other: str) -> None:
	desk.new("Stand In")
	if desk.value("user") != NORA:
		desk.fill("user", NORA)
	desk.fill("stand_in", other)
	today = desk.page.evaluate("() => frappe.datetime.get_today()")
	for field in ("from_date", "to_date"):
		desk.fill(field, desk.as_typed(today))
	shown(desk, "naming")
	desk.save()
