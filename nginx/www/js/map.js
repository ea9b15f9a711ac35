// The sector map: a treemap of market cap, coloured by a change.
import { $, h, say, tip, untip } from "./dom.js";
import { NONE, big, percent } from "./format.js";

// Ends of the scale; the nearest one that nine of ten companies lie within.
const ends = [0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.4, 0.6];
const STEPS = 4;

let rows = [];
let bySector = true;
let pick = () => {};
let drawn = "";

export function onPick(f) {
	pick = f;
}

const known = (v) => typeof v === "number";

function scaleEnd(field) {
	const sizes = rows.map((r) => r[field]).filter(known).map(Math.abs);
	const most = globalThis.d3.quantile(sizes, 0.9) ?? 0;
	return ends.find((e) => e >= most) ?? ends.at(-1);
}

/** -4 … 4, or "x" where there is no figure. */
function step(v, end) {
	if (!known(v))
		return "x";
	const s = Math.round(v / end * STEPS);
	return Math.max(-STEPS, Math.min(STEPS, s)) || 0;
}

function legend(end) {
	const items = [];
	for (let s = -STEPS; s <= STEPS; s++) {
		const label = s === 0 ? "0" : s % 2 === 0 ? percent(end * s / STEPS, true).replace(/\.?0*%$/, "%") : "";
		items.push(h("li", { class: `b${s}` }, label));
	}
	items.push(h("li", { class: "bx" }, NONE));
	$("legend").replaceChildren(...items);
}

function tree() {
	const groups = new Map();
	for (const r of rows) {
		if (!(r["Market Cap"] > 0))
			continue;
		const name = (bySector ? r.Sector : r.Industry) ?? "Other";
		if (!groups.has(name))
			groups.set(name, []);
		groups.get(name).push(r);
	}
	return globalThis.d3.hierarchy({ children: [...groups].map(
		([name, children]) => ({ name, children })) })
		.sum((d) => d["Market Cap"] ?? 0)
		.sort((a, b) => b.value - a.value);
}

function about(r, field, label) {
	return [h("strong", {}, r.Ticker), ` ${r.Company ?? ""}`, h("br"),
		`${r.Industry ?? NONE}`, h("br"),
		`Market cap ${big(r["Market Cap"])}`, h("br"),
		`${label[0].toUpperCase()}${label.slice(1)} ${percent(r[field], true)}`];
}

function box(name, node, attributes, ...children) {
	const e = h(name, attributes, ...children);
	e.style.left = `${node.x0}px`;
	e.style.top = `${node.y0}px`;
	e.style.width = `${node.x1 - node.x0}px`;
	e.style.height = `${node.y1 - node.y0}px`;
	return e;
}

function tile(leaf, field, label, end) {
	const r = leaf.data;
	const width = leaf.x1 - leaf.x0, height = leaf.y1 - leaf.y0;
	const size = Math.min(26, width / (r.Ticker.length * 0.8 + 0.5), height / 1.35);
	const fits = size >= 8.5;
	const b = box("button", leaf, {
		type: "button", class: `tile b${step(r[field], end)}`, tabindex: "-1",
		"data-ticker": r.Ticker,
		"aria-label": `${r.Company ?? r.Ticker}, market cap ${big(r["Market Cap"])}, ${label} ${percent(r[field], true)}`,
	}, ...(fits ? [h("b", {}, r.Ticker)] : []),
	...(fits && size >= 10 && height > size * 1.2 + 15 && width > 56
		? [h("span", {}, percent(r[field], true))] : []));
	if (fits)
		b.style.fontSize = `${Math.min(size, Math.max(10, Math.sqrt(width * height) / 5))}px`;
	b.addEventListener("pointermove", (e) => tip(e.clientX, e.clientY, ...about(r, field, label)));
	b.addEventListener("focus", () => {
		const at = b.getBoundingClientRect();
		tip(at.left + at.width / 2, at.top + at.height / 2, ...about(r, field, label));
	});
	b.addEventListener("blur", untip);
	b.addEventListener("click", () => {
		untip();
		pick(r.Ticker);
	});
	return b;
}

function draw() {
	const place = $("map");
	const { clientWidth: width, clientHeight: height } = place;
	if (!globalThis.d3?.treemap) {
		say(place, "The chart library is missing (Debian’s node-d3-hierarchy and node-d3-array).");
		return;
	}
	const { value: field, text: label } = $("colour").selectedOptions[0];
	const end = scaleEnd(field);
	legend(end);
	const root = globalThis.d3.treemap().size([width, height]).paddingOuter(1)
		.paddingTop((n) => n.depth === 1 ? 19 : 0).paddingInner(1).round(true)(tree());
	const heads = (root.children ?? []).filter((g) => g.value > 0).map((g) =>
		box("p", { ...g, x0: g.x0 + 1, y1: g.y0 + 19 }, { class: "group", "aria-hidden": "true" }, g.data.name));
	const had = document.activeElement?.dataset.ticker;
	const tiles = root.leaves().filter((l) => l.depth === 2)
		.map((l) => tile(l, field, label, end));
	place.replaceChildren(...heads, ...tiles);
	const here = tiles.find((t) => t.dataset.ticker === had) ?? tiles[0];
	if (here)
		here.tabIndex = 0;
	if (had && place.dataset.focus === "1")
		here?.focus();
	drawn = `${width}x${height}`;
}

/** One tab stop; the arrow keys walk to the nearest tile on that side. */
function walk(event) {
	const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
	const from = event.target.closest(".tile");
	if (!way || !from)
		return;
	event.preventDefault();
	const centre = (e) => [e.offsetLeft + e.offsetWidth / 2, e.offsetTop + e.offsetHeight / 2];
	const [x, y] = centre(from);
	let best = null, least = Infinity;
	for (const t of $("map").querySelectorAll(".tile")) {
		const [u, v] = centre(t);
		const along = (u - x) * way[0] + (v - y) * way[1];
		const across = Math.abs((u - x) * way[1]) + Math.abs((v - y) * way[0]);
		if (along > 2 && along + 2.5 * across < least) {
			least = along + 2.5 * across;
			best = t;
		}
	}
	if (!best)
		return;
	from.tabIndex = -1;
	best.tabIndex = 0;
	best.focus();
}

export function showMap(data, sectors) {
	rows = data;
	bySector = sectors;
	say($("map-title"), sectors ? "Sector map" : "Industry map");
	draw();
}

$("colour").addEventListener("change", draw);
$("map").addEventListener("keydown", walk);
$("map").addEventListener("focusin", () => { $("map").dataset.focus = "1"; });
$("map").addEventListener("focusout", () => { $("map").dataset.focus = ""; });
$("map").addEventListener("pointerleave", untip);
new ResizeObserver(() => {
	const { clientWidth, clientHeight } = $("map");
	if (rows.length && drawn !== `${clientWidth}x${clientHeight}`)
		draw();
}).observe($("map"));
