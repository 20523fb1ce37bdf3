// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

import { Grid } from "./grid";
import { Pricing } from "./pricing";
import { Saving } from "./saving";
import { ask_codes, ask_last, ask_quotation } from "./sources";

// A sales order from rows that are typed, pasted, scanned, ticked or quoted. The server says what an item is, what it
// costs and when it can be promised; here is only what the screen does. This is the head of it, and what holds the parts
// together.
crm_ext.QuickOrder = class QuickOrder {
	static api = "crm_ext.api.quick_order";

	constructor(wrapper) {
		this.page = frappe.ui.make_app_page({
			parent: wrapper,
			title: __("Quick Order"),
			single_column: true,
		});
		this.$body = $(`
			<div class="quick-order">
				<div class="quick-order-fields"></div>
				<div class="quick-order-tools"></div>
				<table class="quick-order-grid"></table>
				<div class="quick-order-given"></div>
				<div class="quick-order-totals" role="status" aria-live="polite"></div>
			</div>`).appendTo(this.page.main);
		this.make_fields();
		this.make_tools();
		this.pricing = new Pricing(this, this.$promise);
		this.saving = new Saving(this);
		this.grid = new Grid(this.$body.find(".quick-order-grid"), {
			resolve: (text, options) =>
				this.call("resolve", { text, customer: this.value("customer") }, options),
			customer: () => this.value("customer"),
			changed: () => this.pricing.soon(),
		});
		const save = (submit) => this.saving.save(submit);
		this.page.set_primary_action(__("Save Order"), () => save());
		wrapper.save_action = () => save(); // Ctrl+S
		if (frappe.model.can_submit("Sales Order")) {
			this.page.set_secondary_action(__("Save and Submit"), () => save(true));
		}
		this.page.add_menu_item(__("Start Anew"), () => this.clear());
		this.reset();
	}

	call(method, args, options = {}) {
		return frappe
			.call({ method: `${QuickOrder.api}.${method}`, args, ...options })
			.then(({ message }) => message);
	}

	say(message) {
		frappe.show_alert({ message, indicator: "orange" });
	}

	// Where it begins

	// One comes with a customer, a quotation, or nothing.
	async show({ customer, quotation, company }) {
		if (!customer && !quotation) return this.focus_first();
		const other = customer !== this.value("customer") || (quotation && quotation !== this.quotation);
		if (!other) return this.focus_first();
		if (this.grid.typed().length && !(await this.may_drop())) return;
		this.reset();
		if (company) await this.fields.set_value("company", company);
		if (customer) await this.fields.set_value("customer", customer);
		if (quotation) await this.take_quotation(quotation);
		this.focus_first();
	}

	may_drop() {
		return new Promise((resolve) =>
			frappe.confirm(
				__("{0} rows were typed and not saved. Drop them?", [this.grid.typed().length]),
				() => resolve(true),
				() => resolve(false)
			)
		);
	}

	async clear() {
		if (!this.grid.typed().length || (await this.may_drop())) this.reset();
	}

	reset() {
		this.quotation = null;
		this.fields.clear();
		this.fields.set_value("company", frappe.defaults.get_user_default("Company"));
		this.grid.reset();
		this.pricing.reset();
		this.show_quotation();
	}

	focus_first() {
		if (!this.value("customer")) return this.fields.get_field("customer").set_focus();
		this.grid.rows.at(-1).$item.trigger("focus");
	}

	// The head

	make_fields() {
		const changed = () => this.pricing.soon();
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

	has_customer() {
		return this.has("customer", __("Customer")) && this.has("company", __("Company"));
	}

	// Says what is missing, and goes there.
	has(fieldname, label) {
		if (this.value(fieldname)) return true;
		this.say(__("Choose first: {0}", [label]));
		this.fields.get_field(fieldname).set_focus();
		return false;
	}

	customer_changed() {
		const customer = this.value("customer");
		if (customer === this.customer) return;
		this.customer = customer;
		// Rows of a quotation to somebody else are rows as others.
		if (this.quotation && customer !== this.quoted_to) this.forget_quotation();
		this.pricing.soon();
	}

	make_tools() {
		const $tools = this.$body.find(".quick-order-tools");
		const add = (label, action, key) =>
			$(`<button type="button" class="btn btn-default btn-sm" data-tool="${key}">${label}</button>`)
				.on("click", action)
				.appendTo($tools);
		add(__("Paste or Scan"), () => ask_codes(this), "paste");
		add(__("Last Orders"), () => ask_last(this), "last");
		add(__("From Quotation"), () => ask_quotation(this), "quotation");
		this.$promise = add(
			__("Use Promise Dates"),
			() => this.pricing.take_promises(),
			"promise"
		).hide();
		this.$quotation = $(`<span class="quick-order-quotation"></span>`).appendTo($tools);
	}

	// A quotation

	async take_quotation(name) {
		const { customer, company, delivery_date, rows } = await this.call("get_quotation_rows", {
			quotation: name,
		});
		if (this.quotation) this.grid.drop_quoted();
		this.quotation = name;
		this.quoted_to = customer;
		await this.fields.set_value("company", company);
		await this.fields.set_value("customer", customer);
		if (delivery_date && !this.value("delivery_date")) {
			await this.fields.set_value("delivery_date", delivery_date);
		}
		for (const row of rows) this.grid.set_row(this.grid.blank(), row);
		this.grid.blank();
		this.show_quotation();
		this.pricing.soon();
	}

	forget_quotation() {
		this.quotation = this.quoted_to = null;
		this.grid.forget_quotation();
		this.show_quotation();
		this.pricing.soon();
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

	// The order as the server wants it, and the rows it is made of.
	wanted() {
		const rows = this.grid.complete();
		const fields = ["customer", "company", "delivery_date", "po_no", "set_warehouse"];
		const values = {
			...Object.fromEntries(fields.map((key) => [key, this.value(key)])),
			quotation: rows.some((row) => row.quotation_item) ? this.quotation : null,
			rows: rows.map(({ item_code, qty, uom, delivery_date, quotation_item }) => ({
				item_code,
				qty,
				uom,
				delivery_date: delivery_date || null,
				quotation_item: quotation_item || null,
			})),
		};
		return { rows, values };
	}
};
