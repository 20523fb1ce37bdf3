// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

import { Drawing } from "./drawing";

// What one person has to do. What is done here is read again at once: rows move, the page stays where it is.
crm_ext.MyDay = class MyDay {
	// A page left open is read again when somebody comes back to it after this time.
	static stale_ms = 5 * 60 * 1000;

	constructor(wrapper) {
		this.page = frappe.ui.make_app_page({
			parent: wrapper,
			title: __("My Day"),
			single_column: true,
		});
		this.reading = 0;
		this.$body = $(`<div class="my-day">
			<div class="my-day-head" hidden></div>
			<nav class="my-day-counts" aria-label="${__("Sections of the day")}"></nav>
			<div class="sr-only" role="status" aria-live="polite"></div>
			<div class="my-day-sections"></div>
		</div>`).appendTo(this.page.main);
		this.add_buttons();
		this.add_members();
		this.bind();
	}

	// Shown for the first time, or come back to; the route may name a member: my-day/somebody@example.com
	show() {
		const user = frappe.get_route()[1] || frappe.session.user;
		if (user !== this.user) {
			this.user = user;
			this.$body.find(".my-day-sections, .my-day-counts").empty();
		}
		this.member?.set_value(user);
		return this.read();
	}

	add_buttons() {
		if (frappe.model.can_create("Follow Up")) {
			this.page.set_primary_action(
				__("New Follow Up"),
				() => frappe.new_doc("Follow Up"),
				"add"
			);
		}
		this.page.add_action_icon("refresh", () => this.read(), "", __("Refresh"));
		this.page.add_menu_item(__("Follow Ups"), () => frappe.set_route("List", "Follow Up"));
		this.page.add_menu_item(__("Reminders"), () => this.open_preference());
		document.addEventListener("visibilitychange", () => {
			const shown = !document.hidden && this.$body.is(":visible");
			if (shown && Date.now() - this.read_on > crm_ext.MyDay.stale_ms) this.read();
		});
	}

	async add_members() {
		const members = await frappe.xcall("crm_ext.api.my_day.members");
		if (members.length < 2) return;
		this.member = this.page.add_field({
			fieldname: "member",
			fieldtype: "Select",
			label: __("Day Of"),
			options: members.map(({ user, full_name }) => ({ value: user, label: full_name })),
			default: this.user,
			change: () => {
				const user = this.member.get_value();
				if (!user || user === this.user) return;
				frappe.set_route(user === frappe.session.user ? ["my-day"] : ["my-day", user]);
			},
		});
	}

	async open_preference() {
		const user = frappe.session.user;
		if (await frappe.db.exists("Follow Up Preference", user)) {
			return frappe.set_route("Form", "Follow Up Preference", user);
		}
		frappe.new_doc("Follow Up Preference", { user });
	}

	// Reading

	async read(acted) {
		const reading = ++this.reading;
		const day = await frappe.xcall("crm_ext.api.my_day.get_day", { user: this.user });
		// Somebody was faster: a later action, or another member was chosen.
		if (reading !== this.reading) return;
		this.day = day;
		this.read_on = Date.now();
		this.render(acted);
	}

	render(acted) {
		const { scrollTop } = document.documentElement;
		const others = this.day.user !== frappe.session.user;
		const look_only = this.day.may_write
			? ""
			: `<span class="indicator-pill gray">${__("Look Only")}</span>`;
		this.$body
			.find(".my-day-head")
			.prop("hidden", !others && !look_only)
			.html(
				(others
					? `<h2>${__("The day of {0}", [
							frappe.utils.escape_html(this.day.full_name),
					  ])}</h2>`
					: "") + look_only
			);
		const sections = this.day.sections.filter(({ count }) => count);
		const drawing = new Drawing(this.day);
		this.$body.find(".my-day-counts").html(drawing.counts(sections));
		this.$body
			.find(".my-day-sections")
			.html(sections.map((section) => drawing.section(section)).join("") || drawing.nothing())
			.append(drawing.rest());
		document.documentElement.scrollTop = scrollTop;
		if (acted) this.settle(acted, sections);
	}

	// Where the hands were: the row that moved, or the one that came into its place.
	settle({ name, section, index }, sections) {
		const rows = this.$body.find(".my-day-row").toArray();
		const moved = rows.find((row) => row.dataset.name === name);
		const $left = this.$body.find(`.my-day-section[data-section="${section}"] .my-day-row`);
		const next = moved || $left[Math.min(index, $left.length - 1)] || rows[0];
		if (moved) {
			moved.classList.add("my-day-moved");
		}
		const target = next?.querySelector("button, a") || this.page.btn_primary[0];
		target?.focus({ preventScroll: true });
		const said = sections.map(({ label, count }) => `${label}: ${count}`);
		this.$body.find("[role=status]").text(said.join(", "));
	}

	// Acting

	bind() {
		this.$body
			.on("click", "[data-go]", ({ currentTarget }) => this.go(currentTarget.dataset.go))
			.on("click", "[data-list]", ({ currentTarget }) =>
				this.open_list(currentTarget.dataset.list)
			)
			.on("click", "[data-action]", ({ currentTarget }) => this.act(currentTarget));
	}

	go(section) {
		const heading = this.$body.find(`#my-day-${section}`)[0];
		heading.scrollIntoView({ block: "start", behavior: "smooth" });
		heading.focus({ preventScroll: true });
	}

	open_list(key) {
		const { later, done_today, sections } = this.day;
		const section = [...sections, later, done_today].find((section) => section.key === key);
		const { filters, doctype, count } = section;
		const named = filters.name?.[1].length;
		if (named && named < count) {
			frappe.show_alert(__("The first {0} of {1} are listed.", [named, count]));
		}
		frappe.route_options = filters;
		frappe.set_route("List", doctype, "List");
	}

	async act(button) {
		const row = button.closest(".my-day-row");
		const section = row.closest(".my-day-section");
		const { doctype, name } = row.dataset;
		const acted = {
			name,
			section: section.dataset.section,
			index: [...row.parentElement.children].indexOf(row),
		};
		const about =
			doctype === "Follow Up"
				? { follow_up: name, ...this.reference(name) }
				: { doctype, name };
		const on_done = () => this.read(acted);
		const { action, day } = button.dataset;
		const follow_ups = crm_ext.follow_ups;
		if (action === "log") return follow_ups.open_dialog({ ...about, on_done });
		if (action === "plan") return follow_ups.plan({ doctype, name, on_done });
		if (action === "deliver") {
			const { deliver, party } = this.find(name);
			const rows = [{ sales_order: name, order_rows: deliver.rows, customer: party }];
			return crm_ext.deliveries.deliver({ company: deliver.company, rows, on_done });
		}
		if (action === "pick_day") return follow_ups.postpone(this.find(name), on_done);
		// In one step: a second click must not do it twice.
		if (row.dataset.busy) return;
		row.dataset.busy = 1;
		try {
			if (action === "done") {
				await follow_ups.done(name);
			} else {
				await follow_ups.call("postpone", { name, due_date: day });
				follow_ups.say(__("Postponed to {0}.", [frappe.datetime.str_to_user(day)]));
			}
		} finally {
			delete row.dataset.busy;
			await on_done();
		}
	}

	find(name) {
		return this.day.sections.flatMap(({ rows }) => rows).find((row) => row.name === name);
	}

	reference(name) {
		const { reference_doctype, reference_name } = this.find(name);
		return { doctype: reference_doctype, name: reference_name };
	}
};
