// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.ui.form.on("Stand In", {
	setup(frm) {
		for (const field of ["user", "stand_in"]) {
			frm.set_query(field, () => ({ filters: { user_type: "System User" } }));
		}
	},

	onload(frm) {
		if (frm.is_new() && !frm.doc.user) frm.set_value("user", frappe.session.user);
	},
});
