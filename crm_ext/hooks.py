app_name = "crm_ext"
app_title = "CRM Ext"
app_publisher = "crm_ext contributors"
app_description = "Follow ERPNext sales from first contact to cash: deals, follow ups, funnel, ageing"
app_email = "crm_ext@example.com"
app_license = "GPL-3.0-or-later"

# ERPNext is required, but not by `required_apps`: install-app would then put ERPNext on a site that has none.
# setup/checks.py refuses instead and leaves the site untouched.

# Setup
after_install = "crm_ext.setup.install.after_install"
after_migrate = ["crm_ext.setup.roles.after_migrate", "crm_ext.setup.install.after_migrate"]
after_uninstall = "crm_ext.setup.uninstall.after_uninstall"
before_app_uninstall = "crm_ext.setup.checks.before_app_uninstall"
before_install = ["crm_ext.setup.checks.before_install", "crm_ext.setup.roles.make"]
before_migrate = "crm_ext.setup.checks.before_migrate"
before_uninstall = "crm_ext.setup.uninstall.before_uninstall"

# Desk
additional_timeline_content = {
	doctype: ["crm_ext.api.follow_ups.timeline"]
	for doctype in (
		"Contract",
		"Deal",
		"Issue",
		"Lead",
		"Opportunity",
		"Payment Promise",
		"Prospect",
		"Quotation",
		"Sales Order",
	)
} | {
	doctype: ["crm_ext.api.follow_ups.timeline", "crm_ext.api.promises.timeline"]
	for doctype in ("Customer", "Sales Invoice")
}
app_include_css = "crm_ext.bundle.css"
app_include_js = "crm_ext.bundle.js"
calendars = ["Follow Up"]
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
doctype_list_js = {
	doctype: "public/js/follow_ups/list.js"
	for doctype in (
		"Contract",
		"Customer",
		"Deal",
		"Issue",
		"Lead",
		"Opportunity",
		"Payment Promise",
		"Prospect",
		"Quotation",
		"Sales Invoice",
		"Sales Order",
	)
}
doctype_list_js |= {
	doctype: ["public/js/follow_ups/list.js", "public/js/sales/state_list.js"]
	for doctype in ("Lead", "Opportunity", "Quotation", "Sales Order")
}
doctype_list_js["Payment Entry"] = "public/js/sales/state_list.js"
doctype_list_js["Sales Order"].append("public/js/sales/order_list.js")
extend_bootinfo = ["crm_ext.boot.extend_bootinfo"]
override_doctype_dashboards = {
	"Customer": "crm_ext.events.dashboards.customer",
	"Delivery Note": "crm_ext.events.dashboards.voucher",
	"Lead": "crm_ext.events.dashboards.lead",
	"Material Request": "crm_ext.events.dashboards.buying",
	"Opportunity": "crm_ext.events.dashboards.voucher",
	"Payment Entry": "crm_ext.events.dashboards.payment_entry",
	"Purchase Order": "crm_ext.events.dashboards.buying",
	"Purchase Receipt": "crm_ext.events.dashboards.purchase_receipt",
	"Quotation": "crm_ext.events.dashboards.voucher",
	"Sales Invoice": "crm_ext.events.dashboards.sales_invoice",
	"Sales Order": "crm_ext.events.dashboards.sales_order",
	"Stock Reservation Entry": "crm_ext.events.dashboards.stock_reservation_entry",
	"Work Order": "crm_ext.events.dashboards.work_order",
}

