// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// The server refuses to save what somebody only sees because of a deal; the form says so beforehand.
for (const doctype of ["Customer", "Prospect"]) {
	frappe.ui.form.on(doctype, {
		refresh(frm) {
			if (frm.is_new() || !frm.doc.__onload?.crm_ext_seen_by_deal) return;
			frm.disable_form();
			frm.set_intro(
				doctype === "Customer"
					? __(
							"This customer is in nobody's care. You may read it because you have a deal with it; to change it, have an account manager or a sales team named."
					  )
					: __(
							"This prospect is in nobody's care. You may read it because you have a deal with it; to change it, have a prospect owner named."
					  ),
				"blue"
			);
		},
	});
}
