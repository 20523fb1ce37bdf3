"""The condition that narrows what salespeople see to their part of the tree. Reads only.

Nothing is narrowed while it is switched off, for Administrator and System Managers, and for whom a role other than
the sales roles lets read the DocType: accountants and buyers keep what ERPNext gives them.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

import frappe
from frappe.utils import cint, getdate, nowdate

from crm_ext.constants.visibility import ALL, HOLDERS, OWN_AND_BELOW, SALES_ROLES
from crm_ext.hierarchy import conditions, rules, world
from crm_ext.hierarchy.rules import Sight

_TRIAL = "crm_ext_visibility_trial"
_OF_ONE = "crm_ext_visibility_of_one"
_OF_HOLDERS = "crm_ext_visibility_of_holders"
# Whoever has one of these has them without having been given them.
_AUTOMATIC_ROLES = {"All", "Desk User", "Guest"}


# From so many rows on they are not looked up beforehand. Of 200,000 orders, looking up 8,000 takes about as long as reading
# them one by one until the 1,001 are found up to which the desk counts: 0.2 seconds, the worst for page and counter.
_MUCH = 8000
# From so many people on the database takes longer to guess how many rows each of them has (1.5 ms for a hundred) than to
# read a page along `modified`, where they have much between them.
_MANY = 16


@dataclass(frozen=True)
class Terms:
	"""What the settings say; `rules`: role -> scope; `territories`: who manages one sees what is in it."""

	enabled: bool
	scope: str
	rules: Mapping[str, str]
	territories: bool = False


OFF = Terms(False, ALL, {})


def terms() -> Terms:
	tried = getattr(frappe.local, _TRIAL, None)
	if tried is not None:
		return tried
	settings = frappe.get_cached_doc("CRM Ext Settings")
	return terms_of(settings) if cint(settings.get("visibility_enabled")) else OFF


def terms_of(settings, enabled: bool = True) -> Terms:
	"""Those of the settings given, saved or not."""
	given = [
		(row.role, row.scope) for row in settings.get("visibility_rules") or () if row.role and row.scope
	]
	by_role = {role: rules.widest(scope for other, scope in given if other == role) for role, _scope in given}
	return Terms(
		enabled,
		settings.get("visibility_scope") or OWN_AND_BELOW,
		by_role,
		bool(cint(settings.get("visibility_territories"))),
	)


@contextmanager
def tried(these: Terms) -> Iterator[None]:
	"""Within the block these count instead of the settings."""
	setattr(frappe.local, _TRIAL, these)
	try:
		yield
	finally:
		setattr(frappe.local, _TRIAL, None)


def sight_of(user: str, doctype: str) -> Sight | None:
	"""Whose records of `doctype` the user sees; None: not narrowed."""
	if user == "Administrator":
		return None
	these = terms()
	if not these.enabled:
		return None
	if _scope(user, doctype, these) == ALL:
		return None
	known = world.of(user)
	found: Sight | None = None
	# Which day it is takes longer to find out than all the rest.
	absent = rules.absent(known.absences, user, getdate(nowdate())) if known.absences else ()
	for one in (user, *absent):
		scope = _scope(one, doctype, these)
		if scope == ALL:
			return None
		if scope:
			seen = known.sights[one][scope]
			found = found | seen if found else seen
	if found and these.territories:
		found = found._replace(territories=rules.managed(world.read().places, found.persons))
	return found


def _scope(user: str, doctype: str, these: Terms) -> str | None:
	roles = frappe.get_roles(user)
	if user == "Administrator" or "System Manager" in roles:
		return ALL
	granted = {
		row.role
		for row in frappe.get_meta(doctype).permissions
		if row.read and not cint(row.permlevel) and not row.if_owner
	}
	sales = SALES_ROLES | these.rules.keys()
	return rules.scope_of(set(roles) - _AUTOMATIC_ROLES, granted, these.scope, sales, these.rules)


@contextmanager
def asked_of_one() -> Iterator[None]:
	"""Within the block conditions are made to be asked of a single row."""
	before = _is_of_one()
	setattr(frappe.local, _OF_ONE, True)
	try:
		yield
	finally:
		setattr(frappe.local, _OF_ONE, before)


@contextmanager
def of_holders() -> Iterator[None]:
	"""Within the block a record that nobody holds is not seen by whom has a deal with it."""
	before = getattr(frappe.local, _OF_HOLDERS, False)
	setattr(frappe.local, _OF_HOLDERS, True)
	try:
		yield
	finally:
		setattr(frappe.local, _OF_HOLDERS, before)


def how_asked(doctype: str) -> tuple[bool, bool]:
	"""What else its conditions depend on now, besides the user."""
	if doctype in HOLDERS:
		return _is_of_one(), is_seen_by_deals(doctype)
	return _is_of_one(), not getattr(frappe.local, _OF_HOLDERS, False)


def is_seen_by_deals(doctype: str) -> bool:
	"""Whether a deal with a record that nobody holds counts now."""
	holders = HOLDERS.get(doctype)
	return bool(holders and holders.of_deals) and not getattr(frappe.local, _OF_HOLDERS, False)


def condition(doctype: str, user: str) -> str:
	"""SQL on the table of `doctype`, one of HOLDERS, for lists; empty: all. What is shared with the user stays visible.

	At most one statement to build it, a few more once an hour or after a change of the tree, and none in it runs once a row.
	"""
	sight = sight_of(user, doctype)
	if not sight:
		return ""
	# Frappe itself adds what is shared only where user permissions narrow a list.
	shared = _shared_with(user, doctype)
	by_deals = is_seen_by_deals(doctype)
	if _is_of_one():
		return conditions.of_each(doctype, sight, shared, by_deals)
	with_holder = doctype in world.of(user).with_holder
	if with_holder and not (HOLDERS[doctype].deal or by_deals or sight.territories or shared):
		return _by_holder(doctype, sight)
	ways = list(conditions.ways(doctype, sight, shared, with_holder, by_deals))
	if _is_little(doctype, ways):
		return conditions.among(doctype, ways)
	return conditions.of_each(doctype, sight, shared, by_deals)


def _by_holder(doctype: str, sight: Sight) -> str:
	if len(sight.users) >= _MANY and not _is_little(doctype, [conditions.way_of_holder(doctype, sight)]):
		return conditions.of_each_holder(doctype, sight)
	return conditions.by_holder(doctype, sight)


def condition_on_one(doctype: str, user: str) -> str:
	"""The same, to be asked of a single row."""
	with asked_of_one():
		return condition(doctype, user)


def following(doctype: str, user: str, sight: Sight, followed: list[conditions.Followed]) -> str:
	"""As `condition`, on the table of a DocType seen by who made it and by whom sees what it follows."""
	shared = _shared_with(user, doctype)
	if not _is_of_one():
		ways = list(conditions.ways_to_follow(doctype, sight, followed, shared))
		if _is_little(doctype, ways):
			return conditions.among(doctype, ways)
	return conditions.following_each(doctype, sight, followed, shared, _is_of_one())


def _is_of_one() -> bool:
	return getattr(frappe.local, _OF_ONE, False)


def _is_little(doctype: str, ways: list[str]) -> bool:
	"""Whether to look up first what is seen. Asked once an hour for each team: it decides how fast a list is, not what
	it shows."""
	key = f"crm_ext_sees_little:{doctype}:{sha256(' '.join(ways).encode()).hexdigest()}"
	known = frappe.cache.get_value(key, expires=True)
	if known is None:
		known = int(conditions.count_up_to(_MUCH, ways) < _MUCH)
		frappe.cache.set_value(key, known, expires_in_sec=3600)
	return bool(known)


def _shared_with(user: str, doctype: str) -> frozenset[str]:
	"""As frappe.share.get_shared, in a tenth of its time, and nothing where nothing ever was: it is asked for each list."""
	if doctype not in world.of(user).shared:
		return frozenset()
	return frozenset(
		name
		for (name,) in frappe.db.sql(
			"""SELECT share_name FROM `tabDocShare`
			WHERE share_doctype = %s AND `read` = 1 AND (user = %s OR everyone = 1)""",
			(doctype, user),
		)
	)
