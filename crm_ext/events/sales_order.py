from frappe.model.document import Document

from crm_ext.deals.choice import check_chosen_deal
from crm_ext.deals.touch import touch, touch_with_chain


def validate(doc: Document, method: str | None = None) -> None:
	check_chosen_deal(doc)


def on_change(doc: Document, method: str | None = None) -> None:
	touch_with_chain(doc)


def on_trash(doc: Document, method: str | None = None) -> None:
	touch((doc.doctype, doc.name))
