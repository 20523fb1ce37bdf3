"""The dates `next_follow_up_on` and `last_contact_on` on documents, parties and deals."""

from frappe.model.document import Document

FIELDS = ("last_contact_on", "next_follow_up_on")


def keep(doc: Document) -> None:
	"""Take both dates from the database before a document is saved.

	They are written past the document layer. A form opened before that would otherwise write the old ones back.
	Costs no query: Frappe has just read the document under lock.
	"""
	before = doc.get_doc_before_save()
	if before:
		for field in FIELDS:
			doc.set(field, before.get(field))


def forget(doctype: str, name: str) -> None:
	"""A document is being deleted: none of its follow ups is left hanging."""


def move(doctype: str, old: str, new: str, merge: bool = False) -> None:
	"""A document was renamed, or merged into another that has follow ups of its own."""


def forget_contact(name: str) -> None:
	"""A Contact is being deleted: follow ups stay, without it."""


def refresh_all() -> None:
	"""Both dates of every document, party and deal where they differ from what follow ups and contacts say."""
