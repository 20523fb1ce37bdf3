"""What a site must have before the app is installed or migrated."""

import frappe
from frappe import _

SUPPORTED_MAJORS = (15,)


def before_install() -> None:
	check_site()


def before_migrate() -> None:
	check_site()


def check_site() -> None:
	"""Refuse a site without ERPNext, or with a version the app was not tried on, before anything is written.

	Raises frappe.IncompatibleApp, which bench prints as one line and answers with exit code 1.
	"""
	if "erpnext" not in frappe.get_installed_apps():
		raise frappe.IncompatibleApp(
			_("CRM Ext needs ERPNext on this site. Run: bench --site {0} install-app erpnext").format(
				frappe.local.site
			)
		)
	for app in ("frappe", "erpnext"):
		version = frappe.get_attr(f"{app}.__version__")
		if major(version) not in SUPPORTED_MAJORS:
			raise frappe.IncompatibleApp(
				_("CRM Ext supports version {0} of Frappe and ERPNext; {1} here is {2}.").format(
					", ".join(str(m) for m in SUPPORTED_MAJORS), app, version
				)
			)


def major(version: str) -> int:
	"""The leading number of a version such as "15.99.1" or "16.0.0-dev"; 0 where there is none."""
	head = version.split(".", 1)[0]
	return int(head) if head.isdigit() else 0


def before_app_uninstall(app_name: str) -> None:
	"""Removing ERPNext first would leave the app's tables pointing at nothing."""
	if app_name == "erpnext":
		frappe.throw(_("Uninstall crm_ext before ERPNext."))
