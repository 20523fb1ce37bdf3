// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.query_reports["Receipts"] = {
	filters: [
		{
			fieldname: "company",
			label: __("Company"),
			fieldtype: "Link",
			options: "Company",
			default: frappe.defaults.get_user_default("Company"),
		},
		{
			fieldname: "from_date",
			label: __("From Date"),
			fieldtype: "Date",
			default: frappe.datetime.add_months(frappe.datetime.month_start(), -11),
			reqd: 1,
		},
		{
			fieldname: "to_date",
			label: __("To Date"),
			fieldtype: "Date",
			default: frappe.datetime.get_today(),
			reqd: 1,
		},
		{
			fieldname: "group_by",
			label: __("Group By"),
			fieldtype: "Select",
			options: [
				{ value: "month", label: __("Month") },
				{ value: "mode_of_payment", label: __("Mode of Payment") },
				{ value: "sales_person", label: __("Sales Person") },
				{ value: "customer", label: __("Customer") },
				{ value: "customer_group", label: __("Customer Group") },
				{ value: "territory", label: __("Territory") },
				{ value: "company", label: __("Company") },
			],
			default: "month",
			reqd: 1,
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
			fieldname: "mode_of_payment",
			label: __("Mode of Payment"),
			fieldtype: "Link",
			options: "Mode of Payment",
		},
		{ fieldname: "in_party_currency", label: __("In Party Currency"), fieldtype: "Check" },
		{ fieldname: "show_vouchers", label: __("Show Vouchers"), fieldtype: "Check" },
	],

	onload(report) {
		// The page outlives the report: without off() a second visit would open everything twice.
		report.page.wrapper
			.off("click.receipts")
			.on("click.receipts", "a[data-receipts]", (event) => {
				event.preventDefault();
				frappe.query_report.set_filter_value(
					JSON.parse(event.currentTarget.dataset.receipts)
				);
			});
	},

	formatter(value, row, column, data, default_formatter) {
		const html = default_formatter(value, row, column, data);
		if (data && data.drill && value && ["group", "received"].includes(column.fieldname)) {
			const target = frappe.utils.escape_html(JSON.stringify(data.drill));
			return `<a href="#" data-receipts="${target}">${html}</a>`;
		}
		if (data && column.fieldname === "open" && value > 0) {
			return `<span class="text-danger">${html}</span>`;
		}
		return html;
	},
};
