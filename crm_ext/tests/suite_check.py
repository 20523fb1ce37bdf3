"""Runs ERPNext's own tests of one DocType and notes how each ended; on a site with the app also checks the deals.

Started by `make erpnext-tests`, once on a site without the app and once on one with it, in the bench's `sites`
folder:

	python -m crm_ext.tests.suite_check SITE --doctype "Sales Order" --output result.json [--check]

With `--check`, after each test and before its `tearDown` may roll anything back, what the test touched is
derived as it would be by a commit, and all deals, their ledger rows and the links of the documents are compared
with what `derive` makes of the documents alone, without any deal known before. The same is done on what was
committed, when all tests have ended. Differences never change the outcome of a test; they are noted beside it.

ERPNext's tests clear away documents by SQL, which fires no event; only such vouchers are first given to `derive`
as the nightly check finds them, and counted. Everything else must have been kept up by events.
"""

import argparse
import json
import time
import traceback
import unittest
from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path

import frappe
import frappe.test_runner

_SAVEPOINT = "crm_ext_suite_check"
_SHOWN = 40


class Outcomes(unittest.TextTestResult):
	"""How each test ended: {id: {"outcome", "seconds", "detail"}}."""

	def __init__(self, *args, check: Callable[[], list[str]] | None = None, **kwargs):
		super().__init__(*args, **kwargs)
		self.outcomes: dict[str, dict] = {}
		self._check = check
		self._began = time.monotonic()

	def startTest(self, test: unittest.TestCase) -> None:
		super().startTest(test)
		self._began = time.monotonic()
		if self._check:
			self._check_before_tear_down(test)

	def stopTest(self, test: unittest.TestCase) -> None:
		self.outcomes[test.id()]["seconds"] = round(time.monotonic() - self._began, 2)
		super().stopTest(test)

	def _check_before_tear_down(self, test: unittest.TestCase) -> None:
		tear_down = test.tearDown

		def checked() -> None:
			began = time.monotonic()
			differences = self._check()
			if differences:
				self.outcomes.setdefault(test.id(), {})["differences"] = differences
			self._began += time.monotonic() - began  # the test's own seconds, ours aside
			tear_down()

		test.tearDown = checked

	def _note(self, test: unittest.TestCase, outcome: str, detail: str = "") -> None:
		noted = self.outcomes.setdefault(test.id(), {})
		noted["outcome"] = outcome
		noted["detail"] = detail

	def addSuccess(self, test: unittest.TestCase) -> None:
		super().addSuccess(test)
		self._note(test, "passed")

	def addError(self, test: unittest.TestCase, err: tuple) -> None:
		super().addError(test, err)
		self._note(test, "error", self.errors[-1][1])

	def addFailure(self, test: unittest.TestCase, err: tuple) -> None:
		super().addFailure(test, err)
		self._note(test, "failed", self.failures[-1][1])

	def addSkip(self, test: unittest.TestCase, reason: str) -> None:
		super().addSkip(test, reason)
		self._note(test, "skipped", reason)

	def addExpectedFailure(self, test: unittest.TestCase, err: tuple) -> None:
		super().addExpectedFailure(test, err)
		self._note(test, "expected failure")

	def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
		super().addUnexpectedSuccess(test)
		self._note(test, "unexpected success")

	def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: tuple | None) -> None:
		super().addSubTest(test, subtest, err)
		if err:
			self._note(test, "failed", "".join(traceback.format_exception(*err)))


