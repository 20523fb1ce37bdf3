"""Fill a scratch site with synthetic deals, by set-based SQL: about 100,000 deals in a few seconds.

	cd BENCH/sites && ../env/bin/python ../apps/crm_ext/benchmarks/synthetic_deals.py --site S --deals 200000

Deals called BENCH-... are removed first, so the command can be repeated with another number; `--deals 0` only
removes. Values are drawn from a hash of the deal's number: the same number gives the same deals everywhere. A site
that holds deals of its own is refused, because ageing and funnel would count the synthetic ones too.
"""

import argparse

import frappe

CHUNK = 100_000
YEARS = 5
# Share of deals whose furthest stage it is, in thousandths: what a funnel usually looks like.
FURTHEST = (
	("Lead", 300),
	("Contacted", 170),
	("Qualified", 120),
	("Opportunity", 110),
	("Quoted", 120),
	("Ordered", 30),
	("Delivered", 20),
	("Invoiced", 30),
	("Paid", 100),
)
# Days after the step before: the most, for each dated step. Steps are drawn evenly from 0 to that.
DAYS = {"opportunity": 45, "quoted": 20, "ordered": 40, "delivered": 30, "invoiced": 10, "paid": 75}


def main() -> None:
	options = _parse()
	frappe.init(site=options.site)
	frappe.connect()
	refuse_real_deals()
	clear()
	for start in range(0, options.deals, CHUNK):
		_insert(start + 1, min(start + CHUNK, options.deals))
		frappe.db.commit()
		print(f"\r{min(start + CHUNK, options.deals):>9} deals", end="", flush=True)
	for doctype in ("Deal", "Deal Stage Change"):
		frappe.db.sql(f"ANALYZE TABLE `tab{doctype}`")
	((deals,),) = frappe.db.sql("SELECT COUNT(*) FROM `tabDeal`")
	((changes,),) = frappe.db.sql("SELECT COUNT(*) FROM `tabDeal Stage Change`")
	print(f"\n{deals} deals, {changes} stage changes on {options.site}")
	frappe.destroy()


def _parse() -> argparse.Namespace:
	parser = argparse.ArgumentParser(description="Fill a scratch site with synthetic deals.")
	parser.add_argument("--site", required=True)
	parser.add_argument("--deals", type=int, required=True, help="how many the site holds afterwards")
	return parser.parse_args()


def refuse_real_deals() -> None:
	"""End the command where the site holds a deal that is not of this benchmark."""
	real = frappe.db.sql("SELECT name FROM `tabDeal` WHERE name NOT LIKE 'BENCH-%' LIMIT 1")
	if real:
		raise SystemExit(f"{frappe.local.site} holds deals of its own ({real[0][0]}); use a scratch site.")


def clear() -> None:
	"""Truncate: nothing but synthetic deals is here."""
	for doctype in ("Deal Stage Change", "Deal Ledger Entry", "Deal"):
		frappe.db.sql_ddl(f"TRUNCATE TABLE `tab{doctype}`")


def _draw(salt: str) -> str:
	"""A number from 0 to 999,999 that depends on the deal's number and `salt` alone."""
	return f"(CRC32(CONCAT(seq, '{salt}')) % 1000000)"


def _one_of(prefix: str, count: int) -> str:
	"""One of `count` values, the lower ones more often, as with real people and sources."""
	draw = _draw(prefix)
	return f"CONCAT('{prefix} ', LPAD(FLOOR(POW({draw} / 1000000, 1.7) * {count}) + 1, 2, '0'))"


