// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

import * as cells from "./cells";

// The rows: typed into, walked through by keyboard, each an item or what was typed and why it is none.
export class Grid {
	// `resolve(text, options)`: items of codes; `customer()`: whose codes count; `changed()`: prices may be others.
	constructor($table, { resolve, customer, changed }) {
		this.resolve = resolve;
		this.customer = customer;
		this.changed = changed;
		this.rows = [];
		$table.html(`<thead><tr>${this.headings()}</tr></thead><tbody></tbody>`);
		this.$rows = $table.find("tbody");
	}

	headings() {
		const labels = {
			number: "",
			item: __("Item"),
			name: __("Name"),
			qty: __("Quantity"),
			rate: __("Rate"),
			amount: __("Amount"),
			stock: __("Stock"),
			day: __("Delivery Date"),
			remove: "",
		};
		return Object.entries(labels)
			.map(([key, label]) => `<th scope="col" class="quick-order-${key}">${label}</th>`)
			.join("");
	}

	// Rows

	reset() {
		this.rows = [];
		this.$rows.empty();
		this.add_row();
	}

	add_row(values = {}) {
		const $row = $(`
			<tr class="quick-order-row">
				<td class="quick-order-number text-muted"></td>
				<td class="quick-order-item"><input type="text" class="form-control input-sm" autocomplete="off"
					spellcheck="false" aria-label="${__("Item")}" placeholder="${__("Code, barcode or name")}"></td>
				<td class="quick-order-name"></td>
				<td class="quick-order-qty"><div><input type="text" inputmode="decimal" class="form-control input-sm"
					aria-label="${__("Quantity")}"><span class="quick-order-uom text-muted"></span></div></td>
				<td class="quick-order-rate"></td>
				<td class="quick-order-amount"></td>
				<td class="quick-order-stock"></td>
				<td class="quick-order-day"><input type="date" class="form-control input-sm"
					aria-label="${__("Delivery Date")}"></td>
				<td class="quick-order-remove"><button type="button" class="btn btn-xs" tabindex="-1"
					aria-label="${__("Remove Row")}">×</button></td>
			</tr>`).appendTo(this.$rows);
		const row = { $row, $item: $row.find(".quick-order-item input"), text: "" };
		row.$qty = $row.find(".quick-order-qty input");
		row.$day = $row.find(".quick-order-day input");
		this.rows.push(row);
		this.listen(row);
		this.set_row(row, values);
		return row;
	}

	listen(row) {
		this.suggest(row);
		row.$item.on("keydown", (event) => this.key_in_item(event, row));
		row.$item.on("change", () => this.take(row));
		row.$item.on("paste", (event) => {
			const text = event.originalEvent.clipboardData.getData("text");
			if (!/[\n\t].*\S/s.test(text.trim())) return;
			event.preventDefault();
			this.add_codes(text);
		});
		row.$qty.on("focus", () => row.$qty.trigger("select"));
		row.$qty.on("keydown", (event) => this.key_in_cell(event, row, "$qty"));
		row.$qty.on("change", () => {
			row.qty = flt(row.$qty.val());
			this.show_row(row);
			this.changed();
		});
		row.$day.on("keydown", (event) => this.key_in_cell(event, row, "$day"));
		row.$day.on("change", () => {
			row.delivery_date = row.$day.val() || null;
			this.changed();
		});
		row.$row.find(".quick-order-remove button").on("click", () => this.remove(row));
	}

	drop(row) {
		this.rows = this.rows.filter((other) => other !== row);
		row.$row.remove();
		this.number();
	}

	remove(row) {
		const place = this.rows.indexOf(row);
		this.drop(row);
		if (!this.rows.length) this.add_row();
		this.changed();
		this.rows[Math.min(place, this.rows.length - 1)].$item.trigger("focus");
	}

	// Typed or found by code; a row without item is what was typed and why it is none.
	set_row(row, values) {
		Object.assign(row, { item_code: null, item_name: null, uom: null, problem: null, priced: null }, values);
		row.text = row.item_code || values.text || "";
		row.$item.val(row.text);
		row.$qty.val(row.qty ? cells.quantity(row.qty) : "");
		row.$day.val(row.delivery_date || "");
		this.number();
		this.show_row(row);
	}

	set_day(row, day) {
		row.delivery_date = day;
		row.$day.val(day);
	}

	number() {
		this.rows.forEach((row, place) => row.$row.find(".quick-order-number").text(place + 1));
	}

	// The first row nothing was typed into; there is always one at the end.
	blank() {
		return this.rows.find((row) => !row.item_code && !row.$item.val().trim()) || this.add_row();
	}

	typed() {
		return this.rows.filter((row) => row.item_code || row.$item.val().trim());
	}

	// Rows that can be ordered.
	complete() {
		return this.rows.filter((row) => row.item_code && row.qty > 0);
	}

	is_reading() {
		return this.rows.some((row) => row.reading);
	}

	show_row(row, currency) {
		const { $row, priced } = row;
		const cell = (key) => $row.find(`.quick-order-${key}`);
		const trouble = row.problem || (row.item_code && !(row.qty > 0) && __("How many?"));
		$row.toggleClass("quick-order-wrong", !!trouble).attr("data-item", row.item_code || "");
		row.$item.attr("aria-invalid", row.problem ? "true" : null);
		cell("name").html(cells.name(row, trouble));
		cell("uom").text(row.item_code ? __(priced?.uom || row.uom || "") : "");
		if (currency) row.currency = currency;
		cell("rate").html(priced ? cells.rate(priced, row.currency) : "");
		cell("amount").html(priced ? format_currency(priced.amount, row.currency) : "");
		cell("stock").html(priced ? cells.stock(priced) : "");
	}

