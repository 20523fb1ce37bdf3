"""Property: after every step of a random history, what was kept up step by step equals what is rebuilt, and the
totals over all deals equal what ERPNext's own tables say.

CRM_EXT_HISTORIES sets how many histories are tried (default 10, the same ones each time; more are drawn at random).
"""

import os

import frappe
from frappe.utils import flt, now_datetime
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_ext.deals import derive, stored
from crm_ext.deals.model import SALES_INVOICE, SALES_ORDER, SUBMITTABLE, VOUCHERS
from crm_ext.tests.base import SiteTestCase
from crm_ext.tests.histories import WEIGHTED, History

HISTORIES = int(os.environ.get("CRM_EXT_HISTORIES", "10"))
# So that there is something to deliver, pay and undo from the first drawn step on.
START = [
	("lead", 0),
	("opportunity_of_lead", 1),
	("quotation_of_opportunity", 1),
	("order_of_quotation", 1),
	("invoice_of_order", 1),
	("order_alone", 1),
]
STEPS = st.lists(st.tuples(st.sampled_from(WEIGHTED), st.integers(0, 59)), min_size=8, max_size=14)


class TestHistories(SiteTestCase):
	def setUp(self):
		super().setUp()
		self.started = now_datetime()

	@settings(
		max_examples=HISTORIES,
		deadline=None,
		derandomize="CRM_EXT_HISTORIES" not in os.environ,
		database=None,
		print_blob=True,
		suppress_health_check=list(HealthCheck),
	)
	@given(steps=STEPS)
	def test_incremental_equals_rebuild_and_totals_equal_erpnext(self, steps):
		frappe.db.rollback()
		history = History()
		for operation, number in [*START, *steps]:
			history.step(operation, number)
			try:
				self.check(history)
			except AssertionError as error:
				raise AssertionError(f"after {'; '.join(history.log)}\n{error}") from error
		frappe.db.rollback()

	def check(self, history: History) -> None:
		self.check_no_error_was_logged()
		kept = state(history)
		result = derive.derive(history.vouchers + history.receipts)
		self.assertEqual((result.changed, result.removed), (set(), []), "a rebuild in place changes deals")
		self.assertEqual(kept, state(history), "a rebuild in place changes rows or links")
		if not history.has_choice:
			frappe.db.savepoint("before_rebuild")
			forget_deals(history)
			derive.derive(history.vouchers + history.receipts)
			self.assertEqual(kept, state(history), "a rebuild from nothing differs")
			frappe.db.rollback(save_point="before_rebuild")
		self.check_ledger(history)
		self.check_totals(history)

	def check_no_error_was_logged(self) -> None:
		errors = frappe.get_all(
			"Error Log",
			{"method": ("like", "CRM Ext%"), "creation": (">=", self.started)},
			["error"],
			limit=1,
			order_by="creation",
		)
		self.assertEqual(errors, [], errors[0].error if errors else "")

	def check_ledger(self, history: History) -> None:
		"""Each voucher's shares add up to it, once; no row without its voucher or deal."""
		for doctype in SUBMITTABLE:
			for name, total, shares in frappe.db.sql(
				f"""SELECT v.name, IF(v.base_rounded_total, v.base_rounded_total, v.base_grand_total), SUM(e.amount)
				FROM `tab{doctype}` v JOIN `tabDeal Ledger Entry` e
					ON e.voucher_type = %s AND e.voucher_no = v.name
				WHERE v.name IN %s GROUP BY v.name, e.stage""",
				(doctype, [name for kind, name in history.vouchers if kind == doctype] or [""]),
			):
				self.assertAlmostEqual(flt(total), flt(shares), 6, f"shares of {doctype} {name}")
		self.assertEqual(
			frappe.db.sql(
				"""SELECT e.name FROM `tabDeal Ledger Entry` e LEFT JOIN `tabDeal` d ON d.name = e.deal
				WHERE d.name IS NULL"""
			),
			(),
		)
		for doctype in VOUCHERS:
			self.assertEqual(
				frappe.db.sql(
					f"""SELECT e.voucher_no FROM `tabDeal Ledger Entry` e LEFT JOIN `tab{doctype}` v
					ON v.name = e.voucher_no WHERE e.voucher_type = %s AND v.name IS NULL""",
					(doctype,),
				),
				(),
			)

	def check_totals(self, history: History) -> None:
		deals = {row for row in deals_of(history)}
		sums = frappe.db.sql(
			"""SELECT SUM(ordered_amount), SUM(invoiced_amount), SUM(paid_amount) FROM `tabDeal` WHERE name IN %s""",
			(list(deals) or [""],),
		)[0]
		expected = (ordered(history), invoiced(history), paid(history))
		for label, actual, wanted in zip(("ordered", "invoiced", "paid"), sums, expected, strict=True):
			self.assertAlmostEqual(flt(actual), flt(wanted), 2, label)


