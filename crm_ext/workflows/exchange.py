"""What the currency of a document is worth by the site's own rates. Reads; writes nothing.

Whoever enters a document types its exchange rate. A limit in company currency is measured at that or at the rate the site
keeps, whichever asks sooner for an approval. Where the site keeps none, the document's counts.
"""

from collections.abc import Callable, Collection, Iterable, Mapping

import frappe
from frappe.utils import add_days, cint, create_batch, flt, getdate, nowdate

_BATCH = 100
# Of a document and a currency; 0 where the site keeps no rate.
Known = Callable[[Mapping, str | None], float]


def read(documents: Iterable[Mapping], currencies: Callable[[Mapping], Collection[str | None]]) -> Known:
	"""`currencies`: what else but its own a document reckons in. A query where anything is in another currency."""
	wanted = {
		_key(doc, currency) for doc in documents for currency in (doc.get("currency"), *currencies(doc))
	}
	rates = _read(sorted(key for key in wanted if key[0] and key[1] and key[0] != key[1]))
	return lambda doc, currency: rates.get(_key(doc, currency), 0)


def _key(doc: Mapping, currency: str | None) -> tuple[str, str, str]:
	company_currency = frappe.get_cached_value("Company", doc.get("company"), "default_currency")
	return currency or "", company_currency or "", str(getdate(doc.get("transaction_date") or nowdate()))


def _read(keys: list[tuple[str, str, str]]) -> dict[tuple[str, str, str], float]:
	"""The newest rate for selling until that day, as ERPNext's `get_exchange_rate` proposes it."""
	settings = frappe.get_cached_doc("Accounts Settings")
	found = {}
	for batch in create_batch(keys, _BATCH):
		one = """(SELECT %s currency, %s company_currency, %s day, exchange_rate FROM `tabCurrency Exchange`
			WHERE from_currency = %s AND to_currency = %s AND date <= %s AND date > %s AND for_selling = 1
			ORDER BY date DESC LIMIT 1)"""
		values = []
		for key in batch:
			stale = cint(settings.get("allow_stale"))
			first = "1900-01-01" if stale else str(add_days(key[2], -cint(settings.get("stale_days"))))
			values += [*key, *key, first]
		for *key, rate in frappe.db.sql(" UNION ALL ".join([one] * len(batch)), values):
			found[tuple(map(str, key))] = flt(rate)
	return found
