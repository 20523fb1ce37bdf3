// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.query_reports["Follow Up Adherence"] = {
	filters: [
		{
			fieldname: "from_date",
			label: __("From Date"),
			fieldtype: "Date",
			default: frappe.datetime.add_days(frappe.datetime.get_today(), -27),
			reqd: 1,
		},
		{
			fieldname: "to_date",
			label: __("To Date", null, "Follow Up"),
			fieldtype: "Date",
			default: frappe.datetime.get_today(),
			reqd: 1,
		},
		{
			fieldname: "group_by",
			label: __("Group By", null, "Follow Up"),
			fieldtype: "Select",
			options: [
				{ value: "responsible", label: __("Responsible", null, "Follow Up") },
				{ value: "channel", label: __("Channel", null, "Follow Up") },
				{ value: "rule", label: __("Rule") },
				{ value: "week", label: __("Week") },
			],
			default: "responsible",
			reqd: 1,
		},
		{
			fieldname: "responsible",
			label: __("Responsible", null, "Follow Up"),
			fieldtype: "Link",
			options: "User",
		},
		{
			fieldname: "channel",
			label: __("Channel", null, "Follow Up"),
			fieldtype: "Select",
			options: [
				{ value: "", label: "" },
				...crm_ext.follow_ups.channels.map((value) => ({ value, label: __(value, null, "Follow Up") })),
			],
		},
		{ fieldname: "rule", label: __("Rule"), fieldtype: "Link", options: "Follow Up Rule" },
		{
			fieldname: "reference_doctype",
			label: __("Document Type", null, "Follow Up"),
			fieldtype: "Link",
			options: "DocType",
			get_query: () => ({
				filters: { name: ["in", crm_ext.follow_ups.references] },
			}),
		},
		// Without a default: follow ups about customers belong to no company.
		{ fieldname: "company", label: __("Company"), fieldtype: "Link", options: "Company" },
	],

	onload(report) {
		// The page outlives the report: without off() a second visit would open everything twice.
		report.page.wrapper
			.off("click.follow_up_adherence")
			.on("click.follow_up_adherence", "a[data-adherence]", (event) => {
				event.preventDefault();
				this.open_follow_ups(JSON.parse(event.currentTarget.dataset.adherence));
			});
	},

	formatter(value, row, column, data, default_formatter) {
		// No share of nothing, and nothing late: not the same as 0.
		if (data && data[column.fieldname] === null) {
			return "";
		}
		const html = default_formatter(value, row, column, data);
		const drill = data && data.drill && data.drill[column.fieldname];
		if (drill && value) {
			const target = frappe.utils.escape_html(JSON.stringify(drill));
			return `<a href="#" data-adherence="${target}">${html}</a>`;
		}
		return html;
	},

	async open_follow_ups(drill) {
		let filters = drill.list;
		if (!filters) {
			const found = await frappe.xcall("crm_ext.api.reports.adherence_follow_ups", drill);
			if (found.total > found.names.length) {
				frappe.show_alert(
					__("The newest {0} of {1} follow ups are listed.", [
						found.names.length,
						found.total,
					])
				);
			}
			filters = { name: ["in", found.names] };
		}
		frappe.route_options = filters;
		frappe.set_route("List", "Follow Up", "List");
	},
};
