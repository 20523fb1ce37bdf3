// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

import { once } from "../dialogs";
import { day, escape, marks, number, pill, quantity, source, summary } from "./availability_text";

// What stands for each row of a form, and which dates to take over. `date_field`: where the form keeps them;
// `read()` asks the server.
export class AvailabilityDialog {
	constructor({ frm, date_field, read }) {
		Object.assign(this, { frm, date_field, read });
		this.editable = frm.doc.docstatus === 0 && !frm.read_only && !!frm.perm[0]?.write;
		this.date_label = __(frappe.meta.get_label(`${frm.doctype} Item`, date_field));
	}

	async show() {
		this.dialog = new frappe.ui.Dialog({
			title: __("Availability", null, "Supply"),
			size: "extra-large",
			fields: [{ fieldname: "rows", fieldtype: "HTML" }],
		});
		this.$rows = this.dialog.fields_dict.rows.$wrapper;
		this.$rows.on("change", "[data-all]", ({ target }) => this.choose_all(target.checked));
		this.$rows.on("change", "[data-row]", () => this.show_choice());
		this.$rows.on("click", "[data-take]", ({ currentTarget }) => this.take_alternative(currentTarget));
		if (this.editable) {
			this.dialog.set_primary_action(escape(__("Set {0}", [this.date_label])), () =>
				once(this.dialog, () => this.take_over())
			);
		}
		await this.load();
		this.dialog.show();
	}

	async load() {
		this.found = await this.read();
		this.items = (this.frm.doc.items || []).filter((item) => this.found[item.name]);
		this.$rows.html(this.html());
		this.show_choice();
	}

	html() {
		if (!this.items.length) {
			return `<p class="text-muted">${__("No row waits for goods.")}</p>`;
		}
		const choosable = this.items.some((item) => this.is_choosable(item));
		const heads = [
			choosable
				? `<label class="mb-0"><input type="checkbox" data-all aria-label="${escape(
						__("Select All")
				  )}">
					<span class="d-xl-none">${__("Select All")}</span></label>`
				: "",
			__("Item"),
			...[__("Qty"), __("On Hand"), __("Reserved", null, "Supply"), __("On Order")],
			__("Available", null, "Supply"),
			...[__("Can Be Promised"), escape(this.date_label), __("Status")],
		];
		const is_number = (index) => index > 1 && index < 7;
		this.heads = heads;
		return `
			${this.note()}
			<p class="availability-summary">${summary(this.items.map((item) => this.found[item.name]))}</p>
			<table class="table table-sm crm-ext-availability">
				<thead><tr>${heads
					.map((head, index) => `<th class="${is_number(index) ? "text-right" : ""}">${head}</th>`)
					.join("")}</tr></thead>
				<tbody>${this.items.map((item) => this.lines(item)).join("")}</tbody>
			</table>`;
	}

	note() {
		if (this.editable) return "";
		const text =
			this.frm.doctype === "Sales Order" && this.frm.doc.docstatus === 1
				? __("This order is submitted. Change its delivery dates by Update Items.")
				: __("The dates of this document cannot be changed.");
		return `<p class="text-muted">${text}</p>`;
	}

	lines(item) {
		const row = this.found[item.name];
		const components = (row.components || []).map((component) => this.line(component));
		return this.line(row, item) + components.join("") + this.alternatives(item, row);
	}

	// Of a row of the form, or of a component of a bundle (no `item`).
	line(row, item) {
		const cells = [
			item && this.is_choosable(item) ? this.box(item, row) : "",
			this.item_cell(row, item),
			escape(quantity(row.qty, row.stock_uom)),
			...this.figures(row),
			this.promise_cell(row),
			item?.[this.date_field] ? day(item[this.date_field]) : "",
			marks(row).map(pill).join(" "),
		];
		const named = item ? `data-line="${escape(item.name)}"` : `class="availability-below"`;
		return `<tr ${named}>${cells
			.map((cell, index) => this.cell(cell, this.heads[index], index))
			.join("")}</tr>`;
	}

	cell(content, head, index) {
		const label = index ? `data-label="${head}"` : "";
		const aligned = index > 1 && index < 7 ? "text-right" : "";
		return `<td ${label} class="${aligned} ${
			content === "" ? "availability-none" : ""
		}"><div>${content}</div></td>`;
	}

