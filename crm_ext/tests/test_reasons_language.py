"""Why a document has to be approved is said to each reader in their own language."""

import frappe
from frappe.desk.form.load import run_onload

from crm_ext.constants.workflows import FINDINGS, REASONS
from crm_ext.follow_ups import messages
from crm_ext.tests import factories as f
from crm_ext.tests.workflows import (
	GREAT,
	HELPER,
	LIMITS,
	MANAGER,
	SELLER,
	SMALL,
	ApprovalTestCase,
	act,
	switch,
)
from crm_ext.workflows import asking, measures

ENGLISH, CHINESE = "Value $ 6,000.00 is above $ 5,000.00: Sales Manager has to approve.", "高于"


class TestLanguage(ApprovalTestCase):
	def offer(self, amount: float = 6_000):
		"""By somebody who reads Chinese."""
		with messages.language("zh"):
			return self.quotation(amount)

	def banner(self, document, language: str) -> list[str]:
		with messages.language(language):
			form = frappe.get_doc(document.doctype, document.name)
			run_onload(form)
			return form.get_onload().get(REASONS) or []

	def test_on_the_form(self):
		switch(*LIMITS, quotation=1)
		quotation = self.offer()
		self.assertIn(CHINESE, quotation.approval_reasons)
		self.assertEqual(self.banner(quotation, "en"), [ENGLISH])
		self.assertIn(CHINESE, self.banner(quotation, "zh")[0])
		self.assertEqual(self.banner(self.offer(4_000), "en"), [])

	def test_a_form_opens_whatever_is_stored(self):
		switch(*LIMITS, quotation=1)
		quotation = self.offer()
		for findings in ("typed by hand", "[[1]]", '[["Value", 1, 2, [], null]]'):
			frappe.db.set_value("Quotation", quotation.name, FINDINGS, findings)
			with self.subTest(findings):
				self.assertEqual(self.banner(quotation, "en"), [])
				logged = self.errors_logged() - self.errors
				self.assertEqual(len(logged), 1)
				frappe.db.delete("Error Log", {"name": ("in", list(logged))})

	def test_of_every_measure(self):
		limits = (("Quotation", "Discount %", 10, SMALL), ("Quotation", "Margin %", 99, GREAT))
		switch(*LIMITS, *limits, quotation=1)
		rows = f.item_rows((f.SERVICE, 1, 6_000))
		rows[0].update({"price_list_rate": 8_000, "valuation_rate": 4_000})
		with messages.language("zh"):
			quotation = self.made_by(SELLER, f.make_quotation, items=rows)
		found = measures.find(frappe.get_doc("Quotation", quotation.name))
		self.assertGreater(len(found), 1)
		self.assertEqual(measures.reasons(quotation), measures.in_words(found, f.COMPANY))

	def test_asked_by_follow_up_and_mail(self):
		self.make_email_account()
		switch(*LIMITS, quotation=1)
		quotation = self.offer()
		frappe.db.set_value("User", MANAGER, "language", "en")
		with messages.language("zh"):
			act(SELLER, quotation, "Request Approval")
		self.assertEqual(self.instructions(quotation, MANAGER), ENGLISH)
		self.assertIn(ENGLISH, self.mail(quotation, MANAGER))
		# And who stands in later, told by a job.
		frappe.db.set_value("User", HELPER, "language", "zh")
		f.make_stand_in(MANAGER, HELPER)
		asking.ask_stand_ins()
		self.assertIn(CHINESE, self.instructions(quotation, HELPER))

	def test_when_switched_on_over_what_is_there(self):
		quotation = self.quotation(6_000)
		with messages.language("zh"):
			switch(*LIMITS, quotation=1)
		self.assertIn(CHINESE, quotation.reload().approval_reasons)
		self.assertEqual(self.banner(quotation, "en"), [ENGLISH])

	def test_an_opportunity_and_what_was_approved(self):
		switch(*LIMITS, ("Opportunity", "Value", 5_000, SMALL), opportunity=1, quotation=1)
		with messages.language("zh"):
			opportunity = self.made_by(SELLER, lambda submit: f.make_opportunity(f.make_lead(), 6_000))
			quotation = self.quotation(6_000)
			act(MANAGER, quotation, "Approve")
		for document in (opportunity, quotation):
			self.assertEqual(self.banner(document, "en"), [ENGLISH])
			self.assertIn(CHINESE, document.reload().approval_reasons)

	def test_what_an_earlier_version_noted(self):
		switch(*LIMITS, quotation=1)
		quotation = self.offer()
		frappe.db.set_value("Quotation", quotation.name, FINDINGS, None)
		self.assertIn(CHINESE, self.banner(quotation, "en")[0])

	def test_switched_off(self):
		switch(*LIMITS, quotation=1)
		quotation = self.offer()
		switch(*LIMITS, quotation=0)
		self.assertEqual(self.banner(quotation, "en"), [])
		self.assertIsNone(frappe.db.get_value("Quotation", quotation.name, FINDINGS))

	def instructions(self, document, user: str) -> str:
		return frappe.db.get_value(
			"Follow Up", {"reference_name": document.name, "responsible": user}, "instructions"
		)

	def mail(self, document, user: str) -> str:
		name = frappe.db.get_value(
			"Email Queue Recipient", {"recipient": user}, "parent", order_by="creation desc"
		)
		message = frappe.get_doc("Email Queue", name)
		self.assertEqual(message.reference_name, document.name)
		return message.message