def _insert(first: int, last: int) -> None:
	steps = []
	upper = 0
	for rank, (_stage, thousandths) in enumerate(FURTHEST):
		upper += thousandths * 1000
		steps.append(f"WHEN {_draw('stage')} < {upper} THEN {rank}")
	# One row per deal: its number, how far it came, when it began, what it is worth.
	base = f"""
		SELECT seq, CASE {" ".join(steps)} ELSE 0 END AS far,
			DATE_SUB(CURDATE(), INTERVAL FLOOR({_draw("day")} / 1000000 * {YEARS * 365}) DAY) AS d0,
			ROUND(POW({_draw("worth")} / 1000000, 3) * 100000 + 500, 2) AS worth,
			{", ".join(f"FLOOR({_draw(step)} / 1000000 * {days + 1}) AS {step}_days" for step, days in DAYS.items())}
		FROM seq_{first}_to_{last}
	"""
	names = ", ".join(f"'{stage}'" for stage, _share in FURTHEST)
	status = "IF(far >= 5, 'Won', IF(" + _draw("lost") + " < 550000, 'Lost', 'Open'))"
	dates, passed = ["d0"], []
	for rank, step in enumerate(DAYS, 3):
		passed.append(f"{step}_days")
		day = f"LEAST(CURDATE(), DATE_ADD(d0, INTERVAL {' + '.join(passed)} DAY))"
		dates.append(f"IF(far >= {rank}, {day}, NULL)")
	amounts = [f"IF(far >= {rank}, worth, 0)" for rank in (3, 4, 5, 6, 7, 8)]
	furthest = f"ELT(far + 1, {names})"
	waited = f"CASE {_days_until()} ELSE FLOOR({_draw('since')} / 50000) END"
	last_day = f"LEAST(CURDATE(), DATE_ADD(d0, INTERVAL {waited} DAY))"
	frappe.db.sql(
		f"""
		INSERT INTO `tabDeal` (name, creation, modified, owner, modified_by, docstatus, root_type, root_name,
			stage, status, furthest_stage, company, party_type, party, party_name, owner_user, sales_person, source,
			campaign, territory, industry, currency, amount, expected_amount, quoted_amount, ordered_amount,
			delivered_amount, invoiced_amount, paid_amount, lead_on, opportunity_on, quoted_on, ordered_on,
			delivered_on, invoiced_on, paid_on, stage_since, closed_on)
		SELECT CONCAT('BENCH-', LPAD(seq, 8, '0')), d0, d0, 'Administrator', 'Administrator', 0, 'Lead',
			CONCAT('BENCH-LEAD-', seq), IF({status} = 'Lost', 'Lost', {furthest}), {status}, {furthest},
			{_one_of("Bench Company", 3)}, 'Lead', CONCAT('BENCH-LEAD-', seq), CONCAT('Party of deal ', seq),
			CONCAT(LOWER(REPLACE({_one_of("Seller", 40)}, ' ', '')), '@example.com'),
			IF(far >= 5, {_one_of("Person", 40)}, NULL), {_one_of("Source", 12)}, {_one_of("Campaign", 30)},
			{_one_of("Territory", 25)}, {_one_of("Industry", 20)}, 'EUR', worth * (far >= 3), {", ".join(amounts)},
			{", ".join(dates)}, {last_day}, IF(far = 8, {dates[-1]}, IF({status} = 'Lost', {last_day}, NULL))
		FROM ({base}) b
		"""
	)
	frappe.db.sql(
		f"""
		INSERT INTO `tabDeal Stage Change` (name, creation, modified, owner, modified_by, docstatus, deal,
			to_stage, changed_on, changed_by, seconds_in_stage, amount, currency)
		SELECT CONCAT(LPAD(b.seq, 9, '0'), s.seq), d0, d0, 'Administrator', 'Administrator', 0,
			CONCAT('BENCH-', LPAD(b.seq, 8, '0')), ELT(s.seq + 1, {names}),
			DATE_ADD(d0, INTERVAL s.seq * 3 DAY), 'Administrator', 3 * 86400, 0, 'EUR'
		FROM ({base}) b JOIN seq_0_to_8 s ON s.seq <= b.far
		"""
	)


def _days_until() -> str:
	"""Days from the first date to the latest one a deal has, by how far it came."""
	cases, passed = [], []
	for rank, step in enumerate(DAYS, 3):
		passed.append(f"{step}_days")
		cases.append(f"WHEN far = {rank} THEN {' + '.join(passed)}")
	return " ".join(cases)


if __name__ == "__main__":
	main()
