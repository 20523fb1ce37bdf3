// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.pages["quick-order"].on_page_load = (wrapper) => {
	wrapper.quick_order = new crm_ext.QuickOrder(wrapper);
};

frappe.pages["quick-order"].on_page_show = (wrapper) => wrapper.quick_order.show();

// A sales order from rows that are typed, pasted, scanned, ticked or quoted. The server says what an item is, what it
// costs and when it can be promised; here is only what the screen does.
crm_ext.QuickOrder = class QuickOrder {
	static api = "crm_ext.api.quick_order";

	constructor(wrapper) {
		this.page = frappe.ui.make_app_page({
			parent: wrapper,
			title: __("Quick Order"),
			single_column: true,
		});
		this.rows = [];
		this.asked = 0;
		this.$body = $(`
			<div class="quick-order">
				<div class="quick-order-fields"></div>
				<div class="quick-order-tools"></div>
				<table class="quick-order-grid">
					<thead><tr>${this.headings()}</tr></thead>
					<tbody></tbody>
				</table>
				<div class="quick-order-given"></div>
				<div class="quick-order-totals" role="status" aria-live="polite"></div>
			</div>`).appendTo(this.page.main);
		this.$rows = this.$body.find("tbody");
		this.make_fields();
		this.make_tools();
		this.page.set_primary_action(__("Save Order"), () => this.save());
		wrapper.save_action = () => this.save(); // Ctrl+S
		if (frappe.model.can_submit("Sales Order")) {
			this.page.set_secondary_action(__("Save and Submit"), () => this.save(true));
		}
		this.page.add_menu_item(__("Start Anew"), () => this.clear());
		this.price_soon = frappe.utils.debounce(() => this.price(), 300);
		this.reset();
	}

	call(method, args, options = {}) {
		return frappe
			.call({ method: `${QuickOrder.api}.${method}`, args, ...options })
			.then(({ message }) => message);
	}

	// Where it begins

	// One comes with a customer, a quotation, or nothing.
	async show() {
		const wanted = frappe.route_options || {};
		frappe.route_options = null;
		const { customer, quotation } = wanted;
		if (!customer && !quotation) return this.focus_first();
		const other = customer !== this.value("customer") || (quotation && quotation !== this.quotation);
		if (!other) return this.focus_first();
		if (this.typed().length && !(await this.may_drop())) return;
		this.reset();
		if (wanted.company) await this.fields.set_value("company", wanted.company);
		if (customer) await this.fields.set_value("customer", customer);
		if (quotation) await this.take_quotation(quotation);
		this.focus_first();
	}

	may_drop() {
		return new Promise((resolve) =>
			frappe.confirm(
				__("{0} rows were typed and not saved. Drop them?", [this.typed().length]),
				() => resolve(true),
				() => resolve(false)
			)
		);
	}

	async clear() {
		if (!this.typed().length || (await this.may_drop())) this.reset();
	}

	reset() {
		this.asked += 1; // what is under way is of the order before
		this.quotation = null;
		this.rows = [];
		this.$rows.empty();
		this.fields.clear();
		this.fields.set_value("company", frappe.defaults.get_user_default("Company"));
		this.show_totals(null);
		this.show_quotation();
		this.add_row();
	}

	focus_first() {
		if (!this.value("customer")) return this.fields.get_field("customer").set_focus();
		this.rows.at(-1).$item.trigger("focus");
	}

	// The head

	make_fields() {
		const changed = () => this.price_soon();
		this.fields = new frappe.ui.FieldGroup({
			parent: this.$body.find(".quick-order-fields"),
			fields: [
				{
					fieldname: "customer",
					fieldtype: "Link",
					options: "Customer",
					label: __("Customer"),
					reqd: 1,
					only_select: 1,
					get_query: () => ({ filters: { disabled: 0 } }),
					change: () => this.customer_changed(),
				},
				{ fieldtype: "Column Break" },
				{
					fieldname: "delivery_date",
					fieldtype: "Date",
					label: __("Delivery Date"),
					change: changed,
				},
				{ fieldtype: "Column Break" },
				{ fieldname: "po_no", fieldtype: "Data", label: __("Customer's Order") },
				{ fieldtype: "Column Break" },
				{
					fieldname: "set_warehouse",
					fieldtype: "Link",
					options: "Warehouse",
					label: __("Warehouse"),
					only_select: 1,
					get_query: () => ({ filters: { company: this.value("company"), is_group: 0, disabled: 0 } }),
					change: changed,
				},
				{ fieldtype: "Column Break" },
				{
					fieldname: "company",
					fieldtype: "Link",
					options: "Company",
					label: __("Company"),
					reqd: 1,
					only_select: 1,
					change: changed,
				},
			],
		});
		this.fields.make();
	}

	value(fieldname) {
		return this.fields.get_value(fieldname) || null;
	}

	customer_changed() {
		const customer = this.value("customer");
		if (customer === this.customer) return;
		this.customer = customer;
		// Rows of a quotation to somebody else are rows as others.
		if (this.quotation && customer !== this.quoted_to) this.forget_quotation();
		this.price_soon();
	}

	make_tools() {
		const $tools = this.$body.find(".quick-order-tools");
		const add = (label, action, key) =>
			$(`<button type="button" class="btn btn-default btn-sm" data-tool="${key}">${label}</button>`)
				.on("click", action)
				.appendTo($tools);
		add(__("Paste or Scan"), () => this.ask_codes(), "paste");
		add(__("Last Orders"), () => this.ask_last(), "last");
		add(__("From Quotation"), () => this.ask_quotation(), "quotation");
		this.$promise = add(__("Use Promise Dates"), () => this.take_promises(), "promise").hide();
		this.$quotation = $(`<span class="quick-order-quotation"></span>`).appendTo($tools);
	}

	// Rows

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
			this.price_soon();
		});
		row.$day.on("keydown", (event) => this.key_in_cell(event, row, "$day"));
		row.$day.on("change", () => {
			row.delivery_date = row.$day.val() || null;
			this.price_soon();
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
		this.price_soon();
		this.rows[Math.min(place, this.rows.length - 1)].$item.trigger("focus");
	}

	// Typed or found by code; a row without item is what was typed and why it is none.
	set_row(row, values) {
		Object.assign(row, { item_code: null, item_name: null, uom: null, problem: null, priced: null }, values);
		row.text = row.item_code || values.text || "";
		row.$item.val(row.text);
		row.$qty.val(row.qty ? this.qty(row.qty) : "");
		row.$day.val(row.delivery_date || "");
		this.number();
		this.show_row(row);
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
				filters: { is_sales_item: 1, customer: this.value("customer") },
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
			return this.price_soon();
		}
		row.text = text;
		row.reading = true;
		row.problem = null;
		this.show_row(row);
		try {
			const [found] = await this.call("resolve", { text, customer: this.value("customer") });
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
			return this.price_soon();
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
		this.price_soon();
	}

	same = ({ item_code, uom }, besides) =>
		this.rows.find(
			(row) =>
				row !== besides && row.item_code === item_code && row.uom === uom && !row.quotation_item
		);

	add_qty(row, qty) {
		row.qty = flt(row.qty) + qty;
		row.$qty.val(this.qty(row.qty));
		this.show_row(row);
	}

	// Several lines at once; what is there already is counted up, what nobody knows becomes a row that says so.
	async add_codes(text) {
		const found = await this.call("resolve", { text, customer: this.value("customer") }, { freeze: true });
		for (const line of found) {
			const same = !line.reason && this.same(line);
			if (same) this.add_qty(same, line.qty);
			else if (line.reason) this.set_row(this.blank(), { text: line.text, problem: line.reason });
			else this.set_row(this.blank(), { ...line, text: null });
		}
		const unknown = found.filter((line) => line.reason).length;
		if (unknown) {
			frappe.show_alert({ message: __("Not found: {0}", [unknown]), indicator: "orange" });
		}
		this.after_adding();
	}

	after_adding() {
		this.price_soon();
		this.blank().$item.trigger("focus");
	}

	// From where rows come

	ask_codes() {
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
				await this.add_codes(codes);
				dialog.hide();
				this.blank().$item.trigger("focus");
			},
		});
		dialog.show();
	}

	async ask_last() {
		if (!this.has_customer()) return;
		const found = await this.call("get_last_rows", {
			customer: this.value("customer"),
			company: this.value("company"),
		});
		if (!found.length) return this.say(__("This customer has not ordered yet."));
		const escape = frappe.utils.escape_html;
		const lines = found.map(
			(line, place) => `
				<label class="quick-order-line">
					<input type="checkbox" value="${place}">
					<span><b>${escape(line.item_code)}</b>
						${line.item_name === line.item_code ? "" : escape(line.item_name)}</span>
					<span>${this.qty(line.qty)} ${escape(__(line.uom))}</span>
					<span class="text-muted">${frappe.datetime.str_to_user(line.ordered_on)},
						${line.times === 1 ? __("ordered once") : __("ordered {0} times", [line.times])}</span>
				</label>`
		);
		const dialog = this.choose(__("Last Orders"), lines, __("Add"), () => {
			const ticked = dialog.$wrapper.find("input:checked").get();
			for (const { item_code, item_name, qty, uom } of ticked.map((box) => found[box.value])) {
				const same = this.same({ item_code, uom });
				if (same) this.add_qty(same, qty);
				else this.set_row(this.blank(), { item_code, item_name, qty, uom });
			}
			dialog.hide();
			this.after_adding();
		});
	}

	async ask_quotation() {
		if (!this.has_customer()) return;
		const found = await this.call("get_quotations", {
			customer: this.value("customer"),
			company: this.value("company"),
		});
		if (!found.length) return this.say(__("This customer has no open quotation."));
		const escape = frappe.utils.escape_html;
		const lines = found.map(
			(line) => `
				<label class="quick-order-line">
					<input type="radio" name="quotation" value="${escape(line.name)}">
					<b>${escape(line.name)}</b>
					<span>${format_currency(line.grand_total, line.currency)}</span>
					<span class="text-muted">${frappe.datetime.str_to_user(line.transaction_date)}</span>
				</label>`
		);
		const dialog = this.choose(__("From Quotation"), lines, __("Add"), async () => {
			const name = dialog.$wrapper.find("input:checked").val();
			if (name) await this.take_quotation(name);
			dialog.hide();
			this.after_adding();
		});
		dialog.$wrapper.find("input").first().prop("checked", true);
	}

	choose(title, lines, label, action) {
		const dialog = new frappe.ui.Dialog({
			title,
			fields: [{ fieldname: "lines", fieldtype: "HTML" }],
			primary_action_label: label,
			primary_action: action,
		});
		dialog.fields_dict.lines.$wrapper.html(`<div class="quick-order-lines">${lines.join("")}</div>`);
		dialog.show();
		return dialog;
	}

	async take_quotation(name) {
		const { customer, company, delivery_date, rows } = await this.call("get_quotation_rows", {
			quotation: name,
		});
		if (this.quotation) this.drop_quoted();
		this.quotation = name;
		this.quoted_to = customer;
		await this.fields.set_value("company", company);
		await this.fields.set_value("customer", customer);
		if (delivery_date && !this.value("delivery_date")) {
			await this.fields.set_value("delivery_date", delivery_date);
		}
		for (const row of rows) this.set_row(this.blank(), row);
		this.blank();
		this.show_quotation();
		this.price_soon();
	}

	drop_quoted() {
		this.rows.filter((row) => row.quotation_item).forEach((row) => this.drop(row));
	}

	forget_quotation() {
		this.quotation = this.quoted_to = null;
		for (const row of this.rows) row.quotation_item = null;
		this.show_quotation();
		this.price_soon();
	}

	show_quotation() {
		this.$quotation.empty();
		if (!this.quotation) return;
		const link = `<a href="${frappe.utils.get_form_link(
			"Quotation",
			this.quotation
		)}">${frappe.utils.escape_html(this.quotation)}</a>`;
		this.$quotation.html(__("From quotation {0}", [link]));
	}

	// Price and stock

	wanted() {
		const rows = this.rows.filter((row) => row.item_code && row.qty > 0);
		const order = {
			...Object.fromEntries(
				["customer", "company", "delivery_date", "po_no", "set_warehouse"].map((key) => [
					key,
					this.value(key),
				])
			),
			quotation: rows.some((row) => row.quotation_item) ? this.quotation : null,
			rows: rows.map(({ item_code, qty, uom, delivery_date, quotation_item }) => ({
				item_code,
				qty,
				uom,
				delivery_date: delivery_date || null,
				quotation_item: quotation_item || null,
			})),
		};
		return { rows, order };
	}

	async price() {
		const { rows, order } = this.wanted();
		const asked = ++this.asked;
		if (!rows.length || !order.customer || !order.company) return this.show_totals(null);
		this.$body.addClass("quick-order-asking");
		try {
			const found = await this.call("price", { order });
			if (asked !== this.asked) return; // something was typed meanwhile
			rows.forEach((row, place) => (row.priced = found.rows[place]));
			this.rows.forEach((row) => this.show_row(row, found.currency));
			this.show_given(found.rows.slice(rows.length));
			this.show_totals(found);
		} finally {
			if (asked === this.asked) this.$body.removeClass("quick-order-asking");
		}
	}

	show_row(row, currency) {
		const escape = frappe.utils.escape_html;
		const { $row, priced } = row;
		const cell = (key) => $row.find(`.quick-order-${key}`);
		const trouble = row.problem || (row.item_code && !(row.qty > 0) && __("How many?"));
		$row.toggleClass("quick-order-wrong", !!trouble).attr("data-item", row.item_code || "");
		row.$item.attr("aria-invalid", row.problem ? "true" : null);
		cell("name").html(
			trouble
				? `<span class="text-danger">${escape(trouble)}</span>`
				: row.reading
				? `<span class="text-muted">…</span>`
				: escape(row.item_name && row.item_name !== row.item_code ? row.item_name : "")
		);
		cell("uom").text(row.item_code ? __(priced?.uom || row.uom || "") : "");
		if (currency) row.currency = currency;
		cell("rate").html(priced ? this.rate(priced, row.currency) : "");
		cell("amount").html(priced ? format_currency(priced.amount, row.currency) : "");
		cell("stock").html(priced ? this.stock(priced) : "");
	}

	rate({ rate, price_list_rate }, currency) {
		if (!rate) return this.pill(__("No price"), "orange");
		const full =
			price_list_rate > rate
				? `<s class="text-muted">${format_currency(price_list_rate, currency)}</s> `
				: "";
		return full + format_currency(rate, currency);
	}

	// In the stock unit, as all stock is counted.
	stock(row) {
		if (row.kind === "Service") return "";
		const left = row.available === undefined ? row.on_hand : Math.max(0, row.available);
		const unit = row.uom === row.stock_uom ? "" : ` ${frappe.utils.escape_html(__(row.stock_uom || ""))}`;
		const parts = [
			`<span data-left="${left}">${
				row.available === undefined ? __("{0} on hand", [this.qty(left)]) : __("{0} available", [this.qty(left)])
			}${unit}</span>`,
		];
		if (row.short > 0) parts.push(this.pill(__("Short: {0}", [this.qty(row.short)]), "red"));
		if (row.promise_on && row.promise_on > frappe.datetime.get_today()) {
			const day = __("from {0}", [frappe.datetime.str_to_user(row.promise_on)]);
			parts.push(row.late ? this.pill(day, "orange") : `<span class="text-muted">${day}</span>`);
		} else if (row.kind && !row.promise_on) {
			parts.push(`<span class="text-muted">${__("no date is known")}</span>`);
		}
		return parts.join(" ");
	}

	show_given(rows) {
		const escape = frappe.utils.escape_html;
		const given = rows.map((row) => `${this.qty(row.qty)} × ${escape(row.item_name || row.item_code)}`);
		this.$body
			.find(".quick-order-given")
			.html(given.length ? __("Given for free: {0}", [given.join(", ")]) : "");
	}

	show_totals(found) {
		const $totals = this.$body.find(".quick-order-totals").empty();
		if (!found) {
			this.show_given([]);
			for (const row of this.rows) {
				row.priced = null;
				this.show_row(row);
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
		const rows = this.rows.filter((row) => row.priced?.promise_on);
		for (const row of rows) {
			row.delivery_date = row.priced.promise_on;
			row.$day.val(row.delivery_date);
		}
		const last = rows.map((row) => row.delivery_date).sort().at(-1);
		if (!this.value("delivery_date") || this.value("delivery_date") < last) {
			await this.fields.set_value("delivery_date", last);
		}
		this.price_soon();
	}

	// The order

	async save(submit = false) {
		if (this.saving) return;
		// A field that is still being typed into tells of it when it is left.
		document.activeElement?.blur?.();
		this.saving = true;
		try {
			await this.rows_read();
			if (!this.is_ready()) return;
			const { name, may_submit } = await this.call(
				"save",
				{ order: this.wanted().order },
				{ freeze: true, freeze_message: __("Saving") }
			);
			this.reset();
			frappe.show_alert({ message: __("{0} was saved", [name]), indicator: "green" });
			// Where it is refused the draft stays, and the form shows it with what was said.
			if (submit && may_submit) {
				await this.call("submit", { name }, { freeze: true }).catch(() => null);
			}
			frappe.set_route("Form", "Sales Order", name);
		} finally {
			this.saving = false;
		}
	}

	// Until the server has said what the last code is.
	async rows_read() {
		for (let tries = 0; tries < 100 && this.rows.some((row) => row.reading); tries++) {
			await frappe.timeout(0.1);
		}
	}

	is_ready() {
		if (!this.has_customer()) return false;
		const wrong = this.typed().find((row) => !row.item_code || !(row.qty > 0));
		if (wrong) {
			const problem = frappe.utils.escape_html(wrong.problem || __("How many?"));
			this.say(__("Row {0}: {1}", [this.rows.indexOf(wrong) + 1, problem]));
			(wrong.item_code ? wrong.$qty : wrong.$item).trigger("focus");
			return false;
		}
		if (!this.typed().length) {
			this.say(__("There are no rows yet."));
			return false;
		}
		if (this.value("delivery_date")) return true;
		this.say(__("Choose first: {0}", [__("Delivery Date")]));
		this.fields.get_field("delivery_date").set_focus();
		return false;
	}

	has_customer() {
		for (const [fieldname, label] of [
			["customer", __("Customer")],
			["company", __("Company")],
		]) {
			if (this.value(fieldname)) continue;
			this.say(__("Choose first: {0}", [label]));
			this.fields.get_field(fieldname).set_focus();
			return false;
		}
		return true;
	}

	say(message) {
		frappe.show_alert({ message, indicator: "orange" });
	}

	pill(label, color) {
		return `<span class="indicator-pill no-indicator-dot ${color}">${frappe.utils.escape_html(
			label
		)}</span>`;
	}

	qty(number) {
		const rounded = Math.round(number * 1000) / 1000;
		return format_number(rounded, null, Number.isInteger(rounded) ? 0 : 3);
	}
};
