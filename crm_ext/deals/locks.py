"""Who may write when two are at work on the same deals. See "Concurrency" in docs/architecture.md."""

from collections import defaultdict
from datetime import date, datetime

import frappe
from frappe.utils import now_datetime

from crm_ext.deals.model import Ref


def lock_deals(known: dict[str, datetime]) -> list[str]:
	"""Lock deals until the transaction ends, in one order everywhere. `known` is their `modified` as read.

	Returns those that another transaction derived or removed after this one's snapshot was taken.
	"""
	if not known:
		return []
	now = dict(
		frappe.db.sql(
			"SELECT name, modified FROM `tabDeal` WHERE name IN %s ORDER BY name FOR UPDATE", (sorted(known),)
		)
	)
	return sorted(name for name, modified in known.items() if now.get(name) != modified)


def announce_deals(known: dict[str, datetime]) -> list[str]:
	"""Lock deals as `lock_deals` does, and tell other transactions that see them that their vouchers changed.

	Of two transactions that change vouchers of one deal unseen by each other, the later one so learns of it, also
	where the earlier one alone made no difference to the deal.
	"""
	if not known:
		return []
	frappe.db.sql(
		"UPDATE `tabDeal` SET modified = %s WHERE name IN %s AND (name, modified) IN %s ORDER BY name",
		(now_datetime(), sorted(known), sorted(known.items())),
	)
	# Of the rows locked above, those that matched what we knew.
	return [] if frappe.db._cursor.rowcount == len(known) else lock_deals(known)


def reserve_names(roots: list[tuple[Ref, date]]) -> tuple[dict[Ref, str], dict[Ref, str]]:
	"""Names for new deals, numbered within the year they began: (new names, deals that turned out to exist).

	One series row, the same for all years, serialises the making of deals, so that two transactions never open
	the same one twice. It is taken last in a transaction and held only until its commit.
	"""
	by_year: dict[int, list[Ref]] = defaultdict(list)
	for root, day in roots:
		by_year[day.year].append(root)
	names: dict[Ref, str] = {}
	existing: dict[Ref, str] = {}
	prefixes = {f"DEAL-{year}-": of_year for year, of_year in sorted(by_year.items())}
	rows = [("DEAL-", 0), *((prefix, len(of_year)) for prefix, of_year in prefixes.items())]
	frappe.db.sql(
		f"INSERT INTO `tabSeries` (name, current) VALUES {', '.join(['(%s, %s)'] * len(rows))}"
		" ON DUPLICATE KEY UPDATE current = current + VALUES(current)",
		[value for row in rows for value in row],
	)
	for prefix, last in frappe.db.sql(
		"SELECT name, current FROM `tabSeries` WHERE name IN %s", (list(prefixes),)
	):
		first = last - len(prefixes[prefix]) + 1
		names |= {root: f"{prefix}{number:05d}" for number, root in enumerate(prefixes[prefix], first)}
	for name, root_type, root_name in frappe.db.sql(
		"SELECT name, root_type, root_name FROM `tabDeal` WHERE (root_name, root_type) IN %s LOCK IN SHARE MODE",
		([(name, doctype) for doctype, name in names],),
	):
		existing[(root_type, root_name)] = name
	return {root: name for root, name in names.items() if root not in existing}, existing


def is_lock_error(error: Exception) -> bool:
	"""A deadlock or a lock timeout: the database has undone more than one statement, so nobody may go on."""
	return isinstance(error, frappe.QueryDeadlockError | frappe.QueryTimeoutError)
