"""What the environment asks for, and what was chosen once for this bench.

Everything this tool makes is inside the bench folder; what is not Frappe's own is in `.dev` there:

	.dev/state.json   ports and passwords, chosen at the first run
	.dev/done/        one file for each finished step, with the reason to do it again as its content
	.dev/log/         output of the steps and of the servers
	.dev/run/         pid files, the database socket
	.dev/mariadb/     data of the private database server
	.dev/tools/       frappe-bench and yarn
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import secrets
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
APP = "crm_ext"
DEMO_SITE = "demo.localhost"
TEST_SITE = "test.localhost"
UPSTREAM = "https://github.com/frappe/"

VARIABLES = {
	"CRM_EXT_BENCH": "bench folder (default: ~/.crm-ext/bench of the user the bench runs as)",
	"CRM_EXT_USER": "ordinary user the bench runs as when called by root (default: crm-ext)",
	"CRM_EXT_PYTHON": "Python 3.10 to 3.13 of the bench (default: the first one found)",
	"CRM_EXT_CHROMIUM": "Chromium for the browser tests (default: the first one on PATH)",
	"FRAPPE_BRANCH": "branch of Frappe and ERPNext (default: version-15)",
	"FRAPPE_REPO": "repository of Frappe (default: https://github.com/frappe/frappe)",
	"ERPNEXT_REPO": "repository of ERPNext (default: https://github.com/frappe/erpnext)",
	"FRAPPE_MIRROR": "stands for https://github.com/frappe/ in every address, those of dependencies too",
	"DB_HOST": "existing MariaDB server to use instead of a private one",
	"DB_PORT": "its port (default: 3306)",
	"DB_ROOT_USER": "its administrator (default: root)",
	"DB_ROOT_PASSWORD": "the administrator's password",
	"DB_BUFFER_POOL": "memory of the private MariaDB server (default: 1G)",
	"WEB_PORT": "port of the web server (default: a free one, kept for later runs)",
	"WEB_HOST": "address the web server listens on (default: 127.0.0.1)",
	"ADMIN_PASSWORD": "Administrator's password, set when the bench is made (default: admin)",
	"ARGS": "arguments for pytest, for example ARGS='-k deal -x'",
}


@dataclass
class Settings:
	"""The environment's wishes with defaults applied. Empty means not given."""

	bench: Path
	user: str
	branch: str
	frappe_repo: str
	erpnext_repo: str
	mirror: str
	db_host: str
	db_port: int
	db_root_user: str
	db_root_password: str
	db_buffer_pool: str
	web_port: int
	web_host: str
	admin_password: str
	python: str
	chromium_asked: str
	state: dict[str, Any] = field(default_factory=dict)
	# Commands inherit the lock: if this process is killed, the next one waits for what it left running.
	lock_descriptors: tuple[int, ...] = ()

	@property
	def rewrites(self) -> dict[str, str]:
		"""Addresses git replaces: bench is always given the upstream names, as it takes a repository's
		folder name from its address and cannot read bare repositories on disk."""
		pairs = {
			UPSTREAM: self.mirror,
			UPSTREAM + "frappe": self.frappe_repo,
			UPSTREAM + "erpnext": self.erpnext_repo,
		}
		return {address: stand_in for address, stand_in in pairs.items() if stand_in != address}

	def address(self, app: str) -> str:
		"""Where the app's repository is looked for in the end."""
		return self.frappe_repo if app == "frappe" else self.erpnext_repo

	@property
	def chromium(self) -> str:
		"""Looked for when asked, as it may have been installed a moment ago."""
		return self.chromium_asked or shutil.which("chromium") or shutil.which("chromium-browser") or ""

	@property
	def dev(self) -> Path:
		return self.bench / ".dev"

	@property
	def log_dir(self) -> Path:
		return self.dev / "log"

	@property
	def run_dir(self) -> Path:
		return self.dev / "run"

	@property
	def tools(self) -> Path:
		return self.dev / "tools"

	@property
	def sites(self) -> Path:
		return self.bench / "sites"

	@property
	def app_dir(self) -> Path:
		return self.bench / "apps" / APP

	@property
	def marker(self) -> Path:
		"""Its presence says: this folder was made by this tool and may be removed by it."""
		return self.dev / "made-by-crm-ext"

	@property
	def bench_cli(self) -> Path:
		return self.tools / "bench" / "bin" / "bench"

	@property
	def env_python(self) -> Path:
		return self.bench / "env" / "bin" / "python"

	@property
	def private_database(self) -> bool:
		return not self.db_host

	@property
	def db_socket(self) -> Path:
		"""Unix socket paths are limited to 107 bytes, so a deep bench folder gets one elsewhere."""
		path = self.run_dir / "db.sock"
		if len(os.fsencode(path)) <= 100:
			return path
		name = hashlib.sha1(os.fsencode(self.bench), usedforsecurity=False).hexdigest()[:12]
		return Path(tempfile.gettempdir()) / f"crm-ext-{name}.sock"

	def load_state(self) -> None:
		try:
			self.state = json.loads((self.dev / "state.json").read_text())
		except (FileNotFoundError, json.JSONDecodeError):
			self.state = {}

	def recall_choices(self) -> None:
		"""What an earlier run was told about database server and password holds until told otherwise."""
		if not self.db_host:
			for name, value in self.state.get("server", {}).items():
				setattr(self, name, value)
		self.admin_password = self.state.get("admin_password", self.admin_password)

	def keep_server(self) -> None:
		"""Remember the existing database server; called once its login is known to work."""
		chosen = ("db_host", "db_port", "db_root_user", "db_root_password")
		self.remember(server={name: getattr(self, name) for name in chosen})

	def remember(self, **values: Any) -> None:
		"""Keep values for later runs; the file is only ever replaced whole."""
		self.state.update(values)
		write_whole(self.dev / "state.json", json.dumps(self.state, indent=1, sort_keys=True), mode=0o600)

	def password(self, name: str) -> str:
		"""A random password, the same at every call for this bench."""
		if name not in self.state:
			self.remember(**{name: secrets.token_urlsafe(12)})
		return self.state[name]


