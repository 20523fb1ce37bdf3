"""Apply and remove what the app puts on ERPNext's DocTypes, from one declaration (constants/custom_fields.py)."""

import frappe
from frappe.custom.doctype.custom_field.custom_field import create_custom_fields

from crm_ext.constants.custom_fields import CUSTOM_FIELDS, INDEXES, MODULE
from crm_ext.hierarchy import indexes as visibility_indexes


def apply() -> None:
	"""Create or update our custom fields and indexes. Safe to run again."""
	create_custom_fields(
		{
			doctype: [{**field, "module": MODULE} for field in fields]
			for doctype, fields in CUSTOM_FIELDS.items()
		},
		ignore_validate=True,
	)
	for doctype, name, columns in INDEXES:
		frappe.db.add_index(doctype, columns, name)
	visibility_indexes.keep()


def remove() -> None:
	"""Take our fields, their columns and our indexes off ERPNext's DocTypes. Safe to run again."""
	visibility_indexes.remove()
	for doctype, fields in CUSTOM_FIELDS.items():
		names = [field["fieldname"] for field in fields]
		frappe.db.delete("Custom Field", {"dt": doctype, "fieldname": ("in", names), "module": MODULE})
		frappe.db.delete("Property Setter", {"doc_type": doctype, "field_name": ("in", names)})
		frappe.clear_cache(doctype=doctype)
		# Frappe keeps the columns of a removed field; a later install must not find last year's links in them.
		for column in set(names) & set(frappe.db.get_table_columns(doctype)):
			frappe.db.sql_ddl(f"ALTER TABLE `tab{doctype}` DROP COLUMN `{column}`")
	for doctype, name, _columns in INDEXES:
		if frappe.db.has_index(f"tab{doctype}", name):
			frappe.db.sql_ddl(f"ALTER TABLE `tab{doctype}` DROP INDEX `{name}`")
