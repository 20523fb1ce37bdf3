// Copyright (c) 2026, crm_ext contributors
// License: GPL-3.0-or-later. See license.txt

// How what can be promised is told: in colour and in words. Rows are those of crm_ext.api.availability.

const escape = (text) => frappe.utils.escape_html(String(text ?? ""));

const day = (date) => frappe.datetime.str_to_user(date);

// Without the zeros nobody reads.
const number = (value) => {
	const rounded = flt(value, 3);
	const [, decimals = ""] = String(rounded).split(".");
	return format_number(rounded, null, decimals.length);
};

const quantity = (value, uom) => (uom ? `${number(value)} ${__(uom)}` : number(value));

const is_in_stock = ({ promised_by }) => promised_by === "Stock";

// What is to be said of a row, the worst first.
function marks(row) {
	if (row.kind === "Service") {
		return [{ name: "service", color: "gray", label: __("Not Kept in Stock") }];
	}
	const found = [];
	if (row.short > 0) {
		const short = quantity(row.short, row.stock_uom);
		found.push({ name: "short", color: "red", label: __("Short by {0}", [short]) });
	}
	if (!row.promise_on) {
		found.push({ name: "unknown", color: "red", label: __("No Date Known") });
	} else if (row.late) {
		const days = frappe.datetime.get_day_diff(row.promise_on, row.needed_on);
		const label = days > 0 ? __("{0} Days Late", [days]) : __("Late");
		found.push({ name: "late", color: "orange", label });
	}
	if (row.overdue_supply) {
		found.push({ name: "overdue", color: "orange", label: __("Receipt Is Overdue") });
	}
	if (found.length) return found;
	return is_in_stock(row)
		? [{ name: "stock", color: "green", label: __("In Stock", null, "Supply") }]
		: [{ name: "coming", color: "blue", label: __("On Its Way") }];
}

const is_trouble = ({ name }) => ["short", "unknown", "late", "overdue"].includes(name);

const pill = ({ name, color, label }) =>
	`<span class="indicator-pill ${color}" data-mark="${name}">${escape(label)}</span>`;

const source = ({ promised_by }) =>
	({
		Stock: __("Stock", null, "Availability"),
		Purchase: __("Purchase", null, "Availability"),
		Production: __("Production", null, "Availability"),
		"Lead Time": __("Lead Time", null, "Availability"),
	}[promised_by] || "");

// All rows in a line.
function summary(rows) {
	const goods = rows.filter((row) => row.kind !== "Service");
	if (!goods.length) return "";
	const found = goods.flatMap(marks).map(({ name }) => name);
	const with_mark = (mark) => found.filter((name) => name === mark).length;
	const counts = [
		{ name: "short", color: "red", label: __("Short: {0}", [with_mark("short")]) },
		{ name: "unknown", color: "red", label: __("No Date Known: {0}", [with_mark("unknown")]) },
		{ name: "late", color: "orange", label: __("Late: {0}", [with_mark("late")]) },
		{ name: "overdue", color: "orange", label: __("Receipt Is Overdue: {0}", [with_mark("overdue")]) },
	].filter(({ name }) => with_mark(name));
	// What rests on a receipt whose day has passed is nothing to promise.
	if (goods.every((row) => row.promise_on && !row.overdue_supply)) {
		const last = goods
			.map((row) => row.promise_on)
			.sort()
			.pop();
		counts.push(
			goods.every(is_in_stock)
				? { name: "stock", color: "green", label: __("All in Stock") }
				: { name: "coming", color: "blue", label: __("All Can Be Promised for {0}", [day(last)]) }
		);
	}
	return counts.map(pill).join(" ");
}

// Under a row of the grid; nothing where all is well.
function trouble(row) {
	const found = marks(row).filter(is_trouble);
	if (!found.length) return "";
	const when = row.promise_on
		? `<span>${escape(__("Can be promised for {0}", [day(row.promise_on)]))}</span>`
		: "";
	return `${found.map(pill).join(" ")} ${when}`;
}

export { day, escape, marks, number, pill, quantity, source, summary, trouble };
