// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.listview_settings["Payment Promise"] = {
	add_fields: ["status"],
	get_indicator({ status }) {
		const colors = { Open: "orange", Kept: "green", "Partly Kept": "yellow", Broken: "red" };
		return [__(status), colors[status] || "gray", `status,=,${status}`];
	},
};
