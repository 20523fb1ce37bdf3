# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt

from frappe.model.document import Document

from crm_ext.follow_ups import preferences


class FollowUpPreference(Document):
	def validate(self) -> None:
		preferences.check(self)
