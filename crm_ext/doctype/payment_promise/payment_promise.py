# Copyright (c) 2026, crm_ext contributors
# License: GPL-3.0-or-later. See license.txt

from frappe.model.document import Document

from crm_ext.receivables import promises


class PaymentPromise(Document):
	def validate(self) -> None:
		promises.prepare(self)

	def on_update(self) -> None:
		promises.after_change(self)


def on_doctype_update() -> None:
	promises.add_indexes()
