"""What stands against one more document of a customer, in figures and in words. Reads only."""

from dataclasses import dataclass, field
from datetime import timedelta

import frappe
from erpnext.selling.doctype.customer.customer import get_credit_limit
from frappe import _
from frappe.utils import cint, escape_html, flt, fmt_money, get_link_to_form, getdate, nowdate

from crm_ext.receivables import credit_queries as queries
from crm_ext.receivables import credit_rules as rules
from crm_ext.receivables import turns
from crm_ext.receivables.credit_rules import Exposure, Overdue, Reason


@dataclass(frozen=True, slots=True)
class Found:
	"""The result of one check. `value` is what the document adds, in company currency."""

	value: float = 0.0
	currency: str | None = None
	reasons: list[Reason] = field(default_factory=list)
	exposure: Exposure = field(default_factory=Exposure)
	late: Overdue = field(default_factory=Overdue)
	days: int = 0  # within which promises were counted
	limited: bool = False  # whether there is a limit the value counts against


def settings() -> "frappe._dict":
	return frappe.get_cached_doc("CRM Ext Settings")


def is_strict() -> bool:
	strict = settings().credit_strict
	# A Single that was saved before the field came does not know its default.
	return strict is None or bool(cint(strict))


def check(
	customer: str, company: str, value: float, order: str | None = None, binding: bool = False
) -> Found:
	"""Check a document that adds `value`, by the policies of its customer. `order`: an order that may be counted already,
	and is left out of the customer's open orders. `binding`: the order is submitted with it: with the strict setting others
	of the customer wait until the transaction ends.

	One query without a policy, at most five more with the company's or the customer's own limit; three more when binding.
	"""
	policies = queries.policies(customer, company)
	allowed = rules.resolve(policies)
	if rules.LIMIT in allowed and not allowed[rules.LIMIT]:
		allowed[rules.LIMIT] = get_credit_limit(customer, company)
	allowed = {kind: flt(most) for kind, most in allowed.items() if kind != rules.LIMIT or flt(most) > 0}
	if not allowed:
		return Found(value)
	today, days = getdate(nowdate()), rules.promise_days(policies)
	limited = rules.LIMIT in allowed
	exposure = _exposure(customer, company, order, binding) if limited else Exposure()
	late, broken = Overdue(), 0
	if rules.OVERDUE_AMOUNT in allowed or rules.OVERDUE_DAYS in allowed:
		late = rules.overdue(queries.open_items(customer, company), today)
	if rules.PROMISES in allowed:
		broken = queries.broken_promises(customer, company, today - timedelta(days=days))
	found = rules.reasons(allowed, exposure, late, broken, value)
	currency = frappe.get_cached_value("Company", company, "default_currency")
	return Found(value, currency, found, exposure, late, days, limited)


def _exposure(customer: str, company: str, order: str | None, binding: bool) -> Exposure:
	unseen = turns.take(customer, company, order) if binding and order and is_strict() else 0.0
	exposure = queries.exposure(customer, company, without=order)
	return Exposure(exposure.outstanding, exposure.open_orders + unseen, exposure.deliveries)


# In words


def words(found: Found, doctype: str | None = None) -> list[str]:
	"""Each reason as a sentence (HTML), for a document of this kind; without one for the customer as it stands."""
	return [_SENTENCES[reason.kind](found, reason, doctype) for reason in found.reasons]


def _limit(found: Found, reason: Reason, doctype: str | None) -> str:
	exposure, money = found.exposure, _money(found)
	parts = [_("Outstanding {0}").format(money(exposure.outstanding))]
	if exposure.open_orders:
		parts.append(_("open orders {0}").format(money(exposure.open_orders)))
	if exposure.deliveries:
		parts.append(_("delivered and not billed {0}").format(money(exposure.deliveries)))
	if doctype == "Quotation":
		parts.append(_("this quotation {0}").format(money(found.value)))
	elif doctype:
		parts.append(_("this order {0}").format(money(found.value)))
	return _("{0} exceed the credit limit of {1} by {2}").format(
		" + ".join(parts), money(reason.allowed), money(reason.found - reason.allowed)
	)


def _overdue_amount(found: Found, reason: Reason, doctype: str | None) -> str:
	money = _money(found)
	return _("{0} is overdue, {1} is allowed").format(money(reason.found), money(reason.allowed))


def _overdue_days(found: Found, reason: Reason, doctype: str | None) -> str:
	voucher = escape_html(found.late.voucher or "")
	if reason.found == 1:
		return _("Invoice {0} is overdue for 1 day, {1} are allowed").format(voucher, cint(reason.allowed))
	return _("Invoice {0} is overdue for {1} days, {2} are allowed").format(
		voucher, cint(reason.found), cint(reason.allowed)
	)


def _promises(found: Found, reason: Reason, doctype: str | None) -> str:
	if reason.found == 1:
		return _("1 promise was broken in the last {0} days, {1} are allowed").format(
			found.days, cint(reason.allowed)
		)
	return _("{0} promises were broken in the last {1} days, {2} are allowed").format(
		cint(reason.found), found.days, cint(reason.allowed)
	)


_SENTENCES = {
	rules.LIMIT: _limit,
	rules.OVERDUE_AMOUNT: _overdue_amount,
	rules.OVERDUE_DAYS: _overdue_days,
	rules.PROMISES: _promises,
}


def _money(found: Found):
	return lambda amount: fmt_money(amount, currency=found.currency)


def as_list(sentences: list[str]) -> str:
	return f"<ul>{''.join(f'<li>{sentence}</li>' for sentence in sentences)}</ul>"


def link(doctype: str, name: str) -> str:
	return get_link_to_form(doctype, name, escape_html(name))
