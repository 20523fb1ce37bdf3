"""The pieces of the questions a rule asks: tables, conditions and dates, as SQL. See candidates.py for the questions.

They are put together from constant text, from names that were checked against the DocType, and from values the database
has escaped.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

import frappe

from crm_ext.follow_ups import model, references, rules
from crm_ext.follow_ups.model import REFERENCES
from crm_ext.follow_ups.rules import BrokenRule, Rule

# For each document its own few; by the rule the database would look at all of them each time.
FOLLOW_UPS = "`tabFollow Up` f FORCE INDEX (crm_ext_reference)"


@dataclass(frozen=True, slots=True)
class Day:
	"""Until when a pass makes follow ups. `today` is the system's day.

	`ahead`: days ahead follow ups are made. `longest_break`: by how many days of holidays a step before a date can move.
	"""

	today: date
	ahead: int
	longest_break: int = 0


def escape(value) -> str:
	if value is None:
		return "NULL"
	return frappe.db.escape(str(value), percent=False)


def listed(values: Collection) -> str:
	return ", ".join(escape(value) for value in values) or "NULL"


def filter_query(doctype: str, filters: Collection[list]) -> str:
	"""SELECT of the names that fulfil Frappe's filters, every operator of them. Raises BrokenRule."""
	try:
		return frappe.get_all(
			doctype,
			filters=[list(row) for row in filters],
			fields=[f"`tab{doctype}`.name"],
			order_by=None,
			run=False,
		)
	except Exception as error:
		frappe.clear_messages()
		raise BrokenRule(str(error) or type(error).__name__) from error


