"""Behind Pipeline Demand. Permission first, then one engine call.

Who may see the report sees how much of an item is coming. Of whom it is, is told only of documents the person may read.
"""

import frappe
from frappe import _

from crm_ext.supply import demand

_REPORT = "Pipeline Demand"
# More than anybody chooses by hand; each is a row of a document.
_MOST_ROWS = 500


@frappe.whitelist()
def documents(filters: str | dict, item_code: str, kind: str, period: int | None = None) -> dict:
	"""Documents behind a figure: {"rows": those the person may read, "others": {"documents", "weighted"}}.

	`kind`: quoted, expected, orders, supply or requested; `period`: its number, None for all.
	"""
	_check()
	if kind not in demand.KINDS:
		frappe.throw(_("Unknown figure {0}.").format(kind))
	asked = demand.ask(frappe.parse_json(filters))
	rows, others = demand.behind(asked, item_code, kind, None if period is None else int(period))
	return {"rows": rows, "others": others}


@frappe.whitelist()
def drafts(company: str, items: str | list) -> list[dict]:
	"""What drafts of purchasing documents already hold of items: [{"doctype", "name" or None, "item_code", "qty"}]."""
	_check()
	demand.check_company(company)
	return demand.drafts(company, frappe.parse_json(items)[:_MOST_ROWS])


@frappe.whitelist(methods=["POST"])
def request(company: str, rows: str | list, warehouse: str | None = None) -> list[str]:
	"""Make drafts of Material Requests of rows {"item_code", "qty", "schedule_date"}; returns their names."""
	frappe.has_permission("Material Request", "create", throw=True)
	_check()
	rows = frappe.parse_json(rows)
	if not rows or len(rows) > _MOST_ROWS:
		frappe.throw(_("Choose 1 to {0} rows.").format(_MOST_ROWS))
	return demand.request(company, rows, warehouse)


def _check() -> None:
	"""As the report itself: its roles."""
	if not frappe.get_cached_doc("Report", _REPORT).is_permitted():
		raise frappe.PermissionError(_("You don't have access to Report: {0}").format(_(_REPORT)))
