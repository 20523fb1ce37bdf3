// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// What script reports share: filters that several have, and figures that lead on.

import { once } from "./dialogs";

frappe.provide("crm_ext.reports");

const link = (fieldname, label, options, more = {}) => ({
	fieldname,
	label,
	fieldtype: "Link",
	options,
	...more,
});

Object.assign(crm_ext.reports, {
	company(more) {
		const own = frappe.defaults.get_user_default("Company");
		return link("company", __("Company"), "Company", { default: own, ...more });
	},

	date(fieldname, label, day) {
		return { fieldname, label, fieldtype: "Date", default: day, reqd: 1 };
	},

	// The first is the default. Values are told to the server in English: pairs of value and label; a number is its own.
	select(fieldname, label, values, more) {
		const options = values.map((one) => {
			const [value, label] = Array.isArray(one) ? one : [one, one];
			return { value, label };
		});
		const field = { fieldname, label, fieldtype: "Select", options, reqd: 1 };
		return { ...field, default: options[0].value, ...more };
	},

	check(fieldname, label, more) {
		return { fieldname, label, fieldtype: "Check", ...more };
	},

	// Of the company chosen.
	warehouse() {
		return link("warehouse", __("Warehouse"), "Warehouse", {
			get_query: () => ({
				filters: { company: frappe.query_report.get_filter_value("company") },
			}),
		});
	},

	// Whose figures.
	parties() {
		return [
			link("customer", __("Customer"), "Customer"),
			link("customer_group", __("Customer Group"), "Customer Group"),
			link("territory", __("Territory"), "Territory"),
			link("sales_person", __("Sales Person"), "Sales Person"),
		];
	},

	link,

	// For dialogs of reports, whose own files cannot import.
	once,

	// `html` as a figure that leads on; `target` (plain data) is what `on_drill` gets.
	drill(html, target) {
		return `<a href="#" data-drill="${frappe.utils.escape_html(JSON.stringify(target))}">${html}</a>`;
	},

	on_drill(report, open) {
		this.on_click(report, "a[data-drill]", ({ drill }) => open(JSON.parse(drill)));
	},

	// The page outlives the report: without off() a second visit would do everything twice.
	on_click(report, selector, act) {
		const event = `click.${frappe.scrub(report.report_name)}`;
		report.page.wrapper.off(event, selector).on(event, selector, (click) => {
			click.preventDefault();
			act(click.currentTarget.dataset);
		});
	},
});
