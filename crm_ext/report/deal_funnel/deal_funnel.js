// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.query_reports["Deal Funnel"] = {
	filters: [
		crm_ext.reports.company(),
		{
			fieldname: "from_date",
			label: __("From Date"),
			fieldtype: "Date",
			default: frappe.datetime.add_months(frappe.datetime.get_today(), -12),
			reqd: 1,
		},
		{
			fieldname: "to_date",
			label: __("To Date", null, "Deal"),
			fieldtype: "Date",
			default: frappe.datetime.get_today(),
			reqd: 1,
		},
		{
			fieldname: "start_stage",
			label: __("Starting Stage"),
			fieldtype: "Link",
			options: "Deal Stage",
			get_query: () => ({ filters: { kind: ["!=", "Lost"] } }),
		},
		{
			fieldname: "group_by",
			label: __("Group By", null, "Deal"),
			fieldtype: "Select",
			options: [
				{ value: "", label: __("Not Grouped") },
				{ value: "owner_user", label: __("Deal Owner") },
				{ value: "sales_person", label: __("Sales Person") },
				{ value: "source", label: __("Source", null, "Deal") },
				{ value: "campaign", label: __("Campaign") },
				{ value: "territory", label: __("Territory") },
				{ value: "industry", label: __("Industry") },
				{ value: "company", label: __("Company") },
				{ value: "month", label: __("Month") },
			],
			default: "",
		},
		{ fieldname: "owner_user", label: __("Deal Owner"), fieldtype: "Link", options: "User" },
		{
			fieldname: "sales_person",
			label: __("Sales Person"),
			fieldtype: "Link",
			options: "Sales Person",
		},
		{
			fieldname: "source",
			label: __("Source", null, "Deal"),
			fieldtype: "Link",
			options: "Lead Source",
		},
		{ fieldname: "campaign", label: __("Campaign"), fieldtype: "Link", options: "Campaign" },
		{ fieldname: "territory", label: __("Territory"), fieldtype: "Link", options: "Territory" },
		{ fieldname: "industry", label: __("Industry"), fieldtype: "Link", options: "Industry Type" },
		{ fieldname: "with_days", label: __("Days Between Stages"), fieldtype: "Check", default: 1 },
	],
	initial_depth: 0,

	onload(report) {
		// The page outlives the report: without off() a second visit would open everything twice.
		report.page.wrapper
			.off("click.deal_funnel")
			.on("click.deal_funnel", "a[data-deal-funnel]", (event) => {
				event.preventDefault();
				this.open_deals(JSON.parse(event.currentTarget.dataset.dealFunnel));
			});
	},

	formatter(value, row, column, data, default_formatter) {
		const html = default_formatter(value, row, column, data);
		const drill = data && data.drill && data.drill[column.fieldname];
		if (drill && value) {
			const target = frappe.utils.escape_html(JSON.stringify(drill));
			return `<a href="#" data-deal-funnel="${target}">${html}</a>`;
		}
		return data && data.indent === 0 ? `<strong>${html}</strong>` : html;
	},

	async open_deals(drill) {
		let filters = drill.list;
		if (!filters) {
			const found = await frappe.xcall("crm_ext.api.reports.cohort_deals", drill);
			if (found.total > found.names.length) {
				frappe.show_alert(
					__("The newest {0} of {1} deals are listed.", [found.names.length, found.total])
				);
			}
			filters = { name: ["in", found.names] };
		}
		frappe.route_options = filters;
		frappe.set_route("List", "Deal", "List");
	},
};
