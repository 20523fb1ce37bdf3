// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

import { once } from "../dialogs";
import { quantity } from "./cells";

// Where rows come from that nobody types one by one.
const escape = frappe.utils.escape_html;

export const ask_codes = (order) => {
	const dialog = new frappe.ui.Dialog({
		title: __("Paste or Scan"),
		fields: [
			{
				fieldname: "codes",
				fieldtype: "Small Text",
				label: __("One line for each item"),
				reqd: 1,
				description: __(
					"Code, barcode or the customer's code, then the quantity: ABC 5, ABC x 5, or columns copied from a sheet"
				),
			},
		],
		primary_action_label: __("Add"),
		primary_action: async ({ codes }) => {
			await once(dialog, () => order.grid.add_codes(codes));
			order.grid.blank().$item.trigger("focus");
		},
	});
	dialog.show();
};

export const ask_last = async (order) => {
	if (!order.has_customer()) return;
	const found = await order.call("get_last_rows", {
		customer: order.value("customer"),
		company: order.value("company"),
	});
	if (!found.length) return order.say(__("This customer has not ordered yet."));
	const lines = found.map(
		(line, place) => `
			<label class="quick-order-line">
				<input type="checkbox" value="${place}">
				<span><b>${escape(line.item_code)}</b>
					${line.item_name === line.item_code ? "" : escape(line.item_name)}</span>
				<span>${quantity(line.qty)} ${escape(__(line.uom))}</span>
				<span class="text-muted">${frappe.datetime.str_to_user(line.ordered_on)},
					${line.times === 1 ? __("ordered once") : __("ordered {0} times", [line.times])}</span>
			</label>`
	);
	const dialog = choose(order, __("Last Orders"), lines, () => {
		const ticked = dialog.$wrapper.find("input:checked").get();
		for (const { item_code, item_name, qty, uom } of ticked.map((box) => found[box.value])) {
			order.grid.add_item({ item_code, item_name, qty, uom });
		}
	});
};

export const ask_quotation = async (order) => {
	if (!order.has_customer()) return;
	const found = await order.call("get_quotations", {
		customer: order.value("customer"),
		company: order.value("company"),
	});
	if (!found.length) return order.say(__("This customer has no open quotation."));
	const lines = found.map(
		(line) => `
			<label class="quick-order-line">
				<input type="radio" name="quotation" value="${escape(line.name)}">
				<b>${escape(line.name)}</b>
				<span>${format_currency(line.grand_total, line.currency)}</span>
				<span class="text-muted">${frappe.datetime.str_to_user(line.transaction_date)}</span>
			</label>`
	);
	const dialog = choose(order, __("From Quotation"), lines, async () => {
		const name = dialog.$wrapper.find("input:checked").val();
		if (name) await order.take_quotation(name);
	});
	dialog.$wrapper.find("input").first().prop("checked", true);
};

const choose = (order, title, lines, add) => {
	const dialog = new frappe.ui.Dialog({
		title,
		fields: [{ fieldname: "lines", fieldtype: "HTML" }],
		primary_action_label: __("Add"),
		primary_action: async () => {
			await once(dialog, add);
			order.grid.after_adding();
		},
	});
	dialog.fields_dict.lines.$wrapper.html(`<div class="quick-order-lines">${lines.join("")}</div>`);
	dialog.show();
	return dialog;
};
