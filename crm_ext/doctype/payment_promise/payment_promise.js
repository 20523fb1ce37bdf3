// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.ui.form.on("Payment Promise", {
	setup(frm) {
		frm.set_query("sales_invoice", "invoices", () => ({
			filters: {
				customer: frm.doc.customer,
				company: frm.doc.company,
				docstatus: 1,
				is_return: 0,
				outstanding_amount: [">", 0],
			},
		}));
		frm.set_query("contact", () => ({
			query: "frappe.contacts.doctype.contact.contact.contact_query",
			filters: { link_doctype: "Customer", link_name: frm.doc.customer },
		}));
	},

	async refresh(frm) {
		if (frm.is_new()) return;
		if (frm.doc.status === "Open" && frm.perm[0]?.write) {
			frm.add_custom_button(__("Withdraw"), () =>
				frappe.confirm(__("This promise no longer counts?"), async () => {
					await frappe.xcall("crm_ext.api.promises.withdraw", { name: frm.doc.name });
					frm.reload_doc();
				})
			);
		}
		const { name, customer } = frm.doc;
		const figures = await frappe.xcall("crm_ext.api.promises.reliability", { customer });
		if (frm.doc.name !== name) return;
		frm.layout.message.find(".crm-ext-reliability").closest(".form-message").remove();
		const text = frappe.utils.escape_html(crm_ext.receivables.describe(figures));
		frm.dashboard.set_headline(`<div class="crm-ext-reliability">${text}</div>`, "blue");
	},
});
