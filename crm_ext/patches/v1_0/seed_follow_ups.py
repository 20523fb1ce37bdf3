"""Sites that had the app before it knew follow ups get their switches, rules and board."""

from crm_ext.setup import defaults


def execute() -> None:
	defaults.seed_follow_ups()
