"""Deal Funnel and Deal Aging on real documents."""

import statistics

import frappe
from frappe.desk import query_report
from frappe.utils import add_days, get_datetime, getdate, nowdate

from crm_ext.api import reports as api
from crm_ext.deals import report_queries, touch
from crm_ext.follow_ups import contacts, work
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase

# Names of the steps in a user's funnel, as shipped.
STEPS = (
	"Lead",
	"Contacted",
	"Qualified",
	"Opportunity",
	"Quoted",
	"Ordered",
	"Delivered",
	"Invoiced",
	"Paid",
)
# Permission, filters, the report itself and its users' rules; nothing that grows with the number of deals.
QUERIES = 12


def run(report: str, **filters) -> dict:
	"""As the desk does, by the standard report with its roles and user permissions."""
	return query_report.run(report, filters=frappe._dict(filters), ignore_prepared_report=True)


class ReportTestCase(SiteTestCase):
	"""Everything in a territory of its own, so that other deals of the site do not count."""

	def setUp(self):
		super().setUp()
		self.territory = self.make_territory("All Territories")

	def make_territory(self, parent: str, is_group: int = 1) -> str:
		return (
			frappe.get_doc(
				{
					"doctype": "Territory",
					"territory_name": f.unique("Area"),
					"parent_territory": parent,
					"is_group": is_group,
				}
			)
			.insert()
			.name
		)

	def lead(self, days_ago: int = 0, **values):
		lead = f.make_lead(**({"territory": self.territory} | values))
		# ERPNext keeps no date on a lead; its deal begins the day it was entered.
		frappe.db.set_value("Lead", lead.name, "creation", add_days(get_datetime(), -days_ago))
		touch.touch(("Lead", lead.name))
		touch.flush()
		return lead

	def opportunity(self, lead, **values):
		return f.make_opportunity(lead, **({"territory": self.territory} | values))

	def order(self, lead):
		quotation = f.make_quotation(self.opportunity(lead), territory=self.territory)
		return f.make_sales_order(quotation, territory=self.territory)

	def deals(self) -> list:
		touch.flush()
		return frappe.get_all("Deal", filters={"territory": self.territory}, fields=["*"], order_by="name")

	def assertDrillsDown(self, row: dict, figures: tuple[str, ...]):
		for figure in figures:
			drill = row["drill"].get(figure)
			if not drill or not row[figure]:
				continue
			if "step" in drill:
				found = api.cohort_deals(frappe.as_json(drill["filters"]), drill["step"], drill["only"])
				self.assertEqual(found["total"], row[figure], (figure, row))
				self.assertEqual(len(found["names"]), row[figure])
			else:
				filters = drill.get("list", drill)
				found = frappe.get_list("Deal", filters=filters, pluck="name", limit=0)
				self.assertEqual(len(found), row[figure], (figure, row))


