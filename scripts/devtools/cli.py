"""Commands of scripts/dev.py."""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from devtools import bench, checkout, database, machine, servers, sites, suites
from devtools.console import Failure, Step, report_failure, run_steps, say
from devtools.settings import CHECKOUT, DEMO_SITE, TEST_SITE, VARIABLES, Settings, read_settings

COMMANDS = {
	"demo": "make whatever is missing, start everything, print address and login",
	"test": "run the tests with pytest on a site of their own",
	"erpnext-tests": "run ERPNext's own tests with and without the app and compare",
	"sync": "bring the checkout into the bench, migrate the demo site if needed, restart what runs the code",
	"run": "run a command in the bench: dev.py run -- bench --site demo.localhost console",
	"up": "start database and Redis (with --web also the web server) and nothing else",
	"stop": "stop everything that was started for this bench",
	"status": "what runs, and where",
	"variables": "list the variables",
	"clean": "stop everything and remove the bench folder with all its sites",
}


def main(arguments: Sequence[str]) -> int:
	"""Run one command; the return value is the exit code."""
	options = _parse(arguments)
	try:
		settings = read_settings(dict(os.environ))
		_recall(settings)
		_leave_private_python(settings)
		return HANDLERS[options.command](settings, options) or 0
	except Failure as failure:
		report_failure(failure)
		return 1
	except BrokenPipeError:
		# Whoever read our output has gone, as `make help | head` does.
		sys.stdout = None
		return 141
	except OSError as error:
		report_failure(_explain_system(error))
		return 1
	except KeyboardInterrupt:
		print("\nstopped by hand; the same command goes on from here", file=sys.stderr)
		return 130


def _explain_system(error: OSError) -> Failure:
	"""The system refused something outside of a logged command, most often for want of room or rights."""
	if error.errno in (errno.ENOSPC, errno.EDQUOT):
		return Failure(f"the disk is full ({error})", "free some space and run again")
	if isinstance(error, PermissionError):
		return Failure(f"not allowed: {error}", "check who owns the bench folder (CRM_EXT_BENCH)")
	return Failure(str(error), "running the same command again resumes here")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
	lines = [f"  {name:<10} {text}" for name, text in COMMANDS.items()]
	parser = argparse.ArgumentParser(
		prog="dev.py",
		description="Makes, fills, starts, stops and removes a development bench for this app.",
		epilog="\n".join(["commands:", *lines, "", *_variable_lines()]),
		formatter_class=argparse.RawDescriptionHelpFormatter,
	)
	parser.add_argument("command", choices=COMMANDS, metavar="command")
	parser.add_argument("--web", action="store_true", help="up: start the web server too")
	parser.add_argument("words", nargs="*", help="run: the command after --")
	return parser.parse_args(arguments)


def _variable_lines() -> list[str]:
	return ["variables:", *(f"  {name:<18} {text}" for name, text in VARIABLES.items())]


def variables(settings: Settings, options: argparse.Namespace) -> int:
	say("\n".join(_variable_lines()))
	return 0


def _recall(settings: Settings) -> None:
	"""Complete the environment's wishes with what earlier runs chose for this bench."""
	settings.load_state()
	if settings.db_host and "mariadb_port" in settings.state:
		raise Failure(
			"this bench has a database server of its own already",
			"leave DB_HOST out, or set CRM_EXT_BENCH to another folder",
		)
	settings.recall_choices()


def _leave_private_python(settings: Settings) -> None:
	"""Root's own Python may lie where the bench user cannot read it; go on with the system's then."""
	if os.geteuid() != 0 or os.environ.pop("CRM_EXT_REEXEC", ""):
		return
	machine.make_user(settings)
	probe = "import sys; print(sys.version_info >= (3, 10))"
	if machine.run_probe(sys.executable, settings.user, probe):
		return
	if "True" in machine.run_probe("/usr/bin/python3", settings.user, probe):
		os.environ["CRM_EXT_REEXEC"] = "1"
		os.execv("/usr/bin/python3", ["/usr/bin/python3", str(CHECKOUT / "scripts/dev.py"), *sys.argv[1:]])


def _prepare(for_tests: bool) -> list[Step]:
	"""Steps that may need root; the last of them gives it up."""
	return [
		Step("folders and disk space", machine.make_folders),
		Step("system packages", lambda settings: machine.install_packages(settings, for_tests)),
		Step("ordinary user", _enter),
	]


