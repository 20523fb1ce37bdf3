// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.query_reports["Delivery Due"] = {
	filters: [
		crm_ext.reports.company({ reqd: 1 }),
		crm_ext.reports.select(
			"period",
			__("Due"),
			["All", "Late", "Today", "This Week", "Next Week"].map((value) => [value, __(value)]),
			{ reqd: 0 }
		),
		crm_ext.reports.select("group_by", __("Show"), [
			["Order", __("Orders")],
			["Row", __("Order Rows")],
		]),
		crm_ext.reports.check("only_deliverable", __("Only What Can Be Delivered Now")),
		{ fieldname: "from_date", label: __("Delivery From"), fieldtype: "Date" },
		{ fieldname: "to_date", label: __("Delivery Until"), fieldtype: "Date" },
		crm_ext.reports.link("customer", __("Customer"), "Customer"),
		crm_ext.reports.link("sales_person", __("Sales Person"), "Sales Person"),
		crm_ext.reports.link("territory", __("Territory"), "Territory"),
		crm_ext.reports.warehouse(),
		crm_ext.reports.link("item_code", __("Item"), "Item"),
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
