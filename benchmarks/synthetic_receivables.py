"""Fill a scratch site with synthetic invoices, receipts and their Payment Ledger, by set-based SQL.

	cd BENCH/sites && ../env/bin/python ../apps/crm_ext/benchmarks/synthetic_receivables.py --site S --invoices 200000

What is called BENCH-AR-... is removed first, so the command can be repeated with another number; `--invoices 0` only
removes. Values are drawn from a hash of the invoice's number: the same number gives the same ledger everywhere. Of the
invoices of three years about 82 % are paid by a receipt of their own, 5 % by half, 2 % have a credit note, one in a
hundred receipts is on account, one customer in ten owes in euro. A site with a ledger of its own is refused.
"""

import argparse

import frappe
from frappe.utils import nowdate

PREFIX = "BENCH-AR-"
CHUNK = 50_000
DAYS = 3 * 365
TABLES = ("Payment Ledger Entry", "Sales Invoice", "Payment Entry", "Customer", "Sales Team")
MODES = ("Bank Draft", "Cash", "Cheque", "Wire Transfer")


def main() -> None:
	options = _parse()
	frappe.init(site=options.site)
	frappe.connect()
	fill(options.invoices, options.customers)
	frappe.destroy()


def _parse() -> argparse.Namespace:
	parser = argparse.ArgumentParser(description="Fill a scratch site with receivables.")
	parser.add_argument("--site", required=True)
	parser.add_argument("--invoices", type=int, required=True, help="how many the site holds afterwards")
	parser.add_argument("--customers", type=int, default=5_000)
	return parser.parse_args()


def fill(invoices: int, customers: int) -> None:
	from crm_ext.tests import factories

	if frappe.db.sql(f"SELECT 1 FROM `tabPayment Ledger Entry` WHERE name NOT LIKE '{PREFIX}%%' LIMIT 1"):
		raise SystemExit(f"{frappe.local.site} has a ledger of its own; use a scratch site.")
	factories.ensure_site()
	for doctype in TABLES:
		frappe.db.sql(f"DELETE FROM `tab{doctype}` WHERE name LIKE '{PREFIX}%%'")
	frappe.db.commit()
	if not invoices:
		return
	sources = _sources(factories)
	_customers(factories, customers)
	for start in range(1, invoices + 1, CHUNK):
		_insert(start, min(start + CHUNK - 1, invoices), customers, sources)
		frappe.db.commit()
		print(f"\r{min(start + CHUNK - 1, invoices):>9} invoices", end="", flush=True)
	print()
	_insert_payments(sources)
	frappe.db.commit()
	for doctype in TABLES:
		frappe.db.sql(f"ANALYZE TABLE `tab{doctype}`")


def _sources(factories) -> dict:
	"""Accounts, and the rows of a real invoice and payment (not kept) that give every column a plausible width."""
	dollar = frappe.db.get_value("Company", factories.COMPANY, "default_receivable_account")
	euro = frappe.db.get_value("Account", {"company": factories.COMPANY, "account_name": "Debtors EUR"})
	invoice = factories.make_direct_invoice()
	payment = factories.make_payment(invoice, submit=False)
	rows = {
		key: frappe.db.get_value(document.doctype, document.name, "*", as_dict=True)
		for key, document in (("invoice", invoice), ("payment", payment))
	}
	frappe.db.rollback()
	return {"company": factories.COMPANY, "dollar": dollar, "euro": euro, **rows}


def _customers(factories, count: int) -> None:
	columns = [c for c in frappe.db.get_table_columns("Customer") if c not in ("name", "customer_name")]
	listed = ", ".join(f"`{column}`" for column in columns)
	frappe.db.sql(
		f"""INSERT INTO `tabCustomer` (name, customer_name, {listed})
		SELECT {_customer("s.seq")}, {_customer("s.seq")}, {", ".join(f"c.`{column}`" for column in columns)}
		FROM seq_1_to_{count} s JOIN `tabCustomer` c ON c.name = %s""",
		(factories.CUSTOMER,),
	)
	frappe.db.commit()


def _customer(number: str) -> str:
	return f"CONCAT('{PREFIX}C-', LPAD({number}, 6, '0'))"


def _draw(salt: str, below: int) -> str:
	return f"(CRC32(CONCAT(seq, '{salt}')) %% {below})"


def _base(first: int, last: int, customers: int) -> str:
	"""One row an invoice: number, customer, dates, amount in the account's currency, rate, and what became of it."""
	return f"""
		SELECT b.*, IF(euro, 1.1, 1) AS rate, posting + INTERVAL 30 DAY AS due,
			CASE WHEN DATEDIFF(%(today)s, posting) < 40 THEN 'open' WHEN fate < 82 THEN 'paid'
				WHEN fate < 87 THEN 'half' WHEN fate < 89 THEN 'returned' ELSE 'open' END AS state,
			LEAST(%(today)s, posting + INTERVAL 10 + late DAY) AS paid_on
		FROM (
			SELECT seq, 1 + {_draw("party", customers)} AS customer, {_draw("party", customers)} %% 10 = 9 AS euro,
				%(today)s - INTERVAL {_draw("day", DAYS)} DAY AS posting, {_draw("late", 90)} AS late,
				ROUND(10 + POW({_draw("worth", 1000000)} / 1000000, 3) * 20000, 2) AS worth,
				{_draw("fate", 100)} AS fate
			FROM seq_{first}_to_{last}
		) b"""