	item_cell(row, item) {
		const name = row.item_name && row.item_name !== row.item_code ? row.item_name : "";
		return `
			<div><span class="bold">${item ? `${item.idx}. ` : ""}${escape(row.item_code)}</span></div>
			${name ? `<div class="text-muted small">${escape(name)}</div>` : ""}`;
	}

	promise_cell(row) {
		if (!row.promise_on) return "";
		const from = `<div class="text-muted small">${escape(source(row))}</div>`;
		return day(row.promise_on) + from;
	}

	figures(row) {
		if (row.kind === "Service") return ["", "", "", ""];
		if (row.kind === "Bundle") return ["", "", "", number(row.available)];
		const requested = row.requested
			? `<div class="text-muted small">${__("{0} requested", [number(row.requested)])}</div>`
			: "";
		return [
			number(row.on_hand),
			number(row.reserved),
			number(row.ordered) + requested,
			number(row.available),
		];
	}

	box(item, row) {
		const label = __("Row {0}: {1}", [item.idx, row.item_code]);
		return `<input type="checkbox" data-row="${escape(item.name)}" aria-label="${escape(label)}"
			${this.is_due(item, row) ? "checked" : ""}>`;
	}

	alternatives(item, row) {
		if (!row.alternatives?.length) return "";
		const take = (code) =>
			this.editable
				? `<button type="button" class="btn btn-xs btn-default ml-2" data-take="${escape(code)}"
					data-of="${escape(item.name)}">${__("Take Instead")}</button>`
				: "";
		const lines = row.alternatives.map(
			([code, available]) => `
				<div>${__("Alternative")}: <span class="bold">${escape(code)}</span>
					${__("{0} available", [number(available)])}${take(code)}</div>`
		);
		return `<tr class="availability-below"><td class="availability-none"></td>
			<td colspan="9">${lines.join("")}</td></tr>`;
	}

	is_choosable(item) {
		return this.editable && !!this.found[item.name].promise_on;
	}

	// A date that is later than need be was chosen by somebody, and a receipt that did not come in time may come any day:
	// both only on demand.
	is_due(item, row) {
		if (row.overdue_supply) return false;
		return !item[this.date_field] || item[this.date_field] < row.promise_on;
	}

	$boxes() {
		return this.$rows.find("[data-row]");
	}

	choose_all(checked) {
		this.$boxes().prop("checked", checked);
		this.show_choice();
	}

	show_choice() {
		const boxes = this.$boxes().toArray();
		const number = boxes.filter((box) => box.checked).length;
		this.$rows.find("[data-all]").prop({
			checked: number > 0 && number === boxes.length,
			indeterminate: number > 0 && number < boxes.length,
		});
		this.dialog
			.get_primary_btn()
			.prop("disabled", !number)
			.toggle(this.editable && boxes.length > 0);
	}

	async take_over() {
		const chosen = this.$boxes()
			.filter(":checked")
			.toArray()
			.map((box) => box.dataset.row);
		const items = this.items.filter((item) => chosen.includes(item.name));
		const dates = items.map((item) => this.found[item.name].promise_on).sort();
		if (this.frm.doctype === "Sales Order" && !this.frm.doc.delivery_date) {
			// Otherwise ERPNext puts the first row's date into every row that has none.
			await this.frm.set_value("delivery_date", dates[dates.length - 1]);
		}
		for (const item of items) {
			const date = this.found[item.name].promise_on;
			await frappe.model.set_value(item.doctype, item.name, this.date_field, date);
		}
		this.frm.refresh_field("items");
		frappe.show_alert({ message: __("Dates are set. Save to keep them."), indicator: "blue" });
	}

	// ERPNext then finds price, unit and description as if it had been typed.
	async take_alternative({ dataset }) {
		const item = this.items.find(({ name }) => name === dataset.of);
		this.$rows.find("[data-take]").prop("disabled", true);
		await frappe.model.set_value(item.doctype, item.name, "item_code", dataset.take);
		await frappe.after_ajax();
		await this.load();
		frappe.show_alert({
			message: __("Row {0} is {1} now. Look at its price, and save to keep it.", [
				item.idx,
				escape(dataset.take),
			]),
			indicator: "blue",
		});
	}
}
