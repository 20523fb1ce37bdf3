"""What My Day shows of deliveries: a section as those of `follow_ups.day`.

Only the person's own rows are asked about, so it costs the same however many orders the company has. What can be
delivered is therefore what the rows of others that are due earlier leave, without sharing out what comes in time.
"""

from datetime import date

import frappe
from frappe import _
from frappe.utils import cint, flt, formatdate, get_last_day_of_week, getdate

from crm_ext.follow_ups.day import View, section_of
from crm_ext.supply import availability, delivery_queries
from crm_ext.supply.delivery_rules import TINY
from crm_ext.supply.model import SERVICE, Availability, Need

# As many orders as a list can be opened with.
_MOST = 100


def deliveries_due(view: View) -> dict | None:
	"""Orders of the person with rows that are late, due today or due this week; with what is short and when it comes.

	`deliver` of a row: what to deliver from there, where something can be and the viewer may make delivery notes.
	"""
	if not frappe.has_permission("Sales Order", "read", user=view.viewer):
		return None
	until = getdate(get_last_day_of_week(view.today))
	found = delivery_queries.rows_of_person(view.user, until, view.visible("Sales Order"), _MOST)
	have = _availability(found, view.today)
	orders: dict[str, list] = {}
	for row in found:
		orders.setdefault(row.name, []).append(row)
	may_deliver = frappe.has_permission("Delivery Note", "create", user=view.viewer)
	rows = sorted((_order(rows, have, view.today) for rows in orders.values()), key=lambda row: row.due_on)
	section = section_of("deliveries_due", _("Deliveries Due"), "Sales Order", rows)
	for shown, row in zip(section["rows"], rows, strict=False):
		shown["deliver"] = row.deliver if may_deliver else None
	return section


def _availability(rows: list, today: date) -> dict[str, Availability]:
	"""Of the company whose orders are most pressing: each costs as many statements as a section may."""
	if not rows:
		return {}
	company = min(rows, key=lambda row: (row.due_on, row.name)).company
	needs = [
		Need(row.row_name, row.item_code, flt(row.open_qty), row.warehouse, row.deliver_on, row.row_name)
		for row in rows
		if row.company == company
	]
	return availability.read(company, needs, today)


def _order(rows: list, have: dict[str, Availability], today: date) -> "frappe._dict":
	first = rows[0]
	now = {row.row_name: _deliverable(row, have.get(row.row_name)) for row in rows}
	ready = [row.row_name for row in rows if now[row.row_name] > TINY]
	notes = [_when(first.due_on, today)]
	if first.row_name in have:
		notes.append(_what(rows, now, have, today))
	return frappe._dict(
		{
			"name": first.name,
			"party_type": "Customer",
			"party": first.customer,
			"party_name": first.customer_name,
			"amount": flt(sum(row.value for row in rows), 2),
			"currency": frappe.get_cached_value("Company", first.company, "default_currency"),
			"total": first.total,
			"note": " · ".join(notes),
			"due_on": first.due_on,
			"deliver": {"company": first.company, "rows": ready} if ready else None,
		}
	)


def _deliverable(row, have: Availability | None) -> float:
	"""Stock at hand that nobody ahead wants. Safety stock is there to be delivered."""
	if have is None:
		return 0.0
	if have.kind == SERVICE:
		return row.open_qty
	kept = row.safety_stock if cint(frappe.get_cached_doc("CRM Ext Settings").supply_safety_stock) else 0
	return max(0.0, min(row.open_qty, have.on_hand, have.available + kept))


def _when(due_on: date, today: date) -> str:
	days = (today - due_on).days
	if days > 0:
		return _("1 day late") if days == 1 else _("{0} days late").format(days)
	return _("Due on {0}").format(formatdate(due_on)) if days else _("Due today")


def _what(rows: list, now: dict[str, float], have: dict[str, Availability], today: date) -> str:
	short = [row for row in rows if row.open_qty - now[row.row_name] > TINY]
	if not short:
		return _("all can be delivered now")
	days = [have[row.row_name].promise_on for row in short]
	last = None if None in days else max(days)
	if last and last > today:
		comes = _("comes on {0}").format(formatdate(last))
	else:
		comes = _("expected any day") if last else _("nobody knows when it comes")
	if len(short) > 1:
		return _("{0} of {1} rows short").format(len(short), len(rows)) + ", " + comes
	(row,) = short
	missing = f"{flt(row.open_qty - now[row.row_name], 3):.12g} {_(row.stock_uom)}"
	return _("short of {0}: {1}").format(row.item_name or row.item_code, missing) + ", " + comes


SECTIONS = (deliveries_due,)
