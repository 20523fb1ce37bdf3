// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.query_reports["Deal Aging"] = {
	filters: [
		{
			fieldname: "company",
			label: __("Company"),
			fieldtype: "Link",
			options: "Company",
			default: frappe.defaults.get_user_default("Company"),
		},
		{
			fieldname: "scope",
			label: __("Scope"),
			fieldtype: "Select",
			options: [
				{ value: "Open", label: __("Open", null, "Deal") },
				{ value: "Won, Not Paid", label: __("Won, Not Paid") },
				{ value: "All Not Closed", label: __("All Not Closed") },
			],
			default: "Open",
			reqd: 1,
		},
		{ fieldname: "stage", label: __("Stage"), fieldtype: "Link", options: "Deal Stage" },
		{ fieldname: "owner_user", label: __("Deal Owner"), fieldtype: "Link", options: "User" },
		{
			fieldname: "sales_person",
			label: __("Sales Person"),
			fieldtype: "Link",
			options: "Sales Person",
		},
		{ fieldname: "territory", label: __("Territory"), fieldtype: "Link", options: "Territory" },
		{ fieldname: "only_rotting", label: __("Only Rotting"), fieldtype: "Check" },
		{ fieldname: "show_deals", label: __("Show Deals"), fieldtype: "Check" },
	],

	onload(report) {
		// The page outlives the report: without off() a second visit would open everything twice.
		report.page.wrapper
			.off("click.deal_aging")
			.on("click.deal_aging", "a[data-deal-aging]", (event) => {
				event.preventDefault();
				frappe.route_options = JSON.parse(event.currentTarget.dataset.dealAging);
				frappe.set_route("List", "Deal", "List");
			})
			.on("click.deal_aging", "a[data-deal-aging-stage]", (event) => {
				event.preventDefault();
				const stage = event.currentTarget.dataset.dealAgingStage;
				frappe.query_report.set_filter_value({ stage, show_deals: 1 });
			});
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
