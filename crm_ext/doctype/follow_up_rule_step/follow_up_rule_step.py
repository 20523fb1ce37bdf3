# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt

from frappe.model.document import Document


class FollowUpRuleStep(Document):
	def __setup__(self) -> None:
		# Frappe fills an empty time with the present one; here it means any time that day.
		self.dont_update_if_missing = ["due_time"]
