"""Who sees what: the scopes, the roles they are for, and who holds a record of each DocType."""

from dataclasses import dataclass

from crm_ext.constants.roles import SELLERS

OWN, OWN_AND_BELOW, BRANCH, ALL = "Own", "Own and Below", "Branch", "All"
# From narrow to wide.
SCOPES = (OWN, OWN_AND_BELOW, BRANCH, ALL)

# Rights that come from these alone are narrowed. Roles named in the settings count as sales roles, too.
SALES_ROLES = frozenset({*SELLERS, "Sales Manager", "Sales Master Manager"})


@dataclass(frozen=True, slots=True)
class Holders:
	"""What names whose a record is. Where none of `user`, `person` and `team` does, it is its creator's."""

	user: str | None = None  # field: a User
	person: str | None = None  # field: a Sales Person
	team: bool = False  # the table Sales Team
	deal: bool = False  # whoever has the deal it belongs to sees it as well


HOLDERS = {
	"Lead": Holders(user="lead_owner"),
	"Opportunity": Holders(user="opportunity_owner", deal=True),
	"Prospect": Holders(user="prospect_owner"),
	"Customer": Holders(user="account_manager", team=True),
	"Quotation": Holders(deal=True),
	"Sales Order": Holders(team=True, deal=True),
	"Deal": Holders(user="owner_user", person="sales_person"),
}
# Follow ups have rules of their own (permissions.py), to which the people one sees are added.
FOLLOW_UP = "Follow Up"
COVERED = (*HOLDERS, FOLLOW_UP)
