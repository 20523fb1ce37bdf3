"""When a party was last in contact: kept on the document, its party and its deal."""

from frappe.model.document import Document


def from_communication(doc: Document) -> None:
	"""A mail, chat or other message received or sent."""


def from_call_log(doc: Document) -> None:
	"""A call that was answered."""


def from_event(doc: Document) -> None:
	"""A meeting that has begun and was not cancelled; one in the future counts with a later pass."""


def refresh() -> None:
	"""Contacts recorded or changed since the last pass, those without an event and those that lay in the future."""
