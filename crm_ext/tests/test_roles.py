"""Who may set what in the settings, and what each of the app's roles may do."""

import frappe

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
