// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.query_reports["Receipts"] = {
	filters: [
		crm_ext.reports.company(),
		crm_ext.reports.date(
			"from_date",
			__("From Date"),
			frappe.datetime.add_months(frappe.datetime.month_start(), -11)
		),
		crm_ext.reports.date("to_date", __("To Date", null, "Receipts"), frappe.datetime.get_today()),
		crm_ext.reports.select("group_by", __("Group By", null, "Receipts"), [
			["month", __("Month")],
			["mode_of_payment", __("Mode of Payment")],
			["sales_person", __("Sales Person")],
			["customer", __("Customer")],
			["customer_group", __("Customer Group")],
			["territory", __("Territory")],
			["company", __("Company")],
		]),
		...crm_ext.reports.parties(),
		crm_ext.reports.link("mode_of_payment", __("Mode of Payment"), "Mode of Payment"),
		crm_ext.reports.check("in_party_currency", __("In Party Currency")),
		crm_ext.reports.check("show_vouchers", __("Show Vouchers")),
	],

	onload(report) {
		crm_ext.reports.on_drill(report, (target) => frappe.query_report.set_filter_value(target));
	},

	formatter(value, row, column, data, default_formatter) {
		const html = default_formatter(value, row, column, data);
		if (data && data.drill && value && ["group", "received"].includes(column.fieldname)) {
			return crm_ext.reports.drill(html, data.drill);
		}
		if (data && column.fieldname === "open" && value > 0) {
			return `<span class="text-danger">${html}</span>`;
		}
		return html;
	},
};
