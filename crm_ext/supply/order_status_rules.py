"""Where each row of an order is. Pure; quantities in the row's own unit, in which the customer ordered them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

EPS = 0.0005
# The way of goods and money, as it is shown.
STEPS = ("requested", "ordered", "received", "held", "delivered", "invoiced", "paid")
REQUEST, PURCHASE, RECEIPT, WORK, RESERVATION, PICK, NOTE, INVOICE = (
	"request",
	"purchase",
	"receipt",
	"work",
	"reservation",
	"pick",
	"note",
	"invoice",
)
_STEP_OF = {
	REQUEST: "requested",
	PURCHASE: "ordered",
	WORK: "ordered",
	RECEIPT: "received",
	RESERVATION: "held",
	PICK: "held",
	NOTE: "delivered",
	INVOICE: "invoiced",
}


@dataclass(frozen=True, slots=True)
class Document:
	"""One row of a document that serves an order row. `done`: what of `qty` went on from it; both 0 or more but for
	returns."""

	kind: str
	doctype: str
	name: str
	item_code: str
	qty: float
	done: float = 0.0
	draft: bool = False
	ended: bool = False  # closed, stopped or finished: nothing more comes of it
	day: date | None = None  # of the document
	expected: date | None = None  # goods expected, or payment due
	party: str | None = None
	amount: float = 0.0  # net, in the order's currency, whatever the rate was on its day
	paid_share: float = 0.0

	@property
	def open(self) -> float:
		return 0.0 if self.draft or self.ended else max(0.0, self.qty - self.done)


@dataclass(frozen=True, slots=True)
class OrderRow:
	"""One order row, and what availability says of what is still to be delivered."""

	qty: float
	delivered: float
	open: float  # still to be delivered; 0 where the order is closed
	amount: float  # net, in the order's currency
	due: date | None = None
	stock: bool = True  # kept in stock, made or a bundle of such
	bundle: bool = False
	drop_ship: bool = False
	picked: float = 0.0
	ready: float = 0.0  # of `open`: can be delivered today
	short: float = 0.0  # of `open`: nobody has asked for it yet
	promise_on: date | None = None
	promised_by: str | None = None
	documents: tuple[Document, ...] = ()


@dataclass(slots=True)
class Step:
	"""How much of a row has come so far; `qty` None where it is counted in other units (parts of a bundle)."""

	key: str
	qty: float | None
	of: float
	state: str  # done, partial, open, skipped
	day: date | None = None
	documents: list[Document] = field(default_factory=list)


@dataclass(slots=True)
class Status:
	"""`where`: what keeps the row back most. `parts`: each piece of the row is in exactly one of them."""

	where: str
	partly: bool
	parts: dict[str, float]
	steps: list[Step]
	held: dict[str, float]
	next_what: str | None
	next_on: date | None
	late: bool
	invoiced: float  # net
	paid: float  # net


def judge(row: OrderRow, today: date) -> Status:
	"""Where one row is."""
	by_kind = {kind: [d for d in row.documents if d.kind == kind] for kind in _STEP_OF}
	parts = _parts(row, by_kind)
	held = _held(row, by_kind)
	invoices = [d for d in by_kind[INVOICE] if not d.draft]
	invoiced = sum(d.amount for d in invoices)
	paid = sum(d.amount * d.paid_share for d in invoices)
	money = (_share(invoiced, row.amount), _share(paid, row.amount))
	where = _where(row, parts, held, money)
	what, day = _next(row, where, by_kind)
	waiting = row.open > EPS
	late = waiting and row.due is not None and (row.due < today or (day is not None and day > row.due))
	partly = waiting and (
		row.delivered > EPS or parts.get(_PART_OF.get(where, ""), row.open) < row.open - EPS
	)
	if not waiting and where in ("delivered", "invoiced"):
		partly = EPS < money[0] < 1 - EPS if where == "delivered" else EPS < money[1] < 1 - EPS
	steps = _steps(row, by_kind, parts, held, money)
	return Status(where, partly, parts, steps, held, what, day, late, invoiced, paid)


def _parts(row: OrderRow, by_kind: dict[str, list[Document]]) -> dict[str, float]:
	rest = row.open
	ready = min(rest, max(0.0, row.ready))
	rest -= ready
	short = min(rest, max(0.0, row.short))
	rest -= short
	requested = sum(d.open for d in by_kind[REQUEST])
	if row.bundle:
		# Counted in parts, not in sets: what waits for a request is named by it until something is ordered.
		requested = rest if requested and not any(d.open for d in by_kind[PURCHASE]) else 0.0
	requested = min(rest, requested)
	found = {
		"short": short,
		"requested": requested,
		"ordered": rest - requested,
		"ready": ready,
		"delivered": row.delivered,
		"closed": row.qty - row.delivered - row.open,
	}
	return {key: round(qty, 6) for key, qty in found.items() if qty > EPS}


def _held(row: OrderRow, by_kind: dict[str, list[Document]]) -> dict[str, float]:
	found = {
		"reserved": sum(d.open for d in by_kind[RESERVATION]),
		"picked": row.picked - row.delivered,
		"packed": sum(d.qty for d in by_kind[NOTE] if d.draft),
	}
	return {key: round(min(qty, row.open), 6) for key, qty in found.items() if min(qty, row.open) > EPS}


def _share(part: float, whole: float) -> float:
	"""What costs nothing is invoiced and paid as soon as it is there."""
	return part / whole if abs(whole) > EPS else 1.0


# The part a row's whereabouts is about.
_PART_OF = {"waiting": "short", "requested": "requested", "ordered": "ordered"} | dict.fromkeys(
	("in_stock", "reserved", "picked", "packed", "to_deliver"), "ready"
)


def _where(row: OrderRow, parts: dict[str, float], held: dict[str, float], money: tuple[float, float]) -> str:
	"""The earliest place any piece of the row still is."""
	if row.open <= EPS:
		if row.delivered <= EPS and "closed" in parts:
			return "closed"
		invoiced, paid = money
		return (
			"paid"
			if invoiced > 1 - EPS and paid > 1 - EPS
			else "invoiced"
			if invoiced > 1 - EPS
			else "delivered"
		)
	for where in ("waiting", "requested", "ordered"):
		if _PART_OF[where] in parts:
			return where
	for where in ("packed", "picked", "reserved"):
		if held.get(where, 0.0) >= row.open - EPS:
			return where
	return "in_stock" if row.stock and not row.drop_ship else "to_deliver"


def _next(row: OrderRow, where: str, by_kind: dict[str, list[Document]]) -> tuple[str | None, date | None]:
	if where in ("waiting", "requested"):
		return "promise", row.promise_on
	if where == "ordered":
		days = [d.expected for d in by_kind[PURCHASE] + by_kind[WORK] if d.expected and d.open > EPS]
		return "expected", max(days, default=row.promise_on)
	if row.open > EPS:
		return "delivery", row.due
	if where == "invoiced":
		return "payment", _first(
			d.expected for d in by_kind[INVOICE] if not d.draft and d.paid_share < 1 - EPS and d.amount > 0
		)
	return None, None


def _steps(
	row: OrderRow,
	by_kind: dict[str, list[Document]],
	parts: dict[str, float],
	held: dict[str, float],
	money: tuple[float, float],
) -> list[Step]:
	def total(*kinds: str) -> float | None:
		if row.bundle and any(d.item_code for kind in kinds for d in by_kind[kind]):
			return None
		return sum(d.qty for kind in kinds for d in by_kind[kind] if not d.draft)

	made = sum(d.done for d in by_kind[WORK])
	bought = total(RECEIPT)
	ordered = total(PURCHASE, WORK)
	coming = [parts.get(key, 0.0) for key in ("short", "requested", "ordered")]
	quantities = {
		"requested": total(REQUEST),
		# What is on the way may be bought for stock, which no document of the order tells.
		"ordered": None if ordered is None else max(ordered, coming[2]),
		"received": None if bought is None else bought + made,
		"held": max(held.values(), default=0.0),
		"delivered": row.delivered,
		"invoiced": row.qty * min(1.0, max(0.0, money[0])) if abs(row.amount) > EPS else row.delivered,
		"paid": row.qty * min(1.0, max(0.0, money[1])) if abs(row.amount) > EPS else row.delivered,
	}
	# Only what is not in stock has to come; of that so much is still before each step.
	missing = {"requested": coming[0], "ordered": sum(coming[:2]), "received": sum(coming), "held": 0.0}
	steps = []
	for key in STEPS:
		documents = [d for d in row.documents if _STEP_OF[d.kind] == key]
		qty = quantities[key]
		if key == "held":
			of = row.open
		else:
			of = (qty or 0.0) + missing[key] if key in missing else row.qty
		state = _state(qty, of, missing.get(key))
		steps.append(Step(key, qty, round(of, 6), state, _last(documents), documents))
	return steps


def _state(qty: float | None, of: float, missing: float | None) -> str:
	"""`missing`: what is known to be before a step that is not for everything; None where all has to pass it."""
	if qty is None:
		return "partial" if missing and missing > EPS else "done"
	if qty > EPS:
		return "done" if qty >= of - EPS else "partial"
	return "open" if missing is None or missing > EPS else "skipped"


def _first(days: Iterable[date | None]) -> date | None:
	return min((day for day in days if day), default=None)


def _last(documents: Sequence[Document]) -> date | None:
	return max((d.day for d in documents if d.day and not d.draft), default=None)
