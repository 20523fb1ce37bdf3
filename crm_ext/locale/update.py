"""Brings main.pot and the .po files up to date with the code. Run with the Python of a bench:

	BENCH/env/bin/python crm_ext/locale/update.py

Does what `bench generate-pot-file` and `bench update-po-files` do, and also where the app's folder is no git
checkout inside a bench. Locations carry no line numbers, so that a moved line changes no file here. Then translate
what is empty in zh.po; what Frappe or ERPNext translate stays empty, their words are not ours to change.
"""

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

APP = Path(__file__).resolve().parents[1]
LOCALE = APP / "locale"


def extract() -> Catalog:
	"""All messages of the app, by Frappe's own extractors."""
	from frappe.gettext.translate import get_method_map

	# Navbar items are imported from the bench's copy of hooks.py; the app has none.
	methods = [method for method in get_method_map("frappe") if not method[1].endswith("navbar.extract")]
	catalog = Catalog(
		domain="messages", project="CRM Ext", copyright_holder="crm_ext contributors", fuzzy=False
	)
	found = extract_from_dir(
		APP.parent,
		methods,
		keywords={**DEFAULT_KEYWORDS, "_lt": None},
		directory_filter=lambda path: (
			Path(path).name[0] not in "._" and Path(path).name not in ("node_modules", "tests")
		),
	)
	for filename, _line, message, comments, context in sorted(found, key=lambda f: (f[0], f[1] or 0)):
		if message:
			catalog.add(message, locations=[(filename, None)], auto_comments=comments, context=context)
	return catalog


def read(name: str) -> Catalog:
	with (LOCALE / name).open("rb") as file:
		return read_po(file)


def write(name: str, catalog: Catalog) -> None:
	with (LOCALE / name).open("wb") as file:
		write_po(file, catalog, sort_output=True, ignore_obsolete=True, width=None)


def messages(catalog: Catalog) -> dict:
	"""Messages by (text, context)."""
	return {(message.id, message.context): message for message in catalog if message.id}


def main() -> None:
	template, known = extract(), read("main.pot")
	if messages(template).keys() == messages(known).keys():
		template.creation_date = known.creation_date  # a second run changes nothing
	write("main.pot", template)
	for path in sorted(LOCALE.glob("*.po")):
		catalog = read(path.name)
		catalog.update(template, no_fuzzy_matching=True)
		write(path.name, catalog)
		print(f"{path.name}: {sum(not message.string for message in catalog if message.id)} empty")


if __name__ == "__main__":
	main()
