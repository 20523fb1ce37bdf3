"""DocShare: somebody sees one document more."""

from crm_ext.hierarchy import world


def on_update(doc, method: str | None = None) -> None:
	world.share(None if doc.everyone else doc.user)
