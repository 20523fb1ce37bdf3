"""Install: fields, defaults, then the offer to read in what the site already holds."""

import frappe

from crm_ext.setup import customizations, defaults
from crm_ext.workflows import store as workflows


def after_install() -> None:
	customizations.apply()
	defaults.seed()
	_offer_backfill()


def after_migrate() -> None:
	workflows.renew_all()


def _offer_backfill() -> None:
	vouchers = ("Lead", "Opportunity", "Quotation", "Sales Order", "Sales Invoice")
	if not any(frappe.get_all(doctype, limit=1, order_by="name") for doctype in vouchers):
		return
	site = frappe.local.site
	print(f"This site holds sales documents. Read them into deals: bench --site {site} crm-ext backfill")
	print("or, as a background job, from CRM Ext Settings.")