class TestDealFunnel(ReportTestCase):
	def sell(self) -> None:
		"""Five deals: a lead, one lost when quoted, one ordered, one invoiced, one paid; and one of last year."""
		self.lead(3)
		quotation = f.make_quotation(self.opportunity(self.lead(10)), territory=self.territory)
		quotation.declare_enquiry_lost([{"lost_reason": "Too expensive"}], [])
		self.order(self.lead(20))
		f.make_sales_invoice(f.make_delivery_note(self.order(self.lead(30))))
		f.make_payment(f.make_sales_invoice(f.make_delivery_note(self.order(self.lead(40)))))
		self.order(self.lead(800))
		touch.flush()

	def funnel(self, **filters) -> dict:
		return run("Deal Funnel", **({"territory": self.territory} | filters))

	def rows(self, **filters) -> dict[str, dict]:
		return {row["stage"]: row for row in self.funnel(**filters)["result"]}

	def test_counts_conversion_and_losses(self):
		self.sell()
		rows = self.rows()
		self.assertEqual(tuple(rows), STEPS)
		self.assertEqual([row["deals"] for row in rows.values()], [5, 4, 4, 4, 4, 3, 2, 2, 1])
		self.assertEqual(rows["Quoted"]["lost"], 1)
		self.assertEqual([rows[s]["open"] for s in ("Lead", "Ordered", "Invoiced", "Paid")], [1, 1, 1, 1])
		self.assertEqual(rows["Paid"]["from_start"], 20)
		self.assertEqual(rows["Ordered"]["from_before"], 75)

	def test_values_are_those_of_the_deals_counted(self):
		self.sell()
		cohort = [deal for deal in self.deals() if deal.lead_on > add_days(getdate(), -365)]
		rows = self.rows()
		for stage, amount in (
			("Opportunity", "expected_amount"),
			("Quoted", "quoted_amount"),
			("Ordered", "ordered_amount"),
			("Delivered", "delivered_amount"),
			("Invoiced", "invoiced_amount"),
			("Paid", "paid_amount"),
		):
			reached = STEPS[STEPS.index(stage) :]
			expected = sum(deal[amount] for deal in cohort if deal.furthest_stage in reached)
			self.assertGreater(expected, 0)
			self.assertAlmostEqual(rows[stage]["value"], expected, 2, stage)

	def test_days_are_medians_of_what_the_deals_took(self):
		self.sell()
		cohort = [deal for deal in self.deals() if deal.lead_on > add_days(getdate(), -365)]
		took = [(deal.opportunity_on - deal.lead_on).days for deal in cohort if deal.opportunity_on]
		rows = self.rows()
		self.assertEqual(sorted(took), [10, 20, 30, 40])
		self.assertEqual(rows["Opportunity"]["median_days"], statistics.median(took))
		self.assertEqual(rows["Ordered"]["median_days"], 0)
		self.assertIsNone(rows["Lead"]["median_days"])
		self.assertIsNone(self.rows(with_days=0)["Opportunity"]["median_days"])

	def test_days_of_a_stage_set_by_a_status(self):
		lead = self.lead(5)
		deal = self.deal_of(lead)
		lead.reload()
		lead.status = "Replied"
		lead.save()
		touch.flush()
		self.assertFigures(deal, stage="Contacted")
		rows = self.rows()
		self.assertEqual((rows["Contacted"]["deals"], rows["Contacted"]["median_days"]), (1, 5))

	def test_a_skipped_step_counts_from_the_step_before_it(self):
		quotation = f.make_quotation(self.lead(12), territory=self.territory)
		touch.flush()
		self.assertFigures(self.deal_of(quotation), opportunity_on=None)
		rows = self.rows()
		self.assertEqual((rows["Opportunity"]["deals"], rows["Opportunity"]["median_days"]), (1, None))
		self.assertEqual((rows["Quoted"]["deals"], rows["Quoted"]["median_days"]), (1, 12))

	def test_the_cohort_is_what_entered_the_start_in_the_period(self):
		self.sell()
		long_ago = self.rows(from_date=add_days(nowdate(), -900), to_date=add_days(nowdate(), -700))
		self.assertEqual((long_ago["Lead"]["deals"], long_ago["Ordered"]["deals"]), (1, 1))
		quoted = self.rows(start_stage="Quoted")
		self.assertEqual(tuple(quoted), STEPS[4:])
		self.assertEqual([row["deals"] for row in quoted.values()], [5, 4, 2, 2, 1])
		self.assertEqual(
			self.funnel(from_date=add_days(nowdate(), -5000), to_date=add_days(nowdate(), -4000))["result"],
			[],
		)

	def test_a_start_set_by_a_status(self):
		contacted, other = self.lead(3), self.lead(3)
		contacted.reload()
		contacted.status = "Replied"
		contacted.save()
		touch.flush()
		self.assertTrue(self.deal_of(other))
		rows = self.rows(start_stage="Contacted")
		self.assertEqual(tuple(rows), STEPS[1:])
		self.assertEqual(rows["Contacted"]["deals"], 1)
		self.assertDrillsDown(rows["Contacted"], ("deals", "open"))
		tomorrow = add_days(nowdate(), 1)
		self.assertEqual(
			self.funnel(start_stage="Contacted", from_date=tomorrow, to_date=tomorrow)["result"], []
		)
		grouped = self.funnel(start_stage="Contacted", group_by="territory")["result"]
		self.assertEqual([row["group"] for row in grouped if row["indent"] == 0], [self.territory])
		self.assertDrillsDown(grouped[0], ("deals",))

	def test_every_figure_opens_the_deals_it_counts(self):
		self.sell()
		for row in self.rows().values():
			self.assertDrillsDown(row, ("deals", "lost", "open"))
		for group_by in report_queries.GROUPS:
			rows = self.funnel(group_by=group_by)["result"]
			for row in rows:
				self.assertDrillsDown(row, ("deals", "lost", "open"))

	def test_groups_add_up_to_the_whole(self):
		self.sell()
		whole = self.rows()
		for group_by in report_queries.GROUPS:
			rows = self.funnel(group_by=group_by)["result"]
			groups = [row for row in rows if row["indent"] == 0]
			self.assertEqual(sum(row["deals"] for row in groups), 5, group_by)
			for stage in STEPS:
				below = [row for row in rows if row["indent"] and row["stage"] == stage]
				self.assertEqual(len(below), len(groups))
				for figure in ("deals", "lost", "open"):
					self.assertEqual(
						sum(row[figure] for row in below), whole[stage][figure], (group_by, stage)
					)
		months = [row["group"] for row in self.funnel(group_by="month")["result"] if row["indent"] == 0]
		self.assertEqual(months, sorted(months))
		self.assertIn(nowdate()[:4], "".join(months))

	def test_a_filter_on_a_tree_takes_what_is_below(self):
		area = self.make_territory(self.territory, is_group=0)
		self.lead(1, territory=area)
		self.lead(1)
		self.assertEqual(self.rows()["Lead"]["deals"], 2)
		row = self.rows()["Lead"]
		self.assertDrillsDown(row, ("deals",))
		self.assertEqual(self.rows(territory=area)["Lead"]["deals"], 1)

	def test_chart_and_summary(self):
		self.sell()
		result = self.funnel(company=f.COMPANY)
		self.assertEqual(result["chart"]["data"]["datasets"][0]["values"], [5, 4, 4, 4, 4, 3, 2, 2, 1])
		summary = {card["label"]: card["value"] for card in result["report_summary"]}
		self.assertEqual(
			(summary["Deals"], summary["Reached Ordered"], summary["Reached Paid"], summary["Lost"]),
			(5, "3 (60.0 %)", "1 (20.0 %)", 1),
		)
		paid = sum(deal.paid_amount for deal in self.deals())
		self.assertAlmostEqual(summary["Received"], paid, 2)

	def test_amounts_of_two_currencies_are_not_added_up(self):
		self.sell()
		mixed = self.funnel()  # the test site has companies in two currencies
		self.assertNotIn("value", [column["fieldname"] for column in mixed["columns"]])
		self.assertIn("currencies", mixed["message"])
		one = self.funnel(company=f.COMPANY)
		self.assertIn("value", [column["fieldname"] for column in one["columns"]])
		self.assertEqual({row["currency"] for row in one["result"]}, {"USD"})

	def test_bad_filters_are_refused(self):
		for filters in (
			{"start_stage": "Lost"},
			{"start_stage": "No such stage"},
			{"group_by": "name; DROP TABLE"},
			{"from_date": nowdate(), "to_date": add_days(nowdate(), -1)},
		):
			with self.subTest(filters):
				self.assertRaises(frappe.ValidationError, self.funnel, **filters)

	def test_queries_do_not_grow_with_the_deals(self):
		self.sell()
		from crm_ext.report.deal_funnel.deal_funnel import execute

		filters = {"territory": self.territory, "company": f.COMPANY}
		execute(filters)  # meta and settings into the cache
		with self.assertQueryCount(QUERIES):
			execute(filters)
		with self.assertQueryCount(QUERIES):
			execute(filters | {"group_by": "owner_user"})


