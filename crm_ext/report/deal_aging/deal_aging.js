// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.query_reports["Deal Aging"] = {
	filters: [
		crm_ext.reports.company(),
		crm_ext.reports.select("scope", __("Scope"), [
			["Open", __("Open", null, "Deal")],
			["Won, Not Paid", __("Won, Not Paid")],
			["All Not Closed", __("All Not Closed")],
		]),
		crm_ext.reports.link("stage", __("Stage"), "Deal Stage"),
		crm_ext.reports.link("owner_user", __("Deal Owner"), "User"),
		crm_ext.reports.link("sales_person", __("Sales Person"), "Sales Person"),
		crm_ext.reports.link("territory", __("Territory"), "Territory"),
		crm_ext.reports.check("only_rotting", __("Only Rotting")),
		crm_ext.reports.check("show_deals", __("Show Deals")),
	],

	onload(report) {
		crm_ext.reports.on_click(report, "a[data-deal-aging]", ({ dealAging: filters }) => {
			frappe.route_options = JSON.parse(filters);
			frappe.set_route("List", "Deal", "List");
		});
		crm_ext.reports.on_click(report, "a[data-deal-aging-stage]", ({ dealAgingStage: stage }) =>
			frappe.query_report.set_filter_value({ stage, show_deals: 1 })
		);
	},

	formatter(value, row, column, data, default_formatter) {
		const html = default_formatter(value, row, column, data);
		if (!data) {
			return html;
		}
		const drill = data.drill && data.drill[column.fieldname];
		if (drill && value) {
			const target = frappe.utils.escape_html(JSON.stringify(drill));
			return `<a href="#" data-deal-aging="${target}">${html}</a>`;
		}
		if (data.drill && column.fieldname === "stage") {
			const stage = frappe.utils.escape_html(value);
			return `<a href="#" data-deal-aging-stage="${stage}">${frappe.utils.escape_html(
				__(value)
			)}</a>`;
		}
		if (column.fieldname === "days_over" && value > 0) {
			return `<span class="text-danger">${html}</span>`;
		}
		return html;
	},
};
