"""Install, backfill, migrate, uninstall and reinstall on a site of its own, by the commands an administrator uses."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

import frappe
import pytest
from frappe.utils import nowdate

from crm_ext.constants.roles import RIGHTS, ROLES
from crm_ext.constants.workflows import WORKFLOWS
from crm_ext.follow_ups import engine, reminders
from crm_ext.setup import checks
from crm_ext.setup.uninstall import OUR_DOCTYPES
from crm_ext.tests import factories as f
from crm_ext.tests.processes import Gate, bench, deals, problems, rebuilt_deals, start, start_bench

SITE = "lifecycle.localhost"
SELLER = "CRM Ext Seller"  # made by the factories
# The database may be on another host and see us come from any address.
ANYWHERE = ("--mariadb-user-host-login-scope", "%")
# What Frappe keeps of everybody's work on a site: logs, caches and its bin.
LOGS = {
	"__global_search",
	"tabAccess Log",
	"tabActivity Log",
	"tabComment",
	"tabDeleted Document",
	"tabError Log",
	"tabRoute History",
	"tabScheduled Job Log",
	"tabSessions",
	"tabVersion",
}


class TestChecks(unittest.TestCase):
	def test_major(self):
		for version, major in (
			("15.99.1", 15),
			("16.0.0-dev", 16),
			("17", 17),
			("", 0),
			("develop", 0),
			("x.1", 0),
		):
			self.assertEqual(checks.major(version), major)

	def test_this_site_is_supported(self):
		checks.check_site()

	def test_another_version_is_refused_with_both_versions_named(self):
		for check in (checks.before_install, checks.before_migrate):
			with patch.object(checks, "SUPPORTED_MAJORS", (98, 99)):
				with self.assertRaises(frappe.IncompatibleApp) as refused:
					check()
			self.assertIn("98, 99", str(refused.exception))
			self.assertIn(frappe.__version__, str(refused.exception))

	def test_erpnext_cannot_be_removed_first(self):
		self.assertRaisesRegex(frappe.ValidationError, "crm_ext", checks.before_app_uninstall, "erpnext")
		checks.before_app_uninstall("another_app")


# In a process on the site


def apps(gate: Gate | None = None) -> list[str]:
	return frappe.get_installed_apps()


def schema(gate: Gate | None = None) -> dict[str, list]:
	"""Tables, columns and indexes of the site's database."""
	columns = frappe.db.sql(
		"SELECT table_name, column_name, column_type FROM information_schema.columns"
		" WHERE table_schema = DATABASE()"
	)
	indexes = frappe.db.sql(
		"SELECT table_name, index_name, seq_in_index, column_name FROM information_schema.statistics"
		" WHERE table_schema = DATABASE()"
	)
	return {"columns": sorted(map(list, columns)), "indexes": sorted(map(list, indexes))}


def counts(gate: Gate | None = None) -> dict[str, int]:
	"""Rows of every table but logs."""
	tables = {row[0] for row in schema()["columns"]} - LOGS
	return {table: frappe.db.sql(f"SELECT COUNT(*) FROM `{table}`")[0][0] for table in sorted(tables)}


def mentions(gate: Gate | None = None) -> list[str]:
	"""Every row of the site, logs aside, that names the app, its module or one of its DocTypes."""
	found = []
	text = frappe.db.sql(
		"""SELECT table_name, GROUP_CONCAT(CONCAT('`', column_name, '`')) FROM information_schema.columns
		WHERE table_schema = DATABASE() AND data_type IN ('varchar', 'text', 'longtext', 'mediumtext')
		GROUP BY table_name"""
	)
	for table, columns in text:
		if table in LOGS:
			continue
		each = columns.split(",")
		condition = " OR ".join(
			f"{column} LIKE '%%crm\\_ext%%' OR {column} LIKE '%%CRM Ext%%' OR {column} LIKE 'DEAL-%%'"
			for column in each
		)
		condition += " OR " + " OR ".join(f"{column} IN %s" for column in each)
		for row in frappe.db.sql(
			f"SELECT {columns} FROM `{table}` WHERE {condition}", [OUR_DOCTYPES] * len(each)
		):
			found += [f"{table}: {row[:4]} {value[:300]}" for value in row if value and _is_ours(value)]
	return sorted(found)


