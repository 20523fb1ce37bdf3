# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt

from frappe.model.document import Document

from crm_ext.follow_ups import store, work


class FollowUp(Document):
	def __setup__(self) -> None:
		# Frappe fills an empty Time with the time of day; here empty says that there is no appointment.
		self.dont_update_if_missing = ["due_time"]

	def validate(self) -> None:
		work.prepare(self)

	def on_update(self) -> None:
		work.after_change(self)

	def after_delete(self) -> None:
		work.after_change(self, deleted=True)


def on_doctype_update() -> None:
	store.add_indexes()
