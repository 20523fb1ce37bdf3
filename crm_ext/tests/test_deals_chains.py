"""How vouchers chain into deals: the table of design section 4, and what people do around it."""

import frappe
from frappe.utils import flt, getdate, nowdate

from crm_ext.deals import touch
from crm_ext.tests import factories as f
from crm_ext.tests.base import SiteTestCase


class TestOpportunities(SiteTestCase):
	def test_first_opportunity_continues_the_lead_and_later_ones_open_deals_with_the_same_lead(self):
		lead = f.make_lead()
		deals = [self.deal_of(f.make_opportunity(lead, amount)) for amount in (100, 200, 300)]
		self.assertEqual(deals[0].name, self.deal_of(lead).name)
		self.assertEqual(len({deal.name for deal in deals}), 3)
		self.assertEqual({deal.lead for deal in deals}, {lead.name})

	def test_deleting_the_first_opportunity_hands_the_leads_deal_to_the_second(self):
		lead = f.make_lead()
		first, second = f.make_opportunity(lead, 100), f.make_opportunity(lead, 200)
		lead_deal, second_deal = self.deal_of(lead), self.deal_of(second)
		first.delete()
		self.assertFigures(self.deal_of(second), name=lead_deal.name, expected_amount=200)
		self.assertFalse(frappe.db.exists("Deal", second_deal.name))

	def test_prospect_continues_the_deal_of_its_lead(self):
		lead = f.make_lead()
		deal = self.deal_of(lead)
		prospect = f.make_prospect([lead])
		opportunity = f.make_opportunity(prospect, 500)
		self.assertFigures(
			self.deal_of(opportunity), name=deal.name, party_type="Prospect", party=prospect.name
		)
		second = f.make_opportunity(prospect, 600)
		self.assertFigures(self.deal_of(second), lead=lead.name, expected_amount=600)
		self.assertNotEqual(self.deal_of(second).name, deal.name)

	def test_customer_opens_a_new_deal_each_time(self):
		customer = frappe.get_doc("Customer", f.CUSTOMER)
		first, second = f.make_opportunity(customer), f.make_opportunity(customer)
		self.assertNotEqual(self.deal_of(first).name, self.deal_of(second).name)
		self.assertEqual(self.deal_of(first).customer, f.CUSTOMER)

	def test_amount_of_the_items_where_none_is_entered(self):
		lead = f.make_lead()
		opportunity = f.make_opportunity(lead, 0, items=f.item_rows((f.ITEM, 3, 100)))
		self.assertEqual(self.deal_of(opportunity).expected_amount, 300)

	def test_status_and_sales_stage_move_the_deal_by_the_map(self):
		lead = f.make_lead()
		deal = self.deal_of(lead)
		for status, stage in (
			("Replied", "Contacted"),
			("Interested", "Qualified"),
			("Do Not Contact", "Lost"),
		):
			lead.db_set("status", status)
			self.assertFigures(self.deal_of(lead), name=deal.name, stage=stage)
		lead.db_set("status", "Open")
		self.assertFigures(self.deal_of(lead), stage="Lead", status="Open", closed_on=None)


class TestQuotations(SiteTestCase):
	def test_quotation_to_a_lead_joins_the_leads_deal(self):
		lead = f.make_lead()
		quotation = f.make_quotation(lead)
		self.assertFigures(self.deal_of(quotation), name=self.deal_of(lead).name, stage="Quoted")

	def test_quotation_to_a_customer_opens_a_deal_when_it_is_submitted(self):
		draft = f.make_quotation(submit=False)
		self.assertEqual(self.deals_of(draft), [])
		draft.submit()
		self.assertFigures(self.deal_of(draft), stage="Quoted", customer=f.CUSTOMER)

	def test_draft_shows_the_deal_it_will_join(self):
		opportunity = f.make_opportunity(f.make_lead())
		deal = self.deal_of(opportunity)
		draft = f.make_quotation(opportunity, submit=False)
		touch.flush()
		self.assertEqual(frappe.db.get_value("Quotation", draft.name, "deal"), deal.name)
		self.assertFigures(deal, stage="Opportunity", quoted_amount=0)
		draft.reload()
		draft.delete()
		touch.flush()
		self.assertFigures(deal, stage="Opportunity")

	def test_amended_quotation_stays_in_its_deal(self):
		quotation = f.make_quotation()
		deal = self.deal_of(quotation)
		quotation.reload()
		quotation.cancel()
		self.assertFigures(self.deal_of(quotation), status="Cancelled", quoted_amount=0, quoted_on=None)
		amended = f.amend(quotation)
		amended.deal = None
		amended.insert().submit()
		self.assertFigures(
			self.deal_of(amended),
			name=deal.name,
			status="Open",
			stage="Quoted",
			quoted_amount=f.gross(amended),
		)

	def test_chosen_deal_takes_a_quotation_in_and_lets_it_go(self):
		deal = self.deal_of(f.make_opportunity(frappe.get_doc("Customer", f.CUSTOMER)))
		quotation = f.make_quotation(deal=deal.name)
		self.assertFigures(self.deal_of(quotation), name=deal.name, stage="Quoted")
		quotation.reload()
		quotation.deal = None
		quotation.save()
		own = self.deal_of(quotation)
		self.assertNotEqual(own.name, deal.name)
		self.assertFigures(deal, stage="Opportunity", quoted_amount=0)

	def test_chosen_deal_of_another_company_is_refused(self):
		deal = self.deal_of(f.make_quotation())
		order = f.make_sales_order(
			company=f.OTHER_COMPANY,
			rows=((f.ITEM, 1, 100),),
			customer=f.CUSTOMER,
			currency="EUR",
			submit=False,
		)
		order.deal = deal.name
		self.assertRaisesRegex(frappe.ValidationError, "same company", order.save)


