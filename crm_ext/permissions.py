"""Who sees what. Frappe's roles, user permissions and shares hold for everything; `crm_ext.hierarchy` narrows that to a
part of the tree of Sales Persons, where it is switched on. What hangs on a deal follows the deal; a follow up is seen by
those it concerns and by those who may read the document it is about.

Hooks name what stands here, and reports and endpoints ask here: one source for all of them.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import frappe
from frappe.model.db_query import DatabaseQuery

from crm_ext.constants.visibility import COVERED, FOLLOW_UP
from crm_ext.follow_ups.model import ABOUT
from crm_ext.hierarchy import stand_ins, visibility
from crm_ext.hierarchy.rules import Sight

_KNOWN = "crm_ext_list_conditions"
# What who has a deal with a customer that nobody holds may do with it: not change it, or they would name themselves.
_READING = frozenset({None, "read", "select", "print", "email", "export", "report"})
# Seen by who sees their customer, other than by a deal with it alone, or their deal.
OF_CUSTOMER_AND_DEAL = ("Delivery Note", "Sales Invoice")
# What visibility may hide something of.
NARROWED = (*COVERED, *OF_CUSTOMER_AND_DEAL)
_FOLLOWED = (("customer", "Customer"), ("deal", "Deal"))
# What tells whose a follow up is.
_WHOSE = ("responsible", "owner", "escalated_to", "reference_doctype", "reference_name")


def list_conditions(doctype: str, user: str | None = None) -> str:
	"""SQL condition on the table of `doctype` for what its list shows `user` (the session's by default): roles, user
	permissions, shares, permission queries. Empty where that is all.
	"""
	user = user or frappe.session.user
	known = getattr(frappe.local, _KNOWN, None)
	if known is None:
		return _list_conditions(doctype, user)
	key = (doctype, user, *visibility.how_asked(doctype))
	if key not in known:
		known[key] = _list_conditions(doctype, user)
	return known[key]


def account_conditions(user: str | None = None) -> str:
	"""`list_conditions` of customers for what tells of their money and of all that was sold to them: not those one sees by
	a deal alone, which would open what others sold."""
	with visibility.of_holders():
		return list_conditions("Customer", user)


def has_account_permission(customer: str, user: str | None = None, throw: bool = False) -> bool:
	"""The same of one customer. Raises frappe.PermissionError where asked to."""
	with visibility.of_holders():
		return bool(frappe.has_permission("Customer", "read", doc=customer, user=user, throw=throw))


@contextmanager
def asked_once() -> Iterator[None]:
	"""Within the block the rules of each DocType are read once: for a page that is many lists."""
	setattr(frappe.local, _KNOWN, {})
	try:
		yield
	finally:
		setattr(frappe.local, _KNOWN, None)


def _list_conditions(doctype: str, user: str) -> str:
	if not frappe.has_permission(doctype, "read", user=user):
		return "1 = 0"
	query = DatabaseQuery(doctype, user=user)
	conditions = query.build_match_conditions()
	# What is shared with a user whose roles give nothing is put there by Frappe instead.
	return " AND ".join(filter(None, (conditions, *query.conditions)))


def visibility_conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""SQL condition on the table of `doctype`, one of constants.visibility.HOLDERS; empty where nothing is narrowed."""
	return visibility.condition(doctype, user or frappe.session.user)


def has_visibility(doc, ptype: str = "read", user: str | None = None) -> bool | None:
	"""False where the list would not show the document *as it is stored*: what somebody is about to save neither takes
	it from those who hand it over nor gives it to those who write themselves into it. None: nothing against it.
	"""
	if ptype == "create":
		return None
	user = user or frappe.session.user
	if ptype in _READING:
		return unless_hidden(doc, visibility.condition_on_one(doc.doctype, user))
	with visibility.of_holders():
		return unless_hidden(doc, visibility.condition_on_one(doc.doctype, user))


def is_seen_by_deal_alone(doc, user: str | None = None) -> bool:
	"""Of a record the user sees."""
	with visibility.of_holders():
		return has_visibility(doc, "read", user) is False


def has_website_visibility(doc, ptype: str = "read", user: str | None = None, verbose: bool = False) -> bool:
	"""ERPNext lets print and show on the website whatever is of a customer the user may read; not what is hidden."""
	return has_visibility(doc, ptype, user) is not False


def is_seen(doc, condition: str) -> bool | None:
	"""Whether a condition on the table of its DocType holds for a document as it is stored; None: nothing against it."""
	if not condition or not doc.name:
		return None
	row = frappe.db.sql(
		f"SELECT {condition} FROM `tab{doc.doctype}` WHERE name = {frappe.db.escape(doc.name, percent=False)}"
	)
	# What is not stored yet is nobody's.
	return bool(row[0][0]) if row else None


def unless_hidden(doc, condition: str) -> bool | None:
	"""The same as the answer of a hook: never True, which Frappe takes for the last word and asks no other app, nor itself."""
	return False if is_seen(doc, condition) is False else None


def narrowed_doctypes(user: str | None = None) -> list[str]:
	"""DocTypes of which visibility hides something from the user."""
	user = user or frappe.session.user
	return [doctype for doctype in NARROWED if visibility.sight_of(user, doctype)]


def following_conditions(user: str | None = None, doctype: str | None = None) -> str:
	"""SQL condition on the table of a Delivery Note or a Sales Invoice; empty where nothing is narrowed. It is seen by who
	made it, who has its deal, and who sees its customer other than by a deal alone."""
	user = user or frappe.session.user
	sight = visibility.sight_of(user, doctype)
	if not sight:
		return ""
	return _following(doctype, user, sight, list_conditions)


def _following(doctype: str, user: str, sight: Sight, conditions_of: Callable[[str, str], str]) -> str:
	with visibility.of_holders():
		targets = [(field, target, conditions_of(target, user)) for field, target in _FOLLOWED]
	if not all(seen for _field, _target, seen in targets):
		return ""
	return visibility.following(doctype, user, sight, targets)


def has_following_visibility(doc, ptype: str = "read", user: str | None = None) -> bool | None:
	"""As `has_visibility`, of what follows its customer and its deal."""
	user = user or frappe.session.user
	sight = None if ptype == "create" else visibility.sight_of(user, doc.doctype)
	if not sight:
		return None
	with visibility.asked_of_one():
		return unless_hidden(doc, _following(doc.doctype, user, sight, _list_conditions))


def has_following_website_visibility(
	doc, ptype: str = "read", user: str | None = None, verbose: bool = False
) -> bool:
	return has_following_visibility(doc, ptype, user) is not False


def readable(documents: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
	"""Those of (doctype, name), all of which exist, that the session's user may read. At most one statement: none where
	nothing but roles decides."""
	by_doctype: dict[str, set[str]] = {}
	for doctype, name in documents:
		by_doctype.setdefault(doctype, set()).add(name)
	found, selects, params = set(), [], []
	for doctype, names in by_doctype.items():
		conditions = list_conditions(doctype)
		if not conditions:
			found.update((doctype, name) for name in names)
			continue
		conditions = conditions.replace("%", "%%")
		selects.append(f"SELECT '{doctype}', name FROM `tab{doctype}` WHERE name IN %s AND ({conditions})")
		params.append(sorted(names))
	return found.union(frappe.db.sql(" UNION ALL ".join(selects), params) if selects else ())


def deal_conditions(user: str | None = None) -> str:
	"""`list_conditions` of deals."""
	return list_conditions("Deal", user)


def ledger_entry_conditions(user: str | None = None) -> str:
	return _through_deal("Deal Ledger Entry", user)


def stage_change_conditions(user: str | None = None) -> str:
	return _through_deal("Deal Stage Change", user)


def _through_deal(doctype: str, user: str | None) -> str:
	conditions = deal_conditions(user)
	if not conditions:
		return ""
	return f"`tab{doctype}`.deal IN (SELECT `tabDeal`.name FROM `tabDeal` WHERE {conditions})"


def has_permission_through_deal(doc, ptype: str = "read", user: str | None = None) -> bool:
	return bool(frappe.has_permission("Deal", "read", doc=doc.deal, user=user)) if doc.deal else True


def promise_conditions(user: str | None = None) -> str:
	return _through_customer("Payment Promise", user)


def credit_release_conditions(user: str | None = None) -> str:
	return _through_customer("Credit Release", user)


def credit_check_conditions(user: str | None = None) -> str:
	return _through_customer("Credit Check", user)


def _through_customer(doctype: str, user: str | None) -> str:
	"""SQL condition on the table of `doctype`: rows of customers the person may read, other than by a deal alone."""
	conditions = account_conditions(user)
	if not conditions:
		return ""
	return f"`tab{doctype}`.customer IN (SELECT `tabCustomer`.name FROM `tabCustomer` WHERE {conditions})"


def has_permission_through_customer(doc, ptype: str = "read", user: str | None = None) -> bool:
	"""Who may read the customer, other than by a deal alone. Roles decide what those may do; this only takes away."""
	return has_account_permission(doc.customer, user) if doc.customer else True


def has_message_permission(doc, ptype: str = "read", user: str | None = None) -> bool | None:
	"""What was sent to a customer, such as a statement of account, with the files attached to it: not for who sees the
	customer by a deal alone, unless they sent it. The rest is Frappe's to decide."""
	user = user or frappe.session.user
	if (
		doc.reference_doctype != "Customer"
		or not doc.reference_name
		or ptype == "create"
		or doc.owner == user
	):
		return None
	if not visibility.sight_of(user, "Customer") or has_account_permission(doc.reference_name, user):
		return None
	return False


def follow_up_conditions(user: str | None = None) -> str:
	"""SQL condition on `tabFollow Up`: the person's own, and those about documents the person may read."""
	user = user or frappe.session.user
	if user == "Administrator":
		return ""
	parts = [f"`tabFollow Up`.responsible = {frappe.db.escape(user)}"]
	parts.append(f"`tabFollow Up`.owner = {frappe.db.escape(user)}")
	parts.append(f"`tabFollow Up`.escalated_to = {frappe.db.escape(user)}")
	if sight := visibility.sight_of(user, FOLLOW_UP):
		people = ", ".join(frappe.db.escape(one, percent=False) for one in sorted(sight.users))
		parts.append(f"`tabFollow Up`.responsible IN ({people})")
	free = []
	for doctype in ABOUT:
		if not frappe.has_permission(doctype, "read", user=user):
			continue
		conditions = list_conditions(doctype, user)
		if not conditions:
			free.append(doctype)
			continue
		parts.append(
			f"(`tabFollow Up`.reference_doctype = {frappe.db.escape(doctype)} AND `tabFollow Up`.reference_name IN"
			f" (SELECT `tab{doctype}`.name FROM `tab{doctype}` WHERE {conditions}))"
		)
	if free:
		names = ", ".join(frappe.db.escape(doctype) for doctype in free)
		parts.append(f"`tabFollow Up`.reference_doctype IN ({names})")
	return f"({' OR '.join(parts)})"


def has_follow_up_permission(doc, ptype: str = "read", user: str | None = None) -> bool:
	"""The responsible, who planned it, whom it was escalated to, and who may read the document it is about.

	Roles decide what those may do with it; this only takes away.
	"""
	user = user or frappe.session.user
	if ptype != "create" and visibility.sight_of(user, FOLLOW_UP):
		seen = is_seen(doc, follow_up_conditions(user))
		if seen is not None:
			return seen
	if ptype not in ("read", "create"):
		# As it is stored: nobody takes a follow up by writing their own name into it.
		doc = frappe.db.get_value("Follow Up", doc.name, _WHOSE, as_dict=True) or doc if doc.name else doc
	if user == "Administrator" or user in (doc.responsible, doc.owner, doc.get("escalated_to")):
		return True
	if not doc.reference_doctype or not doc.reference_name:
		return True
	if not frappe.db.exists(doc.reference_doctype, doc.reference_name):
		return False
	return bool(frappe.has_permission(doc.reference_doctype, "read", doc=doc.reference_name, user=user))


def preference_conditions(user: str | None = None) -> str:
	user = user or frappe.session.user
	if user == "Administrator" or "System Manager" in frappe.get_roles(user):
		return ""
	return f"`tabFollow Up Preference`.user = {frappe.db.escape(user)}"


def has_preference_permission(doc, ptype: str = "read", user: str | None = None) -> bool:
	user = user or frappe.session.user
	return user == "Administrator" or doc.user == user or "System Manager" in frappe.get_roles(user)


def stand_in_conditions(user: str | None = None) -> str:
	"""Who stands in for oneself and those below, and for whom one does."""
	user = user or frappe.session.user
	people = stand_ins.may_arrange(user)
	if people is None:
		return ""
	names = ", ".join(frappe.db.escape(one, percent=False) for one in sorted(people))
	own = frappe.db.escape(user, percent=False)
	return f"(`tabStand In`.user IN ({names}) OR `tabStand In`.stand_in = {own})"


def has_stand_in_permission(doc, ptype: str = "read", user: str | None = None) -> bool | None:
	"""The stand-in may read it; who may arrange it may change it."""
	user = user or frappe.session.user
	people = stand_ins.may_arrange(user)
	stored = frappe.db.get_value("Stand In", doc.name, ("user", "stand_in")) if doc.name else None
	if people is None or not stored:
		return None
	absent, other = stored
	return None if absent in people or (ptype == "read" and other == user) else False