class Query:
	"""Pieces of the questions about one rule. The document is `x`, its deal `deal`, a follow up `f`."""

	def __init__(self, rule: Rule, day: Day | None):
		self.rule = rule
		self.day = day
		self.reference = rule.reference
		self.has_deal = rules.has_deal(rule.doctype)
		self.party_doctypes = _party_doctypes(rule.doctype)
		self.anchor = self._anchor()

	def tables(self, joined_by: str | None = None, person: bool = False) -> str:
		"""Tables of a FROM clause, beginning with the document; `joined_by` where it is itself joined to another."""
		own = {"creation", "last_contact_on", self.rule.date_field or "creation", self.reference.date_field}
		own |= {"stage_since"} if self.rule.doctype == "Deal" else set()
		columns = references.columns(self.reference)
		parts = [
			f"(SELECT name, {columns}, {', '.join(f'`{c}` AS `x_{c}`' for c in sorted(own))},"
			f" docstatus FROM `tab{self.rule.doctype}`) x"
		]
		if joined_by:
			parts.append(f"ON {joined_by}")
		if self.has_deal:
			deal = "deal.name = x.deal"
			if self.rule.doctype == "Lead":
				deal = "deal.root_type = 'Lead' AND deal.root_name = x.name"
			parts.append(f"LEFT JOIN tabDeal deal ON {deal}")
		if self.rule.stop_stage and self.has_deal:
			parts.append("LEFT JOIN `tabDeal Stage` stage ON stage.name = deal.stage")
		if self.rule.silence_of == rules.PARTY:
			for number, doctype in enumerate(self.party_doctypes):
				parts.append(
					f"LEFT JOIN `tab{doctype}` party_{number}"
					f" ON x.party_type = '{doctype}' AND party_{number}.name = x.party"
				)
		if self.rule.trigger == rules.EVENT and self.rule.event == rules.CONDITION_MET:
			parts.append(
				"LEFT JOIN (SELECT reference_name, MIN(anchor_on) AS anchor_on FROM `tabFollow Up`"
				f" WHERE rule = {escape(self.rule.name)} AND {self.same_doctype('')} GROUP BY reference_name) seen"
				" ON seen.reference_name = x.name"
			)
		if person:
			parts += self._person_joins()
		return " ".join(parts)

	# What the rule counts from

	def _anchor(self) -> str:
		rule = self.rule
		if rule.trigger == rules.DATE:
			return f"TIMESTAMP(DATE(x.`x_{rule.date_field}`))"
		if rule.trigger == rules.SILENCE:
			contact = self._contact(rule.silence_of)
			return f"COALESCE({contact}, x.x_creation)"
		if rule.event == rules.SUBMITTED:
			return f"TIMESTAMP(DATE(x.`x_{self.reference.date_field}`))"
		if rule.event == rules.STAGE_ENTERED:
			return "x.x_stage_since"
		if rule.event == rules.CONDITION_MET:
			today = escape(self.day.today) if self.day else "CURDATE()"
			return f"COALESCE(seen.anchor_on, TIMESTAMP({today}))"
		return "x.x_creation"

	def _contact(self, level: str) -> str:
		"""The latest contact with the document, and as far as `level` says with its deal and its party; NULL if none."""
		dates = ["x.x_last_contact_on"]
		if level != rules.DOCUMENT and self.has_deal and self.rule.doctype != "Deal":
			dates.append("deal.last_contact_on")
		if level == rules.PARTY:
			dates += [
				f"party_{number}.last_contact_on"
				for number, doctype in enumerate(self.party_doctypes)
				if doctype != self.rule.doctype
			]
		if len(dates) == 1:
			return dates[0]
		never = "TIMESTAMP('1000-01-01')"
		return f"NULLIF(GREATEST({', '.join(f'COALESCE({one}, {never})' for one in dates)}), {never})"

	# Conditions

	def matching(self) -> list[str]:
		rule, conditions = self.rule, []
		if rule.filters:
			conditions.append(f"x.name IN ({filter_query(rule.doctype, rule.filters)})")
		if rule.event == rules.SUBMITTED:
			conditions.append("x.docstatus = 1")
		elif not rule.names_docstatus:
			conditions.append("x.docstatus < 2")
		if rule.company:
			conditions.append(f"x.company = {escape(rule.company)}")
		return conditions

	def steps(self) -> list[str]:
		"""One condition for each step: its time has come, and neither it nor a step that replaces it is there."""
		ordered = self.rule.ordered_steps
		found = []
		for number, step in enumerate(ordered):
			conditions = [*self._range(step, first=number == 0)]
			same = ordered[number:] if self.rule.replace_open_steps else [step]
			numbers = ", ".join(str(int(one.idx)) for one in same)
			conditions.append(
				f"NOT EXISTS (SELECT 1 FROM {FOLLOW_UPS} WHERE {self.same_anchor()} AND f.step IN ({numbers}))"
			)
			found.append(f"({' AND '.join(conditions)})")
		return found

	def _range(self, step: model.Step, first: bool) -> list[str]:
		"""Bounds of what is counted from, wide enough for every time zone and holiday."""
		rule, day = self.rule, self.day
		column = {rules.DATE: rule.date_field, rules.SILENCE: None}.get(rule.trigger)
		column = f"x.`x_{column}`" if column else self.anchor
		found = [f"{column} IS NOT NULL"]
		if not (first and rule.event == rules.CONDITION_MET):
			# The day of a person is at most one ahead, and what is counted from may be a day earlier there.
			shift = day.ahead + 2 + (day.longest_break if step.days < 0 else 0) - step.days
			found.append(f"{column} < {escape(day.today + timedelta(days=shift + 1))}")
		if rule.applies_from:
			found.append(f"{column} >= {escape(rule.applies_from - timedelta(days=step.days + 2))}")
		return found

	def same_doctype(self, alias: str = "f.") -> str:
		return f"{alias}reference_doctype = {escape(self.rule.doctype)}"

	def same_anchor(self) -> str:
		same = f"f.reference_name = x.name AND {self.same_doctype()} AND f.rule = {escape(self.rule.name)}"
		# Once for each document: whatever there is counts.
		return same if self.rule.event == rules.CONDITION_MET else f"{same} AND f.anchor_on = {self.anchor}"

	def stops(self, made: bool = False) -> list[tuple[str, str]]:
		"""(condition, reason): when nothing more is made for a document; `made`: when a follow up of it is closed."""
		rule, found = self.rule, []
		# A rule of silence starts over by itself.
		if rule.stop_on_contact and rule.trigger != rules.SILENCE:
			after = self.anchor
			if not rule.counts_from_moment:
				# The mail that sends a quotation is no answer to it: what counts comes after the day.
				after = f"({self.anchor} + INTERVAL 1 DAY)"
				if made:
					# Of a date that lies ahead, what came after the follow up was made counts.
					after = f"LEAST({after}, f.creation)"
			found.append((f"{self._contact(rules.DEAL_LEVEL)} > {after}", model.IN_CONTACT))
		if rule.stop_stage and self.has_deal:
			sequence = f"(SELECT sequence FROM `tabDeal Stage` WHERE name = {escape(rule.stop_stage)})"
			found.append((f"stage.sequence >= {sequence}", model.STAGE_REACHED))
		return found

	def not_stopped(self) -> list[str]:
		# A document without deal, or never contacted, is compared with NULL: it is not stopped.
		return [f"({condition}) IS NOT TRUE" for condition, _reason in self.stops()]

	# Who

	def person(self) -> str:
		assign_to = self.rule.assign_to
		if assign_to == "Owner":
			return "COALESCE(x.`owner`, x.created_by)"
		if assign_to == "Lead Owner":
			return "x.`owner`" if self.rule.doctype == "Lead" else "NULLIF(lead.lead_owner, '')"
		if assign_to == "Account Manager":
			return "NULLIF(customer.account_manager, '')"
		if assign_to == "Salesperson":
			return self._salesperson()
		if assign_to == "Assignee":
			return (
				"(SELECT t.allocated_to FROM tabToDo t WHERE t.reference_type = "
				f"{escape(self.rule.doctype)} AND t.reference_name = x.name AND t.status = 'Open'"
				" AND COALESCE(t.allocated_to, '') != '' ORDER BY t.creation DESC, t.name LIMIT 1)"
			)
		return "NULL"

	def _person_joins(self) -> list[str]:
		"""The customer, and the lead, a document is about: its party, else those of its deal."""
		assign_to, joins = self.rule.assign_to, []
		if assign_to not in ("Lead Owner", "Account Manager", "Salesperson"):
			return joins
		of_deal = "deal.customer" if self.has_deal else "NULL"
		customer = f"IF(x.party_type = 'Customer', x.party, {of_deal})"
		joins.append(f"LEFT JOIN tabCustomer customer ON customer.name = {customer}")
		if assign_to == "Lead Owner" and self.rule.doctype != "Lead":
			of_deal = "NULLIF(deal.lead, ''), " if self.has_deal else ""
			joins.append(
				"LEFT JOIN tabLead lead ON lead.name ="
				f" COALESCE(IF(x.party_type = 'Lead', x.party, NULL), {of_deal}customer.lead_name)"
			)
		return joins

	def _salesperson(self) -> str:
		"""The user of the sales person with the largest share, of the document, else of its customer or its deal."""
		user = (
			"SELECT NULLIF(e.user_id, '') FROM {0} JOIN `tabSales Person` p ON p.name = {1}"
			" JOIN tabEmployee e ON e.name = p.employee WHERE {2} LIMIT 1"
		)
		of = "t.parent = {0} AND t.parenttype = {1} ORDER BY t.allocated_percentage DESC, t.idx"
		sources = []
		if frappe.get_meta(self.rule.doctype).has_field("sales_team") and self.rule.doctype != "Customer":
			sources.append(
				("`tabSales Team` t", "t.sales_person", of.format("x.name", escape(self.rule.doctype)))
			)
		sources.append(("`tabSales Team` t", "t.sales_person", of.format("customer.name", "'Customer'")))
		if self.has_deal:
			sources.append(("(SELECT 1) one", "deal.sales_person", "p.employee IS NOT NULL"))
		return f"COALESCE({', '.join(f'({user.format(*source)})' for source in sources)})"


def _party_doctypes(doctype: str) -> list[str]:
	"""Parties a document of a DocType may have."""
	reference = REFERENCES[doctype]
	if reference.party_type.startswith("="):
		return [reference.party_type[1:]]
	return list(model.PARTIES)
