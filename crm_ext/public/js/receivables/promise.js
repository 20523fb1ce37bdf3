// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

import { once } from "../dialogs";

frappe.provide("crm_ext.receivables");

Object.assign(crm_ext.receivables, {
	// A promise to pay of one customer; `invoices` (names) are ticked, else those that are overdue. `on_done(name)`.
	async new_promise({ customer, company, invoices, follow_up, on_done }) {
		if (this.opening) return;
		this.opening = true;
		try {
			const rows = await frappe.xcall("crm_ext.api.promises.open_invoices", { customer, company });
			const free = rows.filter((row) => !row.promise);
			if (!free.length) {
				frappe.msgprint(
					rows.length
						? __("Every open invoice of {0} is promised already.", [customer])
						: __("Nothing is outstanding of {0}.", [customer])
				);
				return;
			}
			new PromiseDialog({ customer, rows: free, invoices, follow_up, on_done }).show();
		} finally {
			this.opening = false;
		}
	},

	// A dunning letter of ERPNext's about all overdue invoices of a customer, not saved yet.
	async new_dunning({ customer, company }) {
		const names = await frappe.xcall("crm_ext.api.collections.overdue_invoices", { customer, company });
		if (!names.length) {
			return frappe.msgprint(__("No invoice of {0} is overdue.", [customer]));
		}
		const doc = await frappe.xcall("frappe.model.mapper.map_docs", {
			method: "erpnext.accounts.doctype.sales_invoice.sales_invoice.create_dunning",
			source_names: names,
			target_doc: "",
		});
		frappe.model.sync(doc);
		frappe.set_route("Form", doc.doctype, doc.name);
	},

	// ERPNext's statement of account: to look at, and to mail.
	async send_statement({ customer, company, on_done }) {
		const letter = await frappe.xcall("crm_ext.api.collections.statement_letter", { customer, company });
		const dialog = new frappe.ui.Dialog({
			title: __("Statement of Account for {0}", [customer]),
			fields: [
				{
					fieldname: "recipients",
					fieldtype: "MultiSelect",
					label: __("To"),
					reqd: 1,
					default: letter.recipients,
				},
				{
					fieldname: "subject",
					fieldtype: "Data",
					label: __("Subject"),
					reqd: 1,
					default: letter.subject,
				},
				{
					fieldname: "message",
					fieldtype: "Text Editor",
					label: __("Message"),
					reqd: 1,
					default: letter.message,
				},
			],
			primary_action_label: __("Send"),
			primary_action: (values) =>
				once(dialog, async () => {
					await frappe.xcall("crm_ext.api.collections.send_statement", {
						customer,
						company,
						...values,
					});
					frappe.show_alert({ message: __("Sent."), indicator: "green" });
					on_done?.();
				}),
			secondary_action_label: __("Look at It"),
			secondary_action: () => {
				const args = new URLSearchParams({ customer, company });
				window.open(`/api/method/crm_ext.api.collections.statement?${args}`);
			},
		});
		dialog.show();
	},
});

class PromiseDialog {
	constructor(options) {
		Object.assign(this, options);
		this.today = frappe.datetime.get_today();
	}

	show() {
		this.dialog = new frappe.ui.Dialog({
			title: __("Payment Promise of {0}", [this.customer]),
			fields: [
				{ fieldname: "invoices", fieldtype: "HTML" },
				{ fieldtype: "Section Break" },
				{ fieldname: "pay_by", fieldtype: "Date", label: __("Promised For"), reqd: 1 },
				{ fieldtype: "Column Break" },
				{
					fieldname: "amount",
					fieldtype: "Float",
					label: __("Amount Promised"),
					description: __("Empty: all that is outstanding of the invoices"),
				},
				{ fieldtype: "Section Break" },
				{ fieldname: "notes", fieldtype: "Small Text", label: __("What Was Said") },
			],
			primary_action_label: __("Save"),
			primary_action: (values) => once(this.dialog, () => this.save(values)),
		});
		this.$rows = this.dialog.fields_dict.invoices.$wrapper.html(this.table());
		this.$rows.on("change", "input", () => this.add_up());
		this.dialog.show();
		this.add_up();
		this.show_reliability();
	}

