"""Background processes that outlive the command that started them, known by a pid file."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from devtools.console import Failure
from devtools.settings import Settings, write_whole

# Below the range from which systems take ports for outgoing connections (32768 on Linux).
PORT_RANGE = range(20000, 32000)


def start(
	settings: Settings,
	name: str,
	command: Sequence[str | Path],
	ready: Callable[[], bool],
	*,
	cwd: Path,
	env: dict[str, str],
	seconds: int = 60,
) -> bool:
	"""Start a process unless it runs, and wait until it is ready. False if it was running already."""
	if is_running(settings, name):
		return False
	settings.run_dir.mkdir(parents=True, exist_ok=True)
	settings.log_dir.mkdir(parents=True, exist_ok=True)
	log = settings.log_dir / f"{name}.log"
	with open(log, "ab") as handle:
		handle.write(f"\n--- {time.strftime('%F %T')} start\n".encode())
		handle.flush()
		process = subprocess.Popen(
			[str(word) for word in command],
			stdin=subprocess.DEVNULL,
			stdout=handle,
			stderr=subprocess.STDOUT,
			cwd=cwd,
			env=env,
			start_new_session=True,
		)
	write_whole(_pid_file(settings, name), json.dumps({"pid": process.pid, "started": _started(process.pid)}))
	deadline = time.monotonic() + seconds
	while time.monotonic() < deadline:
		if process.poll() is not None:
			_pid_file(settings, name).unlink(missing_ok=True)
			raise Failure(f"{name} did not start (exit code {process.returncode})", "see the log", log)
		if ready():
			return True
		time.sleep(0.1)
	stop(settings, name)
	raise Failure(f"{name} did not get ready within {seconds} s", "see the log; run again", log)


def stop(settings: Settings, name: str, seconds: int = 30) -> bool:
	"""End the process and those it started; False if it was not running."""
	pid = _pid(settings, name)
	if pid is None:
		_pid_file(settings, name).unlink(missing_ok=True)
		return False
	_signal(pid, signal.SIGTERM)
	deadline = time.monotonic() + seconds
	while time.monotonic() < deadline and _pid(settings, name) is not None:
		_reap(pid)
		time.sleep(0.05)
	if _pid(settings, name) is not None:
		_signal(pid, signal.SIGKILL)
		_reap(pid)
	_pid_file(settings, name).unlink(missing_ok=True)
	return True


def is_running(settings: Settings, name: str) -> bool:
	return _pid(settings, name) is not None


def _pid_file(settings: Settings, name: str) -> Path:
	return settings.run_dir / f"{name}.pid"


def _pid(settings: Settings, name: str) -> int | None:
	"""The process's id if it lives and is the one we started, not a later one with the same number."""
	try:
		entry = json.loads(_pid_file(settings, name).read_text())
	except (FileNotFoundError, json.JSONDecodeError):
		return None
	started = _started(entry["pid"])
	return entry["pid"] if started and started == entry["started"] else None


def _started(pid: int) -> str:
	"""When the process was started, as the system tells it; empty if it does not live."""
	try:
		after_name = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
		return "" if after_name[0] in "ZX" else after_name[19]
	except FileNotFoundError:
		if Path("/proc/self").exists():
			return ""
	shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True).stdout
	return shown.strip()


def _signal(pid: int, number: int) -> None:
	try:
		os.killpg(pid, number)
	except ProcessLookupError:
		pass


def _reap(pid: int) -> None:
	try:
		os.waitpid(pid, os.WNOHANG)
	except ChildProcessError:
		pass


def answers(port: int, host: str = "127.0.0.1") -> bool:
	with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
		probe.settimeout(1)
		return probe.connect_ex((host, port)) == 0


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
	with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
		probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		try:
			probe.bind((host, port))
		except OSError:
			return False
	return not answers(port)


def choose_port(settings: Settings, name: str, fixed: int = 0, host: str = "127.0.0.1") -> int:
	"""A free port for a process that is not running: the fixed one, the one used before, or another."""
	if fixed:
		if not port_is_free(fixed, host):
			raise Failure(
				f"port {fixed} for {name} is taken",
				f"stop what uses it, set {name.upper()}_PORT to a free port, or leave it out to have one chosen",
			)
		settings.remember(**{f"{name}_port": fixed})
		return fixed
	before = settings.state.get(f"{name}_port", 0)
	if before and port_is_free(before, host):
		return before
	taken = {value for key, value in settings.state.items() if key.endswith("_port")}
	for port in random.sample(PORT_RANGE, 200):
		if port not in taken and port_is_free(port, host):
			settings.remember(**{f"{name}_port": port})
			return port
	raise Failure(f"no free port found for {name}", f"set {name.upper()}_PORT")
