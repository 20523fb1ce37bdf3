"""Who sees what: the rules over random trees, and each scope on a site."""

import random
import subprocess
import unittest
from datetime import date, timedelta
from unittest.mock import patch

import frappe
from frappe.database import get_command
from frappe.utils import add_days, nowdate
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_ext import tasks
from crm_ext.api import visibility as api
from crm_ext.constants.visibility import (
	ALL,
	BRANCH,
	COVERED,
	HOLDER_COLUMN,
	HOLDER_DOCTYPES,
	HOLDERS,
	INDEXES,
	OWN,
	OWN_AND_BELOW,
	SCOPES,
	TERRITORY_INDEXES,
)
from crm_ext.hierarchy import conditions, indexes, rules, visibility, world
from crm_ext.hierarchy.rules import Absence, Node, Place, Sight
from crm_ext.permissions import has_follow_up_permission, list_conditions
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


@st.composite
def trees(draw) -> list[Node]:
	"""A tree with users on some nodes, one of them perhaps on several."""
	size = draw(st.integers(1, 12))
	parents = [None, *(draw(st.integers(0, place - 1)) for place in range(1, size))]
	users = draw(st.lists(st.sampled_from([None, "a", "b", "c", "d"]), min_size=size, max_size=size))
	bounds: dict[int, list[int]] = {}
	counter = iter(range(1, 2 * size + 1))

	def walk(place: int) -> None:
		bounds[place] = [next(counter)]
		for child in range(place + 1, size):
			if parents[child] == place:
				walk(child)
		bounds[place].append(next(counter))

	walk(0)
	return [
		Node(
			f"n{place}",
			None if parents[place] is None else f"n{parents[place]}",
			*bounds[place],
			place in parents,
			users[place],
		)
		for place in range(size)
	]


def _above(nodes: dict[str, Node], name: str) -> set[str]:
	"""The node itself and what is above it, by its parents alone."""
	found = set()
	while name:
		found.add(name)
		name = nodes[name].parent
	return found


class TestRules(unittest.TestCase):
	@settings(max_examples=200, deadline=None)
	@given(trees(), st.sampled_from(["a", "b", "nobody"]))
	def test_below_is_who_has_one_above_by_the_parents(self, nodes, user):
		by_name = {node.name: node for node in nodes}
		own = {node.name for node in nodes if node.user == user}
		below = {node.name for node in nodes if _above(by_name, node.name) & own}
		seen = rules.sight(nodes, user, OWN_AND_BELOW)
		self.assertEqual(seen.persons, below)
		self.assertEqual(seen.users, {user} | {by_name[name].user for name in below} - {None})

	@settings(max_examples=200, deadline=None)
	@given(trees(), st.sampled_from(["a", "b", "nobody"]))
	def test_a_wider_scope_never_shows_less(self, nodes, user):
		own, below, branch = (rules.sight(nodes, user, scope) for scope in (OWN, OWN_AND_BELOW, BRANCH))
		self.assertEqual(own.persons, {node.name for node in nodes if node.user == user})
		self.assertEqual(own.users, {user})
		for less, more in ((own, below), (below, branch)):
			self.assertLessEqual(less.users, more.users)
			self.assertLessEqual(less.persons, more.persons)

	@settings(max_examples=200, deadline=None)
	@given(trees())
	def test_a_branch_is_the_team_of_the_nearest_group(self, nodes):
		by_name = {node.name: node for node in nodes}
		for node in nodes:
			alone = [
				Node(n.name, n.parent, n.lft, n.rgt, n.is_group, "me" if n is node else None) for n in nodes
			]
			top = node.name if node.is_group or node.parent is None else node.parent
			team = {other for other in by_name if top in _above(by_name, other)}
			self.assertEqual(rules.sight(alone, "me", BRANCH), Sight(frozenset({"me"}), frozenset(team)))

	@settings(max_examples=200, deadline=None)
	@given(trees(), st.sets(st.sampled_from(["a", "b", "c"])))
	def test_who_manages_a_territory_manages_those_below(self, nodes, persons):
		by_name = {node.name: node for node in nodes}
		places = [Place(node.name, node.lft, node.rgt, node.user) for node in nodes]
		found = rules.managed(places, persons)
		self.assertEqual(
			found,
			{
				name
				for name in by_name
				if any(by_name[above].user in persons for above in _above(by_name, name))
			},
		)

	@settings(max_examples=100, deadline=None)
	@given(st.lists(st.sampled_from(SCOPES)))
	def test_the_widest_scope_counts(self, scopes):
		found = rules.widest(scopes)
		self.assertEqual(found, max(scopes, key=SCOPES.index) if scopes else None)

	def test_the_scope_comes_from_the_role(self):
		sales, given_scopes = {"Seller", "Lead Seller"}, {"Lead Seller": BRANCH}

		def scope(*roles, granted=("Seller", "Lead Seller", "Accountant")):
			return rules.scope_of(roles, granted, OWN, sales, given_scopes)

		self.assertEqual(scope("Seller"), OWN)
		self.assertEqual(scope("Seller", "Lead Seller"), BRANCH)
		self.assertEqual(scope("Seller", "Accountant"), ALL)
		self.assertEqual(scope("Accountant"), ALL)
		self.assertIsNone(scope("Carpenter"))
		self.assertEqual(scope("Seller", "Accountant", granted=("Seller",)), OWN)

	@settings(max_examples=100, deadline=None)
	@given(st.integers(-3, 3), st.integers(-3, 3))
	def test_a_stand_in_has_the_days_named(self, first, last):
		today = date(2026, 3, 1)
		days = [today + timedelta(days=number) for number in (first, last)]
		found = rules.absent([Absence("away", "me", *days), Absence("me", "other", *days)], "me", today)
		self.assertEqual(found, ["away"] if first <= 0 <= last else [])


