"""The engine's promises: few queries, errors that never reach the user, bad input, permissions."""

from unittest.mock import patch

import frappe

from crm_ext.api import deals as api
from crm_ext.deals import rules, touch, vouchers
from crm_ext.deals.model import VOUCHERS, Graph, Stages
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase


class TestQueries(SiteTestCase):
	def test_submitting_adds_few_queries(self):
		order = f.make_sales_order(f.make_quotation(f.make_opportunity(f.make_lead())), submit=False)
		touch.flush()
		order.submit()
		self.assert_flush_takes(10)
		invoice = f.make_sales_invoice(order, submit=False)
		touch.flush()
		invoice.submit()
		self.assert_flush_takes(11)
		payment = f.make_payment(invoice, submit=False)
		touch.flush()
		payment.submit()
		self.assert_flush_takes(10)

	def test_receipts_on_account_are_asked_for_only_where_an_order_has_some(self):
		order = f.make_sales_order()
		touch.flush()
		payment = f.make_payment(order, f.gross(order) / 2, submit=False)
		touch.flush()
		payment.submit()
		self.assert_flush_takes(10)
		self.assertEqual(self.deal_of(order).paid_amount, f.gross(order) / 2)

	def test_few_and_many_names_are_read_alike(self):
		lead = f.make_lead()
		quotation = f.make_quotation(f.make_opportunity(lead))
		invoice = f.make_sales_invoice(f.make_sales_order(quotation))
		f.make_payment(invoice, 1)
		f.make_return(invoice)
		touch.flush()
		seeds = {("Deal", self.deal_of(lead).name), ("Lead", lead.name)}
		few = vouchers.read_graph(seeds)
		with patch.object(vouchers, "_FEW", 0):
			many = vouchers.read_graph(seeds)
		self.assertEqual(few, many)
		self.assertEqual(len(few.vouchers), 6)

	def test_saving_a_lead_without_change_writes_nothing(self):
		lead = f.make_lead()
		touch.flush()
		lead.reload()
		before = frappe.db.get_value("Deal", {"lead": lead.name}, "modified")
		lead.save()
		self.warm_up()
		with self.assertQueryCount(6):
			touch.flush()
		self.assertEqual(frappe.db.get_value("Deal", {"lead": lead.name}, "modified"), before)

	def warm_up(self):
		"""DocTypes' own definitions are cached on any site that is in use."""
		for doctype in VOUCHERS:
			frappe.get_meta(doctype)

	def assert_flush_takes(self, most: int):
		self.warm_up()
		with self.assertQueryCount(most):
			touch.flush()


class TestErrors(SiteTestCase):
	def test_an_error_while_deriving_is_logged_with_its_reference_and_stays_ours(self):
		order = f.make_sales_order(submit=False)
		touch.flush()
		order.submit()
		with patch.object(rules, "assign", side_effect=ValueError("broken on purpose")):
			touch.flush()
		self.assertEqual(frappe.db.get_value("Sales Order", order.name, "docstatus"), 1)
		error = frappe.get_last_doc("Error Log", {"reference_name": order.name})
		self.assertIn("broken on purpose", error.error)
		error.delete()  # its table knows no rollback
		self.assertFalse(frappe.db.exists("Deal Ledger Entry", {"voucher_no": order.name}))

	def test_a_deadlock_is_not_swallowed(self):
		f.make_lead()
		deadlock = frappe.QueryDeadlockError("Deadlock found")
		with (
			patch.object(rules, "assign", side_effect=deadlock),
			self.assertRaises(frappe.QueryDeadlockError),
		):
			touch.flush()

	def test_switched_off_derives_nothing(self):
		settings = frappe.get_doc("CRM Ext Settings")
		settings.deals_enabled = 0
		settings.save()
		self.assertEqual(self.deals_of(f.make_lead()), [])


class TestStages(SiteTestCase):
	def test_bad_stages_are_refused_with_a_reason(self):
		new = {"doctype": "Deal Stage", "stage_name": "Demo held", "sequence": 45, "kind": "Open"}
		for change, message in (
			({"sequence": 50}, "already taken by stage Quoted"),
			({"reached_by": "Quotation"}, "already brings deals to stage Quoted"),
			({"kind": "Lost"}, "Only one stage"),
		):
			with self.assertRaisesRegex(frappe.ValidationError, message):
				frappe.get_doc(new | change).insert()
		self.assertRaisesRegex(
			frappe.ValidationError, "cannot be deleted", frappe.delete_doc, "Deal Stage", "Quoted"
		)
		self.assertRaises(
			frappe.ValidationError,
			frappe.rename_doc,
			"Deal Stage",
			"Quoted",
			"Ordered",
			merge=True,
			force=True,
		)

	def test_a_stage_of_the_site_and_a_renamed_one(self):
		frappe.get_doc(
			{"doctype": "Deal Stage", "stage_name": "Demo held", "sequence": 45, "kind": "Open"}
		).insert()
		settings = frappe.get_doc("CRM Ext Settings")
		row = {
			"document_type": "Opportunity",
			"fieldname": "sales_stage",
			"value": "Prospecting",
			"stage": "Demo held",
		}
		settings.append("stage_map", row)
		settings.save()
		opportunity = f.make_opportunity(f.make_lead(), sales_stage="Prospecting")
		self.assertFigures(self.deal_of(opportunity), stage="Demo held")
		frappe.rename_doc("Deal Stage", "Quoted", "Offered", force=True)
		quotation = f.make_quotation(opportunity)
		self.assertFigures(self.deal_of(quotation), stage="Offered")
		columns = frappe.get_all("Kanban Board Column", {"parent": "Deals by Stage"}, pluck="column_name")
		self.assertIn("Offered", columns)
		self.assertNotIn("Quoted", columns)

	def test_a_bad_map_is_refused(self):
		settings = frappe.get_doc("CRM Ext Settings")
		settings.append(
			"stage_map",
			{"document_type": "Lead", "fieldname": "sales_stage", "value": "Prospecting", "stage": "Quoted"},
		)
		self.assertRaisesRegex(frappe.ValidationError, "has no field", settings.save)


