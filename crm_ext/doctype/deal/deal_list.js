// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.provide("crm_ext");

frappe.listview_settings["Deal"] = {
	// The last two are shown on the cards of the board.
	add_fields: ["status", "stage", "amount", "currency", "owner_user", "stage_since"],

	get_indicator(doc) {
		const colors = { Open: "blue", Won: "green", Lost: "red", Cancelled: "gray" };
		return [__(doc.status, null, "Deal"), colors[doc.status] || "gray", `status,=,${doc.status}`];
	},

	formatters: {
		stage(value) {
			const color = crm_ext.stage_colors?.[value] || "gray";
			return `<span class="indicator-pill ${color} ellipsis">${frappe.utils.escape_html(
				__(value)
			)}</span>`;
		},
	},

	onload(listview) {
		for (const report of ["Deal Funnel", "Deal Aging"]) {
			if (!frappe.boot.user.all_reports?.[report]) continue;
			listview.page.add_menu_item(__(report), () =>
				frappe.set_route("query-report", report)
			);
		}
		if (crm_ext.stage_colors) return;
		frappe.db
			.get_list("Deal Stage", { fields: ["name", "color"], limit: 0 })
			.then((stages) => {
				crm_ext.stage_colors = Object.fromEntries(stages.map((s) => [s.name, s.color]));
				listview.refresh();
			});
	},
};

// Frappe's board formats the fields of a card without their document, and so takes the currency of the site, or of
// the form seen last. With one currency among the companies it is that one; else the card shows the bare number.
frappe.meta.get_docfield("Deal", "amount").formatter = function (value, df, options, doc) {
	if (doc) return frappe.form.formatters.Currency(value, df, options, doc);
	const companies = Object.values(locals[":Company"] || {});
	const currencies = new Set(companies.map((company) => company.default_currency));
	return currencies.size === 1
		? format_currency(value, [...currencies][0])
		: format_number(value);
};

// A moment is too long for a card.
frappe.meta.get_docfield("Deal", "stage_since").formatter = function (value, df, options, doc) {
	if (doc) return frappe.form.formatters.Datetime(value, df, options, doc);
	return value ? frappe.datetime.prettyDate(value) : "";
};
