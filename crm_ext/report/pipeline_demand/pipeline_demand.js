// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

frappe.query_reports["Pipeline Demand"] = {
	tree: true,
	initial_depth: 0,

	filters: [
		crm_ext.reports.company({ reqd: 1 }),
		crm_ext.reports.select(
			"show",
			__("Show"),
			["Demand", "Slow Movers"].map((value) => [value, __(value, null, "Pipeline Demand")])
		),
		crm_ext.reports.select(
			"period",
			__("Period", null, "Pipeline Demand"),
			["Month", "Week"].map((value) => [value, __(value)])
		),
		{ fieldname: "months", label: __("Months Ahead"), fieldtype: "Int", default: 6 },
		crm_ext.reports.select(
			"include",
			__("Include"),
			["Both", "Opportunities", "Quotations"].map((value) => [
				value,
				__(value, null, "Pipeline Demand"),
			])
		),
		{
			fieldname: "min_probability",
			label: __("Minimum Probability (%)"),
			fieldtype: "Float",
		},
		crm_ext.reports.warehouse(),
		crm_ext.reports.link("item_group", __("Item Group"), "Item Group"),
		crm_ext.reports.link("item_code", __("Item"), "Item"),
		crm_ext.reports.link("brand", __("Brand"), "Brand"),
		crm_ext.reports.link("supplier", __("Default Supplier"), "Supplier"),
		crm_ext.reports.select(
			"advice",
			__("Advice"),
			[
				["", __("All", null, "Pipeline Demand")],
				["Buy", __("Buy or Make")],
				...["Ask for Earlier Delivery", "Do Not Buy", "Enough"].map((value) => [
					value,
					__(value, null, "Pipeline Demand"),
				]),
			],
			{ reqd: 0 }
		),
		crm_ext.reports.check("include_expired", __("Include Expired Quotations")),
	],

	get_datatable_options: (options) => Object.assign(options, { checkboxColumn: true }),

	onload(report) {
		if (frappe.model.can_create("Material Request")) {
			report.page.add_inner_button(__("Material Request"), () => this.choose(report));
		}
		crm_ext.reports.on_click(
			report,
			"a[data-pipeline-demand]",
			({ pipelineDemand: kind, item, period }) => this.show_documents(report, kind, item, period)
		);
	},

	formatter(value, row, column, data, default_formatter) {
		const flows = ["quoted", "expected", "orders", "supply", "requested"];
		const nothing =
			value === null ||
			value === undefined ||
			(value === 0 && flows.includes(column.fieldname));
		if (data && nothing && ["Float", "Currency", "Int", "Percent"].includes(column.fieldtype)) {
			// Frappe would show a nought where there is nothing to tell.
			return "";
		}
		const html = default_formatter(value, row, column, data);
		if (!data) return html;
		if (column.fieldname === "advice" && value) {
			const color =
				{ Buy: "orange", Make: "orange", "Do Not Buy": "gray", Enough: "green" }[value] ||
				"yellow";
			return `<span class="indicator-pill ${color}">${__(value, null, "Pipeline Demand")}</span>`;
		}
		if (column.fieldname === "item_code" && data.indent) {
			return `<span class="text-muted">${frappe.utils.escape_html(value)}</span>`;
		}
		if (flows.includes(column.fieldname) && value) {
			const item = frappe.utils.escape_html(data.item_code);
			const period = data.indent ? data.number : "";
			return `<a href="#" data-pipeline-demand="${column.fieldname}" data-item="${item}"
				data-period="${period}">${html}</a>`;
		}
		if (
			(column.fieldname === "projected" && value < 0) ||
			(column.fieldname === "order_on" && data.late) ||
			(column.fieldname === "too_much" && value > 0)
		) {
			return `<span class="text-danger">${html}</span>`;
		}
		return html;
	},

	async show_documents(report, kind, item_code, period) {
		const { message } = await frappe.call("crm_ext.api.demand.documents", {
			filters: report.get_values(),
			item_code,
			kind,
			...(period === "" ? {} : { period }),
		});
		const escape = frappe.utils.escape_html;
		const number = (value) => frappe.format(value, { fieldtype: "Float" }, { inline: true });
		const weighs = ["quoted", "expected"].includes(kind);
		const rows = message.rows.map(
			(row) => `<tr>
				<td>${__(row.doctype)}</td>
				<td>${frappe.utils.get_form_link(row.doctype, row.name, true)}</td>
				<td>${escape(row.party || "")}</td>
				<td class="text-right">${number(row.qty)}</td>
				${weighs ? `<td class="text-right">${number(row.weighted)}</td>` : ""}
			</tr>`
		);
		const { documents, weighted } = message.others;
		const others = documents
			? `<p class="text-muted">${__("{0} more that you may not open come to {1}.", [
					documents,
					number(weighted),
			  ])}</p>`
			: "";
		const production =
			kind === "orders" && !period
				? `<p class="text-muted">${__(
						"What production and subcontracting hold is counted as well and is not in this list."
				  )}</p>`
				: "";
		frappe.msgprint({
			title: item_code,
			wide: true,
			message: `<table class="table table-bordered pipeline-demand-documents"><thead><tr>
				<th>${__("Type")}</th><th>${__("Document")}</th><th>${__("Party")}</th>
				<th class="text-right">${__("Quantity")}</th>
				${weighs ? `<th class="text-right">${__("Weighted")}</th>` : ""}
			</tr></thead><tbody>${rows.join("")}</tbody></table>${others}${production}`,
		});
	},

	// Rows that are ticked: an item stands for all its periods.
	chosen(report) {
		const ticked = report.get_checked_items().filter(Boolean);
		const whole = new Set(ticked.filter((row) => !row.indent).map((row) => row.item_code));
		const single = new Set(
			ticked.filter((row) => row.indent).map((row) => `${row.item_code} ${row.number}`)
		);
		return report.data.filter(
			(row) =>
				row.indent &&
				row.buy &&
				(whole.has(row.item_code) || single.has(`${row.item_code} ${row.number}`))
		);
	},

	async choose(report) {
		const rows = report.get_filter_value("show") === "Demand" ? this.chosen(report) : [];
		if (!rows.length) {
			frappe.msgprint(__("Tick items or periods in which there is something to buy or make."));
			return;
		}
		const company = report.get_filter_value("company");
		const items = [...new Set(rows.map((row) => row.item_code))];
		const { message: drafts } = await frappe.call("crm_ext.api.demand.drafts", {
			company,
			items,
		});
		this.ask(report, company, rows, drafts);
	},

	ask(report, company, rows, drafts) {
		const top = Object.fromEntries(
			report.data.filter((row) => !row.indent).map((row) => [row.item_code, row])
		);
		const field = (fieldname, label, fieldtype, columns, more = {}) => ({
			fieldname,
			label,
			fieldtype,
			columns,
			in_list_view: 1,
			...more,
		});
		const dialog = new frappe.ui.Dialog({
			title: __("Material Request"),
			size: "large",
			fields: [
				{
					fieldname: "warehouse",
					label: __("Warehouse of Items That Have None"),
					fieldtype: "Link",
					options: "Warehouse",
					get_query: () => ({ filters: { company, is_group: 0 } }),
				},
				{
					fieldname: "rows",
					fieldtype: "Table",
					label: __("Items"),
					cannot_add_rows: true,
					in_place_edit: true,
					data: rows.map((row) => ({
						item_code: row.item_code,
						qty: row.buy,
						uom: row.uom,
						schedule_date: row.needed_on,
						running: top[row.item_code].supply + top[row.item_code].requested,
					})),
					fields: [
						field("item_code", __("Item"), "Data", 3, { read_only: 1 }),
						field("qty", __("Quantity"), "Float", 2, { reqd: 1 }),
						field("uom", __("Stock UOM"), "Data", 1, { read_only: 1 }),
						field("schedule_date", __("Needed On"), "Date", 2, { reqd: 1 }),
						field("running", __("Already Running"), "Float", 2, { read_only: 1 }),
					],
				},
				{ fieldname: "drafts", fieldtype: "HTML", options: this.drafts_html(drafts) },
			],
			primary_action_label: __("Create"),
			primary_action: (values) =>
				crm_ext.reports.once(dialog, () => this.request(report, company, values)),
		});
		dialog.show();
		// Frappe shows them again, whatever cannot_add_rows says.
		dialog.fields_dict.rows.grid.wrapper
			.find(".grid-add-row, .grid-add-multiple-rows, .grid-upload")
			.remove();
	},

	drafts_html(drafts) {
		if (!drafts.length) return "";
		const escape = frappe.utils.escape_html;
		const lines = drafts.map(({ doctype, name, item_code, qty }) => {
			const of = name ? frappe.utils.get_form_link(doctype, name, true) : "";
			const number = frappe.format(qty, { fieldtype: "Float" }, { inline: true });
			return `<li>${escape(item_code)}: ${number}, ${__(doctype)} ${of}</li>`;
		});
		return `<div class="pipeline-demand-drafts text-warning">${__(
			"Drafts that are not counted ask for these items already:"
		)}<ul>${lines.join("")}</ul></div>`;
	},

	async request(report, company, { warehouse, rows }) {
		const { message: names } = await frappe.call("crm_ext.api.demand.request", {
			company,
			warehouse,
			rows: rows.map(({ item_code, qty, schedule_date }) => ({ item_code, qty, schedule_date })),
		});
		const links = names.map((name) => frappe.utils.get_form_link("Material Request", name, true));
		frappe.show_alert({
			message: __("Made as draft: {0}", [links.join(", ")]),
			indicator: "green",
		});
		report.refresh();
	},
};
