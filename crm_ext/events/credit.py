"""Quotations and orders at the credit gate."""

from frappe.model.document import Document

from crm_ext.receivables import credit


def validate(doc: Document, method: str | None = None) -> None:
	credit.keep_release(doc)
	credit.warn(doc)


def before_submit(doc: Document, method: str | None = None) -> None:
	credit.hold(doc)


def before_update_after_submit(doc: Document, method: str | None = None) -> None:
	credit.keep_release(doc)
	credit.hold_growth(doc)


def before_cancel(doc: Document, method: str | None = None) -> None:
	credit.keep_release(doc)


def before_change(doc: Document, method: str | None = None) -> None:
	credit.hold_reopening(doc)


def on_cancel(doc: Document, method: str | None = None) -> None:
	credit.cancelled(doc)


def onload(doc: Document, method: str | None = None) -> None:
	credit.show(doc)
