"""Sales Person, Territory, Employee and User: who is above whom, or manages what, has changed."""

from crm_ext.hierarchy import world


def on_change(doc, method: str | None = None) -> None:
	world.clear()


def on_trash(doc, method: str | None = None) -> None:
	world.clear()


def after_rename(doc, method: str | None, old: str, new: str, merge: bool = False) -> None:
	world.clear()
