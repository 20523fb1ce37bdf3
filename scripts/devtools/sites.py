"""Sites of the bench and what is installed on them."""

from __future__ import annotations

import json
import re
import shutil
from typing import Any

from devtools.bench import bench_env, schema_of, update_config
from devtools.checkout import Snapshot
from devtools.console import Failure, done_with, mark_done, run_logged
from devtools.settings import APP, DEMO_SITE, TEST_SITE, Settings


def make_site(settings: Settings, site: str, **config: Any) -> bool:
	"""A site with ERPNext. One whose making did not finish is dropped and made again."""
	folder = settings.sites / site
	if done_with(settings, f"site-{site}", "made") and folder.exists():
		return update_config(folder / "site_config.json", config)
	if folder.exists() and not done_with(settings, f"site-{site}-begun", "begun"):
		raise Failure(
			f"{folder} exists and was not made by this tool",
			"move it away, or set CRM_EXT_BENCH to another folder",
		)
	mark_done(settings, f"site-{site}-begun", "begun")
	shutil.rmtree(folder, ignore_errors=True)
	# The administrator's login is in common_site_config.json, so it stays out of logs and process lists.
	command = ["new-site", site, "--force", "--admin-password", settings.admin_password]
	command += ["--install-app", "erpnext"]
	if not settings.private_database:
		# The server sees us come from an address we do not know.
		command += ["--mariadb-user-host-login-scope", "%"]
	bench(settings, f"site-{site}", *command, what=f"bench new-site {site}")
	update_config(folder / "site_config.json", config)
	mark_done(settings, f"site-{site}", "made")
	return True


def install_on_site(settings: Settings, site: str, snapshot: Snapshot) -> bool:
	"""Install the app on the site, or migrate the site if what it is made of changed since."""
	step, schema = f"site-{site}-{APP}", schema_of(snapshot)
	if done_with(settings, step, schema):
		return False
	if (settings.dev / "done" / step).exists():
		bench(settings, f"site-{site}", "--site", site, "migrate", what=f"bench migrate of {site}")
	else:
		# --force goes through with a half-done install of an earlier run and is harmless on a clean site.
		force = ["--force"] if done_with(settings, f"{step}-begun", "begun") else []
		mark_done(settings, f"{step}-begun", "begun")
		command = ["--site", site, "install-app", *force, APP]
		bench(settings, f"site-{site}", *command, what=f"bench install-app {APP} on {site}")
		_require_installed(settings, site)
	mark_done(settings, step, schema)
	return True


def _require_installed(settings: Settings, site: str) -> None:
	"""`install-app` ends with exit code 0 when an app refuses to be installed."""
	output = bench(
		settings, f"site-{site}", "--site", site, "list-apps", "--format", "json", what="list-apps"
	)
	shown = re.search(r"^\{.*^\}", output, re.DOTALL | re.MULTILINE)
	if not shown or APP not in json.loads(shown.group()).get(site, []):
		raise Failure(
			f"{APP} is not installed on {site}", "see the log", settings.log_dir / f"site-{site}.log"
		)


def make_demo_site(settings: Settings) -> bool:
	url = f"http://{DEMO_SITE}:{settings.state['web_port']}"
	return make_site(settings, DEMO_SITE, host_name=url)


def make_test_site(settings: Settings) -> bool:
	"""For tests: no job of the scheduler may change what a test looks at."""
	url = f"http://{TEST_SITE}:{settings.state['web_port']}"
	return make_site(settings, TEST_SITE, allow_tests=1, pause_scheduler=1, host_name=url)


def make_demo_data(settings: Settings) -> bool:
	"""The app decides itself whether its demo data is already there."""
	command = ["--site", DEMO_SITE, "execute", "crm_ext.setup.demo.make"]
	bench(settings, "demo", *command, what="making demo data")
	return True


def bench(settings: Settings, log_name: str, *words: str, what: str) -> str:
	return run_logged(
		settings,
		[settings.bench_cli, *words],
		log_name,
		env=bench_env(settings),
		cwd=settings.bench,
		what=what,
	)
