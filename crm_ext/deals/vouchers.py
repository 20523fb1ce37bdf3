"""Reads ERPNext documents into the plain data of `model`, in sets. Reads only; never loads a document.

One pass of the loop in `read_graph` costs two queries, whatever the number of vouchers: one for headers, one for
rows. A transaction that touches one deal needs one or two passes.
"""

from collections import defaultdict
from collections.abc import Iterable

import frappe
from frappe.utils import flt

from crm_ext.compat import attribution_columns
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
	Receipt,
	Ref,
	Row,
	StoredDeal,
	Voucher,
)

_COLUMNS = (
	"name docstatus status stage_field company party_type party title day creation total currency voucher_total "
	"is_return is_opening delivers fully_billed prev_type prev_name amended_from deal owner sales_person source "
	"campaign territory industry lost_reasons"
).split()

_GROSS = {
	# Rounded where the site rounds: that is what the customer owes and the Payment Ledger holds.
	"total": "IF(v.base_rounded_total, v.base_rounded_total, v.base_grand_total)",
	"voucher_total": "IF(v.rounded_total, v.rounded_total, v.grand_total)",
}
_SALES_PERSON = (
	"(SELECT st.sales_person FROM `tabSales Team` st WHERE st.parent = v.name AND st.parenttype = '{0}'"
	" ORDER BY st.allocated_percentage DESC, st.idx LIMIT 1)"
)
_LOST_REASONS = (
	"IF(v.status = 'Lost', CONCAT_WS('\n', (SELECT GROUP_CONCAT(r.lost_reason ORDER BY r.idx SEPARATOR '\n')"
	" FROM `tab{0} Lost Reason Detail` r WHERE r.parent = v.name AND r.parenttype = '{0}'),"
	" v.order_lost_reason), NULL)"
)
_RETURN = {"is_return": "v.is_return", "prev_name": "v.return_against"}

_HEADERS: dict[str, dict[str, str]] = {
	LEAD: {
		"stage_field": "v.qualification_status",
		"party_type": "'Lead'",
		"party": "v.name",
		"title": "COALESCE(NULLIF(v.company_name, ''), v.lead_name)",
		"day": "DATE(v.creation)",
		"amended_from": "NULL",
		"deal": "NULL",
		"owner": "COALESCE(NULLIF(v.lead_owner, ''), v.owner)",
		"currency": "NULL",
		"industry": "v.industry",
	},
	OPPORTUNITY: {
		"stage_field": "v.sales_stage",
		"party_type": "v.opportunity_from",
		"party": "v.party_name",
		"title": "v.customer_name",
		"day": "v.transaction_date",
		# Only the form keeps base_opportunity_amount; without an amount, the items tell.
		"total": "IF(v.opportunity_amount, v.opportunity_amount * v.conversion_rate, v.base_total)",
		"voucher_total": "IF(v.opportunity_amount, v.opportunity_amount, v.total)",
		"owner": "COALESCE(NULLIF(v.opportunity_owner, ''), v.owner)",
		"amended_from": "NULL",
		"industry": "v.industry",
		"lost_reasons": _LOST_REASONS.format(OPPORTUNITY),
	},
	QUOTATION: {
		**_GROSS,
		"party_type": "v.quotation_to",
		"party": "v.party_name",
		"title": "v.customer_name",
		"day": "v.transaction_date",
		"prev_type": "'Opportunity'",
		"prev_name": "v.opportunity",
		"lost_reasons": _LOST_REASONS.format(QUOTATION),
	},
	SALES_ORDER: {
		**_GROSS,
		"party_type": "'Customer'",
		"party": "v.customer",
		"title": "v.customer_name",
		"day": "v.transaction_date",
		"fully_billed": "(v.status IN ('Closed', 'Completed') OR v.per_billed >= 99.99)",
		"sales_person": _SALES_PERSON.format(SALES_ORDER),
	},
	DELIVERY_NOTE: {
		**_GROSS,
		**_RETURN,
		"party_type": "'Customer'",
		"party": "v.customer",
		"title": "v.customer_name",
		"day": "v.posting_date",
		"prev_type": "'Delivery Note'",
		"sales_person": _SALES_PERSON.format(DELIVERY_NOTE),
	},
	SALES_INVOICE: {
		**_GROSS,
		**_RETURN,
		"party_type": "'Customer'",
		"party": "v.customer",
		"title": "v.customer_name",
		"day": "v.posting_date",
		"is_opening": "(v.is_opening = 'Yes')",
		"delivers": "v.update_stock",
		"prev_type": "'Sales Invoice'",
		"sales_person": _SALES_PERSON.format(SALES_INVOICE),
	},
}
_PLAIN = {
	"name",
	"docstatus",
	"status",
	"company",
	"creation",
	"currency",
	"amended_from",
	"deal",
	"owner",
	"territory",
}


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
		[name for doctype, name in graph.vouchers if doctype == SALES_ORDER],
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
		for condition, values in conditions:
			if values:
				selects.append(f"{_header_select(doctype)} WHERE {condition}")
				params.append(values)
	if not selects:
		return
	for doctype, *values in frappe.db.sql(" UNION ALL ".join(selects), params):
		if (doctype, values[0]) not in graph.vouchers:
			graph.vouchers[(doctype, values[0])] = _voucher(doctype, dict(zip(_COLUMNS, values, strict=True)))


