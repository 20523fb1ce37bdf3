"""What ERPNext leaves wrong in the status of leads and opportunities, put right where the switch is on."""

import frappe
import pytest
from erpnext.crm.utils import open_leads_opportunities_based_on_todays_event
from frappe.utils import now_datetime

from crm_ext.deals import corrections, meetings, stages, touch
from crm_ext.deals.corrections import Correction, plan
from crm_ext.deals.model import Graph, Row, Voucher
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase

ALL = set(corrections.SWITCHES)
OPP, FIRST, SECOND = ("Opportunity", "O"), ("Quotation", "Q1"), ("Quotation", "Q2")


def graph(opportunity: str, **quotations: str) -> Graph:
	"""An opportunity of a status with quotations of these: Q1 names it in the header, Q2 in a row."""
	vouchers = [Voucher(*OPP, status=opportunity)]
	for name, status in quotations.items():
		docstatus = 2 if status == "Cancelled" else int(status != "Draft")
		quotation = Voucher("Quotation", name, docstatus=docstatus, status=status)
		if name == "Q1":
			quotation.prev = OPP
		else:
			quotation.rows = [Row("r", 1, [(*OPP, None)])]
		vouchers.append(quotation)
	return Graph(vouchers={voucher.ref: voucher for voucher in vouchers})


@pytest.mark.pure
@pytest.mark.parametrize(
	("opportunity", "quotations", "touched", "expected"),
	[
		("Quotation", {"Q1": "Partially Ordered"}, [FIRST], [Correction("O", "Converted")]),
		("Quotation", {"Q2": "Partially Ordered"}, [SECOND], [Correction("O", "Converted")]),
		("Quotation", {"Q1": "Lost", "Q2": "Partially Ordered"}, [SECOND], [Correction("O", "Converted")]),
		("Converted", {"Q1": "Partially Ordered"}, [FIRST], []),
		("Closed", {"Q1": "Partially Ordered"}, [FIRST], []),
		("Quotation", {"Q1": "Open"}, [FIRST], []),
		("Lost", {"Q1": "Lost"}, [FIRST], [Correction("O", "Open", ("Q1",))]),
		("Lost", {"Q1": "Lost", "Q2": "Cancelled"}, [SECOND], [Correction("O", "Open")]),
		("Quotation", {"Q1": "Lost", "Q2": "Open"}, [FIRST], [Correction("O", None, ("Q1",))]),
		("Lost", {"Q1": "Lost"}, [OPP], []),  # a person set it
		("Lost", {"Q1": "Draft"}, [FIRST], []),
		("Open", {"Q1": "Cancelled"}, [FIRST], []),
	],
)
def test_plan(opportunity, quotations, touched, expected):
	assert plan(graph(opportunity, **quotations), touched, ALL) == expected


@pytest.mark.pure
def test_switched_off_corrects_nothing():
	lost = graph("Lost", Q1="Lost")
	assert plan(lost, [FIRST], ()) == []
	assert plan(lost, [FIRST], {corrections.CARRY_LOST_REASONS}) == [Correction("O", None, ("Q1",))]
	assert plan(lost, [FIRST], {corrections.REOPEN_AFTER_LAST_QUOTATION}) == [Correction("O", "Open")]


