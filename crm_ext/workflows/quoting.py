"""A quotation goes out only where somebody has seen the opportunity beyond a limit it comes from."""

import frappe
from frappe import _
from frappe.model.document import Document

from crm_ext.workflows import approvals, approving, asking, measures, opportunities
from crm_ext.workflows.limits import Finding
from crm_ext.workflows.measures import OPPORTUNITY


def check(quotation: Document) -> None:
	"""Before a quotation is submitted: throws ApprovalNeeded where one of its opportunities is to be seen by somebody else.

	Whoever may see it has seen it by quoting. Code that asks for no permissions passes. No query while the workflow is off or the
	quotation comes from no opportunity.
	"""
	if not approvals.is_on(OPPORTUNITY):
		return
	for name in opportunities.sources(quotation):
		opportunity = frappe.get_doc(OPPORTUNITY, name)
		findings = measures.find(opportunity)
		if not findings or approvals.passes_unasked(quotation):
			continue
		_roles, suffices = approving.needs(OPPORTUNITY, findings)
		askers = {row.owner for row in asking.asked(opportunity)}
		absent = approving.in_whose_name(opportunity, suffices, lambda askers=askers: askers)
		if absent is None:
			_refuse(opportunity, findings)
		opportunities.see(opportunity, findings, absent)


def follow(quotation: Document) -> None:
	"""A quotation has changed: what its opportunity comes to be by that is looked at before the commit."""
	if approvals.is_on(OPPORTUNITY) and (names := opportunities.sources(quotation)):
		opportunities.follow_before_commit(names)


def _refuse(opportunity: Document, findings: list[Finding]) -> None:
	text = "".join(
		f"<li>{frappe.utils.escape_html(sentence)}</li>"
		for sentence in measures.in_words(findings, opportunity.company)
	)
	link = frappe.utils.get_link_to_form(OPPORTUNITY, opportunity.name)
	frappe.throw(
		"<p>{}</p><ul>{}</ul>".format(
			_("Opportunity {0} has to be seen before it is quoted. Request its approval there.").format(link),
			text,
		),
		approvals.ApprovalNeeded,
		title=_("Has to Be Seen First"),
	)
