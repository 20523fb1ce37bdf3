"""People, territories, prices, warehouses, the other currency. Each record is skipped where it is there already."""

from datetime import date
from random import Random
from typing import Any

import frappe
from frappe.utils import add_months, get_first_day, getdate
from frappe.utils.nestedset import get_root_of
from frappe.utils.password import update_password

from crm_ext.setup.demo import data, plan

WAREHOUSE = "Distribution Centre"


def make_masters(companies: list[str], last: date) -> None:
	"""Everything the plan names. `companies` sell; the first of them is everybody's employer."""
	_make_people(companies[0])
	_make_markets()
	for company in companies:
		_insert("Warehouse", {"warehouse_name": WAREHOUSE, "company": company})
	frappe.flags.pop("warehouse_account_map", None)  # ERPNext keeps it for the process, without the new ones
	_make_item_defaults(companies)
	foreign = foreign_currency(companies[0])
	if foreign:
		for company in companies:
			_make_foreign_account(company, foreign[0])
		_make_exchange_rates(companies[0], foreign, last)
	frappe.db.commit()  # a step of its own: a killed run goes on after it


def make_prices(valid_from: date) -> None:
	"""Selling and buying prices of ERPNext's demo items, before its documents would set theirs as list prices."""
	for code, good in data.GOODS.items():
		for price_list, rate in (("Standard Selling", good.selling), ("Standard Buying", good.buying)):
			_insert(
				"Item Price",
				{"item_code": code, "price_list": price_list},
				price_list_rate=rate,
				valid_from=valid_from,
			)
	frappe.db.commit()  # as above


def warehouse_of(company: str) -> str:
	return frappe.db.get_value("Warehouse", {"warehouse_name": WAREHOUSE, "company": company})


def foreign_currency(company: str) -> tuple[str, float] | None:
	"""(other currency, about what one of it is worth), None where the demo knows no rate."""
	return data.FOREIGN.get(frappe.get_cached_value("Company", company, "default_currency"))


def foreign_account(company: str) -> str | None:
	foreign = foreign_currency(company)
	return foreign and frappe.db.get_value(
		"Account", {"company": company, "account_type": "Receivable", "account_currency": foreign[0]}
	)


def sales_person_of(person: data.Person) -> str:
	return person.full_name


def _insert(doctype: str, identity: dict[str, Any], **values: Any) -> None:
	if not frappe.db.exists(doctype, identity):
		frappe.get_doc({"doctype": doctype, **identity, **values}).insert()


def _make_people(company: str) -> None:
	root = get_root_of("Sales Person")
	for person in data.PEOPLE:
		if not frappe.db.exists("User", person.user):
			_make_user(person)
		_insert(
			"Employee",
			{"user_id": person.user},
			first_name=person.first_name,
			last_name=person.last_name,
			gender=person.gender,
			company=company,
			date_of_birth="1988-05-04",
			date_of_joining="2020-01-01",
			# Would confine the person to this company.
			create_user_permission=0,
			reports_to=None
			if person is data.MANAGER
			else frappe.db.get_value("Employee", {"user_id": data.MANAGER.user}),
		)
		if person.in_tree:
			manages = person is data.MANAGER
			_insert(
				"Sales Person",
				{"sales_person_name": sales_person_of(person)},
				parent_sales_person=root if manages else sales_person_of(data.MANAGER),
				is_group=int(manages),
				employee=frappe.db.get_value("Employee", {"user_id": person.user}),
			)


def _make_user(person: data.Person) -> None:
	user = frappe.get_doc(
		{
			"doctype": "User",
			"email": person.user,
			"first_name": person.first_name,
			"last_name": person.last_name,
			"send_welcome_email": 0,
			"roles": [{"role": role} for role in person.roles],
		}
	)
	user.insert()
	update_password(person.user, data.PASSWORD)


def _make_markets() -> None:
	root = get_root_of("Territory")
	for territory in data.TERRITORIES:
		_insert("Territory", {"territory_name": territory}, parent_territory=root)
	for campaign in data.CAMPAIGNS:
		_insert("Campaign", {"campaign_name": campaign})
	for source in data.SOURCES:
		_insert("Lead Source", {"source_name": source})
	for industry in data.INDUSTRIES:
		_insert("Industry Type", {"industry": industry})
	for competitor in data.COMPETITORS:
		_insert("Competitor", {"competitor_name": competitor})
	for reason in data.LOST_REASONS:
		_insert("Quotation Lost Reason", {"order_lost_reason": reason})
		_insert("Opportunity Lost Reason", {"lost_reason": reason})


def _make_item_defaults(companies: list[str]) -> None:
	"""Orders entered by hand then find the goods where they are."""
	for code in data.GOODS:
		item = frappe.get_doc("Item", code)
		known = {row.company for row in item.item_defaults if row.default_warehouse}
		for company in companies:
			if company not in known:
				item.append("item_defaults", {"company": company, "default_warehouse": warehouse_of(company)})
		item.save()


def _make_foreign_account(company: str, currency: str) -> None:
	receivable = frappe.get_cached_value("Company", company, "default_receivable_account")
	_insert(
		"Account",
		{"account_name": f"Debtors {currency}", "company": company},
		parent_account=frappe.db.get_value("Account", receivable, "parent_account"),
		account_type="Receivable",
		account_currency=currency,
	)


def _make_exchange_rates(company: str, foreign: tuple[str, float], last: date) -> None:
	"""One for each month, a little up and down around the usual one."""
	currency, rate = foreign
	home = frappe.get_cached_value("Company", company, "default_currency")
	frappe.db.set_value("Currency", currency, "enabled", 1)
	rng = Random(plan.SEED)
	for ago in range(13, -1, -1):
		rate = round(rate * (1 + rng.uniform(-0.012, 0.012)), 4)
		_insert(
			"Currency Exchange",
			{
				"date": getdate(get_first_day(add_months(last, -ago))),
				"from_currency": currency,
				"to_currency": home,
			},
			exchange_rate=rate,
		)