def _header_select(doctype: str) -> str:
	"""The SELECT that brings one DocType into the common columns.

	Kept in the cache, because building them asks the definitions of six DocTypes, which a request that submits one
	document has no other need to load. `bench migrate` clears it.
	"""
	selects = getattr(frappe.local, "crm_ext_header_selects", None)
	if selects is None:
		selects = frappe.cache.get_value("crm_ext_header_selects", _build_header_selects)
		frappe.local.crm_ext_header_selects = selects
	return selects[doctype]


def _build_header_selects() -> dict[str, str]:
	selects = {}
	for doctype in VOUCHERS:
		source, campaign = attribution_columns(doctype)
		own = _HEADERS[doctype] | {
			"source": f"v.`{source}`" if source else "NULL",
			"campaign": f"v.`{campaign}`" if campaign else "NULL",
		}
		columns = (own.get(column) or (f"v.{column}" if column in _PLAIN else "NULL") for column in _COLUMNS)
		selects[doctype] = f"SELECT '{doctype}', {', '.join(columns)} FROM `tab{doctype}` v"
	return selects


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
	"""Rows of `refs`, and of the vouchers whose rows name them: one query. Returns the vouchers found so."""
	selects, params = [], []
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
				# All rows of a voucher that names one of ours in any row.
				selects.append(
					f"{select} WHERE r.parent IN (SELECT l.parent FROM `tab{table}` l WHERE l.{column} IN %s)"
				)
				params.append(values)
	leads, prospects = _names(refs, LEAD), _names(refs, PROSPECT)
	nothing = ", NULL" * 6
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
	for doctype, parent, name, idx, weight, *prevs in records:
		if doctype == PROSPECT:
			prospects[parent][name] = idx
		elif doctype == "Customer":
			customers[parent].append(name)
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
	found = set()
	for ref, by_name in rows.items():
		if ref in graph.vouchers:
			graph.vouchers[ref].rows = [
				row for _idx, row in sorted(by_name.values(), key=lambda pair: pair[0])
			]
		else:
			found.add(ref)  # its header comes with the next pass, and its rows again
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


# Receipts

_ALLOCATED_ON_ACCOUNT = """
	SELECT 'Payment Entry' AS voucher_type, r.parent AS voucher_no, r.reference_name AS sales_order,
		SUM(r.allocated_amount) AS allocated, p.party AS party
	FROM `tabPayment Entry Reference` r JOIN `tabPayment Entry` p ON p.name = r.parent AND p.docstatus = 1
	WHERE r.reference_doctype = 'Sales Order' AND r.parent IN (
		SELECT l.parent FROM `tabPayment Entry Reference` l
		WHERE l.reference_doctype = 'Sales Order' AND l.reference_name IN %s)
	GROUP BY r.parent, r.reference_name, p.party
	UNION ALL
	SELECT 'Journal Entry', r.parent, r.reference_name,
		SUM(r.credit_in_account_currency - r.debit_in_account_currency), r.party
	FROM `tabJournal Entry Account` r
	WHERE r.reference_type = 'Sales Order' AND r.docstatus = 1 AND r.party_type = 'Customer' AND r.parent IN (
		SELECT l.parent FROM `tabJournal Entry Account` l
		WHERE l.reference_type = 'Sales Order' AND l.reference_name IN %s)
	GROUP BY r.parent, r.reference_name, r.party
"""


