# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt

from frappe.model.document import Document

from crm_ext.deals import store


class DealLedgerEntry(Document):
	"""Written in bulk by `crm_ext.deals.store` only."""


def on_doctype_update() -> None:
	store.add_ledger_indexes()
