"""Drafts of Delivery Notes from open order rows, by ERPNext's own mapping, with what can be delivered now.

The only module here that writes. What fails for one note is told in words and leaves the others alone. An order is
locked before it is looked at, so that two people at once make one note: the second is told of the first one's draft.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from io import BytesIO
from urllib.parse import quote

import frappe
from erpnext.selling.doctype.sales_order.sales_order import make_delivery_note
from frappe import _
from frappe.model.document import Document
from frappe.utils import cstr, escape_html, strip_html
from pypdf import PdfWriter

from crm_ext.deals.locks import is_lock_error
from crm_ext.permissions import list_conditions
from crm_ext.supply import delivery, delivery_queries
from crm_ext.supply.delivery_rules import OpenOrder, OpenRow, by_order

_SAVEPOINT = "crm_ext_delivery_note"
# A list is opened by names, which have to fit a web address.
_MOST_NAMES = 100
# What ERPNext compares between a note and its orders, and what a note has once for all its rows.
_SAME = (
	*("customer", "project", "currency", "conversion_rate", "plc_conversion_rate", "selling_price_list"),
	*("price_list_currency", "tax_category", "taxes_and_charges", "shipping_rule", "incoterm"),
	*("customer_address", "shipping_address_name", "contact_person", "company_address", "apply_discount_on"),
	*("additional_discount_percentage", "discount_amount"),
)


class Result:
	"""Notes made, and for each order that was left out the reason, in the order they were asked for."""

	def __init__(self) -> None:
		self.notes: list[str] = []
		self.left_out: list[dict] = []

	def leave_out(self, orders: Iterable[str], reason: str) -> None:
		self.left_out += ({"order": order, "reason": reason} for order in orders)

	def as_dict(self) -> dict:
		return {"notes": self.notes, "left_out": self.left_out}


def make(
	company: str,
	rows: Collection[str],
	by_customer: bool = False,
	with_drafts: bool = False,
	in_job: bool = False,
) -> Result:
	"""A draft for each order, or for each customer as far as orders agree, of the rows named.

	Rows a draft holds already are left out unless `with_drafts`. `in_job`: each note is a transaction of its own, and an
	order somebody holds is left out. Orders the session's user may not read are treated as if they were not there.
	"""
	result = Result()
	wanted = set(rows)
	found = delivery.open_rows(company, delivery.today().today)
	orders = by_order(row for row in found if row.visible and row.name in wanted)
	# In the transaction that read what is open: who changes an order later is noticed.
	seen = delivery_queries.stamps([order.name for order in orders]) if orders else {}
	for group in _groups(orders, by_customer):
		try:
			_make_safely(group, seen, with_drafts, result)
		except Exception as error:
			if not in_job or not is_lock_error(error):
				raise
			frappe.db.rollback()
			result.leave_out((order.name for order in group), _("Somebody was changing it."))
		if in_job:
			frappe.db.commit()  # a job killed has lost one note, and made the others
	return result


def make_and_tell(company: str, rows: Collection[str], by_customer: bool, with_drafts: bool) -> None:
	"""The job: `make`, then tell the session's user in the bell what came of it."""
	result = make(company, rows, by_customer, with_drafts, in_job=True)
	_tell(frappe.session.user, result)
	frappe.db.commit()  # the job's last transaction


def _tell(user: str, result: Result) -> None:
	subject = _("{0} drafts of delivery notes were made").format(len(result.notes))
	if result.left_out:
		subject += ", " + _("{0} orders were left out").format(len(result.left_out))
	names = quote(frappe.as_json(["in", result.notes[:_MOST_NAMES]], indent=None))
	link = f"/app/delivery-note?name={names}"
	lines = [f"<li>{escape_html(row['order'])}: {escape_html(row['reason'])}</li>" for row in result.left_out]
	log = frappe.get_doc(
		{
			"doctype": "Notification Log",
			"type": "Alert",
			"for_user": user,
			"subject": subject,
			"link": link,
			"email_content": f'<p><a href="{link}">{_("Delivery Notes")}</a></p><ul>{"".join(lines)}</ul>',
		}
	).insert(ignore_permissions=True)
	if result.left_out:
		# The reasons stand there.
		log.db_set("link", f"/app/notification-log/{log.name}")


