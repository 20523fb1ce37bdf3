"""An opportunity beyond a limit is seen by somebody before it is quoted.

What it was worth when it was qualified stays on it: a limit passed since then has to be seen again. Where ERPNext says
it is converted, lost or closed, so does the state.
"""

from collections.abc import Collection

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import flt

from crm_ext.constants.workflows import (
	HANDS,
	NEEDED,
	OVER,
	PENDING,
	QUALIFICATION,
	QUALIFIED,
	QUALIFIED_FOR,
	ROLES,
	STATE_FIELD,
	WORKFLOWS,
)
from crm_ext.follow_ups import guard
from crm_ext.workflows import approving, asking, measures, states
from crm_ext.workflows.limits import Finding

OPPORTUNITY = measures.OPPORTUNITY
_WAITING = "crm_ext_opportunities_to_follow"


def keep(doc: Document) -> None:
	"""What it was qualified for, and who had it, is nobody's to type. Another company has other limits, in another currency."""
	before = doc.get_doc_before_save()
	same = before and before.company == doc.company
	doc.set(QUALIFIED_FOR, before.get(QUALIFIED_FOR) if same else 0)
	doc.set(HANDS, before.get(HANDS) if before else None)
	if before and before.opportunity_owner and before.opportunity_owner != doc.opportunity_owner:
		approving.remember(doc, before.opportunity_owner)


def find(doc: Document) -> list[Finding]:
	"""What has to be approved: nothing once it is over."""
	return [] if doc.status in OVER else measures.find(doc)


def qualify(doc: Document) -> None:
	"""Somebody who may has qualified it as it stands."""
	doc.set(QUALIFIED_FOR, max(measures.worth(doc), flt(doc.get(QUALIFIED_FOR))))
	doc.update({NEEDED: 0, ROLES: None})


def state_now(doc: Document) -> str:
	"""The state by ERPNext's status, by whether something has to be approved, and where it stood."""
	if doc.status in OVER:
		return doc.status
	state, needed = doc.get(STATE_FIELD), bool(find(doc))
	if state in OVER or (state == QUALIFIED and needed):
		return QUALIFICATION if needed else states.of(WORKFLOWS[OPPORTUNITY], doc)
	if doc.status == "Quotation" and not needed:
		return QUALIFIED
	return state


def move(doc: Document, state: str) -> None:
	"""Into a state that no person's action brought it to, with what goes with it."""
	before = doc.get(STATE_FIELD)
	states.write(doc, state)
	if state == QUALIFIED:
		qualify(doc)
		frappe.db.set_value(
			OPPORTUNITY, doc.name, QUALIFIED_FOR, doc.get(QUALIFIED_FOR), update_modified=False
		)
	_write_findings(doc, find(doc))
	if before == PENDING:
		with guard.best_effort("asking for approval failed", OPPORTUNITY, doc.name):
			asking.settle(doc, None)
	elif before == QUALIFIED and state == QUALIFICATION:
		doc.add_comment("Workflow", _(state))


def _write_findings(doc: Document, findings: list[Finding]) -> None:
	noted = measures.noted(findings, doc.company)
	doc.update(noted)
	states.write_approval(WORKFLOWS[OPPORTUNITY], {doc.name: noted})


def settle_all() -> None:
	"""After switching on: what is quoted already was seen; what is beyond a limit since it was qualified was not."""
	frappe.db.sql(
		f"""UPDATE tabOpportunity SET `{QUALIFIED_FOR}` =
			COALESCE(NULLIF(opportunity_amount * COALESCE(NULLIF(conversion_rate, 0), 1), 0), base_total, 0)
		WHERE `{STATE_FIELD}` = %s AND IFNULL(`{QUALIFIED_FOR}`, 0) = 0""",
		QUALIFIED,
	)


def set_back() -> None:
	"""What was measured beyond what it was qualified for is to be seen again."""
	frappe.db.sql(
		f"UPDATE tabOpportunity SET `{STATE_FIELD}` = %s WHERE `{STATE_FIELD}` = %s AND `{NEEDED}` = 1",
		(QUALIFICATION, QUALIFIED),
	)


def see(doc: Document, findings: list[Finding], instead_of: list[str]) -> None:
	"""Somebody who may approve it goes on with it past our actions: that is as good as one."""
	if doc.get(STATE_FIELD) == PENDING:
		with guard.best_effort("asking for approval failed", OPPORTUNITY, doc.name):
			asking.settle(doc, True)
	move(doc, QUALIFIED)
	doc.add_comment("Workflow", _(QUALIFIED))
	asking.note(doc, instead_of, "\n".join(measures.in_words(findings, doc.company)))


def differing(names: Collection[str] | None = None) -> list[str]:
	"""Opportunities, or those of `names`, whose status was changed past the document layer. One query, no lock."""
	some = "name IN %(names)s AND" if names is not None else ""
	return frappe.db.sql(
		f"""SELECT name FROM tabOpportunity WHERE {some} ((status IN %(over)s AND `{STATE_FIELD}` != status)
			OR (status NOT IN %(over)s AND `{STATE_FIELD}` IN %(over)s)) ORDER BY name""",
		{"over": OVER, "names": names},
		pluck=True,
	)


def renew(names: Collection[str]) -> None:
	"""One that fails is logged and holds up none of the others."""
	for name in names:
		with guard.best_effort("state of the opportunity failed", OPPORTUNITY, name):
			doc = frappe.get_doc(OPPORTUNITY, name)
			move(doc, state_now(doc))


def follow_before_commit(names: Collection[str]) -> None:
	"""Our own corrections write the status of an opportunity when the deals are derived, just before the commit."""
	waiting = getattr(frappe.local, _WAITING, None)
	if not waiting:
		waiting = set()
		setattr(frappe.local, _WAITING, waiting)
		frappe.db.before_commit.add(follow_waiting)
		frappe.db.after_rollback.add(_forget)
	waiting.update(names)


def follow_waiting() -> None:
	names = getattr(frappe.local, _WAITING, None)
	_forget()
	if names:
		with guard.best_effort("states of opportunities failed", OPPORTUNITY, min(names)):
			renew(differing(names))


def _forget() -> None:
	setattr(frappe.local, _WAITING, None)


def sources(quotation: Document) -> list[str]:
	"""Names of the opportunities a quotation was made from."""
	names = {quotation.get("opportunity")} | {
		row.get("prevdoc_docname")
		for row in quotation.get("items") or ()
		if row.get("prevdoc_doctype") == OPPORTUNITY
	}
	return sorted(filter(None, names))
