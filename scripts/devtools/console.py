"""What a person sees: numbered steps with seconds, and one line when something fails."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from devtools import diagnose
from devtools.settings import Settings, write_whole

HEARTBEAT = 30
TAIL_LINES = 25
TAIL_WIDTH = 200


class Failure(Exception):
	"""Something the user has to act on: what failed, what to do, and the log that shows it."""

	def __init__(self, what: str, todo: str = "", log: Path | None = None) -> None:
		super().__init__(what)
		self.what = what
		self.todo = todo
		self.log = log


class Step:
	"""One line of work. `run` returns False when there was nothing to do."""

	def __init__(self, title: str, run: Callable[[Settings], bool | None]) -> None:
		self.title = title
		self.run = run


def say(text: str) -> None:
	print(text, flush=True)


def run_steps(settings: Settings, steps: Sequence[Step]) -> None:
	"""Run the steps in order, telling number, title and seconds of each."""
	started = time.monotonic()
	for number, step in enumerate(steps, 1):
		prefix = f"[{number:>2}/{len(steps)}] {step.title}"
		if sys.stdout.isatty():
			print(f"{prefix} ...", end="\r", flush=True)
		began = time.monotonic()
		worked = step.run(settings)
		seconds = time.monotonic() - began
		say(f"{prefix:<62} {'ready' if worked is False else f'{seconds:6.1f} s'}".ljust(76))
	say(f"{'':8}{'all steps':<54} {time.monotonic() - started:6.1f} s")


def run_logged(
	settings: Settings,
	command: Sequence[str | Path],
	log_name: str,
	*,
	env: dict[str, str] | None = None,
	cwd: Path | None = None,
	what: str = "",
	stdin_text: str | None = None,
) -> str:
	"""Run a command with its output in `.dev/log/<log_name>.log`; return that output.

	A command that ends with an error raises Failure with the cause read from the output.
	"""
	log = settings.log_dir / f"{log_name}.log"
	log.parent.mkdir(parents=True, exist_ok=True)
	words = [str(word) for word in command]
	with open(log, "ab") as handle:
		handle.write(f"\n--- {time.strftime('%F %T')} {' '.join(words)}\n".encode())
		handle.flush()
		start = handle.tell()
		try:
			process = subprocess.Popen(
				words,
				stdin=subprocess.PIPE if stdin_text is not None else subprocess.DEVNULL,
				stdout=handle,
				stderr=subprocess.STDOUT,
				cwd=cwd,
				env=env,
				pass_fds=settings.lock_descriptors,
			)
		except OSError as error:
			raise Failure(f"{what or words[0]}: cannot be started ({error})") from error
		if stdin_text is not None and process.stdin:
			process.stdin.write(stdin_text.encode())
			process.stdin.close()
		code = _wait(process, log)
	with open(log, "rb") as handle:
		handle.seek(start)
		output = handle.read().decode(errors="replace")
	if code:
		cause, todo = diagnose.explain(output, settings)
		title = what or " ".join(words[:4])
		raise Failure(f"{title} failed: {cause or f'exit code {code}'}", todo, log)
	return output


def _wait(process: subprocess.Popen, log: Path) -> int:
	"""Wait for the process; every half minute say that it lives and what it wrote last."""
	began = time.monotonic()
	while True:
		try:
			return process.wait(timeout=HEARTBEAT)
		except subprocess.TimeoutExpired:
			last = last_lines(log, 1)
			say(f"        ... {time.monotonic() - began:4.0f} s  {last[0][:80] if last else ''}")
		except BaseException:
			process.terminate()
			process.wait()
			raise


def last_lines(path: Path, count: int) -> list[str]:
	"""The last lines of a file that are not blank, without colour codes and rewritten progress."""
	try:
		with open(path, "rb") as handle:
			handle.seek(0, 2)
			handle.seek(max(0, handle.tell() - 20000))
			text = handle.read().decode(errors="replace")
	except OSError:
		return []
	lines = [diagnose.plain(line) for line in text.splitlines()]
	return [line for line in lines if line.strip()][-count:]


def report_failure(failure: Failure) -> None:
	"""The log's last lines first, so that what failed and what to do is what stays on the screen."""
	sys.stdout.flush()
	if failure.log:
		for line in last_lines(failure.log, TAIL_LINES):
			print("  | " + line[:TAIL_WIDTH], file=sys.stderr)
		print(f"  log: {failure.log}", file=sys.stderr)
	todo = f" -> {failure.todo}" if failure.todo else ""
	print(f"\nFAILED: {failure.what}{todo}", file=sys.stderr, flush=True)


def done_with(settings: Settings, step: str, reason: str) -> bool:
	"""Whether the step was finished for this reason (a branch, a hash); anything else means do it again."""
	try:
		return (settings.dev / "done" / step).read_text() == reason
	except FileNotFoundError:
		return False


def mark_done(settings: Settings, step: str, reason: str) -> None:
	write_whole(settings.dev / "done" / step, reason)


def unmark(settings: Settings, step: str) -> None:
	(settings.dev / "done" / step).unlink(missing_ok=True)
