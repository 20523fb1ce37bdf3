// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// From what was typed to a Sales Order. Nothing that was typed is lost before the order is there.
export class Saving {
	constructor(order) {
		this.order = order;
		this.running = false;
	}

	async save(submit = false) {
		if (this.running) return;
		const { order } = this;
		// A field that is still being typed into tells of it when it is left.
		document.activeElement?.blur?.();
		this.running = true;
		try {
			await this.rows_read();
			if (!this.is_ready()) return;
			const { name, may_submit } = await order.call(
				"save",
				{ order: order.wanted().values },
				{ freeze: true, freeze_message: __("Saving") }
			);
			order.reset();
			const { submitted, said } = submit && may_submit ? await this.submit(name) : {};
			if (submitted) {
				frappe.show_alert({ message: __("{0} was submitted", [name]), indicator: "green" });
			} else if (submit) {
				frappe.show_alert({
					message: __("{0} was saved as a draft, not submitted", [name]),
					indicator: "orange",
				});
			} else {
				frappe.show_alert({ message: __("{0} was saved", [name]), indicator: "green" });
			}
			await frappe.model.with_doctype("Sales Order");
			await frappe.set_route("Form", "Sales Order", name);
			if (said?.length) frappe.msgprint(said);
		} finally {
			this.running = false;
		}
	}

	// Whether it was submitted, and what was said where it was not, as where credit or an approval is needed first: the draft
	// stays, and its form is shown with it. Frappe closes messages on the way.
	submit(name) {
		return this.order.call("submit", { name }, { freeze: true, silent: true }).then(
			() => ({ submitted: true }),
			(answer) => ({
				submitted: false,
				said: JSON.parse(answer?.responseJSON?._server_messages || "[]"),
			})
		);
	}

	// Until the server has said what the last code is.
	async rows_read() {
		for (let tries = 0; tries < 100 && this.order.grid.is_reading(); tries++) {
			await frappe.timeout(0.1);
		}
	}

	is_ready() {
		const { order } = this;
		const { grid } = order;
		if (!order.has_customer()) return false;
		const wrong = grid.typed().find((row) => !row.item_code || !(row.qty > 0));
		if (wrong) {
			const problem = frappe.utils.escape_html(wrong.problem || __("How many?"));
			order.say(__("Row {0}: {1}", [grid.rows.indexOf(wrong) + 1, problem]));
			(wrong.item_code ? wrong.$qty : wrong.$item).trigger("focus");
			return false;
		}
		if (!grid.typed().length) {
			order.say(__("There are no rows yet."));
			return false;
		}
		return order.has("delivery_date", __("Delivery Date"));
	}
}