class TestDealAging(ReportTestCase):
	def age(self, lead, days: int) -> str:
		"""As if the deal had come to its stage so many days ago; that time is kept, not derived."""
		deal = self.deal_of(lead)
		frappe.db.set_value("Deal", deal.name, "stage_since", add_days(get_datetime(), -days))
		return deal.name

	def wait(self) -> dict[int, str]:
		"""Leads waiting for so many days; the stage Lead allows 14."""
		return {days: self.age(self.lead(days), days) for days in (0, 7, 8, 14, 15, 31, 61, 400)}

	def ageing(self, **filters) -> dict:
		return run("Deal Aging", **({"territory": self.territory} | filters))

	def test_buckets_and_rotting(self):
		self.wait()
		(row,) = self.ageing()["result"]
		self.assertEqual(row["stage"], "Lead")
		self.assertEqual([row[f"bucket_{bucket}"] for bucket in range(5)], [2, 2, 1, 1, 2])
		self.assertEqual((row["deals"], row["rotting"], row["rotting_days"]), (8, 4, 14))
		self.assertDrillsDown(row, ("deals", "rotting", *(f"bucket_{bucket}" for bucket in range(5))))

	def test_only_rotting(self):
		self.wait()
		(row,) = self.ageing(only_rotting=1)["result"]
		self.assertEqual((row["deals"], row["rotting"]), (4, 4))
		self.assertDrillsDown(row, ("rotting",))

	def test_deals_the_longest_in_their_stage_first(self):
		deals = self.wait()
		rows = self.ageing(show_deals=1)["result"]
		self.assertEqual([row["deal"] for row in rows], [deals[d] for d in sorted(deals, reverse=True)])
		self.assertEqual([row["days_in_stage"] for row in rows], sorted(deals, reverse=True))
		self.assertEqual([row["days_over"] for row in rows], [386, 47, 17, 1, 0, 0, 0, 0])
		rotting = self.ageing(show_deals=1, only_rotting=1)["result"]
		self.assertEqual([row["days_in_stage"] for row in rotting], [400, 61, 31, 15])
		self.assertEqual(self.ageing(show_deals=1, stage="Quoted")["result"], [])

	def test_scopes(self):
		self.lead(1)
		order = self.order(self.lead(2))
		f.make_payment(f.make_sales_invoice(f.make_delivery_note(self.order(self.lead(3)))))
		lost = self.lead(4)
		lost.reload()
		lost.status = "Do Not Contact"
		lost.save()
		self.assertFigures(self.deal_of(lost), status="Lost")

		def stages(scope: str) -> dict:
			rows = self.ageing(scope=scope)["result"]
			for row in rows:
				self.assertDrillsDown(row, ("deals", "bucket_0"))
			return {row["stage"]: row["deals"] for row in rows}

		self.assertEqual(stages("Open"), {"Lead": 1})
		self.assertEqual(stages("Won, Not Paid"), {"Ordered": 1})
		self.assertEqual(stages("All Not Closed"), {"Lead": 1, "Ordered": 1})
		(row,) = self.ageing(scope="Won, Not Paid", company=f.COMPANY)["result"]
		self.assertEqual(row["value"], f.gross(order))
		self.assertRaises(frappe.ValidationError, self.ageing, scope="1 = 1")

	def test_last_contact_and_next_follow_up(self):
		lead = self.lead(20)
		opportunity = self.opportunity(lead)
		silent = self.deal_of(self.lead(5))
		for doctype, name, days, kind in (
			("Lead", lead.name, -9, "Communication"),
			("Opportunity", opportunity.name, -4, "Communication"),
			("Opportunity", opportunity.name, -1, "Comment"),
		):
			frappe.get_doc(
				{
					"doctype": "Communication",
					"communication_type": kind,
					"communication_medium": "Phone",
					"subject": "Called",
					"reference_doctype": doctype,
					"reference_name": name,
					"communication_date": add_days(get_datetime(), days),
				}
			).insert(ignore_permissions=True)
		for days, status in ((6, "Open"), (2, "Closed")):
			frappe.get_doc(
				{
					"doctype": "ToDo",
					"description": "Call again",
					"reference_type": "Opportunity",
					"reference_name": opportunity.name,
					"date": add_days(nowdate(), days),
					"status": status,
				}
			).insert(ignore_permissions=True)
		name = self.deal_of(opportunity).name
		contacts.flush()
		rows = {row["deal"]: row for row in self.ageing(show_deals=1)["result"]}
		self.assertEqual(rows[name]["last_contact"], getdate(add_days(nowdate(), -4)))
		self.assertEqual(rows[name]["next_follow_up"], getdate(add_days(nowdate(), 6)))
		values = {"due_date": add_days(nowdate(), 4), "subject": "Ask again", "channel": "Call"}
		work.plan("Opportunity", opportunity.name, values)
		rows |= {row["deal"]: row for row in self.ageing(show_deals=1)["result"]}
		self.assertEqual(rows[name]["next_follow_up"], getdate(add_days(nowdate(), 4)))
		self.assertEqual(
			(rows[silent.name]["last_contact"], rows[silent.name]["next_follow_up"]), (None, None)
		)

	def test_an_event_is_a_follow_up_before_and_a_contact_after(self):
		lead = self.lead(20)
		deal = self.deal_of(lead).name
		for days in (-2, 5):
			frappe.get_doc(
				{
					"doctype": "Event",
					"subject": "Visit",
					"starts_on": add_days(get_datetime(), days),
					"event_participants": [{"reference_doctype": "Lead", "reference_docname": lead.name}],
				}
			).insert(ignore_permissions=True)
		contacts.flush()
		(row,) = (row for row in self.ageing(show_deals=1)["result"] if row["deal"] == deal)
		self.assertEqual(row["last_contact"], getdate(add_days(nowdate(), -2)))
		self.assertEqual(row["next_follow_up"], getdate(add_days(nowdate(), 5)))

	def test_the_list_is_limited_and_says_so(self):
		self.wait()
		rows, more = report_queries.ageing_deals(
			"Open", {"territory": self.territory}, getdate(nowdate()), only_rotting=False, limit=3
		)
		self.assertEqual(([row.days_in_stage for row in rows], more), ([400, 61, 31], True))

	def test_queries_do_not_grow_with_the_deals(self):
		self.wait()
		from crm_ext.report.deal_aging.deal_aging import execute

		filters = {"territory": self.territory, "company": f.COMPANY, "show_deals": 1}
		execute(filters)
		with self.assertQueryCount(QUERIES):
			execute(filters)


