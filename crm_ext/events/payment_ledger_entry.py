from frappe.model.document import Document

from crm_ext.deals.touch import touch
from crm_ext.receivables import judging


def on_change(doc: Document, method: str | None = None) -> None:
	"""Reconciling, unlinking and reposting all end up here, also where no document of their own is saved."""
	if doc.party_type == "Customer":
		touch((doc.against_voucher_type, doc.against_voucher_no))
		# Nobody has promised to pay an invoice that is just being submitted.
		new = doc.voucher_no == doc.against_voucher_no and not doc.delinked
		if doc.against_voucher_type == "Sales Invoice" and not new:
			judging.collect([doc.against_voucher_no])
