"""Who may set what in the settings, and what each of the app's roles may do."""

import json
import unittest

import frappe
from frappe.core.doctype.doctype.doctype import validate_permissions
from frappe.core.page.permission_manager.permission_manager import remove
from frappe.permissions import add_permission, rights, update_permission_property

from crm_ext.constants.roles import RIGHTS, ROLES
from crm_ext.setup import roles
from crm_ext.setup.role_rules import NOTHING, Row, pack, plan, unpack
from crm_ext.setup.roles import CUSTOM
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase

SETTINGS = "CRM Ext Settings"
MANAGER = "roles-manager@example.com"
# Powers over others: who approves, who releases, who sees what.
POWERS = {
	"approval_limits": [
		{"document_type": "Quotation", "measure": "Value", "limit": 1, "role": "Sales Manager"}
	],
	"credit_gate_enabled": 1,
	"credit_release_roles": [{"role": "Sales Manager"}],
	"credit_strict": 0,
	"visibility_enabled": 1,
	"visibility_rules": [{"role": "Sales Manager", "scope": "All"}],
	"visibility_scope": "All",
	"workflow_payment_entry": 1,
	"workflow_quotation": 1,
	"workflow_records": "{}",
	"workflow_sales_order": 1,
}


class TestPowersInTheSettings(SiteTestCase):
	def setUp(self):
		super().setUp()
		f.make_user(MANAGER, "Sales Manager", "Sales User")
		settings = frappe.get_single(SETTINGS)
		settings.set("credit_release_roles", [{"role": "Accounts Manager", "up_to_amount": 500}])
		settings.set("visibility_rules", [])
		settings.save()
		self.before = self.stored()

	def tearDown(self):
		super().tearDown()
		frappe.clear_document_cache(SETTINGS, SETTINGS)

	def stored(self) -> dict:
		doc = frappe.get_doc(SETTINGS)
		tables = {row.fieldname for row in doc.meta.get_table_fields()}
		return {
			name: [row.as_dict(no_default_fields=True) for row in doc.get(name)]
			if name in tables
			else doc.get(name)
			for name in POWERS
		}

	def test_every_switch_of_power_is_one(self):
		"""A field that came later and names a role or switches workflow, visibility or rights is among them."""
		meta = frappe.get_meta(SETTINGS)
		protected = {row.fieldname for row in meta.fields if row.permlevel == 1}
		self.assertLessEqual(set(POWERS), protected)
		for row in meta.fields:
			names_role = row.fieldtype == "Link" and row.options == "Role"
			if names_role or row.fieldname.startswith(("workflow_", "visibility_", "roles_")):
				if row.fieldtype not in ("Section Break", "Column Break"):
					self.assertIn(row.fieldname, protected)

	def test_a_sales_manager_changes_none_of_them(self):
		frappe.set_user(MANAGER)
		for name, value in POWERS.items():
			with self.subTest(field=name):
				if not isinstance(value, list):
					frappe.client.set_value(SETTINGS, SETTINGS, name, value)
				doc = frappe.get_doc(SETTINGS).as_dict()
				doc[name] = value
				frappe.client.save(frappe.as_json(doc))
				self.assertEqual(self.stored(), self.before)

	def test_nor_their_rows(self):
		row = frappe.get_doc(SETTINGS).credit_release_roles[0]
		frappe.set_user(MANAGER)
		attacks = (
			lambda: frappe.client.set_value(row.doctype, row.name, "role", "Sales Manager"),
			lambda: frappe.client.delete(row.doctype, row.name),
			lambda: frappe.client.insert(
				{
					"doctype": row.doctype,
					"parent": SETTINGS,
					"parenttype": SETTINGS,
					"parentfield": row.parentfield,
					"role": "Sales Manager",
				}
			),
		)
		for attack in attacks:
			frappe.db.savepoint("attack")
			try:
				attack()
			except frappe.PermissionError:
				frappe.db.rollback(save_point="attack")
			self.assertEqual(self.stored(), self.before)

	def test_the_rest_is_theirs_and_they_read_all(self):
		frappe.set_user(MANAGER)
		frappe.client.set_value(SETTINGS, SETTINGS, "silent_deal_days", 21)
		self.assertEqual(frappe.db.get_single_value(SETTINGS, "silent_deal_days"), 21)
		shown = frappe.get_doc(SETTINGS)
		shown.apply_fieldlevel_read_permissions()
		self.assertEqual(shown.credit_release_roles[0].role, "Accounts Manager")

	def test_a_system_manager_does(self):
		f.make_user("roles-system@example.com", "System Manager")
		frappe.set_user("roles-system@example.com")
		frappe.client.set_value(SETTINGS, SETTINGS, "visibility_enabled", 1)
		self.assertEqual(frappe.db.get_single_value(SETTINGS, "visibility_enabled"), 1)


