from frappe.model.document import Document

from crm_ext import permissions
from crm_ext.deals.touch import touch


def onload(doc: Document, method: str | None = None) -> None:
	if permissions.is_seen_by_deal_alone(doc):
		doc.set_onload("crm_ext_seen_by_deal", 1)


def on_change(doc: Document, method: str | None = None) -> None:
	touch((doc.doctype, doc.name))


def on_trash(doc: Document, method: str | None = None) -> None:
	touch((doc.doctype, doc.name))