def _enter(settings: Settings) -> bool:
	machine.become_user(settings)
	return False


def _infrastructure() -> list[Step]:
	return [
		Step("frappe-bench and yarn", bench.install_tools),
		Step("database server", database.start_database),
		Step("Redis", servers.start_redis),
		Step("Frappe", bench.install_frappe),
		Step("ERPNext", bench.install_erpnext),
		Step("configuration", servers.configure),
		Step("assets of Frappe and ERPNext", bench.build_upstream_assets),
	]


def _app(snapshot: checkout.Snapshot, for_tests: bool) -> list[Step]:
	return [
		Step("the app's files", lambda settings: bench.copy_app(settings, snapshot, for_tests)),
		Step("assets of the app", lambda settings: bench.build_app_assets(settings, snapshot)),
	]


def demo(settings: Settings, options: argparse.Namespace) -> int:
	snapshot = _read()
	steps = _prepare(for_tests=False)
	run = [
		*_infrastructure(),
		*_app(snapshot, for_tests=False),
		Step("demo site with ERPNext", sites.make_demo_site),
		Step("app on the demo site", lambda settings: sites.install_on_site(settings, DEMO_SITE, snapshot)),
		Step("demo data", sites.make_demo_data),
		Step("running code is the new code", servers.restart_if_changed(snapshot)),
		Step("web server and socketio", servers.start_web),
		Step("worker and scheduler", servers.start_background),
	]
	_run_locked(settings, steps, run)
	say(f"\n  address   http://{DEMO_SITE}:{settings.state['web_port']}")
	say(f"  user      Administrator\n  password  {settings.admin_password}\n")
	say("  `make stop` stops everything, `make demo` starts it again, `make clean` removes it.")
	return 0


def test(settings: Settings, options: argparse.Namespace) -> int:
	snapshot = _read()
	steps = _prepare(for_tests=True)
	run = [
		*_infrastructure(),
		*_app(snapshot, for_tests=True),
		Step("test site with ERPNext", sites.make_test_site),
		Step("app on the test site", lambda settings: sites.install_on_site(settings, TEST_SITE, snapshot)),
		Step("running code is the new code", servers.restart_if_changed(snapshot)),
		Step("web server and socketio", servers.start_web),
	]
	_run_locked(settings, steps, run)
	words = [_inside_app(settings, word) for word in shlex.split(os.environ.get("ARGS", ""))]
	if not any(Path(word.split("::")[0]).exists() for word in words):
		words.append(str(settings.app_dir))
	command = [settings.env_python, "-m", "pytest", f"--rootdir={settings.app_dir}"]
	command += ["-c", settings.app_dir / "pyproject.toml", "-o", f"cache_dir={settings.dev / 'pytest_cache'}"]
	return _call(settings, [*command, *words], settings.sites)


def _inside_app(settings: Settings, word: str) -> str:
	"""Paths in ARGS are those of the checkout; pytest runs on the copy, from another folder."""
	path = settings.app_dir / word.split("::")[0]
	return str(settings.app_dir / word) if not word.startswith("-") and path.exists() else word


def erpnext_tests(settings: Settings, options: argparse.Namespace) -> int:
	chosen = suites.chosen(shlex.split(os.environ.get("ARGS", "")))
	snapshot = _read()
	steps = [
		*_infrastructure(),
		*_app(snapshot, for_tests=True),
		Step("ERPNext before its tests", suites.make_start),
		Step("the same with the app", lambda settings: suites.install_app(settings, snapshot)),
	]
	_run_locked(settings, _prepare(for_tests=False), steps)
	return suites.run(settings, chosen)


def sync(settings: Settings, options: argparse.Namespace) -> int:
	snapshot = _read()
	_require_bench(settings)
	steps = [
		Step("database server", database.start_database),
		Step("Redis", servers.start_redis),
		Step("configuration", servers.configure),
		*_app(snapshot, for_tests=False),
	]
	if (settings.dev / "done" / f"site-{DEMO_SITE}").exists():
		steps.append(
			Step(
				"app on the demo site", lambda settings: sites.install_on_site(settings, DEMO_SITE, snapshot)
			)
		)
	steps.append(Step("running code is the new code", servers.restart_if_changed(snapshot)))
	_run_locked(settings, [], steps)
	return 0


