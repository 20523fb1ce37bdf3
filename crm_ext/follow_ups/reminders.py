"""Tells people: one digest a day, reminders of appointments, escalation to the manager."""

from datetime import datetime


def send_digests(now: datetime | None = None) -> None:
	"""One digest to each person whose hour has come and who has not had one today."""


def remind(now: datetime | None = None) -> None:
	"""Appointments that are about to begin, each once."""


def escalate(now: datetime | None = None) -> None:
	"""What stayed undone for too long, to the manager, each follow up once."""