def read_receipts(invoices: list[str], orders: list[str]) -> list[Receipt]:
	"""What was paid for these invoices, and what receipts hold on account for these orders.

	From the Payment Ledger, so that Payment Entries, Journal Entries, reconciliation and its undoing all count,
	each cent once: money against an invoice belongs to it; what a receipt still holds against itself belongs to
	the orders its references name, up to what it holds. One query each.
	"""
	receipts = []
	if invoices:
		receipts += _read_against_invoices(invoices)
	if orders:
		receipts += _read_on_account(orders)
	return receipts


def _read_against_invoices(invoices: list[str]) -> list[Receipt]:
	"""A Sales Invoice's own rows count where they are a payment at the till: against the sign of the document."""
	rows = frappe.db.sql(
		"""
		SELECT ple.voucher_type, ple.voucher_no, ple.against_voucher_no, MIN(ple.posting_date),
			-SUM(ple.amount), MAX(ple.account_currency), -SUM(ple.amount_in_account_currency)
		FROM `tabPayment Ledger Entry` ple
		LEFT JOIN `tabSales Invoice` si ON ple.voucher_type = 'Sales Invoice' AND si.name = ple.voucher_no
		WHERE ple.against_voucher_type = 'Sales Invoice' AND ple.against_voucher_no IN %s
			AND ple.delinked = 0 AND ple.account_type = 'Receivable'
			AND (ple.voucher_type IN ('Payment Entry', 'Journal Entry')
				OR (ple.voucher_type = 'Sales Invoice' AND IF(si.is_return, ple.amount > 0, ple.amount < 0)))
		GROUP BY ple.voucher_type, ple.voucher_no, ple.against_voucher_no
		""",
		(invoices,),
	)
	return [
		Receipt(doctype, name, (SALES_INVOICE, against), day, flt(amount), currency, flt(in_currency))
		for doctype, name, against, day, amount, currency, in_currency in rows
	]


def _read_on_account(orders: list[str]) -> list[Receipt]:
	rows = frappe.db.sql(
		f"""
		SELECT a.voucher_type, a.voucher_no, a.party, a.sales_order, a.allocated, MIN(ple.posting_date),
			-SUM(ple.amount), MAX(ple.account_currency), -SUM(ple.amount_in_account_currency)
		FROM ({_ALLOCATED_ON_ACCOUNT}) a
		JOIN `tabPayment Ledger Entry` ple ON ple.voucher_type = a.voucher_type AND ple.voucher_no = a.voucher_no
			AND ple.against_voucher_type = a.voucher_type AND ple.against_voucher_no = a.voucher_no
			AND ple.party_type = 'Customer' AND ple.party = a.party
			AND ple.delinked = 0 AND ple.account_type = 'Receivable'
		GROUP BY a.voucher_type, a.voucher_no, a.party, a.sales_order, a.allocated
		""",
		(orders, orders),
	)
	named: dict[tuple, float] = defaultdict(float)
	for voucher_type, voucher_no, party, _order, allocated, *_rest in rows:
		named[(voucher_type, voucher_no, party)] += flt(allocated)
	wanted, receipts = set(orders), []
	for voucher_type, voucher_no, party, order, allocated, day, held, currency, held_in_currency in rows:
		total = named[(voucher_type, voucher_no, party)]
		ratio = flt(held_in_currency) / total if total else 0
		if order not in wanted or ratio <= 0:
			continue
		# Orders share what is still held, in proportion, where references name more than that.
		part = flt(allocated) * min(1.0, ratio)
		amount = flt(held) * part / flt(held_in_currency)
		receipts.append(
			Receipt(
				voucher_type,
				voucher_no,
				(SALES_ORDER, order),
				day,
				round(amount, 6),
				currency,
				round(part, 6),
			)
		)
	return receipts
