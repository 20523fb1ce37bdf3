"""Every way of every workflow, by those who may and those who may not, on documents that were there before it was switched
on; off and on again. Generated from the declaration: a way nobody tries fails.
"""

from collections.abc import Callable
from dataclasses import dataclass

import frappe
from frappe.share import add as share
from frappe.utils import now_datetime

from crm_ext.constants.workflows import (
	ALWAYS,
	ANYBODY,
	APPROVAL_FIELDS,
	APPROVER,
	BEYOND,
	IN_CONTACT,
	OTHER,
	OWNER,
	PENDING,
	QUALIFIER,
	REQUEST,
	WAITING,
	WORKFLOWS,
	Way,
)
from crm_ext.tests import credit
from crm_ext.tests import factories as f
from crm_ext.tests.workflows import (
	CLERK,
	DIRECTOR,
	MANAGER,
	OTHER_CLERK,
	OUTSIDER,
	SELLER,
	SETTINGS,
	SMALL,
	WorkflowTestCase,
	act,
)

COLLEAGUE, READER = "workflow-colleague@example.com", "workflow-reader@example.com"
REFUSED = (frappe.ValidationError, frappe.PermissionError)
LIMIT, LARGE, LITTLE = 5_000, 6_000, 1_000
# Who is what to a document that SELLER, or CLERK, entered.
SALES = {
	SELLER: "owner",
	COLLEAGUE: "colleague",
	DIRECTOR: "colleague",
	MANAGER: "approver",
	READER: "reader",
}
MONEY = {CLERK: "owner", OTHER_CLERK: "colleague", MANAGER: "none", READER: "reader", OUTSIDER: "none"}


@dataclass(frozen=True)
class Kit:
	"""How a document of one kind comes to be, and comes to be worth less."""

	people: dict[str, str]
	make: Callable
	lessen: Callable = lambda doc: None

	@property
	def owner(self) -> str:
		return next(iter(self.people))


def _lead(way: Way):
	values = {
		"New": {},
		"Contacted": {"status": "Replied"},
		"Qualified": {"qualification_status": "Qualified"},
		"Unqualified": {"status": "Do Not Contact"},
	}[way.state]
	doc = f.make_lead(**values)
	if way.when == IN_CONTACT:
		doc.db_set("last_contact_on", now_datetime(), update_modified=False)
	return doc


def _opportunity(way: Way):
	return f.make_opportunity(f.make_customer(), _worth(way))


def _quotation(way: Way):
	return f.make_quotation(rows=((f.SERVICE, 1, _worth(way)),), submit=False)


def _order(way: Way):
	customer = f.make_customer().name
	if way.state == WAITING:
		credit.make_policy(customer, limit=100)
	return f.make_sales_order(rows=((f.SERVICE, 1, _worth(way)),), submit=False, customer=customer)


def _payment(way: Way):
	return f.make_payment(f.make_direct_invoice(), submit=False)


def _worth(way: Way) -> float:
	return LARGE if way.when == BEYOND or way.state == PENDING else LITTLE


def _cheaper(doc) -> None:
	doc.items[0].rate = LITTLE
	doc.save()


def _worth_less(doc) -> None:
	doc.opportunity_amount = LITTLE
	doc.save()


KITS = {
	"Lead": Kit(SALES, _lead),
	"Opportunity": Kit(SALES, _opportunity, _worth_less),
	"Quotation": Kit(SALES, _quotation, _cheaper),
	"Sales Order": Kit(SALES, _order, _cheaper),
	"Payment Entry": Kit(MONEY, _payment),
}


def may(way: Way, kind: str, qualifiers: bool = False) -> bool:
	"""Whom the issue lets do it, written down a second time."""
	if kind in ("reader", "none"):
		return False
	if way.who == QUALIFIER:
		return kind == "approver" or not qualifiers
	return {
		ANYBODY: True,
		APPROVER: kind == "approver",
		OWNER: kind == "owner",
		OTHER: kind != "owner",
	}[way.who]


