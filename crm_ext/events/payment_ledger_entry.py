from frappe.model.document import Document

from crm_ext.deals.touch import touch


def on_change(doc: Document, method: str | None = None) -> None:
	"""Reconciling, unlinking and reposting all end up here, also where no document of their own is saved."""
	if doc.party_type == "Customer":
		touch((doc.against_voucher_type, doc.against_voucher_no))
