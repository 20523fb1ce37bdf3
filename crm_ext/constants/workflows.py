"""The workflows the app can put on ERPNext's documents: states, actions and ways between them. Data only.

ERPNext keeps its own status; ours stands beside it in a field of its own, and follows where ERPNext leads.
"""

from dataclasses import dataclass

STATE_FIELD = "crm_ext_state"
# What the last save found: whether it has to be approved, why, and by whom.
NEEDED, REASONS, ROLES = APPROVAL_FIELDS = "approval_needed", "approval_reasons", "approval_roles"

DRAFT, PENDING, CANCELLED = "Draft", "Pending Approval", "Cancelled"
SENT, ACCEPTED, LOST = "Sent", "Accepted", "Lost"
WAITING, RELEASED = "Waiting for Credit", "Released"
ENTERED, VERIFIED = "Entered", "Verified"

# States and actions a site may have already keep what they are there.
STYLES = {
	ACCEPTED: "Success",
	CANCELLED: "Inverse",
	DRAFT: "",
	ENTERED: "",
	LOST: "Danger",
	PENDING: "Warning",
	RELEASED: "Success",
	SENT: "Primary",
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

# Who may: everybody (ERPNext's own permissions still hold), who may approve this document, who entered it, anybody else.
ANYBODY, APPROVER, OWNER, OTHER = "anybody", "approver", "owner", "other"
# When: nothing has to be approved, something has to be, always.
WITHIN, BEYOND, ALWAYS = "within", "beyond", "always"


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
	"""A document with this docstatus, and one of these statuses if any are named, is in this state. The first that fits."""

	state: str
	docstatus: int
	statuses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
	"""`states`: (state, docstatus); the first is that of a new document. `measured`: limits say what has to be approved;
	otherwise another person than the one who entered it submits it."""

	document_type: str
	switch: str
	states: tuple[tuple[str, int], ...]
	ways: tuple[Way, ...]
	belongs: tuple[Belongs, ...]
	measured: bool = True

	@property
	def name(self) -> str:
		return f"CRM Ext {self.document_type}"


def _approval(draft: str, done: str, *also: str) -> tuple[Way, ...]:
	"""From entering to submitting, by way of an approval where one is needed. `also`: other states to go on from."""
	ways = []
	for state in (draft, *also):
		ways += [
			Way(state, SUBMIT, done, ANYBODY, WITHIN),
			Way(state, REQUEST, PENDING, ANYBODY, BEYOND),
			Way(state, APPROVE, done, APPROVER, BEYOND),
		]
	return (
		*ways,
		Way(PENDING, APPROVE, done, APPROVER, BEYOND),
		# Changed or measured anew, it may need nobody any more.
		Way(PENDING, SUBMIT, done, ANYBODY, WITHIN),
		Way(PENDING, SEND_BACK, draft, APPROVER, BEYOND),
		Way(PENDING, WITHDRAW, draft, OWNER),
	)


WORKFLOWS = {
	definition.document_type: definition
	for definition in (
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
