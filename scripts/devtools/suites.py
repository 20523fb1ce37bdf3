"""ERPNext's own tests with and without the app: same start, same order, results compared test by test.

Two sites are made from one dump of a site with ERPNext, and the app is installed on one of them. Each DocType's
tests run in processes of their own, on both sites at the same time. `crm_ext/tests/suite_check.py` is what runs
there; on the site with the app it also compares the deals kept with the deals rebuilt.

The sites are restored before each group of suites: what one suite leaves behind makes tests of some others fail,
while others again need the records of an earlier one.
"""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from devtools import sites
from devtools.bench import bench_env, update_config
from devtools.checkout import Snapshot
from devtools.console import Failure, done_with, mark_done, run_logged, say, unmark
from devtools.database import root_login
from devtools.settings import APP, Settings

WITHOUT = "suites-without.localhost"
WITH = "suites-with.localhost"
CONFIG = {"allow_tests": 1, "pause_scheduler": 1}
GROUPS = (
	("Lead", "Opportunity", "Prospect", "Quotation"),
	("Payment Entry", "Journal Entry", "Unreconcile Payment", "Payment Reconciliation"),
	("Sales Order", "Delivery Note"),
	("Sales Invoice",),
	("Customer", "Contract", "Issue", "Communication", "Event"),
)
SUITES = tuple(suite for group in GROUPS for suite in group)
_COUNTED = ("passed", "failed", "error", "skipped")


def chosen(words: list[str]) -> list[str]:
	"""The suites to run: all, or those named."""
	unknown = [word for word in words if word not in SUITES]
	if unknown:
		raise Failure(f"no such suite: {', '.join(unknown)}", f"choose from: {', '.join(SUITES)}")
	return [suite for suite in SUITES if suite in words] if words else list(SUITES)


def make_start(settings: Settings) -> bool:
	"""A dump of a site with ERPNext as it is before the first test. Made once for each version of ERPNext."""
	reason = " ".join((settings.dev / "done" / app).read_text() for app in ("assets", "erpnext"))
	if done_with(settings, "suites-start", reason) and _dump(settings, WITHOUT).exists():
		return False
	unmark(settings, f"site-{WITHOUT}")
	sites.make_site(settings, WITHOUT, **CONFIG)
	_runner(settings, WITHOUT, [WITHOUT, "--prepare"], "ERPNext's preparation for tests")
	_save(settings, WITHOUT)
	mark_done(settings, "suites-start", reason)
	return True


def install_app(settings: Settings, snapshot: Snapshot) -> None:
	"""The same start with the app installed on it, dumped too."""
	_restore(settings, WITH, _dump(settings, WITHOUT))
	unmark(settings, f"site-{WITH}-{APP}")
	sites.install_on_site(settings, WITH, snapshot)
	_save(settings, WITH)


def _dump(settings: Settings, site: str) -> Path:
	return settings.dev / "suites" / f"{site}.sql.gz"


def _save(settings: Settings, site: str) -> None:
	dump = _dump(settings, site)
	dump.parent.mkdir(parents=True, exist_ok=True)
	command = ["--site", site, "backup", "--backup-path-db", str(dump)]
	sites.bench(settings, "suites", *command, what=f"dumping {site}")


def _restore(settings: Settings, site: str, dump: Path) -> None:
	# The folder too: Frappe notes in it which test records the site has.
	shutil.rmtree(settings.sites / site, ignore_errors=True)
	_host, _port, user, password = root_login(settings)
	command = ["new-site", site, "--force", "--admin-password", settings.admin_password]
	command += ["--db-root-username", user, "--db-root-password", password, "--source-sql", str(dump)]
	if not settings.private_database:
		command += ["--mariadb-user-host-login-scope", "%"]
	sites.bench(settings, "suites", *command, what=f"restoring {site}")
	update_config(settings.sites / site / "site_config.json", CONFIG)


