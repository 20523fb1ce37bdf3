"""Records the app ships and users then own: seeded skip-if-exists, never overwritten by a migrate."""

import json

import frappe

from crm_ext.constants.follow_up_rules import FOLLOW_UP_RULES
from crm_ext.constants.stages import STAGE_MAP, STAGES


def seed() -> None:
	"""Create the stages on a site that has none, the stage map where it is empty, and the board."""
	if not frappe.db.count("Deal Stage"):
		_seed_stages()
	_seed_settings()
	_seed_kanban()
	seed_follow_ups()


def seed_follow_ups() -> None:
	"""Switches, rules and board of follow ups; by the installation, or once by a patch. What is there stays."""
	set_missing_switches()
	_seed_rules()
	_seed_follow_up_board()


def seed_promises() -> None:
	"""Switches and rule of promises to pay, on a site that had follow ups before; once by a patch."""
	set_missing_switches()
	_seed_rules("Broken Promise")


def set_missing_switches() -> None:
	"""A Single that was saved before does not know the defaults of fields that came later."""
	known = frappe.db.get_singles_dict("CRM Ext Settings")
	settings = frappe.get_single("CRM Ext Settings")
	for field in settings.meta.fields:
		if field.default and field.fieldname not in known:
			settings.set(field.fieldname, field.default)
	settings.save(ignore_permissions=True)


def _seed_rules(*titles: str) -> None:
	"""Rules of these titles, or all."""
	for rule in FOLLOW_UP_RULES:
		if titles and rule["title"] not in titles:
			continue
		if frappe.db.exists("Follow Up Rule", rule["title"]):
			continue
		steps = [
			{"days": days, "timing": timing, "channel": channel, "subject": subject}
			for days, timing, channel, subject in rule["steps"]
		]
		values = {**rule, "doctype": "Follow Up Rule", "steps": steps, "filters": json.dumps(rule["filters"])}
		frappe.get_doc(values).insert(ignore_permissions=True)


def _seed_follow_up_board() -> None:
	if frappe.db.exists("Kanban Board", "Follow Ups"):
		return
	frappe.get_doc(
		{
			"doctype": "Kanban Board",
			"kanban_board_name": "Follow Ups",
			"reference_doctype": "Follow Up",
			"field_name": "status",
			"fields": '["party_name", "due_date", "channel", "responsible"]',
			"show_labels": 1,
			"columns": [
				{"column_name": "Open", "status": "Active", "indicator": "Orange"},
				{"column_name": "Done", "status": "Active", "indicator": "Green"},
				{"column_name": "Cancelled", "status": "Archived", "indicator": "Gray"},
			],
		}
	).insert(ignore_permissions=True)


def _seed_stages() -> None:
	for name, sequence, kind, reached_by, probability, rotting_days, color in STAGES:
		frappe.get_doc(
			{
				"doctype": "Deal Stage",
				"stage_name": name,
				"sequence": sequence,
				"kind": kind,
				"reached_by": reached_by,
				"probability": probability,
				"rotting_days": rotting_days,
				"color": color,
			}
		).insert(ignore_permissions=True)


def _seed_settings() -> None:
	settings = frappe.get_single("CRM Ext Settings")
	if settings.stage_map:
		return
	# A Single that was never saved has no defaults in the database.
	settings.update({"deals_enabled": 1, "nightly_check": 1})
	for field in settings.meta.get("fields", {"fieldtype": "Time"}):
		# Frappe gives a new document the present time, whatever the default says.
		settings.set(field.fieldname, field.default)
	for document_type, fieldname, value, stage in STAGE_MAP:
		if frappe.db.exists("Deal Stage", stage):
			settings.append(
				"stage_map",
				{"document_type": document_type, "fieldname": fieldname, "value": value, "stage": stage},
			)
	settings.save(ignore_permissions=True)


def _seed_kanban() -> None:
	if frappe.db.exists("Kanban Board", "Deals by Stage"):
		return
	colors = {"blue": "Blue", "cyan": "Cyan", "gray": "Gray", "green": "Green", "orange": "Orange"}
	colors |= {"pink": "Pink", "purple": "Purple", "red": "Red", "yellow": "Yellow"}
	stages = frappe.get_all("Deal Stage", fields=["name", "color", "kind", "reached_by"], order_by="sequence")
	frappe.get_doc(
		{
			"doctype": "Kanban Board",
			"kanban_board_name": "Deals by Stage",
			"reference_doctype": "Deal",
			"field_name": "stage",
			"fields": '["amount", "owner_user", "stage_since"]',
			# A board loads every deal it shows; what is closed would make it slower each year.
			"filters": '[["Deal", "closed_on", "is", "not set", false]]',
			"show_labels": 1,
			"columns": [
				{
					"column_name": stage.name,
					"status": "Archived"
					if stage.kind == "Lost" or stage.reached_by == "Payment"
					else "Active",
					"indicator": colors.get(stage.color, "Gray"),
				}
				for stage in stages
			],
		}
	).insert(ignore_permissions=True)
