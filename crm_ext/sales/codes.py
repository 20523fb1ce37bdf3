"""What was pasted, scanned or typed into one line: a code and how many. Pure rules, no site needed.

A code may itself hold spaces and figures ("Bolt 10"), so a line is not cut in one way: it has readings, the likeliest
first, and whoever knows the items takes the first whose code exists.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_LINES = 200
# Codes have at most 140 characters; what is longer is nothing to be cut up.
_MAX_LENGTH = 200

# Between a code and a quantity: a tab or ; or the sign for "times", or just a space.
_STRONG = re.compile(r"\s*[\t;]\s*")
_AFTER = re.compile(r"^(?P<code>.+?)(?:\s+[x×*]\s*|\s*[×*]\s*|\s+)(?P<qty>[\d.,']*\d)$", re.IGNORECASE)
_BEFORE = re.compile(r"^(?P<qty>\d[\d.,']*)\s*[x×*]\s+(?P<code>.+)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
	code: str
	qty: float | None  # None: no quantity was given


@dataclass(frozen=True, slots=True)
class Line:
	text: str
	readings: tuple[Reading, ...]  # empty: there is a quantity that is none


def read_lines(text: str, decimal: str = ".", group: str = ",") -> list[Line]:
	"""Lines that hold anything, in order. `decimal`, `group`: how the site writes numbers."""
	lines = (line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
	return [Line(line.replace("\t", " "), tuple(_readings(line, decimal, group))) for line in lines if line]


def _readings(line: str, decimal: str, group: str) -> Sequence[Reading]:
	parts = [part for part in _STRONG.split(line) if part]
	if len(parts) > 1:
		qty = read_number(parts[1], decimal, group)
		return [] if qty is None else [Reading(parts[0], qty)]
	line = parts[0] if parts else line
	found = [Reading(line, None)]
	if len(line) > _MAX_LENGTH:
		return found
	for pattern in (_AFTER, _BEFORE):
		match = pattern.match(line)
		qty = match and read_number(match["qty"], decimal, group)
		if match and qty is not None:
			found.append(Reading(match["code"].strip(), qty))
	return found


def read_number(text: str, decimal: str = ".", group: str = ",") -> float | None:
	"""A quantity above 0 as the site writes it, else None."""
	text = text.strip()
	if group:
		# Only where groups of three can be: "1,5" is not 15.
		if group in text and not re.fullmatch(
			rf"\d{{1,3}}(?:{re.escape(group)}\d{{3}})+(?:{re.escape(decimal)}\d+)?", text
		):
			return None
		text = text.replace(group, "")
	text = text.replace(decimal, ".") if decimal else text
	if not re.fullmatch(r"\d+(?:\.\d+)?", text):
		return None
	return float(text) or None
