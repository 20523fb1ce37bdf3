"""One step of the plan as work to be done, and what all kinds of it share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import frappe
from erpnext.setup.utils import get_exchange_rate
from frappe.model.document import Document

from crm_ext.setup.demo.masters import foreign_currency
from crm_ext.setup.demo.stories import Step, Story

CREDIT_DAYS = 30


@dataclass
class Work:
	"""One step to be done. `names` are the story's documents so far; `others` gives those of other stories."""

	step: Step
	story: Story | None
	company: str
	names: dict[str, Any]
	others: Callable[[int], dict[str, Any]]

	@property
	def day(self) -> date:
		return self.step.day

	@property
	def args(self) -> dict[str, Any]:
		return self.step.args

	@property
	def is_foreign(self) -> bool:
		return self.story.foreign and bool(foreign_currency(self.company))

	@property
	def currency(self) -> str:
		home = frappe.get_cached_value("Company", self.company, "default_currency")
		return foreign_currency(self.company)[0] if self.is_foreign else home

	def get(self, doctype: str, key: str) -> Document:
		return frappe.get_doc(doctype, self.names[key])


# What does a step of one kind.
Action = Callable[[Work], None]


def customer_of(work: Work) -> str | None:
	"""Whose deal it is, where that was a customer before it began."""
	if work.story.customer_of is not None:
		return work.others(work.story.customer_of)["customer"]
	return work.story.customer


def rate_of(currency: str, work: Work) -> float:
	home = frappe.get_cached_value("Company", work.company, "default_currency")
	return 1.0 if currency == home else get_exchange_rate(currency, home, work.day)


def export(doc: Document, work: Work) -> None:
	"""No tax is charged abroad; the rate is the day's."""
	if work.is_foreign:
		doc.update({"taxes_and_charges": None, "taxes": [], "conversion_rate": rate_of(doc.currency, work)})


def post(doc: Document, work: Work) -> None:
	doc.update({"posting_date": work.day, "posting_time": "12:00:00", "set_posting_time": 1})


def submit(doc: Document) -> str:
	doc.insert()
	doc.submit()
	return doc.name


def amended(cancelled: Document) -> Document:
	cancelled.cancel()
	doc = frappe.copy_doc(cancelled)
	doc.amended_from = cancelled.name
	return doc
