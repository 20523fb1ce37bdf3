"""What has to be approved, why and by whom; the declaration of workflows. Without a site."""

import unittest
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from crm_ext.constants.workflows import WORKFLOWS
from crm_ext.workflows import definitions, states
from crm_ext.workflows.limits import (
	DISCOUNT,
	MARGIN,
	VALUE,
	Figures,
	Limit,
	Line,
	approvers,
	beyond,
	find,
	largest_discount,
	margin,
	may,
	whom_to_ask,
)


def worth(value: float, *lines: Line, company: str = "A", discount: float = 0) -> Figures:
	return Figures(company, value, lines, discount)


def row(at_list: float, amount: float, idx: int = 1, **values) -> Line:
	return Line(idx=idx, at_list=at_list, amount=amount, net=values.pop("net", amount), **values)


MANAGER, DIRECTOR, FINANCE = "Manager", "Director", "Finance"
STEPS = [Limit(DISCOUNT, 10, MANAGER), Limit(DISCOUNT, 20, DIRECTOR)]


class TestLimits(unittest.TestCase):
	def roles(self, figures: Figures, limits: list[Limit]) -> list[tuple[str, ...]]:
		return [finding.roles for finding in find(figures, limits)]

	def test_nothing_is_beyond_without_limits(self):
		self.assertEqual(find(worth(10**9, row(100, 1)), []), [])

	def test_the_smallest_role_that_suffices_and_those_above_it(self):
		for discount, roles in (
			(10, []),
			(10.1, [(MANAGER, DIRECTOR)]),
			(20, [(MANAGER, DIRECTOR)]),
			(25, [(DIRECTOR,)]),
		):
			self.assertEqual(self.roles(worth(1, row(100, 100 - discount)), STEPS), roles, discount)

	def test_limits_of_a_company_take_the_place_of_the_general_ones_by_measure(self):
		limits = [
			Limit(VALUE, 1000, MANAGER),
			Limit(VALUE, 5000, DIRECTOR, "B"),
			Limit(DISCOUNT, 10, MANAGER),
		]
		self.assertEqual(self.roles(worth(2000), limits), [(MANAGER,)])
		self.assertEqual(self.roles(worth(2000, company="B"), limits), [])
		self.assertEqual(self.roles(worth(6000, company="B"), limits), [(DIRECTOR,)])
		self.assertEqual(self.roles(worth(2000, row(100, 80), company="B"), limits), [(MANAGER,)])
		self.assertEqual(self.roles(worth(10**6), [Limit(VALUE, 1, DIRECTOR, "B")]), [])

	def test_the_largest_discount_of_any_row_with_that_on_the_whole(self):
		figures = worth(1, row(100, 95), row(50, 40, idx=2), row(0, 30, idx=3), discount=0.1)
		percent, line = largest_discount(figures)
		self.assertAlmostEqual(percent, 28)  # 0.8 x 0.9 of the list
		self.assertEqual(line, 2)
		self.assertEqual(largest_discount(worth(1, row(0, 30))), (0.0, None))
		self.assertLess(largest_discount(worth(1, row(100, 120)))[0], 0)

	def test_margin_is_of_rows_whose_cost_is_known_and_not_of_alternatives(self):
		figures = worth(
			1,
			row(0, 100, net=90, cost=72),
			row(0, 500),
			row(0, 100, cost=400, alternative=True),
		)
		self.assertAlmostEqual(margin(figures), 20)
		self.assertIsNone(margin(worth(1, row(0, 100))))
		self.assertEqual(margin(worth(1, row(0, 0, cost=10))), -100)
		limits = [Limit(MARGIN, 25, MANAGER), Limit(MARGIN, 15, DIRECTOR)]
		self.assertEqual(self.roles(figures, limits), [(MANAGER, DIRECTOR)])
		self.assertEqual(self.roles(worth(1, row(0, 100, cost=90)), limits), [(DIRECTOR,)])
		self.assertEqual(self.roles(worth(1, row(0, 100, cost=75)), limits), [])
		self.assertEqual(find(worth(1, row(0, 100)), limits), [])

	def test_rounding_is_not_beyond(self):
		self.assertEqual(find(worth(1000.004), [Limit(VALUE, 1000, MANAGER)]), [])
		self.assertEqual(len(find(worth(1000.01), [Limit(VALUE, 1000, MANAGER)])), 1)

	def test_what_was_seen_at_a_value_covers_the_limits_passed_then(self):
		limits = [Limit(VALUE, 1000, MANAGER), Limit(VALUE, 5000, DIRECTOR)]
		for value, seen, roles in (
			(900, 0, []),
			(2000, 0, [(MANAGER, DIRECTOR)]),
			(2000, 900, [(MANAGER, DIRECTOR)]),
			(2000, 1000, [(MANAGER, DIRECTOR)]),  # at the limit nobody had to see it
			(4900, 2000, []),
			(5100, 2000, [(DIRECTOR,)]),
			(5100, 6000, []),
		):
			found = beyond(find(worth(value), limits), seen)
			self.assertEqual([finding.roles for finding in found], roles, (value, seen))
		# A limit of nothing is passed by whatever nobody has seen.
		self.assertEqual(len(beyond(find(worth(5), [Limit(VALUE, 0, MANAGER)]), 0)), 1)

	def test_every_measure_has_to_be_approved(self):
		limits = [*STEPS, Limit(VALUE, 1000, FINANCE)]
		found = find(worth(2000, row(100, 85)), limits)
		self.assertEqual([finding.measure for finding in found], [VALUE, DISCOUNT])
		self.assertFalse(may(found, {MANAGER}))
		self.assertFalse(may(found, {FINANCE}))
		self.assertTrue(may(found, {FINANCE, DIRECTOR}))
		self.assertTrue(may([], set()))
		self.assertEqual(approvers(found), [FINANCE, MANAGER, DIRECTOR])

	def test_those_of_the_smallest_role_are_asked_others_only_without_them(self):
		found = find(worth(1, row(100, 85)), STEPS)
		holders = {"m": {MANAGER}, "d": {DIRECTOR}, "both": {MANAGER, DIRECTOR}, "f": {FINANCE}}
		self.assertEqual(whom_to_ask(found, holders), ["both", "m"])
		self.assertEqual(whom_to_ask(found, {"d": {DIRECTOR}, "f": {FINANCE}}), ["d"])
		self.assertEqual(whom_to_ask(found, {"f": {FINANCE}}), [])

	@given(
		st.lists(
			st.builds(
				Limit,
				st.sampled_from([VALUE, DISCOUNT, MARGIN]),
				st.integers(0, 50),
				st.sampled_from([MANAGER, DIRECTOR, FINANCE]),
				st.sampled_from([None, "A", "B"]),
			),
			max_size=8,
		),
		st.integers(0, 60),
		st.integers(0, 60),
	)
	def test_going_further_never_needs_less(self, limits, less, more):
		"""Who may approve more of a measure may approve less of it; and nothing less needs what more does not."""
		less, more = sorted((less, more))

		def roles(value: int) -> list[set[str]]:
			figures = worth(value, row(100, 100 - value, net=100 - value, cost=50))
			return find(figures, limits)

		before, after = roles(less), roles(more)
		later = {finding.measure: set(finding.roles) for finding in after}
		for finding in before:
			self.assertIn(finding.measure, later)
			self.assertLessEqual(later[finding.measure], set(finding.roles))
		if may(after, {DIRECTOR}):
			self.assertTrue(may(before, {DIRECTOR}))


