// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.query_reports["Receivable Aging"] = {
	filters: [
		crm_ext.reports.company({ reqd: 1 }),
		crm_ext.reports.date("report_date", __("As of Date"), frappe.datetime.get_today()),
		crm_ext.reports.select("group_by", __("Group By", null, "Receipts"), [
			["Customer", __("Customer")],
			["Sales Person", __("Sales Person")],
			["Territory", __("Territory")],
			["Customer Group", __("Customer Group")],
			["Company", __("Company")],
		]),
		crm_ext.reports.select("ageing_based_on", __("Ageing Based On"), [
			["Due Date", __("Due Date")],
			["Posting Date", __("Posting Date")],
		]),
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
		...crm_ext.reports.parties(),
		crm_ext.reports.link("account", __("Receivable Account"), "Account", {
			get_query: () => ({
				filters: {
					account_type: "Receivable",
					company: frappe.query_report.get_filter_value("company"),
					is_group: 0,
				},
			}),
		}),
		crm_ext.reports.check("in_party_currency", __("In Party Currency")),
		crm_ext.reports.check("based_on_payment_terms", __("Based On Payment Terms")),
		crm_ext.reports.check("show_items", __("Show Open Items")),
		crm_ext.reports.check("with_behaviour", __("Show Payment Behaviour"), { default: 1 }),
	],

	onload(report) {
		crm_ext.receivables.on_collect(report);
		crm_ext.reports.on_drill(report, ({ to, group }) => this.open[to](group, report));
	},

	open: {
		group(value) {
			const filter = frappe.scrub(frappe.query_report.get_filter_value("group_by"));
			frappe.query_report.set_filter_value({ [filter]: value, group_by: "Customer" });
		},
		items(customer) {
			const items = { customer, group_by: "Customer", show_items: 1 };
			frappe.query_report.set_filter_value(items);
		},
		receivable(customer, report) {
			const { company, report_date, ageing_based_on, range, in_party_currency } = report.get_values();
			frappe.set_route("query-report", "Accounts Receivable", {
				...{ company, report_date, ageing_based_on, range, in_party_currency },
				party_type: "Customer",
				party: [customer],
			});
		},
		ledger(customer, report) {
			const { company, report_date } = report.get_values();
			frappe.set_route("query-report", "General Ledger", {
				company,
				from_date: frappe.datetime.add_months(report_date, -12),
				to_date: report_date,
				party_type: "Customer",
				party: [customer],
			});
		},
		promises(customer) {
			frappe.route_options = { customer, status: "Open" };
			frappe.set_route("List", "Payment Promise", "List");
		},
	},

	// Where a figure leads, by column.
	targets() {
		if (frappe.query_report.get_filter_value("group_by") !== "Customer") {
			return { outstanding: "group" };
		}
		return {
			outstanding: "receivable",
			items: "items",
			last_receipt: "ledger",
			promised: "promises",
		};
	},

	formatter(value, row, column, data, default_formatter) {
		const { fieldname, fieldtype } = column;
		if (data && fieldname === "actions") return this.buttons(data);
		if (data && data.is_total && fieldname === "group") {
			return `<b>${frappe.utils.escape_html(value)}</b>`;
		}
		const nothing = value === null || value === undefined;
		if (data && nothing && ["Currency", "Int", "Percent"].includes(fieldtype)) {
			// Frappe would show a nought where there is nothing to tell.
			return "";
		}
		const html = default_formatter(value, row, column, data);
		if (!data) return html;
		if (data.is_total) return `<b>${html}</b>`;
		if (fieldname === "group" && !value && !data.indent) {
			return `<span class="text-muted">${__("Not Set")}</span>`;
		}
		const to = this.targets()[fieldname];
		if (to && value && data.group && !data.indent) {
			return crm_ext.reports.drill(html, { to, group: data.group });
		}
		if (["days_over", "over_limit"].includes(fieldname) && value > 0) {
			return `<span class="text-danger">${html}</span>`;
		}
		return html;
	},

	buttons({ group: customer, is_total }) {
		if (is_total || !customer) return "";
		const company = frappe.query_report.get_filter_value("company");
		return crm_ext.receivables.collect_buttons({ customer, company });
	},
};
