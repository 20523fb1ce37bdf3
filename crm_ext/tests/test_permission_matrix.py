"""Roles by DocTypes by channels: nothing shows a record its viewer may not see. Generated, also over every endpoint."""

import importlib
import inspect
import pkgutil

import frappe
from frappe.desk import reportview
from frappe.desk.search import search_link
from frappe.utils import nowdate
from frappe.www import printview

import crm_ext.api
from crm_ext.api import connections
from crm_ext.api import search as our_search
from crm_ext.constants.visibility import BRANCH, COVERED, OWN, OWN_AND_BELOW
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase
from crm_ext.tests.visibility import (
	BOSS,
	NORTH,
	NORTH_2,
	PEOPLE,
	SOUTH,
	Sellers,
	follow_up,
	names_of,
	switch_on,
)

ACCOUNTANT, NOBODY = "ta-vis-accounts@example.com", "ta-vis-nobody@example.com"
# Whose records each viewer sees with each scope.
SEEN = {
	OWN: {BOSS: {BOSS}, NORTH: {NORTH}, SOUTH: {SOUTH}},
	OWN_AND_BELOW: {BOSS: {BOSS, NORTH, NORTH_2, SOUTH}, NORTH: {NORTH}, SOUTH: {SOUTH}},
	BRANCH: {BOSS: {BOSS, NORTH, NORTH_2, SOUTH}, NORTH: {NORTH, NORTH_2}, SOUTH: {SOUTH}},
}
# An accountant keeps what ERPNext's roles give.
OPEN_TO_ACCOUNTANT = {"Customer", "Sales Order", "Deal", "Delivery Note"}
# What follows customer and deal is tried in each channel, too.
TRIED = (*COVERED, "Delivery Note")


