# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt

import frappe
from frappe import _
from frappe.model.document import Document

from crm_ext.deals import stages


class DealStage(Document):
	def validate(self) -> None:
		stages.check_stage(self)

	def before_rename(self, old: str, new: str, merge: bool = False) -> None:
		if merge:
			frappe.throw(
				_("Deal stages cannot be merged. Map what reached {0} to {1} instead.").format(old, new)
			)

	def on_trash(self) -> None:
		stages.check_stage_removal(self)

	def on_update(self) -> None:
		stages.clear_cache()

	def after_delete(self) -> None:
		stages.clear_cache()

	def after_rename(self, old: str, new: str, merge: bool = False) -> None:
		stages.rename_columns(old, new)
		stages.clear_cache()
