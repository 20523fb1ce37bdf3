// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.query_reports["Receivable Aging"] = {
	filters: [
		{
			fieldname: "company",
			label: __("Company"),
			fieldtype: "Link",
			options: "Company",
			default: frappe.defaults.get_user_default("Company"),
			reqd: 1,
		},
		{
			fieldname: "report_date",
			label: __("As of Date"),
			fieldtype: "Date",
			default: frappe.datetime.get_today(),
			reqd: 1,
		},
		{
			fieldname: "group_by",
			label: __("Group By"),
			fieldtype: "Select",
			options: ["Customer", "Sales Person", "Territory", "Customer Group", "Company"].map(
				(value) => ({ value, label: __(value) })
			),
			default: "Customer",
			reqd: 1,
		},
		{
			fieldname: "ageing_based_on",
			label: __("Ageing Based On"),
			fieldtype: "Select",
			options: ["Due Date", "Posting Date"].map((value) => ({ value, label: __(value) })),
			default: "Due Date",
			reqd: 1,
		},
		{
			fieldname: "range",
			label: __("Buckets (Days)"),
			fieldtype: "Data",
			default: "30, 60, 90, 180",
		},
		{
			fieldname: "over_age_days",
			label: __("Over Age After (Days)"),
			fieldtype: "Int",
			default: 90,
		},
		{ fieldname: "customer", label: __("Customer"), fieldtype: "Link", options: "Customer" },
		{
			fieldname: "customer_group",
			label: __("Customer Group"),
			fieldtype: "Link",
			options: "Customer Group",
		},
		{ fieldname: "territory", label: __("Territory"), fieldtype: "Link", options: "Territory" },
		{
			fieldname: "sales_person",
			label: __("Sales Person"),
			fieldtype: "Link",
			options: "Sales Person",
		},
		{
			fieldname: "account",
			label: __("Receivable Account"),
			fieldtype: "Link",
			options: "Account",
			get_query: () => ({
				filters: {
					account_type: "Receivable",
					company: frappe.query_report.get_filter_value("company"),
					is_group: 0,
				},
			}),
		},
		{ fieldname: "in_party_currency", label: __("In Party Currency"), fieldtype: "Check" },
		{
			fieldname: "based_on_payment_terms",
			label: __("Based On Payment Terms"),
			fieldtype: "Check",
		},
		{ fieldname: "show_items", label: __("Show Open Items"), fieldtype: "Check" },
		{
			fieldname: "with_behaviour",
			label: __("Show Payment Behaviour"),
			fieldtype: "Check",
			default: 1,
		},
	],

	onload(report) {
		const open = {
			group: (value) => {
				const group_by = frappe.query_report.get_filter_value("group_by");
				const filter = frappe.scrub(group_by);
				frappe.query_report.set_filter_value({ [filter]: value, group_by: "Customer" });
			},
			items: (customer) =>
				frappe.query_report.set_filter_value({
					customer,
					group_by: "Customer",
					show_items: 1,
				}),
			receivable: (customer) => {
				const values = report.get_values();
				frappe.set_route("query-report", "Accounts Receivable", {
					company: values.company,
					report_date: values.report_date,
					ageing_based_on: values.ageing_based_on,
					range: values.range,
					in_party_currency: values.in_party_currency,
					party_type: "Customer",
					party: [customer],
				});
			},
			ledger: (customer) => {
				const values = report.get_values();
				frappe.set_route("query-report", "General Ledger", {
					company: values.company,
					from_date: frappe.datetime.add_months(values.report_date, -12),
					to_date: values.report_date,
					party_type: "Customer",
					party: [customer],
				});
			},
			promises: (customer) => {
				frappe.route_options = { customer, status: "Open" };
				frappe.set_route("List", "Payment Promise", "List");
			},
		};
		// The page outlives the report: without off() a second visit would open everything twice.
		report.page.wrapper
			.off("click.receivable_aging")
			.on("click.receivable_aging", "a[data-receivable-aging]", (event) => {
				event.preventDefault();
				const { receivableAging: target, value } = event.currentTarget.dataset;
				open[target](value);
			});
	},

	formatter(value, row, column, data, default_formatter) {
		if (data && data.is_total && column.fieldname === "group") {
			return `<b>${frappe.utils.escape_html(value)}</b>`;
		}
		const nothing = value === null || value === undefined;
		if (data && nothing && ["Currency", "Int", "Percent"].includes(column.fieldtype)) {
			// Frappe would show a nought where there is nothing to tell.
			return "";
		}
		const html = default_formatter(value, row, column, data);
		if (!data) {
			return html;
		}
		if (data.is_total) {
			return `<b>${html}</b>`;
		}
		const group_by = frappe.query_report.get_filter_value("group_by");
		if (column.fieldname === "group" && !value && !data.indent) {
			return `<span class="text-muted">${__("Not Set")}</span>`;
		}
		const by_customer = {
			outstanding: "receivable",
			items: "items",
			last_receipt: "ledger",
			promised: "promises",
		};
		const targets = group_by === "Customer" ? by_customer : { outstanding: "group" };
		const target = targets[column.fieldname];
		if (target && value && data.group && !data.indent) {
			const group = frappe.utils.escape_html(data.group);
			return `<a href="#" data-receivable-aging="${target}" data-value="${group}">${html}</a>`;
		}
		if (["days_over", "over_limit"].includes(column.fieldname) && value > 0) {
			return `<span class="text-danger">${html}</span>`;
		}
		return html;
	},
};