class TestVisibility(Sellers, SiteTestCase):
	def see(self, user: str, doctype: str = "Lead") -> set[str]:
		"""Which of this test's own documents the user's list shows; and the documents open just as well."""
		own = self.made[doctype]
		listed = names_of(user, doctype, own)
		frappe.set_user(user)
		opened = {name for name in own if frappe.has_permission(doctype, "read", doc=name)}
		frappe.set_user("Administrator")
		self.assertEqual(listed, opened)
		return {own[name] for name in listed}

	def test_off_there_is_no_condition_and_no_query(self):
		frappe.set_user(NORTH)
		for doctype in COVERED[:-1]:
			self.assertEqual(list_conditions(doctype), "")
		document = frappe.get_doc("Lead", next(iter(self.made["Lead"])))
		frappe.get_cached_doc("CRM Ext Settings")
		with self.assertQueryCount(0):
			self.assertIsNone(visibility.sight_of(NORTH, "Lead"))
			self.assertEqual(visibility.condition("Lead", NORTH), "")
			self.assertTrue(document.has_permission("read"))

	def test_own(self):
		switch_on(OWN)
		for doctype in self.made:
			self.assertEqual(self.see(NORTH, doctype), {NORTH}, doctype)
			self.assertEqual(self.see(BOSS, doctype), {BOSS}, doctype)

	def test_own_and_below(self):
		switch_on(OWN_AND_BELOW)
		for doctype in self.made:
			self.assertEqual(self.see(NORTH, doctype), {NORTH}, doctype)
			self.assertEqual(self.see(BOSS, doctype), {BOSS, NORTH, NORTH_2, SOUTH}, doctype)

	def test_branch(self):
		switch_on(BRANCH)
		for doctype in self.made:
			self.assertEqual(self.see(NORTH, doctype), {NORTH, NORTH_2}, doctype)
			self.assertEqual(self.see(SOUTH, doctype), {SOUTH}, doctype)

	def test_all_sees_also_what_nobody_of_the_tree_holds(self):
		switch_on(ALL)
		for doctype, made in self.made.items():
			self.assertEqual(self.see(NORTH, doctype), set(made.values()), doctype)

	def test_a_role_with_another_scope(self):
		switch_on(OWN, {"Sales Manager": OWN_AND_BELOW})
		self.assertEqual(self.see(NORTH), {NORTH})
		self.assertEqual(self.see(BOSS), {BOSS, NORTH, NORTH_2, SOUTH})

	def test_accountants_and_system_managers_keep_what_they_have(self):
		switch_on(OWN)
		accountant = f.make_user("ta-vis-accountant@example.com", "Accounts User", "Sales User").name
		administrator = f.make_user("ta-vis-admin@example.com", "System Manager", "Sales User").name
		for doctype in ("Customer", "Sales Order", "Deal"):
			self.assertEqual(self.see(accountant, doctype), set(self.made[doctype].values()), doctype)
		self.assertEqual(self.see(accountant, "Lead"), set())
		for doctype in self.made:
			self.assertEqual(self.see(administrator, doctype), set(self.made[doctype].values()), doctype)

	def test_a_stand_in_sees_what_the_absent_one_sees_meanwhile(self):
		switch_on(OWN_AND_BELOW)
		stand_in = f.make_stand_in(SOUTH, NORTH, 0, 0)
		for doctype in self.made:
			self.assertEqual(self.see(NORTH, doctype), {NORTH, SOUTH}, doctype)
		stand_in.update({"from_date": add_days(nowdate(), 1), "to_date": add_days(nowdate(), 3)}).save()
		self.assertEqual(self.see(NORTH), {NORTH})
		stand_in.update({"from_date": add_days(nowdate(), -3), "to_date": add_days(nowdate(), -1)}).save()
		self.assertEqual(self.see(NORTH), {NORTH})
		# What the absent one sees counts, with that one's scope; and it is not passed on.
		f.make_stand_in(BOSS, NORTH, -1, 1)
		f.make_stand_in(NORTH, SOUTH, -1, 1)
		self.assertEqual(self.see(NORTH), {BOSS, NORTH, NORTH_2, SOUTH})
		self.assertEqual(self.see(SOUTH), {NORTH, SOUTH})

	def test_who_may_name_a_stand_in(self):
		switch_on(OWN)
		frappe.set_user(NORTH)
		mine = f.make_stand_in(NORTH, NORTH_2, 0, 5)
		with self.assertRaises(frappe.PermissionError):
			f.make_stand_in(BOSS, NORTH, 0, 5)
		with self.assertRaises(frappe.ValidationError):
			f.make_stand_in(NORTH, NORTH, 0, 5)
		with self.assertRaises(frappe.ValidationError):
			f.make_stand_in(NORTH, NORTH_2, 5, 0)
		frappe.set_user(NORTH_2)
		self.assertEqual(frappe.get_list("Stand In", {"name": mine.name}, pluck="name"), [mine.name])
		with self.assertRaises(frappe.PermissionError):
			frappe.get_doc("Stand In", mine.name).update({"to_date": add_days(nowdate(), 50)}).save()
		with self.assertRaises(frappe.PermissionError):
			frappe.get_doc("Stand In", mine.name).update({"user": NORTH_2, "stand_in": NORTH}).save()
		with self.assertRaises(frappe.PermissionError):
			frappe.delete_doc("Stand In", mine.name)
		frappe.set_user(SOUTH)
		self.assertEqual(frappe.get_list("Stand In", {"name": mine.name}, pluck="name"), [])
		frappe.set_user(BOSS)
		frappe.delete_doc("Stand In", mine.name)

	def test_who_left_and_who_is_disabled_is_still_seen_from_above(self):
		switch_on(OWN_AND_BELOW)
		frappe.db.set_value("User", NORTH, "enabled", 0)
		employee = frappe.get_doc("Employee", {"user_id": NORTH})
		employee.update({"status": "Left", "relieving_date": nowdate()}).save()
		person = frappe.get_doc("Sales Person", self.person_of[NORTH])
		person.update({"enabled": 0}).save()
		self.assertEqual(self.see(BOSS), {BOSS, NORTH, NORTH_2, SOUTH})
		# Without employee the Sales Person is in the tree still, the user is not.
		person.update({"employee": None}).save()
		self.assertEqual(self.see(BOSS), {BOSS, NORTH_2, SOUTH})
		self.assertEqual(self.see(BOSS, "Sales Order"), {BOSS, NORTH, NORTH_2, SOUTH})

	def test_a_change_of_the_tree_counts_at_once(self):
		switch_on(OWN_AND_BELOW)
		self.assertEqual(self.see(SOUTH), {SOUTH})
		moved = frappe.get_doc("Sales Person", self.person_of[NORTH_2])
		frappe.get_doc("Sales Person", self.person_of[SOUTH]).update({"is_group": 1}).save()
		moved.update({"parent_sales_person": self.person_of[SOUTH]}).save()
		self.assertEqual(self.see(SOUTH), {SOUTH, NORTH_2})

	def test_what_is_kept_is_read_anew_each_hour(self):
		switch_on(OWN_AND_BELOW)
		stale = world.of(STRANGER)
		frappe.cache.hset(
			"crm_ext_visibility_of_user", BOSS, world.of(BOSS)._replace(sights={BOSS: stale.sights[STRANGER]})
		)
		self.assertEqual(self.see(BOSS), {STRANGER})
		tasks.read_visibility_anew()
		self.assertEqual(self.see(BOSS), {BOSS, NORTH, NORTH_2, SOUTH})

	def test_without_a_sales_person_one_sees_ones_own(self):
		switch_on(BRANCH)
		alone = f.make_user("ta-vis-alone@example.com", "Sales User").name
		self.assertEqual(self.see(alone), set())
		lead = f.make_lead(lead_owner=alone)
		self.assertEqual(names_of(alone, "Lead", [lead.name]), {lead.name})

	def test_what_nobody_is_named_for_is_its_creators(self):
		switch_on(OWN)
		lead = f.make_lead(lead_owner=None)
		frappe.db.set_value("Lead", lead.name, {"lead_owner": None, "owner": NORTH})
		order = f.make_sales_order(sales_team=[])
		frappe.db.set_value("Sales Order", order.name, {"owner": NORTH, "deal": None})
		frappe.db.delete("Sales Team", {"parent": order.name})
		self.assertEqual(names_of(NORTH, "Lead", [lead.name]), {lead.name})
		self.assertEqual(names_of(NORTH, "Sales Order", [order.name]), {order.name})
		# Named is somebody else: then it is not.
		frappe.db.set_value("Lead", lead.name, "lead_owner", SOUTH)
		self.assertEqual(names_of(NORTH, "Lead", [lead.name]), set())

	def test_what_is_shared_is_seen(self):
		switch_on(OWN)
		south = next(name for name, user in self.made["Lead"].items() if user == SOUTH)
		frappe.share.add("Lead", south, NORTH)
		self.assertEqual(self.see(NORTH), {NORTH, SOUTH})
		self.assertEqual(self.see(NORTH_2), {NORTH_2})
		frappe.share.add("Lead", south, everyone=1)
		self.assertEqual(self.see(NORTH_2), {NORTH_2, SOUTH})
		frappe.share.remove("Lead", south, NORTH)
		frappe.db.delete("DocShare", {"share_doctype": "Lead", "share_name": south})
		self.assertEqual(self.see(NORTH), {NORTH})

	def test_user_permissions_hold_beside(self):
		switch_on(OWN_AND_BELOW)
		frappe.permissions.add_user_permission("Company", f.OTHER_COMPANY, BOSS)
		self.assertEqual(self.see(BOSS), set())
		shared = next(name for name, user in self.made["Lead"].items() if user == SOUTH)
		frappe.share.add("Lead", shared, BOSS)
		self.assertEqual(self.see(BOSS), {SOUTH})

	def test_a_record_is_handed_over_but_not_taken(self):
		switch_on(OWN)
		south = next(name for name, user in self.made["Lead"].items() if user == SOUTH)
		frappe.set_user(NORTH)
		document = frappe.get_doc("Lead", south)
		document.lead_owner = NORTH
		with self.assertRaises(frappe.PermissionError):
			document.save()
		north = next(name for name, user in self.made["Lead"].items() if user == NORTH)
		document = frappe.get_doc("Lead", north)
		document.update({"lead_owner": SOUTH}).save()
		self.assertFalse(frappe.has_permission("Lead", "read", doc=north))
		# For somebody else, too, one may enter a lead.
		f.make_lead(lead_owner=SOUTH)

	def test_every_shape_of_the_condition_says_the_same(self):
		"""Lists choose one by how much there is to see."""
		switch_on(OWN_AND_BELOW)
		territory = frappe.db.get_value("Territory", {"is_group": 0})
		for doctype, made in self.made.items():
			# Of each: one whose holder is unknown, its creator's, and one in a territory.
			creators = self._add_row(STRANGER, doctype)
			frappe.db.set_value(doctype, creators, "owner", NORTH)
			for column in filter(None, (HOLDERS[doctype].user, HOLDERS[doctype].person)):
				frappe.db.set_value(doctype, creators, column, "")
			frappe.db.set_value(
				doctype, next(n for n, u in made.items() if u == STRANGER), "territory", territory
			)
			shared = frozenset(name for name, user in made.items() if user == SOUTH)
			for user in (BOSS, NORTH, STRANGER):
				sight = visibility.sight_of(user, doctype)
				for one in (sight, sight._replace(territories=frozenset({territory}))):
					for extra in (frozenset(), shared):
						ways = list(conditions.ways(doctype, one, extra, False))
						shapes = [conditions.among(doctype, ways), conditions.of_each(doctype, one, extra)]
						seen = [self._names_by(doctype, shape) for shape in shapes]
						self.assertEqual(seen[0], seen[1], (doctype, user))
						self.assertEqual(creators in seen[0], user != STRANGER, (doctype, user))
						count = conditions.count_up_to(10**6, ways)
						self.assertEqual(count, len(seen[0]))
						self.assertGreaterEqual(conditions.count_up_to(1, ways), min(1, count))

	def _names_by(self, doctype: str, condition: str) -> set[str]:
		return {name for (name,) in frappe.db.sql(f"SELECT name FROM `tab{doctype}` WHERE {condition}")}

	def test_who_sees_much_sees_the_same(self):
		switch_on(OWN_AND_BELOW)
		with patch.object(visibility, "_MUCH", 0), patch.object(visibility, "_MANY", 1):
			for doctype in self.made:
				frappe.cache.delete_keys("crm_ext_sees_little")
				self.assertEqual(self.see(NORTH, doctype), {NORTH}, doctype)
				self.assertEqual(self.see(BOSS, doctype), {BOSS, NORTH, NORTH_2, SOUTH}, doctype)
		frappe.cache.delete_keys("crm_ext_sees_little")

	def test_who_manages_a_territory_sees_what_is_in_it(self):
		frappe.db.set_single_value("CRM Ext Settings", "visibility_territories", 0)
		switch_on(OWN)
		top = f.unique("Area")
		root = frappe.db.get_value("Territory", {"parent_territory": ("in", ("", None))})
		self._add_territory(top, root, is_group=1, territory_manager=self.person_of[NORTH])
		below = self._add_territory(f.unique("Area"), top)
		for doctype, made in self.made.items():
			strangers = next(name for name, user in made.items() if user == STRANGER)
			frappe.db.set_value(doctype, strangers, "territory", below)
		self.assertEqual(self.see(NORTH), {NORTH})
		frappe.db.set_single_value("CRM Ext Settings", "visibility_territories", 1)
		frappe.clear_document_cache("CRM Ext Settings", "CRM Ext Settings")
		for doctype in self.made:
			self.assertEqual(self.see(NORTH, doctype), {NORTH, STRANGER}, doctype)
			self.assertEqual(self.see(SOUTH, doctype), {SOUTH}, doctype)
		# Who sees the manager's records sees the territory; and so does the manager's stand-in.
		f.make_stand_in(NORTH, SOUTH, 0, 0)
		self.assertEqual(self.see(SOUTH), {NORTH, SOUTH, STRANGER})
		switch_on(OWN_AND_BELOW)
		self.assertEqual(self.see(BOSS), set(PEOPLE))
		self.assertEqual(self.see(NORTH_2), {NORTH_2})
		# A change of the tree of territories counts at once.
		frappe.get_doc("Territory", top).update({"territory_manager": self.person_of[NORTH_2]}).save()
		self.assertEqual(self.see(NORTH_2), {NORTH_2, STRANGER})
		self.assertEqual(self.see(NORTH), {NORTH})

	def _add_territory(self, name: str, parent: str, **values) -> str:
		return (
			frappe.get_doc(
				{"doctype": "Territory", "territory_name": name, "parent_territory": parent, **values}
			)
			.insert()
			.name
		)

	def test_nobody_takes_a_follow_up_by_writing_himself_in(self):
		"""With visibility off as well: only who may read the customer, and those it concerns."""
		lead = next(name for name, user in self.made["Lead"].items() if user == SOUTH)
		taken = follow_up(frappe.get_doc("Lead", lead), SOUTH)
		frappe.db.set_value("Follow Up", taken, "owner", SOUTH)
		outsider = f.make_user("ta-vis-outsider@example.com", "Accounts User").name
		frappe.set_user(outsider)
		self.assertFalse(frappe.has_permission("Lead", "read", doc=lead))
		posted = frappe.get_doc("Follow Up", taken)
		posted.update({"responsible": outsider, "owner": outsider})
		self.assertFalse(has_follow_up_permission(posted, "write"))
		frappe.set_user(SOUTH)
		posted = frappe.get_doc("Follow Up", taken)
		posted.update({"responsible": outsider})
		self.assertTrue(has_follow_up_permission(posted, "write"))

	def test_follow_ups_of_those_below(self):
		switch_on(OWN_AND_BELOW)
		customer = f.make_customer(account_manager=None)
		self.made = {"Follow Up": {follow_up(customer, user): user for user in (BOSS, NORTH, SOUTH)}}
		self.assertEqual(self.see(BOSS, "Follow Up"), {BOSS, NORTH, SOUTH})
		self.assertEqual(self.see(NORTH, "Follow Up"), {NORTH})

	def test_the_condition_takes_no_query_a_row(self):
		switch_on(OWN_AND_BELOW)
		world.read()
		frappe.set_user(BOSS)
		visibility.condition("Lead", BOSS)
		with self.assertQueryCount(0):
			visibility.condition("Lead", BOSS)
		south = next(name for name, user in self.made["Lead"].items() if user == SOUTH)
		frappe.share.add_docshare("Lead", south, BOSS, flags={"ignore_share_permission": True})
		visibility.condition("Lead", BOSS)
		# What is shared.
		with self.assertQueryCount(1):
			visibility.condition("Lead", BOSS)

	def test_the_preview_counts_what_lists_show(self):
		frappe.share.add(
			"Lead", next(name for name, user in self.made["Lead"].items() if user == SOUTH), NORTH
		)
		frappe.permissions.add_user_permission("Company", f.OTHER_COMPANY, NORTH_2)
		given = {
			"visibility_scope": OWN,
			"visibility_rules": [{"role": "Sales Manager", "scope": OWN_AND_BELOW}],
		}
		rows = {(row["user"], row["doctype"]): row for row in api.get_preview(given)}
		before = {
			(user, doctype): len(names_of(user, doctype))
			for user in (BOSS, NORTH, NORTH_2)
			for doctype in COVERED
		}
		switch_on(OWN, {"Sales Manager": OWN_AND_BELOW})
		for (user, doctype), count in before.items():
			row = rows[(user, doctype)]
			self.assertEqual(row["now"], count, (user, doctype))
			self.assertEqual(row["then"], len(names_of(user, doctype)), (user, doctype))
		self.assertFalse(any(user == "Administrator" for user, _doctype in rows))
		frappe.set_user(BOSS)
		with self.assertRaises(frappe.PermissionError):
			api.get_preview()

	def test_a_sales_manager_does_not_widen_what_he_sees(self):
		switch_on(OWN)
		frappe.set_user(BOSS)
		settings_doc = frappe.get_doc("CRM Ext Settings")
		settings_doc.update({"visibility_enabled": 0, "visibility_scope": ALL, "digest_hour": 9})
		settings_doc.append("visibility_rules", {"role": "Sales Manager", "scope": ALL})
		settings_doc.save()
		frappe.set_user("Administrator")
		saved = frappe.get_doc("CRM Ext Settings")
		self.assertEqual(
			(saved.visibility_enabled, saved.visibility_scope, saved.visibility_rules), (1, OWN, [])
		)


