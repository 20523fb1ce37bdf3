"""Named people hear of big deals, each time one comes to another stage."""

from dataclasses import replace

import frappe
import pytest

from crm_ext.deals import derive, stages, touch
from crm_ext.deals.big_deals import Limit, Move, who_hears
from crm_ext.follow_ups import big_deals
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase
from crm_ext.tests.processes import CommittingTestCase, run_queue

MOVE = Move("D", "Quoted", "Ordered", 500.0, "Ours", "EUR", "Them", "seller")


@pytest.mark.pure
@pytest.mark.parametrize(
	("limit", "heard"),
	[
		(Limit("boss", 500), True),
		(Limit("boss", 500.01), False),
		(Limit("boss", 0), False),  # nobody means every deal
		(Limit("boss", 100, "Ours"), True),
		(Limit("boss", 100, "Theirs"), False),
		(Limit("boss", 100, None, "EUR"), True),
		(Limit("boss", 100, "Ours", "USD"), False),
		(Limit("seller", 100), False),
	],
)
def test_who_hears(limit, heard):
	assert who_hears([MOVE], [limit]) == ({limit.user: [MOVE]} if heard else {})


@pytest.mark.pure
def test_two_limits_tell_once():
	assert who_hears([MOVE], [Limit("boss", 100), Limit("boss", 200)]) == {"boss": [MOVE]}


class TestBigDeals(SiteTestCase):
	def setUp(self):
		super().setUp()
		self.boss = f.make_user("big.deal.boss@example.com", "Sales Manager").name
		self.outsider = f.make_user("big.deal.outsider@example.com", "Stock User").name
		limit_to(self.boss, self.outsider)

	def tearDown(self):
		super().tearDown()
		stages.clear_cache()

	def derive(self, document) -> list[Move]:
		"""The moves of what was touched, as the queue is given them; and those told."""
		touch.forget()
		moves = derive.derive([(document.doctype, document.name)]).moves
		big_deals.tell(moves)
		return moves

	def test_each_stage_once(self):
		quotation = f.make_quotation(f.make_lead(), rows=((f.SERVICE, 1, 5000),))
		self.derive(quotation)
		deal = self.deal_of(quotation)
		(subject,) = told(self.boss)
		self.assertIn("Quoted", subject)
		self.assertIn(deal.name, subject)
		self.assertEqual(self.derive(quotation), [])
		self.derive(f.make_sales_order(quotation))
		self.assertEqual(len(told(self.boss)), 2)
		self.assertIn("Ordered", told(self.boss)[1])

	def test_small_deals_and_strangers(self):
		self.assertTrue(self.derive(f.make_sales_order(rows=((f.SERVICE, 1, 10),))))
		self.assertEqual(told(self.boss), [])
		self.derive(f.make_sales_order(rows=((f.SERVICE, 1, 5000),)))
		self.assertEqual(len(told(self.boss)), 1)
		self.assertEqual(told(self.outsider), [])  # may not read deals

	def test_deal_that_is_gone(self):
		gone = replace(MOVE, deal="DEAL-1999-00001", company=f.COMPANY, amount=9999.0)
		self.assertEqual(big_deals.tell([gone]), [])


class TestBigDealsQueue(CommittingTestCase):
	def test_told_by_the_queue_after_the_commit(self):
		boss = f.make_user("big.deal.boss@example.com", "Sales Manager").name
		limit_to(boss)
		frappe.db.commit()
		f.make_sales_order(rows=((f.SERVICE, 1, 5000),))
		frappe.db.rollback()
		run_queue()
		self.assertEqual(told(boss), [])
		order = f.make_sales_order(rows=((f.SERVICE, 1, 5000),))
		frappe.db.commit()
		run_queue()
		frappe.db.rollback()
		(subject,) = told(boss)
		self.assertIn(frappe.db.get_value("Sales Order", order.name, "deal"), subject)


def limit_to(*users: str) -> None:
	settings = frappe.get_doc("CRM Ext Settings")
	settings.big_deal_limits = []
	for user in users:
		settings.append("big_deal_limits", {"company": f.COMPANY, "amount": 1000, "user": user})
	settings.save()


def told(user: str) -> list[str]:
	return frappe.get_all(
		"Notification Log",
		{"for_user": user, "document_type": "Deal"},
		pluck="subject",
		order_by="creation",
	)