class TestLost(SiteTestCase):
	def lose(self, quotation):
		quotation.reload()
		quotation.declare_enquiry_lost([{"lost_reason": "Too expensive"}], [], "They said so")

	def test_lost_with_its_reasons_and_won_after_all(self):
		opportunity = f.make_opportunity(f.make_lead())
		quotation = f.make_quotation(opportunity)
		self.lose(quotation)
		deal = self.deal_of(quotation)
		self.assertFigures(
			deal,
			stage="Lost",
			status="Lost",
			furthest_stage="Quoted",
			closed_on=getdate(nowdate()),
			quoted_amount=f.gross(quotation),
			lost_reasons="Too expensive\nThey said so",
		)
		second = f.make_quotation(frappe.get_doc("Opportunity", opportunity.name))
		self.assertFigures(
			self.deal_of(second),
			name=deal.name,
			stage="Quoted",
			status="Open",
			closed_on=None,
			lost_reasons=None,
			quoted_amount=f.gross(second),
		)
		order = f.make_sales_order(second)
		self.assertFigures(self.deal_of(order), name=deal.name, stage="Ordered", status="Won")

	def test_one_lost_quotation_of_two_does_not_lose_the_deal(self):
		opportunity = f.make_opportunity(f.make_lead())
		kept, lost = f.make_quotation(opportunity), f.make_quotation(opportunity)
		self.lose(lost)
		self.assertFigures(self.deal_of(kept), stage="Quoted", status="Open", quoted_amount=f.gross(kept))

	def test_lost_opportunity(self):
		opportunity = f.make_opportunity(f.make_lead())
		opportunity.declare_enquiry_lost([{"lost_reason": "No budget"}], [], None)
		self.assertFigures(self.deal_of(opportunity), stage="Lost", lost_reasons="No budget")


