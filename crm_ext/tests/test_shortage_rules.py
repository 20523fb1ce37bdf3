"""What is left to buy, by pure rules: lots, drafts that stand for rows, links ERPNext accepts."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from crm_ext.supply.model import BUNDLE, MADE, SERVICE, STOCK, Availability
from crm_ext.supply.shortage_lines import Line, Running, Source, allot, lines_of, names_others
from crm_ext.supply.shortage_rules import NOISE, Lot, Terms, lot_qty, quantities, split

ITEM = "Turbine"
WHOLE = Lot(whole_units=True, whole_stock=True)
lots = st.builds(
	Lot,
	factor=st.sampled_from([0.5, 1.0, 2.5, 12.0]),
	whole_units=st.booleans(),
	whole_stock=st.booleans(),
	minimum=st.sampled_from([0.0, 1.0, 7.0, 50.0]),
)
amounts = st.floats(0, 200, allow_nan=False).map(lambda qty: round(qty, 3))


def source(key="row", qty=10.0, **values) -> Source:
	return Source(
		**{"key": key, "item_code": ITEM, "qty": qty, "warehouse": "Stores", "pool": "Stores", **values}
	)


def line(key="row", short=10.0, **values) -> Line:
	return Line(key, source(key, short, **values), ITEM, STOCK, short, short)


def draft(open_qty=10.0, **values) -> Running:
	given = {
		"doctype": "Material Request",
		"name": "MR",
		"row": f"row of {sorted(values.items())}",
		"item_code": ITEM,
		"qty": open_qty,
		"open": open_qty,
		"status": "Draft",
		"is_draft": True,
		"is_extra": True,
		"warehouse": "Stores",
	}
	return Running(**(given | values))


def opened(lines, drafts, plan=False, pools=None) -> list[float]:
	found = allot(lines, drafts, pools or {}, plan)
	return [found.open(one) for one in lines]


class TestLots:
	def test_whole_boxes(self):
		assert lot_qty(13, Lot(factor=12, whole_units=True)) == 24

	def test_minimum(self):
		assert lot_qty(3, replace(WHOLE, minimum=50)) == 50

	def test_minimum_in_boxes(self):
		assert lot_qty(3, Lot(12, True, True, 50)) == 60

	def test_units_of_two_and_a_half_pieces(self):
		assert lot_qty(3, Lot(2.5, True, True)) == 5

	def test_thirds_make_no_fourth_box(self):
		assert lot_qty(3 * (12 / 3), Lot(12, True, True)) == 12

	@given(amounts, lots)
	def test_covers_in_whole_lots_without_waste(self, short, lot):
		qty = lot_qty(short, lot)
		if short <= NOISE:
			assert qty == 0
			return
		assert qty >= max(short, lot.minimum) - 2 * NOISE
		if lot.step:
			assert abs(qty / lot.step - round(qty / lot.step)) < NOISE
			assert qty - lot.step < max(short, lot.minimum)
		else:
			assert qty == max(short, lot.minimum)

	@given(amounts, amounts, lots)
	def test_parts_add_up_and_can_be_bought(self, short, linkable, lot):
		qty = lot_qty(short, lot)
		linked, rest = split(qty, lot, linkable)
		assert abs(linked + rest - qty) < NOISE
		assert linked <= linkable + NOISE or qty <= NOISE
		for part in (linked, rest):
			assert part >= 0
			if lot.step:
				assert abs(part / lot.step - round(part / lot.step)) < NOISE

	@given(st.lists(amounts, min_size=1, max_size=6), lots)
	def test_rows_of_one_item_share_a_lot(self, shorts, lot):
		lines = [line(str(number), short) for number, short in enumerate(shorts)]
		terms = {one.key: Terms("Nos", "Box", lot) for one in lines}
		found = quantities(lines, {one.key: one.short for one in lines}, terms)
		wanted = sum(short for short in shorts if short > NOISE)
		assert abs(sum(found.values()) - lot_qty(wanted, lot)) < 1e-4
		bought = needed = 0.0
		for one in lines:  # whoever comes first is never left out for whoever comes after
			bought += found[one.key]
			needed += one.short if one.short > NOISE else 0
			assert bought >= needed - 1e-4

	def test_made_in_pieces_without_a_suppliers_minimum(self):
		terms = Terms("Nos", "Box", Lot(12, True, True, 50), supplier="S").in_stock_unit()
		assert (terms.uom, terms.supplier, lot_qty(4.2, terms.lot)) == ("Nos", None, 5)


class TestLines:
	def test_bundle_is_bought_by_its_parts(self):
		part = Availability("row", "Blade", 6, STOCK, short=4)
		service = Availability("row", "Talk", 2, SERVICE)
		found = {"row": Availability("row", ITEM, 2, BUNDLE, components=(part, service))}
		(one,) = lines_of([source(order="SO", packed=(("Blade", "packed", 6.0),))], found)
		assert (one.item_code, one.short, one.packed_item, one.order_item) == ("Blade", 4, "packed", None)

	def test_made_and_service(self):
		found = {
			"a": Availability("a", ITEM, 2, MADE, short=2),
			"b": Availability("b", ITEM, 2, SERVICE),
		}
		(one,) = lines_of([source("a"), source("b")], found)
		assert one.is_made

	def test_drop_shipment_needs_no_stock(self):
		(one,) = lines_of([source(drop_ship=True)], {})
		assert one.short == 10


class TestDrafts:
	def test_own_draft_counts(self):
		assert opened([line(order="SO")], [draft(4, order="SO", order_item="row")]) == [6]

	def test_plan_of_the_quotation_counts_for_its_order(self):
		rows = [line(order="SO", quotation="Q", quotation_item="q")]
		assert opened(rows, [draft(quotation="Q", quotation_item="q", quotation_is_live=True)]) == [0]

	def test_draft_of_another_order_does_not_count(self):
		mine, other = line("a", order="SO-1"), line("b", order="SO-2")
		assert opened([mine, other], [draft(order="SO-2", order_item="b")]) == [10, 0]

	def test_what_a_minimum_added_serves_others_in_their_order(self):
		rows = [line("a", 5, order="SO-1"), line("b", 30, order="SO-2"), line("c", 30, order="SO-3")]
		drafts = [draft(5, order="SO-1", order_item="a"), draft(45, row="rest")]
		assert opened(rows, drafts) == [0, 0, 15]

	def test_orders_do_not_rely_on_a_live_quotation(self):
		planned = draft(quotation="Q", quotation_item="q", quotation_is_live=True)
		assert opened([line(order="SO")], [planned]) == [10]

	def test_plans_share(self):
		planned = draft(quotation="Q", quotation_item="q", quotation_is_live=True)
		assert opened([line(quotation="P", quotation_item="p")], [planned], plan=True) == [0]

	def test_a_lost_quotations_plan_is_free(self):
		planned = draft(quotation="Q", quotation_item="q")
		assert opened([line(order="SO")], [planned]) == [0]

	def test_draft_made_from_a_request_counts_once(self):
		assert opened([line(order="SO")], [draft(order="SO", order_item="row", is_extra=False)]) == [10]

	def test_other_warehouse_does_not_help(self):
		assert opened([line(order="SO")], [draft(warehouse="Far Away")]) == [10]

	def test_warehouse_below_the_group_does(self):
		pools = {"All": frozenset({"Stores", "Near"})}
		assert opened([line(order="SO", pool="All")], [draft(warehouse="Near")], pools=pools) == [0]

	def test_component_is_found_by_the_order(self):
		bundle = Line("row:Blade", source(order="SO"), "Blade", STOCK, 6, 6)
		assert opened([bundle], [draft(4, item_code="Blade", order="SO")]) == [2]

	def test_others_are_asked_only_where_a_draft_may_be_theirs(self):
		mine = line(order="SO")
		assert not names_others([mine], [draft(order="SO", order_item="row")])
		assert names_others([mine], [draft(11, order="SO", order_item="row")])
		assert names_others([mine], [draft(1)])

	@given(
		st.lists(amounts, min_size=1, max_size=5), st.lists(st.tuples(amounts, st.integers(0, 6)), max_size=6)
	)
	def test_a_draft_is_given_away_once(self, shorts, given_drafts):
		rows = [line(str(number), short, order=f"SO-{number}") for number, short in enumerate(shorts)]
		drafts = [
			draft(
				qty,
				row=str(number),
				**({"order": f"SO-{to}", "order_item": str(to)} if to < len(rows) else {}),
			)
			for number, (qty, to) in enumerate(given_drafts)
		]
		left = opened(rows, drafts)
		covered = sum(one.short for one in rows) - sum(left)
		there = sum(one.open for one in drafts)
		assert covered <= there + 1e-4
		if sum(left) > 1e-4:  # something is open, so nothing lies about
			assert abs(covered - there) < 1e-4