	// Keys

	key_in_item(event, row) {
		if (event.key === "Enter") {
			event.preventDefault();
			if (!row.$item.val().trim()) return;
			// A suggestion that is marked is taken by the list itself.
			if (!row.list.selected) this.take(row);
			row.list.close();
			this.go(row, 1, "$item", true);
		} else if (!row.list.opened || !row.list.ul.childElementCount) {
			this.key_in_cell(event, row, "$item");
		}
	}

	key_in_cell(event, row, column) {
		const step = { Enter: 1, ArrowDown: 1, ArrowUp: -1 }[event.key];
		// Arrows in a date change the date.
		if (!step || (column === "$day" && event.key !== "Enter")) return;
		event.preventDefault();
		if (event.key === "Enter") $(event.target).trigger("change");
		this.go(row, step, event.key === "Enter" ? "$item" : column, event.key === "Enter");
	}

	go(row, step, column, may_add) {
		const place = this.rows.indexOf(row) + step;
		const next = this.rows[place] || (may_add && place > 0 ? this.add_row() : null);
		next?.[column].trigger("focus");
	}

	// Items

	suggest(row) {
		row.list = new Awesomplete(row.$item[0], {
			minChars: 2,
			maxItems: 8,
			filter: () => true,
			sort: false,
			list: [],
			data: ({ value, description }) => ({ value, label: description ? `${value} ${description}` : value }),
			item: ({ label, value }) => {
				const escape = frappe.utils.escape_html;
				const more = label === value ? "" : label.slice(value.length + 1);
				return $(
					`<li role="option"><b>${escape(value)}</b> <span class="text-muted">${escape(more)}</span></li>`
				)[0];
			},
		});
		const search = frappe.utils.debounce(async () => {
			const text = row.$item.val().trim();
			if (text.length < 2 || text === row.text) return;
			const found = await frappe.xcall("frappe.desk.search.search_link", {
				doctype: "Item",
				txt: text,
				query: "erpnext.controllers.queries.item_query",
				filters: { is_sales_item: 1, customer: this.customer() },
				page_length: 8,
			});
			// Somebody went on typing, or went on to the next row.
			if (row.$item.val().trim() !== text || document.activeElement !== row.$item[0]) return;
			row.list.list = found;
		}, 250);
		row.$item.on("input", search);
		row.$item.on("awesomplete-selectcomplete", () => this.take(row));
	}

	// What was typed into a row becomes an item, with a quantity where one was typed along.
	async take(row) {
		const text = row.$item.val().trim();
		if (text === row.text) return;
		if (!text) {
			this.set_row(row, { qty: null, quotation_item: null });
			return this.changed();
		}
		row.text = text;
		row.reading = true;
		row.problem = null;
		this.show_row(row);
		try {
			const [found] = await this.resolve(text);
			if (row.text !== text || !this.rows.includes(row)) return;
			row.reading = false;
			this.put(row, found);
		} catch {
			row.reading = false;
			row.text = ""; // Enter asks again
			row.problem = __("Not looked up yet; press Enter again.");
			this.show_row(row);
		}
	}

	put(row, found) {
		if (found.reason) {
			this.set_row(row, { text: found.text, problem: found.reason, quotation_item: null });
			return this.changed();
		}
		const same = found.by === "barcode" && !found.qty_given && this.same(found, row);
		if (same) {
			this.add_qty(same, found.qty);
			// Whoever scans is in the next row already.
			if (row === this.rows.at(-1)) this.set_row(row, { qty: null });
			else this.drop(row);
		} else {
			const qty = found.qty_given ? found.qty : row.qty || found.qty;
			this.set_row(row, { ...found, qty, text: null, quotation_item: null });
		}
		this.changed();
	}

	same = ({ item_code, uom }, besides) =>
		this.rows.find(
			(row) =>
				row !== besides && row.item_code === item_code && row.uom === uom && !row.quotation_item
		);

	add_qty(row, qty) {
		row.qty = flt(row.qty) + qty;
		row.$qty.val(cells.quantity(row.qty));
		this.show_row(row);
	}

	// Counted up where the item is there already.
	add_item(item) {
		const same = this.same(item);
		if (same) this.add_qty(same, item.qty);
		else this.set_row(this.blank(), item);
	}

	// Several lines at once; what is there already is counted up, what nobody knows becomes a row that says so.
	async add_codes(text) {
		const found = await this.resolve(text, { freeze: true });
		for (const line of found) {
			if (line.reason) this.set_row(this.blank(), { text: line.text, problem: line.reason });
			else this.add_item({ ...line, text: null });
		}
		const unknown = found.filter((line) => line.reason).length;
		if (unknown) {
			frappe.show_alert({ message: __("Not found: {0}", [unknown]), indicator: "orange" });
		}
		this.after_adding();
	}

	after_adding() {
		this.changed();
		this.blank().$item.trigger("focus");
	}

	// Of a quotation

	drop_quoted() {
		this.rows.filter((row) => row.quotation_item).forEach((row) => this.drop(row));
	}

	forget_quotation() {
		for (const row of this.rows) row.quotation_item = null;
	}
}
