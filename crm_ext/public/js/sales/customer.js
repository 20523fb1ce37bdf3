// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// The server refuses to save what somebody only sees because of a deal; the form says so beforehand.
frappe.ui.form.on("Customer", {
	refresh(frm) {
		if (frm.is_new() || !frm.doc.__onload?.crm_ext_seen_by_deal) return;
		frm.disable_form();
		frm.set_intro(
			__(
				"Nobody holds this customer. You may read it because you have a deal with it; to change it, have somebody name an account manager or a sales team."
			),
			"blue"
		);
	},
});
