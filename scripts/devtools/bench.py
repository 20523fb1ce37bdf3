"""frappe-bench, Frappe, ERPNext, the app's copy and the assets inside the bench folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from devtools import diagnose
from devtools.checkout import Snapshot, write_copy
from devtools.console import Failure, done_with, last_lines, mark_done, run_logged
from devtools.database import root_login
from devtools.machine import find_python
from devtools.settings import APP, TEST_SITE, UPSTREAM, Settings, write_whole

FRAPPE_BENCH = "frappe-bench>=5.25,<6"
YARN = "yarn@1.22.22"
# What makes an installed site differ from the app's files until it is migrated.
SCHEMA_PREFIXES = ("crm_ext/hooks.py", "crm_ext/constants/", "crm_ext/setup/", "crm_ext/patches")
SCHEMA_SUFFIXES = (".json", ".txt", ".csv")
ASSET_PREFIXES = ("crm_ext/public/", "crm_ext/locale/")


def bench_env(settings: Settings) -> dict[str, str]:
	"""Environment for everything that runs in the bench, tests included."""
	env = dict(os.environ)
	own = [
		settings.tools / "bench/bin",
		settings.tools / "yarn/node_modules/.bin",
		settings.bench / "env/bin",
	]
	env["PATH"] = ":".join([str(path) for path in own] + [env["PATH"]])
	first = int(env.get("GIT_CONFIG_COUNT", "0"))
	for number, (address, stand_in) in enumerate(settings.rewrites.items(), first):
		env[f"GIT_CONFIG_KEY_{number}"] = f"url.{stand_in}.insteadOf"
		env[f"GIT_CONFIG_VALUE_{number}"] = address
		env["GIT_CONFIG_COUNT"] = str(number + 1)
	env["GIT_TERMINAL_PROMPT"] = "0"
	env["CRM_EXT_BENCH"] = str(settings.bench)
	env["CRM_EXT_TEST_SITE"] = TEST_SITE
	env["CRM_EXT_ADMIN_PASSWORD"] = settings.admin_password
	env["CRM_EXT_CHROMIUM"] = settings.chromium
	if "db_root_password" in settings.state or not settings.private_database:
		_host, _port, user, password = root_login(settings)
		env["CRM_EXT_DB_ROOT_USER"] = user
		env["CRM_EXT_DB_ROOT_PASSWORD"] = password
	if "web_port" in settings.state:
		env["CRM_EXT_WEB_PORT"] = str(settings.state["web_port"])
	return env


def install_tools(settings: Settings) -> bool:
	"""frappe-bench in a virtual environment of its own, and the old yarn that Frappe 15 is built with."""
	python = find_python(settings)
	reason = f"{FRAPPE_BENCH} {YARN} {python}"
	if done_with(settings, "tools", reason):
		return False
	shutil.rmtree(settings.tools, ignore_errors=True)
	target = settings.tools / "bench"
	run_logged(settings, [python, "-m", "venv", target], "tools", what="making a virtual environment")
	pip = [target / "bin/python", "-m", "pip", "install", "--disable-pip-version-check"]
	run_logged(settings, [*pip, FRAPPE_BENCH], "tools", what="installing frappe-bench")
	yarn = ["npm", "install", "--no-audit", "--no-fund", "--prefix", settings.tools / "yarn", YARN]
	run_logged(settings, yarn, "tools", what="installing yarn")
	mark_done(settings, "tools", reason)
	return True


def install_frappe(settings: Settings) -> bool:
	"""`bench init`. A folder in which it did not finish is emptied and made again."""
	# The branch decides, not the address: a mirror named at the first run need not be named again.
	before = settings.dev / "done" / "frappe"
	if before.exists() and settings.env_python.exists():
		made_from = before.read_text().split()[-1]
		if made_from == settings.branch:
			return False
		raise Failure(
			f"this bench was made from {made_from}, asked for is {settings.branch}",
			"set CRM_EXT_BENCH to another folder, or run `make clean` first",
		)
	check_repository(settings, "frappe")
	for name in ("apps", "env", "config", "sites", "logs"):
		shutil.rmtree(settings.bench / name, ignore_errors=True)
	command = [settings.bench_cli, "init", "--ignore-exist", "--skip-redis-config-generation", "--no-backups"]
	command += ["--no-procfile", "--skip-assets", "--python", find_python(settings)]
	command += ["--frappe-path", UPSTREAM + "frappe", "--frappe-branch", settings.branch, settings.bench]
	run_logged(settings, command, "frappe", env=bench_env(settings), cwd=settings.bench, what="bench init")
	_require_app(settings, "frappe", "bench init")
	mark_done(settings, "frappe", settings.branch)
	return True


def install_erpnext(settings: Settings) -> bool:
	"""`bench get-app erpnext`, from nothing if it did not finish before."""
	if (settings.dev / "done" / "erpnext").exists():
		return False
	check_repository(settings, "erpnext")
	shutil.rmtree(settings.bench / "apps/erpnext", ignore_errors=True)
	_set_apps(settings, [name for name in _apps(settings) if name != "erpnext"])
	command = [
		settings.bench_cli,
		"get-app",
		"--skip-assets",
		"--branch",
		settings.branch,
		UPSTREAM + "erpnext",
	]
	run_logged(
		settings,
		command,
		"erpnext",
		env=bench_env(settings),
		cwd=settings.bench,
		what="bench get-app erpnext",
	)
	_require_app(settings, "erpnext", "bench get-app erpnext")
	_set_apps(settings, [*_apps(settings), "erpnext"])
	mark_done(settings, "erpnext", settings.branch)
	return True


def check_repository(settings: Settings, app: str) -> None:
	"""Ask the repository for the branch before anything is removed or downloaded."""
	variable = f"{app.upper()}_REPO"
	result = subprocess.run(
		["git", "ls-remote", "--exit-code", "--heads", UPSTREAM + app, settings.branch],
		capture_output=True,
		text=True,
		env=bench_env(settings),
		cwd="/",
	)
	if result.returncode == 2:
		raise Failure(
			f"{settings.address(app)} has no branch {settings.branch}", f"set FRAPPE_BRANCH or {variable}"
		)
	if result.returncode:
		cause = (result.stderr.strip().splitlines() or ["no answer"])[0]
		raise Failure(
			f"no reach to {settings.address(app)} ({cause})",
			f"check the network, or set {variable} to a mirror (FRAPPE_MIRROR for all of {UPSTREAM})",
		)


def _require_app(settings: Settings, app: str, command: str) -> None:
	"""frappe-bench ends some failures with exit code 0, so look at what it should have made."""
	python = str(settings.env_python)
	made = settings.env_python.exists() and (settings.bench / "apps" / app).exists()
	if not made or subprocess.run([python, "-c", f"import {app}"], cwd="/", capture_output=True).returncode:
		log = settings.log_dir / f"{app}.log"
		cause, todo = diagnose.explain("\n".join(last_lines(log, 200)), settings)
		raise Failure(f"{command} failed: {cause or f'{app} cannot be imported'}", todo, log)


def build_upstream_assets(settings: Settings) -> bool:
	"""JavaScript and styles of Frappe and ERPNext; without them the desk stays white."""
	heads = [_head(settings.bench / "apps" / app) for app in ("frappe", "erpnext")]
	reason = " ".join(heads)
	if done_with(settings, "assets", reason):
		return False
	command = [settings.bench_cli, "build", "--apps", "frappe,erpnext"]
	run_logged(settings, command, "assets", env=bench_env(settings), cwd=settings.bench, what="bench build")
	if not (settings.sites / "assets/assets.json").exists():
		raise Failure("bench build made no assets", "see the log", settings.log_dir / "assets.log")
	mark_done(settings, "assets", reason)
	return True


def _head(app: Path) -> str:
	shown = subprocess.run(["git", "rev-parse", "HEAD"], cwd=app, capture_output=True, text=True)
	return shown.stdout.strip()


def copy_app(settings: Settings, snapshot: Snapshot, for_tests: bool) -> bool:
	"""Bring the checkout's files into the bench and make them importable."""
	changed = write_copy(snapshot, settings.app_dir)
	extra = "[test]" if for_tests else ""
	metadata = snapshot.fingerprint("pyproject.toml", "setup.py", "crm_ext/__init__.py", "README.md")
	# Installing with the extra serves the demo too, so the demo never takes it away again.
	if not (done_with(settings, "pip", metadata + "[test]") or done_with(settings, "pip", metadata + extra)):
		command = [settings.tools / "bench/bin/uv", "pip", "install", "--python", settings.env_python]
		command += ["-e", f"{settings.app_dir}{extra}"]
		env = bench_env(settings)
		run_logged(settings, command, "pip", env=env, cwd=settings.bench, what=f"installing {APP}{extra}")
		mark_done(settings, "pip", metadata + extra)
		changed += 1
	if APP not in _apps(settings):
		_set_apps(settings, [*_apps(settings), APP])
	return bool(changed)