class TestOrders(SiteTestCase):
	def test_one_order_from_two_quotations_of_two_deals_is_split_by_rows(self):
		first = f.make_quotation(
			f.make_opportunity(frappe.get_doc("Customer", f.CUSTOMER)), rows=((f.ITEM, 1, 300),)
		)
		second = f.make_quotation(
			f.make_opportunity(frappe.get_doc("Customer", f.CUSTOMER)), rows=((f.OTHER_ITEM, 1, 100),)
		)
		order = f.make_sales_order(first, submit=False)
		f.add_quotation_to_order(order, second)
		order.save()
		order.submit()
		deals = {deal.name: deal for deal in self.deals_of(order)}
		self.assertEqual(len(deals), 2)
		larger, smaller = deals[self.deal_of(first).name], deals[self.deal_of(second).name]
		total = f.gross(order)
		self.assertAlmostEqual(larger.ordered_amount, round(total * 0.75, 2), places=2)
		self.assertAlmostEqual(larger.ordered_amount + smaller.ordered_amount, total, places=6)
		self.assertEqual(frappe.db.get_value("Sales Order", order.name, "deal"), larger.name)

		invoice = f.make_sales_invoice(order)
		f.make_payment(invoice, f.gross(invoice) / 2)
		larger, smaller = self.deals_of(invoice)
		self.assertAlmostEqual(larger.invoiced_amount + smaller.invoiced_amount, f.gross(invoice), places=6)
		self.assertAlmostEqual(larger.paid_amount + smaller.paid_amount, f.gross(invoice) / 2, places=6)

	def test_partial_orders_deliveries_invoices_and_payments(self):
		quotation = f.make_quotation(rows=((f.ITEM, 4, 250),))
		order = f.make_sales_order(quotation)
		note = f.make_delivery_note(order, 0.25)
		deal = self.deal_of(note)
		self.assertFigures(deal, stage="Delivered", delivered_amount=f.gross(note))
		self.assertLess(f.gross(note), f.gross(order))
		invoice = f.make_sales_invoice(note)
		f.make_payment(invoice)
		self.assertFigures(
			self.deal_of(invoice), stage="Invoiced", paid_on=None, paid_amount=f.gross(invoice)
		)
		rest = f.make_sales_invoice(f.make_delivery_note(order))
		payment = f.make_payment(rest)
		self.assertFigures(
			self.deal_of(payment),
			name=deal.name,
			stage="Paid",
			ordered_amount=f.gross(order),
			delivered_amount=f.gross(order),
			invoiced_amount=f.gross(order),
			paid_amount=f.gross(order),
		)

	def test_cancel_and_amend_at_every_step(self):
		order = f.make_sales_order(f.make_quotation())
		deal = self.deal_of(order)
		order.reload()
		order.cancel()
		self.assertFigures(self.deal_of(order), stage="Quoted", ordered_amount=0, ordered_on=None)
		amended = f.amend(order).insert().submit()
		self.assertFigures(
			self.deal_of(amended), name=deal.name, stage="Ordered", ordered_amount=f.gross(amended)
		)
		note = f.make_delivery_note(amended)
		self.assertFigures(self.deal_of(note), stage="Delivered")
		note.reload()
		note.cancel()
		self.assertFigures(self.deal_of(note), stage="Ordered", delivered_amount=0)
		invoice = f.make_sales_invoice(amended)
		payment = f.make_payment(invoice)
		self.assertFigures(self.deal_of(payment), stage="Paid")
		payment.reload()
		payment.cancel()
		touch.flush()
		self.assertFigures(deal, stage="Invoiced", paid_amount=0, paid_on=None)
		invoice.reload()
		invoice.cancel()
		touch.flush()
		self.assertFigures(deal, stage="Ordered", invoiced_amount=0)

	def test_order_without_quotation_and_sales_person(self):
		order = f.make_sales_order(
			sales_team=[{"sales_person": "CRM Ext Seller", "allocated_percentage": 100}]
		)
		self.assertFigures(self.deal_of(order), stage="Ordered", sales_person="CRM Ext Seller")

	def test_deal_chosen_by_hand_on_an_order(self):
		deal = self.deal_of(f.make_opportunity(frappe.get_doc("Customer", f.CUSTOMER)))
		order = f.make_sales_order()
		own = self.deal_of(order)
		order.reload()
		order.deal = deal.name
		order.save()
		self.assertFigures(
			self.deal_of(order), name=deal.name, stage="Ordered", ordered_amount=f.gross(order)
		)
		self.assertFalse(frappe.db.exists("Deal", own.name))
		invoice = f.make_sales_invoice(order)
		self.assertFigures(self.deal_of(invoice), name=deal.name, stage="Invoiced")

	def test_another_currency_and_another_company(self):
		order = f.make_sales_order(customer=f.FOREIGN_CUSTOMER, currency="EUR", conversion_rate=1.25)
		deal = self.deal_of(order)
		self.assertFigures(deal, currency="USD", ordered_amount=f.gross(order))
		row = frappe.get_doc("Deal Ledger Entry", {"deal": deal.name, "voucher_no": order.name})
		self.assertEqual(row.voucher_currency, "EUR")
		self.assertAlmostEqual(row.amount, row.voucher_amount * 1.25, places=2)
		invoice = f.make_sales_invoice(order)
		payment = f.make_payment(invoice)
		self.assertFigures(self.deal_of(payment), paid_amount=f.gross(invoice), stage="Paid")
		other = f.make_sales_order(company=f.OTHER_COMPANY, currency="EUR")
		self.assertFigures(self.deal_of(other), company=f.OTHER_COMPANY, currency="EUR")

	def test_opportunity_of_another_company_does_not_join_the_leads_deal(self):
		lead = f.make_lead()
		first = f.make_opportunity(lead)
		quotation = f.make_quotation(lead, company=f.OTHER_COMPANY, currency="EUR")
		self.assertFigures(self.deal_of(quotation), company=f.OTHER_COMPANY, lead=lead.name)
		self.assertNotEqual(self.deal_of(quotation).name, self.deal_of(first).name)


