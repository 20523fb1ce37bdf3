"""What My Day shows of receivables: sections as those of `follow_ups.day`."""

import frappe
from frappe import _
from frappe.utils import formatdate

from crm_ext.follow_ups.day import View, section_of
from crm_ext.receivables import collecting

# Days ahead money counts as falling due.
_AHEAD = 7


def receivables_due(view: View) -> dict | None:
	"""Customers the person cares for whose money is overdue or falls due within a week; those worth a call first.

	What needs no call stays out: promised wholly, contacted in the last days, or planned already.
	"""
	if not _may_read(view, "Customer", "Sales Invoice"):
		return None
	rows = collecting.read(user=view.user, viewer=view.viewer, today=view.today, ahead=_AHEAD)
	rows = [row for row in rows if not row.next_follow_up_on and (row.worth or row.overdue < row.due)]
	for row in rows:
		row.update(
			{
				"name": row.customer,
				"party_type": "Customer",
				"party": row.customer,
				"party_name": row.customer_name,
				"amount": row.due,
				"total": len(rows),
				"note": _note(row, view),
			}
		)
	return section_of("receivables_due", _("Receivables Due"), "Customer", rows)


def _note(row, view: View) -> str:
	days = (view.today - row.oldest_on).days if row.oldest_on else 0
	if days > 0:
		due = _("Overdue for {0} days").format(days)
	elif not days:
		due = _("Due today")
	else:
		due = _("Due on {0}").format(formatdate(row.oldest_on))
	return f"{row.company} · {due}"


def promises_due(view: View) -> dict | None:
	"""Open promises the person is responsible for, whose day has come or passed and whose money has not."""
	if not _may_read(view, "Payment Promise"):
		return None
	rows = frappe.db.sql(
		f"""SELECT `tabPayment Promise`.name, 'Customer' AS party_type, `tabPayment Promise`.customer AS party,
			`tabPayment Promise`.customer_name AS party_name, `tabPayment Promise`.missing_amount AS amount,
			`tabPayment Promise`.currency, `tabPayment Promise`.pay_by, COUNT(*) OVER () AS total
		FROM `tabPayment Promise`
		WHERE `tabPayment Promise`.status = 'Open' AND `tabPayment Promise`.pay_by <= %(today)s
			AND `tabPayment Promise`.responsible = %(user)s{view.visible("Payment Promise")}
		ORDER BY `tabPayment Promise`.pay_by, `tabPayment Promise`.name LIMIT 100""",
		{"today": view.today, "user": view.user},
		as_dict=True,
	)
	for row in rows:
		today = row.pay_by == view.today
		row.note = _("Promised for today") if today else _("Promised for {0}").format(formatdate(row.pay_by))
	return section_of("promises_due", _("Promises Due"), "Payment Promise", rows)


def _may_read(view: View, *doctypes: str) -> bool:
	return all(frappe.has_permission(doctype, "read", user=view.viewer) for doctype in doctypes)


SECTIONS = (receivables_due, promises_due)