class TestMatrix(Sellers, SiteTestCase):
	def setUp(self):
		super().setUp()
		f.make_user(ACCOUNTANT, "Accounts User")
		f.make_user(NOBODY)
		self.common = f.make_customer(account_manager=None)
		# Everybody may open the customer all of them sell to.
		frappe.share.add("Customer", self.common.name, everyone=1)
		for doctype, field in (
			("Opportunity", "party_name"),
			("Quotation", "party_name"),
			("Sales Order", "customer"),
			("Deal", "customer"),
		):
			values = {field: self.common.name}
			if doctype == "Quotation":
				values["quotation_to"] = "Customer"
			if doctype == "Opportunity":
				values["opportunity_from"] = "Customer"
			frappe.db.set_value(doctype, {"name": ("in", list(self.made[doctype]))}, values)
		self.elsewhere: set[str] = set()
		for user in PEOPLE:
			self.make_imported(user)
		self.made["Follow Up"] = {
			follow_up(frappe.get_doc("Lead", name), user): user for name, user in self.made["Lead"].items()
		}

	def make_imported(self, user: str) -> None:
		"""A customer that nobody holds: the user has a deal with it, to which one of two deliveries belongs."""
		imported = self._add_row(user, "Customer")
		deal = self._add_row(user, "Deal", owner_user=user, customer=imported)
		self.elsewhere.add(deal)
		self._add_row(user, "Delivery Note", customer=imported, deal=deal)
		self._add_row(None, "Delivery Note", customer=imported)

	def may_see(self, viewer: str, doctype: str, scope: str) -> set[str]:
		if viewer == ACCOUNTANT:
			return set(self.made[doctype]) if doctype in OPEN_TO_ACCOUNTANT else set()
		holders = SEEN[scope].get(viewer, set())
		return {name for name, holder in self.made[doctype].items() if holder in holders}

	def test_no_channel_shows_what_the_list_hides(self):
		for scope in SEEN:
			switch_on(scope)
			for viewer in (BOSS, NORTH, SOUTH, ACCOUNTANT, NOBODY):
				for doctype in TRIED:
					expected = self.may_see(viewer, doctype, scope)
					frappe.set_user(viewer)
					for channel in CHANNELS:
						with self.subTest(
							scope=scope, viewer=viewer, doctype=doctype, channel=channel.__name__
						):
							self._check(channel, viewer, doctype, expected)
					frappe.set_user("Administrator")

	def _check(self, channel, viewer: str, doctype: str, expected: set[str]) -> None:
		own = sorted(self.made[doctype])
		try:
			found = channel(doctype, own)
		except frappe.PermissionError:
			# The role gives no right to the whole channel.
			self.assertFalse(expected and channel in MUST_SHOW, (channel.__name__, viewer, doctype))
			return
		self.assertLessEqual(found, expected, (channel.__name__, viewer, doctype))
		if channel in MUST_SHOW:
			self.assertEqual(found, expected, (channel.__name__, viewer, doctype))

	def test_connections_count_what_the_viewer_sees(self):
		for scope in SEEN:
			switch_on(scope)
			for viewer in (BOSS, NORTH, SOUTH):
				frappe.set_user(viewer)
				answer = connections.get_open_count("Customer", self.common.name)["count"]
				counts = {row["doctype"]: row["count"] for row in answer["external_links_found"]}
				for doctype in ("Opportunity", "Quotation", "Sales Order", "Deal"):
					expected = self.may_see(viewer, doctype, scope) - self.elsewhere
					self.assertEqual(counts[doctype], len(expected), (scope, viewer, doctype))
				frappe.set_user("Administrator")

	def test_no_endpoint_shows_it_either(self):
		"""Each endpoint with the documents of somebody else, by the names of its parameters."""
		switch_on(OWN)
		foreign = {
			name
			for doctype, made in self.made.items()
			for name in set(made) - self.may_see(NORTH, doctype, OWN)
		}
		given = {
			doctype: next(n for n, u in made.items() if u == SOUTH) for doctype, made in self.made.items()
		}
		for method in endpoints():
			if f"{method.__module__}.{method.__name__}" in FOR_GUESTS:
				continue
			for arguments in calls(method, given):
				with self.subTest(method=f"{method.__module__}.{method.__name__}", arguments=arguments):
					answer = self._call(method, arguments, NORTH)
					shown = [name for name in foreign if f'"{name}"' in answer]
					self.assertEqual(shown, [], (method.__module__, method.__name__, arguments, answer[:500]))

	def test_endpoints_refuse_guests_and_people_without_roles(self):
		given = {doctype: next(iter(made)) for doctype, made in self.made.items()}
		names = {name for made in self.made.values() for name in made}
		for method in endpoints():
			path = f"{method.__module__}.{method.__name__}"
			with self.subTest(method=path):
				# Frappe's handler refuses guests whatever is not in this list.
				self.assertEqual(method in frappe.guest_methods, path in FOR_GUESTS)
			if path in FOR_GUESTS or path in FOR_EVERYBODY:
				continue
			for arguments in calls(method, given):
				with self.subTest(method=path, arguments=arguments, user=NOBODY):
					answer = self._call(method, arguments, NOBODY)
					self.assertIn(answer, NOTHING)
					self.assertEqual([name for name in names if f'"{name}"' in answer], [])

	def _call(self, method, arguments: dict, user: str) -> str:
		"""What the user is told, as JSON; nothing where the method refuses."""
		frappe.db.savepoint("endpoint")
		frappe.set_user(user)
		try:
			return frappe.as_json(method(**arguments), indent=None)
		except (frappe.PermissionError, frappe.ValidationError, ValueError):
			# Refused, or not what the endpoint takes: then it tells nothing.
			return "null"
		except IndexError as error:
			# Frappe stumbles over its own refusal to count the connections of a document.
			if not isinstance(error.__context__, frappe.PermissionError):
				raise
			return "null"
		finally:
			frappe.set_user("Administrator")
			frappe.db.rollback(save_point="endpoint")

	def test_global_search_leaves_out_what_is_hidden(self):
		switch_on(OWN)
		frappe.set_user(NORTH)
		rows = [frappe._dict(doctype="Lead", name=name) for name in self.made["Lead"]]
		self.assertEqual({row.name for row in our_search.visible(rows)}, self.may_see(NORTH, "Lead", OWN))
		self.assertEqual(
			frappe.get_hooks("override_whitelisted_methods")["frappe.utils.global_search.search"],
			["crm_ext.api.search.search"],
		)


# Channels: each returns those of the names it shows to the session's user


def get_list(doctype: str, names: list[str]) -> set[str]:
	return set(names_of(frappe.session.user, doctype, names))


def client_get_list(doctype: str, names: list[str]) -> set[str]:
	rows = frappe.client.get_list(doctype, filters={"name": ("in", names)}, limit_page_length=100)
	return {row.name for row in rows}


def get_doc(doctype: str, names: list[str]) -> set[str]:
	return {name for name in names if _allowed(frappe.client.get, doctype, name)}


def get_value(doctype: str, names: list[str]) -> set[str]:
	return {name for name in names if frappe.client.get_value(doctype, "name", {"name": name})}


def validate_link(doctype: str, names: list[str]) -> set[str]:
	frappe.has_permission(doctype, "read", throw=True)
	return {name for name in names if frappe.has_permission(doctype, "select", doc=name)} & set(names)


