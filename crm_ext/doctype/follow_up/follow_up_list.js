// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.listview_settings["Follow Up"] = {
	add_fields: [
		...["status", "due_on", "due_date", "due_time", "all_day", "subject", "party_name"],
		"rule_key",
	],
	hide_name_column: true,

	formatters: {
		// Whom it is about comes first; columns are few.
		subject: (value, df, doc) => (doc?.party_name ? `${doc.party_name}: ${value}` : value),
		// Frappe shows and filters by it just so, but looks the word up without its DocType.
		channel: (value) => `<span class="filterable indicator-pill gray ellipsis" data-filter="channel,=,${value}">
			<span class="ellipsis">${__(value, null, "Follow Up")}</span></span>`,
	},

	// What is open, the earliest first. The map and the board show what was done as well.
	get filters() {
		const view = frappe.get_route()[2];
		return !view || view === "List" ? [["status", "=", "Open"]] : [];
	},

	get_indicator(doc) {
		const bucket = crm_ext.follow_ups.bucket(doc);
		return [
			crm_ext.follow_ups.bucket_label(bucket),
			crm_ext.follow_ups.colors[bucket],
			`status,=,${doc.status}`,
		];
	},

	button: {
		// What asks for an answer gets it on its document.
		show: (doc) =>
			doc.status === "Open" &&
			!doc.rule_key?.includes(":") &&
			frappe.model.can_write("Follow Up"),
		get_label: () => __("Done", null, "Follow Up"),
		get_description: (doc) => __("{0} is done", [doc.subject]),
		action: (doc) => crm_ext.follow_ups.done(doc, () => cur_list.refresh()),
	},

	onload(listview) {
		if (!frappe.model.can_write("Follow Up")) return;
		const { page } = listview;
		const after = () => {
			listview.clear_checked_items();
			listview.refresh();
		};
		page.add_actions_menu_item(
			__("Done", null, "Follow Up"),
			() => crm_ext.follow_ups.done_all(listview.get_checked_items(true), after),
			true
		);
		page.add_actions_menu_item(
			__("Postpone"),
			() => crm_ext.follow_ups.postpone_all(listview.get_checked_items(true), after),
			true
		);
	},
};

// Cards and report views, too, look options up without their DocType, where the words mean something else.
for (const fieldname of ["status", "channel", "outcome", "cancel_reason"]) {
	frappe.meta.get_docfield("Follow Up", fieldname).formatter = (value) =>
		frappe.utils.escape_html(__(value || "", null, "Follow Up"));
}
