"""What rows of quotations and orders are listed at. Reads; writes nothing.

ERPNext fills a row's list price where it is empty and believes it otherwise, as it believes that a row is free: only its form
guards both. So the Item Prices are asked once more, for all rows of all documents at once, and chosen from as ERPNext's
`get_item_details.get_price_list_rate_for` does. It reads "Price Not UOM Dependent" under a name nothing fills, so a price
of another UOM is always converted.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date

import frappe
from erpnext.accounts.doctype.pricing_rule.utils import get_applied_pricing_rules
from frappe.utils import cint, flt, getdate, nowdate

from crm_ext.workflows.exchange import Known

_EVER, _NEVER = date(1900, 1, 1), date(9999, 12, 31)
# Columns of documents and rows that are asked for here.
OF_DOCUMENT = (
	"company",
	"coupon_code",
	"conversion_rate",
	"currency",
	"customer",
	"party_name",
	"plc_conversion_rate",
	"quotation_to",
	"selling_price_list",
	"transaction_date",
)
OF_ROW = (
	"base_price_list_rate",
	"conversion_factor",
	"is_free_item",
	"item_code",
	"pricing_rules",
	"quotation_item",
	"stock_qty",
	"stock_uom",
	"uom",
)
Documents = Sequence[tuple[Mapping, Sequence[Mapping]]]


def listed(
	doctype: str, documents: Documents, measured: Callable[[str], bool], known: Known
) -> list[list[float]]:
	"""Of each document's rows what one of the row's UOM is listed at, in company currency: 0 where no price is known, or where
	a pricing rule gives it for nothing.

	What a row says itself is right below its list price where a pricing rule sets the rate, or where it was offered so:
	`measured` says whether offers of a company are measured themselves, `known` what currencies are worth. One query, and one each for pricing rules and offers where a row is below its list price.
	"""
	prices = _read(documents)
	found = [
		[_price(doctype, doc, row, prices, known, doc.get("transaction_date")) for row in rows]
		for doc, rows in documents
	]
	low = [
		(place, number, doc, row)
		for place, (doc, rows) in enumerate(documents)
		for number, row in enumerate(rows)
		if cint(row.get("is_free_item")) or flt(row.get("base_price_list_rate")) < found[place][number]
	]
	if low:
		rules = _read_rules(documents, [row for *_rest, row in low])
		offers = _read_offers([row for *_rest, row in low])
		for place, number, doc, row in low:
			of_row = _applied(doc, documents[place][1], row, rules)
			if cint(row.get("is_free_item")):
				lower = [0.0] if any(_gives(rule, row) for rule in of_row) else []
			else:
				lower = [*_set_by(of_row, doc, row)]
				if offer := offers.get(row.get("quotation_item")):
					lower += _offered(doctype, doc, row, offer, prices, known, measured(doc.get("company")))
			found[place][number] = min([found[place][number], *lower])
	return found


# Item Prices


def customer_of(doc: Mapping) -> str:
	if doc.get("quotation_to"):
		return (doc.get("quotation_to") == "Customer" and doc.get("party_name")) or ""
	return doc.get("customer") or ""


def _lists(doc: Mapping) -> list[str]:
	"""The document's price list, and the one ERPNext falls back to; a list that is not for selling is nobody's to choose."""
	own = doc.get("selling_price_list")
	if not own:
		return []
	settings = frappe.get_cached_doc("Selling Settings")
	for_selling = cint(frappe.get_cached_value("Price List", own, "selling"))
	falls_back = not for_selling or cint(settings.get("fallback_to_default_price_list"))
	found = (own if for_selling else None, settings.selling_price_list if falls_back else None)
	return list(filter(None, dict.fromkeys(found)))


def currencies_of(doc: Mapping) -> list[str | None]:
	return [frappe.get_cached_value("Price List", one, "currency") for one in _lists(doc)]


def _read(documents: Documents) -> dict[tuple[str, str], list[Mapping]]:
	"""(item, price list) -> Item Prices of the item, and of its template. One query."""
	lists = {one for doc, _rows in documents for one in _lists(doc)}
	items = {row.get("item_code") for _doc, rows in documents for row in rows} - {None, ""}
	if not lists or not items:
		return {}
	select = """SELECT i.name item, {} inherited, p.price_list, p.currency, IFNULL(p.customer, '') customer,
			IFNULL(p.uom, '') uom, IFNULL(p.batch_no, '') batch_no, p.valid_from, p.valid_upto, p.price_list_rate rate,
			IF(p.uom = i.stock_uom, 1, u.conversion_factor) factor
		FROM tabItem i JOIN `tabItem Price` p ON p.item_code = {}
		LEFT JOIN `tabUOM Conversion Detail` u ON u.parenttype = 'Item' AND u.parent = i.name AND u.uom = p.uom
		WHERE i.name IN %(items)s AND p.price_list IN %(lists)s AND IFNULL(p.supplier, '') = ''
			AND IFNULL(p.customer, '') IN %(customers)s"""
	rows = frappe.db.sql(
		f"{select.format(0, 'i.name')} UNION ALL {select.format(1, 'i.variant_of')} AND i.variant_of != ''",
		{
			"items": sorted(items),
			"lists": sorted(lists),
			"customers": sorted({"", *(customer_of(doc) for doc, _rows in documents)}),
		},
		as_dict=True,
	)
	found = defaultdict(list)
	for row in rows:
		found[(row.item, row.price_list)].append(row)
	return found


def _price(
	doctype: str,
	doc: Mapping,
	row: Mapping,
	prices: Mapping[tuple[str, str], list[Mapping]],
	known: Known,
	day: date | str | None,
) -> float:
	"""In company currency, rounded as ERPNext writes it into the row; 0 if there is none.

	Where nothing was listed on the day, what is listed today counts: no document is dated back to before there were prices.
	"""
	for on in dict.fromkeys((getdate(day or nowdate()), getdate(nowdate()))):
		for price_list in _lists(doc):
			of_item = prices.get((row.get("item_code"), price_list), ())
			for inherited in (0, 1):
				candidates = [price for price in of_item if price.inherited == inherited]
				chosen = choose(candidates, row, customer_of(doc), on)
				if chosen is None:
					continue
				rate, currency = chosen
				if rate > 0:
					return _as_in_row(doctype, doc, rate, currency, known)
				break
	return 0.0


def choose(
	prices: Iterable[Mapping], row: Mapping, customer: str, day: date
) -> tuple[float, str | None] | None:
	"""(rate of the row's UOM, currency) as ERPNext chooses: the customer's own price, else the general one, else that of the
	stock UOM; of several the newest. What it leaves to chance is the lowest. Pure."""
	batch, uom = row.get("batch_no") or "", row.get("uom") or ""
	valid = [
		price
		for price in prices
		if price["batch_no"] in ("", batch)
		and getdate(price["valid_from"] or _EVER) <= day <= getdate(price["valid_upto"] or _NEVER)
	]
	for whose, of_uom in ((customer, uom), ("", uom), ("", row.get("stock_uom") or "")):
		found = [price for price in valid if price["customer"] == whose and price["uom"] in ("", of_uom)]
		if found:
			newest = max(map(_rank, found))
			return min(
				((_converted(price, row), price["currency"]) for price in found if _rank(price) == newest),
				key=lambda pair: pair[0],
			)
	return None


def _rank(price: Mapping) -> tuple:
	return getdate(price["valid_from"] or _EVER), price["batch_no"], price["uom"]


def _converted(price: Mapping, row: Mapping) -> float:
	rate, factor = flt(price["rate"]), flt(row.get("conversion_factor")) or 1
	if price["uom"] != (row.get("uom") or ""):
		return rate * factor
	# A box that is said to hold more than it does costs more.
	known = flt(price["factor"])
	return rate * max(1, factor / known) if known else rate


def _as_in_row(doctype: str, doc: Mapping, rate: float, currency: str | None, known: Known) -> float:
	"""A rate of the price list in company currency, by way of the document's, as far as ERPNext's fields keep it."""
	company_currency = frappe.get_cached_value("Company", doc.get("company"), "default_currency")
	conversion = flt(doc.get("conversion_rate")) or 1
	# Too dear a currency makes the list look cheap.
	real = min(conversion, known(doc, doc.get("currency")) or conversion)
	if currency == doc.get("currency"):
		shown = rate
	elif currency == company_currency:
		shown = rate / real
	else:
		shown = rate * max(flt(doc.get("plc_conversion_rate")) or 1, known(doc, currency)) / real
	shown = flt(shown, _precision(doctype, "price_list_rate", doc.get("currency")))
	return flt(shown * conversion, _precision(doctype, "base_price_list_rate", company_currency))


def _precision(doctype: str, field: str, currency: str | None) -> int:
	return frappe.get_precision(f"{doctype} Item", field, currency=currency)


# Pricing rules


def _read_rules(documents: Documents, rows: Iterable[Mapping]) -> dict[str, Mapping]:
	"""The rules these rows say they follow, with the items of the documents each is about. A query where there are any."""
	names = {name for row in rows for name in get_applied_pricing_rules(row.get("pricing_rules"))}
	if not names:
		return {}
	items = {row.get("item_code") for _doc, rows in documents for row in rows} - {None, ""}
	found = {}
	for rule in frappe.db.sql(
		"""SELECT r.name, r.apply_on, r.price_or_product_discount, r.rate_or_discount, r.rate, r.currency, r.min_qty,
			r.valid_from, r.valid_upto, r.company, r.applicable_for, r.customer, r.for_price_list, r.coupon_code_based,
			r.free_item, r.same_item, i.name item, COALESCE(item.uom, grp.uom, brand.uom) uom
		FROM `tabPricing Rule` r
		LEFT JOIN `tabPricing Rule Item Code` item ON item.parent = r.name AND r.apply_on = 'Item Code'
		LEFT JOIN `tabPricing Rule Item Group` grp ON grp.parent = r.name AND r.apply_on = 'Item Group'
		LEFT JOIN `tabItem Group` above ON above.name = grp.item_group
		LEFT JOIN `tabPricing Rule Brand` brand ON brand.parent = r.name AND r.apply_on = 'Brand'
		JOIN tabItem i ON i.name IN %(items)s
		JOIN `tabItem Group` own ON own.name = i.item_group
		WHERE r.name IN %(names)s AND r.selling = 1 AND r.disable = 0 AND (r.apply_on = 'Transaction'
			OR item.item_code IN (i.name, i.variant_of) OR own.lft BETWEEN above.lft AND above.rgt OR brand.brand = i.brand
			OR r.other_item_code = i.name OR r.other_item_group = i.item_group OR r.other_brand = i.brand)""",
		{"names": sorted(names), "items": sorted(items)},
		as_dict=True,
	):
		found.setdefault(rule.name, frappe._dict(rule, items={}))["items"][rule.item] = rule.uom
	return found


def _applied(
	doc: Mapping, rows: Iterable[Mapping], row: Mapping, rules: Mapping[str, Mapping]
) -> list[Mapping]:
	"""Of the rules a row says it follows those that are for this document."""
	day = getdate(doc.get("transaction_date") or nowdate())
	paid = [one for one in rows if not cint(one.get("is_free_item"))]
	return [
		rule
		for name in get_applied_pricing_rules(row.get("pricing_rules"))
		if (rule := rules.get(name))
		and getdate(rule.valid_from or _EVER) <= day <= getdate(rule.valid_upto or _NEVER)
		and rule.company in (None, "", doc.get("company"))
		and rule.for_price_list in (None, "", doc.get("selling_price_list"))
		and (rule.applicable_for != "Customer" or rule.customer == customer_of(doc))
		and (doc.get("coupon_code") or not rule.coupon_code_based)
		and (about := [one for one in paid if one.get("item_code") in rule["items"]])
		and sum(flt(one.get("stock_qty")) for one in about) >= flt(rule.min_qty)
	]


def _gives(rule: Mapping, row: Mapping) -> bool:
	item = row.get("item_code")
	same = rule.same_item and rule.apply_on != "Transaction"
	return rule.price_or_product_discount == "Product" and (
		item in rule["items"] if same else item == rule.free_item
	)


def _set_by(rules: Iterable[Mapping], doc: Mapping, row: Mapping) -> Iterable[float]:
	"""Rates that rules set in place of the list price, in company currency."""
	for rule in rules:
		of_item = row.get("item_code") in rule["items"]
		if of_item and rule.rate_or_discount == "Rate" and rule.currency == doc.get("currency"):
			same = rule["items"][row.get("item_code")] == row.get("uom")
			yield (
				flt(rule.rate)
				* (1 if same else flt(row.get("conversion_factor")) or 1)
				* (flt(doc.get("conversion_rate")) or 1)
			)


# Offers


def _read_offers(rows: Iterable[Mapping]) -> dict[str, Mapping]:
	"""Rows of submitted quotations these rows of orders come from. A query where there are any."""
	names = {row.get("quotation_item") for row in rows} - {None, ""}
	if not names:
		return {}
	return {
		row.name: row
		for row in frappe.db.sql(
			"""SELECT r.name, r.item_code, r.uom, r.price_list_rate, q.currency, q.quotation_to, q.party_name,
				q.transaction_date
			FROM `tabQuotation Item` r JOIN tabQuotation q ON q.name = r.parent
			WHERE r.name IN %s AND q.docstatus = 1""",
			(sorted(names),),
			as_dict=True,
		)
	}


def _offered(
	doctype: str,
	doc: Mapping,
	row: Mapping,
	offer: Mapping,
	prices: Mapping[tuple[str, str], list[Mapping]],
	known: Known,
	measured: bool,
) -> Collection[float]:
	"""What a row was listed at when it was offered to this customer: by the offer where that was measured itself, else by what
	was valid on its day."""
	if offer.item_code != row.get("item_code") or (
		offer.quotation_to == "Customer" and offer.party_name != customer_of(doc)
	):
		return []
	if measured and (offer.uom, offer.currency) == (row.get("uom"), doc.get("currency")):
		return [flt(offer.price_list_rate) * (flt(doc.get("conversion_rate")) or 1)]
	then = _price(doctype, doc, row, prices, known, offer.transaction_date)
	return [then] if then else []
