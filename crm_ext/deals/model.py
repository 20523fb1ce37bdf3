"""Plain data the rules work on. Nothing here knows Frappe."""

from dataclasses import dataclass, field
from datetime import date, datetime

# A voucher: (DocType, name). Also the identity of a deal: the voucher that opened it, its root.
Ref = tuple[str, str]

LEAD = "Lead"
OPPORTUNITY = "Opportunity"
QUOTATION = "Quotation"
SALES_ORDER = "Sales Order"
DELIVERY_NOTE = "Delivery Note"
SALES_INVOICE = "Sales Invoice"
PROSPECT = "Prospect"
DEAL = "Deal"

SUBMITTABLE = (QUOTATION, SALES_ORDER, DELIVERY_NOTE, SALES_INVOICE)
VOUCHERS = (LEAD, OPPORTUNITY, *SUBMITTABLE)


@dataclass(slots=True)
class Row:
	"""One item row: what it weighs in its voucher, and the rows or vouchers it was made from, nearest first."""

	name: str
	weight: float
	prev: list[tuple[str, str, str | None]]  # (DocType, voucher, row or None)


@dataclass(slots=True)
class Voucher:
	"""One ERPNext document, reduced to what deriving needs. Amounts: gross, `total` in company currency."""

	doctype: str
	name: str
	docstatus: int = 0
	status: str = ""
	stage_field: str = ""  # Opportunity.sales_stage or Lead.qualification_status
	company: str | None = None
	party_type: str | None = None
	party: str | None = None
	title: str | None = None
	day: date | None = None  # transaction or posting date
	creation: datetime | None = None
	total: float = 0.0
	currency: str | None = None
	voucher_total: float = 0.0
	is_return: bool = False
	is_opening: bool = False
	delivers: bool = False  # an invoice that moves stock
	fully_billed: bool = False  # an order nothing more will be invoiced of
	prev: Ref | None = None  # header link: a quotation's opportunity, a return's original
	amended_from: str | None = None
	deal: str | None = None  # the link on the document: chosen by a person or written by us
	owner: str | None = None
	sales_person: str | None = None
	source: str | None = None
	campaign: str | None = None
	territory: str | None = None
	industry: str | None = None
	lost_reasons: str | None = None
	rows: list[Row] = field(default_factory=list)

	@property
	def ref(self) -> Ref:
		return (self.doctype, self.name)

	@property
	def is_draft(self) -> bool:
		return self.doctype in SUBMITTABLE and self.docstatus == 0

	@property
	def is_cancelled(self) -> bool:
		return self.docstatus == 2


@dataclass(slots=True)
class Receipt:
	"""Money a voucher brought for one document, in company currency; refunds are negative."""

	doctype: str  # Payment Entry, Journal Entry, or Sales Invoice for a payment at the till
	name: str
	against: Ref  # Sales Invoice, or Sales Order while it is held on account
	day: date
	amount: float
	currency: str | None = None
	voucher_amount: float = 0.0


@dataclass(slots=True)
class Stage:
	name: str
	sequence: int
	kind: str  # Open, Won, Lost
	reached_by: str = ""


@dataclass(slots=True)
class Stages:
	"""The configured stages and the map from document values to them."""

	by_name: dict[str, Stage]
	by_kind_of_voucher: dict[str, Stage]  # "Lead", "Opportunity", "Quotation", "Sales Order", "Delivery", ...
	mapped: dict[tuple[str, str, str], str]  # (DocType, field, value) -> stage name
	deals_from_direct_invoices: bool = False

	@property
	def lost(self) -> Stage | None:
		return next((s for s in self.by_name.values() if s.kind == "Lost"), None)

	@property
	def first(self) -> Stage | None:
		return min(self.by_name.values(), key=lambda s: s.sequence, default=None)


@dataclass(slots=True)
class StoredDeal:
	"""What is known of a deal that exists."""

	name: str
	root: Ref
	creation: datetime | None = None


@dataclass
class Graph:
	"""Vouchers that hang together, closed under every link."""

	vouchers: dict[Ref, Voucher] = field(default_factory=dict)
	prospect_leads: dict[str, list[str]] = field(default_factory=dict)  # prospect -> leads in row order
	lead_customers: dict[str, str] = field(default_factory=dict)  # lead -> customer made from it
	deals: dict[str, StoredDeal] = field(default_factory=dict)
	receipts: list[Receipt] = field(default_factory=list)
	paid_ahead: set[str] = field(default_factory=set)  # orders that receipts or journal entries name


@dataclass(slots=True)
class LedgerRow:
	"""The share of one voucher that belongs to one deal at one stage."""

	stage: str
	voucher_type: str
	voucher_no: str
	posting_date: date | None
	amount: float
	voucher_currency: str | None
	voucher_amount: float
	is_cancelled: bool = False

	@property
	def key(self) -> tuple[str, str, str]:
		return (self.stage, self.voucher_type, self.voucher_no)


@dataclass
class DerivedDeal:
	"""A deal as its vouchers make it: field values for the Deal and its ledger rows."""

	root: Ref
	values: dict
	ledger: list[LedgerRow]
	# (stage, when, voucher that brought it there), oldest first: the history a backfill writes
	milestones: list[tuple[str, datetime, Ref, float]] = field(default_factory=list)
