"""From the lead to the quotation."""

from datetime import timedelta

import frappe
from erpnext.crm.doctype.lead import lead as erpnext_lead
from erpnext.crm.doctype.opportunity import opportunity as erpnext_opportunity
from frappe.model.document import Document
from frappe.utils import flt

from crm_ext.setup.demo import data
from crm_ext.setup.demo.work import Action, Work, amended, customer_of, export, rate_of, submit

VALID_DAYS = 30


def _lead(work: Work) -> None:
	lead = work.story.lead
	doc = frappe.get_doc(
		{
			"doctype": "Lead",
			"first_name": lead.first_name,
			"last_name": lead.last_name,
			"company_name": lead.company_name,
			"email_id": lead.email,
			"source": lead.source,
			"campaign_name": lead.campaign,
			"industry": lead.industry,
			"territory": lead.territory,
			"no_of_employees": lead.employees,
			"lead_owner": data.SALES[work.story.seller].user,
			"company": work.company,
			"status": "Open",
		}
	)
	work.names["lead"] = doc.insert().name


def _contact(work: Work) -> None:
	lead = work.get("Lead", "lead")
	lead.status, lead.qualification_status = "Replied", "In Process"
	lead.add_note(work.story.lead.contacted_note)  # saves


def _qualify(work: Work) -> None:
	lead = work.get("Lead", "lead")
	lead.update(
		{
			"status": "Interested",
			"qualification_status": "Qualified",
			"qualified_by": data.SALES[work.story.seller].user,
			"qualified_on": work.day,
		}
	)
	lead.save()


def _drop_lead(work: Work) -> None:
	lead = work.get("Lead", "lead")
	lead.status, lead.qualification_status = "Do Not Contact", "Unqualified"
	lead.save()


def _opportunity(work: Work) -> None:
	doc = _opportunity_with_customer(work) if customer_of(work) else _opportunity_with_lead(work)
	doc.update(
		{
			"transaction_date": work.day,
			"company": work.company,
			"currency": work.currency,
			"opportunity_owner": data.SALES[work.story.seller].user,
			"expected_closing": work.day + timedelta(work.args["close_in"]),
			"sales_stage": work.args["sales_stage"],
			"opportunity_type": "Sales",
		}
	)
	for code, quantity in work.story.items:
		rate = flt(data.GOODS[code].selling / rate_of(work.currency, work), 2)
		doc.append("items", {"item_code": code, "qty": quantity, "rate": rate, "uom": "Nos"})
	doc.opportunity_amount = sum(flt(row.qty * row.rate, 2) for row in doc.items)
	work.names["opportunity"] = doc.insert().name


def _opportunity_with_lead(work: Work) -> Document:
	lead_of = work.story.lead_of
	return erpnext_lead.make_opportunity((work.names if lead_of is None else work.others(lead_of))["lead"])


def _opportunity_with_customer(work: Work) -> Document:
	return frappe.get_doc(
		{
			"doctype": "Opportunity",
			"opportunity_from": "Customer",
			"party_name": customer_of(work),
			"source": "Existing Customer",
			"territory": frappe.db.get_value("Customer", customer_of(work), "territory") or data.HOME[0],
		}
	)


def _lose_opportunity(work: Work) -> None:
	work.get("Opportunity", "opportunity").declare_enquiry_lost(*_lost(work))


def _lost(work: Work) -> tuple[list[dict], list[dict]]:
	competitor = work.args["competitor"]
	return [{"lost_reason": work.args["reason"]}], [{"competitor": competitor}] if competitor else []


def _quote(work: Work) -> None:
	doc = erpnext_opportunity.make_quotation(work.names["opportunity"])
	doc.update({"transaction_date": work.day, "valid_till": work.day + timedelta(VALID_DAYS)})
	doc.additional_discount_percentage = work.args["discount"]
	export(doc, work)
	work.names["quotation"] = submit(doc)


def _amend_quotation(work: Work) -> None:
	doc = amended(work.get("Quotation", "quotation"))
	doc.update({"transaction_date": work.day, "valid_till": work.day + timedelta(VALID_DAYS)})
	doc.additional_discount_percentage = work.args["discount"]
	work.names["quotation"] = submit(doc)


def _lose_quotation(work: Work) -> None:
	work.get("Quotation", "quotation").declare_enquiry_lost(*_lost(work))


ACTIONS: dict[str, Action] = {
	"lead": _lead,
	"contact": _contact,
	"qualify": _qualify,
	"drop_lead": _drop_lead,
	"opportunity": _opportunity,
	"lose_opportunity": _lose_opportunity,
	"quote": _quote,
	"amend_quotation": _amend_quotation,
	"lose_quotation": _lose_quotation,
}
