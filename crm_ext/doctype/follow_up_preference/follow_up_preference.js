// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.ui.form.on("Follow Up Preference", {
	onload(frm) {
		if (frm.is_new() && !frm.doc.user) frm.set_value("user", frappe.session.user);
	},

	refresh(frm) {
		// Everybody has one, and chooses for nobody else.
		frm.toggle_enable("user", frm.is_new() && frappe.user.has_role("System Manager"));
		frm.set_query("user", () => ({ filters: { enabled: 1, user_type: "System User" } }));
		if (!frm.is_new() && away(frm.doc)) {
			frm.set_intro(__("Away: no digest and no reminders of appointments."), "orange");
		}
	},
});

function away({ quiet_from, quiet_until }) {
	const today = frappe.datetime.get_today();
	if (!quiet_from && !quiet_until) return false;
	return (quiet_from || today) <= today && today <= (quiet_until || today);
}