class DealCheck:
	"""Compares the deals kept so far with those rebuilt from the documents; tells each difference once."""

	def __init__(self) -> None:
		self._told: set[str] = set()
		self._logged: set[str] = set()
		self.deals = 0
		self.deleted_by_sql = 0
		self.seconds = 0.0

	def __call__(self) -> list[str]:
		"""New differences and errors in the current transaction, which is left as flushed."""
		from crm_ext.deals import touch

		began = time.monotonic()
		try:
			touch.flush()
			self._derive_deleted()
			found = [*self._log_entries(), *differences()]
			self.deals = max(self.deals, frappe.db.count("Deal"))
		except Exception:
			found = [f"the check itself failed: {traceback.format_exc()}"]
		self.seconds += time.monotonic() - began
		new = [text for text in found if text not in self._told]
		self._told.update(new)
		return new[:_SHOWN] + ([f"and {len(new) - _SHOWN} more"] if len(new) > _SHOWN else [])

	def _derive_deleted(self) -> None:
		from crm_ext.deals import check, derive

		deleted = [ref for ref in set(check.disagreeing()) if not frappe.db.exists(*ref)]
		self.deleted_by_sql += len(deleted)
		derive.derive(sorted(deleted))

	def _log_entries(self) -> list[str]:
		entries = frappe.get_all(
			"Error Log", filters={"method": ("like", "CRM Ext%")}, fields=["name", "method", "error"]
		)
		new = [entry for entry in entries if entry.name not in self._logged]
		self._logged.update(entry.name for entry in new)
		return [f"{entry.method}: {entry.error}" for entry in new]


def differences() -> list[str]:
	"""What the deals kept so far and the rebuilt ones do not have in common, a line each."""
	kept, found = _read_state()
	frappe.db.savepoint(_SAVEPOINT)
	try:
		_rebuild()
		rebuilt, doubled = _read_state()
	finally:
		frappe.db.rollback(save_point=_SAVEPOINT)
	found += [f"rebuilt: {text}" for text in doubled]
	for key in sorted({*kept, *rebuilt}, key=str):
		old, new = kept.get(key), rebuilt.get(key)
		if old is None or new is None:
			found.append(f"{key}: only {'rebuilt' if old is None else 'kept'}: {new or old}")
			continue
		changed = {field for field in new if not _same(old[field], new[field])}
		found += [f"{key} {field}: kept {old[field]!r}, rebuilt {new[field]!r}" for field in sorted(changed)]
	return found


def _read_state() -> tuple[dict[tuple, dict], list[str]]:
	"""Deals by root, ledger rows by root, stage and voucher, links by document; and what is doubled or orphaned.

	Names of deals are left out: a rebuilt deal has a new number.
	"""
	from crm_ext.constants.custom_fields import DEAL_LINK_AFTER
	from crm_ext.deals import stored

	state: dict[tuple, dict] = {}
	wrong: list[str] = []
	roots: dict[str, str] = {}
	for row in frappe.db.sql(
		f"SELECT name, root_type, root_name, {', '.join(stored.DERIVED)} FROM `tabDeal`", as_dict=True
	):
		name, root = row.pop("name"), f"{row.pop('root_type')} {row.pop('root_name')}"
		roots[name] = root
		if ("Deal", root) in state:
			wrong.append(f"two deals have the root {root}")
		state[("Deal", root)] = row
	for row in frappe.db.sql(
		"SELECT deal, stage, voucher_type, voucher_no, posting_date, amount, currency, voucher_currency,"
		" voucher_amount, is_cancelled FROM `tabDeal Ledger Entry`",
		as_dict=True,
	):
		deal = row.pop("deal")
		if deal not in roots:
			wrong.append(f"a ledger row of {row.voucher_type} {row.voucher_no} has no deal: {deal}")
			continue
		key = ("Ledger", roots[deal], row.pop("stage"), row.pop("voucher_type"), row.pop("voucher_no"))
		if key in state:
			wrong.append(f"doubled: {key}")
		state[key] = row
	for doctype in DEAL_LINK_AFTER:
		for name, deal in frappe.db.sql(f"SELECT name, deal FROM `tab{doctype}` WHERE deal != ''"):
			state[("Link", doctype, name)] = {"deal": roots.get(deal) or f"missing deal {deal}"}
	return state, wrong