class TestPermissions(SiteTestCase):
	"""A salesperson held to one territory sees the deals of no other: list, document, ledger, log, API."""

	def setUp(self):
		super().setUp()
		for name in ("North", "South"):
			if not frappe.db.exists("Territory", name):
				frappe.get_doc(
					{"doctype": "Territory", "territory_name": name, "parent_territory": "All Territories"}
				).insert()
		self.user = f.make_user("north.seller@example.com", "Sales User").name
		frappe.get_doc(
			{"doctype": "User Permission", "user": self.user, "allow": "Territory", "for_value": "North"}
		).insert()
		self.seen = self.deal_of(f.make_opportunity(f.make_lead(territory="North"), territory="North"))
		self.hidden = self.deal_of(f.make_opportunity(f.make_lead(territory="South"), territory="South"))

	def test_neither_list_nor_ledger_nor_log_nor_document_nor_api_shows_a_hidden_deal(self):
		opportunity = self.hidden.opportunity
		with self.set_user(self.user):
			self.assertIn(self.seen.name, frappe.get_list("Deal", pluck="name"))
			self.assertNotIn(self.hidden.name, frappe.get_list("Deal", pluck="name"))
			for doctype in ("Deal Ledger Entry", "Deal Stage Change"):
				deals = frappe.get_list(doctype, pluck="deal", limit=0)
				self.assertIn(self.seen.name, deals)
				self.assertNotIn(self.hidden.name, deals)
				name = frappe.get_all(doctype, {"deal": self.hidden.name}, pluck="name")[0]
				self.assertFalse(frappe.has_permission(doctype, "read", doc=name))
			self.assertFalse(frappe.has_permission("Deal", "read", doc=self.hidden.name))
			self.assertRaises(frappe.PermissionError, api.deal_way, self.hidden.name)
			self.assertRaises(frappe.PermissionError, api.deals_of, "Opportunity", opportunity)
			self.assertEqual(api.deal_way(self.seen.name)["steps"][0]["stage"], "Lead")

	def test_connections_do_not_show_a_hidden_deal(self):
		customer = f.make_customer(territory="North")
		deal = self.deal_of(f.make_sales_order(customer=customer.name, territory="South"))
		self.assertEqual(deal.territory, "South")
		self.assertEqual(self.shown_deals(customer), 1)
		with self.set_user(self.user):
			self.assertEqual(self.shown_deals(customer), 0)
		override = frappe.override_whitelisted_method("frappe.desk.notifications.get_open_count")
		self.assertEqual(override, "crm_ext.api.connections.get_open_count")

	def shown_deals(self, customer) -> int:
		from crm_ext.api.connections import get_open_count

		links = get_open_count("Customer", customer.name, ["Deal"])["count"]["external_links_found"]
		return sum(row["count"] for row in links if row["doctype"] == "Deal")

	def test_a_per_cent_sign_in_a_permission(self):
		name = "50% South"
		frappe.get_doc(
			{"doctype": "Territory", "territory_name": name, "parent_territory": "All Territories"}
		).insert()
		frappe.get_doc(
			{"doctype": "User Permission", "user": self.user, "allow": "Territory", "for_value": name}
		).insert()
		opportunity = f.make_opportunity(f.make_lead(territory=name), territory=name)
		deal = self.deal_of(opportunity)
		with self.set_user(self.user):
			self.assertEqual([row.name for row in api.deals_of("Opportunity", opportunity.name)], [deal.name])

	def test_nobody_edits_a_deal(self):
		self.user = f.make_user("boss@example.com", "Sales Manager", "System Manager").name
		with self.set_user(self.user):
			deal = frappe.get_doc("Deal", self.seen.name)
			deal.stage = "Paid"
			self.assertRaises(frappe.PermissionError, deal.save)
			self.assertRaises(frappe.PermissionError, deal.delete)
		deal = frappe.get_doc("Deal", self.seen.name)
		deal.stage = "Paid"
		self.assertRaisesRegex(frappe.PermissionError, "cannot be changed by hand", deal.save)

	def test_a_user_without_a_role_for_deals(self):
		user = f.make_user("hr@example.com", "HR User").name
		with self.set_user(user):
			self.assertRaises(frappe.PermissionError, frappe.get_list, "Deal")
			self.assertRaises(frappe.PermissionError, api.deal_way, self.seen.name)
			self.assertRaises(frappe.PermissionError, api.start_backfill)


class TestRulesWithoutData(SiteTestCase):
	def test_an_empty_graph_makes_no_deals(self):
		self.assertEqual(rules.assign(Graph(), Stages({}, {}, {})).shares, {})
