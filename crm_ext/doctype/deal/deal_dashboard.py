from frappe import _


def get_data() -> dict:
	return {
		"fieldname": "deal",
		"internal_links": {"Lead": "lead", "Customer": "customer"},
		"transactions": [
			{"label": _("Party"), "items": ["Lead", "Customer"]},
			{"label": _("Selling"), "items": ["Opportunity", "Quotation", "Sales Order"]},
			{"label": _("Fulfillment"), "items": ["Delivery Note", "Sales Invoice"]},
			{
				"label": _("Supply"),
				"items": [
					"Material Request",
					"Purchase Order",
					"Purchase Receipt",
					"Work Order",
					"Stock Reservation Entry",
				],
			},
			{"label": _("History"), "items": ["Deal Ledger Entry", "Deal Stage Change"]},
		],
	}
