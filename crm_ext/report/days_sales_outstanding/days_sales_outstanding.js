// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.query_reports["Days Sales Outstanding"] = {
	filters: [
		crm_ext.reports.company({ reqd: 1 }),
		crm_ext.reports.date("to_date", __("To Date", null, "Receipts"), frappe.datetime.get_today()),
		crm_ext.reports.select("months", __("Months"), ["12", "24", "36"]),
		crm_ext.reports.select("method", __("Method"), [
			["Classical", __("Classical")],
			["Countback", __("Countback")],
		]),
		crm_ext.reports.select("window", __("Sales of Months"), ["1", "3", "6", "12"], {
			default: "3",
			depends_on: "eval: doc.method !== 'Countback'",
		}),
		...crm_ext.reports.parties(),
	],
};
