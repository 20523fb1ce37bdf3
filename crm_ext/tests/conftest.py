"""What browser tests share: a web server, a browser, and desks that are pictured and closed at the end."""

from contextlib import suppress

import pytest

from crm_ext.tests.browser import CHROMIUM_ARGS, PASSWORD, Desk, chromium_path, site_of_tests, web_server

_DESKS = pytest.StashKey[list[Desk]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
	"""A browser test that failed tells what was on its screens: CI keeps nothing but the log."""
	report = yield
	if report.failed:
		for desk in item.stash.get(_DESKS, []):
			report.sections.append(("browser", desk.evidence()))
	return report


@pytest.fixture(scope="module")
def url(site):
	with web_server(*site_of_tests()) as address:
		yield address


@pytest.fixture(scope="module")
def browser():
	from playwright.sync_api import sync_playwright

	with sync_playwright() as playwright:
		browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGS)
		yield browser
		browser.close()


@pytest.fixture
def login(browser, url, request):
	"""A function that opens a desk for a user. What is on the screen at the end is kept beside the site's logs."""
	desks = request.node.stash.setdefault(_DESKS, [])

	def open_desk(user: str, password: str = PASSWORD, **context) -> Desk:
		desks.append(Desk(browser, url, user, password, **context))
		return desks[-1]

	yield open_desk
	site, sites_path = site_of_tests()
	while desks:
		desk = desks.pop(0)
		with suppress(Exception):  # a picture that fails is no failure of what was tested
			desk.page.screenshot(path=f"{sites_path}/{site}/logs/{request.node.name}.png")
		desk.close()
