"""Whose a new customer is. Nobody's yet, for ERPNext: whoever takes a quotation to a lead to its order makes the customer
on the way, and who won it would not see it.
"""

import frappe
from frappe.model.document import Document

from crm_ext.constants.visibility import HOLDERS
from crm_ext.hierarchy import visibility

# Customer's field -> what it was made from; the first that has a holder counts.
_MADE_FROM = (("opportunity_name", "Opportunity"), ("lead_name", "Lead"), ("prospect_name", "Prospect"))


def name_manager(customer: Document) -> None:
	"""While people see their part: who holds what the customer was made from, as account manager where none is named.

	At most three short reads, and none while it is switched off.
	"""
	if customer.account_manager or customer.get("sales_team") or not visibility.terms().enabled:
		return
	for field, doctype in _MADE_FROM:
		if name := customer.get(field):
			if holder := frappe.db.get_value(doctype, name, HOLDERS[doctype].user):
				customer.account_manager = holder
				return
