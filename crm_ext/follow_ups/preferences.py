"""When and how a person wants to be told."""

from frappe.model.document import Document


def check(doc: Document) -> None:
	"""Refuse a preference that makes no sense or belongs to somebody else."""
