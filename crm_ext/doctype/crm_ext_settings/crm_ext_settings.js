// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// A limit without company holds for all. Frappe would fill in the default one: the form at once, and the server at
// saving where there is nothing. An empty text stays.
const for_every_company = (frm, doctype, name) => frappe.model.set_value(doctype, name, "company", "");

frappe.ui.form.on("Approval Limit", { approval_limits_add: for_every_company });
frappe.ui.form.on("Big Deal Limit", { big_deal_limits_add: for_every_company });

frappe.ui.form.on("CRM Ext Settings", {
	onload(frm) {
		frappe.realtime.doctype_subscribe(frm.doctype);
		frappe.realtime.on("crm_ext_backfill", ({ done, total }) => {
			if (cur_frm !== frm) return;
			frm.dashboard.show_progress(
				__("Reading In Existing Documents"),
				total ? (100 * done) / total : 100,
				__("{0} of {1} documents", [done, total])
			);
			if (done >= total) frm.events.show_end(frm);
		});
	},

	refresh(frm) {
		if (frappe.user.has_role("System Manager")) {
			frm.add_custom_button(__("Preview Who Sees What"), () => frm.events.preview_visibility(frm));
		}
		if (!frm.perm[0]?.write) return;
		frm.add_custom_button(__("Read In Existing Documents"), () => {
			frappe.confirm(
				__(
					"Read all leads, opportunities, quotations, orders, delivery notes and invoices of this site into deals? It runs in the background and may be repeated at any time."
				),
				() => frm.events.start(frm)
			);
		});
	},

	// As the form stands, saved or not, and as if it were switched on.
	async preview_visibility(frm) {
		const { message: rows } = await frappe.call({
			method: "crm_ext.api.visibility.get_preview",
			args: { settings: frm.doc },
			freeze: true,
			freeze_message: __("Counting what each person sees"),
		});
		const esc = frappe.utils.escape_html;
		const number = (value) => format_number(value, null, 0);
		let person = null;
		const lines = rows
			.filter((row) => row.now || row.then)
			.map((row) => {
				const name = row.user === person ? "" : esc(row.full_name || row.user);
				person = row.user;
				const less = row.then < row.now ? "bold" : row.then > row.now ? "" : "text-muted";
				return `<tr data-user="${esc(row.user)}" data-doctype="${esc(row.doctype)}">
					<td>${name}</td><td>${__(row.doctype)}</td>
					<td class="text-right">${number(row.now)}</td>
					<td class="text-right ${less}">${number(row.then)}</td></tr>`;
			});
		const heads = [__("Person"), __("Document Type")].map((label) => `<th>${label}</th>`);
		heads.push(
			...[__("Sees Now"), __("Would See")].map((label) => `<th class="text-right">${label}</th>`)
		);
		const dialog = new frappe.ui.Dialog({ title: __("Who Would See What"), size: "large" });
		dialog.$body.append(
			lines.length
				? `<p class="text-muted">${__("Who is not named here keeps what they see.")}</p>
					<div class="table-responsive crm-ext-visibility-preview"><table class="table table-bordered">
					<thead><tr>${heads.join("")}</tr></thead><tbody>${lines.join("")}</tbody></table></div>`
				: `<p class="text-muted">${__("Nobody would see less.")}</p>`
		);
		dialog.show();
	},

	async start(frm) {
		await frappe.xcall("crm_ext.api.deals.start_backfill");
		frappe.show_alert({
			message: __("Queued. The progress is shown here."),
			indicator: "blue",
		});
	},

	// The last documents are read before the result is written.
	async show_end(frm) {
		if (cur_frm !== frm || frm.is_dirty()) return;
		await frm.reload_doc();
		if (frm.doc.backfill_progress < 100) setTimeout(() => frm.events.show_end(frm), 2000);
	},
});