class TransitionTestCase(WorkflowTestCase):
	def setUp(self):
		super().setUp()
		f.make_user(COLLEAGUE, "Sales User")
		f.make_user(READER, "Stock User")
		credit.make_people()
		credit.switch_on()

	def switch(self, doctype: str, on: int, qualifier: str | None = None) -> None:
		settings = frappe.get_single(SETTINGS)
		settings.set(WORKFLOWS[doctype].switch, on)
		settings.lead_qualifier_role = qualifier
		settings.set(
			"approval_limits",
			[
				{"document_type": kind, "measure": "Value", "limit": LIMIT, "role": SMALL}
				for kind, one in WORKFLOWS.items()
				if one.measured
			],
		)
		settings.save(ignore_permissions=True)

	def made_before(self, doctype: str) -> dict[Way, frappe.model.document.Document]:
		"""A document for each way, entered by the owner while the workflow is off."""
		kit, found = KITS[doctype], {}
		for way in WORKFLOWS[doctype].ways:
			with self.set_user(kit.owner):
				found[way] = kit.make(way)
			share(doctype, found[way].name, READER, read=1, notify=0)
		return found

	def bring(self, doc, way: Way) -> None:
		"""To the state a way begins at, as people do it, and under its condition."""
		kit = KITS[doc.doctype]
		if way.state == PENDING:
			act(kit.owner, doc, REQUEST)
			if way.when != BEYOND and way.action != "Withdraw":
				with self.set_user(kit.owner):
					kit.lessen(frappe.get_doc(doc.doctype, doc.name))
		elif way.state == WAITING:
			with self.set_user(kit.owner):
				frappe.get_doc(doc.doctype, doc.name).save()
			# From now on nobody minds; the order has not heard of it.
			frappe.db.set_value("Credit Policy", {"customer": doc.customer}, "credit_limit", 10**6)
		self.assertEqual(self.state(doc), way.state, way)

	def attempt(self, what: Callable) -> str | None:
		"""The state somebody brought a document to, None if refused; undone afterwards."""
		frappe.db.savepoint("attempt")
		try:
			return self.state(what())
		except REFUSED:
			return None
		finally:
			frappe.set_user("Administrator")
			frappe.clear_messages()
			frappe.db.rollback(save_point="attempt")

	def by_hand(self, user: str, doc, way: Way):
		"""As a call of the API does it, past the actions: the state is written, and a draft is submitted."""
		doc = frappe.get_doc(doc.doctype, doc.name)
		one = WORKFLOWS[doc.doctype]
		frappe.set_user(user)
		if dict(one.states)[way.next_state] == 1:
			doc.submit()
		else:
			doc.set(one.state_field, way.next_state)
			doc.save()
		return doc

	def try_all(self, doctype: str, qualifier: str | None = None) -> None:
		one, kit, tried = WORKFLOWS[doctype], KITS[doctype], set()
		documents = self.made_before(doctype)
		self.switch(doctype, 1, qualifier)
		for way, doc in documents.items():
			self.bring(doc, way)
			# Two actions may lead to the same state.
			holds = {way.when, ALWAYS, BEYOND if _worth(way) == LARGE else way.when}
			beside = [
				other
				for other in one.ways
				if (other.state, other.next_state) == (way.state, way.next_state) and other.when in holds
			]
			for user, kind in kit.people.items():
				with self.subTest(way=way, user=user):
					allowed = may(way, kind, bool(qualifier))
					reached = self.attempt(lambda user=user, doc=doc, way=way: act(user, doc, way.action))
					self.assertEqual(reached, way.next_state if allowed else None, (user, way))
					allowed = any(may(other, kind, bool(qualifier)) for other in beside)
					reached = self.attempt(lambda user=user, doc=doc, way=way: self.by_hand(user, doc, way))
					self.assertEqual(reached, way.next_state if allowed else None, (user, way))
			self.assertEqual(self.state(doc), way.state)
			tried.add(way)
		self.assertEqual(tried, set(one.ways))

	def off_and_on_again(self, doctype: str) -> None:
		one, kit = WORKFLOWS[doctype], KITS[doctype]
		documents = self.made_before(doctype)
		self.switch(doctype, 1)
		for way, doc in documents.items():
			self.bring(doc, way)
			user = next(user for user, kind in kit.people.items() if may(way, kind))
			act(user, doc, way.action)
			self.assertEqual(self.state(doc), way.next_state)
		self.switch(doctype, 0)
		columns = [one.state_field, *(APPROVAL_FIELDS if one.measured else ())]
		expected = {}
		for way, doc in documents.items():
			row = frappe.db.get_value(doctype, doc.name, columns, as_dict=True)
			self.assertFalse(any(row.values()), (way, row))
			with self.set_user(kit.owner):
				now = self.save_or_submit(doc)
			self.assertFalse(now.get(one.state_field))
			# What waited for an approval begins anew; what is submitted is done.
			done = next((state for state, docstatus in one.states if docstatus == 1), None)
			expected[doc.name] = done or {PENDING: one.states[0][0]}.get(way.next_state) or way.next_state
		self.switch(doctype, 1)
		for way, doc in documents.items():
			self.assertEqual(self.state(doc), expected[doc.name], way)

	def save_or_submit(self, doc):
		doc = frappe.get_doc(doc.doctype, doc.name)
		if doc.meta.is_submittable and doc.docstatus == 0:
			return doc.submit()
		return doc.save()


class TestEveryWay(TransitionTestCase):
	def test_every_workflow_is_tried(self):
		tested = {
			name.removeprefix("test_ways_of_") for name in dir(self) if name.startswith("test_ways_of_")
		}
		self.assertEqual(tested, {doctype.lower().replace(" ", "_") for doctype in WORKFLOWS})

	def test_ways_of_lead(self):
		self.try_all("Lead")

	def test_qualifiers_on_the_ways_of_lead(self):
		self.try_all("Lead", SMALL)

	def test_ways_of_opportunity(self):
		self.try_all("Opportunity")

	def test_ways_of_quotation(self):
		self.try_all("Quotation")

	def test_ways_of_sales_order(self):
		self.try_all("Sales Order")

	def test_ways_of_payment_entry(self):
		self.try_all("Payment Entry")


class TestOffAndOnAgain(TransitionTestCase):
	def test_lead(self):
		self.off_and_on_again("Lead")

	def test_opportunity(self):
		self.off_and_on_again("Opportunity")

	def test_quotation(self):
		self.off_and_on_again("Quotation")

	def test_sales_order(self):
		self.off_and_on_again("Sales Order")

	def test_payment_entry(self):
		self.off_and_on_again("Payment Entry")