def row(role: str, rights: str = "read", permlevel: int = 0) -> Row:
	return Row(role, permlevel, 0, rights)


class TestRules(unittest.TestCase):
	"""No site needed."""

	standard = frozenset({row("A"), row("B", "read write")})
	ours = frozenset({row("Ours", "create read")})

	def on(self, now, known=NOTHING, standard=None, wanted=None):
		return plan(frozenset(now), standard or self.standard, wanted or self.ours, known)

	def off(self, now, known, standard=None, gone=()):
		return plan(frozenset(now), standard or self.standard, frozenset(), known, gone)

	def test_on_beside_the_standard_rows_and_off_without_a_trace(self):
		now, known = self.on(())
		self.assertEqual(now, self.standard | self.ours)
		self.assertEqual(self.on(now, known), (now, known))
		self.assertEqual(self.off(now, known), (frozenset(), NOTHING))

	def test_rows_a_site_had_stay_as_they_are(self):
		for had in ({row("A", "read write")}, self.standard):
			now, known = self.on(had)
			self.assertEqual(now, had | self.ours)
			self.assertEqual(self.off(now, known), (had, NOTHING))

	def test_what_an_administrator_changed_stays(self):
		now, known = self.on(())
		more = row("Ours", "create delete read")
		changed = now - self.ours | {more}
		self.assertEqual(self.on(changed, known)[0], changed)
		self.assertEqual(self.off(changed, known)[0], changed)
		given = now | {row("C")}
		self.assertEqual(self.on(given, known)[0], given)
		self.assertEqual(self.off(given, known)[0], self.standard | {row("C")})

	def test_what_an_administrator_took_away_is_not_put_again(self):
		other = frozenset({*self.ours, row("Ours too")})
		now, known = self.on((), wanted=other)
		less = now - self.ours
		for _time in range(2):
			less, known = self.on(less, known, wanted=other)
			self.assertEqual(less, now - self.ours)
		self.assertEqual(self.off(less, known), (frozenset(), NOTHING))

	def test_erpnexts_changes_and_ours_are_followed_while_on(self):
		now, known = self.on(())
		newer, wanted = frozenset({row("A", "read share")}), frozenset({row("Ours"), row("Ours too")})
		now, known = self.on(now, known, newer, wanted)
		self.assertEqual(now, newer | wanted)
		self.assertEqual(self.off(now, known, newer), (frozenset(), NOTHING))

	def test_a_rule_that_is_there_already_is_not_put_twice(self):
		wanted = frozenset({row("A", "read select"), *self.ours})
		self.assertEqual(self.on((), wanted=wanted)[0], self.standard | self.ours)

	def test_a_role_that_goes_takes_its_rules_along(self):
		now, known = self.on(())
		changed = now - self.ours | {row("Ours", "read")}
		self.assertEqual(self.off(changed, known, gone=("Ours",)), (frozenset(), NOTHING))

	def test_memory_survives_json(self):
		_now, known = self.on(())
		_now, own = self.on({row("A")})
		memories = {"Lead": known, "Item": own, "UOM": NOTHING}
		again = unpack(json.loads(json.dumps(pack(memories))))
		self.assertEqual(again, {"Lead": known, "Item": own})


def only(role: str) -> str:
	"""A user of the desk who has this role alone."""
	return f.make_user(f"roles-{role.lower().replace(' ', '-')}@example.com", role).name


class RolesTestCase(SiteTestCase):
	def setUp(self):
		super().setUp()
		self.switch(1)

	def tearDown(self):
		frappe.set_user("Administrator")
		touched = frappe.get_all(CUSTOM, pluck="parent", distinct=True)
		super().tearDown()
		frappe.clear_document_cache(SETTINGS, SETTINGS)
		roles._forget_caches(touched)

	def switch(self, on: int) -> None:
		settings = frappe.get_doc(SETTINGS)
		settings.roles_enabled = on
		settings.save()

	def rules(self) -> set[tuple]:
		fields = ["parent", "role", "permlevel", "if_owner", *(f"`{name}`" for name in rights)]
		return {tuple(one) for one in frappe.get_all(CUSTOM, fields=fields, as_list=True)}


