"""Tells named people when a big deal comes to another stage: bell and mail, as each wants it."""

import frappe
from frappe import _
from frappe.utils import fmt_money, get_url_to_form

from crm_ext.deals.big_deals import Move, who_hears
from crm_ext.deals.stages import get_big_deal_limits
from crm_ext.follow_ups import messages, preferences
from crm_ext.follow_ups.preferences import Person


def tell(moves: list[Move]) -> list[tuple[str, str]]:
	"""Tell of these moves whom the limits name and who may read the deal. Returns (user, deal) told. The caller commits."""
	hearing = who_hears(moves, get_big_deal_limits())
	people = preferences.people(hearing)
	mail = messages.can_mail() if people else False
	told = []
	for user, person in sorted(people.items()):
		for move in hearing[user]:
			# It may be gone by now.
			if frappe.db.exists("Deal", move.deal) and frappe.has_permission(
				"Deal", "read", doc=move.deal, user=user
			):
				_tell(person, move, mail)
				told.append((user, move.deal))
	return told


def _tell(person: Person, move: Move, mail: bool) -> None:
	with messages.language(person.language):
		amount = fmt_money(move.amount, currency=move.currency)
		stage = _(move.to_stage)
		subject = _("Big deal {0}, {1}: now {2}, {3}").format(move.deal, move.party_name or "", stage, amount)
		args = {
			"name": person.full_name,
			"deal": move.deal,
			"link": get_url_to_form("Deal", move.deal),
			"party": move.party_name or "",
			"amount": amount,
			"from_stage": _(move.from_stage) if move.from_stage else "",
			"to_stage": stage,
			"moved_by": frappe.utils.get_fullname(move.moved_by),
		}
		link = f"/app/deal/{move.deal}"
		messages.tell(person, subject, link, "big_deal", args, mail, "mail", ("Deal", move.deal))
