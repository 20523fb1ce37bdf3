"""What has to be approved, why, and by whom. Pure.

A limit says beyond which figure the approval of a role is needed. Limits of a company take the place of the general ones
for the same measure. Of several limits passed the strictest counts; who may approve beyond a stricter one may also
approve less.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

VALUE, DISCOUNT, MARGIN = "Value", "Discount %", "Margin %"
MEASURES = (VALUE, DISCOUNT, MARGIN)
# Of per cent and of money: what rounding leaves is not beyond a limit.
_EPS = 0.005


@dataclass(frozen=True, slots=True)
class Limit:
	"""Beyond `limit` (below it for a margin) `role` has to approve. No company: of every one."""

	measure: str
	limit: float
	role: str
	company: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
	"""A row, in company currency. `at_list`: at the price list's rate, 0 if it has none; `amount`: before the discount on the
	whole document; `net`: after it, without taxes; `cost`: 0 if unknown."""

	idx: int
	at_list: float = 0
	amount: float = 0
	net: float = 0
	cost: float = 0
	alternative: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
	"""What is measured of a document. `value`: gross, in company currency; `discount`: share (0..1) taken off the whole."""

	company: str | None
	value: float
	lines: tuple[Line, ...] = ()
	discount: float = 0


@dataclass(frozen=True, slots=True)
class Finding:
	"""A limit that is passed. `roles`: each suffices, the smallest first; `line`: the row, of a discount."""

	measure: str
	actual: float
	limit: float
	roles: tuple[str, ...]
	line: int | None = None

	@property
	def role(self) -> str:
		return self.roles[0]


def largest_discount(figures: Figures) -> tuple[float, int | None]:
	"""(per cent off the list price, row) of the row with the largest one, the document's own discount included."""
	found = [
		(100 * (1 - line.amount / line.at_list * (1 - figures.discount)), line.idx)
		for line in figures.lines
		if line.at_list > 0
	]
	return max(found, key=lambda pair: (pair[0], -pair[1]), default=(0.0, None))


def margin(figures: Figures) -> float | None:
	"""Per cent of what is earned over cost; None where no cost is known. Alternatives are not sold besides."""
	known = [line for line in figures.lines if line.cost > 0 and not line.alternative]
	net = sum(line.net for line in known)
	cost = sum(line.cost for line in known)
	if not known:
		return None
	return 100 * (net - cost) / net if net > 0 else -100.0


def find(figures: Figures, limits: Iterable[Limit]) -> list[Finding]:
	"""The limits a document passes, one finding for each measure, in the order of MEASURES."""
	found = []
	limits = list(limits)
	for measure in MEASURES:
		rows = holding(limits, measure, figures.company)
		if not rows:
			continue
		actual, line = _measure(measure, figures)
		if actual is None:
			continue
		sign = -1 if measure == MARGIN else 1
		passed = [row for row in rows if sign * actual > sign * row.limit + _EPS]
		if passed:
			strictest = max(passed, key=lambda row: sign * row.limit)
			enough = sorted(
				(row for row in rows if sign * row.limit >= sign * strictest.limit),
				key=lambda row: sign * row.limit,
			)
			roles = tuple(dict.fromkeys(row.role for row in enough))
			found.append(Finding(measure, actual, strictest.limit, roles, line))
	return found


def beyond(findings: Iterable[Finding], seen: float) -> list[Finding]:
	"""Of limits on a value those that were not passed yet when somebody had to do with it, at a value of `seen`."""
	return [finding for finding in findings if finding.limit >= seen - _EPS]


def may(findings: Iterable[Finding], roles: Collection[str]) -> bool:
	"""Whether somebody with these roles may approve all that was found."""
	return all(any(role in roles for role in finding.roles) for finding in findings)


def approvers(findings: Iterable[Finding]) -> list[str]:
	"""Roles that take part in approving; who acts also has to satisfy `may`."""
	return list(dict.fromkeys(role for finding in findings for role in finding.roles))


def whom_to_ask(findings: list[Finding], holders: dict[str, Collection[str]]) -> list[str]:
	"""Of users by their roles: those who may approve, by the smallest role that suffices; others only if there is none."""
	able = {user: roles for user, roles in holders.items() if may(findings, roles)}

	def rank(user: str) -> int:
		"""How far above the smallest role a user stands."""
		return max(
			(
				min(finding.roles.index(role) for role in finding.roles if role in able[user])
				for finding in findings
			),
			default=0,
		)

	ranks = {user: rank(user) for user in able}
	lowest = min(ranks.values(), default=0)
	return sorted(user for user in able if ranks[user] == lowest)


def holding(limits: Iterable[Limit], measure: str, company: str | None) -> list[Limit]:
	"""Limits of one measure that hold for documents of a company: its own, else the general ones."""
	rows = [row for row in limits if row.measure == measure]
	own = [row for row in rows if row.company and row.company == company]
	return own or [row for row in rows if not row.company]


def _measure(measure: str, figures: Figures) -> tuple[float | None, int | None]:
	if measure == VALUE:
		return figures.value, None
	if measure == DISCOUNT:
		return largest_discount(figures)
	return margin(figures), None
