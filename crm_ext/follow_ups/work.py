"""What people do with follow ups by hand: plan, log, finish, postpone, check in."""

from frappe.model.document import Document


def prepare(doc: Document) -> None:
	"""Fill what a follow up copies from its document, and the moments that follow from what was entered."""


def after_change(doc: Document, deleted: bool = False) -> None:
	"""Bring the dates on document, party and deal up to date."""
