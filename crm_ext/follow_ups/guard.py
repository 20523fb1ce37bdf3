"""What happens beside somebody's own transaction must not fail it."""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe

from crm_ext.deals.locks import is_lock_error

_SAVEPOINT = "crm_ext_follow_up"
_DEPTH = "crm_ext_best_effort_depth"


@contextmanager
def best_effort(what: str, doctype: str, name: str) -> Iterator[None]:
	"""Run in a savepoint; undo and log with the reference instead of raising.

	Only a deadlock or a lock timeout is passed on, because the database has then undone more than our part.
	"""
	# One within another has a savepoint of its own: a second of the same name takes the first one's place.
	depth = getattr(frappe.local, _DEPTH, 0)
	savepoint = f"{_SAVEPOINT}_{depth}"
	frappe.db.savepoint(savepoint)
	setattr(frappe.local, _DEPTH, depth + 1)
	try:
		yield
	except Exception as error:
		if is_lock_error(error):
			raise
		frappe.db.rollback(save_point=savepoint)
		frappe.log_error(
			title=f"CRM Ext: {what}",
			message=frappe.get_traceback(with_context=True),
			reference_doctype=doctype,
			reference_name=name,
		)
	finally:
		setattr(frappe.local, _DEPTH, depth)


def is_suspended() -> bool:
	"""While a site is being installed, migrated or patched nothing is done beside; the nightly pass catches up."""
	flags = frappe.flags
	return bool(
		flags.in_install or flags.in_migrate or flags.in_patch or flags.in_uninstall or flags.in_setup_wizard
	)
