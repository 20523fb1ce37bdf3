"""Every field the app adds to an ERPNext DocType; applied and removed by `crm_ext.setup.customizations`.

`deal` is the link back to the deal. People may choose it on a document that cannot tell its deal by itself;
wherever the chain of documents tells, the app writes it.
"""

from crm_ext.constants.workflows import (
	APPROVAL_FIELDS,
	HANDS,
	LEAD_STATE_FIELD,
	QUALIFIED_FOR,
	STATE_FIELD,
)

MODULE = "CRM Ext"

# Documents that carry a deal, and the field after which it is shown.
DEAL_LINK_AFTER = {
	"Opportunity": "status",
	"Quotation": "valid_till",
	"Sales Order": "delivery_date",
	"Delivery Note": "posting_time",
	"Sales Invoice": "due_date",
}
# Buying documents show the deal of the order they are for.
BUYING_LINK_AFTER = {
	"Material Request": "schedule_date",
	"Purchase Order": "schedule_date",
	"Purchase Receipt": "posting_time",
}


def _deal_link(insert_after: str) -> dict:
	return {
		"allow_on_submit": 1,
		"fieldname": "deal",
		"fieldtype": "Link",
		"insert_after": insert_after,
		"label": "Deal",
		# A copy or a mapped document finds its own deal by the chain; an amended one keeps it.
		"no_copy": 1,
		"options": "Deal",
		"print_hide": 1,
		"search_index": 1,
	}


# Documents follow ups may be about, and the field after which their two dates are shown. Deal has its own.
FOLLOW_UP_DATES_AFTER = {
	"Lead": "lead_owner",
	"Opportunity": "deal",
	"Quotation": "deal",
	"Sales Order": "deal",
	"Sales Invoice": "deal",
	"Customer": "account_manager",
	"Prospect": "prospect_owner",
	"Issue": "customer",
	"Contract": "status",
}


def _follow_up_dates(insert_after: str) -> list[dict]:
	date = {
		# Written past the document layer also after submit; nobody types it.
		"allow_on_submit": 1,
		"fieldtype": "Datetime",
		"no_copy": 1,
		"print_hide": 1,
		"read_only": 1,
	}
	return [
		{**date, "fieldname": "last_contact_on", "insert_after": insert_after, "label": "Last Contact"},
		{
			**date,
			"fieldname": "next_follow_up_on",
			"in_list_view": 1,
			"insert_after": "last_contact_on",
			"label": "Next Follow Up",
			"search_index": 1,
		},
	]


def _handle(fieldname: str, label: str, insert_after: str) -> dict:
	return {"fieldname": fieldname, "fieldtype": "Data", "insert_after": insert_after, "label": label}


# Where a person can be written to, next to the phone numbers.
CONTACT_HANDLES = [
	_handle("whatsapp_no", "WhatsApp", "mobile_no"),
	_handle("wechat_id", "WeChat", "whatsapp_no"),
	_handle("qq_no", "QQ", "wechat_id"),
]

CUSTOM_FIELDS: dict[str, list[dict]] = {
	doctype: [_deal_link(insert_after)]
	for doctype, insert_after in (DEAL_LINK_AFTER | BUYING_LINK_AFTER).items()
}
for _doctype, _insert_after in FOLLOW_UP_DATES_AFTER.items():
	CUSTOM_FIELDS.setdefault(_doctype, []).extend(_follow_up_dates(_insert_after))
CUSTOM_FIELDS["Contact"] = CONTACT_HANDLES


def _for_customer(insert_after: str, **more) -> dict:
	"""Whom something is bought, kept or made for; written by `supply.linking`."""
	return {
		"allow_on_submit": 1,
		"fieldname": "for_customer",
		"fieldtype": "Link",
		"insert_after": insert_after,
		"label": "For Customer",
		"no_copy": 1,
		"options": "Customer",
		"print_hide": 1,
		"read_only": 1,
		"search_index": 1,
		**more,
	}


def _row_deal(insert_after: str, **more) -> dict:
	return {**_deal_link(insert_after), "read_only": 1, **more}


def _quotation(insert_after: str) -> list[dict]:
	"""What was planned from a quotation is known by its row, also once the order comes."""
	hidden = {"no_copy": 1, "print_hide": 1, "read_only": 1, "search_index": 1}
	return [
		{
			**hidden,
			"fieldname": "quotation",
			"fieldtype": "Link",
			"insert_after": insert_after,
			"label": "Quotation",
			"options": "Quotation",
		},
		{
			**hidden,
			"fieldname": "quotation_item",
			"fieldtype": "Data",
			"hidden": 1,
			"insert_after": "quotation",
			"label": "Quotation Item",
		},
	]


_PROMISE_DATE = {
	"fieldname": "promise_date",
	"fieldtype": "Date",
	"label": "Promise Date",
	"no_copy": 1,
	"print_hide_if_no_value": 1,
}

for _doctype in BUYING_LINK_AFTER:
	CUSTOM_FIELDS[_doctype].append(_for_customer("deal", in_standard_filter=1))
for _doctype in ("Material Request Item", "Purchase Order Item"):
	CUSTOM_FIELDS[_doctype] = [
		_for_customer("sales_order"),
		_row_deal("for_customer"),
		*_quotation("deal"),
	]
