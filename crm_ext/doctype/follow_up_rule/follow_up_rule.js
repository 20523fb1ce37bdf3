// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.provide("crm_ext");

frappe.ui.form.on("Follow Up Rule", {
	setup(frm) {
		frm.set_query("document_type", () => ({ query: "crm_ext.api.follow_up_rules.document_types" }));
		const people = { enabled: 1, user_type: "System User" };
		for (const field of ["assign_user", "fallback_user", "escalate_user"]) {
			frm.set_query(field, () => ({ filters: people }));
		}
		frm.set_query("users", () => ({ filters: people }));
		// The table looks options up without their DocType, where the words mean something else.
		frappe.meta.get_docfield("Follow Up Rule Step", "channel").formatter = (value) =>
			__(value || "", null, "Follow Up");
	},

	onload_post_render(frm) {
		// Frappe fills in the user's company; a rule is for all of them unless somebody chooses one. A copy has a title.
		if (frm.is_new() && !frm.doc.title) frm.set_value("company", "");
	},

	refresh(frm) {
		frm.set_intro("");
		if (!frm.doc.enabled && frm.doc.switched_off_because) {
			frm.set_intro(
				__("This rule was switched off, because it could not be run: {0}", [
					frappe.utils.escape_html(frm.doc.switched_off_because),
				]),
				"red"
			);
		}
		crm_ext.rule_form.show_conditions(frm);
		crm_ext.rule_form.set_options(frm);
		crm_ext.rule_form.add_buttons(frm);
	},

	document_type(frm) {
		frm.set_value("filters", "[]");
		frm.set_value("date_field", "");
		crm_ext.rule_form.show_conditions(frm);
		crm_ext.rule_form.set_options(frm);
	},

	filters(frm) {
		crm_ext.rule_form.show_conditions(frm);
	},
});

frappe.ui.form.on("Follow Up Rule Step", {
	steps_add(frm, cdt, cdn) {
		// Frappe fills an empty time with the present one; here it means any time that day.
		frappe.model.set_value(cdt, cdn, "due_time", "");
		if (frm.doc.trigger !== "Date") frappe.model.set_value(cdt, cdn, "timing", "After");
	},
});

