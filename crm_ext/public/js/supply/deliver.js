// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

import { once } from "../dialogs";

frappe.provide("crm_ext.deliveries");

// More are printed by Frappe's list, which leaves them to the background.
const MOST_AT_ONCE = 25;
const NOTE = "Delivery Note";

const escape = (text) => frappe.utils.escape_html(text);
const unique = (values) => [...new Set(values)];

Object.assign(crm_ext.deliveries, {
	// Drafts of delivery notes for rows of Delivery Due: [{ sales_order, order_rows: [names], customer }].
	async deliver({ company, rows, on_done }) {
		const orders = unique(rows.map((row) => row.sales_order));
		if (!orders.length) return frappe.msgprint(__("Choose at least one order."));
		const names = unique(rows.flatMap((row) => row.order_rows));
		const drafts = await frappe.xcall("crm_ext.api.deliveries.drafts", { rows: names });
		const customers = unique(rows.map((row) => row.customer)).length;
		const dialog = new frappe.ui.Dialog({
			title: __("Deliver"),
			fields: fields_of(orders, drafts, customers),
			primary_action_label: __("Make Delivery Notes"),
			primary_action: async ({ by_customer, with_drafts }) => {
				let made;
				await once(dialog, async () => {
					made = await frappe.xcall("crm_ext.api.deliveries.deliver", {
						company,
						rows: names,
						orders: orders.length,
						by_customer: cint(by_customer),
						with_drafts: cint(with_drafts),
					});
				});
				if (!made) return;
				await tell(made);
				if (!made.notes.length) on_done?.();
			},
		});
		dialog.show();
	},

	// Delivery notes of orders: one in Frappe's print view, many in one PDF.
	async print(orders) {
		orders = unique(orders);
		if (!orders.length) return frappe.msgprint(__("Choose at least one order."));
		const notes = await frappe.xcall("crm_ext.api.deliveries.notes", { orders });
		if (!notes.length) {
			return frappe.msgprint(__("There is no delivery note of these orders yet."));
		}
		if (notes.length === 1) return frappe.set_route("print", NOTE, notes[0].name);
		await new Promise((resolve) => frappe.model.with_doctype(NOTE, resolve));
		print_dialog(notes).show();
	},
});

function fields_of(orders, drafts, customers) {
	const held = Object.entries(drafts);
	const lines = held.map(([order, notes]) => {
		const links = notes.map((note) => frappe.utils.get_form_link(NOTE, note, true));
		return `<li>${escape(order)}: ${links.join(", ")}</li>`;
	});
	return [
		{
			fieldtype: "HTML",
			options: `<p>${
				orders.length === 1
					? __("A draft is made of what can be delivered now of {0}.", [escape(orders[0])])
					: __("Drafts are made of what can be delivered now of {0} orders.", [orders.length])
			}</p>`,
		},
		...(orders.length > customers
			? [
					{
						fieldname: "by_customer",
						fieldtype: "Check",
						label: __("One note for each customer"),
						description: __(
							"Orders that differ in address, taxes, currency or the like stay apart."
						),
					},
			  ]
			: []),
		...(held.length
			? [
					{
						fieldtype: "HTML",
						options: `<p class="text-danger">${__(
							"Of these there are drafts already:"
						)}</p><ul class="crm-ext-drafts">${lines.join("")}</ul>`,
					},
					{
						fieldname: "with_drafts",
						fieldtype: "Check",
						label: __("Make another draft of them"),
						description: __("Otherwise what is in a draft is left out."),
					},
			  ]
			: []),
	];
}

// Dialogs are closed when the desk goes elsewhere, so what was left out is told after that.
async function tell({ notes, left_out, queued }) {
	if (queued) {
		frappe.msgprint(__("The drafts are being made. You get a notification when they are there."));
		return;
	}
	if (notes.length === 1) {
		await frappe.set_route("Form", NOTE, notes[0]);
	} else if (notes.length) {
		frappe.route_options = { name: ["in", notes] };
		await frappe.set_route("List", NOTE, "List");
	}
	if (left_out.length) {
		const lines = left_out.map(
			({ order, reason }) => `<li><b>${escape(order)}</b>: ${escape(reason)}</li>`
		);
		frappe.msgprint({
			title: __("Left Out"),
			indicator: "orange",
			message: `<ul class="crm-ext-left-out">${lines.join("")}</ul>`,
		});
	} else {
		frappe.show_alert({
			message:
				notes.length === 1
					? __("A draft of a delivery note was made.")
					: __("{0} drafts of delivery notes were made", [notes.length]),
			indicator: "green",
		});
	}
}

function print_dialog(notes) {
	const meta = frappe.get_meta(NOTE);
	const formats = frappe.meta.get_print_formats(NOTE);
	// What is on its way to the customer next comes first; what was sent before is a click away.
	const newest = notes.some(({ docstatus }) => !docstatus) ? 0 : 1;
	const dialog = new frappe.ui.Dialog({
		title: __("Print Delivery Notes"),
		fields: [
			{
				fieldname: "notes",
				fieldtype: "MultiCheck",
				label: __("Delivery Notes"),
				columns: 1,
				sort_options: false,
				options: notes.map(({ name, docstatus, customer_name, orders, posting_date }) => ({
					value: name,
					label: [
						name,
						customer_name,
						orders,
						frappe.datetime.str_to_user(posting_date),
						docstatus ? __("Submitted") : __("Draft"),
					]
						.map(escape)
						.join(" · "),
					checked: docstatus === newest,
				})),
			},
			{
				fieldname: "format",
				fieldtype: "Select",
				label: __("Print Format"),
				options: formats,
				default: meta.default_print_format || formats[0],
			},
		],
		primary_action_label: __("Print"),
		primary_action: ({ notes: names, format }) => {
			if (!names.length) return frappe.msgprint(__("Choose at least one delivery note."));
			dialog.hide();
			if (names.length === 1) return frappe.set_route("print", NOTE, names[0]);
			if (names.length > MOST_AT_ONCE) {
				frappe.show_alert(__("Choose all in the list, then Actions > Print."));
				frappe.route_options = { name: ["in", names] };
				return frappe.set_route("List", NOTE, "List");
			}
			return download(names, format);
		},
	});
	return dialog;
}

// Asked for in the background, so that a site that cannot make it says so here and not in an empty window.
async function download(names, print_format) {
	const args = new URLSearchParams({ names: JSON.stringify(names), print_format });
	frappe.dom.freeze(__("The PDF is being made..."));
	try {
		const answer = await fetch(`/api/method/crm_ext.api.deliveries.pdf?${args}`);
		if (!answer.ok) return tell_failure(await answer.json());
		const link = document.createElement("a");
		link.href = URL.createObjectURL(await answer.blob());
		link.download = `${__("Delivery Notes")}.pdf`;
		link.click();
		URL.revokeObjectURL(link.href);
	} finally {
		frappe.dom.unfreeze();
	}
}

function tell_failure({ _server_messages }) {
	const said = JSON.parse(_server_messages || "[]").map((text) => JSON.parse(text).message);
	frappe.msgprint({
		title: __("Print Delivery Notes"),
		indicator: "red",
		message: said.join("<br>") || __("The PDF could not be made. Print the notes one at a time."),
	});
}
