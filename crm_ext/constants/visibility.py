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
	# Field of Deal that names it: where nobody of `user` and `team` is named, whoever has a deal with it may read it. Not of
	# leads, which ERPNext gives to whoever enters or imports them.
	of_deals: str | None = None


HOLDERS = {
	"Lead": Holders(user="lead_owner"),
	"Opportunity": Holders(user="opportunity_owner", deal=True),
	"Prospect": Holders(user="prospect_owner", of_deals="party"),
	"Customer": Holders(user="account_manager", team=True, of_deals="customer"),
	"Quotation": Holders(deal=True),
	"Sales Order": Holders(team=True, deal=True),
	"Deal": Holders(user="owner_user", person="sales_person"),
}
# Field: a Territory, whose manager sees it where the settings say so. All of HOLDERS have it.
TERRITORY = "territory"

# What one searches by instead of reading a table along `modified` until twenty rows are found that one may see. Made
# only where visibility is switched on. Composite on purpose: Frappe's schema sync drops single-column indexes that the
# DocType does not declare.
INDEXES: list[tuple[str, str, list[str]]] = [
	("Customer", "crm_ext_manager", ["account_manager", "name"]),
	*(
		(doctype, "crm_ext_maker", ["owner", "name"])
		for doctype in ("Customer", "Deal", "Quotation", "Sales Order", "Delivery Note", "Sales Invoice")
	),
	("Sales Team", "crm_ext_seller", ["sales_person", "parenttype", "parent"]),
	("Sales Team", "crm_ext_team", ["parent", "parenttype"]),
	("Deal", "crm_ext_user_customer", ["owner_user", "customer"]),
	("Deal", "crm_ext_person_customer", ["sales_person", "owner_user", "customer"]),
]
# The same where territories count, too.
TERRITORY_INDEXES = [(doctype, "crm_ext_territory", [TERRITORY, "name"]) for doctype in HOLDERS]
# Whose a record is, in one column, with the index (it, `modified`): of the records of one person the newest are read in
# their order, which "named, or nobody is named and made" cannot do. Computed by the database and invisible to
# `SELECT *`, so that nobody has to keep it up. Only where the user field alone names the holder.
HOLDER_COLUMN = "crm_ext_holder"
HOLDER_DOCTYPES = tuple(
	doctype for doctype, one in HOLDERS.items() if one.user and not (one.person or one.team)
)

# Follow ups have rules of their own (permissions.py), to which the people one sees are added.
FOLLOW_UP = "Follow Up"
COVERED = (*HOLDERS, FOLLOW_UP)
