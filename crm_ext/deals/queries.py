"""Reading deals: what forms, reports and endpoints share. Every query here respects who may see which deal."""

from datetime import date

import frappe
from frappe.utils import date_diff, flt, getdate, nowdate

from crm_ext.constants.custom_fields import BUYING_LINK_AFTER, DEAL_LINK_AFTER
from crm_ext.deals.figures import MILESTONES
from crm_ext.permissions import deal_conditions, readable


def _visible(user: str | None = None) -> str:
	conditions = deal_conditions(user)
	# Goes into queries with parameters, where a per cent sign in a value must not be read as one.
	return f" AND ({conditions.replace('%', '%%')})" if conditions else ""


def deals_of(doctype: str, name: str) -> list[dict]:
	"""Deals a voucher or receipt belongs to, as the user may see them, largest share first; the deal chosen on a
	draft, without a share."""
	deals = _deals_by_ledger(doctype, name)
	if not deals and doctype in DEAL_LINK_AFTER | BUYING_LINK_AFTER:
		deals = _deal_chosen(doctype, name)
	return deals


def _deals_by_ledger(doctype: str, name: str) -> list[dict]:
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


def _deal_chosen(doctype: str, name: str) -> list[dict]:
	return frappe.db.sql(
		f"""SELECT `tabDeal`.name, `tabDeal`.stage, s.color, `tabDeal`.status, `tabDeal`.amount,
			`tabDeal`.currency, NULL share
		FROM `tab{doctype}` v
		JOIN `tabDeal` ON `tabDeal`.name = v.deal
		LEFT JOIN `tabDeal Stage` s ON s.name = `tabDeal`.stage
		WHERE v.name = %(name)s{_visible()}""",
		{"name": name},
		as_dict=True,
	)


def deal_way(deal: str) -> dict:
	"""The strip and the vouchers of one deal; the caller has checked the permission.

	Returns {"steps": [{"stage", "color", "kind", "date", "amount", "days", "days_here", "reached", "current"}],
	"missing": what is open now ({"to_deliver", "to_invoice", "to_pay"} in company currency, over 0), "vouchers":
	ledger rows with the vouchers' own amounts, "currency": the company's}. `days` is the time from the step
	before; `days_here` the time in the current one, while the deal is under way. "modified" tells a form that holds
	an older deal.
	"""
	doc = frappe.db.get_value("Deal", deal, "*", as_dict=True)
	steps, before = [], None
	for stage, day in _days_of_stages(doc):
		amount_field = MILESTONES.get(stage.reached_by, (None, None))[1]
		current = stage.name == doc.stage
		steps.append(
			{
				"stage": stage.name,
				"color": stage.color,
				"kind": stage.kind,
				"date": day,
				"amount": flt(doc[amount_field]) if amount_field else None,
				"days": max(0, date_diff(day, before)) if day and before else None,
				"days_here": _days_here(doc) if current else None,
				"reached": bool(day),
				"current": current,
			}
		)
		before = day or before
	return {
		"steps": steps,
		"missing": missing(doc),
		"vouchers": vouchers_of(deal),
		"currency": doc.currency,
		"modified": doc.modified,
	}


def _days_of_stages(doc: dict) -> list[tuple[dict, date | None]]:
	"""Stages a deal goes through, with the day it reached them: every stage that vouchers reach, of the others
	those the deal was in. Lost only while it is."""
	stages = frappe.get_all(
		"Deal Stage", fields=["name", "color", "kind", "reached_by"], order_by="sequence, name"
	)
	changes = frappe.get_all(
		"Deal Stage Change",
		filters={"deal": doc.name},
		fields=["to_stage", "changed_on"],
		order_by="changed_on",
	)
	entered = {change.to_stage: getdate(change.changed_on) for change in changes}
	found = []
	for stage in stages:
		if stage.reached_by in MILESTONES:
			found.append((stage, doc[MILESTONES[stage.reached_by][0]]))
		elif stage.name == doc.stage or (stage.name in entered and stage.kind != "Lost"):
			found.append((stage, entered.get(stage.name)))
	return found


def _days_here(doc: dict) -> int | None:
	return None if doc.closed_on or not doc.stage_since else max(0, date_diff(nowdate(), doc.stage_since))


def count_rotting(company: str | None = None) -> int:
	"""Deals under way, paid and lost ones aside, that are in their stage for more days than it allows."""
	of_company = " AND `tabDeal`.company = %(company)s" if company else ""
	((count,),) = frappe.db.sql(
		f"""SELECT COUNT(*) FROM `tabDeal` JOIN `tabDeal Stage` s ON s.name = `tabDeal`.stage
		WHERE `tabDeal`.status IN ('Open', 'Won') AND `tabDeal`.closed_on IS NULL AND s.rotting_days > 0
			AND DATEDIFF(%(today)s, `tabDeal`.stage_since) > s.rotting_days{of_company}{_visible()}""",
		{"company": company, "today": nowdate()},
	)
	return count


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
	"""Ledger rows of a deal by stage and date; only vouchers the user may read."""
	rows = frappe.db.sql(
		"""SELECT e.stage, s.color, e.voucher_type, e.voucher_no, e.posting_date, e.amount, e.currency,
			e.voucher_currency, e.voucher_amount, e.is_cancelled
		FROM `tabDeal Ledger Entry` e JOIN `tabDeal Stage` s ON s.name = e.stage
		WHERE e.deal = %s ORDER BY s.sequence, e.posting_date, e.voucher_no""",
		(deal,),
		as_dict=True,
	)
	seen = readable((row.voucher_type, row.voucher_no) for row in rows)
	return [row for row in rows if (row.voucher_type, row.voucher_no) in seen]
