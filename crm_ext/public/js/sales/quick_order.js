// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.provide("crm_ext.sales");

// The ways to the page Quick Order, for who may use it.
crm_ext.sales.quick_order = {
	is_offered: () =>
		!!cint(frappe.boot.crm_ext?.quick_order_enabled) &&
		!!frappe.boot.page_info?.["quick-order"] &&
		frappe.model.can_create("Sales Order"),

	open(options = {}) {
		frappe.route_options = options;
		frappe.set_route("quick-order");
	},

	add(frm, options) {
		if (frm.is_new() || !this.is_offered()) return;
		frm.add_custom_button(__("Quick Order"), () => this.open(options));
	},
};

frappe.ui.form.on("Customer", {
	refresh(frm) {
		if (!cint(frm.doc.disabled)) crm_ext.sales.quick_order.add(frm, { customer: frm.doc.name });
	},
});

frappe.ui.form.on("Quotation", {
	refresh(frm) {
		const { docstatus, quotation_to, status, name, party_name } = frm.doc;
		if (docstatus !== 1 || quotation_to !== "Customer" || ["Lost", "Ordered"].includes(status)) return;
		crm_ext.sales.quick_order.add(frm, { customer: party_name, quotation: name });
	},
});

frappe.ui.form.on("Deal", {
	refresh(frm) {
		const { customer, company } = frm.doc;
		if (customer) crm_ext.sales.quick_order.add(frm, { customer, company });
	},
});