def run(settings: Settings, suites: list[str]) -> int:
	"""Run the suites on both sites and compare. Exit code 0 if nothing differs."""
	say(f"\n{'suite':<24}{'tests':>6}{'without the app':>18}{'with it':>14}{'differ':>8}"
		f"{'deals':>7}{'not rebuilt':>13}{'seconds':>18}")  # fmt: skip
	told: list[str] = []
	group: tuple[str, ...] = ()
	for suite in suites:
		if suite not in group:
			group = next(group for group in GROUPS if suite in group)
			for site in (WITHOUT, WITH):
				_restore(settings, site, _dump(settings, site))
		without, with_app = _run_both(settings, suite)
		differing, flaky = _differing(settings, suite, without["tests"], with_app["tests"])
		deals = _deal_differences(with_app)
		seconds = f"{without['seconds']:.0f}/{with_app['seconds']:.0f} +{with_app['check_seconds']:.0f}"
		say(
			f"{suite:<24}{len(without['tests']):>6}{_counts(without):>18}{_counts(with_app):>14}"
			f"{len(differing):>8}{with_app['deals']:>7}{len(deals):>13}{seconds:>18}"
		)
		told += [f"{suite}: {line}" for line in (*differing, *deals)]
		for line in flaky:
			say(f"    differed, and did not when run again alone: {line}")
	say("\ncounts: passed/failed/errors/skipped; seconds: without/with +the check of deals")
	say(f"outcome, traceback and seconds of every test: {settings.dev / 'suites'}")
	if not told:
		say("\nno difference")
		return 0
	say("\ndifferences:")
	for line in told:
		say(f"  {line}")
	return 1


def _run_both(settings: Settings, suite: str, test: str = "") -> list[dict]:
	"""Results without and with the app, of the whole suite or of one test method."""
	with ThreadPoolExecutor() as pool:
		return list(pool.map(lambda site: _run_suite(settings, site, suite, test), (WITHOUT, WITH)))


def _run_suite(settings: Settings, site: str, suite: str, test: str) -> dict:
	output = settings.dev / "suites" / site / f"{suite}{test and '.'}{test}.json".replace(" ", "_")
	output.parent.mkdir(parents=True, exist_ok=True)
	output.unlink(missing_ok=True)
	words = [site, "--doctype", suite, "--output", str(output)]
	words += ["--check"] if site == WITH else []
	words += ["--test", test] if test else []
	_runner(settings, site, words, f"tests of {suite} on {site}")
	return json.loads(output.read_text())


def _runner(settings: Settings, log: str, words: list[str], what: str) -> None:
	command = [settings.env_python, "-m", f"{APP}.tests.suite_check", *words]
	env = bench_env(settings)
	run_logged(settings, command, f"suites-{log}", env=env, cwd=settings.sites, what=what)


def _differing(
	settings: Settings, suite: str, without: dict[str, dict], with_app: dict[str, dict]
) -> tuple[list[str], list[str]]:
	"""Tests that end otherwise with the app, and those that did so only once: a line each.

	Each of them is run once more, alone, on both sites: some of ERPNext's tests hang on the second they run in.
	"""
	differing, flaky = [], []
	for test in sorted({*without, *with_app}):
		ended = _ended(without, test), _ended(with_app, test)
		if ended[0] == ended[1]:
			continue
		line = f"{test}: {ended[0]} without, {ended[1]} with the app"
		method = test.rpartition(".")[2]
		again = [_ended(_run_suite(settings, site, suite, method)["tests"], test) for site in (WITHOUT, WITH)]
		if again[0] == again[1] != "not run":
			flaky.append(f"{line}; again: {again[0]}")
		else:
			differing.append(f"{line}; again: {again[0]} without, {again[1]} with\n{_detail(with_app, test)}")
	return differing, flaky


def _ended(tests: dict[str, dict], test: str) -> str:
	return tests.get(test, {}).get("outcome", "not run")


def _detail(tests: dict[str, dict], test: str) -> str:
	lines = tests.get(test, {}).get("detail", "").rstrip().splitlines()[-12:]
	return "\n".join(f"      | {line}" for line in lines)


def _deal_differences(result: dict) -> list[str]:
	"""Where the deals kept are not those rebuilt: after which test, and what."""
	found = [
		f"after {test}: {line}"
		for test, noted in result["tests"].items()
		for line in noted.get("differences", [])
	]
	return found + [f"at the end, committed: {line}" for line in result["differences"]]


def _counts(result: dict) -> str:
	outcomes = [noted.get("outcome") for noted in result["tests"].values()]
	return "/".join(str(outcomes.count(name)) for name in _COUNTED)
