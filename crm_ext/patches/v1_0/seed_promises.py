"""Sites that had follow ups before they knew promises to pay get the switches of these, and the rule for broken ones."""

from crm_ext.setup import defaults


def execute() -> None:
	defaults.seed_promises()
