"""What the machine must have: Debian packages, an ordinary user, Python, Node, disk space."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devtools.console import Failure, run_logged, say
from devtools.settings import Settings

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PYTHONS = ("/usr/bin/python3", "python3", "python3.13", "python3.12", "python3.11", "python3.10")
OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 13)
OLDEST_NODE = 18
# Variables that lead back to the caller's environment or, in a git hook, to the caller's repository.
CALLERS_OWN = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"}

# A new bench with one site takes about 4 GB; the rest is room for a second site and for logs.
NEW_BENCH_BYTES = 6 * 10**9
USED_BENCH_BYTES = 10**9


@dataclass(frozen=True)
class Need:
	"""A program and the Debian packages that may bring it; the first one on offer is taken."""

	program: str
	packages: tuple[str, ...]
	what: str
	optional: bool = False


# The core package brings the server without a system service; Ubuntu 22.04 names it by version.
MARIADB_SERVER = ("mariadb-server-core", "mariadb-server-core-10.6", "mariadb-server")
NEEDS = (
	Need("git", ("git",), "git"),
	Need("gcc", ("build-essential",), "a C compiler"),
	Need("mariadbd", MARIADB_SERVER, "MariaDB 10.6 or newer"),
	Need("mariadb-install-db", MARIADB_SERVER, "MariaDB"),
	Need("mariadb", ("mariadb-client",), "the MariaDB client"),
	Need("mariadb-dump", ("mariadb-client",), "the MariaDB client"),
	Need("redis-server", ("redis-server",), "Redis 6 or newer"),
	Need("node", ("nodejs",), "Node.js 18 or newer"),
	Need("npm", ("npm",), "npm"),
	Need("wkhtmltopdf", ("wkhtmltopdf",), "wkhtmltopdf (for PDF files)", optional=True),
)
TEST_NEEDS = (Need("chromium", ("chromium", "chromium-browser"), "Chromium (for the browser tests)"),)
NOT_NEEDED_WITH_OWN_SERVER = ("mariadbd", "mariadb-install-db")


def make_user(settings: Settings) -> bool:
	"""The ordinary user the bench runs as when root calls; MariaDB and bench refuse to run as root."""
	if os.geteuid() != 0:
		return False
	try:
		pwd.getpwnam(settings.user)
		return False
	except KeyError:
		pass
	try:
		subprocess.run(
			["useradd", "--create-home", "--shell", "/bin/bash", settings.user],
			check=True,
			capture_output=True,
			text=True,
		)
	except (OSError, subprocess.CalledProcessError) as error:
		detail = getattr(error, "stderr", "") or str(error)
		raise Failure(
			f"cannot create the user {settings.user}: {detail.strip()}",
			"create an ordinary user and name it in CRM_EXT_USER",
		) from error
	return True


def install_packages(settings: Settings, for_tests: bool) -> bool:
	"""Install what is missing with apt where that is allowed; elsewhere say what to install, and stop."""
	needs = list(NEEDS) + (list(TEST_NEEDS) if for_tests and not settings.chromium else [])
	if not settings.private_database:
		needs = [need for need in needs if need.program not in NOT_NEEDED_WITH_OWN_SERVER]
	missing = [need for need in needs if not _present(need.program)]
	asked_before = settings.dev / "done" / "optional-packages"
	if asked_before.exists():
		# An optional package that could not be installed once is not tried at every run.
		missing = [need for need in missing if not need.optional]
	no_python = not find_python(settings)
	if not missing and not no_python:
		return False
	prefix = _apt_prefix()
	if prefix is None:
		required = [need for need in missing if not need.optional]
		if required or no_python:
			_refuse(required, no_python)
		return False
	_apt_install(prefix, missing, no_python, settings)
	asked_before.touch()
	still = [need for need in needs if not need.optional and not _present(need.program)]
	if still or not find_python(settings):
		_refuse(still, not find_python(settings))
	return True


def _present(program: str) -> bool:
	if program == "node":
		return node_version() >= OLDEST_NODE
	return bool(shutil.which(program) or shutil.which(program, path=SYSTEM_PATH))


def node_version() -> int:
	"""Major version of the Node the bench user will run; 0 without one."""
	try:
		text = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
		return int(text.lstrip("v").split(".")[0])
	except (OSError, ValueError, subprocess.CalledProcessError):
		return 0


def _refuse(needs: Sequence[Need], no_python: bool) -> None:
	wanted = [need.what for need in needs]
	packages = [need.packages[0] for need in needs]
	if no_python:
		wanted.append("Python 3.10 to 3.13 with venv")
		packages += ["python3-venv", "python3-dev"]
	raise Failure(
		"missing on this machine: " + ", ".join(dict.fromkeys(wanted)),
		f"install them (Debian/Ubuntu: sudo apt-get install {' '.join(dict.fromkeys(packages))}), run again",
	)


def _apt_prefix() -> list[str] | None:
	"""Words before `apt-get` if it may be used without asking anybody anything, else None."""
	if not shutil.which("apt-get", path=SYSTEM_PATH):
		return None
	if os.geteuid() == 0:
		return []
	if shutil.which("sudo"):
		if subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
			return ["sudo", "-n"]
	return None


def _apt_install(prefix: list[str], missing: Sequence[Need], no_python: bool, settings: Settings) -> None:
	apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", f"PATH={SYSTEM_PATH}", "apt-get"]
	run_logged(settings, [*apt, "update"], "packages", what="apt-get update")
	packages = ["python3-venv", "python3-dev"] if no_python else []
	optional = []
	for need in missing:
		offered = next((name for name in need.packages if _offered(name)), None)
		if offered and need.optional:
			optional.append(offered)
		elif not need.optional:
			packages.append(offered or need.packages[0])
	quiet = ["install", "--yes", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"]
	if packages:
		packages = list(dict.fromkeys(packages))
		say("        apt-get install " + " ".join(packages))
		run_logged(settings, [*apt, *quiet, *packages], "packages", what="apt-get install")
	for package in optional:
		try:
			run_logged(settings, [*apt, *quiet, package], "packages", what=f"apt-get install {package}")
		except Failure:
			say(f"        {package} cannot be installed; going on without it")


def _offered(package: str) -> bool:
	shown = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True).stdout
	return "Candidate:" in shown and "Candidate: (none)" not in shown


def find_python(settings: Settings) -> str:
	"""A Python Frappe can run on, with venv, that the bench user may execute; empty without one."""
	asked = (settings.python,) if settings.python else ()
	for name in (*asked, *PYTHONS, sys.executable):
		path = shutil.which(name)
		if path and _usable_python(path, settings.user):
			return path
		if path and name in asked:
			raise Failure(f"CRM_EXT_PYTHON={name} cannot be used", "name a Python 3.10 to 3.13 with venv")
	return ""


def _usable_python(path: str, user: str) -> bool:
	shown = run_probe(path, user, "import sys, venv, ensurepip, ssl; print(*sys.version_info[:2])")
	return bool(shown) and OLDEST_PYTHON <= tuple(int(part) for part in shown.split()) <= NEWEST_PYTHON


def run_probe(python: str, user: str, code: str) -> str:
	"""What the code prints when the bench user runs it with this Python; empty if that does not work."""
	as_user = {}
	if os.geteuid() == 0:
		try:
			entry = pwd.getpwnam(user)
		except KeyError:
			return ""
		as_user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
	try:
		return subprocess.run(
			[python, "-I", "-c", code], capture_output=True, text=True, check=True, cwd="/", **as_user
		).stdout
	except (OSError, subprocess.SubprocessError):
		return ""


def make_folders(settings: Settings) -> bool:
	"""Make the bench folder for the bench user, and refuse folders that are not ours or too small."""
	bench = settings.bench
	is_new = not settings.marker.exists()
	if is_new and bench.exists() and any(bench.iterdir()):
		raise Failure(
			f"{bench} is not empty and was not made by this tool",
			"set CRM_EXT_BENCH to a folder that does not exist yet",
		)
	existing = next(folder for folder in (bench, *bench.parents) if folder.exists())
	needed = NEW_BENCH_BYTES if is_new else USED_BENCH_BYTES
	free = shutil.disk_usage(existing).free
	if free < needed:
		raise Failure(
			f"too little disk at {existing}: {free / 10**9:.1f} GB free, {needed / 10**9:.0f} GB needed",
			"free some space or set CRM_EXT_BENCH to a folder on a larger disk",
		)
	_check_reach(settings, existing)
	owner = pwd.getpwnam(settings.user) if os.geteuid() == 0 else None
	for folder in (bench, settings.dev, settings.log_dir, settings.run_dir, settings.dev / "done"):
		_make_for_user(folder, owner)
	if is_new:
		settings.marker.write_text("made by scripts/dev.py; `make clean` removes the folder around this\n")
	return is_new


def _check_reach(settings: Settings, folder: Path) -> None:
	"""The bench user must be able to enter the folder, and to write there if it makes the rest itself."""
	mode = os.X_OK if os.geteuid() == 0 else os.X_OK | os.W_OK
	probe = f"import os; print(os.access({str(folder)!r}, {mode}))"
	if "False" in run_probe("/usr/bin/python3", settings.user, probe):
		raise Failure(
			f"user {settings.user} cannot use {folder} for the bench",
			"set CRM_EXT_BENCH to a folder below one that every user may enter",
		)


def _make_for_user(folder: Path, owner: pwd.struct_passwd | None) -> None:
	"""Make a folder and the missing ones above it, all of them the owner's if one is given."""
	for part in (*reversed(folder.parents), folder):
		is_new = not part.exists()
		if is_new:
			part.mkdir()
		if owner and (is_new or part == folder):
			os.chown(part, owner.pw_uid, owner.pw_gid)


def become_user(settings: Settings) -> None:
	"""Give up root for good: everything after this line happens as the bench user."""
	if os.geteuid() == 0:
		entry = pwd.getpwnam(settings.user)
		os.chdir("/")
		os.initgroups(settings.user, entry.pw_gid)
		os.setgid(entry.pw_gid)
		os.setuid(entry.pw_uid)
		os.umask(0o022)
	entry = pwd.getpwuid(os.geteuid())
	for name in list(os.environ):
		if name in CALLERS_OWN or name.startswith(("PYENV_", "XDG_")):
			del os.environ[name]
	os.environ.update(HOME=entry.pw_dir, USER=settings.user, LOGNAME=settings.user, SHELL="/bin/bash")
	parts = [part for part in os.environ.get("PATH", "").split(":") if part and os.access(part, os.X_OK)]
	os.environ["PATH"] = ":".join(dict.fromkeys([*parts, *SYSTEM_PATH.split(":")]))
