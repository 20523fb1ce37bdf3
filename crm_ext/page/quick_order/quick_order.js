// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.pages["quick-order"].on_page_load = (wrapper) => {
	wrapper.loaded = frappe.require("quick_order.bundle.js").then(() => {
		wrapper.quick_order = new crm_ext.QuickOrder(wrapper);
	});
};

frappe.pages["quick-order"].on_page_show = async (wrapper) => {
	const wanted = frappe.route_options || {};
	frappe.route_options = null;
	await wrapper.loaded;
	wrapper.quick_order.show(wanted);
};
