app_name = "crm_ext"
app_title = "CRM Ext"
app_publisher = "crm_ext contributors"
app_description = "Follow ERPNext sales from first contact to cash: deals, funnel, ageing"
app_email = "crm_ext@example.com"
app_license = "GPL-3.0-or-later"

# ERPNext is required, but not by `required_apps`: install-app would then put ERPNext on a site that has none.
# setup/checks.py refuses instead and leaves the site untouched.

# Setup
after_install = "crm_ext.setup.install.after_install"
after_uninstall = "crm_ext.setup.uninstall.after_uninstall"
before_app_uninstall = "crm_ext.setup.checks.before_app_uninstall"
before_install = "crm_ext.setup.checks.before_install"
before_migrate = "crm_ext.setup.checks.before_migrate"
before_uninstall = "crm_ext.setup.uninstall.before_uninstall"

# Desk
doctype_js = {
	"Delivery Note": "public/js/deal_link.js",
	"Lead": "public/js/deal_link.js",
	"Material Request": "public/js/deal_link.js",
	"Opportunity": "public/js/deal_link.js",
	"Purchase Order": "public/js/deal_link.js",
	"Purchase Receipt": "public/js/deal_link.js",
	"Quotation": "public/js/deal_link.js",
	"Sales Invoice": "public/js/deal_link.js",
	"Sales Order": "public/js/deal_link.js",
}
override_doctype_dashboards = {
	"Customer": "crm_ext.events.dashboards.customer",
	"Delivery Note": "crm_ext.events.dashboards.voucher",
	"Lead": "crm_ext.events.dashboards.lead",
	"Material Request": "crm_ext.events.dashboards.voucher",
	"Opportunity": "crm_ext.events.dashboards.voucher",
	"Payment Entry": "crm_ext.events.dashboards.payment_entry",
	"Purchase Order": "crm_ext.events.dashboards.voucher",
	"Purchase Receipt": "crm_ext.events.dashboards.voucher",
	"Quotation": "crm_ext.events.dashboards.voucher",
	"Sales Invoice": "crm_ext.events.dashboards.voucher",
	"Sales Order": "crm_ext.events.dashboards.voucher",
}

# Documents
doc_events = {
	"Customer": {"on_change": "crm_ext.events.customer.on_change"},
	"Delivery Note": {
		"on_change": "crm_ext.events.delivery_note.on_change",
		"on_trash": "crm_ext.events.delivery_note.on_trash",
		"validate": "crm_ext.events.delivery_note.validate",
	},
	"Journal Entry": {
		"on_change": "crm_ext.events.journal_entry.on_change",
		"on_trash": "crm_ext.events.journal_entry.on_trash",
	},
	"Lead": {
		"after_rename": "crm_ext.events.lead.after_rename",
		"on_change": "crm_ext.events.lead.on_change",
		"on_trash": "crm_ext.events.lead.on_trash",
	},
	"Material Request": {"validate": "crm_ext.events.material_request.validate"},
	"Opportunity": {
		"after_rename": "crm_ext.events.opportunity.after_rename",
		"on_change": "crm_ext.events.opportunity.on_change",
		"on_trash": "crm_ext.events.opportunity.on_trash",
		"validate": "crm_ext.events.opportunity.validate",
	},
	"Payment Entry": {
		"on_change": "crm_ext.events.payment_entry.on_change",
		"on_trash": "crm_ext.events.payment_entry.on_trash",
	},
	"Payment Ledger Entry": {"on_change": "crm_ext.events.payment_ledger_entry.on_change"},
	"Prospect": {
		"on_change": "crm_ext.events.prospect.on_change",
		"on_trash": "crm_ext.events.prospect.on_trash",
	},
	"Purchase Order": {"validate": "crm_ext.events.purchase_order.validate"},
	"Purchase Receipt": {"validate": "crm_ext.events.purchase_receipt.validate"},
	"Quotation": {
		"on_change": "crm_ext.events.quotation.on_change",
		"on_trash": "crm_ext.events.quotation.on_trash",
		"validate": "crm_ext.events.quotation.validate",
	},
	"Sales Invoice": {
		"on_change": "crm_ext.events.sales_invoice.on_change",
		"on_trash": "crm_ext.events.sales_invoice.on_trash",
		"validate": "crm_ext.events.sales_invoice.validate",
	},
	"Sales Order": {
		"on_change": "crm_ext.events.sales_order.on_change",
		"on_trash": "crm_ext.events.sales_order.on_trash",
		"validate": "crm_ext.events.sales_order.validate",
	},
	"Unreconcile Payment": {"on_change": "crm_ext.events.unreconcile_payment.on_change"},
}
# What we derive never stands in the way of deleting the document it was derived from.
ignore_links_on_delete = ["Deal", "Deal Ledger Entry", "Deal Stage Change"]

# Permissions
override_whitelisted_methods = {
	"frappe.desk.notifications.get_open_count": "crm_ext.api.connections.get_open_count"
}
has_permission = {
	"Deal Ledger Entry": "crm_ext.permissions.has_permission_through_deal",
	"Deal Stage Change": "crm_ext.permissions.has_permission_through_deal",
}
permission_query_conditions = {
	"Deal Ledger Entry": "crm_ext.permissions.ledger_entry_conditions",
	"Deal Stage Change": "crm_ext.permissions.stage_change_conditions",
}

# Scheduler
scheduler_events = {"daily_long": ["crm_ext.tasks.nightly_check"]}
