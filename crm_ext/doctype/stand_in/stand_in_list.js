// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// People by name; what a stand-in is called in the database tells nobody anything.
frappe.listview_settings["Stand In"] = {
	hide_name_column: true,
	formatters: {
		user: (value) => frappe.utils.escape_html(frappe.user.full_name(value)),
		stand_in: (value) => frappe.utils.escape_html(frappe.user.full_name(value)),
	},
};
