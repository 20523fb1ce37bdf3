// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// Frappe evaluates this after ERPNext's own file, which sets the settings anew.
frappe.listview_settings["Sales Order"] ??= {};
frappe.listview_settings["Sales Order"].onload = ((before) =>
	function (list) {
		before?.call(this, list);
		const { quick_order } = crm_ext.sales;
		if (quick_order.is_offered()) {
			list.page.add_inner_button(__("Quick Order"), () => quick_order.open());
		}
	})(frappe.listview_settings["Sales Order"].onload);
