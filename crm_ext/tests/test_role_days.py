"""A day of each role: the documents, lists, reports and endpoints of its work by somebody who has that role alone."""

from collections.abc import Callable, Iterable

import frappe
from frappe.desk import query_report
from frappe.desk.search import search_link
from frappe.utils import add_days, nowdate
from frappe.www import printview

from crm_ext.api import (
	availability,
	collections,
	credit,
	deals,
	deliveries,
	follow_ups,
	my_day,
	order_status,
	promises,
	quick_order,
	search,
	shortage,
)
from crm_ext.constants.visibility import OWN
from crm_ext.tests import factories as f
from crm_ext.tests import supply_factories as s
from crm_ext.tests import test_permission_matrix as matrix
from crm_ext.tests.test_roles import SETTINGS, RolesTestCase, only
from crm_ext.tests.visibility import NORTH, SOUTH, Sellers, names_of, switch_on

# What a form asks for that nobody but its administrator fills in.
_SEARCHED = ("Link", "Table", "Table MultiSelect")


class DayTestCase(RolesTestCase):
	def refuse(self, *attempts: Callable[[], object]) -> None:
		for number, attempt in enumerate(attempts):
			frappe.db.savepoint("attempt")
			with self.subTest(attempt=number), self.assertRaises(frappe.PermissionError):
				attempt()
			frappe.db.rollback(save_point="attempt")

	def lists(self, *doctypes: str) -> None:
		for doctype in doctypes:
			frappe.get_list(doctype, limit=1, order_by=None)

	def opens(self, document) -> None:
		frappe.client.get(document.doctype, document.name)

	def prints(self, document) -> None:
		document = frappe.get_doc(document.doctype, document.name)
		printview.validate_print_permission(document)
		self.assertIn(document.name, frappe.get_print(document.doctype, document.name))

	def reports(self, **filters_of) -> None:
		"""As the desk runs them."""
		for name, filters in filters_of.items():
			report = name.replace("_", " ")
			self.assertIn("columns", query_report.run(report, filters, ignore_prepared_report=True), report)

	def may_pick(self, like: str, *doctypes: str) -> None:
		"""Of what the forms of these ask for, at least what ERPNext's role for the work may choose."""
		user = frappe.session.user
		frappe.set_user("Administrator")
		other = f.make_user("roles-like@example.com", like).name
		wanted = {
			target
			for doctype in doctypes
			for target in links(doctype)
			if frappe.has_permission(target, "select", user=other)
			or frappe.has_permission(target, "read", user=other)
		}
		frappe.set_user(user)
		for target in sorted(wanted):
			with self.subTest(target=target):
				search_link(target, "", page_length=5)


def links(doctype: str) -> set[str]:
	"""DocTypes that the form of one lets choose from."""
	found = set()
	for row in frappe.get_meta(doctype).get("fields", {"fieldtype": ("in", _SEARCHED)}):
		if row.fieldtype != "Link":
			found |= links(row.options)
		elif not row.read_only and not row.hidden:
			found.add(row.options)
	return found


