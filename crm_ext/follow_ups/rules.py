"""Follow up rules: reading, checking and switching off what is broken."""

from frappe.model.document import Document


def check(doc: Document) -> None:
	"""Refuse a rule that cannot work, in plain words, before it is saved."""
