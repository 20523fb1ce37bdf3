"""Goods bought, received and billed."""

from datetime import timedelta

import frappe
from erpnext.buying.doctype.purchase_order.purchase_order import make_purchase_receipt
from erpnext.stock.doctype.purchase_receipt.purchase_receipt import make_purchase_invoice

from crm_ext.setup.demo import data
from crm_ext.setup.demo.masters import warehouse_of
from crm_ext.setup.demo.work import CREDIT_DAYS, Action, Work, post, submit


def _purchase(work: Work) -> None:
	number = work.args["purchase"]
	doc = frappe.get_doc(
		{
			"doctype": "Purchase Order",
			"supplier": data.ERPNEXT_SUPPLIERS[number % len(data.ERPNEXT_SUPPLIERS)],
			"company": work.company,
			"transaction_date": work.day,
			"schedule_date": work.day + timedelta(7),
			"set_warehouse": warehouse_of(work.company),
			"items": [
				{"item_code": code, "qty": quantity, "rate": data.GOODS[code].buying}
				for code, quantity in work.args["items"].items()
			],
		}
	)
	work.names["purchase_order"] = submit(doc)


def _receive_goods(work: Work) -> None:
	doc = make_purchase_receipt(work.names["purchase_order"])
	post(doc, work)
	work.names["purchase_receipt"] = submit(doc)


def _bill(work: Work) -> None:
	doc = make_purchase_invoice(work.names["purchase_receipt"])
	post(doc, work)
	doc.update(
		{
			"bill_no": f"R-{1000 + work.args['purchase']}",
			"bill_date": work.day,
			"due_date": work.day + timedelta(CREDIT_DAYS),
			"payment_schedule": [],
		}
	)
	submit(doc)


ACTIONS: dict[str, Action] = {
	"purchase": _purchase,
	"receive": _receive_goods,
	"bill": _bill,
}
