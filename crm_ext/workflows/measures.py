"""Reads of a document, or of many drafts at once, what limits are about. Writes nothing."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import astuple

import frappe
from frappe import _
from frappe.utils import cint, flt, fmt_money

from crm_ext.constants.workflows import FINDINGS, NEEDED, QUALIFIED_FOR, REASONS, ROLES, WORKFLOWS
from crm_ext.workflows import definitions, exchange, prices
from crm_ext.workflows import limits as rules
from crm_ext.workflows.limits import Figures, Finding, Limit, Line

SETTINGS = "CRM Ext Settings"
OPPORTUNITY = "Opportunity"
_HEADER = (
	"name",
	"company",
	"base_grand_total",
	"base_total",
	"base_discount_amount",
	"apply_discount_on",
)
_WORTH = ("name", "company", "opportunity_amount", "conversion_rate", "base_total", QUALIFIED_FOR)
_ROW = (
	"parent",
	"idx",
	"item_code",
	"qty",
	"stock_qty",
	"base_price_list_rate",
	"base_amount",
	"base_net_amount",
	"is_alternative",
	"valuation_rate",
)


def limits_of(doctype: str, settings: Mapping | None = None) -> list[Limit]:
	"""As set, or as in settings that are being saved. No query: the settings are cached."""
	rows = (settings or frappe.get_cached_doc(SETTINGS)).get("approval_limits") or ()
	return [
		Limit(row.measure, flt(row.limit), row.role, row.company or None)
		for row in rows
		if row.document_type == doctype
	]


def costs_of(items: Collection[str], company: str) -> dict[str, tuple[float, float]]:
	"""What a stock unit of these items costs a company: (on the average of what lies there, by the item); 0 if unknown. One
	query."""
	if not items:
		return {}
	rows = frappe.db.sql(
		"""SELECT i.name, COALESCE(b.value / b.qty, 0), COALESCE(NULLIF(i.valuation_rate, 0), i.last_purchase_rate, 0)
		FROM tabItem i LEFT JOIN (
			SELECT bin.item_code, SUM(bin.stock_value) value, SUM(bin.actual_qty) qty
			FROM tabBin bin JOIN tabWarehouse w ON w.name = bin.warehouse
			WHERE bin.item_code IN %(items)s AND w.company = %(company)s AND bin.actual_qty > 0
			GROUP BY bin.item_code
		) b ON b.item_code = i.name
		WHERE i.name IN %(items)s""",
		{"items": sorted(items), "company": company},
	)
	return {item: (flt(on_hand), flt(otherwise)) for item, on_hand, otherwise in rows}


def figures_of(
	doc: Mapping,
	rows: Iterable[Mapping] | None = None,
	costs: Mapping[str, tuple[float, float]] | None = None,
	listed: Iterable[float] | None = None,
	rate: float = 0,
) -> Figures:
	"""Of a Quotation or Sales Order, a Document or its columns with the rows.

	`costs`: where margins are limited, of the items; `listed`: where discounts are, of the rows (`prices.listed`); `rate`: what
	its currency is worth, 0 if only the document says it.
	"""
	typed = flt(doc.get("conversion_rate"))
	off = rate / typed if rate and typed else 1
	rows = list((doc.get("items") or ()) if rows is None else rows)
	lines = tuple(
		Line(
			idx=cint(row.get("idx")),
			at_list=_at_list(row, price) * flt(row.get("qty")),
			amount=flt(row.get("base_amount")),
			net=flt(row.get("base_net_amount")) * min(1, off),
			cost=_cost(row, costs or {}) * flt(row.get("stock_qty")),
			alternative=bool(cint(row.get("is_alternative"))),
		)
		for row, price in zip(rows, [0.0] * len(rows) if listed is None else listed, strict=True)
	)
	taken = flt(doc.get("base_discount_amount"))
	whole = (
		flt(doc.get("base_total"))
		if doc.get("apply_discount_on") == "Net Total"
		else flt(doc.get("base_grand_total")) + taken
	)
	share = taken / whole if taken and whole > 0 else 0
	return Figures(doc.get("company"), flt(doc.get("base_grand_total")) * max(1, off), lines, share)


def _at_list(row: Mapping, listed: float) -> float:
	"""What a row may say of itself is that it is listed higher. What a pricing rule gives for nothing is listed at nothing."""
	return listed if cint(row.get("is_free_item")) else max(flt(row.get("base_price_list_rate")), listed)


def _cost(row: Mapping, costs: Mapping[str, tuple[float, float]]) -> float:
	"""Of a stock unit: what lies in the company, whatever warehouse is chosen in the row; else what ERPNext found for the row (of
	a service, of a bundle's parts), else the item's own."""
	on_hand, otherwise = costs.get(row.get("item_code"), (0, 0))
	return on_hand or flt(row.get("valuation_rate")) or otherwise


def worth(opportunity: Mapping) -> float:
	"""What an opportunity is worth in company currency, as its deal expects it: of ERPNext only the form keeps that."""
	amount = flt(opportunity.get("opportunity_amount"))
	return amount * (flt(opportunity.get("conversion_rate")) or 1) or flt(opportunity.get("base_total"))


def measured(doc: Mapping, limits: list[Limit]) -> Figures:
	"""Of one document, with what its items cost where margins are limited, and what they are listed at where discounts are."""
	rows, company = doc.get("items") or (), doc.get("company")
	if not any(rules.holding(limits, measure, company) for measure in rules.MEASURES):
		return figures_of(doc)
	costs = listed = None
	known = exchange.read([doc], _currencies(limits))
	if rules.holding(limits, rules.MARGIN, company):
		costs = costs_of(_items(rows), company)
	if rules.holding(limits, rules.DISCOUNT, company):
		listed = prices.listed(doc.get("doctype"), [(doc, rows)], _offers_are_measured, known)[0]
	return figures_of(doc, None, costs, listed, known(doc, doc.get("currency")))


def _currencies(limits: list[Limit]) -> Callable[[Mapping], list[str | None]]:
	"""Those of price lists, where discounts are measured."""

	def of(doc: Mapping) -> list[str | None]:
		return prices.currencies_of(doc) if rules.holding(limits, rules.DISCOUNT, doc.get("company")) else []

	return of


def _items(rows: Iterable[Mapping]) -> set[str]:
	return {row.get("item_code") for row in rows} - {None, ""}


def _offers_are_measured(company: str) -> bool:
	settings = frappe.get_cached_doc(SETTINGS)
	return bool(
		cint(settings.get(WORKFLOWS["Quotation"].switch))
		and rules.holding(limits_of("Quotation"), rules.DISCOUNT, company)
	)


def find(doc: Mapping) -> list[Finding]:
	"""Limits one document passes, of an opportunity those that nobody saw yet. A query where margins are limited in its
	company, one where discounts are, one where the currency is another; otherwise none."""
	limits = limits_of(doc.get("doctype"))
	if not limits:
		return []
	if doc.get("doctype") == OPPORTUNITY:
		return _of_opportunity(doc, limits)
	return rules.find(measured(doc, limits), limits)


def find_in(doctype: str, names: list[str], limits: list[Limit]) -> dict[str, tuple[str, list[Finding]]]:
	"""(company, limits passed) of these documents, by name. Two queries; one more for each company where margins are limited,
	one where discounts are, as in `prices.listed`, and one where there are other currencies; one of opportunities."""
	if doctype == OPPORTUNITY:
		docs = frappe.get_all(doctype, {"name": ("in", names)}, list(_WORTH), order_by="name")
		return {doc.name: (doc.company, _of_opportunity(doc, limits)) for doc in docs}
	rows = defaultdict(list)
	for row in frappe.get_all(
		f"{doctype} Item",
		{"parent": ("in", names)},
		_columns(f"{doctype} Item", *_ROW, *prices.OF_ROW),
		order_by="parent, idx",
	):
		rows[row.parent].append(row)
	docs = frappe.get_all(
		doctype, {"name": ("in", names)}, _columns(doctype, *_HEADER, *prices.OF_DOCUMENT), order_by="name"
	)
	costs = {}
	for company in {doc.company for doc in docs}:
		if rules.holding(limits, rules.MARGIN, company):
			of_company = [row for doc in docs if doc.company == company for row in rows[doc.name]]
			costs[company] = costs_of(_items(of_company), company)
	known = exchange.read(docs, _currencies(limits))
	discounted = [doc for doc in docs if rules.holding(limits, rules.DISCOUNT, doc.company)]
	of_discounted = [(doc, rows[doc.name]) for doc in discounted]
	found = prices.listed(doctype, of_discounted, _offers_are_measured, known)
	listed = {doc.name: of_rows for doc, of_rows in zip(discounted, found, strict=True)}
	figures = {
		doc.name: figures_of(
			doc, rows[doc.name], costs.get(doc.company), listed.get(doc.name), known(doc, doc.currency)
		)
		for doc in docs
	}
	return {doc.name: (doc.company, rules.find(figures[doc.name], limits)) for doc in docs}


def _columns(doctype: str, *fields: str) -> list[str]:
	"""Those of the fields the DocType has, each once."""
	known = set(frappe.get_meta(doctype).get_valid_columns())
	return [field for field in dict.fromkeys(fields) if field in known]


def _of_opportunity(doc: Mapping, limits: list[Limit]) -> list[Finding]:
	figures = Figures(doc.get("company"), worth(doc))
	return rules.beyond(rules.find(figures, limits), flt(doc.get(QUALIFIED_FOR)))


def noted(findings: Collection[Finding], company: str | None) -> dict[str, int | str | None]:
	"""What a document keeps of what was found; the sentences in the language of who saves it."""
	return {
		NEEDED: int(bool(findings)),
		REASONS: "\n".join(in_words(findings, company)) or None,
		ROLES: definitions.mark(rules.approvers(findings)) or None,
		FINDINGS: json.dumps([astuple(finding) for finding in findings]) if findings else None,
	}


def reasons(doc: Mapping) -> list[str]:
	"""Why a document has to be approved, or had to be, as last found, in the language of who reads. Of a document saved by an
	earlier version in the language of who saved it."""
	if not doc.get(FINDINGS):
		return (doc.get(REASONS) or "").splitlines()
	found = (
		Finding(measure, actual, limit, tuple(roles), line)
		for measure, actual, limit, roles, line in json.loads(doc.get(FINDINGS))
	)
	return in_words(found, doc.get("company"))


def in_words(findings: Iterable[Finding], company: str | None) -> list[str]:
	"""One sentence for each, without markup."""
	sentences = []
	for finding in findings:
		if finding.measure == rules.VALUE:
			currency = frappe.get_cached_value("Company", company, "default_currency")
			sentences.append(
				_("Value {0} is above {1}: {2} has to approve.").format(
					fmt_money(finding.actual, currency=currency),
					fmt_money(finding.limit, currency=currency),
					_(finding.role),
				)
			)
		elif finding.measure == rules.DISCOUNT:
			sentences.append(
				_("Discount of {0} % in row {1} is above {2} %: {3} has to approve.").format(
					_number(finding.actual), finding.line, _number(finding.limit), _(finding.role)
				)
			)
		else:
			sentences.append(
				_("Margin of {0} % is below {1} %: {2} has to approve.").format(
					_number(finding.actual), _number(finding.limit), _(finding.role)
				)
			)
	return sentences


def _number(value: float) -> str:
	return f"{flt(value, 2):g}"
