"""What a person's hands do in Frappe's desk: lists, forms, grids, dialogs, reports, whatever app they belong to.

Everything waits for what a person would wait for: the form is saved, the request is answered, the button is there.
"""

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

if TYPE_CHECKING:
	from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, Response

# Generous: the machines that run tests are slow and shared.
WAIT_MS = 60_000
# How often in a row the desk must be found idle, at 50 ms each, until it counts as settled.
_QUIET = 7


class FrappeDesk:
	"""The desk in one browser window, logged in as one user."""

	def __init__(self, browser: "Browser", url: str, user: str, password: str, home: str = "deal", **context):
		"""`home`: a list the person may see. `context`: what else Playwright is to know of the window: viewport,
		geolocation, permissions."""
		self.url = url
		# Without fading: Bootstrap does not hear a dialog that is told to close while it fades in.
		usual = {"viewport": {"width": 1400, "height": 1000}, "locale": "en-US", "reduced_motion": "reduce"}
		self.context = browser.new_context(**{**usual, **context})
		self.context.set_default_timeout(WAIT_MS)
		self.page: Page = self.context.new_page()
		self.user = user
		self._settled = 0
		self._heard: deque[str] = deque(maxlen=30)
		self._listen()
		try:
			self._log_in(password, home)
		except Exception as error:
			raise AssertionError(f"not logged in: {self.evidence()}") from error

	def _log_in(self, password: str, home: str) -> None:
		self.page.goto(f"{self.url}/login?redirect-to=/app/{home}/view/list")
		self.page.fill("#login_email", self.user)
		self.page.fill("#login_password", password)
		self.page.click(".for-login .btn-login")
		self.page.wait_for_function(
			"() => window.frappe && frappe.boot && window.cur_list", timeout=2 * WAIT_MS
		)
		self.settle()

	def close(self) -> None:
		self.context.close()

	# What a failed test is told with

	def _listen(self) -> None:
		def hear(what: str) -> None:
			if "socket.io" not in what:  # tests run without it
				self._heard.append(what)

		def answered(answer: "Response") -> None:
			if answer.status >= 400:
				hear(f"{answer.status} {answer.request.method} {answer.url[:200]}")

		def logged(message: "ConsoleMessage") -> None:
			# What could not be loaded is told with its address by `answered`.
			if message.type == "error" and not message.text.startswith("Failed to load resource"):
				hear(f"console: {message.text[:500]}")

		self.page.on("console", logged)
		self.page.on("pageerror", lambda error: hear(f"JavaScript: {str(error)[:1500]}"))
		self.page.on("response", answered)

	def evidence(self) -> str:
		"""Where this window is, what it shows and what went wrong in it, as text for the log of a failed test."""
		lines = [f"{self.user} at {self.page.url}"]
		for label, locator in (
			("dialogs and alerts", ".modal.show, .desk-alert"),
			("messages of the form", ".page-container:visible .form-message"),
			("page", ".page-container:visible .page-head, .page-container:visible .layout-main-section"),
		):
			with suppress(Exception):  # the page may be gone; what else is known is told all the same
				texts = [" ".join(text.split()) for text in self.page.locator(locator).all_inner_texts()]
				lines.append(f"{label}: {' | '.join(text for text in texts if text)[:1500]}")
		return "\n".join([*lines, *self._heard])

	# Going somewhere

	def settle(self) -> None:
		"""Until no request is under way, nothing is frozen and no timer of a field is pending.

		The page itself counts how often it found that, between its own timers: time that passes while the machine
		is busy with something else does not count.
		"""
		self._settled += 1
		self.page.wait_for_function(
			"""([token, quiet]) => {
				const busy = !window.frappe?.request || frappe.request.ajax_count
					|| document.querySelector("#freeze:not(.grid-form)");
				const before = window.crm_ext_quiet?.token === token ? window.crm_ext_quiet.times : 0;
				window.crm_ext_quiet = { token, times: busy ? 0 : before + 1 };
				return window.crm_ext_quiet.times >= quiet;
			}""",
			arg=[self._settled, _QUIET],
			polling=50,
		)

	def go(self, *route: str) -> None:
		"""By route, as the search bar would."""
		self.page.evaluate("route => frappe.set_route(route)", list(route))
		self.settle()

	def open(self, doctype: str, name: str) -> None:
		"""The form of a document, read from the server anew."""
		in_front = self.page.evaluate(
			"""([d, n]) => {
				const there = frappe.get_route()[0] === "Form" && cur_frm?.doctype === d && cur_frm.docname === n;
				there ? cur_frm.reload_doc() : frappe.model.clear_doc(d, n);
				return there;
			}""",
			[doctype, name],
		)
		if not in_front:
			self.go("Form", doctype, name)
		self.page.wait_for_function(
			"""([d, n]) => window.cur_frm && cur_frm.doctype === d && cur_frm.docname === n
				&& cur_frm.doc && cur_frm.doc === locals[d]?.[n]""",
			arg=[doctype, name],
		)
		self.settle()

	def new(self, doctype: str) -> None:
		"""The full form of a new document."""
		self.page.evaluate("d => frappe.model.with_doctype(d)", doctype)
		self.settle()
		self.page.evaluate(
			"d => frappe.set_route('Form', d, frappe.model.get_new_doc(d).name)",
			doctype,
		)
		self.wait_for_form(doctype)

	def wait_for_form(self, doctype: str, new: bool = True) -> None:
		self.page.wait_for_function(
			"""([d, isNew]) => {
				const [view, doctype, name] = frappe.get_route();
				return window.cur_frm && cur_frm.doctype === d && !!cur_frm.doc.__islocal === isNew
					&& view === "Form" && doctype === d && name === cur_frm.docname;
			}""",
			arg=[doctype, new],
		)
		self.settle()

	# The form

	@property
	def form(self) -> "Locator":
		return self.page.locator(".page-container:visible")

	def value(self, fieldname: str):
		return self.page.evaluate("f => cur_frm.doc[f]", fieldname)

	def wait_for_value(self, fieldname: str, value: str) -> None:
		self.page.wait_for_function("([f, v]) => cur_frm.doc[f] === v", arg=[fieldname, value])

	def is_dirty(self) -> bool:
		return self.page.evaluate("() => !!cur_frm.is_dirty()")

	def name(self) -> str:
		return self.page.evaluate("() => cur_frm.doc.name")

	def bring_to_front(self, fieldname: str) -> None:
		"""Open the tab and the section that hold a field."""
		self.page.evaluate(
			"""f => {
				const field = cur_frm.get_field(f);
				field.tab?.set_active();
				field.section?.is_collapsed?.() && field.section.collapse(false);
			}""",
			fieldname,
		)

	def fill(self, fieldname: str, value: str) -> None:
		self.bring_to_front(fieldname)
		control = self.form.locator(f'.frappe-control[data-fieldname="{fieldname}"]').first
		box = control.locator("input, textarea, select").first
		self._type(box, value)

	def _type(self, box: "Locator", value: str | float) -> None:
		"""Type a value; in a link field choose it from the suggestions for it."""
		box.click()
		if not box.get_attribute("data-target"):
			box.fill(str(value))
			box.press("Tab")
		else:
			# The empty field has suggestions too, which may come late.
			with self.page.expect_response(lambda answer: _searched_for(answer.request) == str(value)):
				box.fill(str(value))
			options = box.locator("xpath=ancestor::*[contains(@class, 'awesomplete')]").get_by_role("option")
			options.filter(has_text=str(value)).first.click()
		self.settle()

	def fill_row(self, table: str, number: int, **values) -> None:
		"""Type into the grid row `number` (from 1), adding it if needed, in the row's own form."""
		self.bring_to_front(table)
		grid = self.form.locator(f'.frappe-control[data-fieldname="{table}"]')
		row = grid.locator(f'.grid-body .rows .grid-row[data-idx="{number}"]')
		self.settle()
		if not row.count():
			grid.locator(".grid-add-row").click()
		row.locator(".btn-open-row").click()
		for fieldname, value in values.items():
			box = row.locator(
				f'.form-in-grid .frappe-control[data-fieldname="{fieldname}"] input:visible'
			).first
			self._type(box, value)
		row.locator(".grid-collapse-row").click()
		self.settle()

	def create(self, label: str, leads_to: str, dialog: bool = False) -> None:
		"""ERPNext's own button Create > `label`; `leads_to` is the DocType whose new form must come, `dialog`
		says that ERPNext asks something first."""
		self.choose("Create", label)
		if dialog:
			self.press_dialog()
		self.wait_for_form(leads_to, new=True)

	def choose(self, group: str, label: str) -> None:
		"""A button in one of the form's groups of buttons."""
		self.settle()  # a form that is drawn anew closes its menus
		buttons = self.form.locator(f'.inner-group-button[data-label="{quote(group)}"]')
		buttons.locator("button").first.click()
		buttons.locator(f'.dropdown-item[data-label="{quote(label)}"]').click()
		self.settle()

	def drag(self, what: "Locator", to: "Locator") -> None:
		"""As a hand does: boards and calendars follow the mouse on its way."""
		what.scroll_into_view_if_needed()
		start, end = what.bounding_box(), to.bounding_box()
		mouse = self.page.mouse
		mouse.move(start["x"] + start["width"] / 2, start["y"] + 15)
		mouse.down()
		mouse.move(end["x"] + end["width"] / 2, end["y"] + 40, steps=15)
		mouse.up()
		self.settle()

	def press_dialog(self, label: str | None = None) -> None:
		"""The primary button of the dialog in front, or of the one where it is called so."""
		button = self.page.locator(".modal.show .btn-modal-primary:visible", has_text=label).last
		button.wait_for()
		self.wait_for_dialog()
		# A dialog begins in its first field, whose suggestions come after a while and lie above the button.
		self.page.evaluate("() => document.activeElement.blur()")
		button.click()
		self.settle()

	def dismiss(self, dialog: "Locator") -> None:
		"""Escape, as a person would: again if the first one came while the dialog still took the keyboard over."""
		self._until_hidden(dialog, lambda: self.page.keyboard.press("Escape"))

	def close_dialog(self, dialog: "Locator") -> None:
		"""By the cross in its corner."""
		self._until_hidden(dialog, dialog.locator(".btn-modal-close:visible").click)
		self.settle()

	def _until_hidden(self, dialog: "Locator", act: Callable[[], object]) -> None:
		from playwright.sync_api import TimeoutError

		dialog.wait_for()
		until = time.monotonic() + WAIT_MS / 1000
		while True:
			self.wait_for_dialog()
			act()
			try:
				dialog.wait_for(state="hidden", timeout=3000)
				return
			except TimeoutError:
				if time.monotonic() > until:
					raise

	def wait_for_dialog(self) -> None:
		"""Until one is there, and whole: Bootstrap leaves a dialog open that is told to hide while it fades in."""
		self.page.wait_for_function(
			"""() => {
				const shown = [...document.querySelectorAll(".modal.show")];
				return shown.length && !shown.some(modal => $(modal).data("bs.modal")?._isTransitioning);
			}"""
		)

	def save(self) -> str:
		self.form.locator('.primary-action[data-label="Save"]').click()
		self._wait_saved()
		return self.name()

	def submit(self) -> str:
		"""Save if needed, then submit and confirm. Returns the name."""
		if self.page.evaluate("() => !!cur_frm.doc.__islocal || cur_frm.is_dirty()"):
			self.save()
		self.form.locator('.primary-action[data-label="Submit"]').click()
		self.press_dialog("Yes")
		self.page.wait_for_function("() => cur_frm.doc.docstatus === 1")
		self.settle()
		return self.name()

	def _wait_saved(self) -> None:
		try:
			self.page.wait_for_function(
				"() => cur_frm && !cur_frm.doc.__islocal && !cur_frm.is_dirty() && !cur_frm.saving"
			)
		except Exception as error:
			raise AssertionError(f"not saved: {self.messages()}") from error
		self.settle()

	def messages(self) -> str:
		"""What dialogs and alerts on the screen say."""
		return " | ".join(self.page.locator(".modal.show .modal-body, .desk-alert").all_inner_texts())

	def as_typed(self, day: str) -> str:
		"""An ISO date as this person types it."""
		return self.page.evaluate("day => frappe.datetime.str_to_user(day)", day)

	def call(self, method: str, **arguments) -> int:
		"""The HTTP status of an API call with this person's session."""
		return self.page.evaluate(
			"""async ([method, args]) => {
				const headers = { "X-Frappe-CSRF-Token": frappe.csrf_token };
				return (await fetch(`/api/method/${method}?` + new URLSearchParams(args), { headers })).status;
			}""",
			[method, arguments],
		)

	def newest(self, doctype: str, filters: dict | list) -> str:
		rows = self.page.evaluate(
			"([d, filters]) => frappe.db.get_list(d, { filters, order_by: `\\`tab${d}\\`.creation desc`, limit: 1 })",
			[doctype, filters],
		)
		return rows[0]["name"]

	# Reports

	def run_report(self, name: str, filters: dict) -> list[dict]:
		"""Open a script report with filters; the rows it shows."""
		self.page.evaluate(
			"""([name, filters]) => {
				window.crm_ext_earlier = frappe.query_report?.data;
				const there = frappe.get_route_str() === `query-report/${name}`; // no way leads there then
				return there ? frappe.query_report.refresh_report(filters)
					: frappe.set_route("query-report", name, filters);
			}""",
			[name, filters],
		)
		self.page.wait_for_function(
			"""([name, filters]) => {
				const report = frappe.query_report;
				return report && report.report_name === name && report.data
					&& report.data !== window.crm_ext_earlier
					&& Object.entries(filters).every(([f, v]) => report.get_filter_value(f) === v);
			}""",
			arg=[name, filters],
		)
		self.settle()
		return self.page.evaluate("() => frappe.query_report.data")

	def picture(self, path: Path, height: int = 1000, width: int = 1400) -> None:
		"""What is on the screen, in a window of that size; alerts are closed first."""
		self.page.set_viewport_size({"width": width, "height": height})
		self.page.evaluate("() => document.querySelectorAll('.desk-alert').forEach(alert => alert.remove())")
		self.page.mouse.move(0, 0)
		self.settle()
		self.page.wait_for_timeout(1500)  # charts grow
		self.page.screenshot(path=str(path))


def _searched_for(request: "Request") -> str | None:
	"""What a link field asks suggestions for."""
	if "search_link" not in request.url:
		return None
	return parse_qs(request.post_data or "", keep_blank_values=True).get("txt", [None])[0]
