from frappe.model.document import Document

from crm_ext.deals.buying import set_deal


def validate(doc: Document, method: str | None = None) -> None:
	set_deal(doc)
