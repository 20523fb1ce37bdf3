"""Users, employees, their holidays, their place in the tree of salespeople and who stands in for them."""

import frappe
from frappe.utils import add_days, getdate, nowdate

from crm_ext.tests.factories.site import COMPANY, unique


def make_user(email: str, *roles: str, **values):
	if frappe.db.exists("User", email):
		user = frappe.get_doc("User", email)
	else:
		# Frappe stops whoever makes more than 60 users in an hour; the tests of this app together come near that.
		frappe.conf.throttle_user_limit = 10_000
		user = frappe.get_doc(
			{
				"doctype": "User",
				"email": email,
				"first_name": email.split("@")[0],
				"send_welcome_email": 0,
				**values,
			}
		).insert(ignore_permissions=True)
	user.add_roles(*roles)
	return user


def make_employee(
	user: str,
	reports_to: str | None = None,
	holiday_list: str | None = None,
	company: str = COMPANY,
	**values,
):
	"""The active employee of a user; `reports_to` is an employee's name. Changed where there is one already."""
	name = frappe.db.get_value("Employee", {"user_id": user})
	employee = frappe.get_doc("Employee", name) if name else frappe.new_doc("Employee")
	employee.update(
		{
			"first_name": user.split("@")[0],
			"company": company,
			"create_user_permission": 0,
			"date_of_birth": "1990-01-01",
			"date_of_joining": "2020-01-01",
			"gender": "Female",
			"holiday_list": holiday_list,
			"reports_to": reports_to,
			"status": "Active",
			"user_id": user,
			**values,
		}
	)
	return employee.save(ignore_permissions=True)


def make_sales_person(user: str | None = None, parent: str = "Sales Team", **values):
	"""A node of the tree: somebody who sells or, without user, a name."""
	return frappe.get_doc(
		{
			"doctype": "Sales Person",
			"sales_person_name": unique("Seller"),
			"parent_sales_person": parent,
			"employee": make_employee(user).name if user else None,
			**values,
		}
	).insert(ignore_permissions=True)


def make_stand_in(user: str, other: str, first: int = 0, last: int = 0):
	"""`other` stands in for `user` from so many days from today to so many."""
	return frappe.get_doc(
		{
			"doctype": "Stand In",
			"user": user,
			"stand_in": other,
			"from_date": add_days(nowdate(), first),
			"to_date": add_days(nowdate(), last),
		}
	).insert()


def make_holiday_list(*days, weekly_off: tuple[str, ...] = ("Saturday", "Sunday"), year: int | None = None):
	"""Holidays of one year (this one by default) and its weekly days off."""
	year = year or getdate(nowdate()).year
	holidays = frappe.get_doc(
		{
			"doctype": "Holiday List",
			"holiday_list_name": unique("Holidays"),
			"from_date": f"{year}-01-01",
			"to_date": f"{year + 1}-12-31",
		}
	)
	for day in weekly_off:
		holidays.weekly_off = day
		holidays.get_weekly_off_dates()
	known = {getdate(row.holiday_date) for row in holidays.holidays}
	for day in days:
		if getdate(day) not in known:
			holidays.append("holidays", {"holiday_date": day, "description": "Closed"})
	return holidays.insert(ignore_permissions=True)
