"""Asking for an approval: a follow up, the bell and a mail with the document for those who may give it; an answer."""

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import escape_html, get_fullname, get_url_to_form, nowdate

from crm_ext.deals import touch
from crm_ext.follow_ups import guard, messages, preferences, store, work
from crm_ext.follow_ups.model import CANCELLED, CONDITION_LEFT, OPEN
from crm_ext.follow_ups.preferences import Person
from crm_ext.workflows import approving, measures
from crm_ext.workflows import limits as rules

FOLLOW_UP = "Follow Up"
# How a follow up that asks for an approval is told from others.
_MARK = "approval:"
# And one that asks somebody in place of another.
_MARK_STAND_IN = f"{_MARK}stand-in:"
# So many are asked at most; whoever has the role may approve.
_MOST = 10


def asked(doc: Document) -> list["frappe._dict"]:
	"""Open follow ups that ask for the approval of a document: name, responsible, owner."""
	return frappe.get_all(
		FOLLOW_UP,
		{
			"reference_doctype": doc.doctype,
			"reference_name": doc.name,
			"status": OPEN,
			"rule_key": ("like", f"{_MARK}%"),
		},
		["name", "responsible", "owner"],
		order_by="responsible",
	)


def who(doc: Document, asker: str | None = None) -> dict[str, str | None]:
	"""Whom to ask: enabled users of the desk who may approve and submit it, of the smallest role that suffices, each with
	None; and stand-ins of those absent today, each with whom they stand in for.

	The absent ones stay asked: the document waits for them, too, should they come back first.
	"""
	findings = approving.findings_of(doc)
	roles, suffices = approving.needs(doc.doctype, findings)
	rows = frappe.db.sql(
		"SELECT u.name, h.role FROM tabUser u JOIN `tabHas Role` h ON h.parenttype = 'User' AND h.parent = u.name"
		" WHERE h.role IN %s AND u.enabled = 1 AND u.user_type = 'System User' AND u.name != 'Administrator'",
		(roles or [""],),
	)
	holders: dict[str, set[str]] = {}
	for user, role in rows:
		holders.setdefault(user, set()).add(role)
	verified = approving.is_verified(doc.doctype)
	stored = frappe.get_doc(doc.doctype, doc.name)
	# A role of a limit need not come with the right to submit.
	able = {
		user: held
		for user, held in holders.items()
		if suffices(held) and not (verified and user == doc.owner) and approving.is_able(stored, user)
	}
	users = rules.whom_to_ask(findings, able)[:_MOST]
	besides = {*approving.own(doc), asker or frappe.session.user}
	return dict.fromkeys(users) | approving.stand_ins(stored, users, besides)


def ask(doc: Document) -> list[str]:
	"""Ask those who may approve; returns the users. Nobody is asked twice."""
	if asked(doc):
		return []
	users = who(doc)
	if not users:
		frappe.msgprint(
			_(
				"Nobody who has the role may submit this document. Ask your administrator to name an approver."
			),
			title=_("Nobody to Ask"),
			indicator="orange",
		)
		return []
	_plan_for(doc, users, frappe.session.user)
	return list(users)


def ask_stand_ins() -> list[tuple[str, str]]:
	"""Ask stand-ins whose days have begun for what those absent were asked already. Returns (document, stand-in) asked.

	One query finds what is missing, so it may run again; documents are read only where somebody is to be asked.
	"""
	rows = frappe.db.sql(
		f"""SELECT f.reference_doctype, f.reference_name, f.owner, s.stand_in, s.user
		FROM `tabStand In` s
		JOIN `tabFollow Up` f ON f.responsible = s.user AND f.status = '{OPEN}' AND f.rule_key LIKE '{_MARK}%%'
		LEFT JOIN `tabFollow Up` other ON other.responsible = s.stand_in AND other.status = '{OPEN}'
			AND other.reference_doctype = f.reference_doctype AND other.reference_name = f.reference_name
			AND other.rule_key LIKE '{_MARK}%%'
		WHERE s.from_date <= %(today)s AND s.to_date >= %(today)s AND other.name IS NULL AND s.stand_in != f.owner
			AND s.user NOT IN (s.stand_in, 'Administrator')
		ORDER BY f.reference_doctype, f.reference_name, s.stand_in, s.user""",
		{"today": nowdate()},
		as_dict=True,
	)
	told: list[tuple[str, str]] = []
	for row in rows:
		if (row.reference_name, row.stand_in) in told:
			continue
		with guard.best_effort("asking a stand-in failed", row.reference_doctype, row.reference_name):
			doc = frappe.get_doc(row.reference_doctype, row.reference_name)
			if _may_be_asked(doc, row.stand_in, row.user):
				_plan_for(doc, {row.stand_in: row.user}, row.owner)
				told.append((doc.name, row.stand_in))
	return told


