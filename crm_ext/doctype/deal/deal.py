# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt

from frappe.model.document import Document

from crm_ext.deals import store


class Deal(Document):
	"""Read-only for people: `crm_ext.deals` derives and writes every field."""


def on_doctype_update() -> None:
	store.add_deal_indexes()
