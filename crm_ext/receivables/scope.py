"""What reports on money share: whose money it is, who sold it, what the user may see. Builds SQL, runs none.

A *source* is a SELECT of rows of money with the columns company, customer, invoice (or NULL), day, currency (of the
party) and mode_of_payment (or NULL) beside its measures.

Who sold it: the Sales Team of the invoice by contribution, where it has none that of the customer; what neither
gives away belongs to nobody.
"""

from collections.abc import Mapping

import frappe
from frappe import _

from crm_ext.permissions import account_conditions, list_conditions

# Filters by their names; those on a tree take what is below as well.
FILTERS = ("company", "customer", "customer_group", "territory", "sales_person", "mode_of_payment")
TREES = {"customer_group": "Customer Group", "territory": "Territory", "sales_person": "Sales Person"}
_COLUMNS = {
	"company": "m.company",
	"customer": "m.customer",
	"customer_group": "`tabCustomer`.customer_group",
	"territory": "`tabCustomer`.territory",
	"mode_of_payment": "m.mode_of_payment",
	"month": "EXTRACT(YEAR_MONTH FROM m.day)",
	"sales_person": "COALESCE(own.sales_person, usual.sales_person)",
}
_TEAMS = """
	LEFT JOIN `tabSales Team` own ON own.parenttype = 'Sales Invoice' AND own.parent = m.invoice
	LEFT JOIN `tabSales Team` usual ON own.name IS NULL AND usual.parenttype = 'Customer'
		AND usual.parent = m.customer"""
_SHARE = """(CASE WHEN own.name IS NOT NULL THEN IFNULL(own.allocated_percentage, 0)
	WHEN usual.name IS NOT NULL THEN IFNULL(usual.allocated_percentage, 0) ELSE 100 END / 100)"""


def check(filters: Mapping[str, str]) -> None:
	"""Filters come from the browser: one value each. Raises frappe.ValidationError."""
	for name in FILTERS:
		if filters.get(name) and not isinstance(filters[name], str):
			frappe.throw(_("Choose one value for {0}.").format(name))


def visible(doctype: str) -> str:
	"""Condition on the table of `doctype` for what the user may see, for a statement with parameters."""
	return _to_stand_with_parameters(list_conditions(doctype))


def _to_stand_with_parameters(conditions: str) -> str:
	return f"({conditions.replace('%', '%%')})" if conditions else "1 = 1"


def select(
	source: str,
	measures: Mapping[str, str],
	keys: Mapping[str, str],
	filters: Mapping[str, str],
	params: dict,
	by_person: bool = False,
) -> str:
	"""The measures of a source, grouped; only of customers whose money the user may see. Fills `params`.

	`measures` and `keys`: name -> expression over m. Measures are split among the sales team where `by_person`, or
	where one of them is filtered for.
	"""
	teams = by_person or bool(filters.get("sales_person"))
	share = f" * {_SHARE}" if teams else ""
	columns = [f"{expression} AS `{name}`" for name, expression in keys.items()]
	columns += [f"SUM({expression}{share}) AS `{name}`" for name, expression in measures.items()]
	conditions = [_to_stand_with_parameters(account_conditions())]
	for name in FILTERS:
		value = filters.get(name)
		if not value:
			continue
		params[name] = [value, *frappe.db.get_descendants(TREES[name], value)] if name in TREES else [value]
		conditions.append(f"{_COLUMNS[name]} IN %({name})s")
	return f"""SELECT {", ".join(columns)} FROM ({source}) m
		LEFT JOIN `tabCustomer` ON `tabCustomer`.name = m.customer {_TEAMS if teams else ""}
		WHERE {" AND ".join(conditions)} GROUP BY {", ".join(keys.values()) or "NULL"}"""


def column(name: str) -> str:
	"""Expression of a key to group by: one of FILTERS or "month"."""
	return _COLUMNS[name]


def company_currencies() -> dict[str, str]:
	return dict(frappe.get_all("Company", fields=["name", "default_currency"], order_by="name", as_list=True))
