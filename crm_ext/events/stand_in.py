from frappe.model.document import Document
from frappe.utils import getdate, nowdate

from crm_ext.constants.workflows import WORKFLOWS
from crm_ext.workflows import approvals, asking


def on_update(doc: Document, method: str | None = None) -> None:
	if getdate(doc.from_date) <= getdate(nowdate()) <= getdate(doc.to_date):
		if any(approvals.is_on(doctype) for doctype in WORKFLOWS):
			asking.ask_stand_ins_later()