class TestSwitching(RolesTestCase):
	def setUp(self):
		super().setUp()
		self.switch(0)
		self.before = self.rules()

	def test_on_and_off_leaves_nothing(self):
		self.assertEqual(self.before, set())
		self.switch(1)
		on = self.rules()
		self.assertLessEqual(set(RIGHTS["Salesperson"]), {one[0] for one in on if one[1] == "Salesperson"})
		frappe.clear_messages()
		roles.apply(True)
		roles.after_migrate()
		self.assertEqual(self.rules(), on)
		self.switch(0)
		self.assertEqual(self.rules(), set())
		self.assertEqual(frappe.get_message_log(), [])
		self.assertEqual(frappe.get_all("DefaultValue", {"parent": "crm_ext_role_rights"}), [])

	def test_a_manager_alone_sees_what_salespeople_see(self):
		"""ERPNext counts on other roles beside its Sales Manager."""
		self.switch(1)
		f.make_user("roles-manager-alone@example.com", "Sales Manager")
		frappe.set_user("roles-manager-alone@example.com")
		refused = [
			doctype
			for doctype in RIGHTS["Salesperson"]
			if not (frappe.has_permission(doctype, "select") or frappe.has_permission(doctype, "read"))
		]
		frappe.set_user("Administrator")
		self.assertEqual(refused, [])

	def test_others_keep_their_rights(self):
		"""The copies are the standard rows, right by right."""
		meta = {doctype: self.standard(doctype) for doctype in ("Lead", "Sales Order", "Customer", "Item")}
		self.switch(1)
		for doctype, expected in meta.items():
			found = {
				(one.role, one.permlevel, one.if_owner, *(one.get(name) for name in rights))
				for one in frappe.get_meta(doctype).permissions
				if one.role not in RIGHTS
			}
			self.assertEqual(found, expected, doctype)

	def standard(self, doctype: str) -> set[tuple]:
		rows = frappe.get_all(
			"DocPerm", {"parent": doctype, "role": ("not in", list(RIGHTS))}, ["*"], order_by=None
		)
		return {(one.role, one.permlevel, one.if_owner, *(one.get(name) for name in rights)) for one in rows}

	def test_every_rule_is_one_frappe_would_let_an_administrator_make(self):
		self.switch(1)
		for doctype in frappe.get_all(CUSTOM, pluck="parent", distinct=True):
			document = frappe.get_doc("DocType", doctype)
			document.permissions = frappe.get_meta(doctype).permissions
			given = [one.as_dict() for one in document.permissions]
			validate_permissions(document)
			self.assertEqual([one.as_dict() for one in document.permissions], given, doctype)

	def test_what_an_administrator_gave_stays_and_is_said(self):
		add_permission("Issue", "Salesperson")
		self.switch(1)
		update_permission_property("Lead", "Salesperson", 0, "delete", 1)
		remove("Prospect", "Salesperson", 0)
		roles.after_migrate()
		self.assertFalse(self.has("Prospect", "Salesperson"))
		frappe.clear_messages()
		self.switch(0)
		(message,) = frappe.get_message_log()
		self.assertIn("Salesperson: Issue, Salesperson: Lead", message["message"])
		self.assertEqual({one[0] for one in self.rules()}, {"Issue", "Lead"})
		self.assertTrue(self.has("Issue", "Salesperson"))

	def has(self, doctype: str, role: str) -> bool:
		return bool(frappe.db.exists(CUSTOM, {"parent": doctype, "role": role}))

	def test_uninstall_takes_roles_and_all_they_were_given(self):
		user = only("Collector")
		add_permission("Issue", "Salesperson")
		self.switch(1)
		update_permission_property("Lead", "Salesperson", 0, "delete", 1)
		self.remove_all()
		self.assertEqual(self.rules(), set())
		self.assertEqual(frappe.get_all("Role", {"name": ("in", ROLES)}), [])
		self.assertEqual(frappe.get_all("Has Role", {"role": ("in", ROLES)}), [])
		self.assertTrue(frappe.db.exists("User", user))
		self.assertEqual(frappe.get_all("DefaultValue", {"parent": ("like", "crm_ext_role%")}), [])
		roles.make()
		self.assertEqual(len(frappe.get_all("Role", {"name": ("in", ROLES)})), len(ROLES))

	def remove_all(self) -> None:
		"""As at uninstall, where our DocTypes are gone."""
		ours = frappe.get_all("DocType", {"module": "CRM Ext"}, pluck="name")
		frappe.db.delete("DocPerm", {"parent": ("in", ours)})
		roles.remove_all()

	def test_a_role_the_site_had_before_stays(self):
		roles._keep("crm_ext_roles", {"Salesperson": 1, "Sales Assistant": 1})
		self.remove_all()
		self.assertEqual(frappe.get_all("Role", {"name": ("in", ROLES)}, pluck="name"), ["Collector"])

	def test_a_role_that_was_deleted_comes_back_with_its_rights(self):
		frappe.delete_doc("Role", "Collector", force=True)
		self.switch(1)
		self.assertTrue(self.has("Dunning", "Collector"))
