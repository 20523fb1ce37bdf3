"""Releases of credit: who may give one, what it records, how much of it is used. The only writer of releases and of
what orders have taken of them.

What is used is never counted up: it is the sum of what the orders note, taken while the release is locked. So two
orders at once cannot use the same money, and an order that is cancelled gives back what it took.

Locks are taken in one order everywhere: the customer's turn, releases, what orders took of them.
"""

from itertools import islice
from math import inf

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.permissions import has_user_permission
from frappe.utils import escape_html, flt, fmt_money, formatdate, getdate, now_datetime, nowdate

from crm_ext.receivables import credit_check
from crm_ext.receivables import credit_queries as queries
from crm_ext.receivables import credit_rules as rules

RELEASE, CHECK, ORDER = "Credit Release", "Credit Check", "Sales Order"
# Who may release where the settings name nobody.
USUAL_ROLE = "Accounts Manager"
# What a release is given for when nobody says.
USUAL_DAYS = 7


def add_indexes() -> None:
	frappe.db.add_index(RELEASE, ["customer", "company", "docstatus"], "crm_ext_customer")


# Who may


def roles() -> list[tuple[str, float]]:
	"""(role, up to which amount in company currency) by the settings."""
	rows = [
		(row.role, flt(row.up_to_amount) or inf)
		for row in credit_check.settings().get("credit_release_roles") or ()
	]
	return rows or [(USUAL_ROLE, inf)]


def limit_of(user: str | None = None) -> float:
	"""Up to which amount a user may release; 0 where not at all."""
	held = set(frappe.get_roles(user))
	return max((most for role, most in roles() if role in held), default=0)


def who(amount: float, order: Document | None = None, most: int = 10) -> list[str]:
	"""Enabled users of the desk who may release this amount of this order, those of the smallest limit first."""
	limits = {role: limit for role, limit in roles() if limit >= amount}
	if not limits:
		return []
	rows = frappe.db.sql(
		"SELECT DISTINCT u.name, h.role FROM tabUser u JOIN `tabHas Role` h ON h.parenttype = 'User' AND h.parent = u.name"
		" WHERE h.role IN %s AND u.enabled = 1 AND u.user_type = 'System User' AND u.name != 'Administrator'",
		(list(limits),),
	)
	found: dict[str, float] = {}
	for user, role in rows:
		found[user] = min(found.get(user, inf), limits[role])
	users = sorted(found, key=lambda user: (found[user], user))
	return list(islice((user for user in users if not order or _can(user, order)), most))


def _can(user: str, order: Document) -> bool:
	"""Whether somebody with the role may release this order: not their own, and they have to be able to open it."""
	return not _is_own(order.owner, user) and frappe.has_permission(ORDER, doc=order, user=user)


def in_words(currency: str | None) -> str:
	"""Who may release, for a message."""
	return ", ".join(
		_(role)
		if most == inf
		else _("{0} (up to {1})").format(_(role), fmt_money(most, currency=currency, precision=0))
		for role, most in roles()
	)


def _is_own(owner: str | None, user: str | None) -> bool:
	"""Four eyes: nobody releases an order they made. Who manages the system could change the policy as well, so that
	refusing them would only look like a rule; a firm of one person works that way."""
	return bool(owner) and owner == user and "System Manager" not in frappe.get_roles(user)


def check_may(amount: float, owner: str | None = None, user: str | None = None) -> None:
	"""Raises PermissionError, whatever DocPerms say: the roles of the settings decide, on every way to a release."""
	user = user or frappe.session.user
	most = limit_of(user)
	if not most:
		frappe.throw(_("You may not release credit."), frappe.PermissionError)
	if amount > most:
		frappe.throw(_("You may release up to {0}.").format(fmt_money(most)), frappe.PermissionError)
	if _is_own(owner, user):
		frappe.throw(_("Somebody else has to release an order you made."), frappe.PermissionError)


