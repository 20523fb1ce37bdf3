from frappe.model.document import Document

from crm_ext.deals.touch import touch


def on_change(doc: Document, method: str | None = None) -> None:
	if doc.get("lead_name"):
		touch(("Lead", doc.lead_name))
