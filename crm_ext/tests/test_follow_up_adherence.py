"""Follow Up Adherence: figures against a count of the rows one by one, and who may see them."""

from collections import Counter
from datetime import date, timedelta
from random import Random

import frappe
from frappe.desk import query_report
from frappe.utils import now_datetime
from hypothesis import given
from hypothesis import strategies as st

from crm_ext.api import reports as api
from crm_ext.follow_ups import calendars, report_queries, report_rules
from crm_ext.follow_ups.model import CHANNELS
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase

# Permission, filters, the report itself and its users' rules; nothing that grows with the number of follow ups.
QUERIES = 16
FIGURES = ("planned", *report_rules.KINDS, "postponed")


def run(**filters) -> dict:
	"""As the desk does, by the standard report with its roles."""
	return query_report.run("Follow Up Adherence", filters=frappe._dict(filters), ignore_prepared_report=True)


def went(status: str, due_date: date, done_date: date | None, today: date) -> str:
	"""How a follow up went that was not cancelled, in plain words."""
	if status == "Done":
		return "in_time" if done_date <= due_date else "late"
	return "undone" if due_date < today else "ahead"


class AdherenceTestCase(SiteTestCase):
	"""Follow ups of a company of their own, so that others of the site do not count."""

	def setUp(self):
		super().setUp()
		self.today = calendars.today(frappe.session.user, now_datetime())
		self.company = f.unique("Company")
		self.customer = f.make_customer().name
		self.users = [
			f.make_user(f"{f.unique('u').split()[1]}@example.com", "Sales User").name for _i in range(3)
		]
		self.rules = [None, *(self.rule() for _i in range(2))]

	def rule(self) -> str:
		return (
			frappe.get_doc(
				{
					"doctype": "Follow Up Rule",
					"title": f.unique("Rule"),
					"document_type": "Customer",
					"trigger": "Event",
					"event": "Created",
					"steps": [{"days": 1, "timing": "After", "channel": "Call", "subject": "Call"}],
				}
			)
			.insert()
			.name
		)

	def period(self, **filters) -> dict:
		days = timedelta(days=30)
		return {
			"company": self.company,
			"from_date": str(self.today - days),
			"to_date": str(self.today + days),
			**filters,
		}

	def store(self, rows: list[dict]) -> None:
		"""Past the document layer, which would not let anybody do things in another year."""
		columns = ["name", "creation", "modified", "owner", "subject", "company", "reference_doctype"]
		columns += ["reference_name", "due_on", *rows[0]]
		now = now_datetime()
		values = [
			(
				frappe.generate_hash(length=10),
				now,
				now,
				"Administrator",
				"Counted",
				self.company,
				"Customer",
				self.customer,
				row["due_date"],
				*row.values(),
			)
			for row in rows
		]
		frappe.db.bulk_insert("Follow Up", columns, values)

	def key_of(self, origin: str) -> str | None:
		"""By hand; of a rule; or to ask for an approval, which is no work with a customer."""
		key = frappe.generate_hash(length=20)
		return {"hand": None, "rule": key, "approval": f"approval:{key}"}[origin]

	def rows(self, number: int = 400, seed: int = 7) -> list[dict]:
		"""Any mixture of what can happen, in and around the period."""
		dice, found = Random(seed), []
		for _number in range(number):
			due = self.today + timedelta(days=dice.randint(-35, 35))
			status = dice.choice(["Open", "Done", "Done", "Cancelled"])
			found.append(
				{
					"due_date": due,
					"status": status,
					"done_date": due + timedelta(days=dice.randint(-3, 6)) if status == "Done" else None,
					"channel": dice.choice(CHANNELS[:4]),
					"responsible": dice.choice(self.users),
					"rule": dice.choice(self.rules),
					"postponed_count": dice.choice([0, 0, 1, 3]),
					"rule_key": self.key_of(dice.choice(("hand", "rule", "rule", "approval"))),
				}
			)
		return found