class TestMoney(SiteTestCase):
	def order_and_deal(self, **values):
		order = f.make_sales_order(**values)
		return order, self.deal_of(order)

	def test_advance_against_an_order_reconciled_later_counts_each_cent_once(self):
		customer = f.make_customer().name
		order, deal = self.order_and_deal(customer=customer)
		total = f.gross(order)
		payment = f.make_payment(order, total / 2)
		self.assertFigures(self.deal_of(payment), name=deal.name, stage="Ordered", paid_amount=total / 2)
		invoice = f.make_sales_invoice(order)
		touch.flush()
		self.assertFigures(deal, paid_amount=total / 2, stage="Invoiced")
		f.reconcile(order.company, customer, invoice.name)
		touch.flush()
		self.assertFigures(deal, paid_amount=total / 2, stage="Invoiced")
		f.make_payment(frappe.get_doc("Sales Invoice", invoice.name))
		touch.flush()
		self.assertFigures(deal, paid_amount=total, stage="Paid")

	def test_advance_booked_in_a_separate_account(self):
		account = frappe.get_doc(
			{
				"doctype": "Account",
				"account_name": "Advances Received",
				"company": f.COMPANY,
				"parent_account": frappe.db.get_value(
					"Account",
					{
						"company": f.COMPANY,
						"root_type": "Liability",
						"is_group": 1,
						"account_name": "Current Liabilities",
					},
				),
				"account_type": "Receivable",
			}
		).insert()
		self.addCleanup(frappe.clear_document_cache, "Company", f.COMPANY)  # the cache knows no rollback
		company = frappe.get_doc("Company", f.COMPANY)
		company.book_advance_payments_in_separate_party_account = 1
		company.default_advance_received_account = account.name
		company.save()
		customer = f.make_customer().name
		order, deal = self.order_and_deal(customer=customer)
		total = f.gross(order)
		payment = f.make_payment(order, total / 2)
		self.assertEqual(payment.paid_from, account.name)
		self.assertFigures(self.deal_of(payment), name=deal.name, paid_amount=total / 2)
		invoice = f.make_sales_invoice(order)
		f.reconcile(order.company, customer, invoice.name, advance_account=account.name)
		self.assertEqual(frappe.db.get_value("Sales Invoice", invoice.name, "outstanding_amount"), total / 2)
		touch.flush()
		self.assertFigures(deal, paid_amount=total / 2, stage="Invoiced")

	def test_payment_at_the_till(self):
		settings = frappe.get_doc("CRM Ext Settings")
		settings.deals_from_direct_invoices = 1
		settings.save()
		invoice = f.make_direct_invoice(submit=False)
		invoice.is_pos = 1
		invoice.append(
			"payments",
			{
				"mode_of_payment": "Cash",
				"account": f.cash_account(invoice.company),
				"amount": invoice.grand_total,
			},
		)
		invoice.save()
		invoice.submit()
		self.assertEqual(invoice.outstanding_amount, 0)
		self.assertFigures(self.deal_of(invoice), stage="Paid", paid_amount=f.gross(invoice))

	def test_advance_partly_reconciled(self):
		customer = f.make_customer().name
		order, deal = self.order_and_deal(customer=customer)
		total = f.gross(order)
		f.make_payment(order, total)
		invoice = f.make_sales_invoice(order)
		f.reconcile(order.company, customer, invoice.name, amount=total / 4)
		touch.flush()
		self.assertFigures(deal, paid_amount=total)

	def test_journal_entry_receipt_and_advance(self):
		customer = f.make_customer().name
		order, deal = self.order_and_deal(customer=customer)
		total = f.gross(order)
		advance = f.make_journal_receipt(order, total / 4)
		self.assertFigures(self.deal_of(advance), name=deal.name, paid_amount=total / 4)
		invoice = f.make_sales_invoice(order)
		f.make_journal_receipt(invoice, total / 2)
		touch.flush()
		self.assertFigures(deal, paid_amount=total * 0.75, stage="Invoiced")
		f.reconcile(order.company, customer, invoice.name)
		touch.flush()
		self.assertFigures(deal, paid_amount=total * 0.75, stage="Invoiced")

	def test_unreconcile_takes_the_money_off_the_deal(self):
		customer = f.make_customer().name
		order, deal = self.order_and_deal(customer=customer)
		invoice = f.make_sales_invoice(order)
		payment = f.make_payment(invoice)
		touch.flush()
		self.assertFigures(deal, stage="Paid")
		f.unreconcile(payment)
		touch.flush()
		self.assertFigures(deal, stage="Invoiced", paid_amount=0)
		f.reconcile(order.company, customer, invoice.name)
		touch.flush()
		self.assertFigures(deal, stage="Paid", paid_amount=f.gross(invoice))

	def test_return_takes_from_what_was_delivered_and_invoiced(self):
		order, deal = self.order_and_deal(rows=((f.ITEM, 4, 250),))
		note = f.make_delivery_note(order)
		invoice = f.make_sales_invoice(note)
		f.make_return(note, 0.25)
		credit = f.make_return(invoice, 0.25)
		touch.flush()
		self.assertFigures(
			deal,
			delivered_amount=round(f.gross(note) * 0.75, 2),
			invoiced_amount=round(f.gross(invoice) + f.gross(credit), 2),
			paid_amount=0,
			stage="Invoiced",
		)

	def test_everything_returned_goes_back_to_the_order(self):
		order, deal = self.order_and_deal()
		note = f.make_delivery_note(order)
		f.make_return(note)
		touch.flush()
		self.assertFigures(deal, stage="Ordered", delivered_amount=0, delivered_on=None)

	def test_credit_note_with_refund(self):
		customer = f.make_customer().name
		order, deal = self.order_and_deal(rows=((f.ITEM, 4, 250),), customer=customer)
		invoice = f.make_sales_invoice(order)
		f.make_payment(invoice)
		credit = f.make_return(invoice, 0.25, update_outstanding_for_self=1)
		touch.flush()
		left = round(f.gross(invoice) + f.gross(credit), 2)
		self.assertFigures(deal, invoiced_amount=left, paid_amount=f.gross(invoice), stage="Paid")
		f.make_payment(frappe.get_doc("Sales Invoice", credit.name))
		touch.flush()
		self.assertFigures(deal, invoiced_amount=left, paid_amount=left, stage="Paid")

	def test_unallocated_money_belongs_to_no_deal(self):
		customer = f.make_customer().name
		order, deal = self.order_and_deal(customer=customer)
		total = f.gross(order)
		f.make_payment(order, total + 500)
		touch.flush()
		self.assertFigures(deal, paid_amount=total)

	def test_invoice_without_order_opens_a_deal_only_where_settings_say_so(self):
		invoice = f.make_direct_invoice()
		self.assertEqual(self.deals_of(invoice), [])
		settings = frappe.get_doc("CRM Ext Settings")
		settings.deals_from_direct_invoices = 1
		settings.save()
		invoice = f.make_direct_invoice(update_stock=1, rows=((f.ITEM, 1, 300),))
		self.assertFigures(
			self.deal_of(invoice),
			stage="Invoiced",
			invoiced_amount=f.gross(invoice),
			delivered_amount=f.gross(invoice),
		)
		payment = f.make_payment(invoice)
		self.assertFigures(self.deal_of(payment), stage="Paid")