def read_settings(environ: dict[str, str]) -> Settings:
	"""Settings from environment variables. An empty variable counts as not given."""

	def get(name: str, default: str = "") -> str:
		return environ.get(name, "").strip() or default

	is_root = os.geteuid() == 0
	user = get("CRM_EXT_USER", "crm-ext") if is_root else pwd.getpwuid(os.geteuid()).pw_name
	bench = get("CRM_EXT_BENCH")
	if not bench:
		bench = str(home_of(user) / ".crm-ext" / "bench")
	upstream = get("FRAPPE_MIRROR", UPSTREAM).rstrip("/") + "/"
	return Settings(
		bench=Path(os.path.abspath(os.path.expanduser(bench))),
		user=user,
		branch=get("FRAPPE_BRANCH", "version-15"),
		frappe_repo=get("FRAPPE_REPO", upstream + "frappe"),
		erpnext_repo=get("ERPNEXT_REPO", upstream + "erpnext"),
		mirror=upstream,
		db_host=get("DB_HOST"),
		db_port=_port("DB_PORT", get("DB_PORT", "3306")),
		db_root_user=get("DB_ROOT_USER", "root"),
		db_root_password=get("DB_ROOT_PASSWORD"),
		db_buffer_pool=get("DB_BUFFER_POOL", "1G"),
		web_port=_port("WEB_PORT", get("WEB_PORT", "0")),
		web_host=get("WEB_HOST", "127.0.0.1"),
		admin_password=get("ADMIN_PASSWORD", "admin"),
		python=get("CRM_EXT_PYTHON"),
		chromium_asked=get("CRM_EXT_CHROMIUM"),
	)


def _port(name: str, text: str) -> int:
	if not text.isdigit() or int(text) > 65535:
		raise SystemExit(f"FAILED: {name}={text} is no port number -> set it to a number up to 65535")
	return int(text)


def home_of(user: str) -> Path:
	"""The user's home, or where `useradd` will put it."""
	try:
		return Path(pwd.getpwnam(user).pw_dir)
	except KeyError:
		return Path("/home") / user


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
	"""Write a file so that a reader, or a run after a crash, sees the old or the new text, never half."""
	path.parent.mkdir(parents=True, exist_ok=True)
	temporary = path.with_name(path.name + ".new")
	descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
	with os.fdopen(descriptor, "w") as handle:
		handle.write(text)
	os.replace(temporary, path)
