"""The only module of the deals engine that writes. Set-based: the number of statements does not grow with the
number of deals.

Everything is written past the document layer on purpose: a deal is derived, nobody edits it, and no hook of it
may run inside somebody's Sales Order.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime

import frappe
from frappe.utils import cint, flt, get_datetime, getdate, now_datetime

from crm_ext.constants.custom_fields import DEAL_LINK_AFTER
from crm_ext.deals import buying
from crm_ext.deals.big_deals import Move
from crm_ext.deals.locks import is_lock_error  # noqa: F401
from crm_ext.deals.model import QUOTATION, SALES_ORDER, DerivedDeal, Graph, LedgerRow, Ref
from crm_ext.deals.stored import DERIVED, KEPT, Stored

_LEDGER = ("posting_date", "amount", "currency", "voucher_currency", "voucher_amount", "is_cancelled")


class Writer:
	"""Writes the difference between what is stored and what was derived.

	`causes` are the vouchers of the transaction: the log of stage changes names the one of them that belongs to
	the deal. `now` is the time of those changes.
	"""

	def __init__(self, stored: Stored, causes: Iterable[Ref] = ()):
		self.stored = stored
		self.causes = dict.fromkeys(causes)
		self.now = now_datetime()
		self.user = frappe.session.user
		self.deals: list[tuple] = []
		self.ledger: list[tuple] = []
		self.gone_ledger: list[str] = []
		self.changes: list[tuple] = []
		self.moves: list[Move] = []
		self.gone_deals: list[str] = []
		self.links: dict[str, dict[str | None, list[str]]] = defaultdict(lambda: defaultdict(list))
		# Orders and quotations of other deals than before, for the buying documents that show it.
		self.moved: set[Ref] = set()
		self.changed: set[str] = set()
		# Vouchers whose link could not be written, because another transaction holds them.
		self.left: list[Ref] = []

	def plan(
		self, derived: list[DerivedDeal], names: dict[Ref, str], graph: Graph, primary: dict[Ref, Ref | None]
	) -> "Writer":
		"""Compare. `names` gives the deal of each root; `primary` the root each voucher's link shows."""
		for deal in derived:
			self._plan_deal(deal, names[deal.root])
		kept = {names[deal.root] for deal in derived}
		self.gone_deals = sorted(set(self.stored.deals) - kept)
		for ref, voucher in graph.vouchers.items():
			if voucher.doctype not in DEAL_LINK_AFTER:
				continue
			name = names.get(primary.get(ref))
			if (voucher.deal or None) != name:
				self.links[voucher.doctype][name].append(voucher.name)
		self._plan_moved(derived, names, graph)
		return self

	def _plan_moved(self, derived: list[DerivedDeal], names: dict[Ref, str], graph: Graph) -> None:
		before = {
			(deal, (doctype, name))
			for deal, rows in self.stored.ledger.items()
			for _stage, doctype, name in rows
			if doctype in (SALES_ORDER, QUOTATION)
		}
		now = {
			(names[deal.root], (row.voucher_type, row.voucher_no)) for deal in derived for row in deal.ledger
		}
		known = {ref for _deal, ref in before}
		self.moved = {ref for _deal, ref in before ^ now if ref in known}
		for doctype, by_deal in self.links.items():
			for name in (name for linked in by_deal.values() for name in linked):
				# Nothing can have named an order that is new, but for what was saved beside it.
				new = doctype == SALES_ORDER and not graph.vouchers[(doctype, name)].deal
				if doctype in (SALES_ORDER, QUOTATION) and not (new and not buying.is_waited_for(name)):
					self.moved.add((doctype, name))
		# What was planned from a lead's quotation is for the customer the lead has become.
		became = {
			names[deal.root]
			for deal in derived
			if self.stored.values.get(names[deal.root], deal.values)["customer"] != deal.values["customer"]
		}
		self.moved |= {ref for deal, ref in before if deal in became and ref[0] == QUOTATION}

	@property
	def is_empty(self) -> bool:
		return not (self.deals or self.ledger or self.gone_ledger or self.gone_deals or self.links)

	def _plan_deal(self, deal: DerivedDeal, name: str) -> None:
		old = self.stored.values.get(name)
		values = deal.values | {"currency": _currency(deal.values["company"])}
		self._plan_ledger(deal.ledger, name, values["currency"])
		if old and all(_same(field, old[field], values[field]) for field in DERIVED):
			return
		self.changed.add(name)
		if old is None:
			changes = self._first_changes(deal)
		elif old["stage"] != values["stage"]:
			changes = [self._change(deal, old)]
		else:
			changes = []
		for change in changes:
			self.changes.append((name, values["currency"], *change))
		if changes:
			self.moves.append(self._move(name, values, changes[-1]))
		since = changes[-1][2] if changes else old["stage_since"]
		values |= {"stage_since": since, "closed_on": self._closed_on(values, old, since)}
		created = old and self.stored.deals[name].creation
		owner = values["owner_user"] or self.user
		self.deals.append(
			(
				name,
				created or self.now,
				self.now,
				owner,
				self.user,
				0,
				*deal.root,
				*(values[f] for f in (*DERIVED, *KEPT)),
			)
		)

	def _move(self, deal: str, values: dict, change: tuple) -> Move:
		return Move(
			deal,
			change[0],
			values["stage"],
			values["amount"],
			values["company"],
			values["currency"],
			values["party_name"],
			self.user,
		)

	def _closed_on(self, values: dict, old: dict | None, since: datetime) -> date | None:
		if values["paid_on"] and values["status"] == "Won":
			return values["paid_on"]
		if values["status"] not in ("Lost", "Cancelled"):
			return None
		return (
			old["closed_on"]
			if old and old["status"] == values["status"] and old["closed_on"]
			else getdate(since)
		)

	def _plan_ledger(self, rows: list[LedgerRow], deal: str, currency: str | None) -> None:
		old = self.stored.ledger.get(deal, {})
		for row in rows:
			new = {
				"posting_date": row.posting_date,
				"amount": row.amount,
				"currency": currency,
				"voucher_currency": row.voucher_currency,
				"voucher_amount": row.voucher_amount,
				"is_cancelled": cint(row.is_cancelled),
			}
			known = old.get(row.key)
			if known and all(_same(field, known[field], new[field]) for field in _LEDGER):
				continue
			name = known["name"] if known else frappe.generate_hash(length=10)
			self.ledger.append(
				(name, self.now, self.now, self.user, self.user, 0, deal, *row.key, *new.values())
			)
		keys = {row.key for row in rows}
		self.gone_ledger += [row["name"] for key, row in old.items() if key not in keys]

	def _first_changes(self, deal: DerivedDeal) -> list[tuple]:
		"""A new deal's way to its stage, as its vouchers tell it. (from, to, when, who, voucher, seconds, value)"""
		changes, earlier, since = [], None, None
		for stage, when, (doctype, name), amount in deal.milestones:
			seconds = max(0, int((when - since).total_seconds())) if since else 0
			changes.append((earlier, stage, when, self.user, doctype, name, seconds, amount))
			earlier, since = stage, when
		return changes or [
			(None, deal.values["stage"], self.now, self.user, *deal.root, 0, deal.values["amount"])
		]

	def _change(self, deal: DerivedDeal, old: dict) -> tuple:
		cause = self._cause(deal)
		since = old["stage_since"]
		seconds = max(0, int((self.now - get_datetime(since)).total_seconds())) if since else 0
		return (
			old["stage"],
			deal.values["stage"],
			self.now,
			self.user,
			*cause,
			seconds,
			deal.values["amount"],
		)

	def _cause(self, deal: DerivedDeal) -> Ref:
		"""The voucher of this transaction that brought the deal to its stage, as far as one can be named."""
		there = {row.key[1:] for row in deal.ledger if row.stage == deal.values["stage"]}
		members = {row.key[1:] for row in deal.ledger}
		for candidates in (there, members):
			found = next((ref for ref in self.causes if ref in candidates), None)
			if found:
				return found
		return deal.root

	# Writing

	def write(self) -> None:
		"""At most one statement for each kind of change."""
		if self.ledger:
			_upsert(
				"Deal Ledger Entry", ("deal", "stage", "voucher_type", "voucher_no", *_LEDGER), self.ledger
			)
		if self.deals:
			_upsert("Deal", ("root_type", "root_name", *DERIVED, *KEPT), self.deals)
		if self.gone_ledger:
			frappe.db.sql("DELETE FROM `tabDeal Ledger Entry` WHERE name IN %s", (self.gone_ledger,))
		if self.changes:
			self._write_changes()
		for doctype, by_deal in self.links.items():
			self._write_links(doctype, by_deal)
		if self.moved:
			buying.relink(self.moved)
		if self.gone_deals:
			_remove(self.gone_deals)
			buying.unlink(self.gone_deals)

	def _write_changes(self) -> None:
		rows = [
			(
				frappe.generate_hash(length=10),
				self.now,
				self.now,
				self.user,
				self.user,
				0,
				deal,
				currency,
				*change,
			)
			for deal, currency, *change in self.changes
		]
		columns = "deal currency from_stage to_stage changed_on changed_by voucher_type voucher_no seconds_in_stage amount"
		_upsert("Deal Stage Change", tuple(columns.split()), rows)

	def _write_links(self, doctype: str, by_deal: dict[str | None, list[str]]) -> None:
		deals = {name: deal for deal, names in by_deal.items() for name in names}
		# What this transaction saved is its own; others may be saving the rest. To wait for who may wait for us
		# would stop one of the two.
		others = [name for name in deals if (doctype, name) not in self.causes]
		if others:
			free = frappe.db.sql(
				f"SELECT name FROM `tab{doctype}` WHERE name IN %s FOR UPDATE SKIP LOCKED",
				(others,),
				pluck=True,
			)
			for name in sorted(set(others) - set(free)):
				del deals[name]
				self.left.append((doctype, name))
		_set_links(doctype, deals)


