"""Two workers at once, one killed in the middle, users at work beside them: each follow up once, none lost."""

import os
import signal
import time

import frappe
from frappe.utils import now_datetime

from crm_ext.follow_ups import candidates, engine, planning, rules, store
from crm_ext.tests import factories as f
from crm_ext.tests.processes import CommittingTestCase, Gate

LEADS = 3 * engine.CHUNK
STEPS = ((0, "After"), (1, "After"), (2, "After"))


def run(gate: Gate, me: str, other: str) -> dict:
	"""A pass, beginning at the same moment as another one."""
	gate.open(me)
	gate.wait(other)
	return engine.run()


def write(gate: Gate, me: str, other: str, rule: str) -> int:
	"""What a worker writes that does not know of the other one, chunk by chunk."""
	read, around = rules.read(frappe.get_doc("Follow Up Rule", rule)), planning.Pass(now_datetime())
	names = candidates.due(read, around.day)
	gate.open(me)
	gate.wait(other)
	made = 0

	def insert(chunk: list[str]) -> None:
		nonlocal made
		made += store.insert(planning.plan(read, chunk, around), "Administrator")

	for chunk in engine.in_chunks(names, 100):
		engine._attempt(chunk, insert)
	return made


def run_until_killed(gate: Gate, after: int) -> None:
	"""A pass whose process ends without a word while it is at its `after`-th chunk, rows of it already written."""
	insert, chunks = store.insert, 0

	def counting(*args) -> int:
		nonlocal chunks
		made = insert(*args)
		chunks += 1
		if chunks == after:
			os.kill(os.getpid(), signal.SIGKILL)
		return made

	store.insert = counting
	engine.run()


def hold(gate: Gate, lead: str) -> None:
	"""A user who saves a lead and takes long to."""
	frappe.db.sql("UPDATE tabLead SET city = 'Busy' WHERE name = %s", lead)
	gate.open("held")
	gate.wait("passed")
	frappe.db.commit()


def pull_the_same(gate: Gate, key: str) -> None:
	"""Another worker that has written one of the follow ups and has not committed yet; it never will."""
	frappe.db.sql(
		"INSERT INTO `tabFollow Up` (name, rule_key, status, subject, due_date, channel) VALUES"
		" ('half written', %s, 'Open', 'x', CURDATE(), 'Call')",
		key,
	)
	gate.open("written")
	time.sleep(1)
	frappe.db.rollback()


