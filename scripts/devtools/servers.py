"""Redis, web, socketio, workers and scheduler of the bench."""

from __future__ import annotations

import http.client
import os
from collections.abc import Callable

from devtools import processes
from devtools.bench import bench_env, update_config
from devtools.checkout import Snapshot
from devtools.console import done_with, mark_done
from devtools.database import root_login
from devtools.settings import DEMO_SITE, Settings

REDIS_CONFIG = """\
bind 127.0.0.1
port {port}
dir {folder}
dbfilename {name}.rdb
save ""
appendonly no
{extra}
"""
CACHE_LIMITS = "maxmemory 512mb\nmaxmemory-policy allkeys-lru"

# Names below .localhost mean this machine (RFC 6761); browsers know, Node asks a resolver that may not.
LOCALHOST_SHIM = """\
const dns = require("dns");
const lookup = dns.lookup;
dns.lookup = function (hostname, ...rest) {
	return lookup.call(this, /\\.localhost\\.?$/.test(hostname) ? "127.0.0.1" : hostname, ...rest);
};
"""

BACKGROUND = ("worker", "schedule")
ALL = ("schedule", "worker", "socketio", "web", "redis_queue", "redis_cache", "mariadb")


def start_redis(settings: Settings) -> bool:
	"""Two servers, as Frappe wants: one that may forget (cache), one that may not (queue)."""
	started = False
	for name, extra in (("redis_cache", CACHE_LIMITS), ("redis_queue", "")):
		if processes.is_running(settings, name):
			continue
		port = processes.choose_port(settings, name)
		folder = settings.dev / "redis"
		folder.mkdir(parents=True, exist_ok=True)
		config = folder / f"{name}.conf"
		config.write_text(REDIS_CONFIG.format(port=port, folder=folder, name=name, extra=extra))
		processes.start(
			settings,
			name,
			["redis-server", config],
			lambda port=port: processes.answers(port),
			cwd=folder,
			env=dict(os.environ),
		)
		started = True
	return started


def configure(settings: Settings) -> bool:
	"""Tell Frappe where its servers are; ports may have changed since the last run."""
	host, port, user, password = root_login(settings)
	if not processes.is_running(settings, "socketio"):
		processes.choose_port(settings, "socketio")
	_choose_web_port(settings)
	state = settings.state
	values = {
		"db_host": host,
		"db_port": port,
		"root_login": user,
		"root_password": password,
		"redis_cache": f"redis://127.0.0.1:{state['redis_cache_port']}",
		"redis_queue": f"redis://127.0.0.1:{state['redis_queue_port']}",
		"redis_socketio": f"redis://127.0.0.1:{state['redis_queue_port']}",
		"socketio_port": state["socketio_port"],
		"webserver_port": state["web_port"],
		"default_site": DEMO_SITE,
	}
	return update_config(settings.sites / "common_site_config.json", values)


def _choose_web_port(settings: Settings) -> None:
	running = processes.is_running(settings, "web")
	wanted = settings.web_port
	if running and (
		(wanted and wanted != settings.state["web_port"])
		or settings.state.get("web_host") != settings.web_host
	):
		processes.stop(settings, "web")
		running = False
	if not running:
		processes.choose_port(settings, "web", wanted, settings.web_host)
		settings.remember(web_host=settings.web_host)


def start_web(settings: Settings) -> bool:
	"""The web server for all sites of the bench (the host name picks the site), and socketio."""
	env = bench_env(settings)
	# Without a proxy in front the browser must ask socketio on its own port; this variable says so.
	env["DEV_SERVER"] = "1"
	port = settings.state["web_port"]
	command = [
		settings.bench / "env/bin/gunicorn",
		f"--bind={settings.web_host}:{port}",
		"--workers=2",
		"--worker-class=gthread",
		"--threads=8",
		"--timeout=300",
		"--graceful-timeout=5",
		"frappe.app:application_with_statics()",
	]
	started = processes.start(
		settings,
		"web",
		command,
		lambda: _web_answers(settings, port),
		cwd=settings.sites,
		env=env,
		seconds=120,
	)
	shim = settings.dev / "localhost.js"
	shim.write_text(LOCALHOST_SHIM)
	env["NODE_OPTIONS"] = f"--require={shim}"
	socketio_port = settings.state["socketio_port"]
	node = ["node", settings.bench / "apps/frappe/socketio.js"]
	started |= processes.start(
		settings, "socketio", node, lambda: processes.answers(socketio_port), cwd=settings.bench, env=env
	)
	return started


def start_background(settings: Settings) -> bool:
	"""One worker for all queues, and the scheduler."""
	env = bench_env(settings)
	frappe = [settings.env_python, "-m", "frappe.utils.bench_helper", "frappe"]
	started = processes.start(
		settings,
		"worker",
		[*frappe, "worker", "--queue", "short,default,long"],
		lambda: True,
		cwd=settings.sites,
		env=env,
	)
	started |= processes.start(
		settings, "schedule", [*frappe, "schedule"], lambda: True, cwd=settings.sites, env=env
	)
	return started


def restart_if_changed(snapshot: Snapshot) -> Callable[[Settings], bool]:
	"""A step that restarts what has older code of the app loaded, and only what is running now."""

	def restart(settings: Settings) -> bool:
		code = snapshot.fingerprint("crm_ext/")
		if done_with(settings, "running-code", code):
			return False
		running = [name for name in (*BACKGROUND, "web") if processes.stop(settings, name)]
		if "web" in running:
			start_web(settings)
		if set(BACKGROUND) & set(running):
			start_background(settings)
		mark_done(settings, "running-code", code)
		return bool(running)

	return restart


def stop_all(settings: Settings) -> list[str]:
	return [name for name in ALL if processes.stop(settings, name)]


def _web_answers(settings: Settings, port: int) -> bool:
	"""Any answer counts: a site may not exist yet, a half-started server does not answer at all."""
	host = "127.0.0.1" if settings.web_host in ("0.0.0.0", "::") else settings.web_host
	connection = http.client.HTTPConnection(host, port, timeout=5)
	try:
		connection.request("GET", "/api/method/ping", headers={"Host": "nobody.localhost"})
		connection.getresponse().read()
		return True
	except OSError:
		return False
	finally:
		connection.close()


def where(settings: Settings, name: str) -> str:
	if not processes.is_running(settings, name):
		return "not running"
	port = settings.state.get(f"{name}_port")
	return f"running on port {port}" if port else "running"
