// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.pages["order-status"].on_page_load = (wrapper) => {
	wrapper.order_status = new crm_ext.OrderStatus(wrapper);
};

frappe.pages["order-status"].on_page_show = (wrapper) => wrapper.order_status.show();

// Where each row of an order is: what a salesperson tells the customer. The route names the order.
crm_ext.OrderStatus = class OrderStatus {
	static colors = {
		waiting: "red",
		requested: "orange",
		ordered: "yellow",
		in_stock: "blue",
		reserved: "blue",
		picked: "blue",
		packed: "blue",
		to_deliver: "blue",
		delivered: "purple",
		invoiced: "purple",
		paid: "green",
		closed: "gray",
	};
	// The part of a row its whereabouts is about.
	static part_of = { waiting: "short", requested: "requested", ordered: "ordered" };

	constructor(wrapper) {
		this.page = frappe.ui.make_app_page({
			parent: wrapper,
			title: __("Order Status"),
			single_column: true,
		});
		this.reading = 0;
		this.field = this.page.add_field({
			fieldname: "sales_order",
			fieldtype: "Link",
			options: "Sales Order",
			label: __("Sales Order"),
			change: () => {
				const order = this.field.get_value();
				if (order && order !== this.order) frappe.set_route("order-status", order);
			},
		});
		this.$body = $(`<div class="order-status" aria-live="polite"></div>`).appendTo(
			this.page.main
		);
		this.page.set_secondary_action(__("Sales Order"), () =>
			frappe.set_route("Form", "Sales Order", this.order)
		);
		// A phone has no room for it beside the title; the order's number leads there as well.
		this.page.btn_secondary.addClass("hidden-xs");
		this.page.add_action_icon("refresh", () => this.read(), "", __("Refresh"));
		this.page.add_action_icon("printer", () => window.print(), "", __("Print"));
	}

	// Names of orders may hold a slash.
	show() {
		const order = frappe.get_route().slice(1).join("/");
		if (order !== this.order) this.$body.empty();
		this.order = order;
		this.field.set_input(order);
		this.page.btn_secondary.toggle(!!order);
		return order ? this.read() : this.ask();
	}

	ask() {
		this.$body.html(
			`<p class="order-status-nothing text-muted">${__("Choose a Sales Order.")}</p>`
		);
	}

	async read() {
		if (!this.order) return;
		const reading = ++this.reading;
		const status = await frappe.xcall("crm_ext.api.order_status.get_status", {
			order: this.order,
		});
		if (reading !== this.reading) return; // another order was chosen meanwhile
		this.status = status;
		this.$body.html(this.head() + status.rows.map((row) => this.row(row)).join(""));
	}

	// The order

	head() {
		const { order, deals, totals } = this.status;
		const escape = frappe.utils.escape_html;
		const facts = [
			[__("Sales Order"), this.link("Sales Order", order.name)],
			[__("Customer"), this.link("Customer", order.customer, order.customer_name)],
			[__("Status"), escape(__(order.status, null, "Sales Order"))],
			[__("Date"), this.date(order.transaction_date)],
			[__("Delivery Date"), this.date(order.delivery_date)],
			[__("Total", null, "Order Status"), format_currency(order.total, order.currency)],
		];
		if (order.po_no) facts.splice(3, 0, [__("Customer's Order"), escape(order.po_no)]);
		if (order.advance_paid) {
			const advance = format_currency(
				order.advance_paid,
				order.party_account_currency || order.currency
			);
			facts.push([__("Paid in Advance"), advance]);
		}
		if (deals.length) {
			const links = deals.map(
				(deal) => `${this.link("Deal", deal.name)} ${this.pill(__(deal.stage), deal.color)}`
			);
			facts.push([__("Deal"), links.join(" ")]);
		}
		const shares = [
			["delivered", __("Delivered", null, "Order Status")],
			["invoiced", __("Invoiced", null, "Order Status")],
			["paid", __("Paid", null, "Order Status")],
		];
		return `
			<section class="order-status-head">
				<dl>${facts.map(([label, value]) => `<div><dt>${label}</dt><dd>${value}</dd></div>`).join("")}</dl>
				<div class="order-status-totals">
					${shares.map(([key, label]) => this.share(key, label, totals[key])).join("")}
				</div>
			</section>`;
	}

	share(key, label, part) {
		const percent = Math.round(part * 100);
		return `
			<div class="order-status-share" data-share="${key}" data-percent="${percent}">
				<span>${label}</span> <b>${percent} %</b>
				<div class="progress" role="progressbar" aria-valuenow="${percent}" aria-valuemin="0"
					aria-valuemax="100" aria-label="${label}">
					<div class="progress-bar" style="width: ${Math.min(100, percent)}%"></div>
				</div>
			</div>`;
	}

	// A row

	row(row) {
		const escape = frappe.utils.escape_html;
		const code = row.item_name === row.item_code ? "" : row.item_code;
		return `
			<article class="order-status-row" data-row="${escape(row.name)}" data-where="${row.where}">
				<header>
					<div class="order-status-item">
						<h3>${row.idx}. ${escape(row.item_name || row.item_code || "")}</h3>
						<span class="text-muted">${escape(code || "")}</span>
					</div>
					<div class="order-status-qty"><b>${this.qty(row.qty)}</b> ${escape(__(row.uom || ""))}</div>
					<div class="order-status-where">${this.where(row)}${this.next(row)}</div>
				</header>
				${this.bar(row)}
				<ol class="order-status-steps">
					${row.steps.map((step) => this.step(step, row)).join("")}
				</ol>
			</article>`;
	}

	where(row) {
		const label = this.words().where[row.where];
		const here = row.parts[crm_ext.OrderStatus.part_of[row.where] || "ready"];
		const text =
			row.partly && here && here < row.qty
				? __("{0} of {1}: {2}", [this.qty(here), this.qty(row.qty), label])
				: row.partly
				? __("{0}, in part", [label])
				: label;
		const pills = [this.pill(text, crm_ext.OrderStatus.colors[row.where])];
		if (row.drop_ship) pills.push(this.pill(__("Delivered by Supplier"), "gray"));
		if (row.late) pills.push(this.pill(__("Late", null, "Order Status"), "red"));
		return pills.join(" ");
	}

	next({ next_what, next_on, promised_by }) {
		if (!next_what) return "";
		const day = next_on ? this.date(next_on) : "";
		const words = {
			promise: day ? __("can be promised for {0}", [day]) : __("nobody knows when it comes"),
			expected: day ? __("expected on {0}", [day]) : __("no date is known"),
			delivery: day ? __("to be delivered on {0}", [day]) : "",
			payment: day ? __("payment due on {0}", [day]) : "",
		};
		const lead =
			next_what === "promise" && day && promised_by === "Lead Time"
				? ` <span class="text-muted">${__("if bought today")}</span>`
				: "";
		return `<div class="order-status-next" data-next="${next_on || ""}">${
			words[next_what]
		}${lead}</div>`;
	}

	// How much is where: as wide as it is much, and in words.
	bar({ parts, qty }) {
		const order = ["delivered", "ready", "ordered", "requested", "short", "closed"];
		const shown = order.filter((key) => parts[key]);
		if (!shown.length) return "";
		const words = this.words().parts;
		const segments = shown.map(
			(key) =>
				`<span class="order-status-part" data-part="${key}" style="flex: ${
					parts[key] / qty
				}"></span>`
		);
		const legend = shown.map(
			(key) =>
				`<span class="order-status-key" data-part="${key}" data-qty="${parts[key]}">
					<b>${this.qty(parts[key])}</b> ${words[key]}</span>`
		);
		return `
			<div class="order-status-bar" aria-hidden="true">${segments.join("")}</div>
			<div class="order-status-legend">${legend.join("")}</div>`;
	}

	step(step, row) {
		const states = {
			done: ["✓", __("done", null, "Order Status")],
			partial: ["◐", __("in part", null, "Order Status")],
			open: ["○", __("open", null, "Order Status")],
			skipped: ["–", __("not needed", null, "Order Status")],
		};
		const [sign, said] = states[step.state];
		const amount =
			step.state === "skipped" || step.qty === null
				? ""
				: step.key === "paid" || step.key === "invoiced"
				? `${step.of ? Math.round((100 * step.qty) / step.of) : 0} %`
				: __("{0} of {1}", [this.qty(step.qty), this.qty(step.of)], "Order Status");
		const held = step.key === "held" ? this.held(row.held) : "";
		return `
			<li class="order-status-step" data-step="${step.key}" data-state="${step.state}">
				<div class="order-status-step-head">
					<span class="order-status-sign" title="${said}" aria-label="${said}" role="img">${sign}</span>
					<span>${this.words().steps[step.key]}
						<span class="order-status-step-qty">${amount}</span></span>
				</div>
				${held}
				<ul>${step.documents.map((document) => this.document(document, step)).join("")}</ul>
			</li>`;
	}

	held(held) {
		const words = {
			reserved: __("reserved", null, "Order Status"),
			picked: __("picked", null, "Order Status"),
			packed: __("on a draft delivery", null, "Order Status"),
		};
		const parts = Object.keys(held).map((key) => `${this.qty(held[key])} ${words[key]}`);
		return parts.length ? `<div class="text-muted">${parts.join(", ")}</div>` : "";
	}

	document(document, { key }) {
		const escape = frappe.utils.escape_html;
		const name = document.name
			? this.link(document.doctype, document.name)
			: `<span class="text-muted">${escape(__(document.doctype))}</span>`;
		const details = [
			document.item_code ? escape(document.item_code) : "",
			key === "paid" ? "" : this.qty(document.qty),
			document.party ? escape(document.party) : "",
			this.when(document, key),
			document.paid_share !== null && document.paid_share !== undefined
				? __("{0} % paid", [Math.round(document.paid_share * 100)])
				: "",
		].filter(Boolean);
		const draft = document.draft ? ` ${this.pill(__("Draft"), "red")}` : "";
		const more = details.map((detail) => ` · ${detail}`).join("");
		return `<li>${name}${draft}<span class="text-muted">${more}</span></li>`;
	}

	when({ day, expected, open, draft }, key) {
		if (expected && (open || draft) && (key === "requested" || key === "ordered")) {
			return __("expected on {0}", [this.date(expected)]);
		}
		return day ? this.date(day) : "";
	}

	// Words and small things

	words() {
		return {
			where: {
				waiting: __("Waiting for Purchase", null, "Order Status"),
				requested: __("Requested", null, "Order Status"),
				ordered: __("Ordered", null, "Order Status"),
				in_stock: __("In Stock", null, "Order Status"),
				reserved: __("Reserved", null, "Order Status"),
				picked: __("Picked", null, "Order Status"),
				packed: __("On a Draft Delivery", null, "Order Status"),
				to_deliver: __("To Deliver", null, "Order Status"),
				delivered: __("Delivered", null, "Order Status"),
				invoiced: __("Invoiced", null, "Order Status"),
				paid: __("Paid", null, "Order Status"),
				closed: __("Closed", null, "Order Status"),
			},
			parts: {
				short: __("waiting for purchase", null, "Order Status"),
				requested: __("requested", null, "Order Status"),
				ordered: __("on the way", null, "Order Status"),
				ready: __("ready to deliver", null, "Order Status"),
				delivered: __("delivered", null, "Order Status"),
				closed: __("closed", null, "Order Status"),
			},
			steps: {
				requested: __("Requested", null, "Order Status"),
				ordered: __("Ordered", null, "Order Status"),
				received: __("Received", null, "Order Status"),
				held: __("Reserved, Picked, Packed", null, "Order Status"),
				delivered: __("Delivered", null, "Order Status"),
				invoiced: __("Invoiced", null, "Order Status"),
				paid: __("Paid", null, "Order Status"),
			},
		};
	}

	link(doctype, name, text) {
		return `<a href="${frappe.utils.get_form_link(doctype, name)}">${frappe.utils.escape_html(
			text || name
		)}</a>`;
	}

	pill(label, color) {
		return `<span class="indicator-pill no-indicator-dot ${frappe.utils.escape_html(
			color || "gray"
		)}">${frappe.utils.escape_html(label)}</span>`;
	}

	date(day) {
		return day ? frappe.datetime.str_to_user(day) : "";
	}

	qty(number) {
		const rounded = Math.round(number * 1000) / 1000;
		return format_number(rounded, null, Number.isInteger(rounded) ? 0 : 3);
	}
};
