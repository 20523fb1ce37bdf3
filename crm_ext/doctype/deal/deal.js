// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.provide("crm_ext");

frappe.ui.form.on("Deal", {
	refresh(frm) {
		// Derived from vouchers; nothing on it is for people to save.
		frm.disable_save();
		crm_ext.deal_form.add_buttons(frm);
		crm_ext.deal_form.show_way(frm);
	},
});

crm_ext.deal_form = {
	add_buttons(frm) {
		if (!frappe.boot.user.all_reports?.["Deal Aging"]) return;
		frm.add_custom_button(__("Deal Aging"), () =>
			frappe.set_route("query-report", "Deal Aging", { company: frm.doc.company })
		);
	},

	async show_way(frm) {
		const name = frm.doc.name;
		const way = await frappe.xcall("crm_ext.api.deals.deal_way", { deal: name });
		if (frm.doc.name !== name) return; // another deal was opened meanwhile
		// Deals are written past the document layer, so the desk never hears that the form it keeps is old.
		if (frm.doc.modified !== way.modified) return frm.reload_doc();
		frm.get_field("strip").$wrapper.html(this.strip(frm.doc, way));
		frm.get_field("vouchers").$wrapper.html(this.vouchers(way));
	},

	strip(doc, way) {
		return `
			<section class="deal-way" aria-label="${__("Lead to Cash")}">
				<div class="deal-way-head">${this.head(doc, way)}</div>
				<ol class="deal-way-steps" role="list">
					${way.steps.map((step) => this.step(step, way.currency)).join("")}
				</ol>
			</section>`;
	},

	head(doc, way) {
		const current = way.steps.find((step) => step.current);
		const parts = [];
		if (current) {
			parts.push(this.pill(__(current.stage), current.color, "deal-way-current"));
		}
		if (current?.days_here != null) {
			parts.push(
				`<span class="deal-way-days-here text-muted" data-days="${current.days_here}">
					${this.count_days(current.days_here, __("since today"), __("for 1 day"), (n) =>
						__("for {0} days", [n])
					)}
				</span>`
			);
		}
		const labels = {
			to_deliver: __("To deliver"),
			to_invoice: __("To invoice"),
			to_pay: __("To pay"),
		};
		for (const [key, amount] of Object.entries(way.missing)) {
			parts.push(
				`<span class="deal-way-missing" data-missing="${key}" data-amount="${amount}">
					<span class="text-muted">${labels[key]}</span>
					<b>${format_currency(amount, way.currency)}</b>
				</span>`
			);
		}
		return parts.join("");
	},

	step(step, currency) {
		const classes = ["deal-way-step", frappe.utils.escape_html(step.color || "gray")];
		if (step.reached) classes.push("reached");
		if (step.current) classes.push("current");
		const stage = frappe.utils.escape_html(__(step.stage));
		const icon = step.kind === "Lost" ? "close-alt" : step.reached ? "tick" : "";
		const state = step.current
			? __("current")
			: step.reached
			? __("reached")
			: __("not reached");
		return `
			<li class="${classes.join(" ")}" data-stage="${frappe.utils.escape_html(step.stage)}"
				${step.current ? 'aria-current="step"' : ""}>
				<span class="deal-way-mark" aria-hidden="true">${icon ? frappe.utils.icon(icon, "xs") : ""}</span>
				<span class="deal-way-stage">${stage}<span class="sr-only">, ${state}</span></span>
				<span class="deal-way-date" data-date="${step.date || ""}">
					${step.date ? frappe.datetime.str_to_user(step.date) : "&ndash;"}
				</span>
				<span class="deal-way-amount" data-amount="${step.amount ?? ""}">
					${step.amount ? format_currency(step.amount, currency) : ""}
				</span>
				<span class="deal-way-days text-muted" data-days="${step.days ?? ""}">
					${
						step.days == null
							? ""
							: this.count_days(step.days, __("same day"), __("after 1 day"), (n) =>
									__("after {0} days", [n])
							  )
					}
				</span>
			</li>`;
	},

	vouchers(way) {
		if (!way.vouchers.length) {
			return `<p class="text-muted">${__("No vouchers you may read.")}</p>`;
		}
		const foreign = way.vouchers.some((row) => this.is_foreign(row, way.currency));
		return `
			<div class="table-responsive">
				<table class="table table-bordered deal-vouchers">
					<caption class="sr-only">${__("Vouchers of this deal")}</caption>
					<thead>
						<tr>
							<th scope="col">${__("Stage")}</th>
							<th scope="col">${__("Document Type")}</th>
							<th scope="col">${__("Document")}</th>
							<th scope="col">${__("Date")}</th>
							<th scope="col" class="text-right">${__("Amount")}</th>
							${foreign ? `<th scope="col" class="text-right">${__("In Its Own Currency")}</th>` : ""}
						</tr>
					</thead>
					<tbody>${way.vouchers.map((row) => this.voucher(row, way.currency, foreign)).join("")}</tbody>
				</table>
			</div>`;
	},

	voucher(row, currency, foreign) {
		const escape = frappe.utils.escape_html;
		const own = this.is_foreign(row, currency)
			? format_currency(row.voucher_amount, row.voucher_currency)
			: "";
		const has_amount = row.amount || row.voucher_amount;
		return `
			<tr class="${row.is_cancelled ? "cancelled" : ""}"
				data-doctype="${escape(row.voucher_type)}" data-name="${escape(row.voucher_no)}">
				<td>${this.pill(__(row.stage), row.color)}</td>
				<td>${escape(__(row.voucher_type))}</td>
				<td>
					<a href="${frappe.utils.get_form_link(row.voucher_type, row.voucher_no)}">${escape(
			row.voucher_no
		)}</a>
					${
						row.is_cancelled
							? `<span class="deal-voucher-note text-muted">${__("Cancelled", null, "Deal")}</span>`
							: ""
					}
				</td>
				<td>${row.posting_date ? frappe.datetime.str_to_user(row.posting_date) : ""}</td>
				<td class="text-right">${has_amount ? format_currency(row.amount, currency) : ""}</td>
				${foreign ? `<td class="text-right">${own}</td>` : ""}
			</tr>`;
	},

	is_foreign(row, currency) {
		return row.voucher_currency && row.voucher_currency !== currency;
	},

	pill(label, color, css_class = "") {
		return `<span class="indicator-pill ${frappe.utils.escape_html(
			color || "gray"
		)} ${css_class}">${frappe.utils.escape_html(label)}</span>`;
	},

	count_days(days, none, one, many) {
		return days === 0 ? none : days === 1 ? one : many(days);
	},
};
