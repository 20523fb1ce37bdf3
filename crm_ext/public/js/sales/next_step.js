// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// The one button that leads on. Which one, the server says when it loads the form; making it is ERPNext's.
const by_the_form = {
	// These ask what has to be asked: alternatives, dates, discounts for paying early.
	"Quotation>Sales Order": (frm) => frm.cscript.make_sales_order(),
	"Sales Order>Delivery Note": (frm) => frm.cscript.make_delivery_note_based_on_delivery_date(true),
	"Sales Invoice>Payment Entry": (frm) => frm.cscript.make_payment_entry(),
};

const refresh = (frm) => {
	const step = frm.doc.__onload?.next_step;
	if (!step || frm.is_new() || frm.is_dirty()) return;
	const { target, method, draft } = step;
	const label = draft ? __("Open Draft: {0}", [__(target)]) : __("Next: {0}", [__(target)]);
	const lead_on = () => {
		if (draft) return frappe.set_route("Form", target, draft);
		const own = by_the_form[`${frm.doctype}>${target}`];
		return own ? own(frm) : frappe.model.open_mapped_doc({ method, frm });
	};
	frm.add_custom_button(label, lead_on)
		.removeClass("btn-default")
		.addClass("btn-primary crm-ext-next-step");
};

// Frappe then shows what the action made of the document, but not what the server says beside it when it loads one.
const after_workflow_action = (frm) => frm.reload_doc();

for (const doctype of [
	"Lead",
	"Opportunity",
	"Quotation",
	"Sales Order",
	"Delivery Note",
	"Sales Invoice",
]) {
	frappe.ui.form.on(doctype, { after_workflow_action, refresh });
}
