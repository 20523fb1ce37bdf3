// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// What a row of the grid shows of an item: pure HTML.
const escape = frappe.utils.escape_html;

export const pill = (label, color) =>
	`<span class="indicator-pill no-indicator-dot ${color}">${escape(label)}</span>`;

export const quantity = (number) => {
	const rounded = Math.round(number * 1000) / 1000;
	return format_number(rounded, null, Number.isInteger(rounded) ? 0 : 3);
};

export const name = ({ item_code, item_name, reading }, trouble) => {
	if (trouble) return `<span class="text-danger">${escape(trouble)}</span>`;
	if (reading) return `<span class="text-muted">…</span>`;
	return escape(item_name && item_name !== item_code ? item_name : "");
};

export const rate = ({ rate, price_list_rate }, currency) => {
	if (!rate) return pill(__("No price"), "orange");
	const full =
		price_list_rate > rate
			? `<s class="text-muted">${format_currency(price_list_rate, currency)}</s> `
			: "";
	return full + format_currency(rate, currency);
};

// In the stock unit, as all stock is counted.
export const stock = (row) => {
	if (row.kind === "Service") return "";
	const left = row.available === undefined ? row.on_hand : Math.max(0, row.available);
	const label =
		row.available === undefined
			? __("{0} on hand", [quantity(left)])
			: __("{0} available", [quantity(left)]);
	const unit = row.uom === row.stock_uom ? "" : ` ${escape(__(row.stock_uom || ""))}`;
	const parts = [`<span data-left="${left}">${label}${unit}</span>`];
	if (row.short > 0) parts.push(pill(__("Short: {0}", [quantity(row.short)]), "red"));
	if (row.promise_on && row.promise_on > frappe.datetime.get_today()) {
		const day = __("from {0}", [frappe.datetime.str_to_user(row.promise_on)]);
		parts.push(row.late ? pill(day, "orange") : `<span class="text-muted">${day}</span>`);
	} else if (row.kind && !row.promise_on) {
		parts.push(`<span class="text-muted">${__("no date is known")}</span>`);
	}
	return parts.join(" ");
};
