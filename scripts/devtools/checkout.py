"""The app's files on their way from the checkout into the bench.

They are read as the caller and written as the bench user, who may not be able to read the checkout.
The copy in the bench is a mirror: what vanished from the checkout vanishes there too.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

SKIPPED_FOLDERS = {".git", "__pycache__", "node_modules", ".pytest_cache", ".ruff_cache", ".hypothesis"}
# Made inside the copy by pip and by the asset build.
MADE_IN_BENCH = ("crm_ext.egg-info", "crm_ext/public/dist", "node_modules", ".git")


@dataclass(frozen=True)
class Snapshot:
	"""All files of the checkout: relative path to content and executable bit."""

	files: dict[str, tuple[bytes, bool]]

	@property
	def has_app(self) -> bool:
		return "crm_ext/hooks.py" in self.files and "pyproject.toml" in self.files

	def fingerprint(self, *prefixes: str, suffixes: tuple[str, ...] = ()) -> str:
		"""Hash over the files whose path starts with a prefix or ends with a suffix; all without either."""
		digest = hashlib.sha256()
		for path in sorted(self.files):
			if (prefixes or suffixes) and not (
				path.startswith(prefixes or ("\0",)) or path.endswith(suffixes)
			):
				continue
			digest.update(path.encode() + b"\0" + hashlib.sha256(self.files[path][0]).digest())
		return digest.hexdigest()


def read_checkout(root: Path) -> Snapshot:
	"""Tracked files and new ones that are not ignored; every file if this is no git checkout."""
	names = _git_files(root)
	if names is None:
		names = [
			str((Path(folder) / name).relative_to(root))
			for folder, subfolders, found in _walk(root)
			for name in found
		]
	files = {}
	for name in names:
		path = root / name
		if path.is_file() and not path.is_symlink():
			files[name] = (path.read_bytes(), os.access(path, os.X_OK) and bool(path.stat().st_mode & 0o100))
	return Snapshot(files)


def _git_files(root: Path) -> list[str] | None:
	try:
		# Root may work on somebody else's checkout; git would refuse to read it.
		result = subprocess.run(
			["git", "-c", f"safe.directory={root}", "ls-files", "-z", "-co", "--exclude-standard"],
			cwd=root,
			capture_output=True,
			check=True,
		)
	except (OSError, subprocess.CalledProcessError):
		return None
	return sorted({name for name in result.stdout.decode().split("\0") if name})


def _walk(root: Path):
	for folder, subfolders, found in os.walk(root):
		subfolders[:] = [name for name in subfolders if name not in SKIPPED_FOLDERS]
		yield folder, subfolders, found


def write_copy(snapshot: Snapshot, target: Path) -> int:
	"""Make the target a mirror of the snapshot; return how many files changed."""
	changed = 0
	for name, (content, executable) in snapshot.files.items():
		path = target / name
		if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
			continue
		if path.is_dir() and not path.is_symlink():
			continue
		path.parent.mkdir(parents=True, exist_ok=True)
		temporary = path.with_name(path.name + ".new~")
		temporary.write_bytes(content)
		temporary.chmod(0o755 if executable else 0o644)
		os.replace(temporary, path)
		changed += 1
	return changed + _remove_vanished(snapshot, target)


def _remove_vanished(snapshot: Snapshot, target: Path) -> int:
	removed = 0
	for folder, subfolders, found in os.walk(target, topdown=True):
		inside = Path(folder).relative_to(target)
		subfolders[:] = [
			name for name in subfolders if name != "__pycache__" and str(inside / name) not in MADE_IN_BENCH
		]
		for name in found:
			if str(inside / name) not in snapshot.files:
				(Path(folder) / name).unlink()
				removed += 1
	_remove_empty(snapshot, target)
	return removed


def _remove_empty(snapshot: Snapshot, target: Path) -> None:
	"""Folders that hold nothing but bytecode of removed modules would still count as packages."""
	wanted = {str(parent) for name in snapshot.files for parent in Path(name).parents}
	for folder, _subfolders, _found in os.walk(target, topdown=False):
		inside = str(Path(folder).relative_to(target))
		if Path(folder).name == "__pycache__" and str(Path(inside).parent) not in wanted:
			for entry in os.scandir(folder):
				os.unlink(entry.path)
		if inside not in wanted and not inside.startswith(MADE_IN_BENCH) and not os.listdir(folder):
			os.rmdir(folder)
