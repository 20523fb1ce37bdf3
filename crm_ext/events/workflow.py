"""Documents that may have a workflow of ours."""

from frappe.model.document import Document

from crm_ext.workflows import approvals


def onload(doc: Document, method: str | None = None) -> None:
	approvals.show(doc)


def validate(doc: Document, method: str | None = None) -> None:
	approvals.prepare(doc)


def before_submit(doc: Document, method: str | None = None) -> None:
	approvals.allow_submit(doc)


def before_update_after_submit(doc: Document, method: str | None = None) -> None:
	approvals.keep(doc)
	approvals.allow_change(doc)


def on_update_after_submit(doc: Document, method: str | None = None) -> None:
	approvals.tell_change(doc)


def on_change(doc: Document, method: str | None = None) -> None:
	approvals.follow(doc)


def released(doc: Document, method: str | None = None) -> None:
	approvals.released(doc)


def on_update(doc: Document, method: str | None = None) -> None:
	approvals.tell(doc)
