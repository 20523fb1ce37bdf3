# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt

from frappe.model.document import Document

from crm_ext.deals import stages, store


class Deal(Document):
	"""Read-only for people: `crm_ext.deals` derives and writes every field."""

	def validate(self) -> None:
		# Administrator passes every permission, also where a board or an import saves the document.
		stages.refuse_by_hand()


def on_doctype_update() -> None:
	store.add_deal_indexes()
