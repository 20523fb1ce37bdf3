"""Pictures of every screen of the app for the documentation, as the demo data of a site show them.

    python -m crm_ext.tests.pictures http://demo.localhost:8000 docs/images [PART ...]

To be run in the bench's folder `sites`. Parts are the names in PARTS; all of them, if none is named. The Administrator's
password is in CRM_EXT_ADMIN_PASSWORD (`admin` if it is not set); the people of the demo have that of the demo.
"""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from crm_ext.constants.workflows import PENDING, STATE_FIELD, WAITING
from crm_ext.setup.demo import data
from crm_ext.tests.browser import CHROMIUM_ARGS, Desk, chromium_path


def take(url: str, folder: Path, parts: Iterable[str], user: str, password: str) -> None:
	"""The pictures of these parts, into `folder`."""
	from playwright.sync_api import sync_playwright

	folder.mkdir(parents=True, exist_ok=True)
	with sync_playwright() as playwright:
		browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGS)
		for part in parts:
			picture, person = PARTS[part]
			login = (person.user, data.PASSWORD) if person else (user, password)
			desk = Desk(browser, url, *login)
			picture(desk, folder)
			desk.close()
		browser.close()


def _workspace(desk: Desk, folder: Path) -> None:
	desk.go("Workspaces", "CRM Ext")
	desk.wait_for_widgets()
	desk.picture(folder / "workspace.png", 1500)


def _deals(desk: Desk, folder: Path) -> None:
	desk.go("List", "Deal", "List")
	desk.picture(folder / "deals.png", 800)
	desk.go("List", "Deal", "Kanban", "Deals by Stage")
	desk.picture(folder / "board.png", 800)
	deal = desk.newest("Deal", {"stage": "Invoiced", "lead": ["is", "set"]})
	desk.open_deal(deal)
	desk.picture(folder / "deal.png", 1100)
	desk.open("Sales Order", desk.newest("Sales Order", {"deal": deal}))
	desk.picture(folder / "sales-order.png", 600)


def _follow_ups(desk: Desk, folder: Path) -> None:
	desk.open("Opportunity", desk.newest("Opportunity", {"status": "Open"}))
	desk.form.locator('button[data-label="Log%20and%20Plan%20Next"]').click()
	desk.page.locator(".modal.show").wait_for()
	desk.picture(folder / "log-and-plan-next.png", 1000)
	desk.page.keyboard.press("Escape")
	desk.open_my_day(desk.busiest())
	desk.picture(folder / "my-day.png", 900)
	desk.picture(folder / "my-day-phone.png", 844, 390)
	desk.go("List", "Follow Up", "List")
	desk.picture(folder / "follow-ups.png", 800)
	desk.preview_copy("Quotation Not Answered")
	desk.picture(folder / "follow-up-rule.png", 900)


def _reports(desk: Desk, folder: Path) -> None:
	for report in (
		*("Deal Funnel", "Deal Aging", "Follow Up Adherence"),
		*("Receivable Aging", "Collections", "Receipts"),
		*("Delivery Due", "Pipeline Demand"),
	):
		desk.run_report(report, {})
		desk.picture(folder / f"{report.lower().replace(' ', '-')}.png", 1100)


