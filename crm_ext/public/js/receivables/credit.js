// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

import { once } from "../dialogs";

// What stands against an order comes along with the document (`credit.show`); nothing does where the gate is off.
const show = (frm) => {
	frm.layout.message?.find(".crm-ext-credit").closest(".form-message").remove();
	const credit = !frm.is_new() && frm.doc.__onload?.credit_gate;
	if (!credit) return;
	const { reasons, release } = credit;
	if (reasons.length) headline(frm, credit);
	if (frm.doctype !== "Sales Order") return;
	if (frm.doc.docstatus === 0 && (!reasons.length || release)) return;
	if (frm.doc.docstatus === 1 && ["Completed", "Cancelled"].includes(frm.doc.status)) return;
	// Of a submitted order somebody may need more than was released; that is rare, and kept out of sight.
	const group = frm.doc.docstatus === 1 ? __("Credit Gate") : undefined;
	if (credit.may_release) {
		const button = frm.add_custom_button(__("Release Credit"), () => release_credit(frm, credit), group);
		if (!group) button.addClass("btn-primary").removeClass("btn-default");
	} else {
		frm.add_custom_button(__("Ask for Release"), () => ask(frm, credit), group);
	}
};

const headline = (frm, { reasons, release, asked, who }) => {
	const escape = frappe.utils.escape_html;
	// The sentences are made and escaped by the server.
	const lines = reasons.map((reason) => `<li>${reason}</li>`).join("");
	let end = "";
	if (release) {
		end = __("{0} released {1} until {2}: the order can be submitted.", [
			escape(release.released_by_name),
			format_currency(release.amount, release.currency),
			frappe.datetime.str_to_user(release.valid_until),
		]);
	} else if (asked?.length) {
		const people = asked.map((row) => escape(row.responsible_name)).join(", ");
		end = __("Asked for release: {0}", [people]);
	} else if (who) {
		end = __("The order has to be released before it is submitted. Who may release it: {0}.", [escape(who)]);
	}
	frm.dashboard.set_headline(
		`<div class="crm-ext-credit">
			<div class="bold">${__("Credit Gate")}</div>
			<ul class="mb-1 pl-4">${lines}</ul>
			<div class="crm-ext-credit-next">${end}</div>
		</div>`,
		release ? "green" : "orange"
	);
};

const ask = (frm, credit) => {
	if (frm.is_dirty()) return frappe.msgprint(__("Save the order first."));
	const dialog = new frappe.ui.Dialog({
		title: __("Ask for Release of {0}", [frm.doc.name]),
		fields: [
			{
				fieldname: "why",
				fieldtype: "Small Text",
				label: __("Why It Should Be Released"),
				description: __("Goes to: {0}", [credit.who]),
			},
		],
		primary_action_label: __("Ask"),
		primary_action: ({ why }) =>
			once(dialog, async () => {
				const people = await frappe.xcall("crm_ext.api.credit.ask", { sales_order: frm.doc.name, why });
				frappe.show_alert({
					message: __("Asked: {0}", [people.map(frappe.utils.escape_html).join(", ")]),
					indicator: "green",
				});
				frm.reload_doc();
			}),
	});
	dialog.show();
};

const release_credit = (frm, credit) => {
	if (frm.is_dirty()) return frappe.msgprint(__("Save the order first."));
	const dialog = new frappe.ui.Dialog({
		title: __("Release Credit for {0}", [frm.doc.name]),
		fields: [
			{
				fieldname: "reasons",
				fieldtype: "HTML",
				options: `<ul class="pl-4">${credit.reasons.map((one) => `<li>${one}</li>`).join("")}</ul>`,
			},
			{ fieldtype: "Section Break" },
			{
				fieldname: "amount",
				fieldtype: "Currency",
				label: __("Amount in {0}", [credit.currency]),
				default: credit.value,
				reqd: 1,
			},
			{ fieldtype: "Column Break" },
			{
				fieldname: "valid_until",
				fieldtype: "Date",
				label: __("Valid Until"),
				default: frappe.datetime.add_days(frappe.datetime.get_today(), 7),
				reqd: 1,
			},
			{ fieldtype: "Section Break" },
			{ fieldname: "notes", fieldtype: "Small Text", label: __("Why It Is Released") },
		],
		primary_action_label: __("Release", null, "Credit Release"),
		primary_action: (values) =>
			once(dialog, async () => {
				await frappe.xcall("crm_ext.api.credit.release", {
					sales_order: frm.doc.name,
					amount: values.amount,
					valid_until: values.valid_until,
					notes: values.notes,
				});
				frappe.show_alert({ message: __("Released."), indicator: "green" });
				frm.reload_doc();
			}),
	});
	dialog.show();
};

for (const doctype of ["Quotation", "Sales Order"]) {
	frappe.ui.form.on(doctype, { refresh: show });
}
