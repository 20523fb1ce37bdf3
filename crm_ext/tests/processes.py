"""Real processes on a real site, for what only shows between transactions.

A test starts functions of its module in processes of their own (`start`), lets them meet at a `Gate`, and compares
what they left behind with what a rebuild makes of it. Everything they commit is removed after the test.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import frappe
from frappe.utils import flt, now_datetime
from werkzeug.local import release_local

from crm_ext.constants.custom_fields import DEAL_LINK_AFTER
from crm_ext.deals import derive, stages, stored, touch
from crm_ext.deals.backfill import ORDER
from crm_ext.deals.model import DEAL, SALES_INVOICE, SUBMITTABLE
from crm_ext.tests.base import SiteTestCase

_RESULT = "result of the process: "
_TIMEOUT = 120
OUR_TABLES = ("Deal Ledger Entry", "Deal Stage Change", "Deal")


class Gate:
	"""Where processes wait for one another: a name is open once somebody opened it."""

	def __init__(self, folder: str):
		self.folder = Path(folder)

	def open(self, name: str) -> None:
		(self.folder / name).touch()

	def wait(self, *names: str, timeout: float = 60) -> None:
		end = time.monotonic() + timeout
		for name in names:
			while not (self.folder / name).exists():
				if time.monotonic() > end:
					raise TimeoutError(f"nobody opened {name}")
				time.sleep(0.005)


class Process:
	"""A running process whose output is read when it has ended."""

	def __init__(self, popen, output):
		self.popen = popen
		self.output = output

	def wait(self, timeout: float = _TIMEOUT) -> tuple[int, str]:
		"""(exit code, everything it wrote)"""
		try:
			code = self.popen.wait(timeout)
		except subprocess.TimeoutExpired:
			self.kill()
			raise
		self.output.seek(0)
		return code, self.output.read().decode(errors="replace")

	def result(self, timeout: float = _TIMEOUT):
		"""What the function returned; its traceback as AssertionError where it failed."""
		code, output = self.wait(timeout)
		for line in output.splitlines():
			if line.startswith(_RESULT):
				return json.loads(line.removeprefix(_RESULT))
		raise AssertionError(f"process ended with {code}:\n{output}")

	def kill(self) -> None:
		os.killpg(self.popen.pid, signal.SIGKILL)
		self.popen.wait()


class _Fork:
	"""A child of this process, as subprocess.Popen shows one: a second to start saved each time."""

	def __init__(self, pid: int):
		self.pid = pid
		self.returncode: int | None = None

	def poll(self) -> int | None:
		if self.returncode is None:
			pid, status = os.waitpid(self.pid, os.WNOHANG)
			self.returncode = os.waitstatus_to_exitcode(status) if pid else None
		return self.returncode

	def wait(self, timeout: float = _TIMEOUT) -> int:
		end = time.monotonic() + timeout
		while self.poll() is None:
			if time.monotonic() > end:
				raise subprocess.TimeoutExpired(str(self.pid), timeout)
			time.sleep(0.01)
		return self.returncode


def start(function: Callable, gate: Gate | None = None, *args, site: str | None = None) -> Process:
	"""Run `function(gate, *args)` in a process with a connection of its own. What it returns must be JSON."""
	site = site or frappe.local.site
	output = tempfile.TemporaryFile()
	pid = os.fork()
	if not pid:
		_run(output.fileno(), site, lambda: function(gate, *args))
	return Process(_Fork(pid), output)


def _run(output: int, site: str, function: Callable) -> None:
	"""The life of a forked process. Never returns."""
	code = 1
	try:
		os.setsid()
		for descriptor in (1, 2):
			os.dup2(output, descriptor)
		sys.stdout, sys.stderr = (os.fdopen(descriptor, "w", closefd=False) for descriptor in (1, 2))
		sites_path = frappe.local.sites_path
		release_local(
			frappe.local
		)  # nothing cached of another site; destroy() would end the parent's connection
		frappe.init(site=site, sites_path=sites_path)
		frappe.connect()
		print(f"\n{_RESULT}{json.dumps(function())}", flush=True)
		code = 0
	except BaseException:
		traceback.print_exc()
		sys.stderr.flush()
	finally:
		os._exit(code)  # what the parent has open is not ours to close


def start_bench(*words: str, site: str | None = None) -> Process:
	"""`bench --site SITE words`, as bench itself runs it; on this site where none is given, on none where ""."""
	site = frappe.local.site if site is None else site
	command = [sys.executable, "-m", "frappe.utils.bench_helper", "frappe"]
	command += [*(["--site", site] if site else []), *words]
	output = tempfile.TemporaryFile()
	folder = os.path.abspath(frappe.local.sites_path)
	popen = subprocess.Popen(
		command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
	)
	return Process(popen, output)


def bench(*words: str, site: str | None = None, timeout: float = 600) -> str:
	"""Run a bench command to its end; AssertionError where that is not exit code 0."""
	code, output = start_bench(*words, site=site).wait(timeout)
	assert code == 0, f"bench {' '.join(words)} ended with {code}:\n{output}"
	return output


def run_queue() -> None:
	"""Work off the queue of the site as a worker does, and wait for what another worker is at."""
	from frappe.utils.background_jobs import get_redis_conn
	from rq import Worker

	start(_work).result()
	connection = get_redis_conn()
	end = time.monotonic() + 60
	while any(worker.get_current_job_id() for worker in Worker.all(connection)):
		if time.monotonic() > end:
			raise TimeoutError("a worker is still busy")
		time.sleep(0.1)


def _work(gate: Gate | None) -> None:
	from frappe.utils.background_jobs import start_worker

	start_worker(queue="short", quiet=True, burst=True)


class CommittingTestCase(SiteTestCase):
	"""For tests that commit, here or in other processes: what was made since is deleted afterwards."""

	def setUp(self):
		super().setUp()
		frappe.db.rollback()
		self._since = Since()
		self._earlier = _documents()
		self._errors = frappe.get_all("Error Log", {"method": ("like", "CRM Ext%")}, pluck="name")
		self._settings = frappe.db.sql(
			"SELECT field, value FROM tabSingles WHERE doctype = 'CRM Ext Settings'"
		)
		self._started: list[Process] = []
		self.gate_anew()

	def tearDown(self):
		for process in self._started:
			if process.popen.poll() is None:
				process.kill()
		frappe.db.rollback()
		self._since.purge()
		frappe.db.sql("DELETE FROM tabSingles WHERE doctype = 'CRM Ext Settings'")
		frappe.db.bulk_insert(
			"Singles", ["doctype", "field", "value"], [("CRM Ext Settings", *row) for row in self._settings]
		)
		frappe.db.commit()
		frappe.clear_document_cache("CRM Ext Settings", "CRM Ext Settings")
		stages.clear_cache()
		# A test that forgot all deals forgot those of earlier documents too.
		derive.derive(
			[(doctype, name) for doctype in ORDER for name in frappe.get_all(doctype, pluck="name")]
		)
		frappe.db.commit()
		super().tearDown()

	def gate_anew(self) -> None:
		folder = tempfile.TemporaryDirectory()
		self.addCleanup(folder.cleanup)
		self.gate = Gate(folder.name)

	def start(self, function: Callable, *args) -> Process:
		process = start(function, self.gate, *args)
		self._started.append(process)
		return process

	def start_bench(self, *words: str) -> Process:
		process = start_bench(*words)
		self._started.append(process)
		return process

	def errors_logged(self) -> list[str]:
		"""What our engine logged during this test; the table knows no rollback."""
		frappe.db.rollback()
		known = ("not in", self._errors or [""])
		return frappe.get_all("Error Log", {"method": ("like", "CRM Ext%"), "name": known}, pluck="error")

	def assertKept(self, chosen: bool = False):
		"""The deals of the site are whole, and those of this test's documents equal to what a rebuild makes of them.

		Where a person has chosen a deal that `chosen` stands for, deals keep their names: a rebuild from nothing
		would forget the choice with them.
		"""
		frappe.db.rollback()  # a fresh snapshot
		self.assertEqual(problems(), [])
		kept, rebuilt = deals(), rebuilt_deals(chosen)
		kept, rebuilt = (
			{root: deal for root, deal in found.items() if root not in self._earlier}
			for found in (kept, rebuilt)
		)
		self.assertEqual(sorted(kept), sorted(rebuilt))
		for root in rebuilt:
			self.assertEqual(kept[root], rebuilt[root], f"deal of {root}")


def _documents() -> set[str]:
	"""Documents other tests left on the site, as roots are written in `deals`."""
	return {f"{doctype} {name}" for doctype in ORDER for name in frappe.get_all(doctype, pluck="name")}


class Since:
	"""A point in time from which everything made on the site can be deleted again.

	By `creation`, and by name where rows stamped later are there already: a site that got its time zone after it
	was made holds rows from the future.
	"""

	def __init__(self) -> None:
		self.moment = now_datetime()
		self.tables = frappe.db.sql(
			"SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING"
			" (table_schema, table_name) WHERE c.table_schema = DATABASE() AND c.column_name = 'creation'"
			" AND t.table_type = 'BASE TABLE'",
			pluck=True,
		)
		self.known = {table: set(self._names(table)) for table in self.tables}

	def _names(self, table: str) -> list:
		return frappe.db.sql(f"SELECT name FROM `{table}` WHERE creation >= %s", (self.moment,), pluck=True)

	def purge(self) -> None:
		for table in self.tables:
			names = [name for name in self._names(table) if name not in self.known[table]]
			for start in range(0, len(names), 1000):
				frappe.db.sql(f"DELETE FROM `{table}` WHERE name IN %s", (names[start : start + 1000],))


def forget_deals() -> None:
	"""As if the app had just been installed beside the documents there are."""
	touch.forget()
	for doctype in OUR_TABLES:
		frappe.db.sql(f"DELETE FROM `tab{doctype}`")
	for doctype in DEAL_LINK_AFTER:
		frappe.db.sql(f"UPDATE `tab{doctype}` SET deal = NULL WHERE deal IS NOT NULL")
	frappe.db.set_single_value("CRM Ext Settings", "backfill_mark", "")


def deals() -> dict[str, dict]:
	"""Every deal of the site by its root: derived values and ledger rows, whatever they are called."""
	found = {}
	columns = ", ".join(stored.DERIVED)
	for row in frappe.db.sql(
		f"SELECT name, root_type, root_name, {columns} FROM tabDeal ORDER BY root_type, root_name",
		as_dict=True,
	):
		root = f"{row.root_type} {row.root_name}"
		if root in found:
			root += f" again as {row.name}"
		values = {field: str(row[field]) if row[field] else None for field in stored.DERIVED}
		found[root] = {"name": row.name, "values": values, "ledger": []}
	by_name = {deal.pop("name"): deal for deal in found.values()}
	for deal, *row in frappe.db.sql(
		"SELECT deal, stage, voucher_type, voucher_no, posting_date, amount, currency, voucher_currency,"
		" voucher_amount, is_cancelled FROM `tabDeal Ledger Entry` ORDER BY stage, voucher_type, voucher_no"
	):
		if deal in by_name:
			by_name[deal]["ledger"].append([str(value) for value in row])
	return found


def rebuilt_deals(keep_names: bool = False) -> dict[str, dict]:
	"""What deriving all documents from nothing, or anew, gives. Leaves nothing behind: rolls back."""
	try:
		if not keep_names:
			forget_deals()
		refs = [(doctype, name) for doctype in ORDER for name in frappe.get_all(doctype, pluck="name")]
		derive.derive([*refs, *((DEAL, name) for name in frappe.get_all("Deal", pluck="name"))])
		return deals()
	finally:
		frappe.db.rollback()


_ORPHANS = {
	"ledger row of no deal": "SELECT e.name FROM `tabDeal Ledger Entry` e LEFT JOIN tabDeal d ON d.name = e.deal"
	" WHERE d.name IS NULL",
	"stage change of no deal": "SELECT c.name FROM `tabDeal Stage Change` c LEFT JOIN tabDeal d ON d.name = c.deal"
	" WHERE d.name IS NULL",
	"ledger row twice": "SELECT MIN(name) FROM `tabDeal Ledger Entry` GROUP BY deal, stage, voucher_type,"
	" voucher_no HAVING COUNT(*) > 1",
	"root twice": "SELECT CONCAT(root_type, ' ', root_name) FROM tabDeal GROUP BY root_type, root_name"
	" HAVING COUNT(*) > 1",
}


def problems() -> list[str]:
	"""What must never be: rows that hang on nothing, anything twice, shares that do not add up to the voucher."""
	found = [f"{what}: {name}" for what, query in _ORPHANS.items() for (name,) in frappe.db.sql(query)]
	for doctype in DEAL_LINK_AFTER:
		query = f"SELECT v.name FROM `tab{doctype}` v LEFT JOIN tabDeal d ON d.name = v.deal"
		query += " WHERE v.deal IS NOT NULL AND d.name IS NULL"
		found += [f"{doctype} of no deal: {name}" for (name,) in frappe.db.sql(query)]
	for doctype in SUBMITTABLE:
		kind = "Invoice" if doctype == SALES_INVOICE else None
		rows = frappe.db.sql(
			f"""SELECT v.name, SUM(e.amount), IF(v.base_rounded_total, v.base_rounded_total, v.base_grand_total)
			FROM `tab{doctype}` v JOIN `tabDeal Ledger Entry` e ON e.voucher_no = v.name AND e.voucher_type = %s
			JOIN `tabDeal Stage` s ON s.name = e.stage AND (s.reached_by = %s OR %s IS NULL)
			GROUP BY v.name""",
			(doctype, kind, kind),
		)
		found += [
			f"{doctype} {name}: deals hold {held} of {total}"
			for name, held, total in rows
			if abs(flt(held) - flt(total)) > 0.005
		]
	return found