# Documents
doc_events = {
	"Call Log": {"on_change": "crm_ext.events.call_log.on_change"},
	"Communication": {"on_change": "crm_ext.events.communication.on_change"},
	"Contact": {"on_trash": "crm_ext.events.contact.on_trash"},
	"Contract": {
		"after_rename": "crm_ext.events.reference.after_rename",
		"before_cancel": "crm_ext.events.reference.keep_dates",
		"before_update_after_submit": "crm_ext.events.reference.keep_dates",
		"on_trash": "crm_ext.events.reference.on_trash",
		"validate": "crm_ext.events.reference.keep_dates",
	},
	"Credit Release": {"on_submit": "crm_ext.events.workflow.released"},
	"Customer": {
		"after_rename": "crm_ext.events.reference.after_rename",
		"before_insert": "crm_ext.events.customer.before_insert",
		"before_validate": "crm_ext.events.party.before_validate",
		"on_change": "crm_ext.events.customer.on_change",
		"onload": "crm_ext.events.customer.onload",
		"on_trash": "crm_ext.events.reference.on_trash",
		"validate": "crm_ext.events.reference.keep_dates",
	},
	"Delivery Note": {
		"after_insert": "crm_ext.events.sales.after_insert",
		"after_mapping": "crm_ext.events.sales.after_mapping",
		"on_change": "crm_ext.events.delivery_note.on_change",
		"on_trash": "crm_ext.events.delivery_note.on_trash",
		"onload": "crm_ext.events.sales.onload",
		"validate": "crm_ext.events.delivery_note.validate",
	},
	"DocShare": {"on_update": "crm_ext.events.doc_share.on_update"},
	"Document Follow": {"after_insert": "crm_ext.events.document_follow.after_insert"},
	"Employee": {
		"after_rename": "crm_ext.events.hierarchy.after_rename",
		"on_change": "crm_ext.events.hierarchy.on_change",
		"on_trash": "crm_ext.events.hierarchy.on_trash",
	},
	"Event": {
		"before_validate": "crm_ext.events.party.before_validate",
		"on_change": "crm_ext.events.event.on_change",
	},
	"Issue": {
		"after_rename": "crm_ext.events.reference.after_rename",
		"on_trash": "crm_ext.events.reference.on_trash",
		"validate": "crm_ext.events.reference.keep_dates",
	},
	"Journal Entry": {
		"on_change": "crm_ext.events.journal_entry.on_change",
		"on_trash": "crm_ext.events.journal_entry.on_trash",
	},
	"Lead": {
		"after_rename": [
			"crm_ext.events.lead.after_rename",
			"crm_ext.events.reference.after_rename",
		],
		"on_change": ["crm_ext.events.lead.on_change", "crm_ext.events.workflow.on_change"],
		"on_trash": ["crm_ext.events.lead.on_trash", "crm_ext.events.reference.on_trash"],
		"onload": "crm_ext.events.sales.onload",
		"validate": ["crm_ext.events.reference.keep_dates", "crm_ext.events.workflow.validate"],
	},
	"Material Request": {
		"before_insert": "crm_ext.events.material_request.before_insert",
		"before_update_after_submit": "crm_ext.events.material_request.before_update_after_submit",
		"validate": "crm_ext.events.material_request.validate",
	},
	"Opportunity": {
		"after_insert": "crm_ext.events.sales.after_insert",
		"after_mapping": "crm_ext.events.sales.after_mapping",
		"after_rename": [
			"crm_ext.events.opportunity.after_rename",
			"crm_ext.events.reference.after_rename",
		],
		"before_validate": "crm_ext.events.party.before_validate",
		"on_change": ["crm_ext.events.opportunity.on_change", "crm_ext.events.workflow.on_change"],
		"on_trash": ["crm_ext.events.opportunity.on_trash", "crm_ext.events.reference.on_trash"],
		"on_update": "crm_ext.events.workflow.on_update",
		"onload": ["crm_ext.events.sales.onload", "crm_ext.events.workflow.onload"],
		"validate": [
			"crm_ext.events.opportunity.validate",
			"crm_ext.events.reference.keep_dates",
			"crm_ext.events.workflow.validate",
		],
	},
	"Payment Entry": {
		"before_submit": "crm_ext.events.workflow.before_submit",
		"before_update_after_submit": "crm_ext.events.workflow.before_update_after_submit",
		"on_change": ["crm_ext.events.payment_entry.on_change", "crm_ext.events.workflow.on_change"],
		"on_trash": ["crm_ext.events.payment_entry.on_trash", "crm_ext.events.reference.on_trash"],
		"on_update": "crm_ext.events.workflow.on_update",
		"validate": "crm_ext.events.workflow.validate",
	},
	"Payment Ledger Entry": {"on_change": "crm_ext.events.payment_ledger_entry.on_change"},
	"Payment Promise": {
		"after_rename": "crm_ext.events.reference.after_rename",
		"on_trash": "crm_ext.events.reference.on_trash",
		"validate": "crm_ext.events.reference.keep_dates",
	},
	"Prospect": {
		"after_rename": "crm_ext.events.reference.after_rename",
		"before_validate": "crm_ext.events.party.before_validate",
		"on_change": "crm_ext.events.prospect.on_change",
		"onload": "crm_ext.events.prospect.onload",
		"on_trash": ["crm_ext.events.prospect.on_trash", "crm_ext.events.reference.on_trash"],
		"validate": "crm_ext.events.reference.keep_dates",
	},
	"Purchase Invoice": {"on_submit": "crm_ext.events.purchase_invoice.on_submit"},
	"Purchase Order": {
		"before_insert": "crm_ext.events.purchase_order.before_insert",
		"before_update_after_submit": "crm_ext.events.purchase_order.before_update_after_submit",
		"validate": "crm_ext.events.purchase_order.validate",
	},
	"Purchase Receipt": {
		"before_insert": "crm_ext.events.purchase_receipt.before_insert",
		"before_update_after_submit": "crm_ext.events.purchase_receipt.before_update_after_submit",
		"on_submit": "crm_ext.events.purchase_receipt.on_submit",
		"validate": "crm_ext.events.purchase_receipt.validate",
	},
	"Quotation": {
		"after_insert": "crm_ext.events.sales.after_insert",
		"after_mapping": ["crm_ext.events.quotation.after_mapping", "crm_ext.events.sales.after_mapping"],
		"after_rename": "crm_ext.events.reference.after_rename",
		"before_cancel": [
			"crm_ext.events.quotation.before_cancel",
			"crm_ext.events.reference.keep_dates",
		],
		"before_submit": ["crm_ext.events.quotation.before_submit", "crm_ext.events.workflow.before_submit"],
		"before_update_after_submit": [
			"crm_ext.events.reference.keep_dates",
			"crm_ext.events.workflow.before_update_after_submit",
		],
		"before_validate": "crm_ext.events.party.before_validate",
		"on_change": ["crm_ext.events.quotation.on_change", "crm_ext.events.workflow.on_change"],
		"onload": [
			"crm_ext.events.credit.onload",
			"crm_ext.events.sales.onload",
			"crm_ext.events.workflow.onload",
		],
		"on_trash": ["crm_ext.events.quotation.on_trash", "crm_ext.events.reference.on_trash"],
		"on_update": "crm_ext.events.workflow.on_update",
		"on_update_after_submit": "crm_ext.events.workflow.on_update_after_submit",
		"validate": [
			"crm_ext.events.quotation.validate",
			"crm_ext.events.reference.keep_dates",
			"crm_ext.events.credit.validate",
			"crm_ext.events.workflow.validate",
		],
	},
	"Quotation Item": {
		event: "crm_ext.events.selling_row.before_write"
		for event in ("before_cancel", "before_insert", "before_save", "before_update_after_submit")
	},
	"Role": {"after_rename": "crm_ext.events.role.after_rename"},
	"Sales Invoice": {
		"after_insert": "crm_ext.events.sales.after_insert",
		"after_mapping": "crm_ext.events.sales.after_mapping",
		"after_rename": "crm_ext.events.reference.after_rename",
		"before_cancel": "crm_ext.events.reference.keep_dates",
		"before_update_after_submit": "crm_ext.events.reference.keep_dates",
		"on_change": "crm_ext.events.sales_invoice.on_change",
		"on_trash": ["crm_ext.events.sales_invoice.on_trash", "crm_ext.events.reference.on_trash"],
		"onload": "crm_ext.events.sales.onload",
		"validate": ["crm_ext.events.sales_invoice.validate", "crm_ext.events.reference.keep_dates"],
	},
	"Sales Order": {
		"after_insert": "crm_ext.events.sales.after_insert",
		"after_mapping": ["crm_ext.events.sales_order.after_mapping", "crm_ext.events.sales.after_mapping"],
		"after_rename": "crm_ext.events.reference.after_rename",
		"before_cancel": ["crm_ext.events.reference.keep_dates", "crm_ext.events.credit.before_cancel"],
		"before_change": "crm_ext.events.credit.before_change",
		"before_insert": "crm_ext.events.sales_order.before_insert",
		# The approval first: a release of credit is used up by the gate.
		"before_submit": ["crm_ext.events.workflow.before_submit", "crm_ext.events.credit.before_submit"],
		"before_update_after_submit": [
			"crm_ext.events.reference.keep_dates",
			"crm_ext.events.credit.before_update_after_submit",
			"crm_ext.events.workflow.before_update_after_submit",
		],
		"on_cancel": "crm_ext.events.credit.on_cancel",
		"on_change": ["crm_ext.events.sales_order.on_change", "crm_ext.events.workflow.on_change"],
		"onload": [
			"crm_ext.events.credit.onload",
			"crm_ext.events.sales.onload",
			"crm_ext.events.workflow.onload",
		],
		"on_submit": "crm_ext.events.sales_order.on_submit",
		"on_trash": ["crm_ext.events.sales_order.on_trash", "crm_ext.events.reference.on_trash"],
		"on_update": "crm_ext.events.workflow.on_update",
		"on_update_after_submit": "crm_ext.events.workflow.on_update_after_submit",
		"validate": [
			"crm_ext.events.sales_order.validate",
			"crm_ext.events.reference.keep_dates",
			"crm_ext.events.credit.validate",
			"crm_ext.events.workflow.validate",
		],
	},
	"Sales Order Item": {
		event: "crm_ext.events.selling_row.before_write"
		for event in ("before_cancel", "before_insert", "before_save", "before_update_after_submit")
	},
	"Sales Person": {
		"after_rename": "crm_ext.events.hierarchy.after_rename",
		"on_change": "crm_ext.events.hierarchy.on_change",
		"on_trash": "crm_ext.events.hierarchy.on_trash",
	},
	"Stand In": {"on_update": "crm_ext.events.stand_in.on_update"},
	"Stock Entry": {"on_submit": "crm_ext.events.stock_entry.on_submit"},
	"Stock Reservation Entry": {"validate": "crm_ext.events.stock_reservation_entry.validate"},
	"Territory": {
		"after_rename": "crm_ext.events.hierarchy.after_rename",
		"on_change": "crm_ext.events.hierarchy.on_change",
		"on_trash": "crm_ext.events.hierarchy.on_trash",
	},
	"Unreconcile Payment": {"on_change": "crm_ext.events.unreconcile_payment.on_change"},
	"User": {"after_rename": "crm_ext.events.hierarchy.after_rename"},
	"Work Order": {
		"before_insert": "crm_ext.events.work_order.before_insert",
		"before_update_after_submit": "crm_ext.events.work_order.before_update_after_submit",
		"validate": "crm_ext.events.work_order.validate",
	},
}
# What we derive never stands in the way of deleting the document it was derived from.
ignore_links_on_delete = [
	"Credit Check",
	"Credit Gate",
	"Credit Release",
	"Deal",
	"Deal Ledger Entry",
	"Deal Stage Change",
	"Follow Up",
	"Follow Up Preference",
	"Payment Promise",
	"Payment Promise Invoice",
	"Stand In",
]

