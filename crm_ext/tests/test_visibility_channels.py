"""Ways round the lists of what is narrowed: what hangs on hidden documents, and methods of Frappe and ERPNext that ask for
no permission. `test_permission_matrix` has the documents themselves.
"""

import frappe
from frappe.contacts.doctype.contact.contact import contact_query
from frappe.desk.search import search_link
from frappe.utils import add_days, now_datetime, nowdate

from crm_ext import permissions, permissions_of_links
from crm_ext.api import follow_ups
from crm_ext.api import search as our_search
from crm_ext.constants.visibility import OWN, OWN_AND_BELOW
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase
from crm_ext.tests.visibility import BOSS, NORTH, SOUTH, Sellers, follow_up, names_of, switch_on

ACCOUNTANT = "ta-vis-accounts@example.com"
HUNG_ON = ("Lead", "Prospect", "Customer", "Opportunity", "Quotation", "Sales Order", "Deal")


def switch_off() -> None:
	frappe.db.set_single_value("CRM Ext Settings", "visibility_enabled", 0)
	frappe.clear_document_cache("CRM Ext Settings", "CRM Ext Settings")


class Channels(Sellers, SiteTestCase):
	def setUp(self):
		super().setUp()
		switch_off()
		f.make_user(ACCOUNTANT, "Accounts User")

	def of(self, user: str, doctype: str) -> str:
		return next(name for name, holder in self.made[doctype].items() if holder == user)

	def linked(self, doctype: str, *links: tuple[str, str], **values) -> str:
		"""A Contact or an Address, as somebody else made it."""
		named = {"first_name": f.unique("Person")}
		if doctype == "Address":
			named = {
				"address_title": f.unique("Place"),
				"address_line1": "1",
				"city": "A",
				"country": "Germany",
			}
		doc = frappe.get_doc(
			{
				"doctype": doctype,
				**named,
				**values,
				"links": [{"link_doctype": target, "link_name": name} for target, name in links],
			}
		)
		# Without looking whether what it is linked to is complete.
		doc.flags.ignore_links = doc.flags.ignore_validate = True
		return doc.insert().name


