# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt

from frappe.model.document import Document

from crm_ext.follow_ups import store, work


class FollowUp(Document):
	def validate(self) -> None:
		work.prepare(self)

	def on_update(self) -> None:
		work.after_change(self)

	def on_trash(self) -> None:
		work.after_change(self, deleted=True)


def on_doctype_update() -> None:
	store.add_indexes()
