from frappe.model.document import Document

from crm_ext.deals.choice import check_chosen_deal
from crm_ext.deals.touch import touch, touch_with_chain
from crm_ext.supply import promise_dates, purchasing


def after_mapping(doc: Document, method: str | None, source: Document) -> None:
	promise_dates.take_over(doc, source)


def before_insert(doc: Document, method: str | None = None) -> None:
	promise_dates.fill_new_order(doc)


def validate(doc: Document, method: str | None = None) -> None:
	check_chosen_deal(doc)


def on_change(doc: Document, method: str | None = None) -> None:
	touch_with_chain(doc)


def on_submit(doc: Document, method: str | None = None) -> None:
	purchasing.after_submit(doc)


def on_trash(doc: Document, method: str | None = None) -> None:
	touch((doc.doctype, doc.name))
