"""The condition that narrows what salespeople see to their part of the tree. Reads only.

Nothing is narrowed while it is switched off, for Administrator and System Managers, and for whom a role other than
the sales roles lets read the DocType: accountants and buyers keep what ERPNext gives them.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import frappe
from frappe.share import get_shared
from frappe.utils import cint, getdate, nowdate

from crm_ext.constants.visibility import ALL, HOLDERS, OWN_AND_BELOW, SALES_ROLES
from crm_ext.hierarchy import rules, world
from crm_ext.hierarchy.rules import Sight

_TRIAL = "crm_ext_visibility_trial"
# Whoever has one of these has them without having been given them.
_AUTOMATIC_ROLES = {"All", "Desk User", "Guest"}


@dataclass(frozen=True)
class Terms:
	"""What the settings say; `rules`: role -> scope."""

	enabled: bool
	scope: str
	rules: Mapping[str, str]


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
	return Terms(enabled, settings.get("visibility_scope") or OWN_AND_BELOW, by_role)


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
	known = world.read()
	found: Sight | None = None
	for one in (user, *rules.absent(known.absences, user, getdate(nowdate()))):
		scope = _scope(one, doctype, these)
		if scope == ALL:
			return None
		if scope:
			seen = rules.sight(known.nodes, one, scope)
			found = found | seen if found else seen
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


def condition(doctype: str, user: str) -> str:
	"""SQL on the table of `doctype`, one of HOLDERS; empty: all. What is shared with the user stays visible.

	At most one statement to build it, and none in it runs once a row.
	"""
	sight = sight_of(user, doctype)
	if not sight:
		return ""
	parts = list(_parts(doctype, sight))
	# Frappe itself adds what is shared only where user permissions narrow a list.
	if shared := get_shared(doctype, user):
		parts.append(f"`tab{doctype}`.name IN ({_list(shared)})")
	return f"({' OR '.join(parts)})"


def _parts(doctype: str, sight: Sight) -> Iterator[str]:
	"""Written without functions on columns, so that indexes serve."""
	holders, table = HOLDERS[doctype], f"`tab{doctype}`"
	users = _list(sight.users)
	unnamed = [f"{table}.owner IN ({users})"]
	if holders.user:
		yield f"{table}.{holders.user} IN ({users})"
		unnamed.append(_is_empty(f"{table}.{holders.user}"))
	if holders.person:
		if sight.persons:
			yield f"{table}.{holders.person} IN ({_list(sight.persons)})"
		unnamed.append(_is_empty(f"{table}.{holders.person}"))
	if holders.team:
		team = f"SELECT parent FROM `tabSales Team` WHERE parenttype = '{doctype}'"
		if sight.persons:
			yield f"{table}.name IN ({team} AND sales_person IN ({_list(sight.persons)}))"
		unnamed.append(f"{table}.name NOT IN ({team} AND parent IS NOT NULL)")
	if holders.deal:
		held = f"owner_user IN ({users})"
		if sight.persons:
			held += f" OR sales_person IN ({_list(sight.persons)})"
		yield f"{table}.deal IN (SELECT name FROM `tabDeal` WHERE {held})"
	yield f"({' AND '.join(unnamed)})"


def _is_empty(column: str) -> str:
	return f"({column} IS NULL OR {column} = '')"


def _list(values: Iterable[str]) -> str:
	return ", ".join(frappe.db.escape(value, percent=False) for value in sorted(values))
