"""Endpoints of follow ups: what people do by hand, and what forms show."""


def timeline(doctype: str, docname: str) -> list[dict]:
	"""Hook `additional_timeline_content`: follow ups done on a document."""
	return []