def deals_of(history: History) -> list[str]:
	names = [name for _doctype, name in history.vouchers]
	return frappe.get_all(
		"Deal Ledger Entry",
		{"voucher_no": ("in", names or [""])},
		pluck="deal",
		distinct=True,
		order_by="deal",
	)


def state(history: History) -> dict:
	"""Deals by root: derived values, ledger rows, links. Names of deals are left out: a rebuild numbers anew."""
	deals = deals_of(history)
	known = stored.read_stored([], deals)
	roots = {name: deal.root for name, deal in known.deals.items()}
	links = {
		(doctype, name): roots.get(frappe.db.get_value(doctype, name, "deal"))
		for doctype, name in history.vouchers
		if doctype != "Lead"
	}
	ledger = {
		(roots[deal], *key): (
			row.posting_date,
			flt(row.amount, 4),
			flt(row.voucher_amount, 4),
			row.is_cancelled,
		)
		for deal, rows in known.ledger.items()
		for key, row in rows.items()
	}
	values = {
		roots[name]: {
			field: flt(row[field], 4) if field in stored.AMOUNTS else row[field] or None
			for field in stored.DERIVED
		}
		for name, row in known.values.items()
	}
	return {"values": values, "ledger": ledger, "links": links}


def forget_deals(history: History) -> None:
	deals = deals_of(history)
	for doctype, field in (("Deal", "name"), ("Deal Ledger Entry", "deal"), ("Deal Stage Change", "deal")):
		frappe.db.delete(doctype, {field: ("in", deals or [""])})
	for doctype, name in history.vouchers:
		if doctype != "Lead":
			frappe.db.set_value(doctype, name, "deal", None, update_modified=False)


# What ERPNext's own tables say


def _sum(doctype: str, history: History) -> float:
	names = [name for kind, name in history.vouchers if kind == doctype]
	return flt(
		frappe.db.sql(
			f"""SELECT SUM(IF(base_rounded_total, base_rounded_total, base_grand_total)) FROM `tab{doctype}`
			WHERE docstatus = 1 AND name IN %s""",
			(names or [""],),
		)[0][0]
	)


def ordered(history: History) -> float:
	return _sum(SALES_ORDER, history)


def invoiced(history: History) -> float:
	return _sum(SALES_INVOICE, history)


def paid(history: History) -> float:
	"""From the General Ledger: what receipts credited to these customers' receivables, less what Payment and
	Journal Entries hold without naming a document, less what went to invoices outside of any deal."""
	customers = history.customers
	credited = frappe.db.sql(
		"""SELECT SUM(g.credit - g.debit) FROM `tabGL Entry` g JOIN `tabAccount` a ON a.name = g.account
		WHERE g.party_type = 'Customer' AND g.party IN %s AND g.is_cancelled = 0 AND a.account_type = 'Receivable'
			AND g.voucher_type IN ('Payment Entry', 'Journal Entry')""",
		(customers,),
	)[0][0]
	unallocated = frappe.db.sql(
		"""SELECT SUM(IF(payment_type = 'Receive', 1, -1) * unallocated_amount * source_exchange_rate)
		FROM `tabPayment Entry` WHERE party IN %s AND docstatus = 1""",
		(customers,),
	)[0][0]
	unnamed = frappe.db.sql(
		"""SELECT SUM(credit - debit) FROM `tabJournal Entry Account`
		WHERE party IN %s AND docstatus = 1 AND IFNULL(reference_name, '') = ''""",
		(customers,),
	)[0][0]
	known = [name for kind, name in history.vouchers if kind == SALES_INVOICE] or [""]
	outside = frappe.db.sql(
		"""SELECT SUM(x.amount) FROM (
			SELECT r.allocated_amount amount FROM `tabPayment Entry Reference` r JOIN `tabPayment Entry` p ON p.name = r.parent
			WHERE p.docstatus = 1 AND p.party IN %(customers)s AND r.reference_doctype = 'Sales Invoice'
				AND r.reference_name NOT IN %(known)s
			UNION ALL
			SELECT credit - debit FROM `tabJournal Entry Account` WHERE docstatus = 1 AND party IN %(customers)s
				AND reference_type = 'Sales Invoice' AND reference_name NOT IN %(known)s
		) x""",
		{"customers": customers, "known": known},
	)[0][0]
	return flt(credited) - flt(unallocated) - flt(unnamed) - flt(outside)
