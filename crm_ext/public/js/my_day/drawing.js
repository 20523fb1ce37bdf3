// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

const CHANNEL_ICONS = {
	Call: "phone",
	Visit: "map-marker",
	Mail: "envelope-o",
	Meeting: "users",
	SMS: "commenting-o",
	WhatsApp: "whatsapp",
	WeChat: "wechat",
	QQ: "qq",
};

// What a day looks like, as HTML. Where somebody clicks, and what happens then, is the page's.
export class Drawing {
	constructor(day) {
		this.day = day;
	}

	counts(sections) {
		return sections
			.map(
				({ key, label, count }) =>
					`<button type="button" class="my-day-count" data-go="${key}">
						${frappe.utils.escape_html(label)} <b>${count}</b></button>`
			)
			.join("");
	}

	section({ key, label, count, rows, doctype }) {
		const all =
			count > rows.length
				? `<button type="button" class="btn btn-default btn-sm my-day-all" data-list="${key}">
					${__("Show All {0}", [count])}</button>`
				: "";
		const draw =
			doctype === "Follow Up"
				? (row) => this.follow_up(row, key)
				: (row) => this.document(row);
		return `
			<section class="my-day-section" data-section="${key}" aria-labelledby="my-day-${key}">
				<h3 id="my-day-${key}" tabindex="-1">${frappe.utils.escape_html(label)}
					<span class="my-day-number">${count}</span></h3>
				<ul role="list">${rows.map(draw).join("")}</ul>
				${all}
			</section>`;
	}

	follow_up(row, section) {
		const icon = CHANNEL_ICONS[row.channel] || "circle-o";
		return this.row(row, {
			icon: `<i class="fa fa-${icon}" aria-hidden="true"></i>
				<span class="sr-only">${frappe.utils.escape_html(__(row.channel, null, "Follow Up"))}</span>`,
			icon_title: __(row.channel, null, "Follow Up"),
			title: row.asks
				? this.link(row.reference_doctype, row.reference_name, row.subject)
				: this.link("Follow Up", row.name, row.subject),
			about: this.about(row, row.reference_doctype, row.reference_name),
			note: row.instructions,
			aside: this.when(row, section) + this.badges(row),
			// What asks for an answer gets it on its document.
			actions: row.asks
				? [this.postpone(row)]
				: [
						this.button("done", __("Done", null, "Follow Up"), row.subject),
						this.button("log", __("Log", null, "Follow Up"), row.subject),
						this.postpone(row),
				  ],
		});
	}

	document(row) {
		const amount = row.amount ? format_currency(row.amount, row.currency) : "";
		const title = row.party_name || row.party || row.name;
		return this.row(row, {
			icon: `<i class="fa fa-file-text-o" aria-hidden="true"></i>`,
			icon_title: __(row.doctype),
			title: this.link(row.doctype, row.name, title),
			about: `${frappe.utils.escape_html(__(row.doctype))} ${frappe.utils.escape_html(
				row.name
			)}`,
			note: row.note,
			aside: `<span class="my-day-amount">${amount}</span>`,
			actions: [
				...(row.deliver ? [this.button("deliver", __("Deliver"), title)] : []),
				this.button("plan", __("Plan"), title),
				this.button("log", __("Log", null, "Follow Up"), title),
			],
		});
	}

	row({ doctype, name }, { icon, icon_title, title, about, note, aside, actions }) {
		const buttons = this.day.may_write
			? `<div class="my-day-actions">${actions.join("")}</div>`
			: "";
		return `
			<li class="my-day-row" data-doctype="${frappe.utils.escape_html(doctype || "Follow Up")}"
				data-name="${frappe.utils.escape_html(name)}">
				<span class="my-day-icon" title="${frappe.utils.escape_html(icon_title)}">${icon}</span>
				<div class="my-day-what">
					<div class="my-day-title">${title}</div>
					<div class="my-day-about">${about}</div>
					${note ? `<div class="my-day-note">${frappe.utils.escape_html(note)}</div>` : ""}
				</div>
				<div class="my-day-aside">${aside}</div>
				${buttons}
			</li>`;
	}

