"""Plain data of the supply engine: what wants goods, and what stands for it. No database, no rules.

Quantities are in the item's stock unit everywhere in this room; documents' own units are converted on the way in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

STOCK = "Stock"
BUNDLE = "Bundle"
MADE = "Made"
SERVICE = "Service"

BY_STOCK = "Stock"
BY_PURCHASE = "Purchase"
BY_PRODUCTION = "Production"
BY_LEAD_TIME = "Lead Time"


@dataclass(frozen=True, slots=True)
class Need:
	"""One row that wants goods.

	`key` is the row's name, or anything unique in the call. `qty` is what is still to be delivered. `warehouse`: None for
	all warehouses of the company, a group for those below it. `order_item` names the Sales Order Item when the need *is*
	an open submitted order row, whose own demand then does not count against it.
	"""

	key: str
	item_code: str
	qty: float
	warehouse: str | None
	needed_on: date | None = None
	order_item: str | None = None


@dataclass(frozen=True, slots=True)
class Availability:
	"""What stands for one need, in the pool of warehouses it may be served from.

	- `kind`: Stock, Bundle, Made, or Service (not kept in stock: all quantities 0, no date, never short)
	- `reserved`: open order rows, production and subcontracting as ERPNext's Bin counts them, without this document
	- `ordered`: open purchase rows and work orders; `requested`: Material Requests not yet ordered
	- `at_hand`: what lies there and is nobody's before it, safety stock too; nothing that is still to come
	- `available`: what can be promised today; below 0 where more was promised than there is
	- `promise_on`: the first day from which the quantity can be promised for good, None where nobody knows
	- `promised_by`: Stock, Purchase, Production or Lead Time
	- `short`: covered neither by stock nor by what is ordered or requested, so to be bought or made
	- `late`: promised after it is needed; `overdue_supply`: rests on a receipt whose day has passed
	- `components`: the items of a bundle; `alternatives`: (item, available today) of Item Alternatives that have some
	"""

	key: str
	item_code: str
	qty: float
	kind: str
	on_hand: float = 0.0
	reserved: float = 0.0
	ordered: float = 0.0
	requested: float = 0.0
	available: float = 0.0
	at_hand: float = 0.0
	promise_on: date | None = None
	promised_by: str | None = None
	short: float = 0.0
	late: bool = False
	overdue_supply: bool = False
	components: tuple[Availability, ...] = ()
	alternatives: tuple[tuple[str, float], ...] = ()


# What is read of the site, for the rules.


@dataclass(frozen=True, slots=True)
class ItemFacts:
	"""`bom`: the BOM an item is made by, None for what is bought. `disabled`: also past its end of life."""

	item_code: str
	is_stock: bool = True
	disabled: bool = False
	lead_days: int = 0
	safety_stock: float = 0.0
	bom: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
	"""So much of an item for one of another: of a bundle, of a packed order row, of a BOM."""

	item_code: str
	per: float
	warehouse: str | None = None


@dataclass(frozen=True, slots=True)
class Stock:
	"""So much of an item in a warehouse, as its Bin says: on hand, or committed to production and subcontracting."""

	item_code: str
	warehouse: str
	qty: float


@dataclass(frozen=True, slots=True)
class Supply:
	item_code: str
	warehouse: str
	on: date
	qty: float
	by: str  # BY_PURCHASE or BY_PRODUCTION


@dataclass(frozen=True, slots=True)
class Demand:
	"""The open part of a submitted order's row, or of one of its packed items (`order_item` is the row then, too).

	`rank` says who is served first, the smaller one.
	"""

	item_code: str
	warehouse: str
	on: date
	qty: float
	order: str
	order_item: str
	rank: tuple = ()


@dataclass(frozen=True, slots=True)
class Reservation:
	item_code: str
	warehouse: str
	qty: float
	order_item: str


@dataclass(frozen=True, slots=True)
class Request:
	"""The part of a Material Request's row that was not ordered yet; `source`: the warehouse a transfer takes it from."""

	item_code: str
	warehouse: str
	qty: float
	source: str | None = None


@dataclass(slots=True)
class World:
	"""Everything the rules need to know about the items asked for, in the warehouses asked for.

	`pools`: the warehouses behind what a need names; None stands for the whole company.
	"""

	pools: dict[str | None, frozenset[str]] = field(default_factory=dict)
	items: dict[str, ItemFacts] = field(default_factory=dict)
	bundles: dict[str, list[Part]] = field(default_factory=dict)
	packed: dict[str, list[Part]] = field(default_factory=dict)  # by order row
	materials: dict[str, list[Part]] = field(default_factory=dict)  # by BOM
	alternatives: dict[str, list[str]] = field(default_factory=dict)
	stock: list[Stock] = field(default_factory=list)
	committed: list[Stock] = field(default_factory=list)
	supplies: list[Supply] = field(default_factory=list)
	demands: list[Demand] = field(default_factory=list)
	reservations: list[Reservation] = field(default_factory=list)
	requests: list[Request] = field(default_factory=list)
