from frappe.model.document import Document

from crm_ext.deals.choice import check_chosen_deal
from crm_ext.deals.touch import touch, touch_with_chain
from crm_ext.supply import promise_dates, purchasing
from crm_ext.workflows import quoting


def after_mapping(doc: Document, method: str | None, source: Document) -> None:
	promise_dates.take_over(doc, source)


def validate(doc: Document, method: str | None = None) -> None:
	check_chosen_deal(doc)


def before_submit(doc: Document, method: str | None = None) -> None:
	quoting.check(doc)


def on_change(doc: Document, method: str | None = None) -> None:
	touch_with_chain(doc)
	quoting.follow(doc)  # after the deals


def before_cancel(doc: Document, method: str | None = None) -> None:
	# What was planned from it stays; our own field must not keep it from being cancelled.
	doc.ignore_linked_doctypes = (
		*(doc.get("ignore_linked_doctypes") or ()),
		"Material Request",
		"Purchase Order",
	)


def on_trash(doc: Document, method: str | None = None) -> None:
	touch((doc.doctype, doc.name))
	purchasing.forget_quotation(doc.name)
