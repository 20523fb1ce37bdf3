# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt

from frappe.model.document import Document

from crm_ext.hierarchy import stand_ins, world


class StandIn(Document):
	def validate(self) -> None:
		stand_ins.check(self)

	def on_change(self) -> None:
		world.clear()

	def on_trash(self) -> None:
		world.clear()