crm_ext.rule_form = {
	async set_options(frm) {
		const doctype = frm.doc.document_type;
		if (!doctype) return;
		await frappe.model.with_doctype(doctype);
		if (frm.doc.document_type !== doctype) return; // another one was chosen meanwhile
		const fields = frappe.meta
			.get_docfields(doctype)
			.filter((df) => ["Date", "Datetime"].includes(df.fieldtype) && !df.is_virtual)
			.map((df) => ({ value: df.fieldname, label: __(df.label, null, doctype) }));
		fields.push({ value: "creation", label: __("Created On") });
		frm.set_df_property("date_field", "options", [{ value: "", label: "" }, ...fields]);
		const events = ["Created", "Condition Met"];
		if (frappe.get_meta(doctype).is_submittable) events.splice(1, 0, "Submitted");
		if (doctype === "Deal") events.push("Stage Entered");
		frm.set_df_property(
			"event",
			"options",
			events.map((value) => ({ value, label: __(value, null, "Follow Up Rule") }))
		);
	},

	filters(frm) {
		try {
			const filters = JSON.parse(frm.doc.filters || "[]");
			return Array.isArray(filters) ? filters : null;
		} catch {
			return null;
		}
	},

	async show_conditions(frm) {
		const { document_type: doctype } = frm.doc;
		const $wrapper = frm.get_field("filters_html").$wrapper;
		if (!doctype) return $wrapper.empty();
		await frappe.model.with_doctype(doctype);
		if (frm.doc.document_type !== doctype) return;
		const filters = this.filters(frm);
		const rows = (filters || []).map((filter) => this.condition(filter)).join("");
		const empty = filters
			? __("No condition: every {0}", [__(doctype)])
			: __("The conditions cannot be read");
		$wrapper.html(`
			<label class="control-label">${__("Only Where")}</label>
			<ul class="list-unstyled crm-ext-conditions">
				${rows || `<li class="text-muted">${empty}</li>`}
			</ul>`);
		if (!frm.has_perm("write")) return;
		$(`<button type="button" class="btn btn-xs btn-default">${__("Edit Conditions")}</button>`)
			.on("click", () => this.edit_conditions(frm))
			.appendTo($wrapper);
	},

	condition([doctype, fieldname, operator, value]) {
		const df = frappe.meta.get_docfield(doctype, fieldname);
		const label = df ? __(df.label, null, doctype) : frappe.unscrub(fieldname);
		const shown = Array.isArray(value) ? value.map((one) => __(one)).join(", ") : __(String(value ?? ""));
		return `<li>
			${frappe.utils.escape_html(label)}
			<span class="text-muted">${frappe.utils.escape_html(__(operator))}</span>
			<b>${frappe.utils.escape_html(shown)}</b>
		</li>`;
	},

	edit_conditions(frm) {
		const dialog = new frappe.ui.Dialog({
			title: __("Only Where"),
			fields: [{ fieldtype: "HTML", fieldname: "area" }],
			primary_action_label: __("Set"),
			primary_action: () => {
				dialog.hide();
				frm.set_value("filters", JSON.stringify(group.get_filters().map((filter) => filter.slice(0, 4))));
			},
		});
		const group = new frappe.ui.FilterGroup({
			parent: dialog.get_field("area").$wrapper,
			doctype: frm.doc.document_type,
			on_change: () => {},
		});
		group.add_filters_to_filter_group(this.filters(frm) || []);
		dialog.show();
	},

	add_buttons(frm) {
		if (!frm.perm[0]?.write) return;
		frm.add_custom_button(__("Preview"), () => this.preview(frm));
		frm.add_custom_button(__("Test on One Document"), () => this.ask_for_document(frm));
		if (!frm.is_new()) {
			frm.add_custom_button(__("Follow Ups Made"), () =>
				frappe.set_route("List", "Follow Up", { rule: frm.doc.name })
			);
		}
	},

	async call(frm, method, args = {}) {
		const { message } = await frappe.call({
			method: `crm_ext.api.follow_up_rules.${method}`,
			args: { rule: frm.doc, ...args },
			freeze: true,
			freeze_message: __("Trying the rule"),
		});
		return message;
	},

	async preview(frm) {
		const found = await this.call(frm, "preview");
		const dialog = new frappe.ui.Dialog({
			title: __("Preview"),
			size: "large",
			fields: [{ fieldtype: "HTML", fieldname: "result" }],
		});
		dialog.get_field("result").$wrapper.html(this.preview_html(frm.doc.document_type, found));
		dialog.show();
	},

	preview_html(doctype, found) {
		const notes = [];
		const shown = found.documents.length;
		if (found.count - found.hidden > shown && shown) {
			notes.push(__("The first {0} are shown.", [shown]));
		}
		if (found.hidden) notes.push(__("{0} are not shown, because you may not read them.", [found.hidden]));
		if (found.older) {
			notes.push(__("{0} more are too old: what was due before \"Applies From\" is left out.", [found.older]));
		}
		const rows = found.documents.map((row) => {
			const subject = row.steps > 1 ? __("{0} and {1} more", [row.subject, row.steps - 1]) : row.subject;
			return `<tr>
				<td>${this.link(doctype, row.name)}<div class="text-muted">${this.text(row.party_name)}</div></td>
				<td>${this.text(row.full_name)}</td>
				<td>${this.when(row)}</td>
				<td>${this.text(__(row.channel, null, "Follow Up"))}<div class="text-muted">${this.text(subject)}</div></td>
			</tr>`;
		});
		const table = rows.length
			? this.table([__(doctype), __("Responsible", null, "Follow Up"), __("Due"), __("What")], rows)
			: "";
		return `<p class="crm-ext-preview-count" data-count="${found.count}">
				<b>${this.count_text(found)}</b>
			</p>
			${notes.map((note) => `<p class="text-muted">${note}</p>`).join("")}
			${table}`;
	},

	count_text({ count, is_estimate }) {
		if (!count) return __("No document would get a follow up today.");
		if (is_estimate) return __("About {0} documents would get a follow up today.", [count]);
		if (count === 1) return __("1 document would get a follow up today.");
		return __("{0} documents would get a follow up today.", [count]);
	},

	ask_for_document(frm) {
		if (!frm.doc.document_type) return frappe.msgprint(__("Choose the document type first."));
		const dialog = new frappe.ui.Dialog({
			title: __("Test on One Document"),
			size: "large",
			fields: [
				{
					fieldname: "document",
					fieldtype: "Link",
					label: __(frm.doc.document_type),
					options: frm.doc.document_type,
					reqd: 1,
				},
				{ fieldtype: "HTML", fieldname: "result" },
			],
			primary_action_label: __("Test"),
			primary_action: async ({ document }) => {
				const found = await this.call(frm, "test", { docname: document });
				dialog.get_field("result").$wrapper.html(this.test_html(found));
			},
		});
		dialog.show();
	},

	test_html({ reasons, counted_from, steps }) {
		const why = reasons.length
			? `<p><b>${__("This document gets nothing from the rule:")}</b></p>
				<ul>${reasons.map((reason) => `<li>${this.text(reason)}</li>`).join("")}</ul>`
			: "";
		const from = counted_from
			? `<p class="text-muted">${__("Counted from {0}", [
					frappe.datetime.str_to_user(counted_from),
			  ])}</p>`
			: "";
		const rows = steps.map(
			(step) => `<tr>
				<td>${this.text(__(step.channel, null, "Follow Up"))}<div class="text-muted">${this.text(step.subject)}</div></td>
				<td>${this.when(step)}</td>
				<td>${this.text(step.full_name)}</td>
				<td>${this.text(step.state)}</td>
			</tr>`
		);
		const table = rows.length
			? this.table([__("Step"), __("Due"), __("Responsible", null, "Follow Up"), __("What Becomes of It")], rows)
			: "";
		return `<div class="crm-ext-rule-test">${why}${from}${table}</div>`;
	},

	table(heads, rows) {
		return `<div class="table-responsive"><table class="table table-bordered">
			<thead><tr>${heads.map((head) => `<th>${head}</th>`).join("")}</tr></thead>
			<tbody>${rows.join("")}</tbody>
		</table></div>`;
	},

	when({ due_date, due_time }) {
		return [frappe.datetime.str_to_user(due_date), due_time?.slice(0, 5)].filter(Boolean).join(" ");
	},

	link(doctype, name) {
		return `<a href="${frappe.utils.get_form_link(doctype, name)}">${this.text(name)}</a>`;
	},

	text(value) {
		return frappe.utils.escape_html(String(value ?? ""));
	},
};
