// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

import { AvailabilityDialog } from "./availability_dialog";
import { summary, trouble } from "./availability_text";

frappe.provide("crm_ext.supply");

// Where a row of the form keeps the day that was promised.
const DATE_FIELDS = {
	Opportunity: "promise_date",
	Quotation: "promise_date",
	"Sales Order": "delivery_date",
};
// What a row's availability was asked for; a row that was changed since has no mark.
const ASKED = ["item_code", "qty", "uom", "conversion_factor", "warehouse"];
// Nothing waits for goods any more.
const DONE = ["Cancelled", "Closed", "Completed", "Converted", "Lost", "Ordered", "To Bill"];

// What forms show of availability: a button, a line under the table of items, a line under each row in trouble. One
// request a document, on load and after saving.
crm_ext.supply.availability = {
	is_enabled: () => !!cint(frappe.boot.crm_ext?.availability_enabled),

	setup(frm) {
		if (!this.is_enabled()) return;
		$(frm.wrapper).on("grid-row-render", (_event, grid_row) => this.mark(frm, grid_row));
	},

	refresh(frm) {
		if (!this.is_enabled()) return;
		this.forget(frm);
		if (frm.doc.docstatus === 2) return;
		frm.add_custom_button(__("Availability", null, "Supply"), () => this.open(frm));
		const is_live = frm.doc.company && !DONE.includes(frm.doc.status);
		if (is_live && this.has_items(frm)) this.show(frm);
	},

	has_items: (frm) => (frm.doc.items || []).some((item) => item.item_code),

	// Of the document as it is on the screen, by row; what the form knows of a row itself is added.
	async read(frm) {
		const { doctype, name } = frm.doc;
		const what = frm.is_new() || frm.is_dirty() ? { doc: frm.doc } : { name };
		const rows = await frappe.xcall("crm_ext.api.availability.get_availability", { doctype, ...what });
		for (const item of (frm.doc.items || []).filter((item) => rows[item.name])) {
			const needed_on = item[DATE_FIELDS[doctype]] || frm.doc.delivery_date;
			const { item_name, stock_uom } = item;
			Object.assign(rows[item.name], { item_name, stock_uom, needed_on });
		}
		return rows;
	},

	async open(frm) {
		if (this.opening) return;
		if (!this.has_items(frm)) {
			return frappe.show_alert({ message: __("There are no rows with items yet."), indicator: "blue" });
		}
		this.opening = true;
		try {
			await new AvailabilityDialog({
				frm,
				date_field: DATE_FIELDS[frm.doctype],
				read: () => this.show(frm),
			}).show();
		} finally {
			this.opening = false;
		}
	},

	forget(frm) {
		frm.crm_ext_availability = null;
		frm.fields_dict.items.$wrapper.find(".crm-ext-availability-line, .crm-ext-row-mark").remove();
	},

	// Asks the server, marks rows and table, and returns what it said.
	async show(frm) {
		const asked = Object.fromEntries(frm.doc.items.map((item) => [item.name, this.question(item)]));
		const state = (frm.crm_ext_availability = { name: frm.doc.name, asked });
		const rows = await this.read(frm);
		// Another document is shown by now, or this one was asked for again.
		if (frm.crm_ext_availability !== state || frm.doc.name !== state.name) return rows;
		state.rows = rows;
		for (const grid_row of frm.fields_dict.items.grid.grid_rows || []) this.mark(frm, grid_row);
		this.show_line(frm);
		return rows;
	},

	question: (item) =>
		JSON.stringify([...ASKED, ...Object.values(DATE_FIELDS)].map((field) => item[field] || null)),

	mark(frm, { doc, grid, row, wrapper }) {
		if (grid?.df.fieldname !== "items" || !doc) return;
		wrapper.children(".crm-ext-row-mark").remove();
		const found = this.of_row(frm, doc);
		const html = found && trouble(found);
		if (html) $(`<div class="crm-ext-row-mark">${html}</div>`).insertAfter(row);
	},

	of_row(frm, item) {
		const state = frm.crm_ext_availability;
		if (state?.name !== frm.doc.name || state.asked[item.name] !== this.question(item)) return;
		return state.rows?.[item.name];
	},

	show_line(frm) {
		const $table = frm.fields_dict.items.$wrapper;
		$table.find(".crm-ext-availability-line").remove();
		const state = frm.crm_ext_availability;
		if (state?.name !== frm.doc.name || !state.rows) return;
		const items = frm.doc.items.filter((item) => item.item_code);
		const html = summary(items.map((item) => this.of_row(frm, item)).filter(Boolean));
		const changed = items.filter((item) => state.asked[item.name] !== this.question(item)).length;
		if (!html && !changed) return;
		const since = changed
			? `<span class="text-muted">${__("Changed, save to look again: {0}", [changed])}</span>`
			: "";
		const line = $(`<div class="crm-ext-availability-line" role="status">${html} ${since}</div>`);
		$(`<button type="button" class="btn btn-xs btn-default">${__("Availability", null, "Supply")}</button>`)
			.on("click", () => this.open(frm))
			.appendTo(line);
		$table.append(line);
	},

	// What is typed into a row takes its mark away until the document is saved.
	changed(frm, name) {
		const grid_row = frm.fields_dict.items?.grid.grid_rows_by_docname[name];
		if (grid_row) this.mark(frm, grid_row);
		this.show_line(frm);
	},
};

for (const doctype of Object.keys(DATE_FIELDS)) {
	frappe.ui.form.on(doctype, {
		setup: (frm) => crm_ext.supply.availability.setup(frm),
		refresh: (frm) => crm_ext.supply.availability.refresh(frm),
	});
	const changed = (frm, _doctype, name) => crm_ext.supply.availability.changed(frm, name);
	const events = [...ASKED, DATE_FIELDS[doctype], "items_remove"];
	frappe.ui.form.on(`${doctype} Item`, Object.fromEntries(events.map((event) => [event, changed])));
}