class TestWhatHangsOnThem(Channels):
	def assert_seen(self, user: str, doctype: str, among: dict[str, bool]) -> None:
		"""By list, by document and by link field; `among`: name -> whether the user sees it."""
		expected = {name for name, seen in among.items() if seen}
		self.assertEqual(names_of(user, doctype, among), expected, (user, doctype))
		frappe.set_user(user)
		opened = {name for name in among if frappe.has_permission(doctype, "read", doc=name)}
		frappe.local.form_dict = frappe._dict()
		found = {row["value"] for name in among for row in search_link(doctype, name, page_length=50)}
		frappe.set_user("Administrator")
		self.assertEqual(opened, expected, (user, doctype))
		self.assertEqual(found & set(among), expected, (user, doctype))

	def test_contacts_and_addresses_are_seen_by_who_sees_one_of_theirs(self):
		for doctype in ("Contact", "Address"):
			souths = [
				self.linked(doctype, (target, self.of(SOUTH, target)))
				for target in ("Lead", "Prospect", "Customer", "Opportunity")
			]
			norths = self.linked(doctype, ("Lead", self.of(NORTH, "Lead")))
			of_both = self.linked(
				doctype, ("Customer", self.of(SOUTH, "Customer")), ("Lead", self.of(NORTH, "Lead"))
			)
			# A supplier's, a company's and nobody's are as they were.
			others = [
				self.linked(doctype, ("Supplier", f.ensure_supplier())),
				self.linked(doctype, ("Company", f.COMPANY)),
				self.linked(doctype),
			]
			every = [*souths, norths, of_both, *others]
			self.assert_seen(NORTH, doctype, dict.fromkeys(every, True))
			switch_on(OWN_AND_BELOW)
			free = dict.fromkeys([norths, of_both, *others], True)
			self.assert_seen(NORTH, doctype, {**dict.fromkeys(souths, False), **free})
			self.assert_seen(SOUTH, doctype, {**dict.fromkeys(every, True), norths: False})
			self.assert_seen(BOSS, doctype, dict.fromkeys(every, True))
			self.assert_seen(ACCOUNTANT, doctype, dict.fromkeys(every, True))
			frappe.share.add(doctype, souths[0], NORTH)
			self.assert_seen(NORTH, doctype, {souths[0]: True, souths[1]: False})
			switch_off()

	def test_nobody_takes_a_contact_by_linking_it_to_a_lead_of_his_own(self):
		switch_on(OWN)
		name = self.linked("Contact", ("Lead", self.of(SOUTH, "Lead")))
		frappe.set_user(NORTH)
		contact = frappe.get_doc("Contact", name)
		contact.append("links", {"link_doctype": "Lead", "link_name": self.of(NORTH, "Lead")})
		with self.assertRaises(frappe.PermissionError):
			contact.save()

	def test_the_contacts_of_a_form_and_of_its_link_fields(self):
		switch_on(OWN)
		name = self.linked("Contact", ("Customer", self.of(SOUTH, "Customer")))
		filters = {"link_doctype": "Customer", "link_name": self.of(SOUTH, "Customer")}
		for user, expected in ((SOUTH, [name]), (NORTH, [])):
			frappe.set_user(user)
			found = contact_query("Contact", "", "name", 0, 20, dict(filters))
			self.assertEqual([row[0] for row in found], expected)

	def test_a_salesperson_goes_on_making_contacts(self):
		switch_on(OWN)
		frappe.set_user(NORTH)
		lead = f.make_lead(lead_owner=NORTH, email_id=f"{frappe.generate_hash(length=8)}@example.com")
		customer = f.make_customer(account_manager=NORTH, lead_name=lead.name)
		contact = frappe.db.get_value(
			"Dynamic Link", {"link_doctype": "Lead", "link_name": lead.name}, "parent"
		)
		self.assertEqual(names_of(NORTH, "Contact", [contact]), {contact})
		# ERPNext hands the lead's contact on to its customer.
		self.assertTrue(
			frappe.db.exists(
				"Dynamic Link", {"parent": contact, "link_doctype": "Customer", "link_name": customer.name}
			)
		)
		self.assertEqual(names_of(SOUTH, "Contact", [contact]), set())

	def test_files_and_tags_are_listed_to_who_sees_the_document(self):
		made = {"File": {}, "Tag Link": {}}
		for doctype in HUNG_ON:
			for user in (NORTH, SOUTH):
				name = self.of(user, doctype)
				made["File"][self.attach(doctype, name)] = user
				made["Tag Link"][self.tag(doctype, name)] = user
		for hanging, names in made.items():
			self.assertEqual(names_of(NORTH, hanging, names), set(names), hanging)
		switch_on(OWN)
		for hanging, names in made.items():
			for user in (NORTH, SOUTH):
				expected = {name for name, holder in names.items() if holder == user}
				self.assertEqual(names_of(user, hanging, names), expected, (hanging, user))
		# One's own upload stays.
		mine = self.attach("Lead", self.of(SOUTH, "Lead"))
		frappe.db.set_value("File", mine, "owner", NORTH)
		self.assertEqual(names_of(NORTH, "File", [mine]), {mine})

	def attach(self, doctype: str, name: str) -> str:
		row = {"file_name": f.unique("file"), "attached_to_doctype": doctype, "attached_to_name": name}
		doc = frappe.get_doc({"doctype": "File", "name": f.unique("VIS"), "is_private": 1, **row})
		doc.db_insert()
		return doc.name

	def tag(self, doctype: str, name: str) -> str:
		row = {"document_type": doctype, "document_name": name, "tag": "VIS"}
		doc = frappe.get_doc({"doctype": "Tag Link", "name": f.unique("VIS"), **row})
		doc.db_insert()
		return doc.name

	def test_off_they_add_no_condition_and_no_query(self):
		from crm_ext import permissions_of_links as links

		frappe.get_cached_doc("CRM Ext Settings")
		# As the list itself does.
		frappe.get_meta("Sales Order Item")
		with self.assertQueryCount(0):
			for doctype in ("Contact", "Address"):
				self.assertEqual(links.linked_conditions(NORTH, doctype), "")
			for doctype in ("File", "Tag Link"):
				self.assertEqual(links.attached_conditions(NORTH, doctype), "")
			self.assertEqual(links.row_conditions(NORTH, "Sales Order Item"), "")
			self.assertFalse(links.is_hidden("Lead", self.of(SOUTH, "Lead"), NORTH))

	def test_rows_of_tables_are_listed_to_who_sees_the_document(self):
		rows = {}
		for doctype, table in (("Sales Order", "Sales Order Item"), ("Quotation", "Quotation Item")):
			for user in (NORTH, SOUTH):
				row = {"parenttype": doctype, "parentfield": "items", "parent": self.of(user, doctype)}
				doc = frappe.get_doc({"doctype": table, "item_code": f.ITEM, "name": f.unique("VIS"), **row})
				doc.db_insert()
				rows.setdefault((doctype, table), {})[doc.name] = user
		contacts = {self.linked("Contact", ("Lead", self.of(user, "Lead"))): user for user in (NORTH, SOUTH)}
		rows["Contact", "Dynamic Link"] = {
			frappe.db.get_value("Dynamic Link", {"parent": name}): user for name, user in contacts.items()
		}

		def listed(user: str, parent: str, table: str, names) -> set[str]:
			frappe.set_user(user)
			found = frappe.client.get_list(
				table, filters={"name": ("in", list(names))}, parent=parent, limit_page_length=0
			)
			frappe.set_user("Administrator")
			return {row.name for row in found}

		for (parent, table), names in rows.items():
			self.assertEqual(listed(NORTH, parent, table, names), set(names), table)
		switch_on(OWN)
		for (parent, table), names in rows.items():
			for user in (NORTH, SOUTH):
				expected = {name for name, holder in names.items() if holder == user}
				self.assertEqual(listed(user, parent, table, names), expected, (table, user))
		# Rows of what is nobody's are as they were.
		frappe.set_user(NORTH)
		self.assertTrue(frappe.client.get_list("UOM Conversion Detail", parent="Item"))

	def test_what_a_report_told_others_stays_theirs(self):
		made = {}
		for user in (NORTH, SOUTH):
			f.make_user(user, "Prepared Report User")
			values = {"report_name": "Deal Aging", "name": f.unique("VIS")}
			doc = frappe.get_doc({"doctype": "Prepared Report", **values})
			doc.db_insert()
			frappe.db.set_value("Prepared Report", doc.name, "owner", user)
			made[doc.name] = user
		self.assert_read(NORTH, "Prepared Report", made, set(made))
		switch_on(OWN)
		for user in (NORTH, SOUTH):
			expected = {name for name, holder in made.items() if holder == user}
			self.assert_read(user, "Prepared Report", made, expected)

	def test_lists_are_not_read_as_single_documents_are(self):
		"""Slowly, on a page that is many lists."""
		switch_on(OWN)
		frappe.set_user(NORTH)
		with permissions.asked_once():
			of_one = dict(permissions_of_links._conditions(NORTH, ("Contact", "Deal")))["Deal"]
			self.assertNotIn("crm_ext_seen", of_one)
			self.assertIn("crm_ext_seen", permissions.list_conditions("Deal"))

	def test_what_others_forbid_stays_forbidden(self):
		"""Whoever made it themselves does not read a report that is no longer theirs to run, as Frappe says."""
		f.make_user(NORTH, "Prepared Report User")
		values = {"report_name": "Accounts Receivable", "name": f.unique("VIS"), "owner": NORTH}
		doc = frappe.get_doc({"doctype": "Prepared Report", **values})
		doc.db_insert()
		frappe.db.set_value("Prepared Report", doc.name, "owner", NORTH)
		for on in (False, True):
			if on:
				switch_on(OWN)
			frappe.set_user(NORTH)
			with self.subTest(on=on):
				self.assertFalse(frappe.has_permission("Prepared Report", "read", doc=doc.name))
			frappe.set_user("Administrator")

	def assert_read(self, user: str, doctype: str, among, expected: set[str]) -> None:
		self.assertEqual(names_of(user, doctype, among), expected)
		frappe.set_user(user)
		opened = {name for name in among if frappe.has_permission(doctype, "read", doc=name)}
		frappe.set_user("Administrator")
		self.assertEqual(opened, expected)

	def test_nobody_follows_what_he_may_not_read(self):
		switch_on(OWN)
		for holder in (NORTH, SOUTH):
			values = {"ref_doctype": "Lead", "ref_docname": self.of(holder, "Lead"), "user": NORTH}
			frappe.get_doc({"doctype": "Document Follow", **values}).insert(ignore_permissions=True)
			self.assertEqual(bool(frappe.db.exists("Document Follow", values)), holder == NORTH)

	def test_who_follows_what_he_enters_still_enters_for_others_and_hands_over(self):
		wanted = {"document_follow_notify": 1, "follow_created_documents": 1}
		frappe.db.set_value("User", NORTH, wanted)
		frappe.clear_document_cache("User", NORTH)
		self.addCleanup(frappe.clear_document_cache, "User", NORTH)
		switch_on(OWN)
		frappe.set_user(NORTH)
		entered = {holder: f.make_customer(account_manager=holder) for holder in (NORTH, SOUTH)}
		of_north = {"ref_doctype": "Customer", "user": NORTH}
		followed = frappe.get_all("Document Follow", of_north, pluck="ref_docname")
		self.assertEqual(followed, [entered[NORTH].name])
		frappe.db.delete("Document Follow", of_north)
		entered[NORTH].account_manager = SOUTH
		entered[NORTH].save()
		self.assertFalse(frappe.get_all("Document Follow", of_north))
		self.assertEqual(frappe.db.get_value("Customer", entered[NORTH].name, "account_manager"), SOUTH)

	def test_methods_that_list_are_as_they_were_while_nothing_is_hidden(self):
		names = set(self.made["Lead"])
		some = self.of(NORTH, "Lead")
		frappe.get_doc(
			{"doctype": "User Permission", "user": NORTH, "allow": "Lead", "for_value": some}
		).insert()
		for user in (NORTH, SOUTH):
			frappe.set_user(user)
			self.assertEqual(our_search.readable_names("Lead", names), names)
			frappe.set_user("Administrator")
		switch_on(OWN)
		for user in (NORTH, SOUTH):
			frappe.set_user(user)
			self.assertEqual(our_search.readable_names("Lead", names), {self.of(user, "Lead")})
			frappe.set_user("Administrator")

	def test_global_search_leaves_out_what_tells_of_them(self):
		todo = frappe.get_doc(
			{"doctype": "ToDo", "description": "Visit them", "allocated_to": SOUTH, "name": f.unique("VIS")}
		)
		todo.db_insert()
		contact = self.linked("Contact", ("Lead", self.of(SOUTH, "Lead")))
		found = [frappe._dict(doctype="ToDo", name=todo.name), frappe._dict(doctype="Contact", name=contact)]
		frappe.set_user(NORTH)
		self.assertEqual(our_search.visible(found), found)
		frappe.set_user("Administrator")
		switch_on(OWN)
		frappe.set_user(NORTH)
		self.assertEqual(our_search.visible(found), [])
		frappe.set_user(SOUTH)
		self.assertEqual(our_search.visible(found), found)