	// Of one company and one currency, as a promise is.
	table() {
		const escape = frappe.utils.escape_html;
		const chosen = this.rows.filter((row) => this.is_chosen(row));
		const first = chosen[0] || this.rows[0];
		const same = (row) => row.company === first.company && row.currency === first.currency;
		const lines = this.rows.map((row) => {
			const late = frappe.datetime.get_day_diff(this.today, row.due_date);
			const checked = same(row) && (chosen.length ? chosen.includes(row) : row === first);
			return `
				<tr>
					<td><label class="mb-0"><input type="checkbox" value="${escape(row.name)}"
						${checked ? "checked" : ""}> ${escape(row.name)}</label></td>
					<td>${escape(row.company)}</td>
					<td>${frappe.datetime.str_to_user(row.due_date)}
						${late > 0 ? `<span class="text-danger">${__("{0} days late", [late])}</span>` : ""}</td>
					<td class="text-right">${format_currency(row.outstanding_amount, row.currency)}</td>
				</tr>`;
		});
		return `
			<table class="table table-sm promise-invoices">
				<thead><tr><th>${__("Sales Invoice")}</th><th>${__("Company")}</th><th>${__("Due Date")}</th>
					<th class="text-right">${__("Outstanding")}</th></tr></thead>
				<tbody>${lines.join("")}</tbody>
				<tfoot><tr><th colspan="3" class="promise-reliability font-weight-normal text-muted"></th>
					<th class="text-right promise-sum"></th></tr></tfoot>
			</table>`;
	}

	is_chosen(row) {
		return this.invoices ? this.invoices.includes(row.name) : row.due_date < this.today;
	}

	chosen() {
		const names = this.$rows.find("input:checked").toArray().map((box) => box.value);
		return this.rows.filter((row) => names.includes(row.name));
	}

	add_up() {
		const rows = this.chosen();
		const sum = rows.reduce((sum, row) => sum + row.outstanding_amount, 0);
		this.$rows.find(".promise-sum").html(rows.length ? format_currency(sum, rows[0].currency) : "");
	}

	async show_reliability() {
		if (!frappe.model.can_read("Payment Promise")) return;
		const figures = await frappe.xcall("crm_ext.api.promises.reliability", { customer: this.customer });
		this.$rows.find(".promise-reliability").text(crm_ext.receivables.describe(figures));
	}

	async save({ pay_by, amount, notes }) {
		const rows = this.chosen();
		if (!rows.length) frappe.throw(__("Choose at least one invoice."));
		const name = await frappe.xcall("crm_ext.api.promises.make", {
			customer: this.customer,
			company: rows[0].company,
			invoices: rows.map((row) => row.name),
			pay_by,
			amount,
			notes,
			follow_up: this.follow_up,
		});
		frappe.show_alert({ message: __("Promise {0} is noted.", [name]), indicator: "green" });
		this.on_done?.(name);
	}
}

// How reliable a customer's promises are, in a sentence.
crm_ext.receivables.describe = ({ judged, kept, average_days_late } = {}) => {
	if (!judged) return __("No promise of this customer was due yet.");
	const share = __("{0} of {1} promises kept", [kept, judged]);
	return `${share}, ${__("{0} days late on average", [average_days_late])}`;
};

const add_button = (frm, options) => {
	if (!frappe.model.can_create("Payment Promise")) return;
	frm.add_custom_button(__("Payment Promise"), () =>
		crm_ext.receivables.new_promise({ ...options, on_done: () => frm.reload_doc() })
	);
};

frappe.ui.form.on("Sales Invoice", {
	refresh(frm) {
		const { docstatus, is_return, outstanding_amount, customer, company, name } = frm.doc;
		if (docstatus !== 1 || is_return || !(outstanding_amount > 0)) return;
		add_button(frm, { customer, company, invoices: [name] });
	},
});

frappe.ui.form.on("Customer", {
	refresh(frm) {
		const { crm_ext_seen_by_deal } = frm.doc.__onload || {};
		if (!frm.is_new() && !crm_ext_seen_by_deal && frappe.model.can_read("Sales Invoice")) {
			add_button(frm, { customer: frm.doc.name });
		}
	},
});

frappe.ui.form.on("Follow Up", {
	refresh(frm) {
		const { party_type, party, reference_doctype, reference_name, company, name } = frm.doc;
		if (frm.is_new() || party_type !== "Customer" || !party) return;
		if (!frappe.model.can_read("Sales Invoice")) return;
		const invoices = reference_doctype === "Sales Invoice" ? [reference_name] : undefined;
		add_button(frm, { customer: party, company: invoices && company, invoices, follow_up: name });
	},
});