class WithIndexes(SiteTestCase):
	"""With the column and the indexes, which are made when visibility is switched on. Making them commits."""

	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		cls.addClassCleanup(cls.keep, 0)
		cls.keep(1)

	@classmethod
	def keep(cls, on: int) -> None:
		for switch in ("visibility_enabled", "visibility_territories"):
			frappe.db.set_single_value("CRM Ext Settings", switch, on)
		frappe.clear_document_cache("CRM Ext Settings", "CRM Ext Settings")
		indexes.keep()


class TestIndexes(WithIndexes):
	def test_they_are_there_and_go_again(self):
		self.assertEqual(self._present(), {*HOLDER_DOCTYPES, *((d, n) for d, n, _c in self._declared())})
		self.keep(0)
		self.assertEqual(self._present(), set())
		self.keep(1)
		self.keep(1)
		indexes.remove()
		indexes.remove()
		self.assertEqual(self._present(), set())
		self.keep(1)

	def test_the_schema_sync_leaves_them(self):
		before = self._present()
		for doctype in HOLDERS:
			frappe.clear_cache(doctype=doctype)
			frappe.db.updatedb(doctype)
		self.assertEqual(self._present(), before)

	def test_a_backup_is_read_back(self):
		"""As `bench backup` and `bench restore` do it; only into a table of another name."""
		conf, other = frappe.conf, "tabLead crm_ext restored"
		access = {
			"user": conf.db_name,
			"password": conf.db_password,
			"host": conf.db_host,
			"port": conf.db_port,
			"db_name": conf.db_name,
		}
		program, arguments, _name = get_command(**access, dump=True)
		dump = subprocess.run(
			[program, *arguments, "tabLead"], capture_output=True, text=True, check=True
		).stdout
		self.assertIn(HOLDER_COLUMN, dump)
		program, arguments, _name = get_command(**access)
		frappe.db.commit()
		self.addCleanup(frappe.db.sql_ddl, f"DROP TABLE IF EXISTS `{other}`")
		subprocess.run(
			[program, *arguments], input=dump.replace("`tabLead`", f"`{other}`"), text=True, check=True
		)
		rows = [
			frappe.db.sql(f"SELECT name, modified, {HOLDER_COLUMN} FROM `{table}` ORDER BY name")
			for table in ("tabLead", other)
		]
		self.assertTrue(rows[0])
		self.assertEqual(*rows)

	def _declared(self) -> list:
		return [*INDEXES, *TERRITORY_INDEXES]

	def _present(self) -> set:
		columns = {d for d in HOLDER_DOCTYPES if HOLDER_COLUMN in frappe.db.get_table_columns(d)}
		return columns | {(d, n) for d, n, _c in self._declared() if frappe.db.has_index(f"tab{d}", n)}