class TestWorkers(CommittingTestCase):
	def setUp(self):
		super().setUp()
		self.settings = frappe.db.get_all("Follow Up Rule", {"enabled": 1}, pluck="name")
		frappe.db.set_value("Follow Up Rule", {"enabled": 1}, "enabled", 0)
		frappe.db.set_single_value("CRM Ext Settings", "follow_up_rules_enabled", 1)
		self.names = self.leads(LEADS)
		self.rule = f.make_rule(
			*STEPS, filters=[["Lead", "name", "like", "CRM-LEAD-WORK-%"]], replace_open_steps=0
		)
		frappe.db.commit()

	def tearDown(self):
		frappe.db.rollback()
		for name in self.settings:
			frappe.db.set_value("Follow Up Rule", name, "enabled", 1)
		frappe.db.commit()
		super().tearDown()

	def leads(self, count: int) -> list[str]:
		"""Past the document layer: volume. Old enough for all steps."""
		now = now_datetime()
		old = now.replace(hour=9) - frappe.utils.datetime.timedelta(days=30)
		names = [f"CRM-LEAD-WORK-{number:05d}" for number in range(count)]
		columns = ["name", "creation", "modified", "owner", "modified_by", "lead_name", "status", "company"]
		user = "Administrator"
		frappe.db.bulk_insert(
			"Lead", columns, [(name, old, now, user, user, "Old", "Open", f.COMPANY) for name in names]
		)
		self.addCleanup(self.forget_leads)
		return names

	def forget_leads(self) -> None:
		# Older than the test, so that what deletes everything made since does not see them.
		frappe.db.sql("DELETE FROM tabLead WHERE name LIKE 'CRM-LEAD-WORK-%%'")
		frappe.db.commit()

	def assertEachOnce(self):
		frappe.db.rollback()  # a fresh snapshot
		found = frappe.db.sql(
			"SELECT reference_name, COUNT(*), COUNT(DISTINCT step), COUNT(DISTINCT rule_key) FROM `tabFollow Up`"
			" WHERE rule = %s GROUP BY reference_name ORDER BY reference_name",
			self.rule.name,
		)
		self.assertEqual([row[0] for row in found], self.names)
		self.assertEqual({row[1:] for row in found}, {(3, 3, 3)})
		dates = frappe.db.sql(
			"""SELECT COUNT(*) FROM tabLead x WHERE x.name LIKE 'CRM-LEAD-WORK-%%' AND NOT (x.next_follow_up_on <=>
			(SELECT MIN(f.due_on) FROM `tabFollow Up` f WHERE f.reference_name = x.name AND f.status = 'Open'))"""
		)
		self.assertEqual(dates[0][0], 0, "documents that show another date than their next follow up's")
		self.assertEqual(self.errors_logged(), [])

	def test_two_passes_at_once(self):
		results = [process.result() for process in (self.start(run, "a", "b"), self.start(run, "b", "a"))]
		self.assertEqual(sum(result["made"] for result in results), 3 * LEADS)
		self.assertEqual([result["failed"] for result in results], [0, 0])
		self.assertEachOnce()

	def test_two_that_do_not_know_of_each_other(self):
		processes = [
			self.start(write, "a", "b", self.rule.name),
			self.start(write, "b", "a", self.rule.name),
		]
		made = [process.result() for process in processes]
		self.assertEqual(sum(made), 3 * LEADS)
		frappe.db.rollback()
		self.assertEqual(frappe.db.count("Follow Up", {"rule": self.rule.name}), 3 * LEADS)

	def test_killed_in_the_middle(self):
		process = self.start(run_until_killed, 2)
		code, output = process.wait()
		self.assertEqual(code, -signal.SIGKILL, output)
		frappe.db.rollback()
		# The first chunk is whole, of the second there is nothing.
		self.assertEqual(frappe.db.count("Follow Up", {"rule": self.rule.name}), 3 * engine.CHUNK)
		self.wait_until_noticed()
		made = self.start(run, "a", "a").result()
		self.assertEqual((made["busy"], made["made"]), (0, 3 * (LEADS - engine.CHUNK)))
		self.assertEachOnce()

	def wait_until_noticed(self) -> None:
		"""The database takes a moment to see that the process is gone."""
		end = time.monotonic() + 30
		while not frappe.db.sql("SELECT IS_FREE_LOCK(%s)", engine.lock_name(self.rule.name))[0][0]:
			self.assertLess(time.monotonic(), end, "the lock of a killed process stays")
			time.sleep(0.02)

	def test_beside_a_user_who_holds_a_document(self):
		held = self.start(hold, self.names[5])
		self.gate.wait("held")
		result = self.start(run, "a", "a").result()
		self.gate.open("passed")
		held.result()
		self.assertEqual((result["made"], result["failed"]), (3 * LEADS, 0))
		from crm_ext.follow_ups import targets

		frappe.db.rollback()
		# What a queue job does once the user is done.
		targets.refresh([("Lead", self.names[5])])
		frappe.db.commit()
		self.assertEachOnce()

	def test_what_another_has_half_written_is_tried_again(self):
		read, around = rules.read(self.rule), planning.Pass(now_datetime())
		key = planning.plan(read, self.names[:1], around)[0].key
		frappe.db.rollback()
		other = self.start(pull_the_same, key)
		self.gate.wait("written")
		result = self.start(run, "a", "a").result()
		other.result()
		self.assertEqual((result["made"], result["failed"]), (3 * LEADS, 0))
		self.assertEachOnce()
