"""Makes and closes follow ups by rules. Every pass may be repeated, killed, or run twice at once.

A rule is worked off in chunks, one transaction each: what is committed is found and left alone by the next pass, what
is not is done again. One worker at a time is at a rule; should there be two after all, the unique key of a follow up
lets the second one make nothing. No lock is ever waited for while some are held.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha1

import frappe
from frappe.model.document import Document
from frappe.utils import cint, now_datetime

from crm_ext.deals.chunks import in_chunks, is_locked, without_waiting
from crm_ext.follow_ups import candidates, planning, schedule, store, targets
from crm_ext.follow_ups import rules as rulebook
from crm_ext.follow_ups.model import REFERENCES
from crm_ext.follow_ups.planning import Pass
from crm_ext.follow_ups.rules import BrokenRule, Rule

CHUNK = 1000
# A chunk gives way to users this often before it is halved; a single document for about half a minute.
_ATTEMPTS = 8
_ATTEMPTS_OF_ONE = 40
_SAVEPOINT = "crm_ext_follow_ups"


def run(now: datetime | None = None, rules: Collection[str] | None = None) -> dict[str, int]:
	"""All enabled rules, or those named in `rules`: close, move, make; then what people planned. Commits after each chunk.

	`now` is a moment of system time. Returns how many follow ups were `made`, `closed`, `moved`, and how many rules were
	`broken` and switched off, `failed` for another reason, or `busy` in another process.
	"""
	counts = Counter(dict.fromkeys(("made", "closed", "moved", "broken", "failed", "busy"), 0))
	around = Pass(now or now_datetime())
	documents = _enabled_rules(rules)
	for doc in documents:
		_run_rule(doc, around, counts)
	if rules is None:
		_care_for_the_rest(documents, around, counts)
	return dict(counts)


def _enabled_rules(names: Collection[str] | None) -> list[Document]:
	if not cint(frappe.db.get_single_value("CRM Ext Settings", "follow_up_rules_enabled")):
		return []
	return rulebook.active(names)


def _run_rule(doc: Document, around: Pass, counts: Counter) -> None:
	"""One rule; whatever happens to it, the others go on."""
	with _alone(doc.name) as alone:
		if not alone:
			counts["busy"] += 1
			return
		frappe.db.savepoint(_SAVEPOINT)
		try:
			rule = rulebook.read(doc)
			_close(candidates.to_close(rule), counts)
			_move(rule, candidates.to_move(rule), around, counts)
			made = _make(rule, around)
			counts["made"] += made
			_attempt([rule.name], lambda names: _note_run(rule.name, around.now, made))
		except BrokenRule as error:
			counts["broken"] += 1
			_undo()
			_switch_off(doc.name, str(error))
		except Exception:
			counts["failed"] += 1
			_undo()
			_log(doc.name, frappe.get_traceback(with_context=True))


def _switch_off(name: str, why: str) -> None:
	try:
		rulebook.switch_off(name, why)
		_log(name, why)
	except Exception:
		_undo()
		_log(name, frappe.get_traceback(with_context=True))


def _note_run(name: str, now: datetime, made: int) -> None:
	with without_waiting():
		frappe.db.set_value(
			rulebook.RULE, name, {"last_run_on": now, "last_run_made": made}, update_modified=False
		)


def _make(rule: Rule, around: Pass) -> int:
	made = 0

	def make(names: list[str]) -> None:
		nonlocal made
		# Counts of turns are of this transaction; after a conflict they are read anew.
		new = planning.plan(rule, names, around)
		with without_waiting():
			count = store.insert(new, rule.owner)
			# A rule of one step has closed what is no longer wanted already.
			several = rule.replace_open_steps and len(rule.steps) > 1
			replaced = store.replace_earlier(rule.name, new) if several else []
		targets.lower(_earliest(new))
		targets.refresh(_targets(replaced))
		made += count

	for names in in_chunks(candidates.due(rule, around.day), CHUNK):
		_attempt(names, make, lambda: around.roster.forget_turns(rule))
	return made


def _earliest(new: list[store.New]) -> dict[tuple[str, str], datetime]:
	"""When the first of these is due about each document, with each party and in each deal."""
	found: dict[tuple[str, str], datetime] = {}
	for one in new:
		document, due_on = one.document, one.due.due_on
		for ref in (
			(one.doctype, document.name),
			(document.party_type, document.party),
			("Deal", document.deal),
		):
			found[ref] = min(due_on, found.get(ref, due_on))
	return found


def _targets(rows: Collection["frappe._dict"]) -> Iterator[tuple[str, str]]:
	for row in rows:
		yield row.reference_doctype, row.reference_name
		yield row.party_type, row.party
		yield "Deal", row.deal


def _close(rows: list["frappe._dict"], counts: Counter) -> None:
	def close(chunk: list["frappe._dict"]) -> None:
		with without_waiting():
			store.cancel(chunk)
		targets.refresh(_targets(chunk))

	for chunk in in_chunks(rows, CHUNK):
		_attempt(chunk, close)
	counts["closed"] += len(rows)


def _move(rule: Rule | None, rows: list["frappe._dict"], around: Pass, counts: Counter) -> None:
	"""Take follow ups along to whom their documents belong now, and away from who was disabled.

	What the owner had passed on to a colleague stays with the colleague. A follow up by hand has no `rule`.
	"""
	moved = []
	for row in rows:
		away = row.responsible not in around.roster.usable
		person = _person_now(rule, row, away, around)
		if person is None or (person == row.reference_owner and not away):
			continue
		if away or row.responsible == row.reference_owner:
			row.due_on = schedule.due_moment(
				row.due_date, _time(row.due_time), around.calendar(person), around.system_zone
			)
			row.responsible = person
		row.reference_owner = person
		moved.append(row)
	for chunk in in_chunks(moved, CHUNK):
		_attempt(chunk, lambda chunk: _write_moved(chunk))
	counts["moved"] += len(moved)


def _write_moved(rows: list["frappe._dict"]) -> None:
	with without_waiting():
		store.move(rows)
	targets.refresh(_targets(rows))


def _person_now(rule: Rule | None, row: "frappe._dict", away: bool, around: Pass) -> str | None:
	usable = around.roster.usable
	if rule is None:
		return next((user for user in (row.person, row.created_by) if user in usable), None)
	if rule.assign_to in (rulebook.FIXED, rulebook.ROUND_ROBIN) and not away:
		return None
	return around.roster.choose(rule, row.person, row.created_by)


def _time(value):
	"""MariaDB's TIME comes as a timedelta."""
	return (datetime.min + value).time() if value is not None else None


