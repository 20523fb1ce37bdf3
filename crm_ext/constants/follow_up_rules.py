"""Follow up rules as shipped; seeded once by `crm_ext.setup.defaults`, switched off, the site's own from then on.

Steps are (days, "Before" or "After", channel, subject).
"""

FOLLOW_UP_RULES: tuple[dict, ...] = (
	{
		"title": "First Touch of a New Lead",
		"document_type": "Lead",
		"trigger": "Event",
		"event": "Created",
		"filters": [["Lead", "status", "in", ["Lead", "Open"]]],
		"steps": (
			(0, "After", "Call", "First call"),
			(2, "After", "Mail", "Write, nobody was reached yet"),
			(5, "After", "Call", "Second call"),
		),
		"stop_on_contact": 1,
		"escalate_after_days": 2,
	},
	{
		"title": "Silent Opportunity",
		"document_type": "Opportunity",
		"trigger": "Silence",
		"silence_of": "Deal",
		"filters": [["Opportunity", "status", "in", ["Open", "Replied", "Quotation"]]],
		"steps": (
			(14, "After", "Call", "Two weeks without contact"),
			(30, "After", "Call", "A month without contact"),
		),
		"stop_on_contact": 1,
		"escalate_after_days": 5,
	},
	{
		"title": "Quotation Not Answered",
		"document_type": "Quotation",
		"trigger": "Event",
		"event": "Submitted",
		"filters": [["Quotation", "status", "=", "Open"]],
		"steps": (
			(3, "After", "Call", "Has the quotation arrived, are there questions?"),
			(10, "After", "Call", "Where does the decision stand?"),
		),
		"stop_on_contact": 1,
	},
	{
		"title": "Quotation About to Expire",
		"document_type": "Quotation",
		"trigger": "Date",
		"date_field": "valid_till",
		"filters": [["Quotation", "status", "in", ["Open", "Replied", "Partially Ordered"]]],
		"steps": ((5, "Before", "Call", "The quotation expires: order or extend"),),
		"stop_on_contact": 0,
	},
	{
		"title": "Delivery Due",
		"document_type": "Sales Order",
		"trigger": "Date",
		"date_field": "delivery_date",
		"filters": [
			["Sales Order", "docstatus", "=", 1],
			["Sales Order", "status", "in", ["To Deliver and Bill", "To Deliver"]],
		],
		"steps": ((3, "Before", "Other", "Is everything there for the delivery?"),),
		"stop_on_contact": 0,
	},
	{
		"title": "Invoice Due",
		"document_type": "Sales Invoice",
		"trigger": "Date",
		"date_field": "due_date",
		"filters": [
			["Sales Invoice", "docstatus", "=", 1],
			["Sales Invoice", "is_return", "=", 0],
			["Sales Invoice", "outstanding_amount", ">", 0],
		],
		"steps": ((3, "Before", "Mail", "The invoice falls due"),),
		"stop_on_contact": 0,
	},
	{
		"title": "Invoice Overdue",
		"document_type": "Sales Invoice",
		"trigger": "Date",
		"date_field": "due_date",
		"filters": [
			["Sales Invoice", "docstatus", "=", 1],
			["Sales Invoice", "is_return", "=", 0],
			["Sales Invoice", "outstanding_amount", ">", 0],
		],
		"steps": (
			(7, "After", "Call", "A week overdue"),
			(30, "After", "Call", "A month overdue"),
			(60, "After", "Call", "Two months overdue"),
			(90, "After", "Visit", "Three months overdue"),
		),
		"stop_on_contact": 0,
		"escalate_after_days": 5,
	},
	{
		"title": "Broken Promise",
		"document_type": "Payment Promise",
		"trigger": "Date",
		"date_field": "last_day",
		"filters": [
			["Payment Promise", "status", "in", ["Broken", "Partly Kept"]],
			["Payment Promise", "missing_amount", ">", 0],
		],
		"steps": ((1, "After", "Call", "The promised money has not come"),),
		"stop_on_contact": 0,
		"escalate_after_days": 3,
	},
	{
		"title": "Dormant Customer",
		"document_type": "Customer",
		"trigger": "Silence",
		"silence_of": "Party",
		"filters": [["Customer", "disabled", "=", 0]],
		"steps": ((180, "After", "Call", "Half a year without contact"),),
		"stop_on_contact": 1,
	},
	{
		"title": "Contract Ending",
		"document_type": "Contract",
		"trigger": "Date",
		"date_field": "end_date",
		"filters": [["Contract", "docstatus", "=", 1], ["Contract", "party_type", "=", "Customer"]],
		"steps": (
			(60, "Before", "Meeting", "The contract ends in two months"),
			(30, "Before", "Call", "The contract ends in a month"),
		),
		"stop_on_contact": 0,
	},
)
