// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.provide("crm_ext.supply");

const REQUEST = "Material Request";
const ORDER = "Purchase Order";
const METHODS = {
	[REQUEST]: "crm_ext.api.shortage.make_requests",
	[ORDER]: "crm_ext.api.shortage.make_orders",
};

const escape = (text) => frappe.utils.escape_html(text ?? "");
const number = (qty) => format_number(qty, null, Number.isInteger(flt(qty)) ? 0 : undefined);

// What a document is short of, what runs for it already, and drafts that buy the rest. `on_done()` after something was made.
crm_ext.supply.open_shortage = async ({ doctype, name, on_done }) => {
	const dialog = new ShortageDialog({ doctype, name, on_done });
	await dialog.read();
	dialog.show();
};

class ShortageDialog {
	constructor(options) {
		Object.assign(this, options);
	}

	async read() {
		const { doctype, name } = this;
		this.answer = await frappe.xcall("crm_ext.api.shortage.get_shortage", { doctype, name });
		this.rows = this.answer.rows.filter((row) => row.short > 0 || row.running.length);
	}

	show() {
		this.dialog = new frappe.ui.Dialog({
			title: __("Shortage of {0}", [this.name]),
			size: "extra-large",
			fields: [{ fieldname: "shortage", fieldtype: "HTML" }],
		});
		this.$body = this.dialog.fields_dict.shortage.$wrapper.addClass("crm-ext-shortage");
		this.dialog.$wrapper.addClass("crm-ext-shortage-dialog");
		this.$body.on("click", "a[href]", (event) => {
			if (!event.ctrlKey && !event.metaKey) this.dialog.hide();
		});
		this.draw();
		this.dialog.show();
	}

	draw(said = "") {
		this.$body.html(said + this.heading() + (this.rows.length ? this.table() : ""));
		this.$body.find("[data-control]").each((_i, place) => this.add_control($(place)));
		this.add_buttons();
	}

	heading() {
		if (!this.rows.length) {
			return `<p class="shortage-none">${__("Nothing is short.")}</p>`;
		}
		if (!this.rows.some((row) => row.qty)) {
			return `<p class="shortage-none">${__("What is short is bought already.")}</p>`;
		}
		const { request, order } = this.answer.may;
		if (!request && !order) {
			return `<p class="shortage-may-not text-muted">${__(
				"You may see what is short, but not make a {0}. Ask purchasing to do it.",
				[__(REQUEST)]
			)}</p>`;
		}
		return this.answer.is_plan
			? `<p class="text-muted">${__(
					"Nothing is sold yet. What is requested now is not requested again by the order."
			  )}</p>`
			: "";
	}

	table() {
		const several = new Set(this.rows.map((row) => row.document)).size > 1;
		const head = [
			__("Item"),
			__("Wanted"),
			__("Short"),
			__("Runs Already"),
			__("To Buy"),
			__("Unit"),
			__("Supplier"),
			__("Needed On"),
		];
		const cells = head.map((label, i) => `<th class="${[1, 2].includes(i) ? "text-right" : ""}">${label}</th>`);
		return `<div class="table-responsive"><table class="table table-sm">
			<thead><tr>${cells.join("")}</tr></thead>
			<tbody>${this.rows.map((row, i) => this.row(row, i, several)).join("")}</tbody></table></div>`;
	}

	row(row, index, several) {
		const about = [
			several && row.document,
			row.item_name !== row.item_code && row.item_name,
			row.bundle && __("Part of {0}", [row.bundle]),
			row.is_made && __("Made in house"),
			row.drop_ship && __("Delivered by supplier"),
		].filter(Boolean);
		const control = (fieldname) =>
			`<td data-control="${fieldname}" data-index="${index}"></td>`;
		return `
			<tr data-key="${escape(row.key)}" data-item="${escape(row.item_code)}">
				<td>${escape(row.item_code)}
					<div class="text-muted small">${about.map(escape).join(" · ")}</div></td>
				<td class="text-right" data-value="${row.wanted}">${number(row.wanted)}</td>
				<td class="text-right ${row.open ? "text-danger" : ""}" data-short="${row.short}"
					data-open="${row.open}">${number(row.short)} ${escape(__(row.stock_uom))}</td>
				<td class="shortage-running">${row.running.map((run) => this.running(run, row)).join("")}</td>
				${control("qty")}
				<td>${escape(__(row.uom))}${this.in_stock_unit(row)}</td>
				${row.is_made ? `<td class="text-muted">${__("Made in house")}</td>` : control("supplier")}
				${control("needed_on")}
			</tr>`;
	}

	in_stock_unit(row) {
		if (row.factor === 1) return "";
		return `<div class="text-muted small">${number(row.factor)} ${escape(__(row.stock_uom))}</div>`;
	}

	running(run, row) {
		const what = run.name
			? frappe.utils.get_form_link(run.doctype, run.name, true)
			: escape(__(run.doctype));
		const parts = [`${number(run.qty)} ${escape(__(row.stock_uom))}`, escape(__(run.status))];
		if (run.due_on) parts.push(frappe.datetime.str_to_user(run.due_on));
		return `<div class="small" data-doctype="${escape(run.doctype)}" data-name="${escape(run.name)}">
			${what} <span class="text-muted">${parts.join(" · ")}</span></div>`;
	}

