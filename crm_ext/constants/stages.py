"""Stages and the stage map as shipped; seeded once by `crm_ext.setup.defaults`, the site's own from then on."""

# name, sequence, kind, reached by, probability %, rotting after days, colour
STAGES = (
	("Lead", 10, "Open", "Lead", 5, 14, "gray"),
	("Contacted", 20, "Open", "", 10, 14, "blue"),
	("Qualified", 30, "Open", "", 20, 21, "cyan"),
	("Opportunity", 40, "Open", "Opportunity", 35, 30, "purple"),
	("Quoted", 50, "Open", "Quotation", 60, 30, "orange"),
	("Ordered", 60, "Won", "Sales Order", 100, 45, "yellow"),
	("Delivered", 70, "Won", "Delivery", 100, 14, "pink"),
	("Invoiced", 80, "Won", "Invoice", 100, 45, "blue"),
	("Paid", 90, "Won", "Payment", 100, 0, "green"),
	("Lost", 100, "Lost", "", 0, 0, "red"),
)

# document type, field, value, stage
STAGE_MAP = (
	("Lead", "status", "Replied", "Contacted"),
	("Lead", "status", "Interested", "Qualified"),
	("Lead", "qualification_status", "In Process", "Contacted"),
	("Lead", "qualification_status", "Qualified", "Qualified"),
	("Lead", "status", "Do Not Contact", "Lost"),
	("Opportunity", "status", "Lost", "Lost"),
	("Opportunity", "status", "Closed", "Lost"),
)
