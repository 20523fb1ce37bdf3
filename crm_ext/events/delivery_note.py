from frappe.model.document import Document

from crm_ext.deals.choice import check_chosen_deal
from crm_ext.deals.touch import touch


def validate(doc: Document, method: str | None = None) -> None:
	check_chosen_deal(doc)


def on_change(doc: Document, method: str | None = None) -> None:
	touch((doc.doctype, doc.name))


def on_trash(doc: Document, method: str | None = None) -> None:
	touch((doc.doctype, doc.name))
