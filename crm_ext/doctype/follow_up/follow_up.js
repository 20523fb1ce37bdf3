// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.ui.form.on("Follow Up", {
	setup(frm) {
		frm.set_query("reference_doctype", () => ({
			filters: { name: ["in", crm_ext.follow_ups.references] },
		}));
		frm.set_query("contact", () => ({
			query: "frappe.contacts.doctype.contact.contact.contact_query",
			filters: { link_doctype: frm.doc.party_type, link_name: frm.doc.party },
		}));
	},

	onload(frm) {
		// Frappe fills the Time field of a new document with the time it is made; here it says "appointment".
		const { __default_value } = frappe.meta.get_docfield("Follow Up", "due_time");
		if (frm.is_new() && frm.doc.due_time === __default_value) {
			frm.doc.due_time = "";
		}
	},

	refresh(frm) {
		crm_ext.follow_ups.without_zone(frm.fields_dict.due_time);
		if (frm.is_new()) return;
		const bucket = crm_ext.follow_ups.bucket(frm.doc);
		frm.page.set_indicator(
			crm_ext.follow_ups.bucket_label(bucket),
			crm_ext.follow_ups.colors[bucket]
		);
		if (!frm.perm[0]?.write) return;
		const reload = () => frm.reload_doc();
		const { reference_doctype, reference_name, rule_key, status } = frm.doc;
		// What asks for an answer gets it on its document.
		const asks = rule_key?.includes(":");
		if (status === "Open" && asks) {
			frm.add_custom_button(__("Open {0}", [__(reference_doctype)]), () =>
				frappe.set_route("Form", reference_doctype, reference_name)
			);
		} else if (status === "Open") {
			frm.add_custom_button(__("Done", null, "Follow Up"), () => crm_ext.follow_ups.done(frm.doc, reload));
			frm.add_custom_button(__("Postpone"), () =>
				crm_ext.follow_ups.postpone(frm.doc, reload)
			);
			const log = () =>
				crm_ext.follow_ups.open_dialog({
					doctype: frm.doc.reference_doctype,
					name: frm.doc.reference_name,
					follow_up: frm.doc.name,
					on_done: reload,
				});
			frm.add_custom_button(__("Log and Plan Next"), log);
			crm_ext.follow_ups.form.add_shortcut(frm, log);
			if (navigator.geolocation) {
				frm.add_custom_button(__("Check In", null, "Follow Up"), () =>
					crm_ext.follow_ups.check_in(frm.doc.name, reload)
				);
			}
		}
	},
});
