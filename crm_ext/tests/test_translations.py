"""Every message of the app stands in main.pot and is translated, by us or by ERPNext.

When a test here fails after you changed a text, run `BENCH/env/bin/python crm_ext/locale/update.py` in the checkout,
translate what is then empty in crm_ext/locale/zh.po, and run `bench build --app crm_ext`.
"""

import ast
import json
import re
from pathlib import Path

import frappe
from frappe.gettext.translate import get_translations_from_mo
from frappe.translate import get_translations_from_apps

from crm_ext.constants.custom_fields import CUSTOM_FIELDS
from crm_ext.constants.roles import ROLES
from crm_ext.constants.stages import STAGES
from crm_ext.constants.workflows import WORKFLOWS
from crm_ext.locale import update
from crm_ext.tests.base import SiteTestCase

HINT = "Run `BENCH/env/bin/python crm_ext/locale/update.py`, translate what is empty in crm_ext/locale/zh.po."
PLACEHOLDER = re.compile(r"{\w*}|<[^>]+>")
# What the extractor would not find: __(`...${value}...`)
JS_TEMPLATE = re.compile(r"__\(\s*`")
JS_CALL = re.compile(r"""__\(\s*"((?:[^"\\]|\\.)*)"(?:\s*,\s*(?:null|\[[^\]]*\])\s*,\s*"([^"]*)")?""")


def show(keys) -> str:
	return "\n".join(
		f"{text!r}" + (f" ({context})" if context else "") for text, context in sorted(keys, key=str)
	)


