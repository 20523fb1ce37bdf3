"""Reading deals: what forms, reports and endpoints share. Every query here respects who may see which deal."""

import frappe
from frappe.utils import date_diff, flt, getdate, nowdate

from crm_ext.deals.figures import MILESTONES
from crm_ext.permissions import deal_conditions


def _visible(user: str | None = None) -> str:
	conditions = deal_conditions(user)
	return f" AND ({conditions})" if conditions else ""


def deals_of(doctype: str, name: str) -> list[dict]:
	"""Deals a voucher, receipt or draft belongs to, as the user may see them, largest share first."""
	return frappe.db.sql(
		f"""SELECT `tabDeal`.name, `tabDeal`.stage, s.color, `tabDeal`.status, `tabDeal`.amount,
			`tabDeal`.currency, e.share
		FROM (
			SELECT deal, MAX(amount) share FROM `tabDeal Ledger Entry`
			WHERE voucher_type = %(doctype)s AND voucher_no = %(name)s GROUP BY deal
		) e
		JOIN `tabDeal` ON `tabDeal`.name = e.deal
		LEFT JOIN `tabDeal Stage` s ON s.name = `tabDeal`.stage
		WHERE 1 = 1{_visible()}
		ORDER BY e.share DESC, `tabDeal`.name""",
		{"doctype": doctype, "name": name},
		as_dict=True,
	)


def deal_way(deal: str) -> dict:
	"""The strip and the vouchers of one deal; the caller has checked the permission.

	Returns {"steps": [{"kind", "stage", "color", "date", "amount", "days", "reached", "current"}], "missing":
	what is open now ({"to_deliver", "to_invoice", "to_pay"} in company currency, over 0), "vouchers": ledger rows
	with the vouchers' own amounts}. `days` is the time from the step before, or until today for the current one.
	"""
	doc = frappe.db.get_value("Deal", deal, "*", as_dict=True)
	stages = frappe.get_all(
		"Deal Stage", fields=["name", "color", "reached_by", "sequence"], order_by="sequence"
	)
	history = {
		row.to_stage: row.changed_on
		for row in frappe.get_all(
			"Deal Stage Change",
			filters={"deal": deal},
			fields=["to_stage", "changed_on"],
			order_by="changed_on",
		)
	}
	steps, before = [], None
	for stage in stages:
		on, amount_field = MILESTONES.get(stage.reached_by, (None, None))
		day = doc[on] if on else history.get(stage.name)
		reached = bool(day) and (
			bool(on) or stage.name == doc.stage or not doc.closed_on or doc.status != "Lost"
		)
		if not (on or reached):
			continue  # a stage of the stage map that this deal never saw
		day = getdate(day) if day else None
		days = max(0, date_diff(day, before)) if day and before else None
		current = stage.name == doc.stage
		steps.append(
			{
				"kind": stage.reached_by,
				"stage": stage.name,
				"color": stage.color,
				"date": day,
				"amount": flt(doc[amount_field]) if amount_field else None,
				"days": days,
				"days_here": max(0, date_diff(nowdate(), doc.stage_since))
				if current and doc.stage_since
				else None,
				"reached": bool(day),
				"current": current,
			}
		)
		before = day or before
	return {"steps": steps, "missing": missing(doc), "vouchers": vouchers_of(deal), "currency": doc.currency}


def missing(deal: dict) -> dict:
	"""What is still to be delivered, invoiced and paid of what was ordered, in company currency."""
	if deal["status"] in ("Lost", "Cancelled"):
		return {}
	ordered, invoiced = flt(deal["ordered_amount"]), flt(deal["invoiced_amount"])
	open_amounts = {
		"to_deliver": ordered - flt(deal["delivered_amount"]) if deal["delivered_on"] or ordered else 0,
		"to_invoice": ordered - invoiced,
		"to_pay": max(ordered, invoiced) - flt(deal["paid_amount"]),
	}
	return {key: amount for key, amount in open_amounts.items() if amount > 0.005}


def vouchers_of(deal: str) -> list[dict]:
	"""Ledger rows of a deal by stage and date; only vouchers of DocTypes the user may read."""
	rows = frappe.db.sql(
		"""SELECT e.stage, e.voucher_type, e.voucher_no, e.posting_date, e.amount, e.currency, e.voucher_currency,
			e.voucher_amount, e.is_cancelled
		FROM `tabDeal Ledger Entry` e JOIN `tabDeal Stage` s ON s.name = e.stage
		WHERE e.deal = %s ORDER BY s.sequence, e.posting_date, e.voucher_no""",
		(deal,),
		as_dict=True,
	)
	readable = {
		doctype: frappe.has_permission(doctype, "read") for doctype in {row.voucher_type for row in rows}
	}
	return [row for row in rows if readable[row.voucher_type]]