class TestHolderColumn(Sellers, WithIndexes):
	def test_the_column_says_the_same(self):
		switch_on(OWN_AND_BELOW)
		self.assertEqual(world.read().with_holder, frozenset(HOLDER_DOCTYPES))
		for doctype in HOLDER_DOCTYPES:
			for empty in (None, ""):
				creators = self._add_row(STRANGER, doctype)
				frappe.db.set_value(doctype, creators, {"owner": NORTH, HOLDERS[doctype].user: empty})
				for user in (NORTH, SOUTH):
					sight = visibility.sight_of(user, doctype)
					self.assertEqual(
						names_of(user, doctype),
						{
							name
							for (name,) in frappe.db.sql(
								f"SELECT name FROM `tab{doctype}` WHERE {conditions.of_each(doctype, sight)}"
							)
						},
					)
					self.assertEqual(creators in names_of(user, doctype), user == NORTH)
		# Nobody meets the column who does not ask for it, and saving goes on.
		lead = frappe.get_doc("Lead", f.make_lead(lead_owner=NORTH).name)
		self.assertNotIn(HOLDER_COLUMN, lead.__dict__)
		lead.update({"lead_owner": SOUTH}).save()
		self.assertIn(lead.name, names_of(SOUTH, "Lead"))
		self.assertNotIn(lead.name, names_of(NORTH, "Lead"))

	def test_documents_are_saved_renamed_and_deleted(self):
		switch_on(OWN_AND_BELOW)
		lead = frappe.get_doc("Lead", f.make_lead(lead_owner=NORTH).name)
		lead.update({"lead_owner": SOUTH}).save()
		renamed = frappe.rename_doc("Lead", lead.name, f.unique("Lead"), force=True)
		self.assertIn(renamed, names_of(SOUTH, "Lead"))
		copied = frappe.copy_doc(frappe.get_doc("Lead", renamed))
		copied.update({"lead_owner": NORTH, "email_id": None}).insert()
		self.assertIn(copied.name, names_of(NORTH, "Lead"))
		frappe.delete_doc("Lead", renamed)
		self.assertNotIn(renamed, names_of(SOUTH, "Lead"))
		self.assertNotIn(HOLDER_COLUMN, frappe.db.get_value("Lead", copied.name, "*", as_dict=True))


