"""Scheduler and queue entry points, nothing else."""


def derive_deals(refs: list[list[str]]) -> None:
	"""Derive deals again that two transactions changed at once."""
	from crm_ext.deals.chunks import derive_chunk

	derive_chunk([tuple(ref) for ref in refs])


def nightly_check() -> None:
	from crm_ext.deals.check import check

	check()


def backfill() -> None:
	from crm_ext.deals.backfill import backfill

	backfill()
