"""Words that stand in data or in ERPNext's own labels, named here so that the extractor finds them. Never imported.

1. Records the app seeds: the code shows them by `_(name)`, and no extractor reads constants or JSON of cards.
2. Labels whose plain translation by Frappe or ERPNext means something else on our forms. Frappe looks up a label
   with its DocType as context first, so these change nothing on any other form.
"""

from frappe import _

STAGES = (
	_("Lead"),
	_("Contacted"),
	_("Qualified"),
	_("Opportunity"),
	_("Quoted"),
	_("Ordered"),
	_("Delivered"),
	_("Invoiced"),
	_("Paid"),
	_("Lost"),
)

LABELS = (
	_("Amounts", context="Deal"),
	_("Cancelled", context="Deal"),
	_("Invoiced Amount", context="Deal"),
	_("Lost", context="Deal"),
	_("Lost Reasons", context="Deal"),
	_("Open", context="Deal"),
	_("Paid Amount", context="Deal"),
	_("Received", context="Deal"),
	_("Root", context="Deal"),
	_("Root Type", context="Deal"),
	_("Source", context="Deal"),
	_("Value", context="Deal"),
	_("Vouchers", context="Deal"),
	_("Voucher No", context="Deal Ledger Entry"),
	_("Voucher Type", context="Deal Ledger Entry"),
	_("Voucher No", context="Deal Stage Change"),
	_("Voucher Type", context="Deal Stage Change"),
	_("Lost", context="Deal Stage"),
	_("Open", context="Deal Stage"),
	_("Stage Name", context="Deal Stage"),
)