class TestTranslations(SiteTestCase):
	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		cls.extracted = update.messages(update.extract())
		cls.template = update.messages(update.read("main.pot"))
		cls.chinese = update.messages(update.read("zh.po"))
		cls.upstream = get_translations_from_apps("zh", ["frappe", "erpnext"])

	def test_the_template_holds_every_message_and_no_other(self):
		missing, unused = (
			self.extracted.keys() - self.template.keys(),
			self.template.keys() - self.extracted.keys(),
		)
		self.assertGreater(len(self.extracted), 150)
		self.assertFalse(missing, f"Not in main.pot. {HINT}\n{show(missing)}")
		self.assertFalse(unused, f"No longer in the code. {HINT}\n{show(unused)}")

	def test_every_message_is_translated_into_chinese(self):
		missing = self.extracted.keys() - self.chinese.keys()
		self.assertFalse(missing, f"Not in zh.po. {HINT}\n{show(missing)}")
		# Empty only where the same text without context comes translated from Frappe or ERPNext.
		empty = {
			key
			for key, message in self.chinese.items()
			if not message.string and (key[1] or not self.upstream.get(key[0]))
		}
		self.assertFalse(empty, f"Empty in zh.po.\n{show(empty)}")
		fuzzy = {key for key, message in self.chinese.items() if message.fuzzy}
		self.assertFalse(fuzzy, f"Fuzzy in zh.po, and so not used.\n{show(fuzzy)}")

	def test_placeholders_and_tags_are_kept(self):
		for (text, context), message in self.chinese.items():
			if message.string:
				with self.subTest(text, context=context):
					self.assertEqual(
						sorted(PLACEHOLDER.findall(message.string)), sorted(PLACEHOLDER.findall(text))
					)

	def test_names_of_other_apps_are_left_to_them(self):
		"""What we translate without context changes in the whole desk; a DocType of ERPNext is ERPNext's to name."""
		names = frappe.get_all("DocType", {"module": ("!=", "CRM Ext")}, pluck="name", order_by="name")
		names += frappe.get_all("Role", {"name": ("not in", ROLES)}, pluck="name", order_by="name")
		ours = {(name, None) for name in names if (m := self.chinese.get((name, None))) and m.string}
		self.assertFalse(ours, f"Empty these in zh.po, or give them a context.\n{show(ours)}")

	def test_words_in_data_are_found(self):
		words = {name for name, *_rest in STAGES}
		words |= {field["label"] for fields in CUSTOM_FIELDS.values() for field in fields}
		for room, label in (("number_card", "label"), ("dashboard_chart", "chart_name")):
			for path in update.APP.glob(f"{room}/*/*.json"):
				words.add(json.loads(path.read_text())[label])
		for path in update.APP.glob("page/*/*.json"):
			words.add(json.loads(path.read_text())["title"])
		words |= set(ROLES)
		for workflow in WORKFLOWS.values():
			words |= {state for state, _docstatus in workflow.states}
			words |= {way.action for way in workflow.ways}
		boards = {"reference_doctype": ("in", ("Deal", "Follow Up"))}
		words |= set(frappe.get_all("Kanban Board", boards, pluck="name"))
		self.assertLessEqual({"Deals by Stage", "Follow Ups"}, words)
		missing = {(word, None) for word in words} - self.template.keys()
		self.assertFalse(missing, f"Name these in crm_ext/locale/words.py.\n{show(missing)}")

	def test_the_extractor_sees_what_the_parser_sees(self):
		"""It reads tokens and overlooks a call inside of an f-string."""
		called = {
			(call.args[0].value, context)
			for path in update.APP.rglob("*.py")
			if path.parent.name != "tests"
			for call, context in translating_calls(path)
			if isinstance(call.args[0], ast.Constant)
		}
		self.assertGreater(len(called), 150)
		missing = called - self.extracted.keys()
		self.assertFalse(missing, f"Take these out of their f-strings.\n{show(missing)}")

	def test_the_extractor_sees_what_scripts_call(self):
		"""It overlooks some calls in template strings."""
		called = {
			(text.replace('\\"', '"'), context or None)
			for path in update.APP.rglob("*.js")
			if "dist" not in path.parts
			for text, context in JS_CALL.findall(path.read_text())
		}
		self.assertGreater(len(called), 150)
		missing = called - self.extracted.keys()
		self.assertFalse(missing, f"Name these in crm_ext/locale/words.py.\n{show(missing)}")

	def test_what_people_choose_from_is_found(self):
		"""Names, labels and options of all DocTypes of the app, whatever the extractor leaves out."""
		words = set()
		for path in update.APP.glob("doctype/*/*.json"):
			doctype = json.loads(path.read_text())
			words.add(doctype["name"])
			for field in doctype["fields"]:
				words.add(field.get("label"))
				if field["fieldtype"] == "Select":
					words |= set((field.get("options") or "").split("\n"))
		missing = {(word, None) for word in words if word} - self.template.keys()
		self.assertFalse(missing, f"Name these in crm_ext/locale/words.py.\n{show(missing)}")

	def test_a_chinese_user_is_served_them(self):
		served = get_translations_from_mo("zh", "crm_ext")
		expected = {
			f"{text}:{context}" if context else text: message.string
			for (text, context), message in self.chinese.items()
			if message.string
		}
		self.assertEqual(served, expected, "Out of date. Run `bench build --app crm_ext`.")
		frappe.local.lang = "zh"
		self.addCleanup(setattr, frappe.local, "lang", "en")
		self.assertEqual(frappe._("Deal Funnel"), "交易漏斗")
		self.assertEqual(frappe._("{0} of {1} documents").format(3, 7), "3/7 份单据")
		self.assertEqual(frappe._("Lead"), self.upstream["Lead"])

	def test_texts_are_not_put_together_before_they_are_translated(self):
		wrong = [
			f"{path.relative_to(update.APP)}:{line}"
			for path in update.APP.rglob("*.py")
			for line in joined_texts(path)
		]
		wrong += [
			str(path.relative_to(update.APP))
			for path in update.APP.rglob("*.js")
			if "dist" not in path.parts and JS_TEMPLATE.search(path.read_text())
		]
		self.assertFalse(wrong, 'Translate first, then fill in: _("... {0}").format(x), __("... {0}", [x])')


def translating_calls(path: Path) -> list[tuple[ast.Call, str | None]]:
	"""Calls of _() with the context they name."""
	calls = [
		node
		for node in ast.walk(ast.parse(path.read_text()))
		if isinstance(node, ast.Call)
		and isinstance(node.func, ast.Name)
		and node.func.id in ("_", "_lt")
		and node.args
	]
	return [
		(
			call,
			next(
				(k.value.value for k in call.keywords if k.arg == "context" and hasattr(k.value, "value")),
				None,
			),
		)
		for call in calls
	]


def joined_texts(path: Path) -> list[int]:
	"""Lines on which _() is given an f-string, a sum, or a text already filled in."""
	return [
		call.lineno
		for call, _context in translating_calls(path)
		if isinstance(call.args[0], ast.JoinedStr | ast.BinOp | ast.Call) and not _is_known_name(call.args[0])
	]


def _is_known_name(node: ast.expr) -> bool:
	"""_(meta.get_label("field")) translates a text the extractor knows from elsewhere."""
	return isinstance(node, ast.Call) and not (
		isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "join", "replace")
	)