def _insert(first: int, last: int, customers: int, sources: dict) -> None:
	base = _base(first, last, customers)
	invoice, credit, receipt = (f"CONCAT('{PREFIX}{kind}-', LPAD(seq, 8, '0'))" for kind in "IRP")
	_insert_invoices(base, "1 = 1", {"name": invoice, "due_date": "due"}, sources)
	as_return = {
		"name": credit,
		"return_against": invoice,
		"is_return": "1",
		"update_outstanding_for_self": "0",
	}
	_insert_invoices(base, "state = 'returned'", as_return | {"posting_date": "paid_on"}, sources)
	_insert_ledger(base, "1 = 1", "S", ("Sales Invoice", invoice), invoice, "posting", "1", sources)
	_insert_ledger(
		base, "state = 'returned'", "R", ("Sales Invoice", credit), invoice, "paid_on", "-1", sources
	)
	share = "IF(state = 'half', -0.5, -1)"
	paid = "state IN ('paid', 'half')"
	_insert_ledger(base, paid, "P", ("Payment Entry", receipt), invoice, "paid_on", share, sources)
	_insert_ledger(
		base,
		f"{paid} AND seq %% 100 = 0",
		"A",
		("Payment Entry", receipt),
		receipt,
		"paid_on",
		"-0.1",
		sources,
	)


def _insert_invoices(base: str, where: str, values: dict, sources: dict) -> None:
	values = {
		"posting_date": "posting",
		"customer": _customer("b.customer"),
		"docstatus": "1",
		"debit_to": "IF(b.euro, %(euro)s, %(dollar)s)",
		"party_account_currency": "IF(b.euro, 'EUR', 'USD')",
		"conversion_rate": "rate",
		"grand_total": "worth",
		"rounding_adjustment": "0",
		"outstanding_amount": "CASE state WHEN 'open' THEN worth WHEN 'half' THEN worth - ROUND(worth * 0.5, 2)"
		" ELSE 0 END",
		"base_grand_total": "ROUND(worth * rate, 2)",
		"base_rounded_total": "ROUND(worth * rate, 2)",
		**values,
	}
	_insert_copies(
		"Sales Invoice",
		sources["invoice"],
		values,
		f"({base}) b WHERE {where}",
		{"euro": sources["euro"], "dollar": sources["dollar"], "today": nowdate()},
	)


def _insert_payments(sources: dict) -> None:
	"""The Payment Entry of each receipt in the ledger, with the money it brought."""
	money, base_money = "-SUM(l.amount_in_account_currency)", "-SUM(l.amount)"
	mode = f"ELT(1 + CRC32(l.voucher_no) %% {len(MODES)}, {', '.join(repr(mode) for mode in MODES)})"
	values = {
		"name": "l.voucher_no",
		"docstatus": "1",
		"posting_date": "l.posting_date",
		"party": "l.party",
		"party_name": "l.party",
		"paid_from": "l.account",
		"paid_from_account_currency": "l.account_currency",
		"mode_of_payment": mode,
		**dict.fromkeys(("paid_amount", "paid_amount_after_tax"), money),
		**{
			f"base_{kind}_amount{tax}": base_money
			for kind in ("paid", "received")
			for tax in ("", "_after_tax")
		},
		**dict.fromkeys(("received_amount", "received_amount_after_tax"), base_money),
	}
	source = f"""`tabPayment Ledger Entry` l
		WHERE l.name LIKE '{PREFIX}%%' AND l.voucher_type = 'Payment Entry' GROUP BY l.voucher_no"""
	_insert_copies("Payment Entry", sources["payment"], values, source, {})


def _insert_copies(doctype: str, row: dict, values: dict[str, str], source: str, params: dict) -> None:
	"""Copies of a row, with `values` (SQL) over it, one for each row of `source`."""
	values, params = dict(values), dict(params)
	for column, value in row.items():
		if column not in values and value is not None:
			values[column] = f"%(c_{column})s"
			params[f"c_{column}"] = value
	frappe.db.sql(
		f"""INSERT INTO `tab{doctype}` ({", ".join(f"`{column}`" for column in values)})
		SELECT {", ".join(values.values())} FROM {source}""",
		params,
	)


def _insert_ledger(
	base: str,
	where: str,
	kind: str,
	voucher: tuple[str, str],
	against: str,
	day: str,
	share: str,
	sources: dict,
) -> None:
	against_type = "Payment Entry" if kind == "A" else "Sales Invoice"
	amount = f"ROUND(worth * ({share}), 2)"
	frappe.db.sql(
		f"""INSERT INTO `tabPayment Ledger Entry` (name, creation, modified, owner, modified_by, docstatus,
			posting_date, company, account_type, account, account_currency, party_type, party, due_date,
			voucher_type, voucher_no, against_voucher_type, against_voucher_no, amount, amount_in_account_currency,
			cost_center, delinked, remarks)
		SELECT CONCAT('{PREFIX}{kind}', LPAD(seq, 8, '0')), NOW(), NOW(), 'Administrator', 'Administrator', 1,
			{day}, %(company)s, 'Receivable', IF(euro, %(euro)s, %(dollar)s), IF(euro, 'EUR', 'USD'), 'Customer',
			{_customer("b.customer")}, due, '{voucher[0]}', {voucher[1]}, '{against_type}', {against},
			ROUND({amount} * rate, 2), {amount}, %(cost_center)s, 0, 'No Remarks'
		FROM ({base}) b WHERE {where}""",
		{
			"company": sources["company"],
			"euro": sources["euro"],
			"dollar": sources["dollar"],
			"cost_center": sources["invoice"]["cost_center"],
			"today": nowdate(),
		},
	)


if __name__ == "__main__":
	main()
