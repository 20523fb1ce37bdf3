# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt

from frappe.model.document import Document

from crm_ext.receivables import asking, releases


class CreditRelease(Document):
	def validate(self) -> None:
		releases.prepare(self)

	def before_submit(self) -> None:
		releases.give(self)

	def on_submit(self) -> None:
		releases.given(self)
		asking.answer(self)

	def before_cancel(self) -> None:
		releases.check_unused(self)


def on_doctype_update() -> None:
	releases.add_indexes()
