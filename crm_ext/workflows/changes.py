"""Changes of what is submitted already, as by ERPNext's Update Items: what goes further beyond a limit needs who may approve it.

What a document was submitted for stays allowed. ERPNext writes the rows one by one before it saves the document, so what
was is read before the first row is written.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import frappe
from frappe.model.document import Document

from crm_ext.workflows import limits as rules
from crm_ext.workflows import measures
from crm_ext.workflows.limits import Figures, Finding, Limit

_KEY = "crm_ext_before_change"
_EPS = 0.005


@dataclass(frozen=True, slots=True)
class Known:
	"""What was measured of a document, and the discount of each row in per cent, by its name."""

	figures: Figures
	discounts: dict[str, float]


def raised(before: Known, after: Known, limits: Collection[Limit]) -> list[Finding]:
	"""Limits passed now in what went further beyond them than before. Pure."""
	lines = tuple(
		line
		for (row, discount), line in zip(after.discounts.items(), after.figures.lines, strict=True)
		if discount > before.discounts.get(row, 0) + _EPS
	)
	was, now = rules.margin(before.figures), rules.margin(after.figures)
	of = {
		rules.VALUE: after.figures if after.figures.value > before.figures.value + _EPS else None,
		rules.DISCOUNT: replace(after.figures, lines=lines),
		rules.MARGIN: after.figures if now is not None and (was is None or now < was - _EPS) else None,
	}
	return [
		finding
		for measure, figures in of.items()
		if figures
		for finding in rules.find(figures, [limit for limit in limits if limit.measure == measure])
	]


def remember(row: Document) -> None:
	"""Before a row of a submitted document is written by itself: how the document stands."""
	known = getattr(frappe.local, _KEY, None)
	if known is None:
		known = {}
		setattr(frappe.local, _KEY, known)
		frappe.db.after_commit.add(_forget)
		frappe.db.after_rollback.add(_forget)
	limits = measures.limits_of(row.parenttype)
	if limits and (row.parenttype, row.parent) not in known:
		known[(row.parenttype, row.parent)] = _measure(frappe.get_doc(row.parenttype, row.parent), limits)


def _forget() -> None:
	setattr(frappe.local, _KEY, None)


def check(doc: Document, refuse: Callable[[Document, list[Finding]], None]) -> list[Finding]:
	"""Before a submitted document is saved: what went further beyond a limit, after `refuse` was asked of it; what has to
	be approved is noted anew."""
	limits = measures.limits_of(doc.doctype)
	if not limits:
		return []
	remembered = (getattr(frappe.local, _KEY, None) or {}).pop((doc.doctype, doc.name), None)
	before, after = remembered or _measure(doc.get_doc_before_save(), limits), _measure(doc, limits)
	if before == after:
		return []
	found = raised(before, after, limits)
	if found:
		refuse(doc, found)
	findings = rules.find(after.figures, limits)
	doc.update(measures.noted(findings, doc.company))
	return found


def _measure(doc: Document, limits: list[Limit]) -> Known:
	figures = measures.measured(doc, limits)
	discounts = {
		row.name: rules.largest_discount(replace(figures, lines=(line,)))[0]
		for row, line in zip(doc.get("items"), figures.lines, strict=True)
	}
	return Known(figures, discounts)