class TestShapes(Sellers, WithIndexes):
	"""Whoever holds what: each shape of a condition finds the same."""

	def setUp(self):
		super().setUp()
		self.random = random.Random(6)
		switch_on(OWN_AND_BELOW)

	def test_of_what_is_held(self):
		areas = frappe.get_all("Territory", pluck="name", limit=3)
		for doctype, holders in HOLDERS.items():
			for _number in range(25):
				fields = {field: self.any_user() for field in (holders.user,) if field}
				fields |= {field: self.any_person() for field in (holders.person,) if field}
				if holders.deal:
					fields["deal"] = self.any_of("Deal")
				name = self._add_row(
					STRANGER, doctype, territory=self.random.choice([None, *areas]), **fields
				)
				if holders.of_deals:
					of = {holders.of_deals: name, "party_type": self.random.choice([doctype, "Lead"])}
					who = {"owner_user": self.any_user(), "sales_person": self.any_person()}
					self._add_row(STRANGER, "Deal", **who, **of)
				frappe.db.set_value(doctype, name, "owner", self.random.choice(PEOPLE), update_modified=False)
				for _row in range(self.random.choice([0, 0, 1, 2]) if holders.team else 0):
					row = {"parenttype": doctype, "parentfield": "sales_team", "parent": name}
					person = self.random.choice(list(self.person_of.values()))
					frappe.get_doc({"doctype": "Sales Team", "sales_person": person, **row}).db_insert()
			every = list(self.made[doctype])
			for user in PEOPLE:
				sight = visibility.sight_of(user, doctype)
				for one in (sight, sight._replace(territories=frozenset(areas[:1]))):
					for shared in (frozenset(), frozenset(self.random.sample(every, 3))):
						shapes = [conditions.of_each(doctype, one, shared)]
						for with_holder in {False, doctype in HOLDER_DOCTYPES}:
							ways = list(conditions.ways(doctype, one, shared, with_holder))
							shapes.append(conditions.among(doctype, ways))
						if doctype in HOLDER_DOCTYPES and not (
							holders.deal or holders.of_deals or one.territories or shared
						):
							shapes.append(conditions.by_holder(doctype, one))
							shapes.append(conditions.of_each_holder(doctype, one))
						self.assert_same(doctype, shapes)

	def test_of_what_follows(self):
		for doctype in ("Delivery Note", "Sales Invoice"):
			for _number in range(60):
				self.make_follower(doctype)
			for user in PEOPLE:
				sight = visibility.sight_of(user, "Delivery Note")
				expected = {name for name, holders in self.holders.items() if holders & sight.users}
				for much in (0, 10**6):
					with patch.object(visibility, "_MUCH", much):
						frappe.cache.delete_keys("crm_ext_sees_little")
						followed = [
							(field, target, list_conditions(target, user))
							for field, target in (("customer", "Customer"), ("deal", "Deal"))
						]
						ways = list(conditions.ways_to_follow(doctype, sight, followed, frozenset()))
						found = self.assert_same(
							doctype,
							[
								visibility.following(doctype, user, sight, followed),
								conditions.among(doctype, ways),
								conditions.following_each(doctype, sight, followed, frozenset(), False),
								conditions.following_each(doctype, sight, followed, frozenset(), True),
							],
						)
						self.assertEqual(found & self.holders.keys(), expected & set(self.made[doctype]))
						if doctype == "Delivery Note":
							own = self.made[doctype]
							self.assertEqual(names_of(user, doctype, own), found & set(own))
							frappe.set_user(user)
							opened = {one for one in own if frappe.has_permission(doctype, "read", doc=one)}
							frappe.set_user("Administrator")
							self.assertEqual(opened, found & set(own))
		frappe.cache.delete_keys("crm_ext_sees_little")

	holders: dict[str, set[str]]

	def make_follower(self, doctype: str) -> None:
		"""One of somebody's, of a customer and of a deal of perhaps others."""
		customer, deal, owner = self.any_of("Customer"), self.any_of("Deal"), self.random.choice(PEOPLE)
		name = self._add_row(STRANGER, doctype, customer=customer, deal=deal)
		frappe.db.set_value(doctype, name, "owner", owner, update_modified=False)
		seen_by = {owner, self.made["Customer"].get(customer), self.made["Deal"].get(deal)}
		self.holders = {**getattr(self, "holders", {}), name: seen_by}

	def any_user(self) -> str | None:
		return self.random.choice([None, "", *PEOPLE])

	def any_person(self) -> str | None:
		return self.random.choice([None, "", *self.person_of.values()])

	def any_of(self, doctype: str) -> str | None:
		return self.random.choice([None, *self.made[doctype]])

	def assert_same(self, doctype: str, shapes: list[str]) -> set[str]:
		seen = [
			{name for (name,) in frappe.db.sql(f"SELECT name FROM `tab{doctype}` WHERE {shape}")}
			for shape in shapes
		]
		for other in seen[1:]:
			self.assertEqual(other, seen[0], doctype)
		return seen[0]