def may(amount: float, owner: str | None = None, user: str | None = None) -> bool:
	"""`check_may` as an answer."""
	user = user or frappe.session.user
	return 0 < amount <= limit_of(user) and not _is_own(owner, user)


# What the document does


def prepare(doc: Document) -> None:
	"""Fill what follows from the order, and refuse a release that cannot be used."""
	order = _order(doc) if doc.sales_order else None
	if not doc.customer or not doc.company:
		return  # reported as missing values
	doc.customer_name = frappe.db.get_value("Customer", doc.customer, "customer_name")
	doc.currency = frappe.get_cached_value("Company", doc.company, "default_currency")
	doc.amount = flt(doc.amount, doc.precision("amount"))
	doc.used_amount = 0
	if doc.amount <= 0:
		frappe.throw(_("Say how much is released."))
	if doc.valid_until and getdate(doc.valid_until) < getdate(nowdate()):
		frappe.throw(_("{0} is past.").format(formatdate(doc.valid_until)), title=_("Valid Until"))
	if order and doc.amount < flt(order.base_grand_total, doc.precision("amount")):
		frappe.throw(
			_("The order is worth {0}; with less it is not released.").format(
				fmt_money(order.base_grand_total, currency=doc.currency)
			)
		)


def _order(doc: Document) -> "frappe._dict":
	order = frappe.db.get_value(
		ORDER,
		doc.sales_order,
		["name", "customer", "company", "docstatus", "base_grand_total", "deal", "owner"],
		as_dict=True,
	)
	if not order:
		frappe.throw(
			_("Sales Order {0} does not exist.").format(escape_html(doc.sales_order)),
			frappe.DoesNotExistError,
		)
	if order.docstatus == 2:
		frappe.throw(_("Sales Order {0} is cancelled.").format(order.name))
	for field in ("customer", "company"):
		if doc.get(field) and doc.get(field) != order[field]:
			frappe.throw(
				_("Sales Order {0} belongs to {1}, not to {2}.").format(
					order.name, escape_html(order[field]), escape_html(doc.get(field))
				)
			)
		doc.set(field, order[field])
	doc.deal = order.deal
	return order


def give(doc: Document) -> None:
	"""Before a release is submitted: who gives it, and what stands against it."""
	order = None
	if doc.sales_order:
		order = frappe.db.get_value(ORDER, doc.sales_order, ["owner", "base_grand_total"], as_dict=True)
	check_may(doc.amount, order and order.owner)
	doc.released_by, doc.released_on = frappe.session.user, now_datetime().replace(microsecond=0)
	found = credit_check.check(
		doc.customer, doc.company, flt(order.base_grand_total) if order else 0, order=doc.sales_order
	)
	sentences = credit_check.words(found, ORDER if order else None)
	doc.reasons = "\n".join(frappe.utils.strip_html(sentence) for sentence in sentences)


def given(doc: Document) -> None:
	"""After a release was submitted: it stands on the timeline of the order and of the deal the order was in."""
	if not doc.sales_order:
		return
	text = _("{0} released credit of {1} until {2}").format(
		credit_check.link(RELEASE, doc.name),
		fmt_money(doc.amount, currency=doc.currency),
		formatdate(doc.valid_until),
	)
	if doc.notes:
		text += f": {escape_html(doc.notes)}"
	_comment(ORDER, doc.sales_order, text)
	if doc.deal:
		_comment("Deal", doc.deal, f"{credit_check.link(ORDER, doc.sales_order)}: {text}")


def _comment(doctype: str, name: str, content: str) -> None:
	frappe.get_doc(
		{
			"doctype": "Comment",
			"comment_type": "Info",
			"reference_doctype": doctype,
			"reference_name": name,
			"comment_email": frappe.session.user,
			"content": content,
		}
	).insert(ignore_permissions=True)


def check_unused(doc: Document) -> None:
	"""A release an order was submitted with is the record of why; it cannot be cancelled before the order is."""
	used = frappe.db.sql(
		"SELECT sales_order FROM `tabCredit Check` WHERE credit_release = %s AND released_amount > 0 LIMIT 1 FOR UPDATE",
		(doc.name,),
		pluck=True,
	)
	if used:
		frappe.throw(
			_("Sales Order {0} was submitted with this release. Cancel the order first.").format(used[0])
		)


