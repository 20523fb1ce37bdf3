"""What can be promised to the rows of a document. Reads in sets, writes nothing, checks no permission: callers do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from crm_ext.supply.model import Availability, Need

if TYPE_CHECKING:
	from frappe.model.document import Document


def read(company: str, needs: Sequence[Need], today: date | None = None) -> dict[str, Availability]:
	"""Return what stands for each need, by its key, in at most eight queries whatever the number of needs.

	Needs are served in the order given: what one takes, the next cannot have.
	"""
	raise NotImplementedError


def needs_of(doc: Document) -> list[Need]:
	"""Return what the rows of an Opportunity, Quotation or Sales Order still want; the document need not be saved."""
	raise NotImplementedError