def build_app_assets(settings: Settings, snapshot: Snapshot) -> bool:
	"""Bundles, translations and the link under which the web server finds the app's public files."""
	reason = snapshot.fingerprint(*ASSET_PREFIXES)
	if done_with(settings, "app-assets", reason):
		return False
	command = [settings.bench_cli, "build", "--app", APP]
	run_logged(settings, command, "assets", env=bench_env(settings), cwd=settings.bench, what="bench build")
	mark_done(settings, "app-assets", reason)
	return True


def schema_of(snapshot: Snapshot) -> str:
	return snapshot.fingerprint(*SCHEMA_PREFIXES, suffixes=SCHEMA_SUFFIXES)


def _apps(settings: Settings) -> list[str]:
	try:
		return [
			line.strip() for line in (settings.sites / "apps.txt").read_text().splitlines() if line.strip()
		]
	except FileNotFoundError:
		return []


def _set_apps(settings: Settings, apps: list[str]) -> None:
	write_whole(settings.sites / "apps.txt", "\n".join(dict.fromkeys(apps)) + "\n")


def update_config(path: Path, values: dict[str, Any]) -> bool:
	"""Merge values into a JSON configuration file; False if it had them all."""
	try:
		config = json.loads(path.read_text())
	except FileNotFoundError:
		config = {}
	if all(config.get(key) == value for key, value in values.items()):
		return False
	config.update(values)
	write_whole(path, json.dumps(config, indent=1, sort_keys=True))
	return True