class TestFigures(AdherenceTestCase):
	def key(self, row: dict, group_by: str):
		return (
			row["due_date"] - timedelta(days=row["due_date"].weekday())
			if group_by == "week"
			else row[group_by]
		)

	def count(self, rows: list[dict], group_by: str) -> dict:
		"""Row by row, in plain words."""
		found: dict = {}
		for row in rows:
			if row["status"] == "Cancelled" or abs((row["due_date"] - self.today).days) > 30:
				continue
			if (row.get("rule_key") or "").startswith("approval:"):
				continue
			figures = found.setdefault(self.key(row, group_by), Counter(dict.fromkeys(FIGURES, 0)))
			figures["planned"] += 1
			figures["postponed"] += row["postponed_count"] > 0
			kind = went(row["status"], row["due_date"], row["done_date"], self.today)
			figures[kind] += 1
			if kind == "late":
				figures["days_late"] += (row["done_date"] - row["due_date"]).days
		return found

	def test_every_grouping_equals_a_count_of_the_rows(self):
		rows = self.rows()
		self.store(rows)
		for group_by in report_queries.GROUPS:
			with self.subTest(group_by):
				plan = report_queries.plan_of(frappe._dict(self.period(group_by=group_by)))
				found = report_rules.rows(report_queries.read_cells(plan))
				expected = self.count(rows, group_by)
				self.assertEqual(set(found), set(expected))
				for key, figures in found.items():
					wanted = expected[key]
					self.assertEqual(
						{figure: figures[figure] for figure in FIGURES}, {n: wanted[n] for n in FIGURES}
					)
					due = wanted["planned"] - wanted["ahead"]
					self.assertEqual(
						figures["in_time_percent"], 100.0 * wanted["in_time"] / due if due else None
					)
					late = wanted["late"]
					self.assertEqual(
						figures["average_days_late"], wanted["days_late"] / late if late else None
					)

	def test_filters_take_the_rows_they_name(self):
		rows = self.rows()
		self.store(rows)
		for name, value in (
			("responsible", self.users[0]),
			("channel", "Visit"),
			("rule", self.rules[1]),
			("reference_doctype", "Customer"),
		):
			with self.subTest(name):
				kept = [row for row in rows if name not in row or row[name] == value]
				wanted = sum((counted for counted in self.count(kept, "channel").values()), Counter())
				shown = run(**self.period(**{name: value}))["result"]
				self.assertEqual(sum(row["planned"] for row in shown), wanted["planned"])
				self.assertEqual(sum(row["late"] for row in shown), wanted["late"])
		self.assertEqual(run(**self.period(reference_doctype="Lead"))["result"], [])

	def test_every_figure_opens_its_follow_ups(self):
		self.store(self.rows(150))
		opened = 0
		for group_by in report_queries.GROUPS:
			for row in run(**self.period(group_by=group_by))["result"]:
				for figure in FIGURES:
					self.assertEqual(figure in row["drill"], bool(row[figure]))
					if row[figure]:
						opened += 1
						self.assertEqual(
							self.opened(row["drill"][figure]), row[figure], (group_by, figure, row)
						)
		self.assertGreater(opened, 50)

	def opened(self, drill: dict) -> int:
		if "list" in drill:
			return len(frappe.get_list("Follow Up", filters=drill["list"], pluck="name", limit=0))
		found = api.adherence_follow_ups(frappe.as_json(drill["filters"]), drill["kind"], drill["key"])
		self.assertEqual(len(found["names"]), min(found["total"], 100))
		return found["total"]

	def test_weeks_are_named_by_iso_and_begin_on_monday(self):
		done = {
			"status": "Done",
			"channel": "Call",
			"responsible": self.users[0],
			"rule": None,
			"postponed_count": 0,
		}
		days = [date(2024, 12, 29), date(2024, 12, 30), date(2025, 1, 5), date(2025, 1, 6)]
		self.store([{"due_date": day, "done_date": day, **done} for day in days])
		found = run(company=self.company, from_date="2024-12-01", to_date="2025-01-31", group_by="week")[
			"result"
		]
		self.assertEqual([row["planned"] for row in found], [1, 2, 1])
		self.assertEqual([row["group"].split()[0] for row in found], ["2024-W52", "2025-W01", "2025-W02"])
		self.assertIn(frappe.format(date(2024, 12, 30), "Date"), found[1]["group"])

	def test_chart_and_summary_hold_the_same(self):
		self.store(self.rows(100))
		found = run(**self.period())
		for dataset, kind in zip(found["chart"]["data"]["datasets"], report_rules.KINDS, strict=True):
			self.assertEqual(dataset["values"], [row[kind] for row in found["result"]])
		summary = {card["label"]: card["value"] for card in found["report_summary"]}
		self.assertEqual(summary["Planned"], sum(row["planned"] for row in found["result"]))
		self.assertEqual(summary["Undone"], sum(row["undone"] for row in found["result"]))

	def test_what_makes_no_sense_is_refused(self):
		self.assertRaises(frappe.ValidationError, run, from_date="2026-02-01", to_date="2026-01-01")
		self.assertRaises(frappe.ValidationError, run, group_by="owner; DROP TABLE")
		self.assertRaises(frappe.ValidationError, api.adherence_follow_ups, "{}", "' OR 1=1")

	def test_one_query_however_many_rows(self):
		self.store(self.rows(300))
		run(**self.period())
		with self.assertQueryCount(QUERIES):
			run(**self.period())


