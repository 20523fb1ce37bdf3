"""pytest on a real site: one connection for the session, everything rolled back after each test.

The site comes from CRM_EXT_TEST_SITE; the working directory is the bench's `sites` folder (`make test` sees to both).
"""

import os
import time
from datetime import datetime, timedelta

import frappe
import pytest
from hypothesis import HealthCheck, settings

# The same examples in every run, however slow the machine is: what fails, fails for everybody and again.
# CRM_EXT_HISTORIES, which asks for more histories than usual, also draws everything anew.
settings.register_profile(
	"crm_ext",
	database=None,
	deadline=None,
	derandomize="CRM_EXT_HISTORIES" not in os.environ,
	print_blob=True,
	suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("crm_ext")
# No test begins so shortly before midnight: what it made today would be of yesterday when it looks.
BEFORE_MIDNIGHT = timedelta(minutes=3)


@pytest.fixture(scope="session")
def site():
	name = os.environ.get("CRM_EXT_TEST_SITE")
	if not name:
		pytest.exit("CRM_EXT_TEST_SITE is not set. Run the tests by `make test`.", returncode=2)
	frappe.init(site=name)
	frappe.connect()
	frappe.flags.in_test = True
	frappe.set_user("Administrator")
	from crm_ext.tests import factories

	factories.ensure_site()
	yield name
	frappe.db.rollback()
	frappe.destroy()


@pytest.fixture(scope="module", autouse=True)
def connected(request):
	"""Before any setUpClass. Modules marked pure need no site."""
	if not request.node.get_closest_marker("pure"):
		request.getfixturevalue("site")


@pytest.fixture(autouse=True)
def rolled_back(request):
	if not request.node.get_closest_marker("pure"):
		wait_for_the_day()
	yield
	if not request.node.get_closest_marker("pure"):
		frappe.set_user("Administrator")
		frappe.db.rollback()


def wait_for_the_day() -> None:
	"""Sleep over midnight, of the site and of this machine, where it is near."""
	from frappe.utils import now_datetime

	for now in (now_datetime(), datetime.now()):
		midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
		if midnight - now < BEFORE_MIDNIGHT:
			time.sleep((midnight - now).total_seconds() + 1)
