"""Which documents a rule is about, and which of its follow ups are to be closed or moved. Reads only.

Every question is one statement, however many documents there are. It is put together from constant text, from names
that were checked against the DocType, and from values the database has escaped.
"""

from collections.abc import Collection

import frappe

from crm_ext.follow_ups import model, references, rules
from crm_ext.follow_ups.candidate_query import FOLLOW_UPS, Day, Query, escape, filter_query, listed
from crm_ext.follow_ups.model import REFERENCES
from crm_ext.follow_ups.rules import BrokenRule, Rule

# Errors that say that a question makes no sense, by MariaDB's numbers: unknown table, column, function or date.
_SENSELESS = (1054, 1064, 1146, 1222, 1292, 1305, 1366, 1411, 1525, 4078)


def due(rule: Rule, day: Day, names: Collection[str] | None = None) -> list[str]:
	"""Names of documents of which a step may be due that is not made yet, in order; of `names` only where given.

	A little too many, because the day of a person and a holiday are only known once the person is.
	"""
	query = Query(rule, day)
	conditions = [*query.matching(), f"({' OR '.join(query.steps())})", *query.not_stopped()]
	if names is not None:
		conditions.append(f"x.name IN ({listed(names)})")
	return _ask(
		f"SELECT x.name FROM {query.tables()} WHERE {' AND '.join(conditions)} ORDER BY x.name", pluck=True
	)


def describe(rule: Rule, names: Collection[str], day: Day | None = None) -> dict[str, "frappe._dict"]:
	"""Per document what a follow up copies from it, `person` (whom it names for the rule), `anchor`, and `made`: the
	steps there are for that anchor."""
	if not names:
		return {}
	query = Query(rule, day)
	deal = "deal.name" if query.has_deal else "NULL"
	rows = _ask(
		f"""SELECT x.name, x.party_type, x.party, x.party_name, {deal} AS deal, x.company, x.contact, x.created_by,
			{query.person()} AS person, {query.anchor} AS anchor,
			(SELECT GROUP_CONCAT(f.step) FROM {FOLLOW_UPS} WHERE {query.same_anchor()}) AS made
		FROM {query.tables(person=True)} WHERE x.name IN ({listed(names)})""",
		as_dict=True,
	)
	found = {}
	for row in rows:
		row.made = {int(step) for step in row.made.split(",")} if row.made else set()
		found[row.name] = row
	return found


def fulfils(doctype: str, filters: Collection[list], name: str) -> bool:
	"""Whether one document fulfils Frappe's filters."""
	return bool(
		_ask(f"SELECT 1 FROM ({filter_query(doctype, filters)}) f WHERE f.name = {escape(name)} LIMIT 1")
	)


def stopped(rule: Rule, names: Collection[str]) -> dict[str, str]:
	"""Per document why no further step is made, a reason as in Follow Up.cancel_reason; others are left out."""
	query = Query(rule, None)
	cases = [f"WHEN {condition} THEN {escape(reason)}" for condition, reason in query.stops()]
	if not cases:
		return {}
	return dict(
		_ask(
			f"SELECT x.name, CASE {' '.join(cases)} END AS reason FROM {query.tables()}"
			f" WHERE x.name IN ({listed(names)}) HAVING reason IS NOT NULL"
		)
	)


def to_close(rule: Rule) -> list["frappe._dict"]:
	"""Open follow ups of a rule that lost their reason: name, what they are about, and `reason`."""
	query = Query(rule, None)
	left = escape(model.CONDITION_LEFT)
	cases = [f"WHEN x.name IS NULL THEN {left}"]
	if not rule.names_docstatus:
		cases.append(f"WHEN x.docstatus = 2 THEN {escape(model.DOCUMENT_CANCELLED)}")
	cases += [f"WHEN ({condition}) IS NOT TRUE THEN {left}" for condition in query.matching()]
	if rule.trigger == rules.SILENCE:
		cases.append(f"WHEN {query.anchor} > f.anchor_on THEN {escape(model.IN_CONTACT)}")
	if rule.trigger != rules.EVENT or rule.event == rules.STAGE_ENTERED:
		cases.append(f"WHEN NOT ({query.anchor} <=> f.anchor_on) THEN {left}")
	cases += [f"WHEN {condition} THEN {escape(reason)}" for condition, reason in query.stops(made=True)]
	return _ask(
		f"""SELECT f.name, f.reference_doctype, f.reference_name, f.party_type, f.party, f.deal,
			CASE {" ".join(cases)} END AS reason
		FROM `tabFollow Up` f LEFT JOIN {query.tables(f"x.name = f.reference_name AND {query.same_doctype()}")}
		WHERE f.rule = {escape(rule.name)} AND f.status = 'Open' HAVING reason IS NOT NULL""",
		as_dict=True,
	)


