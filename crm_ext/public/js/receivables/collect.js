// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// What a collector does from the row of a customer, in whatever report it stands.

frappe.provide("crm_ext.receivables");

Object.assign(crm_ext.receivables, {
	collect_buttons({ customer, company }) {
		const can = frappe.model;
		const escape = frappe.utils.escape_html;
		const actions = [
			["log", __("Log", null, "Follow Up"), can.can_create("Follow Up")],
			["promise", __("Promise"), can.can_create("Payment Promise")],
			["dunning", __("Dunning"), can.can_create("Dunning")],
			["statement", __("Statement"), can.can_create("Process Statement Of Accounts")],
		];
		return actions
			.filter(([, , may]) => may)
			.map(
				([action, label]) =>
					`<button type="button" class="btn btn-default btn-xs" data-collect="${action}"
						data-customer="${escape(customer)}" data-company="${escape(company)}"
						aria-label="${escape(`${label}: ${customer}`)}">${label}</button>`
			)
			.join(" ");
	},

	on_collect(report) {
		crm_ext.reports.on_click(report, "button[data-collect]", ({ collect, customer, company }) =>
			this.collect(collect, { customer, company, on_done: () => report.refresh() })
		);
	},

	collect(action, { customer, company, on_done }) {
		if (action === "log") {
			const { follow_ups } = crm_ext;
			return follow_ups.open_dialog({ doctype: "Customer", name: customer, on_done });
		}
		if (action === "promise") return this.new_promise({ customer, company, on_done });
		if (action === "dunning") return this.new_dunning({ customer, company });
		return this.send_statement({ customer, company, on_done });
	},
});
