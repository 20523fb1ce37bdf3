// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// Frappe evaluates this file once for each document type it is wired to (doctype_js in hooks.py); the handlers
// must be registered once only.

frappe.provide("crm_ext");

if (!crm_ext.deal_link) {
	crm_ext.deal_link = {
		doctypes: [
			"Lead",
			"Opportunity",
			"Quotation",
			"Sales Order",
			"Delivery Note",
			"Sales Invoice",
			"Material Request",
			"Purchase Order",
			"Purchase Receipt",
		],

		limit_choice(frm) {
			if (!frm.fields_dict.deal) return;
			frm.set_query("deal", () => ({
				filters: frm.doc.company ? { company: frm.doc.company } : {},
			}));
		},

		async show(frm) {
			if (frm.is_new()) return;
			const { doctype, name, deal } = frm.doc;
			const untouched = !frm.is_dirty();
			const deals = await frappe.xcall("crm_ext.api.deals.deals_of", { doctype, name });
			if (frm.doc.doctype !== doctype || frm.doc.name !== name) return;
			this.show_headline(frm, deals);
			if (untouched && frm.doc.deal === deal) this.take_over(frm, deals[0]);
		},

		// The app writes the link just before the commit, after the answer to the save was built. Taken over
		// without making the form dirty; otherwise the next save would carry the old value back.
		take_over(frm, deal) {
			if (!deal || !frm.fields_dict.deal || frm.doc.deal === deal.name) return;
			frm.doc.deal = deal.name;
			frm.refresh_field("deal");
		},

		show_headline(frm, deals) {
			const message = frm.layout.message;
			message.find(".crm-ext-deals").closest(".form-message").remove();
			if (!deals.length) return;
			const html = deals.map((deal) => this.describe(deal, deals.length > 1)).join("");
			frm.dashboard.set_headline(`<div class="crm-ext-deals">${html}</div>`, "blue");
		},

		describe(deal, several) {
			const escape = frappe.utils.escape_html;
			const value = several ? deal.share : deal.amount;
			const amount = value ? format_currency(value, deal.currency) : "";
			return `
				<div data-deal="${escape(deal.name)}">
					<a class="bold" href="${frappe.utils.get_form_link("Deal", deal.name)}">
						${__("Deal")} ${escape(deal.name)}</a>
					<span class="indicator-pill ${escape(deal.color || "gray")} mx-2">
						${escape(__(deal.stage))}</span>
					${several && amount ? __("{0} of this document", [amount]) : amount}
				</div>`;
		},
	};

	for (const doctype of crm_ext.deal_link.doctypes) {
		frappe.ui.form.on(doctype, {
			setup: (frm) => crm_ext.deal_link.limit_choice(frm),
			refresh: (frm) => crm_ext.deal_link.show(frm),
		});
	}
}