def _is_ours(value: str) -> bool:
	"""The masters our factories made carry our name by intention."""
	for master in (f.ITEM, f.OTHER_ITEM, f.SERVICE, f.CUSTOMER, f.FOREIGN_CUSTOMER, SELLER):
		value = value.replace(master, "")
	return value in OUR_DOCTYPES or any(word in value.lower() for word in ("crm_ext", "crm ext", "deal-20"))


def prepare(gate: Gate | None = None) -> None:
	f.ensure_site()


def sell(gate: Gate | None = None) -> list[list[str]]:
	"""From lead to cash and back, as any day: saves, submits and cancels a document of every kind."""
	lead = f.make_lead()
	opportunity = f.make_opportunity(lead)
	quotation = f.make_quotation(opportunity)
	order = f.make_sales_order(quotation)
	note = f.make_delivery_note(order)
	invoice = f.make_sales_invoice(note)
	payment = f.make_payment(invoice)
	frappe.db.commit()
	second = f.make_sales_order(rows=((f.ITEM, 4, 250),))
	f.make_payment(second, f.gross(second) / 2)
	gone = f.make_quotation(f.make_lead())
	gone.reload()
	gone.cancel()
	f.amend(gone, transaction_date=nowdate(), deal=None).insert()
	frappe.db.commit()
	return [[d.doctype, d.name] for d in (lead, opportunity, quotation, order, note, invoice, payment)]


def state(gate: Gate | None = None) -> dict:
	"""Deals with their names, what a rebuild makes of them, and what is wrong with them."""
	names = dict(frappe.db.sql("SELECT root_name, name FROM tabDeal"))
	return {"deals": deals(), "names": names, "problems": problems(), "rebuilt": rebuilt_deals()}


def leftovers_by_users(gate: Gate | None = None) -> None:
	"""What people and administrators make around our DocTypes and reports."""
	from frappe.permissions import add_permission

	def make(doctype: str, **values) -> None:
		frappe.get_doc({"doctype": doctype, **values}).insert()

	deal = frappe.get_all("Deal", limit=1, order_by="name", pluck="name")[0]
	add_permission("Deal", "Sales User", 0)
	make("List Filter", filter_name="Mine", reference_doctype="Deal", filters="[]")
	make("ToDo", description="call", reference_type="Deal", reference_name=deal)
	make("Client Script", name="Deal Script", dt="Deal", view="Form", script="")
	make(
		"Notification",
		name="Big deal",
		subject="Big deal",
		document_type="Deal",
		event="Save",
		channel="System Notification",
		message="-",
		recipients=[{"receiver_by_role": "Sales Manager"}],
	)
	make("Report", report_name="My deals", ref_doctype="Deal", report_type="Report Builder", is_standard="No")
	for report in frappe.get_all("Report", {"ref_doctype": "Deal"}, pluck="name"):
		make("Custom Role", report=report, roles=[{"role": "Sales Manager"}])
	setter = {"doctype": "Deal", "fieldname": "territory", "property": "hidden", "value": "1"}
	for changes in ({}, {"doctype": "Sales Order", "fieldname": "deal"}):
		frappe.make_property_setter(setter | changes)
	frappe.db.set_single_value("CRM Ext Settings", "deals_from_direct_invoices", 1)
	_follow_ups_by_users(make, deal)
	_switched_on_by_users(make)
	frappe.db.commit()


def _follow_ups_by_users(make, deal: str) -> None:
	"""Follow ups planned and made by rules, what people attach to them, and what reminds of them."""
	rule = frappe.get_doc("Follow Up Rule", "Delivery Due")
	rule.enabled = 1
	rule.steps[0].days = 7  # our orders are to be delivered in a week
	rule.save()
	engine.run()
	assert frappe.db.count("Follow Up", {"rule": rule.name})
	follow_up = frappe.get_doc(
		{
			"doctype": "Follow Up",
			"subject": "Ask again",
			"reference_doctype": "Deal",
			"reference_name": deal,
			"due_date": nowdate(),
		}
	).insert()
	follow_up.add_comment(text="nobody there")
	follow_up.add_tag("later")
	make("ToDo", description="call", reference_type="Follow Up", reference_name=follow_up.name)
	make(
		"File",
		file_name="note.txt",
		content="x",
		attached_to_doctype="Follow Up",
		attached_to_name=follow_up.name,
	)
	make(
		"Communication",
		subject="About a follow up",
		content="x",
		reference_doctype="Follow Up",
		reference_name=follow_up.name,
	)
	make(
		"Auto Email Report",
		report="Follow Up Adherence",
		user="Administrator",
		email_to="admin@example.com",
		report_type="Script Report",
		reference_report="Follow Up Adherence",
	)
	reminders.send_digests()


