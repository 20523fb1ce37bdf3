"""The workflows the app can put on ERPNext's documents: states, actions and ways between them. Data only.

ERPNext keeps its own status; ours stands beside it in a field of its own, and follows where ERPNext leads.
"""

from dataclasses import dataclass

STATE_FIELD = "crm_ext_state"
# ERPNext fills an empty field of an opportunity from the field of the same name of its lead.
LEAD_STATE_FIELD = "crm_ext_lead_state"
# What the last save found: whether it has to be approved, why, by whom, and the figures for readers of other languages.
NEEDED, REASONS, ROLES, FINDINGS = APPROVAL_FIELDS = (
	"approval_needed",
	"approval_reasons",
	"approval_roles",
	"approval_findings",
)
# Who had it before, or asked for its approval: they do not approve it in another's name.
HANDS = "approval_hands"
# What an opportunity was worth when it was qualified, in company currency: limits up to there need nobody again.
QUALIFIED_FOR = "qualified_for"

DRAFT, PENDING, CANCELLED = "Draft", "Pending Approval", "Cancelled"
SENT, ACCEPTED, LOST = "Sent", "Accepted", "Lost"
WAITING, RELEASED = "Waiting for Credit", "Released"
ENTERED, VERIFIED = "Entered", "Verified"
NEW, CONTACTED, QUALIFIED, UNQUALIFIED = "New", "Contacted", "Qualified", "Unqualified"
QUALIFICATION, CONVERTED, CLOSED = "Qualification", "Converted", "Closed"

# States and actions a site may have already keep what they are there.
STYLES = {
	ACCEPTED: "Success",
	CANCELLED: "Inverse",
	CLOSED: "Inverse",
	CONTACTED: "Primary",
	CONVERTED: "Success",
	DRAFT: "",
	ENTERED: "",
	LOST: "Danger",
	NEW: "",
	PENDING: "Warning",
	QUALIFICATION: "",
	QUALIFIED: "Success",
	RELEASED: "Success",
	SENT: "Primary",
	UNQUALIFIED: "Danger",
	VERIFIED: "Success",
	WAITING: "Warning",
}

SUBMIT, REQUEST, APPROVE, SEND_BACK, WITHDRAW = (
	"Submit",
	"Request Approval",
	"Approve",
	"Send Back",
	"Withdraw",
)
VERIFY = "Verify"
CONTACT, QUALIFY, DISQUALIFY, REOPEN = "Mark Contacted", "Qualify", "Disqualify", "Reopen"

# Who may: everybody (ERPNext's own permissions still hold), who may approve this document, who entered it, anybody else,
# who may qualify leads.
ANYBODY, APPROVER, OWNER, OTHER, QUALIFIER = "anybody", "approver", "owner", "other", "qualifier"
# When: nothing has to be approved, something has to be, always; ERPNext has no document that settles a lead's status;
# a lead was, or was not, in contact yet.
WITHIN, BEYOND, ALWAYS = "within", "beyond", "always"
UNSETTLED, IN_CONTACT, WITHOUT_CONTACT = "unsettled", "in contact", "without contact"

# Statuses ERPNext gives a lead by the documents made from it.
SETTLED = ("Converted", "Opportunity", "Quotation")
# Statuses of an opportunity at which nobody works any more: our states of the same names.
OVER = (CONVERTED, LOST, CLOSED)


@dataclass(frozen=True, slots=True)
class Way:
	"""One transition, as Frappe calls it."""

	state: str
	action: str
	next_state: str
	who: str = ANYBODY
	when: str = ALWAYS


@dataclass(frozen=True, slots=True)
class Belongs:
	"""A document with this docstatus, and one of these values of `field` if any are named, is in this state; or one
	whose `field` is filled. The first that fits."""

	state: str
	docstatus: int
	values: tuple[str, ...] = ()
	field: str = "status"
	filled: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
	"""`states`: (state, docstatus); the first is that of a new document. `measured`: limits say what has to be approved."""

	document_type: str
	switch: str
	states: tuple[tuple[str, int], ...]
	ways: tuple[Way, ...]
	belongs: tuple[Belongs, ...]
	measured: bool = True
	state_field: str = STATE_FIELD

	@property
	def name(self) -> str:
		return f"CRM Ext {self.document_type}"