class TestCorrections(SiteTestCase):
	def setUp(self):
		super().setUp()
		self.switch(*corrections.SWITCHES)

	def switch(self, *on: str) -> None:
		for switch in corrections.SWITCHES:
			frappe.db.set_single_value("CRM Ext Settings", switch, int(switch in on))
		stages.clear_cache()

	def status(self, doc) -> str:
		touch.flush()
		return frappe.db.get_value(doc.doctype, doc.name, "status")

	def lose(self, quotation) -> None:
		for doctype, fieldname, value in (
			("Quotation Lost Reason", "order_lost_reason", "Too late"),
			("Competitor", "competitor_name", "Somebody Else"),
		):
			if not frappe.db.exists(doctype, value):
				frappe.get_doc({"doctype": doctype, fieldname: value}).insert()
		frappe.get_doc("Quotation", quotation.name).declare_enquiry_lost(
			[{"lost_reason": "Too late"}], [{"competitor": "Somebody Else"}], "They needed it in May."
		)

	def order_half(self, quotation) -> None:
		order = f.make_sales_order(quotation, submit=False)
		order.items[0].qty = order.items[0].qty / 2
		order.items = order.items[:1]
		order.save()
		order.submit()

	def test_partial_order_converts_the_opportunity(self):
		opportunity = f.make_opportunity(f.make_lead())
		self.order_half(f.make_quotation(opportunity))
		self.assertEqual(self.status(opportunity), "Converted")
		said = frappe.get_all(
			"Comment", {"reference_name": opportunity.name, "comment_type": "Info"}, pluck="content"
		)
		self.assertIn("Converted: a part of the quotation was ordered.", said)

	def test_partial_order_as_in_erpnext_when_off(self):
		self.switch()
		opportunity = f.make_opportunity(f.make_lead())
		self.order_half(f.make_quotation(opportunity))
		self.assertEqual(self.status(opportunity), "Quotation")

	def test_reasons_and_competitors_reach_the_opportunity(self):
		self.switch(corrections.CARRY_LOST_REASONS)
		opportunity = f.make_opportunity(f.make_lead())
		self.lose(f.make_quotation(opportunity))
		self.assertEqual(self.status(opportunity), "Lost")
		opportunity = frappe.get_doc("Opportunity", opportunity.name)
		self.assertEqual([row.lost_reason for row in opportunity.lost_reasons], ["Too late"])
		self.assertEqual([row.competitor for row in opportunity.competitors], ["Somebody Else"])
		self.assertEqual(opportunity.order_lost_reason, "They needed it in May.")
		opportunity.save()  # links hold

	def test_reasons_are_not_doubled(self):
		opportunity = f.make_opportunity(f.make_lead())
		first, second = f.make_quotation(opportunity), f.make_quotation(opportunity)
		self.lose(first)
		touch.flush()
		self.lose(second)
		self.assertEqual(self.status(opportunity), "Open")
		self.assertEqual(frappe.db.count("Opportunity Lost Reason Detail", {"parent": opportunity.name}), 1)

	def test_last_lost_quotation_leaves_the_opportunity_open(self):
		opportunity = f.make_opportunity(f.make_lead())
		self.lose(f.make_quotation(opportunity))
		self.assertEqual(self.status(opportunity), "Open")
		deal = frappe.db.get_value("Deal", {"opportunity": opportunity.name}, "status")
		self.assertEqual(deal, "Open")
		# And it can be worked: the next quotation is an ordinary one.
		f.make_quotation(opportunity)
		self.assertEqual(self.status(opportunity), "Quotation")

	def test_cancelled_beside_a_lost_one(self):
		opportunity = f.make_opportunity(f.make_lead())
		first, second = f.make_quotation(opportunity), f.make_quotation(opportunity)
		self.lose(first)
		self.assertEqual(self.status(opportunity), "Quotation")
		second.reload()
		second.cancel()
		self.assertEqual(self.status(opportunity), "Open")

	def test_what_a_person_sets_stays(self):
		opportunity = f.make_opportunity(f.make_lead())
		self.switch()
		self.lose(f.make_quotation(opportunity))
		self.assertEqual(self.status(opportunity), "Lost")
		self.switch(*corrections.SWITCHES)
		opportunity.reload()
		opportunity.status = "Lost"
		opportunity.save()
		self.assertEqual(self.status(opportunity), "Lost")

	def meet(self, *docs) -> None:
		frappe.get_doc(
			{
				"doctype": "Event",
				"subject": "Meeting",
				"starts_on": now_datetime(),
				"event_type": "Public",
				"event_participants": [
					{"reference_doctype": doc.doctype, "reference_docname": doc.name} for doc in docs
				],
			}
		).insert()

	def test_meeting_today_reopens_nothing_that_is_done(self):
		self.switch(corrections.MEETING_KEEPS_STATUS)
		lead = f.make_lead()
		ordered, lost, reopened, open_one = (f.make_opportunity(lead) for _ in range(4))
		f.make_sales_order(f.make_quotation(ordered))
		for opportunity in (lost, reopened):
			opportunity.declare_enquiry_lost([], [])
		touch.flush()
		reopened.reload()
		reopened.status = "Open"
		reopened.save()
		touch.flush()
		self.assertEqual(self.status(lead), "Converted")
		self.meet(lead, ordered, lost, reopened, open_one)
		touch.flush()
		open_leads_opportunities_based_on_todays_event()
		self.assertEqual(self.status(lead), "Open")  # what is wrong
		self.assertEqual(meetings.keep_status(), 3)
		self.assertEqual(self.status(lead), "Converted")
		self.assertEqual(self.status(ordered), "Converted")
		self.assertEqual(self.status(lost), "Lost")
		self.assertEqual(self.status(reopened), "Open")
		self.assertEqual(self.status(open_one), "Open")
		self.assertEqual(meetings.keep_status(), 0)

	def test_meetings_as_in_erpnext_when_off(self):
		self.switch()
		self.assertEqual(meetings.keep_status(), 0)
