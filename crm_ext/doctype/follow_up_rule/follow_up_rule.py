# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt

from frappe.model.document import Document

from crm_ext.follow_ups import rules


class FollowUpRule(Document):
	def __setup__(self) -> None:
		# Frappe fills an empty company with the user's; here it means all of them.
		self.dont_update_if_missing = ["company"]

	def validate(self) -> None:
		rules.check(self)
