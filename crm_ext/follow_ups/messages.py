"""What people are told, in their own language: composing and handing over to Frappe's bell and mail queue.

Nothing here decides who is told what, and nothing is sent before the transaction is committed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe
from frappe import _
from frappe.email.doctype.email_account.email_account import EmailAccount
from frappe.utils import escape_html, get_time, get_url, get_url_to_form
from frappe.utils.verified_command import get_signed_params

from crm_ext.follow_ups.preferences import Person

# Rows a section of the digest lists; its count is of all.
LISTED = 20
MY_DAY = "/app/my-day"
_UNSUBSCRIBE = "/api/method/crm_ext.api.preferences.unsubscribe"


@contextmanager
def language(code: str | None) -> Iterator[None]:
	"""Speak this language inside, and the one before afterwards, whatever happens."""
	lang, environment = frappe.local.lang, frappe.local.jenv
	if code and code != lang:
		# The environment of templates holds translated words.
		frappe.local.lang, frappe.local.jenv = code, None
	try:
		yield
	finally:
		frappe.local.lang, frappe.local.jenv = lang, environment


def can_mail() -> bool:
	"""Whether the site has an account to send from."""
	return bool(EmailAccount.find_outgoing())


def send_digest(person: Person, sections: dict[str, list["frappe._dict"]], mail: bool) -> None:
	"""One digest by bell, mail or both. `sections`: rows by "overdue", "today", "tomorrow", "escalated"; each row with the
	`total` of its section."""
	with language(person.language):
		words = {
			"overdue": (_("Overdue"), _("{0} overdue")),
			"today": (_("Today"), _("{0} today")),
			"tomorrow": (_("Tomorrow"), _("{0} tomorrow")),
			"escalated": (_("Handed to You"), _("{0} handed to you")),
		}
		found = [(*words[key], sections[key][0].total, sections[key]) for key in words if sections.get(key)]
		counts = ", ".join(count.format(total) for _label, count, total, _rows in found)
		subject = _("Follow ups: {0}").format(counts)
		args = {
			"name": person.full_name,
			"sections": [
				{"label": label, "total": total, "rows": [_shown(row, person) for row in rows]}
				for label, _count, total, rows in found
			],
			"my_day": get_url(MY_DAY),
		}
		tell(person, subject, MY_DAY, "follow_up_digest", args, mail, "digest")


def remind(person: Person, row: "frappe._dict", mail: bool) -> None:
	"""One appointment that is about to begin."""
	with language(person.language):
		subject = _("{0} at {1}: {2}").format(
			_(row.channel, context="Follow Up"), _clock(row.due_time), row.party_name or row.subject
		)
		args = {"row": _shown(row, person), "instructions": row.instructions}
		link = f"/app/follow-up/{row.name}"
		tell(person, subject, link, "follow_up_reminder", args, mail, "mail", ("Follow Up", row.name))


def hand_over(person: Person, rows: list["frappe._dict"], mail: bool) -> None:
	"""Follow ups nobody did, to a manager."""
	with language(person.language):
		if len(rows) == 1:
			text = _("{0} did not get to a follow up: {1}")
			subject = text.format(rows[0].responsible_name, rows[0].party_name or rows[0].subject)
		else:
			subject = _("{0} follow ups were left undone").format(len(rows))
		args = {
			"name": person.full_name,
			"rows": [_shown(row, person) for row in rows[:LISTED]],
			"total": len(rows),
			"my_day": get_url(MY_DAY),
		}
		link = (
			f"/app/follow-up/{rows[0].name}"
			if len(rows) == 1
			else f"/app/follow-up?escalated_to={person.user}"
		)
		tell(person, subject, link, "follow_up_escalation", args, mail, "mail")


def _shown(row: "frappe._dict", person: Person) -> dict:
	"""What a mail shows of a follow up. Times are the responsible's."""
	return {
		"subject": row.subject,
		"channel": _(row.channel, context="Follow Up"),
		"link": get_url_to_form("Follow Up", row.name),
		"party": row.party_name or "",
		"document": f"{_(row.reference_doctype)} {row.reference_name}",
		"document_link": get_url_to_form(row.reference_doctype, row.reference_name),
		"day": frappe.format(row.due_date, "Date"),
		"time": _clock(row.due_time) if row.due_time is not None else "",
		"responsible": row.responsible_name if row.responsible != person.user else "",
	}


def _clock(time) -> str:
	return get_time(time).strftime("%H:%M")


def tell(
	person: Person,
	subject: str,
	link: str,
	template: str,
	args: dict,
	mail: bool,
	what: str,
	reference: tuple[str, str] | None = None,
) -> None:
	"""By bell, mail or both, as the person wants it. `reference`: the document it is about; `what`: what the mail's
	unsubscribe link ends."""
	doctype, name = reference or (None, None)
	ring(person, subject, reference, link=link)
	if person.mail and mail:
		frappe.sendmail(
			recipients=[person.email],
			subject=subject,
			template=template,
			args={
				**args,
				"preferences": get_url("/app/follow-up-preference"),
				"unsubscribe": unsubscribe_link(person.user, what),
				"what": what,
			},
			reference_doctype=doctype,
			reference_name=name,
			# Ours stands in the mail and asks for no password.
			add_unsubscribe_link=0,
		)


def ring(
	person: Person | None,
	subject: str,
	reference: tuple[str, str] | None = None,
	link: str | None = None,
	from_user: str | None = None,
) -> None:
	"""By the bell, where the person wants it; None, somebody who may be told nothing, hears nothing.

	`reference`: the document it is about, which the bell leads to where no `link` is given.
	"""
	if not person or not person.bell:
		return
	doctype, name = reference or (None, None)
	frappe.get_doc(
		{
			"doctype": "Notification Log",
			"type": "Alert",
			"for_user": person.user,
			"from_user": from_user,
			# The bell shows it as HTML.
			"subject": escape_html(subject),
			"link": link,
			"document_type": doctype,
			"document_name": name,
		}
	).insert(ignore_permissions=True)


def unsubscribe_link(user: str, what: str) -> str:
	"""Signed, so that it works without logging in; `what` is "digest" or "mail"."""
	return get_url(f"{_UNSUBSCRIBE}?{get_signed_params({'user': user, 'what': what})}")
