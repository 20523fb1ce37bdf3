"""Scheduler and queue entry points, nothing else."""

import frappe


def derive_deals(refs: list[list[str]]) -> None:
	"""Derive deals again that two transactions changed at once."""
	from crm_ext.deals.chunks import derive_chunk

	derive_chunk([tuple(ref) for ref in refs], correct=True)


def relink_buying(vouchers: list[list[str]], gone: list[str]) -> None:
	"""Buying documents somebody was saving when a sale they name moved to another deal, or their deal went."""
	from crm_ext.deals import buying

	buying.relink_committed([tuple(ref) for ref in vouchers], gone)


def make_delivery_notes(company: str, rows: list[str], by_customer: bool, with_drafts: bool) -> None:
	"""Drafts for more orders than somebody can wait for."""
	from crm_ext.supply import delivery_notes

	delivery_notes.make_and_tell(company, rows, by_customer, with_drafts)


def tell_of_big_deals(moves: list[dict]) -> None:
	"""Deals of a size somebody wants to hear of, that came to another stage."""
	from crm_ext.deals.big_deals import Move
	from crm_ext.follow_ups import big_deals

	big_deals.tell([Move(**move) for move in moves])


def keep_status_on_meetings() -> None:
	from crm_ext.deals import meetings

	meetings.keep_status()


def keep_visibility_indexes() -> None:
	from crm_ext.hierarchy import indexes

	indexes.keep()


def read_visibility_anew() -> None:
	"""A transaction older than a change of the tree may have put into the cache what was before it."""
	from crm_ext.hierarchy import world

	world.clear()


def nightly_check() -> None:
	from crm_ext.deals.check import check

	keep_status_on_meetings()  # before deriving: it asks which deals were lost
	check()


def backfill() -> None:
	from crm_ext.deals.backfill import backfill

	backfill()


def follow_up() -> None:
	"""Every quarter of an hour: make what rules ask for, close what they no longer do, then tell people.

	What goes wrong in one part does not keep the others from their work.
	"""
	from crm_ext.follow_ups import engine, reminders

	for part in (_count_contacts, _follow_states, engine.run, reminders.escalate, reminders.send_digests):
		try:
			part()
		except Exception:
			frappe.db.rollback()
			frappe.log_error(
				title="CRM Ext: follow ups failed", message=frappe.get_traceback(with_context=True)
			)
			frappe.db.commit()


def _count_contacts() -> None:
	from crm_ext.follow_ups import contacts

	if contacts.is_counted():
		contacts.refresh()
	else:
		# Years of contacts take longer than this job may.
		frappe.enqueue(
			"crm_ext.tasks.nightly_contacts", queue="long", job_id="crm_ext_contacts", deduplicate=True
		)


def _follow_states() -> None:
	from crm_ext.workflows import approvals

	approvals.catch_up()
	frappe.db.commit()  # by itself, as each part of the job


def judge_promises(invoices: list[str]) -> None:
	"""Promises somebody held when a receipt was booked."""
	from crm_ext.receivables import judging

	judging.judge_committed(invoices)


def tell_of_arrival(doctype: str, name: str) -> None:
	"""Salespeople whose orders wait for what a receipt brought."""
	from crm_ext.supply import arrivals

	arrivals.tell(doctype, name)


def purchase_shortage(order: str, to_order: bool) -> None:
	"""What a submitted order is short of, where the settings ask for it."""
	from crm_ext.supply import purchasing

	purchasing.purchase_on_submit(order, to_order)


def tell_deals_of_approval(doctype: str, document: str, user: str, reasons: str, instead_of: str) -> None:
	"""Deals that another transaction was deriving when a document was approved."""
	from crm_ext.workflows import asking

	asking.tell_deals(doctype, document, user, reasons, instead_of)


def ask_stand_ins() -> None:
	"""Stand-ins whose days have begun, for what those absent were asked to approve; nobody any more whose days are over."""
	from crm_ext.workflows import asking

	frappe.set_user("Administrator")  # whoever named them need not be able to read it
	asking.close_ended()
	asking.ask_stand_ins()


def nightly_promises() -> None:
	"""Promises whose day has passed, and what changed without an event."""
	from crm_ext.receivables import judging

	judging.judge_all()


def remind_of_appointments() -> None:
	from crm_ext.follow_ups import reminders

	reminders.remind()


def nightly_contacts() -> None:
	"""Contact that was recorded without an event, and dates on documents that differ from their follow ups."""
	from crm_ext.follow_ups import contacts, marks, targets

	contacts.refresh()
	targets.refresh_all()
	marks.forget_deleted_users()


def refresh_follow_up_dates(refs: list[list[str]]) -> None:
	"""The next follow up of documents another transaction was writing."""
	from crm_ext.follow_ups import targets

	targets.refresh(tuple(ref) for ref in refs)


def raise_last_contacts(moments: list[list[str]]) -> None:
	"""The last contact of documents another transaction was writing."""
	from frappe.utils import get_datetime

	from crm_ext.follow_ups import contacts

	contacts.raise_to({(doctype, name): get_datetime(moment) for doctype, name, moment in moments})