	link(doctype, name, text) {
		return `<a href="${frappe.utils.get_form_link(doctype, name)}">${frappe.utils.escape_html(
			text
		)}</a>`;
	}

	about(row, doctype, name) {
		const links = [];
		if (row.party && (row.party_type !== doctype || row.party !== name)) {
			links.push(this.link(row.party_type, row.party, row.party_name || row.party));
		}
		const text = row.party === name ? row.party_name || name : name;
		links.push(`${frappe.utils.escape_html(__(doctype))} ${this.link(doctype, name, text)}`);
		return links.join(" · ");
	}

	when({ due_date, due_time }, section) {
		const day = section === "overdue" ? frappe.datetime.str_to_user(due_date) : "";
		const text = [day, due_time && due_time.slice(0, 5)].filter(Boolean).join(" ");
		const late = frappe.datetime.get_day_diff(this.day.today, due_date);
		const ago = late > 0 ? (late === 1 ? __("1 day late") : __("{0} days late", [late])) : "";
		return `<time datetime="${due_date}${due_time ? `T${due_time}` : ""}">${text}</time>
			${ago ? `<span class="my-day-late">${ago}</span>` : ""}`;
	}

	badges({ escalated_on, postponed_count }) {
		const badges = [];
		if (escalated_on) {
			badges.push(`<span class="indicator-pill red">${__("Escalated")}</span>`);
		}
		if (postponed_count > 1) {
			badges.push(
				`<span class="indicator-pill gray">${__("Postponed {0} times", [
					postponed_count,
				])}</span>`
			);
		}
		return badges.join("");
	}

	button(action, label, about) {
		return `<button type="button" class="btn btn-default btn-sm" data-action="${action}"
			aria-label="${frappe.utils.escape_html(`${label}: ${about}`)}">${label}</button>`;
	}

	postpone({ subject }) {
		const label = __("Postpone");
		const day = (days) => frappe.datetime.add_days(this.day.today, days);
		const choice = (days, text) =>
			`<button type="button" class="dropdown-item" role="menuitem" data-action="postpone"
				data-day="${day(days)}">${text}
				<span class="text-muted">${frappe.datetime.str_to_user(day(days))}</span></button>`;
		return `
			<div class="dropdown">
				<button type="button" class="btn btn-default btn-sm dropdown-toggle" data-toggle="dropdown"
					aria-haspopup="true" aria-expanded="false"
					aria-label="${frappe.utils.escape_html(`${label}: ${subject}`)}">${label}</button>
				<div class="dropdown-menu dropdown-menu-right" role="menu">
					${choice(1, __("Tomorrow"))}
					${choice(3, __("In 3 Days"))}
					${choice(7, __("Next Week"))}
					<button type="button" class="dropdown-item" role="menuitem" data-action="pick_day">
						${__("Choose a Day")}</button>
				</div>
			</div>`;
	}

	nothing() {
		const own = this.day.user === frappe.session.user;
		return `
			<div class="my-day-nothing">
				<i class="fa fa-check-circle-o" aria-hidden="true"></i>
				<p>${__("Nothing is due today or tomorrow, and nothing is forgotten.")}</p>
				${own ? `<p class="text-muted">${__("Time to call somebody who does not expect it.")}</p>` : ""}
			</div>`;
	}

	rest() {
		const links = [this.day.later, this.day.done_today]
			.filter(({ count }) => count)
			.map(
				({ key, label, count }) =>
					`<button type="button" class="btn btn-link btn-sm" data-list="${key}">
						${frappe.utils.escape_html(label)}: ${count}</button>`
			);
		return links.length ? `<div class="my-day-rest">${links.join("")}</div>` : "";
	}
}