def _groups(orders: list[OpenOrder], by_customer: bool) -> list[list[OpenOrder]]:
	"""Orders that share a note."""
	if not by_customer or len(orders) < 2:
		return [[order] for order in orders]
	fields = [field for field in _SAME if frappe.get_meta("Sales Order").has_field(field)]
	heads = frappe.get_all(
		"Sales Order",
		{"name": ["in", [o.name for o in orders]]},
		["name", *fields],
		as_list=True,
		order_by="name",
	)
	key_of = {name: tuple(map(cstr, values)) for name, *values in heads}
	groups = defaultdict(list)
	for order in orders:
		groups[key_of[order.name]].append(order)
	return list(groups.values())


def _make_safely(
	group: list[OpenOrder], seen: dict[str, datetime], with_drafts: bool, result: Result
) -> None:
	said = len(frappe.local.message_log)
	frappe.db.savepoint(_SAVEPOINT)
	try:
		ready = _ready(group, seen, with_drafts, result)
		if ready:
			result.notes.append(_make(ready).name)
	except Exception as error:
		if is_lock_error(error):
			raise
		frappe.db.rollback(save_point=_SAVEPOINT)
		result.leave_out((order.name for order in group), _reason(error, group[0].name))
	# What ERPNext said about each note comes back when the note is opened; the reasons are told in one list.
	del frappe.local.message_log[said:]


def _ready(
	group: list[OpenOrder], seen: dict[str, datetime], with_drafts: bool, result: Result
) -> list[OpenOrder]:
	"""Lock the orders and leave out what cannot be delivered, each with its reason."""
	stamps = delivery_queries.stamps([order.name for order in group], lock=True)
	names = [row.name for order in group for row in order.rows]
	drafts = {} if with_drafts else delivery_queries.drafts_now(names)
	ready = []
	for order in group:
		if stamps.get(order.name) != seen.get(order.name):
			result.leave_out([order.name], _("Somebody changed it just now. Refresh, and choose it again."))
			continue
		free = [row for row in order.rows if row.name not in drafts]
		rows = [row for row in free if row.is_deliverable]
		if rows:
			ready.append(OpenOrder(order.name, rows))
		elif free:
			result.leave_out([order.name], _why_nothing(free))
		else:
			notes = sorted({note for row in order.rows for note in drafts[row.name]})
			result.leave_out([order.name], _("It is in a draft already: {0}.").format(", ".join(notes)))
	return ready


def _why_nothing(rows: list[OpenRow]) -> str:
	if any(row.availability and row.availability.on_hand > 0 for row in rows):
		return _(
			"Nothing of it can be delivered now: what is in stock is for orders due earlier, or too little."
		)
	return _("Nothing of it can be delivered now: it is not in stock.")


def _make(orders: list[OpenOrder]) -> Document:
	"""One draft for these orders, inserted."""
	note = None
	for order in orders:
		note = make_delivery_note(
			order.name,
			target_doc=note,
			# As ERPNext's own button does. Rows with reserved stock come without asking whether they were chosen.
			kwargs={"for_reserved_stock": True, "filtered_children": [row.name for row in order.rows]},
		)
	_limit(note, {row.name: row for order in orders for row in order.rows})
	if not note.items:
		frappe.throw(_("Nothing of it is left to deliver."))
	return note.insert()