def make(values: dict) -> Document:
	"""Give a release. Whose role the settings name may do so also where no DocPerm says so."""
	doc = frappe.new_doc(RELEASE)
	doc.update(values)
	doc.valid_until = doc.valid_until or frappe.utils.add_days(nowdate(), USUAL_DAYS)
	doc.flags.ignore_permissions = True
	doc.insert()  # takes customer and company from the order
	if not has_user_permission(doc):
		frappe.throw(_("You may not release credit for this customer or company."), frappe.PermissionError)
	doc.submit()  # checks who
	return doc


# Using


def find(
	order: Document, value: float, lock: bool = False
) -> tuple[rules.Release | None, rules.Release | None]:
	"""(release that covers an order of this value, release of the order that is too small for it)."""
	today = getdate(nowdate())
	found = [
		release
		for release in queries.releases(
			order.customer, order.company, order.name or "", order.get("amended_from"), today, lock
		)
		# Nor does a release for any order count for the giver's own.
		if not _is_own(order.owner, release.released_by)
	]
	covering = rules.covering(found, value, today)
	small = next((release for release in found if release.sales_order), None)
	return covering, None if covering else small


def use(order: Document, value: float, release: str) -> None:
	"""An order passes by a release, which `find` has locked, and takes its value of it."""
	known = queries.check_of(order.name)
	frappe.db.sql(
		"""INSERT INTO `tabCredit Check` (name, creation, modified, owner, modified_by, docstatus, sales_order, customer,
			company, credit_release, released_amount, checked_on)
		VALUES (%(name)s, %(now)s, %(now)s, %(user)s, %(user)s, 0, %(order)s, %(customer)s, %(company)s, %(release)s,
			%(value)s, %(now)s)
		ON DUPLICATE KEY UPDATE modified = VALUES(modified), modified_by = VALUES(modified_by),
			credit_release = VALUES(credit_release), released_amount = VALUES(released_amount),
			checked_on = VALUES(checked_on)""",
		{
			"name": known.name or frappe.generate_hash(length=10),
			"now": now_datetime(),
			"user": frappe.session.user,
			"order": order.name,
			"customer": order.customer,
			"company": order.company,
			"release": release,
			"value": value,
		},
	)
	_count({release, known.credit_release})


def give_back(order: Document, value: float = 0) -> None:
	"""An order was cancelled, or is worth only `value` now: it takes no more than that."""
	known = queries.check_of(order.name)
	if not known or flt(known.released_amount) <= value:
		return
	frappe.db.sql("SELECT name FROM `tabCredit Release` WHERE name = %s FOR UPDATE", (known.credit_release,))
	if value:
		frappe.db.sql(
			"UPDATE `tabCredit Check` SET released_amount = %s WHERE sales_order = %s", (value, order.name)
		)
	else:
		frappe.db.sql("DELETE FROM `tabCredit Check` WHERE sales_order = %s", (order.name,))
	_count({known.credit_release})


def _count(names: set[str | None]) -> None:
	"""What is used of releases, as orders note it. A sub-query of an UPDATE reads what others have committed."""
	names = sorted(name for name in names if name)
	if not names:
		return
	frappe.db.sql(
		"""UPDATE `tabCredit Release` r SET r.used_amount = (
			SELECT IFNULL(SUM(c.released_amount), 0) FROM `tabCredit Check` c WHERE c.credit_release = r.name)
		WHERE r.name IN %s ORDER BY r.name""",
		(names,),
	)
	for name in names:
		frappe.clear_document_cache(RELEASE, name)


def describe(name: str) -> dict | None:
	"""What a form shows of a release."""
	return frappe.db.get_value(
		RELEASE,
		name,
		["name", "amount", "currency", "valid_until", "released_by", "sales_order", "notes"],
		as_dict=True,
	)