CUSTOM_FIELDS["Purchase Receipt Item"] = [_for_customer("sales_order"), _row_deal("for_customer")]
CUSTOM_FIELDS["Work Order"] = [
	_for_customer("sales_order", in_standard_filter=1),
	_row_deal("for_customer", in_standard_filter=1),
]
CUSTOM_FIELDS["Stock Reservation Entry"] = [
	_for_customer("voucher_detail_no", in_standard_filter=1),
	_row_deal("for_customer", in_standard_filter=1),
]
CUSTOM_FIELDS["Opportunity Item"] = [{**_PROMISE_DATE, "insert_after": "uom"}]
CUSTOM_FIELDS["Quotation Item"] = [{**_PROMISE_DATE, "insert_after": "stock_qty"}]
CUSTOM_FIELDS["Sales Order"].append(
	{
		"allow_on_submit": 1,
		"fieldname": "credit_release",
		"fieldtype": "Link",
		"insert_after": "next_follow_up_on",
		"label": "Credit Release",
		"no_copy": 1,
		"options": "Credit Release",
		"print_hide": 1,
		"read_only": 1,
	}
)


def _workflow_fields(insert_after: str, state_field: str = STATE_FIELD) -> list[dict]:
	"""Where a workflow of ours keeps a document's state, and what has to be approved. Empty, and not shown, while it is off."""
	kept = {"no_copy": 1, "print_hide": 1, "read_only": 1}
	needed, reasons, roles, findings = APPROVAL_FIELDS
	return [
		{
			**kept,
			"allow_on_submit": 1,
			"depends_on": f"eval:doc.{state_field}",
			"fieldname": state_field,
			"fieldtype": "Link",
			"insert_after": insert_after,
			"label": "Workflow State",
			"options": "Workflow State",
		},
		{
			**kept,
			"fieldname": needed,
			"fieldtype": "Check",
			"hidden": 1,
			"insert_after": state_field,
			"label": "Approval Needed",
		},
		{
			**kept,
			# Until it is submitted the headline says it, with what to do next.
			"depends_on": f"eval:doc.{needed} && doc.docstatus",
			"fieldname": reasons,
			"fieldtype": "Small Text",
			"insert_after": needed,
			"label": "Why It Has to Be Approved",
		},
		{
			**kept,
			"fieldname": roles,
			"fieldtype": "Small Text",
			"hidden": 1,
			"insert_after": reasons,
			"label": "Who May Approve",
		},
		{
			**kept,
			"fieldname": findings,
			"fieldtype": "Small Text",
			"hidden": 1,
			"insert_after": roles,
			"label": "Limits Passed",
		},
		{
			**kept,
			"fieldname": HANDS,
			"fieldtype": "Small Text",
			"hidden": 1,
			"insert_after": findings,
			"label": "Who May Not Approve for Another",
		},
	]


CUSTOM_FIELDS["Lead"] += _workflow_fields("next_follow_up_on", LEAD_STATE_FIELD)[:1]
CUSTOM_FIELDS["Opportunity"] += [
	*_workflow_fields("next_follow_up_on"),
	{
		"depends_on": f"eval:doc.{STATE_FIELD} && doc.{QUALIFIED_FOR}",
		"fieldname": QUALIFIED_FOR,
		"fieldtype": "Currency",
		"insert_after": HANDS,
		"label": "Qualified For",
		"no_copy": 1,
		"options": "Company:company:default_currency",
		"print_hide": 1,
		"read_only": 1,
	},
]
CUSTOM_FIELDS["Quotation"] += _workflow_fields("next_follow_up_on")
CUSTOM_FIELDS["Payment Entry"] = _workflow_fields("mode_of_payment")[:1]
CUSTOM_FIELDS["Sales Order"] += _workflow_fields("credit_release")

# All that Receivable Aging sums up, in the order it is grouped in, so that nothing has to be sorted. The
# types of voucher and party are left out: a key of InnoDB ends at 3,072 bytes (see receivables/ledger.py).
LEDGER_INDEX = "crm_ext_open_items"

# Look-ups that ERPNext has no index for: from a document down to its followers, and of what expires. Composite on
# purpose: Frappe's schema sync drops single-column indexes that the DocType does not declare.
INDEXES: list[tuple[str, str, list[str]]] = [
	("Customer", "crm_ext_lead_name", ["lead_name", "name"]),
	("Opportunity", "crm_ext_party", ["party_name", "opportunity_from"]),
	(
		"Payment Ledger Entry",
		LEDGER_INDEX,
		[
			"account",
			"against_voucher_no",
			"against_voucher_type",
			"party",
			"delinked",
			"posting_date",
			"voucher_no",
			"amount",
			"amount_in_account_currency",
		],
	),
	("Prospect Lead", "crm_ext_lead", ["lead", "parent"]),
	("Quotation", "crm_ext_opportunity", ["opportunity", "docstatus"]),
	("Quotation", "crm_ext_valid_till", ["valid_till", "docstatus"]),
	("Quotation Item", "crm_ext_prevdoc", ["prevdoc_docname", "prevdoc_doctype"]),
]
