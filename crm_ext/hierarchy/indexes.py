"""The indexes and the column that lists of who sees only a part are read by. There while visibility is switched on."""

import frappe
from frappe.utils import cint

from crm_ext.constants.visibility import (
	HOLDER_COLUMN,
	HOLDER_DOCTYPES,
	HOLDERS,
	INDEXES,
	TERRITORY_INDEXES,
)
from crm_ext.hierarchy import world

# Whoever uses the table waits behind a change that waits itself: rather give up, and try again with the next migrate.
_WAIT_SECONDS = 20


def follow(settings) -> None:
	"""CRM Ext Settings were saved: what the switches ask for is made, or dropped, in the background."""
	if settings.has_value_changed("visibility_enabled") or settings.has_value_changed(
		"visibility_territories"
	):
		frappe.enqueue(
			"crm_ext.tasks.keep_visibility_indexes",
			queue="long",
			timeout=3600,
			enqueue_after_commit=True,
		)


def keep() -> None:
	"""Make and drop as the settings say. Commits. Safe to run again."""
	settings = frappe.get_single("CRM Ext Settings")
	enabled = cint(settings.get("visibility_enabled"))
	wanted = set()
	if enabled:
		wanted = set(_keys(INDEXES))
		if cint(settings.get("visibility_territories")):
			wanted |= set(_keys(TERRITORY_INDEXES))
	for doctype, name, columns in (*INDEXES, *TERRITORY_INDEXES):
		exists = frappe.db.has_index(f"tab{doctype}", name)
		if (doctype, name) in wanted and not exists:
			_alter(doctype, f"ADD INDEX {name} ({', '.join(columns)})")
		elif exists and (doctype, name) not in wanted:
			_alter(doctype, f"DROP INDEX {name}")
	for doctype in HOLDER_DOCTYPES:
		exists = frappe.db.has_index(f"tab{doctype}", HOLDER_COLUMN)
		if enabled and not exists:
			_alter(
				doctype,
				f"""ADD COLUMN {HOLDER_COLUMN} varchar(140)
				GENERATED ALWAYS AS (COALESCE(NULLIF({HOLDERS[doctype].user}, ''), owner)) VIRTUAL INVISIBLE,
				ADD INDEX {HOLDER_COLUMN} ({HOLDER_COLUMN}, modified)""",
			)
		elif exists and not enabled:
			_drop_holder(doctype)
	world.clear()


def remove() -> None:
	"""Take all of it away, whatever the settings say. Commits. Safe to run again."""
	for doctype, name, _columns in (*INDEXES, *TERRITORY_INDEXES):
		if frappe.db.table_exists(doctype, cached=False) and frappe.db.has_index(f"tab{doctype}", name):
			_alter(doctype, f"DROP INDEX {name}")
	for doctype in HOLDER_DOCTYPES:
		if frappe.db.has_index(f"tab{doctype}", HOLDER_COLUMN):
			_drop_holder(doctype)
	world.clear()


def _drop_holder(doctype: str) -> None:
	_alter(doctype, f"DROP INDEX {HOLDER_COLUMN}, DROP COLUMN {HOLDER_COLUMN}")


def _keys(indexes: list[tuple[str, str, list[str]]]) -> list[tuple[str, str]]:
	return [(doctype, name) for doctype, name, _columns in indexes]


def _alter(doctype: str, change: str) -> None:
	frappe.db.sql_ddl(f"ALTER TABLE `tab{doctype}` WAIT {_WAIT_SECONDS} {change}")
	frappe.cache.hdel("table_columns", f"tab{doctype}")
