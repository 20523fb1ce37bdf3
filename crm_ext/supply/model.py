"""Plain data of the supply engine: what wants goods, and what stands for it. No database, no rules.

Quantities are in the item's stock unit everywhere in this room; documents' own units are converted on the way in.
"""

from __future__ import annotations

from dataclasses import dataclass
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
	promise_on: date | None = None
	promised_by: str | None = None
	short: float = 0.0
	late: bool = False
	overdue_supply: bool = False
	components: tuple[Availability, ...] = ()
	alternatives: tuple[tuple[str, float], ...] = ()
