"""What the demo company is made of: people, goods, markets. Constants only."""

from dataclasses import dataclass

from crm_ext.constants.roles import COLLECTOR, SALES_ASSISTANT

PASSWORD = "demo"

COMPANY = {
	"company_name": "Nordwind Trading",
	"company_abbr": "NT",
	"country": "Netherlands",
	"currency": "EUR",
	"timezone": "Europe/Amsterdam",
	"language": "English",
	"chart_of_accounts": "Standard",
	"bank_account": "House Bank",
}

# Currency of the company -> the other currency of the demo, and about what one of it is worth.
FOREIGN = {"EUR": ("USD", 0.92), "USD": ("EUR", 1.09)}


@dataclass(frozen=True)
class Person:
	first_name: str
	last_name: str
	gender: str
	roles: tuple[str, ...]
	# Has a place in the tree of Sales Persons.
	in_tree: bool = False

	@property
	def user(self) -> str:
		return f"{self.first_name.lower()}@example.com"

	@property
	def full_name(self) -> str:
		return f"{self.first_name} {self.last_name}"


_SALES = ("Sales User",)
SALES = (
	Person("Anna", "Lindqvist", "Female", _SALES, in_tree=True),
	Person("Ben", "Okafor", "Male", _SALES, in_tree=True),
	Person("Clara", "Moreau", "Female", _SALES, in_tree=True),
	Person("David", "Novak", "Male", _SALES, in_tree=True),
)
MANAGER = Person("Maria", "Keller", "Female", ("Sales User", "Sales Manager", "Sales Master Manager"), True)
ACCOUNTANT = Person("Felix", "Brandt", "Male", ("Accounts User", "Accounts Manager"))
BUYER = Person(
	"Greta", "Visser", "Female", ("Purchase User", "Purchase Manager", "Stock User", "Item Manager")
)
ASSISTANT = Person("Hanna", "Berg", "Female", (SALES_ASSISTANT,), in_tree=True)
BOOKKEEPER = Person("Kai", "Winter", "Male", ("Accounts User",))
DEBT_COLLECTOR = Person("Ivo", "Jansen", "Male", (COLLECTOR,))
PEOPLE = (MANAGER, *SALES, ACCOUNTANT, BUYER, ASSISTANT, BOOKKEEPER, DEBT_COLLECTOR)


@dataclass(frozen=True)
class Good:
	"""An item of ERPNext's own demo: its prices in company currency, and what one order takes of it."""

	selling: float
	buying: float
	least: int
	most: int


GOODS = {
	"SKU001": Good(18, 9, 100, 500),
	"SKU002": Good(980, 720, 4, 25),
	"SKU003": Good(24, 13, 50, 300),
	"SKU004": Good(640, 470, 4, 30),
	"SKU005": Good(79, 44, 30, 120),
	"SKU006": Good(9, 4, 100, 600),
	"SKU007": Good(520, 390, 3, 20),
	"SKU008": Good(49, 27, 40, 160),
	"SKU009": Good(129, 82, 20, 80),
	"SKU010": Good(720, 540, 3, 18),
}


@dataclass(frozen=True)
class Supply:
	"""How an item is bought: days until it comes, what is kept back, the least ordered at once, pieces in a box."""

	lead_days: int
	safety: int = 0
	least: int = 0
	box: int = 0


SUPPLY = {
	"SKU001": Supply(10, 50, 96, 12),
	"SKU002": Supply(18, 5),
	"SKU003": Supply(7, 20, 50),
	"SKU004": Supply(15, 5),
	"SKU005": Supply(12, 10),
	"SKU006": Supply(8, 48, 96, 24),
	"SKU007": Supply(24, 2),
	"SKU008": Supply(9, 10, 20),
	"SKU009": Supply(9, 10, 20),
	"SKU010": Supply(21, 4),
}
# Numbers a shop gives its goods itself (EAN-13 beginning with 20). The box of what is bought by the box has its own.
BARCODES = {
	"SKU001": "2000000000015",
	"SKU002": "2000000000022",
	"SKU003": "2000000000039",
	"SKU004": "2000000000046",
	"SKU005": "2000000000053",
	"SKU006": "2000000000060",
	"SKU007": "2000000000077",
	"SKU008": "2000000000084",
	"SKU009": "2000000000091",
	"SKU010": "2000000000107",
}
BOX_BARCODES = {"SKU001": "2000000001012", "SKU006": "2000000001067"}
# What can be sold in place of another item: code, name, the other one.
ALTERNATIVE = ("SKU011", "Smartphone, Second Generation", "SKU004")
# Goods sold as one: code, name, parts.
SET = ("SET001", "Welcome Set", (("SKU008", 1), ("SKU009", 1), ("SKU006", 2)))
# Purchases not received yet: item, quantity, due in days.
ON_THE_WAY = (("SKU002", 30, -3), ("SKU010", 24, 6), ("SKU005", 60, 15))
# Orders of the last days: customer, entered days ago, delivery in days, items.
NEW_ORDERS = (
	("Grant Plastics Ltd.", 6, 0, (("SKU009", 20), ("SKU003", 40))),
	("West View Software Ltd.", 4, 4, (("SKU002", 55), ("SKU008", 30))),
	("Palmer Productions Ltd.", 3, 9, (("SET001", 60),)),
	("Grant Plastics Ltd.", 1, -1, (("SKU010", 40),)),
)
# A quotation of yesterday: customer, items.
NEW_OFFER = ("Palmer Productions Ltd.", (("SKU002", 25), ("SKU004", 20), ("SKU006", 144)))
# Who has to approve what: document, measure, limit, role.
APPROVAL_LIMITS = (
	("Opportunity", "Value", 40000, "Sales Manager"),
	("Quotation", "Discount %", 10, "Sales Manager"),
	("Quotation", "Margin %", 15, "Sales Manager"),
	("Quotation", "Value", 40000, "Sales Manager"),
	("Sales Order", "Value", 50000, "Sales Manager"),
	("Sales Order", "Value", 150000, "Sales Master Manager"),
)
VERIFIER = "Accounts Manager"
# Who is told of deals, from which amount on.
BIG_DEALS = ((30000, MANAGER), (50000, ACCOUNTANT))


