// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// The next follow up as a day with its colour, in the list of every document that may have some. Frappe evaluates this
// file once for each of them, after the list's own file; doing all each time is cheap and needs no order.

for (const doctype of crm_ext.follow_ups.references) {
	const settings = (frappe.listview_settings[doctype] ??= {});
	settings.formatters = {
		...settings.formatters,
		next_follow_up_on(value) {
			if (!value) return "";
			const moment = frappe.datetime.convert_to_user_tz(value, false);
			const day = moment.format("YYYY-MM-DD");
			const color = crm_ext.follow_ups.colors[crm_ext.follow_ups.bucket_of(day)];
			const title = frappe.datetime.str_to_user(moment.format("YYYY-MM-DD HH:mm:ss"));
			return `<span class="indicator-pill ${color} ellipsis" title="${title}">
				${frappe.datetime.str_to_user(day)}</span>`;
		},
	};
}