# Permissions
override_whitelisted_methods = {
	"erpnext.accounts.doctype.journal_entry.journal_entry.get_outstanding": "crm_ext.api.guarded.get_outstanding",
	"erpnext.accounts.doctype.journal_entry.journal_entry.get_payment_entry_against_invoice": "crm_ext.api.guarded.get_payment_against_invoice",
	"erpnext.accounts.doctype.journal_entry.journal_entry.get_payment_entry_against_order": "crm_ext.api.guarded.get_payment_against_order",
	"erpnext.accounts.doctype.payment_entry.payment_entry.get_outstanding_reference_documents": "crm_ext.api.guarded.get_outstanding_documents",
	"erpnext.accounts.doctype.payment_entry.payment_entry.get_party_details": "crm_ext.api.guarded.get_party_details",
	"erpnext.accounts.doctype.payment_entry.payment_entry.get_reference_details": "crm_ext.api.guarded.get_reference_details",
	"erpnext.accounts.doctype.sales_invoice.sales_invoice.create_invoice_discounting": "crm_ext.api.guarded.make_invoice_discounting",
	"erpnext.accounts.doctype.unreconcile_payment.unreconcile_payment.get_linked_payments_for_doc": "crm_ext.api.guarded.get_linked_payments",
	"erpnext.accounts.utils.get_balance_on": "crm_ext.api.guarded.get_balance_on",
	"erpnext.assets.doctype.asset.asset.get_values_from_purchase_doc": "crm_ext.api.guarded.get_asset_values",
	"erpnext.controllers.stock_controller.show_accounting_ledger_preview": "crm_ext.api.guarded.preview_accounts",
	"erpnext.controllers.stock_controller.show_stock_ledger_preview": "crm_ext.api.guarded.preview_stock",
	"erpnext.crm.doctype.lead.lead.get_lead_details": "crm_ext.api.guarded.get_lead_details",
	"erpnext.crm.doctype.prospect.prospect.get_opportunities": "crm_ext.api.guarded.get_opportunities",
	"erpnext.crm.doctype.utils.get_last_interaction": "crm_ext.api.guarded.get_last_interaction",
	"erpnext.crm.utils.get_open_activities": "crm_ext.api.guarded.get_open_activities",
	"erpnext.manufacturing.doctype.production_plan.production_plan.get_so_details": "crm_ext.api.guarded.get_order_details",
	"erpnext.selling.doctype.sales_order.sales_order.get_events": "crm_ext.api.guarded.get_order_events",
	"erpnext.selling.doctype.sales_order.sales_order.get_work_order_items": "crm_ext.api.guarded.get_work_order_items",
	"erpnext.stock.doctype.delivery_trip.delivery_trip.get_contact_and_address": "crm_ext.api.guarded.get_contact_and_address",
	"erpnext.stock.doctype.delivery_trip.delivery_trip.get_contact_display": "crm_ext.api.guarded.get_contact_display",
	"erpnext.stock.doctype.shipment.shipment.get_address_name": "crm_ext.api.guarded.get_address_name",
	"erpnext.stock.doctype.shipment.shipment.get_contact_name": "crm_ext.api.guarded.get_contact_name",
	"frappe.contacts.doctype.address.address.get_default_address": "crm_ext.api.guarded.get_default_address",
	"frappe.desk.doctype.tag.tag.get_tagged_docs": "crm_ext.api.search.get_tagged_docs",
	"frappe.desk.notifications.get_open_count": "crm_ext.api.connections.get_open_count",
	"frappe.desk.search.get_link_title": "crm_ext.api.search.get_link_title",
	"frappe.utils.global_search.search": "crm_ext.api.search.search",
}
has_permission = {
	"Address": "crm_ext.permissions_of_links.has_linked_visibility",
	"Communication": "crm_ext.permissions.has_message_permission",
	"Contact": "crm_ext.permissions_of_links.has_linked_visibility",
	"Credit Check": "crm_ext.permissions.has_permission_through_customer",
	"Credit Release": "crm_ext.permissions.has_permission_through_customer",
	"Customer": "crm_ext.permissions.has_visibility",
	"Deal": "crm_ext.permissions.has_visibility",
	"Deal Ledger Entry": "crm_ext.permissions.has_permission_through_deal",
	"Deal Stage Change": "crm_ext.permissions.has_permission_through_deal",
	"Delivery Note": "crm_ext.permissions.has_following_visibility",
	"Follow Up": "crm_ext.permissions.has_follow_up_permission",
	"Follow Up Preference": "crm_ext.permissions.has_preference_permission",
	"Lead": "crm_ext.permissions.has_visibility",
	"Opportunity": "crm_ext.permissions.has_visibility",
	"Payment Promise": "crm_ext.permissions.has_permission_through_customer",
	"Prepared Report": "crm_ext.permissions_of_links.has_prepared_report_permission",
	"Prospect": "crm_ext.permissions.has_visibility",
	"Quotation": "crm_ext.permissions.has_visibility",
	"Sales Invoice": "crm_ext.permissions.has_following_visibility",
	"Sales Order": "crm_ext.permissions.has_visibility",
	"Stand In": "crm_ext.permissions.has_stand_in_permission",
}
has_website_permission = {
	"Delivery Note": "crm_ext.permissions.has_following_website_visibility",
	"Quotation": "crm_ext.permissions.has_website_visibility",
	"Sales Invoice": "crm_ext.permissions.has_following_website_visibility",
	"Sales Order": "crm_ext.permissions.has_website_visibility",
}
permission_query_conditions = {
	"*": "crm_ext.permissions_of_links.row_conditions",
	"Address": "crm_ext.permissions_of_links.linked_conditions",
	"Contact": "crm_ext.permissions_of_links.linked_conditions",
	"Credit Check": "crm_ext.permissions.credit_check_conditions",
	"Credit Release": "crm_ext.permissions.credit_release_conditions",
	"Customer": "crm_ext.permissions.visibility_conditions",
	"Deal": "crm_ext.permissions.visibility_conditions",
	"Deal Ledger Entry": "crm_ext.permissions.ledger_entry_conditions",
	"Deal Stage Change": "crm_ext.permissions.stage_change_conditions",
	"Delivery Note": "crm_ext.permissions.following_conditions",
	"File": "crm_ext.permissions_of_links.attached_conditions",
	"Follow Up": "crm_ext.permissions.follow_up_conditions",
	"Follow Up Preference": "crm_ext.permissions.preference_conditions",
	"Lead": "crm_ext.permissions.visibility_conditions",
	"Opportunity": "crm_ext.permissions.visibility_conditions",
	"Payment Promise": "crm_ext.permissions.promise_conditions",
	"Prepared Report": "crm_ext.permissions_of_links.prepared_report_conditions",
	"Prospect": "crm_ext.permissions.visibility_conditions",
	"Quotation": "crm_ext.permissions.visibility_conditions",
	"Sales Invoice": "crm_ext.permissions.following_conditions",
	"Sales Order": "crm_ext.permissions.visibility_conditions",
	"Stand In": "crm_ext.permissions.stand_in_conditions",
	"Tag Link": "crm_ext.permissions_of_links.attached_conditions",
}

# Scheduler
scheduler_events = {
	"cron": {
		"*/5 * * * *": ["crm_ext.tasks.remind_of_appointments"],
		"*/15 * * * *": ["crm_ext.tasks.follow_up"],
	},
	"daily": ["crm_ext.tasks.ask_stand_ins"],
	"daily_long": [
		"crm_ext.tasks.nightly_check",
		"crm_ext.tasks.nightly_contacts",
		"crm_ext.tasks.nightly_promises",
	],
	"hourly": ["crm_ext.tasks.keep_status_on_meetings", "crm_ext.tasks.read_visibility_anew"],
}
