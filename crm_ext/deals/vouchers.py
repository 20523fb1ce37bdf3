"""Reads ERPNext documents into the plain data of `model`, in sets. Reads only; never loads a document.

One pass of the loop in `read_graph` costs two queries, whatever the number of vouchers: one for headers, one for
rows. A transaction that touches one deal needs one or two passes.
"""

from collections import defaultdict
from collections.abc import Iterable

import frappe
from frappe.utils import flt

from crm_ext.deals.model import (
	DEAL,
	DELIVERY_NOTE,
	LEAD,
	OPPORTUNITY,
	PROSPECT,
	QUOTATION,
	SALES_INVOICE,
	SALES_ORDER,
	VOUCHERS,
	Graph,
	Ref,
	Row,
	StoredDeal,
	Voucher,
)
from crm_ext.deals.receipts import read_receipts
from crm_ext.deals.voucher_columns import COLUMNS, header_select

# So many names the database looks up in its indexes before it decides how to read; of more it only knows averages
# (its `eq_range_index_dive_limit` is 200), and might read the whole table for an OR.
_FEW = 100


def read_graph(seeds: Iterable[Ref], deals: Iterable[StoredDeal] = ()) -> Graph:
	"""All vouchers that hang together with `seeds`, receipts included.

	`seeds` may name vouchers, Prospects and Deals; what does not exist is passed over. `deals` are those already
	read. Follows every link both ways until nothing new is found, so the graph is closed: deriving it needs
	nothing outside of it.
	"""
	graph = Graph(deals={deal.name: deal for deal in deals})
	seen: set[Ref] = set()
	frontier = {ref for ref in seeds if ref[0] in (*VOUCHERS, PROSPECT, DEAL) and ref[1]}
	while frontier:
		seen |= frontier
		_read_unknown_deals(graph, frontier)
		_add_headers(graph, frontier)
		found = _read_rows(graph, frontier | {ref for ref in graph.vouchers if ref not in seen})
		frontier = (_links(graph) | found) - seen
	_attach_return_rows(graph)
	graph.receipts = read_receipts(
		[name for doctype, name in graph.vouchers if doctype == SALES_INVOICE],
		[name for name in sorted(graph.paid_ahead) if (SALES_ORDER, name) in graph.vouchers],
	)
	return graph


def _names(refs: Iterable[Ref], doctype: str) -> list[str]:
	return sorted({name for kind, name in refs if kind == doctype})


def _links(graph: Graph) -> set[Ref]:
	"""Every voucher, prospect and deal the graph names."""
	links: set[Ref] = {deal.root for deal in graph.deals.values()}
	for voucher in graph.vouchers.values():
		links.add(voucher.ref)
		if voucher.party_type in (LEAD, PROSPECT) and voucher.party:
			links.add((voucher.party_type, voucher.party))
		if voucher.prev:
			links.add(voucher.prev)
		if voucher.amended_from:
			links.add((voucher.doctype, voucher.amended_from))
		if voucher.deal:
			links.add((DEAL, voucher.deal))
		links.update((doctype, name) for row in voucher.rows for doctype, name, _row in row.prev)
	for prospect, leads in graph.prospect_leads.items():
		links.add((PROSPECT, prospect))
		links.update((LEAD, lead) for lead in leads)
	return links


def _read_unknown_deals(graph: Graph, frontier: set[Ref]) -> None:
	unknown = [name for name in _names(frontier, DEAL) if name not in graph.deals]
	if not unknown:
		return
	for name, root_type, root_name, creation in frappe.db.sql(
		"SELECT name, root_type, root_name, creation FROM `tabDeal` WHERE name IN %s", (unknown,)
	):
		graph.deals[name] = StoredDeal(name, (root_type, root_name), creation)