class TestWhoSeesWhat(AdherenceTestCase):
	def test_only_what_one_may_read_counts(self):
		other = f.make_customer().name
		self.store(self.rows(100))
		frappe.db.sql(
			"UPDATE `tabFollow Up` SET reference_name = %s WHERE company = %s AND responsible = %s",
			(other, self.company, self.users[2]),
		)
		everything = {row["group"]: row for row in run(**self.period())["result"]}
		self.assertEqual(len(everything), 3)
		user = self.users[0]
		frappe.get_doc(
			{"doctype": "User Permission", "user": user, "allow": "Customer", "for_value": self.customer}
		).insert()
		frappe.set_user(user)
		shown = {row["group"]: row for row in run(**self.period())["result"]}
		names = {u: frappe.db.get_value("User", u, "full_name") for u in self.users}
		self.assertEqual(set(shown), {names[self.users[0]], names[self.users[1]]})
		for group, row in shown.items():
			self.assertEqual(row["planned"], everything[group]["planned"])
		drill = everything[names[self.users[2]]]["drill"]["late"]
		found = api.adherence_follow_ups(frappe.as_json(drill["filters"]), drill["kind"], drill["key"])
		self.assertEqual(found["total"], 0)

	def test_without_a_role_there_is_no_report(self):
		frappe.set_user(f.make_user("crm-ext-outsider@example.com", "Employee").name)
		self.assertRaises(frappe.PermissionError, run)
		self.assertRaises(frappe.PermissionError, api.adherence_follow_ups, "{}", "late")


CELLS = st.lists(
	st.builds(
		report_rules.Cell,
		st.sampled_from(["a", "b", None]),
		st.sampled_from(report_rules.KINDS),
		st.integers(1, 1000),
		st.integers(0, 5000),
		st.integers(0, 1000),
	),
	max_size=30,
)
DAYS = st.dates(date(2026, 1, 1), date(2026, 3, 31))


@given(CELLS)
def test_groups_add_up_to_the_whole(cells):
	whole, groups = report_rules.figures(cells), report_rules.rows(cells).values()
	for figure in FIGURES:
		assert sum(group[figure] for group in groups) == whole[figure]
	assert whole["planned"] == sum(cell.follow_ups for cell in cells)
	for figures in (whole, *groups):
		assert figures["in_time_percent"] is None or 0 <= figures["in_time_percent"] <= 100


@given(st.sampled_from([report_rules.UNDONE, report_rules.AHEAD]), DAYS, DAYS, DAYS)
def test_the_days_of_a_kind_are_those_it_falls_on(kind, first, last, today):
	begin, end = report_rules.due_between(kind, first, last, today)
	for offset in range(-1, 91):
		day = first + timedelta(days=offset)
		falls = first <= day <= last and went("Open", day, None, today) == kind
		assert falls == (begin <= day <= end)
