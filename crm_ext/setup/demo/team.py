"""Roles with their rights. Who sees what: salespeople their part of the tree, the assistant that of the team, the manager
everything. And who stands in for whom."""

from datetime import date, timedelta

import frappe

from crm_ext.constants.roles import SALES_ASSISTANT, SALESPERSON
from crm_ext.constants.visibility import ALL, BRANCH, OWN_AND_BELOW
from crm_ext.setup.demo import data, diary


def switch_roles_on() -> None:
	"""After the year of selling, which was done with ERPNext's roles. Safe to run again."""
	settings = frappe.get_doc("CRM Ext Settings")
	settings.roles_enabled = 1
	settings.save()
	frappe.db.commit()  # a step of its own: a killed run goes on after it


def make(last: date) -> None:
	"""Once, at the end: the year of selling was done by people who saw everything."""
	if diary.recall("team"):
		return
	anna, ben, clara, david = data.SALES
	with diary.acting(data.MANAGER.user, last):
		_stand_in(ben, anna, last, last + timedelta(6))
		_stand_in(data.MANAGER, clara, last + timedelta(14), last + timedelta(25))
	# Quotes, and leaves the orders to the office.
	user = frappe.get_doc("User", david.user)
	user.remove_roles("Sales User")
	user.add_roles(SALESPERSON)
	settings = frappe.get_doc("CRM Ext Settings")
	settings.update({"visibility_enabled": 1, "visibility_scope": OWN_AND_BELOW})
	settings.append("visibility_rules", {"role": "Sales Manager", "scope": ALL})
	settings.append("visibility_rules", {"role": SALES_ASSISTANT, "scope": BRANCH})
	settings.save()
	diary.note("team", True)
	frappe.db.commit()  # a step of its own: a killed run goes on after it


def _stand_in(absent: data.Person, stand_in: data.Person, first: date, last: date) -> None:
	frappe.get_doc(
		{
			"doctype": "Stand In",
			"user": absent.user,
			"stand_in": stand_in.user,
			"from_date": first,
			"to_date": last,
		}
	).insert()
