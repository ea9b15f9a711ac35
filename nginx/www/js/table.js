// The companies: a table that sorts by any column and filters by text.
import { $, h, say } from "./dom.js";
import { NONE, big, count, fixed, percent } from "./format.js";

const change = (v) => percent(v, true);
// field, heading, what it means where the heading is short, how it is shown
const columns = [
	["Ticker", "Ticker", null, null],
	["Company", "Company", null, null],
	["price", "Price", "in dollars", fixed],
	["Change", "Change", "today", change],
	["Market Cap", "Market cap", "in dollars", big],
	["Sector", "Sector", null, null],
	["pe", "P/E", "price to earnings", fixed],
	["fpe", "Fwd P/E", "price to expected earnings", fixed],
	["pb", "P/B", "price to book", fixed],
	["dividend", "Dividend", "dividend yield", percent],
	["roe", "ROE", "return on equity", percent],
	["beta", "Beta", null, fixed],
	["Perf Month", "1 month", "performance of one month", change],
	["Perf Year", "1 year", "performance of one year", change],
	["Volume", "Volume", "shares traded today", big],
	["expected_annual_return", "Return p.a.", "annual return", change],
	["expected_annual_risk", "Risk p.a.", "annual risk", percent],
].map(([field, title, what, show]) => ({ field, title, what, show }));
const returns = (c) => c.field.startsWith("expected_");

let rows = [];
let shown = [];
let order = { field: "Market Cap", down: true };
let words = [];
let withReturns = false;

const compare = new Intl.Collator("en", { numeric: true }).compare;

/** Missing figures come last, whichever way the table is sorted. */
function sorted(list) {
	const { field, down } = order;
	const turn = down ? -1 : 1;
	return list.toSorted((a, b) => {
		const x = a[field] ?? null, y = b[field] ?? null;
		if (x === null || y === null)
			return (x === null) - (y === null) || compare(a.Ticker, b.Ticker);
		const d = typeof x === "string" ? compare(x, y) : x - y;
		return turn * d || compare(a.Ticker, b.Ticker);
	});
}

const matches = (row) => words.every((w) =>
	[row.Ticker, row.Company, row.Industry].some((t) => t?.toLowerCase().includes(w)));

function head() {
	const line = $("table").tHead.rows[0];
	line.replaceChildren(...columns.filter((c) => withReturns || !returns(c)).map((c) => {
		const mine = order.field === c.field;
		const button = h("button", { type: "button", title: c.what }, c.title,
			h("span", { class: "arrow", "aria-hidden": "true" }));
		button.addEventListener("click", () => sort(c));
		return h("th", { scope: "col", class: c.show ? "num" : null,
			"data-field": c.field,
			"aria-sort": mine ? order.down ? "descending" : "ascending" : null }, button);
	}));
}

function sort(column) {
	order = {
		field: column.field,
		down: order.field === column.field ? !order.down : Boolean(column.show),
	};
	draw();
	document.querySelector(`th[data-field="${column.field}"] button`).focus();
}

function cell(row, c) {
	const v = row[c.field];
	if (c.field === "Ticker")
		return h("th", { scope: "row" }, v);
	if (!c.show)
		return h("td", c.field === "Company" ? { class: "company" } : {}, v ?? NONE);
	const sign = c.show === change && typeof v === "number" && Math.abs(v) >= 5e-5
		? v > 0 ? " up" : " down" : "";
	const missing = v === null || v === undefined;
	return h("td", { class: `num${sign}${missing ? " none" : ""}` }, c.show(v));
}

function draw() {
	head();
	const cells = columns.filter((c) => withReturns || !returns(c));
	shown = sorted(rows.filter(matches));
	$("table").tBodies[0].replaceChildren(...shown.map((row) =>
		h("tr", { "data-ticker": row.Ticker }, ...cells.map((c) => cell(row, c)))));
	say($("count"), rows.length === 0 ? "none"
		: shown.length === rows.length ? `${count(rows.length)} in all`
			: `${count(shown.length)} of ${count(rows.length)}`);
}

export function showTable(data, returnsThere) {
	rows = data;
	withReturns = returnsThere;
	if (!withReturns && order.field.startsWith("expected_"))
		order = { field: "Market Cap", down: true };
	draw();
}

/** Bring a company's row into sight. */
export function reveal(ticker) {
	if (!shown.some((r) => r.Ticker === ticker)) {
		$("search").value = "";
		words = [];
		draw();
	}
	for (const old of $("table").querySelectorAll("tr.here"))
		old.classList.remove("here");
	const line = $("table").querySelector(`tr[data-ticker="${CSS.escape(ticker)}"]`);
	if (!line)
		return;
	line.classList.add("here");
	line.scrollIntoView({ block: "center", inline: "nearest" });
	document.querySelector(".scroll").focus({ preventScroll: true });
}

$("search").addEventListener("input", () => {
	words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
	draw();
});