def _rebuild() -> None:
	"""Derive everything with no deal known before, in the current transaction.

	ERPNext's tests choose no deal by hand, so every link on a document is one that deriving wrote.
	"""
	from crm_ext.constants.custom_fields import DEAL_LINK_AFTER
	from crm_ext.deals.backfill import ORDER
	from crm_ext.deals.chunks import in_chunks
	from crm_ext.deals.derive import derive
	from crm_ext.deals.model import SUBMITTABLE

	for doctype in ("Deal", "Deal Ledger Entry", "Deal Stage Change"):
		frappe.db.sql(f"DELETE FROM `tab{doctype}`")
	for doctype in DEAL_LINK_AFTER:
		frappe.db.sql(f"UPDATE `tab{doctype}` SET deal = NULL WHERE deal != ''")
	for doctype in ORDER:
		submitted = " WHERE docstatus > 0" if doctype in SUBMITTABLE else ""
		names = frappe.db.sql_list(f"SELECT name FROM `tab{doctype}`{submitted} ORDER BY name")
		for chunk in in_chunks(names):
			derive((doctype, name) for name in chunk)


def _same(old, new) -> bool:
	if isinstance(old, float) or isinstance(new, float):
		return abs((old or 0.0) - (new or 0.0)) < 0.00005
	return (old or None) == (new or None)


def run(site: str, doctype: str, check: bool, tests: Iterable[str] = ()) -> dict:
	"""Run the tests of one DocType as `bench run-tests` does.

	Returns {"tests": outcomes by id, "differences": on what was committed, "deals": the most there were at once,
	"deleted_by_sql": vouchers, "seconds", "check_seconds"}.
	"""
	deal_check = DealCheck() if check else None
	results: list[Outcomes] = []

	def make_result(*args, **kwargs) -> Outcomes:
		results.append(Outcomes(*args, check=deal_check, **kwargs))
		return results[-1]

	frappe.test_runner.TimeLoggingTestResult = make_result
	frappe.test_runner.get_dependencies = _only_existing(frappe.test_runner.get_dependencies)
	began = time.monotonic()
	frappe.test_runner.main(site=site, doctype=doctype, tests=tuple(tests))
	found = deal_check() if deal_check else []
	frappe.db.rollback()
	return {
		"tests": results[0].outcomes,
		"differences": found,
		"deals": deal_check.deals if deal_check else 0,
		"deleted_by_sql": deal_check.deleted_by_sql if deal_check else 0,
		"seconds": round(time.monotonic() - began - (deal_check.seconds if deal_check else 0), 1),
		"check_seconds": round(deal_check.seconds if deal_check else 0, 1),
	}


def _only_existing(get_dependencies: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
	"""ERPNext links to DocTypes of the payments app; without that app no test records are made of them."""

	def existing(doctype: str) -> list[str]:
		if not frappe.db.exists("DocType", doctype):
			return []
		return [name for name in get_dependencies(doctype) if frappe.db.exists("DocType", name)]

	return existing


def prepare(site: str) -> None:
	"""What ERPNext does before any test: set-up wizard and defaults. Committed.

	And its exchange rates for tests, which otherwise only some suites make, and others ask the internet for.
	"""
	frappe.init(site)
	frappe.connect()
	frappe.flags.in_test = True
	for hook in frappe.get_hooks("before_tests"):
		frappe.get_attr(hook)()
	frappe.test_runner.make_test_records("Currency Exchange", commit=True)
	frappe.db.commit()


def _plain(value) -> str:
	if isinstance(value, date | datetime):
		return value.isoformat()
	return str(value)


def main() -> None:
	parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
	parser.add_argument("site")
	parser.add_argument("--prepare", action="store_true")
	parser.add_argument("--doctype")
	parser.add_argument("--output", type=Path)
	parser.add_argument("--check", action="store_true")
	parser.add_argument("--test", action="append", default=[], help="only this test method")
	options = parser.parse_args()
	if options.prepare:
		prepare(options.site)
		return
	result = run(options.site, options.doctype, options.check, options.test)
	options.output.write_text(json.dumps(result, default=_plain, indent=1))
	frappe.destroy()


if __name__ == "__main__":
	main()