def _set_links(doctype: str, deals: dict[str, str | None]) -> None:
	"""Write the deal of each voucher."""
	pairs = sorted(deals.items())
	for start in range(0, len(pairs), 500):
		chunk = pairs[start : start + 500]
		cases = " ".join("WHEN %s THEN %s" for _pair in chunk)
		frappe.db.sql(
			f"UPDATE `tab{doctype}` SET deal = CASE name {cases} END WHERE name IN %s",
			(*(value for pair in chunk for value in pair), [name for name, _deal in chunk]),
		)
		for name, _deal in chunk:
			frappe.clear_document_cache(doctype, name)


_STANDARD = ("name", "creation", "modified", "owner", "modified_by", "docstatus")


def _upsert(doctype: str, fields: tuple[str, ...], rows: list[tuple]) -> None:
	"""Insert rows, or overwrite `fields` of those whose name exists. In chunks that fit one packet."""
	columns = (*_STANDARD, *fields)
	updates = ", ".join(f"`{f}` = VALUES(`{f}`)" for f in (*fields, "modified", "modified_by"))
	head = f"INSERT INTO `tab{doctype}` ({', '.join(f'`{c}`' for c in columns)}) VALUES "
	one = f"({', '.join(['%s'] * len(columns))})"
	for start in range(0, len(rows), 1000):
		chunk = rows[start : start + 1000]
		frappe.db.sql(
			f"{head}{', '.join([one] * len(chunk))} ON DUPLICATE KEY UPDATE {updates}",
			[value for row in chunk for value in row],
		)