def close_ended() -> int:
	"""What stand-ins were asked and did not get to while they stood in is no longer theirs; returns how many. Set-based."""
	return _close(
		"""rule_key LIKE %(mark)s AND NOT EXISTS (SELECT 1 FROM `tabStand In` s
		WHERE s.stand_in = responsible AND s.from_date <= %(today)s AND s.to_date >= %(today)s)""",
		{"mark": f"{_MARK_STAND_IN}%", "today": nowdate()},
	)


def forget(doctype: str) -> int:
	"""Nobody is asked about documents of this kind any more; returns how many follow ups were closed. Set-based."""
	return _close(
		"rule_key LIKE %(mark)s AND reference_doctype = %(doctype)s",
		{"mark": f"{_MARK}%", "doctype": doctype},
	)


def _close(condition: str, values: dict[str, str]) -> int:
	rows = frappe.db.sql(
		f"SELECT name, %(reason)s AS reason FROM `tabFollow Up` WHERE status = '{OPEN}' AND {condition}",
		{**values, "reason": CONDITION_LEFT},
		as_dict=True,
	)
	if rows:
		store.cancel(rows)
	return len(rows)


def _may_be_asked(doc: Document, user: str, absent: str) -> bool:
	"""Whether a stand-in is asked for what somebody absent was asked. What that one was asked as a stand-in is not passed on."""
	suffices = approving.needs(doc.doctype, approving.findings_of(doc))[1]
	return (
		user not in approving.own(doc) and suffices(frappe.get_roles(absent)) and approving.is_able(doc, user)
	)


def _plan_for(doc: Document, users: dict[str, str | None], asker: str) -> None:
	people = preferences.people(users)
	absent = {one.user for one in approving.absences()}
	mail = messages.can_mail()
	for user, instead_of in users.items():
		if user in people:
			# Holidays are not for mails somebody else acts upon.
			_plan(doc, people[user], mail and user not in absent, asker, instead_of)


def _plan(doc: Document, person: Person, mail: bool, asker: str, instead_of: str | None) -> None:
	with messages.language(person.language):
		party = doc.get("customer_name") or doc.get("party_name") or ""
		verified = approving.is_verified(doc.doctype)
		text = _("Verify {0} {1} for {2}") if verified else _("Approve {0} {1} for {2}")
		subject = text.format(_(doc.doctype), doc.name, party)
		if instead_of:
			subject = _("{0} (in place of {1})").format(subject, get_fullname(instead_of))
		name = work.ask(
			doc.doctype,
			doc.name,
			{
				"due_date": nowdate(),
				"channel": "Other",
				"subject": subject,
				"instructions": "\n".join(measures.reasons(doc)) or None,
				"responsible": person.user,
			},
			_MARK_STAND_IN if instead_of else _MARK,
		)
		# Who asked is answered, also where a stand-in is named later by somebody else.
		frappe.db.set_value(FOLLOW_UP, name, "owner", asker, update_modified=False)
		if person.user == asker:
			return
		messages.ring(
			person,
			_("{0} asks: {1}").format(get_fullname(asker), subject),
			(doc.doctype, doc.name),
			from_user=asker,
		)
		if person.mail and mail:
			_mail(doc, person, subject, asker, instead_of)


def _mail(doc: Document, person: Person, subject: str, asker: str, instead_of: str | None) -> None:
	frappe.sendmail(
		recipients=[person.email],
		subject=subject,
		template="approval",
		args={
			"name": person.full_name,
			"asker": get_fullname(asker),
			"instead_of": get_fullname(instead_of) if instead_of else "",
			"verified": approving.is_verified(doc.doctype),
			"document": f"{_(doc.doctype)} {doc.name}",
			"link": get_url_to_form(doc.doctype, doc.name),
			"reasons": measures.reasons(doc),
			"preferences": frappe.utils.get_url("/app/follow-up-preference"),
			"unsubscribe": messages.unsubscribe_link(person.user, "mail"),
			"what": "mail",
		},
		# Frappe prints it when the mail is sent.
		attachments=[{"print_format_attachment": 1, "doctype": doc.doctype, "name": doc.name}],
		reference_doctype=doc.doctype,
		reference_name=doc.name,
		add_unsubscribe_link=0,
	)


