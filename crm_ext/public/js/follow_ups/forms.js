// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.provide("crm_ext.follow_ups");

const SHORTCUT = "alt+l";
// Only these open from a link we build; anything else in an answer is not shown.
const CHAT_URL = /^(https:\/\/wa\.me\/|https:\/\/wpa\.qq\.com\/|weixin:\/\/dl\/chat\?)/;

// What forms show of follow ups: a button, a headline with what is next, links to chat.
crm_ext.follow_ups.form = {
	refresh(frm) {
		if (frm.is_new() || !frappe.model.can_read("Follow Up")) return;
		if (frappe.model.can_create("Follow Up")) this.add_button(frm);
		this.show_next(frm);
	},

	add_button(frm) {
		frm.add_custom_button(__("Log and Plan Next"), () => this.open(frm));
		this.add_shortcut(frm, () => this.open(frm));
	},

	add_shortcut(frm, action) {
		frappe.ui.keys.add_shortcut({
			shortcut: SHORTCUT,
			description: __("Log and Plan Next"),
			page: frm.page,
			condition: () => !frm.is_new(),
			action,
			// Option and L type a sign on some keyboards of Apple.
			ignore_inputs: !frappe.utils.is_mac(),
		});
	},

	open(frm) {
		const { doctype, name } = frm.doc;
		crm_ext.follow_ups.open_dialog({
			doctype,
			name,
			on_done: () => this.reload(frm),
		});
	},

	// What was being typed stays; the dates and the timeline come anew.
	async reload(frm) {
		if (!frm.is_dirty()) return frm.reload_doc();
		frm.reload_docinfo();
		this.show_next(frm);
	},

	async show_next(frm) {
		const { doctype, name } = frm.doc;
		const next = await crm_ext.follow_ups.call("next_of", { doctype, name });
		if (frm.doc.doctype !== doctype || frm.doc.name !== name) return;
		frm.layout.message.find(".crm-ext-next").closest(".form-message").remove();
		const html = this.describe(frm, next);
		if (!html) return;
		const color = { overdue: "red", today: "orange" }[next.follow_ups[0]?.bucket] || "blue";
		frm.dashboard.set_headline(`<div class="crm-ext-next">${html}</div>`, color);
		this.bind(frm, next.follow_ups);
	},

	describe(frm, { follow_ups, chat }) {
		const rows = follow_ups.map((row) => this.row(frm, row));
		const links = this.chat_links(chat);
		if (links) rows.push(`<div class="crm-ext-chat">${links}</div>`);
		return rows.join("");
	},

	row(frm, row) {
		const escape = frappe.utils.escape_html;
		const { colors, bucket_label } = crm_ext.follow_ups;
		const elsewhere =
			row.reference_doctype !== frm.doctype || row.reference_name !== frm.doc.name;
		const who =
			row.responsible === frappe.session.user ? "" : row.responsible_name;
		const channel = row.channel === "Other" ? "" : `${__(row.channel, null, "Follow Up")}: `;
		// What asks for an answer gets it on its document.
		const may = frappe.model.can_write("Follow Up") && !row.asks;
		const link = (action, label) =>
			`<a href="#" role="button" class="mx-2" data-action="${action}">${label}</a>`;
		return `
			<div data-follow-up="${escape(row.name)}" data-bucket="${escape(row.bucket)}">
				<span class="indicator-pill ${colors[row.bucket]} mr-2">${bucket_label(row.bucket)}</span>
				${crm_ext.follow_ups.when(row)}
				<a class="bold mx-1" href="${frappe.utils.get_form_link("Follow Up", row.name)}">
					${escape(channel)}${escape(row.subject)}</a>
				${who ? `<span class="text-muted">${escape(who)}</span>` : ""}
				${
					elsewhere
						? `<a class="text-muted" href="${frappe.utils.get_form_link(
								row.reference_doctype,
								row.reference_name
						  )}">${escape(__(row.reference_doctype))} ${escape(row.reference_name)}</a>`
						: ""
				}
				${may ? link("done", __("Done", null, "Follow Up")) + link("postpone", __("Postpone")) : ""}
			</div>`;
	},

	bind(frm, rows) {
		const after = () => this.reload(frm);
		frm.layout.message.find(".crm-ext-next [data-action]").on("click", (event) => {
			event.preventDefault();
			const name = $(event.currentTarget).closest("[data-follow-up]").data("follow-up");
			const row = rows.find((row) => row.name === name);
			if (event.currentTarget.dataset.action === "postpone") {
				crm_ext.follow_ups.postpone(row, after);
			} else {
				crm_ext.follow_ups.done(row, after);
			}
		});
	},

	chat_links(chat) {
		const escape = frappe.utils.escape_html;
		return chat
			.filter(({ url }) => CHAT_URL.test(url))
			.map(
				({ channel, url }) =>
					`<a class="btn btn-xs btn-default mr-2" data-channel="${escape(channel)}"
						href="${escape(url)}" target="_blank" rel="noopener noreferrer">
						${__("Chat by {0}", [escape(__(channel, null, "Follow Up"))])}</a>`
			)
			.join("");
	},

	// Only where to write to; `find` asks the server.
	async show_chat(frm, find) {
		if (frm.is_new()) return;
		const name = frm.doc.name;
		const chat = await find(frm.doc);
		if (frm.doc.name !== name) return;
		frm.layout.message.find(".crm-ext-chat").closest(".form-message").remove();
		const links = this.chat_links(chat);
		if (links) frm.dashboard.set_headline(`<div class="crm-ext-chat">${links}</div>`);
	},
};

// The day, and the time of an appointment as this person's clock shows it.
crm_ext.follow_ups.when = (row) =>
	cint(row.all_day)
		? frappe.datetime.str_to_user(row.due_date)
		: frappe.datetime.str_to_user(
				frappe.datetime.convert_to_user_tz(row.due_on, false).format("YYYY-MM-DD HH:mm:ss")
		  );

for (const doctype of crm_ext.follow_ups.references) {
	frappe.ui.form.on(doctype, { refresh: (frm) => crm_ext.follow_ups.form.refresh(frm) });
}
frappe.ui.form.on("Contact", {
	refresh: (frm) =>
		crm_ext.follow_ups.form.show_chat(frm, ({ name }) =>
			crm_ext.follow_ups.call("chat_links", { contact: name })
		),
});
frappe.ui.form.on("Follow Up", {
	refresh: (frm) =>
		crm_ext.follow_ups.form.show_chat(frm, ({ reference_doctype, reference_name }) =>
			crm_ext.follow_ups.call("chat_about", {
				doctype: reference_doctype,
				name: reference_name,
			})
		),
});
