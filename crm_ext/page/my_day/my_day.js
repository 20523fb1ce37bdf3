// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.pages["my-day"].on_page_load = (wrapper) => {
	wrapper.loaded = frappe.require("my_day.bundle.js").then(() => {
		wrapper.my_day = new crm_ext.MyDay(wrapper);
	});
};

frappe.pages["my-day"].on_page_show = async (wrapper) => {
	await wrapper.loaded;
	// Somebody may have gone on meanwhile, and the route would name another page's things.
	if (frappe.get_route()[0] === "my-day") wrapper.my_day.show();
};
