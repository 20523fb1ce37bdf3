"""What a workflow does when a document is saved: measures it, lets it be submitted, keeps the state in step with ERPNext.

Frappe's Workflow offers the actions and asks its conditions; who may submit beyond a limit is decided here once more, by
what is saved in that moment, so it holds for every way of submitting. While a workflow is off nothing is asked of the
database.
"""

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.model.workflow import get_workflow_name
from frappe.utils import cint, flt

from crm_ext.constants.workflows import (
	APPROVE,
	DRAFT,
	HANDS,
	NEEDED,
	PENDING,
	QUALIFIED,
	REASONS,
	REQUEST,
	ROLES,
	STATE_FIELD,
	VERIFY,
	WAITING,
	WORKFLOWS,
)
from crm_ext.follow_ups import guard
from crm_ext.receivables import credit, releases
from crm_ext.workflows import approving, asking, changes, leads, measures, opportunities, states
from crm_ext.workflows import limits as rules
from crm_ext.workflows.measures import OPPORTUNITY


class ApprovalNeeded(frappe.ValidationError):
	"""A document that somebody else has to approve first."""


def show(doc: Document) -> None:
	"""As a form is opened: why it has to be approved, in the language of who reads."""
	if is_on(doc.doctype) and doc.get(REASONS):
		# While it was off anybody could write there. The form has what is stored.
		with guard.best_effort("reasons of an approval failed", doc.doctype, doc.name):
			doc.set_onload(REASONS, measures.reasons(doc))


def is_on(doctype: str) -> bool:
	"""Switched on, and the active workflow is ours. Settings and workflow are cached."""
	one = WORKFLOWS.get(doctype)
	return bool(
		one
		and cint(frappe.get_cached_doc(measures.SETTINGS).get(one.switch))
		and get_workflow_name(doctype) == one.name
	)


def prepare(doc: Document) -> None:
	"""Before a document is saved or submitted: its state is one it may have, and what has to be approved is noted."""
	if doc.doctype == OPPORTUNITY:
		opportunities.keep(doc)  # also while off: it would count once the workflow is switched on
	if not is_on(doc.doctype):
		return
	wanted = _settle_state(doc)
	_keep_owner(doc)
	if doc.doctype == leads.LEAD:
		leads.prepare(doc, wanted)
	if not WORKFLOWS[doc.doctype].measured:
		return
	findings = opportunities.find(doc) if doc.doctype == OPPORTUNITY else measures.find(doc)
	doc.flags.approval_findings = findings
	doc.update(measures.noted(findings, doc.company))
	if doc.get(STATE_FIELD) == PENDING and (
		wanted == PENDING or doc.get_doc_before_save().get(ROLES) != doc.get(ROLES)
	):
		approving.remember(doc, frappe.session.user)
	if doc.doctype == OPPORTUNITY and wanted == QUALIFIED:
		allow_submit(doc)
		opportunities.qualify(doc)


def keep(doc: Document) -> None:
	"""Before a submitted document is saved: a form opened before ERPNext went on does not set the state back."""
	if is_on(doc.doctype):
		_settle_state(doc)
		_keep_owner(doc)


def _keep_owner(doc: Document) -> None:
	"""Who entered a document is asked when it is approved or verified. Frappe takes another owner from whoever saves it."""
	if doc.doctype == leads.LEAD:
		return
	before = doc.get_doc_before_save()
	if before and not passes_unasked(doc):
		doc.owner = before.owner
	if WORKFLOWS[doc.doctype].measured and doc.doctype != OPPORTUNITY:
		doc.set(HANDS, before.get(HANDS) if before else None)


def _settle_state(doc: Document) -> str | None:
	"""New and amended documents begin at the beginning; a state no way leads to is that of an old form. Returns the state
	an action leads to, if it is one."""
	one = WORKFLOWS[doc.doctype]
	field, first = one.state_field, one.states[0][0]
	before = doc.get_doc_before_save()
	if not before:
		doc.set(field, first)
		return None
	known, wanted = before.get(field) or first, doc.get(field)
	if wanted != known and any((way.state, way.next_state) == (known, wanted) for way in one.ways):
		return wanted
	doc.set(field, known)
	return None


def allow_submit(doc: Document) -> None:
	"""Whoever submits beyond a limit has to be one who may approve it. Raises ApprovalNeeded.

	Also by API, import or another app.
	"""
	if not is_on(doc.doctype):
		return
	before = doc.get_doc_before_save()
	# Frappe's action has set the state by now; submitted without one, Frappe sets it later.
	doc.flags.by_workflow_action = bool(before and before.get(STATE_FIELD) != doc.get(STATE_FIELD))
	if passes_unasked(doc):
		return
	check(doc, doc.flags.approval_findings or [])


