"""What the desk is told when it starts, so that no form has to ask for it. Read from the cache."""

import frappe
from frappe.utils import cint


def extend_bootinfo(bootinfo: dict) -> None:
	settings = frappe.get_cached_doc("CRM Ext Settings")
	switches = ("availability_enabled", "next_step_enabled", "quick_order_enabled")
	bootinfo["crm_ext"] = {switch: cint(settings.get(switch)) for switch in switches}
