"""The roles of the app, and what they and some of ERPNext's may do with ERPNext's documents while that is switched on.

What they may do with our own DocTypes, reports and pages stands there, in their JSON. Sales managers keep ERPNext's
Sales Manager; accountants and buyers keep ERPNext's roles and get what their day in the app wants beyond these.
"""

SALESPERSON, SALES_ASSISTANT, COLLECTOR = "Salesperson", "Sales Assistant", "Collector"
ROLES = (SALESPERSON, SALES_ASSISTANT, COLLECTOR)
# Who sells: whose day a manager looks at.
SELLERS = ("Sales User", SALESPERSON, SALES_ASSISTANT)

_PICK = "select"
_LOOK = "read"
_READ = "read print email report"
_KEEP = f"{_READ} write create share"
_SELL = f"{_KEEP} submit cancel amend"

# What every form of selling points at.
_MASTERS = {
	"Account": _PICK,
	"Accounts Settings": _LOOK,
	"Bin": f"{_LOOK} report",
	"Brand": _LOOK,
	"Campaign": _LOOK,
	"Company": _LOOK,
	"Competitor": _LOOK,
	"Cost Center": _PICK,
	"Currency": _LOOK,
	"Currency Exchange": _LOOK,
	"Customer Group": _LOOK,
	"Designation": _LOOK,
	"Fiscal Year": _LOOK,
	"Incoterm": _LOOK,
	"Industry Type": _LOOK,
	"Item": f"{_LOOK} report",
	"Item Group": _LOOK,
	"Item Price": f"{_LOOK} report",
	"Item Tax Template": _PICK,
	"Lead Source": _LOOK,
	"Market Segment": _LOOK,
	"Opportunity Lost Reason": _LOOK,
	"Opportunity Type": _LOOK,
	"Payment Term": _PICK,
	"Payment Terms Template": _LOOK,
	"Price List": f"{_LOOK} report",
	"Product Bundle": _READ,
	"Project": _PICK,
	"Quotation Lost Reason": _LOOK,
	"Sales Partner": _LOOK,
	"Sales Person": _LOOK,
	"Sales Stage": _LOOK,
	"Sales Taxes and Charges Template": _LOOK,
	"Selling Settings": _LOOK,
	"Shipping Rule": _LOOK,
	"Stock Settings": _LOOK,
	"Tax Category": _PICK,
	"Terms and Conditions": _LOOK,
	"Territory": _LOOK,
	"UOM": _LOOK,
	"Warehouse": _LOOK,
	"Warehouse Type": _PICK,
}

# Those that ERPNext's Sales Manager lacks: it counts on people having its Sales User beside.
_MASTERS_OF_MANAGERS = (
	"Account",
	"Accounts Settings",
	"Brand",
	"Company",
	"Cost Center",
	"Currency",
	"Currency Exchange",
	"Designation",
	"Fiscal Year",
	"Item Price",
	"Item Tax Template",
	"Payment Term",
	"Price List",
	"Product Bundle",
	"Project",
	"Sales Taxes and Charges Template",
	"Shipping Rule",
	"Stock Settings",
	"Tax Category",
	"Terms and Conditions",
	"UOM",
	"Warehouse",
	"Warehouse Type",
)

# Role -> DocType -> rights at level 0, as Frappe names them.
RIGHTS: dict[str, dict[str, str]] = {
	SALESPERSON: {
		**_MASTERS,
		"Address": _KEEP,
		"Appointment": _KEEP,
		"Contact": _KEEP,
		"Customer": _KEEP,
		"Delivery Note": _READ,
		"Lead": _KEEP,
		"Opportunity": _KEEP,
		"Prospect": _KEEP,
		"Quotation": _SELL,
		"Sales Invoice": _READ,
		"Sales Order": _READ,
	},
	SALES_ASSISTANT: {
		**_MASTERS,
		"Address": _KEEP,
		"Batch": _LOOK,
		"Contact": _KEEP,
		"Customer": _KEEP,
		# What has left the house is taken back by who keeps the stock.
		"Delivery Note": f"{_KEEP} submit",
		"Lead": _READ,
		# Asks purchasing, which submits.
		"Material Request": _KEEP,
		"Opportunity": _READ,
		"Packing Slip": f"{_KEEP} submit",
		"Prospect": _READ,
		"Purchase Order": f"{_LOOK} report",
		"Quotation": _SELL,
		"Sales Invoice": _READ,
		"Sales Order": _SELL,
		"Serial No": _LOOK,
		"Serial and Batch Bundle": f"{_LOOK} write create submit",
		"Stock Reservation Entry": f"{_LOOK} report",
	},
	COLLECTOR: {
		"Account": _PICK,
		"Accounts Settings": _LOOK,
		"Address": _READ,
		"Company": _LOOK,
		"Contact": _KEEP,
		"Cost Center": _PICK,
		"Currency": _LOOK,
		"Currency Exchange": _LOOK,
		"Customer": _READ,
		"Customer Group": _LOOK,
		# What proves the delivery.
		"Delivery Note": _READ,
		"Dunning": f"{_KEEP} delete submit",
		"Dunning Type": _LOOK,
		"Finance Book": _PICK,
		"Fiscal Year": _LOOK,
		"Journal Entry": f"{_LOOK} report",
		"Mode of Payment": _LOOK,
		"Payment Entry": f"{_READ} export",
		"Payment Ledger Entry": f"{_LOOK} report",
		"Payment Term": _LOOK,
		"Payment Terms Template": _LOOK,
		"Process Statement Of Accounts": f"{_READ} write create",
		"Project": _PICK,
		"Sales Invoice": f"{_READ} export",
		"Sales Order": _READ,
		"Sales Partner": _LOOK,
		"Sales Person": _LOOK,
		"Territory": _LOOK,
	},
	"Sales Manager": {
		**{doctype: _MASTERS[doctype] for doctype in _MASTERS_OF_MANAGERS},
		# As the people they lead.
		"Address": _KEEP,
		"Delivery Note": _READ,
		"Sales Invoice": _READ,
	},
	# Who releases credit, as shipped, opens the order it is for.
	"Accounts Manager": {"Sales Order": f"{_LOOK} report"},
	# Filters of Receivable Aging and Receipts.
	"Accounts User": {"Sales Partner": _PICK, "Sales Person": _PICK},
	# For which customer and order something is bought, and how far that order is.
	"Purchase User": {"Customer": _LOOK, "Sales Order": f"{_LOOK} report"},
}
# Fields ERPNext keeps apart at level 1, which salespeople read as its Sales User does: Role -> DocTypes.
READ_AT_LEVEL_1 = {
	SALESPERSON: ("Customer", "Customer Group", "Quotation"),
	SALES_ASSISTANT: ("Customer", "Customer Group", "Quotation"),
	COLLECTOR: ("Customer",),
}