def _add_headers(graph: Graph, frontier: set[Ref]) -> None:
	"""Headers of the frontier, and of what names it in a header: one query."""
	deals, leads, prospects = (_names(frontier, kind) for kind in (DEAL, LEAD, PROSPECT))
	selects, params = [], []
	for doctype in VOUCHERS:
		conditions: list[tuple[str, list[str]]] = [("v.name IN %s", _names(frontier, doctype))]
		if doctype != LEAD:
			conditions.append(("v.deal IN %s", deals))
		if doctype == OPPORTUNITY:
			conditions.append(("v.opportunity_from = 'Lead' AND v.party_name IN %s", leads))
			conditions.append(("v.opportunity_from = 'Prospect' AND v.party_name IN %s", prospects))
		elif doctype == QUOTATION:
			conditions.append(("v.opportunity IN %s", _names(frontier, OPPORTUNITY)))
			conditions.append(("v.quotation_to = 'Lead' AND v.party_name IN %s", leads))
		elif doctype in (DELIVERY_NOTE, SALES_INVOICE):
			conditions.append(("v.return_against IN %s", _names(frontier, doctype)))
		conditions = [(condition, values) for condition, values in conditions if values]
		params += [values for _condition, values in conditions]
		wheres = [condition for condition, _values in conditions]
		if sum(len(values) for _condition, values in conditions) <= _FEW:
			# One SELECT instead of up to four: to prepare it costs more than to find a deal's rows.
			wheres = [" OR ".join(f"({where})" for where in wheres)] if wheres else []
		selects += [f"{header_select(doctype)} WHERE {where}" for where in wheres]
	if not selects:
		return
	for doctype, *values in frappe.db.sql(" UNION ALL ".join(selects), params):
		if (doctype, values[0]) not in graph.vouchers:
			graph.vouchers[(doctype, values[0])] = _voucher(doctype, dict(zip(COLUMNS, values, strict=True)))


def _voucher(doctype: str, values: dict) -> Voucher:
	prev_type, prev_name = values.pop("prev_type"), values.pop("prev_name")
	for number in ("total", "voucher_total"):
		values[number] = flt(values[number])
	for flag in ("is_return", "is_opening", "delivers", "fully_billed"):
		values[flag] = bool(values[flag])
	for text in ("status", "stage_field"):
		values[text] = values[text] or ""
	values["lost_reasons"] = values["lost_reasons"] or None
	return Voucher(doctype, prev=(prev_type, prev_name) if prev_name else None, **values)


# (DocType, child table, [(previous DocType, name column, row column or NULL)])
_ROWS = (
	(
		QUOTATION,
		"Quotation Item",
		[(OPPORTUNITY, "IF(r.prevdoc_doctype = 'Opportunity', r.prevdoc_docname, NULL)", "NULL")],
	),
	(SALES_ORDER, "Sales Order Item", [(QUOTATION, "r.prevdoc_docname", "r.quotation_item")]),
	(
		DELIVERY_NOTE,
		"Delivery Note Item",
		[
			(SALES_ORDER, "r.against_sales_order", "r.so_detail"),
			(SALES_INVOICE, "r.against_sales_invoice", "r.si_detail"),
			(DELIVERY_NOTE, "NULL", "r.dn_detail"),
		],
	),
	(
		SALES_INVOICE,
		"Sales Invoice Item",
		[
			(SALES_ORDER, "r.sales_order", "r.so_detail"),
			(DELIVERY_NOTE, "r.delivery_note", "r.dn_detail"),
			(SALES_INVOICE, "NULL", "r.sales_invoice_item"),
		],
	),
)
_PREV_TYPES = {doctype: [prev[0] for prev in prevs] for doctype, _child, prevs in _ROWS}
# (child table, column naming an earlier voucher, that voucher's DocType)
_ROW_LINKS = (
	("Quotation Item", "prevdoc_docname", OPPORTUNITY),
	("Sales Order Item", "prevdoc_docname", QUOTATION),
	("Delivery Note Item", "against_sales_order", SALES_ORDER),
	("Delivery Note Item", "against_sales_invoice", SALES_INVOICE),
	("Sales Invoice Item", "sales_order", SALES_ORDER),
	("Sales Invoice Item", "delivery_note", DELIVERY_NOTE),
)


