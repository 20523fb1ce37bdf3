// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.views.calendar["Follow Up"] = {
	field_map: {
		id: "name",
		start: "start",
		end: "end",
		title: "title",
		allDay: "all_day",
		convertToUserTz: "convert_to_user_tz",
	},
	get_events_method: "crm_ext.api.follow_ups.events",

	get_css_class(event) {
		const bucket = event.status === "Open" ? event.bucket : event.status.toLowerCase();
		return crm_ext.follow_ups.colors[bucket];
	},

	options: {
		eventDurationEditable: false,
		eventAllow: (drop, event) => event.status === "Open",

		eventDrop(event, delta, revert) {
			const timed = event.start.hasTime();
			const call = timed
				? crm_ext.follow_ups.call("move", {
						name: event.name,
						// The calendar shows this person's clock.
						moment: frappe.datetime.convert_to_system_tz(
							event.start.format("YYYY-MM-DD HH:mm:ss")
						),
				  })
				: crm_ext.follow_ups.call("postpone", {
						name: event.name,
						due_date: event.start.format("YYYY-MM-DD"),
						due_time: "",
				  });
			frappe.model.remove_from_locals("Follow Up", event.name);
			call.catch(revert);
		},

		select(start, end, js_event, view) {
			// In a month one day is clicked to be opened, not to be planned on.
			if (view.name === "month" && end - start === 86400000) return;
			const values = { due_date: start.format("YYYY-MM-DD") };
			if (start.hasTime()) values.due_time = start.format("HH:mm:ss");
			frappe.new_doc("Follow Up", values);
		},
	},
};
