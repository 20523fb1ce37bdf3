"""From the text a failed command wrote to what failed and what the reader can do about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
	from devtools.settings import Settings

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

# First match wins, so the causes stand before what follows from them.
PATTERNS: tuple[tuple[str, str, str], ...] = (
	(
		r"No space left on device|ENOSPC|disk full|Disk full",
		"the disk is full",
		"free some space, or set CRM_EXT_BENCH to a folder on a larger disk, and run again",
	),
	(
		r"Could not get lock /var/lib/(dpkg|apt)|is another process using it",
		"another package manager is running",
		"wait until it has finished and run again",
	),
	(
		r"Unable to locate package|has no installation candidate",
		"Debian does not offer a package",
		"check /etc/apt/sources.list, or install the package by hand and run again",
	),
	(
		r"Temporary failure resolving|Failed to fetch http|Unable to fetch some archives",
		"no network, or no reach to the Debian mirror",
		"check the network, /etc/apt/sources.list and http_proxy, and run again",
	),
	(
		r"fatal: (unable to access|Could not read from remote|repository .* (not found|does not exist))"
		r"|does not appear to be a git repository|Could not resolve host: (?!pypi)",
		"no reach to an upstream repository",
		"check the network, or set FRAPPE_REPO and ERPNEXT_REPO (or FRAPPE_MIRROR for all of"
		" https://github.com/frappe/) to a mirror, and run again",
	),
	(
		r"registry\.(yarnpkg|npmjs)|npm (ERR|error) (network|code E(NOTFOUND|AI_AGAIN|TIMEDOUT|CONN))"
		r"|There appears to be trouble with your network connection",
		"no reach to the npm registry",
		"check the network and the registry in ~/.npmrc, and run again",
	),
	(
		r"Could not fetch URL|NewConnectionError|Failed to establish a new connection"
		r"|error sending request for url|client error \(Connect\)|Temporary failure in name resolution"
		r"|No matching distribution found",
		"no reach to the Python package index, or it lacks a package",
		"check the network, or set PIP_INDEX_URL (and UV_INDEX_URL) to a mirror, and run again",
	),
	(
		r"Access denied for user",
		"the database server refuses the login",
		"check DB_ROOT_USER and DB_ROOT_PASSWORD",
	),
	(
		r"Can't connect to (local )?(MySQL |MariaDB )?server",
		"the database server does not answer",
		"run `make stop` and run again; with a server of your own check DB_HOST and DB_PORT",
	),
	(r"Address already in use|EADDRINUSE", "a port is taken", "set WEB_PORT to a free one, or leave it out"),
	(
		r"Killed|out of memory|OutOfMemory|heap out of memory",
		"not enough memory",
		"free some memory and run again",
	),
)


def plain(line: str) -> str:
	"""The line without colours, and of what a progress bar wrote over itself only the last."""
	return ANSI.sub("", line.rstrip("\r\n").rsplit("\r", 1)[-1]).rstrip()


def explain(output: str, settings: Settings) -> tuple[str, str]:
	"""Cause and advice for the output of a failed command; empty cause if it is none of the known ones."""
	for pattern, cause, todo in PATTERNS:
		if re.search(pattern, output):
			return cause, todo
	return "", "see the log; running the same command again resumes at this step"
