// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.query_reports["Collections"] = {
	filters: [
		crm_ext.reports.company(),
		crm_ext.reports.link("responsible", __("Responsible", null, "Follow Up"), "User"),
		crm_ext.reports.check("worth_a_call", __("Only Those to Call")),
	],

	onload: (report) => crm_ext.receivables.on_collect(report),

	formatter(value, row, column, data, default_formatter) {
		if (column.fieldname === "actions" && data) {
			return crm_ext.receivables.collect_buttons(data);
		}
		if (data && data[column.fieldname] === null) return "";
		const html = default_formatter(value, row, column, data);
		if (column.fieldname !== "standing" || !data) return html;
		const color = data.to_call ? "orange" : "gray";
		return `<span class="indicator-pill ${color}">${html}</span>`;
	},
};