class TestMethodsThatAskNobody(Channels):
	def call(self, path: str, **arguments):
		"""As the browser does, hooks included."""
		return frappe.call(frappe.get_attr(frappe.override_whitelisted_method(path)), **arguments)

	def test_they_refuse_what_is_hidden_and_answer_the_rest(self):
		calls = [
			("erpnext.crm.doctype.lead.lead.get_lead_details", {"lead": "Lead"}, {"company": f.COMPANY}),
			*(
				("erpnext.crm.utils.get_open_activities", {"ref_docname": doctype}, {"ref_doctype": doctype})
				for doctype in ("Lead", "Opportunity", "Prospect")
			),
			(
				"erpnext.accounts.utils.get_balance_on",
				{"party": "Customer"},
				{"party_type": "Customer", "company": f.COMPANY, "ignore_account_permission": True},
			),
			("erpnext.crm.doctype.utils.get_last_interaction", {"lead": "Lead"}, {}),
			("erpnext.crm.doctype.prospect.prospect.get_opportunities", {"prospect": "Prospect"}, {}),
			(
				"erpnext.accounts.doctype.journal_entry.journal_entry.get_payment_entry_against_order",
				{"dn": "Sales Order"},
				{"dt": "Sales Order"},
			),
			(
				"erpnext.manufacturing.doctype.production_plan.production_plan.get_so_details",
				{"sales_order": "Sales Order"},
				{},
			),
			(
				"erpnext.stock.doctype.shipment.shipment.get_contact_name",
				{"docname": "Lead"},
				{"ref_doctype": "Lead"},
			),
			(
				"erpnext.stock.doctype.shipment.shipment.get_address_name",
				{"docname": "Customer"},
				{"ref_doctype": "Customer"},
			),
			(
				"erpnext.stock.doctype.delivery_trip.delivery_trip.get_contact_and_address",
				{"name": "Customer"},
				{},
			),
			(
				"frappe.contacts.doctype.address.address.get_default_address",
				{"name": "Customer"},
				{"doctype": "Customer"},
			),
		]
		for path, named, more in calls:
			for on in (False, True):
				if on:
					switch_on(OWN)
				for holder in (NORTH, SOUTH):
					arguments = {key: self.of(holder, doctype) for key, doctype in named.items()} | more
					frappe.set_user(NORTH)
					with self.subTest(path=path, arguments=arguments, on=on):
						if on and holder == SOUTH:
							with self.assertRaises(frappe.PermissionError):
								self.call(path, **arguments)
						else:
							# What they answer, or miss in these bare rows, is theirs.
							try:
								self.call(path, **arguments)
							except frappe.PermissionError:
								raise
							except Exception:
								pass
					frappe.set_user("Administrator")
			switch_off()

	def test_every_override_leads_to_a_method_that_may_be_called(self):
		for path, ours in frappe.get_hooks("override_whitelisted_methods").items():
			if ours[-1].startswith("crm_ext."):
				method, original = frappe.get_attr(ours[-1]), frappe.get_attr(path)
				self.assertIn(method, frappe.whitelisted, path)
				self.assertIn(original, frappe.whitelisted, path)
				self.assertEqual(
					frappe.allowed_http_methods_for_whitelisted_func[method],
					frappe.allowed_http_methods_for_whitelisted_func[original],
				)

	def test_a_method_another_version_lacks_leaves_the_others(self):
		from crm_ext.api import guarded

		for path in ("erpnext.accounts.utils.get_what_is_not_there", "erpnext.not_there.get_balance_on"):
			self.assertIsNone(guarded._asking(path, party="Customer"))

	def test_the_title_of_a_link_is_its_name_where_it_is_hidden(self):
		titles = {}
		for user in (NORTH, SOUTH):
			deal = self.of(user, "Deal")
			frappe.db.set_value("Deal", deal, "party_name", f"Firm of {user}")
			titles["Deal", deal] = (user, f"Firm of {user}")
			planned = follow_up(frappe.get_doc("Lead", self.of(user, "Lead")), user)
			titles["Follow Up", planned] = (user, "Call")
		switch_on(OWN)
		frappe.set_user(NORTH)
		for (doctype, name), (holder, title) in titles.items():
			told = self.call("frappe.desk.search.get_link_title", doctype=doctype, docname=name)
			self.assertEqual(told, title if holder == NORTH else name)

	def test_tagged_documents(self):
		for user in (NORTH, SOUTH):
			frappe.db.set_value("Lead", self.of(user, "Lead"), "_user_tags", ",VIS")
		switch_on(OWN)
		frappe.set_user(NORTH)
		told = self.call("frappe.desk.doctype.tag.tag.get_tagged_docs", doctype="Lead", tag="%VIS%")
		self.assertEqual([name for (name,) in told if name in self.made["Lead"]], [self.of(NORTH, "Lead")])

	def test_the_calendar_of_orders(self):
		day = add_days(nowdate(), 3)
		orders = {}
		for user in (NORTH, SOUTH):
			order = f.make_sales_order(sales_team=[])
			frappe.db.set_value("Sales Order", order.name, {"owner": user, "deal": None})
			frappe.db.set_value("Sales Order Item", {"parent": order.name}, "delivery_date", day)
			frappe.db.delete("Sales Team", {"parent": order.name})
			orders[order.name] = user
		switch_on(OWN)
		path = "erpnext.selling.doctype.sales_order.sales_order.get_events"
		for user in (NORTH, SOUTH):
			frappe.set_user(user)
			told = {row.name for row in self.call(path, start=day, end=day)}
			self.assertEqual(told & set(orders), {name for name, holder in orders.items() if holder == user})

	def test_nobody_makes_documents_about_what_he_may_not_read(self):
		"""They would copy its name, phone and mail."""
		# Who may make prospects, too.
		f.make_user(NORTH, "Sales Manager")
		leads = {user: f.make_lead(lead_owner=user) for user in (NORTH, SOUTH)}
		frappe.set_user(SOUTH)
		held = f.make_opportunity(leads[SOUTH])
		frappe.set_user("Administrator")
		held.db_set("opportunity_owner", NORTH)
		switch_on(OWN)
		frappe.set_user(NORTH)
		for make in (
			f.make_opportunity,
			f.make_quotation,
			lambda lead: f.make_prospect([lead]),
			lambda lead: f.make_customer(lead_name=lead.name),
			self.meet,
		):
			self.assertTrue(make(leads[NORTH]).name)
			with self.assertRaises(frappe.PermissionError):
				make(leads[SOUTH])
		# Who was given the opportunity quotes, whoever has its lead; and saves what was handed on meanwhile.
		self.assertEqual(f.make_quotation(held).party_name, leads[SOUTH].name)
		frappe.get_doc("Opportunity", held.name).update({"title": "Renamed"}).save()

	def test_who_sees_a_cancelled_quotation_offers_it_once_more(self):
		quotation = f.make_quotation(f.make_lead(lead_owner=SOUTH))
		quotation.cancel()
		amended = [frappe.copy_doc(quotation) for _user in (NORTH, SOUTH)]
		for doc in amended:
			doc.update({"amended_from": quotation.name, "deal": None, "docstatus": 0})
		switch_on(OWN)
		frappe.db.set_value("Quotation", quotation.name, "deal", self.of(SOUTH, "Deal"))
		frappe.set_user(NORTH)
		self.assertRaises(frappe.PermissionError, amended[0].insert)
		# He has the deal, somebody else the lead.
		frappe.db.set_value("Quotation", quotation.name, "deal", self.of(NORTH, "Deal"))
		self.assertTrue(amended[1].insert().name)

	def meet(self, lead):
		row = {"reference_doctype": "Lead", "reference_docname": lead.name}
		values = {"subject": "Meeting", "starts_on": now_datetime(), "event_type": "Private"}
		return frappe.get_doc({"doctype": "Event", **values, "event_participants": [row]}).insert()

	def test_a_follow_up_of_somebody_else_is_not_told_of_by_an_error(self):
		switch_on(OWN)
		hidden = self.of(SOUTH, "Lead")
		planned = follow_up(frappe.get_doc("Lead", hidden), SOUTH)
		frappe.db.set_value("Follow Up", planned, "owner", SOUTH)
		frappe.set_user(NORTH)
		with self.assertRaises(frappe.PermissionError) as raised:
			follow_ups.log_and_plan(
				"Lead",
				self.of(NORTH, "Lead"),
				{"channel": "Call", "done_on": now_datetime()},
				follow_up=planned,
			)
		self.assertNotIn(hidden, str(raised.exception) + frappe.as_json(frappe.local.message_log))