def allow_change(doc: Document) -> None:
	"""Whoever changes a submitted document, as by Update Items, further beyond a limit has to be one who may approve that."""
	if not is_on(doc.doctype) or not WORKFLOWS[doc.doctype].measured:
		return
	unasked = passes_unasked(doc)
	found = changes.check(doc, (lambda *_: None) if unasked else check)
	doc.flags.change_approved = None if unasked else found


def tell_change(doc: Document) -> None:
	"""A change beyond a limit by who may approve it is an approval."""
	findings = doc.flags.pop("change_approved", None)
	if not findings or guard.is_suspended():
		return
	with guard.best_effort("noting an approval failed", doc.doctype, doc.name):
		sentences = measures.in_words(findings, doc.company)
		lines = (frappe.utils.escape_html(line) for line in (_("approved a change."), *sentences))
		doc.add_comment("Info", "<br>".join(lines))
		asking.note(doc, doc.flags.approved_for or [], "\n".join(sentences))


def check(doc: Document, findings: list[rules.Finding]) -> None:
	"""Refuse an approval or verification that the session's user may not give. Raises ApprovalNeeded.

	In whose name it is given, where the user's own roles do not suffice, is noted for `tell`.
	"""
	verified = approving.is_verified(doc.doctype)
	if verified:
		_refuse_own(doc)
	_roles, suffices = approving.needs(doc.doctype, findings)
	absent = approving.in_whose_name(doc, suffices, lambda: {row.owner for row in asking.asked(doc)})
	if absent is not None:
		doc.flags.approved_for = absent
		return
	if verified:
		frappe.throw(
			_("{0} has to verify it.").format(frappe.bold(_(approving.verifier_role()))),
			ApprovalNeeded,
			title=_("Has to Be Verified First"),
		)
	text = "".join(
		f"<li>{frappe.utils.escape_html(sentence)}</li>"
		for sentence in measures.in_words(findings, doc.company)
	)
	before = doc.get_doc_before_save()
	if before and before.docstatus == 1:
		way = _("It was submitted for less. Somebody who may approve this has to change it.")
	else:
		way = _("Save it and choose {0}.").format(frappe.bold(_(REQUEST, context="Workflow Action")))
	frappe.throw(f"<ul>{text}</ul><p>{way}</p>", ApprovalNeeded, title=_("Has to Be Approved First"))


def _refuse_own(doc: Document) -> None:
	"""What is verified is what another person left: neither one's own nor what one changed, before or with this save."""
	user = frappe.session.user
	if user == "Administrator":
		return
	before = doc.get_doc_before_save()
	if doc.owner == user:
		text = _("You entered it yourself; somebody else has to verify it.")
	elif not before or before.modified_by == user or _money(before) != _money(doc):
		text = _("You changed it last; somebody else has to verify it.")
	else:
		return
	frappe.throw(text, ApprovalNeeded, title=_("Has to Be Verified First"))


def _money(doc: Document) -> list:
	"""Whose money of a Payment Entry goes where, how much, and what for."""
	fields = (
		"party_type",
		"party",
		"paid_from",
		"paid_to",
		"posting_date",
		"reference_no",
		"mode_of_payment",
	)
	tables = {"references": ("reference_name", "allocated_amount"), "deductions": ("account", "amount")}
	return [
		*(str(doc.get(field) or "") for field in fields),
		*(flt(doc.get(field), 2) for field in ("paid_amount", "received_amount")),
		*(
			sorted((str(row.get(key)), flt(row.get(value), 2)) for row in doc.get(table) or ())
			for table, (key, value) in tables.items()
		),
	]


def follow(doc: Document) -> None:
	"""After a document has changed, by whatever way: its state follows ERPNext."""
	if not is_on(doc.doctype):
		return
	if doc.docstatus == 1 and not _has_arrived(doc):
		return  # being submitted: ERPNext writes a status before Frappe has set the state
	# Where it stands is no reason to refuse what was done to it.
	with guard.best_effort("state of the document failed", doc.doctype, doc.name):
		state = _state_now(doc)
		if state and state != doc.get(WORKFLOWS[doc.doctype].state_field):
			opportunities.move(doc, state) if doc.doctype == OPPORTUNITY else states.write(doc, state)


def follow_lead(name: str) -> None:
	"""A customer was made from a lead."""
	if is_on(leads.LEAD):
		with guard.best_effort("state of the lead failed", leads.LEAD, name):
			leads.renew([name])