def _switched_on_by_users(make) -> None:
	"""Workflows with their states and fields, who sees what, the credit gate."""
	settings = frappe.get_doc("CRM Ext Settings")
	settings.update({one.switch: 1 for one in WORKFLOWS.values()})
	settings.update({"visibility_enabled": 1, "lead_qualifier_role": "Sales Manager"})
	for document_type in ("Opportunity", "Quotation"):
		limit = {"document_type": document_type, "measure": "Value", "limit": 1, "role": "Sales Manager"}
		settings.append("approval_limits", limit)
	settings.credit_gate_enabled = 1
	settings.roles_enabled = 1
	settings.save()
	_roles_given_by_users()
	assert frappe.db.count("Workflow", {"is_active": 1}) == len(WORKFLOWS)
	for doctype, one in WORKFLOWS.items():
		assert not frappe.db.count(doctype, {one.state_field: ("is", "not set")}), doctype
	company = frappe.get_all("Company", limit=1, order_by="name", pluck="name")[0]
	make("Credit Policy", company=company, check_overdue_days="On", max_overdue_days=3650)
	make(
		"Stand In",
		user="Administrator",
		stand_in=frappe.get_all("User", {"name": ("like", "%@%")}, pluck="name", order_by="name")[0],
		from_date=nowdate(),
		to_date=nowdate(),
	)


def _roles_given_by_users() -> None:
	"""Somebody has the roles, and an administrator changed what they may do and gave them more."""
	from frappe.permissions import add_permission, update_permission_property

	assert frappe.db.count("Custom DocPerm", {"role": "Collector"}) > len(RIGHTS["Collector"])
	f.make_user("roles@example.com", *ROLES)
	update_permission_property("Lead", "Salesperson", 0, "delete", 1)
	add_permission("Issue", "Salesperson", 0)


def roles_there(gate: Gate | None = None) -> list[list[str]]:
	"""Our roles, who has them, and rights that are not the standard ones."""
	found = [["Role", name] for name in frappe.get_all("Role", {"name": ("in", ROLES)}, pluck="name")]
	for doctype in ("Has Role", "DocPerm"):
		rows = frappe.get_all(doctype, {"role": ("in", ROLES)}, pluck="parent")
		found += [[doctype, parent] for parent in rows]
	return sorted(
		found + [["Custom DocPerm", one] for one in frappe.get_all("Custom DocPerm", pluck="parent")]
	)