def settle(doc: Document, approved: bool | None) -> None:
	"""What asked for an approval is done with; with an answer those who asked hear it, each in their language."""
	rows = asked(doc)
	for row in rows:
		follow_up = frappe.get_doc(FOLLOW_UP, row.name, for_update=True)
		if follow_up.status != OPEN:
			continue
		# Not done: nobody has spoken with the customer.
		follow_up.status, follow_up.cancel_reason = CANCELLED, CONDITION_LEFT
		follow_up.flags.ignore_permissions = True  # who approved answers for all who were asked
		follow_up.save()
	if approved is None:
		return
	verified = approving.is_verified(doc.doctype)
	for person in preferences.people({row.owner for row in rows} - {frappe.session.user}).values():
		with messages.language(person.language):
			if not approved:
				text = _("{0}: {1} {2} sent back")
			else:
				text = _("{0}: {1} {2} verified") if verified else _("{0}: {1} {2} approved")
			subject = text.format(get_fullname(frappe.session.user), _(doc.doctype), doc.name)
			messages.ring(person, subject, (doc.doctype, doc.name), from_user=frappe.session.user)


def note(doc: Document, instead_of: list[str], reasons: str) -> None:
	"""An approval in the timeline, where it was given for somebody else, and on the deals of the document.

	The deals are written in the transaction that approves, once what it touched is derived: an approval is there exactly
	once or, undone, not at all, whatever becomes of a queue.
	"""
	names = ", ".join(get_fullname(one) for one in instead_of)
	if names:
		# The timeline begins with who did it.
		verified = approving.is_verified(doc.doctype)
		text = _("verified for {0} (stand-in)") if verified else _("approved for {0} (stand-in)")
		doc.add_comment("Info", escape_html(text.format(names)))
	known = {
		"doctype": doc.doctype,
		"document": doc.name,
		"user": frappe.session.user,
		"reasons": reasons,
		"instead_of": names,
	}
	frappe.db.before_commit.add(lambda: _note_on_deals(known))


def _note_on_deals(known: dict[str, str]) -> None:
	touch.flush()
	with guard.best_effort("noting an approval on deals failed", known["doctype"], known["document"]):
		if not tell_deals(**known):
			# Another transaction holds the deal, and a job derives it later; or the document has none.
			_later("crm_ext.tasks.tell_deals_of_approval", **known)


def ask_stand_ins_later() -> None:
	"""By a job: whoever names a stand-in need not be able to read what is waiting."""
	_later("crm_ext.tasks.ask_stand_ins", job_id="crm_ext_ask_stand_ins", deduplicate=True)


def _later(method: str, **values) -> None:
	def enqueue() -> None:
		"""The user's transaction is committed already: a queue out of reach must not look like a failed save."""
		try:
			frappe.enqueue(method, queue="short", **values)
		except Exception:
			frappe.logger("crm_ext").exception(f"Could not be queued: {method}")

	frappe.db.after_commit.add(enqueue)


def tell_deals(doctype: str, document: str, user: str, reasons: str, instead_of: str = "") -> list[str]:
	"""On each deal a document belongs to: who approved it, for whom, and why it had to be. Returns the deals."""
	deals = frappe.get_all(
		"Deal Ledger Entry",
		{"voucher_type": doctype, "voucher_no": document},
		pluck="deal",
		distinct=True,
		order_by="deal",
	)
	verified = approving.is_verified(doctype)
	if instead_of:
		text = (
			_("verified {0} {1} for {2} (stand-in).")
			if verified
			else _("approved {0} {1} for {2} (stand-in).")
		)
	else:
		text = _("verified {0} {1}.") if verified else _("approved {0} {1}.")
	text = text.format(_(doctype), document, instead_of)
	comment = "<br>".join(escape_html(line) for line in (text, *reasons.split("\n")) if line)
	for deal in deals:
		frappe.get_doc("Deal", deal).add_comment("Info", comment, comment_email=user)
	return deals