def _care_for_the_rest(documents: list[Document], around: Pass, counts: Counter) -> None:
	"""What people planned, and what rules made that are off now."""
	frappe.db.savepoint(_SAVEPOINT)
	try:
		may = [doc.name for doc in documents if '"docstatus"' in (doc.filters or "")]
		_close(candidates.cancelled_documents(may), counts)
		for doctype in REFERENCES:
			_move(None, candidates.planned_to_move(doctype), around, counts)
	except Exception:
		counts["failed"] += 1
		_undo()
		_log(None, frappe.get_traceback(with_context=True))


# Transactions


def _attempt(chunk: list, work: Callable[[list], None], forget: Callable[[], None] | None = None) -> None:
	"""Do `work` on a chunk and commit. What a user holds locked is tried again, in halves where it stays so.

	A document that stays locked is left to the next pass, and logged. Follow ups are written `without_waiting`; dates on
	documents skip what is locked, which MariaDB refuses to one who must not wait (error 1180).
	"""
	for attempt in range(_ATTEMPTS if len(chunk) > 1 else _ATTEMPTS_OF_ONE):
		try:
			work(chunk)
			_commit()
			return
		except Exception as caught:
			if not is_locked(caught):
				raise
			frappe.db.rollback()
			if forget:
				forget()
		time.sleep(min(1, 0.02 * 2**attempt))
	if len(chunk) == 1:
		_log(None, f"Left to the next pass, because others keep it locked: {chunk[0]}")
		return
	middle = len(chunk) // 2
	_attempt(chunk[:middle], work, forget)
	_attempt(chunk[middle:], work, forget)


def lock_name(rule: str) -> str:
	"""What MariaDB calls the lock of the process that is at a rule."""
	return "crm_ext_" + sha1(f"{frappe.conf.db_name}\0{rule}".encode(), usedforsecurity=False).hexdigest()


@contextmanager
def _alone(rule: str) -> Iterator[bool]:
	"""Whether no other process is at the rule. Held by the connection: a killed pass leaves nothing behind."""
	lock = lock_name(rule)
	alone = bool(frappe.db.sql("SELECT GET_LOCK(%s, 0)", (lock,))[0][0])
	try:
		if alone:
			_commit()  # see what whoever was at it before has committed
		yield alone
	finally:
		if alone:
			frappe.db.sql("SELECT RELEASE_LOCK(%s)", (lock,))


def _commit() -> None:
	# One transaction a chunk: locks are short, and a killed pass loses one chunk. Tests roll back instead.
	if not frappe.flags.in_test:
		frappe.db.commit()


def _undo() -> None:
	if frappe.flags.in_test:
		frappe.db.rollback(save_point=_SAVEPOINT)
	else:
		frappe.db.rollback()


def _log(rule: str | None, message: str) -> None:
	frappe.log_error(
		title="CRM Ext: follow ups failed",
		message=message,
		reference_doctype=rulebook.RULE if rule else None,
		reference_name=rule,
	)
	_commit()