def _read_rows(graph: Graph, refs: set[Ref]) -> set[Ref]:
	"""Rows of `refs`, which vouchers name them in a row, and which orders receipts name: one query.

	Returns the vouchers found so, and prospects.
	"""
	selects, params = [], []
	nothing = ", NULL" * 6
	for doctype, child, prevs in _ROWS:
		columns = ", ".join(f"{name}, {row}" for _type, name, row in prevs)
		columns += ", NULL, NULL" * (3 - len(prevs))
		select = (
			f"SELECT '{doctype}', r.parent, r.name, r.idx, r.base_net_amount, {columns} FROM `tab{child}` r"
		)
		names = _names(refs, doctype)
		if names:
			selects.append(f"{select} WHERE r.parent IN %s")
			params.append(names)
		for table, column, previous in _ROW_LINKS:
			values = _names(refs, previous) if table == child else None
			if values:
				selects.append(
					f"SELECT '{doctype}', parent, NULL, 0, 0{nothing} FROM `tab{child}` WHERE {column} IN %s"
				)
				params.append(values)
	leads, prospects = _names(refs, LEAD), _names(refs, PROSPECT)
	if orders := _names(refs, SALES_ORDER):
		for child, kind in (("Payment Entry Reference", "doctype"), ("Journal Entry Account", "type")):
			selects.append(
				f"SELECT 'Receipt', reference_name, parent, 0, 0{nothing} FROM `tab{child}`"
				f" WHERE reference_{kind} = 'Sales Order' AND reference_name IN %s"
			)
			params.append(orders)
	if leads:
		selects.append(
			f"SELECT 'Prospect', parent, lead, idx, 0{nothing} FROM `tabProspect Lead` WHERE parent IN"
			" (SELECT l.parent FROM `tabProspect Lead` l WHERE l.lead IN %s)"
		)
		selects.append(
			f"SELECT 'Customer', lead_name, name, 0, 0{nothing} FROM `tabCustomer` WHERE lead_name IN %s"
		)
		params += [leads, leads]
	if prospects:
		selects.append(
			f"SELECT 'Prospect', parent, lead, idx, 0{nothing} FROM `tabProspect Lead` WHERE parent IN %s"
		)
		params.append(prospects)
	if not selects:
		return set()
	return _attach_rows(graph, frappe.db.sql(" UNION ALL ".join(selects), params))


def _attach_rows(graph: Graph, records: Iterable[tuple]) -> set[Ref]:
	rows: dict[Ref, dict[str, tuple[int, Row]]] = defaultdict(dict)
	prospects: dict[str, dict[str, int]] = defaultdict(dict)
	customers: dict[str, list[str]] = defaultdict(list)
	found: set[Ref] = set()
	for doctype, parent, name, idx, weight, *prevs in records:
		if doctype == PROSPECT:
			prospects[parent][name] = idx
		elif doctype == "Customer":
			customers[parent].append(name)
		elif doctype == "Receipt":
			graph.paid_ahead.add(parent)
		elif name is None:
			found.add((doctype, parent))
		else:
			links = zip(_PREV_TYPES[doctype], prevs[::2], prevs[1::2], strict=False)
			row = Row(
				name,
				flt(weight),
				[(kind, voucher or "", row) for kind, voucher, row in links if voucher or row],
			)
			rows[(doctype, parent)][name] = (idx, row)
	for prospect, leads in prospects.items():
		graph.prospect_leads[prospect] = sorted(leads, key=leads.get)
	for lead, names in customers.items():
		graph.lead_customers[lead] = min(names)
	for ref, by_name in rows.items():
		if ref in graph.vouchers:
			graph.vouchers[ref].rows = [
				row for _idx, row in sorted(by_name.values(), key=lambda pair: pair[0])
			]
	return found | {(PROSPECT, prospect) for prospect in prospects}


def _attach_return_rows(graph: Graph) -> None:
	"""A returned row names only the row it returns; the voucher of that stands in the header.

	On any other voucher the same columns may be filled without a voucher beside them, and then say nothing.
	"""
	for voucher in graph.vouchers.values():
		returned = voucher.prev if voucher.is_return else None
		for row in voucher.rows:
			row.prev = [
				(kind, name, prev_row) if name else (*returned, prev_row)
				for kind, name, prev_row in row.prev
				if name or (returned and returned[0] == kind)
			]