def _limit(note: Document, rows: dict[str, OpenRow]) -> None:
	"""Only the rows chosen, each with no more than can be delivered now."""
	left = {name: row.deliverable / row.factor for name, row in rows.items()}
	kept = []
	for item in note.items:
		qty = min(item.qty, left.get(item.so_detail, 0))
		if qty <= 0:
			continue
		left[item.so_detail] -= qty
		if qty < item.qty:
			item.qty = qty
			# Made for more than this; the note asks for its own.
			item.serial_and_batch_bundle = None
		kept.append(item)
	note.set("items", kept)
	for number, item in enumerate(note.items, 1):
		item.idx = number


def _reason(error: Exception, order: str) -> str:
	"""What went wrong, in words; what nobody meant to say goes to the Error Log."""
	if isinstance(error, frappe.ValidationError | frappe.PermissionError):
		text = cstr(error) or cstr(frappe.flags.error_message)
		return strip_html(text) or _("You may not make a delivery note for it.")
	frappe.log_error(
		title="CRM Ext: making a delivery note failed",
		message=frappe.get_traceback(with_context=True),
		reference_doctype="Sales Order",
		reference_name=order,
	)
	return _("It failed. The Error Log tells more to the administrator.")


# What there is already


def existing(rows: Collection[str]) -> dict[str, list[str]]:
	"""By order: drafts that hold these rows, of orders the session's user may read."""
	found = delivery_queries.drafts_now(rows)
	if not found:
		return {}
	orders = frappe.get_all(
		"Sales Order Item", {"name": ["in", list(found)]}, ["name", "parent"], as_list=True, order_by="name"
	)
	names = frappe.get_list(
		"Sales Order",
		{"name": ["in", [order for _row, order in orders]]},
		pluck="name",
		order_by="name",
		limit=0,
	)
	by_name: dict[str, set[str]] = defaultdict(set)
	for row, order in orders:
		if order in names:
			by_name[order].update(found[row])
	return {order: sorted(notes) for order, notes in by_name.items()}


def notes_of(orders: Collection[str]) -> list[dict]:
	"""Delivery notes of orders, as the session's user may read them, the newest first; returns and cancelled ones not."""
	conditions = list_conditions("Delivery Note").replace("%", "%%")
	return frappe.db.sql(
		f"""SELECT `tabDelivery Note`.name, `tabDelivery Note`.posting_date, `tabDelivery Note`.docstatus,
			`tabDelivery Note`.status, `tabDelivery Note`.customer_name,
			GROUP_CONCAT(DISTINCT d.against_sales_order ORDER BY d.against_sales_order SEPARATOR ', ') AS orders
		FROM `tabDelivery Note Item` d JOIN `tabDelivery Note` ON `tabDelivery Note`.name = d.parent
		WHERE d.against_sales_order IN %s AND `tabDelivery Note`.docstatus < 2 AND `tabDelivery Note`.is_return = 0
			{f"AND ({conditions})" if conditions else ""}
		GROUP BY `tabDelivery Note`.name
		ORDER BY `tabDelivery Note`.posting_date DESC, `tabDelivery Note`.creation DESC""",
		(list(orders),),
		as_dict=True,
	)


def pdf(names: Collection[str], print_format: str | None = None) -> bytes:
	"""One PDF of delivery notes, by Frappe's own means; each has to be one the session's user may print.

	Frappe's download of many leaves out what fails, without a word. Here all are in it, or the reason is told.
	"""
	writer = PdfWriter()
	for name in names:
		try:
			frappe.get_print("Delivery Note", name, print_format or None, as_pdf=True, output=writer)
		except OSError as error:
			frappe.log_error(
				title="CRM Ext: a PDF could not be made",
				reference_doctype="Delivery Note",
				reference_name=name,
			)
			lines = [line for line in cstr(error).splitlines() if line.strip()]
			frappe.throw(
				_("This site could not make the PDF ({0}). Print the notes one at a time.").format(
					escape_html(lines[-1] if lines else "wkhtmltopdf")
				),
				title=_("Print Delivery Notes"),
			)
	with BytesIO() as made:
		writer.write(made)
		return made.getvalue()
