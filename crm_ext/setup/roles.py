"""The app's roles, and their rights on ERPNext's DocTypes while that is switched on. The only writer of both.

Set-based: a handful of statements for all DocTypes. Frappe's own tools copy and check one rule at a time.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable

import frappe
from frappe import _
from frappe.cache_manager import clear_user_cache
from frappe.permissions import rights as RIGHT_NAMES
from frappe.utils import cint, now

from crm_ext.constants.roles import READ_AT_LEVEL_1, RIGHTS, ROLES
from crm_ext.setup.role_rules import NOTHING, Memory, Row, Rows, pack, plan, unpack

DOCPERM, CUSTOM = "DocPerm", "Custom DocPerm"
# Where it is remembered, among Frappe's default values: before the app's own DocTypes are there, and after they went.
_KEPT = "DefaultValue"
_MADE, _PUT = "crm_ext_roles", "crm_ext_role_rights"


# The roles


def make() -> None:
	"""Before our DocTypes, reports and pages are read in, which name the roles. Safe to run again."""
	there = set(frappe.get_all("Role", {"name": ("in", ROLES)}, pluck="name"))
	missing = [role for role in ROLES if role not in there]
	for role in missing:
		frappe.get_doc({"doctype": "Role", "role_name": role, "desk_access": 1}).insert(
			ignore_permissions=True
		)
	if missing:
		_keep(_MADE, {**_kept(_MADE), **dict.fromkeys(missing, 1)})


# Their rights


def follow_settings(settings) -> None:
	"""The settings were saved. Raises nothing that would not concern who saved them."""
	before = settings.get_doc_before_save()
	was = cint(before.get("roles_enabled")) if before else 0
	if cint(settings.get("roles_enabled")) == was:
		return
	apply(bool(cint(settings.roles_enabled)))
	if was:
		_tell_what_stays()


def after_migrate() -> None:
	"""What we declare, or what ERPNext does, may have changed."""
	if cint(frappe.db.get_single_value("CRM Ext Settings", "roles_enabled")):
		apply(True)


def apply(enabled: bool) -> None:
	"""Put our rights on ERPNext's DocTypes, or take them off. Safe to run again: what is right already stays untouched."""
	if enabled:
		make()
	_bring(_wanted() if enabled else {})


def remove_all() -> None:
	"""At uninstall: rights, and the roles we made with whoever had them. A role that was there before us stays, and so
	does one that something the site made still names."""
	made = list(_kept(_MADE))
	_bring({}, gone=made)
	frappe.db.delete("Has Role", {"role": ("in", made)})
	for role in made:
		try:
			frappe.delete_doc("Role", role, ignore_permissions=True, ignore_missing=True)
		except frappe.LinkExistsError:
			print(f"Role {role} stays: documents of this site still name it.")
	frappe.db.delete(_KEPT, {"parent": ("in", (_MADE, _PUT))})


def _wanted() -> dict[str, Rows]:
	"""What we declare, of roles and DocTypes the site has."""
	rows = defaultdict(set)
	for role, rights in RIGHTS.items():
		for doctype, names in rights.items():
			rows[doctype].add(Row(role, 0, 0, " ".join(sorted(names.split()))))
	for role, doctypes in READ_AT_LEVEL_1.items():
		for doctype in doctypes:
			rows[doctype].add(Row(role, 1, 0, "read"))
	doctypes = frappe.get_all("DocType", {"name": ("in", list(rows))}, pluck="name")
	roles = set(frappe.get_all("Role", pluck="name"))
	return {doctype: frozenset(row for row in rows[doctype] if row.role in roles) for doctype in doctypes}


