"""The private MariaDB server of the bench, or an existing one that the environment names."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

from devtools import processes
from devtools.console import Failure, done_with, mark_done, run_logged
from devtools.machine import SYSTEM_PATH
from devtools.settings import Settings

# Data here can always be made again, so nothing is paid for surviving a power cut.
CONFIG = """\
[mariadbd]
datadir = {data}
socket = {socket}
pid-file = {run}/mariadb.server.pid
bind-address = 127.0.0.1
port = {port}
skip-name-resolve
skip-log-bin
character-set-server = utf8mb4
collation-server = utf8mb4_unicode_ci
innodb_buffer_pool_size = {buffer_pool}
innodb_log_file_size = 256M
innodb_flush_log_at_trx_commit = 0
innodb_doublewrite = 0
innodb_use_native_aio = 0
innodb_stats_persistent = 1
max_allowed_packet = 256M
max_connections = 200
table_open_cache = 4000
table_definition_cache = 4000
performance_schema = OFF
"""


def start_database(settings: Settings) -> bool:
	"""Make and start the private server, or check the login of the existing one."""
	if not settings.private_database:
		_check_login(settings)
		return False
	if processes.is_running(settings, "mariadb"):
		return False
	_make_data(settings)
	port = processes.choose_port(settings, "mariadb")
	config = settings.dev / "mariadb.cnf"
	config.write_text(
		CONFIG.format(
			data=settings.dev / "mariadb",
			socket=settings.db_socket,
			run=settings.run_dir,
			port=port,
			buffer_pool=settings.db_buffer_pool,
		)
	)
	password = settings.password("db_root_password")
	init_file = settings.run_dir / "mariadb.init.sql"
	init_file.touch(mode=0o600)
	init_file.write_text(
		"".join(
			f"CREATE OR REPLACE USER 'root'@'{host}' IDENTIFIED BY '{password}';\n"
			f"GRANT ALL PRIVILEGES ON *.* TO 'root'@'{host}' WITH GRANT OPTION;\n"
			for host in ("localhost", "127.0.0.1")
		)
	)
	try:
		processes.start(
			settings,
			"mariadb",
			[_tool("mariadbd"), f"--defaults-file={config}", f"--init-file={init_file}"],
			lambda: _ping(settings),
			cwd=settings.dev,
			env=dict(os.environ),
			seconds=120,
		)
	except Failure as failure:
		raise Failure(
			"MariaDB does not start",
			f"read the log; `make clean` and a new run make it anew, DB_HOST uses a server of your own"
			f" ({failure.what})",
			failure.log,
		) from failure
	finally:
		init_file.unlink(missing_ok=True)
	return True


def root_login(settings: Settings) -> tuple[str, int, str, str]:
	"""Host, port, user and password of the database administrator."""
	if settings.private_database:
		return "127.0.0.1", settings.state["mariadb_port"], "root", settings.password("db_root_password")
	return settings.db_host, settings.db_port, settings.db_root_user, settings.db_root_password


def _make_data(settings: Settings) -> bool:
	data = settings.dev / "mariadb"
	if done_with(settings, "mariadb", "made") and data.exists():
		return False
	shutil.rmtree(data, ignore_errors=True)
	run_logged(
		settings,
		[
			_tool("mariadb-install-db"),
			"--no-defaults",
			f"--datadir={data}",
			"--auth-root-authentication-method=normal",
			"--skip-test-db",
			"--innodb-log-file-size=256M",
		],
		"mariadb-install",
		what="making the database's data folder",
	)
	mark_done(settings, "mariadb", "made")
	return True


def _tool(name: str) -> str:
	path = shutil.which(name) or shutil.which(name, path=SYSTEM_PATH)
	if not path:
		raise Failure(f"{name} is missing", "install MariaDB's server and client")
	return path


def _client(settings: Settings, sql: str) -> subprocess.CompletedProcess:
	host, port, user, password = root_login(settings)
	command = [_tool("mariadb"), "--no-defaults", f"--host={host}", f"--port={port}", f"--user={user}"]
	command += ["--protocol=tcp", "--connect-timeout=5", "--batch", "--skip-column-names", f"--execute={sql}"]
	return subprocess.run(
		command,
		env={**os.environ, "MYSQL_PWD": password},
		capture_output=True,
		text=True,
	)


def _ping(settings: Settings) -> bool:
	return _client(settings, "select 1").returncode == 0


def _check_login(settings: Settings) -> None:
	result = _client(settings, "select 1")
	if result.returncode:
		raise Failure(
			f"database server {settings.db_host}:{settings.db_port} cannot be used: {result.stderr.strip()}",
			"check DB_HOST, DB_PORT, DB_ROOT_USER and DB_ROOT_PASSWORD",
		)
	settings.keep_server()


def drop_databases(settings: Settings) -> None:
	"""Drop this bench's databases on an existing server; a private server goes with its folder."""
	for path in settings.sites.glob("*/site_config.json"):
		name = json.loads(path.read_text()).get("db_name", "")
		if re.fullmatch(r"_[0-9a-f]{16}", name):
			hosts = _client(settings, f"select host from mysql.user where user = '{name}'").stdout.split()
			drops = [f"DROP DATABASE IF EXISTS `{name}`", *(f"DROP USER '{name}'@'{host}'" for host in hosts)]
			_client(settings, "; ".join(drops))