def _approval(draft: str, done: str, *also: str, within: str = SUBMIT) -> tuple[Way, ...]:
	"""From entering to submitting, by way of an approval where one is needed. `also`: other states to go on from;
	`within`: what leads on where nobody has to approve."""
	ways = []
	for state in (draft, *also):
		ways += [
			Way(state, within, done, ANYBODY, WITHIN),
			Way(state, REQUEST, PENDING, ANYBODY, BEYOND),
			Way(state, APPROVE, done, APPROVER, BEYOND),
		]
	return (
		*ways,
		Way(PENDING, APPROVE, done, APPROVER, BEYOND),
		# Changed or measured anew, it may need nobody any more.
		Way(PENDING, within, done, ANYBODY, WITHIN),
		Way(PENDING, SEND_BACK, draft, APPROVER, BEYOND),
		Way(PENDING, WITHDRAW, draft, OWNER),
	)


WORKFLOWS = {
	definition.document_type: definition
	for definition in (
		Definition(
			"Lead",
			"workflow_lead",
			((NEW, 0), (CONTACTED, 0), (QUALIFIED, 0), (UNQUALIFIED, 0)),
			(
				Way(NEW, CONTACT, CONTACTED),
				Way(NEW, QUALIFY, QUALIFIED, QUALIFIER),
				Way(CONTACTED, QUALIFY, QUALIFIED, QUALIFIER),
				Way(NEW, DISQUALIFY, UNQUALIFIED),
				Way(CONTACTED, DISQUALIFY, UNQUALIFIED),
				Way(QUALIFIED, DISQUALIFY, UNQUALIFIED, ANYBODY, UNSETTLED),
				Way(UNQUALIFIED, REOPEN, CONTACTED, ANYBODY, IN_CONTACT),
				Way(UNQUALIFIED, REOPEN, NEW, ANYBODY, WITHOUT_CONTACT),
			),
			(
				Belongs(QUALIFIED, 0, SETTLED),
				Belongs(UNQUALIFIED, 0, ("Do Not Contact",)),
				Belongs(QUALIFIED, 0, ("Qualified",), "qualification_status"),
				# "Unqualified" stands in every new lead and says nothing.
				Belongs(CONTACTED, 0, ("In Process",), "qualification_status"),
				Belongs(CONTACTED, 0, ("Replied", "Interested", "Lost Quotation")),
				Belongs(CONTACTED, 0, field="last_contact_on", filled=True),
				Belongs(NEW, 0),
			),
			measured=False,
			state_field=LEAD_STATE_FIELD,
		),
		Definition(
			"Opportunity",
			"workflow_opportunity",
			((QUALIFICATION, 0), (PENDING, 0), (QUALIFIED, 0), (CONVERTED, 0), (LOST, 0), (CLOSED, 0)),
			_approval(QUALIFICATION, QUALIFIED, within=QUALIFY),
			(
				*(Belongs(status, 0, (status,)) for status in OVER),
				Belongs(QUALIFIED, 0, ("Quotation",)),
				Belongs(QUALIFIED, 0, field=QUALIFIED_FOR, filled=True),
				Belongs(QUALIFICATION, 0),
			),
		),
		Definition(
			"Quotation",
			"workflow_quotation",
			((DRAFT, 0), (PENDING, 0), (SENT, 1), (ACCEPTED, 1), (LOST, 1), (CANCELLED, 2)),
			_approval(DRAFT, SENT),
			(
				Belongs(DRAFT, 0),
				Belongs(CANCELLED, 2),
				Belongs(ACCEPTED, 1, ("Ordered", "Partially Ordered")),
				Belongs(LOST, 1, ("Lost",)),
				Belongs(SENT, 1),
			),
		),
		Definition(
			"Sales Order",
			"workflow_sales_order",
			((DRAFT, 0), (WAITING, 0), (PENDING, 0), (RELEASED, 1), (CANCELLED, 2)),
			_approval(DRAFT, RELEASED, WAITING),
			(Belongs(DRAFT, 0), Belongs(CANCELLED, 2), Belongs(RELEASED, 1)),
		),
		Definition(
			"Payment Entry",
			"workflow_payment_entry",
			((ENTERED, 0), (VERIFIED, 1), (CANCELLED, 2)),
			(Way(ENTERED, VERIFY, VERIFIED, OTHER),),
			(Belongs(ENTERED, 0), Belongs(CANCELLED, 2), Belongs(VERIFIED, 1)),
			measured=False,
		),
	)
}
