// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.provide("crm_ext.follow_ups");

const METHODS = "crm_ext.api.follow_ups.";

// What everything about follow ups shares: their words, the way to the server, and how a day is shown.
Object.assign(crm_ext.follow_ups, {
	channels: ["Call", "Visit", "Mail", "Meeting", "SMS", "WhatsApp", "WeChat", "QQ", "Other"],
	outcomes: ["Reached", "Not Reached", "Left a Message", "Interested", "Not Interested", "Other"],
	references: [
		"Lead",
		"Opportunity",
		"Quotation",
		"Sales Order",
		"Sales Invoice",
		"Customer",
		"Payment Promise",
		"Prospect",
		"Deal",
		"Issue",
		"Contract",
	],

	call(method, args) {
		return frappe.xcall(METHODS + method, args);
	},

	// Where a row {due_on, due_date, all_day, status} stands by this person's own day, and its colour.
	bucket(row) {
		if (row.status && row.status !== "Open") return row.status.toLowerCase();
		return this.bucket_of(
			cint(row.all_day)
				? row.due_date
				: frappe.datetime.convert_to_user_tz(row.due_on, false).format("YYYY-MM-DD")
		);
	},

	bucket_of(day) {
		const today = frappe.datetime.get_today();
		if (day < today) return "overdue";
		if (day === today) return "today";
		return day === frappe.datetime.add_days(today, 1) ? "tomorrow" : "later";
	},

	colors: {
		overdue: "red",
		today: "orange",
		tomorrow: "blue",
		later: "gray",
		done: "green",
		cancelled: "gray",
	},

	bucket_label(bucket) {
		return {
			overdue: __("Overdue"),
			today: __("Today"),
			tomorrow: __("Tomorrow"),
			later: __("Later"),
			done: __("Done", null, "Follow Up"),
			cancelled: __("Cancelled", null, "Follow Up"),
		}[bucket];
	},

	// Frappe writes the system's time zone below every time; this one is in that of the person responsible.
	without_zone(control) {
		if (!control) return;
		const description = control.df.description.split("<br>")[0];
		control.set_description = function () {
			this.df.description = description;
			frappe.ui.form.ControlData.prototype.set_description.call(this);
		};
		control.set_description();
	},

	say(message) {
		frappe.show_alert({ message, indicator: "green" });
	},
});
