"""Demo data: a trading company's year from first contact to cash, made through ERPNext's own documents.

    bench --site SITE execute crm_ext.setup.demo.make

On top of ERPNext's own demo records (`erpnext.setup.demo`). Safe to run again: what is done is skipped, and a run
that was killed goes on where it stopped. People log in with the password in `data.py`.

data.py       names, goods, prices, markets
stories.py    pure: whose deals there are and when they begin
courses.py    pure: what happens in each of them
plan.py       pure: who does what on which day, drawn from a fixed seed
site.py       setup wizard, fiscal years, ERPNext's demo records
masters.py    people, territories, prices, warehouses, the other currency
documents.py  a function for each kind of step, and who does it; the functions are in
              offering.py, ordering.py, paying.py, buying.py; what they share, in work.py
drafts.py     orders and offers beside the plan
diary.py      does the steps, one transaction each, dated to their day
follow_ups.py contacts of a year, and what is to be done next
promises.py   what customers who are late promised to pay
credit.py     the credit gate, an order that waits for it and one that was released
approvals.py  workflows, limits, quotations, orders and payments that wait or were approved, big deals
team.py       roles, who sees what, who stands in for whom
supply.py     lead times, what is on its way, orders that wait for goods, what was requested for one of them
"""

import frappe
from erpnext.selling.doctype.quotation.quotation import set_expired_status
from frappe.utils import add_days, getdate

from crm_ext.setup.demo import (
	approvals,
	credit,
	data,
	diary,
	follow_ups,
	masters,
	promises,
	site,
	supply,
	team,
)
from crm_ext.setup.demo.plan import make_plan
from crm_ext.setup.demo.stories import YEAR


def make() -> None:
	"""Make the demo data of this site, or what is missing of it. For Administrator on the command line."""
	if diary.recall("done"):
		print("Demo data: already there.")
		return
	_report("company")
	site.complete_setup()
	last = getdate(diary.recall("last day") or getdate())
	diary.note("last day", str(last))
	first = getdate(add_days(last, -YEAR - 30))  # goods are bought before the year of selling begins
	site.make_fiscal_years(first, getdate(add_days(last, YEAR)))
	_report("ERPNext's own demo records")
	own = frappe.db.get_single_value("Global Defaults", "default_company")
	company = site.make_erpnext_masters()
	masters.make_prices(first)
	site.make_erpnext_documents(company, last)
	_report("people, territories, warehouses, exchange rates")
	companies = [company, own]
	masters.make_masters(companies, last)
	follow_ups.make_holidays(companies, first, getdate(add_days(last, YEAR)))
	_tell_of_arrivals(False)
	for done, total in diary.do_steps(make_plan(last), companies):
		if done % 50 == 0 or done == total:
			_report(f"{done} of {total} steps of a year of selling")
	set_expired_status()  # ERPNext's daily job: offers nobody took in time
	for done, total in follow_ups.make(last):
		if done % 50 == 0 or done == total:
			_report(f"contacts of {done} of {total} deals")
	promises.make(companies, last)
	_report("goods on their way, orders that wait for them")
	supply.make(company, last)
	_report("workflows, limits, approvals, who sees what")
	team.switch_roles_on()
	approvals.switch_on(last)
	credit.make(company, last)
	approvals.make(company, last)
	follow_ups.switch_rules_on(last)
	team.make(last)
	_tell_of_arrivals(True)
	diary.note("done", True)
	diary.forget_all_but("done")
	frappe.db.commit()  # the end of the run
	logins = ", ".join(person.user for person in data.PEOPLE)
	_report(f"done. Log in as {logins}; password: {data.PASSWORD}")


def _tell_of_arrivals(on: bool) -> None:
	"""Nobody is told today of what arrived in the year before."""
	frappe.db.set_single_value("CRM Ext Settings", "tell_of_arrivals", int(on))
	frappe.db.commit()  # a step of its own: a killed run goes on after it


def _report(what: str) -> None:
	print(f"Demo data: {what}", flush=True)