class TestNames(SiteTestCase):
	def test_renaming_and_merging_customers_takes_the_deals_along(self):
		first, second = f.make_customer(), f.make_customer()
		deals = [
			self.deal_of(f.make_sales_order(customer=customer.name)).name for customer in (first, second)
		]
		renamed = f.unique("Renamed")
		frappe.rename_doc("Customer", first.name, renamed)
		touch.flush()
		self.assertFigures(deals[0], customer=renamed, party=renamed)
		frappe.rename_doc("Customer", second.name, renamed, merge=True)
		touch.flush()
		for deal in deals:
			self.assertFigures(deal, customer=renamed, party=renamed)

	def test_merging_leads_makes_one_deal_of_two(self):
		first, second = f.make_lead(), f.make_lead()
		opportunity = f.make_opportunity(second)
		kept, gone = self.deal_of(first), self.deal_of(second)
		frappe.rename_doc("Lead", second.name, first.name, merge=True)
		self.assertFigures(self.deal_of(opportunity), name=kept.name, stage="Opportunity")
		self.assertFalse(frappe.db.exists("Deal", gone.name))

	def test_deleting_a_lead_is_not_held_up_and_takes_its_deal_along(self):
		lead = f.make_lead()
		deal = self.deal_of(lead)
		lead.delete()
		touch.flush()
		self.assertFalse(frappe.db.exists("Deal", deal.name))
		self.assertFalse(frappe.db.exists("Deal Ledger Entry", {"deal": deal.name}))

	def test_customer_made_from_the_lead_is_the_party(self):
		from erpnext.crm.doctype.lead.lead import make_customer

		lead = f.make_lead()
		deal = self.deal_of(lead)
		customer = make_customer(lead.name)
		customer.customer_group = customer.customer_group or "All Customer Groups"
		customer.insert()
		touch.flush()
		self.assertFigures(deal, customer=customer.name, party_type="Customer", party=customer.name)
		self.assertGreaterEqual(flt(frappe.db.count("Deal Ledger Entry", {"deal": deal.name})), 1)
