// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.query_reports["Days Sales Outstanding"] = {
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
			fieldname: "to_date",
			label: __("To Date"),
			fieldtype: "Date",
			default: frappe.datetime.get_today(),
			reqd: 1,
		},
		{
			fieldname: "months",
			label: __("Months"),
			fieldtype: "Select",
			options: ["12", "24", "36"],
			default: "12",
			reqd: 1,
		},
		{
			fieldname: "method",
			label: __("Method"),
			fieldtype: "Select",
			options: [
				{ value: "Classical", label: __("Classical") },
				{ value: "Countback", label: __("Countback") },
			],
			default: "Classical",
			reqd: 1,
		},
		{
			fieldname: "window",
			label: __("Sales of Months"),
			fieldtype: "Select",
			options: ["1", "3", "6", "12"],
			default: "3",
			reqd: 1,
			depends_on: "eval: doc.method !== 'Countback'",
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
	],
};
