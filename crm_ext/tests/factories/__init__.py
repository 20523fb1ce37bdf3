"""Documents for tests, made through ERPNext's own controllers and mappers.

`ensure_site` commits once a company with items, parties and accounts; everything else belongs to the test that
asks for it and is rolled back with it.
"""

from crm_ext.tests.factories.follow_ups import make_rule
from crm_ext.tests.factories.payments import make_journal_receipt, make_payment, reconcile, unreconcile
from crm_ext.tests.factories.people import (
	make_employee,
	make_holiday_list,
	make_sales_person,
	make_stand_in,
	make_user,
)
from crm_ext.tests.factories.selling import (
	add_quotation_to_order,
	amend,
	gross,
	item_rows,
	make_customer,
	make_delivery_note,
	make_direct_invoice,
	make_lead,
	make_opportunity,
	make_prospect,
	make_quotation,
	make_return,
	make_sales_invoice,
	make_sales_order,
	take_share,
)
from crm_ext.tests.factories.site import (
	COMPANY,
	CUSTOMER,
	FOREIGN_CUSTOMER,
	ITEM,
	OTHER_COMPANY,
	OTHER_ITEM,
	SERVICE,
	cash_account,
	cost_center,
	ensure_site,
	ensure_supplier,
	unique,
	warehouse,
)

__all__ = [
	"COMPANY",
	"CUSTOMER",
	"FOREIGN_CUSTOMER",
	"ITEM",
	"OTHER_COMPANY",
	"OTHER_ITEM",
	"SERVICE",
	"add_quotation_to_order",
	"amend",
	"cash_account",
	"cost_center",
	"ensure_site",
	"ensure_supplier",
	"gross",
	"item_rows",
	"make_customer",
	"make_delivery_note",
	"make_direct_invoice",
	"make_employee",
	"make_holiday_list",
	"make_journal_receipt",
	"make_lead",
	"make_opportunity",
	"make_payment",
	"make_prospect",
	"make_quotation",
	"make_return",
	"make_rule",
	"make_sales_invoice",
	"make_sales_order",
	"make_sales_person",
	"make_stand_in",
	"make_user",
	"reconcile",
	"take_share",
	"unique",
	"unreconcile",
	"warehouse",
]
