import sys

__version__ = "0.1.0"

# Frappe imports the module "CRM Ext" as `crm_ext.crm_ext`; this makes that the app package itself, so that
# doctype/, report/ and the other rooms sit directly in the app (docs/architecture.md).
sys.modules[f"{__name__}.crm_ext"] = sys.modules[__name__]