class TestSalesperson(DayTestCase):
	def setUp(self):
		super().setUp()
		self.order = f.make_sales_order()
		self.note = f.make_delivery_note(self.order)
		self.invoice = f.make_sales_invoice(self.note)
		self.deal = self.deal_of(self.order)
		self.user = only("Salesperson")
		frappe.set_user(self.user)

	def test_from_the_first_contact_to_the_quotation(self):
		lead = f.make_lead(email_id="ada@example.com")
		found = follow_ups.log_and_plan(
			"Lead",
			lead.name,
			{"channel": "Call", "outcome": "Reached", "notes": "interested"},
			{"channel": "Visit", "subject": "Show it", "due_date": nowdate()},
		)
		self.assertTrue(found)
		day = my_day.get_day()
		self.assertIn("Show it", frappe.as_json(day))
		f.make_prospect([lead])
		opportunity = f.make_opportunity(
			lead, items=[{"item_code": f.ITEM, "qty": 2, "rate": 500, "uom": "Nos"}]
		)
		quotation = f.make_quotation(opportunity)
		self.assertTrue(availability.get_availability("Quotation", quotation.name))
		self.prints(quotation)
		deal = self.deal_of(quotation)
		self.opens(deal)
		self.assertTrue(deals.deal_way(deal.name))
		lost = f.make_quotation(opportunity)
		lost.declare_enquiry_lost([{"lost_reason": "Too expensive"}], [])
		lost.reload().cancel()
		f.amend(lost, status="Draft").insert()

	def test_people_and_places(self):
		customer = f.make_customer()
		contact = frappe.get_doc(
			{
				"doctype": "Contact",
				"first_name": "Grace",
				"links": [{"link_doctype": "Customer", "link_name": customer.name}],
			}
		).insert()
		contact.update({"last_name": "Hopper"}).save()
		frappe.get_doc(
			{
				"doctype": "Address",
				"address_title": customer.name,
				"address_line1": "Main Street 1",
				"city": "Springfield",
				"country": "United States",
				"links": [{"link_doctype": "Customer", "link_name": customer.name}],
			}
		).insert()
		frappe.get_doc(
			{"doctype": "Event", "subject": "Visit", "starts_on": f"{nowdate()} 10:00:00"}
		).insert()
		customer.update({"website": "https://example.com"}).save()

	def test_what_became_of_it(self):
		for document in (self.order, self.note, self.invoice):
			self.opens(document)
			self.prints(document)
		self.assertTrue(order_status.get_status(self.order.name))
		self.reports(
			Deal_Aging={},
			Deal_Funnel={"company": f.COMPANY, "from_date": add_days(nowdate(), -30), "to_date": nowdate()},
			Delivery_Due={"company": f.COMPANY},
			Follow_Up_Adherence={"from_date": add_days(nowdate(), -30), "to_date": nowdate()},
		)
		promises.make(f.CUSTOMER, f.COMPANY, [self.invoice.name], add_days(nowdate(), 3))
		self.lists("Deal", "Deal Stage", "Item", "Item Price", "Payment Promise", "Sales Person", "Stand In")

	def test_forms(self):
		self.may_pick("Sales User", "Lead", "Opportunity", "Quotation", "Customer", "Contact", "Prospect")

	def test_a_manager_looks_at_the_day_of_who_sells(self):
		frappe.set_user(only("Sales Manager"))
		self.assertIn(self.user, {row["user"] for row in my_day.members()})

	def test_what_others_do(self):
		lead, quotation = f.make_lead(), f.make_quotation()
		self.refuse(
			lead.delete,
			lambda: f.make_sales_order(quotation),
			frappe.get_doc("Sales Order", self.order.name).cancel,
			lambda: f.make_delivery_note(self.order),
			lambda: f.make_sales_invoice(self.order),
			lambda: frappe.get_doc("Customer", f.CUSTOMER).delete(),
			lambda: frappe.get_doc("Item", f.ITEM).save(),
			lambda: frappe.get_doc(SETTINGS).save(),
			lambda: frappe.get_doc("Deal", self.deal.name).save(),
			lambda: credit.ask(self.order.name),
			lambda: credit.release(self.order.name, 10),
			lambda: quick_order.get_last_rows(f.CUSTOMER, f.COMPANY),
			lambda: self.lists("Payment Entry"),
			lambda: self.lists("Material Request"),
			lambda: self.reports(Receivable_Aging={"company": f.COMPANY}),
			lambda: frappe.permissions.can_export("Lead", True),
		)


class TestSalesAssistant(DayTestCase):
	def setUp(self):
		super().setUp()
		self.item = s.make_item(stock=50).name
		self.scarce = s.make_item().name
		self.quotation = f.make_quotation(rows=((self.item, 2, 100),))
		self.short = f.make_sales_order(rows=((self.scarce, 5, 100),))
		self.user = only("Sales Assistant")
		frappe.set_user(self.user)

	def test_from_the_quotation_to_the_delivery(self):
		order = f.make_sales_order(self.quotation)
		self.assertEqual(order.docstatus, 1)
		self.reports(Delivery_Due={"company": f.COMPANY})
		(name,) = deliveries.deliver(f.COMPANY, [order.items[0].name], 1)["notes"]
		note = frappe.get_doc("Delivery Note", name)
		note.submit()
		self.prints(note)
		self.assertTrue(deliveries.notes([order.name]))
		self.assertTrue(order_status.get_status(order.name))
		self.assertTrue(frappe.as_json(my_day.get_day()))

	def test_quick_order(self):
		(row,) = quick_order.resolve(self.item, f.CUSTOMER)
		self.assertIn(self.item, frappe.as_json(row))
		typed = {
			"customer": f.CUSTOMER,
			"company": f.COMPANY,
			"delivery_date": add_days(nowdate(), 3),
			"rows": [{"item_code": self.item, "qty": 3, "uom": "Nos"}],
		}
		self.assertTrue(quick_order.price(typed))
		saved = quick_order.save(typed)
		self.assertTrue(saved["may_submit"])
		order = frappe.get_doc("Sales Order", saved["name"])
		order.items[0].rate = 100
		order.save()
		quick_order.submit(order.name)
		order.reload().cancel()
		f.amend(order).insert()

	def test_what_is_short_is_asked_of_purchasing(self):
		found = shortage.get_shortage("Sales Order", self.short.name)
		self.assertEqual(found["may"], {"request": True, "order": False})
		(row,) = found["rows"]
		self.assertEqual(row["item_code"], self.scarce)
		request = frappe.get_doc(
			{
				"doctype": "Material Request",
				"company": f.COMPANY,
				"material_request_type": "Purchase",
				"schedule_date": nowdate(),
				"items": [
					{
						"item_code": self.scarce,
						"qty": 5,
						"warehouse": f.warehouse(),
						"schedule_date": nowdate(),
					}
				],
			}
		).insert()
		self.refuse(request.submit)
		self.lists("Bin", "Purchase Order", "Warehouse")

	def test_forms(self):
		self.may_pick("Sales User", "Customer", "Contact", "Delivery Note", "Quotation", "Sales Order")

	def test_what_others_do(self):
		note = f.make_delivery_note(f.make_sales_order(self.quotation))
		self.refuse(
			note.cancel,
			f.make_lead,
			lambda: f.make_sales_invoice(note),
			lambda: credit.release(self.short.name, 500),
			lambda: frappe.new_doc("Purchase Order").insert(),
			lambda: shortage.make_orders("Sales Order", self.short.name, []),
			lambda: frappe.get_doc(SETTINGS).save(),
			lambda: self.lists("Payment Entry"),
			lambda: self.reports(Receivable_Aging={"company": f.COMPANY}),
			lambda: self.reports(Pipeline_Demand={"company": f.COMPANY}),
		)


