"""Wall time and processor time of work on the current connection.

Processor time is that of this process and of the database server's thread that serves the connection (Linux, server on
the same machine, readable /proc). It leaves out waiting - for the disk, for the network, and for whatever else keeps
the machine's cores busy - so it can be compared on a machine that has other work too. Wall time is what a user waits.
"""

import time
from pathlib import Path
from typing import NamedTuple

import frappe


class Span(NamedTuple):
	"""Milliseconds."""

	wall: float
	cpu: float | None  # None where the server's thread cannot be seen


class Clock:
	"""Started when made."""

	def __init__(self) -> None:
		self._thread = server_thread(frappe.db)
		self._began = self._read()

	def stop(self) -> Span:
		wall, cpu = self._read()
		return Span(
			(wall - self._began[0]) * 1000,
			None if cpu is None or self._began[1] is None else (cpu - self._began[1]) * 1000,
		)

	def _read(self) -> tuple[float, float | None]:
		cpu = None
		if self._thread:
			nanoseconds = int(self._thread.read_text().split()[0])
			cpu = time.process_time() + nanoseconds / 1e9
		return time.perf_counter(), cpu


def server_thread(db) -> Path | None:
	"""Where the kernel tells how long the server's thread of this connection ran; None where it cannot be read."""
	((thread, pid_file),) = db.sql(
		"SELECT TID, @@pid_file FROM information_schema.PROCESSLIST WHERE ID = CONNECTION_ID()"
	)
	try:
		path = Path("/proc", Path(pid_file).read_text().strip(), "task", str(thread), "schedstat")
		path.read_text()
	except OSError:
		return None
	return path
