"""The configured stages, as the rules want them, and the checks on what an administrator enters."""

import frappe
from frappe import _
from frappe.utils import flt

from crm_ext.deals.big_deals import Limit
from crm_ext.deals.corrections import SWITCHES
from crm_ext.deals.model import Stage, Stages

_CACHE_KEY = "crm_ext_stages"
_MAP_FIELDS = {"Lead": ("status", "qualification_status"), "Opportunity": ("status", "sales_stage")}


def get_stages() -> Stages:
	"""Stages and stage map of this site. Cached; cleared when either changes."""
	return _build(frappe.cache.get_value(_CACHE_KEY, _read))


def is_enabled() -> bool:
	return bool(frappe.cache.get_value(_CACHE_KEY, _read)["enabled"])


def get_corrections() -> frozenset[str]:
	"""Switches of `corrections.SWITCHES` that are on. Cached like the stages."""
	return frozenset(frappe.cache.get_value(_CACHE_KEY, _read).get("corrections") or ())


def get_big_deal_limits() -> list[Limit]:
	"""Who hears of big deals. Cached like the stages."""
	return [Limit(*row) for row in frappe.cache.get_value(_CACHE_KEY, _read).get("big_deals") or ()]


def clear_cache() -> None:
	"""Forget the stages now and once more when the transaction ends: until then this one may cache what never
	comes true, and others what is no longer true."""
	_forget()
	frappe.db.after_commit.add(_forget)
	frappe.db.after_rollback.add(_forget)


def _forget() -> None:
	frappe.cache.delete_value(_CACHE_KEY)


def _read() -> dict:
	settings = frappe.get_doc("CRM Ext Settings")
	return {
		"stages": frappe.get_all(
			"Deal Stage",
			fields=["name", "sequence", "kind", "reached_by"],
			order_by="sequence, name",
			as_list=True,
		),
		"mapped": [(row.document_type, row.fieldname, row.value, row.stage) for row in settings.stage_map],
		"direct": settings.deals_from_direct_invoices,
		"enabled": settings.deals_enabled,
		"big_deals": [
			(row.user, flt(row.amount), row.company or None, row.currency or None)
			for row in settings.get("big_deal_limits") or ()
		],
		"corrections": [switch for switch in SWITCHES if settings.get(switch)],
	}


def _build(read: dict) -> Stages:
	stages = [Stage(*row) for row in read["stages"]]
	return Stages(
		by_name={stage.name: stage for stage in stages},
		by_kind_of_voucher={stage.reached_by: stage for stage in stages if stage.reached_by},
		mapped={(doctype, field, value): stage for doctype, field, value, stage in read["mapped"]},
		deals_from_direct_invoices=bool(read["direct"]),
	)


def check_stage(stage) -> None:
	"""One stage for each kind of voucher, one sequence for each stage, one stage for lost deals."""
	others = frappe.get_all(
		"Deal Stage",
		filters={"name": ("!=", stage.name or "")},
		fields=["name", "sequence", "reached_by", "kind"],
		order_by="sequence",
	)
	for other in others:
		if other.sequence == stage.sequence:
			frappe.throw(_("Sequence {0} is already taken by stage {1}.").format(stage.sequence, other.name))
		if stage.reached_by and other.reached_by == stage.reached_by:
			frappe.throw(_("{0} already brings deals to stage {1}.").format(_(stage.reached_by), other.name))
		if stage.kind == "Lost" and other.kind == "Lost":
			frappe.throw(_("Only one stage can be of kind Lost; {0} already is.").format(other.name))
	if stage.kind == "Lost" and stage.reached_by:
		frappe.throw(_("A stage of kind Lost is reached by the stage map only, not by a voucher."))


def check_stage_removal(stage) -> None:
	if stage.reached_by or stage.kind == "Lost":
		frappe.throw(
			_("Stage {0} cannot be deleted: deals reach it by their vouchers. You can rename it.").format(
				stage.name
			)
		)


def refuse_by_hand() -> None:
	frappe.throw(_("Deals are kept up by the app and cannot be changed by hand."), frappe.PermissionError)


def rename_columns(old: str, new: str) -> None:
	"""Boards name their columns by text; let them follow a renamed stage."""
	boards = frappe.get_all(
		"Kanban Board", {"reference_doctype": "Deal", "field_name": "stage"}, pluck="name"
	)
	if boards:
		frappe.db.set_value(
			"Kanban Board Column", {"parent": ("in", boards), "column_name": old}, "column_name", new
		)


def check_map(settings) -> None:
	seen = set()
	for row in settings.stage_map:
		if row.fieldname not in _MAP_FIELDS.get(row.document_type, ()):
			frappe.throw(
				_("Row {0}: {1} has no field {2} to map.").format(
					row.idx, _(row.document_type), row.fieldname
				)
			)
		key = (row.document_type, row.fieldname, row.value)
		if key in seen:
			frappe.throw(_("Row {0}: {1} is mapped twice.").format(row.idx, row.value))
		seen.add(key)