def run(settings: Settings, options: argparse.Namespace) -> int:
	if not options.words:
		raise Failure(
			"no command to run", "for example: scripts/dev.py run -- bench --site demo.localhost migrate"
		)
	_require_bench(settings)
	with _lock(settings):
		_start_stores(settings)
	return _call(settings, options.words, settings.bench)


def up(settings: Settings, options: argparse.Namespace) -> int:
	_require_bench(settings)
	with _lock(settings):
		_start_stores(settings)
		if options.web:
			servers.start_web(settings)
	return 0


def stop(settings: Settings, options: argparse.Namespace) -> int:
	if not settings.marker.exists():
		say(f"there is no bench in {settings.bench}")
		return 0
	_enter(settings)
	stopped = servers.stop_all(settings)
	say("stopped: " + ", ".join(stopped) if stopped else "nothing was running")
	return 0


def status(settings: Settings, options: argparse.Namespace) -> int:
	_require_bench(settings)
	say(f"bench   {settings.bench}")
	for name in servers.ALL:
		say(f"{name:<12} {servers.where(settings, name)}")
	return 0


def clean(settings: Settings, options: argparse.Namespace) -> int:
	"""Remove the bench folder, but only one that this tool made."""
	if not settings.bench.exists():
		say(f"nothing to remove in {settings.bench}")
		return 0
	if not settings.marker.exists():
		raise Failure(
			f"{settings.bench} was not made by this tool and is left alone",
			"remove it by hand if you mean it",
		)
	_enter(settings)
	servers.stop_all(settings)
	if not settings.private_database:
		database.drop_databases(settings)
	# The marker goes last, so that an interrupted removal can be taken up again.
	for entry in sorted(settings.bench.iterdir(), key=lambda path: path == settings.dev):
		shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
	with contextlib.suppress(OSError):
		settings.bench.rmdir()
	say(f"removed {settings.bench}")
	return 0


def _read() -> checkout.Snapshot:
	snapshot = checkout.read_checkout(CHECKOUT)
	if not snapshot.has_app:
		raise Failure(f"{CHECKOUT} holds no app", "run this from a complete checkout")
	return snapshot


def _require_bench(settings: Settings) -> None:
	if not settings.marker.exists():
		raise Failure(f"there is no bench in {settings.bench}", "run `make demo` first")
	_enter(settings)


def _start_stores(settings: Settings) -> None:
	database.start_database(settings)
	servers.start_redis(settings)
	servers.configure(settings)


def _run_locked(settings: Settings, prepare: list[Step], steps: list[Step]) -> None:
	"""All steps as one numbered list; what works on the bench folder is done by one process at a time."""
	lock = contextlib.ExitStack()

	def take_lock(settings: Settings) -> bool:
		lock.enter_context(_lock(settings))
		return False

	with lock:
		if prepare:
			prepare[-1] = _followed_by(prepare[-1], take_lock)
		else:
			take_lock(settings)
		run_steps(settings, [*prepare, *steps])


def _followed_by(step: Step, more) -> Step:
	def both(settings: Settings) -> bool | None:
		worked = step.run(settings)
		more(settings)
		return worked

	return Step(step.title, both)


@contextlib.contextmanager
def _lock(settings: Settings) -> Iterator[None]:
	with open(settings.dev / "lock", "w") as handle:
		try:
			fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
		except BlockingIOError:
			say("        waiting for another command on this bench to finish")
			fcntl.flock(handle, fcntl.LOCK_EX)
		settings.load_state()
		if "admin_password" not in settings.state:
			settings.remember(admin_password=settings.admin_password)
		settings.lock_descriptors = (handle.fileno(),)
		try:
			yield
		finally:
			settings.lock_descriptors = ()


def _call(settings: Settings, words: Sequence[str | Path], folder: Path) -> int:
	"""Run a command with our own input and output, in the bench's environment."""
	env = bench.bench_env(settings)
	try:
		program = shutil.which(str(words[0]), path=env["PATH"]) or words[0]
		return subprocess.run([program, *words[1:]], cwd=folder, env=env).returncode
	except FileNotFoundError as error:
		raise Failure(f"{words[0]}: not found") from error


HANDLERS = {
	"demo": demo,
	"test": test,
	"erpnext-tests": erpnext_tests,
	"sync": sync,
	"run": run,
	"up": up,
	"stop": stop,
	"status": status,
	"variables": variables,
	"clean": clean,
}