class TestDeclaration(unittest.TestCase):
	def test_every_way_leads_between_states_frappe_accepts(self):
		for one in WORKFLOWS.values():
			known = dict(one.states)
			self.assertEqual(one.states[0][1], 0, one.name)
			for way in one.ways:
				before, after = known[way.state], known[way.next_state]
				self.assertIn((before, after), {(0, 0), (0, 1)}, way)
			self.assertEqual({rule.state for rule in one.belongs} - set(known), set())
			# Frappe takes the first state of a docstatus where a document is submitted without an action.
			for done in [state for state, docstatus in one.states if docstatus == 1][:1]:
				self.assertIn(done, {way.next_state for way in one.ways})

	def test_every_way_on_has_a_name_of_its_own(self):
		"""From a state an action leads to one state, unless conditions tell the ways apart."""
		for one in WORKFLOWS.values():
			keys = [(way.state, way.action, way.when) for way in one.ways]
			self.assertEqual(len(keys), len(set(keys)), one.name)

	def test_every_document_belongs_to_one_state(self):
		quotation = WORKFLOWS["Quotation"]
		for status, docstatus, state in (
			("Draft", 0, "Draft"),
			("Open", 1, "Sent"),
			("Expired", 1, "Sent"),
			("Partially Ordered", 1, "Accepted"),
			("Ordered", 1, "Accepted"),
			("Lost", 1, "Lost"),
			("Cancelled", 2, "Cancelled"),
		):
			self.assertEqual(states.of(quotation, {"status": status, "docstatus": docstatus}), state)

	def test_every_lead_and_opportunity_belongs_to_one_state(self):
		day = datetime(2026, 11, 1)
		for values, state in (
			({"status": "Lead"}, "New"),
			({"status": "Open"}, "New"),
			({"status": "Open", "last_contact_on": day}, "Contacted"),
			({"status": "Replied"}, "Contacted"),
			({"status": "Interested"}, "Contacted"),
			({"status": "Lost Quotation"}, "Contacted"),
			({"status": "Lead", "qualification_status": "In Process"}, "Contacted"),
			({"status": "Lead", "qualification_status": "Qualified"}, "Qualified"),
			({"status": "Opportunity"}, "Qualified"),
			({"status": "Quotation"}, "Qualified"),
			({"status": "Converted"}, "Qualified"),
			({"status": "Do Not Contact", "last_contact_on": day}, "Unqualified"),
			({"status": "Do Not Contact", "qualification_status": "Qualified"}, "Unqualified"),
		):
			values = {"qualification_status": "Unqualified", "docstatus": 0, **values}
			self.assertEqual(states.of(WORKFLOWS["Lead"], values), state, values)
		for values, state in (
			({"status": "Open"}, "Qualification"),
			({"status": "Replied"}, "Qualification"),
			({"status": "Replied", "qualified_for": 5.0}, "Qualified"),
			({"status": "Quotation"}, "Qualified"),
			({"status": "Converted", "qualified_for": 5.0}, "Converted"),
			({"status": "Lost"}, "Lost"),
			({"status": "Closed"}, "Closed"),
		):
			self.assertEqual(states.of(WORKFLOWS["Opportunity"], {"docstatus": 0, **values}), state, values)

	def test_one_transition_for_each_role_that_may_approve(self):
		values = definitions.values(WORKFLOWS["Quotation"], [DIRECTOR, MANAGER])
		approve = [row for row in values["transitions"] if row["action"] == "Approve"]
		# And one for those who stand in for somebody with such a role.
		self.assertEqual({row["allowed"] for row in approve}, {DIRECTOR, MANAGER, definitions.EVERYBODY})
		self.assertEqual(
			{row["allowed"] for row in approve if "Stand In" in row["condition"]}, {definitions.EVERYBODY}
		)
		self.assertTrue(all("doc.approval_needed" in row["condition"] for row in approve))
		none = definitions.values(WORKFLOWS["Quotation"], [])
		self.assertEqual({row["allowed"] for row in none["transitions"]}, {definitions.EVERYBODY})

	def test_a_role_is_found_by_its_whole_name(self):
		self.assertNotIn(definitions.mark(["Sales"]), definitions.mark(["Sales Manager"]))
		self.assertIn(definitions.mark(["Sales Manager"]), definitions.mark(["Director", "Sales Manager"]))
