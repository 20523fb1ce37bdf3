"""Credit by plain figures: which policy decides, what is overdue, what stands against an order, what releases it."""

from datetime import date, timedelta
from unittest import TestCase

from hypothesis import given, settings
from hypothesis import strategies as st

from crm_ext.receivables import credit_rules as rules
from crm_ext.receivables.credit_rules import Exposure, Item, Overdue, Reason, Release, Term

TODAY = date(2026, 3, 1)
NOTHING = Overdue()


def day(days: int) -> date:
	return TODAY + timedelta(days=days)


def item(voucher: str, outstanding: float, *terms: tuple[int, float]) -> Item:
	return Item(voucher, outstanding, tuple(Term(day(days), amount) for days, amount in terms))


def release(name: str, amount: float, used: float = 0, order: str | None = None, ends: int = 7) -> Release:
	return Release(name, order, amount, used, day(ends), "boss@example.com")


class TestPolicies(TestCase):
	def test_each_check_is_decided_by_the_narrowest_policy_that_says_anything(self):
		own = {"check_limit": "Off", "check_overdue_days": ""}
		group = {"check_limit": "On", "credit_limit": 500, "check_overdue_days": "On", "max_overdue_days": 10}
		company = {
			"check_limit": "On",
			"credit_limit": 100,
			"check_overdue_days": "On",
			"max_overdue_days": 30,
			"check_promises": "On",
			"max_broken_promises": 2,
			"promise_days": 90,
		}
		found = rules.resolve([own, group, company])
		self.assertEqual(found, {rules.OVERDUE_DAYS: 10, rules.PROMISES: 2})
		self.assertEqual(rules.resolve([group, company])[rules.LIMIT], 500)
		self.assertEqual(rules.promise_days([own, group, company]), 90)
		self.assertEqual(rules.resolve([]), {})

	def test_switched_off_below_stays_off(self):
		self.assertEqual(rules.resolve([{"check_promises": "Off"}, {"check_promises": "On"}]), {})


class TestOverdue(TestCase):
	def test_terms_are_paid_in_the_order_they_fall_due(self):
		terms = ((30, 40.0), (-60, 30.0), (-30, 30.0))
		self.assertEqual(rules.overdue([item("A", 100, *terms)], TODAY), Overdue(60, "A", 60))
		self.assertEqual(rules.overdue([item("A", 65, *terms)], TODAY), Overdue(25, "A", 30))
		self.assertEqual(rules.overdue([item("A", 40, *terms)], TODAY), Overdue())

	def test_due_today_is_not_overdue(self):
		self.assertEqual(rules.overdue([item("A", 10, (0, 10.0))], TODAY), Overdue())
		self.assertEqual(rules.overdue([item("A", 10, (-1, 10.0))], TODAY), Overdue(10, "A", 1))

	def test_money_on_account_pays_what_is_oldest(self):
		items = [item("B", 50, (-10, 50.0)), item("A", 100, (-40, 100.0)), item("PAY", -100, (-1, -100.0))]
		self.assertEqual(rules.overdue(items, TODAY), Overdue(50, "B", 10))
		items.append(item("CREDIT", -60, (-1, -60.0)))
		self.assertEqual(rules.overdue(items, TODAY), Overdue())

	@given(
		st.lists(
			st.tuples(st.integers(-9000, 9000).filter(bool), st.integers(-90, 30), st.integers(0, 100)),
			max_size=12,
		)
	)
	@settings(max_examples=300, deadline=None, derandomize=True, database=None)
	def test_what_always_holds(self, drawn):
		items = []
		for number, (cents, days, share) in enumerate(drawn):
			amount = cents / 100
			first = round(amount * share / 100, 2)
			terms = (
				((days, first), (days + 20, round(amount - first, 2))) if amount > 0 else ((days, amount),)
			)
			items.append(item(f"V{number}", amount, *terms))
		found = rules.overdue(items, TODAY)
		late = sum(t.amount for one in items if one.outstanding > 0 for t in one.terms if t.due_on < TODAY)
		credit = -sum(one.outstanding for one in items if one.outstanding < 0)
		self.assertAlmostEqual(found.amount, max(0, late - credit), 2)
		self.assertEqual(found.amount > 0, found.days > 0)
		self.assertEqual(rules.overdue(items[::-1], TODAY), found)


class TestReasons(TestCase):
	EXPOSURE = Exposure(12_000, 5_000, 0)

	def find(self, value=4_000, late=NOTHING, broken=0, **allowed):
		names = {"limit": rules.LIMIT, "amount": rules.OVERDUE_AMOUNT}
		names |= {"days": rules.OVERDUE_DAYS, "promises": rules.PROMISES}
		allowed = {names[name]: most for name, most in allowed.items()}
		return rules.reasons(allowed, self.EXPOSURE, late, broken, value)

	def test_limit(self):
		self.assertEqual(self.find(limit=20_000), [Reason(rules.LIMIT, 21_000, 20_000)])
		self.assertEqual(self.find(limit=21_000), [])
		self.assertEqual(self.find(limit=20_999.99), [Reason(rules.LIMIT, 21_000, 20_999.99)])
		# No limit is no limit.
		self.assertEqual(self.find(limit=0), [])

	def test_the_others_allow_just_what_they_say(self):
		late = Overdue(100, "A", 31)
		self.assertEqual(self.find(late=late, amount=100, days=31, promises=1, broken=1), [])
		kinds = [one.kind for one in self.find(late=late, amount=0, days=30, promises=0, broken=1)]
		self.assertEqual(kinds, [rules.OVERDUE_AMOUNT, rules.OVERDUE_DAYS, rules.PROMISES])

	def test_what_is_not_checked_is_no_reason(self):
		self.assertEqual(self.find(late=Overdue(100, "A", 31), broken=5), [])


class TestReleases(TestCase):
	def test_the_amount_left_covers_the_whole_order(self):
		self.assertIsNone(rules.covering([release("R", 99.99)], 100, TODAY))
		self.assertEqual(rules.covering([release("R", 100)], 100, TODAY).name, "R")
		self.assertIsNone(rules.covering([release("R", 150, used=60)], 100, TODAY))

	def test_until_the_last_day(self):
		self.assertEqual(rules.covering([release("R", 100, ends=0)], 100, TODAY).name, "R")
		self.assertIsNone(rules.covering([release("R", 100, ends=-1)], 100, TODAY))

	def test_the_orders_own_goes_first_then_what_ends_first(self):
		any_order = [release("C", 500, ends=9), release("B", 500, ends=3)]
		self.assertEqual(rules.covering(any_order, 100, TODAY).name, "B")
		own = release("A", 500, order="SO-1", ends=30)
		self.assertEqual(rules.covering([*any_order, own], 100, TODAY).name, "A")