def cancelled_documents(rules_that_may: Collection[str]) -> list["frappe._dict"]:
	"""Open follow ups, planned by hand or made by any rule but these, about documents that are cancelled."""
	but = f"AND (f.rule IS NULL OR f.rule NOT IN ({listed(rules_that_may)}))" if rules_that_may else ""
	selects = [
		f"""SELECT f.name, f.reference_doctype, f.reference_name, f.party_type, f.party, f.deal,
			{escape(model.DOCUMENT_CANCELLED)} AS reason
		FROM `tabFollow Up` f JOIN `tab{doctype}` x ON x.name = f.reference_name
		WHERE f.status = 'Open' AND f.reference_doctype = {escape(doctype)} AND x.docstatus = 2 {but}"""
		for doctype in REFERENCES
		if frappe.get_meta(doctype).is_submittable
	]
	return _ask(f"{' UNION ALL '.join(selects)} ORDER BY name", as_dict=True)


_MOVED = """f.name, f.reference_doctype, f.reference_name, f.party_type, f.party, f.deal, f.reference_owner, f.responsible,
	f.due_date, f.due_time, f.due_on,
	x.created_by"""
_UNUSABLE = """NOT EXISTS (SELECT 1 FROM tabUser u WHERE u.name = f.responsible AND u.enabled = 1
	AND u.user_type = 'System User')"""


def to_move(rule: Rule) -> list["frappe._dict"]:
	"""Open follow ups of a rule whose document may have another owner than when they were made, or whose responsible
	was disabled. `person` is whom the document names now."""
	query = Query(rule, None)
	person = query.person()
	changed = _UNUSABLE
	if rule.assign_to not in (rules.FIXED, rules.ROUND_ROBIN):
		changed = f"(NOT ({person} <=> f.reference_owner) OR {_UNUSABLE})"
	return _ask(
		f"""SELECT {_MOVED}, {person} AS person
		FROM `tabFollow Up` f JOIN {query.tables(f"x.name = f.reference_name AND {query.same_doctype()}", person=True)}
		WHERE f.rule = {escape(rule.name)} AND f.status = 'Open' AND {changed}""",
		as_dict=True,
	)


def planned_to_move(doctype: str) -> list["frappe._dict"]:
	"""As `to_move`, for follow ups about documents of a DocType that people planned. What somebody is asked for because
	of a role carries a key: it is not for whoever holds the document."""
	columns = references.columns(REFERENCES[doctype])
	return _ask(
		f"""SELECT {_MOVED}, COALESCE(x.`owner`, x.created_by) AS person
		FROM `tabFollow Up` f JOIN (SELECT name, {columns} FROM `tab{doctype}`) x ON x.name = f.reference_name
		WHERE f.reference_doctype = {escape(doctype)} AND f.status = 'Open' AND COALESCE(f.rule, '') = ''
			AND COALESCE(f.rule_key, '') = ''
			AND (NOT (COALESCE(x.`owner`, x.created_by) <=> f.reference_owner) OR {_UNUSABLE})
		ORDER BY f.name""",
		as_dict=True,
	)


def _ask(query: str, **kwargs):
	try:
		return frappe.db.sql(query, **kwargs)
	except (
		frappe.db.ProgrammingError,
		frappe.db.OperationalError,
		frappe.db.InternalError,
		frappe.db.DataError,
	) as error:
		if error.args and error.args[0] in _SENSELESS:
			raise BrokenRule(str(error.args[-1])) from error
		raise
