// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// Frappe's board takes the title of a card for HTML, and its entities for what they stand for: what somebody typed as
// a subject, or a lead as the own name, would run for everybody who looks at the board. It has no hook for cards.
const render = frappe.views.KanbanView?.prototype.render;

if (render) {
	frappe.views.KanbanView.prototype.render = function (...args) {
		const title = this.card_meta?.title_field?.fieldname;
		if (title && ["Deal", "Follow Up"].includes(this.doctype)) {
			const escape = frappe.utils.escape_html;
			// Refreshing reads some rows anew and keeps the others.
			for (const row of this.data.filter((row) => !row.has_plain_title)) {
				row[title] = escape(escape(row[title] || ""));
				row.has_plain_title = true;
			}
		}
		return render.apply(this, args);
	};
}
