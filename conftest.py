"""pytest on a real site: one connection for the session, everything rolled back after each test.

The site comes from CRM_EXT_TEST_SITE; the working directory is the bench's `sites` folder (`make test` sees to both).
"""

import os

import frappe
import pytest


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
	yield
	if not request.node.get_closest_marker("pure"):
		frappe.set_user("Administrator")
		frappe.db.rollback()