	// Of a row that may be bought; what may not be changed is not shown as a field.
	add_control($place) {
		const fieldname = $place.data("control");
		const row = this.rows[$place.data("index")];
		if (!this.answer.may.request && !this.answer.may.order) {
			return $place.text({ qty: number(row.qty), supplier: row.supplier }[fieldname] ?? "");
		}
		const today = frappe.datetime.get_today();
		const needed_on = row.needed_on && row.needed_on > today ? row.needed_on : today;
		const df = {
			qty: { fieldtype: row.whole ? "Int" : "Float", label: __("To Buy"), non_negative: 1 },
			supplier: { fieldtype: "Link", options: "Supplier", label: __("Supplier") },
			needed_on: { fieldtype: "Date", label: __("Needed On") },
		}[fieldname];
		const control = frappe.ui.form.make_control({
			parent: $place,
			df: { ...df, fieldname, input_class: "input-xs" },
			only_input: true,
			render_input: true,
		});
		control.set_value({ qty: row.qty, supplier: row.supplier, needed_on }[fieldname]);
		control.$input?.attr("aria-label", `${df.label}: ${row.item_code}`);
		row.controls = { ...row.controls, [fieldname]: control };
	}

	add_buttons() {
		const footer = this.dialog.footer.removeClass("hide").find(".standard-actions");
		footer.find(".shortage-make").remove();
		if (!this.rows.some((row) => row.controls)) return;
		const { request, order } = this.answer.may;
		[request && REQUEST, order && ORDER].filter(Boolean).forEach((doctype) => {
			$(`<button type="button" class="btn btn-sm shortage-make ml-2">${__(doctype)}</button>`)
				.addClass(doctype === ORDER || !order ? "btn-primary" : "btn-default")
				.attr("data-make", doctype)
				.on("click", () => this.make(doctype))
				.appendTo(footer);
		});
	}

	chosen(doctype) {
		return this.rows
			.map(({ key, factor, open, drop_ship, controls }) => ({
				key,
				factor,
				open,
				drop_ship,
				qty: flt(controls.qty.get_value()),
				supplier: controls.supplier?.get_value() || null,
				needed_on: controls.needed_on.get_value() || null,
			}))
			.filter((row) => row.qty > 0 && !(doctype === REQUEST && row.drop_ship));
	}

	async make(doctype) {
		if (this.making) return;
		const rows = this.chosen(doctype);
		if (!rows.length) return frappe.msgprint(__("There is nothing to buy."));
		this.making = true;
		this.dialog.footer.find(".shortage-make").prop("disabled", true);
		try {
			const { made, overtaken } = await frappe.xcall(METHODS[doctype], {
				doctype: this.doctype,
				name: this.name,
				rows,
			});
			await this.read();
			this.draw(overtaken.length ? this.say_overtaken(overtaken) : this.say_made(made));
			if (made.length) this.on_done?.();
		} finally {
			this.making = false;
			this.dialog.footer.find(".shortage-make").prop("disabled", false);
		}
	}

	say_made(made) {
		const links = made.map(
			({ doctype, name }) =>
				`<span data-doctype="${escape(doctype)}" data-name="${escape(name)}">${__(doctype)}
					${frappe.utils.get_form_link(doctype, name, true)}</span>`
		);
		return `<div class="alert alert-success shortage-made" role="status">${__("Made as drafts: {0}", [
			links.join(", "),
		])}</div>`;
	}

	say_overtaken(keys) {
		const items = this.answer.rows.filter((row) => keys.includes(row.key)).map((row) => row.item_code);
		return `<div class="alert alert-warning shortage-overtaken" role="status">${__(
			"Nothing was made: meanwhile others have bought {0}, or it has come. This is how it stands now.",
			[escape([...new Set(items)].join(", "))]
		)}</div>`;
	}
}

const add_button = (frm) =>
	frm.add_custom_button(
		__("Shortage"),
		() =>
			crm_ext.supply.open_shortage({
				doctype: frm.doctype,
				name: frm.doc.name,
				on_done: () => !frm.is_dirty() && frm.reload_doc(),
			}),
		__("Create")
	);

frappe.ui.form.on("Quotation", {
	refresh(frm) {
		const done = ["Lost", "Ordered", "Expired", "Cancelled"];
		if (frm.doc.docstatus === 1 && !done.includes(frm.doc.status)) add_button(frm);
	},
});

frappe.ui.form.on("Sales Order", {
	refresh(frm) {
		const done = ["Completed", "Closed", "On Hold"];
		if (frm.doc.docstatus === 1 && !done.includes(frm.doc.status)) add_button(frm);
	},
});

frappe.ui.form.on("Deal", {
	refresh(frm) {
		if (!frm.is_new() && !["Lost", "Cancelled"].includes(frm.doc.status)) add_button(frm);
	},
});