def _remove(deals: list[str]) -> None:
	"""Deals nothing belongs to any more."""
	for doctype in ("Deal Ledger Entry", "Deal Stage Change"):
		frappe.db.sql(f"DELETE FROM `tab{doctype}` WHERE deal IN %s", (deals,))
	frappe.db.sql("DELETE FROM `tabDeal` WHERE name IN %s", (deals,))


def _currency(company: str | None) -> str | None:
	return frappe.get_cached_value("Company", company, "default_currency") if company else None


def _same(field: str, old, new) -> bool:
	"""Equal as stored: money to the cent's hundredth, nothing and empty alike."""
	if isinstance(new, float) or isinstance(old, float):
		return abs(flt(old) - flt(new)) < 0.00005
	return (old or None) == (new or None)


# Indexes that reports and deriving need


def add_deal_indexes() -> None:
	frappe.db.add_index("Deal", ["root_name", "root_type"], "root")
	frappe.db.add_index("Deal", ["status", "stage", "stage_since"], "ageing")


def add_ledger_indexes() -> None:
	frappe.db.add_unique("Deal Ledger Entry", ["deal", "stage", "voucher_type", "voucher_no"], "one_row")
	frappe.db.add_index("Deal Ledger Entry", ["voucher_no", "voucher_type", "deal"], "voucher")


def add_stage_change_indexes() -> None:
	frappe.db.add_index("Deal Stage Change", ["deal", "changed_on"], "history")
	frappe.db.add_index("Deal Stage Change", ["to_stage", "changed_on"], "entered")
