// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.query_reports["Collections"] = {
	filters: [
		{
			fieldname: "company",
			label: __("Company"),
			fieldtype: "Link",
			options: "Company",
			default: frappe.defaults.get_user_default("Company"),
		},
		{
			fieldname: "responsible",
			label: __("Responsible", null, "Follow Up"),
			fieldtype: "Link",
			options: "User",
		},
		{ fieldname: "worth_a_call", label: __("Only Those to Call"), fieldtype: "Check" },
	],

	onload(report) {
		// The page outlives the report: without off() a second visit would do everything twice.
		report.page.wrapper
			.off("click.collections")
			.on("click.collections", "button[data-collect]", ({ currentTarget }) => {
				const { collect, customer, company } = currentTarget.dataset;
				this.act(collect, customer, company, () => report.refresh());
			});
	},

	formatter(value, row, column, data, default_formatter) {
		if (column.fieldname === "actions" && data) return this.buttons(data);
		if (data && data[column.fieldname] === null) return "";
		const html = default_formatter(value, row, column, data);
		if (column.fieldname !== "standing" || !data) return html;
		const color = data.to_call ? "orange" : "gray";
		return `<span class="indicator-pill ${color}">${html}</span>`;
	},

	buttons({ customer, company }) {
		const escape = frappe.utils.escape_html;
		const can = frappe.model;
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

	act(action, customer, company, on_done) {
		const { receivables, follow_ups } = crm_ext;
		if (action === "log") {
			return follow_ups.open_dialog({ doctype: "Customer", name: customer, on_done });
		}
		if (action === "promise") {
			return receivables.new_promise({ customer, company, on_done });
		}
		if (action === "dunning") return receivables.new_dunning({ customer, company });
		return receivables.send_statement({ customer, company, on_done });
	},
};
