"""Customers nobody holds: who has a deal with one may read it, and sees no more of what was sold to it than before."""

import random
from unittest.mock import patch

import frappe
from frappe.desk.form.load import getdoc
from frappe.desk.search import search_link
from frappe.utils import add_days, nowdate

from crm_ext import permissions
from crm_ext.api import collections, credit, promises
from crm_ext.api import visibility as api
from crm_ext.constants.visibility import BRANCH, COVERED, OWN, OWN_AND_BELOW
from crm_ext.hierarchy import conditions, visibility
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase
from crm_ext.tests.visibility import (
	BOSS,
	NORTH,
	NORTH_2,
	PEOPLE,
	SOUTH,
	STRANGER,
	Sellers,
	follow_up,
	names_of,
	switch_on,
)

READING = ("read", "print", "email")
CHANGING = ("write", "delete", "share")


class TestByDeal(Sellers, SiteTestCase):
	"""`imported`: made by an import; one of NORTH's deals is with it."""

	def setUp(self):
		super().setUp()
		self.imported = self.customer()
		self.deal = self._add_row(NORTH, "Deal", owner_user=NORTH, customer=self.imported)

	def customer(self, owner: str = "Administrator", **values) -> str:
		name = self._add_row(STRANGER, "Customer", **{"customer_name": f.unique("Imported"), **values})
		frappe.db.set_value("Customer", name, "owner", owner, update_modified=False)
		return name

	def viewers(self, doctype: str = "Customer", name: str | None = None) -> set[str]:
		"""Who finds it in a list, whichever way lists are read, and opens it."""
		name = name or self.imported
		found = set()
		for user in PEOPLE:
			listed = set()
			for much in (0, 10**6):
				frappe.cache.delete_keys("crm_ext_sees_little")
				with patch.object(visibility, "_MUCH", much):
					listed.add(bool(names_of(user, doctype, [name])))
			frappe.set_user(user)
			listed.add(bool(frappe.has_permission(doctype, "read", doc=name)))
			frappe.set_user("Administrator")
			self.assertEqual(len(listed), 1, (user, doctype, name))
			if listed.pop():
				found.add(user)
		frappe.cache.delete_keys("crm_ext_sees_little")
		return found

	def test_who_has_a_deal_with_it_sees_it(self):
		switch_on(OWN)
		self.assertEqual(self.viewers(), {NORTH})
		switch_on(OWN_AND_BELOW)
		self.assertEqual(self.viewers(), {NORTH, BOSS})
		switch_on(BRANCH)
		self.assertEqual(self.viewers(), {NORTH, NORTH_2, BOSS})
		# Nobody else's, and no deal at all.
		switch_on(OWN)
		self.assertEqual(self.viewers(name=self.customer()), set())
		frappe.db.set_value("Deal", self.deal, "customer", None)
		self.assertEqual(self.viewers(), set())

	def test_by_the_sales_person_of_the_deal_as_well(self):
		switch_on(OWN)
		frappe.db.set_value(
			"Deal", self.deal, {"owner_user": STRANGER, "sales_person": self.person_of[SOUTH]}
		)
		self.assertEqual(self.viewers(), {STRANGER, SOUTH})
		frappe.db.set_value("Deal", self.deal, "owner_user", None)
		self.assertEqual(self.viewers(), {SOUTH})

	def test_a_stand_in_sees_it_meanwhile(self):
		switch_on(OWN)
		frappe.get_doc(
			{
				"doctype": "Stand In",
				"user": NORTH,
				"stand_in": SOUTH,
				"from_date": nowdate(),
				"to_date": nowdate(),
			}
		).insert()
		self.assertEqual(self.viewers(), {NORTH, SOUTH})

	def test_who_made_it_sees_it_as_before(self):
		switch_on(OWN)
		self.assertEqual(self.viewers(name=self.customer(SOUTH)), {SOUTH})
		frappe.db.set_value("Customer", self.imported, "owner", SOUTH)
		self.assertEqual(self.viewers(), {NORTH, SOUTH})

	def test_once_somebody_is_named_a_deal_does_not_count(self):
		switch_on(OWN)
		frappe.db.set_value("Customer", self.imported, "account_manager", SOUTH)
		self.assertEqual(self.viewers(), {SOUTH})
		frappe.db.set_value("Customer", self.imported, "account_manager", "")
		self.assertEqual(self.viewers(), {NORTH})
		team = {"parenttype": "Customer", "parentfield": "sales_team", "parent": self.imported}
		row = frappe.get_doc({"doctype": "Sales Team", "sales_person": self.person_of[SOUTH], **team})
		row.db_insert()
		self.assertEqual(self.viewers(), {SOUTH})
		# Of another document that goes by the same name.
		frappe.db.set_value("Sales Team", row.name, "parenttype", "Sales Order")
		self.assertEqual(self.viewers(), {NORTH})

	def test_it_may_be_read_but_not_taken(self):
		switch_on(OWN)
		frappe.set_user(NORTH)
		for ptype in READING:
			self.assertTrue(frappe.has_permission("Customer", ptype, doc=self.imported), ptype)
		for ptype in CHANGING:
			self.assertFalse(frappe.has_permission("Customer", ptype, doc=self.imported), ptype)
		customer = frappe.get_doc("Customer", self.imported)
		with self.assertRaises(frappe.PermissionError):
			customer.update({"account_manager": NORTH}).save()
		with self.assertRaises(frappe.PermissionError):
			frappe.share.add("Customer", self.imported, NORTH)
		# Their own, made before anybody was named, they may.
		frappe.set_user("Administrator")
		frappe.db.set_value("Customer", self.imported, "owner", NORTH)
		frappe.set_user(NORTH)
		for ptype in CHANGING[::2]:
			self.assertTrue(frappe.has_permission("Customer", ptype, doc=self.imported), ptype)

	def test_it_is_found_in_link_fields(self):
		switch_on(OWN)
		for user, found in ((NORTH, True), (SOUTH, False)):
			frappe.set_user(user)
			frappe.local.form_dict = frappe._dict()
			rows = search_link("Customer", self.imported)
			self.assertEqual([row["value"] for row in rows], [self.imported] if found else [])

	def follower(self, doctype: str, **values) -> str:
		"""One of the imported customer, made by Administrator."""
		return self._add_row(STRANGER, doctype, **{"customer": self.imported, **values})

	def test_what_was_sold_to_it_stays_closed(self):
		switch_on(OWN)
		for doctype in ("Delivery Note", "Sales Invoice"):
			if doctype == "Sales Invoice":
				self.let_read(doctype)
			others, own = self.follower(doctype), self.follower(doctype, deal=self.deal)
			self.assertEqual(self.viewers(doctype, others), set())
			self.assertEqual(self.viewers(doctype, own), {NORTH})
			# Who holds the customer sees both.
			frappe.db.set_value("Customer", self.imported, "owner", SOUTH)
			self.assertEqual(self.viewers(doctype, others), {SOUTH})
			self.assertEqual(self.viewers(doctype, own), {NORTH, SOUTH})
			frappe.db.set_value("Customer", self.imported, "owner", "Administrator")

	def test_what_tells_of_its_money_stays_closed(self):
		switch_on(OWN)
		for doctype in ("Payment Promise", "Credit Release", "Credit Check"):
			self.let_read(doctype)
			name = self.follower(doctype)
			self.assertEqual(self.viewers(doctype, name), set(), doctype)
			frappe.db.set_value("Customer", self.imported, "owner", SOUTH)
			self.assertEqual(self.viewers(doctype, name), {SOUTH}, doctype)
			frappe.db.set_value("Customer", self.imported, "owner", "Administrator")

	def let_read(self, doctype: str) -> None:
		"""ERPNext and the app let no mere salesperson read these."""
		frappe.permissions.setup_custom_perms(doctype)
		frappe.permissions.add_permission(doctype, "Sales User")
		frappe.clear_cache(doctype=doctype)
		self.addCleanup(frappe.clear_cache, doctype=doctype)

	def test_reports_and_endpoints_of_money_leave_it_out(self):
		switch_on(OWN)
		self.let_read("Sales Invoice")
		self.let_read("Payment Promise")
		for user, held in ((NORTH, False), (SOUTH, True)):
			frappe.db.set_value("Customer", self.imported, "owner", SOUTH)
			frappe.set_user(user)
			seen = frappe.db.sql(
				f"SELECT name FROM `tabCustomer` WHERE name = %s AND ({permissions.account_conditions().replace('%', '%%')})",
				self.imported,
			)
			self.assertEqual(bool(seen), held)
			for endpoint in (
				lambda: promises.reliability(self.imported),
				lambda: collections._check(self.imported, f.COMPANY),
			):
				if held:
					endpoint()
				else:
					self.assertRaises(frappe.PermissionError, endpoint)
			frappe.set_user("Administrator")
		frappe.set_user(NORTH)
		for endpoint in (
			lambda: promises.make(self.imported, f.COMPANY, [], add_days(nowdate(), 1)),
			lambda: credit.release_customer(self.imported, f.COMPANY, 1),
		):
			self.assertRaises(frappe.PermissionError, endpoint)

	def test_the_page_of_my_day_asks_both_ways(self):
		"""Within one reading the customer is seen by its deal, and its money is not."""
		switch_on(OWN)
		with permissions.asked_once():
			for _time in range(2):
				for conditions_, seen in (
					(permissions.list_conditions("Customer", NORTH), 1),
					(permissions.account_conditions(NORTH), 0),
				):
					self.assertEqual(
						len(
							frappe.db.sql(
								f"SELECT name FROM `tabCustomer` WHERE name = {frappe.db.escape(self.imported)}"
								f" AND ({conditions_})"
							)
						),
						seen,
					)

	def test_the_form_tells_no_sums_and_is_to_be_read(self):
		switch_on(OWN)
		for user, alone in ((NORTH, True), (SOUTH, False)):
			frappe.db.set_value("Customer", self.imported, "owner", SOUTH)
			frappe.set_user(user)
			frappe.local.response = frappe._dict(docs=[])
			getdoc("Customer", self.imported)
			onload = frappe.local.response.docs[0].get("__onload")
			self.assertEqual(bool(onload.get("crm_ext_seen_by_deal")), alone)
			if alone:
				self.assertEqual(onload.get("dashboard_info"), [])
			frappe.set_user("Administrator")

	def test_off_the_form_asks_nothing(self):
		customer = frappe.get_doc("Customer", self.imported)
		frappe.get_cached_doc("CRM Ext Settings")
		frappe.set_user(NORTH)
		with self.assertQueryCount(0):
			self.assertFalse(permissions.is_seen_by_deal_alone(customer))

	def test_a_statement_sent_to_it_stays_closed(self):
		switch_on(OWN)
		for user in (NORTH, SOUTH, STRANGER):
			f.make_user(user, "Sales User", "Inbox User")
		sent = {
			user: frappe.get_doc(
				{
					"doctype": "Communication",
					"subject": "Statement of account",
					"communication_medium": "Email",
					"reference_doctype": "Customer",
					"reference_name": self.imported,
				}
			).insert()
			for user in ("Administrator", NORTH)
		}
		frappe.db.set_value("Communication", sent[NORTH].name, "owner", NORTH)
		files = {
			user: frappe.get_doc(
				{
					"doctype": "File",
					"file_name": f"{f.unique('statement')}.txt",
					"content": user,
					"is_private": 1,
					"attached_to_doctype": "Communication",
					"attached_to_name": message.name,
				}
			).insert()
			for user, message in sent.items()
		}
		frappe.db.set_value("Customer", self.imported, "owner", SOUTH)
		for viewer, seen in ((NORTH, {NORTH}), (SOUTH, {NORTH, "Administrator"}), (STRANGER, set())):
			frappe.set_user(viewer)
			found = {
				user for user, file in files.items() if frappe.has_permission("File", "read", doc=file.name)
			}
			self.assertEqual(found, seen, viewer)
			frappe.set_user("Administrator")

	def test_prospects_as_well(self):
		switch_on(OWN)
		prospect = self._add_row(STRANGER, "Prospect")
		others = self._add_row(STRANGER, "Prospect", prospect_owner=SOUTH)
		for name in (prospect, others):
			self.assertNotIn(NORTH, self.viewers("Prospect", name))
			frappe.db.set_value("Prospect", name, "owner", "Administrator")
			self._add_row(NORTH, "Deal", owner_user=NORTH, party_type="Prospect", party=name)
		self.assertEqual(self.viewers("Prospect", prospect), {NORTH})
		self.assertEqual(self.viewers("Prospect", others), {SOUTH})
		frappe.set_user(NORTH)
		self.assertFalse(frappe.has_permission("Prospect", "share", doc=prospect))
		document = frappe.get_doc("Prospect", prospect)
		document.run_method("onload")
		self.assertTrue(document.get_onload("crm_ext_seen_by_deal"))
		frappe.set_user("Administrator")
		# A customer that goes by the same name.
		frappe.db.set_value("Deal", {"party": prospect}, "party_type", "Customer")
		self.assertEqual(self.viewers("Prospect", prospect), set())

	def test_follow_ups_about_it_go_with_it(self):
		switch_on(OWN)
		planned = follow_up(frappe.get_doc("Customer", self.imported), STRANGER)
		self.assertEqual(self.viewers("Follow Up", planned), {STRANGER, NORTH})

	def test_the_preview_counts_it(self):
		rows = {
			(row["user"], row["doctype"]): row for row in api.get_preview({"visibility_scope": OWN_AND_BELOW})
		}
		switch_on(OWN_AND_BELOW)
		for user in (BOSS, NORTH, SOUTH):
			for doctype in COVERED:
				self.assertEqual(rows[(user, doctype)]["then"], len(names_of(user, doctype)), (user, doctype))
		before = rows[(NORTH, "Customer")]["then"]
		frappe.db.set_value("Deal", self.deal, "customer", None)
		self.assertEqual(len(names_of(NORTH, "Customer")), before - 1)

	def test_the_condition_costs_no_further_statement(self):
		switch_on(OWN)
		names_of(NORTH, "Customer")
		visibility.condition("Customer", NORTH)
		found = []
		for work in (visibility.condition, self.of_holders):
			work("Customer", NORTH)
			with self.assertQueryCount(1):
				found.append(work("Customer", NORTH))
		self.assertNotEqual(*found)

	def of_holders(self, doctype: str, user: str) -> str:
		with visibility.of_holders():
			return visibility.condition(doctype, user)

	def test_every_shape_says_the_same(self):
		"""Against the rule written down in Python."""
		switch_on(OWN_AND_BELOW)
		draw = random.Random(22)
		persons = [*self.person_of.values()]
		user_of = {person: user for user, person in self.person_of.items()}
		made: dict[str, tuple] = {}
		for _number in range(80):
			owner, manager = draw.choice(["Administrator", *PEOPLE]), draw.choice([None, None, "", *PEOPLE])
			name = self.customer(owner, account_manager=manager)
			team = draw.sample(persons, draw.choice([0, 0, 1, 2]))
			for person in team:
				row = {"parenttype": "Customer", "parentfield": "sales_team", "parent": name}
				frappe.get_doc({"doctype": "Sales Team", "sales_person": person, **row}).db_insert()
			deals = set()
			for _deal in range(draw.choice([0, 1, 1, 3])):
				user, person = draw.choice([None, "", *PEOPLE]), draw.choice([None, "", *persons])
				self._add_row(STRANGER, "Deal", owner_user=user, sales_person=person, customer=name)
				deals |= {user, user_of.get(person)}
			named = {manager or None, *(user_of[person] for person in team)} - {None}
			# What names somebody is theirs; else it is its creator's, and to be read by who has a deal with it.
			made[name] = (named or {owner}, set() if named else deals - {None, ""})
		for user in PEOPLE:
			sight = visibility.sight_of(user, "Customer")
			for by_deals in (False, True):
				ways = list(conditions.ways("Customer", sight, frozenset(), False, by_deals))
				expected = {
					name
					for name, (held, dealt) in made.items()
					if held & sight.users or (by_deals and dealt & sight.users)
				}
				for shape in (
					conditions.among("Customer", ways),
					conditions.of_each("Customer", sight, frozenset(), by_deals),
				):
					rows = frappe.db.sql(f"SELECT name FROM `tabCustomer` WHERE {shape}")
					self.assertEqual({name for (name,) in rows} & made.keys(), expected, (user, by_deals))
