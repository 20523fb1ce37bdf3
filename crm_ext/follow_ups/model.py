"""Plain data of follow ups. Nothing here knows Frappe."""

from dataclasses import dataclass, field
from datetime import date, datetime, time

OPEN = "Open"
DONE = "Done"
CANCELLED = "Cancelled"

CHANNELS = ("Call", "Visit", "Mail", "Meeting", "SMS", "WhatsApp", "WeChat", "QQ", "Other")

# Why a follow up was closed without being done: values of Follow Up.cancel_reason.
BY_HAND = "By Hand"
IN_CONTACT = "In Contact"
CONDITION_LEFT = "Condition No Longer Met"
STAGE_REACHED = "Stage Reached"
REPLACED = "Replaced by a Later Step"
DOCUMENT_CANCELLED = "Document Cancelled"
DUPLICATE = "Duplicate"


@dataclass(frozen=True, slots=True)
class Reference:
	"""A DocType follow ups may be about, and the columns that say what a follow up copies from it.

	`party_type` is a column, or the name of a DocType written with a leading "=". A column that is None does not
	exist there. Every expression is constant text of this file, safe to stand in SQL.
	"""

	doctype: str
	party_type: str
	party: str
	party_name: str
	owner: str | None = None
	deal: str | None = None
	company: str | None = "company"
	contact: str | None = None
	# DocTypes without a party of their own to be silent about keep these two dates all the same.
	date_field: str = "creation"


REFERENCES: dict[str, Reference] = {
	reference.doctype: reference
	for reference in (
		Reference("Lead", "=Lead", "name", "title", owner="lead_owner"),
		Reference(
			"Opportunity",
			"opportunity_from",
			"party_name",
			"customer_name",
			owner="opportunity_owner",
			deal="deal",
			contact="contact_person",
			date_field="transaction_date",
		),
		Reference(
			"Quotation",
			"quotation_to",
			"party_name",
			"customer_name",
			deal="deal",
			contact="contact_person",
			date_field="transaction_date",
		),
		Reference(
			"Sales Order",
			"=Customer",
			"customer",
			"customer_name",
			deal="deal",
			contact="contact_person",
			date_field="transaction_date",
		),
		Reference(
			"Sales Invoice",
			"=Customer",
			"customer",
			"customer_name",
			deal="deal",
			contact="contact_person",
			date_field="posting_date",
		),
		Reference(
			"Customer",
			"=Customer",
			"name",
			"customer_name",
			owner="account_manager",
			company=None,
			contact="customer_primary_contact",
		),
		Reference(
			"Payment Promise",
			"=Customer",
			"customer",
			"customer_name",
			owner="responsible",
			contact="contact",
			date_field="promised_on",
		),
		Reference("Prospect", "=Prospect", "name", "company_name", owner="prospect_owner"),
		Reference("Deal", "party_type", "party", "party_name", owner="owner_user", deal="name"),
		Reference(
			"Issue",
			"IF(COALESCE(customer, '') != '', 'Customer', IF(COALESCE(lead, '') != '', 'Lead', NULL))",
			"IF(COALESCE(customer, '') != '', customer, NULLIF(lead, ''))",
			"COALESCE(NULLIF(customer_name, ''), raised_by)",
			contact="contact",
			date_field="opening_date",
		),
		Reference(
			"Contract", "party_type", "party_name", "party_name", company=None, date_field="start_date"
		),
	)
}

# What somebody may be asked to do something about, but nobody keeps in contact over: no dates on them, no rules.
ASKED_ABOUT: dict[str, Reference] = {
	"Payment Entry": Reference(
		"Payment Entry",
		"party_type",
		"party",
		"party_name",
		contact="contact_person",
		date_field="posting_date",
	)
}
ABOUT = REFERENCES | ASKED_ABOUT

# Parties: a contact with one of them counts for its open deals.
PARTIES = ("Lead", "Prospect", "Customer")


@dataclass(frozen=True, slots=True)
class Step:
	"""One step of a rule. `days` is negative where it lies before the date the rule counts from."""

	idx: int
	days: int
	channel: str
	subject: str
	due_time: time | None = None
	instructions: str | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
	"""When one person works. `holidays` holds weekly days off too; times are the person's own."""

	time_zone: str
	workday_start: time
	workday_end: time
	holidays: frozenset[date] = field(default_factory=frozenset)


@dataclass(slots=True)
class Due:
	"""One follow up a rule asks for: which step, when (system time), and the day in the person's own time zone."""

	step: Step
	due_date: date
	due_on: datetime
	all_day: bool


# Of a follow up that asks for an approval or a release: it is answered on its document, and no contact with the party,
# neither planned nor had. Keys of rules are plain hashes.
ASKS = "LOCATE(':', COALESCE(rule_key, '')) > 0"
# The same as filters on `rule_key`.
IS_QUESTION, IS_CONTACT = ("like", "%:%"), ("not like", "%:%")


def asks(rule_key: str | None) -> bool:
	"""As `ASKS`, which is for statements."""
	return ":" in (rule_key or "")
