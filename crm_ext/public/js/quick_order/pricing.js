// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

import { quantity } from "./cells";

// What the rows cost and when they can be promised, asked of the server each time something was typed.
export class Pricing {
	constructor(order, $promise) {
		this.order = order;
		this.$promise = $promise;
		this.asked = 0;
		this.soon = frappe.utils.debounce(() => this.price(), 300);
	}

	reset() {
		this.asked += 1; // what is under way is of the order before
		this.show_totals(null);
	}

	async price() {
		const { order } = this;
		const { rows, values } = order.wanted();
		const asked = ++this.asked;
		if (!rows.length || !values.customer || !values.company) return this.show_totals(null);
		order.$body.addClass("quick-order-asking");
		try {
			const found = await order.call("price", { order: values });
			if (asked !== this.asked) return; // something was typed meanwhile
			rows.forEach((row, place) => (row.priced = found.rows[place]));
			order.grid.rows.forEach((row) => order.grid.show_row(row, found.currency));
			this.show_given(found.rows.slice(rows.length));
			this.show_totals(found);
		} finally {
			if (asked === this.asked) order.$body.removeClass("quick-order-asking");
		}
	}

	show_given(rows) {
		const escape = frappe.utils.escape_html;
		const given = rows.map((row) => `${quantity(row.qty)} × ${escape(row.item_name || row.item_code)}`);
		this.order.$body
			.find(".quick-order-given")
			.html(given.length ? __("Given for free: {0}", [given.join(", ")]) : "");
	}

	show_totals(found) {
		const { grid, $body } = this.order;
		const $totals = $body.find(".quick-order-totals").empty();
		if (!found) {
			this.show_given([]);
			for (const row of grid.rows) {
				row.priced = null;
				grid.show_row(row);
			}
		}
		this.$promise.toggle(!!found?.rows.some((row) => row.promise_on));
		if (!found) return;
		const line = (label, value, key) =>
			`<div data-total="${key}" data-value="${value}"><span>${label}</span> <b>${format_currency(
				value,
				found.currency
			)}</b></div>`;
		$totals.html(
			[
				line(__("Net Total"), found.net_total, "net"),
				found.taxes ? line(__("Taxes"), found.taxes, "taxes") : "",
				line(__("Total"), found.total, "total"),
			].join("")
		);
	}

	// Each row on the first day it can be promised; the order on the last of them.
	async take_promises() {
		const { grid, fields } = this.order;
		const rows = grid.rows.filter((row) => row.priced?.promise_on);
		for (const row of rows) grid.set_day(row, row.priced.promise_on);
		const last = rows.map((row) => row.delivery_date).sort().at(-1);
		if (!this.order.value("delivery_date") || this.order.value("delivery_date") < last) {
			await fields.set_value("delivery_date", last);
		}
		this.soon();
	}
}
