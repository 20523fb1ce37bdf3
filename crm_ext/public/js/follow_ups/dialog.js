// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

import { once } from "../dialogs";

frappe.provide("crm_ext.follow_ups");

Object.assign(crm_ext.follow_ups, {
	// Those just being finished: a second click does nothing.
	finishing: new Set(),

	// "Log and Plan Next": of an open follow up, or of a document. `on_done({done, next})` after it was saved.
	async open_dialog({ follow_up, doctype, name, on_done } = {}) {
		if (this.opening || this.dialog?.display) return;
		// A dialog counts as open only once it has slid in.
		this.opening = true;
		try {
			if (!doctype) {
				const row = await this.call("get_row", { follow_up });
				[doctype, name] = [row.reference_doctype, row.reference_name];
			}
			const open = await this.call("open_on", { doctype, name });
			this.dialog = new LogDialog({ doctype, name, open, follow_up, on_done }).show();
			await new Promise((resolve) => setTimeout(resolve, 500));
		} finally {
			this.opening = false;
		}
	},

	// Plan one follow up on a document; `on_done({next})`.
	plan({ doctype, name, on_done }) {
		const dialog = new frappe.ui.Dialog({
			title: __("Plan a Follow Up"),
			fields: next_fields(true),
			primary_action_label: __("Save"),
			primary_action: (values) =>
				once(dialog, async () => {
					const next = await this.call("plan", { doctype, name, values });
					this.say(__("Planned."));
					on_done?.({ next });
				}),
		});
		prepare_dialog(dialog);
		dialog.show();
		return dialog;
	},

	// Choose another day; `follow_up` is a name or a row with name, due_date and due_time. `on_done(name)`.
	async postpone(follow_up, on_done) {
		let row = typeof follow_up === "string" ? { name: follow_up } : follow_up;
		if (!row.due_date) {
			row = await this.call("get_row", { follow_up: row.name });
		}
		const dialog = new frappe.ui.Dialog({
			title: __("Postpone"),
			fields: [
				quick_choices("due_date"),
				{
					fieldname: "due_date",
					fieldtype: "Date",
					label: __("Due Date", null, "Follow Up"),
					reqd: 1,
					default: row.due_date,
				},
				{
					fieldname: "due_time",
					fieldtype: "Time",
					label: __("Due Time"),
					default: row.due_time,
					description: time_hint(),
				},
			],
			primary_action_label: __("Postpone"),
			primary_action: ({ due_date, due_time }) =>
				once(dialog, async () => {
					const name = row.name;
					await this.call("postpone", { name, due_date, due_time: due_time || "" });
					this.say(__("Postponed to {0}.", [frappe.datetime.str_to_user(due_date)]));
					on_done?.(name);
				}),
		});
		prepare_dialog(dialog);
		dialog.show();
		return dialog;
	},

	// Several at once, to one day.
	postpone_all(names, on_done) {
		const dialog = new frappe.ui.Dialog({
			title: __("Postpone {0} Follow Ups", [names.length]),
			fields: [
				quick_choices("due_date"),
				{ fieldname: "due_date", fieldtype: "Date", label: __("Due Date", null, "Follow Up"), reqd: 1 },
			],
			primary_action_label: __("Postpone"),
			primary_action: ({ due_date }) =>
				once(dialog, async () => {
					const count = await this.call("postpone_all", { names, due_date });
					this.say(__("{0} postponed to {1}.", [count, frappe.datetime.str_to_user(due_date)]));
					on_done?.();
				}),
		});
		prepare_dialog(dialog);
		dialog.show();
	},

	async done_all(names, on_done) {
		const count = await this.call("finish_all", { names });
		this.say(__("{0} done.", [count]));
		on_done?.();
	},

	// Done now, in one step; `on_done(name)`.
	async done(follow_up, on_done) {
		const name = typeof follow_up === "string" ? follow_up : follow_up.name;
		if (this.finishing.has(name)) return;
		this.finishing.add(name);
		try {
			await this.call("finish", { name });
		} finally {
			this.finishing.delete(name);
		}
		this.say(__("Done."));
		on_done?.(name);
	},
});

// As on the form. A function, because translations are there later than this file.
const time_hint = () =>
	__("Only for a fixed appointment, in the time zone of the person responsible");

const select = (values) => values.map((value) => ({ value, label: __(value, null, "Follow Up") }));

// Days from today to choose by one key or click.
function quick_choices(target) {
	const choices = [
		["1", __("Tomorrow")],
		["3", __("In 3 Days")],
		["7", __("Next Week")],
		["month", __("In a Month")],
	];
	const buttons = choices.map(
		([days, label]) =>
			`<button type="button" class="btn btn-default btn-xs" data-days="${days}"
				data-target="${target}">${label}</button>`
	);
	return {
		fieldname: `${target}_choices`,
		fieldtype: "HTML",
		options: `<div class="follow-up-choices" role="group">${buttons.join("")}</div>`,
	};
}