def report_view(doctype: str, names: list[str]) -> set[str]:
	_ask(doctype, names)
	found = reportview.get()
	return {row[0] for row in found["values"]} if found else set()


def count(doctype: str, names: list[str]) -> set[str]:
	_ask(doctype, names)
	return _as_many(doctype, names, reportview.get_count())


def export(doctype: str, names: list[str]) -> set[str]:
	_ask(doctype, names, file_format_type="CSV", title=doctype)
	frappe.local.response = frappe._dict()
	reportview.export_query()
	content = frappe.local.response.get("filecontent") or frappe.local.response.get("result") or ""
	text = content.decode() if isinstance(content, bytes) else str(content)
	return {name for name in names if name in text}


def link_field(doctype: str, names: list[str]) -> set[str]:
	frappe.local.form_dict = frappe._dict()
	found = set()
	for name in names:
		found |= {row["value"] for row in search_link(doctype, name, page_length=50)}
	return found & set(names)


def print_view(doctype: str, names: list[str]) -> set[str]:
	return {
		name
		for name in names
		if _allowed(
			lambda doctype, name: printview.validate_print_permission(frappe.get_doc(doctype, name)),
			doctype,
			name,
		)
	}


def form_load(doctype: str, names: list[str]) -> set[str]:
	from frappe.desk.form.load import getdoc

	def load(doctype: str, name: str) -> None:
		frappe.local.response = frappe._dict(docs=[])
		getdoc(doctype, name)

	return {name for name in names if _allowed(load, doctype, name)}


def _allowed(work, doctype: str, name: str) -> bool:
	try:
		work(doctype, name)
	except frappe.PermissionError:
		return False
	return True


def _as_many(doctype: str, names: list[str], number: int) -> set[str]:
	"""A count says nothing about names: where it is the list's, the list; else all, which then fails."""
	listed = names_of(frappe.session.user, doctype, names)
	return listed if number == len(listed) else set(names)


def _ask(doctype: str, names: list[str], **more) -> None:
	frappe.local.form_dict = frappe._dict(
		doctype=doctype,
		fields=frappe.as_json([f"`tab{doctype}`.`name`"]),
		filters=frappe.as_json([[doctype, "name", "in", names]]),
		page_length=100,
		start=0,
		**more,
	)


CHANNELS = (
	get_list,
	client_get_list,
	get_doc,
	get_value,
	validate_link,
	report_view,
	count,
	export,
	link_field,
	print_view,
	form_load,
)
MUST_SHOW = (get_list, client_get_list, get_doc, report_view, form_load)


# Endpoints


FOR_GUESTS = {"crm_ext.api.preferences.unsubscribe"}
# One's own, whoever one is.
FOR_EVERYBODY = {"crm_ext.api.preferences.get_mine", "crm_ext.api.preferences.set_mine"}
NOTHING = ("null", "[]", "{}")


def endpoints() -> list:
	for module in pkgutil.iter_modules(crm_ext.api.__path__):
		importlib.import_module(f"crm_ext.api.{module.name}")
	return sorted(
		(method for method in frappe.whitelisted if method.__module__.startswith("crm_ext.")),
		key=lambda method: (method.__module__, method.__name__),
	)


def calls(method, given: dict[str, str]) -> list[dict]:
	"""Arguments for the method: for each DocType a document may be of, one of `given`."""
	parameters = inspect.signature(method).parameters
	plain = {
		name: _value(name, given, str(one.annotation))
		for name, one in parameters.items()
		if one.default is one.empty
	}
	if {"doctype", "name"} <= parameters.keys():
		return [{**plain, "doctype": doctype, "name": name} for doctype, name in given.items()]
	return [plain]


def _value(parameter: str, given: dict[str, str], annotation: str):
	if annotation in ("<class 'int'>", "<class 'float'>"):
		return 1
	return {
		"customer": given["Customer"],
		"deal": given["Deal"],
		"order": given["Sales Order"],
		"orders": [given["Sales Order"]],
		"sales_order": given["Sales Order"],
		"quotation": given["Quotation"],
		"follow_up": given["Follow Up"],
		"name": given["Follow Up"],
		"names": [given["Follow Up"]],
		"company": f.COMPANY,
		"filters": {"company": f.COMPANY},
		"items": [f.ITEM],
		"rows": ["1"],
		"rule": {"document_type": "Lead", "title": "1"},
		"settings": {},
		"values": {"channel": "Call", "subject": "Call", "due_date": nowdate()},
		"text": "VIS",
		"start": nowdate(),
		"end": nowdate(),
		"due_date": nowdate(),
		"moment": f"{nowdate()} 09:00:00",
	}.get(parameter, "1")
