"""What the desk is told when it starts, so that no form has to ask for it. Read from the cache."""

import frappe
from frappe.utils import cint


def extend_bootinfo(bootinfo: dict) -> None:
	settings = frappe.get_cached_doc("CRM Ext Settings")
	bootinfo["crm_ext"] = {"availability_enabled": cint(settings.get("availability_enabled"))}