def catch_up() -> None:
	"""States of what was changed past the document layer: by SQL, by contacts. The caller commits."""
	if is_on(leads.LEAD):
		leads.renew(leads.differing())
	if is_on(OPPORTUNITY):
		opportunities.renew(opportunities.differing())


def tell(doc: Document) -> None:
	"""Once a document is saved or submitted: who has to act is asked, who asked is answered, an approval is noted."""
	if not is_on(doc.doctype) or guard.is_suspended():
		return
	before = doc.get_doc_before_save()
	with guard.best_effort("asking for approval failed", doc.doctype, doc.name):
		_ask_or_answer(doc, before)
		if _is_done(doc) and not (before and _is_done(before)):
			if doc.flags.approval_findings or approving.is_verified(doc.doctype):
				_note_approval(doc)


def _is_done(doc: Document) -> bool:
	"""In a state an approval or verification leads to."""
	ends = {way.next_state for way in WORKFLOWS[doc.doctype].ways if way.action in (APPROVE, VERIFY)}
	return doc.get(STATE_FIELD) in ends and doc.docstatus != 2


def _has_arrived(doc: Document) -> bool:
	one = WORKFLOWS[doc.doctype]
	return dict(one.states).get(doc.get(one.state_field), 1) != 0


def _state_now(doc: Document) -> str | None:
	if doc.doctype == leads.LEAD:
		return leads.state_now(doc)
	if doc.doctype == OPPORTUNITY:
		return opportunities.state_now(doc)
	if doc.docstatus != 0:
		return states.of(WORKFLOWS[doc.doctype], doc)
	state = doc.get(STATE_FIELD)
	if doc.doctype != "Sales Order" or state not in (DRAFT, WAITING):
		return state
	found = doc.flags.credit_found
	if state == WAITING and not credit.is_on():
		return DRAFT
	if not found:  # the gate was not asked in this save
		return state
	with guard.best_effort("credit in the workflow failed", doc.doctype, doc.name):
		waits = found.reasons and not releases.find(doc, credit.value_of(doc))[0]
		return WAITING if waits else DRAFT
	return state


def released(release: Document) -> None:
	"""Credit was released for an order that waits for it."""
	if not release.sales_order or not is_on("Sales Order"):
		return
	known = frappe.db.get_value("Sales Order", release.sales_order, ["docstatus", STATE_FIELD], as_dict=True)
	if not known or known.docstatus != 0 or known[STATE_FIELD] != WAITING:
		return
	with guard.best_effort("credit in the workflow failed", "Sales Order", release.sales_order):
		order = frappe.get_doc("Sales Order", release.sales_order)
		if releases.find(order, credit.value_of(order))[0]:
			states.write(order, DRAFT)
			order.notify_update()


def _ask_or_answer(doc: Document, before: Document | None) -> None:
	if approving.is_verified(doc.doctype):
		_ask_to_verify(doc, before)
		return
	pending = doc.get(STATE_FIELD) == PENDING and doc.docstatus == 0
	was = bool(before and before.get(STATE_FIELD) == PENDING and before.docstatus == 0)
	if pending and not was:
		asking.ask(doc)
	elif pending and before.get(ROLES) != doc.get(ROLES):
		asking.settle(doc, None)
		if doc.get(NEEDED):
			asking.ask(doc)
	elif was and not pending:
		asking.settle(doc, _is_done(doc))


def _ask_to_verify(doc: Document, before: Document | None) -> None:
	"""As soon as it is entered, where the settings say who verifies. What code enters without asking for permissions it
	submits itself, as a payment on the website; left a draft, it is asked for once somebody saves it."""
	if doc.docstatus == 0 and approving.verifier_role() and not passes_unasked(doc):
		asking.ask(doc)
	elif before and before.docstatus == 0 and doc.docstatus == 1:
		asking.settle(doc, True)


def _note_approval(doc: Document) -> None:
	"""On the document, where no action of Frappe's notes it, and on its deals."""
	if not doc.flags.by_workflow_action:
		doc.add_comment("Workflow", _(doc.get(STATE_FIELD)))
	asking.note(doc, doc.flags.approved_for or [], "\n".join(measures.reasons(doc)))


def passes_unasked(doc: Document) -> bool:
	"""What code does without asking for permissions, and what customers order on the website: nobody there can ask for an
	approval."""
	return bool(
		doc.flags.ignore_permissions
		or frappe.get_cached_value("User", frappe.session.user, "user_type") != "System User"
	)
