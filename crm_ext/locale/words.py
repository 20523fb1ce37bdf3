"""Words that stand in data or in ERPNext's own labels, named here so that the extractor finds them. Never imported.

1. Records the app seeds: the code shows them by `_(name)`, and no extractor reads constants or JSON of cards.
2. Labels whose plain translation by Frappe or ERPNext means something else on our forms. Frappe looks up a label
   with its DocType as context first, so these change nothing on any other form.
3. Texts in template strings of scripts, where the extractor overlooks some.
"""

from frappe import _

STAGES = (
	_("Lead"),
	_("Contacted"),
	_("Qualified"),
	_("Opportunity"),
	_("Quoted"),
	_("Ordered"),
	_("Delivered"),
	_("Invoiced"),
	_("Paid"),
	_("Lost"),
)

BOARDS = (_("Follow Ups"),)

# Labels of the fields added to ERPNext's DocTypes.
CUSTOM_FIELDS = (
	_("Approval Needed"),
	_("Deal"),
	_("For Customer"),
	_("Last Contact"),
	_("Limits Passed"),
	_("Next Follow Up"),
	_("Promise Date"),
	_("QQ"),
	_("Qualified For"),
	_("Quotation Item"),
	_("WeChat"),
	_("WhatsApp"),
	_("Who May Approve"),
	_("Who May Not Approve for Another"),
	_("Why It Has to Be Approved"),
	_("Workflow State"),
)

PAGES = (_("My Day"),)
CARDS = (_("My Follow Ups Today"), _("My Overdue Follow Ups"))

# What people choose from in reports, and what comes back as a value.
CHOICES = (
	_("This Week"),
	_("Ask for Earlier Delivery", context="Pipeline Demand"),
	_("Both", context="Pipeline Demand"),
	_("Buy", context="Pipeline Demand"),
	_("Demand", context="Pipeline Demand"),
	_("Do Not Buy", context="Pipeline Demand"),
	_("Enough", context="Pipeline Demand"),
	_("Make", context="Pipeline Demand"),
	_("Opportunities", context="Pipeline Demand"),
	_("Quotations", context="Pipeline Demand"),
	_("Slow Movers", context="Pipeline Demand"),
)

# Frappe shows states and actions of a workflow by their names, without a context.
WORKFLOWS = (
	_("Accepted"),
	_("Approve"),
	_("Cancelled"),
	_("Closed"),
	_("Contacted"),
	_("Converted"),
	_("Disqualify"),
	_("Draft"),
	_("Entered"),
	_("Lost"),
	_("Mark Contacted"),
	_("New"),
	_("Pending Approval"),
	_("Qualification"),
	_("Qualified"),
	_("Qualify"),
	_("Released"),
	_("Reopen"),
	_("Request Approval"),
	_("Send Back"),
	_("Sent"),
	_("Submit"),
	_("Unqualified"),
	_("Verified"),
	_("Verify"),
	_("Waiting for Credit"),
	_("Withdraw"),
)

# Roles we make; the code shows them by _(role).
ROLES = (
	_("Collector"),
	_("Sales Assistant"),
	_("Salesperson"),
)

IN_TEMPLATES = (
	_("Actions"),
	_("Choose a Day"),
	_("Code, barcode or name"),
	_("Remove Row"),
	_("Sections of the day"),
)

LABELS = (
	_("Limit", context="Approval Limit"),
	_("Value", context="Approval Limit"),
	_("Branch", context="CRM Ext Settings"),
	_("Credit", context="CRM Ext Settings"),
	_("WhatsApp", context="Contact"),
	_("Limit", context="Credit Policy"),
	_("Released", context="Credit Check"),
	_("Used", context="Credit Release"),
	_("Amounts", context="Deal"),
	_("Delivered Amount", context="Deal"),
	_("Cancelled", context="Deal"),
	_("Invoiced Amount", context="Deal"),
	_("Lost", context="Deal"),
	_("Lost Reasons", context="Deal"),
	_("Open", context="Deal"),
	_("Paid Amount", context="Deal"),
	_("Received", context="Deal"),
	_("Root", context="Deal"),
	_("Root Type", context="Deal"),
	_("Source", context="Deal"),
	_("Value", context="Deal"),
	_("Vouchers", context="Deal"),
	_("Voucher No", context="Deal Ledger Entry"),
	_("Voucher Type", context="Deal Ledger Entry"),
	_("Voucher No", context="Deal Stage Change"),
	_("Voucher Type", context="Deal Stage Change"),
	_("Lost", context="Deal Stage"),
	_("Open", context="Deal Stage"),
	_("Stage Name", context="Deal Stage"),
	_("About", context="Follow Up"),
	_("Call", context="Follow Up"),
	_("Cancelled", context="Follow Up"),
	_("Channel", context="Follow Up"),
	_("Check In", context="Follow Up"),
	_("Document", context="Follow Up"),
	_("Document Type", context="Follow Up"),
	_("Done", context="Follow Up"),
	_("Due Date", context="Follow Up"),
	_("Duplicate", context="Follow Up"),
	_("Interested", context="Follow Up"),
	_("Meeting", context="Follow Up"),
	_("Open", context="Follow Up"),
	_("Responsible", context="Follow Up"),
	_("Visit", context="Follow Up"),
	_("WhatsApp", context="Follow Up"),
	_("Appointments", context="Follow Up Preference"),
	_("Created", context="Follow Up Rule"),
	_("Document", context="Follow Up Rule"),
	_("Document Type", context="Follow Up Rule"),
	_("Manager", context="Follow Up Rule"),
	_("Owner", context="Follow Up Rule"),
	_("Responsible", context="Follow Up Rule"),
	_("Round Robin", context="Follow Up Rule"),
	_("Submitted", context="Follow Up Rule"),
	_("When", context="Follow Up Rule"),
	_("Call", context="Follow Up Rule Step"),
	_("Channel", context="Follow Up Rule Step"),
	_("Meeting", context="Follow Up Rule Step"),
	_("Visit", context="Follow Up Rule Step"),
	_("WhatsApp", context="Follow Up Rule Step"),
	_("Broken", context="Payment Promise"),
	_("Cancelled", context="Payment Promise"),
	_("Open", context="Payment Promise"),
	_("Responsible", context="Payment Promise"),
	_("Withdrawn", context="Payment Promise"),
	# A parcel, where a lost quotation is called something else.
	_("Lost", context="Shipment"),
	_("Branch", context="Visibility Rule"),
)