class TestCollector(DayTestCase):
	def setUp(self):
		super().setUp()
		self.customer = f.make_customer().name
		values = {"set_posting_time": 1, "posting_date": add_days(nowdate(), -40)}
		self.invoice = f.make_direct_invoice(
			customer=self.customer, due_date=add_days(nowdate(), -30), **values
		)
		self.receipt = f.make_payment(self.invoice, 100)
		self.user = only("Collector")
		frappe.set_user(self.user)

	def test_from_who_owes_to_a_promise_and_a_letter(self):
		period = {"company": f.COMPANY, "from_date": add_days(nowdate(), -60), "to_date": nowdate()}
		self.reports(
			Receivable_Aging={"company": f.COMPANY},
			Collections={"company": f.COMPANY},
			Receipts=period,
			Days_Sales_Outstanding={"company": f.COMPANY},
		)
		frappe.permissions.can_export("Sales Invoice", True)
		self.opens(frappe.get_doc("Customer", self.customer))
		self.opens(self.receipt)
		self.prints(self.invoice)
		self.assertTrue(promises.open_invoices(self.customer, f.COMPANY))
		promise = promises.make(self.customer, f.COMPANY, [self.invoice.name], add_days(nowdate(), 5))
		promises.withdraw(promise)
		follow_ups.log_and_plan(
			"Customer",
			self.customer,
			{"channel": "Call", "outcome": "Reached"},
			{"channel": "Call", "subject": "Ask again", "due_date": add_days(nowdate(), 7)},
		)
		self.assertTrue(frappe.as_json(my_day.get_day()))
		names = collections.overdue_invoices(self.customer, f.COMPANY)
		self.assertEqual(names, [self.invoice.name])
		dunning = frappe.get_attr("frappe.model.mapper.map_docs")(
			"erpnext.accounts.doctype.sales_invoice.sales_invoice.create_dunning",
			frappe.as_json(names),
			frappe.new_doc("Dunning"),
		)
		dunning.insert().submit()
		self.prints(dunning)
		self.assertIn("recipients", collections.statement_letter(self.customer, f.COMPANY))
		frappe.get_doc({"doctype": "Contact", "first_name": "Grace"}).insert()

	def test_forms(self):
		self.may_pick("Accounts User", "Dunning", "Contact")

	def test_what_others_do(self):
		self.refuse(
			f.make_direct_invoice,
			lambda: f.make_payment(self.invoice),
			frappe.get_doc("Payment Entry", self.receipt.name).cancel,
			frappe.get_doc("Sales Invoice", self.invoice.name).cancel,
			frappe.get_doc("Customer", self.customer).save,
			f.make_lead,
			f.make_sales_order,
			lambda: credit.release_customer(self.customer, f.COMPANY, 10),
			lambda: frappe.get_doc(SETTINGS).save(),
			lambda: self.lists("Lead"),
			lambda: self.lists("Quotation"),
			lambda: self.reports(Deal_Funnel={"company": f.COMPANY}),
		)


