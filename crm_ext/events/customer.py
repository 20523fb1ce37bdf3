from frappe.model.document import Document

from crm_ext import permissions
from crm_ext.deals.touch import touch
from crm_ext.hierarchy import new_customer
from crm_ext.workflows import approvals


def before_insert(doc: Document, method: str | None = None) -> None:
	new_customer.name_manager(doc)


def onload(doc: Document, method: str | None = None) -> None:
	if permissions.is_seen_by_deal_alone(doc):
		# ERPNext's sums of what was invoiced and is unpaid. The form is shown to be read.
		doc.set_onload("dashboard_info", [])
		doc.set_onload("crm_ext_seen_by_deal", 1)


def on_change(doc: Document, method: str | None = None) -> None:
	if doc.get("lead_name"):
		touch(("Lead", doc.lead_name))
		approvals.follow_lead(doc.lead_name)  # ERPNext writes its status past the document layer
