"""Makes and closes follow ups by rules. Every pass may be repeated, killed, or run twice at once."""

from datetime import datetime


def run(now: datetime | None = None) -> None:
	"""All enabled rules: close, move, make. Commits after each chunk."""
