// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.query_reports["Delivery Due"] = {
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
			fieldname: "period",
			label: __("Due"),
			fieldtype: "Select",
			options: ["All", "Late", "Today", "This Week", "Next Week"].map((value) => ({
				value,
				label: __(value),
			})),
			default: "All",
		},
		{
			fieldname: "group_by",
			label: __("Show"),
			fieldtype: "Select",
			options: [
				{ value: "Order", label: __("Orders") },
				{ value: "Row", label: __("Order Rows") },
			],
			default: "Order",
			reqd: 1,
		},
		{
			fieldname: "only_deliverable",
			label: __("Only What Can Be Delivered Now"),
			fieldtype: "Check",
		},
		{ fieldname: "from_date", label: __("Delivery From"), fieldtype: "Date" },
		{ fieldname: "to_date", label: __("Delivery Until"), fieldtype: "Date" },
		{ fieldname: "customer", label: __("Customer"), fieldtype: "Link", options: "Customer" },
		{
			fieldname: "sales_person",
			label: __("Sales Person"),
			fieldtype: "Link",
			options: "Sales Person",
		},
		{ fieldname: "territory", label: __("Territory"), fieldtype: "Link", options: "Territory" },
		{
			fieldname: "warehouse",
			label: __("Warehouse"),
			fieldtype: "Link",
			options: "Warehouse",
			get_query: () => ({
				filters: { company: frappe.query_report.get_filter_value("company") },
			}),
		},
		{ fieldname: "item_code", label: __("Item"), fieldtype: "Link", options: "Item" },
	],

	get_datatable_options: (options) => ({ ...options, checkboxColumn: true }),

	onload(report) {
		const { deliver, print } = crm_ext.deliveries;
		const chosen = () => report.get_checked_items();
		if (frappe.model.can_create("Delivery Note")) {
			report.page.add_inner_button(__("Deliver"), () =>
				deliver({
					company: report.get_filter_value("company"),
					rows: chosen(),
					on_done: () => report.refresh(),
				})
			);
		}
		if (frappe.model.can_print("Delivery Note")) {
			report.page.add_inner_button(__("Print Delivery Notes"), () =>
				print(chosen().map((row) => row.sales_order))
			);
		}
	},

	formatter(value, row, column, data, default_formatter) {
		const html = default_formatter(value, row, column, data);
		return data ? this.mark(html, value, column.fieldname, data) : html;
	},

	mark(html, value, fieldname, data) {
		const escape = frappe.utils.escape_html;
		if (fieldname === "standing") {
			const color = { all: "green", part: "orange", nothing: "red" }[data.standing_key];
			return `<span class="indicator-pill ${color}">${escape(value)}</span>`;
		}
		if (fieldname === "comes_on") {
			if (!value && data.short_now) {
				return `<span class="text-danger">${__("Not known")}</span>`;
			}
			if (data.overdue_supply) {
				const why = escape(__("The day it was expected has passed"));
				return `<span class="text-danger" title="${why}">${html}</span>`;
			}
			return value > data.deliver_on ? `<span class="text-danger">${html}</span>` : html;
		}
		if (fieldname === "draft" && value) {
			return value
				.split(", ")
				.map((name) => frappe.utils.get_form_link("Delivery Note", name, true))
				.join(", ");
		}
		if (fieldname === "source_name" && value && !frappe.model.can_read(data.source_type)) {
			return escape(value);
		}
		if (["days_late", "short", "rows_short"].includes(fieldname)) {
			return value ? `<span class="text-danger">${html}</span>` : "";
		}
		return html;
	},
};
