// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.listview_settings["Follow Up Rule"] = {
	add_fields: ["enabled", "switched_off_because"],
	has_indicator_for_draft: 1,
	hide_name_column: true,

	get_indicator({ enabled, switched_off_because }) {
		if (enabled) return [__("Enabled"), "green", "enabled,=,1"];
		if (switched_off_because) {
			return [__("Broken", null, "Follow Up Rule"), "red", "enabled,=,0|switched_off_because,is,set"];
		}
		return [__("Off", null, "Follow Up Rule"), "gray", "enabled,=,0"];
	},
};