def _bring(wanted: dict[str, Rows], gone: Collection[str] = ()) -> None:
	known = unpack(_kept(_PUT))
	doctypes = {*wanted, *known}
	if gone:
		doctypes.update(frappe.get_all(CUSTOM, {"role": ("in", gone)}, pluck="parent", distinct=True))
	if not doctypes:
		return
	now_there, names = _read(CUSTOM, doctypes)
	standard, _names = _read(DOCPERM, doctypes)
	memories: dict[str, Memory] = {}
	drop: list[str] = []
	add: list[tuple[str, Row]] = []
	touched = set()
	for doctype in sorted(doctypes):
		there = now_there[doctype]
		memory = known.get(doctype, Memory(copies=standard[doctype]) if gone else NOTHING)
		target, memories[doctype] = plan(
			there, standard[doctype], wanted.get(doctype, frozenset()), memory, gone
		)
		if target != there:
			touched.add(doctype)
			drop += [name for row in there - target for name in names[doctype, row]]
			add += [(doctype, row) for row in sorted(target - there)]
	if drop:
		frappe.db.delete(CUSTOM, {"name": ("in", drop)})
	_insert(add)
	_keep(_PUT, pack(memories))
	_forget_caches(touched)


def _read(table: str, doctypes: Iterable[str]) -> tuple[dict[str, Rows], dict[tuple[str, Row], list[str]]]:
	found, names = defaultdict(frozenset), defaultdict(list)
	fields = ["name", "parent", "role", "permlevel", "if_owner", *(f"`{name}`" for name in RIGHT_NAMES)]
	for values in frappe.get_all(table, {"parent": ("in", list(doctypes))}, fields, order_by=None):
		rights = " ".join(sorted(name for name in RIGHT_NAMES if values[name]))
		row = Row(values.role, cint(values.permlevel), cint(values.if_owner), rights)
		found[values.parent] |= {row}
		names[values.parent, row].append(values.name)
	return found, names


def _insert(rows: list[tuple[str, Row]]) -> None:
	"""As Frappe's `copy_perms` would, one statement for all."""
	if not rows:
		return
	fields = [
		"name",
		"creation",
		"modified",
		"owner",
		"modified_by",
		"parent",
		"role",
		"permlevel",
		"if_owner",
	]
	stamp, user = now(), frappe.session.user
	frappe.db.bulk_insert(
		CUSTOM,
		[*fields, *RIGHT_NAMES],
		[
			(
				frappe.generate_hash(length=10),
				stamp,
				stamp,
				user,
				user,
				doctype,
				row.role,
				row.permlevel,
				row.if_owner,
				*(int(name in row.rights.split()) for name in RIGHT_NAMES),
			)
			for doctype, row in rows
		],
	)


def _forget_caches(doctypes: Collection[str]) -> None:
	"""Now, for who goes on in this transaction, and when others can see it."""
	if not doctypes:
		return

	def clear() -> None:
		for doctype in doctypes:
			frappe.clear_cache(doctype=doctype)
		clear_user_cache()

	clear()
	frappe.db.after_commit.add(clear)


def _tell_what_stays() -> None:
	"""Rights of our roles that an administrator gave or changed are not ours to take."""
	ours = frappe.get_all("DocType", {"module": "CRM Ext"}, pluck="name")
	rows = frappe.get_all(
		CUSTOM,
		{"role": ("in", ROLES), "parent": ("not in", ours)},
		["role", "parent"],
		distinct=True,
		order_by="role, parent",
	)
	if rows:
		frappe.msgprint(
			_("These rights were given or changed by hand and stay: {0}").format(
				", ".join(f"{_(row.role)}: {_(row.parent)}" for row in rows)
			)
		)


# What is remembered


def _kept(what: str) -> dict:
	rows = frappe.get_all(_KEPT, {"parent": what}, ["defkey", "defvalue"], order_by="defkey")
	return {row.defkey: json.loads(row.defvalue) for row in rows}


def _keep(what: str, values: dict) -> None:
	"""Each value in a row of its own: the text of all would be too long for one."""
	if values == _kept(what):
		return
	frappe.db.delete(_KEPT, {"parent": what})
	fields = ["name", "parent", "parenttype", "parentfield", "defkey", "defvalue"]
	rows = [
		(frappe.generate_hash(length=10), what, "__default", "system_defaults", key, json.dumps(value))
		for key, value in values.items()
	]
	if rows:
		frappe.db.bulk_insert(_KEPT, fields, rows)