function next_fields(required) {
	return [
		quick_choices("due_date"),
		{ fieldname: "due_date", fieldtype: "Date", label: __("Due Date", null, "Follow Up"), reqd: required },
		{
			fieldname: "due_time",
			fieldtype: "Time",
			label: __("Due Time"),
			description: time_hint(),
		},
		{ fieldtype: "Column Break" },
		{
			fieldname: "next_channel",
			fieldtype: "Select",
			label: __("Channel", null, "Follow Up"),
			options: select(crm_ext.follow_ups.channels),
			default: "Call",
		},
		{ fieldname: "subject", fieldtype: "Data", label: __("Subject") },
		{
			fieldname: "responsible",
			fieldtype: "Link",
			label: __("Responsible", null, "Follow Up"),
			options: "User",
			default: frappe.session.user,
		},
	];
}

function prepare_dialog(dialog) {
	crm_ext.follow_ups.without_zone(dialog.fields_dict.due_time);
	dialog.$wrapper.on("click", ".follow-up-choices button", ({ currentTarget }) => {
		const { days, target } = currentTarget.dataset;
		const today = frappe.datetime.get_today();
		const day =
			days === "month"
				? frappe.datetime.add_months(today, 1)
				: frappe.datetime.add_days(today, cint(days));
		dialog.set_value(target, day);
	});
	dialog.$wrapper.on("keydown", (event) => {
		if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
		event.preventDefault();
		event.stopPropagation();
		// What is being typed counts.
		document.activeElement?.blur();
		dialog.get_primary_btn().trigger("click");
	});
}

class LogDialog {
	constructor(options) {
		Object.assign(this, options);
	}

	show() {
		this.dialog = new frappe.ui.Dialog({
			title: __("Log and Plan Next"),
			size: "large",
			fields: this.fields(),
			primary_action_label: __("Save"),
			primary_action: (values) => once(this.dialog, () => this.save(values)),
		});
		prepare_dialog(this.dialog);
		this.dialog.show();
		this.bind_check_in();
		return this.dialog;
	}

	fields() {
		const chosen = this.open.find((row) => row.name === this.follow_up) || this.open[0];
		return [
			{ fieldtype: "Section Break", label: __("What Happened") },
			...(this.open.length ? [this.choice(chosen)] : []),
			{
				fieldname: "channel",
				fieldtype: "Select",
				label: __("Channel", null, "Follow Up"),
				options: select(crm_ext.follow_ups.channels),
				default: chosen?.channel || "Call",
				reqd: 1,
			},
			{
				fieldname: "outcome",
				fieldtype: "Select",
				label: __("Outcome"),
				options: [{ value: "", label: "" }, ...select(crm_ext.follow_ups.outcomes)],
			},
			{ fieldtype: "Column Break" },
			{ fieldname: "notes", fieldtype: "Small Text", label: __("What Was Said") },
			{
				fieldname: "done_on",
				fieldtype: "Datetime",
				label: __("When"),
				description: __("Empty: now"),
			},
			{
				fieldname: "place",
				fieldtype: "HTML",
				options: `<button type="button" class="btn btn-default btn-sm follow-up-check-in">
						${__("Check In", null, "Follow Up")}</button>
					<span class="follow-up-place text-muted ml-2" role="status"></span>`,
				depends_on: "eval:doc.channel === 'Visit' && navigator.geolocation",
			},
			{ fieldtype: "Section Break", label: __("What Is Next") },
			...next_fields(false),
		];
	}

	choice(chosen) {
		const label = (row) =>
			[frappe.datetime.str_to_user(row.due_date), __(row.channel, null, "Follow Up"), row.subject].join(" · ");
		return {
			fieldname: "follow_up",
			fieldtype: "Select",
			label: __("This Was"),
			options: [
				...this.open.map((row) => ({ value: row.name, label: label(row) })),
				{ value: "", label: __("Not planned") },
			],
			default: chosen.name,
			onchange: () => this.on_choice(),
		};
	}

	on_choice() {
		const row = this.open.find(({ name }) => name === this.dialog.get_value("follow_up"));
		if (row) this.dialog.set_value("channel", row.channel);
	}

	// Frappe draws the button anew whenever it shows it.
	bind_check_in() {
		this.dialog.$wrapper.on("click", ".follow-up-check-in", async () => {
			const say = (text) => this.dialog.$wrapper.find(".follow-up-place").text(text);
			say(__("Looking for your position …"));
			try {
				this.place = await crm_ext.follow_ups.locate();
				const metres = Math.round(this.place.accuracy);
				say(__("Found, within {0} m. It is kept when you save.", [metres]));
			} catch (message) {
				say(message);
			}
		});
	}

	async save(values) {
		const log = {
			channel: values.channel,
			outcome: values.outcome,
			notes: values.notes,
			done_on: values.done_on,
			...(values.channel === "Visit" && this.place),
		};
		const next = values.due_date && {
			due_date: values.due_date,
			due_time: values.due_time,
			channel: values.next_channel,
			subject: values.subject,
			responsible: values.responsible,
		};
		const { doctype, name } = this;
		const args = { doctype, name, log };
		if (values.follow_up) args.follow_up = values.follow_up;
		if (next) args.next = next;
		const answer = await crm_ext.follow_ups.call("log_and_plan", args);
		crm_ext.follow_ups.say(answer.next ? __("Logged, and the next one planned.") : __("Logged."));
		this.on_done?.(answer);
	}
}
