"""Asking for an approval: a follow up, the bell and a mail with the document for those who may give it; an answer."""

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import escape_html, get_fullname, get_url_to_form, nowdate

from crm_ext.constants.workflows import REASONS
from crm_ext.follow_ups import messages, preferences, work
from crm_ext.follow_ups.model import CANCELLED, CONDITION_LEFT, OPEN
from crm_ext.follow_ups.preferences import Person
from crm_ext.workflows import limits as rules

FOLLOW_UP = "Follow Up"
# How a follow up that asks for an approval is told from others.
_MARK = "approval:"
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


def who(doc: Document) -> list[str]:
	"""Enabled users of the desk who may approve and submit it, of the smallest role that suffices."""
	findings = doc.flags.approval_findings or []
	rows = frappe.db.sql(
		"SELECT u.name, h.role FROM tabUser u JOIN `tabHas Role` h ON h.parenttype = 'User' AND h.parent = u.name"
		" WHERE h.role IN %s AND u.enabled = 1 AND u.user_type = 'System User' AND u.name != 'Administrator'",
		(rules.approvers(findings) or [""],),
	)
	holders: dict[str, set[str]] = {}
	for user, role in rows:
		holders.setdefault(user, set()).add(role)
	# A role of a limit need not come with the right to submit.
	able = {
		user: roles
		for user, roles in holders.items()
		if rules.may(findings, roles)
		and frappe.has_permission(doc.doctype, "submit", doc=doc.name, user=user)
	}
	return rules.whom_to_ask(findings, able)[:_MOST]


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
	people = preferences.people(users)
	mail = messages.can_mail()
	for user in users:
		_plan(doc, user, people.get(user), mail)
	return users


def _plan(doc: Document, user: str, person: Person | None, mail: bool) -> None:
	with messages.language(person and person.language):
		party = doc.get("customer_name") or ""
		subject = _("Approve {0} {1} for {2}").format(_(doc.doctype), doc.name, party)
		name = work.plan(
			doc.doctype,
			doc.name,
			{
				"due_date": nowdate(),
				"channel": "Other",
				"subject": subject,
				"instructions": doc.get(REASONS),
				"responsible": user,
			},
		)
		mark = f"{_MARK}{frappe.generate_hash(length=16)}"
		frappe.db.set_value(FOLLOW_UP, name, "rule_key", mark, update_modified=False)
		if not person or user == frappe.session.user:
			return
		_bell(person, _("{0} asks: {1}").format(get_fullname(frappe.session.user), subject), doc)
		if person.mail and mail:
			_mail(doc, person, subject)


def _mail(doc: Document, person: Person, subject: str) -> None:
	frappe.sendmail(
		recipients=[person.email],
		subject=subject,
		template="approval",
		args={
			"name": person.full_name,
			"asker": get_fullname(frappe.session.user),
			"document": f"{_(doc.doctype)} {doc.name}",
			"link": get_url_to_form(doc.doctype, doc.name),
			"reasons": (doc.get(REASONS) or "").split("\n"),
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
	for person in preferences.people({row.owner for row in rows} - {frappe.session.user}).values():
		with messages.language(person.language):
			text = _("{0}: {1} {2} approved") if approved else _("{0}: {1} {2} sent back")
			_bell(person, text.format(get_fullname(frappe.session.user), _(doc.doctype), doc.name), doc)


def tell_deals(doctype: str, name: str, user: str, reasons: str) -> None:
	"""On each deal a document belongs to: who approved it, and why it had to be. After the commit that approved it."""
	deals = frappe.get_all(
		"Deal Ledger Entry",
		{"voucher_type": doctype, "voucher_no": name},
		pluck="deal",
		distinct=True,
		order_by="deal",
	)
	text = _("{0} approved {1} {2}.").format(get_fullname(user), _(doctype), name)
	for deal in deals:
		comment = "<br>".join(escape_html(line) for line in (text, *reasons.split("\n")) if line)
		frappe.get_doc("Deal", deal).add_comment("Info", comment, comment_email=user)


def _bell(person: Person, subject: str, doc: Document) -> None:
	messages.ring(person, subject, (doc.doctype, doc.name), from_user=frappe.session.user)