@pytest.mark.lifecycle
class TestLifecycle(unittest.TestCase):
	def setUp(self):
		self.drop()
		self.addCleanup(self.drop)

	def drop(self) -> None:
		if not Path(frappe.local.sites_path, SITE).exists():
			return
		with tempfile.TemporaryDirectory() as archive:
			self.site_command(
				"drop-site",
				SITE,
				"--no-backup",
				"--force",
				"--archived-sites-path",
				archive,
				root="--db-root",
			)

	def site_command(self, *words: str, root: str) -> None:
		"""A bench command that needs the database's root login."""
		for option, variable in (("username", "USER"), ("password", "PASSWORD")):
			value = os.environ.get(f"CRM_EXT_DB_ROOT_{variable}")
			words += (f"{root}-{option}", value) if value else ()
		code, output = start_bench(*words, site="").wait(600)
		self.assertEqual(code, 0, output)

	def bench(self, *words: str) -> str:
		return bench(*words, site=SITE)

	def on_site(self, function, timeout: float = 300):
		return start(function, site=SITE).result(timeout)

	def installed(self) -> bool:
		return "crm_ext" in self.on_site(apps)

	def test_refused_installed_filled_removed_and_installed_again(self):
		self.site_command("new-site", SITE, "--admin-password", "admin", *ANYWHERE, root="--db-root")
		self.refused_without_erpnext()
		self.bench("install-app", "erpnext")
		self.on_site(prepare)
		self.on_site(sell)
		clean = {what: self.on_site(what) for what in (schema, counts)}
		known = self.on_site(mentions)

		first = self.install_and_read_in()
		self.on_site(sell)
		self.second_backfill_changes_nothing(first)
		self.bench("migrate")
		self.uninstall(clean, known)
		self.on_site(sell)

		self.bench("set-config", "developer_mode", "1", "--parse")
		files = app_files()
		again = self.install_and_read_in()
		for root in first["deals"]:
			self.assertEqual(again["deals"][root], first["deals"][root], root)
		self.on_site(sell)
		self.assertEqual(self.on_site(state)["problems"], [])
		self.bench("uninstall-app", "crm_ext", "--yes", "--no-backup")
		self.assertEqual(app_files(), files)

	def refused_without_erpnext(self) -> None:
		before = [self.on_site(what) for what in (schema, counts)]
		code, output = start_bench("install-app", "crm_ext", site=SITE).wait()
		self.assertEqual(code, 1, output)
		self.assertIn(
			f"CRM Ext needs ERPNext on this site. Run: bench --site {SITE} install-app erpnext", output
		)
		self.assertNotIn("Traceback", output)
		self.assertFalse(self.installed())
		self.assertEqual([self.on_site(what) for what in (schema, counts)], before)
		self.assertEqual(self.on_site(mentions), [])

	def install_and_read_in(self) -> dict:
		output = self.bench("install-app", "crm_ext")
		self.assertIn(f"bench --site {SITE} crm-ext backfill", output)
		self.assertTrue(self.installed())
		there = self.on_site(roles_there)
		self.assertLessEqual({("Role", role) for role in ROLES}, set(map(tuple, there)))
		self.assertNotIn("Custom DocPerm", {kind for kind, _name in there})
		self.bench("crm-ext", "backfill")
		kept = self.on_site(state)
		self.assertEqual(kept["problems"], [])
		self.assertEqual(kept["deals"], kept["rebuilt"])
		stages = sorted(deal["values"]["stage"] for deal in kept["deals"].values())
		self.assertEqual(set(stages), {"Paid", "Ordered", "Lead"})
		return kept

	def second_backfill_changes_nothing(self, first: dict) -> None:
		before = self.on_site(state)
		self.assertGreater(len(before["deals"]), len(first["deals"]))
		self.assertIn("0 deals changed, 0 failed", self.bench("crm-ext", "backfill"))
		after = self.on_site(state)
		self.assertEqual(after, before)

	def uninstall(self, clean: dict, known: list[str]) -> None:
		self.on_site(leftovers_by_users)
		before = self.on_site(schema), self.on_site(mentions)
		self.bench("uninstall-app", "crm_ext", "--yes", "--no-backup", "--dry-run")
		self.assertEqual((self.on_site(schema), self.on_site(mentions)), before)
		self.assertTrue(self.installed())

		self.bench("uninstall-app", "crm_ext", "--yes", "--no-backup")
		self.assertFalse(self.installed())
		self.nothing_is_left(clean, known)
		code, output = start_bench("crm-ext", "backfill", site=SITE).wait()
		self.assertEqual(code, 1, output)
		self.assertIn(f"crm_ext is not installed on {SITE}", output)

	def nothing_is_left(self, clean: dict, known: list[str]) -> None:
		now = self.on_site(schema)
		for what in ("columns", "indexes"):
			left = [row for row in now[what] if row not in clean[schema][what] and not _is_frappes(row)]
			gone = [row for row in clean[schema][what] if row not in now[what]]
			self.assertEqual((left, gone), ([], []), what)
		self.assertEqual(sorted(set(self.on_site(mentions)) - set(known)), [])
		self.assertEqual(self.on_site(roles_there), [])


def _is_frappes(row: list) -> bool:
	"""Frappe indexes `creation` whenever it next brings a table up to date, whoever gave the occasion."""
	return row[1:] == ["creation", 1, "creation"]


def app_files() -> list[str]:
	"""Files of the app, but for compiled ones and the folder that developer mode makes and git ignores."""
	root = Path(frappe.get_app_path("crm_ext"))
	found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
	return sorted(
		str(path) for path in found if path.parts[0] != "crm_ext" and "__pycache__" not in path.parts
	)
