// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// From the order to the page that tells where each of its rows is.
frappe.ui.form.on("Sales Order", {
	refresh(frm) {
		if (frm.is_new() || frm.doc.docstatus === 2 || !frappe.boot.page_info?.["order-status"])
			return;
		frm.add_custom_button(
			__("Order Status"),
			() => frappe.set_route("order-status", frm.doc.name),
			__("View")
		);
	},
});