class TestAccountantsAndBuyers(DayTestCase):
	def test_an_accountant_narrows_receivables_to_a_salesperson(self):
		frappe.set_user(only("Accounts User"))
		self.assertTrue(search_link("Sales Person", "", page_length=5))

	def test_a_buyer_sees_for_whom(self):
		order = f.make_sales_order()
		deal = self.deal_of(order)
		frappe.set_user(only("Purchase User"))
		self.assertTrue(order_status.get_status(order.name))
		self.opens(deal)
		self.opens(frappe.get_doc("Customer", order.customer))
		self.reports(Pipeline_Demand={"company": f.COMPANY})
		self.refuse(
			f.make_sales_order,
			frappe.get_doc("Sales Order", order.name).save,
			frappe.get_doc("Customer", order.customer).save,
		)


class TestNothingLeaks(Sellers, RolesTestCase):
	"""Every endpoint on documents of somebody else, by people who have one role of ours alone."""

	_call = matrix.TestMatrix._call

	def test_endpoints(self):
		switch_on(OWN)
		given = {
			doctype: next(name for name, user in made.items() if user == SOUTH)
			for doctype, made in self.made.items()
		}
		given["Follow Up"] = self.follow_up_of(given["Lead"])
		wrong = []
		for role, may_see in (
			("Salesperson", ()),
			("Sales Assistant", ()),
			# As accountants, whom visibility leaves what their roles give.
			("Collector", ("Customer", "Sales Order", "Deal")),
		):
			user = only(role)
			foreign = [name for doctype, name in given.items() if doctype not in may_see]
			for doctype, name in given.items():
				expected = doctype in may_see
				with self.subTest(role=role, doctype=doctype):
					self.assertEqual(
						bool(frappe.has_permission(doctype, "read", doc=name, user=user)), expected
					)
			for method, arguments in self.every_call(given):
				path = f"{method.__module__}.{method.__name__}"
				try:
					answer = self._call(method, arguments, user)
				except Exception as error:
					wrong.append((role, path, arguments, repr(error)))
					continue
				if shown := [name for name in foreign if f'"{name}"' in answer]:
					wrong.append((role, path, arguments, shown))
		self.assertEqual(wrong, [])

	def follow_up_of(self, lead: str) -> str:
		values = {"channel": "Call", "subject": "Call", "due_date": nowdate(), "responsible": SOUTH}
		return follow_ups.plan("Lead", lead, values)

	def every_call(self, given: dict[str, str]) -> Iterable[tuple]:
		for method in matrix.endpoints():
			if f"{method.__module__}.{method.__name__}" not in matrix.FOR_GUESTS:
				for arguments in matrix.calls(method, given):
					yield method, arguments


class TestWhatFollowsCustomerAndDeal(Sellers, RolesTestCase):
	"""Delivery notes and invoices, which salespeople read without being the ones who make them."""

	doctypes = ("Delivery Note", "Sales Invoice")

	def setUp(self):
		super().setUp()
		for user in (NORTH, SOUTH):
			f.make_user(user, "Salesperson")
			deal, customer = (
				next(name for name, one in self.made[doctype].items() if one == user)
				for doctype in ("Deal", "Customer")
			)
			for doctype in self.doctypes:
				self._add_row(user, doctype, deal=deal, customer=f.CUSTOMER)
				self._add_row(user, doctype, customer=customer)
				made = self._add_row(user, doctype, customer=f.CUSTOMER)
				frappe.db.set_value(doctype, made, "owner", user)

	def test_nobody_reads_those_of_colleagues(self):
		accountant = only("Accounts User")
		for doctype in self.doctypes:
			every = set(self.made[doctype])
			own = {name for name, user in self.made[doctype].items() if user == NORTH}
			self.assertEqual(len(own), 3)
			with self.subTest(doctype=doctype):
				switch_on("All")
				self.assertEqual(self.seen(NORTH, doctype), every)
				switch_on(OWN)
				self.assertEqual(self.seen(NORTH, doctype), own)
				self.assertEqual(self.seen(accountant, doctype), every)
				frappe.set_user(NORTH)
				found = [frappe._dict(doctype=doctype, name=name) for name in every]
				self.assertEqual({row.name for row in search.visible(found)}, own)
				self.assertEqual(
					{row for row in every if matrix._allowed(frappe.client.get, doctype, row)}, own
				)
				self.assertEqual(matrix.print_view(doctype, sorted(every)), own)
				frappe.set_user("Administrator")

	def seen(self, user: str, doctype: str) -> set[str]:
		return names_of(user, doctype, self.made[doctype])
