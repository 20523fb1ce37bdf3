// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// A column for the state, beside ERPNext's own status, of documents that have a workflow of ours. Frappe evaluates this
// once for each document type it is wired to, when it has loaded it.
for (const doctype of ["Lead", "Opportunity", "Quotation", "Sales Order", "Payment Entry"]) {
	const fields = frappe.meta.docfield_map[doctype];
	const state = fields && frappe.workflow.get_state_fieldname(doctype);
	if (state?.startsWith("crm_ext_") && fields[state]) {
		fields[state].in_list_view = 1;
		fields[state].in_standard_filter = 1;
	}
}
