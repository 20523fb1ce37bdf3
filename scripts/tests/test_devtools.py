"""The parts of the bench tool that decide about files, ports and processes; no bench is touched."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from devtools import bench, checkout, diagnose, machine, processes
from devtools.console import Failure, done_with, mark_done, run_logged
from devtools.settings import Settings, read_settings

pytestmark = pytest.mark.pure


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
	found = read_settings({"CRM_EXT_BENCH": str(tmp_path / "bench"), "PATH": os.environ["PATH"]})
	found.run_dir.mkdir(parents=True)
	return found


def make_checkout(folder: Path, files: dict[str, str]) -> Path:
	for name, text in files.items():
		(folder / name).parent.mkdir(parents=True, exist_ok=True)
		(folder / name).write_text(text)
	return folder


def files_in(folder: Path) -> set[str]:
	return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("in_git", [True, False])
def test_copy_mirrors_the_checkout(tmp_path: Path, in_git: bool) -> None:
	source = make_checkout(tmp_path / "source", {"a.py": "1", "room/b.json": "2", "room/c.py": "3"})
	target = tmp_path / "target"
	if in_git:
		subprocess.run(["git", "init", "-q"], cwd=source, check=True)
		make_checkout(source, {".gitignore": "*.log\n", "left.log": "not copied"})
	assert checkout.write_copy(checkout.read_checkout(source), target) == (4 if in_git else 3)
	assert checkout.write_copy(checkout.read_checkout(source), target) == 0

	make_checkout(target, {"crm_ext/public/dist/built.js": "made there", "room/__pycache__/c.pyc": "bytes"})
	(source / "room/b.json").unlink()
	(source / "room/c.py").unlink()
	make_checkout(source, {"a.py": "changed"})
	assert checkout.write_copy(checkout.read_checkout(source), target) == 3
	assert files_in(target) - {".gitignore"} == {"a.py", "crm_ext/public/dist/built.js"}
	assert (target / "a.py").read_text() == "changed"
	assert not (target / "room").exists(), "an empty folder would still be importable"


def test_schema_changes_ask_for_a_migration_and_code_does_not(tmp_path: Path) -> None:
	files = {"crm_ext/hooks.py": "1", "crm_ext/doctype/x/x.json": "{}", "crm_ext/deals/derive.py": "1"}
	source = make_checkout(tmp_path, files)
	before = bench.schema_of(checkout.read_checkout(source))
	make_checkout(source, {"crm_ext/deals/derive.py": "2"})
	assert bench.schema_of(checkout.read_checkout(source)) == before
	make_checkout(source, {"crm_ext/doctype/x/x.json": "{ }"})
	assert bench.schema_of(checkout.read_checkout(source)) != before


@pytest.mark.parametrize(
	("output", "advice"),
	[
		("fatal: unable to access 'https://github.com/frappe/frappe/'", "FRAPPE_REPO"),
		("OSError: [Errno 28] No space left on device", "CRM_EXT_BENCH"),
		("ERROR: No matching distribution found for frappe-bench", "PIP_INDEX_URL"),
		("npm error code ENOTFOUND\nnpm error network request failed", "npmrc"),
		("Access denied for user 'root'@'localhost'", "DB_ROOT_PASSWORD"),
		("E: Unable to locate package redis-server", "sources.list"),
		("something new", "see the log"),
	],
)
def test_a_known_failure_names_what_to_do(settings: Settings, output: str, advice: str) -> None:
	assert advice in diagnose.explain(output, settings)[1]


def test_a_failed_command_tells_cause_and_log(settings: Settings) -> None:
	with pytest.raises(Failure) as caught:
		run_logged(settings, ["sh", "-c", "echo ENOSPC: write; exit 3"], "x", what="copying")
	assert caught.value.what == "copying failed: the disk is full"
	assert caught.value.log and "ENOSPC" in caught.value.log.read_text()
	assert run_logged(settings, ["echo", "second"], "x") == "second\n", "only its own output"


def test_a_step_is_done_for_its_reason_only(settings: Settings) -> None:
	assert not done_with(settings, "frappe", "version-15")
	mark_done(settings, "frappe", "version-15")
	assert done_with(settings, "frappe", "version-15")
	assert not done_with(settings, "frappe", "version-16")


def test_a_taken_port_is_refused_when_fixed_and_replaced_when_not(settings: Settings) -> None:
	with socket.create_server(("127.0.0.1", 0)) as other:
		taken = other.getsockname()[1]
		with pytest.raises(Failure, match=f"port {taken} for web is taken"):
			processes.choose_port(settings, "web", taken)
		settings.remember(web_port=taken)
		chosen = processes.choose_port(settings, "web")
	assert chosen != taken
	assert processes.choose_port(settings, "web") == chosen
	settings.state = {}
	settings.load_state()
	assert settings.state["web_port"] == chosen


def test_a_process_is_known_by_number_and_start(settings: Settings) -> None:
	sleeper = ["sleep", "60"]
	assert processes.start(settings, "nap", sleeper, lambda: True, cwd=Path("/"), env=dict(os.environ))
	assert not processes.start(settings, "nap", sleeper, lambda: True, cwd=Path("/"), env=dict(os.environ))
	pid_file = settings.run_dir / "nap.pid"
	entry = json.loads(pid_file.read_text())
	pid_file.write_text(json.dumps({"pid": entry["pid"], "started": "another time"}))
	assert not processes.is_running(settings, "nap"), "a later process with the same number is not ours"
	pid_file.write_text(json.dumps(entry))
	assert processes.stop(settings, "nap")
	assert not processes.is_running(settings, "nap")
	with pytest.raises(Failure, match="did not start"):
		processes.start(settings, "nap", ["false"], lambda: False, cwd=Path("/"), env=dict(os.environ))


def test_a_folder_of_somebody_else_is_left_alone(settings: Settings) -> None:
	(settings.bench / "theirs").write_text("kept")
	with pytest.raises(Failure, match="was not made by this tool"):
		machine.make_folders(settings)
	assert (settings.bench / "theirs").read_text() == "kept"


def test_upstream_addresses_stand_for_any_mirror(tmp_path: Path) -> None:
	plain = read_settings({})
	assert plain.rewrites == {}
	mirrored = read_settings({"FRAPPE_MIRROR": "https://mirror.example/f", "ERPNEXT_REPO": "/disk/erp.git"})
	assert mirrored.address("frappe") == "https://mirror.example/f/frappe"
	assert mirrored.rewrites["https://github.com/frappe/"] == "https://mirror.example/f/"
	assert mirrored.rewrites["https://github.com/frappe/erpnext"] == "/disk/erp.git"


def test_a_deep_folder_gets_a_socket_path_the_system_accepts(tmp_path: Path) -> None:
	deep = read_settings({"CRM_EXT_BENCH": "/" + "x" * 120})
	assert len(str(deep.db_socket)) <= 100
	assert deep.db_socket != read_settings({"CRM_EXT_BENCH": "/" + "y" * 120}).db_socket