def _supply(desk: Desk, folder: Path) -> None:
	"""What is promised, what is short, for whom it is bought, where it is, and an order that waits for a release."""
	desk.open("Quotation", desk.newest("Quotation", [["Quotation Item", "promise_date", "is", "set"]]))
	desk.bring_to_front("items")
	desk.form.locator(".crm-ext-availability-line button").scroll_into_view_if_needed()
	desk.picture(folder / "availability.png", 900)
	desk.form.locator(".crm-ext-availability-line button").click()
	desk.page.locator(".modal.show .crm-ext-availability").wait_for()
	desk.picture(folder / "availability-dialog.png", 800)
	desk.page.keyboard.press("Escape")
	short = desk.newest("Material Request", [["Material Request Item", "sales_order", "is", "set"]])
	order = desk.page.evaluate(
		"name => frappe.db.get_doc('Material Request', name).then(doc => doc.items[0].sales_order)", short
	)
	desk.open("Sales Order", order)
	group = desk.form.locator('.inner-group-button[data-label="Create"]')
	group.locator("button").first.click()
	group.locator('.dropdown-item[data-label="Shortage"]').click()
	desk.page.locator(".crm-ext-shortage-dialog.show").wait_for()
	desk.picture(folder / "shortage.png", 700)
	desk.page.keyboard.press("Escape")
	desk.go("order-status", order)
	desk.form.locator(".order-status-row").first.wait_for()
	desk.picture(folder / "order-status.png", 900)
	desk.open("Material Request", short)
	desk.picture(folder / "material-request.png", 900)
	desk.page.evaluate(
		"""order => frappe.db.get_value("Sales Order", order, "customer").then(({ message }) => {
			frappe.route_options = message;
			frappe.set_route("quick-order");
		})""",
		order,
	)
	desk.form.get_by_role("button", name="Paste or Scan", exact=True).click()
	desk.page.locator(".modal.show textarea").fill(
		"SKU002 x 3\nSKU006 x 48\nSKU008 x 10\nSKU010 x 40\nSET001 x 5"
	)
	desk.press_dialog()
	desk.page.wait_for_function(
		"""() => [...document.querySelectorAll(".quick-order-row")].filter(
			row => row.querySelector(".quick-order-amount").textContent).length === 5
			&& !document.querySelector(".quick-order-asking")"""
	)
	desk.picture(folder / "quick-order.png", 800)
	desk.open("Sales Order", desk.newest("Sales Order", {STATE_FIELD: WAITING}))
	desk.picture(folder / "credit-gate.png", 800)


def _approval(desk: Desk, folder: Path) -> None:
	"""What the manager sees of a quotation that waits: in My Day, and the form with its actions."""
	desk.open_my_day()
	desk.picture(folder / "approval-my-day.png", 700)
	desk.open("Quotation", desk.newest("Quotation", {STATE_FIELD: PENDING}))
	desk.form.locator(".actions-btn-group button").first.click()
	desk.picture(folder / "approval-pending.png", 800)


def _settings(desk: Desk, folder: Path) -> None:
	"""Limits of approval, and who would see what."""
	desk.open("CRM Ext Settings", "CRM Ext Settings")
	_to_the_top(desk, "workflows_section")
	desk.picture(folder / "approval-limits.png", 1150)
	try:
		# Of a site that is about to switch it on.
		_set_visibility(desk, 0)
		desk.page.evaluate("() => cur_frm.set_value('visibility_enabled', 1)")
		desk.form.locator('button[data-label="Preview%20Who%20Sees%20What"]').click()
		desk.page.locator(".modal.show table").wait_for()
		desk.picture(folder / "who-sees-what.png", 800)
	finally:
		desk.open("CRM Ext Settings", "CRM Ext Settings")
		_set_visibility(desk, 1)
	desk.go("List", "Stand In", "List")
	desk.picture(folder / "stand-in.png", 500)


def _to_the_top(desk: Desk, section: str) -> None:
	desk.page.evaluate(
		"""section => {
			const top = cur_frm.fields_dict[section].wrapper[0].getBoundingClientRect().top;
			window.scrollBy(0, top - 120);
		}""",
		section,
	)


def _set_visibility(desk: Desk, enabled: int) -> None:
	desk.page.evaluate(
		"enabled => cur_frm.set_value('visibility_enabled', enabled).then(() => cur_frm.save())", enabled
	)
	desk.settle()


# Name: what is taken, and who is logged in; None: the Administrator.
PARTS: dict[str, tuple[Callable[[Desk, Path], None], data.Person | None]] = {
	"workspace": (_workspace, data.MANAGER),
	"deals": (_deals, None),
	"follow_ups": (_follow_ups, None),
	"supply": (_supply, None),
	"reports": (_reports, None),
	"approval": (_approval, data.MANAGER),
	"settings": (_settings, None),
}


if __name__ == "__main__":
	take(
		sys.argv[1],
		Path(sys.argv[2]),
		sys.argv[3:] or PARTS,
		os.environ.get("CRM_EXT_USER", "Administrator"),
		os.environ.get("CRM_EXT_ADMIN_PASSWORD", "admin"),
	)
