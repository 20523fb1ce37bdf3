"""A real web server for the test site, people who can log in, and the screens of this app at their desks."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import frappe
from frappe.utils.password import update_password

from crm_ext.tests import factories
from crm_ext.tests.desk import FrappeDesk

CHROMIUM_ARGS = [
	"--no-sandbox",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-sync",
]
# Of everybody tests make.
PASSWORD = "Deal-Strip-2026"
_SERVE = """
import sys
import frappe.app
from werkzeug.serving import run_simple
frappe.app._site = sys.argv[1]
run_simple("127.0.0.1", int(sys.argv[2]), frappe.app.application_with_statics(), threaded=True)
"""


@contextmanager
def web_server(site: str, sites_path: str) -> Iterator[str]:
	"""The site's web server on a free port, as long as the block runs. Yields its address."""
	port = _free_port()
	log = Path(sites_path, site, "logs", "browser-tests.log")
	log.parent.mkdir(exist_ok=True)
	with log.open("w") as output:
		process = subprocess.Popen(
			[sys.executable, "-c", _SERVE, site, str(port)],
			cwd=sites_path,
			stdout=output,
			stderr=subprocess.STDOUT,
		)
		try:
			url = f"http://127.0.0.1:{port}"
			_wait_for(url, process, log)
			yield url
		finally:
			process.terminate()
			process.wait(20)


def _free_port() -> int:
	with socket.socket() as probe:
		probe.bind(("127.0.0.1", 0))
		return probe.getsockname()[1]


def _wait_for(url: str, process: subprocess.Popen, log: Path, seconds: int = 60) -> None:
	until = time.monotonic() + seconds
	while time.monotonic() < until:
		if process.poll() is not None:
			break
		try:
			with urlopen(f"{url}/api/method/ping", timeout=10):
				return
		except OSError:
			time.sleep(0.3)
	raise RuntimeError(f"the web server does not answer at {url}:\n{log.read_text()[-2000:]}")


def chromium_path() -> str:
	return os.environ.get("CRM_EXT_CHROMIUM") or "/usr/bin/chromium"


def person(email: str, *roles: str) -> str:
	"""Somebody who can log in with PASSWORD. Committed, for the web server."""
	user = factories.make_user(email, *roles)
	update_password(user.name, PASSWORD)
	frappe.db.commit()
	return user.name


class Desk(FrappeDesk):
	"""With what this app shows."""

	def deal_names(self) -> list[str]:
		"""The deals the open form shows."""
		self.form.locator(".crm-ext-deals").first.wait_for()
		return self.form.locator(".crm-ext-deals [data-deal]").evaluate_all(
			"rows => rows.map(row => row.dataset.deal)"
		)

	def open_deal_from_form(self) -> None:
		"""Follow the link of the headline."""
		self.form.locator(".crm-ext-deals a").first.click()
		self.page.wait_for_function("() => cur_frm && cur_frm.doctype === 'Deal'")
		self.settle()
		self.form.locator(".deal-way-steps").wait_for()

	def read_strip(self) -> dict[str, dict]:
		"""What the strip of the open deal shows, by stage, as numbers and ISO dates."""
		steps = self.form.locator(".deal-way-step").evaluate_all(
			"""steps => steps.map(step => ({
				stage: step.dataset.stage,
				current: step.getAttribute("aria-current") === "step",
				reached: step.classList.contains("reached"),
				date: step.querySelector(".deal-way-date").dataset.date,
				amount: parseFloat(step.querySelector(".deal-way-amount").dataset.amount) || 0,
				shown: step.querySelector(".deal-way-amount").textContent.trim(),
				shown_date: step.querySelector(".deal-way-date").textContent.trim(),
			}))"""
		)
		return {step["stage"]: step for step in steps}

	def read_missing(self) -> dict[str, float]:
		pairs = self.form.locator(".deal-way-missing").evaluate_all(
			"nodes => nodes.map(n => [n.dataset.missing, parseFloat(n.dataset.amount)])"
		)
		return dict(pairs)

	def open_deal(self, name: str) -> None:
		self.open("Deal", name)
		self.form.locator(".deal-way-steps").wait_for()

	def wait_for_widgets(self) -> None:
		"""Until every card and chart of the workspace shows its figures."""
		self.page.wait_for_function(
			"""() => {
				const cards = [...document.querySelectorAll(".number-widget-box")];
				const charts = [...document.querySelectorAll(".dashboard-widget-box")];
				// Frappe marks "Loading..." and "No Data" alike; the first of the two is the former.
				const loading = charts.map(chart => chart.querySelector(".chart-loading-state"));
				return cards.length && charts.length && cards.every(card => card.querySelector(".number"))
					&& !loading.some(state => state?.offsetParent);
			}"""
		)

	def open_my_day(self, user: str | None = None) -> None:
		"""One's own, or that of a member."""
		self.go("my-day", *filter(None, [user]))
		self.form.locator(".my-day-section, .my-day-nothing").first.wait_for()

	def busiest(self) -> str:
		"""Who has most follow ups to do, of those this person may see."""
		rows = self.page.evaluate(
			"""() => frappe.db.get_list("Follow Up", {
				fields: ["responsible", "count(name) as number"], filters: { status: "Open" },
				group_by: "responsible", order_by: "number desc", limit: 1,
			})"""
		)
		return rows[0]["responsible"]

	def preview_copy(self, rule: str) -> None:
		"""A copy of a rule, not saved, with the documents that would get a follow up today: the rule itself has made
		its own already."""
		self.open("Follow Up Rule", rule)
		self.page.evaluate("() => cur_frm.copy_doc()")
		self.wait_for_form("Follow Up Rule")
		self.page.evaluate("() => cur_frm.set_value({ applies_from: null, enabled: 0 })")
		self.form.get_by_role("button", name="Preview").click()
		self.page.locator(".modal.show .crm-ext-preview-count").wait_for()


def site_of_tests() -> tuple[str, str]:
	"""The site this process is connected to, and the folder of sites."""
	return frappe.local.site, os.path.abspath(frappe.local.sites_path)
