# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt

from frappe.model.document import Document

from crm_ext.deals import stages
from crm_ext.hierarchy import indexes as visibility_indexes
from crm_ext.setup import roles
from crm_ext.workflows import store as workflows


class CRMExtSettings(Document):
	def validate(self) -> None:
		stages.check_map(self)
		workflows.check(self)

	def on_update(self) -> None:
		stages.clear_cache()
		workflows.sync(self)
		visibility_indexes.follow(self)
		roles.follow_settings(self)
