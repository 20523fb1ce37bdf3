"""How the headers of six DocTypes are brought into the same columns. Declarations, and the SELECTs made of them."""

from frappe.utils.caching import site_cache

from crm_ext.compat import attribution_columns
from crm_ext.deals.model import (
	DELIVERY_NOTE,
	LEAD,
	OPPORTUNITY,
	QUOTATION,
	SALES_INVOICE,
	SALES_ORDER,
	VOUCHERS,
)

COLUMNS = (
	"name docstatus status stage_field company party_type party title day creation total currency voucher_total "
	"is_return is_opening delivers fully_billed prev_type prev_name amended_from deal owner sales_person source "
	"campaign territory industry lost_reasons"
).split()

_GROSS = {
	# Rounded where the site rounds: that is what the customer owes and the Payment Ledger holds.
	"total": "IF(v.base_rounded_total, v.base_rounded_total, v.base_grand_total)",
	"voucher_total": "IF(v.rounded_total, v.rounded_total, v.grand_total)",
}
_SALES_PERSON = (
	"(SELECT st.sales_person FROM `tabSales Team` st WHERE st.parent = v.name AND st.parenttype = '{0}'"
	" ORDER BY st.allocated_percentage DESC, st.idx LIMIT 1)"
)
_LOST_REASONS = (
	"IF(v.status = 'Lost', CONCAT_WS('\n', (SELECT GROUP_CONCAT(r.lost_reason ORDER BY r.idx SEPARATOR '\n')"
	" FROM `tab{0} Lost Reason Detail` r WHERE r.parent = v.name AND r.parenttype = '{0}'),"
	" v.order_lost_reason), NULL)"
)
_RETURN = {"is_return": "v.is_return", "prev_name": "v.return_against"}

_HEADERS: dict[str, dict[str, str]] = {
	LEAD: {
		"stage_field": "v.qualification_status",
		"party_type": "'Lead'",
		"party": "v.name",
		"title": "COALESCE(NULLIF(v.company_name, ''), v.lead_name)",
		"day": "DATE(v.creation)",
		"amended_from": "NULL",
		"deal": "NULL",
		"owner": "COALESCE(NULLIF(v.lead_owner, ''), v.owner)",
		"currency": "NULL",
		"industry": "v.industry",
	},
	OPPORTUNITY: {
		"stage_field": "v.sales_stage",
		"party_type": "v.opportunity_from",
		"party": "v.party_name",
		"title": "v.customer_name",
		"day": "v.transaction_date",
		# Only the form keeps base_opportunity_amount; without an amount, the items tell.
		"total": "IF(v.opportunity_amount, v.opportunity_amount * v.conversion_rate, v.base_total)",
		"voucher_total": "IF(v.opportunity_amount, v.opportunity_amount, v.total)",
		"owner": "COALESCE(NULLIF(v.opportunity_owner, ''), v.owner)",
		"amended_from": "NULL",
		"industry": "v.industry",
		"lost_reasons": _LOST_REASONS.format(OPPORTUNITY),
	},
	QUOTATION: {
		**_GROSS,
		"party_type": "v.quotation_to",
		"party": "v.party_name",
		"title": "v.customer_name",
		"day": "v.transaction_date",
		"prev_type": "'Opportunity'",
		"prev_name": "v.opportunity",
		"lost_reasons": _LOST_REASONS.format(QUOTATION),
	},
	SALES_ORDER: {
		**_GROSS,
		"party_type": "'Customer'",
		"party": "v.customer",
		"title": "v.customer_name",
		"day": "v.transaction_date",
		"fully_billed": "(v.status IN ('Closed', 'Completed') OR v.per_billed >= 99.99)",
		"sales_person": _SALES_PERSON.format(SALES_ORDER),
	},
	DELIVERY_NOTE: {
		**_GROSS,
		**_RETURN,
		"party_type": "'Customer'",
		"party": "v.customer",
		"title": "v.customer_name",
		"day": "v.posting_date",
		"prev_type": "'Delivery Note'",
		"sales_person": _SALES_PERSON.format(DELIVERY_NOTE),
	},
	SALES_INVOICE: {
		**_GROSS,
		**_RETURN,
		"party_type": "'Customer'",
		"party": "v.customer",
		"title": "v.customer_name",
		"day": "v.posting_date",
		"is_opening": "(v.is_opening = 'Yes')",
		"delivers": "v.update_stock",
		"prev_type": "'Sales Invoice'",
		"sales_person": _SALES_PERSON.format(SALES_INVOICE),
	},
}
_PLAIN = {
	"name",
	"docstatus",
	"status",
	"company",
	"creation",
	"currency",
	"amended_from",
	"deal",
	"owner",
	"territory",
}


def header_select(doctype: str) -> str:
	"""The SELECT that brings one DocType into the common columns."""
	return _header_selects()[doctype]


@site_cache
def _header_selects() -> dict[str, str]:
	"""Kept by the process: building them asks the definitions of six DocTypes, which a request that submits one document
	has no other need to load. They change with ERPNext's version only, and then every process is a new one.
	"""
	selects = {}
	for doctype in VOUCHERS:
		source, campaign = attribution_columns(doctype)
		own = _HEADERS[doctype] | {
			"source": f"v.`{source}`" if source else "NULL",
			"campaign": f"v.`{campaign}`" if campaign else "NULL",
		}
		columns = (own.get(column) or (f"v.{column}" if column in _PLAIN else "NULL") for column in COLUMNS)
		selects[doctype] = f"SELECT '{doctype}', {', '.join(columns)} FROM `tab{doctype}` v"
	return selects
