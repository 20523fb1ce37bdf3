"""What tests of the credit gate share: the gate switched on, policies, people who sell and who release."""

import frappe
from frappe.utils import add_days, nowdate

from crm_ext.receivables import releases
from crm_ext.tests import factories as f

SETTINGS = "CRM Ext Settings"
ASSISTANT, BOSS, OTHER = (f"credit-{who}@example.com" for who in ("assistant", "boss", "other"))


def switch_on(strict: bool = True, roles: tuple[tuple[str, float], ...] = ()) -> None:
	settings = frappe.get_single(SETTINGS)
	settings.update({"credit_gate_enabled": 1, "credit_strict": int(strict)})
	settings.set("credit_release_roles", [{"role": role, "up_to_amount": most} for role, most in roles])
	settings.save(ignore_permissions=True)


def make_people() -> None:
	f.make_user(ASSISTANT, "Sales User")
	f.make_user(BOSS, "Accounts Manager", "Accounts User")
	f.make_user(OTHER, "Sales Manager", "Sales User")


def make_policy(customer: str | None = None, group: str | None = None, company: str = f.COMPANY, **checks):
	"""A policy of a customer, a group or a company: limit, overdue_amount, overdue_days, promises; None switches off."""
	names = {
		"limit": ("check_limit", "credit_limit"),
		"overdue_amount": ("check_overdue_amount", "max_overdue_amount"),
		"overdue_days": ("check_overdue_days", "max_overdue_days"),
		"promises": ("check_promises", "max_broken_promises"),
	}
	values = {}
	for name, most in checks.items():
		switch, field = names[name]
		values |= {switch: "Off"} if most is None else {switch: "On", field: most}
	applies_to = "Customer" if customer else "Customer Group" if group else "Company"
	return frappe.get_doc(
		{
			"doctype": "Credit Policy",
			"company": company,
			"applies_to": applies_to,
			"customer": customer,
			"customer_group": group,
			**values,
		}
	).insert(ignore_permissions=True)


def draft(customer: str, amount: float, **values):
	"""A draft order worth so much, of a service."""
	return f.make_sales_order(customer=customer, rows=((f.SERVICE, 1, amount),), submit=False, **values)


def order(customer: str, amount: float, **values):
	return draft(customer, amount, **values).submit()


def invoice(customer: str, amount: float, overdue: int = 0, **values):
	"""An invoice that has been overdue for so many days; due today by default."""
	return f.make_direct_invoice(
		customer=customer,
		rows=((f.SERVICE, 1, amount),),
		set_posting_time=1,
		posting_date=add_days(nowdate(), -overdue - 1),
		due_date=add_days(nowdate(), -overdue),
		**values,
	)


def release(amount: float, order=None, customer: str | None = None, user: str = BOSS, **values):
	"""A submitted release, given by `user`."""
	before = frappe.session.user
	frappe.set_user(user)
	try:
		about = {"sales_order": order.name} if order else {"company": f.COMPANY}
		if customer:
			about["customer"] = customer
		return releases.make({**about, "amount": amount, **values})
	finally:
		frappe.set_user(before)