class TestReportPermissions(ReportTestCase):
	"""A salesperson held to one territory counts the deals of no other."""

	def setUp(self):
		super().setUp()
		# A per cent sign must not be taken for a parameter.
		self.own = frappe.get_doc(
			{
				"doctype": "Territory",
				"territory_name": f.unique("50% Area"),
				"parent_territory": self.territory,
			}
		).insert()
		self.lead(2, territory=self.own.name)
		self.lead(2)
		self.user = f.make_user("area.seller@example.com", "Sales User").name
		frappe.get_doc(
			{
				"doctype": "User Permission",
				"user": self.user,
				"allow": "Territory",
				"for_value": self.own.name,
			}
		).insert()

	def test_neither_report_shows_a_hidden_deal(self):
		self.assertEqual(run("Deal Funnel", territory=self.territory)["result"][0]["deals"], 2)
		with self.set_user(self.user):
			rows = run("Deal Funnel", territory=self.territory)["result"]
			self.assertEqual(rows[0]["deals"], 1)
			grouped = run("Deal Funnel", territory=self.territory, group_by="territory")["result"]
			self.assertEqual({row["group"] for row in grouped}, {self.own.name})
			ageing = run("Deal Aging", territory=self.territory)["result"]
			self.assertEqual([row["deals"] for row in ageing], [1])
			deals = run("Deal Aging", territory=self.territory, show_deals=1)["result"]
			self.assertEqual([row["territory"] for row in deals], [self.own.name])
			filters = {"territory": self.territory, "start_stage": "Lead"}
			self.assertEqual(api.cohort_deals(filters, 0, "deals")["total"], 1)

	def test_a_user_without_a_role_for_deals(self):
		from crm_ext.report.deal_aging import deal_aging
		from crm_ext.report.deal_funnel import deal_funnel

		user = f.make_user("hr@example.com", "HR User").name
		with self.set_user(user):
			for report in ("Deal Funnel", "Deal Aging"):
				self.assertRaises(frappe.PermissionError, run, report)
			self.assertRaises(frappe.PermissionError, deal_funnel.execute, {})
			self.assertRaises(frappe.PermissionError, deal_aging.execute, {})
			self.assertRaises(frappe.PermissionError, api.cohort_deals, "{}", 0, "deals")


class TestExport(ReportTestCase):
	def test_both_reports_export_to_excel(self):
		self.lead(3)
		for report, filters in (
			("Deal Funnel", {"group_by": "owner_user"}),
			("Deal Aging", {"show_deals": 1}),
			("Deal Aging", {}),
		):
			data = run(report, territory=self.territory, **filters)
			rows, _widths = query_report.build_xlsx_data(
				frappe._dict(data), visible_idx=[], include_indentation=0
			)
			self.assertEqual(len(rows), len(data["result"]) + 1, report)
			self.assertEqual(len(rows[0]), len([c for c in data["columns"] if not c.get("hidden")]))
