// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// Where a document stands that somebody has to approve or verify, why, and what comes next. The fields this reads are
// empty while its workflow is off.
const BEFORE_APPROVAL = ["Draft", "Pending Approval", "Qualification", "Waiting for Credit"];

const show_headline = (frm, title, lines, next) => {
	const items = lines.map((line) => `<li>${frappe.utils.escape_html(line)}</li>`).join("");
	frm.dashboard.set_headline(
		`<div class="crm-ext-approval">
			<div class="bold">${title}</div>
			${items && `<ul class="mb-1 pl-4">${items}</ul>`}
			<div>${next}</div>
		</div>`,
		"orange"
	);
};

const to_choose = (action) =>
	__("Choose {0} under {1}.", [__(action, null, "Workflow Action").bold(), __("Actions").bold()]);

const clear = (frm) => frm.layout.message?.find(".crm-ext-approval").closest(".form-message").remove();

// ERPNext calls every draft a draft.
const show_state = (frm, state) => {
	if (["Pending Approval", "Waiting for Credit"].includes(state) && !frm.is_dirty()) {
		frm.page.set_indicator(__(state), "orange");
	}
};

const show_reasons = (frm, reasons) => {
	const field = frm.fields_dict.approval_reasons;
	if (!field) return;
	field.df.formatter = () => reasons.map(frappe.utils.escape_html).join("<br>");
	field.refresh();
};

const show_approval = (frm) => {
	clear(frm);
	const { approval_needed, approval_reasons, crm_ext_state: state, docstatus } = frm.doc;
	// Stored in the language of who saved it; the server says it in the reader's.
	const stored = (approval_reasons || "").split("\n");
	const reasons = (approval_reasons && frm.doc.__onload?.approval_reasons) || stored;
	show_reasons(frm, reasons);
	if (frm.is_new() || docstatus !== 0 || !BEFORE_APPROVAL.includes(state)) return;
	show_state(frm, state);
	if (!cint(approval_needed)) return;
	const pending = state === "Pending Approval";
	show_headline(
		frm,
		__("Has to Be Approved First"),
		reasons,
		pending ? __("Waits for approval.") : to_choose("Request Approval")
	);
};

const show_verification = (frm) => {
	clear(frm);
	const { crm_ext_state: state, docstatus, owner, modified_by } = frm.doc;
	if (frm.is_new() || docstatus !== 0 || state !== "Entered") return;
	const { user } = frappe.session;
	let next = to_choose("Verify");
	if (owner === user) next = __("You entered it yourself; somebody else has to verify it.");
	else if (modified_by === user) next = __("You changed it last; somebody else has to verify it.");
	show_headline(frm, __("Has to Be Verified First"), [], next);
};

// Whoever may not read Workflow States sees their names as they are stored, on forms and in reports, unlike in lists.
frappe.form.link_formatters["Workflow State"] = (state) => __(state);

for (const doctype of ["Opportunity", "Quotation", "Sales Order"]) {
	frappe.ui.form.on(doctype, { refresh: show_approval });
}
frappe.ui.form.on("Payment Entry", { refresh: show_verification });