@dataclass(frozen=True)
class Asked:
	"""An opportunity, a quotation or an order of these days. `answer`: the action of whoever approves, none if it still waits."""

	seller: int
	items: tuple[tuple[str, int], ...]
	discount: float = 0
	answer: str | None = None
	said: str = ""


OPPORTUNITIES_ASKED = (
	Asked(1, (("SKU004", 100),)),
	Asked(2, (("SKU010", 70),), answer="Approve"),
)
OFFERS_ASKED = (
	Asked(3, (("SKU002", 12), ("SKU005", 40)), 15),
	Asked(0, (("SKU004", 10), ("SKU008", 60)), 12, "Approve"),
	Asked(
		2, (("SKU010", 10), ("SKU003", 100)), 25, "Send Back", "We would earn nothing. Offer free delivery."
	),
	# Within the limits: nobody has to be asked, but it is a big deal.
	Asked(0, (("SKU005", 420),)),
)
# Delivered in so many days. Goods few others wait for.
ORDERS_DELIVERED_IN = 28
ORDERS_ASKED = (
	Asked(1, (("SKU007", 104),)),
	Asked(0, (("SKU007", 100),), answer="Approve"),
)
# Customers and suppliers of ERPNext's own demo.
ERPNEXT_CUSTOMERS = ("Grant Plastics Ltd.", "West View Software Ltd.", "Palmer Productions Ltd.")
ERPNEXT_SUPPLIERS = ("Zuckerman Security Ltd.", "MA Inc.", "Summit Traders Ltd.")

HOME = ("Netherlands", "Belgium", "Germany", "France", "Nordics")
ABROAD = "North America"
TERRITORIES = (*HOME, ABROAD)

# Lead sources of ERPNext, by how many leads come from them.
SOURCES = {
	"Reference": 22,
	"Exhibition": 20,
	"Campaign": 18,
	"Advertisement": 14,
	"Cold Calling": 14,
	"Mass Mailing": 12,
}
# Sources that leads of a campaign name, and the campaigns by the quarter of the year they ran in.
CAMPAIGN_SOURCES = ("Exhibition", "Campaign", "Mass Mailing")
CAMPAIGNS = ("New Year Catalogue", "Spring Fair", "Summer Newsletter", "Autumn Webinar")

# Industry types of ERPNext, and what companies of it call themselves.
INDUSTRIES = {
	"Manufacturing": ("Engineering", "Precision", "Works"),
	"Retail & Wholesale": ("Retail", "Stores", "Outfitters"),
	"Education": ("Academy", "College", "Learning"),
	"Technology": ("Systems", "Digital", "Labs"),
	"Health Care": ("Clinics", "Care", "Medical"),
	"Transportation": ("Logistics", "Freight", "Shipping"),
	"Consulting": ("Advisory", "Consulting", "Partners"),
	"Food, Beverage & Tobacco": ("Foods", "Bakeries", "Catering"),
}
COMPANY_NAMES = (
	"Amstel Arden Aster Baltic Beacon Birch Boreas Brightwater Calder Cedar Corvus Dunmore Eastgate Elmwood Falk "
	"Fjord Greenfield Halden Harbour Heron Ironbridge Juniper Kestrel Kingsford Larch Linden Lumen Maasvlakte "
	"Meridian Northgate Oakfield Orion Pinewood Polder Quayside Redstone Rhine Rowan Saltmarsh Skagen Solstice "
	"Stonehill Tamarind Thornbury Tideway Verdant Vesta Waterford Westerly Zephyr"
).split()
LEGAL_FORMS = ("BV", "GmbH", "SA", "AB", "Ltd")
LEGAL_FORM_ABROAD = "Inc"
FIRST_NAMES = (
	"Adele Bastian Chiara Dirk Elena Finn Greta Hugo Ines Jonas Katja Lars Mila Nils Olga Pieter Rosa Stefan "
	"Tessa Viktor Wanda Yannick Zoe Marcus Lotte Emil"
).split()
LAST_NAMES = (
	"Albers Bakker Costa Dubois Eriksen Fischer Garcia Hansen Ivanov Janssen Koch Laurent Meyer Nilsson Olsen "
	"Peeters Quist Rossi Schmidt Thomas Ulrich Vermeer Weber Young Zimmer"
).split()
NOTES = (
	"Called: buys from a wholesaler today, contract ends this year.",
	"Met at the stand, asked for the catalogue and prices for larger quantities.",
	"Wrote back: wants samples before talking about prices.",
	"Spoke with purchasing; decision is with the head of the department.",
)
LOST_REASONS = ("Price too high", "Delivery takes too long", "Project cancelled", "No budget this year")
COMPETITORS = ("Alpha Supplies", "Delta Wholesale", "Omni Goods")
SALES_STAGES = ("Prospecting", "Qualification", "Needs Analysis", "Value Proposition")
MODES_OF_PAYMENT = ("Wire Transfer", "Wire Transfer", "Wire Transfer", "Bank Draft", "Credit Card")
